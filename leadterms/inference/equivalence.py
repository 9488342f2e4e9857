r"""Criteria of a design, and the general equivalence theorem as a check of one.

V = phi L'K L is the covariance coefficient of s contrasts (`leadterms.inference.design_information`). The criteria are

- c: V itself, s = 1;  A: tr V;  with the sensitivity phi(x) = tr T(x) and the bound Phi = tr V;
- D: det V;            with the sensitivity phi(x) = tr{V^{-1} T(x)} and the bound s.

In each the directional derivative of the criterion (of log det V for D) towards unit mass at x is bound - phi(x), and
phi averages to the bound over the design: **a design is optimal exactly if phi(x) <= bound on the region**, with
equality at its points, wherever the criterion is convex in the design.

**Efficiency.**  With M the maximum of phi over the region, the efficiency Phi(xi*)/Phi(xi) (for D its s-th root) is at
least bound/M. *c and A*: Phi is convex and homogeneous of degree -1 in the measure, so for t > 0 Phi(xi*)/t = Phi(t
xi*) >= Phi(xi) - int phi d(t xi* - xi) >= 2 Phi(xi) - t M; take t = Phi(xi)/M. *D*, where V^{-1} is matrix concave
and homogeneous of degree 1: V(xi*)^{-1} <= V^{-1} (int T dxi*) V^{-1}, so tr{V V(xi*)^{-1}} <= M, and s times the
geometric mean of the eigenvalues is at most their sum.

V^{-1} is matrix concave for block B (G is an average of Schur complements), without random effects, and for a single
contrast. For D over several contrasts with effects of block A neither is proven: the condition is then necessary for
an optimum, and the record says so.

The maximum over the region is taken on a grid and refined locally: it is a search, not a proof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadterms.errors import ModelError
from leadterms.inference.design_information import DesignVariance
from leadterms.inference.design_region import Region
from leadterms.inference.design_weights import Array

CRITERIA = ("c", "A", "D")
GRID = {1: 1001, 2: 61, 3: 21}
"""Points in each direction of the grid of the check, by the number of predictors."""
REFINED = 6
"""So many of the largest local maxima on the grid are refined."""


def check_criterion(criterion: str, contrasts: int) -> None:
    """Refuse an unknown criterion, or c for several contrasts.

    Raises
    ------
    ModelError
        With what to change.

    """
    if criterion not in CRITERIA:
        raise ModelError(f"a criterion is one of {', '.join(CRITERIA)}, not {criterion!r}")
    if criterion == "c" and contrasts != 1:
        raise ModelError(
            f"the c-criterion is the variance of one coefficient or contrast, and {contrasts} are asked for: name one, "
            "or ask for the A- or D-criterion"
        )


@dataclass(frozen=True)
class Criterion:
    """A criterion of designs: what is minimised, and its sensitivity."""

    name: str

    def value(self, variance: DesignVariance) -> float:
        """Return V, tr V or det V."""
        return float(np.linalg.det(variance.matrix) if self.name == "D" else np.trace(variance.matrix))

    def bound(self, variance: DesignVariance) -> float:
        """Return what the sensitivity may not exceed: s for D, else the value."""
        return float(len(variance.matrix)) if self.name == "D" else self.value(variance)

    def logarithm(self, variance: DesignVariance) -> float:
        """Return the logarithm of the value, for D of its s-th root."""
        if self.name != "D":
            return float(np.log(self.value(variance)))
        return float(np.linalg.slogdet(variance.matrix)[1] / len(variance.matrix))

    def sensitivity(self, variance: DesignVariance, points: Array) -> Array:
        """Return phi at each of the points."""
        size = len(variance.matrix)
        if self.name != "D":
            return variance.gradient(points, np.eye(size))
        return variance.gradient(points, np.linalg.inv(np.linalg.cholesky(variance.matrix)).T)

    def relative(self, variance: DesignVariance, points: Array) -> Array:
        """Return phi over its bound: at most one for an optimal design."""
        value: Array = self.sensitivity(variance, points) / self.bound(variance)
        return value


@dataclass(frozen=True)
class Equivalence:
    """The check of the general equivalence theorem.

    Parameters
    ----------
    largest
        Maximum of the sensitivity over the region, on a grid and refined.
    where
        A point where it is taken.
    bound
        What it is at an optimal design.
    sufficient
        Whether the theorem is proven for the criterion: else the condition is only necessary.
    checked
        Points of the grid.

    """

    largest: float
    where: tuple[float, ...]
    bound: float
    sufficient: bool
    checked: int

    @property
    def gap(self) -> float:
        """By how much the sensitivity exceeds its bound, over the bound; zero at an optimal design."""
        return max(self.largest / self.bound - 1, 0.0)

    @property
    def efficiency(self) -> float:
        """A lower bound of the efficiency of the design."""
        return 1 / (1 + self.gap)


def equivalence(criterion: Criterion, variance: DesignVariance, region: Region) -> Equivalence:
    """Return the check of a design: the sensitivity's maximum over the region against its bound."""
    point, largest = largest_sensitivity(criterion, variance, region, GRID[len(region.axes)])
    bound = criterion.bound(variance)
    model = variance.model
    sufficient = criterion.name != "D" or len(variance.matrix) == 1 or not model.touches_random
    checked = len(region.grid(GRID[len(region.axes)]))
    return Equivalence(largest * bound, tuple(map(float, point)), bound, sufficient, checked)


def largest_sensitivity(
    criterion: Criterion, variance: DesignVariance, region: Region, number: int
) -> tuple[Array, float]:
    """Return where the relative sensitivity is largest and its value: on a grid, refined about its local maxima."""
    grid = region.grid(number)
    values = criterion.relative(variance, grid)
    best = int(np.argmax(values))
    point, largest = grid[best], float(values[best])
    for start in _local_maxima(values, grid, region, number):
        refined = _refined(criterion, variance, region, grid[start], number)
        value = float(criterion.relative(variance, refined[None, :])[0])
        if value > largest:
            point, largest = refined, value
    return point, largest


def _local_maxima(values: Array, grid: Array, region: Region, number: int) -> list[int]:
    """Return the indices of the largest local maxima among neighbours along the axes."""
    shape = [len(axis.line(number)) for axis in region.axes]
    table = values.reshape(shape)
    peak = np.ones(shape, dtype=bool)
    for direction in range(len(shape)):
        moved = np.moveaxis(table, direction, 0)
        higher = np.moveaxis(peak, direction, 0)
        higher[1:] &= moved[1:] >= moved[:-1]
        higher[:-1] &= moved[:-1] >= moved[1:]
    found = np.flatnonzero(peak.ravel())
    return [int(index) for index in found[np.argsort(-values[found])][:REFINED]]


def _refined(criterion: Criterion, variance: DesignVariance, region: Region, start: Array, number: int) -> Array:
    """Return the local maximum of the sensitivity within a step of the grid about a point."""
    from scipy.optimize import minimize, minimize_scalar

    free = np.flatnonzero(region.free)
    if not len(free):
        return start
    low, high = region.bounds
    step = (high - low) / (number - 1)
    lower, upper = np.maximum(start - step, low)[free], np.minimum(start + step, high)[free]

    def negative(coordinates: Array) -> float:
        point = start.copy()
        point[free] = lower + coordinates * (upper - lower)
        return -float(criterion.relative(variance, point[None, :])[0])

    if len(free) == 1:
        found = np.atleast_1d(minimize_scalar(negative, bounds=(0, 1), method="bounded", options={"xatol": 1e-9}).x)
    else:
        inside = (start[free] - lower) / (upper - lower)
        found = minimize(negative, inside, bounds=[(0, 1)] * len(free), method="L-BFGS-B").x
    point = start.copy()
    point[free] = lower + found * (upper - lower)
    return point
