"""The derivations are there when asked for, and cost nothing before."""

import subprocess
import sys
from types import ModuleType

import pytest

from genmlip.theory import symbolic


@pytest.mark.parametrize("name", symbolic.__all__)
def test_every_public_name_is_what_it_says_and_not_a_module(name):
    assert not isinstance(getattr(symbolic, name), ModuleType)


def test_sympy_is_imported_with_the_first_derivation():
    code = "import sys, genmlip.theory.symbolic; print('sympy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
