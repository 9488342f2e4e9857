r"""How fast a density f(s) grows or falls in a sector of the complex plane, far out and next to s = 0.

Let s = e^{u + i psi}, |psi| <= Psi < pi, and h = d log f/d log s, the elasticity.  Where Re h <= -q on the sector for
all u >= U the density continues there, and along each ray |f(s)| <= |f(s_U)| (|s|/|s_U|)^-q: log |f| is the integral
of Re h over u.  Likewise where Re h >= p for all u <= -U: |f(s)| <= |f(s_U)| (|s|/|s_U|)^p.

**Quotients of sums.**  Let h = N/D, both sums of terms c s^a log(s)^b with whole b.  Take v = u far out and v = -u next
to zero, so that log s = +-(v -+ i psi) and v <= |log s| <= v + Psi, and a +- for the exponents.  Of a sum the term that
is largest in the end, by (+-a, b), is put in front; the modulus of another one's ratio to it is at most
|c'/c| e^{d v} l^e, d = +-(a' - a) <= 0, e = b' - b, with l = v + Psi for e > 0 and v for e < 0.  It falls from v = U on
if e <= 0, or d < 0 and e <= -d (U + Psi).  So the sum is its leading term times 1 + delta, |delta| at most the sum of
these at U, and h its leading quotient c s^a log(s)^b times a number z with |z - 1| <= r, r = (d_N + d_D)/(1 - d_D).

- a = b = 0: Re h is within |c| r of c.
- It grows (+-a >= 0, b >= 0): its argument differs from that at psi = 0 by no more than
  A = |a| Psi + |b| atan(Psi/U) + arcsin r.  Where A < pi/2 and the sign is the one that is wanted, |Re h| is at least
  |c| e^{+-a U} U^b (1 - r) cos A.
- It falls: |Re h| <= |c| (1 + r) e^{+-a U} l^b, which falls from U on if b <= -+a (U + Psi) or b <= 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from flint import arb
from sympy import Add, Expr, Integer, Mul, Symbol, expand, fraction, log, together

from leadterms.evaluation.certified.tools.balls import NAN, Ball, value_of

S = Symbol("s", positive=True)


@dataclass(frozen=True)
class _Term:
    """c s^a log(s)^b; ``a`` counts outwards: with the other sign next to zero."""

    c: Ball
    a: Expr
    b: int


class SectorGrowth:
    """The elasticity of a density on one side.

    Parameters
    ----------
    elasticity
        s f'(s)/f(s), a function of `S`.
    side
        1 far out, -1 next to zero.

    """

    def __init__(self, elasticity: Expr, side: int) -> None:
        self._side = side
        above, below = (_terms(expand(part), side) for part in fraction(together(elasticity)))
        self._sums = (above, below) if above and below else None

    @property
    def is_known(self) -> bool:
        """Whether the elasticity has the form of the module."""
        return self._sums is not None

    def rate(self, start: Ball, width: Ball) -> Ball:
        """Return q far out, or p next to zero, for ``|u| >= start`` > 0 and ``|psi| <= width``; else not finite."""
        if self._sums is None:
            return NAN
        (above, off_above), (below, off_below) = (_leading(terms, start, width) for terms in self._sums)
        r = ((off_above + off_below) / (1 - off_below)).abs_upper() if off_below < 1 else NAN
        if not r.is_finite():
            return NAN
        # what is wanted is a lower bound of -Re h far out and of Re h next to zero
        c = -self._side * above.c / below.c
        a, b = above.a - below.a, above.b - below.b
        if a == 0 and b == 0:
            return (c - abs(c) * r).lower()
        power = value_of(a)
        if a >= 0 and b >= 0:
            angle = abs(power) * width + b * (width / start).atan() + (r.asin() if r < 1 else NAN)
            sign = self._side if b % 2 else 1
            if not (angle < arb.pi() / 2 and sign * c > 0):
                return NAN
            return (abs(c) * (power * start).exp() * start**b * (1 - r) * angle.cos()).lower()
        length = start + width
        if b > 0 and not b <= -power * length:
            return NAN
        size = length**b if b > 0 else 1 / start ** (-b)
        return (-abs(c) * (1 + r) * (power * start).exp() * size).lower() if a <= 0 else NAN


def _leading(terms: list[_Term], start: Ball, width: Ball) -> tuple[_Term, Ball]:
    """Return the term that is largest in the end, and the bound of what the others add relative to it."""
    first = terms[0]
    for term in terms[1:]:
        more = sympy.sign(term.a - first.a)
        if more > 0 or (more == 0 and term.b > first.b):
            first = term
    total, length = arb(0), start + width
    for term in terms:
        if term is first:
            continue
        d, e = value_of(term.a - first.a), term.b - first.b
        if e > 0 and not (d < 0 and e <= -d * length):
            return first, NAN
        total += abs(term.c / first.c) * (d * start).exp() * (length**e if e > 0 else 1 / start ** (-e))
    return first, total.abs_upper()


def _terms(function: Expr, side: int) -> list[_Term] | None:
    """Return the terms of a sum, None where one has another form."""
    found: dict[tuple[Expr, int], Expr] = {}
    for term in Add.make_args(function):
        c, rest = term.as_independent(S, as_Add=False)
        a, b = Integer(0), 0
        for factor in Mul.make_args(rest):
            base, power = factor.as_base_exp()
            if base == S and power.is_real and not power.has(S):
                a += power
            elif base == log(S) and power.is_Integer and power > 0:
                b += int(power)
            elif factor != 1:
                return None
        if not (c.is_number and c.is_real):
            return None
        found[a, b] = found.get((a, b), Integer(0)) + c
    balls = [_Term(value_of(c), side * a, b) for (a, b), c in found.items() if c != 0]
    # of a number that may be zero it is not known whether its term leads
    return balls if all(bool(term.c != 0) for term in balls) else None


def elasticity(logarithm: Expr) -> Expr:
    """Return s f'(s)/f(s) from log f(s).

    Examples
    --------
    >>> elasticity(-2 * log(1 + S))
    -2*s/(s + 1)

    """
    return together(S * sympy.diff(logarithm, S))


def logarithm_of(density: Expr) -> Expr:
    """Return log f, of products a sum: f is positive for real s, and each of its factors."""
    return sympy.expand_log(log(density), force=True)
