from dataclasses import replace

import pytest

from genmlip.errors import InputError, UnknownNameError
from genmlip.studies import Cache
from genmlip.studies.selection import CELLS, Selection

SMALL = Selection(budget=100.0, rounds=2, degree="12,6", richer="16,8", cutoff=4.5, radius=11.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("cells", CELLS)
def test_every_way_to_choose_begins_with_the_pilot_and_keeps_to_the_budget(cache, cells):
    way = replace(SMALL, cells=cells)
    data = way.dataset(cache)
    pilot = replace(SMALL, cells="bulk", budget=1.0).dataset(cache)
    for ours, theirs in zip(pilot, data, strict=False):
        assert ours.atoms == theirs.atoms
    assert pilot.n_atoms < data.n_atoms <= pilot.n_atoms + way.budget


def test_a_row_tells_error_prediction_and_cost(cache):
    row = replace(SMALL, cells="plausible")(cache)
    assert row["geometry_error"] > 0.0
    assert row["predicted_error"] > 0.0
    assert row["cost"] == row["n_atoms"]


@pytest.mark.parametrize("weights", ["evidence", "goal"])
def test_weights_change_the_fit_and_not_the_cells(cache, weights):
    other = replace(SMALL, weights=weights)
    assert other.dataset(cache).sha256 == SMALL.dataset(cache).sha256
    fits = [run.potential(cache)[0].coefficients for run in (SMALL, other)]
    assert (fits[0] != fits[1]).any()


def test_cells_are_chosen_for_the_target_whatever_is_asked_afterwards(cache):
    run = replace(SMALL, cells="plausible")
    run.dataset(cache)
    before = set(cache.folder.iterdir())
    replace(run, dislocation="bcc-edge-111").dataset(cache)
    assert set(cache.folder.iterdir()) == before


def test_unknown_settings_are_named():
    with pytest.raises(UnknownNameError, match="plausible"):
        replace(SMALL, cells="plausable")
    with pytest.raises(UnknownNameError, match="weights"):
        replace(SMALL, weights="best")
    with pytest.raises(UnknownNameError, match="bcc-edge-111"):
        replace(SMALL, target="bcc-screw-111+bcc-edge-11")
    with pytest.raises(InputError, match="budget must be positive"):
        replace(SMALL, budget=0.0)
