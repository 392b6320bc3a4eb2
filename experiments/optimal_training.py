"""Do cells and weights chosen for a dislocation beat usual ones at equal cost, in this one and in others?

Cells are chosen for one dislocation (``target``), and the fits asked about all three characters. ``bulk``
cells with fixed weights are what is usual; ``random`` draws from the pool that the choices are made from. The
cost is the number of atoms; with power 3 that of plane-wave DFT. The first reference is smooth (without kimpy
its rows fail and say so); the kink of fs:W at 3.25 Å limits every fit, whatever its data.
"""

from genmlip.studies import Study, grid
from genmlip.studies.selection import Selection

SMOOTH = "kim:EAM_Dynamo_ZhouJohnsonWadley_2004NISTretabulation_W__MO_914556822329_000"
SCREW, EDGE, MIXED = "bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"
CHARACTERS = [SCREW, EDGE, MIXED]
WAYS = ["bulk", "random", "quadrupole", "plausible"]

study = Study(
    runs=[
        *grid(target=[SCREW, EDGE], seed=range(5), cells=[*WAYS, "posterior"], dislocation=CHARACTERS),
        *grid(reference="fs:W", seed=range(4), cells=WAYS, dislocation=CHARACTERS),
        *grid(
            weights=["evidence", "goal"],
            seed=range(5),
            cells=["bulk", "plausible"],
            dislocation=CHARACTERS,
        ),
        *grid(
            power=3,
            budget=6e5,
            seed=range(4),
            cells=["bulk", "random", "plausible"],
            dislocation=CHARACTERS,
        ),
        *grid(seed=range(5), bulk_size=3, dislocation=CHARACTERS),
        *grid(seed=range(5), cells="plausible", richer="56,20", dislocation=CHARACTERS),
        *grid(seed=range(5), cells=["bulk", "plausible"], target=f"{SCREW}+{EDGE}", dislocation=CHARACTERS),
    ],
    quick=grid(
        reference="fs:W",
        cells=WAYS,
        seed=range(2),
        dislocation=CHARACTERS,
        radius=16.0,
        rounds=2,
        budget=400.0,
    ),
    kind=Selection,
    reference=SMOOTH,
)

if __name__ == "__main__":
    study.main()
