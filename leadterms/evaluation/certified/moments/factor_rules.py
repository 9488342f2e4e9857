"""Rules for the predictors of a strand under an exponential weight: one for each, since the weight factorises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flint import arb

from leadterms.evaluation.certified.laws.curve_line import CurveLine
from leadterms.evaluation.certified.laws.falls import Fall, Opposed
from leadterms.evaluation.certified.laws.tilted_curve import TiltedCurve
from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.own_part import falling
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.eta import top_of
from leadterms.evaluation.certified.rules.line_rules import line_rule
from leadterms.evaluation.certified.rules.rule import LineRule, Request
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, End
from leadterms.evaluation.precision import ball_precision


def factor_rules(problem: Problem, slopes: Sequence[Ball], bits: int, sizes: list[list[Ball]]) -> tuple[LineRule, ...]:
    """Return the rules, with errors of about 2^-bits of E e^(rate eta) times E|X|^k for each predictor.

    Raises
    ------
    EvaluationError
        If an error could not be proven.

    """
    rate = problem.weight.rate
    rules = []
    parts = zip(problem.lines, problem.samples, problem.parts(slopes), sizes, strict=True)
    for line, samples, part, size in parts:
        with ball_precision(PLANNING_BITS):
            tilts = {k: rate * slope for k, slope in part.items()}
            middle = {k: tilt.real.mid() for k, tilt in tilts.items()}
            scale = sum((p * part_at(line, middle, x).exp() for x, p in samples), arb(0)).abs_upper()
            tolerances = tuple((scale * s * arb(2) ** (-bits)).abs_upper() for s in size)
            eta = tuple(tilts.get(k, arb(0)) for k in range(max(tilts, default=1) + 1))
            if isinstance(line, CurveLine):
                # its tails have the weight in them
                request = Request(TiltedCurve(line, tilts), _exponential_modulus, arb(1), eta, arb(0), tolerances)
            elif len(eta) == 2:
                request = Request(line, _exponential_modulus, arb(1), eta, eta[1].real, tolerances)
            else:
                request = _of_polynomial(line, eta, tolerances)
        rules.append(line_rule(request))
    return tuple(rules)


def _of_polynomial(line: Line, eta: tuple[Ball, ...], tolerances: tuple[Ball, ...]) -> Request:
    """Return what is asked for where |e^p| = e^(Re p) with a polynomial p of degree two or more.

    On an unbounded support it is at most e^s e^(-r |x|) where the last term falls (`falling`).
    """
    real, ends = [c.real for c in eta[1:]], (line.low, line.high)
    everywhere = top_of(real, ends).exp().abs_upper()
    rate, slack = falling(real, ends)
    fall = None
    if None in ends and rate > 0 and slack.is_finite():
        level, alone = slack.exp().abs_upper(), ((),)
        fall = Fall(level, rate, Opposed((), (), ()), (alone,) * len(tolerances), (2 * level / rate).abs_upper())
    return Request(line, _exponential_modulus, everywhere, eta, arb(0), tolerances, fall)


def part_at(line: Line, part: Mapping[int, Ball], x: Ball) -> Ball:
    """Return what one predictor adds to eta."""
    return sum((slope * line.power(x, k) for k, slope in part.items()), arb(0))


def _exponential_modulus(low: End, high: End, height: Ball) -> Ball:
    return NAN if high is None else high.exp()
