"""Every figure draws every table that a study can produce, and leaves matplotlib as it was."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.quiver import Quiver
from numpy.testing import assert_allclose

from genmlip import report
from genmlip.dislocations.core import Decay
from genmlip.report.plots.decay import dislocation_law, local_exponent, rings, sentence
from genmlip.report.plots.error_vs_radius import predicted_curve
from genmlip.report.style import png, save
from genmlip.report.tables import NothingToDrawError, spread
from genmlip.theory import fit_rate

TABLES = {
    "three seeds": lambda make, fail: make(),
    "one seed": lambda make, fail: make(seeds=(4,)),
    "without EFV": lambda make, fail: make(observations=("EF",)),
    "an unknown set of observations": lambda make, fail: make(observations=("EF", "XYZ")),
    "one cell": lambda make, fail: make(cells=(3,)),
    "three defects": lambda make, fail: make(dislocations=("bcc-screw-111", "bcc-edge-111", "vacancy")),
    "failed rows": lambda make, fail: fail(make(), [0, 1, 2, 7]),
    "missing numbers": lambda make, fail: make().replace({"seed": {1: np.nan}}).assign(a0_error_rel=np.nan),
    "few columns": lambda make, fail: make().drop(columns=["dislocation", "radius", "status", "error"]),
}
FIGURES = [report.error_vs_cell, report.error_vs_delta_C, report.error_vs_force_rmse, report.effectivity]


@pytest.mark.parametrize("rows", TABLES)
@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_figure_draws_and_says_something(draw, rows, make_table, fail):
    figure = draw(TABLES[rows](make_table, fail))
    assert len(figure.get_suptitle()) > 20
    assert all(ax.get_xlabel() or not ax.get_subplotspec().is_last_row() for ax in figure.axes)
    assert png(figure, dpi=40).startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", [*FIGURES, report.error_vs_radius], ids=lambda draw: draw.__name__)
def test_figure_of_nothing_says_why(draw, make_table, fail):
    with pytest.raises(NothingToDrawError, match="no run finished"):
        draw(fail(make_table(), slice(None)))
    with pytest.raises(NothingToDrawError, match="has no column"):
        draw(pd.DataFrame({"seed": [1]}))


def test_points_drawn_are_the_points_of_the_table(make_table):
    table = make_table(seeds=(0,))
    figure = report.error_vs_cell(table)
    for observations, line in zip(("EF", "EFV"), figure.axes[0].containers, strict=True):
        own = table.loc[table["observations"] == observations]
        assert_allclose(line.lines[0].get_xdata(), own["cell"], atol=0.2)  # beside each other
        assert_allclose(line.lines[0].get_ydata(), own["geometry_error"], rtol=1e-12)


def test_cells_without_a_stable_crystal_are_marked(make_table, fail):
    table = make_table()
    lost = fail(table, table.index[(table["cell"] == 1)]).assign(candidate_stable=table["cell"] > 1)
    figure = report.error_vs_cell(lost)
    assert all([text.get_text() for text in ax.texts] == ["no stable crystal"] for ax in figure.axes)
    assert all(1.0 in ax.get_xticks() for ax in figure.axes)
    only_one = lost[(lost["cell"] > 1) | (lost["observations"] == "EF")]
    both = pd.concat([only_one, table[(table["cell"] == 1) & (table["observations"] == "EFV")]])
    assert report.error_vs_cell(both).axes[0].texts[0].get_text() == "EF: no stable crystal"


def test_bars_reach_from_the_smallest_to_the_largest_seed(table):
    curve = spread(table.loc[table["observations"] == "EF"], "cell", "geometry_error")
    own = table.loc[(table["observations"] == "EF") & (table["cell"] == 2), "geometry_error"]
    assert_allclose(curve.centre[1] - curve.bars[0, 1], own.min(), rtol=1e-12)
    assert_allclose(curve.centre[1] + curve.bars[1, 1], own.max(), rtol=1e-12)


def test_the_curve_through_the_largest_radius_loses_what_the_far_field_adds(make_table):
    table = make_table(cells=(1,), seeds=(0,), radii=(10.0, 15.0, 20.0, 40.0), scatter=0.0)
    table["far_field_error"] = np.sqrt(0.01 * np.log(table["radius"] / 5.0))
    rows = table.loc[table["observations"] == "EF"]
    x, y = predicted_curve(rows)
    last = rows["geometry_error"].iloc[-1]
    assert_allclose(y, np.sqrt(last**2 - 0.01 * np.log(40.0 / x)), rtol=1e-9)
    assert png(report.error_vs_radius(table), dpi=40)


def test_error_against_radius_needs_two_radii(table):
    with pytest.raises(NothingToDrawError, match="one radius only"):
        report.error_vs_radius(table)


def test_settings_that_vary_are_curves_of_their_own(make_table):
    table = pd.concat([make_table(seeds=(0,)).assign(strain=strain) for strain in (0.0, 0.02)])
    figure = report.error_vs_cell(table)
    assert len(figure.axes[0].containers) == 4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "EF, strain 0.0", "EF, strain 0.02", "EFV, strain 0.0", "EFV, strain 0.02",
    ]  # fmt: skip


def test_gain_by_virials_is_drawn_for_every_defect(make_table):
    dislocation = make_table(seeds=(0,), gain=6.0, scatter=0.0, radii=(5.0 * np.e,))
    vacancy = make_table(seeds=(0,), gain=2.0, scatter=0.0, radii=(5.0 * np.e,), dislocations=("vacancy",))
    figure = report.virial_gain(pd.concat([dislocation, vacancy]))
    screw, point = figure.axes[0].lines[:2]
    assert_allclose(screw.get_ydata(), 6.0, rtol=1e-9)
    assert_allclose(point.get_ydata(), 2.0, rtol=1e-9)
    title = " ".join(figure.get_suptitle().split())
    assert "6.0 times smaller for bcc-screw-111 and 2.0 times smaller for vacancy" in title


def test_gain_by_virials_needs_both_fits(make_table):
    with pytest.raises(NothingToDrawError, match="both with and without"):
        report.virial_gain(make_table(observations=("EF",)))


def test_where_the_far_field_would_add_more_than_there_is_no_curve_is_drawn(make_table):
    table = make_table(cells=(1,), seeds=(0,), radii=(10.0, 40.0), scatter=0.0, observations=("EFV",))
    table["far_field_error"] = [0.1, 2.0]
    _, y = predicted_curve(table)
    assert np.isnan(y[0])
    assert y[1] == pytest.approx(table["geometry_error"].iloc[1])


def test_drawn_rate_is_the_fit_and_its_band_contains_it():
    from matplotlib.figure import Figure

    x = np.geomspace(1, 100, 8)
    rate = fit_rate(x, 3 * x**-1.5 * np.exp(0.1 * np.sin(7 * x)))
    ax = Figure().subplots()
    report.draw_rate(ax, rate)
    line = ax.lines[0]
    assert_allclose(line.get_ydata(), rate.predict(line.get_xdata()), rtol=1e-12)
    corners = ax.collections[0].get_paths()[0].vertices
    low, high = (np.log(corners[np.isclose(corners[:, 0], 100.0), 1]).min(),
                 np.log(corners[np.isclose(corners[:, 0], 100.0), 1]).max())  # fmt: skip
    slopes = (np.array([low, high]) - np.log(rate.predict(10.0))) / np.log(10.0)
    assert_allclose(slopes, rate.interval(), rtol=1e-9)
    assert f"{rate.slope:.2f}".replace("-", "−") in line.get_label()


def test_three_arrows_of_a_third_of_b_each_close_around_the_core(screw):
    still = SimpleNamespace(**(vars(screw) | {"corrector": np.zeros_like(screw.corrector)}))
    drawn = report.differential_displacement(still).axes[0].collections
    (arrows,) = (artist for artist in drawn if isinstance(artist, Quiver))
    tail, along = arrows.XY, np.stack([arrows.U, arrows.V], axis=1)
    middle = tail + 0.5 * along
    innermost = np.argsort(np.linalg.norm(middle, axis=1))[:3]
    columns = screw.cell.positions[np.argsort(screw.cell.r)[:3], :2]
    for ends in (tail, tail + along):  # the screw's three-fold axis makes each of them b/3: column to column
        distance = np.linalg.norm(ends[innermost, None] - columns[None], axis=2)
        assert_allclose(np.sort(distance.min(axis=1)), 0.0, atol=1e-6)
        assert len(set(distance.argmin(axis=1))) == 3
    turning = middle[:, 0] * along[:, 1] - middle[:, 1] * along[:, 0]
    assert (turning[innermost] > 0).all()  # counter-clockwise, as b is counted


def test_maps_and_decay_of_a_real_cell_draw(screw):
    assert "core of bcc-screw-111 is at (0.00, 0.00) Å" in " ".join(
        report.differential_displacement(screw).get_suptitle().split()
    )
    assert "the corrector decays like r⁻" in " ".join(report.decay(screw).get_suptitle().split())
    from genmlip.statics.norms import local_strain

    assert png(report.core_error(screw, local_strain(screw.corrector, screw.cell.bonds)), dpi=40)


def test_equilibrium_without_a_corrector_has_no_decay(screw, made_up_equilibrium):
    still = made_up_equilibrium(screw.cell, corrector=np.zeros_like(screw.corrector))
    with pytest.raises(NothingToDrawError, match="corrector vanishes"):
        report.decay(still)


@pytest.mark.parametrize(
    ("exponent", "words"), [(1.7, "close to"), (1.0, "more slowly than"), (3.4, "faster than")]
)
def test_decay_is_judged_against_the_law_over_the_same_window(exponent, words):
    assert local_exponent(dislocation_law, (8.0, 20.0)) == pytest.approx(1.68, abs=0.02)
    fit = Decay(exponent, 0.1, (8.0, 20.0), 8)
    assert words in sentence(fit, dislocation_law, "r⁻² log r")


def test_a_region_too_small_to_fit_a_decay_is_said_to_be():
    assert "too small to fit" in sentence(None, dislocation_law, "r⁻² log r")


def test_rings_of_a_power_law_lie_on_it():
    r = np.geomspace(2, 50, 5000)
    centre, mean = rings(r, 3 * r**-2.0)
    assert_allclose(mean, 3 * centre**-2.0, rtol=0.03)


def test_drawing_leaves_the_users_matplotlib_alone(table):
    with matplotlib.rc_context({"font.size": 31.0, "axes.facecolor": "black"}):
        before = dict(matplotlib.rcParams)
        figure = report.error_vs_cell(table)
        png(figure, dpi=40)
        assert dict(matplotlib.rcParams) == before
        assert figure.axes[0].xaxis.label.get_fontsize() == 9.0


def test_pyplot_is_never_imported():
    code = (
        "import sys, genmlip.report; assert 'matplotlib' not in sys.modules; "
        "import genmlip.report.draw, genmlip.report.html; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_saved_files_are_whole_and_the_same_for_the_same_numbers(tmp_path, table):
    first = save(report.effectivity(table), tmp_path / "a" / "figure")
    again = save(report.effectivity(table), tmp_path / "b" / "figure")
    assert [path.name for path in first] == ["figure.pdf", "figure.png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["figure.pdf", "figure.png"]


def test_a_figure_shows_itself_in_a_notebook(table):
    assert report.effectivity(table)._repr_png_().startswith(b"\x89PNG")
