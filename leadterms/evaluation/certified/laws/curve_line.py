r"""The law of several functions of a predictor on the certified road: the segments of X, and functions for powers.

Where the functions and the density are analytic on a complex box of x so is the integrand; elsewhere `value_of` is not
finite, and no bound is taken from it.  On an unbounded support the functions are x^i e^(c x) e^(k e^x), so that their
products are.  Where k <= 0 the last is at most one, and the tails of these are those of |x|^i with the rate c more.
Otherwise x is a logarithm, x = log z: below a cut z_1 e^(k z) <= e^(k z_1), and above a cut z_2 >= 1

.. math:: |\log z|^i z^c e^{k z} \le z^{i + \lceil c^+ \rceil} e^{k z},

whose mean beyond z_2 is known for the law of z.

Powers that stand for functions multiply as those of two columns only: bounds that would need products of three are not
taken, and an exponent that stands for nothing has no bound.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from flint import arb
from sympy import Integer

from leadterms.evaluation.certified.laws.heavy_lines import SLACK
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.laws.mapped_line import MappedLine
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval, larger, value_of
from leadterms.evaluation.curve_law import CurveLaw, Growth, growth

PIECES = 16
"""Of the support, on which functions are bounded."""


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
        return value_of(self._powers[exponent], {self._x: x}) + 0 * x if exponent in self._powers else 0 * x + 1

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

    def tilted_tail(self, low: Ball, high: Ball, power: int, rate: Ball, inner: Ball) -> Ball:
        """Return the same with a factor e^(inner e^x) more, on an unbounded support."""
        found = self.growth(power) if self.has(power) else Growth(0, Integer(0), Integer(0))
        if found is None or self.normalised:
            return NAN
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
