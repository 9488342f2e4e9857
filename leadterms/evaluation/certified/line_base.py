"""One predictor's law as the certified road sees it: atoms, smooth segments of the line, and proven tails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from flint import arb
from sympy import Symbol

from leadterms.evaluation.certified.balls import NAN, Ball, End, larger, value_of
from leadterms.model.laws import Law

X = Symbol("x", real=True)


def _same(t: Ball) -> Ball:
    return t


@dataclass(frozen=True)
class Segment:
    """A part of a law with a density that is analytic inside, in a variable t with x = point(t).

    Parameters
    ----------
    low, high
        Ends in t.
    density
        The law's density times dx/dt; over a complex box an enclosure, finite only where it is analytic.
    point
        x as a function of t.
    rough
        Whether the density may be singular at an end, so that panels stop short of it.
    size
        Upper bound of |density| over a complex box, where a better one is known than by enclosure.

    """

    low: Ball
    high: Ball
    density: Callable[[Ball], Ball]
    point: Callable[[Ball], Ball] = _same
    rough: bool = False
    size: Callable[[Ball], Ball] | None = None

    def bound(self, box: Ball) -> Ball:
        """Return an upper bound of |density| over a complex box, not finite where it may be singular."""
        if self.size is not None:
            return self.size(box)
        value = self.density(box)
        return value.abs_upper() if value.is_finite() else NAN


class Line:
    """A law of one predictor.

    The exact parameters are at the precision that was current when the object was made.
    """

    normalised = False
    """Whether what lies outside the panels is bounded by one minus their mass."""

    def __init__(self, law: Law) -> None:
        self.law = law
        ends = law.support
        self.low: End = None if ends[0] == -sympy.oo else value_of(ends[0])
        self.high: End = None if ends[1] == sympy.oo else value_of(ends[1])

    def absolute(self, power: int) -> Ball:
        """Return an upper bound of E|X|^power, not finite where none is known."""
        if self.low is not None and self.high is not None:
            return larger(abs(self.low), abs(self.high)).upper() ** power
        moment = self.law.raw_moment(power + power % 2)
        if moment is None:
            return NAN
        # |x|^k <= 1 + |x|^(k + 1)
        return value_of(moment) + power % 2

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return points and probabilities of a discrete law between two ends, None for a continuous one."""
        return None

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return the parts of a continuous law between two ends."""
        raise NotImplementedError

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends of the support, cut off at so many times the law's spread where it is infinite."""
        return self.low, self.high

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return a bound of E|X|^power e^(rate X) outside [low, high]; not finite where none is known."""
        return arb(0)
