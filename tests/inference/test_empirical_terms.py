"""The averages over data against plain Monte Carlo over the random effects, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from leadterms.inference.empirical_terms import empirical_terms
from leadterms.inference.observed_design import observed_design
from leadterms.model.formula import read_formula

WEIGHTS = {"poisson": np.exp, "logistic": lambda eta: expit(eta) * expit(-eta)}


def by_hand(X, A, B, beta, sigma, weight, u):
    """Return the three averages over draws u with their Monte-Carlo errors, for a random intercept and slope."""
    spreads, regressions, complements = [], [], []
    for draw in u:
        w = weight(X @ beta + A @ draw)
        H = (w[:, None] * np.hstack([A, B])).T @ np.hstack([A, B]) / len(X)
        # derivatives of (u0, u1, u0^2, u0 u1, u1^2)
        W = np.array([[1, 0], [0, 1], [2 * draw[0], 0], [draw[1], draw[0]], [0, 2 * draw[1]]])
        inverse = np.linalg.inv(H[:2, :2])
        spreads.append(W @ inverse @ W.T)
        regressions.append(W @ inverse @ H[:2, 2:])
        complements.append(H[2:, 2:] - H[2:, :2] @ inverse @ H[:2, 2:])
    return [
        (np.mean(part, axis=0), np.std(part, axis=0) / len(u) ** 0.5) for part in (spreads, regressions, complements)
    ]


@pytest.mark.parametrize("name", WEIGHTS)
def test_monte_carlo_over_the_effects(name):
    rng = np.random.default_rng(12)
    x, z = rng.uniform(-1, 1, (2, 60))
    design = observed_design(read_formula("y ~ x + z + (1 + x | g)"), {"x": x, "z": z, "g": np.arange(60) // 6})
    beta, sigma = np.array([-0.3, 0.7, 0.4]), np.array([[0.5, 0.15], [0.15, 0.3]])
    found = empirical_terms(design, WEIGHTS[name], beta, sigma)
    u = rng.standard_normal((6000, 2)) @ np.linalg.cholesky(sigma).T
    A, B = design.X[:, [0, 1]], design.X[:, [2]]
    expected = by_hand(design.X, A, B, beta, sigma, WEIGHTS[name], u)
    # ten groups of six: the mean of 1/n_i is 1/6
    for own, (mean, error) in zip((6 * found.spread, found.regression, found.complement), expected, strict=True):
        assert (np.abs(own - mean) <= 4.5 * error).all()
        assert (error <= 0.1 * np.abs(mean) + 0.2).all()
    assert found.mean_covariance == pytest.approx(sigma)
    assert found.error < 1e-10


def test_without_second_terms_only_the_complement_is_averaged():
    data = {"x": np.arange(24) % 3, "g": np.arange(24) // 6}
    design = observed_design(read_formula("y ~ x + (1 | g)"), data)
    both = [empirical_terms(design, np.exp, np.array([0.1, 0.2]), np.array([[0.4]]), second=s) for s in (True, False)]
    assert both[0].complement == pytest.approx(both[1].complement, rel=1e-12)
    assert not both[1].spread.any()
    assert not both[1].regression.any()
