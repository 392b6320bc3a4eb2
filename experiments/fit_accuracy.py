"""Error of the dislocation against the accuracy of the fit, while the basis grows (docs/theory.md, G4)."""

from genmlip.studies import Study, grid

DEGREES = ["10,6", "15,8", "20,8", "30,10", "40,10", "60,12"]

study = Study(
    runs=grid(
        dislocation=["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"],
        degree=DEGREES,
        observations=["EF", "EFV"],
        seed=range(5),
    ),
    quick=grid(dislocation="bcc-screw-111", degree=DEGREES[:4], observations="EFV"),
    reference="fs:W",
    radius=40.0,
    cell=4,
    atoms=4000,
)

if __name__ == "__main__":
    study.main()
