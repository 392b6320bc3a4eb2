"""Elastic energy of a periodic array, and the core energy that is left when it is taken away.

The energy of one dislocation grows like A log(R / r_c) with A = K b² / 4π, and the elastic energy between r_c
and R is exactly that, whatever the cut. The core energy E_c(r_c) is what the atoms have beyond it,

    E(inside R) = A log(R / r_c) + E_c(r_c) + o(1),    E(two cores) = E_el(r_c) + 2 E_c(r_c) + o(1),

where E_el is the elastic energy of the array outside discs of radius r_c, hence with the core tractions that
Clouet, Phil. Mag. 89, 1565 (2009), asks for (Cai, Bulatov, Chang, Li & Yip, Phil. Mag. 83, 539 (2003)). The
strain is odd about each core, in an array but for the shift of the inverted core to a lattice place. So the
cubic terms of the energy, ~ r⁻³ and odd, cancel, and o(1) is O(R⁻²), times log² R once relaxed. They need not
cancel where third derivatives of the potential jump at a neighbour distance: ∣ε∣³ is even and leaves O(R⁻¹),
as is seen with fs:W.
"""

from __future__ import annotations

from math import fsum
from typing import cast

import numpy as np
from scipy.integrate import quad
from scipy.special import erfc

from genmlip._types import Array
from genmlip.dislocations.dislocation import Dislocation
from genmlip.dislocations.equilibrium import Equilibrium
from genmlip.dislocations.quadrupole import Quadrupole
from genmlip.dislocations.quadrupole_cell import QuadrupoleTopology
from genmlip.dislocations.stroh import StrohField
from genmlip.errors import InputError

NODES = 64
"""Of Gauss-Legendre quadrature along the cut and around a core."""
FAR = 120.0  # Å, to which the energy of the predictor is summed
WINDOW_MIDDLE, WINDOW_WIDTH = 0.65, 0.08
"""Smooth end of that sum, in units of its end. With a sharp end the number of sites inside would scatter."""


def array_energy(quadrupole: Quadrupole, core_radius: float) -> float:
    """Elastic energy of a cell (two cores) outside discs of ``core_radius`` (Å), where these are small, eV/Å.

    By Clapeyron's theorem ½ ∮ t·u over the cut from core to core, on which u jumps by b, and over the discs,
    where only the core's own tractions and displacements remain as the discs shrink. The outer boundary does
    not contribute: the mean stress vanishes.
    """
    field, b = quadrupole.dislocation.field, quadrupole.dislocation.burgers
    dipole = quadrupole.dipole
    length, angle = float(np.hypot(*dipole)), float(np.arctan2(dipole[1], dipole[0]))
    normal = np.array([-np.sin(angle), np.cos(angle), 0.0])
    node, weight = np.polynomial.legendre.leggauss(NODES)
    s = 0.5 * length * (1 + node)
    strain = quadrupole.distortion(quadrupole.cores[0] + np.outer(s / length, dipole))
    traction = np.einsum("i,ijkl,nkl,j->n", b, field.stiffness, strain, normal)
    own = 2 * field.energy_prefactor * (1 / s + 1 / (length - s))
    others = 0.5 * length * float(weight @ (traction - own))
    logarithm = 2 * field.energy_prefactor * float(np.log(length / core_radius))
    return logarithm + 0.5 * others + 2 * _disc_energy(field, angle)


def core_energy(equilibrium: Equilibrium, core_radius: float) -> float:
    """E_c(r_c) of a relaxed dislocation, eV per Å of line, from a periodic cell or a cylinder.

    Of a cylinder it is the predictor's in the infinite crystal and the relaxation, ``Equilibrium.energy``.
    Raises InputError for a point defect, for a potential other than the crystal's, whose elasticity would not
    be its own, and in a cylinder for a potential without site energies.
    """
    cell = equilibrium.cell
    if not isinstance(cell.defect, Dislocation):
        raise InputError(f"a {cell.defect.name} has no core energy")
    crystal = cell.defect.crystal
    if equilibrium.potential != crystal.potential.spec or cell.defect.medium is not None:
        raise InputError(
            "a core energy needs the crystal, its elasticity and the equilibrium from one potential"
        )
    if isinstance(cell.topology, QuadrupoleTopology):
        energies = crystal.potential.evaluate(equilibrium.atoms).energies
        own = crystal.energy_per_atom * (len(cell) / len(energies))
        excess = fsum(energies - own) / cast(float, cell.line_period)
        return 0.5 * (excess - array_energy(cell.topology.quadrupole, core_radius))
    relaxation = equilibrium.energy / cast(float, cell.line_period)
    return relaxation + predictor_core_energy(cell.defect, core_radius)


def predictor_core_energy(dislocation: Dislocation, core_radius: float, far: float = FAR) -> float:
    """E_c(r_c) of the unrelaxed predictor, eV/Å, from the sites within ``far`` (Å) of the line.

    Extrapolated from ``far``, a half and a quarter of it, so that terms in 1 / R and 1 / R² drop out.
    """
    crystal = dislocation.crystal
    if not crystal.potential.site_resolved:
        raise InputError(f"potential {crystal.potential.spec!r} has no site energies to sum around a line")
    cell = dislocation.cell(far)
    sites = np.flatnonzero(cell.free)
    r, _ = dislocation.far_field.polar(cell.reference[sites])
    perfect = crystal.potential.evaluate(crystal.primitive_cell()).energies
    energies = crystal.potential.bind(cell.atoms, sites)(cell.positions).energies
    excess = (energies - perfect[cell.sublattice[sites]]) / dislocation.line_period
    at_one, at_half, at_quarter = (
        fsum(_window(r / end) * excess)
        - dislocation.field.energy_prefactor * _window_logarithm(core_radius / end)
        for end in (far, far / 2, far / 4)
    )
    return (8 * at_one - 6 * at_half + at_quarter) / 3


def _window(r: Array) -> Array:
    return np.asarray(0.5 * erfc((r - WINDOW_MIDDLE) / WINDOW_WIDTH))


def _window_logarithm(r: float) -> float:
    """∫_r^∞ of the window over the distance, d log r."""
    return float(quad(lambda t: _window(np.exp(t)), np.log(r), 0.0, limit=200, epsabs=1e-12)[0])


def _disc_energy(field: StrohField, angle: float) -> float:
    """−½ ∮ (σ e_r)·u of one dislocation over a circle that its cut meets at ``angle``, eV/Å."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    theta = angle + np.pi * (1 + node)
    e_r = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    traction = np.einsum("nij,nj->ni", field.stress(e_r)[..., :2], e_r)
    u = field.displacement_on_sheet(np.ones(NODES), theta)
    return -0.5 * np.pi * float(weight @ np.einsum("ni,ni->n", traction, u))
