"""A damaged .yace file is either read or refused by one line that names it, quickly and in little memory."""

import tracemalloc
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genmlip.errors import FileFormatError
from genmlip.potentials.ace import PACEPotential, load_yace
from genmlip.potentials.ace.yaml_events import parse_yaml

DATA = Path(__file__).parents[1] / "data" / "yace"
NAMES = ("W_linear", "Cu_core_by_density", "AlNi_core_zbl", "Si_ace_jl")
TEXTS = [(DATA / f"{name}.yace").read_bytes() for name in NAMES]
TREES = [parse_yaml(DATA / f"{name}.yace") for name in NAMES]

relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path, content):
    """True if the file is read, False if it is refused as it should be."""
    path.write_bytes(content)
    try:
        potential = load_yace(path)
    except FileFormatError as error:
        message = str(error)
    else:
        assert isinstance(potential, PACEPotential)
        return True
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 400
    return False


@relaxed
@given(st.sampled_from(TEXTS), st.data())
def test_truncated_files(tmp_path, text, data):
    read(tmp_path / "cut.yace", text[: data.draw(st.integers(0, len(text)))])


@relaxed
@given(st.sampled_from(TEXTS), st.data())
def test_files_with_a_piece_missing_doubled_or_overwritten(tmp_path, text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 200)))
    piece = data.draw(st.one_of(st.just(b""), st.just(2 * text[start:end]), st.binary(max_size=20)))
    read(tmp_path / "hole.yace", text[:start] + piece + text[end:])


@relaxed
@given(st.sampled_from(TEXTS), st.data())
def test_files_with_other_characters_of_yaml(tmp_path, text, data):
    changed = bytearray(text)
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(text) - 1))
        changed[place] = data.draw(st.sampled_from(b"{}[]:,-0123456789.eE+&*!|>'\"%@`#? \n\t"))
    read(tmp_path / "typo.yace", bytes(changed))


numbers = st.one_of(
    st.integers(-5, 10).map(str),
    st.integers(-(10**30), 10**30).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(["1e308", "-1e99", "1e-320", ".inf", ".nan", "nan", "0x10", "1_0", "1e9", "٣", ""]),
)
strange = st.one_of(
    numbers,
    st.text(max_size=8).map(lambda text: "".join(c for c in text if c.isalnum())),
    st.lists(numbers, max_size=4),
    st.dictionaries(st.sampled_from(["0", "1", "npoti", "x"]), numbers, max_size=3),
    st.just(None),  # take the item away
)


def nodes(tree, path=()):
    """Paths of all nodes but the root; of the many functions the first and the last two."""
    items = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree))
    if isinstance(tree, list) and len(items) > 4:
        items = items[:1] + items[-2:]
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from nodes(value, (*path, key))


def replaced(tree, path, value):
    """A copy of the tree with another node, or with none where ``value`` is None."""
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    if len(path) > 1:
        copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    elif value is None:
        del copy[path[0]]
    else:
        copy[path[0]] = value
    return copy


def written(tree):
    """The tree as YAML in flow style."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"? {written(k)} : {written(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, (list, tuple)):
        return "[" + ", ".join(map(written, tree)) + "]"
    return str(tree) if tree else '""'


PATHS = [list(nodes(tree)) for tree in TREES]


@relaxed
@given(st.integers(0, len(TREES) - 1), st.data())
def test_files_with_other_values(tmp_path, k, data):
    tree = TREES[k]
    for path in data.draw(st.lists(st.sampled_from(PATHS[k]), min_size=1, max_size=2)):
        try:
            tree = replaced(tree, path, data.draw(strange))
        except (KeyError, IndexError, TypeError, ValueError):  # the first change took the place away
            continue
    read(tmp_path / "other.yace", written(tree).encode())


def test_trees_are_written_as_they_were_read(tmp_path):
    for tree in TREES:
        path = tmp_path / "same.yace"
        assert read(path, written(tree).encode())
        assert parse_yaml(path) == tree


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nradmax: 3", "nradmax: 2000000000"),
        ("lmax: 2", "lmax: 32"),
        ("nradbasemax: 5", "nradbasemax: 2000000000"),
        ("num_ms_combs: 1", "num_ms_combs: 2000000000"),
        ("rank: 2", "rank: 8"),
        ("ls: [2, 2]", "ls: [30, 30]"),
        ("ndensity: 1", "ndensity: 100"),
        ("rcut: 5", "rcut: 49"),
    ],
)
def test_declared_sizes_take_no_memory(tmp_path, old, new):
    text = (DATA / "W_linear.yace").read_text()
    assert old in text
    tracemalloc.start()
    try:
        read(tmp_path / "huge.yace", text.replace(old, new, 1).encode())
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_lmax_of_julia_files_takes_no_memory(tmp_path):
    text = (DATA / "Si_ace_jl.yace").read_bytes().replace(b"lmax: 2", b"lmax: 2000000000")
    assert not read(tmp_path / "huge.yace", text)


def test_aliases_that_stand_for_a_huge_tree_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    assert not read(tmp_path / "bomb.yace", "\n".join(lines).encode())


def test_deep_nesting_is_refused(tmp_path):
    for opening in (b"[", b"{? ", b"- "):
        assert not read(tmp_path / "deep.yace", opening * 100_000)


def test_pure_python_parser_reads_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("genmlip.potentials.ace.yaml_events._LOADER", yaml.SafeLoader)
    for name, tree in zip(NAMES, TREES, strict=True):
        assert parse_yaml(DATA / f"{name}.yace") == tree
