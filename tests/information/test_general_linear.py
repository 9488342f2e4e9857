"""Dense algebra for linear mixed models: closed forms by hand, finite differences of expected likelihoods, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from leadterms.errors import EvaluationError, ModelError
from leadterms.information.general_linear import (
    fixed_effects_covariance,
    fixed_effects_information,
    linear_covariance,
    log_likelihood,
    restricted_log_likelihood,
    variance_information,
)

SEEDS = range(6)


def design(seed):
    """A random unbalanced layout with two groupings and a random slope: X, derivatives, parameters."""
    rng = np.random.default_rng(seed)
    N = int(rng.integers(14, 22))
    x = rng.normal(size=N)
    X = np.column_stack([np.ones(N), x, rng.normal(size=(N, int(rng.integers(0, 3))))])
    g, h = np.eye(4)[rng.integers(0, 4, N)], np.eye(3)[rng.integers(0, 3, N)]
    slope = x[:, None] * g
    derivatives = [g @ g.T, g @ slope.T + slope @ g.T, slope @ slope.T, h @ h.T, np.eye(N)]
    theta = np.array([rng.uniform(0.5, 2), rng.uniform(-0.4, 0.4), *rng.uniform(0.5, 2, 3)])
    return X, derivatives, theta


@pytest.mark.parametrize("seed", SEEDS)
def test_the_information_is_the_curvature_of_the_expected_log_likelihood(seed):
    """E l(theta) under theta0 is -(log|V| + tr V^{-1}V0)/2: central differences of it, by numpy's inverse."""
    X, derivatives, theta = design(seed)
    V0 = linear_covariance(theta, derivatives)

    def expected(at):
        V = linear_covariance(at, derivatives)
        return -(np.linalg.slogdet(V)[1] + np.trace(np.linalg.inv(V) @ V0)) / 2

    def expected_restricted(at):
        V = linear_covariance(at, derivatives)
        basis = np.linalg.svd(X)[0][:, X.shape[1] :]  # error contrasts
        W = basis.T @ V @ basis
        return -(np.linalg.slogdet(W)[1] + np.trace(np.linalg.inv(W) @ basis.T @ V0 @ basis)) / 2

    for given, function in ((None, expected), (X, expected_restricted)):
        numeric = -hessian(function, theta)
        # central differences with step 1e-4: truncation 1e-8, rounding 1e-15/1e-8
        np.testing.assert_allclose(variance_information(derivatives, V0, given), numeric, rtol=2e-5, atol=2e-6)


def hessian(function, at, step=1e-4):
    size = len(at)
    units = step * np.eye(size)
    return np.array(
        [
            [
                (
                    function(at + units[i] + units[j])
                    - function(at + units[i] - units[j])
                    - function(at - units[i] + units[j])
                    + function(at - units[i] - units[j])
                )
                / (4 * step**2)
                for j in range(size)
            ]
            for i in range(size)
        ]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_information_is_the_covariance_of_the_score(seed):
    """The score is quadratic in y, y'A_r y/2 with A_r = V^{-1}V_rV^{-1}, and Cov(y'Ay, y'By) = 2 tr(AVBV)."""
    _, derivatives, theta = design(seed)
    V = linear_covariance(theta, derivatives)
    A = [np.linalg.solve(V, V_r) @ np.linalg.inv(V) for V_r in derivatives]
    covariance = [[np.trace(a @ V @ b @ V) / 2 for b in A] for a in A]
    np.testing.assert_allclose(variance_information(derivatives, V), covariance, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_likelihoods_are_densities_of_scipy(seed):
    X, derivatives, theta = design(seed)
    V = linear_covariance(theta, derivatives)
    rng = np.random.default_rng(seed + 100)
    y, beta = rng.normal(size=len(X)), rng.normal(size=X.shape[1])
    assert log_likelihood(y, X, beta, V) == pytest.approx(stats.multivariate_normal(X @ beta, V).logpdf(y), rel=1e-10)
    # error contrasts with orthonormal K: their density differs from the flat-prior integral by |X'X|^{1/2}
    K = np.linalg.svd(X)[0][:, X.shape[1] :]
    contrasts = stats.multivariate_normal(np.zeros(K.shape[1]), K.T @ V @ K).logpdf(K.T @ y)
    offset = np.linalg.slogdet(X.T @ X)[1] / 2
    assert restricted_log_likelihood(y, X, V) == pytest.approx(contrasts - offset, rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_covariance_of_beta_is_that_of_the_linear_map_it_is(seed):
    """beta^ = Ay with A = C X'V^{-1}: Cov = AVA', and the information is its inverse."""
    X, derivatives, theta = design(seed)
    V = linear_covariance(theta, derivatives)
    C = fixed_effects_covariance(X, V)
    A = C @ X.T @ np.linalg.inv(V)
    np.testing.assert_allclose(A @ V @ A.T, C, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fixed_effects_information(X, V) @ C, np.eye(X.shape[1]), atol=1e-9)


def test_balanced_one_way_by_hand():
    """lambda = phi + n sigma2: 2 I is (m n^2/lambda^2, m n/lambda^2, m{(n-1)/phi^2 + 1/lambda^2})."""
    m, n, sigma2, phi = 5, 4, 1.5, 0.7
    Z = np.kron(np.eye(m), np.ones((n, 1)))
    derivatives = [Z @ Z.T, np.eye(m * n)]
    V = linear_covariance([sigma2, phi], derivatives)
    lam = phi + n * sigma2
    expected = [[m * n**2 / lam**2, m * n / lam**2], [m * n / lam**2, m * ((n - 1) / phi**2 + 1 / lam**2)]]
    np.testing.assert_allclose(variance_information(derivatives, V), np.array(expected) / 2, rtol=1e-12)
    with_mean = np.array(expected) - np.array([[n**2, n], [n, 1]]) / lam**2  # REML: m - 1 in the stratum of groups
    np.testing.assert_allclose(
        variance_information(derivatives, V, np.ones((m * n, 1))), with_mean / 2, rtol=1e-11, atol=1e-14
    )
    assert fixed_effects_covariance(np.ones((m * n, 1)), V).item() == pytest.approx(lam / (m * n), rel=1e-12)


def test_a_mean_without_parameters_gives_the_same_for_both_methods():
    V = np.diag([1.0, 2.0, 3.0])
    nothing = np.empty((3, 0))
    y = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(variance_information([np.eye(3)], V, nothing), variance_information([np.eye(3)], V))
    assert restricted_log_likelihood(y, nothing, V) == pytest.approx(log_likelihood(y, nothing, [], V), rel=1e-14)


def test_refusals():
    X = np.column_stack([np.ones(4), np.arange(4), 3 - 2 * np.arange(4)])
    with pytest.raises(ModelError, match=r"column 2 is a linear combination of those before it"):
        fixed_effects_covariance(X, np.eye(4))
    with pytest.raises(ModelError, match="column 2"):
        variance_information([np.eye(4)], np.eye(4), X)
    with pytest.raises(ModelError, match="column 2"):
        restricted_log_likelihood(np.ones(4), X, np.eye(4))
    with pytest.raises(EvaluationError, match="not positive definite"):
        variance_information([np.eye(2)], np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(EvaluationError, match="not symmetric"):
        variance_information([np.eye(2)], np.array([[1.0, 0.5], [0.0, 1.0]]))
    with pytest.raises(EvaluationError, match="square"):
        log_likelihood(np.ones(2), np.ones((2, 1)), [1.0], np.ones((2, 3)))
    with pytest.raises(EvaluationError, match="not finite"):
        log_likelihood(np.ones(2), np.ones((2, 1)), [1.0], np.array([[np.nan, 0], [0, 1]]))
    with pytest.raises(EvaluationError, match="3 rows"):
        fixed_effects_information(np.ones((4, 1)), np.eye(3))
    with pytest.raises(EvaluationError, match="2 parameters and 1 matrices"):
        linear_covariance([1, 2], [np.eye(2)])
