r"""Weights with a small constant added, v = w + ridge, in balls: off the real line they stay in a sector.

No sector holds w itself: far out its argument changes ever faster.  But there |w| is next to nothing, and less than the
ridge.  On intervals of x = Re eta, for |Im eta| <= y (`bounded_arrays`),

    |arg w| <= y sup|kappa x + Re e|,    |w(x + iy)|/w(x) <= e^(y sup|Im e| - kappa y^2/2 or 0),    |w| <= r,

the first two as in `turning`.  With t = |arg w| <= pi/2 and |w| <= r

    |arg(w + ridge)| <= arctan{r sin t/(ridge + r cos t)},

which rises with r, and with t: its derivative by t has the sign of r (r + ridge cos t).  Where t is unknown or larger,
and r < ridge, it is at most arcsin(r/ridge).  And |w + ridge|/(w(x) + ridge) is at most max(1, |w|/w(x)), and
at most (r + ridge)/(least w + ridge), which falls with the ridge where r is not below the least w.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import arb

from leadterms.evaluation.certified.tools.balls import NAN, Ball, End
from leadterms.evaluation.certified.tools.discs import TINY, Reals, upwards
from leadterms.evaluation.certified.weights.bounded_arrays import BoundedArrays, Scaled
from leadterms.evaluation.certified.weights.remembered import Kind
from leadterms.evaluation.certified.weights.weight_base import WeightBalls
from leadterms.model.weights import Weight

STEPS = 32
"""Intervals in a unit of x."""
SMALL = 1e-3
"""Where |w| is at most so much of the ridge the intervals end."""
FARTHEST = 4000
ROUNDED = 1 + 1e-9
"""By so much what is computed in doubles is widened: far more than that rounds."""
NEVER = 1e6


class RidgedBalls(WeightBalls):
    """w + ridge."""

    def __init__(self, weight: Weight, base: WeightBalls, ridge: Ball) -> None:
        super().__init__(weight)
        self._base, self._ridge = base, ridge
        self.log_only = base.log_only
        self.real_units = base.real_units

    def at(self, eta: Ball) -> Ball:
        """Return w + ridge at a real eta."""
        return self._base.at(eta) + self._ridge

    def of_exponential(self, q: Ball) -> Ball:
        """Return w(log q) + ridge."""
        return self._base.of_exponential(q) + self._ridge

    def on(self, box: Ball) -> Ball:
        """Return an enclosure over a complex box."""
        return self._base.on(box) + self._ridge

    def steepness(self, box: Ball) -> Ball:
        """|w'|/|w + ridge|, |w'| by the bound of |w'/w|."""
        size = self._base.on(box)
        below = (size + self._ridge).abs_lower()
        return (self._base.steepness(box) * size.abs_upper() / below).abs_upper() if below > 0 else NAN

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """Add the ridge to the bound of |w|."""
        return self._base.modulus(low, high, height) + self._ridge

    def least(self, low: Ball, high: Ball) -> Ball:
        """Add the ridge to the least w."""
        return (self._base.least(low, high) + self._ridge).lower()

    def angle(self, height: Ball) -> Ball:
        """See the module."""
        return arb(self._turned(height).angle) if height < NEVER else NAN

    def gain(self, height: Ball) -> Ball:
        """See the module."""
        return arb(self._turned(height).gain) if height < NEVER else NAN

    def _turned(self, height: Ball) -> _Turned:
        kind: Kind = type(self._base)
        ratio = self._ridge / self._base.scale
        return _turned(kind, float(ratio.lower()) / ROUNDED, upwards(ratio) * ROUNDED, upwards(height))


@dataclass(frozen=True)
class _Turned:
    """Bounds of |arg v| and of |v| over v at the real part; infinite where nothing is known."""

    angle: float
    gain: float


@lru_cache(maxsize=1024)
def _turned(kind: Kind, low: float, high: float, height: float) -> _Turned:
    """Return these bounds for a weight of scale 1 with a ridge in an interval."""
    arrays = BoundedArrays(kind)
    x = np.arange(*_range(kind, low)) / STEPS
    lows, highs = np.concatenate([[-np.inf], x]), np.concatenate([x, [np.inf]])
    across = np.full(len(lows), height)
    most, least = _above(arrays.tops(lows, highs, across)), _below(arrays.leasts(lows, highs))
    rests = arrays.rests(lows, highs, across)
    far = arrays.factor * np.maximum(np.abs(lows), np.abs(highs)) if arrays.factor else np.zeros(len(lows))
    turn = height * (np.abs(far) + np.abs(rests.middles) + rests.halves) * ROUNDED
    known = (turn < np.pi / 2 / ROUNDED) & np.isfinite(most)
    t, r = np.where(known, turn, 0.0), np.where(np.isfinite(most), most, 0.0)
    by_turn = np.where(known, np.arctan(r * np.sin(t) / (low + r * np.cos(t))), np.inf)
    by_size = np.where(most < low, np.arcsin(np.minimum(1.0, r / low)), np.inf)
    grown = height * rests.across + max(0.0, -arrays.factor) * height**2 / 2
    grown = np.where(grown < 700, np.exp(np.minimum(grown, 700.0)), np.inf)
    gains = np.minimum(grown, (most + low) / (least + low))
    angle = float(np.minimum(by_turn, by_size).max()) * ROUNDED
    return _Turned(angle, max(1.0, float(gains.max())) * ROUNDED)


def _range(kind: Kind, ridge: float) -> tuple[int, int]:
    """Return ends, in steps, beyond which a weight is a small part of the ridge."""
    arrays, ends = BoundedArrays(kind), []
    for sign in (-1, 1):
        end = 1
        while end < FARTHEST and _above(arrays.leasts(*(np.array([float(sign * end)]),) * 2))[0] > SMALL * ridge:
            end += 1
        ends.append(sign * end * STEPS)
    return ends[0], ends[1] + 1


def _above(scaled: Scaled) -> Reals:
    """Return doubles that are not below: what is below `TINY` may have lost digits."""
    return scaled.over(0) + TINY


def _below(scaled: Scaled) -> Reals:
    """Return doubles that are not above numbers that are not negative."""
    return np.maximum(scaled.over(0) - TINY, 0.0)
