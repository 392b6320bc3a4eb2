"""Error of the dislocation against the size of the training cells (docs/theory.md, G3 and G5).

Rattled cells alone, and with twelve strained ones: the virials of the former pin the stress, those of the
latter the elastic constants. Fits to single unit cells (L = 1) have no stable crystal; the quick preset shows
that for one seed.
"""

from genmlip.studies import Study, grid

DISLOCATIONS = ["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"]
OBSERVATIONS = ["F", "EF", "EFV"]

study = Study(
    runs=grid(
        degree=["20,8", "30,10", "60,12"],
        n_strained=[0, 12],
        seed=range(5),
        cell=[1, 2, 3, 4, 5],
        observations=OBSERVATIONS,
        dislocation=DISLOCATIONS,
        radius=40.0,
    ),
    quick=[
        *grid(cell=1, observations=OBSERVATIONS, dislocation=DISLOCATIONS),
        *grid(seed=range(3), cell=[2, 3, 4], observations=OBSERVATIONS, dislocation=DISLOCATIONS),
    ],
    reference="fs:W",
    radius=20.0,
    solver="bayes",
    virial_weight=30.0,
)

if __name__ == "__main__":
    study.main()
