"""The two crystals that most tests are about, and how hypothesis looks for counterexamples.

A change is judged by the same examples everywhere, whatever the load of the machine; to look for new ones,
run with HYPOTHESIS_PROFILE=explore.
"""

import os

import pytest
from hypothesis import settings

from genmlip.crystal import Crystal
from genmlip.potentials import load_potential

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session", autouse=True)
def cache_of_this_session(tmp_path_factory):
    """Tests neither read nor fill the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMLIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tungsten():
    return Crystal.from_potential(load_potential("fs:W"))


@pytest.fixture(scope="session")
def silicon():
    return Crystal.from_potential(load_potential("sw:Si"))
