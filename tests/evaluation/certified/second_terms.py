"""Leading and second terms of models with a few fixed and random effects by sums in double precision, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any
STEP, REACH = 0.1, 9.0
"""Of the trapezoidal rule over standard normal effects."""


def second_term(
    weight: Callable[[Array], Array],
    points: tuple[Array, Array],
    random: Sequence[int],
    beta: Sequence[float],
    covariance: Sequence[Sequence[float]],
    entry: int,
    step: float = STEP,
) -> float:
    """Return the diagonal entry of E[H_AA^-1] + R G^-1 R', R = E[H_AA^-1 H_AB], G = E[H_BB - H_BA H_AA^-1 H_AB].

    Parameters
    ----------
    weight
        w(eta).
    points
        Of x, with their masses.
    random
        Of the columns 1 and x those with random effects.
    beta, covariance
        Of both columns, and of the random effects.
    entry
        Which random effect.
    step
        Of the rule.

    """
    x, masses = points
    design = np.stack([np.ones_like(x), x])
    return float(both_terms(weight, (design, masses), random, beta, covariance, step)[1][entry, entry])


def both_terms(
    weight: Callable[[Array], Array],
    points: tuple[Array, Array],
    random: Sequence[int],
    beta: Sequence[float],
    covariance: Sequence[Sequence[float]],
    step: float = STEP,
    reach: float = REACH,
) -> tuple[Array, Array]:
    """Return G^-1 and E[H_AA^-1] + R G^-1 R' with the columns of the design, by rows, in place of those of 1 and x."""
    design, masses = points
    line = np.arange(-round(reach / step), round(reach / step) + 1) * step
    z = np.stack([grid.ravel() for grid in np.meshgrid(*[line] * len(random))], axis=1)
    p = np.exp(-(z**2).sum(1) / 2) * (step / np.sqrt(2 * np.pi)) ** len(random)
    effects = z @ np.linalg.cholesky(np.asarray(covariance, float)).T
    w = masses * weight(np.asarray(beta) @ design + effects @ design[list(random)])
    information = np.einsum("ui,ai,bi->uab", w, design, design, optimize=True)
    fixed = [k for k in range(len(design)) if k not in random]
    leading = np.zeros((0, 0))
    inverse = np.linalg.inv(information[:, list(random)][:, :, list(random)])
    total = np.einsum("u,uab->ab", p, inverse)
    if fixed:
        across = information[:, list(random)][:, :, fixed]
        regression = np.einsum("u,uab->ab", p, inverse @ across)
        left = information[:, fixed][:, :, fixed] - across.transpose(0, 2, 1) @ inverse @ across
        leading = np.linalg.inv(np.einsum("u,uab->ab", p, left))
        total += regression @ leading @ regression.T
    return leading, total


def uniform(low: float, high: float, count: int = 60) -> tuple[Array, Array]:
    """Return Gauss-Legendre points and masses of a uniform law."""
    x, masses = np.polynomial.legendre.leggauss(count)
    return (low + high) / 2 + (high - low) / 2 * x, masses / 2


def normal(count: int = 400) -> tuple[Array, Array]:
    """Return points and masses of the standard normal law."""
    x, masses = uniform(-14, 14, count)
    return x, 28 * masses * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
