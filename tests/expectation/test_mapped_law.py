"""Predictors that enter through one function: certified by the law of the function's values."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Rational, Symbol, exp, lambdify, log, oo, sqrt

from leadterms import Model, leading_terms
from leadterms.expectation.mapped_law import MappedLaw, image_law, straightened
from leadterms.expectation.tails import tail_indices, tail_rates
from leadterms.model.law_reading import read_law
from leadterms.model.laws import BetaLaw, NormalLaw, PoissonLaw, UniformLaw

X, B = Symbol("x", real=True), Symbol("b", real=True)
INTERCEPT = {"beta0": "-0.3", "beta1": "0.7", "sigma2": "1.3"}
NODES, MASSES = np.polynomial.legendre.leggauss(80)


@pytest.mark.parametrize(
    ("expressions", "expected", "support"),
    [
        ((B * exp(X), exp(2 * X)), (B * X, X**2), (exp(1), exp(2))),
        ((exp(-X), exp(-3 * X)), (X, X**3), (exp(-2), exp(-1))),
        ((log(X), log(X) ** 2 + B), (X, X**2 + B), (0, log(2))),
        ((1 / X, X**-3), (X, X**3), (Rational(1, 2), 1)),
        ((sqrt(X), X ** Rational(3, 2)), (X, X**3), (1, sqrt(2))),
        ((log(X + 1), B * log(X + 1)), (X, B * X), (log(2), log(3))),
    ],
)
def test_one_function_becomes_the_predictor(expressions, expected, support):
    found = straightened(X, UniformLaw(1, 2), expressions)
    assert found.expressions == expected
    assert isinstance(found.law, MappedLaw)
    assert all((a - b) == 0 for a, b in zip(found.law.support, support, strict=True))


@pytest.mark.parametrize(
    ("law", "expressions"),
    [
        (UniformLaw(1, 2), (X + exp(X),)),
        (UniformLaw(1, 2), (exp(X) + log(X),)),
        (UniformLaw(1, 2), (exp(X), exp(-X))),
        (UniformLaw(1, 2), (exp(X**2),)),
        (UniformLaw(-1, 2), (log(X + 1),)),
        (UniformLaw(1, 2), (log(X + 1), log(X + 2))),
        (NormalLaw(0, 1), (log(X),)),
        (UniformLaw(-1, 1), (1 / X,)),
        (UniformLaw(-1, 0), (1 / X,)),
        (PoissonLaw(2), (log(X),)),
        (PoissonLaw(2), (exp(X),)),
    ],
)
def test_what_is_not_one_monotone_function_is_left_alone(law, expressions):
    assert straightened(X, law, expressions) is None


def residual(points: np.ndarray, masses: np.ndarray) -> float:
    """1/E_U[m_2 - m_1^2/m_0] of a logistic model in g(x), from its definition."""
    u, step = np.linspace(-12, 12, 2001, retstep=True)
    eta = -0.3 + 0.7 * points[None, :] + u[:, None]
    weight = masses / (2 + 2 * np.cosh(eta))
    m = [(weight * points**k).sum(axis=1) for k in range(3)]
    density = np.exp(-u * u / 2.6) / np.sqrt(2.6 * np.pi)
    return float(1 / (step * np.sum(density * (m[2] - m[1] ** 2 / m[0]))))


@pytest.mark.parametrize(
    ("term", "law", "values", "density"),
    [
        ("I(exp(x))", "Uniform(-1, 1)", np.exp(NODES), 1 / 2),
        ("I(log(x))", "Uniform(1, 3)", np.log(NODES + 2), 1 / 2),
        ("I(1/x)", "Uniform(-3, -1)", 1 / (NODES - 2), 1 / 2),
        ("I(exp(x))", "Beta(2, 3)", np.exp((NODES + 1) / 2), 6 * (NODES + 1) / 2 * ((1 - NODES) / 2) ** 2),
    ],
)
def test_values_are_certified_and_those_of_the_definition(term, law, values, density):
    entry = leading_terms(Model(f"y ~ {term} + (1 | g)", family="bernoulli", laws={"x": law}))["beta1"]
    number = entry.evaluate(INTERCEPT, 14, method="balls")
    assert number.certified
    assert float(number) == pytest.approx(residual(values, MASSES * density), rel=1e-11)


def test_the_density_stays_that_of_the_law():
    law = MappedLaw(BetaLaw(2, 3), exp(X), X)
    assert law.base == BetaLaw(2, 3)
    assert law.raw_moment(1) is None


@pytest.mark.parametrize(
    ("function", "s"), [(log(X + 2), None), (sqrt(X + 2), Rational(1, 2)), (X ** Rational(1, 3), Rational(1, 3))]
)
def test_tails_of_functions_of_counts(function, s):
    """By sums over 2^n <= x < 2^(n + 1), which fall where moments are finite and grow where they are not."""
    law = image_law(read_law("Zeta(4)", ("x",)), function, X)
    rate, index = tail_rates(law)[1], tail_indices(law, "x")[1]
    assert (rate, index) == ((3, oo) if s is None else (0, 1 + 3 / s))
    x = np.arange(2**15, 2**17, dtype=float)
    u = lambdify(X, function, "numpy")(x)
    for sign in (-1, 1):
        power = float(rate if s is None else index - 1) + sign / 4
        terms = (np.exp(power * u) if s is None else u**power) / x**4
        assert (terms[x >= 2**16].sum() > terms[x < 2**16].sum()) == (sign > 0)
    assert tail_rates(image_law(PoissonLaw(2), function, X))[1] == oo
