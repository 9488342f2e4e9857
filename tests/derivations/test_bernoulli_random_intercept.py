"""Bernoulli with a random intercept: C_1 and C_2 are univariate, and have the values of a plain double rule."""

from __future__ import annotations

import numpy as np
import pytest

from derivations import bernoulli_random_intercept as module

POINT = {"beta0": "-3/10", "beta1": "7/10", "beta2": "4/10", "sigma2": "13/10"}


def information() -> np.ndarray:
    """G of the two slopes: Gauss-Legendre in both predictors, a Gaussian trapezoid over u."""
    x, w = np.polynomial.legendre.leggauss(24)
    x1, x2 = (part.ravel() for part in np.meshgrid(x, x))
    mass = np.outer(w, w).ravel() / 4
    rows = np.stack([np.ones_like(x1), x1, x2])
    u, step = np.linspace(-12, 12, 301, retstep=True)
    total = np.zeros((2, 2))
    for value in u:
        eta = -0.3 + value + 0.7 * x1 + 0.4 * x2
        h = np.einsum("ac,bc,c->ab", rows, rows, mass / (2 + np.exp(eta) + np.exp(-eta)))
        complement = h[1:, 1:] - np.outer(h[0, 1:], h[0, 1:]) / h[0, 0]
        total += step * np.exp(-(value**2) / 2.6) / np.sqrt(2.6 * np.pi) * complement
    return total


@pytest.mark.slow
def test_both_slopes_have_the_values_of_a_plain_rule():
    result = module.derive()
    expected = np.linalg.inv(information())
    for i, j in ((0, 0), (0, 1), (1, 1)):
        found = float(result[f"x{i + 1}", f"x{j + 1}"].evaluate(POINT, 9))
        assert found == pytest.approx(expected[i, j], rel=1e-8)


@pytest.mark.parametrize("name", ["x1", "x2"])
def test_the_integral_over_the_random_effect_is_univariate(name):
    assert module.integral_dimensions(module.derive(), name) == {1}


def test_the_statements_agree():
    assert [s.outcome().verdict for s in module.STATEMENTS] == ["agree"] * 3
    assert module.steps()[0].title == "Model"
