"""Error of one potential against the radius of the simulated region (docs/theory.md, G2).

A fit depends on cell, observations and seed only: it is made once and asked about every radius.
"""

from genmlip.studies import Study, grid

study = Study(
    runs=grid(
        dislocation=["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"],
        radius=[15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0],
        cell=[2, 3],
        observations=["EF", "EFV"],
        seed=range(3),
    ),
    quick=grid(
        dislocation="bcc-screw-111", radius=[15.0, 20.0, 30.0, 40.0, 60.0], observations=["EF", "EFV"]
    ),
    reference="fs:W",
    cell=2,
)

if __name__ == "__main__":
    study.main()
