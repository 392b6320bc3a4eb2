"""The report is one valid, self-contained file that says what the numbers say."""

import re
from html.parser import HTMLParser

import pytest

from genmlip import report
from genmlip.report.html import failures, summary

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Checker(HTMLParser):
    """Collects text and attributes; fails on tags that do not nest."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.links, self.images = [], [], [], 0

    def handle_starttag(self, tag, attributes):
        self.images += tag == "img"
        self.links += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(path):
    checker = Checker()
    checker.feed(path.read_text(encoding="utf-8"))
    checker.close()
    assert not checker.open
    return checker, " ".join(" ".join(checker.text).split())


@pytest.fixture
def parameters():
    return {"reference": "fs:W", "dislocation": "bcc-screw-111", "radius": 20.0, "cells": [1, 2, 3, 4]}


@pytest.fixture
def provenance():
    return {"started": "2030-01-01", "versions": {"genmlip": "0.1.0", "numpy": "2.2"}, "wall_s": 123.4}


def test_report_is_valid_self_contained_and_complete(tmp_path, table, screw, parameters, provenance):
    path = report.write_report(tmp_path, table, screw, parameters, provenance)
    assert path == tmp_path / "report.html"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    checker, text = parse(path)
    assert checker.images == 6
    assert all(link.startswith("data:image/png;base64,") for link in checker.links)
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(|<script|<link", source)
    for word in ("Predictor", "Corrector", "Virial", "δC", "bcc-screw-111", "numpy", "123.4", "All 24 runs"):
        assert word in text


def test_headline_follows_the_numbers(tmp_path, screw, parameters, provenance, make_table):
    for gain, words in ((6.0, "smaller"), (0.2, "Virials did not help")):
        table = make_table(seeds=(0,), gain=gain, scatter=0.0)
        _, text = parse(report.write_report(tmp_path, table, screw, parameters, provenance))
        assert words in text
        assert ("Virials did not help" in text) == (gain < 1)


def test_failed_runs_appear_with_their_reason(tmp_path, table, screw, parameters, provenance, fail):
    _, text = parse(report.write_report(tmp_path, fail(table, [0, 5]), screw, parameters, provenance))
    assert "2 runs failed" in text
    assert "cell 1, observations EF, seed 0: unstable crystal" in text


def test_a_setting_without_a_stable_crystal_is_one_line_and_says_so(table, fail):
    lost = fail(table, table.index[(table["cell"] == 1)]).assign(candidate_stable=table["cell"] > 1)
    assert [row[2] for row in summary(lost)["rows"] if row[0] == "1"] == ["no stable crystal"] * 2
    assert [entry["setting"] for entry in failures(lost)] == [
        "cell 1, observations EF, seeds 0, 1, 2",
        "cell 1, observations EFV, seeds 0, 1, 2",
    ]


@pytest.mark.parametrize("rows", [[], slice(None)], ids=["no run", "every run failed"])
def test_report_of_nothing_is_still_a_report(tmp_path, table, parameters, provenance, rows, fail):
    empty = table.iloc[:0] if rows == [] else fail(table, rows)
    _, text = parse(report.write_report(tmp_path, empty, None, parameters, provenance))
    assert ("The table holds no run." in text) or ("Nothing can be said about errors" in text)
    assert "No figure error_vs_cell" in text


def test_text_from_outside_is_escaped(tmp_path, table, screw, parameters, provenance, fail):
    attack = "<script>alert('&')</script>"
    path = report.write_report(
        tmp_path, fail(table, [0], reason=attack), screw, {**parameters, attack: attack}, {"note": attack}
    )
    assert "<script" not in path.read_text(encoding="utf-8")
    assert attack in parse(path)[1]


def test_summary_shows_mean_range_and_how_many_finished(table, fail):
    content = summary(fail(table, [0]))
    assert content["header"][:3] == ["L", "observations", "geometry error (Å)"]
    first, second = content["rows"][:2]
    assert first[:2] == ["1", "EF"]
    assert first[-1] == "2 of 3"
    own = table.loc[(table["cell"] == 1) & (table["observations"] == "EFV"), "geometry_error"]
    low, high = second[content["header"].index("geometry error (Å)")][1].split(" – ")
    assert float(low) == pytest.approx(own.min(), rel=0.05)
    assert float(high) == pytest.approx(own.max(), rel=0.05)
