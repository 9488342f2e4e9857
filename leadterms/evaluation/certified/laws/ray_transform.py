r"""Transforms F_k(t) = E[X^k e^{i b t X}] of laws whose density is analytic in a sector, along rays (`rays`).

A density on X = c + s, s > 0, adds e^{ibtc} I_k(t), for b > 0 with the integral I_k of (c + s)^k f(s) e^{i b t s} over
s > 0; on X = c - s, or for b < 0, the conjugate of such an integral for real t.

**Turned.**  On s = r e^{i psi}, 0 < psi < pi/2, |e^{i b t s}| = e^{-g r}, g = b (Re t sin psi + Im t cos psi).  For
real t > 0 the integral over s > 0, with a factor e^{-eps s}, is the one over a ray: the arcs far out vanish with
e^{-eps r}, those next to zero as |f| <= F r^p there, p > -1.  With eps the integrand on the ray is no larger, so that
the limit is the integral there, and those with eps have the same bounds.  It is analytic in t where g > 0, and so the
integrals along two rays are the same: |I_k(t)| is at most `Rays.size` with the least g on a region.

**Values.**  In u = log s - i phi, phi the middle of two angles, the integrand is analytic for |Im u| <= d, and the sum
h sum_j of its values at u = j h is off by at most (N_+ + N_-)/(e^{2 pi d/h} - 1), N_+- its integrals in modulus on the
rays phi +- d (the integral of the integrand/(e^{-+2 pi i u/h} - 1) along these; the integrand vanishes at both ends).
What is left out on both sides is bounded by integrals, where the bounds of the integrand in modulus fall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from flint import acb, acb_mat, arb
from sympy import Expr, Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.half_lines import rays_of
from leadterms.evaluation.certified.laws.line_base import SPREADS, Line
from leadterms.evaluation.certified.laws.rays import Rays
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, smaller, whole_power
from leadterms.evaluation.certified.tools.work import spend
from leadterms.evaluation.precision import ball_bits, ball_precision
from leadterms.model.laws import StatsLaw

SHARES = (1.0, 0.75, 0.5, 0.25, 0.125)
"""Of the widest angle: rays along which bounds are taken."""
NEAREST = 1 / 8
"""The ray of N_- is at this part of the angle of N_+."""
NATS_GRID = 4
"""Steps are those for multiples of so many."""
NATS = 24.0
"""By which the two rays are chosen."""
LONGEST = 400
"""Sums stop before this in u, to both sides."""
LITTLE = 2.0**-10
"""A rate of an exponential moment: a law that has it is left to others."""
TOO_SLOW = "no proven rule for the transform of a law: its density falls too slowly"
POWERS = (0, 1, 2)
"""Moments that are asked for together."""


@dataclass(frozen=True)
class _Sum:
    """Values of s and of h s f(s) (c +- s)^k, by power, and bounds of what they lack."""

    points: tuple[Ball, ...]
    rows: acb_mat
    errors: tuple[Ball, ...]


class RayTransform:
    """That of a law whose support is [c, oo), (-oo, c], or the line in two parts.

    Parameters
    ----------
    parts
        The density along rays to the right and to the left.
    slope
        b.
    tolerance
        The accuracy of values, relative to bounds of the integrals in modulus.

    """

    def __init__(self, parts: Sequence[Rays], slope: Ball, tolerance: Ball | None = None) -> None:
        self._parts, self._slope, self._tolerance = parts, slope, tolerance
        self._values: dict[object, list[Ball]] = {}
        self._sums: dict[tuple[int, int], _Sum] = {}

    def aimed(self, tolerance: Ball) -> RayTransform:
        """Return the same with values of another accuracy."""
        return RayTransform(self._parts, self._slope, tolerance)

    def at(self, t: Ball, k: int) -> Ball:
        """See the module."""
        key = t.mid().man_exp(), t.rad().man_exp(), ball_bits()
        if key not in self._values:
            total = [acb(0)] * len(POWERS)
            for place, part in enumerate(self._parts):
                turn = (acb(0, 1) * self._slope * part.origin * t).exp()
                found = self._integrals(place, abs(self._slope) * t)
                back = (self._slope < 0) != (part.sign < 0)
                total = [a + turn * (b.conjugate() if back else b) for a, b in zip(total, found, strict=True)]
            self._values[key] = total
        return self._values[key][k]

    def bound(self, low: Ball, height: Ball, k: int, high: Ball | None = None) -> Ball:
        """See the module."""
        total, steep = arb(0), abs(self._slope)
        for part in self._parts:
            best = NAN
            for share in SHARES:
                angle = share * part.widest
                rate = (steep * (low * arb(angle).sin() - height * arb(angle).cos())).lower()
                if rate > 0:
                    best = smaller(best, part.size(angle, k, rate))
            total += best * (abs(self._slope * part.origin) * height).exp()
        return total.abs_upper()

    def near(self, k: int) -> tuple[Ball, Expr]:
        """Return E|X|^k where it is finite; otherwise with t <= 1 what is inside is at most that times t^-p."""
        total, worst = arb(0), Rational(0)
        for part in self._parts:
            order = part.order(k)
            if order is None:
                total += part.size(0.0, k, arb(0))
                continue
            angle = part.widest
            p, last = arb(order) / 64, part.last
            slow = part.slow_front(last, angle, k, p) * p.gamma()
            slow *= (-p * (abs(self._slope) * arb(angle).sin()).log()).exp()
            total += part.before(part.first, angle, k) + part.inside(angle, k, arb(0)) + slow
            worst = max(worst, Rational(order, 64))
        return total.abs_upper(), worst

    def plain(self, k: int) -> Ball:
        """None: where x^k f tends to a constant p of `near` is too large."""
        return arb(0)

    def falls_by(self, power: int) -> bool:
        """By the bounds of the density on the real line."""
        return all(bool(part.largest(arb(power), arb(0)).is_finite()) for part in self._parts)

    def _integrals(self, place: int, rate: Ball) -> list[Ball]:
        """Return I_k for all powers, at b t = rate > 0."""
        found = self._sum(place, floor(2 * float(rate.lower().log().mid())))
        spend(len(found.points) / 8, ball_bits())
        turns = [(acb(0, 1) * rate * s).exp() for s in found.points]
        values = found.rows * acb_mat(len(turns), 1, turns)
        errors = [arb(0, error) for error in found.errors]
        return [values[k, 0] + acb(error, error) for k, error in enumerate(errors)]

    def _sum(self, place: int, exponent: int) -> _Sum:
        """Return the sum that serves all rates from e^(exponent/2) on, up to about e^((exponent + 1)/2)."""
        if (place, exponent) not in self._sums:
            part = self._parts[place]
            with ball_precision(PLANNING_BITS):
                rate = ((arb(exponent) / 2).exp() * (1 - arb(2) ** -20)).lower()
                step, first, last, errors = self._planned(part, rate)
            phi, origin = self._angles(part)[0], part.origin
            points, masses = zip(*(part.node(step, j, phi) for j in range(first, last + 1)), strict=True)
            powers = [[whole_power(origin + part.sign * s, k) for s in points] for k in POWERS]
            flat = [m * x for row in powers for m, x in zip(masses, row, strict=True)]
            self._sums[place, exponent] = _Sum(points, acb_mat(len(POWERS), len(points), flat), errors)
        return self._sums[place, exponent]

    def _angles(self, part: Rays) -> tuple[float, float, float]:
        """Return phi and the two rays, chosen so that the step is long."""

        def worth(angle: float) -> float:
            size = part.size(angle, 0, arb(0))
            return angle / (NATS + max(0.0, float(size.log()))) if size.is_finite() else 0.0

        outer = max((share * part.widest for share in SHARES), key=worth)
        return (1 + NEAREST) / 2 * outer, NEAREST * outer, outer

    def _planned(self, part: Rays, rate: Ball) -> tuple[Ball, int, int, tuple[Ball, ...]]:
        """Return the step, the first and last j, and the errors by power."""
        phi, inner, outer = self._angles(part)
        aim = self._tolerance if self._tolerance is not None else arb(2) ** -ball_bits()
        half = (arb(outer) - arb(phi)).min(arb(phi) - arb(inner)).lower()
        norms = [sum((part.size(a, k, (rate * arb(a).sin()).lower()) for a in (inner, outer)), arb(0)) for k in POWERS]
        along = (rate * arb(phi).sin()).lower()
        sizes = [_least(part, k, rate) for k in POWERS]
        known = [k for k, (n, s) in enumerate(zip(norms, sizes, strict=True)) if n.is_finite() and s.is_finite()]
        if not known:
            raise EvaluationError(TOO_SLOW)
        nats = max(float((3 * norms[k] / (aim * sizes[k])).log().mid()) for k in known)
        # few steps, so that nodes serve again
        whole = NATS_GRID * ceil(max(nats, 1.0) / NATS_GRID)
        step = arb(max(1, floor(2**20 * float(2 * arb.pi() * half) / whole))) / 2**20
        aims = [(aim * size / 3).abs_upper() for size in sizes]
        first = _cut(lambda v, k: part.before(-v, phi, k), known, aims, -part.first)
        last = _cut(lambda v, k: part.beyond(v, phi, k, along), known, aims, part.last)
        low, high = floor(-first / float(step)) - 1, ceil(last / float(step)) + 1
        factor = (2 * arb.pi() * half / step).expm1()
        ends = float((low * step).upper()), float((high * step).lower())
        errors = [
            norms[k] / factor + part.before(ends[0], phi, k) + part.beyond(ends[1], phi, k, along)
            if k in known
            else NAN
            for k in POWERS
        ]
        return step, low, high, tuple(error.abs_upper() for error in errors)


def _least(part: Rays, power: int, rate: Ball) -> Ball:
    """Return the least of the bounds along rays."""
    best = NAN
    for share in SHARES:
        angle = share * part.widest
        best = smaller(best, part.size(angle, power, (rate * arb(angle).sin()).lower()))
    return best


def _cut(bound: Callable[[float, int], Ball], powers: Sequence[int], aims: Sequence[Ball], least: float) -> float:
    """Return where a bound is small enough for all powers, a little farther out than need be."""

    def enough(v: float) -> bool:
        return all(bool(bound(v, k) <= aims[k]) for k in powers)

    if enough(least):
        return least
    low, width = least, 2.0
    while not enough(low + width):
        low, width = low + width, 1.5 * width
        if low > LONGEST:
            raise EvaluationError(TOO_SLOW)
    high = low + width
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def ray_transform(line: Line, slope: Ball) -> RayTransform | None:
    """Return the transform of a law without exponential moments, None for others and where it is not known."""
    law = line.law
    if not (isinstance(law, StatsLaw) and line.plain) or law.is_discrete or _is_light(line):
        return None
    parts = rays_of(law)
    return None if parts is None else RayTransform(parts, slope)


def _is_light(line: Line) -> bool:
    """Tell whether exponential moments are known to exist."""
    ends = [line.reach(spreads) for spreads in SPREADS]
    sums = [line.tail(*both, 0, arb(LITTLE)) + line.tail(*both, 0, arb(-LITTLE)) for both in ends]
    return any(bool(total.is_finite()) for total in sums)
