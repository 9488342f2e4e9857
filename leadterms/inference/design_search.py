"""The search for an optimal design: weights by a convex programme, new points where the sensitivity is largest.

Each round optimises the weights of the points at hand, merges those that belong together, moves points and weights
jointly (scipy's SLSQP), and adds the point at which the sensitivity exceeds its bound most; it ends when the general
equivalence theorem holds (Yang, Biedermann and Tang 2013, JASA, have the idea of this scheme). The answer is then
sharpened by solving the conditions phi(x_i) = bound and phi'(x_i) = 0 of the theorem for weights and interior points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadterms.errors import EvaluationError
from leadterms.inference.design_information import DesignModel, DesignVariance, Nodes, design_variance
from leadterms.inference.design_region import Region
from leadterms.inference.design_weights import Array
from leadterms.inference.equivalence import Criterion, largest_sensitivity

COARSE = {1: 9, 2: 5, 3: 3}
"""Points in each direction of the first design, by the number of predictors."""
SEARCHED = {1: 201, 2: 31, 3: 13}
"""Points in each direction of the grid on which new points are looked for."""
SPARED = 1e-6
"""Share of a base design where the optimum itself is singular."""
LEAST_WEIGHT = 1e-6
"""Points of less weight are left out, unless the information is singular without them."""
SAME = 1e-4
"""Points nearer than this part of the region are one."""
ROUNDS = 40
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
MULTIPLICATIVE = 120
"""Steps of the multiplicative algorithm before the convex programme: they cannot go astray."""
SMALL = 0.02
"""Of the mean weight: less is left out after these steps."""

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class Found:
    """A design that was found.

    Parameters
    ----------
    points, weights
        N x p and N.

    """

    points: Array
    weights: Array


@dataclass(frozen=True)
class Search:
    """What is optimised.

    Parameters
    ----------
    model, criterion, region, nodes
        The problem.
    base
        A design that gets the share SPARED of the mass, the design that is searched for the rest; None for all mass.
        It keeps the information regular. At the optimum of such mixtures phi <= k := int phi d xi, and the bound is
        (1 - SPARED) k + SPARED int phi d base >= (1 - SPARED) k: the efficiency is at least 1 - SPARED.

    """

    model: DesignModel
    criterion: Criterion
    region: Region
    nodes: Nodes
    base: Found | None = None

    def whole(self, design: Found) -> Found:
        """Return the design together with the base."""
        if self.base is None:
            return design
        weights = np.concatenate([(1 - SPARED) * design.weights, SPARED * self.base.weights])
        return Found(np.vstack([design.points, self.base.points]), weights)

    def variance(self, design: Found) -> DesignVariance:
        """Return V of a design, the base included."""
        whole = self.whole(design)
        return design_variance(self.model, whole.points, whole.weights, self.nodes)

    def relative(self, variance: DesignVariance, points: Array) -> Array:
        """Return phi over its bound, times the share of the mass that is free."""
        relative = self.criterion.relative(variance, points)
        return relative if self.base is None else (1 - SPARED) * relative

    def logarithm(self, design: Found) -> float:
        """Return the logarithm of the criterion; infinite where the information is singular."""
        try:
            return self.criterion.logarithm(self.variance(design))
        except EvaluationError:
            return np.inf


class SingularOptimumError(Exception):
    """Points of next to no weight cannot be left out: the optimum leaves some effect without information."""


def base_design(problem: Search) -> Found:
    """Return equal weights on as many points as there are effects, chosen from a coarse grid by pivoting."""
    from scipy.linalg import qr

    points = problem.region.grid(COARSE[len(problem.region.axes)])
    _, _, order = qr(problem.model.columns(points).T, pivoting=True, mode="economic")
    number = problem.model.contrasts.shape[0]
    return Found(points[np.sort(order[:number])], np.full(number, 1 / number))


def first_design(region: Region) -> Found:
    """Return equal weights on a coarse grid."""
    points = region.grid(COARSE[len(region.axes)])
    return Found(points, np.full(len(points), 1 / len(points)))


def search(problem: Search, tolerance: float, progress: Progress | None = None, start: Found | None = None) -> Found:
    """Return a design whose sensitivity exceeds its bound by no more than a relative tolerance, if there is time.

    Parameters
    ----------
    problem
        What is optimised.
    tolerance
        Of the sensitivity.
    progress
        Called after each round with its number and the relative excess of the sensitivity.
    start
        A design that is near; None for one on a coarse grid.

    Raises
    ------
    SingularOptimumError
        If the optimum is singular, and there is no base.

    """
    design = _multiplicative(problem, first_design(problem.region)) if start is None else start
    number = SEARCHED[len(problem.region.axes)]
    best, smallest = design, np.inf
    for turn in range(ROUNDS):
        design = _weighted(problem, design)
        design = _moved(problem, _merged(problem, design, 0.05 * 0.7**turn))
        design = _merged(problem, _without_small(problem, design), SAME)
        if problem.base is None and design.weights.min() <= LEAST_WEIGHT:
            raise SingularOptimumError
        design = _sharpened(problem, _fewer(problem, design))
        point, largest = largest_sensitivity(problem.criterion, problem.variance(design), problem.region, number)
        if progress is not None:
            progress(turn + 1, max(largest - 1, 0.0))
        if largest < smallest:
            best, smallest = design, largest
        if largest <= 1 + tolerance:
            break
        design = _added(problem, design, point)
    return _rounded(problem, best)


def _multiplicative(problem: Search, design: Found) -> Found:
    """Multiply each weight by the square root of its relative sensitivity: the criterion falls at each step.

    Points whose weight becomes small are left out: the rounds that follow bring back those that are needed.
    """
    for _ in range(MULTIPLICATIVE):
        relative = problem.relative(problem.variance(design), design.points)
        weights = design.weights * np.sqrt(relative)
        weights = np.maximum(weights / weights.sum(), LEAST_WEIGHT)
        design = Found(design.points, weights / weights.sum())
    keep = design.weights > SMALL / len(design.weights)
    fewer = Found(design.points[keep], design.weights[keep] / design.weights[keep].sum())
    return fewer if np.isfinite(problem.logarithm(fewer)) else design


def _weighted(problem: Search, design: Found) -> Found:
    """Return the best weights of the points: a convex programme."""

    def objective(weights: Array) -> tuple[float, Array]:
        variance = problem.variance(Found(design.points, weights))
        gradient = -problem.relative(variance, design.points)
        return problem.criterion.logarithm(variance), gradient

    return _better(problem, design, _constrained(objective, design.weights, len(design.weights)), lambda z: z)


def _moved(problem: Search, design: Found) -> Found:
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
        slopes = _slopes(problem, variance, at)
        return problem.criterion.logarithm(variance), -np.concatenate(
            [relative, (z[:number, None] * slopes * width).ravel()]
        )

    start = np.concatenate([design.weights, ((design.points[:, free] - low[free]) / width).ravel()])
    found = _constrained(objective, start, number)
    return _better(problem, design, found, lambda z: z[:number], points)


def _slopes(problem: Search, variance: DesignVariance, points: Array) -> Array:
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
    slopes: Array = np.stack(found, axis=1)
    return slopes


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


def _merged(problem: Search, design: Found, distance: float) -> Found:
    """Merge points whose distance is a small part of the region into their mean by weight."""
    low, high = problem.region.bounds
    width = np.where(high > low, high - low, 1.0)
    points: list[Array] = []
    weights: list[float] = []
    for index in np.argsort(-design.weights):
        point, weight = design.points[index], float(design.weights[index])
        for k, other in enumerate(points):
            near = np.abs(point - other) / width
            if np.all(near[problem.region.free] < distance) and np.all(near[np.logical_not(problem.region.free)] == 0):
                total = weights[k] + weight
                points[k] = (weights[k] * other + weight * point) / total
                weights[k] = total
                break
        else:
            points.append(point)
            weights.append(weight)
    merged = Found(np.array(points), np.array(weights))
    return merged if np.isfinite(problem.logarithm(merged)) else design


def _without_small(problem: Search, design: Found) -> Found:
    """Leave out points of next to no weight, if the others carry the information."""
    keep = design.weights > LEAST_WEIGHT
    weights = design.weights[keep]
    other = Found(design.points[keep], weights / weights.sum())
    return other if problem.logarithm(other) <= problem.logarithm(design) + 10 * LEAST_WEIGHT else design


def _fewer(problem: Search, design: Found) -> Found:
    """Leave out points one by one as long as the others do as well: optimal weights need not be unique."""
    while len(design.weights) > (1 if problem.base is not None else problem.model.contrasts.shape[0]):
        for index in np.argsort(design.weights):
            keep = np.arange(len(design.weights)) != index
            weights = design.weights[keep]
            other = Found(design.points[keep], weights / weights.sum())
            if np.isfinite(problem.logarithm(other)):
                other = _weighted(problem, other)
            if problem.logarithm(other) <= problem.logarithm(design) + 1e-12:
                design = other
                break
        else:
            break
    return design


def _added(problem: Search, design: Found, point: Array) -> Found:
    """Give a new point a tenth of the mass, or as little of it as makes the design better."""
    points = np.vstack([design.points, point])
    before = problem.logarithm(design)
    for share in (0.1, 0.03, 0.01, 1e-3, 1e-4):
        other = Found(points, np.append((1 - share) * design.weights, share))
        if problem.logarithm(other) < before:
            return other
    return other


def _sharpened(problem: Search, design: Found) -> Found:
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
        slopes = _slopes(problem, variance, moved.points)
        return np.concatenate([alike, slopes[rows, place[columns]] * width[columns]])

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


def _rounded(problem: Search, design: Found) -> Found:
    """Return the design with its base, in the order of its points and with the digits that are trusted."""
    design = problem.whole(design)
    points, place = np.unique(problem.region.rounded(design.points), axis=0, return_inverse=True)
    weights: Array = np.zeros(len(points))
    np.add.at(weights, place.ravel(), design.weights)
    weights = np.round(weights, 9)
    weights[np.argmax(weights)] += 1 - weights.sum()
    return Found(points, weights)
