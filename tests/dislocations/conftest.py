"""Makes the module beside the tests importable; the dislocations of all systems, and two crystals."""

import sys
from pathlib import Path

import pytest

from genmlip.crystal import Crystal
from genmlip.dislocations import SYSTEMS, Dislocation
from genmlip.potentials import load_potential

sys.path.insert(0, str(Path(__file__).parent))

from elastic_media import medium


@pytest.fixture(params=SYSTEMS)
def any_dislocation(request):
    return Dislocation(medium(SYSTEMS[request.param].structure), request.param)


@pytest.fixture(scope="session")
def tungsten():
    return Crystal.from_potential(load_potential("fs:W"))


@pytest.fixture(scope="session")
def silicon():
    return Crystal.from_potential(load_potential("sw:Si"))
