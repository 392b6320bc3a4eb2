import errno
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from genmlip._cache import ArrayCache, content_key, user_cache
from genmlip.crystal import LatticeGreen, LineForceConstants, lattice_green


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where this test's tables go."""
    monkeypatch.setenv("GENMLIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "lattice-green"


def square(spring=1.0):
    """Atoms that move along the line only, tied to their neighbours by springs."""
    labels = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    return LineForceConstants(np.eye(2), labels, spring * np.array([4.0, -1, -1, -1, -1]).reshape(-1, 1, 1))


def never():
    raise AssertionError("this is kept and need not be computed")


def names(folder):
    return {path.stem for path in folder.iterdir()}


def test_a_table_that_is_kept_comes_back_bit_by_bit_and_is_not_computed_again(folder, monkeypatch):
    first = LatticeGreen(square()).table((100, 110))
    monkeypatch.setattr(LatticeGreen, "_evaluate", lambda *_: never())
    assert_array_equal(LatticeGreen(square()).table((100, 110)), first)


def test_tables_of_similar_extent_share_one_file_and_are_those_computed_directly(folder, monkeypatch):
    green = LatticeGreen(square())
    green.table((128, 120))
    monkeypatch.setattr(LatticeGreen, "_evaluate", lambda *_: never())
    smaller = green.table((97, 100))
    monkeypatch.undo()
    monkeypatch.setenv("GENMLIP_CACHE", "")
    assert_allclose(smaller, green.table((97, 100)), rtol=0, atol=1e-15)


def test_a_small_table_leaves_no_file(folder):
    LatticeGreen(square()).table(50)
    assert not folder.exists()


@pytest.mark.parametrize("extent", [0, 1, 2, 3, 64, 65, 90, 91, 92, 181, 500, 1000])
def test_what_is_kept_holds_what_is_asked_for_and_is_less_than_root_two_larger(extent):
    kept = lattice_green._kept_extent(extent)
    assert extent <= kept < 2**0.5 * extent + 1 or (extent, kept) == (0, 1)


def test_other_force_constants_have_another_table(folder):
    soft, stiff = (LatticeGreen(square(spring)).table(100) for spring in (1.0, 2.0))
    assert len(names(folder)) == 2
    assert_allclose(soft, 2 * stiff, atol=1e-14)


@pytest.mark.parametrize("name", ["ACCURACY", "ALGORITHM"])
def test_another_algorithm_has_another_table(name, folder, monkeypatch):
    LatticeGreen(square()).table(100)
    monkeypatch.setattr(lattice_green, name, 2 * getattr(lattice_green, name))
    LatticeGreen(square()).table(100)
    assert len(names(folder)) == 2


def test_a_key_tells_shapes_and_types_apart():
    a = np.arange(6.0)
    keys = [content_key(*parts) for parts in [(a,), (a.reshape(2, 3),), (a.astype(int),), (a[:3], a[3:])]]
    assert len(set(keys)) == 4
    assert content_key(a.reshape(2, 3)) == content_key(np.asfortranarray(a.reshape(2, 3)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:10],
        lambda _: b"",
        lambda whole: whole[:-1],
        lambda whole: whole + b"more",
        lambda whole: whole[:300] + bytes([whole[300] ^ 1]) + whole[301:],
        lambda whole: b"\x00" * 9 + whole[9:],
    ],
    ids=["half", "header cut", "empty", "one byte short", "too long", "one bit", "header"],
)
def test_a_damaged_file_is_computed_again_and_replaced(damage, tmp_path):
    cache, array = ArrayCache(tmp_path), np.arange(100.0).reshape(4, 25)
    cache.get("a", lambda: array)
    file = tmp_path / "a.npy"
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert_array_equal(cache.get("a", lambda: array), array)
    assert file.read_bytes() == whole


def test_numpy_reads_the_file_by_itself(tmp_path):
    ArrayCache(tmp_path).get("a", lambda: np.eye(3))
    assert_array_equal(np.load(tmp_path / "a.npy"), np.eye(3))


def test_what_was_used_least_recently_goes_first(tmp_path):
    cache = ArrayCache(tmp_path, limit=4000)  # three arrays of 1 kB with header and checksum
    for time, key in enumerate(("a", "b", "c")):
        cache.get(key, lambda: np.ones(128))
        os.utime(tmp_path / f"{key}.npy", (time, time))
    cache.get("a", never)
    cache.get("d", lambda: np.ones(128))
    assert names(tmp_path) == {"a", "c", "d"}


def test_what_a_killed_process_left_goes_too(tmp_path):
    left = tmp_path / ".a-0123abcd.npy"
    left.write_bytes(bytes(5000))
    os.utime(left, (0, 0))
    ArrayCache(tmp_path, limit=4000).get("b", lambda: np.ones(128))
    assert names(tmp_path) == {"b"}


def test_an_array_larger_than_a_third_of_the_limit_is_not_kept(tmp_path):
    ArrayCache(tmp_path / "cache", limit=3000).get("a", lambda: np.ones(126))
    assert not (tmp_path / "cache").exists()


def test_a_table_larger_than_that_is_made_no_larger_than_asked_for(folder, monkeypatch):
    asked, evaluate = [], LatticeGreen._evaluate
    monkeypatch.setattr(lattice_green, "user_cache", lambda kind: ArrayCache(folder, limit=500_000))
    monkeypatch.setattr(LatticeGreen, "_evaluate", lambda self, n: asked.append(len(n)) or evaluate(self, n))
    LatticeGreen(square()).table(100)
    assert sum(asked) == 101 * 201
    assert not folder.exists()


def test_an_empty_variable_turns_it_off(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GENMLIP_CACHE", "")
    LatticeGreen(square()).table(100)
    assert user_cache("lattice-green") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "home/.cache/genmlip/x"),
        ({"XDG_CACHE_HOME": ""}, "home/.cache/genmlip/x"),
        ({"XDG_CACHE_HOME": "{}/xdg"}, "xdg/genmlip/x"),
        ({"XDG_CACHE_HOME": "{}/xdg", "GENMLIP_CACHE": "{}/own"}, "own/x"),
        ({"GENMLIP_CACHE": "~/own"}, "home/own/x"),
    ],
)
def test_it_lies_where_caches_lie_or_where_the_variable_says(variables, expected, tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "GENMLIP_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "{}/home", **variables}.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert user_cache("x").folder == tmp_path / expected


def test_without_a_home_nothing_is_kept(monkeypatch):
    def no_home(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GENMLIP_CACHE")
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert user_cache("lattice-green") is None


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = ArrayCache(tmp_path / "file" / "cache")
    assert_array_equal(cache.get("a", lambda: np.eye(3)), np.eye(3))
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_read_only_folder_serves_what_it_holds(tmp_path, monkeypatch):
    cache = ArrayCache(tmp_path)
    cache.get("a", lambda: np.eye(3))

    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("replace", "utime"):  # the superuser may write where permissions forbid it
        monkeypatch.setattr(os, name, refuse)
    assert_array_equal(cache.get("b", lambda: np.ones(3)), np.ones(3))
    assert_array_equal(cache.get("a", never), np.eye(3))
    assert names(tmp_path) == {"a"}


def wrong_answers(folder):
    """Of many requests for ten arrays, of which the cache can hold three."""
    cache = ArrayCache(Path(folder), limit=28_000)
    wrong = 0
    for i in np.random.default_rng(os.getpid()).integers(10, size=60):
        wrong += not np.array_equal(cache.get(str(i), lambda n=float(i): np.full(1000, n)), np.full(1000, i))
    return wrong


def test_processes_that_write_read_and_discard_at_once_get_what_they_ask_for(tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(wrong_answers, [str(tmp_path)] * 2)) == [0, 0]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 28_000


def test_nothing_happens_at_import(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "GENMLIP_CACHE"}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    subprocess.run(
        [sys.executable, "-c", "import genmlip._cache, genmlip.crystal"], env=environment, check=True
    )
    assert not (tmp_path / "genmlip").exists()
