r"""The law of several functions of a predictor on the certified road: the segments of X, and functions for powers.

Where the functions and the density are analytic on a complex box of x so is the integrand; elsewhere `value_of` is not
finite, and no bound is taken from it.  On an unbounded support the functions are x^i e^(c x) e^(k e^x), so that their
products are, and on one that ends below they may have slow factors too, logarithms and powers of a x + d (`growth`).
Where k <= 0 the last is at most one, and the tails of these are those of |x|^i with the rate c more.
Otherwise x is a logarithm, x = log z: below a cut z_1 e^(k z) <= e^(k z_1), and above a cut z_2 >= 1

.. math:: |\log z|^i z^c e^{k z} \le z^{i + \lceil c^+ \rceil} e^{k z},

whose mean beyond z_2 is known for the law of z.

**Slow factors** are at most C x^q from a start B on (`slow_tails`), which is where the segments end, or the last point
that is kept: the tail to the right is at most C times that of x^(i + q).  What is left out next to the lower end,
between it and the lower cut, is at most the mass there times the largest value.

Powers that stand for functions multiply as those of two columns only: bounds that would need products of three are not
taken, and an exponent that stands for nothing has no bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from math import ceil

from flint import arb
from sympy import Dummy, Expr, Integer

from leadterms.evaluation.certified.laws.heavy_lines import SLACK
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.laws.mapped_line import MappedLine
from leadterms.evaluation.certified.laws.slow_tails import by_line, by_power, negative_part
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval, larger, value_of
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.growth import Growth, Slow, growth

PIECES = 16
"""Of the support, on which functions are bounded."""
_Y = Dummy("y")


class CurveLine(Line):
    """A law and functions of its values."""

    plain = is_itself = False

    def __init__(self, law: CurveLaw, base: Line) -> None:
        super().__init__(law)
        self._powers, self._x, self._base = law.powers, law.variable, base
        self.normalised = base.normalised
        self._bounds: dict[int, Ball] = {}

    def has(self, exponent: int) -> bool:
        """Tell whether an exponent stands for a function."""
        return exponent in self._powers

    def power(self, x: Ball, exponent: int) -> Ball:
        """Return the function for an exponent, 1 where it stands for none: rules run over all up to the largest."""
        if exponent not in self._powers:
            return 0 * x + 1
        values = {self._x: x}
        if isinstance(x, arb) and not x.is_exact():
            values |= self._on_interval(x, exponent)
        return value_of(self._powers[exponent], values) + 0 * x

    def _on_interval(self, x: Ball, exponent: int) -> dict[Expr, Ball]:
        """Return the slow factors of a function on the part of an interval that is in the support.

        A ball may reach a little beyond the end of the support, where a root is no number.
        """
        found = self.growth(exponent)
        if found is None or not found.slow:
            return {}
        ends = x.lower().max(self.low), x.upper()
        return {f.function: _between(f, *(value_of(f.inside, {self._x: end}) for end in ends)) for f in found.slow}

    def absolute(self, power: int) -> Ball:
        """Return a bound of the mean of the absolute value, on a bounded support of its largest value.

        Not finite where the exponent stands for nothing.
        """
        if not self.has(power):
            return NAN
        if power not in self._bounds:
            bounded = self.low is not None and self.high is not None
            self._bounds[power] = self._largest(power) if bounded else self._summed(power)
        return self._bounds[power]

    def _largest(self, power: int) -> Ball:
        cuts = [(self.low + (self.high - self.low) * i / PIECES).mid() for i in range(PIECES + 1)]
        cuts[0], cuts[-1] = self.low, self.high
        bound = arb(0)
        for low, high in pairwise(cuts):
            bound = larger(bound, self.power(interval(low, high), power).abs_upper())
        return bound

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return that of the law itself."""
        return self._base.reach(spreads)

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return a bound of the mean of |x^i e^(c x)| e^(k e^x) e^(rate x) outside [low, high]: see the module.

        Nothing on a bounded support, not finite for another function.
        """
        if self.low is not None and self.high is not None:
            return arb(0)
        return self.tilted_tail(low, high, power, rate, arb(0))

    def growth(self, exponent: int) -> Growth | None:
        """Return how the function for an exponent grows, None where it is another, or stands for nothing."""
        return growth(self._powers[exponent], self._x) if self.has(exponent) else None

    def start(self, low: Ball, high: Ball) -> Ball:
        """Return where the tail to the right begins: where a cut is, or the segments stop before it."""
        return (high if self._base.law.is_discrete else self._base.covered(low, high)[1].min(high)).lower()

    def next_to_lower(self, low: Ball, high: Ball, rate: Ball) -> tuple[Ball, Ball]:
        """Bound E e^(rate X) between a lower end of the support and a cut, and return the interval between them."""
        return self._base.next_to_ends(low, high, 0, rate), interval(self.low, low)

    def tilted_tail(
        self, low: Ball, high: Ball, power: int, rate: Ball, inner: Ball, slow: Mapping[int, Ball] | None = None
    ) -> Ball:
        """Return the same with factors e^(inner e^x) and e^(b f) more, on an unbounded support.

        The b are given by the exponents of slow functions f.
        """
        found = self.growth(power) if self.has(power) else Growth(0, Integer(0), Integer(0))
        if found is None or self.normalised:
            return NAN
        if found.slow or slow:
            return self._of_slow(low, high, (power, found), (rate, inner), slow or {})
        return self._of_quick(low, high, found, rate, inner)

    def _of_slow(
        self,
        low: Ball,
        high: Ball,
        factor: tuple[int, Growth],
        tilt: tuple[Ball, Ball],
        slow: Mapping[int, Ball],
    ) -> Ball:
        """Bound a tail with slow functions: see the module."""
        (power, found), (rate, inner), start = factor, tilt, self.start(low, high)
        before, box = self.next_to_lower(low, high, rate)
        extra, along, near = arb(0), rate, arb(0)
        for exponent, b in slow.items():
            near = near + b * self.power(box, exponent)
            factors = self._slow_factors(exponent)
            if not b <= 0:
                own = by_line(factors, self._x, start)
                extra, along = extra + b.max(arb(0)) * own.level, along + b.max(arb(0)) * own.slope
            if not b >= 0:
                extra += (-b).max(arb(0)) * negative_part(factors, self._x, start)
        bound = by_power(found.slow, self._x, start)
        quick = replace(found, power=found.power + bound.order, slow=())
        right = self._of_quick(low, high, quick, along, inner) * bound.level * extra.exp()
        if before.is_zero():
            return right
        largest = abs(self.power(box, power)) * (near + inner * box.exp()).exp()
        return right + before * largest.abs_upper()

    def _slow_factors(self, exponent: int) -> tuple[Slow, ...]:
        """Return the factors of a function that is a product of slow ones alone."""
        found = self.growth(exponent)
        assert found is not None
        assert found.is_slow
        return found.slow

    def _of_quick(self, low: Ball, high: Ball, found: Growth, rate: Ball, inner: Ball) -> Ball:
        whole, k = rate + value_of(found.rate), inner + value_of(found.inner)
        if k <= 0:
            bound = self._base.tail(low, high, found.power, whole)
            if bound.is_finite():
                return bound
        return self._of_logarithms(low, high, found.power, whole, k)

    def _of_logarithms(self, low: Ball, high: Ball, power: int, rate: Ball, k: Ball) -> Ball:
        """Bound a tail by those of z, x = log z; not finite for another law."""
        base = self._base
        if not (isinstance(base, MappedLine) and base.is_logarithm and rate.is_finite()):
            return NAN
        below = base.below(low, high, power, rate) * (k.max(arb(0)) * (low + SLACK).exp()).exp()
        return below + base.above(low, high, power + max(0, ceil(float(rate.upper()))), k)

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return those of the law itself."""
        return self._base.atoms(low, high)

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return those of the law itself."""
        return self._base.segments(low, high)


def _between(factor: Slow, low: Ball, high: Ball) -> Ball:
    """Return a slow factor where its y = a x + d is between two values, not finite where one is outside its domain.

    Logarithms and powers rise or fall, but for even powers, which turn at zero, and negative ones, which have a pole.
    """
    if factor.is_logarithm:
        low, high = low.log(), high.log()
    if not factor.exponent.is_Integer:
        return interval(*(value_of(_Y**factor.exponent, {_Y: y}) for y in (low, high)))
    k, has_zero = int(factor.exponent), bool(interval(low, high).contains(0))
    if k < 0 and has_zero:
        return NAN
    ends = low**k, high**k
    return interval(arb(0), larger(*ends)) if has_zero and k % 2 == 0 else interval(*ends)
