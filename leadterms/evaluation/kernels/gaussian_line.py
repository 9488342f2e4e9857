r"""Averages of a polynomial times the logistic weight over a normal linear predictor, in proven balls.

Throughout w(eta) = e^eta/(1 + e^eta)^2 = 1/(4 cosh^2(eta/2)), phi_v is the density of N(0, v), and

    hΣf = h sum_j f(j h),    nu(z) = 1/(e^{-2 pi i z/h} - 1).

Trapezoidal rule.  Let f be analytic in |Im z| <= a, real on the line and small at both ends, but for poles zeta off
the line, none of them at height a.  Since (1/2i) cot(pi z/h) has residue h/(2 pi i) at each node, moving the two lines
of integration to heights a and -a gives

    integral f = hΣf - 2 Re 2 pi i sum_{0 < Im zeta < a} Res_zeta (f nu) + error,
    |error| <= 2 integral |f(x + ia)| dx / (e^{2 pi a/h} - 1).

The weight.  |cosh(z/2)|^2 = (cosh x + cos y)/2 and cosh x + cos y >= (1 + cosh x) cos^2(y/2) give, with z = x + iy,

    |w(x + iy)| <= w(x)/cos^2(y/2),    w(z + 2 pi i) = w(z),    w(z) = -1/s^2 + an even analytic function of s

where s = z - i pi (2k + 1): all poles are double, and lines at the heights 2 pi K meet the weight of the real line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, floor, frexp, inf, ldexp, log, log2, pi, sqrt

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.moment_system import Exact
from leadterms.evaluation.precision import ball_precision

_GUARD = 8
_ROUGH = 64
_SPARE = 256
"""Bits for sums of exact numbers given as balls, beyond those asked for."""
_POLE_COST = 5
"""Time of one residue in nodes."""
_FARTHEST = 1e12
"""Centres whose tilts e^-c differ in doubles by less than a factor."""
_MOST_NODES = 1e11
"""Nodes without poles beyond which the sum is not tried: with poles it takes some square root of them."""


@dataclass(frozen=True)
class _Plan:
    """Step, height a of the strip, poles inside it, tilt and reach of the two tails, and bits of the arithmetic."""

    step: float
    height: float
    poles: int
    ends: tuple[tuple[float, float], tuple[float, float]]
    precision: int


def gaussian_line(bits: int, centre: Exact, variance: Exact, coefficients: Sequence[Exact]) -> arb:
    """Return a ball that contains E[ sum_k coefficients[k] T^k w(centre + T) ], T ~ N(0, variance).

    The trapezoidal rule with residues of K double poles, each way (see the module).  With centre >= 0 (w is even) and
    any m in [-1, 1], w(eta) <= e^{-|eta|} <= e^{-m eta}, hence

        w(centre + t) phi_v(t) <= e^{-m centre + m^2 v/2} phi_v(t + m v).

    Discretisation: at height a the polynomial grows to at most sum_k |c_k| (|t| + a)^k, and by Minkowski, with k' the
    even number at or above k and E|Z|^{k'} <= k'^{k'/2},

        E[w(centre + T) (|T| + a)^k] <= e^{-m centre + m^2 v/2} (m v + sqrt(v k') + a)^k,    0 <= m <= 1.

    Truncation: beyond s = |t + m v| = R with R^2 >= 2 v degree the bound above times (s + |m| v)^k falls, so the nodes
    left out weigh at most its integral; phi_v(s) <= phi_v(R) e^{-(s - R) R/v} and (1 + (s - R)/R)^k <= e^{k (s - R)/R}
    make that at most phi_v(R) (R + |m| v)^k 2 v/R.

    Parameters
    ----------
    bits
        Accuracy aimed at, relative to the value, unless terms of the polynomial cancel.
    centre, variance
        Real, and nonnegative.
    coefficients
        From degree 0 upwards.

    Raises
    ------
    EvaluationError
        If the variance is negative, or a parameter beyond double range.

    Examples
    --------
    >>> from flint import fmpq
    >>> print(gaussian_line(60, fmpq(-3, 10), fmpq(13, 10), [1]).str(15, radius=False))
    0.195512531103302

    """
    with ball_precision(bits + _SPARE):
        centre, variance, coefficients = _upright(centre, variance, coefficients)
    if not coefficients:
        return arb(0)
    with ball_precision(_ROUGH):
        if variance == 0:
            plan = None
        else:
            plan = _plan(bits, float(arb(centre).mid()), float(arb(variance).mid()), [_size(c) for c in coefficients])
    with ball_precision(plan.precision if plan else bits + _ROUGH):
        c, v, polynomial = arb(centre), arb(variance), [arb(number) for number in coefficients]
        if plan is None:
            return polynomial[0] * c.exp() / (1 + c.exp()) ** 2
        total = _nodes(plan, c, v, polynomial)
        if plan.poles:
            total += _residues(plan, c, v, polynomial)
        return total + arb(0, _discretisation(plan, c, v, polynomial) + _truncation(plan, c, v, polynomial))


def gaussian_row(step: arb, centre: arb, variance: arb, first: int, last: int) -> list[arb]:
    """Return exp(-(j step - centre)^2/(2 variance)) for j = first..last, two products each.

    Outwards from the largest; radii grow with the square of the distance from it.

    Examples
    --------
    >>> [round(float(e), 6) for e in gaussian_row(arb(1), arb(0), arb(2), -1, 2)]
    [0.778801, 1.0, 0.778801, 0.367879]

    """
    middle = min(max(round(float((centre / step).mid())), first), last)
    z = middle * step - centre
    scale = -1 / (2 * variance)
    top = (z * z * scale).exp()
    bend = (2 * step * step * scale).exp()
    arms = []
    for number, sign in ((last - middle, 1), (middle - first, -1)):
        arm, value, ratio = [], top, ((step + 2 * sign * z) * step * scale).exp()
        for _ in range(number):
            value = value * ratio
            ratio = ratio * bend
            arm.append(value)
        arms.append(arm)
    return [*reversed(arms[1]), top, *arms[0]]


def coarse(number: float) -> float:
    """Round a positive number down to one with few binary digits, so that products with it are exact and cheap."""
    mantissa, exponent = frexp(number)
    return ldexp(floor(mantissa * 2**16), exponent - 16)


def _upright(centre: Exact, variance: Exact, coefficients: Sequence[Exact]) -> tuple[Exact, Exact, list[Exact]]:
    """Reflect to a centre that is not negative, and leave out what is exactly zero."""
    if not arb(variance) >= 0 or not 0 <= float(arb(variance).mid()) < inf or not abs(float(arb(centre).mid())) < inf:
        raise EvaluationError("the average over a normal line needs a finite centre and a finite variance >= 0")
    if not abs(float(arb(centre).mid())) <= _FARTHEST:
        raise EvaluationError(f"the centre of a normal line is beyond {_FARTHEST:.0e}, where doubles plan no rule")
    if variance != 0 and float(arb(variance).mid()) < 1e-280:
        raise EvaluationError("the variance of a normal line is below 1e-280: take it as 0 or rescale")
    numbers = list(coefficients)
    if arb(centre).mid() < 0:
        centre, numbers = -centre, [-c if k % 2 else c for k, c in enumerate(numbers)]
    if centre == 0:
        numbers = [0 if k % 2 else c for k, c in enumerate(numbers)]
    if variance == 0:
        numbers = numbers[:1]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return centre, variance, numbers


def _size(number: Exact) -> float:
    """Return the natural logarithm of an absolute value."""
    ball = abs(arb(number)).upper()
    return float(ball.log().mid()) if ball > 0 else -inf


def _plan(bits: int, c: float, v: float, sizes: list[float]) -> _Plan:
    """Choose what makes each error about 2^-bits of the value; nothing here needs to be exact."""
    s, degree = sqrt(v), len(sizes) - 1
    tilt = min(1.0, c / v)
    level = -tilt * c + tilt * tilt * v / 2
    typical = max(tilt * v, min(s, 1.0))

    def expected(k: int) -> float:
        odd = k % 2 and typical > v * min(1.0, c) > 0
        return k * log(typical) + (log(v * min(1.0, c) / typical) if odd else 0.0)

    value = level - log(1 + 2 * pi * v) / 2 + max(size + expected(k) for k, size in enumerate(sizes))
    target = value - (bits + _GUARD) * log(2)

    def growth(distance: float) -> float:
        return max(size + k * log(distance) for k, size in enumerate(sizes)) + log(degree + 1)

    def end(m: float, side: float) -> float:
        """Return how far from the centre a tail begins: R - m v to the right, R + m v to the left."""
        reach = least = sqrt(2 * v * max(degree, 1.0))
        along, distance = m * side, least
        for _ in range(3):
            rest = -m * c - target + growth(reach + abs(m) * v) + log(2)
            reach = max(least, s * sqrt(2 * max(rest + m * m * v / 2, 1.0)))
            distance = reach - along * v
            if along > 0 and rest > 0:
                # of a variance beyond 1/eps the difference above is nothing but rounding
                distance = max(least - along * v, 2 * rest / (along + sqrt(along * along + 2 * rest / v)))
        return distance

    right, left = (min(((m, end(m, side)) for m in (tilt, side)), key=lambda pair: pair[1]) for side in (1.0, -1.0))
    width = right[1] + left[1]

    def step(a: float, factor: float) -> float:
        return 2 * pi * a / (level - target + growth(tilt * v + s * sqrt(degree + 1) + a) + a * a / (2 * v) + factor)

    needed = level - target + growth(tilt * v + s * sqrt(degree + 1) + pi)
    a = min(sqrt(2 * v * needed), pi - min(0.5, 4 * pi / needed))
    h, poles = step(a, log(2) - 2 * log(cos(a / 2))), 0
    cost = width / h
    if not cost < _MOST_NODES:
        raise EvaluationError("an average over a normal line needs too many nodes: its variance is too large")
    while True:
        wider = step(2 * pi * (poles + 1), log(2))
        if width / wider + _POLE_COST * (poles + 1) >= cost:
            break
        h, a, poles = wider, 2 * pi * (poles + 1), poles + 1
        cost = width / h + _POLE_COST * poles
    precision = ceil((level - target + growth(typical + s)) / log(2)) + 2 * ceil(log2(width / h + 4)) + 20
    return _Plan(coarse(h), a, poles, (left, right), max(precision, _ROUGH, ceil(log2(1 + v)) + _ROUGH))


def _window(plan: _Plan, c: arb) -> tuple[int, int]:
    """Return the first and last node j (eta = j h), outside the ends of both tails."""
    (_, left), (_, right) = plan.ends
    centre = float(c.mid())
    first = floor((centre - left) / plan.step)
    return first, max(first + 1, ceil((centre + right) / plan.step))


def _nodes(plan: _Plan, c: arb, v: arb, polynomial: list[arb]) -> arb:
    h, (first, last) = arb(plan.step), _window(plan, c)
    weights = gaussian_row(h, c, v, first, last)
    q, grow, t, total = (first * h).exp(), h.exp(), first * h - c, arb(0)
    downwards = polynomial[-2::-1]
    for weight in weights:
        value = polynomial[-1]
        for coefficient in downwards:
            value = value * t + coefficient
        below = 1 + q
        total += value * weight * (q / (below * below))
        q = q * grow
        t = t + h
    return total * h / (2 * arb.pi() * v).sqrt()


def _residues(plan: _Plan, c: arb, v: arb, polynomial: list[arb]) -> arb:
    r"""Return -2 Re 2 pi i sum Res (g w nu) at zeta = i y, y = pi (2k + 1), where g(z) = p(z - c) phi_v(z - c).

    The residue is -(g nu)'(zeta); with E = e^{2 pi y/h}, nu(zeta) = 1/(E - 1), nu'(zeta) = (2 pi i/h) E/(E - 1)^2, so
    each pole adds -4 pi Im g'(zeta)/(E - 1) - (8 pi^2/h) Re g(zeta) E/(E - 1)^2.
    """
    h, total = arb(plan.step), arb(0)
    for k in range(plan.poles):
        y = arb.pi() * (2 * k + 1)
        t = acb(-c, y)
        value, slope = acb(0), acb(0)
        for coefficient in reversed(polynomial):
            slope = slope * t + value
            value = value * t + coefficient
        bell = (-t * t / (2 * v)).exp()
        slope = bell * (slope - value * t / v)
        big = (2 * arb.pi() * y / h).exp()
        total -= 4 * arb.pi() * slope.imag / (big - 1)
        total -= 8 * arb.pi() ** 2 / h * (bell * value).real * big / (big - 1) ** 2
    return total / (2 * arb.pi() * v).sqrt()


def _discretisation(plan: _Plan, c: arb, v: arb, polynomial: list[arb]) -> arb:
    a = 2 * arb.pi() * plan.poles if plan.poles else arb(plan.height)
    m = arb(min(1.0, float((c / v).mid())))
    size = sum((abs(p) * (m * v + (v * (k + k % 2)).sqrt() + a) ** k for k, p in enumerate(polynomial)), arb(0))
    size *= (m * m * v / 2 - m * c + a * a / (2 * v)).exp()
    if not plan.poles:
        size /= (a / 2).cos() ** 2
    return 2 * size / ((2 * arb.pi() * a / plan.step).exp() - 1)


def _truncation(plan: _Plan, c: arb, v: arb, polynomial: list[arb]) -> arb:
    first, last = _window(plan, c)
    total = arb(0)
    for sign, node, (m, _) in ((-1, first, plan.ends[0]), (1, last, plan.ends[1])):
        reach = sign * (node * arb(plan.step) - c + m * v)
        if not (reach > 0 and reach * reach >= 2 * v * (len(polynomial) - 1)):
            raise EvaluationError(
                "the normal line could not be cut off: its variance or centre is not known well enough"
            )
        size = sum((abs(p) * (reach + abs(m) * v) ** k for k, p in enumerate(polynomial)), arb(0))
        bell = (m * m * v / 2 - m * c - reach * reach / (2 * v)).exp() / (2 * arb.pi() * v).sqrt()
        total += size * bell * 2 * v / reach
    return total
