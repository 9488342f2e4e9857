"""The law of several functions of a predictor under an exponential weight e^g, g a sum of the functions.

The functions are f = x^i e^(c x) e^(k e^x) as in `curve_line`, or the predictor is bounded.  With a coefficient b,
f = x adds b to the rate of a tail and f = e^x adds b to k.  What is bounded by one and not negative adds at most |b|,
and any that is not negative nothing where b <= 0.  Products of slow factors alone are bounded by lines (`slow_tails`).
Other terms leave a tail without a bound.
"""

from __future__ import annotations

from collections.abc import Mapping

from flint import arb

from leadterms.evaluation.certified.laws.curve_line import CurveLine
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.tools.balls import NAN, Ball
from leadterms.evaluation.growth import Growth


class TiltedCurve(Line):
    """A curve's law whose tails are those of |x^k| e^(Re g), the x^k as the curve means them.

    Parameters
    ----------
    curve
        The law.
    terms
        The coefficients of g by exponent.

    """

    plain = is_itself = False

    def __init__(self, curve: CurveLine, terms: Mapping[int, Ball]) -> None:
        super().__init__(curve.law)
        self._curve, self._terms = curve, {k: b.real for k, b in terms.items() if not b.real.is_zero()}
        self.low, self.high = curve.low, curve.high

    def has(self, exponent: int) -> bool:
        """Return that of the curve."""
        return self._curve.has(exponent)

    def power(self, x: Ball, exponent: int) -> Ball:
        """Return that of the curve."""
        return self._curve.power(x, exponent)

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return that of the curve."""
        return self._curve.reach(spreads)

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return those of the curve."""
        return self._curve.segments(low, high)

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return those of the curve."""
        return self._curve.atoms(low, high)

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        if self.low is not None and self.high is not None:
            return arb(0)
        if self._curve.normalised:
            return NAN
        inner, extra = arb(0), arb(0)
        slow: dict[int, Ball] = {}
        for exponent, b in self._terms.items():
            found = self._curve.growth(exponent)
            if found == Growth(1, 0, 0):
                rate = rate + b
            elif found == Growth(0, 1, 0):
                inner = inner + b
            elif found is not None and found.is_slow:
                slow[exponent] = b
            elif found is None or found.power % 2 or found.slow:
                return NAN
            elif self._is_small(found):
                extra = extra + abs(b)
            elif not b <= 0:
                return NAN
        return self._curve.tilted_tail(low, high, power, rate, inner, slow) * extra.exp()

    def _is_small(self, found: Growth) -> bool:
        """Tell whether a function is at most one on the support."""
        falls = found.rate == 0 or (found.rate < 0 and self.low is not None and self.low >= 0)
        return bool(found.power == 0 and found.inner <= 0 and falls)
