"""Error of the dislocation against the size of the training cells (docs/theory.md, G3 and G5).

Rattled cells (strain 0) and cells that are also strained: virials pin the stress of the former and the
elastic constants of the latter.
"""

from genmlip.studies import Study, grid

study = Study(
    runs=grid(
        dislocation=["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"],
        strain=[0.0, 0.02],
        cell=[1, 2, 3, 4, 5],
        observations=["F", "EF", "EFV"],
        seed=range(5),
    ),
    quick=grid(dislocation="bcc-screw-111", cell=[2, 3, 4], observations=["EF", "EFV"], seed=range(2)),
    reference="fs:W",
    radius=40.0,
    displacement=0.1,
    strain=0.0,
    atoms=2000,
)

if __name__ == "__main__":
    study.main()
