"""Error of the dislocation against the accuracy of the fit, while the basis grows (docs/theory.md, G4).

The region is large enough that most of it has strains below one per cent, where elastic constants count.
"""

from genmlip.studies import Study, grid

DISLOCATIONS = ["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"]
DEGREES = ["15,8", "20,8", "30,10", "40,10", "60,12", "60,16"]

study = Study(
    runs=grid(
        seed=range(5), degree=DEGREES, observations=["EF", "EFV"], dislocation=DISLOCATIONS, radius=113.0
    ),
    quick=grid(degree=DEGREES[:5], observations=["EF", "EFV"], dislocation=DISLOCATIONS),
    reference="fs:W",
    radius=80.0,
    cell=3,
    solver="bayes",
    virial_weight=30.0,
)

if __name__ == "__main__":
    study.main()
