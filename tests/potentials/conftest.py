"""Makes the modules beside the tests importable and gives every built-in kind of potential as a fixture."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_generate_tests(metafunc):
    """``case`` runs over the analytic potentials and the tabulated ones."""
    if "case" in metafunc.fixturenames:
        from potential_cases import CASES

        metafunc.parametrize("case", ["fs-W", *CASES])


@pytest.fixture
def potential(case):
    from potential_cases import potential_of

    return potential_of(case)
