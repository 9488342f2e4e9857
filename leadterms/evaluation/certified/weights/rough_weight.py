"""Rough values of a weight at many real points, without proof: they set tolerances, and enter no bound."""

from __future__ import annotations

import numpy as np
from flint import arb

from leadterms.evaluation.certified.tools.discs import Reals
from leadterms.evaluation.certified.weights.weight_base import WeightBalls

STEP = 0.25
FARTHEST = 256.0
"""Beyond it nothing is remembered."""


class RoughWeight:
    """The logarithm of a weight, linear between remembered points."""

    def __init__(self, weight: WeightBalls) -> None:
        self._weight = weight
        self._known: dict[int, float] = {}

    def logarithms(self, etas: Reals) -> Reals:
        """Return log |w|, -inf where it has no value."""
        near = np.abs(etas) < FARTHEST
        at = np.where(near, etas, 0) / STEP
        below = np.floor(at)
        places, where = np.unique(below.astype(int), return_inverse=True)
        ends = np.array([(self._at(i), self._at(i + 1)) for i in places.tolist()]).reshape(-1, 2)[where.reshape(-1)]
        share = at - below
        with np.errstate(invalid="ignore"):
            found = ends[:, 0] * (1 - share) + ends[:, 1] * share
        # next to a pole of the weight one of the points has no value
        found = np.where(np.isnan(found), -np.inf, found)
        for n in np.flatnonzero(~(near & np.isfinite(found)) & np.isfinite(etas)):
            found[n] = self._logarithm(float(etas[n]))
        return found

    def _at(self, i: int) -> float:
        if i not in self._known:
            self._known[i] = self._logarithm(i * STEP)
        return self._known[i]

    def _logarithm(self, eta: float) -> float:
        # far out exponents may be too large for balls
        value = self._weight.at(arb(eta)).abs_upper()
        return float(value.log()) if value.is_finite() and value > 0 else -np.inf
