"""Likelihood ratio on the boundary: against maximised likelihoods, SciPy's F distribution and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from sympy import Integer, lambdify

from derivations import boundary
from leadterms.evaluation.number import evaluate
from leadterms.notation.symbols import M, N

SMALL = (4, 3)
"""Groups and observations in a group where likelihoods are maximised over data."""


def explicit_statistic(y, method):
    """Return -2 log Q by maximising over the ratio of the variances, the error variance profiled out."""
    m, k = y.shape
    same = np.kron(np.eye(m), np.ones((k, k)))
    ones, flat = np.ones((m * k, 1)), y.ravel()

    def criterion(ratio):
        v = np.eye(m * k) + ratio * same
        inverse = np.linalg.inv(v)
        information = (ones.T @ inverse @ ones)[0, 0]
        residual = flat - (ones.T @ inverse @ flat)[0] / information
        degrees = m * k - (method == "REML")
        value = degrees * np.log(residual @ inverse @ residual) + np.linalg.slogdet(v)[1]
        return value + (np.log(information) if method == "REML" else 0)

    # the ratio of the estimates, if it is inside, is below F for groups of k >= 1
    best = optimize.minimize_scalar(criterion, bounds=(0, 50), method="bounded", options={"xatol": 1e-10})
    return max(criterion(0) - best.fun, 0)


def f_ratio(y):
    m, k = y.shape
    means = y.mean(axis=1)
    above = k * ((means - means.mean()) ** 2).sum() / (m - 1)
    return above / (((y - means[:, None]) ** 2).sum() / (m * (k - 1)))


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_the_statistic_is_that_function_of_f(method):
    sizes = {M: Integer(SMALL[0]), N: Integer(SMALL[1])}
    formula = boundary.statistic(method).xreplace(sizes)
    least = float(boundary.threshold(method).xreplace(sizes))
    generator = np.random.default_rng(17)
    inside = 0
    for _ in range(40):
        y = generator.normal(size=(SMALL[0], 1)) * 0.7 + generator.normal(size=SMALL)
        f = f_ratio(y)
        ours = float(formula.xreplace({boundary.F: f})) if f > least else 0.0
        inside += f > least
        assert explicit_statistic(y, method) == pytest.approx(ours, abs=2e-7)
    assert 5 < inside < 40


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize(("groups", "size"), boundary.SCENARIOS)
def test_tails_against_scipy(method, groups, size):
    """The root by Brent's method in double precision, F's tail by SciPy; at 1/2 as in scenarios c and d."""
    above, below = groups - 1, groups * (size - 1)
    r = above if method == "REML" else groups
    least = r / above

    def statistic(f):
        own = f * above / r
        return (r + below) * np.log((r * own + below) / (r + below)) - r * np.log(own)

    for critical in (boundary.NAIVE, boundary.MIXED):
        root = optimize.brentq(lambda f, c=critical: statistic(f) - c, least, 1000, xtol=1e-13)
        for ratio, factor in (("0", 1.0), ("1/2", 1 + size / 2)):
            expected = stats.f.sf(root / factor, above, below)
            assert boundary.tail(critical, groups, size, method, ratio) == pytest.approx(expected, rel=1e-9)


def test_critical_values_are_quantiles():
    assert pytest.approx(stats.chi2.isf(0.05, 1), rel=1e-9) == boundary.NAIVE
    assert pytest.approx(stats.chi2.isf(0.10, 1), rel=1e-9) == boundary.MIXED


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_the_law_by_simulation(method):
    """Data drawn at sigma^2 = 0 and 1/2: shares of zeros and of values beyond 2.7; five standard errors."""
    m, k, draws = 5, 4, 40000
    sizes = {M: Integer(m), N: Integer(k)}
    least = float(boundary.threshold(method).xreplace(sizes))
    generator = np.random.default_rng(23)
    for ratio, text in ((0.0, "0"), (0.5, "1/2")):
        y = generator.normal(size=(draws, m, 1)) * ratio**0.5 + generator.normal(size=(draws, m, k))
        means = y.mean(axis=2)
        above = k * means.var(axis=1, ddof=1)
        below = ((y - means[:, :, None]) ** 2).sum(axis=(1, 2)) / (m * (k - 1))
        f = above / below
        formula = boundary.statistic(method).xreplace(sizes)
        beyond = lambdify(boundary.F, formula, "numpy")(f) * (f > least)
        ours = boundary.tail(boundary.MIXED, m, k, method, text)
        assert np.mean(beyond > boundary.MIXED) == pytest.approx(ours, abs=5 * np.sqrt(ours * (1 - ours) / draws))
        if text == "0":
            mass = float(boundary.point_mass(method).xreplace(sizes))
            assert np.mean(f <= least) == pytest.approx(mass, abs=5 * np.sqrt(mass * (1 - mass) / draws))


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_half_and_half_is_approached_at_the_rate_of_the_root(method):
    """The mass at zero minus one half, times sqrt(m), is nearly the same at m = 400 and 1600, groups of 5."""
    gaps = []
    for groups in (400, 1600):
        sizes = {M: Integer(groups), N: Integer(5)}
        gaps.append((float(evaluate(boundary.point_mass(method), sizes)) - 0.5) * groups**0.5)
    assert gaps[0] == pytest.approx(gaps[1], rel=0.02)
    assert gaps[1] > 0
    nearer = abs(boundary.tail(boundary.MIXED, 1600, 5, method) - boundary.LEVEL)
    assert nearer < abs(boundary.tail(boundary.MIXED, 100, 5, method) - boundary.LEVEL) < 0.02


@pytest.mark.parametrize("statement", boundary.STATEMENTS, ids=lambda s: s.name)
def test_the_statements_agree(statement):
    assert statement.outcome().verdict == "agree"


def test_the_anchors_are_of_the_f_distribution():
    for (groups, size), printed in boundary.ANCHORS.items():
        degrees = groups - 1, groups * (size - 1)
        expected = tuple(f"{stats.f.cdf(c, *degrees):.3f}" for c in (1, groups / (groups - 1)))
        assert printed == expected
