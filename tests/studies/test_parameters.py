import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genmlip.errors import InputError
from genmlip.studies import grid
from genmlip.studies.parameters import canonical, fingerprint

scalars = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text())


def test_a_grid_is_the_product_of_its_axes_with_the_first_slowest():
    runs = grid(cell=[1, 2], observations=["EF", "EFV"], seed=range(2), reference="fs:W")
    assert len(runs) == 8
    assert [run["cell"] for run in runs] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert {run["reference"] for run in runs} == {"fs:W"}


def test_an_axis_without_values_is_refused_by_name():
    with pytest.raises(InputError, match="'cell' has no values"):
        grid(cell=[], seed=[1])


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: name != "schema"), scalars))
def test_the_fingerprint_ignores_the_order_of_keys(parameters):
    assert fingerprint(parameters) == fingerprint(dict(reversed(parameters.items())))


@given(st.integers(-(2**31), 2**31))
def test_the_fingerprint_ignores_the_type_of_a_number(n):
    assert len({fingerprint({"x": value}) for value in (n, float(n), np.int64(n), np.float64(n))}) == 1


@given(scalars, scalars)
def test_different_parameters_have_different_fingerprints(a, b):
    assert (fingerprint({"x": a}) == fingerprint({"x": b})) == (canonical(a) == canonical(b))


def test_the_fingerprint_is_the_same_in_another_process():
    """Python salts its own hash() per process; a resumed study must find its rows again."""
    script = (
        "from genmlip.studies.parameters import fingerprint; print(fingerprint({'b': 0.1, 'a': ('x', 2)}))"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint({"a": ["x", 2.0], "b": 0.1}) == "40b3c4a70c3227ca"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), object()])
def test_a_parameter_that_json_cannot_hold_is_refused(bad):
    with pytest.raises(InputError, match="parameter of a run must be"):
        fingerprint({"x": bad})
