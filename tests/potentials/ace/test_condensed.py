"""Condensed expansions: the same densities from fewer functions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from expansion_cases import cluster, embedded_alloy, linear_tungsten, site_densities
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.potentials.ace.condensed import condensed
from genmlip.potentials.ace.yace import load_yace

CASES = {"linear": linear_tungsten, "embedded": embedded_alloy}


@pytest.fixture(params=CASES)
def expansion(request):
    return CASES[request.param]()


@pytest.mark.parametrize("seed", range(5))
def test_densities_and_cores_stay_the_same(expansion, seed):
    species, vectors = cluster(12, len(expansion.symbols), seed)
    rho, phi = site_densities(expansion, species, vectors)
    rho_after, phi_after = site_densities(condensed(expansion), species, vectors)
    assert_allclose(rho_after, rho, rtol=1e-12, atol=1e-12 * abs(rho).max())
    assert phi_after == phi


def test_pairs_of_species_keep_one_channel_per_density_for_terms_of_order_one(expansion):
    for centre, row, before in zip(
        condensed(expansion).centres, condensed(expansion).radial, expansion.centres, strict=True
    ):
        first_order = (centre.monomials >= 0).sum(axis=1) == 1
        n_densities = before.weights.shape[1]
        assert first_order.sum() == n_densities * len(row)
        assert_array_equal(
            np.sort(centre.weights[first_order]), np.eye(n_densities)[[-1] * first_order.sum()]
        )
        R = row[0](np.array([2.5]))[0]
        in_many = np.unique(centre.moments[np.unique(centre.monomials[~first_order])[1:], 1])
        assert len(R) == len(in_many) + n_densities


def test_moments_stay_sorted_by_species(expansion):
    for centre in condensed(expansion).centres:
        assert (np.diff(centre.moments[:, 0]) >= 0).all()
        assert centre.monomials.max() == len(centre.moments) - 1


def test_condensing_twice_changes_nothing_more(expansion):
    once = condensed(expansion)
    for a, b in zip(once.centres, condensed(once).centres, strict=True):
        assert len(a.moments) == len(b.moments)
        assert a.monomials.shape == b.monomials.shape


def test_terms_of_weight_zero_go_with_all_that_only_they_use():
    expansion = linear_tungsten()
    centre = expansion.centres[0]
    channel = 1
    uses = (centre.moments[centre.monomials, 1] == channel) & (centre.monomials >= 0)
    sparse = replace(centre, weights=np.where(uses.any(axis=1)[:, None], 0.0, centre.weights))
    after = condensed(replace(expansion, centres=(sparse,)))
    assert len(after.centres[0].monomials) < len(condensed(expansion).centres[0].monomials)
    assert (after.centres[0].weights != 0.0).any(axis=1).all()


def test_an_expansion_that_is_zero_stays_as_it_is():
    expansion = linear_tungsten()
    nothing = replace(expansion.centres[0], weights=np.zeros_like(expansion.centres[0].weights))
    after = condensed(replace(expansion, centres=(nothing,)))
    rho, _ = site_densities(after, *cluster(5, 1))
    assert_array_equal(rho, 0.0)


def test_functions_that_are_sums_themselves_are_combined_before_they_are_evaluated():
    expansion = load_yace(Path(__file__).parents[1] / "data/yace/Cu_core_by_distance.yace").expansion
    functions, r = expansion.radial[0][0], np.linspace(0.5, expansion.cutoff + 0.2, 50)
    M = np.random.default_rng(0).normal(size=(2, len(functions(r)[0])))
    combined = functions.combined(M)
    assert type(combined) is type(functions)
    assert combined.breakpoints == functions.breakpoints
    for found, each in zip(combined(r), functions(r), strict=True):
        assert_allclose(found, M @ each, rtol=1e-12, atol=1e-12 * abs(each).max())
