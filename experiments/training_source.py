"""Training on bulk cells, on quadrupoles of the dislocation itself, and on both (docs/theory.md, section 13).

The number of rattled atoms is the same in all three, and so are the strained bulk cells: what changes is
whether the forces of a core were seen.
"""

from genmlip.studies import Study, grid

SCREW = {
    "dislocation": "bcc-screw-111",
    "source": ["bulk", "quadrupole:bcc-screw-111", "bulk+quadrupole:bcc-screw-111"],
}
EDGE = {
    "dislocation": "bcc-edge-111",
    "source": ["bulk", "quadrupole:bcc-edge-111", "bulk+quadrupole:bcc-edge-111"],
}
MIXED = {
    "dislocation": "bcc-mixed-111",
    "source": ["bulk", "quadrupole:bcc-mixed-111", "bulk+quadrupole:bcc-mixed-111"],
}
LARGE = {"seed": range(5), "cell": [2, 3, 4], "observations": ["EF", "EFV"], "radius": 40.0}
SMALL = {"seed": range(3), "cell": 3, "observations": "EFV", "radius": 20.0}

study = Study(
    runs=[*grid(**SCREW, **LARGE), *grid(**EDGE, **LARGE), *grid(**MIXED, **LARGE)],
    quick=[*grid(**SCREW, **SMALL), *grid(**EDGE, **SMALL), *grid(**MIXED, **SMALL)],
    reference="fs:W",
    solver="bayes",
    virial_weight=30.0,
)

if __name__ == "__main__":
    study.main()
