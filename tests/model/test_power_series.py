"""Infinite sums in densities as hypergeometric functions."""

import mpmath
import pytest
from sympy import Rational, Sum, Symbol, beta, binomial, cos, exp, factorial, lambdify, oo

from leadterms.model.law_reading import read_law
from leadterms.model.power_series import summed

K = Symbol("k", integer=True)
X = Symbol("x", real=True)


@pytest.mark.parametrize(
    "term",
    [
        X**K / factorial(K) / (2 * K + 3),
        (X / 3) ** (K + Rational(1, 2)) / (factorial(K) * beta(K + Rational(3, 2), Rational(2, 7))),
        (-X) ** K * binomial(2 * K, K) / factorial(2 * K + 1),
    ],
)
@pytest.mark.parametrize("first", [0, 2])
def test_sums_of_terms_with_a_rational_ratio(term, first):
    found = summed(exp(-X) * Sum(term, (K, first, oo)))
    assert not found.has(Sum)
    value = lambdify(K, term.subs(X, Rational(4, 5)), "mpmath")
    expected = mpmath.exp(-0.8) * sum(value(mpmath.mpf(k)) for k in range(first, 60))
    assert abs(complex(found.subs(X, Rational(4, 5)).evalf()) - complex(expected)) < 1e-13


def test_others_are_left_as_they_are():
    for term in (cos(K) * X**K / factorial(K), X ** (K**2)):
        assert summed(Sum(term, (K, 0, oo))) == Sum(term, (K, 0, oo))
    assert summed(Sum(X**K, (K, 0, 5))) == Sum(X**K, (K, 0, 5))


def test_noncentral_beta_with_parameters():
    density = read_law("BetaNoncentral(a, 3, c)", ("x",)).density(X)
    a, m = (next(s for s in density.free_symbols if s.name == name) for name in "ac")
    value = density.xreplace({a: Rational(5, 2), m: Rational(1, 2), X: Rational(2, 5)}).evalf()
    shares = (mpmath.exp(-0.25) * 0.25**k / mpmath.factorial(k) for k in range(30))
    expected = sum(
        p * mpmath.mpf("0.4") ** (1.5 + k) * mpmath.mpf("0.6") ** 2 / mpmath.beta(2.5 + k, 3)
        for k, p in enumerate(shares)
    )
    assert abs(value - expected) < 1e-13
