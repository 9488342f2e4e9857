r"""How a weight falls in one unbounded predictor x, and what is left where other unbounded ones take eta back to zero.

Let :math:`\eta = a + b x + \sum_j c_j z_j` with real b and c_j, b not zero: a holds the bounded predictors and the
effects, and z_1..z_p are the unbounded predictors with a slope.  Let |w| <= K e^-|Re eta| (`WeightBalls.decay`), or
|w| <= K e^(Re eta) and b x <= 0 on the support.

**Near.**  Where |c_j z_j| <= |b x|/(2p) for all j, |Re eta| >= |b x|/2 - |Re a|, or Re eta <= |Re a| - |b x|/2, and
|w| <= K e^|Re a| e^(-|b x|/2).
Without such z |w| <= K e^|Re a| e^(-|b x|).

**Opposed.**  Elsewhere |x| < r_j |z_j| for some j, r_j = 2 p |c_j|/|b|.  Since x is independent of the z

.. math:: E[|x|^k \prod_l |z_l|^{m_l};\ |x| > B,\ \text{elsewhere}]
          \le P(|x| > B) \sum_j r_j^k\, E[|z_j|^{k + m_j};\ |z_j| > B/r_j] \prod_{l \ne j} E|z_l|^{m_l},

whether x has moments or not; times the largest |w| it bounds what the near part leaves out.

**By the density.**  Let |x|^k f(x) <= C for the density f of x (`Line.crest`).  Given all else

.. math:: E[|x|^k |w(\eta)|] \le C \int |w|\,dx \le 2 K C/|b|,

wherever a and the z_j are, so that what is opposed adds at most that times the probabilities of |z_j| > B/r_j, with
their powers, and the near part 2 C K e^|Re a| e^(-r B)/r with its rate r.  It holds for what stands for a power, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.tools.balls import NAN, Ball, larger

FARTHEST = 40.0
"""Spreads at which a law is cut off towards a finite end, so far that nothing is left out there."""
WIDER = 1 + 2.0**-30
"""More than cuts are rounded by."""


@dataclass(frozen=True)
class Opposed:
    """Unbounded predictors z_j of which one is beyond |x|/r_j; none where x is the only one with a slope.

    Parameters
    ----------
    places
        Which of the predictors they are.
    lines
        Their laws.
    ratios
        Upper bounds of the r_j.

    """

    places: tuple[int, ...]
    lines: tuple[Line, ...]
    ratios: tuple[Ball, ...]

    def share(self, exponents: Sequence[int], cut: Ball) -> Ball:
        """Bound E[prod |z_l|^m_l; |x| > cut, opposed]/prod E|z_l|^m_l by the z alone."""
        total = arb(0)
        for place, line, ratio in zip(self.places, self.lines, self.ratios, strict=True):
            m = exponents[place]
            total += beyond_cut(line, (cut / (ratio * WIDER)).lower(), m) / line.absolute(m)
        return total.abs_upper() if total.is_finite() else NAN

    def rate(self, slope: Ball) -> Ball:
        """Return a lower bound of the rate at which the weight falls in x where no other is opposed."""
        return (abs(slope.real) / (2 if self.places else 1)).lower()

    def part(self, power: int, exponents: Sequence[int], cut: Ball) -> Ball:
        """Bound E[|x|^power prod |z_l|^m_l; |x| > cut, opposed]/{P(|x| > cut) prod E|z_l|^m_l}.

        ``exponents`` are those of all predictors, and for E|z_l|^m_l the line's bound stands.  Not finite where none is
        known.
        """
        total = arb(0)
        for place, line, ratio in zip(self.places, self.lines, self.ratios, strict=True):
            k = power + exponents[place]
            beyond = line.absolute(k) if cut.is_zero() else beyond_cut(line, (cut / (ratio * WIDER)).lower(), k)
            total += ratio**power * beyond / line.absolute(exponents[place])
        return total.abs_upper() if total.is_finite() else NAN


def beyond_cut(line: Line, cut: Ball, power: int) -> Ball:
    """Bound E[|z|^power; |z| > cut]: the law's tail outside an interval that [-cut, cut] contains.

    Not finite where the law ends on one side farther out than the cut: mass is left there.
    """
    low, high = line.reach(FARTHEST)
    low, high = -cut if line.low is None else low, cut if line.high is None else high
    inside = bool(low >= -cut) and bool(high <= cut) and bool(low < high)
    return line.tail(low, high, power, arb(0)).abs_upper() if line.plain and inside else NAN


@dataclass(frozen=True)
class Fall:
    """|w(eta)| <= level e^(-rate |x|) for all real x but where others are opposed; rate > 0.

    Parameters
    ----------
    moments
        For each power of x the exponents of the moments that have it.
    integral
        A bound of the integral of |w| over x.

    """

    level: Ball
    rate: Ball
    opposed: Opposed
    moments: tuple[tuple[tuple[int, ...], ...], ...]
    integral: Ball

    def strip(self, cut: Ball, power: int, crest: Ball) -> Ball:
        """Bound E[|x|^power |w| prod |z_l|^m_l; |x| > cut]/prod E|z_l|^m_l for all moments, by the density."""
        most = arb(0)
        for exponents in self.moments[power]:
            most = larger(most, self.opposed.share(exponents, cut))
        return (crest * (2 * self.level * (-self.rate * cut).exp() / self.rate + self.integral * most)).abs_upper()

    def beyond(self, cut: Ball, power: int, largest: Ball) -> Ball:
        """Bound E[|x|^power |w| prod |z_l|^m_l; |x| > cut]/{P(|x| > cut) prod E|z_l|^m_l} for all moments.

        ``largest`` is a bound of |w|.  The near part's bound of |x|^power |w| falls from power/rate on.
        """
        if not self.rate * cut >= power:
            return NAN
        most = arb(0)
        for exponents in self.moments[power]:
            most = larger(most, self.opposed.part(power, exponents, cut))
        return self.level * cut**power * (-self.rate * cut).exp() + largest * most
