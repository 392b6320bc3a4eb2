"""Errors of linear ACE on DFT data against the number of functions.

GENMLIP_DATA names the folder of the data sets (default ../shared/data). The cutoffs, the distance of highest
resolution and the weight of the few slabs were chosen by cross-validation within the training sets; every run
chooses the other weights and the regularisation again. Of tungsten the group ``general`` is fitted, and a
tenth of it held out as the test set.
"""

from genmlip.studies import Accuracy, Study, grid

DEGREES = ["6,6,5,4", "8,8,7,5", "10,10,8,7", "12,12,10,8", "12,14,12,10", "14,16,13,11", "16,19,15,12"]
CUTOFFS = {"mlearn_Si": 6.0, "mlearn_Ge": 5.7, "mlearn_Mo": 5.0, "W_dft": 5.0}


def runs(data, degrees):
    cutoff = CUTOFFS[data]
    tungsten = {"groups": "general", "observations": "EF", "weights": [("E=30,F=1", "E=100,F=1")]}
    mlearn = {"group_weights": [{"Surface": {"E": 0.5}}], "weights": [("E=30,F=1,V=0.3", "E=60,F=1,V=0.3")]}
    own = tungsten if data == "W_dft" else mlearn
    return grid(data=data, degree=degrees, cutoff=cutoff, r0=round(0.7 * cutoff, 2), **own)


study = Study(
    runs=[run for data in CUTOFFS for run in runs(data, DEGREES)],
    quick=[run for data in ("mlearn_Si", "mlearn_Mo") for run in runs(data, DEGREES[:4])],
    kind=Accuracy,
    order=4,
    core=4,
    solvers=("ridge:1e-3", "ridge:3e-3"),
)

if __name__ == "__main__":
    study.main()
