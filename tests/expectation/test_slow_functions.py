"""Logarithms and roots beside an unbounded predictor, against sums and integrals that grow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sympy import Integer, Rational, Symbol, exp, lambdify, log, sqrt, symbols
from sympy.stats import Geometric, Pareto

from leadterms import Model, leading_terms
from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.slow_functions import grows_slowly, slow_conditions
from leadterms.model.laws import ExponentialLaw, GammaLaw, NormalLaw, PoissonLaw, StatsLaw, UniformLaw

x, a, b = symbols("x a b", real=True)
t = Symbol("t", positive=True)
ONE = Integer(1)
GAMMA, COUNTS = GammaLaw(2, 1), PoissonLaw(2)
GEOMETRIC = StatsLaw(Geometric("X", Rational(1, 2)).pspace.distribution)
PARETO = StatsLaw(Pareto("X", 1, 3).pspace.distribution)


@pytest.mark.parametrize(
    ("factor", "exponent", "law", "conditions"),
    [
        (log(x + 1), b * x + a * log(x + 1), GAMMA, (b < 1,)),
        (x**2 * log(2 * x + 1) ** 3, a * log(2 * x + 1), GAMMA, ()),
        (sqrt(x), b * x + a * sqrt(x), ExponentialLaw(t), (b < t,)),
        (ONE, a * sqrt(x) * log(x + 2), COUNTS, ()),
        (sqrt(x), b * x + a * sqrt(x), COUNTS, ()),
        (log(x) / x, b * x + a / x, GEOMETRIC, (b < log(2),)),
        (sqrt(x) * exp(-x), b * x + a * exp(-2 * x) + log(x + 1), GAMMA, (b < 1,)),
        (1 / (x**2 + 2 * x + 1), a * sqrt(x), COUNTS, ()),
        # of another form, or not known
        (ONE, a * x**2, GAMMA, None),
        (ONE, a * x * log(x + 1), GAMMA, None),
        (log(x), ONE * 0, GAMMA, None),
        (1 / x, ONE * 0, GAMMA, None),
        (log(x), ONE * 0, COUNTS, None),
        (exp(x), a * log(x + 1), GAMMA, None),
        (log(x + 1), a * log(x + 1), PARETO, None),
        (log(x + 1), a * log(x + 1), NormalLaw(0, 1), None),
        (log(x + 1), a * log(x + 1), UniformLaw(0, 1), None),
    ],
)
def test_conditions(factor, exponent, law, conditions):
    assert slow_conditions(factor, exponent, x, law) == conditions


def test_an_exponent_beyond_the_rate_is_refused():
    with pytest.raises(ExistenceError, match="is out of range"):
        slow_conditions(ONE, 2 * x - 9 * sqrt(x), x, GAMMA)


@pytest.mark.parametrize("slope", ["0.97", "1.03"])
def test_the_rate_decides_whatever_grows_slowly(slope):
    """x^2 log(x + 1) e^(s x - 4 sqrt(x)) x e^-x: the terms fall in the end for s < 1, and rise for s > 1."""
    (condition,) = slow_conditions(x**2 * log(x + 1), b * x - 4 * sqrt(x), x, GAMMA)
    function = lambdify((x, b), log(x**2 * log(x + 1)) + b * x - 4 * sqrt(x) + log(x) - x)
    values = function(np.array([1e6, 2e6]), float(slope))
    assert bool(values[1] < values[0]) is bool(condition.subs(b, Rational(slope)))


def test_expressions_that_grow_slowly():
    assert grows_slowly(x * log(x + 1), a + b * log(x + 1), x, GAMMA)
    assert grows_slowly(ONE, a + b * sqrt(x) + x**2, x, COUNTS)
    assert not grows_slowly(x, a + b * x, x, GAMMA)
    assert not grows_slowly(ONE, exp(x), x, GAMMA)
    assert not grows_slowly(ONE, log(x + 1), x, NormalLaw(0, 1))


FAMILIES = {
    ("poisson", "log"): np.exp,
    ("bernoulli", "logit"): lambda eta: np.exp(eta) / (1 + np.exp(eta)) ** 2,
    ("gaussian", "identity"): lambda eta: 1 + 0 * eta,
    ("gamma", "inverse"): lambda eta: eta**-2.0,
}


@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
@pytest.mark.parametrize(
    ("term", "function"), [("I(log(x + 1))", lambda k: np.log(k + 1)), ("I(sqrt(x))", np.sqrt)], ids=["log", "root"]
)
def test_functions_of_counts(family, term, function):
    """Estimated values against sums: 120 terms of a law with the mean 2."""
    result = leading_terms(Model(f"y ~ {term}", family=family[0], link=family[1], laws={"x": "Poisson(2)"}))
    at = {"beta0": "1/2", "beta1": "1/5"} | ({} if family[0] in ("poisson", "bernoulli") else {"phi": 1})
    k = np.arange(120)
    columns = np.array([np.ones(120), function(k)])
    weights = FAMILIES[family](0.5 + columns[1] / 5) * stats.poisson(2).pmf(k)
    expected = np.linalg.inv(columns * weights @ columns.T)[1, 1]
    assert float(result["beta1"].evaluate(at, digits=8).value) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("term", "law", "message"),
    [
        ("I(log(x))", "Normal(0, 1)", r"log\(x\) is not a finite real number for low x"),
        ("I(log(x))", "Poisson(2)", r"log\(x\) is not a finite real number at x = 0"),
        ("I(sqrt(1 - x))", "Gamma(2, 1)", r"sqrt\(1 - x\) is not a finite real number for large x"),
        ("I(sqrt(x))", "Uniform(-1, 1)", r"at x = -1"),
        ("I(1/x)", "Poisson(2)", r"1/x is not a finite real number at x = 0"),
    ],
)
def test_functions_that_are_not_real_on_the_support(term, law, message):
    with pytest.raises(ExistenceError, match=message):
        leading_terms(Model(f"y ~ {term}", family="bernoulli", laws={"x": law}))


@pytest.mark.parametrize(("term", "law"), [("I(1/x)", "Normal(0, 1)"), ("I(log(x))", "Uniform(a, b)")])
def test_what_may_be_real_is_undecided(term, law):
    """A pole inside the support has no mass, and ends of unknown sign may do."""
    with pytest.raises(UndecidedError):
        leading_terms(Model(f"y ~ {term}", family="bernoulli", laws={"x": law}))
