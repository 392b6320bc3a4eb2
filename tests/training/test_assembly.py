import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.errors import InputError, UnknownNameError
from genmlip.training import Dataset, Weights, fit
from genmlip.training.assemble import Assembly, assemble, whitened_rows
from genmlip.training.observations import parse_observations
from genmlip.training.streamed_qr import StreamedQR, fold

EFV = parse_observations("EFV")
WEIGHTS = Weights(E=3.0, V=0.5)


def assembled(ace, data, observations=EFV, weights=WEIGHTS, **settings):
    return assemble(ace, data, observations, weights, **settings)


def explicit(ace, data, weights=WEIGHTS, E0=None):
    """The whole design matrix and right-hand side by kind of observation."""
    rows = {o.letter: [] for o in EFV}
    for configuration in data:
        for letter, A, y in whitened_rows(ace, configuration, EFV, weights, E0):
            rows[letter].append(np.column_stack([A, y]))
    return {letter: np.concatenate(blocks) for letter, blocks in rows.items()}


def assert_same_gram(rows, expected):
    """AᵀA is the same relative to the sizes of the columns: triangles are unique up to signs."""
    size = np.maximum(np.linalg.norm(expected, axis=0), 1e-300)
    rows, expected = rows / size, expected / size
    assert_allclose(rows.T @ rows, expected.T @ expected, atol=1e-11)


def assert_same(system, other):
    assert_same_gram(system.triangle, other.triangle)
    assert system.n_rows == other.n_rows


def test_the_parts_hold_the_rows_of_their_kind(small_ace, tungsten_data):
    assembly = assembled(small_ace, tungsten_data)
    for letter, rows in explicit(small_ace, tungsten_data).items():
        triangle = assembly.parts[letter].system().triangle
        assert_same_gram(triangle, rows)
        assert assembly.parts[letter].n_rows == len(rows)


def test_the_parts_of_a_system_add_up_to_the_whole(small_ace, tungsten_data):
    system = assembled(small_ace, tungsten_data).system({"E": 2.0, "F": 0.3})
    c = np.random.default_rng(0).standard_normal(system.n_columns)
    assert_allclose(sum(part.loss(c) for part in system.parts.values()), system.loss(c), rtol=1e-12)
    assert sum(part.n_rows for part in system.parts.values()) == system.n_rows


def test_a_scale_afterwards_is_a_weight_beforehand(small_ace, tungsten_data):
    scaled = assembled(small_ace, tungsten_data).system({"E": 2.0, "V": 7.0})
    weighted = assembled(small_ace, tungsten_data, weights=Weights(E=6.0, V=3.5)).system()
    assert_same(scaled, weighted)


def test_a_scale_of_zero_leaves_a_kind_out(small_ace, tungsten_data):
    without = assembled(small_ace, tungsten_data).system({"F": 0.0})
    expected = assembled(small_ace, tungsten_data, parse_observations("EV")).system()
    assert_same(without, expected)
    with pytest.raises(InputError, match="leave no kind"):
        assembled(small_ace, tungsten_data).system({"E": 0, "F": 0, "V": 0})


def test_merged_assemblies_are_the_assembly_of_all(small_ace, tungsten_data):
    halves = [Dataset(tuple(tungsten_data)[k::2]) for k in range(2)]
    first, second = (assembled(small_ace, half) for half in halves)
    before = second.system().triangle
    first.merge(second)
    assert_same(first.system(), assembled(small_ace, tungsten_data).system())
    assert_array_equal(second.system().triangle, before)


def test_kinds_or_columns_that_differ_do_not_merge(small_ace, tungsten_data):
    assembly = Assembly.empty(3, EFV)
    with pytest.raises(InputError, match="cannot merge 3 columns of E into 3 columns of EFV"):
        assembly.merge(Assembly.empty(3, parse_observations("E")))
    with pytest.raises(InputError, match="cannot merge 4 columns"):
        assembly.merge(Assembly.empty(4, EFV))


def test_scales_of_what_was_not_assembled_are_refused(small_ace, tungsten_data):
    assembly = Assembly.empty(3, parse_observations("EF"))
    with pytest.raises(UnknownNameError, match="kind of observation in the scales 'V'"):
        assembly.system({"V": 1.0})
    with pytest.raises(InputError, match="scale of E must be a number ≥ 0"):
        assembly.system({"E": np.nan})


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_the_number_of_workers_does_not_change_a_bit_of_the_result(small_ace, tungsten_data, workers):
    many = Dataset(tungsten_data.configurations * 3)
    alone, together = (assembled(small_ace, many, workers=n).system() for n in (1, workers))
    assert_array_equal(alone.triangle, together.triangle)
    for letter, part in alone.parts.items():
        assert_array_equal(part.triangle, together.parts[letter].triangle)


def test_workers_report_every_configuration_in_order(small_ace, tungsten_data):
    seen = []
    fit(small_ace, tungsten_data, progress=lambda done, total: seen.append((done, total)), workers=3)
    assert seen == [(k, len(tungsten_data)) for k in range(1, len(tungsten_data) + 1)]


def test_an_error_in_a_worker_reaches_the_caller(small_ace, tungsten_data):
    def stop(done, total):
        if done == 3:
            raise InputError("stopped at the third configuration")

    with pytest.raises(InputError, match="stopped at the third"):
        assembled(small_ace, tungsten_data, progress=stop, workers=2)


def test_fewer_than_one_worker_is_refused(small_ace, tungsten_data):
    with pytest.raises(InputError, match="workers must be at least 1, got 0"):
        fit(small_ace, tungsten_data, workers=0)


def test_the_loss_of_a_system_is_the_loss_of_all_its_rows(small_ace, tungsten_data):
    rows = np.concatenate(list(explicit(small_ace, tungsten_data).values()))
    system = assembled(small_ace, tungsten_data).system()
    c = np.random.default_rng(1).standard_normal(system.n_columns)
    assert_allclose(system.loss(c), np.sum((rows[:, :-1] @ c - rows[:, -1]) ** 2), rtol=1e-12)


def test_reference_energies_are_eliminated_from_each_part_as_from_the_whole(small_ace, tungsten_data):
    system = assembled(small_ace, tungsten_data).system()
    reduced, projector = system.eliminate(1)
    c = np.random.default_rng(2).standard_normal(reduced.n_columns)
    lead = projector @ (system.z - system.R[:, 1:] @ c)
    assert_allclose(reduced.loss(c), system.loss(np.append(lead, c)), rtol=1e-12)
    assert_allclose(sum(part.loss(c) for part in reduced.parts.values()), reduced.loss(c), rtol=1e-10)
    assert {letter: part.n_rows for letter, part in reduced.parts.items()} == {
        letter: part.n_rows - (letter == "E") for letter, part in system.parts.items()
    }


def test_leading_columns_in_two_kinds_are_not_eliminated():
    rng = np.random.default_rng(0)
    assembly = Assembly(3, {letter: StreamedQR(3) for letter in "EF"})
    for part in assembly.parts.values():
        part.push(rng.standard_normal((5, 3)), rng.standard_normal(5))
    with pytest.raises(InputError, match="more than one kind"):
        assembly.system().eliminate(1)


def test_a_triangle_is_folded_into_a_triangle_as_its_rows_would_be():
    rng = np.random.default_rng(0)
    first, second = (np.asfortranarray(np.triu(rng.standard_normal((40, 40)))) for _ in range(2))
    expected = first.T @ first + second.T @ second
    fold(first, second, triangular=True)
    assert_array_equal(np.tril(first, -1), 0.0)
    assert_allclose(first.T @ first, expected, atol=1e-12)


def test_arrays_that_lapack_would_misread_are_refused():
    with pytest.raises(TypeError, match="Fortran order"):
        fold(np.zeros((3, 3), order="F"), np.zeros((4, 3)))


def test_lapack_lets_other_threads_run():
    """While one long QR is under way in a thread, this one wakes up again and again."""
    rng = np.random.default_rng(0)
    triangle, rows = np.zeros((400, 400), order="F"), np.asfortranarray(rng.standard_normal((4000, 400)))
    thread, wakes = threading.Thread(target=fold, args=(triangle, rows)), 0
    thread.start()
    while thread.is_alive():
        time.sleep(0.0005)
        wakes += 1
    assert wakes > 5
