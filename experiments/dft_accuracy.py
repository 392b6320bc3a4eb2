"""Errors of linear ACE on DFT data against the number of functions.

The data sets are in the folder that --data or GENMLIP_DATA names. The shape of the basis, cutoffs, the
distance of highest resolution, weights and the regularisation were chosen by cross-validation within the
training sets; the basis to be judged by the test set is the one with the smallest product of the held-out
errors of energies and forces. Of tungsten the group ``general`` is fitted, and a tenth of the data is held
out as the test set.

In the stresses of Si and Ge the yz and xz components are exchanged in all groups but one, as fits to energies
and forces and the symmetry of slabs show.
"""

from genmlip.studies import Accuracy, Study, grid

DEGREES = [
    "6,6,6,5,5",
    "8,8,7,6,6",
    "9,10,8,7,6",
    "10,11,9,8,7",
    "10,12,10,8,7",
    "12,12,11,9,8",
    "12,14,12,9,8",
]
EXCHANGED = ("AIMD-NVT", "Surface", "Vacancy")


def mlearn(element, cutoff, r0, exchanged=()):
    return grid(
        data=f"mlearn_{element}",
        degree=DEGREES,
        cutoff=cutoff,
        r0=r0,
        weights=[("E=30,F=1,V=0.3",)],
        solvers=[("ridge:1e-3",)],
        exchanged=[exchanged],
        group_weights=[{"Surface": {"E": 0.3}}],
    )


silicon = mlearn("Si", 6.0, 4.2, EXCHANGED)
germanium = mlearn("Ge", 6.0, 3.6, EXCHANGED)
molybdenum = mlearn("Mo", 5.0, 3.0)
tungsten = grid(
    data="W_dft",
    groups="general",
    observations="EF",
    degree=DEGREES[:5],
    cutoff=5.0,
    r0=3.0,
    weights=[("E=30,F=1", "E=100,F=1")],
    solvers=[("ridge:1e-4",)],
)

study = Study(
    runs=[*silicon, *germanium, *molybdenum, *tungsten],
    quick=[*silicon[:4], *molybdenum[:4]],
    kind=Accuracy,
    order=5,
    angular_weight=0.5,
    core=4,
)

if __name__ == "__main__":
    study.main()
