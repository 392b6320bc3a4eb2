"""The two crystals that most tests are about; they keep what has been computed of them."""

import pytest

from genmlip.crystal import Crystal
from genmlip.potentials import load_potential


@pytest.fixture(scope="session")
def tungsten():
    return Crystal.from_potential(load_potential("fs:W"))


@pytest.fixture(scope="session")
def silicon():
    return Crystal.from_potential(load_potential("sw:Si"))
