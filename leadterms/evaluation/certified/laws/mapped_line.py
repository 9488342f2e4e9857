r"""The law of U = g(X) on the certified road, g one of log(x + d), (x + d)^s, e^(c x): the segments of X, points g(x).

Where g is analytic on a complex box of x and the density too, so is the integrand; elsewhere `value_of` is not finite,
and no bound is taken from it.

**Next to zero** a segment of X has x = b t^q.  For s > 0 t = v^m, with q m s whole, makes the points analytic; where g
is not bounded, under a logarithm or s < 0, it is v = log t, which has no lower end and is cut off.

**Cuts** are made in y = x for e^(c x), and y = log(x + d) for the others.  Segments stop `SLACK`/2 before the end in y,
and tails begin `SLACK` before it, as ends are rounded, or where the segments of X end, which may stop short, too.

**Tails.**  At an end where U is not bounded they are those of its density (`image_end`).  At one where it is, and which
is cut off since X is not bounded there or its density small, they are at most the mass of X times the largest
|u|^k e^(rate u) beyond the cut; |u| is monotone there.

**Counts without end** have no density: tails of log(X + d) and (X + d)^s, 0 < s < 1, are those of X (`slow_tails`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import sympy
from flint import arb
from sympy import Integer

from leadterms.errors import UndecidedError
from leadterms.evaluation.certified.laws.heavy_lines import SLACK
from leadterms.evaluation.certified.laws.image_end import ImageEnd
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.laws.slow_tails import image_bound
from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, larger, smaller, value_of
from leadterms.evaluation.growth import Slow
from leadterms.expectation.mapped_law import MappedLaw
from leadterms.expectation.tails import elasticity_at, tail_indices

DEEP = 200.0
"""Spreads at which a law is cut off next to a lower end at which e^(c X) is not zero."""
MOMENT_SPREADS = 12.0
"""Spreads between which moments are integrals."""


class MappedLine(Line):
    """The image of a law under a monotone function."""

    def __init__(self, law: MappedLaw, base: Line) -> None:
        super().__init__(law)
        self._law, self._base = law, base
        self._moments: dict[int, Ball] = {}
        plain = law.slope is None and law.shift == 0 and law.base.support[0] == 0
        self._is_open = plain and (law.exponent is None or law.exponent.is_negative)
        self.normalised = base.normalised and any(segment.rough for segment in self.segments(*self.reach(3.0)))

    def _image(self, x: Ball) -> Ball:
        return value_of(self._law.map, {self._law.variable: x})

    def _in_order(self, first: End, last: End) -> tuple[End, End]:
        return (first, last) if self._law.rises else (last, first)

    def _level(self, u: Ball) -> Ball:
        """Return y of a point u of the image."""
        number = self._law.slope if self._law.slope is not None else self._law.exponent
        return u if number is None else u.log() / value_of(number)

    def _point(self, y: Ball) -> Ball:
        """Return u."""
        number = self._law.slope if self._law.slope is not None else self._law.exponent
        return y if number is None else (value_of(number) * y).exp()

    def _base_point(self, y: Ball) -> Ball:
        """Return x."""
        return y if self._law.slope is not None else y.exp() - value_of(self._law.shift)

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the images of the ends that the law itself has for it; ends that it does not cut off are exact."""
        low, high = self._base.reach(spreads)
        if self._is_heavy:
            low, high = self._nearer(low, high, spreads)
        first, last = self._in_order(self.low, self.high)
        if self._is_open:
            first = self._point(low.log() if low > 0 else self._next_to_zero(high, spreads))
        elif self._base.low is None or not (self._is_deep or self._base.low.overlaps(low)):
            first = self._image(low)
        if self._base.high is None:
            last = self._image(high)
        return self._in_order(first, last)

    def _nearer(self, low: Ball, high: Ball, spreads: float) -> tuple[Ball, Ball]:
        """Return ends that are nearer on the side where the exponential grows: there it is very large soon."""
        first, last = self._base.reach(1.0)
        return (low, high.min(last + spreads)) if self._law.rises else (low.max(first - spreads), high)

    @cached_property
    def _is_heavy(self) -> bool:
        """Whether it is an exponential of a law with a tail like a power on the side where that grows."""
        if self._law.slope is None or self._law.base.is_discrete:
            return False
        try:
            return bool(tail_indices(self._law.base, "x")[1 if self._law.rises else 0] != sympy.oo)
        except UndecidedError:
            return False

    def _next_to_zero(self, high: Ball, spreads: float) -> Ball:
        """Return a y: with a density like x^(a - 1) the mass below is about that of a normal law so far out."""
        a = self._power_at_zero
        return (high.log() - (1 + spreads) / a**0.5 - spreads * spreads / 2 / a).mid()

    @cached_property
    def _power_at_zero(self) -> float:
        found = 1 + elasticity_at(self._law.base, Integer(0))
        return min(50.0, float(found)) if found.is_finite else 1.0

    @property
    def _is_deep(self) -> bool:
        """Whether a lower end of X is cut off so far down that it is the same for all: its image has no digits left."""
        return (self._law.slope is not None or self._law.shift != 0) and self._base.low is not None

    def _cuts(self, low: Ball, high: Ball) -> tuple[End, End]:
        """Return the y of the ends of X that are cut off, None where the law's own ends stay."""
        images, base, first = self._in_order(low, high), self._base, self._in_order(self.low, self.high)[0]
        stays = not self._is_open and base.low is not None and (self._is_deep or first.overlaps(images[0]))
        return None if stays else self._level(images[0]), self._level(images[1]) if base.high is None else None

    def _between(self, cuts: tuple[End, End], slack: float) -> tuple[Ball, Ball]:
        """Return the ends in X, so much inside the cuts."""
        first, last = cuts
        lower, upper = self._base.low, self._base.high
        if first is not None:
            lower = self._base_point(first + slack)
        elif self._is_deep:
            lower = self._base.reach(DEEP)[0]
        return lower, upper if last is None else self._base_point(last - slack)

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return those of the law itself between the cuts."""
        cuts = self._cuts(low, high)
        ends = self._between(cuts, SLACK / 2)
        lower, upper = (end if cut is None else end.mid() for end, cut in zip(ends, cuts, strict=True))
        return [self._mapped(segment, cuts[0]) for segment in self._base.segments(lower, upper)]

    def _mapped(self, segment: Segment, first: Ball | None) -> Segment:
        if segment.order is None or self._law.slope is not None or self._law.shift != 0:
            inner = segment.point
            return replace(segment, point=lambda t: self._image(inner(t)), order=None)
        return self._logarithmic(segment, first) if self._is_open else self._rooted(segment)

    def _rooted(self, segment: Segment) -> Segment:
        """Return a segment next to zero in v, t = v^m."""
        exponent = self._law.exponent
        assert segment.order is not None
        assert exponent is not None
        power = segment.order * exponent
        m = int(power.q)
        scale = self._image(segment.point(arb(1)))
        whole, edge, size = int(power * m), segment.edge, segment.size
        return replace(
            segment,
            high=(segment.high.log() / m).exp(),
            density=lambda v: segment.density(v**m) * m * v ** (m - 1),
            point=lambda v: scale * v**whole,
            edge=None if edge is None else (lambda v: edge(v**m)),
            size=None if size is None else (lambda v: (size(v**m) * m * abs(v) ** (m - 1)).abs_upper()),
            order=None,
        )

    def _logarithmic(self, segment: Segment, first: Ball | None) -> Segment:
        """Return a segment next to zero in v = log t."""
        q, b = segment.order, segment.point(arb(1)).log()
        assert q is not None
        assert first is not None
        size = segment.size
        return Segment(
            ((first + SLACK / 2 - b) / q).mid(),
            segment.high.log(),
            lambda v: segment.density(v.exp()) * v.exp(),
            lambda v: self._point(b + q * v),
            size=None if size is None else (lambda v: (size(v.exp()) * abs(v.exp())).abs_upper()),
        )

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return the images of the points of a discrete law."""
        if not self._law.base.is_discrete:
            return None
        found = self._base.atoms(*self._between(self._cuts(low, high), SLACK / 2))
        return None if found is None else [(self._image(x), p) for x, p in found]

    def expectation(self, power: int) -> Ball:
        """Return E U^power up to what is left out at cuts far out: a bound, not to the last digit."""
        if power not in self._moments:
            low, high = self.reach(MOMENT_SPREADS)
            beyond = self.tail(low, high, power, arb(0)).abs_upper() if power else arb(0)
            known = beyond.is_finite() and not self.normalised
            value = self.between(low, high, power) if power and known else arb(0 if power else 1)
            self._moments[power] = value + arb(0, beyond) if known or not power else NAN
        return self._moments[power]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        total = self.next_to_ends(low, high, power, rate)
        for side, x in self._left_out(low, high):
            if self._end(side) is None:
                found = self._beyond(side, x, power, rate)
                # e^(rate u) <= 1 for u > 0
                falls = self._is_heavy and power == 0 and rate <= 0
                total += smaller(found, self._mass_beyond(side, low, high)) if falls else found
        return total

    def _mass_beyond(self, side: int, low: Ball, high: Ball) -> Ball:
        """Bound the mass of X beyond a cut: that outside of an interval which reaches far to the other side."""
        first, last = self._between(self._cuts(low, high), SLACK)
        far = self._base.reach(DEEP)
        if side:
            return self._base.tail(first.min(far[0]), last, 0, arb(0))
        return self._base.tail(first, last.max(far[1]), 0, arb(0))

    @property
    def is_logarithm(self) -> bool:
        """Whether U = log X."""
        law = self._law
        return law.slope is None and law.exponent is None and law.shift == 0

    def below(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Bound E|U|^power e^(rate U) below the lower cut."""
        total = arb(0)
        for side, x in self._left_out(low, high):
            if side == 0:
                total += self._beyond(0, x, power, rate) if self._end(0) is None else NAN
        return total

    def _beyond(self, side: int, x: Ball, power: int, rate: Ball) -> Ball:
        """Bound E|U|^power e^(rate U) beyond g(x)."""
        if self._law.base.is_discrete:
            return self._of_counts(x, power, rate) if side == 1 else NAN
        return self._growths[side].tail(x, self._image(x), power, rate)

    def _of_counts(self, x: Ball, power: int, rate: Ball) -> Ball:
        """Return the same for a discrete law, by sums of probabilities (`slow_tails`)."""
        law, start = self._law, x.lower()
        if law.slope is not None or (law.exponent is not None and not 0 < law.exponent < 1):
            return NAN
        function = Slow(law.variable + law.shift, law.exponent or Integer(1), law.exponent is None)
        lowest = self._base.reach(DEEP)[0].min(start)
        bound, lifted = image_bound(function, law.variable, start, power, rate)
        return (self._base.tail(lowest, x, bound.order, lifted) * bound.level).abs_upper()

    def above(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Bound E X^power e^(rate X) beyond the upper cut of X > 1."""
        for side, x in self._left_out(low, high):
            if side == 1:
                return self._base.tail(self._base.reach(DEEP)[0], x, power, rate) if x >= 1 else NAN
        return arb(0)

    def next_to_ends(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        left = [(side, x, end) for side, x in self._left_out(low, high) if (end := self._end(side)) is not None]
        total = arb(0)
        for side, x, end in left:
            u = self._image(x)
            top = larger(abs(u), abs(end)).upper() ** power * (rate * u).exp().max((rate * end).exp())
            total += self._mass_beyond(side, low, high) * top
        return total

    def _end(self, side: int) -> End:
        """Return the image of the lower (0) or upper end of X, None where it is infinite."""
        return self._in_order(self.low, self.high)[side]

    def _left_out(self, low: Ball, high: Ball) -> list[tuple[int, Ball]]:
        """Return the sides of X that are cut off, and its points beyond which tails count."""
        cuts = self._cuts(low, high)
        ends = self._between(cuts, SLACK)
        if not self._law.base.is_discrete:
            first, last = self._base.covered(*self._between(cuts, SLACK / 2))
            ends = ends[0] if self._is_open else ends[0].max(first), ends[1].min(last)
        deep = self._is_deep and not ends[0].overlaps(self._base.low)
        sides = [side for side in (0, 1) if cuts[side] is not None or (side == 0 and deep)]
        return [(side, ends[side]) for side in sides]

    @cached_property
    def _growths(self) -> dict[int, ImageEnd]:
        return {side: ImageEnd(self._law, side) for side in (0, 1) if self._end(side) is None}
