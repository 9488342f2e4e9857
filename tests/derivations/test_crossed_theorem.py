"""The general crossed theorem: the blocks of the slide against fourth moments and quadrature."""

from __future__ import annotations

from itertools import product

import pytest
from sympy import Matrix, Rational, integrate, oo, symbols
from sympy.stats import Normal, density

from derivations import crossed_theorem
from leadterms.notation.symbols import M, effect_covariance


def test_every_statement_agrees():
    assert [s.outcome().verdict for s in crossed_theorem.STATEMENTS] == ["agree"] * 5


def test_a_statement_that_differs_disagrees():
    outcome = crossed_theorem._block(("1", "x"), lambda: 2 * crossed_theorem.sigma("a") / M)
    assert outcome.verdict == "disagree"


def test_the_spread_is_that_of_products_of_normal_effects():
    """Cov(S_ij, S_kl) = (Sigma_ik Sigma_jl + Sigma_il Sigma_jk)/m, by Isserlis, entry by entry."""
    sigma = crossed_theorem.sigma("a")
    places = [(0, 0), (1, 0), (1, 1)]
    spread = crossed_theorem.spread(sigma)
    for (r, (i, j)), (c, (k, l)) in product(enumerate(places), repeat=2):
        assert (spread[r, c] - sigma[i, k] * sigma[j, l] - sigma[i, l] * sigma[j, k]).expand() == 0
    assert sigma[0, 1] == effect_covariance(1, 2, ["a"])


def test_the_second_moments_are_integrals_over_the_laws():
    x, mu, s, p = symbols("x"), Rational(2, 5), Rational(3, 2), Rational(1, 3)
    normal = density(Normal("X", mu, s))(x)
    moments = [integrate(x**k * normal, (x, -oo, oo)) for k in range(3)]
    expected = Matrix(
        [
            [1, moments[1], p],
            [moments[1], moments[2], moments[1] * p],
            [p, moments[1] * p, p],
        ]
    )
    at = {crossed_theorem.MEAN: mu, crossed_theorem.DEVIATION: s, crossed_theorem.RATE: p}
    assert (crossed_theorem.second_moments().subs(at) - expected).applyfunc(lambda e: e.simplify()).is_zero_matrix


@pytest.mark.parametrize("name", ["crossed-theorem-random", "crossed-theorem-fixed"])
def test_the_source_is_the_deck(name):
    statement = next(s for s in crossed_theorem.STATEMENTS if s.name == name)
    assert "A Very General and NEW Crossed" in statement.source
