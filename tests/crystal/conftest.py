"""Further crystals, a pair potential with closed-form moduli, and one that hides its sites."""

import numpy as np
import pytest

from genmlip.crystal import Crystal
from genmlip.potentials.base import SitePotential
from genmlip.potentials.foreign import ForeignPotential


class MorsePair(SitePotential):
    """φ(r) = ε (e^(−2α(r − s)) − 2 e^(−α(r − s))) exp(δ / (r − c)), smooth also at its cutoff c."""

    epsilon, alpha, s, cutoff, delta = 0.5, 1.6, 2.8, 5.0, 0.5
    symbols = ("Cu",)
    spec = "morse:Cu"

    def derivatives(self, r, order):
        """φ, φ′, …, φ^(order) at distances r, from the Taylor series of the factors."""
        import sympy as sp

        x = sp.symbols("x")
        e = sp.exp(-self.alpha * (x - self.s))
        phi = self.epsilon * (e**2 - 2 * e) * sp.exp(self.delta / (x - self.cutoff))
        values = np.zeros((order + 1, len(r)))
        inside = r < self.cutoff
        for k in range(order + 1):
            values[k, inside] = sp.lambdify(x, sp.diff(phi, x, k))(r[inside])
        return values

    def site_terms(self, species, neighbours, vectors, energies, gradients):
        r = np.linalg.norm(vectors, axis=1)
        phi, slope = np.zeros_like(r), np.zeros_like(r)
        inside = r < self.cutoff - 1e-3  # exp(−500) is zero
        x = r[inside]
        e = np.exp(-self.alpha * (x - self.s))
        bump = np.exp(self.delta / (x - self.cutoff))
        phi[inside] = self.epsilon * (e**2 - 2 * e) * bump
        slope[inside] = self.epsilon * bump * 2 * self.alpha * (e - e**2)
        slope[inside] -= phi[inside] * self.delta / (x - self.cutoff) ** 2
        energies[:] = 0.5 * np.add.reduceat(phi, neighbours.first[:-1])
        gradients[:] = 0.5 * (slope / r)[:, None] * vectors


def hidden(potential):
    return ForeignPotential(potential, potential.symbols, potential.cutoff)


@pytest.fixture(scope="session")
def hide_sites():
    """Turns a potential into one with the same energy, without site energies and Hessians."""
    return hidden


@pytest.fixture(scope="session")
def pair_potential():
    """The class, for variations."""
    return MorsePair


@pytest.fixture(scope="session")
def morse():
    return Crystal.from_potential(MorsePair())


@pytest.fixture(scope="session")
def copper():
    """Effective-medium copper through ASE, without site Hessians."""
    from ase.calculators.emt import EMT

    return Crystal.from_potential(ForeignPotential(EMT(), ("Cu",)))


@pytest.fixture(scope="session")
def hidden_silicon(silicon):
    return Crystal(hidden(silicon.potential), "diamond", "Si", silicon.a0)


@pytest.fixture(params=["tungsten", "silicon", "morse"])
def crystal(request):
    """bcc, diamond, fcc."""
    return request.getfixturevalue(request.param)
