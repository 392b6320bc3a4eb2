from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, Vacancy, equilibrate
from genmlip.dislocations.boundaries import (
    BOUNDARIES,
    Clamped,
    Domain,
    Periodic,
    find_boundary,
)
from genmlip.dislocations.harmonic import periodic_preconditioner
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials import load_potential
from genmlip.statics import SparseFactor, assemble_hessian


@pytest.fixture(scope="module", params=["clamped screw", "periodic vacancy"])
def domain(request, tungsten):
    if request.param == "clamped screw":
        return Clamped().domain(Dislocation(tungsten, "bcc-screw-111"), 12.0, tungsten.potential)
    return Periodic().domain(Vacancy(tungsten), 6.0, tungsten.potential)


def random_unknowns(domain, seed):
    n = len(domain.cell)
    return domain.restrict(np.random.default_rng(seed).normal(size=(n, 3)))


def test_restriction_inverts_extension(domain):
    x = random_unknowns(domain, 0)
    assert_allclose(domain.restrict(domain.extend(x)), x, atol=1e-14)


def test_residual_is_the_adjoint_of_extension(domain):
    """⟨residual, x⟩ = −⟨forces, extend(x)⟩, so that the residual is the gradient of the energy in x."""
    x = random_unknowns(domain, 1)
    forces = np.random.default_rng(2).normal(size=(len(domain.cell), 3))
    assert_allclose(np.vdot(domain.residual(x, forces), x), -np.vdot(forces, domain.extend(x)))


def test_preconditioner_is_symmetric_and_positive(domain):
    P = domain.precondition()
    g, h = (random_unknowns(domain, seed) for seed in (3, 4))
    assert_allclose(np.vdot(h, P.solve(g)), np.vdot(g, P.solve(h)))
    assert np.vdot(g, P.solve(g)) > 0.0


def test_residual_is_the_derivative_of_the_energy(domain, tungsten):
    """Along a random direction, by central differences of site energies."""
    cell = domain.cell
    evaluate = tungsten.potential.bind(cell.atoms, cell.centres)
    x, v = 0.02 * random_unknowns(domain, 5), random_unknowns(domain, 6)

    def at(t):
        return evaluate(cell.positions + domain.extend(x + t * v))

    h = 1e-5
    slope = np.sum(at(h).energies - at(-h).energies) / (2 * h)
    assert_allclose(np.vdot(domain.residual(x, at(0.0).forces), v), slope, rtol=1e-6)


def test_clamped_boundary_moves_only_the_free_atoms(tungsten):
    domain = Clamped().domain(Dislocation(tungsten, "bcc-edge-111"), 12.0, tungsten.potential)
    u = domain.extend(random_unknowns(domain, 0))
    assert (u[~domain.cell.free] == 0.0).all()
    assert (u[domain.cell.free] != 0.0).any(axis=1).all()


def test_steps_of_the_periodic_boundary_do_not_translate(tungsten):
    domain = Periodic().domain(Vacancy(tungsten), 6.0, tungsten.potential)
    g = np.random.default_rng(0).normal(size=(len(domain.cell), 3))
    assert_allclose(domain.residual(g, g).sum(axis=0), 0.0, atol=1e-12)
    assert_allclose(domain.precondition().solve(g).sum(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize("spec", ["fs:W", "sw:Si"])
def test_fourier_inverse_is_the_pseudo_inverse_of_the_crystals_hessian(spec):
    """With every site occupied; the Hessian is assembled from the potential in the supercell."""
    crystal = Crystal.from_potential(load_potential(spec))
    cell = Vacancy(crystal).cell(1.4 * crystal.a0)
    repeats = round(cell.atoms.cell[0, 0] / crystal.a0)
    atoms = crystal.unit_cell().repeat(repeats)
    from genmlip.statics.fourier import FourierInverse, periodic_force_constants

    inverse = FourierInverse(*periodic_force_constants(crystal, repeats), atoms.positions / crystal.a0)
    H = assemble_hessian(crystal.potential, atoms).toarray()
    g = np.random.default_rng(0).normal(size=(len(atoms), 3))
    g -= g.mean(axis=0)
    x = inverse.solve(g)
    assert_allclose((H @ x.ravel()).reshape(-1, 3), g, atol=1e-9)
    # the vacancy's preconditioner: the same operator without one site
    assert len(periodic_preconditioner(cell).solve(np.zeros((len(cell), 3)))) == len(atoms) - 1


def test_every_registered_boundary_is_found_by_its_name():
    for name, kind in BOUNDARIES.items():
        assert isinstance(find_boundary(name), kind)
        assert find_boundary(name).name == name


def test_unknown_boundary_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean clamped"):
        find_boundary("clampd")


def test_clamped_vacancy_is_refused(tungsten):
    with pytest.raises(InputError, match="use 'periodic'"):
        equilibrate(Vacancy(tungsten), tungsten.potential, 8.0, boundary="clamped")


def test_periodic_dislocation_needs_room_for_its_core(tungsten):
    with pytest.raises(InputError, match="radius 3 Å is too small"):
        equilibrate(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 3.0, boundary="periodic")


@dataclass(frozen=True)
class Antiplane:
    """A user's own boundary condition: atoms move along the line only, and those outside are held."""

    name = "antiplane"

    def cell(self, defect, radius, cutoff):
        return defect.cell(radius, cutoff)

    def domain(self, defect, radius, potential):
        cell = self.cell(defect, radius, potential.cutoff)
        free = np.flatnonzero(cell.free)

        def extend(x):
            u = np.zeros((len(cell), 3))
            u[free, 2] = x[:, 0]
            return u

        def precondition():
            # the x3 block of the crystal's operator
            from genmlip.dislocations.harmonic import harmonic_operator

            H = harmonic_operator(cell, free)[2::3][:, 2::3]
            return SparseFactor(H, cell.reference[free, :2])

        return Domain(cell, extend, lambda u: u[free, 2:], lambda x, forces: -forces[free, 2:], precondition)


def test_new_boundary_condition_needs_nothing_but_its_class(tungsten):
    screw = Dislocation(tungsten, "bcc-screw-111")
    own = equilibrate(screw, tungsten.potential, 12.0, boundary=Antiplane())
    full = equilibrate(screw, tungsten.potential, 12.0, "clamped")
    assert own.converged
    assert own.boundary == Antiplane()
    assert (own.corrector[:, :2] == 0.0).all()
    assert full.energy < own.energy < 0.0
