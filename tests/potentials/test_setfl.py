import re
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from potential_cases import alloy_tables, tungsten_tables

from genmlip.errors import FileFormatError, InputError
from genmlip.potentials.setfl import read_setfl, write_setfl

ALLOY, FS = alloy_tables(finnis_sinclair=False, knots=23), alloy_tables(finnis_sinclair=True, knots=23)


@pytest.fixture
def write(tmp_path):
    """Writes tables, or text, to a file."""

    def to_file(content, name="potential"):
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            write_setfl(path, content)
        return path

    return to_file


def as_text(tables, folder):
    write_setfl(folder / "template", tables)
    return (folder / "template").read_text(encoding="utf-8")


def assert_same(found, expected):
    for field in fields(expected):
        assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


@pytest.mark.parametrize("tables", [ALLOY, FS, tungsten_tables(31)], ids=["alloy", "fs", "one element"])
def test_tables_survive_writing_and_reading_bit_by_bit(write, tables):
    assert_same(read_setfl(write(tables)), tables)


@pytest.mark.parametrize(("tables", "name"), [(ALLOY, "x.eam.fs"), (FS, "x.eam.alloy")])
def test_the_variant_is_known_from_the_content_not_from_the_name(write, tables, name):
    assert_same(read_setfl(write(tables, name)), tables)


def test_elements_are_known_by_their_symbol_even_where_the_atomic_number_is_wrong(write, tmp_path):
    text = as_text(tungsten_tables(31), tmp_path)
    assert "\n74 183.84" in text
    tables = read_setfl(write(text.replace("\n74 183.84", "\n1 183.84")))
    assert tables.symbols == ("W",)


def test_comments_and_blank_lines_at_the_end_are_allowed(write, tmp_path):
    text = as_text(ALLOY, tmp_path).replace("2 Ni Al\n", "2 Ni Al  # two elements\n")
    assert_same(read_setfl(write(text + "\n  \n# the end\n")), ALLOY)


def test_any_number_of_values_per_line_is_read(write, tmp_path):
    header, *rows = as_text(tungsten_tables(31), tmp_path).split("none\n")
    values = "\n".join(rows[0].split())
    assert_same(read_setfl(write(f"{header}none\n{values}\n")), tungsten_tables(31))


def test_a_file_that_ends_early_names_the_line_where_its_table_begins(write, tmp_path):
    lines = as_text(tungsten_tables(31), tmp_path).splitlines()
    path = write("\n".join(lines[:9]))
    message = f"{path}: line 7: expected 31 values, found 15 (embedding function of W)"
    with pytest.raises(FileFormatError, match=re.escape(message)):
        read_setfl(path)


@pytest.mark.parametrize(
    ("line", "old", "new", "message"),
    [
        (4, "2 Ni Al", "3 Ni Al", "line 4: expected a number of elements and their symbols, found '3 Ni Al'"),
        (4, "2 Ni Al", "2 Ni Xx", "line 4: 'Xx' is not a chemical element"),
        (4, "2 Ni Al", "2 Ni Ni", "line 4: an element occurs twice"),
        (5, "23", "twenty", "line 5: expected 'n_rho delta_rho n_r delta_r cutoff'"),
        (5, "4.8", "-4.8", "line 5: grid spacings and cutoff must be positive"),
        (5, "4.8", "9.5", "line 5: the cutoff 9.5 lies beyond the tables"),
        (5, "4.8", "nan", "line 5: expected a finite number, found 'nan'"),
        (5, "23", "4", "line 5: tables need at least 5 values, found 4"),
        (6, "none", "1.0", "line 6: expected number, mass, lattice parameter, structure of Ni"),
        (8, "-", "x", "line 8: expected a number, found 'x"),
        (8, "-", "inf -", "line 8: expected a finite number, found 'inf'"),
        (8, "-", "1.0 -", "line 7: expected 23 values, found 24"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write, tmp_path, line, old, new, message):
    lines = as_text(ALLOY, tmp_path).splitlines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    with pytest.raises(FileFormatError, match=re.escape(message)):
        read_setfl(write("\n".join(lines)))


def test_values_after_the_last_table_are_refused(write, tmp_path):
    text = as_text(ALLOY, tmp_path)
    number = len(text.splitlines()) + 1
    with pytest.raises(FileFormatError, match=f"line {number}: expected the end of the file"):
        read_setfl(write(text + "0.0 0.0\n"))


def test_a_funcfl_file_is_recognised_as_such(write):
    text = "Cu functions\n29 63.55 3.615 FCC\n500 5.01e-04 500 1.0e-02 4.95\n0.0 -0.3 -0.5 -0.6 -0.7\n"
    with pytest.raises(FileFormatError, match="line 3: this looks like a funcfl file"):
        read_setfl(write(text))


@pytest.mark.parametrize("content", ["", "\n\n\n", "hello", "<html>\n" * 20, "\x00\x01" * 50])
def test_other_files_are_refused(write, content):
    with pytest.raises(FileFormatError, match="line "):
        read_setfl(write(content))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nothing.eam: No such file"):
        read_setfl(tmp_path / "nothing.eam")


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    return as_text(FS, tmp_path_factory.mktemp("setfl"))


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_truncated_file_is_always_refused(tmp_path_factory, template, data):
    path = tmp_path_factory.getbasetemp() / "truncated"
    end = data.draw(st.integers(0, len(template.rstrip()) - 20))
    path.write_text(template[:end], encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"line \d+: "):
        read_setfl(path)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_corrupted_file_is_read_as_finite_tables_or_refused_with_a_line(tmp_path_factory, template, data):
    path, content = tmp_path_factory.getbasetemp() / "corrupted", bytearray(template.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 40))
        content[at : at + length] = data.draw(
            st.binary(max_size=10) | st.sampled_from([b"nan", b" ", b"\n", b"9"])
        )
    path.write_bytes(content)
    try:
        tables = read_setfl(path)
    except FileFormatError as error:
        message = str(error)
    else:
        message = "line 1: "
        assert all(np.isfinite(x).all() for x in (tables.embedding, tables.density, tables.pair))
    assert re.search(r"line \d+: ", message)
    assert "\n" not in message
