r"""Bounds of quotients N/D of sums of exponentials of the effects, D with positive coefficients.

N is a sum of c u^alpha e^{l(z)} and D one of d_j e^{l_j(z)}, all l affine, d_j > 0.  For 0 < p < 1 the weighted means
of d_1 e^{l_1}/p and d_2 e^{l_2}/(1 - p) give (arithmetic and geometric mean)

    D >= d_1 e^{l_1} + d_2 e^{l_2} >= (d_1/p)^p (d_2/(1 - p))^{1 - p} e^{p l_1 + (1 - p) l_2},

and D is at least each of its terms (p = 1).  The pair is taken that leaves least of l, and |u|^alpha <= alpha! e^{|u|}.
For complex z the exponentials keep the moduli that they have at the real part.  Where the arguments of all moments are
within t those of the terms of D are within q t, q the degree of D: |D| >= cos(q t) times the sum of their moduli.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial, prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.weight_balls import rate_of
from leadterms.evaluation.certified.tools.balls import Ball, larger
from leadterms.evaluation.certified.tools.effect_powers import bound_of_effects
from leadterms.evaluation.moment_system import ExponentialCeiling, InverseForm, NumeratorTerm, Sector


@dataclass(frozen=True)
class _Exponential:
    """coefficient e^(level + slopes'z)."""

    coefficient: Ball
    level: Ball
    slopes: tuple[Ball, ...]


def are_exponentials(problems: Sequence[Problem], form: InverseForm) -> bool:
    """Tell whether numerator and denominator are sums of exponentials of the effects."""
    return bool(form.below) and all(problem.weight.rate is not None and not problem.lines for problem in problems)


def quotient_of_exponentials(problems: Sequence[Problem], form: InverseForm) -> tuple[ExponentialCeiling, Sector]:
    """Return a bound of |N/D| for real effects, and what holds for complex ones.

    Raises
    ------
    EvaluationError
        If a coefficient of D is not shown to be positive.

    """
    below = [_exponential(problems, term) for term in form.below]
    if not all(bool(one.coefficient > 0) for one in below):
        raise EvaluationError("a coefficient of a denominator is not shown to be positive")
    means = list(_means(below))
    top, steep = bound_of_effects(form)
    total, rising = arb(0), [arb(0)] * len(form.mean)
    for term in form.terms:
        level, rates = _least(_exponential(problems, term), means)
        total += level * prod(map(factorial, term.powers))
        rising = [larger(a, b) for a, b in zip(rising, rates, strict=True)]
    growth = tuple((a + b).abs_upper() for a, b in zip(rising, steep, strict=True))
    sector = Sector(max(1, form.degree), 1, 1, tuple(one.abs_upper() for one in steep))
    return ExponentialCeiling((total * top).abs_upper(), growth), sector


def _exponential(problems: Sequence[Problem], term: NumeratorTerm) -> _Exponential:
    """Return a product of moments without predictors."""
    coefficient, level, slopes = arb(term.coefficient), arb(0), [arb(0)] * len(problems[0].loadings)
    for strand, _ in term.moments:
        problem = problems[strand]
        rate = rate_of(problem.weight)
        coefficient *= problem.weight.scale
        level += rate * problem.centre
        slopes = [slope + rate * row[0] for slope, row in zip(slopes, problem.loadings, strict=True)]
    return _Exponential(coefficient, level, tuple(slopes))


def _means(below: Sequence[_Exponential]) -> Iterator[tuple[_Exponential, _Exponential]]:
    """Yield each term with itself, and all pairs."""
    yield from ((one, one) for one in below)
    yield from combinations(below, 2)


def _least(above: _Exponential, means: Sequence[tuple[_Exponential, _Exponential]]) -> tuple[Ball, list[Ball]]:
    """Return level and rates of the bound that grows least."""
    found = [_bound(above, *pair) for pair in means]
    return min(found, key=lambda one: (round(sum(map(float, one[1])), 9), float(one[0].log())))


def _bound(above: _Exponential, first: _Exponential, second: _Exponential) -> tuple[Ball, list[Ball]]:
    """Bound a term of N over a mean of two of D."""
    p = arb(_share(above, first, second))
    rest = 1 - p
    level = above.level - p * first.level - rest * second.level
    level -= p * first.coefficient.log() + rest * second.coefficient.log()
    # p^p is 1 at the ends
    level += sum((q * q.log() for q in (p, rest) if q > 0), arb(0))
    rates = [
        abs(s - p * a - rest * b).abs_upper() for s, a, b in zip(above.slopes, first.slopes, second.slopes, strict=True)
    ]
    return (abs(above.coefficient) * level.exp()).abs_upper(), rates


def _share(above: _Exponential, first: _Exponential, second: _Exponential) -> float:
    """Return about the p in [0, 1] that leaves least of the slopes."""
    apart = [float(a) - float(b) for a, b in zip(first.slopes, second.slopes, strict=True)]
    square = sum(one * one for one in apart)
    if square == 0:
        return 1.0
    along = sum((float(s) - float(b)) * d for s, b, d in zip(above.slopes, second.slopes, apart, strict=True))
    return min(1.0, max(0.0, along / square))
