"""Make this folder again: tables of all quick presets, the atoms around three dislocations, and the answers.

python paper_figures/tables/make.py [RESULTS]     (the studies go on in RESULTS, by default results/quick)

Numbers are kept to six digits, times not at all: the same code gives the same files.
"""

import sys
from pathlib import Path

import pandas as pd

from genmlip.studies import Cache, read_table
from genmlip.studies.atoms import atom_table
from genmlip.studies.declaration import find_declaration, load_declaration
from genmlip.studies.figures import write_answers
from genmlip.studies.generalisation import Generalisation

HERE = Path(__file__).resolve().parent
STUDIES = [
    "boundary_conditions", "training_cell_size", "domain_radius", "fit_accuracy", "vacancy_control",
    "training_source", "second_material",
]  # fmt: skip
NOT_KEPT = ["wall_s", "relaxation_s", "traceback"]


def write(table: pd.DataFrame, name: str, digits: int = 6) -> None:
    table.to_csv(HERE / f"{name}.csv", index=False, float_format=f"%.{digits}g")


def main(results: Path) -> None:
    for name in STUDIES:
        study = load_declaration(find_declaration(name)).study
        study.execute(results / name, name=name, preset="quick", resume=True, force=True)
        write(read_table(results / name).drop(columns=NOT_KEPT, errors="ignore"), name)
    cache = Cache(results / "atoms")
    runs = [
        Generalisation(dislocation=name, radius=30.0, cell=3, solver="bayes", virial_weight=30.0)
        for name in ("bcc-screw-111", "bcc-edge-111", "bcc-mixed-111")
    ]
    write(pd.concat([atom_table(run.assessment(cache)) for run in runs]), "atoms", digits=4)
    write_answers({name: read_table(HERE / f"{name}.csv") for name in sorted(STUDIES)}, HERE)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/quick"))
