"""The fitter of the simulations: its likelihood against direct quadrature, its gradient, its maxima by other hands."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import bernoulli, gamma, norm, poisson

spec = importlib.util.spec_from_file_location("agq_fit", Path(__file__).with_name("agq_fit.py"))
agq_fit = importlib.util.module_from_spec(spec)
sys.modules["agq_fit"] = agq_fit
spec.loader.exec_module(agq_fit)

DENSITIES = {
    "poisson": lambda y, eta, phi: poisson.pmf(y, np.exp(eta)),
    "bernoulli": lambda y, eta, phi: bernoulli.pmf(y, expit(eta)),
    "gamma": lambda y, eta, phi: gamma.pdf(y, 1 / phi, scale=phi * np.exp(eta)),
}


def data(family, seed, m, n, sigma, phi):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((m, n))
    X = np.stack([np.ones((m, n)), x], axis=-1)
    A = X[:, :, : len(sigma)]
    return agq_fit.simulate(family, rng, X, A, np.array([0.2, 0.6]), np.array(sigma), phi), X, A


def parameters(family, beta, sigma, phi):
    lower = np.linalg.cholesky(np.array(sigma))
    d = len(lower)
    entries = [np.log(lower[i, j]) if i == j else lower[i, j] for j in range(d) for i in range(j, d)]
    return np.array([*beta, *entries, *([np.log(phi)] if family == "gamma" else [])])


@pytest.mark.parametrize("family", ["poisson", "bernoulli", "gamma"])
def test_the_likelihood_with_a_random_intercept_is_the_integral(family):
    phi, sigma2 = 0.4 if family == "gamma" else 1.0, 0.7
    y, X, A = data(family, 1, 6, 5, [[sigma2]], phi)
    beta = np.array([0.1, 0.5])

    def of_group(y, X):
        def integrand(u):
            return np.prod(DENSITIES[family](y, X @ beta + u, phi)) * norm.pdf(u, scale=sigma2**0.5)

        return quad(integrand, -8, 8, points=[-2, 0, 2], epsabs=0, epsrel=1e-11, limit=200)[0]

    expected = sum(np.log(of_group(*group)) for group in zip(y, X, strict=True))
    found, _ = agq_fit.Likelihood(family, y, X, A, nodes=25)(parameters(family, beta, [[sigma2]], phi))
    assert -found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", ["poisson", "bernoulli", "gamma"])
def test_the_likelihood_with_intercept_and_slope_is_the_double_integral(family):
    """A trapezoidal sum over a square that holds all of the integrand."""
    phi, sigma = 0.4 if family == "gamma" else 1.0, np.array([[0.7, 0.2], [0.2, 0.4]])
    y, X, A = data(family, 2, 4, 6, sigma, phi)
    beta = np.array([0.1, 0.5])
    line = np.linspace(-8, 8, 321)
    z = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    u = z @ np.linalg.cholesky(sigma).T
    law = np.exp(-(z**2).sum(axis=1) / 2) / (2 * np.pi) * (line[1] - line[0]) ** 2
    expected = 0.0
    for i in range(len(y)):
        eta = X[i] @ beta + u @ A[i].T
        expected += np.log(np.prod(DENSITIES[family](y[i], eta, phi), axis=1) @ law)
    found, _ = agq_fit.Likelihood(family, y, X, A, nodes=25)(parameters(family, beta, sigma, phi))
    assert -found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", ["poisson", "bernoulli", "gamma"])
@pytest.mark.parametrize("sigma", [[[0.7]], [[0.7, 0.2], [0.2, 0.4]]])
def test_the_gradient_is_that_of_finite_differences(family, sigma):
    y, X, A = data(family, 3, 8, 6, sigma, 0.4)
    at = parameters(family, [0.1, 0.5], sigma, 0.4)
    likelihood = agq_fit.Likelihood(family, y, X, A, nodes=21)
    gradient = likelihood(at)[1]
    for index, direction in enumerate(np.eye(len(at)) * 1e-4):
        slope = (likelihood(at + direction)[0] - likelihood(at - direction)[0]) / 2e-4
        assert gradient[index] == pytest.approx(slope, abs=2e-5, rel=2e-5)


@pytest.mark.parametrize("sigma", [[[0.7]], [[0.7, 0.2], [0.2, 0.4]]])
def test_the_usual_nodes_suffice(sigma):
    y, X, A = data("poisson", 4, 60, 10, sigma, 1.0)
    start = (np.array([0.2, 0.6]), np.array(sigma), 1.0)
    usual, many = (agq_fit.fit("poisson", y, X, A, start, nodes) for nodes in (None, 15))
    assert usual.gradient < 0.05
    assert usual.beta == pytest.approx(many.beta, abs=1e-3)
    assert usual.sigma == pytest.approx(many.sigma, abs=3e-3)


def test_with_almost_no_variance_the_fit_is_that_of_a_glm():
    y, X, A = data("poisson", 5, 40, 10, [[1e-8]], 1.0)
    found = agq_fit.fit("poisson", y, X, A, (np.zeros(2), np.array([[0.1]]), 1.0))
    expected = sm.GLM(y.ravel(), X.reshape(-1, 2), family=sm.families.Poisson()).fit()
    assert found.boundary == (found.sigma[0, 0] < 4e-6)
    assert found.log_likelihood >= expected.llf - 1e-3
    assert found.beta == pytest.approx(expected.params, abs=0.02)


def test_the_estimates_that_the_notebook_starts_from():
    """Data and estimates as in notebooks/from_fit_to_intervals.ipynb, which cannot fit them itself."""
    rng = np.random.default_rng(7)
    m, n = 120, 12
    x = rng.integers(0, 2, (m, n))
    u = rng.multivariate_normal([0, 0], [[0.5, 0.1], [0.1, 0.25]], size=m)
    y = rng.poisson(np.exp(0.2 + u[:, :1] + (0.3 + u[:, 1:]) * x)).astype(float)
    X = np.stack([np.ones((m, n)), x], axis=-1)
    found = agq_fit.fit("poisson", y, X, X, (np.zeros(2), np.eye(2), 1.0), nodes=15).estimates()
    printed = {"beta0": 0.18729, "beta1": 0.20434, "Sigma11": 0.45464, "Sigma12": 0.08863, "Sigma22": 0.35353}
    assert found == pytest.approx(printed, abs=1e-4)
