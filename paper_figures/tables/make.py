"""Make this folder again: tables of all quick presets, the atoms around three dislocations, and the answers.

python paper_figures/tables/make.py [RESULTS]         studies go on in RESULTS, by default results/quick
python paper_figures/tables/make.py --paper RESULTS   what the studies in RESULTS have of their paper presets

Numbers are kept to six digits, times not at all: the same code gives the same files.
"""

import argparse
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
    "training_source", "second_material", "optimal_training",
]  # fmt: skip
NOT_KEPT = ["wall_s", "relaxation_s", "traceback"]


def write(table: pd.DataFrame, path: Path, digits: int = 6) -> None:
    path.parent.mkdir(exist_ok=True)
    table.drop(columns=NOT_KEPT, errors="ignore").to_csv(path, index=False, float_format=f"%.{digits}g")


def quick(results: Path) -> None:
    for name in STUDIES:
        study = load_declaration(find_declaration(name)).study
        study.execute(results / name, name=name, preset="quick", resume=True, force=True)
        write(read_table(results / name), HERE / f"{name}.csv")
    cache = Cache(results / "atoms")
    runs = [
        Generalisation(dislocation=name, radius=30.0, cell=3, solver="bayes", virial_weight=30.0)
        for name in ("bcc-screw-111", "bcc-edge-111", "bcc-mixed-111")
    ]
    write(pd.concat([atom_table(run.assessment(cache)) for run in runs]), HERE / "atoms.csv", digits=4)
    answer(HERE)


def paper(results: Path) -> None:
    """Takes what is there: a paper preset is carried out by ``genmlip study``, over a night or several."""
    for name in STUDIES:
        if (results / name).is_dir():
            write(read_table(results / name), HERE / "paper" / f"{name}.csv")
    answer(HERE / "paper")


def answer(folder: Path) -> None:
    names = sorted(name for name in STUDIES if (folder / f"{name}.csv").is_file())
    write_answers({name: read_table(folder / f"{name}.csv") for name in names}, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", type=Path, default=Path("results/quick"))
    parser.add_argument("--paper", action="store_true")
    options = parser.parse_args()
    (paper if options.paper else quick)(options.results)
