"""Steps of the search for a design: better weights, points moved jointly, and the conditions of optimality solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from leadterms.errors import EvaluationError
from leadterms.inference.design_candidates import Found, Search
from leadterms.inference.design_information import DesignVariance
from leadterms.inference.design_weights import Array

STEP = 2e-4
"""Of differences, as a part of the width of the region."""
_STENCILS = np.array(
    [
        [[-2, -1, 1, 2], [1 / 12, -2 / 3, 2 / 3, -1 / 12]],
        [[0, 1, 2, 2], [-3 / 2, 2, -1 / 2, 0]],
        [[0, -1, -2, -2], [3 / 2, -2, 1 / 2, 0]],
    ]
)
"""Places in steps and factors: central; towards larger and towards smaller values at an end."""


def with_best_weights(problem: Search, design: Found) -> Found:
    """Return the best weights of the points: a convex programme."""

    def objective(weights: Array) -> tuple[float, Array]:
        variance = problem.variance(Found(design.points, weights))
        gradient = -problem.relative(variance, design.points)
        return problem.criterion.logarithm(variance), gradient

    return _better(problem, design, _constrained(objective, design.weights, len(design.weights)), lambda z: z)


def moved_jointly(problem: Search, design: Found) -> Found:
    """Return points and weights moved jointly to a local optimum."""
    region = problem.region
    number = len(design.weights)
    free = np.flatnonzero(region.free)
    if not len(free):
        return design
    low, high = region.bounds
    width = high[free] - low[free]

    def points(z: Array) -> Array:
        moved = design.points.copy()
        moved[:, free] = low[free] + z[number:].reshape(number, -1) * width
        return moved

    def objective(z: Array) -> tuple[float, Array]:
        at = points(z)
        variance = problem.variance(Found(at, z[:number]))
        relative = problem.relative(variance, at)
        rises = slopes(problem, variance, at)
        return problem.criterion.logarithm(variance), -np.concatenate(
            [relative, (z[:number, None] * rises * width).ravel()]
        )

    start = np.concatenate([design.weights, ((design.points[:, free] - low[free]) / width).ravel()])
    found = _constrained(objective, start, number)
    return _better(problem, design, found, lambda z: z[:number], points)


def sharpened(problem: Search, design: Found) -> Found:
    """Solve phi(x_i) = bound, and phi'(x_i) = 0 for coordinates inside the region, by Newton's method."""
    from scipy.optimize import root

    region = problem.region
    number = len(design.weights)
    low, high = region.bounds
    width = np.where(high > low, high - low, 1.0)
    inside = region.free & (design.points > low + 1e-6 * width) & (design.points < high - 1e-6 * width)
    rows, columns = np.nonzero(inside)
    place = np.cumsum(region.free) - 1

    def unpacked(z: Array) -> Found:
        points = design.points.copy()
        points[rows, columns] = low[columns] + z[number:] * width[columns]
        return Found(points, z[:number])

    def conditions(z: Array) -> Array:
        moved = unpacked(z)
        variance = problem.variance(moved)
        relative = problem.relative(variance, moved.points)
        total = moved.weights.sum()
        alike: Array = relative - moved.weights @ relative / total + total - 1
        if not len(rows):
            return alike
        rises = slopes(problem, variance, moved.points)
        return np.concatenate([alike, rises[rows, place[columns]] * width[columns]])

    start = np.concatenate([design.weights, ((design.points - low) / width)[rows, columns]])
    try:
        found: Any = root(conditions, start, method="hybr", options={"xtol": 1e-13})
        other = unpacked(np.asarray(found.x))
    except EvaluationError:
        return design
    good = (
        np.all(np.isfinite(found.x))
        and np.all(other.weights > 0)
        and np.all((other.points >= low) & (other.points <= high))
    )
    if not good:
        return design
    other = Found(other.points, other.weights / other.weights.sum())
    return other if problem.logarithm(other) <= problem.logarithm(design) + 1e-13 else design


def slopes(problem: Search, variance: DesignVariance, points: Array) -> Array:
    """Return the derivatives of the relative sensitivity by the free coordinates, by differences of fourth order.

    They stay inside the region: near its boundary they are one-sided, of second order.
    """
    low, high = problem.region.bounds
    number = len(points)
    found = []
    for k in np.flatnonzero(problem.region.free):
        step = STEP * (high[k] - low[k])
        room_below, room_above = points[:, k] - low[k] >= 2 * step, high[k] - points[:, k] >= 2 * step
        rows = np.where(room_below & room_above, 0, np.where(room_above, 1, 2))
        places, factors = _STENCILS[rows, 0], _STENCILS[rows, 1]
        moved = np.repeat(points[:, None, :], places.shape[1], axis=1)
        moved[:, :, k] += step * places
        values = problem.relative(variance, moved.reshape(-1, points.shape[1])).reshape(number, -1)
        found.append((values * factors).sum(axis=1) / step)
    stacked: Array = np.stack(found, axis=1)
    return stacked


def _constrained(objective: Callable[[Array], tuple[float, Array]], start: Array, number: int) -> Array | None:
    """Minimise under: the first ``number`` variables sum to one, all lie between 0 and 1; None where it fails."""
    from scipy.optimize import minimize

    ones = np.concatenate([np.ones(number), np.zeros(len(start) - number)])
    floor = np.concatenate([np.full(number, 1e-9), np.zeros(len(start) - number)])
    constraint = {"type": "eq", "fun": lambda z: ones @ z - 1, "jac": lambda z: ones}
    try:
        found: Any = minimize(
            objective,
            np.clip(start, floor, 1),
            jac=True,
            bounds=[(least, 1.0) for least in floor],
            constraints=[constraint],
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 60},
        )
    except EvaluationError:
        return None
    return np.asarray(found.x) if np.all(np.isfinite(found.x)) else None


def _better(
    problem: Search,
    design: Found,
    found: Array | None,
    weights: Callable[[Array], Array],
    points: Callable[[Array], Array] | None = None,
) -> Found:
    """Return the new design if it is one and its criterion is not larger."""
    if found is None:
        return design
    mass = np.maximum(weights(found), 0)
    other = Found(design.points if points is None else points(found), mass / mass.sum())
    return other if problem.logarithm(other) <= problem.logarithm(design) else design
