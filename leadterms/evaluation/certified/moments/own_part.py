r"""What one predictor x adds to eta on its own, how fast that grows far out, and how a weight falls with it (`falls`).

.. math:: \eta = a + p(x) + \sum_j c_j z_j,\quad p(x) = c_1 x + \dots + c_d x^d

with the bounded predictors and the effects in a, and in the coefficients of p where they multiply x; z_1, z_2, .. are
the other unbounded predictors.  For real x

.. math:: |p(x)| \ge r |x| - s.

For d = 1 r = |c_1| and s = 0.  For d > 1 and any r > 0 let C <= |c_d|, e_1 >= |c_1| + r, e_k >= |c_k| for 1 < k < d.
With t = |x|, |p(x)| - r t >= C t^d - sum_k e_k t^k >= -s, s by `slack_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.laws.falls import Fall, Opposed
from leadterms.evaluation.certified.moments.power_fall import PowerFall, power_fall
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.eta import slack_of
from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, interval
from leadterms.evaluation.certified.weights.elementary_weights import PowerBalls

RATES = tuple(2.0**k for k in range(-20, 21))
"""Rates that are tried."""
SLACK = 24.0
"""How much more slack than the least a faster rate may cost, so that a level stays within e^24."""


@dataclass(frozen=True)
class OwnPart:
    """The part of eta that one predictor has.

    Parameters
    ----------
    coefficients
        Those of p, real parts, by rising power from the first.
    offset
        A bound of |Re a|.
    places, slopes
        The other unbounded predictors in eta and their c_j.
    rate, slack
        r and s.

    """

    coefficients: tuple[Ball, ...]
    offset: Ball
    places: tuple[int, ...]
    slopes: tuple[Ball, ...]
    rate: Ball
    slack: Ball

    @property
    def falling_rate(self) -> Ball:
        """A lower bound of the rate at which the weight falls in x where no other predictor is opposed."""
        return (self.rate / (2 if self.places else 1)).lower()

    def opposed(self, problem: Problem) -> Opposed:
        """Return the unbounded predictors that may take eta back where x is far out."""
        ratios = [(2 * len(self.places) * abs(c) / self.rate).abs_upper() for c in self.slopes]
        return Opposed(self.places, tuple(problem.lines[j] for j in self.places), tuple(ratios))


def own_part(problem: Problem, i: int, shift: Ball, slopes: Sequence[Ball]) -> OwnPart | None:
    """Return the part of predictor i, None where eta is not of the form above or p does not surely grow."""
    ends = problem.supports
    unbounded = [None in side for side in ends]
    known = [arb(0) if None in side else interval(*side) for side in ends]
    coefficients: dict[int, Ball] = {}
    opposed: dict[int, Ball] = {}
    offset = abs(shift.real)
    for slope, exponents in zip(slopes, problem.predictor.monomials, strict=True):
        real, power = slope.real, exponents[i]
        if real.is_zero():
            continue
        others = [j for j, k in enumerate(exponents) if k and j != i]
        beside = [j for j in others if unbounded[j]]
        if beside:
            if power or exponents != [int(j == beside[0]) for j in range(len(exponents))]:
                return None
            opposed[beside[0]] = real
        elif power:
            factor = problem.predictor.monomial(known, exponents, without=i)
            coefficients[power] = coefficients.get(power, arb(0)) + real * factor
        else:
            offset = offset + abs(real * problem.predictor.monomial(known, exponents))
    if not coefficients or (max(coefficients) > 1 and not problem.lines[i].plain):
        return None
    own = tuple(coefficients.get(k, arb(0)) for k in range(1, max(coefficients) + 1))
    rate, slack = growth(own)
    if not (rate > 0 and slack.is_finite() and offset.is_finite()):
        return None
    return OwnPart(own, offset.abs_upper(), tuple(opposed), tuple(opposed.values()), rate, slack)


def growth(coefficients: Sequence[Ball]) -> tuple[Ball, Ball]:
    """Return r and s with |p(x)| >= r |x| - s, r not positive where none is found."""
    *lower, last = coefficients
    least = abs(last).lower()
    if not lower or not least > 0:
        return (least if not lower else arb(0)), arb(0)
    sizes = [abs(c).abs_upper() for c in lower]
    slacks = [slack_of([sizes[0] + rate, *sizes[1:]], least) for rate in RATES]
    found = [pair for pair in zip(RATES, slacks, strict=True) if pair[1] <= slacks[0] + SLACK]
    return (arb(found[-1][0]), found[-1][1]) if found else (arb(0), arb(0))


def fall(problem: Problem, i: int, shift: Ball, slopes: Sequence[Ball]) -> Fall | PowerFall | None:
    """Return how the weight falls in an unbounded predictor (`falls`, `power_fall`), None where that is not known."""
    if None not in problem.supports[i]:
        return None
    if problem.weight.rate is not None:
        return _exponential_fall(problem, i, shift, slopes)
    if isinstance(problem.weight, PowerBalls):
        return power_fall(problem, i, shift, slopes)
    part = own_part(problem, i, shift, slopes)
    height = problem.predictor.range(shift, slopes, problem.supports)[2]
    if part is None or not height.is_finite():
        return None
    level = decay(problem, i, part, height) * (part.offset + part.slack).exp()
    rate = part.falling_rate
    if not (level.is_finite() and rate > 0):
        return None
    moments = [tuple(e for e in problem.strand.moments if e[i] == k) for k in range(problem.powers[i] + 1)]
    return Fall(level, rate, part.opposed(problem), tuple(moments), integral(problem, part, height))


def _exponential_fall(problem: Problem, i: int, shift: Ball, slopes: Sequence[Ball]) -> Fall | None:
    """Return the same of w = scale e^(rate eta), whose exponent is at most |Re a| + s - r |x| where p falls far out."""
    rate = problem.weight.rate
    part = own_part(problem, i, rate * shift, [rate * slope for slope in slopes])
    if part is None or part.places or not falls_far_out(part.coefficients, problem.supports[i]):
        return None
    level = (abs(problem.weight.scale) * (part.offset + part.slack).exp()).abs_upper()
    if not level.is_finite():
        return None
    moments = [tuple(e for e in problem.strand.moments if e[i] == k) for k in range(problem.powers[i] + 1)]
    whole = (2 * level / part.rate).abs_upper()
    return Fall(level, part.rate, Opposed((), (), ()), tuple(moments), whole)


def integral(problem: Problem, part: OwnPart, height: Ball) -> Ball:
    """Bound the integral of |w| over x on all of the line, |w| <= K e^-|Re eta|: whatever a is where p is straight.

    Otherwise where there are no z_j: then |w| <= K e^(|Re a| + s) e^(-r |x|).
    """
    straight = 2 * problem.weight.decay(height) / part.rate
    if len(part.coefficients) == 1:
        return straight.abs_upper()
    return NAN if part.places else (straight * (part.offset + part.slack).exp()).abs_upper()


def decay(problem: Problem, i: int, part: OwnPart, height: Ball) -> Ball:
    """Return K with |w| <= K e^(-|p(x)| + |a|): of one side where p(x) keeps to that, far out at least.

    There |w| <= K e^(t (a + p(x))) for 0 <= t <= 1, too, and p(x) <= s - r |x| on the support (see the module).
    """
    sinks = falls_far_out(part.coefficients, problem.supports[i])
    return problem.weight.decay_below(height) if sinks else problem.weight.decay(height)


def falls_far_out(coefficients: Sequence[Ball], ends: tuple[End, End]) -> bool:
    """Tell whether the last term of p surely is negative, far out at least, on a support."""
    low, high = ends
    *_, last = coefficients
    odd = len(coefficients) % 2
    above, below = low is not None and low >= 0, high is not None and high <= 0
    return bool(last < 0 if above or not odd else below and last > 0)


def falling(coefficients: Sequence[Ball], ends: tuple[End, End]) -> tuple[Ball, Ball]:
    """Return r and s with p(x) <= s - r |x| on a support, r zero where none is found."""
    return growth(coefficients) if falls_far_out(coefficients, ends) else (arb(0), arb(0))
