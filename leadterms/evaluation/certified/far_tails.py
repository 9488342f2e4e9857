r"""How small the information on one effect may be where no panel of the predictors is enough, by their tails.

H = sum_s p_s E_s[w a^2], a = d eta/dz: of one strand, with 1/H at most a sum of `Corner`.  The predictors besides x are
bounded; their part of eta, with the constant, is in [l, h].

**A slope on a predictor whose law touches zero**, complementary log-log.  a = r x, eta in (s + r z) x + [l, h], and
x > 0 has a density of at least c x^k for x <= T (or x < 0, |x| in place of x).  On 0 < x <= tau/(1 + |z|), tau <= T,
|(s + r z) x| <= D = max(|s|, |r|) tau, so that with K = k + 3

    H >= p r^2 c (tau/(1 + |z|))^K/K min(w(l - D), w(h + D)),

and (1 + |z|)^K <= m^K e^(K (1 + |z| - m)/m) for every m > 0, as the logarithm is concave.

**An intercept beside a heavy tail**, complementary log-log.  a = r, eta = y - |b| xi, y in r z + [l, h], xi how far x
is from zero on the side where b x < 0, with a density of at least e^(-A - B xi) for xi >= g.  Given the others: for
y >= 1/2 + |b| g eta is in [-1/2, 1/2] for xi in an interval of length 1/|b|, where the density is at least
e^(-A - B (y + 1/2)/|b|); otherwise for xi in [g, g + 1/|b|] eta is at least y - |b| g - 1 and at most 1/2, where
w(eta) >= k e^eta, k = q/(e^q - 1), q = e^(1/2).  So

    1/H <= |b|/(p r^2) {e^(A + B (h + r z + 1/2)/|b|)/min(w(-1/2), w(1/2))
                        + e^(A + B (g + 1/|b|) + |b| g + 1 - l - r z)/k}.

**An intercept between two heavy tails**, any weight: the same for y >= 1/2 + |b| g, its mirror image for
y <= -1/2 - |b| g', and otherwise, with g the larger, eta is in [-3/2 - 2 |b| g, 1/2] for xi in [g, g + 1/|b|].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flint import arb
from sympy import Integer

from leadterms.evaluation.certified.balls import Ball, Cell, float_log, interval, larger, value_of
from leadterms.evaluation.certified.corner import Corner
from leadterms.evaluation.certified.lines import line_of
from leadterms.evaluation.certified.problem import Problem
from leadterms.evaluation.pair_law import PairLaw
from leadterms.model.laws import (
    BetaLaw,
    ExponentialLaw,
    GammaLaw,
    LaplaceLaw,
    Law,
    StatsLaw,
    TriangularLaw,
    UniformLaw,
)
from leadterms.model.weights import CloglogWeight

HALF = arb(0.5)
WIDTHS = (0.5, 1.0, 2.0)
"""D that are tried."""
BULK = 2.0
"""Spreads of the predictor that is not in the tail."""
TANGENTS = (2, 3, 4, 6, 8)
"""m that are tried."""


@dataclass(frozen=True)
class Rise:
    """A density of at least c |x|^k for 0 < |x| <= T on one side of zero."""

    power: Ball
    level: Ball
    reach: Ball


@dataclass(frozen=True)
class Tail:
    """A density of at least e^(-A - B |x|) on one side of zero, |x| >= g."""

    level: Ball
    rate: Ball
    start: Ball


@dataclass(frozen=True)
class Power:
    """1/H is at most (1 + |z|)^order/size, by what the predictor at this place has nearer to zero than ``reach``."""

    order: Ball
    size: Ball
    place: int
    reach: Ball

    def on(self, cell: Cell) -> Ball:
        """Bound 1/H on a cell of the one effect."""
        (side,) = cell
        return ((self.order * (1 + interval(*side).abs_upper()).log()).exp() / self.size).abs_upper()


def power_at_zero(problem: Problem, share: Ball) -> Power | None:
    """Return the bound by a power for a slope on a law that touches zero, None where nothing is known."""
    moved = _moved(problem)
    if moved is None or len(moved) != 1 or not isinstance(problem.strand.weight, CloglogWeight):
        return None
    if not problem.loadings[0][0].is_zero():
        return None
    (i,) = moved
    rise, ends = rise_of(problem.strand.laws[i]), _ends(problem, i)
    if rise is None or ends is None:
        return None
    # of a law that is cut off what is left may be less
    reach = rise.reach
    for j, cut in enumerate(problem.strand.cuts or ()):
        kept = [abs(end) for end in cut if end is not None]
        if kept and j != i:
            return None
        reach = min([reach, *kept], key=float).lower()
    (low, high), r = ends, problem.loadings[0][1 + i]
    steepest, order = abs(r).max(abs(problem.slopes[i])), rise.power + 3
    best = arb(0)
    for width in WIDTHS:
        tau = reach.min(width / steepest)
        moves = (steepest * tau).upper()
        least = problem.weight.least((low - moves).lower(), (high + moves).upper())
        best = best.max((share * r * r * rise.level * (order * tau.log()).exp() / order * least).lower())
    return Power(order, best, i, reach) if best > 0 else None


def at_zero(problem: Problem, share: Ball, sign: int) -> list[Corner] | None:
    """Return one corner of the least mass where z has this sign, None where nothing is known."""
    power = power_at_zero(problem, share)
    if power is None:
        return None
    found = [
        Corner(
            power.order * (arb(m).log() + arb(1 - m) / m) - power.size.log(),
            (sign * power.order / m,),
        )
        for m in TANGENTS
    ]
    return [min(found, key=lambda corner: float_log(corner.mass()))]


def beside_heavy_tail(problem: Problem, share: Ball) -> list[Corner] | None:
    """Return corners for all z, None where there is no such predictor."""
    moved = _moved(problem)
    if moved is None or moved or problem.strand.cuts is not None:
        return None
    r = problem.loadings[0][0]
    for tails, (low, high), b in _tails(problem):
        tail = tails[0]
        if tail is None:
            continue
        q, scale = HALF.exp(), problem.weight.scale
        near = problem.weight.least(-HALF, HALF)
        common = tail.level + (b / (share * r * r)).log()
        rising = common + tail.rate * (high + HALF) / b - near.log()
        falling = common + tail.rate * (tail.start + 1 / b) + b * tail.start + 1 - low - (scale * q / q.expm1()).log()
        return [
            Corner(rising, (tail.rate * r / b,)),
            Corner(falling, (-r,)),
        ]
    return None


def between_heavy_tails(problem: Problem, share: Ball) -> list[Corner] | None:
    """Return corners for all z, None where there is no such predictor."""
    moved = _moved(problem)
    if moved is None or moved or problem.strand.cuts is not None:
        return None
    r = problem.loadings[0][0]
    for (first, second), (low, high), b in _tails(problem):
        if first is None or second is None:
            continue
        start = first.start.max(second.start)
        common = (b / (share * r * r)).log()
        near = problem.weight.least(-HALF, HALF).log()
        middle = problem.weight.least((-3 * HALF - 2 * b * start).lower(), HALF).log()
        level = common + first.level + first.rate * (start + 1 / b) - middle
        return [
            Corner(common + first.level + first.rate * (high + HALF) / b - near, (first.rate * r / b,)),
            Corner(common + second.level + second.rate * (HALF - low) / b - near, (-second.rate * r / b,)),
            Corner(level, (arb(0),)),
        ]
    return None


def _tails(problem: Problem) -> Iterator[tuple[tuple[Tail | None, Tail | None], tuple[Ball, Ball], Ball]]:
    """Yield the tails of predictors by which eta falls and rises, the range of the rest of eta, and |b|."""
    for i, slope in enumerate(problem.slopes):
        ends = _ends(problem, i)
        if None not in problem.supports[i] or not (slope > 0 or slope < 0) or ends is None:
            continue
        down = -1 if slope > 0 else 1
        law = problem.strand.laws[i]
        yield (tail_of(law, down), tail_of(law, -down)), ends, abs(slope)


def _moved(problem: Problem) -> list[int] | None:
    """Return the predictors that the one effect multiplies, None for other forms."""
    if problem.strand.monomials is not None or len(problem.loadings) != 1:
        return None
    return [i for i, entry in enumerate(problem.loadings[0][1:]) if not entry.is_zero()]


def _ends(problem: Problem, i: int) -> tuple[Ball, Ball] | None:
    """Bound the constant with all predictors but one, that no effect multiplies; None where one is unbounded."""
    low = high = problem.centre
    for j, (slope, ends) in enumerate(zip(problem.slopes, problem.supports, strict=True)):
        if j == i or slope.is_zero():
            continue
        if ends[0] is None or ends[1] is None:
            return None
        sides: Sequence[Ball] = (slope * ends[0], slope * ends[1])
        low, high = low + sides[0].min(sides[1]), high + sides[0].max(sides[1])
    return low.lower(), high.upper()


def rise_of(law: Law) -> Rise | None:
    """Return how a density rises from zero, where that is an end of its support; None where that is not known."""
    if 0 not in law.support:
        return None
    if isinstance(law, UniformLaw):
        width = value_of(law.args[1] - law.args[0])
        return Rise(arb(0), 1 / width, width)
    if isinstance(law, TriangularLaw):
        low, high, mode = law.args
        width, rising = value_of(high - low), value_of(abs(mode))
        if mode == 0:
            # at least half of its top, 2/width, on half of the support
            return Rise(arb(0), 1 / width, width / 2)
        return Rise(arb(1), 2 / (width * rising), rising)
    if isinstance(law, ExponentialLaw):
        rate = value_of(law.args[0])
        return Rise(arb(0), rate / arb(1).exp(), 1 / rate)
    if isinstance(law, GammaLaw):
        shape, scale = map(value_of, law.args)
        return Rise(shape - 1, shape.rgamma() * (-shape * scale.log() - 1).exp(), scale)
    if isinstance(law, BetaLaw):
        first, second = map(value_of, law.args)
        top = (first + second).gamma() * first.rgamma() * second.rgamma()
        return Rise(first - 1, top * ((1 - second) * arb(2).log()).exp().min(arb(1)), HALF)
    return None


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
