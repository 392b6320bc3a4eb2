import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.errors import InputError, UnknownNameError
from genmlip.training import Weights
from genmlip.training.observations import OBSERVATIONS, parse_observations


@pytest.mark.parametrize("letters", ["E", "F", "V", "EF", "FE", "EV", "VF", "EFV", "VFE"])
def test_any_non_empty_subset_in_any_order_names_the_observations(letters):
    assert "".join(o.letter for o in parse_observations(letters)) == "".join(sorted(letters))


@pytest.mark.parametrize("letters", ["X", "EFX", "efv", "E F"])
def test_unknown_letters_are_named(letters):
    with pytest.raises(UnknownNameError, match=r"unknown observation .*known: E, F, V"):
        parse_observations(letters)


@pytest.mark.parametrize("letters", ["", None, "EE"])
def test_observations_must_be_a_set_of_letters(letters):
    with pytest.raises(InputError):
        parse_observations(letters)


def test_the_scaled_virial_has_the_frobenius_norm_of_the_tensor():
    virial = OBSERVATIONS["V"]
    tensor = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
    scaled = virial.flatten(tensor) * virial.scale(8)
    assert_allclose(np.linalg.norm(scaled), np.linalg.norm(tensor) / np.sqrt(8))


def test_weights_of_groups_multiply_those_of_observations():
    weights = Weights(E=10, F=2, V=3, groups={"a": 0.5, "b": {"V": 0}})
    value = {(g, k): weights.of(o, g) for g in ("a", "b", "c") for k, o in OBSERVATIONS.items()}
    assert value["a", "E"] == 5
    assert value["a", "F"] == 1
    assert value["b", "E"] == 10
    assert value["b", "V"] == 0
    assert value["c", "V"] == 3


@pytest.mark.parametrize(
    "settings",
    [{"E": -1}, {"F": np.nan}, {"V": "much"}, {"groups": {"a": -1}}, {"groups": {"a": {"E": np.inf}}}],
)
def test_weights_must_be_numbers_that_are_not_negative(settings):
    with pytest.raises(InputError, match="must be a number ≥ 0"):
        Weights(**settings)


def test_an_unknown_observation_in_the_weights_of_a_group_is_named():
    with pytest.raises(UnknownNameError, match="'virial'"):
        Weights(groups={"a": {"virial": 1.0}})
