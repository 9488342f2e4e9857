"""Continuous laws that are known by their density alone.

A density with a case distinction or an absolute value of x is split where these change: on each of the pieces it is
analytic.

Where the elasticity of the density is a sum of simple terms or a rational function the tails are proven by it
(`tail_growth`), in x or in the distance s from the end of a piece that goes on without end, X = c + s: beyond S
|X|^k e^(rate X) <= (1 + |c|/S)^k e^(rate c) s^k e^(rate s).  So is the mass next to an end where the density f may be
singular, in the distance s from that end: y = 1/s has the density f(1/y)/y^2 on the line, and what lies within s is its
tail beyond 1/s.  Elsewhere what the panels leave out is one minus their mass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import lcm

import sympy
from flint import acb, arb
from sympy import Expr, Pow

from leadterms.evaluation.certified.laws import tail_growth
from leadterms.evaluation.certified.laws.half_lines import law_crest, law_envelope, without_moduli
from leadterms.evaluation.certified.laws.line_base import Line, Segment, X
from leadterms.evaluation.certified.laws.named_lines import LARGEST_ROOT
from leadterms.evaluation.certified.laws.tail_growth import TailGrowth
from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, value_of
from leadterms.model.laws import Law

ROUGH_ROOT = 8
"""The q of x = t^q where the density may be singular at an end: fewer panels reach it."""


class DensityLine(Line):
    """A continuous law by its density."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self._pieces = list(_pieces(law))
        self.normalised = not all(piece.is_known for piece in self._pieces)

    def density(self, x: Ball) -> Ball:
        """Return the density at a real x on one of the pieces, not finite for another."""
        for piece in self._pieces:
            if (piece.low is None or x >= piece.low) and (piece.high is None or x <= piece.high):
                return piece.density(x)
        return NAN

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends of the support, infinite ones cut off at a distance that grows geometrically."""
        width = arb(2) ** int(spreads)
        first = self._pieces[0].high if self._pieces[0].high is not None else arb(0)
        last = self._pieces[-1].low if self._pieces[-1].low is not None else arb(0)
        return (
            self.low if self.low is not None else (first - width).min(-width),
            self.high if self.high is not None else (last + width).max(width),
        )

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return two halves of each piece, each measured from its end: there the density may be rough, in s = t^q."""
        return [segment for piece in self._pieces for segment in piece.segments(low, high)]

    def envelope(self) -> tuple[Ball, Ball]:
        """By the elasticity (`half_lines`)."""
        return law_envelope(self.law)

    def crest(self, power: int) -> Ball:
        """By the elasticity, too."""
        return law_crest(self.law, power)

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """By the elasticity; a bounded support has no tail."""
        left = self._pieces[0].tail(-1, low, power, rate) if self.low is None else arb(0)
        right = self._pieces[-1].tail(1, high, power, rate) if self.high is None else arb(0)
        return left + right

    def tail_beside_mass(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Nothing for the mass itself, where a rule counts what is left out as one minus the mass that it has."""
        counted = self.normalised and power == 0 and rate.is_zero()
        return arb(0) if counted else self.tail(low, high, power, rate)


def _pieces(law: Law) -> Iterator[_Piece]:
    """Yield the parts of the support on which the density has no absolute value of x, from left to right."""
    for low, high, density in law.parts(X):
        for part, first, last in without_moduli(density, low, high):
            yield _Piece(part, first, last)


def _entire(density: Expr) -> Expr:
    """Write modified Bessel functions as I_nu(z) = (z/2)^nu 0F1(; nu + 1; z^2/4)/Gamma(nu + 1)."""
    return density.replace(
        sympy.besseli,
        lambda nu, z: (z / 2) ** nu * sympy.hyper((), (nu + 1,), z**2 / 4) / sympy.gamma(nu + 1),
    )


@dataclass(frozen=True)
class _End:
    """The density in the distance x = t^root from an end; analytic there in t, or rough."""

    expression: Expr
    root: int
    rough: bool


class _Piece:
    """A density that is analytic between two ends, which may be infinite."""

    def __init__(self, density: Expr, low: Expr, high: Expr) -> None:
        self._expression, self._density = density, _entire(density)
        self._exact = {1: low, -1: high}
        self.low: End = None if low == -sympy.oo else value_of(low)
        self.high: End = None if high == sympy.oo else value_of(high)
        self._ends = {side: self._at_end(side) for side in (1, -1)}

    @property
    def is_known(self) -> bool:
        """Whether all tails, and the mass next to all rough ends, are proven."""
        edges = all(edge is None or edge.is_known for edge in self._edges.values())
        return edges and all(found is None or found[0].is_known for found in self._tails.values())

    def density(self, x: Ball) -> Ball:
        """Return the density; over a complex box finite only where it is analytic."""
        return value_of(self._density, {X: x})

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return two halves, infinite ends being cut off."""
        first = low if self.low is None else self.low
        last = high if self.high is None else self.high
        if not first < last:
            return []
        middle = ((first + last) / 2).mid()
        return [self._half(first, middle, 1), self._half(last, middle, -1)]

    def _at_end(self, side: int) -> _End | None:
        """Return the density at the lower (1) or upper end; None where there is no end."""
        if not self._exact[side].is_finite:
            return None
        # sympy cancels the end against itself: no digits are lost near it
        expression = self._density.subs(X, self._exact[side] + side * tail_growth.X)
        exponents = [p.exp for p in expression.atoms(Pow) if p.base == tail_growth.X and p.exp.is_Rational]
        smooth = lcm(1, *(int(exponent.q) for exponent in exponents))
        for root in (1, smooth) if smooth <= LARGEST_ROOT else (1,):
            near = acb(arb(0, 1e-9), arb(0, 1e-9))
            if value_of(expression.subs(tail_growth.X, tail_growth.X**root), {tail_growth.X: near}).is_finite():
                return _End(expression, root, rough=False)
        return _End(expression, ROUGH_ROOT, rough=True)

    def _half(self, end: Ball, middle: Ball, sign: int) -> Segment:
        width = sign * (middle - end)
        known = self._ends[sign]
        if known is None:
            return Segment(arb(0), width, lambda s: self.density(end + sign * s), lambda s: end + sign * s)
        root, y = known.root, tail_growth.X
        expression = known.expression if known.rough else known.expression.subs(y, y**root)

        def density(t: Ball) -> Ball:
            return value_of(expression, {y: t**root if known.rough else t}) * root * t ** (root - 1)

        last = (width.log() / root).exp()
        order = root if sign > 0 and self._exact[1] == 0 else None
        growth = self._edges[sign]
        if growth is None or not growth.is_known:
            return Segment(arb(0), last, density, lambda t: end + sign * t**root, known.rough, order=order)

        def edge(t: Ball) -> Ball:
            s = t**root
            return growth.tail(1 / s, value_of(known.expression, {y: s}) * s * s, 0, arb(0))

        return Segment(arb(0), last, density, lambda t: end + sign * t**root, known.rough, edge=edge, order=order)

    @cached_property
    def _edges(self) -> dict[int, TailGrowth | None]:
        """What is known of the density next to the lower end (1) and the upper; None where it is not rough."""
        y = tail_growth.X
        return {
            side: TailGrowth(end.expression.subs(y, 1 / y) / y**2) if end is not None and end.rough else None
            for side, end in self._ends.items()
        }

    @cached_property
    def _tails(self) -> dict[int, tuple[TailGrowth, Ball] | None]:
        """What is known far to the right (1) and left (-1), and the origin of distances; None where there is an end."""
        return {side: self._beyond(side) if self._ends[-side] is None else None for side in (1, -1)}

    def _beyond(self, side: int) -> tuple[TailGrowth, Ball]:
        growth, other = TailGrowth(self._expression.subs(X, side * tail_growth.X)), self._ends[side]
        if growth.is_known or other is None:
            return growth, arb(0)
        return TailGrowth(other.expression), value_of(self._exact[side])

    def tail(self, side: int, end: Ball, power: int, rate: Ball) -> Ball:
        """Bound E|X|^power e^(rate X) beyond an end in this piece, to the right (1) or to the left."""
        found = self._tails[side]
        if found is None:
            return arb(0)
        inner = self.low if side > 0 else self.high
        if not found[0].is_known or (inner is not None and not side * (end - inner) >= 0):
            return NAN
        growth, origin = found
        distance = side * (end - origin)
        size = (1 + abs(origin) / distance) ** power * (rate * origin).exp()
        return size * growth.tail(distance, self.density(end), power, side * rate)
