"""Accuracy runs choose by cross-validation within the training set and only report the test set."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.errors import InputError, UnknownNameError
from genmlip.studies import Accuracy, Cache, Study
from genmlip.training import Dataset, bulk_cells, evaluate, fit, label
from genmlip.training.observations import Weights
from genmlip.training.solvers import Ridge

SMALL = {"cutoff": 4.5, "r0": 3.0, "order": 2, "degree": "6,5", "block": 1}


@pytest.fixture(scope="module")
def folder(tungsten, tmp_path_factory):
    """Toy_training, Toy_test and Whole, the two together."""
    path = tmp_path_factory.mktemp("data")
    parts = [
        label(bulk_cells(tungsten, 1, n, 0.1, 0.02, seed=n), tungsten.potential, group)
        for n, group in ((12, "bulk"), (6, "other"))
    ]
    training, test = (
        parts[0] + parts[1],
        label(bulk_cells(tungsten, 1, 3, 0.1, seed=9), tungsten.potential, "bulk"),
    )
    training.write(path / "Toy_training.xyz.gz")
    test.write(path / "Toy_test.xyz.gz")
    (training + test).write(path / "Whole.xyz.gz")
    return path


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GENMLIP_DATA", str(folder))
    return lambda **settings: Accuracy(**{**SMALL, **settings})(Cache(tmp_path))


def test_test_errors_are_those_of_the_potential_that_cross_validation_chose(run, folder):
    settings = {"weights": ("E=1,F=1,V=1", "E=30,F=1,V=0.1"), "solvers": ("ridge:1e3", "ridge:1e-4")}
    row = run(data="Toy", **settings)
    assert row["chosen_solver"] == "ridge:1e-4"
    scales = {"E=1,F=1,V=1": (1.0, 1.0), "E=30,F=1,V=0.1": (30.0, 0.1)}
    E, V = scales[row["chosen_weights"]]
    model = Accuracy(**SMALL).model(Dataset.read(folder / "Toy_training.xyz.gz"))
    training = Dataset.read(folder / "Toy_training.xyz.gz")
    potential = fit(model, training, weights=Weights(E=E, V=V), solver=Ridge(1e-4)).potential
    errors = evaluate(potential, Dataset.read(folder / "Toy_test.xyz.gz"))
    assert_allclose(row["test_force_mae"], errors["F"].mae, rtol=1e-6)
    assert_allclose(row["test_energy_mae_bulk"], errors["E", "bulk"].mae, rtol=1e-6)
    assert row["n_functions"] == model.n_coefficients


def test_the_choice_does_not_depend_on_the_test_set(run):
    found = [run(data="Toy", solvers=("ridge:1e-1", "ridge:1e-4"), tested=tested) for tested in (True, False)]
    assert not any(name.startswith("test_") for name in found[1])
    assert {name: found[0][name] for name in found[1] if name != "fit_cpu_s"} == {
        name: value for name, value in found[1].items() if name != "fit_cpu_s"
    }


def test_data_without_a_test_file_are_divided_by_the_seed(run):
    rows = [run(data="Whole", holdout=3, seed=seed) for seed in (0, 0, 1)]
    assert rows[0]["n_atoms"] == 28  # two thirds of 21 configurations of two atoms
    assert rows[0]["training_sha256"] == rows[1]["training_sha256"] != rows[2]["training_sha256"]


def test_groups_can_be_left_out_and_weighted(run):
    row = run(data="Toy", groups="bulk", group_weights={"bulk": {"E": 0.5}})
    assert row["n_atoms"] == 24
    assert "cv_force_mae_bulk" in row
    assert "cv_force_mae_other" not in row


def test_which_groups_are_used_does_not_change_the_division(run):
    both, one = run(data="Whole", holdout=3), run(data="Whole", holdout=3, groups="bulk")
    alone = run(data="Whole", holdout=3, group_weights={"other": {"E": 0.0, "F": 0.0, "V": 0.0}})
    assert both["test_force_mae_bulk"] != one["test_force_mae_bulk"]
    assert_allclose(alone["test_force_mae_bulk"], one["test_force_mae_bulk"], rtol=1e-6)


def test_a_study_of_accuracy_is_a_table_of_scalars(run, folder, tmp_path):
    study = Study(
        [{"data": "Toy", "group_weights": {"other": {"F": 0.1}}}, {"data": "Toy"}], kind=Accuracy, **SMALL
    )
    table = study.execute(tmp_path / "out")
    assert list(table["status"]) == ["ok", "ok"]
    assert list(table["group_weights"]) == ['{"other": {"F": 0.1}}', "{}"]
    assert table["test_force_mae"].nunique() == 2


def test_exchanged_stresses_are_exchanged_back(run, folder):
    yx = [1, 0, 2]  # the mirror image in x = y exchanges yz with xz, xx with yy
    data = Dataset.read(folder / "Toy_training.xyz.gz")
    wrong = []
    for c in data:
        virial = c.virial[np.ix_(yx, yx)]
        virial[[0, 1], [0, 1]] = virial[[1, 0], [1, 0]]
        wrong.append(replace(c, virial=virial if c.group == "bulk" else c.virial))
    Dataset(tuple(wrong)).write(folder / "Wrong_training.xyz.gz")
    shutil.copy(folder / "Toy_test.xyz.gz", folder / "Wrong_test.xyz.gz")
    right, corrected, untouched = (
        run(data=name, exchanged=groups, tested=False)
        for name, groups in (("Toy", ()), ("Wrong", ("bulk",)), ("Wrong", ()))
    )
    assert_allclose(corrected["cv_virial_mae"], right["cv_virial_mae"], rtol=1e-6)
    assert untouched["cv_virial_mae"] > 1.5 * right["cv_virial_mae"]


def test_a_group_with_exchanged_stresses_that_is_not_there_is_refused(run):
    with pytest.raises(UnknownNameError, match="'bulky'; did you mean bulk"):
        run(data="Toy", exchanged=("bulky",))


def test_the_angular_weight_is_that_of_the_basis(run):
    rows = [run(data="Toy", angular_weight=w, tested=False) for w in (1.0, 0.5)]
    assert rows[1]["n_functions"] > rows[0]["n_functions"]


def test_observations_left_out_have_no_errors(run):
    row = run(data="Toy", observations="EF")
    assert "cv_virial_mae" not in row
    assert np.isfinite(row["cv_force_mae"])


def test_missing_data_are_reported_with_the_folder_they_were_looked_for_in(run, folder):
    with pytest.raises(InputError, match="GENMLIP_DATA") as caught:
        run(data="nothing")
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"weights": ("Q=1",)}, UnknownNameError),
        ({"weights": ()}, InputError),
        ({"solvers": ("magic",)}, UnknownNameError),
        ({"degree": "many"}, InputError),
        ({"group_weights": {"bulk": {"E": -1.0}}}, InputError),
        ({"observations": "EFX"}, UnknownNameError),
        ({"n_folds": 1}, InputError),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_computed(settings, error):
    with pytest.raises(error):
        Accuracy(**settings)
