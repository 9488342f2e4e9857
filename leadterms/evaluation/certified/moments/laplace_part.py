r"""What one predictor adds to a sum eta, as Laplace transforms E[X^k e^{-s D}] need it (`laplace_rule`).

D = p(X) - l >= 0, p(x) = c_1 x + .. + c_d x^d, l a lower bound of p on the support.

**Without moduli.**  |x| is at most +-x where the support is on one side of zero, at most x + 2 |e| where it begins at
e < 0, and 2 |e| - x where it ends at e > 0.  Odd powers on the whole line: |x|^k <= (x^{k - 1} + x^{k + 1})/2.

**Near zero** E[|X|^k e^{-s D}] <= C s^-p:

- Where E|X|^k is finite C is that, and p = 0.
- Else let the density be at most F (1 + |x|)^-P (`Line.envelope`), D >= r |x|^d - t, m >= k - P, m > -1,
  p = (m + 1)/d.  As (1 + x)^m <= x^m for m <= 0, and at most 2^m (1 + x^m) else, the expectation is at most, for
  s r <= 1 and s t <= 1, 2 e F 2^{m^+} (Gamma(1/d) + Gamma(p))/d (s r)^-p.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb

from flint import arb

from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.own_part import falling, falls_far_out
from leadterms.evaluation.certified.rules.eta import slack_of, top_of
from leadterms.evaluation.certified.tools.balls import NAN, Ball, smaller

ROUNDED = 1 + 2.0**-40
"""More than what rounding m changes."""
LEAST = 2.0**-6
"""The least m + 1: where |x|^k times the density falls like 1/x, or faster but without a known moment."""


@dataclass(frozen=True)
class Part:
    """What one predictor adds to eta.

    Parameters
    ----------
    line
        Its law.
    coefficients
        Those of its polynomial, by rising power from the first.
    least
        A lower bound of the polynomial on the support.

    """

    line: Line
    coefficients: tuple[Ball, ...]
    least: Ball

    @cached_property
    def growth(self) -> tuple[Ball, Ball]:
        """Return r and t with D >= r |x| - t on the support, r zero where none is found."""
        if len(self.coefficients) == 1:
            rate, slack, _ = self.steepest
            return rate, slack
        rate, slack = falling([-c for c in self.coefficients], (self.line.low, self.line.high))
        return rate, (slack + self.least).abs_upper()

    @cached_property
    def steepest(self) -> tuple[Ball, Ball, int]:
        """Return r, t and d with D >= r |x|^d - t on the support, r zero where none is found."""
        low, high = self.line.low, self.line.high
        *lower, last = self.coefficients
        degree = len(self.coefficients)
        if degree == 1:
            # b x >= |b x| - 2 |b end| on all of a support that begins, or ends, on the other side of zero
            end = low if last > 0 else high
            slack = arb(0) if end is None or (end >= 0 if last > 0 else end <= 0) else 2 * abs(last * end)
            return abs(last).lower(), (slack + self.least).abs_upper(), 1
        if not falls_far_out([-c for c in self.coefficients], (low, high)):
            return arb(0), arb(0), degree
        half = (abs(last) / 2).lower()
        slack = slack_of([abs(c).abs_upper() for c in lower], half) if half > 0 else NAN
        return half, (slack + self.least).abs_upper(), degree

    def near(self, power: int) -> tuple[Ball, Ball]:
        """Return C and p of the module, not finite where they are not known."""
        moment = self.line.absolute(power)
        if moment.is_finite():
            return moment, arb(0)
        top, order = self.line.envelope()
        rate, slack, degree = self.steepest
        if not (top.is_finite() and rate > 0 and slack.is_finite()):
            return NAN, NAN
        m = (power - order).upper().max(arb(LEAST) - 1)
        p = ((m + 1) / degree).upper()
        level = 2 * arb(1).exp() * top * arb(2) ** m.max(arb(0)) * ((1 / arb(degree)).gamma() + p.gamma()) / degree
        # p is rounded up, the other factors are those of an m that is smaller by as much
        return (level * ROUNDED * (-p * rate.log()).exp()).abs_upper(), p

    def majorant(self, values: Sequence[Ball], power: int) -> Ball:
        """Bound E[|X|^power e^(-s D)] by the same without modulus, for powers up to the highest one."""
        low, high = self.line.low, self.line.high
        if power % 2 == 0:
            return values[power].upper()
        for end, sign in ((low, 1), (high, -1)):
            if end is not None:
                away = arb(0) if sign * end >= 0 else 2 * abs(end)
                terms = (comb(power, j) * away ** (power - j) * sign**j * values[j] for j in range(power + 1))
                return sum(terms, arb(0)).upper()
        whole = self.line.absolute(power)
        between = (values[power - 1] + values[power + 1]) / 2 if len(values) > power + 1 else NAN
        return smaller(whole, between.abs_upper())


def part_of(line: Line, own: dict[int, Ball]) -> Part:
    """Return the part of one predictor, given its coefficients by exponent; ``least`` not finite where unknown."""
    coefficients = tuple(own.get(k, arb(0)).real for k in range(1, max(own, default=1) + 1))
    if all(bool(c.is_zero()) for c in coefficients):
        least: Ball = arb(0)
    elif len(coefficients) == 1:
        (slope,) = coefficients
        end = line.low if slope > 0 else line.high if slope < 0 else None
        least = NAN if end is None else (slope * end).lower()
    else:
        least = (-top_of([-c for c in coefficients], (line.low, line.high))).lower()
    return Part(line, coefficients, least)
