"""Tails of the fixed part of a linear predictor, and what they make of second terms."""

from __future__ import annotations

import pytest
from sympy import ImmutableMatrix, Integer, Rational, Tuple, symbols

from leadterms import Model, UndecidedError, expansion
from leadterms.expectation.inverse_existence import inverse_exists
from leadterms.model.laws import ExponentialLaw, GammaLaw, JointNormalLaw, NormalLaw
from leadterms.model.weights import CloglogWeight
from tests.expectation.inverse_cases import SECOND, X, Z, block, parameters, second

FIRST, OTHER = symbols("beta1 beta2", real=True)


def beside(first, second, weight=None):
    """Return a random intercept beside beta1 x + beta2 z with these laws."""
    return block((Integer(1),), (X, first), (Z, second), weight=weight, besides=FIRST * X + OTHER * Z)


@pytest.mark.slow
def test_two_normal_predictors_widen_together():
    joint = Tuple(X, Z), JointNormalLaw(Tuple(0, 0), ImmutableMatrix([[1, Rational(1, 2)], [Rational(1, 2), 1]]))
    known = block((Integer(1),), joint, besides=FIRST * X + OTHER * Z)
    (condition,) = inverse_exists(known).conditions
    assert str(condition) == "S00 < beta1**2 + beta1*beta2 + beta2**2 + 1"


@pytest.mark.parametrize(
    ("link", "law", "condition", "finite", "infinite"),
    [
        ("probit", "Laplace(0, 1)", "(beta1 != 0) or (sigma2 < 1)", (1, 2), (0, 2)),
        ("probit", "Exponential(1)", "sigma2 < 1", (-1, 0.9), (-1, 1.1)),
        ("cloglog", "Laplace(0, 1)", "beta1 != 0", (1, 9), (0, 0.1)),
        ("cloglog", "Gamma(1/2, 1)", "beta1 < 0", (-1, 9), (0, 0.1)),
        ("cloglog", "StudentT(3)", "beta1 != 0", (1, 9), (0, 0.1)),
    ],
)
def test_a_heavy_tail_outweighs_a_random_intercept(link, law, condition, finite, infinite):
    term = second(law, link=link)
    assert (term.condition, term.condition_is_exact) == (condition, True)
    for (slope, variance), exists in ((finite, True), (infinite, False)):
        assert term.at(parameters(beta1=Rational(str(slope)), sigma2=Rational(str(variance)))).exists is exists


@pytest.mark.slow
def test_a_normal_and_a_heavy_tail():
    known = beside(ExponentialLaw(1), NormalLaw(0, 2), CloglogWeight(Integer(1)))
    existence = inverse_exists(known)
    assert [str(part) for part in existence.conditions] == ["(beta1 < 0) | (S00 < 4*beta2**2)"]
    at = {FIRST: Integer(0), OTHER: Integer(1)}
    # nothing is known where the normal law alone decides, with equality
    for variance, verdict in ((3, True), (5, False), (4, "undecided")):
        assert existence.at({**at, known.covariance[0]: Integer(variance)}).verdict == verdict


def test_a_tail_that_is_not_known_is_not_said_to_be_infinite():
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Weibull(1, 2)"}))
    with pytest.raises(UndecidedError, match="not known to be necessary"):
        result["1"].evaluate("beta0=0, beta1=1, sigma2=2", order=SECOND)


def test_two_heavy_tails_on_either_side():
    known = beside(ExponentialLaw(1), GammaLaw(2, 1))
    at = {FIRST: Integer(-1), known.covariance[0]: Integer(9)}
    for slope, verdict in ((1, True), (-1, False)):
        assert inverse_exists(known).at({**at, OTHER: Integer(slope)}).verdict is verdict
