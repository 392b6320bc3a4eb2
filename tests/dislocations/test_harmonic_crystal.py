"""The infinite harmonic crystal around a dislocation: operator, inverse, and sums over sites."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, Vacancy
from genmlip.dislocations.boundaries.coupling import balanced, exterior_operator, far_cell, interface_radius
from genmlip.dislocations.exterior import HarmonicCrystal, SlippedGreen
from genmlip.dislocations.harmonic import harmonic_operator
from genmlip.dislocations.site_operator import site_operator
from genmlip.errors import InputError
from genmlip.potentials import load_potential
from genmlip.statics.convolution import LatticeConvolution

SOURCES = 40.0  # Å


@pytest.fixture(scope="module")
def silicon_crystal():
    return Crystal.from_potential(load_potential("sw:Si"))


@pytest.fixture(
    scope="module", params=["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111", "bcc-edge-100", "diamond-60"]
)
def harmonic(request, tungsten, silicon_crystal):
    crystal = silicon_crystal if request.param.startswith("diamond") else tungsten
    defect = Dislocation(crystal, request.param)
    cell = far_cell(defect, 12.0, crystal.potential.cutoff, SOURCES)
    return HarmonicCrystal(cell, SOURCES)


def zero_sum_forces(harmonic, seed):
    q = np.random.default_rng(seed).normal(size=(len(harmonic.cell), 3))
    q[~harmonic.carries] = 0.0
    q[harmonic.carries] -= q[harmonic.carries].mean(axis=0)
    return q


def whole_operator(harmonic):
    return harmonic.operator(np.flatnonzero(harmonic.carries))


def product(operator, u):
    return (operator @ u.ravel()).reshape(-1, 3)


def test_green_function_of_the_slipped_crystal_inverts_its_operator(harmonic):
    q = zero_sum_forces(harmonic, 0)
    green = SlippedGreen(harmonic, np.arange(len(harmonic.cell)))
    assert_allclose(product(whole_operator(harmonic), green.solve(q)), q, atol=1e-10)


def test_green_function_of_the_slipped_crystal_is_symmetric_and_positive(harmonic):
    green = SlippedGreen(harmonic, np.arange(len(harmonic.cell)))
    q, p = (zero_sum_forces(harmonic, seed) for seed in (1, 2))
    assert_allclose(np.vdot(p, green.solve(q)), np.vdot(q, green.solve(p)), rtol=1e-9)
    assert np.vdot(q, green.solve(q)) > 0.0


def test_operator_is_that_of_the_slipped_bonds(harmonic):
    """Away from both ends of the cut it is the harmonic operator of the cell's own topology."""
    cell = harmonic.cell
    inner = np.flatnonzero((cell.r > 8.0) & (cell.r < SOURCES - 12.0))
    expected = harmonic_operator(cell, np.arange(len(cell)))
    rows = (3 * inner[:, None] + np.arange(3)).ravel()
    difference = (whole_operator(harmonic) - expected).tocsr()[rows]
    assert abs(difference).max() < 1e-10


def test_sites_add_up_to_the_crystal(harmonic):
    """Σ_ℓ δ²V_ℓ over all sites is the operator on the bonds, away from the core and from the last sites."""
    cell = harmonic.cell
    reach = cell.defect.crystal.potential.cutoff + abs(cell.defect.burgers[0])
    everything = site_operator(cell, harmonic.topology, np.flatnonzero(cell.r < SOURCES))
    ring = np.flatnonzero((cell.r > 12.0) & (cell.r < SOURCES - 2 * reach - 1.0))
    rows = (3 * ring[:, None] + np.arange(3)).ravel()
    assert abs((everything - whole_operator(harmonic)).tocsr()[rows]).max() < 1e-10


def exterior(harmonic):
    return exterior_operator(harmonic, whole_operator(harmonic))


def test_exterior_is_symmetric_and_blind_to_translations(harmonic):
    operator = exterior(harmonic)
    carrying = (3 * np.flatnonzero(harmonic.carries)[:, None] + np.arange(3)).ravel()
    square = operator[carrying][:, carrying]
    assert abs(square - square.T).max() < 1e-10
    assert_allclose(product(operator, np.ones((len(harmonic.cell), 3))), 0.0, atol=1e-9)


def test_exterior_does_not_touch_the_core(harmonic):
    inner = (3 * np.flatnonzero(harmonic.cell.free)[:, None] + np.arange(3)).ravel()
    assert abs(exterior(harmonic)[inner]).max() == 0.0


def test_green_function_between_some_atoms_is_part_of_that_between_all(harmonic):
    cell = harmonic.cell
    some = np.flatnonzero(cell.r < 20.0)
    q = zero_sum_forces(harmonic, 3)
    q[cell.r >= 20.0] = 0.0
    q[some] -= q[some].mean(axis=0)
    everywhere = SlippedGreen(harmonic, np.arange(len(cell))).solve(q)
    assert_allclose(SlippedGreen(harmonic, some).solve(q[some]), everywhere[some], atol=1e-10)


def test_screw_has_no_bonds_to_mend(tungsten):
    cell = far_cell(Dislocation(tungsten, "bcc-screw-111"), 12.0, 4.4, SOURCES)
    atoms, correction = HarmonicCrystal(cell, SOURCES).cut
    assert len(atoms) == 0
    assert correction.nnz == 0


def test_convolution_is_the_direct_sum():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(21, 17, 6, 6))
    label = np.array([(a, b, k) for a in range(-4, 5) for b in range(-3, 4) for k in (0, 1)])
    label = label[rng.permutation(len(label))[:80]]
    q = rng.normal(size=(len(label), 3))
    direct = np.zeros((len(label), 3))
    for i, (n1, n2, kappa) in enumerate(label):
        for j, (m1, m2, other) in enumerate(label):
            block = table[10 + n1 - m1, 8 + n2 - m2, 3 * kappa : 3 * kappa + 3, 3 * other : 3 * other + 3]
            direct[i] += block @ q[j]
    assert_allclose(LatticeConvolution(table, label)(q), direct, atol=1e-12)


def test_balanced_sources_sum_to_zero_and_keep_the_core():
    rng = np.random.default_rng(0)
    r = rng.uniform(0.0, 20.0, 200)
    sources = np.where((r < 15.0)[:, None], rng.normal(size=(200, 3)), 0.0)
    found = balanced(sources, (r >= 7.5) & (r < 15.0))
    assert_allclose(found.sum(axis=0), 0.0, atol=1e-12)
    changed = (found != sources).any(axis=1)
    assert (r[changed] >= 7.5).all()
    assert (r[changed] < 15.0).all()


def test_point_defect_has_no_line_to_couple(tungsten):
    with pytest.raises(InputError, match="needs a straight dislocation; a vacancy is none"):
        far_cell(Vacancy(tungsten), 12.0, 4.4, SOURCES)


def test_layer_thinner_than_the_interactions_is_refused(tungsten):
    cell = far_cell(Dislocation(tungsten, "bcc-screw-111"), 12.0, 4.4, 20.0)
    with pytest.raises(
        InputError, match=r"source radius 20 Å is too small: the interface layer .* reaches to 2\d"
    ):
        interface_radius(HarmonicCrystal(cell, 20.0))


def test_bonds_across_the_cut_do_not_see_a_translation(harmonic):
    """At both ends of the cut too, where a multilattice's antisymmetric couplings lose their partners."""
    _, correction = harmonic.cut
    assert_allclose(product(correction, np.ones((len(harmonic.cell), 3))), 0.0, atol=1e-12)
    assert abs(correction - correction.T).max() < 1e-12
