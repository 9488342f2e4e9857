"""Designs during a search: their criterion, where a search starts, and points that are merged or left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadterms.errors import EvaluationError
from leadterms.inference.design_information import DesignModel, DesignVariance, Nodes, design_variance
from leadterms.inference.design_region import Region
from leadterms.inference.design_weights import Array
from leadterms.inference.equivalence import Criterion

COARSE = {1: 9, 2: 5, 3: 3}
"""Points in each direction of the first design, by the number of predictors."""
SPARED = 1e-6
"""Share of a base design where the optimum itself is singular."""
LEAST_WEIGHT = 1e-6
"""Points of less weight are left out, unless the information is singular without them."""


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


def merged(problem: Search, design: Found, distance: float) -> Found:
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
    fewer = Found(np.array(points), np.array(weights))
    return fewer if np.isfinite(problem.logarithm(fewer)) else design


def without_small(problem: Search, design: Found) -> Found:
    """Leave out points of next to no weight, if the others carry the information."""
    keep = design.weights > LEAST_WEIGHT
    weights = design.weights[keep]
    other = Found(design.points[keep], weights / weights.sum())
    return other if problem.logarithm(other) <= problem.logarithm(design) + 10 * LEAST_WEIGHT else design


def ordered(problem: Search, design: Found) -> Found:
    """Return the design with its base, in the order of its points and with the digits that are trusted."""
    design = problem.whole(design)
    points, place = np.unique(problem.region.rounded(design.points), axis=0, return_inverse=True)
    weights: Array = np.zeros(len(points))
    np.add.at(weights, place.ravel(), design.weights)
    weights = np.round(weights, 9)
    weights[np.argmax(weights)] += 1 - weights.sum()
    return Found(points, weights)
