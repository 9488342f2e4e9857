r"""Tails of a density f by its elasticity h(x) = x f'(x)/f(x), bounded for all x from some point on.

If h(x) + k + rate x <= -s for all x >= B, s > 1, then x^k f(x) e^(rate x) <= its value at B times (x/B)^-s, and its
integral beyond B is at most B/(s - 1) times that value.

**Sums.**  Let h(x) + k + rate x = sum_i c_i m_i(x) with m(x) = x^p log(x)^q e^(r x), and let the term -d m(x), d > 0,
be one whose m does not fall from B on.  If no m_i/m rises from B on for c_i > 0, then for x >= B

.. math:: \sum_i c_i m_i(x) \le -\Big(d - \sum_{c_i > 0} c_i m_i(B)/m(B)\Big) m(x),

and where the bracket is positive m(x) >= m(B) bounds it.  For B >= e, m rises if p, q, r >= 0, and m_i/m falls if
r_i <= r, q_i <= q and p_i - p <= (r - r_i) B, since (log x^p e^(rx))' = p/x + r.

**Rational functions** of y, where y = x, log x, or x times one of y = e^(r x): let v = 1/y, which falls to zero.  With
d the degree in y, or zero where that is negative, v^d times the function of 1/v is a rational function of v without a
pole at zero, and a ball encloses it over v in [0, v(B)].  If it is at most -c < 0 the function itself is at most
-c v^-d, and so at most -c v(B)^-d.  For rate <= 0 and x > 0 the rate only helps, for d = 0 by rate B; where x is a
factor it is added to the function, and the sum has to be negative.

**Special functions** that are factors of the density are replaced by what has a larger elasticity, for c > 0:

- I_nu(c x) by x^nu e^(c x), for nu >= -1/2: z I_nu'/I_nu = nu + z r, r = I_(nu+1)/I_nu, and r' = 1 - (2 nu + 1) r/z
  - r^2 with r(0) = 0, so that r does not cross 1: there r' <= 0 (for nu = -1/2 it is tanh).
- a hypergeometric series F(c x^m), m a whole number > 0, with p <= q positive parameters a_i and b_j, by
  e^(M c x^m): its coefficients have t_(k+1) (k + 1) = t_k prod(a_i + k)/prod(b_j + k) <= M t_k with
  M = prod_(i <= p) max(1, a_i/b_i) prod_(j > p) 1/b_j, so that F' <= M F.
- 1/(e^z - 1) by e^-z for z = c x, whose elasticity is -z >= -z e^z/(e^z - 1), and by x e^-z for z = c/x, whose is
  1 + z >= z/(1 - e^-z), as e^z >= 1 + z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd, lcm

import sympy
from flint import arb
from sympy import (
    Add,
    Expr,
    Integer,
    Mul,
    Poly,
    Pow,
    Rational,
    Symbol,
    cancel,
    exp,
    expand,
    expand_log,
    fraction,
    log,
    powsimp,
    together,
)

from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval, value_of

X = Symbol("x", positive=True)
V = Symbol("v", positive=True)
Y = Symbol("y", positive=True)


@dataclass(frozen=True)
class _Monomial:
    """c x^p log(x)^q e^(r x), with balls for c, p, r."""

    c: Ball
    p: Ball
    q: int
    r: Ball

    def at(self, x: Ball) -> Ball:
        """Return x^p log(x)^q e^(r x) for x > 1."""
        return (self.p * x.log() + self.r * x).exp() * x.log() ** self.q

    def rises(self) -> bool:
        """Tell whether it surely rises, or is constant, from e on."""
        return bool(self.p >= 0 and self.q >= 0 and self.r >= 0)

    def falls_beside(self, other: _Monomial, start: Ball) -> bool:
        """Tell whether the ratio to another one surely does not rise from ``start`` >= e on."""
        steeper = other.r - self.r
        return bool(steeper >= 0 and self.q <= other.q and self.p - other.p <= steeper * start)


class TailGrowth:
    """The elasticity of a density on the positive line, for x from some point on.

    Parameters
    ----------
    density
        A function of `X`.

    """

    def __init__(self, density: Expr) -> None:
        ratio = X * sympy.diff(expand_log(log(_larger(density)), force=True), X)
        found = expand(powsimp(expand(ratio)))
        self._terms = _monomials(found)
        self._rational = _rational(found) if self._terms is None else None

    @property
    def is_known(self) -> bool:
        """Whether there is a rule for this density."""
        return self._terms is not None or self._rational is not None

    def tail(self, start: Ball, value: Ball, power: int, rate: Ball) -> Ball:
        """Bound the integral of x^power f(x) e^(rate x) beyond a point, where f has this value; else not finite."""
        if not self.is_known or not start > arb(1).exp():
            return NAN
        fall = self._fall(start, power, rate) - 1
        if not fall > 0:
            return NAN
        return (start ** (power + 1) * (rate * start).exp() * value / fall).abs_upper()

    def _fall(self, start: Ball, power: int, rate: Ball) -> Ball:
        """Return s with h(x) + power + rate x <= -s beyond the point."""
        if self._rational is not None:
            return self._rational.fall(start, power, rate)
        one, zero = arb(1), arb(0)
        more = [_Monomial(arb(power), zero, 0, zero), _Monomial(rate, one, 0, zero)]
        terms = [*(self._terms or ()), *more]
        best = NAN
        for leading in terms:
            if leading.c < 0 and leading.rises():
                fall = _beside(leading, terms, start)
                if fall.is_finite() and not best > fall:
                    best = fall
        return best


def _larger(density: Expr) -> Expr:
    """Replace special functions by what has an elasticity that is at least as large (see the module)."""
    return Mul(*map(_larger_factor, Mul.make_args(density)))


def _larger_factor(factor: Expr) -> Expr:
    if isinstance(factor, sympy.besseli):
        nu, z = factor.args
        return X**nu * exp(z) if _rises(z, 1) and nu.is_real and bool(nu >= -Rational(1, 2)) else factor
    if isinstance(factor, sympy.hyper):
        above, below, z = factor.ap, factor.bq, factor.argument
        known = len(above) <= len(below) and all(number.is_positive for number in (*above, *below))
        if not (known and any(_rises(z, power) for power in range(1, 5))):
            return factor
        largest = [sympy.Max(1, a / b) for a, b in zip(above, below, strict=False)]
        return exp(Mul(*largest, *(1 / b for b in below[len(above) :])) * z)
    if isinstance(factor, Pow) and factor.exp == -1 and factor.base.is_Add:
        grows = factor.base + 1
        z = grows.args[0] if isinstance(grows, exp) else Integer(0)
        return exp(-z) if _rises(z, 1) else X * exp(-z) if _rises(z, -1) else factor
    return factor


def _rises(z: Expr, power: int) -> bool:
    """Tell whether z is c x^power with a number c > 0."""
    c = z / X**power
    return bool(c.is_number and c.is_positive)


@dataclass(frozen=True)
class _Rational:
    """y^degree f(1/y), or x times that, for y = x, log x or e^(slope x).

    Parameters
    ----------
    below
        f, without a pole at zero.
    degree
        Not negative.
    y
        By x.
    times_x
        Whether x is a factor.

    """

    below: Expr
    degree: int
    y: Callable[[Ball], Ball]
    times_x: bool = False

    def fall(self, start: Ball, power: int, rate: Ball) -> Ball:
        """Return s with h(x) + power + rate x <= -s beyond a point."""
        y = self.y(start)
        v = interval(arb(0), 1 / y)
        if self.times_x:
            over = value_of(self.below, {V: v}).upper()
            steep = y**self.degree * over + rate
            # y^degree rises: what it multiplies has to be negative, or it is constant
            return -(start * steep + power).upper() if steep < 0 and (over < 0 or not self.degree) else NAN
        over = value_of(self.below + power * V**self.degree, {V: v}).upper()
        if not rate <= 0:
            return NAN
        if self.degree:
            return -(y**self.degree * over).upper() if over < 0 else NAN
        found = (over + rate * start).upper()
        return -found if found < 0 else NAN


def _rational(found: Expr) -> _Rational | None:
    """Return an elasticity as a rational function, None where it is none."""
    single = cancel(together(found))
    if single.is_rational_function(X):
        return _Rational(*_at_infinity(single, X), lambda x: x)
    in_log = cancel(together(expand_log(found, force=True).subs(log(X), Y)))
    if not in_log.has(X) and in_log.is_rational_function(Y):
        return _Rational(*_at_infinity(in_log, Y), lambda x: x.log())
    slope = expand(found / X)
    rates = [(part.args[0] / X).cancel() for part in slope.atoms(exp) if part.has(X)]
    if not rates or not all(rate.is_Rational for rate in rates):
        return None
    least = Rational(gcd(*(int(r.p) for r in rates)), lcm(*(int(r.q) for r in rates)))
    in_exp = cancel(together(slope.replace(exp, lambda a: Y ** (a / X / least).cancel() if a.has(X) else exp(a))))
    if in_exp.has(X) or not in_exp.is_rational_function(Y):
        return None
    unit = value_of(least)
    return _Rational(*_at_infinity(in_exp, Y), lambda x: (unit * x).exp(), times_x=True)


def _at_infinity(function: Expr, y: Symbol) -> tuple[Expr, int]:
    """Return f and d of y^d f(1/y)."""
    above, below = fraction(together(function))
    degree = max(0, Poly(above, y).degree() - Poly(below, y).degree())
    return cancel(together((function / y**degree).subs(y, 1 / V))), degree


def _beside(leading: _Monomial, terms: Sequence[_Monomial], start: Ball) -> Ball:
    """Return s of the module's sums, with this leading term."""
    left = -leading.c
    for term in terms:
        if term is leading or term.c <= 0:
            continue
        if not term.falls_beside(leading, start):
            return NAN
        left = left - term.c * term.at(start) / leading.at(start)
    return (left * leading.at(start)).lower() if left > 0 else NAN


def _monomials(found: Expr) -> list[_Monomial] | None:
    terms = [_monomial(term) for term in Add.make_args(found)]
    known = [term for term in terms if term is not None]
    return known if len(known) == len(terms) else None


def _monomial(term: Expr) -> _Monomial | None:
    """Return a term as c x^p log(x)^q e^(r x), None where it has another form."""
    c, rest = term.as_independent(X, as_Add=False)
    p, q, r = sympy.Integer(0), 0, sympy.Integer(0)
    for factor in Mul.make_args(rest):
        if factor == 1:
            continue
        base, power = factor.as_base_exp()
        if factor == X:
            p += 1
        elif isinstance(factor, exp):
            exponent = expand(factor.args[0])
            slope = exponent.coeff(X)
            level = exponent - slope * X
            if level.has(X):
                return None
            c, r = c * exp(level), r + slope
        elif isinstance(factor, Pow) and base == X and not power.has(X):
            p += power
        elif base == log(X) and power.is_Integer and power > 0:
            q += int(power)
        else:
            return None
    return _Monomial(value_of(c), value_of(p), q, value_of(r))
