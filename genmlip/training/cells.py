"""Training cells of the perfect crystal and of the vacancy: periodic, strained, rattled, reproducible.

A force-only fit on cells of edge L sees the force constants folded over the periodic images as long as
L ≲ 2 r_cut; cells under small homogeneous strain are what pins the elastic constants through their virials.
The cells are repetitions of the conventional cubic cell: the primitive cell of a Bravais lattice has no
forces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from genmlip._types import Array
from genmlip.errors import InputError

if TYPE_CHECKING:
    from genmlip.crystal import Crystal


def bulk_cells(
    crystal: Crystal,
    size: int,
    n: int,
    displacement: float,
    strain: float = 0.0,
    seed: int = 0,
    group: str = "bulk",
) -> list[Atoms]:
    """``n`` periodic cells of ``size``³ conventional cells with random strain and rattled atoms.

    displacement : Å, standard deviation of every Cartesian component
    strain : every component of the symmetric strain ε is uniform in [−strain, strain]
    seed : configuration k depends on (seed, k) only, so a longer series begins with the shorter one

    ``info`` of each holds ``config_type`` (the group) and size, displacement, strain, seed and index.
    """
    check_settings(size=size, n=n, displacement=displacement, strain=strain, seed=seed)
    perfect = crystal.unit_cell().repeat(size)
    settings = {"size": size, "displacement": displacement, "strain": strain}
    return [disturbed(perfect, group, index, seed, settings) for index in range(n)]


def strained_cells(
    crystal: Crystal,
    size: int,
    n: int,
    strain: float = 0.01,
    displacement: float = 0.0,
    seed: int = 0,
    group: str = "strained",
) -> list[Atoms]:
    """Cells under small homogeneous strain, by default not rattled; arguments as in :func:`bulk_cells`."""
    return bulk_cells(crystal, size, n, displacement, strain, seed, group)


def vacancy_cells(
    crystal: Crystal,
    size: int,
    n: int,
    displacement: float,
    strain: float = 0.0,
    seed: int = 0,
    group: str = "vacancy",
) -> list[Atoms]:
    """Cells as in :func:`bulk_cells` with one atom removed."""
    check_settings(size=size, n=n, displacement=displacement, strain=strain, seed=seed)
    if size < 2:
        raise InputError(f"a vacancy needs size ≥ 2 conventional cells, got {size}")
    vacant = crystal.unit_cell().repeat(size)
    del vacant[0]
    settings = {"size": size, "displacement": displacement, "strain": strain}
    return [disturbed(vacant, group, index, seed, settings) for index in range(n)]


def training_cells(
    crystal: Crystal,
    size: int,
    n_atoms: int = 2000,
    displacements: Sequence[float] = (0.05, 0.1, 0.15),
    n_strained: int = 12,
    strain: float = 0.01,
    seed: int = 0,
) -> list[Atoms]:
    """The cells of one size that the generalisation studies train on: groups ``bulk`` and ``strained``.

    About ``n_atoms`` in rattled, unstrained cells, shared among the ``displacements`` (Å), so that every size
    brings the same number of forces; and ``n_strained`` cells under strain up to ``strain`` without rattling,
    whose virials pin the elastic constants when they are fitted with a high weight, such as
    ``Weights(groups={"strained": {"V": 30.0}})``. Other arguments as in :func:`bulk_cells`.
    """
    check_settings(size=size, n=n_atoms, displacement=0.0, strain=strain, seed=seed)
    n = max(1, round(n_atoms / len(displacements) / (len(crystal.unit_cell()) * size**3)))
    cells = []
    for k, displacement in enumerate(displacements):
        cells += bulk_cells(crystal, size, n, displacement, seed=_subseed(seed, k))
    if n_strained > 0:
        cells += strained_cells(crystal, size, n_strained, strain, seed=_subseed(seed, len(displacements)))
    return cells


def random_strain(amplitude: float, rng: np.random.Generator) -> Array:
    """A symmetric (3, 3) strain with every component uniform in [−amplitude, amplitude]."""
    strain = np.zeros((3, 3))
    strain[np.triu_indices(3)] = rng.uniform(-amplitude, amplitude, 6)
    return strain + np.triu(strain, 1).T


def disturbed(reference: Atoms, group: str, index: int, seed: int, settings: dict[str, Any]) -> Atoms:
    """A copy under random strain and rattling of the amplitudes in ``settings``, recorded in its ``info``."""
    rng = np.random.default_rng([seed, index])
    deformation = np.eye(3) + random_strain(settings["strain"], rng)
    atoms = reference.copy()
    atoms.set_cell(np.array(reference.cell) @ deformation, scale_atoms=True)
    atoms.positions += settings["displacement"] * rng.standard_normal(atoms.positions.shape)
    atoms.info = {"config_type": group, **settings, "seed": seed, "index": index}
    return atoms


def check_settings(**settings: float) -> None:
    """Raise InputError naming the first setting that makes no cell."""
    for name in ("size", "n", "seed"):
        value, least = settings[name], 0 if name == "seed" else 1
        if not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"{name} of the training cells must be an integer ≥ {least}, got {value!r}")
    for name, most in (("displacement", np.inf), ("strain", 0.5)):
        value = settings[name]
        if not (np.isfinite(value) and 0 <= value < most):
            raise InputError(f"{name} of the training cells must lie in [0, {most:g}), got {value!r}")


def _subseed(seed: int, k: int) -> int:
    """A seed for part k, unrelated to those of other seeds and parts."""
    return int(np.random.SeedSequence([seed, k]).generate_state(1)[0])
