"""Laws with a density of their own: polynomial pieces, normal, gamma, beta, Laplace."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import sympy
from flint import arb
from sympy import Expr, Poly

from leadterms.evaluation.certified.laws.line_base import Line, Segment, X, identity
from leadterms.evaluation.certified.tools.balls import NAN, Ball, larger, value_of
from leadterms.model.laws import Law

LARGEST_ROOT = 24
"""Shapes with at most this denominator are made smooth by x = t^q."""
OneTail = Callable[[int, Ball, int, Ball], Ball]
"""A bound of a tail by its side, its end, the power and the rate."""


class PiecewiseLine(Line):
    """A polynomial density on each of finitely many intervals."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        pieces = law.pieces(X) or ()
        self._segments = [
            Segment(value_of(a), value_of(b), _polynomial(density), order=1 if a == 0 else None)
            for a, b, density in pieces
        ]

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
        """Log-concave tails: see `log_concave_tail` and `both_tails`."""
        return both_tails(self._beyond, (low, high), power, rate, self.sd)

    def _beyond(self, side: int, end: Ball, power: int, rate: Ball) -> Ball:
        slope = side * ((end - self.mean) / self.sd**2 - rate) - rise(side, end, power)
        return log_concave_tail((side * end) ** power * (rate * end).exp() * self.density(end), slope)


def log_concave_tail(value: Ball, slope: Ball) -> Ball:
    """Bound the integral of g beyond B by g(B)/slope, where (log g)' <= -slope < 0, so g <= g(B) e^-slope(x - B)."""
    return value / slope if slope > 0 else NAN


def rise(side: int, end: Ball, power: int) -> Ball:
    """Return (log |x|^power)' along a side, at an end on that side of zero."""
    return power / (side * end) if power else arb(0)


def both_tails(beyond: OneTail, ends: tuple[Ball, Ball], power: int, rate: Ball, unit: Ball) -> Ball:
    """Bound E|X|^power e^(rate X) outside two ends, which may be anywhere, by bounds of one side.

    These hold beyond every end for power 0, and for others beyond ends on their own side of zero: there |x|^power is
    log-concave.  For any end B of the right side, say, and h >= |B|, h > 0, X > h or |X| <= h where X > B:
    E(|X|^k e^(rate X); X > B) <= E(|X|^k e^(rate X); X > h) + h^k E(e^(rate X); X > B), which is used where the other
    does not hold or is not known, as next to zero.

    Parameters
    ----------
    beyond
        The bound of one side, which is -1 for the left and 1 for the right, with its end, the power and the rate.
    ends
        To the left and right.
    power, rate
        As above.
    unit
        What h is at least, times power + 1.

    """
    total = arb(0)
    for side, end in zip((-1, 1), ends, strict=True):
        found = beyond(side, end, power, rate) if power == 0 or side * end > 0 else NAN
        if power and not found.is_finite():
            h = larger(abs(end).upper(), (power + 1) * unit.upper())
            found = beyond(side, side * h, power, rate) + h**power * beyond(side, end, 0, rate)
        total += found
    return total


class GammaLine(Line):
    """Gamma(shape, scale), the exponential law among them; x = t^q makes the density smooth at zero."""

    def __init__(self, law: Law, shape: Expr, scale: Expr) -> None:
        super().__init__(law)
        self.exact, self.shape, self.scale = shape, value_of(shape), value_of(scale)
        self.top = self.shape.rgamma() * (-self.shape * self.scale.log()).exp()
        self.root, self.normalised = smooth_root(shape)

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
            return root * self.top * power_of(t, root * self.exact - 1, root * self.shape - 1) * bell

        end = (high.log() / root).exp()
        point = identity if root == 1 else lambda t: t**root
        return [Segment(arb(0), end, density, point, self.normalised, order=root)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """(log g)' = (power + shape - 1)/x + rate - 1/scale."""
        slope = 1 / self.scale - rate - ((power + self.shape - 1) / high).max(arb(0))
        return log_concave_tail(high**power * (rate * high).exp() * self.density(high), slope)


def smooth_root(shape: Expr) -> tuple[int, bool]:
    """Return q of x = t^q, and whether the density in t is still rough at zero."""
    if isinstance(shape, sympy.Rational) and shape.q <= LARGEST_ROOT:
        return int(shape.q), False
    return max(1, min(200, ceil(8 / float(shape)))), True


def power_of(t: Ball, exact: Expr, exponent: Ball) -> Ball:
    """Return t^exponent, not finite where t may be zero or less and the exponent is not whole."""
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
        self.normalised = any(smooth_root(shape)[1] for shape in law.args)

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
        root, rough = smooth_root(exact)

        def density(t: Ball) -> Ball:
            far = power_of(1 - t**root, exact_other - 1, other - 1)
            return root * self.top * power_of(t, root * exact - 1, root * shape - 1) * far

        def point(t: Ball) -> Ball:
            return 1 - t**root if side else t**root

        order = None if side else root
        return Segment(arb(0), (arb(2).log() / -root).exp(), density, point, rough, order=order)


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
        """Return the two sides of the mean, or the one on which both ends are."""
        if low >= self.mean:
            return [Segment(low, high, self._side(1))]
        if high <= self.mean:
            return [Segment(low, high, self._side(-1))]
        return [Segment(low, self.mean, self._side(-1)), Segment(self.mean, high, self._side(1))]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Of e^(-|x - mean|/scale)/(2 scale) <= e^(-+(x - mean)/scale)/(2 scale), both of which hold everywhere."""
        return both_tails(self._beyond, (low, high), power, rate, self.scale)

    def _beyond(self, side: int, end: Ball, power: int, rate: Ball) -> Ball:
        value = (side * end) ** power * (rate * end).exp() * self._side(side)(end)
        return log_concave_tail(value, 1 / self.scale - side * rate - rise(side, end, power))
