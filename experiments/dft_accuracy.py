"""Errors of linear ACE on DFT data against the number of functions.

GENMLIP_DATA names the folder of the data sets (default ../shared/data). Cutoffs, the distance of highest
resolution (0.7 of them), the regularisation and the weight of the few slabs were chosen by cross-validation
within the training sets; every run chooses the weight of energies in the same way. Of tungsten the group
``general`` is fitted, and a tenth of the data is held out as the test set.
"""

from genmlip.studies import Accuracy, Study, grid

DEGREES = ["6,6,5,4", "8,8,7,5", "10,10,8,7", "12,12,10,8", "12,14,12,10", "14,16,13,11", "16,19,15,12"]

mlearn = {
    "weights": [("E=30,F=1,V=0.3", "E=60,F=1,V=0.3")],
    "group_weights": [{"Surface": {"E": 0.5}}],
    "solvers": [("ridge:1e-3",)],
}
silicon = grid(data="mlearn_Si", degree=DEGREES, cutoff=6.0, r0=4.2, **mlearn)
molybdenum = grid(data="mlearn_Mo", degree=DEGREES, cutoff=5.0, r0=3.5, **mlearn)

study = Study(
    runs=[
        *silicon,
        *grid(data="mlearn_Ge", degree=DEGREES, cutoff=5.7, r0=4.0, **mlearn),
        *molybdenum,
        *grid(
            data="W_dft",
            groups="general",
            observations="EF",
            degree=DEGREES[:-1],
            cutoff=5.0,
            r0=3.5,
            weights=[("E=30,F=1", "E=100,F=1")],
            solvers=[("ridge:1e-4",)],
        ),
    ],
    quick=[*silicon[:4], *molybdenum[:4]],
    kind=Accuracy,
    order=4,
    core=4,
)

if __name__ == "__main__":
    study.main()
