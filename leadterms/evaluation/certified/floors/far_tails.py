r"""How small the information on effects may be where a fixed predictor has a heavy tail, by that tail.

H = sum_s p_s E_s[w a a'], a = d eta/dz, and no effect multiplies the predictor x, which enters eta with the slope b.
On a panel of the others (`panel_choice`) eta without x is between its values y_q = c_q + b_q'z at the corners, and with
g the least eigenvalue of E[a a'] over it lambda is at least p g times the least of E[w | the others] there.  Let xi be
how far x is from zero on one side.

**A tail on the side where eta falls**, complementary log-log: eta = y - |b| xi, with a density of at least
e^(-A - B xi) for xi >= g.  Given the others, for y >= 1/2 + |b| g eta is in [-1/2, 1/2] for xi in an interval of length
1/|b|, where the density is at least e^(-A - B (y + 1/2)/|b|); otherwise for xi in [g, g + 1/|b|] eta is at least
y - |b| g - 1 and at most 1/2, where w(eta) >= k e^eta, k = q/(e^q - 1), q = e^(1/2).  So

    1/E[w | the others] <= |b| {e^(A + B (y + 1/2)/|b|)/min(w(-1/2), w(1/2)) + e^(A + B (g + 1/|b|) + |b| g + 1 - y)/k}.

**Heavy tails on both sides**, any weight: the same for y >= 1/2 + |b| g, its mirror image for y <= -1/2 - |b| g', and
otherwise, with g the larger, eta is in [-3/2 - 2 |b| g, 1/2] for xi in [g, g + 1/|b|].

Each of these terms is at most its sum over the corners, as e^(c y) is convex in y.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from flint import arb
from sympy import Integer

from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.floors.panel_choice import Panel, best_of, least_of, panels_of
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball, larger, value_of
from leadterms.evaluation.certified.tools.corner import Corner
from leadterms.evaluation.pair_law import PairLaw
from leadterms.model.laws import ExponentialLaw, GammaLaw, LaplaceLaw, Law, StatsLaw

HALF = arb(0.5)
BULK = 2.0
"""Spreads of the predictor that is not in the tail, of two taken together."""


@dataclass(frozen=True)
class Tail:
    """A density of at least e^(-A - B |x|) on one side of zero, |x| >= g."""

    level: Ball
    rate: Ball
    start: Ball


def beside_heavy_tail(information: PanelInformation) -> list[Corner] | None:
    """Return corners by a tail on the side where eta falls, None where there is no such predictor."""
    return _by_tails(information, _of_one_tail)


def between_heavy_tails(information: PanelInformation) -> list[Corner] | None:
    """Return corners by tails on both sides, None where there is no such predictor."""
    return _by_tails(information, _of_two_tails)


def _by_tails(
    information: PanelInformation, bound: Callable[[Law, list[Ball], Panel], list[Corner] | None]
) -> list[Corner] | None:
    """Return the best bound by a predictor and a panel of the others."""
    return least_of(
        best_of(panels_of(rest), partial(bound, law, slopes)) for law, slopes, rest in _without_one(information)
    )


def _without_one(information: PanelInformation) -> Iterator[tuple[Law, list[Ball], PanelInformation]]:
    """Yield unbounded predictors that no effect multiplies, by law and slope in each strand, and what is left."""
    problems = information.problems
    if any(problem.strand.monomials is not None or problem.strand.cuts is not None for problem in problems):
        return
    for i, ends in enumerate(problems[0].supports):
        moved = any(not row[1 + i].is_zero() for problem in problems for row in problem.loadings)
        slopes = [problem.slopes[i] for problem in problems]
        if None not in ends or moved or not all(bool(slope > 0) or bool(slope < 0) for slope in slopes):
            continue
        rest = PanelInformation([_without(problem, i) for problem in problems], information.shares)
        yield problems[0].strand.laws[i], slopes, rest


def _without(problem: Problem, i: int) -> Problem:
    """Return the problem without a predictor that no effect multiplies."""
    strand = problem.strand
    narrower = replace(
        strand,
        laws=strand.laws[:i] + strand.laws[i + 1 :],
        slopes=strand.slopes[:i] + strand.slopes[i + 1 :],
        loadings=tuple(row[: 1 + i] + row[2 + i :] for row in strand.loadings),
        moments=(),
    )
    return Problem(narrower)


def _of_one_tail(law: Law, slopes: list[Ball], panel: Panel) -> list[Corner] | None:
    slope = panel.common(slopes)
    tail = None if slope is None else tail_of(law, -1 if slope > 0 else 1)
    if slope is None or tail is None:
        return None
    b, q, scale = abs(slope), HALF.exp(), panel.weight.scale
    near = panel.weight.least(-HALF, HALF)
    common = tail.level + (b / panel.share).log()
    rising = common + tail.rate * HALF / b - near.log()
    falling = common + tail.rate * (tail.start + 1 / b) + b * tail.start + 1 - (scale * q / q.expm1()).log()
    return [
        corner
        for c, loads in panel.corners
        for corner in (
            Corner(rising + tail.rate * c / b, tuple(tail.rate * load / b for load in loads)),
            Corner(falling - c, tuple(-load for load in loads)),
        )
    ]


def _of_two_tails(law: Law, slopes: list[Ball], panel: Panel) -> list[Corner] | None:
    slope = panel.common(slopes)
    down = -1 if slope is not None and slope > 0 else 1
    first, second = tail_of(law, down), tail_of(law, -down)
    if slope is None or first is None or second is None:
        return None
    b = abs(slope)
    start = first.start.max(second.start)
    common = (b / panel.share).log()
    near = panel.weight.least(-HALF, HALF).log()
    middle = panel.weight.least((-3 * HALF - 2 * b * start).lower(), HALF).log()
    flat = (arb(0),) * len(panel.corners[0][1])
    found = [Corner(common + first.level + first.rate * (start + 1 / b) - middle, flat)]
    for c, loads in panel.corners:
        for tail, sign in ((first, 1), (second, -1)):
            rate = sign * tail.rate / b
            level = common + tail.level + tail.rate * HALF / b + rate * c - near
            found.append(Corner(level, tuple(rate * load for load in loads)))
    return found


def tail_of(law: Law, side: int) -> Tail | None:
    """Return an exponential below a density on one side of zero, None where none is known.

    That of b X + c Z at s is at least P(|b X| <= r)/|c| times the least density of Z at z with |c z - s| <= r.
    """
    if isinstance(law, PairLaw):
        return _of_pair(law, side)
    if isinstance(law, LaplaceLaw):
        mean, scale = map(value_of, law.args)
        return Tail((2 * scale).log() + abs(mean) / scale, 1 / scale, arb(0))
    if isinstance(law, ExponentialLaw) and side > 0:
        rate = value_of(law.args[0])
        return Tail(-rate.log(), rate, arb(0))
    if isinstance(law, GammaLaw) and side > 0:
        shape, scale = map(value_of, law.args)
        level = shape.lgamma() + shape * scale.log()
        if shape >= 1:
            # x^(k - 1) rises: at least its value at x = scale
            return Tail(level - (shape - 1) * scale.log(), 1 / scale, scale)
        if not shape < 1:
            return None
        # log x <= log m + (x - m)/m, m = 4 scales
        m = 4 * scale
        return Tail(level + (1 - shape) * (m.log() - 1), 1 / scale + (1 - shape) / m, arb(0))
    if isinstance(law, StatsLaw) and law.name == "Logistic":
        mean, scale = map(value_of, law.distribution.args)
        return Tail((4 * scale).log() + abs(mean) / scale, 1 / scale, arb(0))
    if isinstance(law, StatsLaw) and law.name in ("StudentT", "Cauchy"):
        arguments = law.distribution.args
        nu, centre, scale = (
            (arguments[0], Integer(0), Integer(1)) if law.name == "StudentT" else (Integer(1), *arguments)
        )
        return _student(value_of(nu), value_of(centre), value_of(scale))
    return None


def _of_pair(law: PairLaw, side: int) -> Tail | None:
    first, second = law.args[:2]
    b, c = (abs(arb(slope)) for slope in law.slopes)
    tails = [tail_of(second, sign) for sign in (-1, 1)]
    low, high = line_of(first).reach(BULK)
    inside = 1 - line_of(first).tail(low, high, 0, arb(0))
    if tails[0] is None or tails[1] is None or not inside > 0:
        return None
    r = b * larger(abs(low), abs(high)).upper()
    found = [Tail(t.level + t.rate * r / c + (c / inside).log(), t.rate / c, c * t.start + r) for t in tails if t]
    # Student's tails are alike on both sides
    return found[0]


def _student(nu: Ball, centre: Ball, scale: Ball) -> Tail:
    """1 + t^2/nu <= v^2 with v = 1 + |t|/nu^(1/2), |t| <= (|x| + |centre|)/scale, and log v <= log m + (v - m)/m."""
    half, m = nu / 2, arb(8)
    top = (half + HALF).gamma() * half.rgamma() / (nu * arb.pi()).sqrt() / scale
    order, unit = nu + 1, nu.sqrt() * scale
    return Tail(order * (m.log() + (1 + abs(centre) / unit - m) / m) - top.log(), order / (m * unit), arb(0))
