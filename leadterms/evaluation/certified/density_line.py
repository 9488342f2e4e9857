"""Continuous laws that are known by their density alone."""

from __future__ import annotations

from flint import acb, arb

from leadterms.evaluation.certified.balls import NAN, Ball, End, value_of
from leadterms.evaluation.certified.line_base import Line, Segment, X

ROUGH_ROOT = 8
"""The q of x = t^q where the density may be singular at an end: fewer panels reach it."""


class DensityLine(Line):
    """A continuous law that is known by its density alone: what the panels leave out is one minus their mass."""

    normalised = True

    def density(self, x: Ball) -> Ball:
        """Return the density; over a complex box finite only where it is analytic."""
        return value_of(self.law.density(X), {X: x})

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends of the support, infinite ones cut off at a distance that grows geometrically."""
        width = arb(2) ** int(spreads)
        low = self.low if self.low is not None else (-width if self.high is None else self.high - width)
        high = self.high if self.high is not None else (width if self.low is None else self.low + width)
        return low, high

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return two halves, each measured from its end: there the density may be rough, in s = t^q."""
        middle = ((low + high) / 2).mid()
        return [self._half(low, self.low, middle, 1), self._half(high, self.high, middle, -1)]

    def _half(self, end: Ball, given: End, middle: Ball, sign: int) -> Segment:
        width = sign * (middle - end)
        if given is None:
            return Segment(arb(0), width, lambda s: self.density(end + sign * s), lambda s: end + sign * s)
        exact = self.law.support[0 if sign > 0 else 1]
        # sympy cancels the end against itself: no digits are lost near it
        expression = self.law.density(exact + sign * X)
        at_end = value_of(expression, {X: acb(arb(0, 1e-9), arb(0, 1e-9))})
        root = 1 if at_end.is_finite() else ROUGH_ROOT

        def density(t: Ball) -> Ball:
            return value_of(expression, {X: t**root}) * root * t ** (root - 1)

        return Segment(arb(0), (width.log() / root).exp(), density, lambda t: end + sign * t**root, root > 1)

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Nothing is known beyond the mass; a bounded support has no tail."""
        bounded = self.low is not None and self.high is not None
        return arb(0) if bounded or (power == 0 and rate.is_zero()) else NAN
