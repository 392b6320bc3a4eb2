"""Error of one potential against the radius of the simulated region (docs/theory.md, G2).

A fit depends on cell, observations and seed only: it is made once and asked about every radius. fs:W has a
kink, whose fits err in the elastic constants at zero strain only (docs/theory.md, section 15); the other
reference is smooth there and a small basis gets its elastic constants wrong at every strain. Without kimpy
its rows fail and say so.
"""

from genmlip.studies import Study, grid

DISLOCATIONS = ["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"]
SMOOTH = {
    "reference": "kim:EAM_Dynamo_ZhouJohnsonWadley_2004NISTretabulation_W__MO_914556822329_000",
    "symbol": "W",
    "cutoff": 6.0,
    "degree": "20,8",
}
FITS = {"observations": ["EF", "EFV"], "dislocation": DISLOCATIONS}
RADII = [12.0, 16.0, 20.0, 25.0, 32.0]

study = Study(
    runs=[
        *grid(reference="fs:W", radius=[*RADII, 45.0, 60.0, 90.0], cell=[2, 3], seed=range(5), **FITS),
        *grid(radius=[*RADII, 45.0, 60.0, 90.0], cell=[2, 3], seed=range(5), **FITS, **SMOOTH),
    ],
    quick=[
        *grid(reference="fs:W", radius=RADII, **FITS),
        *grid(radius=RADII, **FITS, **SMOOTH),
    ],
    cell=2,
    solver="bayes",
    virial_weight=30.0,
)

if __name__ == "__main__":
    study.main()
