"""One predictor's law as the certified road sees it: atoms, smooth segments of the line, and proven tails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

import sympy
from flint import acb, arb
from sympy import Symbol

from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, integral, interval, larger, value_of, whole_power
from leadterms.evaluation.precision import ball_bits
from leadterms.model.laws import Law

X = Symbol("x", real=True)


SPREADS = (6.0, 12.0, 24.0, 48.0, 100.0, 200.0, 400.0)
ENOUGH = 0.01
SMALL = 2.0**-30
"""So much of a moment may be left in the tails."""
PIECES = 200
CLOSEST = 60
"""Integrals begin no closer than 2^-CLOSEST of a segment to an end where its density may be singular."""


def identity(t: Ball) -> Ball:
    """Return t: x is the variable itself."""
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
    edge
        Upper bound of the mass between ``low`` and a point, known where the density may be singular.
    order
        q of a segment from x = 0 = t with x = point(1) t^q, None for others.

    """

    low: Ball
    high: Ball
    density: Callable[[Ball], Ball]
    point: Callable[[Ball], Ball] = identity
    rough: bool = False
    size: Callable[[Ball], Ball] | None = None
    edge: Callable[[Ball], Ball] | None = None
    order: int | None = None

    @property
    def is_straight(self) -> bool:
        """Whether t is x itself."""
        return self.point is identity

    def mass(self, low: Ball, high: Ball) -> Ball:
        """Return an upper bound of the mass between two points, not finite where none is known."""
        if self.edge is not None and low is self.low:
            mass = self.edge(high)
            if mass.is_finite():
                return mass
        bound = self.bound(acb(interval(low, high)))
        return (bound * (high - low)).abs_upper() if bound.is_finite() else NAN

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

    plain = True
    """Whether x^k, as it is meant in moments and linear predictors, is a power of x."""

    is_itself = True
    """Whether x^1 is x."""

    def __init__(self, law: Law) -> None:
        self.law = law
        ends = law.support
        self.low: End = None if ends[0] == -sympy.oo else value_of(ends[0])
        self.high: End = None if ends[1] == sympy.oo else value_of(ends[1])
        self._within: dict[tuple[object, ...], Ball] = {}
        self._absolute: dict[int, Ball] = {}

    def has(self, exponent: int) -> bool:
        """Tell whether x^exponent has a meaning."""
        return True

    def power(self, x: Ball, exponent: int) -> Ball:
        """Return x^exponent at a point or box."""
        return whole_power(x, exponent)

    def expectation(self, power: int) -> Ball:
        """Return E X^power, not finite where it is not known.

        Where the law does not know it, it is an integral over segments that are analytic inside, up to a tail.
        """
        moment = self.law.raw_moment(power) if power else sympy.Integer(1)
        if moment is not None:
            return value_of(moment)
        if not self.has(power):
            return NAN
        if self.low is not None and self.high is not None:
            return self.between(self.low, self.high, power)
        best = NAN
        size = reduce(larger, map(abs, self.reach(1.0))) ** power
        for spreads in SPREADS:
            low, high = self.reach(spreads)
            beyond = self.tail(low, high, power, arb(0))
            if self.normalised or not beyond.is_finite():
                continue
            value = self.between(low, high, power)
            if not value.is_finite():
                break
            best = value + arb(0, beyond.abs_upper())
            if beyond <= SMALL * size:
                break
        return best

    def between(self, low: Ball, high: Ball, power: int) -> Ball:
        """Return the integral of x^power times the density of a continuous law, the sum over the points of another."""
        return self.mean_between(low, high, lambda x: self.power(x, power))

    def mean_between(self, low: Ball, high: Ball, function: Callable[[Ball], Ball]) -> Ball:
        """Return the same of a function that is finite on complex boxes only where it is analytic."""
        atoms = self.atoms(low, high)
        if atoms is not None:
            return sum((function(x) * p for x, p in atoms), arb(0))
        return sum((self._over(part, function) for part in self.segments(low, high)), arb(0))

    def _over(self, part: Segment, function: Callable[[Ball], Ball]) -> Ball:
        """Return the integral over a segment; next to an end where the density may be singular, by the mass there."""
        if part.edge is None:
            return integral(self._under(part, function), part.low, part.high)
        width, mass = part.high - part.low, NAN
        for bits in range(2, CLOSEST):
            start = (part.low + width * arb(2) ** -bits).mid()
            mass = part.edge(start)
            if mass.is_finite() and mass < arb(2) ** -ball_bits():
                break
        size = function(part.point(interval(part.low, start))).abs_upper()
        missing = (mass * size).abs_upper()
        return integral(self._under(part, function), start, part.high) + arb(0, missing) if missing.is_finite() else NAN

    @staticmethod
    def _under(segment: Segment, function: Callable[[Ball], Ball]) -> Callable[[Ball], Ball]:
        return lambda t: segment.density(t) * function(segment.point(t))

    def absolute(self, power: int) -> Ball:
        """Return an upper bound of E|X|^power, not finite where none is known."""
        if self.low is not None and self.high is not None:
            return larger(abs(self.low), abs(self.high)).upper() ** power
        if power == 0:
            return arb(1)
        moment = self.law.raw_moment(power + power % 2)
        if moment is None:
            if power not in self._absolute:
                self._absolute[power] = self._summed(power)
            return self._absolute[power]
        # |x|^k <= 1 + |x|^(k + 1)
        return value_of(moment) + power % 2

    def _summed(self, power: int) -> Ball:
        """Bound E|X|^power by an upper sum over pieces of the segments, and the tail.

        A piece adds at most the bound of the density times its width, and never more than the mass 1, times the
        largest |x|^power on it: so it may hold an end where the density is not bounded.
        """
        best = NAN
        for spreads in SPREADS:
            low, high = self.reach(spreads)
            beyond = self.tail(low, high, power, arb(0))
            if beyond.is_finite():
                total = (self._sum_of_absolute(low, high, power) + beyond).abs_upper()
                best = total if not best.is_finite() else best.min(total)
                if beyond < ENOUGH * total:
                    break
        return best

    def within(self, low: Ball, high: Ball, power: int) -> Ball:
        """Bound E|X|^power over what is left of the law where it is cut off at two ends: its segments, or points."""
        key = (*(part.man_exp() for end in (low, high) for part in (end.mid(), end.rad())), power)
        if key not in self._within:
            self._within[key] = self._sum_of_absolute(low, high, power).abs_upper()
        return self._within[key]

    def _sum_of_absolute(self, low: Ball, high: Ball, power: int) -> Ball:
        """Return the sum over the points between two ends, or an upper sum over the segments."""
        atoms = self.atoms(low, high)
        if atoms is not None:
            return sum((abs(self.power(x, power)) * p for x, p in atoms), arb(0))
        return _upper_sum(self, self.segments(low, high), power)

    def envelope(self) -> tuple[Ball, Ball]:
        """Return C and p where the density is at most C (1 + |x|)^-p, not finite where none is known."""
        return NAN, NAN

    def crest(self, power: int) -> Ball:
        """Return a bound of |x|^power times the density, not finite where none is known."""
        top, order = self.envelope()
        return top if order >= power else NAN

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return points and probabilities of a discrete law between two ends, None for a continuous one."""
        return None

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return the parts of a continuous law between two ends."""
        raise NotImplementedError

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends of the support, cut off at so many times the law's spread where it is infinite."""
        return self.low, self.high

    def covered(self, low: Ball, high: Ball) -> tuple[Ball, Ball]:
        """Return the ends of what the segments between two ends cover: they may stop short of these."""
        if self.law.is_discrete or self.law.atoms_with_probability is not None:
            return low, high
        ends = [part.point(t) for part in self.segments(low, high) for t in (part.low, part.high)]
        return reduce(lambda first, last: first.min(last), ends), reduce(lambda first, last: first.max(last), ends)

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return a bound of E|X|^power e^(rate X) outside [low, high]; not finite where none is known.

        The ends may be anywhere on the line, on one side of zero or of the law's middle too.  A side on which the
        support ends counts only where segments stop short of that end: all that is left out there is `next_to_ends`.
        """
        return arb(0)

    def inner_ends(self, low: Ball, high: Ball) -> tuple[End, End]:
        """Return those of two ends that leave something of the support out, None for the others: as in `reach`."""
        return (
            None if self.low is not None and self.low.overlaps(low) else low.mid(),
            None if self.high is not None and self.high.overlaps(high) else high.mid(),
        )

    def next_to_ends(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return a bound of E|X|^power e^(rate X) between [low, high] and finite ends of the support."""
        whole = all(own is None or own.overlaps(end) for own, end in ((self.low, low), (self.high, high)))
        return arb(0) if whole else NAN

    def tail_beside_mass(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return the same for a rule, which adds one minus its mass where the law is normalised: that may be enough."""
        return self.tail(low, high, power, rate)


def _upper_sum(line: Line, segments: list[Segment], power: int) -> Ball:
    """Return an upper sum of the density times |x|^power; the pieces that add most are halved."""

    def piece(segment: Segment, low: Ball, high: Ball) -> tuple[float, int, Ball, Segment, Ball, Ball]:
        mass = segment.mass(low, high)
        mass = mass.min(arb(1)) if mass.is_finite() else arb(1)
        size = (mass * line.power(segment.point(interval(low, high)), power).abs_upper()).abs_upper()
        return (-float(size.log().mid()) if size > 0 else inf, next(order), size, segment, low, high)

    order = count()
    pieces = [piece(segment, segment.low, segment.high) for segment in segments]
    heapify(pieces)
    for _ in range(PIECES):
        *_, segment, low, high = heappop(pieces)
        middle = ((low + high) / 2).mid()
        heappush(pieces, piece(segment, low, middle))
        heappush(pieces, piece(segment, middle, high))
    return sum((one[2] for one in pieces), arb(0)).abs_upper()
