"""Averages over normal random effects in double precision, by the trapezoidal rule on the Gaussian-weighted grid.

For an integrand that is analytic in a strip around the real space the error falls like e^(-2 pi a/h), a the half-width
of the strip and h the step (Trefethen and Weideman 2014, SIAM Review 56, 385-458): faster than that of Gauss-Hermite
nodes where poles are near, as those of a logistic weight are for a large Sigma.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from leadterms.errors import EvaluationError

Array = NDArray[np.float64]

TOLERANCE = 1e-10
"""Two steps that agree to this, relative to the scale of the entries, are stable."""
EDGE = 1e-13
"""What the outermost shell may contribute, relative to the scale."""
MOST_NODES = 400_000
CHUNK = 4096
FIRST_STEP, FIRST_REACH, LAST_REACH = 1.0, 8.0, 36.0


def average_over_grid(
    integrand: Callable[[Array], Array], scale: Callable[[Array], Array], dimension: int
) -> tuple[Array, float]:
    """Return E[f(Z)] for Z ~ N(0, I), and an estimate of its error relative to the scale.

    Parameters
    ----------
    integrand
        From K x d nodes to K x q values.
    scale
        From the q averages to the size that the error of each is measured by.
    dimension
        d.

    Returns
    -------
    tuple
        q averages, and the largest change when the step was shortened last: a bound of the error in practice, which
        falls faster than the changes do; not a proven one.

    Raises
    ------
    EvaluationError
        If the average is not stable with the most nodes that are used.

    """
    reach, (value, edge) = FIRST_REACH, _sums(integrand, dimension, FIRST_STEP, FIRST_REACH)
    while np.any(edge > EDGE * scale(value)) and reach < LAST_REACH:
        reach += 2
        value, edge = _sums(integrand, dimension, FIRST_STEP, reach)
    if np.any(edge > EDGE * scale(value)):
        raise EvaluationError(
            "an average over the random effects has heavy tails at the estimates and is not settled in double "
            "precision: ask for one term, or give laws and use wald(model, ...)"
        )
    step = FIRST_STEP
    while True:
        step /= sqrt(2)
        if (2 * reach / step) ** dimension > MOST_NODES:
            raise EvaluationError(
                f"an average over the random effects is not stable to {TOLERANCE:.0e} with {MOST_NODES} nodes: ask "
                "for one term, or give laws and use wald(model, ...)"
            )
        finer, _ = _sums(integrand, dimension, step, reach)
        change = float(np.max(np.abs(finer - value) / scale(finer)))
        value = finer
        if change <= TOLERANCE:
            return value, change


def _sums(integrand: Callable[[Array], Array], dimension: int, step: float, reach: float) -> tuple[Array, Array]:
    """Return the sum over the nodes in a ball, and the sum of sizes over its outer shell."""
    line = step * np.arange(-int(reach / step), int(reach / step) + 1)
    grid = np.stack(np.meshgrid(*[line] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    squares = np.sum(grid**2, axis=1)
    inside = squares <= reach**2
    grid, squares = grid[inside], squares[inside]
    weights = np.exp(-squares / 2) * (step / np.sqrt(2 * pi)) ** dimension
    total, edge = np.zeros(1), np.zeros(1)
    for start in range(0, len(grid), CHUNK):
        part = slice(start, start + CHUNK)
        values = integrand(grid[part])
        if not np.all(np.isfinite(values)):
            raise EvaluationError(
                "the information given the random effects is out of the range of double precision at the estimates: "
                "rescale the predictors, or give laws and use wald(model, ...)"
            )
        total = total + weights[part] @ values
        outer = squares[part] > (reach - 1) ** 2
        edge = edge + weights[part][outer] @ np.abs(values[outer])
    return total, edge
