r"""Slow factors of functions of x far out: bounds by powers of x, and by straight lines in exponents.

Let y = a x + d with a > 0, B > 0 and y_B = a B + d > 0.  For x >= B

.. math:: 1 \le \frac{y}{y_B} \le t = c\,x, \quad c = \max(1/B,\ a/y_B):

for d >= 0 y/y_B <= x/B, and for d < 0 y <= a x.  So a power with p > 0 has y^p <= y_B^p t^p, one with p < 0 has
y^p <= y_B^p, and a logarithm, where y_B >= e^{1/s} for some s > 0,

.. math:: 0 < \log y \le \log y_B\,(y/y_B)^s \le \log y_B\,t^s,

as log y/y^s falls from y = e^{1/s} on.  A product f of such factors is at most f(B) t^q, where q is the sum of all
p > 0 and of s for each logarithm; t >= 1, with the largest of the c.

**Powers.**  With s = 1 and q rounded up f <= f(B) c^q x^q.

**Exponents.**  Where q <= 1 t^q <= 1 - q + q t, as the power is concave, and for b >= 0

.. math:: e^{b f(x)} \le e^{b f(B) (1 - q)}\,e^{b f(B) q c\,x}.

Powers alone have q = p; with k logarithms s = (1 - p)/(2 k), where p < 1.  For b <= 0 e^{b f} <= 1 where f >= 0, as it
is if y_B >= 1 for every logarithm with an odd exponent.  An odd power of one logarithm alone rises, f >= f(B), and
e^{b f} <= e^{-b f(B)^-}, f^- being the negative part.

**One factor** f of order below one that rises, as a predictor u: for x >= B it is at least f(B) > 0, so that
u^k e^{b u} <= C x^q e^{b l + b m x} where b > 0, by a bound C x^q of f^k and a line l + m x above f, and
u^k e^{b u} <= C e^{b f(B)} x^q where b <= 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import arb
from sympy import Expr, Integer, Poly, Rational, Symbol, ceiling

from leadterms.evaluation.certified.tools.balls import NAN, Ball, larger, value_of
from leadterms.evaluation.growth import Slow


@dataclass(frozen=True)
class Power:
    """A bound level x^order."""

    level: Ball
    order: int


@dataclass(frozen=True)
class Straight:
    """A bound level + slope x."""

    level: Ball
    slope: Ball


def by_power(factors: Sequence[Slow], x: Symbol, start: Ball) -> Power:
    """Return a bound of a product of slow factors from a start on, its level not finite where none is known."""
    order = int(ceiling(_powers(factors))) + _logarithms(factors)
    value, ratio = _at(factors, x, start, Integer(1))
    return Power((value * ratio**order).abs_upper() if order else value, order)


def by_line(factors: Sequence[Slow], x: Symbol, start: Ball) -> Straight:
    """Return a bound of the same by a line, not finite where none is known."""
    p, k = _powers(factors), _logarithms(factors)
    if not p < 1:
        return Straight(NAN, NAN)
    s = (1 - p) / (2 * k) if k else Integer(1)
    q = value_of(p + s * k)
    value, ratio = _at(factors, x, start, s)
    return Straight(value * (1 - q), value * q * ratio)


def negative_part(factors: Sequence[Slow], x: Symbol, start: Ball) -> Ball:
    """Bound how far below zero a product of slow factors is from a start on, not finite where nothing is known."""
    ends = [(factor, value_of(factor.inside, {x: start})) for factor in factors]
    if not all(bool(y > 0) for _, y in ends):
        return NAN
    turning = [(f, y) for f, y in ends if f.is_logarithm and f.exponent % 2 and not y >= 1]
    if not turning:
        return arb(0)
    if len(ends) > 1:
        return NAN
    ((factor, y),) = turning
    return (-(y.log() ** int(factor.exponent))).max(arb(0)).upper()


def image_bound(function: Slow, x: Symbol, start: Ball, power: int, rate: Ball) -> tuple[Power, Ball]:
    """Return a bound of u^power e^(rate u), u a rising slow function of x, from a start on: a power and a rate of x."""
    bound = by_power((replace(function, exponent=function.exponent * power),) if power else (), x, start)
    if rate <= 0:
        lowest, _ = _at((function,), x, start, Integer(1))
        return Power(bound.level * (rate * lowest).exp(), bound.order), arb(0)
    # where the sign of a rate is open, that of none is enough for u > 0
    line, positive = by_line((function,), x, start), rate.max(arb(0))
    return Power(bound.level * (positive * line.level).exp(), bound.order), positive * line.slope


def _powers(factors: Sequence[Slow]) -> Rational:
    return sum((f.exponent for f in factors if not f.is_logarithm and f.exponent > 0), Integer(0))


def _logarithms(factors: Sequence[Slow]) -> int:
    return sum(int(f.exponent) for f in factors if f.is_logarithm)


def _at(factors: Sequence[Slow], x: Symbol, start: Ball, s: Expr) -> tuple[Ball, Ball]:
    """Return f(B) and c, not finite where B is not far enough out."""
    value, ratio = arb(1), 1 / start
    if not start > 0:
        return NAN, NAN
    for factor in factors:
        y = value_of(factor.inside, {x: start})
        if not (y > 0 and (not factor.is_logarithm or y >= value_of(1 / s).exp())):
            return NAN, NAN
        value = value * ((y.log() if factor.is_logarithm else y).log() * value_of(factor.exponent)).exp()
        ratio = larger(ratio, value_of(Poly(factor.inside, x).LC()) / y)
    return value, ratio
