"""Likelihood ratios: closed forms by sums of squares, the share of zeros, mixtures by scipy, and the refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from leadterms.errors import ModelError
from leadterms.inference.likelihood_ratio import likelihood_ratio
from leadterms.inference.linear_fit import fit_linear


def one_way(seed, groups=6, size=4, sigma=1.0):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), size)
    x = rng.normal(size=groups * size)
    return {"y": sigma * rng.normal(size=groups)[g] + rng.normal(size=groups * size), "x": x, "g": g}


def squares(data, groups, size):
    table = np.reshape(data["y"], (groups, size))
    within = float(np.sum((table - table.mean(1, keepdims=True)) ** 2))
    return size * float(np.sum((table.mean(1) - table.mean()) ** 2)), within


@pytest.mark.parametrize("seed", range(6))
def test_fixed_effects_without_random_ones(seed):
    """N log(RSS0/RSS1), by chi-squared."""
    data = one_way(seed)
    X = np.column_stack([np.ones(24), data["x"]])
    rest = [float(np.linalg.lstsq(columns, data["y"], rcond=None)[1][0]) for columns in (X, X[:, :1])]
    test = likelihood_ratio("y ~ x", "y ~ 1", data)
    assert test.statistic == pytest.approx(24 * np.log(rest[1] / rest[0]), rel=1e-8)
    assert test.p_value == pytest.approx(stats.chi2.sf(test.statistic, 1), rel=1e-9)
    assert test.mixture == ((1.0, 1),)
    assert not test.exact


@pytest.mark.parametrize("seed", range(12))
def test_one_variance_in_a_balanced_layout(seed):
    """ML: N log(SST/N) - m log(SSA/m) - m(k - 1) log MSE if SSA/m > MSE, else 0; REML with m - 1 and N - 1."""
    m, k = 6, 4
    data = one_way(seed, m, k, 0.6)
    SSA, SSE = squares(data, m, k)
    MSE = SSE / (m * (k - 1))
    for likelihood, free in (("ML", m), ("REML", m - 1)):
        total = free + m * (k - 1)
        expected = total * np.log((SSA + SSE) / total) - free * np.log(SSA / free) - m * (k - 1) * np.log(MSE)
        test = likelihood_ratio("y ~ 1 + (1 | g)", "y ~ 1", data, likelihood)
        assert test.mixture == ((0.5, 0), (0.5, 1))
        if SSA / free > MSE:
            assert test.statistic == pytest.approx(expected, rel=1e-6)
            assert test.p_value == pytest.approx(stats.chi2.sf(expected, 1) / 2, rel=1e-5)
        else:
            assert (test.statistic, test.p_value) == (0.0, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("likelihood", "bound"), [("REML", 1.0), ("ML", 1.25)])
def test_the_share_of_zeros_is_that_of_the_exact_f_and_not_one_half(likelihood, bound):
    """P(variance estimate = 0) = P(F_{m-1, m(k-1)} <= 1) by REML and <= m/(m-1) by ML: m = 5, k = 50."""
    m, k, count = 5, 50, 300
    zeros = sum(
        likelihood_ratio("y ~ 1 + (1 | g)", "y ~ 1", one_way(seed, m, k, 0.0), likelihood).statistic == 0
        for seed in range(count)
    )
    share = stats.f.cdf(bound, m - 1, m * (k - 1))
    assert abs(zeros / count - share) < 4 * np.sqrt(share * (1 - share) / count)
    assert share == pytest.approx(0.592 if likelihood == "REML" else 0.710, abs=5e-4)


def test_one_more_effect_of_a_correlated_term():
    data = one_way(3, groups=10, size=6)
    test = likelihood_ratio("y ~ x + (x | g)", "y ~ x + (1 | g)", data, "REML")
    assert test.mixture == ((0.5, 1), (0.5, 2))
    assert test.df == 2
    expected = (stats.chi2.sf(test.statistic, 1) + stats.chi2.sf(test.statistic, 2)) / 2
    assert test.p_value == pytest.approx(expected, rel=1e-9)
    fits = [fit_linear(f"y ~ x + ({effects} | g)", data).log_likelihood for effects in ("x", "1")]
    assert test.statistic == pytest.approx(2 * (fits[0] - fits[1]), rel=1e-12)


def test_an_independent_effect_has_half_and_half():
    test = likelihood_ratio("y ~ x + (x || g)", "y ~ x + (1 | g)", one_way(3, 10, 6), "REML")
    assert test.mixture == ((0.5, 0), (0.5, 1))
    assert "boundary mixture" in test.notes[0]


def test_a_correlation_is_inside_its_space():
    data = one_way(3, 10, 6) | {"z": np.random.default_rng(0).normal(size=60)}
    data["y"] = data["y"] + data["x"] * np.random.default_rng(1).normal(size=10)[data["g"]]
    test = likelihood_ratio("y ~ x + (x | g)", "y ~ x + (x || g)", data, "REML")
    assert test.mixture == ((1.0, 1),)
    assert test.p_value == pytest.approx(stats.chi2.sf(test.statistic, 1), rel=1e-9)
    wide = "y ~ x + z + (x + z | g)"
    assert likelihood_ratio(wide, "y ~ x + z + (x + z || g)", data, "REML").mixture == ((1.0, 3),)
    assert likelihood_ratio(wide, "y ~ x + z + (x | g) + (0 + z | g)", data, "REML").mixture == ((1.0, 2),)
    with pytest.raises(ModelError, match="without one random effect"):
        likelihood_ratio(wide, "y ~ x + z + (x || g)", data, "REML")


def test_a_small_model_on_the_boundary_is_noted():
    data = one_way(0, groups=6, size=4, sigma=0.0) | {"h": list(range(6)) * 4}
    for seed in range(20):
        data |= {"y": np.random.default_rng(seed).normal(size=24)}
        if fit_linear("y ~ 1 + (1 | h)", data).boundary:
            break
    test = likelihood_ratio("y ~ 1 + (1 | g) + (1 | h)", "y ~ 1 + (1 | h)", data, "REML")
    assert "beside other factors it is assumed" in test.notes[1]
    assert "the small model is on the boundary too (sigma2)" in test.notes[2]
    assert "on the boundary too" in repr(test)


@pytest.mark.parametrize(
    ("large", "small", "likelihood", "message"),
    [
        ("y ~ x + (1 | g)", "y ~ 1 + (1 | g)", "REML", "not comparable: they are likelihoods of different error"),
        ("y ~ x + (1 | g)", "y ~ I(2*x)", "REML", "changes? with that by a constant"),
        ("y ~ x + (1 | g)", "y ~ 1", "ML", "differ in fixed and in random effects"),
        ("y ~ x + (x | g)", "y ~ x", "REML", "without one random effect"),
        ("y ~ x + (1 | g)", "y ~ x + (1 | h)", "REML", "without one random effect"),
        ("y ~ x", "y ~ x + (1 | g)", "REML", "without one random effect"),
        ("y ~ x + (1 | g)", "y ~ x + (1 | g)", "REML", "the same mean: there is nothing to test"),
        ("y ~ x", "x ~ 1", "ML", "different responses"),
        ("y ~ x", "y ~ 1", "reml", "'ML' or 'REML', not 'reml'"),
    ],
)
def test_refusals(large, small, likelihood, message):
    data = one_way(1) | {"h": list(range(6)) * 4}
    with pytest.raises(ModelError, match=message):
        likelihood_ratio(large, small, data, likelihood)


def test_fits_by_another_likelihood_are_refused():
    data = one_way(1)
    fits = [fit_linear(formula, data) for formula in ("y ~ x + (1 | g)", "y ~ 1 + (1 | g)")]
    with pytest.raises(ModelError, match="was fitted by REML, and the comparison is by ML"):
        likelihood_ratio(*fits)
