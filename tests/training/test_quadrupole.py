import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.errors import InputError, UnknownNameError
from genmlip.training import dislocation_quadrupole


def test_cells_are_reproducible_and_say_what_they_are(tungsten):
    first, second = dislocation_quadrupole(
        tungsten, "bcc-screw-111", n=2, spacing=10.0, repeat=2, displacement=0.05, seed=4
    )
    again = dislocation_quadrupole(
        tungsten, "bcc-screw-111", n=2, spacing=10.0, repeat=2, displacement=0.05, seed=4
    )[1]
    assert_allclose(second.positions, again.positions, rtol=0, atol=0)
    assert np.abs(first.positions - second.positions).max() > 0.01
    assert second.info["config_type"] == "quadrupole"
    assert second.info["dislocation"] == "bcc-screw-111"
    assert second.info["cores"].shape == (4,)


@pytest.mark.parametrize("settings", [{"spacing": 3.0}, {"spacing": np.nan}, {"repeat": 0}, {"n": 0}])
def test_settings_that_make_no_cell_are_refused(tungsten, settings):
    with pytest.raises(InputError):
        dislocation_quadrupole(tungsten, "bcc-screw-111", **settings)


def test_an_unknown_dislocation_is_named(tungsten):
    with pytest.raises(UnknownNameError, match="bcc-screw-111"):
        dislocation_quadrupole(tungsten, "bcc-screw-112")
