"""Every figure of the paper draws from the tables that its study leaves behind."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "paper_figures").glob("*.py"))


@pytest.fixture
def results(tmp_path, monkeypatch, make_table):
    """Tables of all studies where the scripts look for them."""
    bulk = make_table(dislocations=("bcc-screw-111", "bcc-edge-111"), radii=(20.0, 40.0), seeds=(0,))
    tables = {
        "training_cell_size": pd.concat([bulk.assign(strain=0.0), bulk.assign(strain=0.02)]),
        "domain_radius": bulk,
        "boundary_conditions": bulk.assign(boundary="clamped", reference_radius=180.0),
        "training_source": pd.concat([bulk.assign(source=s) for s in ("bulk", "quadrupole:bcc-screw-111")]),
        "second_material": make_table(dislocations=("diamond-screw", "fcc-edge-110"), seeds=(0,)),
        "fit_accuracy": bulk.assign(degree="16,10,8"),
        "dft_accuracy": pd.DataFrame(
            {
                "data": ["mlearn_Si", "mlearn_Si", "W_dft"],
                "n_functions": [100, 400, 100],
                **{f"{part}_energy_mae": [4e-3, 2e-3, 3e-3] for part in ("cv", "test")},
                **{f"{part}_force_mae": [0.1, 0.06, 0.12] for part in ("cv", "test")},
            }
        ),
        "optimal_training": bulk.assign(
            cells=bulk["observations"].map({"EF": "bulk", "EFV": "plausible"}),
            bulk_size=bulk["cell"],
            target="bcc-screw-111",
            weights="fixed",
            power=1,
        ),
        "vacancy_control": make_table(dislocations=("vacancy",), seeds=(0,)),
    }
    for name, table in tables.items():
        (tmp_path / "results").mkdir(exist_ok=True)
        table.to_csv(tmp_path / "results" / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_draws_its_figure(script, results, monkeypatch):
    import genmlip.studies

    read = genmlip.studies.read_table
    monkeypatch.setattr(genmlip.studies, "read_table", lambda name: read(results / "results" / f"{name}.csv"))
    runpy.run_path(str(script), run_name="__main__")
    written = {path.suffix for path in (results / "figures").iterdir()}
    assert written == {".pdf", ".png"}
