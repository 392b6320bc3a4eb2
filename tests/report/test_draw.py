"""Every figure that the tables in a study's folder allow."""

import pandas as pd
import pytest

from genmlip.errors import InputError
from genmlip.studies.figures import draw_all


def test_all_figures_of_a_folder_are_drawn_beside_their_tables(tmp_path, table):
    small = table[table["cell"] < 3]
    for folder, rows in ((tmp_path, small), (tmp_path / "below", small.drop(columns="delta_C_rel"))):
        folder.mkdir(exist_ok=True)
        rows.to_csv(folder / "table.csv", index=False)
    written = draw_all(tmp_path)
    names = {"error_vs_cell", "error_vs_delta_C", "error_vs_force_rmse", "effectivity"}
    assert {path.stem for path in written if path.parent.parent == tmp_path} == names | {"answers"}
    below = {path.stem for path in written if path.parent.parent == tmp_path / "below"}
    assert below == names - {"error_vs_delta_C"}
    assert len(written) == 2 * (len(names) + len(below) + 1)
    assert all(path.is_file() and path.parent.name == "figures" for path in written)


def test_tables_side_by_side_are_drawn_into_one_folder_under_their_names(tmp_path, make_table):
    make_table(cells=(2, 3)).to_csv(tmp_path / "training_cell_size.csv", index=False)
    make_table(cells=(2, 3), dislocations=("vacancy",)).to_csv(tmp_path / "vacancy_control.csv", index=False)
    pd.DataFrame({"radius": [1.0]}).to_csv(tmp_path / "no_study.csv", index=False)
    names = {path.name for path in draw_all(tmp_path)}
    assert {
        "training_cell_size_effectivity.pdf",
        "vacancy_control_error_vs_cell.png",
        "all_virial_gain.pdf",
    } <= names
    assert not any(name.startswith("no_study") for name in names)


def test_a_folder_without_tables_is_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match="no study's table"):
        draw_all(tmp_path)
    pd.DataFrame({"seed": [1]}).to_csv(tmp_path / "table.csv")
    with pytest.raises(InputError, match="no figure can be drawn"):
        draw_all(tmp_path)
