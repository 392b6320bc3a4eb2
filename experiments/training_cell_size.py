"""Error of the dislocation against the size of the training cells (docs/theory.md, G3 and G5).

Rattled cells alone, and with twelve strained ones: the virials of the former pin the stress, those of the
latter the elastic constants.
"""

from genmlip.studies import Study, grid

study = Study(
    runs=grid(
        dislocation=["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"],
        n_strained=[0, 12],
        cell=[1, 2, 3, 4, 5],
        observations=["F", "EF", "EFV"],
        seed=range(5),
    ),
    quick=grid(dislocation="bcc-screw-111", cell=[2, 3, 4], observations=["EF", "EFV"], seed=range(2)),
    reference="fs:W",
    radius=40.0,
)

if __name__ == "__main__":
    study.main()
