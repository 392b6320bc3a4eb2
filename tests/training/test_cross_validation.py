"""Held-out errors from triangles are those of predictions; folds are partitions and repeatable."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace.core import ShortRange
from genmlip.training import (
    Dataset,
    Ridge,
    Weights,
    cross_validate,
    evaluate,
    fit,
    folds,
    pooled,
)
from genmlip.training.observations import FROBENIUS, parse_observations


@pytest.fixture(scope="module")
def data(tungsten_data):
    """Two groups, a configuration with a weight of its own, one without virial."""
    first, second, *rest = tungsten_data
    return Dataset((replace(first, weight=3.0), replace(second, group="other"), *rest))


@pytest.fixture(scope="module")
def validation(small_ace, data):
    return cross_validate(small_ace, data, folds(data, 3, seed=1))


SCALES = {"E": 2.0, "V": 0.3}
SOLVER = Ridge(1e-3)


@pytest.mark.parametrize("fold", range(3))
def test_what_a_fold_is_predicted_by_is_the_fit_to_the_other_folds(validation, small_ace, data, fold):
    others = Dataset(tuple(c for c, f in zip(data, folds(data, 3, seed=1), strict=True) if f != fold))
    expected = fit(small_ace, others, weights=Weights(E=60.0, F=1.0, V=0.3), solver=SOLVER).potential
    found = validation.potentials(SCALES, SOLVER)[fold]
    assert_allclose(found.coefficients, expected.coefficients, rtol=1e-7, atol=1e-9)
    assert_allclose(found.E0["W"], expected.E0["W"], rtol=1e-9)


def test_cores_are_a_baseline_of_the_folds_as_of_the_fit(small_ace, tungsten_data):
    cored = small_ace.with_short_range({("W", "W"): ShortRange((74, 74), 2.7, 0.4)})
    assert tungsten_data.smallest_distance < 2.6
    fold = folds(tungsten_data, 3, seed=1)
    validation = cross_validate(cored, tungsten_data, fold)
    others = Dataset(tuple(c for c, f in zip(tungsten_data, fold, strict=True) if f != 0))
    expected = fit(cored, others, solver=SOLVER).potential
    found = validation.potentials(solver=SOLVER)[0]
    assert_allclose(found.coefficients, expected.coefficients, rtol=1e-7, atol=1e-9)
    predicted = pooled(validation.errors(solver=SOLVER))
    assert_allclose(validation.rmse(solver=SOLVER)["F"], predicted["F"].rmse, rtol=1e-7)


@pytest.mark.parametrize("weights", [Weights(), Weights(E=5.0, V=0.1, groups={"other": 0.5})])
def test_held_out_errors_from_the_triangles_are_those_of_explicit_predictions(small_ace, data, weights):
    validation = cross_validate(small_ace, data, folds(data, 3, seed=1), weights=weights)
    square, numbers = dict.fromkeys("EFV", 0.0), dict.fromkeys("EFV", 0.0)
    for potential, part in zip(validation.potentials(SCALES, SOLVER), validation.held_out, strict=True):
        for c in part:
            result, n = potential.evaluate(c.atoms), len(c)
            for kind in parse_observations("EFV"):
                w2 = (c.weight * weights.of(kind, c.group) / getattr(weights, kind.letter)) ** 2
                error = kind.flatten(getattr(result, kind.name)) - kind.target(c)
                per_atom = error * (FROBENIUS if kind.letter == "V" else 1.0) / kind.per_atom(n)
                atoms = 1 if kind.letter == "F" else n  # forces are a row per atom already
                square[kind.letter] += w2 * atoms * np.sum(per_atom**2)
                numbers[kind.letter] += w2 * n * {"E": 1, "F": 3, "V": 9}[kind.letter]
    expected = {letter: np.sqrt(square[letter] / numbers[letter]) for letter in square}
    found = validation.rmse(SCALES, SOLVER)
    assert found.keys() == expected.keys()
    assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-6)


def test_without_weights_the_force_error_is_that_of_the_pooled_table(small_ace, tungsten_data):
    validation = cross_validate(small_ace, tungsten_data, folds(tungsten_data, 3), "EF")
    table = pooled(validation.errors(solver=SOLVER))
    assert_allclose(validation.rmse(solver=SOLVER)["F"], table["F"].rmse, rtol=1e-8)
    assert table["F"].n == 3 * tungsten_data.n_atoms
    assert {row.observation for row in table.rows} == {"E", "F"}


def test_pooling_the_tables_of_parts_gives_the_table_of_the_whole(known_ace, tungsten_data):
    parts = [Dataset(tungsten_data.configurations[k::3]) for k in range(3)]
    found = pooled([evaluate(known_ace, part) for part in parts])
    whole = evaluate(known_ace, tungsten_data)
    assert len(found.rows) == len(whole.rows)
    for row in whole.rows:
        same = found[row.observation, row.group]
        assert same.n == row.n
        assert_allclose([same.rmse, same.mae], [row.rmse, row.mae], rtol=1e-12)
        if row.observation != "E":  # the spread within parts is smaller than that of the whole
            assert_allclose(same.relative, row.relative, rtol=1e-9)


def test_scales_of_the_trials_are_factors_of_the_weights(small_ace, data):
    fold = folds(data, 2)
    heavy = cross_validate(small_ace, data, fold, weights=Weights(E=90.0, F=1.0, V=2.0))
    light = cross_validate(small_ace, data, fold)
    for one, other in zip(
        heavy.potentials(solver=SOLVER), light.potentials({"E": 3.0, "V": 2.0}, SOLVER), strict=True
    ):
        assert_allclose(one.coefficients, other.coefficients, rtol=1e-7, atol=1e-9)


def test_given_reference_energies_are_kept(small_ace, data):
    validation = cross_validate(small_ace, data, folds(data, 2), E0={"W": -4.5})
    assert [p.E0 for p in validation.potentials()] == [{"W": -4.5}] * 2
    assert validation.rmse()["E"] < 1.0


def test_a_kind_with_scale_zero_is_predicted_but_not_fitted(small_ace, data):
    validation = cross_validate(small_ace, data, folds(data, 2), E0={"W": -4.5})
    with_virials, without = validation.rmse(), validation.rmse({"V": 0.0})
    assert without["V"] > 1.5 * with_virials["V"]


def test_progress_counts_every_configuration_once(small_ace, data):
    seen = []
    cross_validate(small_ace, data, folds(data, 3), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, len(data)) for n in range(1, len(data) + 1)]


@pytest.mark.parametrize(
    "fold", [[0, 1], np.zeros(14, int), np.arange(14) % 2 * 2, np.arange(14) - 1, np.full(14, 1)]
)
def test_folds_that_do_not_divide_the_data_are_refused(small_ace, tungsten_data, fold):
    assert len(tungsten_data) == 14
    with pytest.raises(InputError, match="folds of 14 configurations"):
        cross_validate(small_ace, tungsten_data, fold)


def test_a_scale_of_an_observation_that_was_not_assembled_is_refused(small_ace, data):
    with pytest.raises(UnknownNameError, match="E, F"):
        cross_validate(small_ace, data, folds(data, 2), "EF").rmse({"V": 1.0})


def unlabelled(sizes):
    """Groups a, b, … of the given sizes, one after the other; no more than ``folds`` looks at."""
    return Dataset(
        tuple(SimpleNamespace(group=n) for n, s in zip("abcd", sizes, strict=False) for _ in range(s))
    )


sizes_of_groups = st.lists(st.integers(1, 20), min_size=1, max_size=4)


@given(sizes_of_groups, st.integers(2, 6), st.integers(1, 5), st.integers(0, 3))
def test_every_group_and_the_whole_are_divided_evenly_and_blocks_stay_together(sizes, k, block, seed):
    data = unlabelled(sizes)
    n_blocks = sum(-(-size // block) for size in sizes)
    if n_blocks < k:
        return
    fold = folds(data, k, block, seed)
    assert_array_equal(fold, folds(data, k, block, seed))
    assert set(fold) == set(range(k))
    start = 0
    for size in sizes:
        group = fold[start : start + size]
        blocks = [group[a : a + block] for a in range(0, size, block)]
        assert all(len(set(b)) == 1 for b in blocks)
        counts = np.bincount([b[0] for b in blocks], minlength=k)
        assert counts.max() - counts.min() <= 1
        start += size


def test_the_seed_changes_the_division():
    data = unlabelled([20, 20])
    assert (folds(data, 4, seed=0) != folds(data, 4, seed=1)).any()


def test_configurations_can_be_told_apart_by_more_than_their_group():
    data = unlabelled([6, 6])
    runs = {id(c): str(i // 3) for i, c in enumerate(data)}
    fold = folds(data, 2, block=3, key=lambda c: runs[id(c)])
    assert all(len(set(fold[a : a + 3])) == 1 for a in range(0, 12, 3))


@pytest.mark.parametrize(
    ("k", "block", "clue"), [(1, 1, "from 2 to 12"), (13, 1, "12"), (5, 3, "from 2 to 4"), (2, 0, "block")]
)
def test_impossible_divisions_are_refused(k, block, clue):
    with pytest.raises(InputError, match=clue):
        folds(unlabelled([6, 6]), k, block)
