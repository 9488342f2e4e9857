r"""Tails of a density f by its elasticity h(x) = x f'(x)/f(x), bounded for all x from some point on.

If h(x) + k + rate x <= -s for all x >= B, s > 1, then x^k f(x) e^(rate x) <= its value at B times (x/B)^-s, and its
integral beyond B is at most B/(s - 1) times that value.

**Sums.**  Let h(x) + k + rate x = sum_i c_i m_i(x) with m(x) = x^p log(x)^q e^(r x), and let the term -d m(x), d > 0,
be one whose m does not fall from B on.  If no m_i/m rises from B on for c_i > 0, then for x >= B

.. math:: \sum_i c_i m_i(x) \le -\Big(d - \sum_{c_i > 0} c_i m_i(B)/m(B)\Big) m(x),

and where the bracket is positive m(x) >= m(B) bounds it.  For B >= e, m rises if p, q, r >= 0, and m_i/m falls if
r_i <= r, q_i <= q and p_i - p <= (r - r_i) B, since (log x^p e^(rx))' = p/x + r.

**Rational functions.**  h(1/v) over v in [0, 1/B] is enclosed by a ball; for rate <= 0 and x > 0 the rate only helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy
from flint import arb
from sympy import Add, Expr, Mul, Pow, Symbol, cancel, exp, expand, expand_log, log, powsimp, together

from leadterms.evaluation.certified.balls import NAN, Ball, interval, value_of

X = Symbol("x", positive=True)
V = Symbol("v", positive=True)


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
        ratio = X * sympy.diff(expand_log(log(density), force=True), X)
        found = expand(powsimp(expand(ratio)))
        self._terms = _monomials(found)
        self._rational: Expr | None = None
        if self._terms is None:
            single = cancel(together(found))
            if single.is_rational_function(X):
                self._rational = cancel(together(single.subs(X, 1 / V)))

    @property
    def is_known(self) -> bool:
        """Whether there is a rule for this density."""
        return self._terms is not None or self._rational is not None

    def tail(self, start: Ball, value: Ball, power: int, rate: Ball) -> Ball:
        """Bound the integral of x^power f(x) e^(rate x) beyond a point, where f has this value; else not finite."""
        if not start > arb(1).exp():
            return NAN
        fall = self._fall(start, power, rate) - 1
        if not fall > 0:
            return NAN
        return (start ** (power + 1) * (rate * start).exp() * value / fall).abs_upper()

    def _fall(self, start: Ball, power: int, rate: Ball) -> Ball:
        """Return s with h(x) + power + rate x <= -s beyond the point."""
        if self._rational is not None and rate <= 0:
            over = value_of(self._rational, {V: interval(arb(0), 1 / start)})
            return -(over + power).upper() if over.is_finite() else NAN
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
