"""Weights at complex linear predictors, and their logarithms at real ones, by scipy and numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, wofz

Array = Any


def probit(eta: Array) -> Array:
    """pdf^2/{cdf (1 - cdf)} for complex eta: (2/pi) e^(-z^2)/{erfcx(z) erfc(-z)}, z = eta/sqrt 2, Re z >= 0."""
    z = np.where(eta.real < 0, -eta, eta) / np.sqrt(2)
    scaled = wofz(1j * z)
    return 2 / np.pi * np.exp(-z * z) / (scaled * (2 - np.exp(-z * z) * scaled))


def cloglog(eta: Array) -> Array:
    """q^2/(e^q - 1), q = e^eta."""
    q = np.exp(eta)
    return q * q * np.exp(-q) / -np.expm1(-q)


def log_probit(eta: Array) -> Array:
    """Return the logarithm at real eta, however far out."""
    return -(eta**2) - np.log(2 * np.pi) - log_ndtr(eta) - log_ndtr(-eta)


def log_cloglog(eta: Array) -> Array:
    """Return the logarithm at real eta, also where e^eta is no double."""
    q = np.exp(np.minimum(eta, 700))
    return np.where(eta < -20, eta, 2 * eta - np.where(q < 30, np.log(np.expm1(np.clip(q, 1e-9, 30))), q))
