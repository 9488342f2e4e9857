"""Seeded simulations: empirical covariances of fits by statsmodels beside the leading terms and the exact covariances.

An empirical variance of R fits has the relative standard error sqrt(2/R), as for normal estimators; the leading terms
leave out terms of relative order 1/m, which is below one standard error here.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from statsmodels.regression import mixed_linear_model as statsmodels

from leadterms import Model, balanced_model, expansion, leading_terms


def fitted(y, design, **structure):
    """Return the maximum likelihood fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fits near the boundary are reported, and kept
        return statsmodels.MixedLM(y, design, **structure).fit(reml=False)


def standardised(samples, variances):
    """Return empirical over expected variances, less one, in Monte-Carlo standard errors."""
    return (np.var(samples, axis=0, ddof=1) / variances - 1) / np.sqrt(2 / len(samples))


@pytest.mark.slow
def test_crossed_random_intercepts():
    m, k, n, count = 16, 14, 2, 200
    sigma_a, sigma_b, phi, spread = 1.0, 0.7, 1.5, 0.8
    rng = np.random.default_rng(20220501)
    a, b = np.repeat(np.arange(m), k * n), np.tile(np.repeat(np.arange(k), n), m)
    indicators = [[(a[:, None] == np.arange(m)).astype(float)], [(b[:, None] == np.arange(k)).astype(float)]]
    names = [[[f"a{i}" for i in range(m)]], [[f"b{i}" for i in range(k)]]]
    components = statsmodels.VCSpec(["a", "b"], names, indicators)
    samples = []
    for _ in range(count):
        x = spread * rng.standard_normal(len(a))
        effects = rng.normal(0, sigma_a**0.5, m)[a] + rng.normal(0, sigma_b**0.5, k)[b]
        y = 1 + 0.5 * x + effects + rng.normal(0, phi**0.5, len(a))
        fit = fitted(y, np.column_stack([np.ones(len(a)), x]), groups=np.ones(len(a)), exog_vc=components)
        samples.append([*fit.fe_params, *fit.vcomp, fit.scale])
    model = Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(0, 4/5)"})
    at = {"sigma2_a": "1", "sigma2_b": "7/10", "phi": "3/2"}
    sizes = {"m": m, "m_prime": k, "n": n}
    result = leading_terms(model)
    names = ["1", "x", "sigma2_a", "sigma2_b", "phi"]
    limits = np.array([float(str(result[name].evaluate_variance(used(result[name], at), sizes))) for name in names])
    assert (np.abs(standardised(np.array(samples), limits)) < 4).all()
    exact = balanced_model(model).fixed_covariance.subs({s: value(s, at, sizes) for s in symbols(model)})
    assert (np.abs(standardised(np.array(samples)[:, :2], np.array(exact.diagonal(), float).ravel())) < 4).all()


@pytest.mark.slow
def test_nested_random_intercept_and_slope():
    m, n, count = 60, 10, 60
    sigma, phi = np.array([[0.8, 0.2], [0.2, 0.5]]), 1.2
    rng = np.random.default_rng(20220607)
    group = np.repeat(np.arange(m), n)
    root = np.linalg.cholesky(sigma)
    samples = []
    for _ in range(count):
        x, z = rng.standard_normal(m * n), rng.uniform(-1, 1, m * n)
        u = rng.standard_normal((m, 2)) @ root.T
        y = 1 + 0.5 * x - z + u[group, 0] + u[group, 1] * x + rng.normal(0, phi**0.5, m * n)
        design = np.column_stack([np.ones(m * n), x, z])
        fit = fitted(y, design, groups=group, exog_re=design[:, :2])
        samples.append([*fit.fe_params, fit.cov_re[0, 0], fit.cov_re[0, 1], fit.cov_re[1, 1], fit.scale])
    model = Model("y ~ x + z + (1 + x | g)", laws={"x": "Normal(0, 1)", "z": "Uniform(-1, 1)"})
    at = {"Sigma11": "4/5", "Sigma12": "1/5", "Sigma22": "1/2", "phi": "6/5"}
    two = expansion(model)
    names = ["1", "x", "z", "Sigma11", "Sigma12", "Sigma22", "phi"]
    values = [float(str(two[name].evaluate_variance(used(two[name], at), {"m": m, "n": n}))) for name in names]
    assert (np.abs(standardised(np.array(samples), np.array(values))) < 4).all()


def used(entry, at):
    inside = {symbol.name for term in entry.terms for symbol in term.coefficient.free_symbols}
    return {name: text for name, text in at.items() if name in inside}


def symbols(model):
    return balanced_model(model).fixed_covariance.free_symbols


def value(symbol, at, sizes):
    from sympy import Rational

    return Rational(at[symbol.name]) if symbol.name in at else sizes[symbol.name]
