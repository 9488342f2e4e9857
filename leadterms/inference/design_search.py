"""The search for an optimal design: weights by a convex programme, new points where the sensitivity is largest.

Each round optimises the weights of the points at hand, merges those that belong together, moves points and weights
jointly (scipy's SLSQP), and adds the point at which the sensitivity exceeds its bound most; it ends when the general
equivalence theorem holds (Yang, Biedermann and Tang 2013, JASA, have the idea of this scheme). The answer is then
sharpened by solving the conditions phi(x_i) = bound and phi'(x_i) = 0 of the theorem for weights and interior points.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from leadterms.inference.design_candidates import (
    LEAST_WEIGHT,
    Found,
    Search,
    SingularOptimumError,
    first_design,
    merged,
    ordered,
    without_small,
)
from leadterms.inference.design_steps import moved_jointly, sharpened, with_best_weights
from leadterms.inference.design_weights import Array
from leadterms.inference.equivalence import largest_sensitivity

SEARCHED = {1: 201, 2: 31, 3: 13}
"""Points in each direction of the grid on which new points are looked for."""
SAME = 1e-4
"""Points nearer than this part of the region are one."""
ROUNDS = 40
MULTIPLICATIVE = 120
"""Steps of the multiplicative algorithm before the convex programme: they cannot go astray."""
SMALL = 0.02
"""Of the mean weight: less is left out after these steps."""

RoundProgress = Callable[[int, float], None]
"""Called after each round with its number and the relative excess of the sensitivity."""


def search(
    problem: Search, tolerance: float, progress: RoundProgress | None = None, start: Found | None = None
) -> Found:
    """Return a design whose sensitivity exceeds its bound by no more than a relative tolerance, if there is time.

    Parameters
    ----------
    problem
        What is optimised.
    tolerance
        Of the sensitivity.
    progress
        Called after each round.
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
        design = with_best_weights(problem, design)
        design = moved_jointly(problem, merged(problem, design, 0.05 * 0.7**turn))
        design = merged(problem, without_small(problem, design), SAME)
        if problem.base is None and design.weights.min() <= LEAST_WEIGHT:
            raise SingularOptimumError
        design = sharpened(problem, _fewer(problem, design))
        point, largest = largest_sensitivity(problem.criterion, problem.variance(design), problem.region, number)
        if progress is not None:
            progress(turn + 1, max(largest - 1, 0.0))
        if largest < smallest:
            best, smallest = design, largest
        if largest <= 1 + tolerance:
            break
        design = _added(problem, design, point)
    return ordered(problem, best)


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


def _fewer(problem: Search, design: Found) -> Found:
    """Leave out points one by one as long as the others do as well: optimal weights need not be unique."""
    while len(design.weights) > (1 if problem.base is not None else problem.model.contrasts.shape[0]):
        for index in np.argsort(design.weights):
            keep = np.arange(len(design.weights)) != index
            weights = design.weights[keep]
            other = Found(design.points[keep], weights / weights.sum())
            if np.isfinite(problem.logarithm(other)):
                other = with_best_weights(problem, other)
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
