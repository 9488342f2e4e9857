r"""How a power weight falls in one unbounded predictor x.

Let :math:`w = c\,\eta^{-a}` with a > 0, and on the support :math:`\eta = B + \sum_{k = 1}^d c_k x^k + R`: B without x
and at least L, the :math:`c_k` in bounded predictors, and R a sum of monomials of x and other unbounded predictors,
each with its slope nowhere negative.  On one side of zero let x = |x| or x = -|x|, and
:math:`c_k' = (\pm 1)^k c_k`.  For |x| >= T

.. math:: \eta/|x|^d \ge \kappa
          = \min_{0 \le s \le 1/T} \Big(L s^d + \sum_k c_k' s^{d - k}\Big).

Where that is positive, :math:`|w| \le c\,\kappa^{-a}|x|^{-m}` with m = d a, and for whole e >= 0 and e >= k - m

.. math:: E[|x|^k |w| \prod_l |z_l|^{m_l};\ |x| > T]
          \le c\,\kappa^{-a} T^{k - m - e}\, E[|x|^e;\ |x| > T] \prod_l E|z_l|^{m_l},

since x is independent of the z: of the powers of x fewer need to have means than without the weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.laws.falls import beyond_cut
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.eta import Predictor, polynomial_on
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval


@dataclass(frozen=True)
class PowerFall:
    """|w| <= scale kappa^-a |x|^(-d a) for |x| >= T.

    Parameters
    ----------
    line
        The law of x.
    scale, exponent
        c and -a.
    sides
        For each side on which x is unbounded L, c_1', .., c_d'.

    """

    line: Line
    scale: Ball
    exponent: Ball
    sides: tuple[tuple[Ball, ...], ...]

    def strip(self, cut: Ball, power: int, crest: Ball) -> Ball:
        """Bound E[|x|^power |w| prod |z_l|^m_l; |x| > cut]/prod E|z_l|^m_l by the law's tail."""
        if not cut > 0:
            return NAN
        s, degree = interval(arb(0), 1 / cut), len(self.sides[0]) - 1
        least = [polynomial_on(list(reversed(side)), s).lower() for side in self.sides]
        kappa = least[0].min(least[-1])
        if not kappa > 0:
            return NAN
        left = power + degree * self.exponent
        if not left.is_finite():
            return NAN
        e = max(0, int(left.upper().ceil().unique_fmpz()))
        level = self.scale * (self.exponent * kappa.log() + (left - e) * cut.log()).exp()
        return (level * beyond_cut(self.line, cut, e)).abs_upper()

    def beyond(self, cut: Ball, power: int, largest: Ball) -> Ball:
        """Return what is not finite: `strip` says it all."""
        return NAN


def power_fall(problem: Problem, i: int, shift: Ball, slopes: Sequence[Ball]) -> PowerFall | None:
    """Return how a power weight falls in an unbounded predictor, None where eta is not of the form above."""
    ends = problem.supports
    if not problem.lines[i].plain or not problem.weight.parameter < 0:
        return None
    known = [arb(0) if None in side else interval(*side) for side in ends]
    apart = [slope if not e[i] else arb(0) for slope, e in zip(slopes, problem.predictor.monomials, strict=True)]
    least = problem.predictor.range(shift.real, [slope.real for slope in apart], ends)[0]
    if least is None:
        return None
    sides = []
    for sign, end in zip((-1, 1), ends[i], strict=True):
        if end is not None:
            continue
        found = _coefficients(problem, i, slopes, sign, known)
        if found is None:
            return None
        sides.append((least, *found))
    if len({len(side) for side in sides}) > 1:
        return None
    return PowerFall(problem.lines[i], abs(problem.weight.scale), problem.weight.parameter, tuple(sides))


def _coefficients(
    problem: Problem, i: int, slopes: Sequence[Ball], sign: int, known: Sequence[Ball]
) -> tuple[Ball, ...] | None:
    """Return the c_k' on one side, None where R may be negative there or no power of x is left."""
    # only the side far out counts: of a law on both sides of zero that part which begins there
    half = list(problem.supports)
    half[i] = (None, arb(0)) if sign < 0 else (arb(0), None)
    found: dict[int, Ball] = {}
    for slope, exponents in zip(slopes, problem.predictor.monomials, strict=True):
        k = exponents[i]
        if not k or slope.real.is_zero():
            continue
        if any(e and not problem.lines[j].plain for j, e in enumerate(exponents)):
            # such a power is no power of the predictor: its sign is another
            return None
        if any(e and None in problem.supports[j] for j, e in enumerate(exponents) if j != i):
            one = Predictor(len(exponents), [exponents])
            if one.range(arb(0), [slope.real], half)[0] is None:
                return None
            continue
        factor = problem.predictor.monomial(known, exponents, without=i)
        found[k] = found.get(k, arb(0)) + sign**k * slope.real * factor
    return tuple(found.get(k, arb(0)) for k in range(1, max(found) + 1)) if found else None
