"""Bernoulli with random intercept and slope: C_2 is the printed bivariate integral."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from sympy import Matrix

from derivations import bernoulli_random_slopes as module
from leadterms.expectation.held import Expectation

POINT = {"beta0": "-3/10", "beta1": "7/10", "beta2": "4/10", "Sigma11": "1/2", "Sigma12": "1/10", "Sigma22": "1/4"}


def printed_integral() -> float:
    """1/C_2 as the slide prints it: factor 1/(4 pi), weight 1/{cosh(eta) + 1}, by products of Gauss rules."""
    sigma = np.array([[0.5, 0.1], [0.1, 0.25]])
    x, w = np.polynomial.legendre.leggauss(24)
    x1, x2 = (part.ravel() for part in np.meshgrid(x, x))
    mass = np.outer(w, w).ravel() / 4
    rows = np.stack([np.ones_like(x1), x1, x2])
    z, v = np.polynomial.legendre.leggauss(64)
    z, v = 9 * z, 9 * v
    root = np.linalg.cholesky(sigma)
    total = 0.0
    for z0, v0 in zip(z, v, strict=True):
        u = root @ np.stack([np.full_like(z, z0), z])
        eta = (-0.3 + u[0])[:, None] + (0.7 + u[1])[:, None] * x1 + 0.4 * x2
        weight = mass / (np.cosh(eta) + 1)
        h = np.einsum("ac,bc,kc->kab", rows, rows, weight)
        corner = np.linalg.inv(h)[:, 2, 2]
        # |Sigma|^(-1/2) exp(-u'Sigma^{-1}u/2) du = exp(-z'z/2) dz
        total += v0 * np.sum(v * np.exp(-(z0**2 + z**2) / 2) / corner)
    return total / (4 * np.pi)


def test_the_printed_integral_has_the_value_known_from_ball_arithmetic():
    assert printed_integral() == pytest.approx(0.06902262198297011893, rel=1e-12)


@pytest.mark.slow
def test_the_engine_gives_the_printed_integral():
    found = module.derive()["x2"].evaluate(POINT, 10)
    assert float(found) * printed_integral() == pytest.approx(1, rel=1e-9)


def test_c2_is_one_bivariate_gaussian_integral_over_mn():
    entry = module.derive()["x2"]
    held = 1 / entry.coefficient
    assert isinstance(held, Expectation)
    assert [symbol.name for symbol in held.bound_symbols] == ["u0", "u1"]
    assert entry.term.order_text == "1/(m*n)"


def test_the_printed_weight_is_twice_the_logistic_weight():
    assert module.weights_agree(module.derive().model)
    eta = mpmath.mpf("0.7")
    assert 1 / (mpmath.cosh(eta) + 1) == pytest.approx(2 * mpmath.exp(eta) / (1 + mpmath.exp(eta)) ** 2)


def test_the_random_block_is_sigma():
    result = module.derive()
    sigma = result.model.effects_covariance
    found = Matrix(2, 2, lambda i, j: result[f"beta{i}", f"beta{j}"].coefficient)
    assert found == sigma


def test_the_statements_agree():
    assert [s.outcome().verdict for s in module.STATEMENTS] == ["agree"] * 3
    assert module.steps()[0].title == "Model"
