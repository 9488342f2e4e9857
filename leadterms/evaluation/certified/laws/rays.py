r"""A density along rays s = r e^{i psi} from an end of its support, or from a point inside: where it is analytic there.

X = c + s or X = c - s, and f(s) is the density with s > 0.  All of it is in u = log s: f(s) ds = f(e^u) e^u du.

**Where it is analytic.**  On |u| large by `sector_growth`; between, on boxes of u that cover the sector, where the
value is finite only if the expression is analytic there.  On the real line the value has to be finite in real numbers:
then all logarithms in it are those of positive numbers, and what is continued is the density.

**Integrals** of |c +- s|^k |f(s)| e^{-g r} over a ray, g >= 0: upper sums over cells of u, and what lies beyond the
last ones.  With |f| <= F (r/R)^-q for r >= R that is at most

- (|c| + R)^k R F e^{-g R}/(q - k - 1) for q > k + 1, as (|c| + r)/(|c| + R) <= r/R;
- F (|c| + R)^k e^{-g R}/(g - d/R), d = max(k - q, 0) < g R, as (r/R)^d <= e^{d (r - R)/R};
- F (|c| + R)^k R^{1 - p} Gamma(p) g^-p, for small g, with p >= k + 1 - q, p > 0: (r/R)^{k - q} <= (r/R)^{p - 1}.

With |f| <= F (r/R)^p for r <= R, p > -1, it is at most (|c| + R)^k R F/(p + 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from math import ceil, floor

from flint import acb, arb
from sympy import Expr, Symbol, exp

from leadterms.evaluation.certified.laws.sector_growth import S, SectorGrowth, elasticity, logarithm_of
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval, larger, smaller, value_of
from leadterms.evaluation.precision import ball_bits

U = Symbol("u", real=True)
ANGLES = (1.5, 1.35, 1.2, 1.05, 0.9, 0.75, 0.6, 0.45, 0.3, 0.2)
"""Half widths of sectors that are tried."""
STEP = 0.25
"""Of cells, in u."""
FARTHER = 8.0
"""Cells on the real line go so much farther still."""
FARTHEST = 64
"""The rates at the ends have to be known from here on in u."""
MORE = 3
"""So much farther out than need be cells go, where bounds by rates are better."""
FANS = 6
"""Cells of the angle by which a sector is covered."""
DEEPEST = 4
"""How often a box is halved to see whether the density is analytic on it."""
GRID, SLACK = 0.35, 2.0**-20
"""Rates are taken down to powers of e^GRID, a little less for what these are rounded by."""


@dataclass(frozen=True)
class _Shape:
    """What is exact of a density along rays: its logarithm in s, and in u, and how it grows."""

    in_s: Expr
    logarithm: Expr
    far: SectorGrowth
    near: SectorGrowth


@lru_cache(maxsize=64)
def _shape(density: Expr) -> _Shape:
    found = logarithm_of(density)
    rate = elasticity(found)
    return _Shape(found, found.subs(S, exp(U)), SectorGrowth(rate, 1), SectorGrowth(rate, -1))


class Rays:
    """A density on rays.

    Parameters
    ----------
    density
        A function of s, written as `sector_growth.S`.
    origin
        c.
    sign
        1 for X = c + s, -1 for X = c - s.

    """

    def __init__(self, density: Expr, origin: Expr, sign: int) -> None:
        self._shape, self._exact, self.sign = _shape(density), origin, sign
        self._lines: dict[tuple[float, float], list[_Cell]] = {}
        self._sizes: dict[tuple[float, int, int | None], Ball] = {}
        self._nodes: dict[tuple[object, ...], tuple[Ball, Ball]] = {}

    @property
    def origin(self) -> Ball:
        """The end, or the point inside, at which rays begin."""
        return value_of(self._exact)

    def at(self, u: Ball) -> Ball:
        """Return f(e^u) at a point, or over a box finite only where it is analytic."""
        return value_of(self._shape.logarithm, {U: u}).exp()

    def node(self, step: Ball, j: int, angle: float) -> tuple[Ball, Ball]:
        """Return s and h s f(s) at u = j h on a ray."""
        key = step.man_exp(), j, angle, ball_bits()
        if key not in self._nodes:
            u = acb(j * step, angle)
            s = u.exp()
            self._nodes[key] = s, step * s * self.at(u)
        return self._nodes[key]

    @cached_property
    def widest(self) -> float:
        """The largest angle of a sector on which the density is analytic, zero where none is known."""
        if not (self._shape.far.is_known and self._shape.near.is_known):
            return 0.0
        return next((angle for angle in ANGLES if self._is_analytic(angle)), 0.0)

    def _is_analytic(self, angle: float) -> bool:
        first, last = self._first(self._near, -1.0, angle), self._first(self._far, 1.0, angle)
        if first is None or last is None:
            return False
        columns = [(float(i), float(i + 1)) for i in range(-first - MORE, last + MORE)]
        if not all(self._is_finite(low, high, 0.0, 0.0, DEEPEST) for low, high in columns):
            return False
        fans = [(angle * j / FANS, angle * (j + 1) / FANS) for j in range(FANS)]
        return all(self._is_finite(*column, *fan, DEEPEST) for column in columns for fan in fans)

    def _is_finite(self, low: float, high: float, right: float, left: float, depth: int) -> bool:
        u = interval(arb(low), arb(high))
        if self.at(acb(u, interval(arb(right), arb(left))) if left else u).is_finite():
            return True
        if not depth:
            return False
        middle, between = (low + high) / 2, (right + left) / 2
        sides = [(right, between), (between, left)] if left else [(0.0, 0.0)]
        return all(self._is_finite(*column, *side, depth - 1)
                   for column in ((low, middle), (middle, high)) for side in sides)  # fmt: skip

    @staticmethod
    def _first(rate: Callable[[float, float], Ball], least: float, angle: float) -> int | None:
        """Return the first whole v from which on a rate is larger than this."""
        return next((v for v in range(1, FARTHEST) if rate(float(v), angle) > least), None)

    def _far(self, v: float, angle: float) -> Ball:
        return self._shape.far.rate(arb(v), arb(angle))

    def _near(self, v: float, angle: float) -> Ball:
        return self._shape.near.rate(arb(v), arb(angle))

    @cached_property
    def first(self) -> float:
        """Where cells begin: the rate next to zero is known there on the widest sector."""
        found = self._first(self._near, -1.0, self.widest)
        assert found is not None
        return -float(found + MORE)

    @cached_property
    def last(self) -> float:
        """Where they end."""
        found = self._first(self._far, 1.0, self.widest)
        assert found is not None
        return float(found + MORE)

    def fall(self, v: float, angle: float) -> Ball:
        """Return q of |f| <= F (r/R)^-q beyond R = e^v, on rays up to an angle; not finite where it is not known."""
        return self._far(v, angle) if v >= self.last else NAN

    def _size_at(self, v: float, angle: float) -> Ball:
        """Return |f| at a point of a ray."""
        return self.at(acb(v, angle)).abs_upper()

    def before(self, v: float, angle: float, power: int) -> Ball:
        """Bound the integral of |x|^power |f| on a ray over |s| <= e^v; not finite where nothing is known."""
        p = self._near(-v, angle) if v <= self.first else NAN
        if not p > -1:
            return NAN
        r = arb(v).exp()
        return ((abs(self.origin) + r) ** power * r * self._size_at(v, angle) / (p + 1)).abs_upper()

    def beyond(self, v: float, angle: float, power: int, rate: Ball) -> Ball:
        """Bound the integral of |x|^power |f| e^(-rate r) on a ray over |s| >= e^v; not finite where it is not known.

        What is integrated over u falls there.
        """
        q = self.fall(v, angle)
        if not q.is_finite():
            return NAN
        r = arb(v).exp()
        front = self._size_at(v, angle) * (abs(self.origin) + r) ** power * (-rate * r).exp()
        best = NAN
        if q > power + 1:
            best = (front * r / (q - power - 1)).abs_upper()
        if rate > 0 and rate * r >= power + 1 - q:
            best = smaller(best, (front / (rate - (power - q).max(arb(0)) / r)).abs_upper())
        return best

    def size(self, angle: float, power: int, rate: Ball) -> Ball:
        """Bound the integral of |x|^power |f| e^(-rate r) on a ray, not finite where it may be infinite.

        Rates are taken down to a grid, where bounds serve again.
        """
        exponent = None if not rate > 0 else floor(float(rate.lower().log().mid()) / GRID)
        key = angle, power, exponent
        if key not in self._sizes:
            grid = arb(0) if exponent is None else ((arb(exponent) * GRID).exp() * (1 - SLACK)).lower()
            self._sizes[key] = self._size(angle, power, grid)
        return self._sizes[key]

    def _size(self, angle: float, power: int, rate: Ball) -> Ball:
        first, last = self.first, self.last
        total = self.before(first, angle, power) + self.beyond(last, angle, power, rate)
        if not total.is_finite():
            total = self.before(first, angle, power) + self.beyond_slowly(last, angle, power, rate)
        return (total + self.inside(angle, power, rate)).abs_upper() if total.is_finite() else NAN

    def inside(self, angle: float, power: int, rate: Ball) -> Ball:
        """Bound the integral of |x|^power |f| e^(-rate r) over the cells of a ray."""
        return sum((cell.mass * cell.reach**power * (-rate * cell.low).exp() for cell in self._cells(angle)), arb(0))

    def largest(self, power: Ball, more: Ball) -> Ball:
        """Bound (more + |x|)^power f on the real line (`half_lines`), not finite where no bound is known."""
        shift, r = more + abs(self.origin), arb(self.first).exp()
        near, p = self._size_at(self.first, 0.0), self._near(-self.first, 0.0)
        if p >= 0:
            near = near * _power(shift + r, power)
        elif shift.is_zero() and p + power >= 0:
            near = near * _power(r, power)
        else:
            near = value_of(self._shape.in_s, {S: interval(arb(0), r)}).exp() * _power(shift + r, power)
        last = self.last + FARTHER
        far = (
            self._size_at(last, 0.0) * _power(shift + arb(last).exp(), power) if self.fall(last, 0.0) >= power else NAN
        )
        total = larger(near.abs_upper(), far.abs_upper())
        for cell in self._cells(0.0, FARTHER):
            total = larger(total, (cell.level * _power(more + cell.reach, power)).abs_upper())
        return total

    def order(self, power: int) -> int | None:
        """Return the least p in 64ths, p > 0, with which `beyond_slowly` has a bound; None where moments are finite."""
        q = self.fall(self.last, self.widest)
        left = power + 1 - q
        if left < 0:
            return None
        return max(1, ceil(64 * float(left.upper()) + 1e-6))

    def beyond_slowly(self, v: float, angle: float, power: int, rate: Ball) -> Ball:
        """Bound what `beyond` does where the moment is infinite: Gamma(p) rate^-p and what is before it."""
        order = self.order(power)
        if order is None or not rate > 0:
            return NAN
        p = arb(order) / 64
        return (self.slow_front(v, angle, power, p) * p.gamma() * (-p * rate.log()).exp()).abs_upper()

    def slow_front(self, v: float, angle: float, power: int, p: Ball) -> Ball:
        """Return F (|c| + R)^k R^{1 - p}, not finite where the module has no bound with p."""
        q = self.fall(v, angle)
        if not p >= power + 1 - q:
            return NAN
        r = arb(v).exp()
        return (self._size_at(v, angle) * (abs(self.origin) + r) ** power * ((1 - p) * arb(v)).exp()).abs_upper()

    def _cells(self, angle: float, more: float = 0.0) -> list[_Cell]:
        if (angle, more) not in self._lines:
            first, last = self.first, self.last + more
            count = ceil((last - first) / STEP)
            cuts = [*(first + (last - first) * i / count for i in range(count)), last]
            self._lines[angle, more] = [self._cell(low, high, angle) for low, high in pairwise(cuts)]
        return self._lines[angle, more]

    def _cell(self, low: float, high: float, angle: float) -> _Cell:
        u = interval(arb(low), arb(high))
        first, last = arb(low).exp(), arb(high).exp()
        level = self.at(acb(u, arb(angle)) if angle else u).abs_upper()
        return _Cell(first, level, (level * (last - first)).abs_upper(), (abs(self.origin) + last).abs_upper())


@dataclass(frozen=True)
class _Cell:
    """A part of a ray: its least r, bounds of |f| there, of the integral of that, and of |x|."""

    low: Ball
    level: Ball
    mass: Ball
    reach: Ball


def _power(base: Ball, exponent: Ball) -> Ball:
    return (exponent * base.log()).exp() if not exponent.is_zero() else arb(1)
