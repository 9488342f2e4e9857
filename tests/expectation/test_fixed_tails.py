"""Tails of the fixed part of a linear predictor, and what they make of second terms."""

from __future__ import annotations

import pytest
from sympy import Integer, Rational

from leadterms import Model, UndecidedError, expansion
from tests.expectation.inverse_cases import SECOND, parameters, second


@pytest.mark.slow
def test_two_normal_predictors_widen_together():
    laws = {"x,z": "MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])"}
    model = Model("y ~ x + z + (1 | g)", family="bernoulli", link="probit", laws=laws)
    term = expansion(model)["sigma2"].of_order(SECOND)
    assert term.condition == "sigma2 < beta1**2 + beta1*beta2 + beta2**2 + 1"


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
    term = second("Exponential(1)", "y ~ x + z + (1 | g)", "cloglog", z="Normal(0, 2)")
    assert term.condition == "(beta1 < 0) or (sigma2 < 4*beta2**2)"
    at = {"beta1": Integer(0), "beta2": Integer(1)}
    assert term.at(parameters(**at, sigma2=Integer(3))).exists is True
    assert term.at(parameters(**at, sigma2=Integer(5))).exists is False
    # nothing is known where the normal law alone decides, with equality
    assert term.at(parameters(**at, sigma2=Integer(4))).exists == "undecided"


def test_a_tail_that_is_not_known_is_not_said_to_be_infinite():
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Weibull(1, 2)"}))
    with pytest.raises(UndecidedError, match="not known to be necessary"):
        result["1"].evaluate("beta0=0, beta1=1, sigma2=2", order=SECOND)


@pytest.mark.slow
def test_two_heavy_tails_on_either_side():
    term = second("Exponential(1)", "y ~ x + z + (1 | g)", z="Gamma(2, 1)")
    at = {"beta1": Integer(-1), "sigma2": Integer(9)}
    assert term.at(parameters(**at, beta2=Integer(1))).exists is True
    assert term.at(parameters(**at, beta2=Integer(-1))).exists is False
