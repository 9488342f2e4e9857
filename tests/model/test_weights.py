"""Weights against (dmu/deta)^2/V(mu) by numerical differentiation, and their antiderivatives differentiated back."""

from random import Random

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import Integer, Rational, Symbol, lambdify

from leadterms.model.families import FAMILY_NAMES
from leadterms.model.family_reading import read_family
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)
from leadterms.notation.functions import MPMATH_FUNCTIONS

ETA = Symbol("eta", positive=True)

# mean from the linear predictor, and variance from the mean, written here from the textbook (McCullagh and
# Nelder 1989, table 2.1) and not taken from the package
INVERSE = {
    "identity": lambda eta: eta,
    "log": mpmath.exp,
    "logit": lambda eta: 1 / (1 + mpmath.exp(-eta)),
    "probit": mpmath.ncdf,
    "cloglog": lambda eta: -mpmath.expm1(-mpmath.exp(eta)),
    "sqrt": lambda eta: eta**2,
    "inverse": lambda eta: 1 / eta,
    "1/mu^2": lambda eta: 1 / mpmath.sqrt(eta),
}
VARIANCE = {
    "gaussian": lambda mu: mpf(1),
    "bernoulli": lambda mu: mu * (1 - mu),
    "binomial(10)": lambda mu: mu * (1 - mu) / 10,
    "poisson": lambda mu: mu,
    "gamma": lambda mu: mu**2,
    "inverse-gaussian": lambda mu: mu**3,
    "negative-binomial(5/2)": lambda mu: mu + mu**2 / mpf("2.5"),
}
CELLS = [(name, link) for name in VARIANCE for link in read_family(name).links]
IDENTIFIERS = [f"{name}-{link.name}" for name, link in CELLS]


def numeric(expression):
    return lambdify(ETA, expression, modules=[MPMATH_FUNCTIONS, "mpmath"])


def points(positive, seed, count=4):
    random = Random(seed)
    low = 0.1 if positive else -3
    return [mpf(round(random.uniform(low, 3) * 1000)) / 1000 for _ in range(count)]


def test_every_family_is_covered_here():
    assert {name.split("(")[0] for name in VARIANCE} == {name.split("(")[0] for name in FAMILY_NAMES}


@pytest.mark.parametrize(("name", "link"), CELLS, ids=IDENTIFIERS)
def test_weight_is_squared_slope_of_the_mean_over_its_variance(name, link):
    inverse, variance, weight = INVERSE[link.name], VARIANCE[name], numeric(link.weight.at(ETA))
    with mp.workdps(50):
        for eta in points(link.positive or link.name == "sqrt", seed=name + link.name):
            expected = mpmath.diff(inverse, eta) ** 2 / variance(inverse(eta))
            assert abs(weight(eta) / expected - 1) < mpf(10) ** -30


@pytest.mark.parametrize(("name", "link"), CELLS, ids=IDENTIFIERS)
def test_inverse_link_and_variance_are_the_textbook_ones(name, link):
    family = read_family(name)
    mean, variance = numeric(link.inverse(ETA)), numeric(family.variance(ETA))
    with mp.workdps(30):
        for eta in points(link.positive or link.name == "sqrt", seed=1):
            assert abs(mean(eta) / INVERSE[link.name](eta) - 1) < mpf(10) ** -28
            assert abs(variance(eta) / VARIANCE[name](eta) - 1) < mpf(10) ** -28


KINDS = [
    ConstantWeight(Integer(4)),
    ExponentialWeight(Integer(1), Integer(2)),
    ExponentialWeight(Integer(1), Integer(-1)),
    PowerWeight(Integer(1), Integer(-2)),
    PowerWeight(Rational(1, 4), Rational(-3, 2)),
    PowerWeight(Integer(3), Integer(-4)),
    LogisticWeight(Integer(10)),
    SaturatingWeight(Integer(1), Rational(2, 5)),
]


@pytest.mark.parametrize("weight", KINDS, ids=lambda w: f"{type(w).__name__}-{w.parameter}")
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_antiderivative_differentiates_back(weight, order):
    """Symbolically one order at a time; numerically from the antiderivative to the weight at once."""
    antiderivative = weight.antiderivative(order, ETA)
    lower = weight.at(ETA) if order == 1 else weight.antiderivative(order - 1, ETA)
    symbolic, below = numeric(antiderivative.diff(ETA)), numeric(lower)
    function, target = numeric(antiderivative), numeric(weight.at(ETA))
    with mp.workdps(60):
        for eta in points(True, seed=order, count=2):
            assert abs(symbolic(eta) / below(eta) - 1) < mpf(10) ** -50
            assert abs(mpmath.diff(function, eta, order) / target(eta) - 1) < mpf(10) ** -20


@pytest.mark.parametrize("weight", [LogisticWeight(Integer(1)), SaturatingWeight(Integer(1), Rational(1, 3))])
def test_antiderivatives_of_bounded_weights_hold_for_negative_arguments(weight):
    with mp.workdps(60):
        for eta in (mpf(-7), mpf("-0.3")):
            for order in (1, 2, 3):
                derivative = mpmath.diff(numeric(weight.antiderivative(order, ETA)), eta, order)
                assert abs(derivative / numeric(weight.at(ETA))(eta) - 1) < mpf(10) ** -20


@pytest.mark.parametrize("weight", [ProbitWeight(Integer(1)), CloglogWeight(Integer(1))])
def test_weights_without_closed_antiderivative_say_so(weight):
    assert weight.antiderivative(1, ETA) is None


def test_a_weight_without_a_kind_has_no_value():
    with pytest.raises(NotImplementedError):
        Weight(Integer(1)).at(ETA)
