"""Diggle's sample size: against quantiles of scipy, least squares written out, and simulated studies."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from scipy.stats import norm

from derivations import diggle
from leadterms.notation.symbols import PHI, M, N

VISITS = np.array([0.0, 2.0, 5.0])


def by_hand(variance: float, rho: float) -> int:
    """Evaluate (2.4.1) in double precision, with the variance of the visits from numpy."""
    z = norm.ppf(0.95) + norm.ppf(0.8)
    return ceil(2 * z**2 * variance * (1 - rho) / (3 * np.var(VISITS) * 0.5**2))


@pytest.mark.parametrize(("rho", "variance", "printed"), [(rho, v, m) for rho, row in diggle.CELLS for v, m in row])
def test_the_nine_cells(rho, variance, printed):
    """Diggle et al. (2002), section 2.4: visits 0, 2, 5, one-sided level 0.05, power 0.8, d = 0.5."""
    first, second = map(float, rho.split("/"))
    assert diggle.in_each_group(variance, rho) == printed == by_hand(float(variance), first / second)


def test_the_variance_is_that_of_generalised_least_squares():
    """(X'V^{-1}X)^{-1} with all matrices written out, for four subjects in each group."""
    m, sigma2, phi = 8, 0.7, 1.3
    arm, x = np.repeat([0.0, 1.0], 3 * m // 2), np.tile(VISITS, m)
    X = np.column_stack([np.ones(3 * m), x, arm, x * arm])
    V = np.kron(np.eye(m), sigma2 * np.ones((3, 3)) + phi * np.eye(3))
    expected = np.linalg.inv(X.T @ np.linalg.inv(V) @ X)[3, 3]
    (s,) = (symbol for symbol in diggle.model().law_parameters if symbol.name == "s")
    ours = diggle.derive()["x:arm"].variance.xreplace({M: m, N: 3, PHI: phi, s: np.std(VISITS)})
    assert float(ours) == pytest.approx(expected, rel=1e-12)


def test_studies_of_that_size_have_the_power():
    """Simulated data with m = 79 in each group; the test uses known variances, as the formula does."""
    rho, variance, each, draws = 0.8, 100.0, 79, 4000
    generator = np.random.default_rng(11)
    centred = VISITS - VISITS.mean()
    shape = (draws, 2, each)
    intercepts = generator.normal(size=shape) * np.sqrt(rho * variance)
    errors = generator.normal(size=(*shape, 3)) * np.sqrt((1 - rho) * variance)
    rates = np.array([0.0, 0.5])[:, None, None] * VISITS
    slopes = ((intercepts[..., None] + errors + rates) @ centred).mean(axis=-1) / (centred @ centred)
    se = np.sqrt(2 * (1 - rho) * variance / (each * centred @ centred))
    power = np.mean((slopes[:, 1] - slopes[:, 0]) / se > norm.ppf(0.95))
    expected = norm.cdf(0.5 / se - norm.ppf(0.95))
    assert expected > 0.8
    assert power == pytest.approx(expected, abs=4 * np.sqrt(0.8 * 0.2 / draws))


@pytest.mark.parametrize("statement", diggle.STATEMENTS, ids=lambda s: s.name)
def test_the_statements_agree(statement):
    assert statement.outcome().verdict == "agree"
    assert all(step.latex for step in statement.steps())


def test_a_wrong_formula_would_be_seen():
    """Without 1 - rho, or with m for both groups together, the cells differ."""
    assert diggle.in_each_group("100", "1/5") != by_hand(100, 0.0)
    assert diggle.in_each_group("100", "1/5") != 2 * by_hand(100, 0.2)
