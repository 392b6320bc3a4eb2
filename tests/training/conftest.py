"""Copper, a small linear ACE, labelled cells, and where the DFT data are."""

import os
from pathlib import Path

import numpy as np
import pytest

from genmlip.crystal import Crystal
from genmlip.potentials import load_potential
from genmlip.potentials.ace import LinearACE
from genmlip.training import bulk_cells, label, strained_cells


@pytest.fixture(scope="session")
def copper():
    return Crystal.from_potential(load_potential("ase:ase.calculators.emt:EMT"), symbol="Cu")


@pytest.fixture(scope="session")
def small_ace():
    """Order 2, about twenty functions."""
    return LinearACE("W", 4.8, order=2, degree=(6, 6))


@pytest.fixture(scope="session")
def known_ace(small_ace):
    """The same with random coefficients and a reference energy."""
    rng = np.random.default_rng(7)
    coefficients = rng.standard_normal(small_ace.n_coefficients) / small_ace.smoothness
    return small_ace.with_coefficients(coefficients, {"W": -1.7})


@pytest.fixture(scope="session")
def cells(tungsten):
    """Rattled cells and strained cells of tungsten."""
    return bulk_cells(tungsten, 2, 8, 0.1, seed=1) + strained_cells(tungsten, 1, 6, 0.02, seed=2)


@pytest.fixture(scope="session")
def tungsten_data(tungsten, cells):
    """The same, labelled by fs:W."""
    return label(cells, tungsten.potential)


@pytest.fixture(scope="session")
def dft_data():
    """The folder of GENMLIP_DATA; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("GENMLIP_DATA", "../shared/data"))
    if not (folder / "mlearn_Si_training.xyz.gz").exists():
        pytest.skip(f"no DFT data in {folder}; set GENMLIP_DATA to the folder that holds them")
    return folder
