"""Crossed random intercepts: the verdicts, and the limits beside the chi-square laws of the mean squares."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Rational

from derivations import crossed_lmm
from leadterms.notation.symbols import M_PRIME, PHI, M, N

A, B, AB = crossed_lmm.A, crossed_lmm.B, crossed_lmm.AB
AT = {A: Rational(9, 10), B: Rational(7, 5), AB: Rational(3, 5), PHI: Rational(6, 5)}


def test_every_statement_agrees():
    outcomes = {statement.name: statement.outcome() for statement in crossed_lmm.STATEMENTS}
    assert {name: outcome.verdict for name, outcome in outcomes.items() if outcome.verdict != "agree"} == {}
    assert len(outcomes) == 10


@pytest.mark.parametrize("n", [2, 3, 7])
def test_the_interaction_has_the_variance_of_a_difference_of_mean_squares(n):
    """REML is (MS_ab - MS_e)/n with independent chi-square mean squares; their variances are 2 lambda^2/d."""
    size = 10**6
    between, within = n * AT[AB] + AT[PHI], AT[PHI]
    exact = (2 * between**2 / (size - 1) ** 2 + 2 * within**2 / (size**2 * (n - 1))) / n**2
    entry = crossed_lmm.derive(crossed_lmm.FIXED_N, interaction=True)["sigma2_a_b"]
    limit = entry.variance.subs(AT).subs({M: size, M_PRIME: size, N: n})
    assert float(exact / limit) == pytest.approx(1, abs=1e-5)


def test_the_intercept_is_the_variance_of_the_mean_of_all_observations():
    """Simulate means of crossed effects directly; 4,000 of them have a relative standard error of 0.022."""
    rng = np.random.default_rng(522)
    m, k, n, count = 20, 30, 3, 4000
    a, b, phi = (float(AT[symbol]) for symbol in (A, B, PHI))
    means = [rng.normal(0, a**0.5, m).mean() + rng.normal(0, b**0.5, k).mean() for _ in range(count)]
    means = np.array(means) + rng.normal(0, (phi / (m * k * n)) ** 0.5, count)
    limit = float(crossed_lmm.derive()["1"].variance.subs(AT).subs({M: m, M_PRIME: k}))
    assert np.var(means) == pytest.approx(limit, rel=4 * (2 / count) ** 0.5)


def test_the_steps_are_those_of_the_strata():
    assert any("Strata" in step.title for step in crossed_lmm.steps())
    regime = next(step for step in crossed_lmm.interaction_steps() if step.title == "Regime")
    assert regime.latex.endswith(r"m, m^{\prime} \to \infty")
