"""Existence of averages of an inverse information: by growth, entry by entry, and undecided where nothing is proven."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy import stats
from sympy import Integer, Matrix, Rational, Symbol, Tuple, exp, symbols

from leadterms import Model, expansion
from leadterms.expectation.inverse_existence import inverse_exists, regression_exists
from leadterms.expectation.random_rows import BlockA
from leadterms.model.laws import BernoulliLaw, FiniteLaw, NormalLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight
from tests.expectation.inverse_cases import SECOND, SLOPE, X, Z, block, second


@pytest.mark.parametrize(("law", "first"), [("Poisson(1)", 0), ("Geometric(1/2)", 1)])
def test_an_atom_has_no_neighbourhood(law, first):
    # along u1 = -0.95 u0 the inverse outgrows the density for Sigma = [[2, -1.9], [-1.9, 2]], Var(U0 + U1) = 0.2
    model = Model("y ~ x + (1 + x | g)", family="bernoulli", link="probit", laws={"x": law})
    term = expansion(model)["1"].of_order("1/(m*n)")
    # a basis is enough: rows at the points nearest to zero
    for covariance, verdict in (
        ((2, Rational(-19, 10), 2), "undecided"),
        ((Rational(1, 10), 0, Rational(1, 10)), True),
    ):
        assert term.at(dict(zip(model.variance_parameters, covariance, strict=True))).exists == verdict
    assert ("Sigma11 < 1" in term.condition) == (first == 0)


@pytest.mark.parametrize("law", ["Poisson(1)", "Geometric(1/2)"])
def test_a_slope_alone_on_counts(law):
    """It is the row at one that decides."""
    term = second(law, "y ~ x + (0 + x | g)", name="x")
    assert term.exists is True
    assert term.condition == "sigma2 < 1"


@pytest.mark.slow
def test_what_is_infinite_for_one_entry_may_be_finite_for_another():
    # the intercept's own part is an average of 1/E[w(beta0 + beta2 z + u0)], in u0 alone
    laws = {"x": "Bernoulli(1/2)", "z": "Uniform(0, 1)"}
    model = Model("y ~ x + z + (1 + x | g)", family="bernoulli", link="probit", laws=laws)
    term = expansion(model, group_sizes="unequal")["1"].of_order("1/(m*n_h)")
    at = dict(zip(model.variance_parameters, (0.5, 0, 0.7), strict=True))
    assert term.at(at).exists == "undecided"


@pytest.mark.parametrize(
    ("law", "condition"),
    [
        ("Uniform(-1, 1)", "sigma2 < 1"),
        ("Finite({-1: 1/3, 0: 1/3, 5: 1/3})", "sigma2 < 1"),
        ("Normal(0, 3)", "sigma2 < 9*beta1**2 + 1"),
    ],
)
def test_a_random_intercept_under_probit(law, condition):
    assert second(law).condition == condition


@pytest.mark.slow
@pytest.mark.parametrize("link", ["probit", "cloglog"])
@pytest.mark.parametrize("law", ["Uniform(-1, 1)", "Normal(0, 1)", "Exponential(1)"])
def test_what_each_variance_of_several_effects_needs(link, law):
    result = expansion(Model(SLOPE, family="bernoulli", link=link, laws={"x": law}))
    for name in ("1", "x", "Sigma11", "Sigma22"):
        term = result[name].of_order(SECOND)
        if link == "cloglog":
            assert term.exists is False
        else:
            # unbounded and not normal: the condition is only sufficient
            assert term.condition_is_exact is (law != "Exponential(1)")


def test_several_predictors_on_the_line_are_moved_together():
    known = block((Integer(1), X, Z), (X, NormalLaw(0, 1)), (Z, NormalLaw(0, 1)))
    (condition,) = inverse_exists(known).conditions
    covariance = Matrix(
        [[Rational(3, 2), Rational(1, 2), Rational(-1, 3)], [Rational(1, 2), 1, 0], [Rational(-1, 3), 0, 2]]
    )
    values = dict(zip(known.covariance, covariance, strict=True))
    # the least of (1, x, z) Sigma (1, x, z)' is 1/(Sigma^-1)_11
    assert (condition.lhs.xreplace(values) - 1 / covariance.inv()[0, 0]).cancel() == 0


def test_a_covariance_in_numbers_is_judged_too():
    x, u, b = Symbol("x", real=True), Symbol("u", real=True), Symbol("b", real=True)
    bindings = (Tuple(x, UniformLaw(-1, 1)),)
    verdicts = {
        variance: inverse_exists(
            BlockA(ProbitWeight(Integer(1)), b * x + u, (Integer(1),), bindings, (u,), Matrix([[variance]]))
        ).verdict
        for variance in (Rational(1, 2), Integer(1), Integer(2))
    }
    assert verdicts == {Rational(1, 2): True, Integer(1): "undecided", Integer(2): False}


@pytest.mark.parametrize(("column", "condition"), [("I(sqrt(x))", "sigma2 < 1"), ("I(1/x)", "sigma2/4 < 1")])
def test_a_slope_on_a_root_or_a_reciprocal_has_its_terms(column, condition):
    # the row of least variance, at an end of the support
    model = Model(f"y ~ {column} + (0 + {column} | g)", family="bernoulli", link="probit", laws={"x": "Uniform(1, 2)"})
    leading, term = expansion(model)[column].terms
    assert str(leading.coefficient) == "sigma2"
    assert (term.condition, term.condition_is_exact) == (condition, True)


@pytest.mark.parametrize(
    ("law", "link", "condition", "exact"),
    [
        # light to the right, heavy to the left; normal; bounded above
        ("Gamma(k, 1)", "probit", "sigma2 < 1", True),
        ("Gamma(k, 1)", "cloglog", "beta1 > 0", False),
        ("LogNormal(0, s)", "probit", "sigma2 < beta1**2*s**2 + 1", True),
        ("Uniform(0, 1)", "cloglog", "beta1 > 0", True),
    ],
)
def test_a_logarithm_has_the_tails_of_its_values(law, link, condition, exact):
    model = Model("y ~ I(log(x)) + (1 | g)", family="bernoulli", link=link, laws={"x": law})
    _, term = expansion(model)["1"].terms
    assert (term.condition, term.condition_is_exact) == (condition, exact)


@pytest.mark.parametrize("weight", [ProbitWeight(Integer(1)), CloglogWeight(Integer(1))])
def test_regressions_on_rows_of_a_few_values_exist_whatever_the_weight(weight):
    """They are bounded: at random weights of every size, by exact solutions."""
    x, z, v = symbols("x z v", real=True)
    two = FiniteLaw((Integer(0), Rational(1, 2)), (Integer(1), Rational(1, 2)))
    known = block((Integer(1), x, z), (x, two), (z, two), (v, UniformLaw(-1, 1)), weight=weight, besides=v)
    assert inverse_exists(known).at({one: Integer(9 * (i == j)) for i, row in enumerate(known.covariance.tolist())
                                     for j, one in enumerate(row)}).verdict is not True  # fmt: skip
    found = regression_exists(known, (v,))
    assert found.verdict is True
    assert not found.conditions
    # an unbounded one may grow with the effects
    normal = block((Integer(1), x, z), (x, two), (z, two), (v, NormalLaw(0, 1)), weight=weight, besides=v)
    assert regression_exists(normal, (v,)).verdict is not True or regression_exists(normal, (v,)).conditions
    draw = random.Random(3)
    rows = [Matrix([1, a, b]) for a in (0, 1) for b in (0, 1)]
    for _ in range(20):
        weights = [Rational(2) ** -draw.randint(0, 400) for _ in rows]
        means = [Rational(draw.randint(-10, 10), 10) for _ in rows]
        h = sum((w * row * row.T for w, row in zip(weights, rows, strict=True)), Matrix.zeros(3, 3))
        across = sum((w * m * row for w, m, row in zip(weights, means, rows, strict=True)), Matrix.zeros(3, 1))
        assert max(abs(one) for one in h.LUsolve(across)) <= 3


SLOPES = {
    # (log w)' and a bound of its modulus
    "cloglog": (lambda v: 2 - np.exp(v) / -np.expm1(-np.exp(v)), lambda v: 3 + np.exp(v)),
    "probit": (
        lambda v: -2 * v - stats.norm.pdf(v) / stats.norm.cdf(v) + stats.norm.pdf(v) / stats.norm.sf(v),
        lambda v: 4 * np.abs(v) + 2,
    ),
}
WEIGHTS = {
    "cloglog": lambda v: np.exp(2 * v) / np.expm1(np.exp(v)),
    "probit": lambda v: stats.norm.pdf(v) ** 2 / (stats.norm.cdf(v) * stats.norm.sf(v)),
}


@pytest.mark.parametrize("link", SLOPES)
def test_the_regression_on_a_bounded_line_is_bounded(link):
    """b = z (1 + x) on 1 and x by NumPy at random effects: slopes below the bound, not all small."""
    slope, bound = SLOPES[link]
    at = np.linspace(-6, 4 if link == "cloglog" else 6, 400)
    assert np.all(np.abs(slope(at)) <= bound(at))
    step = 1e-5
    numeric = (np.log(WEIGHTS[link](at + step)) - np.log(WEIGHTS[link](at - step))) / (2 * step)
    assert numeric == pytest.approx(slope(at), abs=1e-4)
    x, z = np.linspace(-1, 1, 201)[:, None], np.linspace(0, 1, 101)[None, :]
    random, largest = np.random.default_rng(3), 0.0
    for _ in range(60):
        first, second, beside = random.normal(0, [1.2, 1.2, 1])
        eta = first + second * x + beside * z
        w, b = WEIGHTS[link](eta), z * (1 + x)
        total, m = w.sum(1), (b * w).sum(1) / w.sum(1)
        mean = np.average(x[:, 0], weights=total)
        found = np.average(m * (x[:, 0] - mean), weights=total) / np.average((x[:, 0] - mean) ** 2, weights=total)
        # b' = z, eta' = the random slope
        limit = 1 + 2 * 2 * np.max(bound(eta)) * abs(second)
        assert abs(found) <= limit
        largest = max(largest, abs(found))
    assert largest > 0.5


BESIDE = Symbol("b2", real=True)


@pytest.mark.parametrize("weight", [ProbitWeight(Integer(1)), CloglogWeight(Integer(1))])
@pytest.mark.parametrize(
    ("rows", "bindings", "besides", "column", "exists"),
    [
        ((1, X), [(X, UniformLaw(0, 1)), (Z, UniformLaw(0, 1))], BESIDE * Z, Z, True),
        ((X / 2, 3), [(X, UniformLaw(-1, 1)), (Z, BernoulliLaw(Rational(1, 2)))], BESIDE * X * Z, X * Z, True),
        ((1, X), [(X, UniformLaw(-1, 1))], BESIDE * X**2, X**2, True),
        ((1, X), [(X, UniformLaw(-1, 1)), (Z, UniformLaw(0, 1))], BESIDE * exp(Z), exp(Z), True),
        # an unbounded predictor in the rows or beside them, a slope alone, other rows, no polynomial in x
        ((1, X), [(X, NormalLaw(0, 1)), (Z, UniformLaw(0, 1))], BESIDE * Z, Z, False),
        ((1, X), [(X, UniformLaw(0, 1)), (Z, NormalLaw(0, 1))], BESIDE * Z, Z, False),
        ((X,), [(X, UniformLaw(1, 2)), (Z, UniformLaw(0, 1))], BESIDE * Z, Z, False),
        ((1, X**2), [(X, UniformLaw(-1, 2)), (Z, UniformLaw(0, 1))], BESIDE * X * Z, Z, False),
        ((1, X), [(X, UniformLaw(-1, 1)), (Z, UniformLaw(0, 1))], BESIDE * exp(X) * Z, Z, False),
    ],
)
def test_regressions_on_a_bounded_line_exist_whatever_the_variances(weight, rows, bindings, besides, column, exists):
    rows = tuple(map(Integer(1).__mul__, rows))
    found = regression_exists(block(rows, *bindings, weight=weight, besides=besides), (column,))
    assert (found.verdict is True and not found.conditions) is exists
