"""Makes the modules beside the tests importable, and gives every built-in kind of potential as a fixture."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from potential_cases import CASES, potential_of


@pytest.fixture(scope="session", params=["fs-W", *CASES])
def case(request):
    """Name of an analytic or tabulated potential."""
    return request.param


@pytest.fixture
def potential(case):
    return potential_of(case)
