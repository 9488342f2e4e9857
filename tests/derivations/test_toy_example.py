"""Toy example: the exact variance against quadrature over the normal law, and its series."""

from __future__ import annotations

import mpmath
import pytest
from sympy import Rational

from derivations import toy_example
from leadterms.notation.symbols import N


@pytest.mark.parametrize(("n", "theta"), [(1, "1/2"), (3, "7/5"), (40, "2")])
def test_the_exact_variance_is_the_variance_by_quadrature(n, theta):
    with mpmath.workdps(30):
        at = mpmath.mpf(Rational(theta).p) / Rational(theta).q
        ends = [-16, -4, 0, 4, 16]

        def estimate(z):
            return at * mpmath.exp(z / mpmath.sqrt(n))

        mean = mpmath.quad(lambda z: estimate(z) * mpmath.npdf(z), ends)
        variance = mpmath.quad(lambda z: (estimate(z) - mean) ** 2 * mpmath.npdf(z), ends)
        exact = toy_example.exact_variance().subs({N: n, toy_example.THETA: Rational(theta)}).evalf(25)
        assert abs(mpmath.mpf(str(exact)) / variance - 1) < mpmath.mpf("1e-20")


def test_the_series_has_the_coefficients_of_exp():
    # exp(2/n) - exp(1/n) = sum (2^k - 1)/k! n^-k
    expected = sum(Rational(2**k - 1, [1, 1, 2, 6, 24][k]) / N**k for k in range(1, 5))
    assert (toy_example.expansion(4) / toy_example.THETA**2 - expected).expand() == 0


def test_what_the_series_leaves_out_is_of_the_next_order():
    for terms in (1, 2, 3):
        rest = toy_example.exact_variance() - toy_example.expansion(terms)
        ratio = [abs(rest.subs({N: n, toy_example.THETA: 1}).evalf(30)) for n in (1000, 2000)]
        assert ratio[0] / ratio[1] == pytest.approx(2 ** (terms + 1), rel=2e-3)


def test_steps_end_with_the_series():
    assert r"O(n^{-4})" in toy_example.steps()[-1].latex


def test_the_statements_agree():
    assert [s.outcome().verdict for s in toy_example.STATEMENTS] == ["agree", "agree"]
