"""Makes the module beside the tests importable; the dislocations of all systems."""

import sys
from pathlib import Path

import pytest

from genmlip.dislocations import SYSTEMS, Dislocation

sys.path.insert(0, str(Path(__file__).parent))

from elastic_media import medium


@pytest.fixture(params=SYSTEMS)
def any_dislocation(request):
    return Dislocation(medium(SYSTEMS[request.param].structure), request.param)
