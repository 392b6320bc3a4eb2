from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from genmlip.studies import Cache


def slow_entry(folder):
    """Ask for the one entry; each time it is made, its maker adds a line beside the cache."""

    def make(path):
        with (Path(folder) / "made").open("a") as made:
            made.write("x")
        path.mkdir()
        (path / "part").write_text("whole")

    path = Cache(Path(folder) / "cache").entry("thing", {"n": 1}, make)
    return (path / "part").read_text()


def test_processes_that_ask_at_once_share_one_computation(tmp_path):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        answers = list(pool.map(slow_entry, [str(tmp_path)] * 12))
    assert answers == ["whole"] * 12
    assert (tmp_path / "made").read_text() == "x"


def test_a_maker_that_fails_leaves_nothing_and_the_next_one_succeeds(tmp_path):
    def broken(path):
        path.write_text("half")
        raise OSError("disk full")

    cache = Cache(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        cache.entry("thing", {}, broken, ".txt")
    assert [p.suffix for p in tmp_path.iterdir()] == [".lock"]
    assert cache.entry("thing", {}, lambda path: path.write_text("whole"), ".txt").read_text() == "whole"


def test_entries_differ_by_kind_and_by_key(tmp_path):
    def write(path):
        path.write_text("x")

    cache = Cache(tmp_path)
    entries = [
        cache.entry(*arguments, write) for arguments in (("a", {"n": 1}), ("a", {"n": 2}), ("b", {"n": 1}))
    ]
    assert len(set(entries)) == 3
