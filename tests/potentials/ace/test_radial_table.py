"""Tables of radial functions: accuracy, smoothness, the cutoff, cores, functions with kinks."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.errors import InputError
from genmlip.potentials.ace.condensed import CombinedRadial
from genmlip.potentials.ace.radial import RadialBasis
from genmlip.potentials.ace.radial_table import ROOM, RadialTable

BASES = {
    "default": RadialBasis(cutoff=5.5, r0=2.74, n_max=12),
    "many": RadialBasis(cutoff=5.0, r0=2.7, n_max=40),
    "soft": RadialBasis(cutoff=6.0, r0=2.2, n_max=8, tail=2, core=4, envelope=5),
}


@pytest.fixture(scope="module", params=BASES)
def basis(request):
    return BASES[request.param]


def derivative(function, r, h):
    """Central difference of order eight."""
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    return sum(w * (function(r + k * h) - function(r - k * h)) for k, w in weights.items()) / h


def relative_error(found, exact):
    return (abs(found - exact).max(axis=1) / abs(exact).max(axis=1)).max()


def switch(r, low, high):
    """1 below ``low`` and 0 above ``high``, with two continuous derivatives; and its slope."""
    x = np.clip((r - low) / (high - low), 0.0, 1.0)
    return 1 - x**3 * (10 - 15 * x + 6 * x * x), -30 * (x * (1 - x)) ** 2 / (high - low)


@dataclass
class Switched:
    """Radial functions that vanish below an inner cutoff, whose third derivatives jump at its ends."""

    basis: RadialBasis
    low: float
    high: float

    @property
    def breakpoints(self):
        return (self.low, self.high)

    @property
    def cutoff(self):
        return self.basis.cutoff

    def __call__(self, r):
        (R, dR), (s, ds) = self.basis(r), switch(r, self.low, self.high)
        return R * (1 - s), dR * (1 - s) - R * ds


@dataclass
class ScreenedCoulomb:
    """74² e² exp(−r/a) / r, switched off: as large near the nucleus as a real core."""

    low, cutoff = 0.8, 1.6

    @property
    def breakpoints(self):
        return (self.low,)

    def __call__(self, r):
        s, ds = switch(r, self.low, self.cutoff)
        bare = 74**2 * 14.4 * np.exp(-r / 0.2) / r
        return bare * s, bare * ds - bare * s * (1 / r + 1 / 0.2)


def test_values_and_slopes_are_those_of_the_functions(basis):
    table = RadialTable.of(basis)
    r = np.random.default_rng(0).uniform(0.01, basis.cutoff + 0.2, 5000)
    values, slopes = basis(r)
    found = table(r)
    assert relative_error(found[0], values) < 2e-11
    assert relative_error(found[1], slopes) < 2e-9


def test_a_looser_tolerance_takes_fewer_bins_and_is_kept(basis):
    loose, tight = RadialTable.of(basis, tolerance=1e-7), RadialTable.of(basis)
    assert len(loose.coefficients) < 0.6 * len(tight.coefficients)
    r = np.random.default_rng(1).uniform(0.01, basis.cutoff, 5000)
    assert relative_error(loose(r)[0], basis(r)[0]) < 2e-7


def test_slopes_and_curvatures_are_derivatives_of_the_values(basis):
    table = RadialTable.of(basis, tolerance=1e-7)  # exact for any table, however coarse
    r, h = np.linspace(0.5, basis.cutoff - 0.1, 200), 1e-3
    for k in (1, 2):
        difference = derivative(lambda r, k=k: table(r)[k - 1], r, h)
        assert relative_error(table(r)[k], difference) < 1e-9


def test_tables_have_six_continuous_derivatives(basis):
    table = RadialTable.of(basis)
    C, widths = table.coefficients, np.diff(table.start)
    power = np.arange(C.shape[1])
    jump, largest = np.empty((7, C.shape[2])), np.empty((7, C.shape[2]))
    for m in range(7):  # of the derivative of order m, over m!
        binomial = np.array(
            [np.prod(np.arange(p - m + 1, p + 1)) / np.prod(np.arange(1, m + 1)) for p in power]
        )
        binomial[:m] = 0.0
        at_end = np.einsum("kpc,p,kp->kc", C, binomial, widths[:, None] ** np.maximum(power - m, 0))
        jump[m] = abs((at_end[:-1] - C[1:, m]) * widths[1:, None] ** m).max(axis=0)
        largest[m] = abs(C[:, 0]).max(axis=0)
    assert (jump < 1e-13 * largest).all()


def test_values_slopes_and_curvatures_vanish_at_the_cutoff(basis):
    table = RadialTable.of(basis)
    edge = np.nextafter(basis.cutoff, 0.0)
    for f in table(np.append(np.linspace(1.0, edge, 500), basis.cutoff)):
        assert_allclose(f[:, -2:], 0.0, atol=1e-12 * abs(f).max())
    assert_array_equal(np.array(table(basis.cutoff + np.array([0.0, 1e-9, 1.0]))), 0.0)


def test_cells_lead_to_the_bin_of_any_distance(basis):
    table = RadialTable.of(Switched(basis, 1.5, 2.0))
    r = np.append(np.random.default_rng(2).uniform(0, basis.cutoff, 5000), np.nextafter(basis.cutoff, 0))
    k = table.bin[(r * (1 / table.width)).astype(int)]
    steps = 0
    while (behind := r >= table.start[k + 1]).any():
        k, steps = k + behind, steps + 1
    assert_array_equal(k, np.searchsorted(table.start, r, side="right") - 1)
    assert steps <= 2


def test_functions_may_have_kinks_where_they_name_them(basis):
    functions = Switched(basis, 1.43, 1.57)
    table = RadialTable.of(functions)
    r = np.random.default_rng(3).uniform(0.01, basis.cutoff, 5000)
    assert relative_error(table(r)[0], functions(r)[0]) < 2e-11
    assert relative_error(table(r)[1], functions(r)[1]) < 2e-9
    assert_array_equal(np.array(table(np.linspace(0.0, 1.42, 50))), 0.0)
    curvature = table(np.array([1.43, 1.57, 1.57 - 1e-12]))[2]
    scale = abs(table(np.linspace(1.43, 1.57, 50))[2]).max(axis=1)
    assert (abs(curvature[:, 0]) < 1e-5 * scale).all()
    assert (abs(curvature[:, 1] - curvature[:, 2]) < 1e-5 * scale).all()


def test_a_switch_may_be_as_steep_as_a_step():
    # widths of 1e-5 Å occur in .yace files; rounding of the distance alone then alters the functions by 1e-11
    functions = Switched(BASES["default"], 1.2, 1.2 + 1e-5)
    table = RadialTable.of(functions)
    r = np.append(np.random.default_rng(3).uniform(0.01, 5.5, 2000), np.linspace(1.2, 1.2 + 1e-5, 101))
    exact = functions(r)[0]
    assert (abs(table(r)[0] - exact) < 2e-11 * abs(exact).max(axis=1)[:, None] + 1e-10).all()


def test_stretches_where_functions_are_polynomials_take_one_bin():
    table = RadialTable.of(Switched(BASES["default"], 1.4, 1.6))
    assert_array_equal(table.start[:2], [0.0, 1.4])  # zero up to there


def test_functions_that_do_not_vanish_at_the_cutoff_are_refused():
    class Cut:
        cutoff = 4.0

        def __call__(self, r):
            inside = (r < self.cutoff).astype(float)
            return np.cos(r)[None] * inside, -np.sin(r)[None] * inside

    with pytest.raises(InputError, match=r"radial functions: no table .* near 4 Å"):
        RadialTable.of(Cut())


def test_a_core_is_tabulated_times_the_distance():
    core = ScreenedCoulomb()
    table = RadialTable.of(BASES["default"], core).core
    assert table.cutoff == core.cutoff
    r = np.random.default_rng(4).uniform(1e-3, 1.7, 5000)
    energy, slope = core(r)
    g, dg, _ = table(r)
    assert (abs(g[0] - r * energy) < 2e-11 * (1.0 + abs(r * energy))).all()
    assert (abs(dg[0] - (energy + r * slope)) < 2e-9 * (1.0 + abs(energy + r * slope))).all()
    assert RadialTable.of(BASES["default"]).core is None


@pytest.fixture(scope="module")
def wild():
    """A sum of 60 functions, a pair potential of 10⁵ eV within 2 Å and below 1 eV from 2.5 Å on."""
    basis = RadialBasis(cutoff=5.0, r0=2.74, n_max=60)
    r = np.linspace(2.2, 5.0, 400)
    R = basis(r)[0]
    silent = np.linalg.svd(R.T)[2][-1]  # what these distances say least about
    c = np.linalg.lstsq(R.T, -((1 - r / 5.0) ** 3), rcond=1e-9)[0]
    c += 1e5 * silent / abs(silent @ basis(np.linspace(0.1, 2.0, 50))[0]).max()
    return CombinedRadial(basis, np.vstack([c, np.eye(2, 60)]))


def beyond(r, values, half):
    """Largest of ``values`` at ``r`` and beyond, or beyond ``half``."""
    largest = np.maximum.accumulate(abs(values)[:, ::-1], axis=1)[:, ::-1]
    return largest[:, np.searchsorted(r, np.minimum(r, half))]


def test_sums_with_large_weights_are_accurate_where_they_are_small(wild):
    """Their errors were once relative to a thousandth of their largest value, wherever that is."""
    r = np.linspace(1.3, 4.999, 4001)
    found, exact = RadialTable.of(wild)(r)[0], wild.extended(r)[0]
    assert (abs(found - exact) < 1.2e-12 * beyond(r, exact, 2.5)).all()
    loose = RadialTable.of(wild, tolerance=1e-11)(r)[0]
    assert (abs(loose - exact) / beyond(r, exact, 2.5)).max() > 1e-10


def test_their_curvatures_too_which_elastic_constants_are(wild):
    r, h = np.linspace(2.5, 4.5, 101), 1e-3
    exact = derivative(lambda r: wild.extended(r)[1], r.astype(np.longdouble), h)
    found = RadialTable.of(wild)(r)[2]
    assert (abs(found - exact)[0] < 1e-7 * beyond(r, exact, 4.0)[0]).all()


def test_functions_without_extended_precision_have_the_usual_tables(wild):
    @dataclass
    class Rounded:
        functions: CombinedRadial
        cutoff = 5.0

        def __call__(self, r):
            return self.functions(r)

    usual = RadialTable.of(wild, tolerance=1e-11)
    found = RadialTable.of(Rounded(wild))
    assert_array_equal(found.start, usual.start)


def test_accuracy_that_takes_too_much_room_is_given_up(wild):
    basis = BASES["many"]
    few, many = RadialTable.of(wild), RadialTable.of(CombinedRadial(basis, np.eye(40)))
    assert few.coefficients.nbytes < ROOM < many.coefficients.nbytes
    assert_array_equal(many.start, RadialTable.of(basis, tolerance=1e-11).start)
