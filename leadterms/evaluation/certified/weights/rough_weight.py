"""Rough values of a weight at many real points, without proof: they set tolerances, and enter no bound."""

from __future__ import annotations

import numpy as np
from flint import arb

from leadterms.evaluation.certified.tools.discs import Reals
from leadterms.evaluation.certified.weights.weight_base import WeightBalls

STEP = 0.25
STEADY = 256.0
"""Within it remembered points are one step apart, beyond it each is farther out than the last by the same factor."""
FACTOR = 1.05
FARTHEST = 1e12
"""Beyond it nothing is remembered."""


class RoughWeight:
    """The logarithm of a weight, linear between remembered points."""

    def __init__(self, weight: WeightBalls) -> None:
        self._weight = weight
        self._known: dict[int, float] = {}

    def logarithms(self, etas: Reals) -> Reals:
        """Return log |w|, -inf where it has no value."""
        known = np.abs(etas) < FARTHEST
        at = np.where(known, etas, 0)
        places, where = np.unique(np.floor(_place(at)).astype(int), return_inverse=True)
        ends = np.array([(self._at(i), self._at(i + 1)) for i in places.tolist()]).reshape(-1, 2)[where.reshape(-1)]
        low, high = _point(places)[where.reshape(-1)], _point(places + 1)[where.reshape(-1)]
        share = (at - low) / (high - low)
        with np.errstate(invalid="ignore"):
            found = ends[:, 0] * (1 - share) + ends[:, 1] * share
        # next to a pole of the weight one of the points has no value
        found = np.where(np.isnan(found), -np.inf, found)
        alone = np.where(np.abs(etas) < STEADY, ~np.isfinite(found), ~known)
        for n in np.flatnonzero(alone & np.isfinite(etas)):
            found[n] = self._logarithm(float(etas[n]))
        return found

    def _at(self, i: int) -> float:
        if i not in self._known:
            self._known[i] = self._logarithm(float(_point(np.array([i]))[0]))
        return self._known[i]

    def _logarithm(self, eta: float) -> float:
        # far out exponents may be too large for balls
        value = self._weight.at(arb(eta)).abs_upper()
        return float(value.log()) if value.is_finite() and value > 0 else -np.inf


def _place(etas: Reals) -> Reals:
    """Return where numbers are among the remembered points, which have whole places."""
    sizes = np.abs(etas)
    beyond = np.log(np.maximum(sizes / STEADY, 1.0)) / np.log(FACTOR)
    return np.asarray(np.sign(etas) * (np.minimum(sizes, STEADY) / STEP + beyond))


def _point(places: Reals) -> Reals:
    """Return the points of places, the inverse of `_place`."""
    sizes, steady = np.abs(places), STEADY / STEP
    return np.asarray(np.sign(places) * np.minimum(sizes, steady) * STEP * FACTOR ** np.maximum(sizes - steady, 0.0))
