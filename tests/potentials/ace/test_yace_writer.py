"""Our potentials as .yace files: read back by ourselves, and by python-ace where it is installed."""

import re

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.errors import InputError
from genmlip.potentials import load_potential
from genmlip.potentials.ace import LinearACE
from genmlip.potentials.ace.core import ShortRange
from genmlip.potentials.ace.curves import pair_curve
from genmlip.potentials.ace.yace_writer import save_yace

CASES = {
    "pair": (("W",), 4.5, (20,)),
    "tungsten": (("W",), 5.0, (30, 8, 7)),
    "five-body": (("Si",), 4.2, (8, 6, 6, 6)),
    "no-pair": (("W",), 4.5, (1, 6)),
    "binary": (("W", "Mo"), 4.6, (8, 6, 5)),
    "ternary": (("W", "Mo", "Ta"), 4.4, (4, 4)),
}
SCIENTIFIC = re.compile(r"(?<![\w.])\d+e[+-]?\d+")  # a number that YAML 1.1 takes for a word


def random_potential(symbols, cutoff, degrees, seed=3, **settings):
    ace = LinearACE(symbols, cutoff, order=len(degrees), degree=degrees, **settings)
    c = np.random.default_rng(seed).normal(size=ace.n_coefficients) / ace.smoothness
    return ace.with_coefficients(c, E0={s: -8.9 + k for k, s in enumerate(ace.symbols)})


def rattled(symbols, seed=0, amplitude=0.2):
    rng = np.random.default_rng(seed)
    atoms = bulk("W", cubic=True, a=3.1652) * 3
    atoms.symbols = rng.choice(symbols, len(atoms))
    atoms.set_cell(atoms.cell @ (np.eye(3) + rng.uniform(-0.03, 0.03, (3, 3))), scale_atoms=True)
    atoms.positions += rng.normal(0.0, amplitude, (len(atoms), 3))
    return atoms


@pytest.fixture(scope="module", params=CASES)
def potential(request):
    return random_potential(*CASES[request.param])


@pytest.fixture(scope="module")
def reread(potential, tmp_path_factory):
    """What our own reader makes of the file."""
    path = tmp_path_factory.mktemp("yace") / "p.yace"
    save_yace(potential, path)
    return load_potential(f"ace:{path}")


@pytest.fixture(scope="module")
def tungsten():
    return random_potential(*CASES["tungsten"])


# Our own reader


@pytest.mark.parametrize("seed", range(3))
def test_what_is_written_reads_back_as_the_same_potential(potential, reread, seed):
    atoms = rattled(potential.symbols, seed)
    expected, found = potential.evaluate(atoms), reread.evaluate(atoms)
    assert reread.symbols == potential.symbols
    assert reread.cutoff == potential.cutoff
    assert_allclose(found.energies, expected.energies, rtol=1e-9)
    assert_allclose(found.forces, expected.forces, atol=1e-9 * abs(expected.forces).max())
    assert_allclose(found.virial, expected.virial, atol=1e-9 * abs(expected.virial).max())


def test_a_potential_that_is_not_fitted_reads_back_as_free_atoms(tmp_path):
    save_yace(LinearACE("W", 4.5, order=3), tmp_path / "p.yace")
    assert load_potential(f"ace:{tmp_path / 'p.yace'}").evaluate(rattled(["W"])).energy == 0.0


# python-ace


@pytest.fixture
def pyace():
    return pytest.importorskip("pyace")


@pytest.mark.parametrize("recursive", [False, True], ids=["product", "recursive"])
def test_python_ace_agrees_in_site_energies_and_forces(pyace, potential, tmp_path, recursive):
    report = save_yace(potential, tmp_path / "p.yace", spline_bin=2e-4)
    atoms = rattled(potential.symbols)
    expected = potential.evaluate(atoms)
    atoms.calc = pyace.PyACECalculator(
        str(tmp_path / "p.yace"), recursive_evaluator=recursive, recursive=recursive
    )
    assert_allclose(atoms.get_potential_energies(), expected.energies, rtol=1e-10)
    assert_allclose(atoms.get_forces(), expected.forces, atol=1e-9 * abs(expected.forces).max())
    assert report.spline_error < 1e-9


def test_the_tables_of_python_ace_err_about_as_much_as_the_report_says(pyace, tungsten, tmp_path):
    atoms = rattled(["W"])
    expected = tungsten.evaluate(atoms).forces
    for spline_bin in (4e-3, 1e-3):
        report = save_yace(tungsten, tmp_path / "p.yace", spline_bin=spline_bin)
        atoms.calc = pyace.PyACECalculator(str(tmp_path / "p.yace"))
        error = abs(atoms.get_forces() - expected).max() / abs(expected).max()
        assert 1e-3 < error / report.spline_error < 10


# Cores


@pytest.fixture(scope="module")
def with_cores():
    alloy = random_potential(("W", "Mo"), 4.4, (6, 4))
    return alloy.with_short_range(
        {("W", "W"): ShortRange((74, 74), 2.1, 0.42), ("Mo", "W"): ShortRange((42, 74), 2.0, 0.3)}
    )


@pytest.fixture(scope="module")
def cores_file(with_cores, tmp_path_factory):
    """(path, report)"""
    path = tmp_path_factory.mktemp("cores") / "p.yace"
    return path, save_yace(with_cores, path, spline_bin=2e-4)


@pytest.fixture(scope="module")
def cores_reread(cores_file):
    return load_potential(f"ace:{cores_file[0]}")


def smallest_distance(atoms):
    return atoms.get_all_distances(mic=True)[np.triu_indices(len(atoms), 1)].min()


def test_cores_change_nothing_beyond_their_reach(with_cores, cores_file, cores_reread):
    atoms = rattled(with_cores.symbols, amplitude=0.1)
    assert cores_file[1].exact_beyond == 2.1 < smallest_distance(atoms)
    expected, found = with_cores.evaluate(atoms), cores_reread.evaluate(atoms)
    assert_allclose(found.energies, expected.energies, rtol=1e-9)
    assert_allclose(found.forces, expected.forces, atol=1e-8 * abs(expected.forces).max())


@pytest.mark.parametrize("symbols", [("W", "W"), ("W", "Mo")])
def test_cores_in_the_file_are_about_as_strong_as_ours(with_cores, cores_file, cores_reread, symbols):
    r = np.linspace(0.9, 1.8, 50)
    ours, found = pair_curve(with_cores, symbols, r), pair_curve(cores_reread, symbols, r)
    assert (found.force > 0).all()
    assert_allclose(found.energy, ours.energy, rtol=cores_file[1].core_error + 0.1)
    assert cores_file[1].core_error < 0.5


def test_pairs_without_cores_stay_as_they_are(with_cores, cores_reread):
    r = np.linspace(0.5, 4.4, 50)
    ours, found = (pair_curve(p, ("Mo", "Mo"), r) for p in (with_cores, cores_reread))
    assert_allclose(found.energy, ours.energy, atol=1e-9 * abs(ours.energy).max())


def test_python_ace_knows_the_cores_as_we_read_them(pyace, with_cores, cores_file, cores_reread):
    atoms = rattled(with_cores.symbols, amplitude=0.4)
    assert smallest_distance(atoms) < 1.9
    expected = cores_reread.evaluate(atoms)
    atoms.calc = pyace.PyACECalculator(str(cores_file[0]))
    assert_allclose(atoms.get_potential_energies(), expected.energies, rtol=1e-9)
    assert_allclose(atoms.get_forces(), expected.forces, atol=1e-8 * abs(expected.forces).max())


def test_a_core_that_reaches_to_the_cutoff_is_refused(tmp_path):
    ace = random_potential(("W",), 3.0, (6, 4)).with_short_range(
        {("W", "W"): ShortRange((74, 74), 2.99, 0.1)}
    )
    with pytest.raises(InputError, match=r"core that reaches to 2\.99 Å"):
        save_yace(ace, tmp_path / "p.yace")


def test_the_file_tells_where_it_is_another_potential(cores_file, tungsten, tmp_path):
    assert "# atoms closer than 2.1 Angstrom repel" in cores_file[0].read_text()
    assert save_yace(tungsten, tmp_path / "p.yace").exact_beyond == 0.0
    assert "closer" not in (tmp_path / "p.yace").read_text()


# What the report says


def test_error_of_the_tables_falls_with_the_third_power_of_their_bins(tungsten, tmp_path):
    coarse, fine = (save_yace(tungsten, tmp_path / "p.yace", spline_bin=h).spline_error for h in (4e-3, 1e-3))
    assert coarse / fine == pytest.approx(4**3, rel=0.1)


@pytest.mark.parametrize("tolerance", [1e-6, 1e-9, 1e-12])
def test_polynomials_are_as_many_as_the_tolerance_asks_for(tungsten, tmp_path, tolerance):
    report = save_yace(tungsten, tmp_path / "p.yace", tolerance)
    more = save_yace(tungsten, tmp_path / "q.yace", tolerance / 10)
    assert report.radial_error < 2 * tolerance
    assert report.n_polynomials < more.n_polynomials < 1.4 * report.n_polynomials


@settings(max_examples=15)
@given(
    cutoff=st.floats(3.0, 7.0),
    r0=st.floats(1.8, 3.0),
    tail=st.integers(1, 4),
    core=st.integers(4, 12),
    envelope=st.integers(3, 5),
    n_max=st.integers(3, 40),
    inner=st.none() | st.floats(1.4, 2.2),
)
def test_any_radial_functions_are_expressed_to_ten_digits(
    tmp_path_factory, cutoff, r0, tail, core, envelope, n_max, inner
):
    ace = random_potential(("W",), cutoff, (n_max, 4), r0=r0, tail=tail, core=core, envelope=envelope)
    if inner is not None:
        ace = ace.with_short_range({("W", "W"): ShortRange((74, 74), inner, 0.2)})
    report = save_yace(ace, tmp_path_factory.mktemp("any") / "p.yace")
    assert report.radial_error < 5e-11
    assert report.n_polynomials <= 800


def test_the_report_counts_the_functions_in_the_file(potential, tmp_path):
    report = save_yace(potential, tmp_path / "p.yace")
    text = (tmp_path / "p.yace").read_text()
    assert report.path == tmp_path / "p.yace"
    assert report.n_functions == text.count("num_ms_combs")
    assert f"nradbasemax: {report.n_polynomials}," in text


# The file


def test_numbers_are_numbers_to_every_yaml_parser(potential, tmp_path):
    save_yace(potential, tmp_path / "p.yace", spline_bin=1e-5 * 40)
    lines = (tmp_path / "p.yace").read_text().splitlines()
    assert not [line for line in lines if not line.startswith("#") and SCIENTIFIC.search(line)]


def test_a_refused_export_leaves_the_file_that_was_there(tungsten, tmp_path):
    path = tmp_path / "p.yace"
    path.write_text("mine")
    with pytest.raises(InputError, match="more than 1024 polynomials"):
        save_yace(random_potential(("W",), 12.0, (20,), r0=0.4, core=16), path)
    assert path.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["p.yace"]


@pytest.mark.parametrize("name", ["p.yaml", "p.json", "p", "p.yace.txt"])
def test_the_suffix_must_be_the_one_that_readers_know(tungsten, tmp_path, name):
    with pytest.raises(InputError, match=r"must be \.yace"):
        save_yace(tungsten, tmp_path / name)


def test_only_a_linear_ace_is_written(tmp_path):
    with pytest.raises(InputError, match="only a fitted linear ACE can be written, not FinnisSinclair"):
        save_yace(load_potential("fs:W"), tmp_path / "p.yace")


@pytest.mark.parametrize(
    "bad", [{"tolerance": 0.0}, {"tolerance": float("nan")}, {"spline_bin": -1e-3}, {"spline_bin": 1.0}]
)
def test_settings_must_make_sense(tungsten, tmp_path, bad):
    with pytest.raises(InputError, match="must be between"):
        save_yace(tungsten, tmp_path / "p.yace", **bad)


def wild_pair_potential():
    """−(1 − r/r_cut)³ eV from 2.2 Å on, and 10⁴ eV farther in, as fits of many functions to few data are."""
    ace = LinearACE("W", 5.0, order=1, degree=60)
    r = np.linspace(2.2, 5.0, 400)
    R = ace.basis.radial(r)[0]
    wild = np.linalg.svd(R.T)[2][-1]  # what data at these distances say least about
    c = np.linalg.lstsq(R.T, -((1 - r / 5.0) ** 3), rcond=1e-9)[0]
    c += 1e4 / abs(wild @ ace.basis.radial(np.linspace(0.1, 2.0, 50))[0]).max() * wild
    return ace.with_coefficients(c * np.sqrt(4 * np.pi))


def test_a_pair_function_is_accurate_where_atoms_are_however_large_it_is_where_none_are(tmp_path):
    """Errors were 1e-12 of the largest value beyond a quarter of the cutoff: here 1e-7 of what atoms feel."""
    potential = wild_pair_potential()
    report = save_yace(potential, tmp_path / "p.yace")
    r = np.linspace(2.2, 4.0, 200)
    exact = potential.coefficients @ potential.basis.radial.extended(r)[0] / np.sqrt(4 * np.pi)
    assert abs(pair_curve(potential, ("W", "W"), np.linspace(0.5, 2.0, 50)).energy).max() > 1e4
    found = load_potential(f"ace:{tmp_path / 'p.yace'}").expansion
    assert len(found.centres[0].weights) == 1
    pair = found.centres[0].weights[0, 0] * found.radial[0][0](r)[0][0] / np.sqrt(4 * np.pi)
    assert_allclose(pair, exact.astype(float), rtol=1e-9)
    assert report.local_error < 1e-8
