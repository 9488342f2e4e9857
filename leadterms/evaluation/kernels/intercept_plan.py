r"""Steps, ends and precisions for averages over a normal intercept, and the bounds of averages that they rest on.

phi is the density of N(0, s^2) = N(0, variance), c = centre + u, w the logistic weight, b > 0 the slope, and
m_0(c) = E w(c + bZ), Z ~ N(0, 1).

For m in [-1, 1], w(eta) <= e^{-|eta|} <= e^{-m eta} gives m_0(c) <= e^{-m c + m^2 b^2/2}.  By Jensen's inequality,
w(eta) >= e^{-|eta|}/4 and E|Z| <= 4/5, m_0(c) >= e^{-|c| - 4b/5}/4, and e^{|nc|} <= e^{nc} + e^{-nc}.  Completing
the square,

    n >= 0:  phi(u) m_0(c)^n <= e^{n (m^2 b^2/2 - m centre) + n^2 m^2 s^2/2} phi(u + n m s^2),
    n < 0:   phi(u) m_0(c)^n <= 4^{|n|} e^{4|n|b/5} sum_{+-} e^{n^2 s^2/2 +- |n| centre} phi(u -+ |n| s^2).

The integrals of the right sides bound E[m_0^n], and their tails what is left out of a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, cos, floor, inf, log, log2, pi, sqrt

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels.gaussian_line import coarse
from leadterms.evaluation.kernels.logistic_moments import (
    Columns,
    Inner,
    Line,
    moments_by_powers,
    moments_by_product,
    moments_by_series,
    power_sizes,
    product_sizes,
    series_order,
)
from leadterms.evaluation.moment_system import Exact

_LARGEST_WORK = 1e9
"""Bits in the polynomials of one product, or at all nodes; bits of all terms of the sums divided by 500."""


@dataclass(frozen=True)
class Point:
    """Centre >= 0, slope > 0, variance > 0, a ball for E[m_0], and doubles near them."""

    centre: arb
    slope: arb
    variance: arb
    mass: arb

    @property
    def doubles(self) -> tuple[float, float, float]:
        """Centre, slope, variance."""
        return float(self.centre.mid()), float(self.slope.mid()), float(self.variance.mid())


@dataclass(frozen=True)
class Term:
    """coefficient m_0^i m_1^j m_2^l, with logarithms of its coefficient and of about its value."""

    coefficient: Exact
    i: int
    j: int
    l: int
    size: float = 0.0
    value: float = 0.0

    @property
    def power(self) -> int:
        """Degree n in the moments."""
        return self.i + self.j + self.l

    @property
    def loss(self) -> int:
        """The exponent of 1/cos(y/2) in the bound on a strip."""
        return 3 * self.j + 2 * self.l + max(2 * self.i, -self.i)

    def factor(self, slope: arb) -> arb:
        """Return b^j (1 + b^2)^l."""
        return slope**self.j * (1 + slope * slope) ** self.l


@dataclass(frozen=True)
class Plan:
    """Step, height of the strip, first and last node (c = j step), bits of the arithmetic, and the moments there."""

    step: float
    height: float
    first: int
    last: int
    precision: int
    moments: Callable[[Line, arb], Columns]


def tilts(point: Point, n: int, m: float) -> list[tuple[arb, arb]]:
    """Return constants and shifts: phi(u) m_0(centre + u)^n <= sum of constant phi(u - shift)."""
    c, b, s2 = point.centre, point.slope, point.variance
    if n >= 0:
        constant = (n * (m * m * b * b / 2 - m * c) + n * n * m * m * s2 / 2).exp()
        return [(constant, -n * m * s2)]
    front = (-n * 4 * b / 5).exp() * arb(4) ** -n
    return [(front * (n * n * s2 / 2 - sign * n * c).exp(), -sign * n * s2) for sign in (1, -1)]


def average_power(point: Point, n: int) -> arb:
    """Return a bound of E[m_0^n]."""
    if n == 0:
        return arb(1)
    if n == 1:
        return point.mass
    c, b, s2 = point.doubles
    bound = sum((constant for constant, _ in tilts(point, n, min(1.0, c / (b * b + n * s2)))), arb(0))
    return bound if n < 0 else bound.min(point.mass * arb(4) ** (1 - n))


def ends_of(point: Point, term: Term, target: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return, for the lower and the upper end, the tilt and how far out the average may be cut."""
    c, b, s2 = point.doubles
    n, factor = term.power, term.size + logarithm(term.factor(point.slope)) - target
    main = min(1.0, c / (b * b + n * s2)) if n > 0 else 0.0
    best = []
    for side in (-1, 1):
        choices = []
        for m in [main, *(side * part / 4 for part in range(1, 5))] if n > 0 else [0.0]:
            out = -inf
            for constant, shift in tilts(point, n, m):
                reach = sqrt(2 * s2 * max(logarithm(constant) + factor, 1.0))
                out = max(out, side * float(shift.mid()) + reach)
            choices.append((out, m))
        out, m = min(choices)
        best.append((m, side * out))
    return best[0], best[1]


def _widest_step(need: float, variance: float, loss: int) -> tuple[float, float]:
    """Return the largest step 2 pi a/(need + a^2/2 variance - loss log cos(a/2)) and its a < pi."""

    def step(a: float) -> float:
        return 2 * pi * a / (need + a * a / (2 * variance) - loss * log(cos(a / 2)))

    upper = min(pi * (1 - 1e-6), 2 * sqrt(2 * variance * need))
    lower = upper / 4
    for _ in range(24):
        third = (upper - lower) / 3
        if step(lower + third) < step(upper - third):
            lower += third
        else:
            upper -= third
    return coarse(step(lower)), lower


def plan_sum(point: Point, terms: list[Term], target: float) -> Plan:
    """Choose what makes each error about e^target; nothing here needs to be exact."""
    c, b, s2 = point.doubles
    log_slope = logarithm(point.slope)
    outer, inner, relative, fixed, ends = [], -inf, -inf, -inf, []
    for term in terms:
        factor = term.size + logarithm(term.factor(point.slope)) - target
        whole = factor + logarithm(average_power(point, term.power))
        outer.append((*_widest_step(max(whole + log(2), 1.0), s2, term.loss), whole))
        count = log(abs(term.i) + term.j + term.l)
        # an error of m_1 weighs 1/b as much as one of m_0
        lever = max(0.0, -log_slope) if term.j else 0.0
        relative = max(relative, whole + count)
        inner = max(inner, whole + count + lever)
        fixed = max(fixed, factor + count + lever + logarithm(average_power(point, term.power - 1)))
        ends.append(ends_of(point, term, target))
    step, height, _ = min(outer)
    top = max(2 if term.l else 1 if term.j else 0 for term in terms)
    lower = c + min(end[0][1] for end in ends)
    upper = max(c + max(end[1][1] for end in ends), lower)
    digits = max(ceil(fixed / log(2)) + 4, 30)
    most = max(whole for _, _, whole in outer)

    def plan(step: float, height: float, moments: Callable[[Line, arb], Columns], more: int = 0) -> Plan:
        first, last = floor(lower / step), max(ceil(upper / step) + 1, 0)
        precision = max(ceil(most / log(2)), more, 30) + 2 * ceil(log2(last - first + 2)) + 24
        if precision * (last - first) > _LARGEST_WORK:
            raise EvaluationError(
                "an average over a normal intercept needs too many nodes: fewer digits, or a smaller variance"
            )
        return Plan(step, height, first, last, precision, moments)

    order = series_order(b, log_slope, max(relative, 1.0) + log(2))
    inner_step, inner_height = 0.0, 0.0
    if b > 1e-150:
        need = max(inner, 1.0) + log(4) + top * log(sqrt(1 + b * b) + pi / b)
        inner_step, inner_height = _widest_step(need, b * b, 2)
    if order is not None and (inner_step < step or order < 4):
        series = order
        return plan(step, height, lambda line, slope: moments_by_series(line, slope, series, top))
    if not inner_step:
        raise EvaluationError("no rule for so small a slope of a normal predictor with so many digits")
    return _gridded(plan, point, (step, height), Inner(inner_step, inner_height, digits), (lower, upper), top)


def _gridded(
    plan: Callable[..., Plan],
    point: Point,
    outer: tuple[float, float],
    rule: Inner,
    ends: tuple[float, float],
    top: int,
) -> Plan:
    """Choose between one grid for both rules, and a grid for each."""
    b, (step, height) = point.doubles[1], outer
    common = Inner(min(step, rule.step), rule.height, rule.digits)
    shared, own = (nodes_of(h, floor(ends[0] / h), ceil(ends[1] / h)) for h in (common.step, step))
    lower, upper, reach, _ = product_sizes(shared, b, rule.digits)
    product = (upper - lower + 2 * reach) * rule.digits
    powers = (own.last - own.first) * 2 * power_sizes(own, b, rule) * (rule.digits + 300) / 25
    if min(product, powers / 20) > _LARGEST_WORK:
        raise EvaluationError("the moments of a normal predictor need too many nodes: fewer digits, or a smaller slope")
    if powers < product:
        more = 2 * ceil(log2(power_sizes(own, b, rule) + 2))
        return plan(step, height, lambda line, slope: moments_by_powers(line, slope, rule, top), rule.digits + more)
    more = rule.digits + 2 * ceil(log2(reach + 2))
    return plan(common.step, height, lambda line, slope: moments_by_product(line, slope, common, top), more)


def logarithm(ball: arb) -> float:
    """Return the natural logarithm of the largest modulus in a ball, as a double."""
    upper = abs(ball).upper()
    return float(upper.log().mid()) if upper > 0 else -inf


def nodes_of(step: float, first: int, last: int) -> Line:
    """Return the nodes c >= 0 that stand for all: m_k is even or odd in c."""
    return Line(step, first, last) if first >= 0 else Line(step, 0, max(last, -first))
