"""The engine against the formulas of :mod:`expansion` in NumPy, and the laws that a site energy obeys."""

import multiprocessing
import pickle
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace import LinearACE
from genmlip.potentials.ace.engine import KINDS, Engine, default_threads
from genmlip.potentials.ace.engine_kernels import _embedding_function, site_energies
from genmlip.potentials.ace.expansion import Centre, Embedding, Expansion
from genmlip.potentials.ace.harmonics import real_harmonics
from genmlip.potentials.neighbours import Neighbours

STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}  # first derivative to order eight
SYMBOLS = ("W", "Ta", "Mo")
EMBEDDINGS = {
    "linear": Embedding((1.0, 0.3), (1.0, 1.0)),
    "shifted": Embedding((1.0, -0.7, 0.4), (1.0, 0.5, 2.0)),
    "finnis-sinclair": Embedding((-1.0, 0.2), (0.5, 1.5), "FinnisSinclair"),
}


@dataclass(frozen=True)
class Waves:
    """(1 − r²/r_c²)⁴ cos(k r) for several k: smooth, and easy to differentiate."""

    cutoff: float
    n: int

    def __call__(self, r):
        k, u = np.arange(self.n)[:, None], 1 - (r / self.cutoff) ** 2
        inside = u > 0
        slope = -8 * r / self.cutoff**2 * u**3 * np.cos(k * r) - u**4 * k * np.sin(k * r)
        return inside * u**4 * np.cos(k * r), inside * slope


@dataclass(frozen=True)
class Repulsion:
    """20 eV Å / r (1 − r²/r_c²)⁴."""

    cutoff: float

    def __call__(self, r):
        u = np.maximum(1 - (r / self.cutoff) ** 2, 0)
        return 20 / r * u**4, -20 * u**3 * (u / r**2 + 8 / self.cutoff**2)


def random_expansion(n_species, embedding, core=False, seed=0, n_terms=60):
    """Moments, products and weights without any system; the cutoffs of the pairs differ."""
    rng = np.random.default_rng(seed)
    n_densities = len(embedding.prefactors)

    def centre(k):
        n_channels, n_lm = 5 + k, (3 - k % 2) ** 2  # species differ in channels and in lmax
        everything = [(z, c, lm) for z in range(n_species) for c in range(n_channels) for lm in range(n_lm)]
        moments = np.array(everything)[np.sort(rng.choice(len(everything), 22, replace=False))]
        chosen = {
            tuple(sorted(rng.integers(len(moments), size=rng.integers(1, 6)).tolist()))
            for _ in range(n_terms)
        }
        monomials = np.array([v + (-1,) * (5 - len(v)) for v in sorted(chosen)])
        weights = 0.1 * rng.normal(size=(len(monomials), n_densities))
        return Centre(-3.0 - k, moments, monomials, weights, embedding, (4.0, 3.0) if core else None)

    return Expansion(
        SYMBOLS[:n_species],
        tuple(centre(k) for k in range(n_species)),
        tuple(
            tuple(Waves(4.2 - 0.3 * abs(i - j), 5 + i) for j in range(n_species)) for i in range(n_species)
        ),
        tuple((Repulsion(2.9) if core else None,) * n_species for _ in range(n_species)),
    )


def slow_energy(expansion, species, vectors):
    """E_i of one site by the formulas; ``species`` (n + 1,), the centre first, ``vectors`` (n, 3)."""
    centre, row = expansion.centres[species[0]], expansion.radial[species[0]]
    r = np.linalg.norm(vectors, axis=1)
    Y = real_harmonics(vectors, expansion.lmax)[0]
    R = np.array([row[z](x[None])[0][:, 0] for z, x in zip(species[1:], r, strict=True)]).T
    A = np.array([(R[c] * Y[lm])[species[1:] == z].sum() for z, c, lm in centre.moments])
    rho = centre.weights.T @ np.where(centre.monomials >= 0, A[centre.monomials], 1.0).prod(axis=1)
    F = sum(
        w * _embedding_function(x, m, KINDS[centre.embedding.kind])[0]
        for x, w, m in zip(rho, centre.embedding.prefactors, centre.embedding.exponents, strict=True)
    )
    if centre.core_switch is None:
        return centre.E0 + F
    cores = expansion.cores[species[0]]
    phi = sum(cores[z](x[None])[0][0] for z, x in zip(species[1:], r, strict=True))
    high, width = centre.core_switch
    u = np.clip((phi - high + width) / width, 0, 1)
    return centre.E0 + (1 - u**3 * (10 - 15 * u + 6 * u**2)) * F + phi


def lattice(n_species, repeat=2, seed=1, amplitude=0.25):
    """(species, list, vectors) of a rattled bcc crystal, the list with a skin beyond all cutoffs."""
    rng = np.random.default_rng(seed)
    atoms = bulk("W", cubic=True, a=3.1652).repeat(repeat)
    atoms.positions += rng.normal(0.0, amplitude, (len(atoms), 3))
    neighbours = Neighbours.of(atoms, 4.7)
    return rng.integers(n_species, size=len(atoms)), neighbours, neighbours.vectors(atoms.positions)


def evaluate(engine, species, neighbours, vectors, threads=1):
    energies, gradients = np.full(len(neighbours.centre), np.nan), np.full_like(vectors, np.nan)
    engine.site_terms(species, neighbours, vectors, energies, gradients, threads)
    return energies, gradients


@pytest.mark.parametrize("core", [False, True])
@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("n_species", [1, 2, 3])
def test_site_energies_are_those_of_the_formulas(n_species, embedding, core):
    expansion = random_expansion(n_species, EMBEDDINGS[embedding], core)
    species, neighbours, vectors = lattice(n_species)
    energies, _ = evaluate(Engine.of(expansion), species, neighbours, vectors)
    expected = []
    for m, i in enumerate(neighbours.centre):
        pairs = slice(neighbours.first[m], neighbours.first[m + 1])
        around = np.append(species[i], species[neighbours.index[pairs]])
        expected.append(slow_energy(expansion, around, vectors[pairs]))
    assert_allclose(energies, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("core", [False, True])
@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_gradients_are_the_derivatives_of_the_site_energies(embedding, core):
    engine = Engine.of(random_expansion(2, EMBEDDINGS[embedding], core, seed=5))
    species, neighbours, vectors = lattice(2)
    _, gradients = evaluate(engine, species, neighbours, vectors)
    direction = np.random.default_rng(7).normal(size=vectors.shape)
    change, step = np.zeros(len(neighbours.centre)), 3e-4
    for k, weight in STENCIL.items():
        for sign in (1, -1):
            moved = vectors + sign * k * step * direction
            change += sign * weight / step * evaluate(engine, species, neighbours, moved)[0]
    expected = np.add.reduceat((gradients * direction).sum(axis=1), neighbours.first[:-1])
    assert_allclose(change, expected, rtol=0, atol=2e-9 * abs(expected).max())


@pytest.fixture(scope="module")
def alloy():
    ace = LinearACE(("W", "Ta"), 4.2, order=4, degree=(8, 6, 6, 6))
    c = np.random.default_rng(3).normal(size=ace.n_coefficients) / ace.smoothness
    return ace.with_coefficients(c, E0={"W": -8.9, "Ta": -7.9})


def test_it_agrees_with_the_linear_model_of_the_same_potential(alloy):
    atoms = bulk("W", cubic=True, a=3.1652).repeat(2)
    atoms.rattle(0.2, seed=4)
    atoms.symbols = np.random.default_rng(0).choice(alloy.symbols, len(atoms))
    design = alloy.design(atoms)
    species, neighbours = alloy.species_of(atoms), Neighbours.of(atoms, alloy.cutoff)
    energies, gradients = evaluate(
        Engine.of(alloy.expansion), species, neighbours, neighbours.vectors(atoms.positions)
    )
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, np.repeat(neighbours.centre, np.diff(neighbours.first)), gradients)
    np.add.at(forces, neighbours.index, -gradients)
    by_design = (design.forces @ alloy.coefficients).reshape(-1, 3)
    assert_allclose(
        energies.sum(), design.energy @ alloy.coefficients + alloy.baseline(atoms).energy, rtol=1e-12
    )
    assert_allclose(forces, by_design, rtol=0, atol=1e-10 * abs(by_design).max())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_a_rotation_keeps_the_energies_of_an_invariant_basis_and_turns_the_gradients(alloy, seed):
    engine, turn = Engine.of(alloy.expansion), Rotation.random(random_state=seed).as_matrix()
    species, neighbours, vectors = lattice(2, repeat=1, seed=seed)
    energies, gradients = evaluate(engine, species, neighbours, vectors)
    turned_energies, turned_gradients = evaluate(engine, species, neighbours, vectors @ turn.T)
    assert_allclose(turned_energies, energies, rtol=1e-11)
    assert_allclose(turned_gradients, gradients @ turn.T, atol=1e-11 * abs(gradients).max())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_the_order_of_the_neighbours_does_not_matter(seed):
    engine = Engine.of(random_expansion(3, EMBEDDINGS["shifted"], core=True))
    species, neighbours, vectors = lattice(3, repeat=1, seed=seed)
    energies, gradients = evaluate(engine, species, neighbours, vectors)
    rng, order = np.random.default_rng(seed), np.arange(len(vectors))
    for begin, end in zip(neighbours.first[:-1], neighbours.first[1:], strict=True):
        rng.shuffle(order[begin:end])
    other = replace(neighbours, index=neighbours.index[order], shift=neighbours.shift[order])
    shuffled_energies, shuffled_gradients = evaluate(engine, species, other, vectors[order])
    assert_allclose(shuffled_energies, energies, rtol=1e-12)
    assert_allclose(shuffled_gradients, gradients[order], rtol=0, atol=1e-12 * abs(gradients).max())


def test_results_do_not_depend_on_threads_or_on_the_other_sites():
    engine = Engine.of(random_expansion(2, EMBEDDINGS["shifted"], core=True))
    species, neighbours, vectors = lattice(2, repeat=3)
    energies, gradients = evaluate(engine, species, neighbours, vectors)
    for threads in (2, 3):
        other_energies, other_gradients = evaluate(engine, species, neighbours, vectors, threads)
        assert np.array_equal(other_energies, energies)
        assert np.array_equal(other_gradients, gradients)
    for n in (1, 2, 3, 5):  # not a multiple of the lanes
        some = Neighbours(
            neighbours.centre[:n], neighbours.first[: n + 1], neighbours.index, neighbours.shift
        )
        assert np.array_equal(evaluate(engine, species, some, vectors)[0], energies[:n])


def test_an_evaluation_that_is_interrupted_leaves_no_thread_behind_that_writes(monkeypatch):
    engine = Engine.of(random_expansion(1, EMBEDDINGS["linear"], core=False))
    species, neighbours, vectors = lattice(1, repeat=3)
    energies, gradients = np.full(len(neighbours.centre), np.nan), np.full_like(vectors, np.nan)
    caller, started = threading.get_ident(), threading.Event()

    def interrupted(sites, *arguments):
        if threading.get_ident() == caller:
            started.wait(10)
            raise KeyboardInterrupt
        started.set()
        time.sleep(0.02)
        return site_energies(sites, *arguments)

    monkeypatch.setattr("genmlip.potentials.ace.engine.site_energies", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.site_terms(species, neighbours, vectors, energies, gradients, threads=2)
    left = energies.copy()
    time.sleep(0.1)
    assert_allclose(energies, left, rtol=0, atol=0, equal_nan=True)


def test_one_engine_may_serve_several_threads_at_once():
    engine = Engine.of(random_expansion(2, EMBEDDINGS["shifted"], core=True))
    cases = [lattice(2, seed=seed) for seed in range(8)]
    alone = [evaluate(engine, *case)[1] for case in cases]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda case: evaluate(engine, *case)[1], cases))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="forking is Linux's way")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    engine, case = Engine.of(random_expansion(1, EMBEDDINGS["linear"])), lattice(1)
    evaluate(engine, *case, threads=2)
    child = multiprocessing.get_context("fork").Process(
        target=evaluate, args=(engine, *case), kwargs={"threads": 2}
    )
    child.start()
    child.join(timeout=60)
    assert child.exitcode == 0


def test_an_engine_survives_pickling():
    engine, case = Engine.of(random_expansion(2, EMBEDDINGS["shifted"], core=True)), lattice(2)
    again = pickle.loads(pickle.dumps(engine))
    assert np.array_equal(evaluate(again, *case)[1], evaluate(engine, *case)[1])


def test_pairs_beyond_their_own_cutoff_get_no_gradient():
    expansion = random_expansion(3, EMBEDDINGS["linear"])
    species, neighbours, vectors = lattice(3)
    _, gradients = evaluate(Engine.of(expansion), species, neighbours, vectors)
    centre = np.repeat(species[neighbours.centre], np.diff(neighbours.first))
    cutoff = 4.2 - 0.3 * abs(centre - species[neighbours.index])
    outside = np.linalg.norm(vectors, axis=1) >= cutoff
    assert outside.any()
    assert not gradients[outside].any()
    assert gradients[~outside].any(axis=1).all()


def test_an_atom_alone_has_the_energy_of_the_free_atom():
    expansion = random_expansion(1, EMBEDDINGS["shifted"], core=True)
    nobody = Neighbours.of_one_site(np.empty((0, 3)))
    energies, _ = evaluate(Engine.of(expansion), np.zeros(1, dtype=int), nobody, np.empty((0, 3)))
    assert_allclose(energies, -3.0, rtol=1e-15)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("vector", [(0.0, 0.0, 0.0), (np.nan, 1.0, 0.0)])
def test_a_neighbour_at_distance_zero_is_refused_with_the_name_of_the_atom(vector, threads):
    engine = Engine.of(random_expansion(1, EMBEDDINGS["linear"]))
    species, neighbours, vectors = lattice(1)
    vectors[neighbours.first[5]] = vectors[neighbours.first[9] - 1] = vector
    with pytest.raises(InputError, match="atom 5 has a neighbour at distance zero"):
        evaluate(engine, species, neighbours, vectors, threads)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("m", [0.5, 0.7, 1.0, 1.5, 2.0])
def test_embedding_functions_are_odd_and_have_the_slope_they_say(kind, m):
    for rho in (0.0, 1e-8, 3e-6, 1e-3, 0.4, 7.0):
        step = 1e-3 * rho + 1e-11
        f, slope = _embedding_function(rho, m, KINDS[kind])
        change = sum(
            sign * weight / step * _embedding_function(rho + sign * k * step, m, KINDS[kind])[0]
            for k, weight in STENCIL.items()
            for sign in (1, -1)
        )
        assert_allclose(slope, change, rtol=2e-4)
        assert_allclose(_embedding_function(-rho, m, KINDS[kind]), (-f, slope), atol=1e-15)


def test_embedding_functions_are_those_of_python_ace():
    basis = pytest.importorskip("pyace.basis")
    peers = {"FinnisSinclair": basis.Fexp, "FinnisSinclairShiftedScaled": basis.FexpShiftedScaled}
    for kind, peer in peers.items():
        for m in (0.5, 0.9, 1.0, 2.0):
            for rho in (-3.0, -1e-6, 1e-11, 1e-7, 2e-6, 0.3, 10.0):
                ours = _embedding_function(rho, m, KINDS[kind])
                assert_allclose(ours, peer(rho, m), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("text", ["0", "-1", "two", "", "1.5", "1000000", "²"])
def test_a_number_of_threads_that_makes_no_sense_is_refused(monkeypatch, text):
    monkeypatch.setenv("GENMLIP_THREADS", text)
    with pytest.raises(InputError, match="GENMLIP_THREADS"):
        default_threads()


def test_less_than_one_thread_is_refused():
    with pytest.raises(InputError, match="threads = 0 must be at least 1"):
        evaluate(Engine.of(random_expansion(1, EMBEDDINGS["linear"])), *lattice(1), threads=0)


def test_an_unknown_embedding_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="FinnisSinclairShiftedScaled"):
        Engine.of(random_expansion(1, Embedding((1.0,), (1.0,), "FinnisSinclaire")))
