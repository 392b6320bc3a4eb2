"""Is it an accident of tungsten? Silicon (diamond) and aluminium (fcc, an EAM file of OpenKIM) (G3, G5).

Without kimpy the rows of aluminium fail and say so. An fcc table of one's own is one line here:
"reference": "eam:FILE".
"""

from genmlip.studies import Study, grid

SILICON = {
    "reference": "sw:Si",
    "structure": "diamond",
    "dislocation": ["diamond-screw", "diamond-60"],
    "cutoff": 3.8,
    "degree": "30,14",
}
ALUMINIUM = {
    "reference": "kim:EAM_Dynamo_MishinFarkasMehl_1999_Al__MO_651801486679_005",
    "dislocation": ["fcc-screw-110", "fcc-edge-110"],
    "cutoff": 6.3,
    "degree": "30,10",
}

LARGE = {"seed": range(5), "cell": [1, 2, 3, 4], "observations": ["F", "EF", "EFV"], "radius": 40.0}
SMALL = {"seed": range(2), "cell": [1, 2], "observations": ["EF", "EFV"], "radius": 20.0}

study = Study(
    runs=[*grid(**LARGE, **SILICON), *grid(**LARGE, **ALUMINIUM)],
    quick=[*grid(**SMALL, **SILICON), *grid(**SMALL, **ALUMINIUM)],
    solver="bayes",
    virial_weight=30.0,
)

if __name__ == "__main__":
    study.main()
