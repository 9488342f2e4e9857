"""Continuous laws that are known by their density alone.

Where the elasticity of the density is a sum of simple terms or a rational function the tails are proven by it
(`tail_growth`); and so is the mass next to an end where the density f may be singular, in the distance s from that end:
y = 1/s has the density f(1/y)/y^2 on the line, and what lies within s is its tail beyond 1/s.  Elsewhere what the
panels leave out is one minus their mass.
"""

from __future__ import annotations

from functools import cached_property

from flint import acb, arb
from sympy import Expr

from leadterms.evaluation.certified import tail_growth
from leadterms.evaluation.certified.balls import NAN, Ball, End, value_of
from leadterms.evaluation.certified.line_base import Line, Segment, X
from leadterms.evaluation.certified.tail_growth import TailGrowth
from leadterms.model.laws import Law

ROUGH_ROOT = 8
"""The q of x = t^q where the density may be singular at an end: fewer panels reach it."""


class DensityLine(Line):
    """A continuous law by its density."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self._sides = {side: self._at_end(side) for side in (1, -1)}
        known = (*self._tails.values(), *self._edges.values())
        self.normalised = not all(growth is None or growth.is_known for growth in known)

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
        return [self._half(low, middle, 1), self._half(high, middle, -1)]

    def _at_end(self, side: int) -> tuple[Expr | None, int]:
        """Return the density in the distance from the lower (1) or upper end, and q; None where there is no end."""
        if (self.low if side > 0 else self.high) is None:
            return None, 1
        # sympy cancels the end against itself: no digits are lost near it
        expression = self.law.density(self.law.support[0 if side > 0 else 1] + side * X)
        value = value_of(expression, {X: acb(arb(0, 1e-9), arb(0, 1e-9))})
        return expression, 1 if value.is_finite() else ROUGH_ROOT

    def _half(self, end: End, middle: Ball, sign: int) -> Segment:
        width = sign * (middle - end)
        expression, root = self._sides[sign]
        if expression is None:
            return Segment(arb(0), width, lambda s: self.density(end + sign * s), lambda s: end + sign * s)

        def density(t: Ball) -> Ball:
            return value_of(expression, {X: t**root}) * root * t ** (root - 1)

        last = (width.log() / root).exp()
        growth = self._edges[sign]
        if growth is None or not growth.is_known:
            return Segment(arb(0), last, density, lambda t: end + sign * t**root, root > 1)

        def edge(t: Ball) -> Ball:
            s = t**root
            return growth.tail(1 / s, value_of(expression, {X: s}) * s * s, 0, arb(0))

        return Segment(arb(0), last, density, lambda t: end + sign * t**root, root > 1, edge=edge)

    @cached_property
    def _edges(self) -> dict[int, TailGrowth | None]:
        """What is known of the density next to the lower end (1) and the upper; None where it is not singular."""
        y = tail_growth.X
        return {
            side: TailGrowth(expression.subs(X, 1 / y) / y**2) if expression is not None and root > 1 else None
            for side, (expression, root) in self._sides.items()
        }

    @cached_property
    def _tails(self) -> dict[int, TailGrowth | None]:
        """What is known of the density far to the right (1) and to the left (-1); None where there is an end."""
        ends = {1: self.high, -1: self.low}
        return {
            side: TailGrowth(self.law.density(side * tail_growth.X)) if end is None else None
            for side, end in ends.items()
        }

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """By the elasticity; a bounded support has no tail."""
        total = arb(0)
        for side, end in ((1, high), (-1, low)):
            growth = self._tails[side]
            if growth is not None:
                total += growth.tail(side * end, self.density(end), power, side * rate) if growth.is_known else NAN
        return total

    def tail_beside_mass(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Nothing for the mass itself, where a rule counts what is left out as one minus the mass that it has."""
        counted = self.normalised and power == 0 and rate.is_zero()
        return arb(0) if counted else self.tail(low, high, power, rate)
