"""Answers to the predictions: made-up tables with known outcomes, both ways."""

import numpy as np
import pandas as pd
import pytest

from genmlip.report.predictions import answers, as_markdown


def one(found, prediction, **where):
    """The only answer of a prediction at a place."""
    rows = found.loc[found["prediction"] == prediction]
    for name, value in where.items():
        rows = rows.loc[rows[name] == value]
    assert len(rows) == 1, rows
    return rows.iloc[0]


@pytest.fixture
def radii():
    """error² = 0.01 + 0.02 log R without virials, constant with them; elastic constants say the same."""
    rows = []
    for observations, growth in (("EF", 0.02), ("EFV", 0.0)):
        for radius in (10.0, 15.0, 20.0, 30.0, 40.0):
            squared = 0.01 + growth * np.log(radius)
            wobble = 1 + 1e-3 * np.cos(radius)
            rows.append(
                {
                    "reference": "fs:W", "dislocation": "bcc-edge-111", "radius": radius, "cell": 2,
                    "seed": 0, "observations": observations,
                    "geometry_error": np.sqrt(squared) * wobble, "geometry_error_own": 0.1 * wobble,
                    "far_field_growth": growth, "status": "ok",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def test_growth_like_that_of_the_elastic_constants_agrees(radii):
    found = answers({"domain_radius": radii})
    answer = one(found, "G2", setting="EF, common predictor")
    assert answer["value"] == pytest.approx(0.02, rel=0.05)
    assert answer["low"] < 0.02 < answer["high"]
    assert answer["verdict"] == "agree"
    assert one(found, "G2", setting="EFV, common predictor")["verdict"] == "agree"


def test_growth_that_the_elastic_constants_do_not_explain_disagrees(radii):
    found = answers({"domain_radius": radii.assign(far_field_growth=0.2)})
    assert one(found, "G2", setting="EF, common predictor")["verdict"] == "disagree"


def test_the_coefficient_of_the_logarithm_is_told_from_what_dies_away(radii):
    far = pd.concat([radii.assign(radius=10 * radii["radius"], seed=seed) for seed in range(3)])
    squares = 0.1 + 0.02 * np.log(far["radius"]) - (1 + 0.1 * far["seed"]) / far["radius"]
    found = answers({"domain_radius": far.assign(geometry_error=np.sqrt(squares))})
    answer = one(found, "G2", setting="EF, common predictor")
    assert answer["value"] == pytest.approx(0.02, rel=1e-6)
    assert answer["runs"] == 15


def test_growth_is_not_asked_of_a_point_defect(radii):
    vacancy = radii.assign(dislocation="vacancy", far_field_growth=np.nan)
    found = answers({"vacancy_control": vacancy})
    assert found.loc[found["prediction"] == "G2"].empty


def test_a_potential_without_all_radii_does_not_enter(radii):
    short = radii.assign(seed=1, geometry_error=0.5).query("radius < 30")
    found = answers({"domain_radius": pd.concat([radii, short])})
    assert one(found, "G2", setting="EF, common predictor")["value"] == pytest.approx(0.02, rel=0.05)


def test_a_gain_by_virials_agrees_and_a_loss_disagrees(make_table):
    quantity = "geometry error, ratio"
    gain, loss = (answers({"t": make_table(gain=gain, scatter=0.02)}) for gain in (5.0, 0.2))
    first = one(gain, "G3", setting="EF / EFV", quantity=quantity)
    assert first["low"] < first["value"] < first["high"]
    assert first["verdict"] == "agree"
    assert one(loss, "G3", setting="EF / EFV", quantity=quantity)["verdict"] == "disagree"


def test_the_power_of_the_cell_size_is_found(make_table):
    answer = one(
        answers({"t": make_table(scatter=0.02)}), "G3", setting="EFV", quantity="geometry error, power of L"
    )
    assert answer["low"] < -2.0 < answer["high"]
    assert answer["verdict"] == "agree"


def test_elastic_constants_are_answered_once_and_not_per_dislocation(make_table):
    table = make_table(dislocations=("bcc-screw-111", "bcc-edge-111"))
    found = answers({"t": table})
    crystal = found.loc[found["quantity"] == "error of the elastic constants, ratio"]
    assert crystal["dislocation"].tolist() == ["perfect crystal"]


def test_errors_proportional_to_the_fit_agree(make_table):
    tables = [
        make_table(cells=(cell,), observations=("EFV",)).assign(degree=f"{cell}0,8") for cell in (1, 2, 3)
    ]
    table = pd.concat(tables).assign(cell=3)
    found = answers({"fit_accuracy": table})
    answer = found.loc[found["prediction"] == "G4"].iloc[0]
    assert answer["value"] == pytest.approx(1.0, abs=0.05)
    assert answer["verdict"] == "agree"


def test_an_estimate_outside_a_factor_of_two_disagrees(make_table):
    table = make_table()
    assert one(answers({"t": table}), "G5")["verdict"] == "agree"
    assert one(answers({"t": table.assign(effectivity=2.5)}), "G5")["verdict"] == "disagree"


def test_the_vacancy_is_compared_with_the_dislocation_at_the_same_cells(make_table):
    tables = {
        "bulk": make_table(gain=4.0, scatter=0.02),
        "vacancy": make_table(gain=1.0, scatter=0.02, dislocations=("vacancy",), cells=(2, 3)),
    }
    answer = one(answers(tables), "G6", quantity="geometry error, ratio of ratios")
    assert answer["value"] == pytest.approx(4.0, rel=0.1)
    assert answer["window"] == "L = 2 to 3"
    assert answer["verdict"] == "agree"


def test_what_a_core_in_the_training_cells_brings_is_measured_in_pairs(make_table):
    bulk = make_table(cells=(3,), observations=("EFV",)).assign(source="bulk")
    columns = ["geometry_error", "energy_error", "force_rmse_core"]
    seen = bulk.assign(source="quadrupole:bcc-screw-111", **{name: bulk[name] / 2 for name in columns})
    answer = one(answers({"t": pd.concat([bulk, seen])}), "source", quantity="geometry error, ratio")
    assert answer["value"] == pytest.approx(2.0)
    assert answer["setting"] == "bulk / quadrupole"


def test_tables_without_a_question_answer_nothing():
    assert answers({"t": pd.DataFrame({"status": ["ok"], "x": [1.0]})}).empty


def test_the_page_lists_every_failed_run(make_table, fail):
    table = make_table()
    tables = {"training_cell_size": fail(table, table["cell"] == 1)}
    page = as_markdown(answers(tables), tables)
    assert "training_cell_size: 6 of 24, unstable crystal" in page
    assert "**G3**" in page


def test_bases_are_answered_for_one_by_one(make_table):
    rich, poor = (make_table(gain=gain, scatter=0.02) for gain in (5.0, 0.2))
    both = pd.concat([rich.assign(degree="60,12"), poor.assign(degree="30,10")], ignore_index=True)
    found = answers({"t": both})
    quantity = "geometry error, ratio"
    assert one(found, "G3", setting="EF / EFV, degrees 60,12", quantity=quantity)["verdict"] == "agree"
    assert one(found, "G3", setting="EF / EFV, degrees 30,10", quantity=quantity)["verdict"] == "disagree"
