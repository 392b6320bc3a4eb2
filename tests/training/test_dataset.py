import gzip
from contextlib import suppress
from itertools import product

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read as ase_read
from ase.io import write as ase_write
from ase.stress import voigt_6_to_full_3x3_stress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from genmlip._extxyz import read_frames, write_frames
from genmlip.errors import FileFormatError, InputError
from genmlip.potentials.ace import LinearACE
from genmlip.potentials.ace.core import ShortRange
from genmlip.potentials.base import Evaluation
from genmlip.training import Configuration, Dataset, OrdinaryLeastSquares, fit, label
from genmlip.training.label_keys import ALL_KEYS

RESERVED = {"lattice", "properties", "pbc", "config_type", "config_weight", *ALL_KEYS}
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
MODEST = st.floats(-1e6, 1e6)
KEYS = st.from_regex(r"[A-Za-z_]\w{0,11}", fullmatch=True).filter(
    lambda k: k.lower() not in {*RESERVED, "uid"}
)
WORDS = st.from_regex(r"[A-Za-zé]{4,8}[-.,;:(){}\"' A-Za-z]{0,8}[A-Za-z]", fullmatch=True).filter(
    lambda word: word.lower() not in ("false", "infinity")  # which ASE reads as a truth value and a number
)
VALUES = st.one_of(
    WORDS,
    st.integers(-(10**12), 10**12),
    FINITE,
    st.booleans(),
    st.lists(FINITE, min_size=2, max_size=4),
)


@st.composite
def configurations(draw):
    n = draw(st.integers(1, 4))
    symbols = draw(st.lists(st.sampled_from(["W", "Si", "H", "Ge"]), min_size=n, max_size=n))
    skew = draw(arrays(float, (3, 3), elements=st.floats(-0.3, 0.3)))
    atoms = Atoms(
        symbols,
        positions=draw(arrays(float, (n, 3), elements=MODEST)),
        cell=draw(st.floats(0.5, 50)) * (np.eye(3) + skew),
        pbc=draw(st.tuples(st.booleans(), st.booleans(), st.booleans())),
    )
    atoms.info = draw(st.dictionaries(KEYS, VALUES, max_size=4))
    if draw(st.booleans()):
        atoms.new_array("tags2", draw(arrays(np.int64, (n,), elements=st.integers(-5, 5))))
        atoms.new_array("flags", draw(arrays(bool, (n, 2))))
    return Configuration(
        atoms,
        energy=draw(st.none() | MODEST),
        forces=draw(st.none() | arrays(float, (n, 3), elements=MODEST)),
        virial=draw(st.none() | arrays(float, (3, 3), elements=MODEST)),
        group=draw(WORDS),
        weight=draw(st.floats(0, 100)),
    )


def same(a, b):
    return (a is None and b is None) or np.array_equal(a, b)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(configurations(), min_size=1, max_size=3), zipped=st.booleans())
def test_a_data_set_reads_back_bit_for_bit(tmp_path, data, zipped):
    dataset = Dataset(tuple(data))
    path = tmp_path / ("data.xyz.gz" if zipped else "data.xyz")
    dataset.write(path)
    back = Dataset.read(path)
    assert len(back) == len(dataset)
    assert back.sha256 == dataset.sha256
    for a, b in zip(dataset, back, strict=True):
        assert same(a.energy, b.energy)
        assert same(a.forces, b.forces)
        assert same(a.virial, b.virial)
        assert (a.group, a.weight) == (b.group, b.weight)
        assert_array_equal(a.atoms.positions, b.atoms.positions)
        assert_array_equal(a.atoms.cell.array, b.atoms.cell.array)
        assert_array_equal(a.atoms.pbc, b.atoms.pbc)
        for name in ("tags2", "flags"):
            assert same(a.atoms.arrays.get(name), b.atoms.arrays.get(name))
        for key, value in a.atoms.info.items():
            assert same(value, b.atoms.info[key]), key


def labelled_atoms():
    atoms = Atoms("W2", positions=[[0, 0, 0], [1.4, 1.6, 1.7]], cell=np.diag([3.1, 3.2, 3.3]), pbc=True)
    energy, forces = -17.3, np.array([[0.1, -0.2, 0.3], [-0.1, 0.2, -0.3]])
    stress = np.array([0.01, 0.02, 0.03, 0.004, 0.005, 0.006])  # xx yy zz yz xz xy
    return atoms, energy, forces, stress


def check_labels(configuration):
    atoms, energy, forces, stress = labelled_atoms()
    assert configuration.energy == energy
    assert_allclose(configuration.forces, forces, atol=1e-8)
    assert_allclose(configuration.stress, stress, atol=1e-12)
    assert_allclose(configuration.virial[1, 2], -stress[3] * atoms.get_volume(), rtol=1e-8)


def test_files_that_ase_wrote_are_understood(tmp_path):
    atoms, energy, forces, stress = labelled_atoms()
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, stress=stress)
    atoms.info["config_type"] = "elastic"
    ase_write(tmp_path / "a.xyz", [atoms, atoms], format="extxyz")
    data = Dataset.read(tmp_path / "a.xyz")
    assert len(data) == 2
    assert data.groups == ("elastic",)
    check_labels(data[1])


@pytest.mark.parametrize("kind", ["REF_stress", "REF_virial", "stress", "virial"])
@pytest.mark.parametrize("zipped", [False, True])
def test_files_with_the_usual_names_are_understood(tmp_path, kind, zipped):
    atoms, energy, forces, stress = labelled_atoms()
    prefix, name = kind[: kind.find("_") + 1], kind[kind.find("_") + 1 :]
    full = voigt_6_to_full_3x3_stress(stress)
    numbers = full if name == "stress" else -full * atoms.get_volume()
    if kind == "REF_stress":
        numbers = stress  # six numbers, in ASE's order
    lines = [
        "2",
        f'Lattice="{" ".join(map(str, atoms.cell.array.ravel()))}" {prefix}energy={energy} '
        f'{kind}="{" ".join(map(str, numbers.ravel()))}" Properties=species:S:1:pos:R:3:{prefix}forces:R:3',
        *(f"W {' '.join(map(str, [*x, *f]))}" for x, f in zip(atoms.positions, forces, strict=True)),
    ]
    text = "\n".join([*lines, ""]).encode()
    path = tmp_path / ("a.xyz.gz" if zipped else "a.xyz")
    path.write_bytes(gzip.compress(text) if zipped else text)
    check_labels(Dataset.read(path)[0])


def test_ase_understands_our_files(tmp_path):
    atoms, energy, forces, stress = labelled_atoms()
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, stress=stress)
    Dataset.from_atoms([atoms]).write(tmp_path / "a.xyz")
    back = ase_read(tmp_path / "a.xyz")
    assert back.get_potential_energy() == energy
    assert_array_equal(back.get_forces(), forces)
    assert_allclose(back.get_stress(), stress, rtol=1e-14)
    assert_array_equal(back.positions, atoms.positions)


@pytest.mark.parametrize("prefix", ["", "REF_", "ref_", "dft_", "DFT_"])
@pytest.mark.parametrize("tensor", ["stress", "stress6", "virial", "virials"])
def test_the_usual_names_are_understood(prefix, tensor):
    atoms, energy, forces, stress = labelled_atoms()
    full = np.array(
        [
            [stress[0], stress[5], stress[4]],
            [stress[5], stress[1], stress[3]],
            [stress[4], stress[3], stress[2]],
        ]
    )
    atoms.info[f"{prefix}energy"] = energy
    atoms.arrays[f"{prefix}forces"] = forces
    if tensor == "stress6":
        atoms.info[f"{prefix}stress"] = stress
    else:
        atoms.info[prefix + tensor] = full if tensor == "stress" else -full * atoms.get_volume()
    check_labels(Configuration.from_atoms(atoms))


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ("REF_energy", "energy"),
        ("REF_energy", "dft_energy"),
        ("dft_energy", "energy"),
        ("free_energy", "energy"),
    ],
)
def test_precedence_of_names(winner, loser):
    atoms, *_ = labelled_atoms()
    atoms.info = {loser: 1.0, winner: 2.0}
    assert Configuration.from_atoms(atoms).energy == 2.0


def test_the_user_may_choose_the_names(tmp_path):
    atoms, energy, forces, _ = labelled_atoms()
    atoms.info = {"E_pbe": energy, "energy": 99.0}
    atoms.arrays["f_pbe"] = forces
    write_frames(tmp_path / "a.xyz", [atoms])
    data = Dataset.read(tmp_path / "a.xyz", keys={"energy": "E_pbe", "forces": "f_pbe"})
    assert data[0].energy == energy
    assert_array_equal(data[0].forces, forces)
    with pytest.raises(InputError, match="unknown label in keys 'energies'"):
        Dataset.read(tmp_path / "a.xyz", keys={"energies": "E_pbe"})


def test_a_virial_that_contradicts_the_stress_is_refused_unless_one_is_chosen():
    atoms, _, _, stress = labelled_atoms()
    full = np.diag(stress[:3])
    atoms.info = {"stress": full, "virial": full * atoms.get_volume()}  # the sign is wrong
    with pytest.raises(InputError, match=r"virial and stress contradict each other.*keys="):
        Configuration.from_atoms(atoms, "here")
    chosen = Configuration.from_atoms(atoms, "here", keys={"stress": "stress"})
    assert_allclose(chosen.virial, -full * atoms.get_volume())


def test_labels_left_in_the_atoms_do_not_come_back(tmp_path):
    atoms, energy, forces, _ = labelled_atoms()
    atoms.info["REF_energy"] = 5.0
    atoms.arrays["dft_forces"] = 2 * forces
    Dataset((Configuration(atoms, energy=energy, forces=forces),)).write(tmp_path / "a.xyz")
    back = Dataset.read(tmp_path / "a.xyz")[0]
    assert back.energy == energy
    assert_array_equal(back.forces, forces)


FRAME = '2\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5 config_type=a\n'
ROWS = "W 0 0 0 0.1 0 0\nW 1.5 1.5 1.5 -0.1 0 0\n"
GOOD = FRAME + ROWS

# fmt: off
BROKEN = {  # what is wrong: (the file, the message)
    "not a number of atoms": (
        GOOD + "hello\n",
        r"configuration 2 \(line 5\): expected a number of atoms, got 'hello'",
    ),
    "no atoms": ("0\n\n", r"configuration 1 \(line 1\): expected a number of atoms, got '0'"),
    "negative": ("-3\n\n", r"\(line 1\): expected a number of atoms"),
    "truncated": (
        GOOD + FRAME + "W 0 0 0 0 0 0\n",
        r"configuration 2 \(line 5\): ends after 1 of 2 atoms",
    ),
    "header only": (GOOD + "2\n", r"configuration 2 \(line 5\): ends after 0 of 2 atoms"),
    "short row": (
        GOOD + FRAME + "W 0 0 0 0 0 0\nW 0 0 0\n",
        r"configuration 2 \(line 5\): .* tuple of length 4 to structure with 7 fields",
    ),
    "no number": (
        FRAME + "W 0 0 0 0 0 0\nW 0 x 0 0 0 0\n",
        r"configuration 1 \(line 1\): .* could not convert string to float: 'x'",
    ),
    "fortran stars": (
        FRAME + "W 0 0 0 **** 0 0\n" * 2,
        r"configuration 1 \(line 1\): .* could not convert string to float: '\*{4}'",
    ),
    "NaN force": (FRAME + "W 0 0 0 nan 0 0\nW 1 1 1 0 0 0\n", r"configuration 1: forces holds NaN"),
    "infinite energy": (GOOD.replace("-1.5", "inf", 1), r"configuration 1: energy holds NaN or infinity"),
    "NaN energy": (GOOD + GOOD.replace("=-1.5", "=NaN"), r"configuration 2: energy holds NaN or infinity"),
    "energy is a word": (
        GOOD.replace("=-1.5", "=unknown"),
        r"configuration 1: energy is not a number: 'unknown'",
    ),
    "NaN position": (FRAME + "W 0 nan 0 0 0 0\nW 1 1 1 0 0 0\n", r"configuration 1: positions holds NaN"),
    "NaN stress": (GOOD.replace("energy", 'stress="nan 0 0 0 0 0 0 0 0" energy'), r"stress holds NaN"),
    "five stresses": (
        GOOD.replace("energy", 'stress="1 0 0 0 0" energy'),
        r"stress, expecting special 3x3 matrix",
    ),
    "eight lattice": (GOOD.replace("0 3 0 0 0 3", "0 3 0 0 3"), r"Lattice, expecting special 3x3 matrix"),
    "NaN lattice": (GOOD.replace('"3', '"nan'), r"cell holds NaN"),
    "bad pbc": (GOOD.replace("energy", 'pbc="T T maybe" energy'), r"pbc must hold three of T or F"),
    "pbc without cell": (
        '1\nProperties=species:S:1:pos:R:3 pbc="T T T"\nW 0 0 0\n',
        r"periodic .* no cell vector",
    ),
    "bad properties": (
        GOOD.replace("pos:R:3", "pos:Q:3"),
        r"Unknown property type: Q",
    ),
    "double column": (GOOD.replace("forces", "pos"), r"field 'pos0' occurs more than once"),
    "no positions": ("1\nProperties=species:S:1:force:R:3\nW 0 0 0\n", r"Properties have no positions"),
    "no species": ("1\nProperties=pos:R:3\n0 0 0\n", r"unknown element, or no elements"),
    "element": (GOOD.replace("W 1.5", "Xq 1.5"), r"unknown element 'Xq'"),
    "atomic number": ("1\nProperties=Z:I:1:pos:R:3\n999 0 0 0\n", r"unknown element"),
    "weight": (
        GOOD.replace("energy", "config_weight=much energy"),
        r"config_weight is not a number: 'much'",
    ),
    "empty": ("", r"holds no configuration"),
    "blank": ("\n\n  \n", r"holds no configuration"),
}
# fmt: on


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_gets_one_line_that_names_the_frame(tmp_path, name):
    text, message = BROKEN[name]
    path = tmp_path / "data.xyz"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        Dataset.read(path)
    assert "data.xyz" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_the_broken_frames_are_variations_of_is_good(tmp_path):
    path = tmp_path / "data.xyz"
    path.write_text(GOOD + "\n" + GOOD)
    assert len(Dataset.read(path)) == 2


@pytest.mark.parametrize("cut", [1, 30, -9])
def test_a_truncated_gzip_file_is_refused(tmp_path, cut):
    path = tmp_path / "data.xyz.gz"
    path.write_bytes(gzip.compress((GOOD * 50).encode())[:cut])
    with pytest.raises(FileFormatError):
        Dataset.read(path)


def test_a_missing_file_a_folder_and_a_binary_file_are_refused(tmp_path):
    (tmp_path / "binary.xyz").write_bytes(bytes(range(256)))
    for name in ("missing.xyz", "", "binary.xyz"):
        with pytest.raises(FileFormatError, match="cannot read"):
            Dataset.read(tmp_path / name)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_file_raises_anything_but_an_input_error(tmp_path, data):
    text = GOOD + GOOD
    start = data.draw(st.integers(0, len(text) - 1))
    stop = data.draw(st.integers(start, min(len(text), start + 12)))
    damaged = text[:start] + data.draw(st.text(max_size=6)) + text[stop:]
    path = tmp_path / "data.xyz"
    path.write_text(damaged, encoding="utf-8", errors="replace")
    with suppress(InputError):
        Dataset.read(path)


def test_a_file_is_complete_or_not_there(tmp_path):
    def frames():
        yield labelled_atoms()[0]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        write_frames(tmp_path / "a.xyz", frames())
    assert list(tmp_path.iterdir()) == []


def test_headers_as_other_programs_write_them(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text(
        '1\nLattice = "3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 energy={-1.5} '
        "list=[1, 2, 3] word 'single'=x "
        'quoted="a = \\"b\\"" pbc=[T, F, T]\nw 0 0 0\n'
        "1\ncomment of a plain file\nSi 0 0 0\n"
    )
    (_, first), (where, second) = read_frames(path)
    assert first.get_potential_energy() == -1.5
    assert_array_equal(first.info["list"], [1, 2, 3])
    assert first.info["quoted"] == 'a = "b"'
    assert first.info["word"] is True
    assert first.pbc.tolist() == [True, False, True]
    assert first.get_chemical_symbols() == ["W"]
    assert second.get_chemical_symbols() == ["Si"]
    assert not second.pbc.any()
    assert where.endswith("a.xyz, configuration 2")


@pytest.mark.parametrize(
    ("name", "n", "atoms", "groups"),
    [
        ("mlearn_Si_training", 214, 13233, ("AIMD-NVT", "Elastic", "Surface", "Vacancy")),
        ("mlearn_Ge_test", 25, 1568, None),
        ("mlearn_Mo_training", 194, 10087, None),
        ("W_dft", 1129, 99402, ("dimer", "general", "short_range")),
    ],
)
def test_dft_sets_read_as_ase_reads_them(dft_data, name, n, atoms, groups):
    data = Dataset.read(dft_data / f"{name}.xyz.gz")
    assert (len(data), data.n_atoms) == (n, atoms)
    assert groups is None or data.groups == groups
    images = ase_read(dft_data / f"{name}.xyz.gz", ":6")
    for ours, theirs in zip(list(data)[:6], images, strict=True):
        assert ours.energy == theirs.calc.results["energy"]
        assert_array_equal(ours.forces, theirs.calc.results["forces"])
        assert_array_equal(ours.atoms.positions, theirs.positions)
        if "stress" in theirs.calc.results:
            assert_allclose(ours.stress, theirs.calc.results["stress"], rtol=1e-12, atol=1e-16)


def test_info_that_does_not_fit_on_the_header_line_is_refused(tmp_path):
    atoms = labelled_atoms()[0]
    atoms.info["note"] = "two\nlines"
    with pytest.raises(InputError, match="cannot be written on one line"):
        write_frames(tmp_path / "a.xyz", [atoms])
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_gzip_file_is_refused(tmp_path):
    zipped = bytearray(gzip.compress((GOOD * 50).encode()))
    zipped[len(zipped) // 2] ^= 0xFF
    (tmp_path / "data.xyz.gz").write_bytes(zipped)
    with pytest.raises(FileFormatError):
        Dataset.read(tmp_path / "data.xyz.gz")


def every_distance(atoms, a, b):
    """Distances of atoms of elements a and b, periodic images included, up to 20 Å; slow."""
    first, second = (np.flatnonzero(atoms.symbols == s) for s in (a, b))
    steps = np.array(list(product(range(-3, 4), repeat=3)))
    gaps = atoms.positions[second][:, None] - atoms.positions[first][None] + 0.0
    r = np.linalg.norm(gaps[None] + (steps @ atoms.cell.array)[:, None, None], axis=-1)
    return r[r > 1e-9]


@pytest.mark.parametrize("symbols", ["W16", "W8Ta8", "W15Ta", "W13TaMo2"])
def test_smallest_distances_are_those_of_every_pair_of_elements(symbols):
    rng = np.random.default_rng(3)
    atoms = Atoms(symbols, positions=rng.uniform(0, 6.5, (16, 3)), cell=[6, 6.5, 7], pbc=True)
    found = Configuration(atoms).smallest_distances
    kinds = sorted(set(atoms.symbols))
    assert set(found) == {(a, b) for a in kinds for b in kinds if a <= b}
    for (a, b), distance in found.items():
        assert_allclose(distance, every_distance(atoms, a, b).min(), rtol=1e-12)


def test_smallest_distances_of_a_data_set_are_those_of_its_closest_configurations():
    gaps = [("W2", 3.0), ("WTa", 2.5), ("W2", 2.25), ("TaW", 2.75), ("Ta", 0.0)]
    data = Dataset.from_atoms(
        Atoms(s, positions=[[0, 0, x] for x in ([0, d] if d else [0])]) for s, d in gaps
    )
    assert data.smallest_distances == {("W", "W"): 2.25, ("Ta", "W"): 2.5}
    assert data.smallest_distance == 2.25


def test_a_fit_on_top_of_cores_finds_the_potential_that_has_them():
    rng = np.random.default_rng(11)
    basis = LinearACE("W", 4.0, order=2, degree=(6, 5))
    model = basis.with_short_range({("W", "W"): ShortRange((74, 74), 2.4, 0.6)})
    known = model.with_coefficients(rng.normal(size=model.n_coefficients) / model.smoothness, {"W": -1.5})
    cells = []
    for _ in range(6):
        cell = bulk("W", cubic=True, a=3.1652) * (2, 2, 2)
        cell.positions += rng.normal(0.0, 0.25, (16, 3))
        cells.append(cell)
    data = label(cells, known)
    assert data.smallest_distance < 2.0
    found = fit(model, data, solver=OrdinaryLeastSquares()).potential
    assert_allclose(found.E0["W"], -1.5, atol=1e-7)
    assert_allclose(found.coefficients, known.coefficients, atol=1e-7 * abs(known.coefficients).max())


def test_labels_that_are_not_there_stay_so():
    atoms = Atoms("W2", positions=[[0, 0, 0], [0, 0, 2]], info={"energy": 3.0})
    known = Evaluation(np.array([1.0, 0.5]), np.ones((2, 3)), np.ones((3, 3)))
    left = Dataset.from_atoms([atoms]).less(lambda _: known)[0]
    assert left.energy == 1.5
    assert left.forces is None
    assert left.virial is None
