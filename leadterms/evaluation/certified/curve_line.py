"""The law of a predictor with a function of it on the certified road: the segments of X, and powers x^i g(x)^j.

Where g and the density are analytic on a complex box of x so is the integrand; elsewhere `value_of` is not finite, and
no bound is taken from it.
"""

from __future__ import annotations

from leadterms.evaluation.certified.balls import Ball, interval, value_of, whole_power
from leadterms.evaluation.certified.line_base import Line, Segment
from leadterms.evaluation.curve_law import CurveLaw


class CurveLine(Line):
    """A law with bounded support, and a function of its values beside them."""

    plain = False

    def __init__(self, law: CurveLaw, base: Line) -> None:
        super().__init__(law)
        self._law, self._base = law, base
        self.normalised = base.normalised

    def power(self, x: Ball, exponent: int) -> Ball:
        """Return x^i g(x)^j for the exponent i + unit j."""
        j, i = divmod(exponent, self._law.unit)
        value = whole_power(x, i)
        return value * whole_power(value_of(self._law.map, {self._law.variable: x}), j) if j else value

    def absolute(self, power: int) -> Ball:
        """Return the largest value on the support."""
        return self.power(interval(self.low, self.high), power).abs_upper()

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return those of the law itself."""
        return self._base.segments(low, high)
