"""Small configurations and analytic tables, shared by the tests and ``make_lammps_reference``."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bulk

from genmlip._types import Array, IntArray
from genmlip.potentials import SitePotential, load_potential
from genmlip.potentials.eam import EmbeddedAtom
from genmlip.potentials.finnis_sinclair import TUNGSTEN
from genmlip.potentials.neighbours import Neighbours
from genmlip.potentials.setfl import Tables

LOWER_STRAIN = np.array([[0.97, 0.0, 0.0], [0.03, 1.02, 0.0], [-0.02, 0.04, 1.01]])
"""Keeps a lower-triangular cell lower-triangular, the form that LAMMPS wants."""


def tungsten_tables(knots: int = 2001) -> Tables:
    """Finnis–Sinclair tungsten of the package, tabulated."""
    w = TUNGSTEN
    reach = 5.0
    r, rho = np.linspace(0.0, reach, knots), np.linspace(0.0, 60.0, knots)
    core = np.where(r < w.b0, w.B * (w.b0 - r) ** 3 * np.exp(-w.alpha * r), 0.0)
    pair = np.where(r < w.c, (r - w.c) ** 2 * (w.c0 + w.c1 * r + w.c2 * r**2), 0.0) + core
    density = np.where(r < w.d, (r - w.d) ** 2, 0.0)
    embedding = -w.A * np.sqrt(rho)
    return Tables(("W",), rho[1], r[1], w.d, embedding[None], density[None, None], (r * pair)[None, None])


def alloy_tables(finnis_sinclair: bool, knots: int = 400) -> Tables:
    """A made-up smooth alloy of Ni and Al; in its Finnis–Sinclair variant all four densities differ."""
    cutoff = 4.8
    r, rho = np.linspace(0.0, 5.0, knots), np.linspace(0.0, 12.0, knots)
    tail = np.where(r < cutoff, (1.0 - r / cutoff) ** 4, 0.0)
    strength = np.array([[1.0, 0.7], [1.4, 1.2]]) if finnis_sinclair else np.array([[1.0, 0.7], [1.0, 0.7]])
    decay = np.array([[0.2, 0.3], [0.25, 0.4]]) if finnis_sinclair else np.array([[0.2, 0.3], [0.2, 0.3]])
    density = 20.0 * strength[..., None] * np.exp(-decay[..., None] * r) * tail
    stiffness = np.array([[900.0, 700.0], [700.0, 500.0]])
    pair = stiffness[..., None] * np.exp(-1.5 * r) * tail
    embedding = np.array([[-1.1], [-0.8]]) * np.sqrt(rho) + np.array([[0.002], [-0.003]]) * rho**2
    return Tables(("Ni", "Al"), rho[1], r[1], cutoff, embedding, density, r * pair)


def tables_of(name: str) -> Tables:
    return {
        "eam-W": tungsten_tables,
        "eam-alloy": lambda: alloy_tables(finnis_sinclair=False),
        "eam-fs": lambda: alloy_tables(finnis_sinclair=True),
    }[name]()


def potential_of(case: str) -> SitePotential:
    return EmbeddedAtom(tables_of(case)) if case.startswith("eam") else load_potential(case.replace("-", ":"))


CASES = {
    "sw-Si": bulk("Si", "diamond", a=5.43, cubic=True),
    "sw-Ge": bulk("Ge", "diamond", a=5.65, cubic=True),
    "eam-W": bulk("W", "bcc", a=3.165, cubic=True) * (2, 2, 2),
    "eam-alloy": bulk("Ni", "fcc", a=3.6, cubic=True) * (2, 2, 1),
    "eam-fs": bulk("Ni", "fcc", a=3.6, cubic=True) * (2, 2, 1),
}


def configurations(name: str) -> dict[str, Atoms]:
    """Variants of one case; "dense" reaches beyond the tables of the embedding function."""
    rng = np.random.default_rng(5)
    perfect = CASES["eam-W" if name == "fs-W" else name].copy()
    if name in ("eam-alloy", "eam-fs"):
        perfect.symbols[1::3] = "Al"
    rattled = perfect.copy()
    rattled.positions += rng.normal(scale=0.1, size=(len(perfect), 3))
    strained = rattled.copy()
    strained.set_cell(perfect.cell @ LOWER_STRAIN, scale_atoms=True)
    vacancy = strained.copy()
    del vacancy[0]
    surface = rattled.copy()
    surface.pbc = (True, True, False)
    surface.set_cell(perfect.cell @ np.diag([1.0, 1.0, 3.0]))
    surface.positions[:, 2] += 4.0
    dense = rattled.copy()
    dense.set_cell(0.8 * perfect.cell, scale_atoms=True)
    everything = {"rattled": rattled, "strained": strained, "vacancy": vacancy, "surface": surface}
    return everything if name.startswith("sw") else {**everything, "dense": dense}


def one_site(potential: SitePotential, atoms: Atoms, i: int) -> tuple[IntArray, Array]:
    """Elements (the centre first) and vectors of the neighbours of atom ``i`` within the cutoff."""
    nb = Neighbours.of(atoms, potential.cutoff, np.array([i]))
    return potential.species_of(atoms)[np.r_[i, nb.index]], nb.vectors(atoms.positions)
