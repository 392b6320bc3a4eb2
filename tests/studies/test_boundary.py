"""The run that measures a boundary condition: what a row says, what is shared, what is refused."""

import dataclasses
import sys

import pytest

from genmlip.errors import InputError, UnknownNameError
from genmlip.studies import BoundaryCondition, Cache, Study
from genmlip.studies.declaration import find_declaration, load_declaration
from genmlip.studies.runs import attempt

SMALL = BoundaryCondition(radius=10.0, reference_radius=33.0, reference_boundary="clamped")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("cache"))


def test_a_larger_clamped_cell_is_nearer_to_the_reference(cache):
    near, far = (dataclasses.replace(SMALL, radius=radius)(cache) for radius in (11.0, 8.0))
    for key in ("geometry_error", "geometry_error_beyond", "energy_error"):
        assert 0 < near[key] < far[key], key
    assert near["n_atoms"] > near["n_free"] > far["n_free"]


def test_the_reference_is_relaxed_once_for_all_radii(cache):
    SMALL(cache)
    before = {path.name for path in cache.folder.glob("[!.]*")}
    dataclasses.replace(SMALL, radius=9.0)(cache)
    assert {path.name for path in cache.folder.glob("[!.]*")} == before


def test_a_run_gives_the_same_numbers_from_an_empty_cache(cache, tmp_path):
    first, again = (
        {name: value for name, value in SMALL(where).items() if name != "relaxation_s"}
        for where in (cache, Cache(tmp_path))
    )
    assert again == pytest.approx(first, rel=1e-6, abs=1e-9)


def test_without_kimpy_a_row_of_an_openkim_model_says_that_it_is_missing(cache, monkeypatch):
    from genmlip.potentials import kim

    kim._kimpy.cache_clear()
    monkeypatch.setitem(sys.modules, "kimpy", None)
    runs = load_declaration(find_declaration("boundary_conditions")).study.runs("paper")
    outcome = attempt(next(run for run in runs if run.reference.startswith("kim:")), cache)
    kim._kimpy.cache_clear()
    assert outcome.status == "failed"
    assert "needs kimpy" in outcome.error


@pytest.mark.parametrize(
    ("bad", "error", "clue"),
    [
        ({"dislocation": "bcc-screw-112"}, UnknownNameError, "did you mean bcc-screw-111"),
        ({"boundary": "clampd"}, UnknownNameError, "did you mean clamped"),
        ({"reference_boundary": "clampd"}, UnknownNameError, "did you mean clamped"),
        ({"radius": 0.0}, InputError, "radius must be positive"),
        ({"radius": 70.0}, InputError, "at least 3 times the radius, 210 Å"),
        ({"source_radius": -1.0}, InputError, "source radius must be a positive"),
    ],
)
def test_parameters_that_cannot_work_are_refused_when_the_study_is_declared(bad, error, clue):
    with pytest.raises(error, match=clue):
        Study([bad], kind=BoundaryCondition)
