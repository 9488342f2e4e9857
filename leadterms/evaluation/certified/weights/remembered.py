"""Weights whose enclosures over complex boxes come from values remembered on grids, for many boxes near each other.

For a box of half diagonal r a point p of the grid of step 1/n, n about 1/r, is near its midpoint.  With a bound lambda
of |w'/w| over cells that cover the box and the point, |w(z)/w(p) - 1| <= e^(lambda d) - 1, d the largest distance from
p: the segments from p stay in the cells' hull.  Distances are computed in floats, and widened by far more than floats
round.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, expm1, floor, frexp, hypot
from typing import Any

from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import NAN, Ball, disc, interval, larger
from leadterms.evaluation.certified.weights.weight_base import WeightBalls
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import Weight

FINEST = 40
"""Grids are no finer than 2^-FINEST."""
CELL = 4
"""Sides of the cells, in steps of the grid."""
FARTHEST = 64.0
"""Beyond it nothing is remembered."""
BITS = 64
WIDER = 1 + 1e-12


Kind = Any
"""A class of such weights: mypy does not take a class as the key of a cache."""


class RememberedBalls(WeightBalls):
    """A weight without a parameter but its scale, w(conj z) = conj w(z)."""

    even = False
    """Whether w(-z) = w(z)."""

    def __init__(self, weight: Weight) -> None:
        super().__init__(weight)
        self._discs: dict[tuple[int, int, int, int], Ball] = {}

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
            return self._disc(x, abs(y), width, height, level)
        found = super().on(box)
        return found if found.is_finite() else disc(self.modulus(real.lower(), real.upper(), imag.abs_upper()))

    def _complex(self, eta: Ball) -> Ball:
        return self.scale * self.value(-eta if self.even and eta.real < 0 else eta)

    def _disc(self, x: float, y: float, width: float, height: float, level: int) -> Ball:
        """Return a disc that contains w over a box, for all boxes in the same cells of the grid at once."""
        unit = 2.0**level
        margin = 1e-14 * (abs(x) + y + width + height) + 1e-300
        key = (
            level, floor((x - width - margin) * unit), ceil((x + width + margin) * unit),
            ceil((y + height + margin) * unit),
        )  # fmt: skip
        if key not in self._discs:
            low, high, top = (arb(k) / arb(2) ** level for k in key[1:])
            self._discs[key] = disc(self.modulus(low, high, top))
        return self._discs[key]


def _near(kind: Kind, x: float, y: float, width: float, height: float, level: int) -> tuple[Ball, Ball, float] | None:
    """Return w at a point of the grid, a bound of |w| there, and of |w(z)/w - 1| over a box, if it is < 1."""
    step = 0.5**level
    i, j = round(x / step), round(y / step)
    margin = 1e-14 * (abs(x) + y + width + height) + 1e-300
    across, up = abs(x - i * step) + width + margin, abs(y - j * step) + height + margin
    side = CELL * step
    cells = (
        floor((i * step - across) / side), floor((i * step + across) / side),
        floor((j * step - up) / side), floor((j * step + up) / side),
    )  # fmt: skip
    steepest = _steepest(kind, level, cells)
    exponent = steepest * hypot(across, up) * WIDER
    if not exponent < 0.7:
        return None
    growth = expm1(exponent) * WIDER
    value, size = _value(kind, level, i, j)
    return (value, size, growth) if growth < 1 else None


@lru_cache(maxsize=262144)
def _value(kind: Kind, level: int, i: int, j: int) -> tuple[Ball, Ball]:
    with ball_precision(BITS):
        value = kind.value(acb(arb(i), arb(j)) / arb(2) ** level)
        return value, value.abs_upper()


@lru_cache(maxsize=262144)
def _steepest(kind: Kind, level: int, cells: tuple[int, int, int, int]) -> float:
    """Bound |w'/w| over a range of cells; inf where none is known."""
    left, right, low, high = cells
    largest = arb(0)
    for i in range(left, right + 1):
        for j in range(low, high + 1):
            # |w'/w| is the same at conjugate points, and of an even weight at z and -z
            column = max(i, -i - 1) if kind.even else i
            largest = larger(largest, _steep(kind, level, column, max(j, -j - 1)))
    return float(largest.upper()) * WIDER if largest.is_finite() else float("inf")


@lru_cache(maxsize=262144)
def _steep(kind: Kind, level: int, i: int, j: int) -> Ball:
    with ball_precision(BITS):
        unit = arb(CELL) / arb(2) ** level
        found = kind.steepness_on(acb(interval(i * unit, (i + 1) * unit), interval(j * unit, (j + 1) * unit)))
        return found.abs_upper() if found.is_finite() else NAN
