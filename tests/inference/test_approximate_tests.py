"""Kenward-Roger and Satterthwaite: dense transcription with finite differences, exact F in balanced layouts, levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from leadterms.errors import ModelError
from leadterms.inference.approximate_tests import kenward_roger, satterthwaite
from leadterms.inference.comparison import restriction
from leadterms.inference.exact_tests import exact_f
from leadterms.inference.linear_fit import fit_linear
from leadterms.information.effect_blocks import covariance_derivatives
from leadterms.information.general_linear import linear_covariance, restricted_log_likelihood
from leadterms.model.data_design import data_design


def unbalanced(seed, rows=50, groups=9):
    rng = np.random.default_rng(seed)
    g = rng.integers(0, groups, rows)
    t = rng.choice(["p", "q", "r"], groups)
    x = rng.normal(size=rows)
    y = 1.5 * rng.normal(size=groups)[g] + 0.8 * rng.normal(size=groups)[g] * x + rng.normal(size=rows)
    return {"y": y, "x": x, "t": list(t[g]), "g": g}


CASES = [
    ("y ~ x + t + (1 | g)", "y ~ x + (1 | g)"),
    ("y ~ x + t + (1 | g)", "y ~ t + (1 | g)"),
    ("y ~ x*t + (1 | g)", "y ~ 1 + (1 | g)"),
    ("y ~ x + t + (x | g)", "y ~ x + (x | g)"),
    ("y ~ x + t + (x || g)", "y ~ t + (x || g)"),
]


def dense_kenward_roger(fit, L):
    """Kenward & Roger (1997), sections 2 and 3, as printed: V^{-1} in full, derivatives of X'V^{-1}X by differences."""
    matrices = covariance_derivatives(fit.cross.blocks, len(fit.design.y))
    X, V = fit.design.X, linear_covariance(fit.theta, matrices)
    inverse = np.linalg.inv(V)
    R, step = len(matrices), 1e-5

    def information(theta):
        return X.T @ np.linalg.solve(linear_covariance(theta, matrices), X)

    units = step * np.eye(R)
    P = [(information(fit.theta + u) - information(fit.theta - u)) / (2 * step) for u in units]
    Q = [[X.T @ inverse @ a @ inverse @ b @ inverse @ X for b in matrices] for a in matrices]
    Phi = np.linalg.inv(X.T @ inverse @ X)
    projection = inverse - inverse @ X @ Phi @ X.T @ inverse
    W = np.linalg.inv([[np.trace(projection @ a @ projection @ b) / 2 for b in matrices] for a in matrices])
    Lambda = sum(W[r, s] * (Q[r][s] - P[r] @ Phi @ P[s]) for r in range(R) for s in range(R))
    adjusted = Phi + 2 * Phi @ Lambda @ Phi
    ell = len(L)
    Theta = L.T @ np.linalg.inv(L @ Phi @ L.T) @ L
    A1 = sum(
        W[r, s] * np.trace(Theta @ Phi @ P[r] @ Phi) * np.trace(Theta @ Phi @ P[s] @ Phi)
        for r in range(R)
        for s in range(R)
    )
    A2 = sum(
        W[r, s] * np.trace(Theta @ Phi @ P[r] @ Phi @ Theta @ Phi @ P[s] @ Phi) for r in range(R) for s in range(R)
    )
    B = (A1 + 6 * A2) / (2 * ell)
    g = ((ell + 1) * A1 - (ell + 4) * A2) / ((ell + 2) * A2)
    c1, c2, c3 = (c / (3 * ell + 2 * (1 - g)) for c in (g, ell - g, ell + 2 - g))
    E = 1 / (1 - A2 / ell)
    V_star = 2 / ell * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
    rho = V_star / (2 * E**2)
    m = 4 + (ell + 2) / (ell * rho - 1)
    scaling = m / (E * (m - 2))
    difference = L @ fit.beta
    return scaling * difference @ np.linalg.inv(L @ adjusted @ L.T) @ difference / ell, m, scaling


@pytest.mark.parametrize(("large", "small"), CASES)
@pytest.mark.parametrize("seed", range(4))
def test_kenward_roger_as_printed(seed, large, small):
    data = unbalanced(seed)
    fit = fit_linear(large, data)
    statistic, ddf, scaling = dense_kenward_roger(fit, restriction(fit.design, data_design(small, data, null=True)))
    test = kenward_roger(fit, small, data)
    assert test.statistic == pytest.approx(statistic, rel=1e-5)  # differences of step 1e-5
    assert test.ddf == pytest.approx(ddf, rel=1e-4)
    assert test.scaling == pytest.approx(scaling, rel=1e-5)
    assert test.p_value == pytest.approx(stats.f.sf(test.statistic, test.ndf, test.ddf), rel=1e-9)
    assert bool(test.notes) == bool(fit.boundary)


@pytest.mark.parametrize("seed", range(4))
def test_without_random_effects_both_are_classical(seed):
    data = unbalanced(seed)
    exact = exact_f("y ~ x*t", "y ~ x", data)
    for test in (kenward_roger("y ~ x*t", "y ~ x", data), satterthwaite("y ~ x*t", "y ~ x", data)):
        assert test.statistic == pytest.approx(exact.statistic, rel=1e-8)
        assert (test.ndf, test.ddf) == (exact.ndf, pytest.approx(exact.ddf, rel=1e-6))
        assert test.scaling == pytest.approx(1, abs=1e-6)


def balanced(seed, groups=9, size=4):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), size)
    x = np.tile(np.arange(size, dtype=float), groups)
    y = 2 * rng.normal(size=groups)[g] + 0.3 * x + rng.normal(size=groups * size)
    return {"y": y, "x": x - x.mean(), "t": [("p", "q", "r")[v % 3] for v in g], "g": g}


@pytest.mark.parametrize(("large", "small"), [("x*t", "x + t"), ("x + t", "x"), ("x + t", "t"), ("x*t", "x + x:t")])
@pytest.mark.parametrize("seed", range(3))
def test_they_are_exact_where_one_stratum_holds_the_hypothesis(seed, large, small):
    data = balanced(seed)
    formulas = [f"y ~ {fixed} + (1 | g)" for fixed in (large, small)]
    exact = exact_f(*formulas, data)
    assert not fit_linear(formulas[0], data).boundary
    for test in (kenward_roger(*formulas, data), satterthwaite(*formulas, data)):
        assert test.statistic == pytest.approx(exact.statistic, rel=1e-7)
        assert (test.ndf, test.ddf) == (exact.ndf, pytest.approx(exact.ddf, rel=1e-6))
        assert test.scaling == pytest.approx(1, abs=1e-6)


def test_random_slopes_in_a_balanced_layout_have_the_degrees_of_freedom_of_groups():
    """The slopes of 9 groups in 3 treatments: t-tests of slopes per group have 9 - 3 = 6."""
    rng = np.random.default_rng(0)
    data = balanced(2)
    data["y"] = data["y"] + 1.5 * rng.normal(size=9)[data["g"]] * data["x"]
    assert not fit_linear("y ~ x*t + (x | g)", data).boundary
    test = kenward_roger("y ~ x*t + (x | g)", "y ~ x + t + (x | g)", data)
    slopes = np.array([np.polyfit(data["x"][data["g"] == k], data["y"][data["g"] == k], 1)[0] for k in range(9)])
    by_treatment = [slopes[k::3] for k in range(3)]
    assert test.ddf == pytest.approx(6, rel=1e-5)
    assert test.statistic == pytest.approx(stats.f_oneway(*by_treatment).statistic, rel=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_satterthwaite_by_differences(seed):
    """Gradient of l'C(theta)l and Hessian of the dense restricted likelihood by central differences."""
    data = unbalanced(seed)
    fit = fit_linear("y ~ x + t + (1 | g)", data)
    assert not fit.boundary
    matrices = covariance_derivatives(fit.cross.blocks, 50)
    X, y = fit.design.X, fit.design.y
    ell = np.arange(X.shape[1]) - 0.5

    def variance(theta):
        return ell @ np.linalg.inv(X.T @ np.linalg.solve(linear_covariance(theta, matrices), X)) @ ell

    def value(theta):
        return restricted_log_likelihood(y, X, linear_covariance(theta, matrices))

    units = 1e-4 * np.eye(2)
    gradient = [(variance(fit.theta + u) - variance(fit.theta - u)) / 2e-4 for u in units]
    hessian = [
        [
            (value(fit.theta + a + b) - value(fit.theta + a - b) - value(fit.theta - a + b) + value(fit.theta - a - b))
            / 4e-8
            for b in units
        ]
        for a in units
    ]
    expected = 2 * variance(fit.theta) ** 2 / (gradient @ np.linalg.solve(-np.array(hessian), gradient))
    test = satterthwaite(fit, ell)
    assert test.ddf == pytest.approx(expected, rel=1e-3)
    assert test.statistic == pytest.approx((ell @ fit.beta) ** 2 / variance(fit.theta), rel=1e-9)
    with_expected = 2 * variance(fit.theta) ** 2 / (gradient @ np.linalg.solve(fit.expected, gradient))
    assert satterthwaite(fit, ell, information="expected").ddf == pytest.approx(with_expected, rel=1e-6)


def test_several_restrictions_by_fai_and_cornelius():
    """Rotate to uncorrelated contrasts, take each one's degrees of freedom, match the mean of F."""
    data = unbalanced(1)
    fit = fit_linear("y ~ x*t + (1 | g)", data)
    L = restriction(fit.design, data_design("y ~ x + (1 | g)", data))
    values, vectors = np.linalg.eigh(L @ fit.covariance @ L.T)
    rows = vectors.T @ L
    freedom = np.array([satterthwaite(fit, row).ddf for row in rows])
    total = np.sum(freedom / (freedom - 2))
    test = satterthwaite(fit, L)
    assert test.ddf == pytest.approx(2 * total / (total - len(L)), rel=1e-9)
    assert test.statistic == pytest.approx(np.mean((rows @ fit.beta) ** 2 / values), rel=1e-9)


@pytest.mark.parametrize("function", [kenward_roger, satterthwaite])
def test_the_tests_do_not_depend_on_how_the_hypothesis_is_written(function):
    """For several restrictions Satterthwaite's degrees of freedom do, in lmerTest as well; the statistic does not."""
    data = unbalanced(2)
    fit = fit_linear("y ~ x + t + (1 | g)", data)
    L = np.array([[0.0, 0, 1, 0], [0, 0, 0, 1]])
    first = function(fit, "y ~ x + (1 | g)", data)
    for second in (
        function(fit, L),
        function(fit, np.array([[2.0, 1], [1, 5]]) @ L),
        function("y ~ 0 + t + x + (1 | g)", "y ~ I(1 - 3*x) + (1 | g)", data),
    ):
        assert second.statistic == pytest.approx(first.statistic, rel=1e-7)
        if function is kenward_roger:
            assert second.ddf == pytest.approx(first.ddf, rel=1e-6)
    one = function(fit, "y ~ t + (1 | g)", data)
    other = function("y ~ 0 + t + I(2*x + 1) + (1 | g)", "y ~ t + (1 | g)", data)
    assert (other.statistic, other.ddf) == (pytest.approx(one.statistic, rel=1e-7), pytest.approx(one.ddf, rel=1e-6))


@pytest.mark.slow
def test_the_level_at_a_small_unbalanced_design():
    """800 null data sets, 6 groups of 2 to 7 with a treatment between groups: level 0.05 within 4 standard errors.

    The Wald test with the normal limit rejects far more often, so that the simulation can tell.
    """
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(6), [2, 3, 4, 5, 6, 7])
    t = [("p", "q")[v % 2] for v in g]
    wide = data_design("y ~ t + (1 | g)", {"y": np.zeros(27), "t": t, "g": g})
    ours, wald, count = 0, 0, 800
    for _ in range(count):
        fit = fit_linear(replace(wide, y=rng.normal(size=6)[g] + rng.normal(size=27)))
        ours += kenward_roger(fit, np.array([[0.0, 1]])).p_value < 0.05
        wald += fit.beta[1] ** 2 / fit.covariance[1, 1] > stats.chi2.isf(0.05, 1)
    error = np.sqrt(0.05 * 0.95 / count)
    assert wide.names == ("1", "tq")
    assert abs(ours / count - 0.05) < 4 * error
    assert wald / count > 0.05 + 8 * error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: kenward_roger(fit_linear("y ~ x + (1 | g)", data, "ML"), "y ~ 1 + (1 | g)", data), "REML fit"),
        (lambda data: kenward_roger("y ~ x + (1 | g)", "y ~ 1", data), "different random effects"),
        (lambda data: kenward_roger("y ~ x + (1 | g)", [[1.0, 0, 0]], data), "3 columns, but there are 2"),
        (lambda data: kenward_roger("y ~ x + (1 | g)", [[0.0, 1], [0, 2]], data), "linearly dependent"),
        (lambda data: satterthwaite("y ~ x + (1 | g)", [0.0, 1], data, "fisher"), "'observed' or 'expected'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ModelError, match=message):
        call(unbalanced(0))


def test_a_boundary_estimate_is_noted_and_its_variance_taken_as_known():
    data = {"y": [1.0, 2, 2, 1, 1.5, 1.5, 2.5, 0.5], "x": [0.0, 1, 2, 3, 1, 0, 3, 2], "g": list("aabbccdd")}
    fit = fit_linear("y ~ x + (1 | g)", data)
    assert fit.boundary == ("sigma2",)
    test = satterthwaite(fit, [0.0, 1])
    assert test.ddf == pytest.approx(6, rel=1e-6)  # least squares: N - 2
    assert "boundary: sigma2" in test.notes[0]
    assert "boundary: sigma2" in kenward_roger(fit, [0.0, 1]).notes[0]


@pytest.mark.parametrize("groups", [4, 6])
def test_two_and_four_degrees_of_freedom_are_no_poles(groups):
    """A treatment of whole groups: exactly groups - 2 degrees of freedom, where the formulas divide by zero."""
    arm = np.repeat(np.arange(groups) % 2, 3).astype(float)
    group = np.repeat(np.arange(groups), 3)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        data = {"y": rng.normal(0, 2, groups)[group] + rng.normal(size=3 * groups), "t": arm, "g": group}
        fit = fit_linear("y ~ t + (1 | g)", data)
        if fit.boundary:
            continue
        ours = kenward_roger(fit, "y ~ 1 + (1 | g)", data)
        exact = exact_f("y ~ t + (1 | g)", "y ~ 1 + (1 | g)", data)
        assert ours.ddf == pytest.approx(groups - 2, rel=1e-6)
        assert (ours.statistic, ours.p_value) == pytest.approx((exact.statistic, exact.p_value), rel=1e-5)


def test_a_small_regression_has_its_exact_test():
    data = {"y": [1.0, 2, 4, 6, 3, 5], "x": [0.0, 1, 0, 1, 0, 1]}
    ours, exact = kenward_roger("y ~ x", "y ~ 1", data), exact_f("y ~ x", "y ~ 1", data)
    assert (ours.statistic, ours.ddf) == pytest.approx((exact.statistic, 4.0))
