"""Weights over arrays: against the same expressions in mpmath at 60 digits, tails included."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from sympy import Symbol, lambdify

from leadterms import EvaluationError, Model
from leadterms.inference.design_weights import weight_function

LAWS = {"x": "Uniform(1, 2)"}
CASES = [
    ("gaussian", "identity"),
    ("gaussian", "log"),
    ("bernoulli", "logit"),
    ("binomial(7)", "logit"),
    ("bernoulli", "probit"),
    ("bernoulli", "cloglog"),
    ("poisson", "log"),
    ("poisson", "sqrt"),
    ("negative-binomial(5/2)", "log"),
    ("gamma", "inverse"),
    ("inverse-gaussian", "1/mu^2"),
]


@pytest.mark.parametrize(("family", "link"), CASES)
def test_against_many_digits(family, link):
    weight = Model("y ~ x", family=family, link=link, laws=LAWS).link.weight
    function = weight_function(weight, {})
    eta = np.array([0.01, 0.7, 1.3, 2.9, 6.0, 8.5, 30.0])
    places = eta if link in ("inverse", "1/mu^2") else np.concatenate([-eta, eta])
    symbol = Symbol("eta")
    exact = lambdify(symbol, weight.at(symbol), "mpmath")
    # to the right exp(exp(eta)) of the complementary log-log weight overflows: there it is below the least double
    places = places[places < 6.4] if link == "cloglog" else places
    with mpmath.workdps(450):
        expected = [float(exact(mpmath.mpf(float(place)))) for place in places]
    np.testing.assert_allclose(function(places), expected, rtol=2e-13)


def test_far_tails_neither_overflow_nor_divide_by_zero():
    for link in ("logit", "probit", "cloglog"):
        weight = Model("y ~ x", family="bernoulli", link=link, laws=LAWS).link.weight
        values = weight_function(weight, {})(np.array([-800.0, 800.0]))
        assert np.all(values >= 0)
        assert np.all(values < 1e-100)


def test_a_parameter_of_the_family_needs_a_value():
    weight = Model("y ~ x", family="negative-binomial(k)", laws=LAWS).link.weight
    with pytest.raises(EvaluationError, match="no value is given for k"):
        weight_function(weight, {})


def test_a_pole_is_refused_where_it_is_met():
    weight = Model("y ~ x", family="gamma", laws=LAWS).link.weight
    with pytest.raises(EvaluationError, match="needs a positive linear predictor, and it is -1 somewhere"):
        weight_function(weight, {})(np.array([1.0, -1.0]))
