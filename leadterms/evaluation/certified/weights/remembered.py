"""Weights whose enclosures over complex boxes come from values remembered on grids, for many boxes near each other.

For a box of half diagonal r a point p of the grid of a step between r/2 and r is near its midpoint.  With a bound
lambda of |w'/w| over a square around p that contains the box, |w(z)/w(p) - 1| <= e^(lambda d) - 1, d the largest
distance from p: the segments from p stay in the square.  Distances are computed in floats, and widened by far more
than floats round.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, expm1, floor, frexp, hypot
from typing import Any

import numpy as np
from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import Ball, disc, interval
from leadterms.evaluation.certified.tools.discs import WIDER, Discs, Reals, different_places, upwards
from leadterms.evaluation.certified.weights.weight_base import WeightBalls
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import Weight

FINEST = 40
"""Grids are no finer than 2^-FINEST."""
AROUND = 21
"""Half sides of the squares, in eighths of a step: a box of half diagonal below 2 steps around a point nearest to p."""
FARTHEST = 64.0
"""Beyond it nothing is remembered."""
BITS = 64


Kind = Any
"""A class of such weights: mypy does not take a class as the key of a cache."""


class RememberedBalls(WeightBalls):
    """A weight without a parameter but its scale, w(conj z) = conj w(z)."""

    even = False
    """Whether w(-z) = w(z)."""

    def __init__(self, weight: Weight) -> None:
        super().__init__(weight)
        self._tops: dict[tuple[int, int, int, int], Ball] = {}
        self._in_doubles: dict[tuple[int, int, int, int], float] = {}

    @staticmethod
    def value(point: Ball) -> Ball:
        """Return w, scale 1, at a complex point."""
        raise NotImplementedError

    @staticmethod
    def steepness_on(box: Ball) -> Ball:
        """Bound |w'/w| over a complex box, not finite where none is known."""
        raise NotImplementedError

    def steepness(self, box: Ball) -> Ball:
        """Bound |w'/w| over a complex box."""
        return self.steepness_on(box)

    def on(self, box: Ball) -> Ball:
        """Return an enclosure over a complex box."""
        real, imag = box.real, box.imag
        x, y, width, height = float(real.mid()), float(imag.mid()), float(real.rad()), float(imag.rad())
        if abs(x) + width + height < FARTHEST:
            flipped = y < 0
            if self.even and x < 0:
                x, y, flipped = -x, -y, not flipped
            level = max(0, min(FINEST, 1 - frexp(hypot(width, height))[1]))
            near = _near(type(self), x, abs(y), width, height, level)
            if near is not None:
                value, size, growth = near
                radius = arb(0, size * growth)
                found = acb(value.real + radius, (-value.imag if flipped else value.imag) + radius)
                return self.scale * found
            # where w varies by orders of magnitude a disc around zero is as good
            margin = 1e-14 * (abs(x) + abs(y) + width + height) + 1e-300
            unit = 2.0**level
            low, high = floor((x - width - margin) * unit), ceil((x + width + margin) * unit)
            return disc(self.top(level, low, high, ceil((abs(y) + height + margin) * unit)))
        found = super().on(box)
        return found if found.is_finite() else disc(self.modulus(real.lower(), real.upper(), imag.abs_upper()))

    def discs(self, x: Reals, y: Reals, width: Reals, height: Reals) -> Discs:
        """Return discs that contain w over many boxes at once: as `on`, in double precision.

        Boxes far out are looked at one by one.
        """
        beyond = np.flatnonzero(np.abs(x) + np.abs(y) + width + height >= FARTHEST)
        boxes = [(x[n], y[n], width[n], height[n]) for n in beyond]
        flipped = y < 0
        if self.even:
            flipped, x = flipped ^ (x < 0), np.abs(x)
        y = np.abs(y)
        margin = 1e-14 * (np.abs(x) + y + width + height) + 1e-300
        level = np.clip(1 - np.frexp(np.hypot(width, height))[1], 0, FINEST)
        step = np.ldexp(1.0, -level)
        i, j = np.rint(x / step), np.rint(y / step)
        across, up = np.abs(x - i * step) + width + margin, np.abs(y - j * step) + height + margin
        usable = np.maximum(across, up) * 8 <= AROUND * step
        usable[beyond] = False
        rows = np.zeros((5, len(x)))
        kind: Kind = type(self)
        places, back = different_places(*(part[usable] for part in (level, i, j)))
        rows[:, usable] = np.array([_known(kind, *place) for place in places]).reshape(-1, 5)[back].T
        real, imag, error, size, steepest = rows
        exponent = steepest * np.hypot(across, up) * WIDER
        near = usable & (exponent < 0.69)
        growth = np.expm1(np.where(near, exponent, 0.0)) * WIDER
        # elsewhere they may be infinite
        real, imag, error, size = (np.where(near, part, 0.0) for part in (real, imag, error, size))
        centres = real + 1j * np.where(flipped, -imag, imag)
        radii = size * growth * WIDER + error
        wide = ~near
        wide[beyond] = False
        unit = 1 / step[wide]
        spread, top = width[wide] + margin[wide], (y + height + margin)[wide]
        low, high = np.floor((x[wide] - spread) * unit), np.ceil((x[wide] + spread) * unit)
        keys, back = different_places(level[wide], low, high, np.ceil(top * unit))
        radii[wide] = np.array([self._top_upwards(*key) for key in keys])[back]
        found = Discs(centres, radii).times(self.scale, ~wide)
        for n, (a, b, c, d) in zip(beyond.tolist(), boxes, strict=True):
            found.put(n, self.on(acb(arb(a, c), arb(b, d))))
        return found

    def _complex(self, eta: Ball) -> Ball:
        return self.scale * self.value(-eta if self.even and eta.real < 0 else eta)

    def top(self, level: int, low: int, high: int, top: int) -> Ball:
        """Bound |w| over boxes whose ends are in steps of a grid."""
        key = level, low, high, top
        if key not in self._tops:
            self._tops[key] = self.modulus(*(arb(k) / arb(2) ** level for k in key[1:])).abs_upper()
        return self._tops[key]

    def _top_upwards(self, level: int, low: int, high: int, top: int) -> float:
        key = level, low, high, top
        if key not in self._in_doubles:
            self._in_doubles[key] = upwards(self.top(*key))
        return self._in_doubles[key]


def _near(kind: Kind, x: float, y: float, width: float, height: float, level: int) -> tuple[Ball, Ball, float] | None:
    """Return w at a point of the grid, a bound of |w| there, and of |w(z)/w - 1| over a box, if it is < 1."""
    step = 0.5**level
    i, j = round(x / step), round(y / step)
    margin = 1e-14 * (abs(x) + y + width + height) + 1e-300
    across, up = abs(x - i * step) + width + margin, abs(y - j * step) + height + margin
    if not 8 * max(across, up) <= AROUND * step:
        return None
    exponent = _steepest(kind, level, i, j) * hypot(across, up) * WIDER
    if not exponent < 0.69:
        return None
    value, size = _value(kind, level, i, j)
    return value, size, expm1(exponent) * WIDER


@lru_cache(maxsize=262144)
def _value(kind: Kind, level: int, i: int, j: int) -> tuple[Ball, Ball]:
    with ball_precision(BITS):
        value = kind.value(acb(arb(i), arb(j)) / arb(2) ** level)
        return value, value.abs_upper()


@lru_cache(maxsize=262144)
def _known(kind: Kind, level: int, i: int, j: int) -> tuple[float, float, float, float, float]:
    """Return w at a point of the grid in doubles, their error, and bounds of |w| there and of |w'/w| around it."""
    value, size = _value(kind, level, i, j)
    real, imag = float(value.real.mid()), float(value.imag.mid())
    error = upwards((value - acb(real, imag)).abs_upper()) if value.is_finite() else float("inf")
    return real, imag, error, upwards(size), _steepest(kind, level, i, j)


@lru_cache(maxsize=262144)
def _steepest(kind: Kind, level: int, i: int, j: int) -> float:
    """Bound |w'/w| over the square around a point of the grid; inf where none is known."""
    with ball_precision(BITS):
        unit = arb(1) / arb(2) ** (level + 3)
        sides = [interval((8 * k - AROUND) * unit, (8 * k + AROUND) * unit) for k in (i, j)]
        found = kind.steepness_on(acb(*sides))
        return upwards(found.abs_upper()) if found.is_finite() else float("inf")
