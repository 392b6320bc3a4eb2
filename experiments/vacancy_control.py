"""The vacancy as control: its strain is square-summable, so virials matter less (docs/theory.md, G6)."""

from genmlip.studies import Study, grid

study = Study(
    runs=grid(seed=range(5), cell=[1, 2, 3, 4, 5], observations=["F", "EF", "EFV"], radius=[8.0, 12.0, 16.0]),
    quick=grid(seed=range(3), cell=[2, 3, 4], observations=["EF", "EFV"]),
    dislocation="vacancy",
    reference="fs:W",
    radius=10.0,
    solver="bayes",
    virial_weight=30.0,
)

if __name__ == "__main__":
    study.main()
