"""All figures of a study's folder, drawn from its table."""

from __future__ import annotations

from pathlib import Path

from genmlip.errors import InputError
from genmlip.studies.table import read_table


def draw_all(folder: Path | str) -> list[Path]:
    """Draw what the study in ``folder`` and those right below it allow, into ``figures/`` beside each table.

    Returns the files written. Raises InputError where there is no table, or none allows a figure.
    """
    from matplotlib.figure import Figure

    from genmlip.report.draw import table_figures
    from genmlip.report.style import save

    folder = Path(folder)
    studies = [path for path in (folder, *_subfolders(folder)) if is_study(path)]
    if not studies:
        raise InputError(f"no study's table in {folder} or in the folders right below it")
    written, reasons = [], []
    for study in studies:
        for name, figure in table_figures(read_table(_source(study))):
            if isinstance(figure, Figure):
                written += save(figure, study / "figures" / name)
            else:
                reasons.append(f"{name}: {figure}")
    if not written:
        raise InputError(f"no figure can be drawn from {folder} ({'; '.join(reasons)})")
    return written


def is_study(folder: Path) -> bool:
    """Whether a study left its rows or its table here."""
    return (folder / "study.json").is_file() or (folder / "table.csv").is_file()


def _source(study: Path) -> Path:
    """The rows where they are kept, else the table that was made from them."""
    return study if (study / "study.json").is_file() else study / "table.csv"


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
