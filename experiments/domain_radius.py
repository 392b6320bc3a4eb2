"""Error of one potential against the radius of the simulated region (docs/theory.md, G2).

A fit depends on cell, observations and seed only: it is made once and asked about every radius. The elastic
constants of fits to fs:W, which has a kink, are right at strains of one per cent and wrong at rest: their far
fields are told apart beyond some 50 Å (docs/theory.md, section 15). The other reference is smooth there and a
small basis gets its elastic constants wrong at every strain. Without kimpy its rows fail and say so.
"""

from genmlip.studies import Study, grid

SCREW, EDGE, MIXED = "bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"
KINKED = {"reference": "fs:W"}
SMOOTH = {
    "reference": "kim:EAM_Dynamo_ZhouJohnsonWadley_2004NISTretabulation_W__MO_914556822329_000",
    "symbol": "W",
    "cutoff": 6.0,
    "degree": "20,8",
}
LARGE = [20.0, 28.0, 40.0, 56.0, 80.0, 113.0, 160.0]
FITS = {"radius": LARGE, "observations": ["EF", "EFV"], "dislocation": [SCREW, EDGE, MIXED]}
# the period of an edge is three times theirs; five radii beyond 50 Å for each
FARTHER = FITS | {"radius": 226.0, "dislocation": [SCREW, MIXED]}
CLOSER = FITS | {"radius": 134.0, "dislocation": EDGE}

study = Study(
    runs=[
        run
        for seed in range(5)
        for reference in (KINKED, SMOOTH)
        for settings in (FITS, FARTHER, CLOSER)
        for run in grid(seed=seed, **settings, **reference)
    ],
    quick=[
        *grid(**FITS | {"radius": LARGE[:-1]}, **KINKED),
        *grid(**FITS | {"radius": [12.0, 16.0, 20.0, 25.0, 32.0]}, **SMOOTH),
    ],
    cell=2,
    solver="bayes",
    virial_weight=30.0,
)

if __name__ == "__main__":
    study.main()
