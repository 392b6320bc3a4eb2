"""An Expansion evaluated site by site from its formulas: no tables, no kernels."""

import numpy as np

from genmlip.potentials.ace.harmonics import real_harmonics
from genmlip.potentials.neighbours import Neighbours, gather_forces


def smooth_switch(phi, cut, width):
    """s(φ) and ds/dφ of the repulsive cores."""
    if width == 0:
        return float(phi < cut), 0.0
    x = np.clip(1 - 2 * (1 + (phi - cut) / width), -1, 1)
    return 0.5 + 3.75 * (x / 4 - x**3 / 6 + x**5 / 20), -7.5 / width * (0.25 - x**2 / 2 + x**4 / 4)


def embedding(kind, rho, m):
    """f(ρ; m) and its derivative."""
    a, sign = abs(rho), -1.0 if rho < 0 else 1.0
    if m == 1:
        return rho, 1.0
    if kind == "FinnisSinclairShiftedScaled":
        x, y = (1 / m) ** (1 / (m - 1)) * np.exp(-a), (1 / m) ** (m / (m - 1)) * np.exp(-a)
        return sign * ((x + a) ** m - y), y + m * (1 - x) * (x + a) ** (m - 1)
    w = 1e6
    g = np.exp(-min((w * a) ** 3, 700.0)) if (w * a) ** 3 <= 30 else 0.0
    low, dg = w ** (1 - m), -3 * w**3 * a**2 * g
    return (
        sign * ((1 - g) * a**m + low * g * a),
        m * a ** (m - 1) * (1 - g) - a**m * dg + low * (dg * a + g) if a > 0 else low,
    )


def site_terms(expansion, centre_species, species, vectors):
    """V and ∂V/∂r_j (n, 3) of one site with neighbours of these species at these vectors (n, 3)."""
    centre, r = expansion.centres[centre_species], np.linalg.norm(vectors, axis=1)
    A, dA = np.zeros(len(centre.moments)), np.zeros((len(centre.moments), len(r), 3))
    phi, dphi = 0.0, np.zeros((len(r), 3))
    for z in np.unique(species):
        functions, core = expansion.radial[centre_species][z], expansion.cores[centre_species][z]
        near = np.flatnonzero((species == z) & (r < functions.cutoff))
        if len(near):
            unit = vectors[near] / r[near, None]
            R, dR = functions(r[near])
            Y, dY = real_harmonics(vectors[near], expansion.lmax)
            for v in np.flatnonzero(centre.moments[:, 0] == z):
                _, c, lm = centre.moments[v]
                A[v] = R[c] @ Y[lm]
                dA[v, near] = (dR[c] * Y[lm])[:, None] * unit + R[c][:, None] * dY[lm].T
        if core is not None and len(near := np.flatnonzero((species == z) & (r < core.cutoff))):
            value, slope = core(r[near])
            phi += value.sum()
            dphi[near] = slope[:, None] * vectors[near] / r[near, None]
    rho, drho = densities(centre.monomials, centre.weights, A)
    F, dF = 0.0, np.zeros(len(A))
    e = centre.embedding
    for p, (w, m) in enumerate(zip(e.prefactors, e.exponents, strict=True)):
        f, df = embedding(e.kind, rho[p], m)
        F, dF = F + w * f, dF + w * df * drho[p]
    s, ds = (1.0, 0.0) if centre.core_switch is None else smooth_switch(phi, *centre.core_switch)
    gradient = s * np.tensordot(dF, dA, axes=1) + (1 + ds * F) * dphi
    return centre.E0 + s * F + phi, gradient


def densities(monomials, weights, A):
    """ρ_p and ∂ρ_p/∂A_v (P, n_A)."""
    factors = np.where(monomials < 0, 1.0, np.append(A, 1.0)[monomials])
    drho = np.zeros((weights.shape[1], len(A) + 1))
    for t in range(monomials.shape[1]):
        others = np.delete(factors, t, axis=1).prod(axis=1)
        for p in range(weights.shape[1]):
            np.add.at(drho[p], monomials[:, t], weights[:, p] * others)
    return weights.T @ factors.prod(axis=1), drho[:, :-1]


def evaluate(expansion, atoms):
    """Site energies (n,), forces (n, 3) and the virial of ``atoms``."""
    species = np.array([expansion.symbols.index(symbol) for symbol in atoms.symbols])
    nb = Neighbours.of(atoms, expansion.cutoff)
    vectors = nb.vectors(atoms.positions)
    energies, gradients = np.empty(len(atoms)), np.empty_like(vectors)
    for i in range(len(atoms)):
        pairs = slice(nb.first[i], nb.first[i + 1])
        energies[i], gradients[pairs] = site_terms(
            expansion, species[nb.centre[i]], species[nb.index[pairs]], vectors[pairs]
        )
    forces, virial = np.empty((len(atoms), 3)), np.empty((3, 3))
    gather_forces(nb.centre, nb.first, nb.index, vectors, gradients, forces, virial)
    return energies, forces, virial
