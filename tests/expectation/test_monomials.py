"""Moments of powers, logarithms and exponentials of one predictor: which exist."""

from __future__ import annotations

import pytest
import sympy.stats as st
from sympy import Symbol, exp, log, sqrt

from leadterms.errors import UndecidedError
from leadterms.expectation.monomials import has_monomials, monomial_conditions, powers_and_rates, tilted_monomials
from leadterms.model.laws import ExponentialLaw, GammaLaw, NormalLaw, PoissonLaw, StatsLaw, UniformLaw
from leadterms.notation.conditions import shown

X, B, C = Symbol("x", real=True), Symbol("b", real=True), Symbol("c", real=True)
K = Symbol("k", positive=True)
PARETO = StatsLaw(st.Pareto("X", 1, K).pspace.distribution)


def test_terms_are_read_off():
    expression = B * X * log(X) ** 2 * exp(-X / 2) + sqrt(X) / X + 3
    found = {tuple(map(float, term)) for term in powers_and_rates(expression, X)}
    assert found == {(1, 2, -0.5), (-0.5, 0, 0), (0, 0, 0)}
    assert powers_and_rates(log(1 + X), X) is None
    assert powers_and_rates(exp(B * X), X) is None


@pytest.mark.parametrize(
    ("law", "power", "rate", "conditions"),
    [
        (GammaLaw(K, 1), -2, 0, ["k - 2 > 0"]),
        (GammaLaw(2, 1), B, C, ["b + 2 > 0", "c < 1"]),
        (UniformLaw(0, 1), B, C, ["b + 1 > 0"]),
        (PARETO, 3, 0, ["k > 3"]),
        (PARETO, B, -1, []),
    ],
)
def test_both_ends_have_their_condition(law, power, rate, conditions):
    found = monomial_conditions(law, X * 0 + power, X * 0 + rate, "x")
    assert [shown(condition) for condition in found] == conditions


def test_at_an_edge_nothing_is_known():
    with pytest.raises(UndecidedError, match="could not be decided"):
        monomial_conditions(ExponentialLaw(1), X * 0 - 1, X * 0, "x")


@pytest.mark.parametrize(
    ("factor", "other", "law", "known"),
    [
        (X * log(X), X + log(X), GammaLaw(K, 1), True),
        (log(X) ** 2, X + log(X), UniformLaw(0, 1), True),
        (X**-2, X + 1 / X, GammaLaw(3, 1), True),
        (X**-2, X + 1 / X, GammaLaw(2, 1), False),
        (X**-2, X + 1 / X, GammaLaw(K, 1), False),
        (X * exp(X), X + exp(X), NormalLaw(0, 1), True),
        (sqrt(X), X + sqrt(X), NormalLaw(0, 1), False),
        (log(X), X + log(X), PoissonLaw(2), False),
        (X**2, X, GammaLaw(2, 1), False),
    ],
)
def test_what_surely_exists(factor, other, law, known):
    assert has_monomials(factor, other, X, law) is known


def test_a_tilt_adds_to_powers_and_rates():
    found = tilted_monomials(log(X) + X, B * X + C * log(X) + 2, X, GammaLaw(3, 1))
    assert {shown(condition) for condition in found} == {"c + 3 > 0", "b < 1", "c + 4 > 0"}
    assert {shown(condition) for condition in tilted_monomials(log(X), B * 0, X, GammaLaw(C, 1))} == {"c > 0"}
    # what is bounded does not matter
    more = B * X + C * log(X) + B * exp(-X) - log(X) * exp(-2 * X) * sqrt(X)
    assert tilted_monomials(log(X) + X, more, X, GammaLaw(3, 1)) == found
    assert tilted_monomials(X, B * X + C * exp(-X) * log(X), X, GammaLaw(3, 1)) is None
    assert tilted_monomials(X, B * X + C * sqrt(X), X, GammaLaw(3, 1)) is None
    assert tilted_monomials(X, B * X * log(X), X, GammaLaw(3, 1)) is None
    assert tilted_monomials(X, B * X, X, NormalLaw(0, 1)) is None
