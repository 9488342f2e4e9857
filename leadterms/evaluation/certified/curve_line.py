"""The law of several functions of a predictor on the certified road: the segments of X, and functions for powers.

Where the functions and the density are analytic on a complex box of x so is the integrand; elsewhere `value_of` is not
finite, and no bound is taken from it.
"""

from __future__ import annotations

from itertools import pairwise

from flint import arb

from leadterms.evaluation.certified.balls import NAN, Ball, interval, larger, value_of
from leadterms.evaluation.certified.line_base import Line, Segment
from leadterms.evaluation.curve_law import CurveLaw

PIECES = 16
"""Of the support, on which functions are bounded."""


class CurveLine(Line):
    """A law with bounded support, and functions of its values."""

    plain = False

    def __init__(self, law: CurveLaw, base: Line) -> None:
        super().__init__(law)
        self._powers, self._x, self._base = law.powers, law.variable, base
        self.normalised = base.normalised
        self._bounds: dict[int, Ball] = {}

    def has(self, exponent: int) -> bool:
        """Tell whether an exponent stands for a function."""
        return exponent in self._powers

    def power(self, x: Ball, exponent: int) -> Ball:
        """Return the function for an exponent, 1 where it stands for none: no moment has such a one (`Problem`)."""
        return value_of(self._powers[exponent], {self._x: x}) + 0 * x if exponent in self._powers else 0 * x + 1

    def absolute(self, power: int) -> Ball:
        """Return a bound of the absolute value on the support, not finite where the exponent stands for nothing."""
        if power not in self._bounds:
            cuts = [
                self.low,
                *((self.low + (self.high - self.low) * i / PIECES).mid() for i in range(1, PIECES)),
                self.high,
            ]
            bound = arb(0) if self.has(power) else NAN
            for low, high in pairwise(cuts):
                bound = larger(bound, self.power(interval(low, high), power).abs_upper())
            self._bounds[power] = bound
        return self._bounds[power]

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return those of the law itself."""
        return self._base.atoms(low, high)

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return those of the law itself."""
        return self._base.segments(low, high)
