"""Fits: statsmodels and a general optimiser on dense likelihoods, ANOVA estimators, the boundary by hand, refusals."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from leadterms.errors import ModelError
from leadterms.inference.linear_fit import fit_linear
from leadterms.information.effect_blocks import covariance_derivatives
from leadterms.information.general_linear import (
    fixed_effects_covariance,
    linear_covariance,
    log_likelihood,
    restricted_log_likelihood,
    variance_information,
)


def unbalanced(seed, rows=50, groups=8):
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, groups, rows), rng.integers(0, 5, rows)
    x = rng.normal(size=rows)
    y = 1 + 0.5 * x + rng.normal(size=groups)[g] * (1 + 0.4 * x) + 0.7 * rng.normal(size=5)[h] + rng.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": h})


def statsmodels_fit(data, slope, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.formula.api import mixedlm

        warnings.simplefilter("ignore")  # its import sets filters of its own
        model = mixedlm("y ~ x", data, groups=data["g"], re_formula="~x" if slope else "~1")
        return model.fit(reml=method == "REML")


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("seed", range(6))
def test_random_intercepts_as_statsmodels(seed, method):
    data = unbalanced(seed)
    other, fit = statsmodels_fit(data, False, method), fit_linear("y ~ x + (1 | g)", data, method)
    assert other.converged
    assert fit.log_likelihood == pytest.approx(other.llf, abs=1e-6)
    # statsmodels stops at a gradient tolerance: its estimates have about five digits
    np.testing.assert_allclose(fit.theta, [other.cov_re.iloc[0, 0], other.scale], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(fit.beta, other.fe_params, rtol=1e-3)


def test_the_reference_is_the_first_category_as_in_statsmodels():
    data = unbalanced(1)
    data["z"] = pd.Categorical(np.array(list("abc"))[data["h"] % 3], categories=list("dcba"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.formula.api import mixedlm

        warnings.simplefilter("ignore")  # its import sets filters of its own
        used = data.assign(z=data["z"].cat.remove_unused_categories())
        other = mixedlm("y ~ x + z", used, groups=data["g"]).fit(reml=True)
    assert other.converged
    fit = fit_linear("y ~ x + z + (1 | g)", data)
    assert fit.design.names == ("1", "x", "zb", "za")
    expected = other.fe_params[["Intercept", "x", "z[T.b]", "z[T.a]"]]
    np.testing.assert_allclose(fit.beta, expected, rtol=1e-3)  # statsmodels: about five digits


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("seed", range(6))
def test_random_slopes_reach_at_least_the_likelihood_of_statsmodels(seed, method):
    data = unbalanced(seed)
    other, fit = statsmodels_fit(data, True, method), fit_linear("y ~ x + (x | g)", data, method)
    assert fit.log_likelihood > other.llf - 1e-6
    if other.converged and not fit.boundary:
        assert fit.log_likelihood == pytest.approx(other.llf, abs=1e-4)


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("seed", range(8))
def test_crossed_terms_as_a_general_optimiser_on_dense_likelihoods(seed, method):
    """Few levels and small variances: some of these maxima are on the boundary."""
    data = unbalanced(seed, rows=40, groups=5)
    if seed % 2:
        data["y"] = np.random.default_rng(seed).normal(size=40)
    fit = fit_linear("y ~ x + (1 | g) + (1 | h)", data, method)
    derivatives = covariance_derivatives(fit.cross.blocks, 40)
    X, y = fit.design.X, fit.design.y

    def loss(theta):
        V = linear_covariance(theta, derivatives)
        if method == "REML":
            return -restricted_log_likelihood(y, X, V)
        beta = np.linalg.solve(X.T @ np.linalg.solve(V, X), X.T @ np.linalg.solve(V, y))
        return -log_likelihood(y, X, beta, V)

    found = minimize(loss, [0.5, 0.5, 1.0], method="L-BFGS-B", bounds=[(0, None), (0, None), (1e-6, None)])
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-5)
    assert fit.log_likelihood >= -found.fun - 1e-9
    np.testing.assert_allclose(fit.theta, found.x, atol=0.02)
    assert [name in fit.boundary for name in fit.variance_names] == [value == 0 for value in fit.theta]
    V = linear_covariance(fit.theta, derivatives)
    np.testing.assert_allclose(fit.covariance, fixed_effects_covariance(X, V), rtol=1e-8)
    information = variance_information(derivatives, V, X if method == "REML" else None)
    np.testing.assert_allclose(fit.expected, information, rtol=1e-7)


def test_some_of_these_are_on_the_boundary_and_some_are_not():
    fits = []
    for seed in range(8):
        data = unbalanced(seed, rows=40, groups=5)
        if seed % 2:
            data["y"] = np.random.default_rng(seed).normal(size=40)
        fits.append(bool(fit_linear("y ~ x + (1 | g) + (1 | h)", data).boundary))
    assert True in fits
    assert False in fits


def one_way(groups, size, sigma, seed):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), size)
    y = sigma * rng.normal(size=groups)[g] + rng.normal(size=groups * size)
    return {"y": y, "g": g}


@pytest.mark.parametrize("seed", range(20))
def test_one_way_balanced_by_anova(seed):
    """REML is (MSA - MSE)/k and MSE if MSA > MSE, else 0 and SST/(N - 1); ML has SSA/m in place of MSA."""
    m, k = 6, 4
    data = one_way(m, k, 0.6, seed)
    table = data["y"].reshape(m, k)
    SSA = k * np.sum((table.mean(axis=1) - table.mean()) ** 2)
    SSE = np.sum((table - table.mean(axis=1, keepdims=True)) ** 2)
    MSE = SSE / (m * (k - 1))
    for method, between, free in (("REML", SSA / (m - 1), m * k - 1), ("ML", SSA / m, m * k)):
        fit = fit_linear("y ~ 1 + (1 | g)", data, method)
        if between > MSE:
            np.testing.assert_allclose(fit.theta, [(between - MSE) / k, MSE], rtol=1e-7)
            assert fit.boundary == ()
        else:
            np.testing.assert_allclose(fit.theta, [0, (SSA + SSE) / free], rtol=1e-9)
            assert fit.boundary == ("sigma2",)


def test_two_way_balanced_by_anova():
    """Crossed with replicates: (MSA - MSAB)/(b n), (MSB - MSAB)/(a n), (MSAB - MSE)/n and MSE."""
    a, b, n = 6, 5, 3
    rng = np.random.default_rng(5)
    table = (
        2 * rng.normal(size=(a, 1, 1))
        + 2 * rng.normal(size=(1, b, 1))
        + 1.5 * rng.normal(size=(a, b, 1))
        + rng.normal(size=(a, b, n))
    )
    i, j, _ = np.indices(table.shape)
    data = {"y": table.ravel(), "a": i.ravel(), "b": j.ravel()}
    row, column, cell, mean = table.mean((1, 2)), table.mean((0, 2)), table.mean(2), table.mean()
    MSA = b * n * np.sum((row - mean) ** 2) / (a - 1)
    MSB = a * n * np.sum((column - mean) ** 2) / (b - 1)
    MSAB = n * np.sum((cell - row[:, None] - column[None] + mean) ** 2) / ((a - 1) * (b - 1))
    MSE = np.sum((table - cell[:, :, None]) ** 2) / (a * b * (n - 1))
    expected = [(MSA - MSAB) / (b * n), (MSB - MSAB) / (a * n), (MSAB - MSE) / n, MSE]
    assert min(expected) > 0
    fit = fit_linear("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", data)
    assert fit.variance_names == ("sigma2_a", "sigma2_b", "sigma2_a_b", "phi")
    np.testing.assert_allclose(fit.theta, expected, rtol=1e-7)


def test_boundary_by_hand():
    """Groups with equal means: the sum of squares is all within, 3 * 2 * 0.25 = 1.5."""
    data = {"y": [1.0, 2.0, 2.0, 1.0, 1.0, 2.0], "g": ["a", "a", "b", "b", "c", "c"]}
    for method, free in (("REML", 5), ("ML", 6)):
        fit = fit_linear("y ~ 1 + (1 | g)", data, method)
        assert fit.variances["sigma2"] == 0
        assert fit.phi == pytest.approx(1.5 / free, rel=1e-12)
        assert "sigma2" in fit.boundary
        assert "on the boundary" in repr(fit)


def test_a_singular_covariance_of_intercept_and_slope():
    """Group means and group slopes are the same numbers up to a factor 2: the correlation is at its bound 1."""
    rng = np.random.default_rng(3)
    x = np.tile([-1.5, -0.5, 0.5, 1.5], 12)
    g = np.repeat(np.arange(12), 4)
    within = np.tile([1.0, -1, -1, 1], 12)  # orthogonal to constant and slope in each group
    data = {"y": rng.normal(size=12)[g] * (1 + 2 * x) + within * rng.normal(size=12)[g], "x": x, "g": g}
    fit = fit_linear("y ~ x + (x | g)", data)
    (covariance,) = fit.effects
    assert covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]) == pytest.approx(1, abs=1e-9)
    assert fit.boundary == ("Sigma11", "Sigma12", "Sigma22")
    assert np.linalg.matrix_rank(covariance, tol=1e-9) == 1


def test_the_score_vanishes_inside():
    rng = np.random.default_rng(0)
    g, h, x = rng.integers(0, 15, 120), rng.integers(0, 5, 120), rng.normal(size=120)
    y = rng.normal(size=15)[g] + x * rng.normal(size=15)[g] + rng.normal(size=5)[h] + rng.normal(size=120)
    fit = fit_linear("y ~ x + (x | g) + (1 | h)", {"y": y, "x": x, "g": g, "h": h})
    assert not fit.boundary
    derivatives = covariance_derivatives(fit.cross.blocks, 120)

    def value(theta):
        return restricted_log_likelihood(y, fit.design.X, linear_covariance(theta, derivatives))

    for unit in 1e-4 * np.eye(len(fit.theta)):
        slope = (value(fit.theta + unit) - value(fit.theta - unit)) / 2e-4
        assert abs(slope) < 1e-5  # truncation of the difference


def test_without_random_terms_it_is_least_squares():
    data = unbalanced(2)
    fit, ml = fit_linear("y ~ x", data), fit_linear("y ~ x", data, "ML")
    X = np.column_stack([np.ones(50), data["x"]])
    beta, rss, *_ = np.linalg.lstsq(X, data["y"])
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-10)
    assert fit.phi == pytest.approx(rss[0] / 48, rel=1e-10)
    assert ml.phi == pytest.approx(rss[0] / 50, rel=1e-10)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_do_not_matter(factor):
    data = unbalanced(4)
    fit = fit_linear("y ~ x + (x | g)", data)
    other = fit_linear("y ~ x + (x | g)", {**data, "y": factor * data["y"], "x": data["x"] / factor})
    np.testing.assert_allclose(other.beta, fit.beta * [factor, factor**2], rtol=1e-6)
    np.testing.assert_allclose(other.theta, fit.theta * factor ** np.array([2, 3, 4, 2]), rtol=1e-5)


def test_no_statistics_package_is_imported():
    code = """
import sys
from leadterms.inference.linear_tests import kenward_roger
data = {"y": [1, 2, 4, 3.5, 2, 7], "x": [1, 2, 3, 4, 6, 5], "g": list("aabbcc")}
print(kenward_roger("y ~ x + (1 | g)", [0, 1], data))
assert not {"scipy", "pandas", "statsmodels"} & set(sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("Kenward-Roger (approximate)")


def test_the_table():
    fit = fit_linear("y ~ x + (1 | g)", one_way(6, 4, 2, 1) | {"x": np.arange(24.0)})
    shown = repr(fit)
    assert shown.startswith("y ~ x + (1 | g)  [REML, 24 observations]")
    assert f"{fit.coefficients['x']:.6g}" in shown
    assert f"{fit.variances['sigma2']:.6g}" in shown


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ x + w + (1 | g)", r"column 2 \(w\) is a linear combination"),
        ("y ~ x + (1 | row)", "does not identify the variance parameters"),
        ("y ~ x + (1 | g) + (1 | copy)", "does not identify the variance parameters"),
        ("y ~ x + (1 | one)", "does not identify the variance parameters"),
        ("y ~ 0 + t + (1 | t)", "does not identify the variance parameters"),
        ("y ~ 1 + t + x + (1 | g) + (1 | t)", "does not identify the variance parameters"),
        ("y ~ 0 + cell", "12 fixed effects use up all observations, 12"),
        ("exact ~ x + (1 | g)", "fit the response without error"),
        ("nested ~ 1 + (1 | g)", "largest at error variance zero"),
    ],
)
def test_refusals(formula, message):
    x = np.arange(12.0)
    g = np.repeat(np.arange(4), 3)
    data = {
        "y": np.sin(x),
        "x": x,
        "w": 1 - 2 * x,
        "g": g,
        "copy": g + 7,
        "one": ["k"] * 12,
        "t": ["u"] * 6 + ["v"] * 6,
        "cell": [f"c{i:02}" for i in range(12)],
        "row": np.arange(12),
        "exact": 1 + 2 * x,
        "nested": np.array([1.0, 3, 2, 7])[g],
    }
    with pytest.raises(ModelError, match=message):
        fit_linear(formula, data)


def test_an_unknown_method_is_refused():
    with pytest.raises(ModelError, match="'REML' or 'ML', not 'reml'"):
        fit_linear("y ~ 1", {"y": [1, 2]}, "reml")


SHIFTS = [0.0, 1e4, 1e7]


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_response_far_from_zero_is_fitted_as_well(shift):
    """Estimates of variances do not change with a constant; digits of the data are lost at 1e-16 of it."""
    rng = np.random.default_rng(5)
    group, x = np.repeat(np.arange(6), 4), rng.normal(size=24)
    y = 0.5 * x + rng.normal(0, 0.8, 6)[group] + rng.normal(size=24)
    near = fit_linear("y ~ x + (1 | g)", {"y": y, "x": x, "g": group})
    far = fit_linear("y ~ x + (1 | g)", {"y": y + shift, "x": x, "g": group})
    assert far.variances == pytest.approx(near.variances, rel=1e-6)
    assert far.log_likelihood == pytest.approx(near.log_likelihood, rel=1e-6)
    assert far.coefficients["1"] == pytest.approx(near.coefficients["1"] + shift, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)"])
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_calendar_years_are_fitted_like_centred_ones(formula, method):
    rng = np.random.default_rng(8)
    group, year = np.repeat(np.arange(20), 11), np.tile(np.arange(2000.0, 2011.0), 20)
    effects = rng.normal(size=(20, 2)) * [1.0, 0.4]
    y = 1 + 0.3 * (year - 2005) + effects[group, 0] + effects[group, 1] * (year - 2005) + rng.normal(size=220)
    raw = fit_linear(formula, {"y": y, "x": year, "g": group}, method)
    centred = fit_linear(formula, {"y": y, "x": year - 2005, "g": group}, method)
    assert raw.phi == pytest.approx(centred.phi, rel=1e-6)
    assert raw.coefficients["x"] == pytest.approx(centred.coefficients["x"], rel=1e-8)
    # (1, x) and (1, x - 2005) differ by a matrix of determinant one
    assert raw.log_likelihood == pytest.approx(centred.log_likelihood, abs=1e-5)
    if "x | g" in formula:
        assert raw.variances["Sigma22"] == pytest.approx(centred.variances["Sigma22"], rel=1e-5)
        moved = centred.effects[0][0, 0] - 2 * 2005 * centred.effects[0][0, 1] + 2005**2 * centred.effects[0][1, 1]
        assert raw.variances["Sigma11"] == pytest.approx(moved, rel=1e-5)


def test_a_response_that_leaves_the_range_of_doubles_is_refused():
    data = {"y": [1e-200, 2e-200, 4e-200, 6e-200, 3e-200, 5e-200], "g": ["a", "a", "b", "b", "c", "c"]}
    with pytest.raises(ModelError, match="whose square no double holds: rescale it"):
        fit_linear("y ~ 1 + (1 | g)", data)
