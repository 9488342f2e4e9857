r"""The law of S = b X + c Z on the certified road, Z of Student's law: see `pair_law` and `pair_density`.

The density of S times E[X^j Z^k | S] is g_jk, so that the "power" of S that stands for X^j Z^k is g_jk/g_00.
"""

from __future__ import annotations

from flint import acb, arb

from leadterms.evaluation.certified.laws.heavy_lines import StudentLine
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.moments.pair_density import DEGREE, PairDensity
from leadterms.evaluation.certified.tools.balls import NAN, Ball, disc
from leadterms.evaluation.pair_law import MARKS, POWERS, PairLaw

WIDER = 0.7
"""Spreads of X and Z beyond those that are asked of S: the bound of the tail is that of both."""
NEARER = 0.05
"""Steps in which spreads are looked for."""
THIN = 2.0**-20
"""Real balls up to this radius are points."""


class PairLine(Line):
    """The law of b X + c Z; exponents as in `pair_law`."""

    plain = False

    def __init__(self, law: PairLaw, first: Line, second: StudentLine) -> None:
        super().__init__(law)
        self._first, self._second = first, second
        self._joint = PairDensity(law, first, second)
        low, high = self._ends(1.0)
        self._centre, self._spread = ((low + high) / 2).mid(), ((high - low) / 2 / arb(1).sinh()).mid()

    def has(self, exponent: int) -> bool:
        """Tell whether an exponent stands for something."""
        return exponent == 1 or exponent in POWERS

    def power(self, x: Ball, exponent: int) -> Ball:
        """Return E[X^j Z^k | S] at a point.

        Over a box it is a disc whose radius times the bound of the density there (`Segment.bound`) is a bound of
        g_jk.  It is 1 where an exponent stands for nothing.
        """
        if exponent == 1:
            return x
        if exponent not in POWERS or exponent == 0:
            return 0 * x + 1
        if isinstance(x, acb):
            height = x.imag.abs_upper()
            return disc(self._joint.largest(exponent, height) / self._joint.largest(0, height))
        if not x.rad() < THIN:
            return arb(0, (self.crest(exponent) / self.crest(0)).abs_upper())
        values = self._joint.at(x)
        return values[exponent] / values[0]

    def crest(self, power: int) -> Ball:
        """Return the bound of |g_jk| for real s, not finite where a power stands for nothing.

        |S| is at most |b X| + |c Z|.
        """
        if power == 1:
            return sum((abs(slope) * self.crest(mark) for slope, mark in zip(self._joint.slopes, MARKS, strict=True)),
                       arb(0))  # fmt: skip
        return self._joint.largest(power, arb(0)) if power in POWERS else NAN

    def absolute(self, power: int) -> Ball:
        """Return a bound of E|X|^j |Z|^k, of E|S| for the power 1; of all or none but 1."""
        if power == 0:
            return arb(1)
        own = [[line.absolute(k) for k in range(DEGREE + 1)] for line in (self._first, self._second)]
        if power == 1:
            b, c = self._joint.slopes
            return abs(b) * own[0][1] + abs(c) * own[1][1]
        if not (self.has(power) and all(bool(sizes[-1].is_finite()) for sizes in own)):
            return NAN
        j, k = POWERS[power]
        return own[0][j] * own[1][k]

    def expectation(self, power: int) -> Ball:
        """Return E X^j Z^k."""
        if power not in POWERS:
            return NAN
        j, k = POWERS[power]
        return self._first.expectation(j) * self._second.expectation(k)

    def within(self, low: Ball, high: Ball, power: int) -> Ball:
        """Bound the integral of |g_jk| between two ends."""
        return ((high - low) * self.crest(power)).abs_upper()

    def _ends(self, spreads: float) -> tuple[Ball, Ball]:
        """Return where S is with X and Z within so many spreads."""
        low = high = arb(0)
        for slope, line in zip(self._joint.slopes, (self._first, self._second), strict=True):
            ends = [slope * end for end in line.reach(spreads)]
            low, high = low + ends[0].min(ends[1]), high + ends[0].max(ends[1])
        return low.lower(), high.upper()

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the range of S with X and Z within a little more than so many spreads."""
        return self._ends(spreads + WIDER)

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Bound P(S < low or S > high): then X or Z is outside its part.  Nothing is known of other powers."""
        spreads = float(((high - low) / 2 / self._spread).asinh())
        while power == 0 and rate.is_zero() and spreads > 0:
            ends = self._ends(spreads)
            if ends[0] >= low and ends[1] <= high:
                return sum((line.tail(*line.reach(spreads), 0, rate) for line in (self._first, self._second)), arb(0))
            spreads -= NEARER
        return NAN

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one in t, s = centre + spread sinh t."""
        ends = [((end - self._centre) / self._spread).asinh().mid() for end in (low, high)]

        def density(t: Ball) -> Ball:
            """At real points only: of boxes the size is asked."""
            return self._joint.at(self._point(t))[0] * self._spread * t.cosh() if isinstance(t, arb) else acb(NAN)

        def size(box: Ball) -> Ball:
            height = acb(self._point(box)).imag.abs_upper()
            return (self._joint.largest(0, height) * self._spread * box.cosh().abs_upper()).abs_upper()

        return [Segment(ends[0], ends[1], density, self._point, size=size)]

    def _point(self, t: Ball) -> Ball:
        return self._centre + self._spread * t.sinh()
