"""Points of the parameter space: exact, inside their domains, and refused by name."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from sympy import Gt, Integer, Ne, Rational, Symbol, exp, sqrt

from leadterms import EvaluationError, ExistenceError, LeadtermsError, ReadingError
from leadterms.asymptotics.point import ParameterSpace, require_values, require_written_out
from leadterms.evaluation.number import evaluate
from leadterms.notation.conditions import shown

B0, B1 = Symbol("beta0", real=True), Symbol("beta1", real=True)
S = Symbol("sigma2", positive=True)
SPACE = ParameterSpace((B0, B1, S), (Gt(B0 - B1, 0), Ne(B1, 0)))


@pytest.mark.parametrize("value", ["0.34", 0.34, Fraction(17, 50), Decimal("0.34"), Rational(17, 50), " 17/50 "])
def test_every_way_to_state_a_number_is_the_same_exact_point(value):
    assert SPACE.point({"beta0": value}) == {B0: Rational(17, 50)}


def test_text_mappings_and_symbols_name_the_same_parameters():
    expected = {B0: Rational(1, 2), S: Integer(3)}
    assert SPACE.point("beta0=1/2, sigma2=3") == expected
    assert SPACE.point({"beta0": "1/2", "sigma2": 3}) == expected
    assert SPACE.point({B0: Rational(1, 2), Symbol("sigma2"): 3}) == expected


def test_exact_irrational_values_are_taken():
    assert SPACE.point({"sigma2": sqrt(2)}) == {S: sqrt(2)}


def test_tiny_values_stay_exact():
    assert SPACE.point("sigma2=1e-400")[S] == Rational(1, 10**400)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"gamma": 1}, EvaluationError, "'gamma' is not a parameter of the model: it has beta0, beta1, sigma2"),
        ({"sigma2": 0}, EvaluationError, "sigma2 must be positive: 0 given"),
        ({"sigma2": "-1e-30"}, EvaluationError, "sigma2 must be positive"),
        ({"beta0": 1, B0: 2}, EvaluationError, "beta0 is given twice"),
        ("beta0=1, beta0=2", ReadingError, "beta0 is given twice"),
        ("beta0=1 beta1=2", ReadingError, "','"),
        ({"beta0": "one"}, LeadtermsError, "a number was expected"),
        ({"beta0": float("nan")}, LeadtermsError, "finite"),
        ({"beta0": True}, LeadtermsError, "not True"),
        ({"beta0": sqrt(-1)}, LeadtermsError, "real"),
        ({"beta0": Symbol("t")}, LeadtermsError, "symbols"),
        ({"beta0": 1, "beta1": 1}, ExistenceError, "the condition beta0 - beta1 > 0 fails at beta0 = 1, beta1 = 1"),
        ({"beta1": 0}, ExistenceError, r"the condition beta1 != 0 fails at beta1 = 0"),
    ],
)
def test_a_bad_point_is_refused_by_name(values, error, message):
    with pytest.raises(error, match=message):
        SPACE.point(values)


def test_a_condition_waits_for_all_of_its_parameters():
    assert SPACE.point({"beta0": -5}) == {B0: Integer(-5)}


def test_irrational_boundaries_are_decided():
    with pytest.raises(ExistenceError):
        SPACE.point({"beta0": sqrt(2), "beta1": sqrt(2) + Rational(1, 10**40)})


def test_missing_values_are_all_named():
    with pytest.raises(EvaluationError, match="no value is given for beta1, sigma2"):
        require_values([B0 + B1, B0 * S], {B0: Integer(1)})
    require_values([B0], {B0: Integer(1)})


@pytest.mark.parametrize(
    "values", [{B0: Integer(-146000), S: Rational(379, 100)}, {"beta0": "-146000", "sigma2": "3.79"}]
)
def test_a_value_with_too_many_digits_is_refused_with_its_point(values):
    require_written_out(evaluate(exp(1000), {}, 10), values)
    # e^146000 has 146000/log(10) = 63407 digits
    with pytest.raises(EvaluationError) as caught:
        require_written_out(evaluate(exp(146000), {}, 10), values)
    assert "e+63406 at beta0 = -146000, sigma2 = 3" in str(caught.value)
    assert str(caught.value).endswith("has more than 4000 digits before or behind its point: choose a milder beta0")


def test_conditions_are_shown_as_text():
    assert [shown(c) for c in SPACE.conditions] == ["beta0 - beta1 > 0", "beta1 != 0"]
