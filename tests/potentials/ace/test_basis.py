"""Which functions a basis has, how many, and that they are independent."""
# ruff: noqa: E741 - l is the angular momentum

from itertools import combinations_with_replacement

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace import ACEBasis, LinearACE
from genmlip.potentials.ace.basis import first_shell_distance
from genmlip.potentials.ace.coupling import label_permutations


def characters(l, angles):
    return np.cos(np.outer(angles, np.arange(-l, l + 1))).sum(axis=1)


def invariants_of(labels):
    """Number of O(3) invariants of a multiset of labels: characters averaged over rotations and exchanges."""
    if sum(l for _, _, l in labels) % 2:
        return 0
    theta = 2 * np.pi * np.arange(200) / 200
    kinds = list(dict.fromkeys(labels))
    moves = list(label_permutations(tuple(kinds.index(label) for label in labels)))
    total = 0.0
    for move in moves:
        product, seen = np.ones_like(theta), set()
        for k in range(len(labels)):
            length = 0
            while k not in seen:
                seen.add(k)
                k, length = move[k], length + 1  # noqa: PLW2901
            if length:
                product = product * characters(labels[k][2], length * theta)
        total += np.mean(product * (1 - np.cos(theta)))
    return round(total / len(moves))


def random_cluster(symbols, n, seed, gap=1.7, radius=4.0):
    """``n`` atoms in a ball, none closer than ``gap`` (Å)."""
    rng = np.random.default_rng(seed)
    positions = np.empty((0, 3))
    while len(positions) < n:
        x = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(x) < radius and (
            len(positions) == 0 or np.linalg.norm(positions - x, axis=1).min() > gap
        ):
            positions = np.vstack([positions, x])
    return Atoms(rng.choice(symbols, n), positions=positions)


@pytest.mark.parametrize(
    ("symbols", "degrees", "weight"),
    [
        (("W",), (9, 7, 6, 6), 1.0),
        (("W",), (8, 8, 8), 0.5),
        (("W",), (6, 6, 6, 7, 7), 1.0),
        (("W", "Ta"), (5, 5, 5), 1.5),
    ],
)
def test_number_of_functions_equals_an_independent_count(symbols, degrees, weight):
    basis = ACEBasis(symbols, 5.0, degrees, weight, 2.7)
    pool = [
        (z, n, l)
        for z in range(len(symbols))
        for n in range(1, 20)
        for l in range(20)
        if n + weight * l <= max(degrees)
    ]
    for nu, count in basis.count_by_order().items():
        within = [
            c
            for c in combinations_with_replacement(pool, nu)
            if sum(n + weight * l for _, n, l in c) <= degrees[nu - 1]
        ]
        assert count == sum(invariants_of(labels) for labels in within)


@pytest.mark.parametrize(
    ("symbols", "degrees"),
    [
        (("W",), (10, 8)),
        (("W",), (10, 8, 7)),
        (("W",), (8, 8, 8, 8)),
        (("W",), (6, 7, 8, 10)),  # many symmetric tuples of order four
        (("W",), (6, 6, 6, 6, 8)),
        (("W", "Ta"), (5, 5, 5, 5)),
    ],
)
def test_functions_are_independent_on_random_environments(symbols, degrees):
    ace = LinearACE(symbols, 5.0, order=len(degrees), degree=degrees, core=4)
    K = ace.basis.n_functions
    clusters = [random_cluster(symbols, 20, seed) for seed in range(1 + K // 5)]
    B = np.vstack([ace.site_functions(cluster) for cluster in clusters])
    assert len(B) >= 3 * K
    s = np.linalg.svd(B / np.linalg.norm(B, axis=0), compute_uv=False)
    assert s[-1] > 1e-6 * s[0]  # measured: 8e-6 to 2e-4; one redundant function would make it 1e-17


def test_size_is_an_upper_bound_that_is_used_well():
    for size in (60, 150, 400):
        n = LinearACE("W", 5.0, order=3, size=size).basis.n_functions
        assert 0.6 * size < n <= size


@pytest.mark.parametrize(("symbol", "n"), [("W", 14), ("Cu", 12), ("Si", 4)])
def test_resolution_is_centred_on_the_first_shell_of_the_crystal(symbol, n):
    atoms = bulk(symbol) * (5, 5, 5)
    distances = np.sort(atoms.get_distances(0, np.arange(1, len(atoms)), mic=True))[:n]
    assert abs(first_shell_distance([symbol]) - distances.mean()) < 1e-10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"degree": (0.5, 1.5, 2.5)}, "make no function"),
        ({"degree": (3, 3)}, "order = 3 but 2 degrees"),
        ({"order": 7, "degree": 4}, "order = 7 must be from 1 to 6"),
        ({"degree": (5, 5, float("nan"))}, "finite"),
        ({"order": 4, "degree": 59}, "unmanageable size"),
        ({"degree": (40, 40, 30)}, "more than 50000 sets"),
        ({"cutoff": -1.0}, "cutoff = -1.0 must be positive"),
        ({"cutoff": float("inf")}, "cutoff = inf must be a finite number"),
        ({"r0": 0.0}, "r0 = 0.0"),
        ({"angular_weight": 0.0}, "angular_weight = 0.0"),
        ({"tail": 3, "core": 2}, "tail ≤ core"),
        ({"envelope": 2}, "envelope = 2"),
        ({"symbols": ("W", "W")}, "repeat an element"),
        ({"symbols": ()}, "symbols is empty"),
        ({"size": 0}, "size = 0 must be at least 1"),
        ({"symbols": ("W", "Ta"), "size": 1}, "size = 1 is too small"),
        ({"size": 10.0}, "size = 10.0 must be an integer"),
        ({"order": "3"}, "order = '3' must be an integer"),
        ({"order": 2.5}, "order = 2.5 must be an integer"),
        ({"order": True}, "order = True must be an integer"),
        ({"degree": (5, None, 5)}, "degree = None must be a finite number"),
        ({"degree": "abc"}, "degree = 'a' must be a finite number"),
        ({"cutoff": None}, "cutoff = None must be a finite number"),
        ({"cutoff": "5"}, "cutoff = '5' must be a finite number"),
        ({"cutoff": 1e-6}, "cutoff = 1e-06 must be positive, 0.1 to 100"),
        ({"r0": 11.0}, "r0 = 11.0 must be at most twice the cutoff"),
        ({"angular_weight": None}, "angular_weight = None"),
        ({"tail": 2.5}, "tail = 2.5 must be an integer"),
        ({"symbols": (5,)}, "unknown element '5'"),
        ({"cuttoff": 4.0}, "unknown setting of an ACE basis 'cuttoff'; did you mean cutoff"),
        ({"size": 100, "degree": 5}, "either size or degree"),
    ],
)
def test_settings_that_make_no_sense_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        LinearACE(**{"symbols": "W", "cutoff": 5.0, **arguments})


def test_unknown_element_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown element 'Wo'; did you mean W"):
        LinearACE("Wo", 5.0)
