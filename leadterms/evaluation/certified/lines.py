"""One predictor's law as the certified road sees it: atoms, smooth segments of the line, and proven tails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import sympy
from flint import acb, arb
from sympy import Expr, Poly, Symbol, gamma, gammasimp, together

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, Ball, interval, larger, value_of
from leadterms.evaluation.precision import spelled
from leadterms.model.laws import (
    BetaLaw,
    ExponentialLaw,
    GammaLaw,
    LaplaceLaw,
    Law,
    NormalLaw,
    PoissonLaw,
    StatsLaw,
)

End = Any
"""An end of an interval: an ``arb``, or None where it does not end."""
X = Symbol("x", real=True)
LARGEST_ROOT = 24
"""Shapes with at most this denominator are made smooth by x = t^q."""
ROUGH_ROOT = 8
"""The q of x = t^q where the density may be singular at an end: fewer panels reach it."""


def _same(t: Ball) -> Ball:
    return t


@dataclass(frozen=True)
class Segment:
    """A part of a law with a density that is analytic inside, in a variable t with x = point(t).

    Parameters
    ----------
    low, high
        Ends in t.
    density
        The law's density times dx/dt; over a complex box an enclosure, finite only where it is analytic.
    point
        x as a function of t.
    rough
        Whether the density may be singular at an end, so that panels stop short of it.
    size
        Upper bound of |density| over a complex box, where a better one is known than by enclosure.

    """

    low: Ball
    high: Ball
    density: Callable[[Ball], Ball]
    point: Callable[[Ball], Ball] = _same
    rough: bool = False
    size: Callable[[Ball], Ball] | None = None

    def bound(self, box: Ball) -> Ball:
        """Return an upper bound of |density| over a complex box, not finite where it may be singular."""
        if self.size is not None:
            return self.size(box)
        value = self.density(box)
        return value.abs_upper() if value.is_finite() else NAN


class Line:
    """A law of one predictor.

    The exact parameters are at the precision that was current when the object was made.
    """

    normalised = False
    """Whether what lies outside the panels is bounded by one minus their mass."""

    def __init__(self, law: Law) -> None:
        self.law = law
        ends = law.support
        self.low: End = None if ends[0] == -sympy.oo else value_of(ends[0])
        self.high: End = None if ends[1] == sympy.oo else value_of(ends[1])

    def absolute(self, power: int) -> Ball:
        """Return an upper bound of E|X|^power, not finite where none is known."""
        if self.low is not None and self.high is not None:
            return larger(abs(self.low), abs(self.high)).upper() ** power
        moment = self.law.raw_moment(power + power % 2)
        if moment is None:
            return NAN
        # |x|^k <= 1 + |x|^(k + 1)
        return value_of(moment) + power % 2

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return points and probabilities of a discrete law between two ends, None for a continuous one."""
        return None

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return the parts of a continuous law between two ends."""
        raise NotImplementedError

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends of the support, cut off at so many times the law's spread where it is infinite."""
        return self.low, self.high

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return a bound of E|X|^power e^(rate X) outside [low, high]; not finite where none is known."""
        return arb(0)


class FiniteLine(Line):
    """Finitely many atoms."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self._atoms = [(value_of(point), value_of(p)) for point, p in law.atoms_with_probability or ()]

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]]:
        """Return all of them."""
        return self._atoms


class PiecewiseLine(Line):
    """A polynomial density on each of finitely many intervals."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        pieces = law.pieces(X) or ()
        self._segments = [Segment(value_of(a), value_of(b), _polynomial(density)) for a, b, density in pieces]

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """One for each piece."""
        return self._segments


def _polynomial(density: Expr) -> Callable[[Ball], Ball]:
    coefficients = [value_of(c) for c in Poly(density, X).all_coeffs()]

    def value(x: Ball) -> Ball:
        total = coefficients[0] + 0 * x
        for coefficient in coefficients[1:]:
            total = total * x + coefficient
        return total

    return value


class NormalLine(Line):
    """Normal(mean, sd)."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self.mean, self.sd = (value_of(argument) for argument in law.args)
        self.top = 1 / (self.sd * (2 * arb.pi()).sqrt())

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the mean with so many standard deviations to both sides, and zero among them."""
        width = spreads * self.sd
        return (self.mean - width).min(-self.sd).lower(), (self.mean + width).max(self.sd).upper()

    def density(self, x: Ball) -> Ball:
        """Return the density."""
        z = (x - self.mean) / self.sd
        return self.top * (-z * z / 2).exp()

    def _size(self, box: Ball) -> Ball:
        """|density(x + iy)| = density(x) e^(y^2/(2 sd^2))."""
        z = (box - self.mean) / self.sd
        near, height = z.real.abs_lower(), z.imag.abs_upper()
        return self.top * ((height * height - near * near) / 2).exp()

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one."""
        return [Segment(low, high, self.density, size=self._size)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Log-concave tails: see `_log_concave_tail`."""
        slope = (high - self.mean) / self.sd**2 - rate - arb(power) / high
        right = _log_concave_tail(high**power * (rate * high).exp() * self.density(high), slope)
        slope = (self.mean - low) / self.sd**2 + rate + arb(power) / low
        left = _log_concave_tail((-low) ** power * (rate * low).exp() * self.density(low), slope)
        return right + left


def _log_concave_tail(value: Ball, slope: Ball) -> Ball:
    """Bound the integral of g beyond B by g(B)/slope, where (log g)' <= -slope < 0, so g <= g(B) e^-slope(x - B)."""
    return value / slope if slope > 0 else NAN


class GammaLine(Line):
    """Gamma(shape, scale), the exponential law among them; x = t^q makes the density smooth at zero."""

    def __init__(self, law: Law, shape: Expr, scale: Expr) -> None:
        super().__init__(law)
        self.exact, self.shape, self.scale = shape, value_of(shape), value_of(scale)
        self.top = self.shape.rgamma() * (-self.shape * self.scale.log()).exp()
        self.root, self.normalised = _root(shape)

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return zero and the mean with so many standard deviations, and a few scales more."""
        return arb(0), (self.scale * (self.shape + spreads * (self.shape.sqrt() + spreads))).upper()

    def density(self, x: Ball) -> Ball:
        """Return the density at a real x > 0."""
        return self.top * ((self.shape - 1) * x.log() - x / self.scale).exp()

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one in t = x^(1/q), with the density q t^(q shape - 1) e^(-t^q/scale)."""
        root = self.root

        def density(t: Ball) -> Ball:
            bell = (-(t**root) / self.scale).exp()
            return root * self.top * _power_of(t, root * self.exact - 1, root * self.shape - 1) * bell

        end = (high.log() / root).exp()
        return [Segment(arb(0), end, density, lambda t: t**root, self.normalised)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """(log g)' = (power + shape - 1)/x + rate - 1/scale."""
        slope = 1 / self.scale - rate - ((power + self.shape - 1) / high).max(arb(0))
        return _log_concave_tail(high**power * (rate * high).exp() * self.density(high), slope)


def _root(shape: Expr) -> tuple[int, bool]:
    """Return q of x = t^q, and whether the density in t is still rough at zero."""
    if isinstance(shape, sympy.Rational) and shape.q <= LARGEST_ROOT:
        return int(shape.q), False
    return max(1, min(200, ceil(8 / float(shape)))), True


def _power_of(t: Ball, exact: Expr, exponent: Ball) -> Ball:
    if isinstance(exact, sympy.Integer):
        return t ** int(exact)
    if not (t.real > 0):
        return t * NAN
    return (exponent * t.log()).exp()


class BetaLine(Line):
    """Beta(a, b), in halves: x = t^q near zero, 1 - x = t^q near one."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self.exact = law.args
        a, b = self.shapes = [value_of(argument) for argument in law.args]
        self.top = (a + b).gamma() * a.rgamma() * b.rgamma()
        self.normalised = any(_root(shape)[1] for shape in law.args)

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return the two halves."""
        return [self._half(0), self._half(1)]

    def _half(self, side: int) -> Segment:
        exact, shape, other, exact_other = (
            self.exact[side],
            self.shapes[side],
            self.shapes[1 - side],
            self.exact[1 - side],
        )
        root, rough = _root(exact)

        def density(t: Ball) -> Ball:
            far = _power_of(1 - t**root, exact_other - 1, other - 1)
            return root * self.top * _power_of(t, root * exact - 1, root * shape - 1) * far

        def point(t: Ball) -> Ball:
            return 1 - t**root if side else t**root

        return Segment(arb(0), (arb(2).log() / -root).exp(), density, point, rough)


class LaplaceLine(Line):
    """Laplace(mean, scale), in two segments."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self.mean, self.scale = (value_of(argument) for argument in law.args)

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the mean with so many squares of scales to both sides, and zero among them."""
        width = spreads * spreads * self.scale
        return (self.mean - width).min(-self.scale).lower(), (self.mean + width).max(self.scale).upper()

    def _side(self, sign: int) -> Callable[[Ball], Ball]:
        return lambda x: (sign * (self.mean - x) / self.scale).exp() / (2 * self.scale)

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return the two sides of the mean."""
        return [Segment(low, self.mean, self._side(-1)), Segment(self.mean, high, self._side(1))]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """|(log density)'| = 1/scale; x^power is log-concave."""
        right = _log_concave_tail(
            high**power * (rate * high).exp() * self._side(1)(high), 1 / self.scale - rate - power / high
        )
        left = _log_concave_tail(
            (-low) ** power * (rate * low).exp() * self._side(-1)(low), 1 / self.scale + rate + power / low
        )
        return right + left


class LatticeLine(Line):
    """A law on the integers from some number on, whose probabilities fall at last at least geometrically."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        if self.low is None or self.high is not None:
            raise EvaluationError(f"no proven tail for the discrete law {spelled(law)}: its support has no least point")
        self.first = int(law.support[0])
        n = Symbol("n", positive=True)
        t = Symbol("t", positive=True)
        ratio = gammasimp((law.density(n + 1) / law.density(n)).rewrite(gamma))
        self.ratio = together(ratio.subs(n, 1 / t)).cancel() if isinstance(ratio, Expr) else ratio
        self.symbol = t

    def absolute(self, power: int) -> Ball:
        """Return the sum to some point and the tail beyond it."""
        if self.law.raw_moment(power) is not None:
            return super().absolute(power)
        for spreads in (10.0, 30.0, 100.0):
            low, high = self.reach(spreads)
            beyond = self.tail(low, high, power, arb(0))
            if beyond.is_finite():
                return sum((abs(x) ** power * p for x, p in self.atoms(low, high)), beyond)
        return NAN

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the first point and one where the probabilities are small."""
        return arb(self.first), arb(max(self.first, 1) + int(4 + spreads * spreads))

    def _probability(self, x: int) -> Ball:
        return value_of(self.law.density(sympy.Integer(x)))

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]]:
        """Return those up to the cut."""
        last = int(float(high))
        return [(arb(x), self._probability(x)) for x in range(self.first, last + 1)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Compare with a geometric series, from the first point left out: the ratio of the terms is bounded beyond it.

        The ratio p(x + 1)/p(x) is a rational function of x, evaluated at 1/x in [0, 1/first].
        """
        first = int(float(high)) + 1
        inverse = interval(arb(0), 1 / arb(first))
        ratio = value_of(self.ratio, {self.symbol: inverse})
        ratio = (ratio * (1 + inverse) ** power * rate.exp()).abs_upper()
        if not (ratio.is_finite() and ratio < 1):
            return NAN
        return self._probability(first) * arb(first) ** power * (rate * first).exp() / (1 - ratio)


class DensityLine(Line):
    """A continuous law that is known by its density alone: what the panels leave out is one minus their mass."""

    normalised = True

    def density(self, x: Ball) -> Ball:
        """Return the density; over a complex box finite only where it is analytic."""
        return value_of(self.law.density(X), {X: x})

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends of the support, infinite ones cut off at a distance that grows geometrically."""
        width = arb(2) ** int(spreads)
        low = self.low if self.low is not None else (-width if self.high is None else self.high - width)
        high = self.high if self.high is not None else (width if self.low is None else self.low + width)
        return low, high

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return two halves, each measured from its end: there the density may be rough, in s = t^q."""
        middle = ((low + high) / 2).mid()
        return [self._half(low, self.low, middle, 1), self._half(high, self.high, middle, -1)]

    def _half(self, end: Ball, given: End, middle: Ball, sign: int) -> Segment:
        width = sign * (middle - end)
        if given is None:
            return Segment(arb(0), width, lambda s: self.density(end + sign * s), lambda s: end + sign * s)
        exact = self.law.support[0 if sign > 0 else 1]
        # sympy cancels the end against itself: no digits are lost near it
        expression = self.law.density(exact + sign * X)
        at_end = value_of(expression, {X: acb(arb(0, 1e-9), arb(0, 1e-9))})
        root = 1 if at_end.is_finite() else ROUGH_ROOT

        def density(t: Ball) -> Ball:
            return value_of(expression, {X: t**root}) * root * t ** (root - 1)

        return Segment(arb(0), (width.log() / root).exp(), density, lambda t: end + sign * t**root, root > 1)

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Nothing is known beyond the mass; a bounded support has no tail."""
        bounded = self.low is not None and self.high is not None
        return arb(0) if bounded or (power == 0 and rate.is_zero()) else NAN


def line_of(law: Law) -> Line:
    """Return what the certified road needs of a law.

    Raises
    ------
    EvaluationError
        If the law is of a kind without proven tails.

    """
    if law.atoms_with_probability is not None:
        return FiniteLine(law)
    if law.pieces(X) is not None:
        return PiecewiseLine(law)
    if isinstance(law, GammaLaw):
        return GammaLine(law, *law.args)
    if isinstance(law, ExponentialLaw):
        return GammaLine(law, sympy.Integer(1), 1 / law.args[0])
    named: dict[type[Law], type[Line]] = {NormalLaw: NormalLine, BetaLaw: BetaLine, LaplaceLaw: LaplaceLine}
    if type(law) in named:
        return named[type(law)](law)
    if isinstance(law, PoissonLaw) or (isinstance(law, StatsLaw) and law.is_discrete):
        return LatticeLine(law)
    if isinstance(law, StatsLaw):
        return DensityLine(law)
    raise EvaluationError(f"the law {spelled(law)} has no certified rule")
