import ast
import dataclasses
from pathlib import Path

import pytest

from genmlip.errors import InputError, NotConvergedError, UnknownNameError
from genmlip.studies import Cache, Study
from genmlip.studies.atoms import atom_table
from genmlip.studies.declaration import declared_names, find_declaration, load_declaration
from genmlip.studies.generalisation import Generalisation
from genmlip.studies.runs import attempt

SMALL = Generalisation(
    cell=2, atoms=300, n_strained=4, order=2, degree="40,8", solver="ridge:1e-3", radius=10.0
)
CONTRACT = {
    "geometry_error",
    "energy_error",
    "delta_C_rel",
    "force_rmse_core",
    "estimate",
    "effectivity",
    "a0_error_rel",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("cache"))


def test_a_row_has_the_keys_of_the_contract_and_the_fits_own_errors(cache):
    row = SMALL(cache)
    assert CONTRACT | {"force_rmse", "virial_rmse", "energy_rmse"} <= row.keys()
    assert row["geometry_error"] > 0


def test_a_run_gives_the_same_numbers_from_an_empty_cache(cache, tmp_path):
    first, again = (
        {name: value for name, value in SMALL(where).items() if value is not None}
        for where in (cache, Cache(tmp_path))
    )
    assert again == pytest.approx(first, rel=1e-6)


def test_cells_and_fits_do_not_depend_on_the_defect_that_they_are_asked_about(cache):
    SMALL(cache)
    before = {path.name for path in cache.folder.glob("[!.]*")}
    dataclasses.replace(SMALL, radius=11.0)(cache)
    new = {path.name.split("-")[0] for path in cache.folder.glob("[!.]*") if path.name not in before}
    assert new == {"equilibrium"}


def test_every_size_of_cell_comes_with_as_many_atoms(cache):
    runs = [dataclasses.replace(SMALL, cell=cell, atoms=2000, n_strained=0) for cell in (1, 2, 3, 4)]
    assert [run.dataset(cache).n_atoms for run in runs] == pytest.approx([2000] * 4, rel=0.05)


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        ("bulk", {"bulk", "strained"}),
        ("quadrupole:bcc-screw-111", {"quadrupole", "strained"}),
        ("bulk+quadrupole:bcc-screw-111", {"bulk", "quadrupole", "strained"}),
    ],
)
def test_rattled_cells_come_from_where_the_source_says_and_are_as_many_atoms(cache, source, groups):
    dataset = dataclasses.replace(SMALL, atoms=1800, n_strained=4, source=source).dataset(cache)
    assert set(dataset.groups) == groups
    assert dataset.n_atoms == pytest.approx(1800 + 4 * 16, rel=0.15)


def test_a_row_about_a_dislocation_predicts_the_growth_with_the_radius(cache):
    assert SMALL(cache)["far_field_growth"] > 0
    assert dataclasses.replace(SMALL, dislocation="vacancy", radius=7.0)(cache)["far_field_growth"] is None


@pytest.mark.parametrize(
    "error", [InputError("not positive definite"), NotConvergedError("no relaxed basis")]
)
def test_a_crystal_that_is_soft_under_the_strain_at_the_core_does_not_cost_the_row(cache, monkeypatch, error):
    def soft(*_):
        raise error

    monkeypatch.setattr("genmlip.theory.growth.secant_stiffness", soft)
    row = dataclasses.replace(SMALL, radius=11.0)(cache)
    assert row["far_field_error"] is None
    assert row["far_field_growth"] > 0
    assert row["geometry_error"] > 0


def test_a_table_of_atoms_holds_the_norms_of_the_row(cache):
    found = SMALL.assessment(cache)
    atoms = atom_table(found)
    assert len(atoms) == found.reference.cell.free.sum()
    assert (atoms["fit_error"] ** 2).sum() <= found.common.geometry_error**2
    outer = atoms.loc[atoms["r"] > 6.0]
    b = found.reference.cell.defect.b
    assert outer["predictor_strain"].between(0.2 * b / outer["r"], 3 * b / outer["r"]).all()


def test_a_candidate_without_an_equilibrium_is_a_failed_row_with_the_reason(cache):
    """Three pair functions fitted to the forces in single unit cells make no stable crystal."""
    run = dataclasses.replace(SMALL, cell=1, observations="F", order=1, degree="3")
    outcome = attempt(run, cache)
    assert outcome.status == "failed"
    assert outcome.error_type in {"UnfinishedRunError", "UnstableCrystalError"}
    assert "stable" in outcome.error or "no lattice parameter" in outcome.error


@pytest.mark.parametrize(
    ("bad", "error", "clue"),
    [
        ({"dislocation": "bcc-screw-112"}, UnknownNameError, "did you mean bcc-screw-111"),
        ({"observations": "EFX"}, UnknownNameError, "observation"),
        ({"radius": -1.0}, InputError, "radius must be positive"),
        ({"cell": 1.5}, InputError, "cell must be a whole number"),
        ({"solver": "rigde"}, UnknownNameError, "did you mean ridge"),
        ({"boundary": "clampd"}, UnknownNameError, "did you mean clamped"),
        ({"source": "quadrupole"}, InputError, "source must be bulk or quadrupole:DISLOCATION"),
        ({"source": "quadrupole:bcc-screw-112"}, UnknownNameError, "did you mean bcc-screw-111"),
        ({"order": 2, "degree": "60,12,10"}, InputError, "3 correlation orders, but order is 2"),
    ],
)
def test_parameters_that_cannot_work_are_refused_when_the_study_is_declared(bad, error, clue):
    with pytest.raises(error, match=clue):
        Study([{"cell": 2, **bad}])


@pytest.mark.parametrize("name", declared_names())
def test_every_experiment_declares_a_study_with_both_presets(name):
    study = load_declaration(find_declaration(name)).study
    assert 0 < len(study.runs("quick")) <= len(study.runs("paper"))


@pytest.mark.parametrize("name", declared_names())
def test_an_experiment_declares_with_nothing_but_the_means_of_studies(name):
    """No numerical library, nothing of genmlip that computes."""
    tree = ast.parse(Path(find_declaration(name)).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert all(getattr(node, "module", "").startswith("genmlip.studies") for node in imports)
