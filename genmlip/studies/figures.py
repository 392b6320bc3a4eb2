"""All figures of a folder of studies, and what their tables answer to the predictions of theory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genmlip._files import write_atomically
from genmlip.errors import InputError
from genmlip.studies.table import read_table

if TYPE_CHECKING:
    import pandas as pd

ANSWERS = "answers"
"""Name of the files that hold the answers, .csv and .md."""


def draw_all(folder: Path | str) -> list[Path]:
    """Draw what the studies in ``folder`` allow, and write answers.csv and answers.md beside the figures.

    folder : a study's folder, one that holds several of them, or one of tables NAME.csv. Figures of a study
        go into its own ``figures/``; those of tables into one ``figures/``, named after their table

    Returns the files written. Raises InputError where there is no table, or none allows a figure.
    """
    from matplotlib.figure import Figure

    from genmlip.report.draw import joint_figures, table_figures
    from genmlip.report.style import save

    folder = Path(folder)
    sources = list(_studies(folder))
    if not sources:
        raise InputError(f"no study's table in {folder} or in the folders right below it")
    tables = {source.name: read_table(source.path) for source in sources}
    drawn = [(source.stem, item) for source in sources for item in table_figures(tables[source.name])]
    if len(tables) > 1:
        drawn += [(f"{folder}/figures/all_", item) for item in joint_figures(tables)]
    written, reasons = [], []
    for stem, (name, figure) in drawn:
        if isinstance(figure, Figure):
            written += save(figure, stem + name)
        else:
            reasons.append(f"{name}: {figure}")
    if not written:
        raise InputError(f"no figure can be drawn from {folder} ({'; '.join(reasons)})")
    return written + write_answers(tables, folder / "figures")


def write_answers(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """answers.csv and answers.md; nothing where the tables hold no question of theory."""
    from genmlip.report.predictions import answers, as_markdown

    found = answers(tables)
    if found.empty:
        return []
    texts = {".csv": found.to_csv(index=False, float_format="%.4g"), ".md": as_markdown(found, tables)}
    paths = [folder / f"{ANSWERS}{suffix}" for suffix in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        write_atomically(path, text)
    return paths


def is_study(folder: Path) -> bool:
    """Whether a study left its rows or its table here."""
    return (folder / "study.json").is_file() or (folder / "table.csv").is_file()


class Source(NamedTuple):
    """A table: the study's name, what to read, and how the paths of its figures begin."""

    name: str
    path: Path
    stem: str


def _studies(folder: Path) -> Iterator[Source]:
    """The study here, those right below, and, where no study is here, the tables NAME.csv."""
    for path in (folder, *_subfolders(folder)):
        if is_study(path):
            table = path if (path / "study.json").is_file() else path / "table.csv"
            yield Source(path.name, table, f"{path}/figures/")
    if folder.is_dir() and not is_study(folder):
        for path in sorted(folder.glob("*.csv")):
            if _is_table(path):
                yield Source(path.stem, path, f"{folder}/figures/{path.stem}_")


def _is_table(path: Path) -> bool:
    """Whether the file holds rows of a study, or the atoms of some equilibria."""
    from genmlip.report.plots.fields import COLUMNS

    with path.open(encoding="utf-8") as file:
        header = set(file.readline().strip().split(","))
    return "status" in header or set(COLUMNS) <= header


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
