"""The vacancy as control: its strain is square-summable, so virials matter less (docs/theory.md, G6)."""

from genmlip.studies import Study, grid

study = Study(
    runs=grid(radius=[8.0, 12.0, 16.0], cell=[1, 2, 3, 4, 5], observations=["F", "EF", "EFV"], seed=range(5)),
    quick=grid(radius=10.0, cell=[2, 3, 4], observations=["EF", "EFV"]),
    dislocation="vacancy",
    reference="fs:W",
)

if __name__ == "__main__":
    study.main()
