r"""Transforms F_k(t) = E[X^k e^{i b t X}] of laws, on the line t > 0 and to its right in the complex plane.

Where E|X|^k is infinite, F_k(t) is the limit of E[X^k e^{i b t X - eps |X|}] as eps falls to zero.

**Student's law**, X = c + s T with density C (1 + x^2)^{-(nu + 1)/2} of T, mu = nu/2: with u = |b| s t > 0 that of T
is phi(u) = c_mu u^mu K_mu(u), c_mu = 2^{1 - mu}/Gamma(mu), and E[T^k e^{iuT}] = (-i)^k phi^(k)(u), a sum of terms
c u^x K_p(u) since (u^p K_p)' = -u^p K_(p-1).  They continue it to Re u > 0, where |K_p(u)| <= K_|p|(Re u) because
K_p(u) is the integral of e^{-u cosh v} cosh(p v), and that times e^u falls on the real line.  As u^p K_p(u) falls for
p > 0 K_p(u) <= 2^{p - 1} Gamma(p) u^-p, and K_0 <= K_{1/2}.
That the limits are the derivatives, and that those with eps are bounded alike: turn the part over x > 0 to the ray
x = e^{i pi/4} r, on which |1 + x^2| = (1 + r^4)^{1/2}; there x^k times the density times e^{iux - eps x} is at most
C r^k (1 + r^4)^{-(nu + 1)/4} e^{-u r/sqrt 2} for all eps, and all of it is analytic in u.
For nu = 1 and k = 2 x^2 times the density is C less the density: F_k has the latter, and C is `plain`.

**Pareto's law**: F_k(t) = alpha m^k E_q(-i b t m), q = alpha + 1 - k, with the exponential integral
E_q(z) = int_1^oo e^{-z v} v^-q dv.  Turned to v = 1 + i r (b > 0) it is at most |e^-z| times the integral of
e^{-c r} (1 + r^2)^{-q/2} over r > 0, c = |b| m Re t.  For q >= 0 that is at most 1/c, at most Gamma(1 - p) c^{p - 1}
for any p <= q, 0 <= p < 1, and at most sqrt(pi) Gamma((q - 1)/2)/{2 Gamma(q/2)} where q > 1.  A factor e^{-eps X} adds
to z what is real and not negative, and changes none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Protocol

from flint import acb, arb
from sympy import Expr, Rational, gamma, pi, sqrt

from leadterms.evaluation.certified.laws.heavy_lines import ParetoLine, StudentLine
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.laws.ray_transform import ray_transform
from leadterms.evaluation.certified.tools.balls import NAN, Ball, smaller, value_of, whole_power

HALF = Rational(1, 2)


class Transform(Protocol):
    """What is asked of a transform; k is a power."""

    def at(self, t: Ball, k: int) -> Ball:
        """Return F_k(t) for a real t > 0."""

    def bound(self, low: Ball, height: Ball, k: int, high: Ball | None = None) -> Ball:
        """Bound |F_k(t)| over low <= Re t <= high, |Im t| <= height; on the real line from ``low`` without ``high``."""

    def near(self, k: int) -> tuple[Ball, Expr]:
        """Return C and p >= 0 with |F_k(t)| <= C t^-p for 0 < t <= 1."""

    def plain(self, k: int) -> Ball:
        """Return the constant that x^k times the density is beside what F_k has, not finite where that is not known."""

    def falls_by(self, power: int) -> bool:
        """Tell whether |x|^power times the density is known to be bounded far out."""

    def aimed(self, tolerance: Ball) -> Transform:
        """Return the same with values of about this accuracy, relative to their size."""


@dataclass(frozen=True)
class _Term:
    """A term c u^x K_p(u)."""

    factor: Ball
    x: Ball
    p: Ball
    exact_x: Expr
    exact_p: Expr


def _term(factor: Ball, x: Expr, p: Expr) -> _Term:
    return _Term(factor, value_of(x), value_of(p), x, p)


class StudentTransform:
    """That of Student's law, or Cauchy's."""

    def __init__(self, line: StudentLine, slope: Ball) -> None:
        self._line, self._mu, self._slope = line, line.exact / 2, slope
        self._unit = abs(slope) * line.scale
        half = line.nu / 2
        self._top = ((1 - half) * arb(2).log()).exp() * half.rgamma()
        self._known: dict[int, list[_Term]] = {}

    def _terms(self, i: int) -> list[_Term]:
        """Return the terms of phi^(i)(u); for nu = 1 phi is e^-u."""
        if i not in self._known:
            mu = self._mu
            if self._line.exact == 1:
                self._known[i] = [_term(self._top * (-1) ** i, HALF, HALF)]
            else:
                found = self._derivative(i)
                self._known[i] = [_term(self._top * c, mu + x, abs(mu - j)) for (x, j), c in found.items() if c]
        return self._known[i]

    def _derivative(self, i: int) -> dict[tuple[int, int], int]:
        """Return c by (x, j) for the i-th derivative of u^mu K_mu, a sum of c u^(mu + x) K_(mu - j)."""
        if i == 0:
            return {(0, 0): 1}
        found: dict[tuple[int, int], int] = {}
        for (x, j), c in self._derivative(i - 1).items():
            # u^(mu + x) K_(mu - j) = u^(x + j) u^(mu - j) K_(mu - j)
            found[x - 1, j] = found.get((x - 1, j), 0) + c * (x + j)
            found[x, j + 1] = found.get((x, j + 1), 0) - c
        return found

    def _share(self, i: int, k: int) -> Ball:
        """Return the coefficient of T^i in X^k, with the sign of the slope in T."""
        sign = -1 if self._slope < 0 and i % 2 else 1
        return sign * comb(k, i) * self._line.scale**i * whole_power(self._line.centre, k - i)

    def at(self, t: Ball, k: int) -> Ball:
        """See the module."""
        u = self._unit * t
        total = acb(0)
        for i in range(k + 1):
            own = sum((one.factor * _power(u, one.x) * u.bessel_k(one.p) for one in self._terms(i)), arb(0))
            total += self._share(i, k) * acb(0, -1) ** i * own
        return total * (acb(0, 1) * self._slope * self._line.centre * t).exp()

    def bound(self, low: Ball, height: Ball, k: int, high: Ball | None = None) -> Ball:
        """See the module: on the real line u^x K_p(u) is at most K_p(u_0) e^(u_0) times the largest u^x e^-u."""
        first = self._unit * low
        total = arb(0)
        for i in range(k + 1):
            own = arb(0)
            for one in self._terms(i):
                if high is None:
                    at = first.max(one.x)
                    size = _power(at, one.x) * (first - at).exp()
                else:
                    size = _power(self._unit * acb(high, height).abs_upper() if one.exact_x > 0 else first, one.x)
                own += abs(one.factor) * size * first.bessel_k(one.p)
            total += abs(self._share(i, k)) * own
        return (total * (abs(self._slope * self._line.centre) * height).exp()).abs_upper()

    def near(self, k: int) -> tuple[Ball, Expr]:
        """See the module."""
        total, worst = abs(self._line.centre) ** k, Rational(0)
        for i in range(1, k + 1):
            for one in self._terms(i):
                order = one.exact_p if one.exact_p else HALF
                size = abs(one.factor) * value_of(2 ** (order - 1) * gamma(order))
                total += abs(self._share(i, k)) * size * _power(self._unit, value_of(one.exact_x - order))
                worst = max(worst, order - one.exact_x)
        return total.abs_upper(), worst

    def plain(self, k: int) -> Ball:
        """See the module: that of T^2, in x."""
        if not (self._line.exact % 2 == 1 and k > self._line.exact):
            return arb(0)
        return self._line.scale / arb.pi() if self._line.exact == 1 and k == 2 else NAN

    def falls_by(self, power: int) -> bool:
        """By the envelope."""
        return bool(self._line.crest(power).is_finite())

    def aimed(self, tolerance: Ball) -> Transform:
        """Return the same: values are closed."""
        return self


class ParetoTransform:
    """That of Pareto's law."""

    def __init__(self, line: ParetoLine, slope: Ball) -> None:
        self._line, self._slope = line, slope
        self._unit = abs(slope) * line.least
        self._known: dict[int, tuple[Ball, Ball, Ball]] = {}

    def _order(self, k: int) -> Expr:
        return self._line.exact + 1 - k

    def _front(self, k: int) -> Ball:
        return self._line.shape * self._line.least**k

    def at(self, t: Ball, k: int) -> Ball:
        """See the module."""
        z = acb(0, -1) * self._slope * self._line.least * t
        return self._front(k) * z.expint(acb(self._line.shape + 1 - k))

    def _sizes(self, k: int) -> tuple[Ball, Ball, Ball]:
        """Return p, Gamma(1 - p) and the last bound of the module, not finite where it is none."""
        if k not in self._known:
            order = self._order(k)
            p = order if order < 1 else HALF
            last = sqrt(pi) * gamma((order - 1) / 2) / (2 * gamma(order / 2)) if order > 1 else None
            whole = NAN if last is None else value_of(last)
            self._known[k] = value_of(p), value_of(gamma(1 - p)), whole
        return self._known[k]

    def bound(self, low: Ball, height: Ball, k: int, high: Ball | None = None) -> Ball:
        """See the module."""
        if not self._order(k) >= 0:
            return NAN
        p, front, whole = self._sizes(k)
        c = (self._unit * low).lower()
        size = smaller(smaller((1 / c).abs_upper(), (front * _power(c, p - 1)).abs_upper()), whole.abs_upper())
        return (self._front(k) * (self._unit * height).exp() * size).abs_upper()

    def near(self, k: int) -> tuple[Ball, Expr]:
        """See the module."""
        order = self._order(k)
        if not order >= 0:
            return NAN, Rational(0)
        p, front, whole = self._sizes(k)
        if order > 1:
            return (self._front(k) * whole).abs_upper(), Rational(0)
        exact = 1 - order if order < 1 else HALF
        return (self._front(k) * front * _power(self._unit, p - 1)).abs_upper(), exact

    def plain(self, k: int) -> Ball:
        """None."""
        return arb(0)

    def falls_by(self, power: int) -> bool:
        """By the envelope."""
        return bool(self._line.crest(power).is_finite())

    def aimed(self, tolerance: Ball) -> Transform:
        """Return the same: values are closed."""
        return self


def _power(base: Ball, exponent: Ball) -> Ball:
    """Return a power of a positive number."""
    return (exponent * base.log()).exp()


def heavy_transform(line: Line, slope: Ball) -> Transform | None:
    """Return the transform of a law without exponential moments, None where it is not known."""
    if isinstance(line, StudentLine):
        return StudentTransform(line, slope)
    return ParetoTransform(line, slope) if isinstance(line, ParetoLine) else ray_transform(line, slope)
