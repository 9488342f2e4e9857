"""One-way random effects: the printed likelihoods against normal densities, the variances against simulation."""

from __future__ import annotations

from math import log, pi

import numpy as np
import pytest
from scipy import stats
from sympy import Integer, Rational

from derivations import one_way
from leadterms.notation.symbols import PHI, SIGMA2, M, N

SIGMA, TAU, MEAN = 1.3, 0.7, 0.4
"""Components and mean at which densities are compared: any would do."""


def data(sizes, seed=3):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=size) for size in sizes]


def covariance(sizes):
    blocks = [SIGMA * np.ones((size, size)) + TAU * np.eye(size) for size in sizes]
    total = sum(sizes)
    whole, start = np.zeros((total, total)), 0
    for block in blocks:
        stop = start + len(block)
        whole[start:stop, start:stop] = block
        start = stop
    return whole


def squares(groups):
    everything = np.concatenate(groups)
    between = sum(len(own) * (own.mean() - everything.mean()) ** 2 for own in groups)
    return between, sum(((own - own.mean()) ** 2).sum() for own in groups), everything.mean()


def at(expression, sizes, **more):
    named = {symbol: more.get(symbol.name) for symbol in expression.free_symbols if symbol.name in more}
    return float(expression.xreplace({SIGMA2: SIGMA, PHI: TAU, **sizes, **named}))


def test_the_log_likelihood_of_unequal_groups_is_a_normal_density():
    sizes = (1, 2, 4)
    groups = data(sizes)
    total = -sum(sizes) * log(2 * pi) / 2
    for own in groups:
        share = one_way.log_likelihood({"group": N * one_way.D**2, "residual": one_way.SSE})
        within = ((own - own.mean()) ** 2).sum()
        total += at(share, {M: 1, N: len(own)}, SSE=within, D=own.mean() - MEAN)
    expected = stats.multivariate_normal(np.full(sum(sizes), MEAN), covariance(sizes)).logpdf(np.concatenate(groups))
    assert total == pytest.approx(expected, rel=1e-12)


def test_the_restricted_log_likelihood_is_the_density_of_contrasts():
    """An orthonormal A with A'1 = 0 gives the printed value without -(1/2) log(mk): the constant depends on A."""
    m, k = 3, 4
    groups = data([k] * m, seed=5)
    between, within, _ = squares(groups)
    ours = at(one_way.restricted_log_likelihood(), {M: m, N: k}, SSA=between, SSE=within)
    contrasts = np.linalg.svd(np.ones((1, m * k)))[2][1:]
    spread = contrasts @ covariance([k] * m) @ contrasts.T
    expected = stats.multivariate_normal(np.zeros(m * k - 1), spread).logpdf(contrasts @ np.concatenate(groups))
    assert ours == pytest.approx(expected - log(m * k) / 2, rel=1e-12)


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_the_variances_are_those_of_the_closed_estimators(method):
    """MS_k = lambda_k chi^2(d_k)/d_k: the variance of the ANOVA estimator, exact with m - 1, by ML with (m-1)/m^2."""
    m, k, draws = 400, 3, 20000
    generator = np.random.default_rng(8)
    above = (TAU + k * SIGMA) * generator.chisquare(m - 1, size=draws) / (m - 1 if method == "REML" else m)
    below = TAU * generator.chisquare(m * (k - 1), size=draws) / (m * (k - 1))
    estimates = np.vstack([(above - below) / k, below])
    expected = np.array(one_way.variances(method).xreplace({SIGMA2: SIGMA, PHI: TAU, M: m, N: k}), dtype=float)
    # relative Monte-Carlo error of a variance: sqrt(2/draws); ML differs from its limit by 1/m
    assert np.diag(np.cov(estimates)) == pytest.approx(np.diag(expected), rel=5 * np.sqrt(2 / draws) + 1 / m)


def test_expected_sums_of_squares_by_simulation():
    m, k, draws = 4, 3, 4000
    generator = np.random.default_rng(9)
    y = generator.normal(size=(draws, m, 1)) * SIGMA**0.5 + generator.normal(size=(draws, m, k)) * TAU**0.5
    means = y.mean(axis=2)
    between = k * ((means - means.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    rows = {row.stratum.name: row for row in one_way.mean_squares(one_way.derive())}
    ours = at(rows["group"].degrees * rows["group"].expectation, {M: m, N: k})
    assert ours == pytest.approx(between.mean(), abs=5 * between.std() / np.sqrt(draws))


@pytest.mark.parametrize("statement", one_way.STATEMENTS, ids=lambda s: s.name)
def test_the_statements_agree(statement):
    assert statement.outcome().verdict == "agree"


def test_a_wrong_number_of_groups_would_be_seen():
    """REML with m in place of m - 1 is ML, and their informations differ."""
    ml, reml = one_way.variances("ML"), one_way.variances("REML")
    sizes = {SIGMA2: Integer(1), PHI: Integer(1), M: Integer(5), N: Integer(2)}
    # (2/4){9/m + 1/5}, m = 5 and 4
    assert [v[0, 0].xreplace(sizes) for v in (ml, reml)] == [Rational(1), Rational(49, 40)]
