"""Moments of predictors: values known from textbooks, and the engine's own held expectations."""

import pytest
from sympy import Rational, Symbol, Tuple, exp, sinh

from leadterms.algebra.canonical import is_equal
from leadterms.asymptotics.expansion import leading_terms
from leadterms.claims.latex_reader import read_latex
from leadterms.claims.moments import covariance, expected
from leadterms.errors import ExistenceError
from leadterms.expectation.held import Expectation
from leadterms.model.laws import BernoulliLaw, GammaLaw, NormalLaw, UniformLaw
from tests.claims.models import model, scope

X, Z, B = Symbol("x", real=True), Symbol("z", real=True), Symbol("b", real=True)


def test_moments_of_uniform():
    law = [Tuple(X, UniformLaw(-1, 1))]
    assert expected(X**4 + 2 * X + 3, law) == Rational(16, 5)
    assert is_equal(expected(exp(B * X), law), sinh(B) / B)
    assert covariance(X, X**3, law) == Rational(1, 5)


def test_independent_predictors():
    laws = [Tuple(X, GammaLaw(7, 1)), Tuple(Z, BernoulliLaw(Rational(1, 3)))]
    assert covariance(X, Z, laws) == 0
    assert expected(X * Z, laws) == Rational(7, 3)
    assert covariance(X * Z, Z, laws) == 7 * Rational(2, 9)


def test_infinite_expectation():
    with pytest.raises(ExistenceError):
        expected(exp(X**2), [Tuple(X, GammaLaw(7, 1))])


def test_logistic_weight_is_held_as_the_engine_holds_it():
    p = 1 / (1 + exp(-B - X))
    found = expected(X**2 * p * (1 - p), [Tuple(X, NormalLaw(0, 1))])
    weight = exp(B + X) / (1 + exp(B + X)) ** 2
    assert found == Expectation(X**2 * weight, (X, NormalLaw(0, 1)))


def test_information_written_with_expit():
    weight = r"\mathrm{expit}(\beta_0 + \beta_1 X)\{1 - \mathrm{expit}(\beta_0 + \beta_1 X)\}"
    first, cross, second = (rf"E[{power}{weight}]" for power in ("", "X ", "X^2 "))
    text = rf"\frac{{{first}}}{{{second}\,{first} - \{{{cross}\}}^2}}"
    expected_value = leading_terms(model("logistic normal"))["x"].coefficient
    assert is_equal(read_latex(text, scope("logistic normal")).expression, expected_value)


def test_mean_over_random_effects():
    weight = r"e^{\eta}/(1 + e^{\eta})^2".replace(r"\eta", r"\beta_0 + \beta_1 X + U")
    first, cross, second = (rf"E[{power}\{{{weight}\}}]" for power in ("", r"X\,", r"X^2\,"))
    text = rf"\left(E_U\left\{{{second} - \frac{{{cross}^2}}{{{first}}}\right\}}\right)^{{-1}}"
    found = read_latex(text, scope("logistic mixed")).expression
    assert (1 / found).atoms(Expectation)
    assert {s.name for s in found.free_symbols} == {"beta0", "beta1", "sigma2"}
