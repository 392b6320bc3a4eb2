import pytest

from genmlip.errors import InputError, UnknownNameError
from genmlip.studies.specifications import parse_solver
from genmlip.training import (
    ARD,
    BayesianRidge,
    GCVRidge,
    OrdinaryLeastSquares,
    RankRevealingQR,
    Ridge,
    TruncatedSVD,
)


@pytest.mark.parametrize(
    ("text", "solver"),
    [
        ("ard", ARD()),
        ("ard:separate", ARD(separate_noise=True)),
        ("bayes", BayesianRidge()),
        ("bayes:separate", BayesianRidge(separate_noise=True)),
        ("gcv", GCVRidge()),
        ("ols", OrdinaryLeastSquares()),
        ("ridge:1e-3", Ridge(1e-3)),
        ("rrqr", RankRevealingQR()),
        ("rrqr:1e-5", RankRevealingQR(1e-5)),
        ("svd:1e-5", TruncatedSVD(1e-5)),
    ],
)
def test_every_solver_has_a_short_text(text, solver):
    assert parse_solver(text) == solver


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "bayse",
            r"unknown solver 'bayse'; did you mean bayes\? \(known: ard, bayes, gcv, ols, ridge, rrqr, svd\)",
        ),
        ("bayes:EFV", "the solver bayes takes only bayes:separate, got 'bayes:EFV'"),
        ("ols:1", "the solver ols takes no parameter, got 'ols:1'"),
        ("rrqr:x", "the parameter of the solver rrqr must be a number, not 'x'"),
        ("rrqr:2", r"tolerance of the QR must lie in \(0, 1\), got 2.0"),
    ],
)
def test_a_solver_that_cannot_be_understood_is_refused_in_one_line(text, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_solver(text)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UnknownNameError) == (text == "bayse")
