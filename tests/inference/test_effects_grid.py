"""Averages over normal effects: against closed moments and scipy, and the claimed error against the true one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from leadterms import EvaluationError
from leadterms.inference.effects_grid import average_over_grid


def ones(values):
    return np.ones_like(values)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_exponentials_and_moments(dimension):
    """E e^(a'Z) = e^(a'a/2), E Z_1^2 e^(a'Z) = (1 + a_1^2) e^(a'a/2)."""
    a = np.array([0.8, -1.1, 0.5][:dimension])

    def integrand(z):
        e = np.exp(z @ a)
        return np.stack([e, z[:, 0] ** 2 * e], axis=1)

    found, error = average_over_grid(integrand, ones, dimension)
    expected = np.exp(a @ a / 2) * np.array([1, 1 + a[0] ** 2])
    assert found == pytest.approx(expected, abs=1e-11)
    assert error <= 1e-10


@pytest.mark.parametrize("sigma", [0.5, 2, 6])
def test_logistic_weights_with_poles_near_the_line(sigma):
    """Poles of the weight at distance pi/sigma: where it is small the step must be, and the error is not above."""

    def function(z):
        return expit(0.3 + sigma * z) * expit(-0.3 - sigma * z)

    found, error = average_over_grid(lambda z: function(z[:, :1]), np.abs, 1)
    expected = quad(lambda z: function(z) * np.exp(-z * z / 2), -12, 12, epsabs=0, epsrel=1e-13, limit=400)[0]
    assert found[0] == pytest.approx(expected / np.sqrt(2 * np.pi), rel=max(error, 1e-12))


def test_slowly_falling_integrands_are_reached():
    """E e^(0.4 Z^2) = (1 - 0.8)^(-1/2): the product with the density falls like e^(-0.1 z^2)."""
    found, _ = average_over_grid(lambda z: np.exp(0.4 * z**2), np.abs, 1)
    assert found[0] == pytest.approx(5**0.5, rel=1e-10)


@pytest.mark.parametrize(
    ("integrand", "message"),
    [
        (lambda z: np.exp(0.499 * z**2), "has heavy tails at the estimates"),
        (lambda z: np.abs(z), "is not stable to 1e-10"),
        (lambda z: 1 / z, "out of the range of double precision"),
    ],
)
def test_what_is_not_settled_is_refused(integrand, message):
    with np.errstate(divide="ignore"), pytest.raises(EvaluationError, match=message):
        average_over_grid(integrand, np.abs, 1)
