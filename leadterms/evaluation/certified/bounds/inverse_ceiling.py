r"""Bounds of averages of an inverse information: F = N(u, M)/D(M), D a multiple of det H_AA, or a positive sum.

H_AA = sum_s p_s E_s[w a a'], a = d eta/dz in the standard effects z, over strands s with probabilities p_s.

**Below.**  For weights with w(eta) >= k e^{-|eta|} and a vector v let t = E[(v'a)^2] = v'Mv, M = E[a a'].  By Jensen's
inequality for the law weighted by (v'a)^2

    v'H_AA v >= k t exp(-E[(v'a)^2 |eta|]/t).

|eta| is at most |c(x)| + sum_j |z_j| |a_j(x)|, c its part without effects, and for a function f >= 0
E[(v'a)^2 f]/t is at most the largest eigenvalue of M^{-1} E[f a a'], so at most its trace E[f a'M^{-1}a], and at most
sup f.  With L and g_j these bounds for |c| and |a_j|, H_AA >= k e^{-L - sum_j g_j |z_j|} M, and
det H_AA >= k^d e^{-d L - d sum_j g_j |z_j|} det M.  All of it holds where a has a further entry 1.  A law without a
mean, or without a third moment where a has it, is cut off first: H_AA is at least E[w a a'; R] for every region R of
the predictors, for which the same is true with E[.; R] in place of E, and sup over R; so is a moment E[x^e w], e even.

**Weights with light tails**, probit and complementary log-log: see `light_tails`.

**A positive sum.**  Where D is a polynomial of degree q with positive coefficients in moments E[x^e w], e even, it is
at least any of its terms; each moment is at least k E[x^e] e^{-E[x^e |eta|]/E[x^e]}, by Jensen's inequality again.

**Above.**  N is a sum of c u^alpha M_1 ... M_r: |M| <= sup w E|x|^e, where w is e^{rate eta} at most
scale e^{|rate| (sup |c| + sum_j |z_j| sup |a_j|)} E|x|^e; where E|x|^e is infinite see `bounds.without_moment`.  And
|u_k|^alpha <= alpha! e^{|u_k|} with |u_k| <= |mean_k| + sum_j |R_kj| |z_j|, u = mean + R z.

**Complex weights.**  Let one effect move to x + iy, and let all weights v have |arg v| <= t < pi/2 and |v| >= w(x),
as for the logistic weight and the saturating one off the line.  H = R^{1/2}(I + iK)R^{1/2} with R = Re H (see
`ceilings`), so that |det H| >= det R >= cos^d(t) det E[|v| a a'] >= cos^d(t) det E[w(x) a a'].  Each moment in N is at
most sup |v|/w times its bound, and |u_k| grows by at most |R_kj y|.  det H_AA in u is that in z over det(R)^2.  The
terms of a positive sum have arguments within q t: for q t < pi/2 |D| >= cos(q t) times the sum of their moduli, and
|E[x^e v]| >= cos(t) E[x^e w].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import factorial, prod

from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import without_moment
from leadterms.evaluation.certified.bounds.exponential_sums import are_exponentials, quotient_of_exponentials
from leadterms.evaluation.certified.bounds.light_tails import by_terms_below, is_outweighed, under_light_tails
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.moments.polynomials import (
    Polynomial,
    added,
    columns,
    mean,
    mean_of_absolute,
    supremum,
    times,
    without_effects,
)
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, larger, smaller
from leadterms.evaluation.certified.tools.effect_powers import bound_of_effects
from leadterms.evaluation.moment_system import (
    STRAYING,
    ExponentialCeiling,
    InverseCeiling,
    InverseForm,
    NumeratorTerm,
    Sector,
    Strand,
)
from leadterms.evaluation.precision import ball_precision

HELD = 1.0
"""Spreads at which a law without a mean is cut off for bounds from below."""


def inverse_ceiling(strands: Sequence[Strand], form: InverseForm) -> tuple[ExponentialCeiling | InverseCeiling, Sector]:
    """Return a bound of |F| for real effects, and what holds for complex ones.

    Raises
    ------
    EvaluationError
        If a weight has no such lower bound, or E[a a'] is not shown to be positive definite.

    """
    with ball_precision(PLANNING_BITS):
        problems = [Problem(strand) for strand in strands]
        if all(isinstance(strand.weight, STRAYING) for strand in strands):
            found = by_terms_below(problems, form)
            # entries with 1/lambda turn less, where they are bounded
            if found is not None and not (form.entries and is_outweighed(problems, form)):
                return found
            if form.probabilities:
                return under_light_tails(problems, form)
        if are_exponentials(problems, form):
            return quotient_of_exponentials(problems, form)
        level, steep = bound_of_effects(form)
        above = [_numerator(problems, term) for term in form.terms]
        top = level * sum((size for size, _ in above), arb(0))
        floor = _least([problem.weight.floor() for problem in problems])
        held = [_held(problem) for problem in problems]
        below = _determinant(held, form) if form.probabilities else _positive_sum(held, form)
        whole = top * below.level.exp() / (abs(arb(form.factor)) * floor**below.order * below.volume)
        if not whole.is_finite():
            raise EvaluationError("no bound of the inverse information for large random effects could be proven")
        rising = [reduce(larger, rates) for rates in zip(*(rates for _, rates in above), strict=True)]
        growth = tuple((g + s + r).abs_upper() for g, s, r in zip(below.growth, steep, rising, strict=True))
        gains = max(1, *(len(term.moments) for term in form.terms))
        sector = Sector(below.multiple, below.power, gains, tuple(s.abs_upper() for s in steep))
        return ExponentialCeiling(whole.abs_upper(), growth), sector


@dataclass(frozen=True)
class _Below:
    """|D| >= |factor| k^order volume e^{-level - sum_j growth_j |z_j|} for real effects, and its sector."""

    volume: Ball
    level: Ball
    growth: tuple[Ball, ...]
    order: int
    multiple: int
    power: int


def _held(problem: Problem) -> Problem:
    """Return a strand with heavy-tailed laws cut off (`HELD`): what is left of H, or of a moment, is below it.

    Those without a mean, and under random slopes without a third moment.
    """
    steep = [any(not row[1 + m].is_zero() and e[i] for row in problem.loadings for m, e in
                 enumerate(problem.predictor.monomials)) for i in range(len(problem.lines))]  # fmt: skip
    cuts = problem.strand.cuts or ((None, None),) * len(problem.lines)
    found = []
    for line, cut, moved in zip(problem.lines, cuts, steep, strict=True):
        base = line.line if isinstance(line, CutLine) else line
        if None in (base.low, base.high) and base.is_itself and not base.absolute(3 if moved else 1).is_finite():
            cut = base.inner_ends(*line.reach(HELD))
        found.append(cut)
    return Problem(replace(problem.strand, cuts=tuple(found)))


def _least(floors: Sequence[Ball]) -> Ball:
    if not all(bool(floor.is_finite()) for floor in floors):
        raise EvaluationError("no lower bound of the weight is known: its inverse is not bounded")
    least = floors[0]
    for floor in floors[1:]:
        least = least.min(floor)
    return least.lower()


def _determinant(problems: Sequence[Problem], form: InverseForm) -> _Below:
    """Bound det H_AA."""
    shares = [arb(p) for p in form.probabilities]
    all_columns = [columns(problem) for problem in problems]
    if form.with_ones:
        all_columns = [
            [*own, {(0,) * len(problem.lines): arb(1)}] for problem, own in zip(problems, all_columns, strict=True)
        ]
    size = len(all_columns[0])
    second = [[arb(0)] * size for _ in range(size)]
    for problem, own, p in zip(problems, all_columns, shares, strict=True):
        for j in range(size):
            for k in range(size):
                second[j][k] += p * mean(problem, times(own[j], own[k]))
    moments = arb_mat(second)
    volume = moments.det()
    if not (volume > 0 and all(bool(p > 0) for p in shares)):
        raise EvaluationError("the second moments of the random terms are not shown to be positive definite")
    inverse = moments.inv()
    leverages = []
    for own in all_columns:
        leverage: Polynomial = {}
        for j in range(size):
            for k in range(size):
                squares = {e: abs(c * inverse[j, k]) for e, c in times(own[j], own[k]).items()}
                leverage = added(leverage, squares)
        leverages.append(leverage)
    level, growth = _spread(problems, leverages, shares)
    spread = arb_mat([[arb(entry) for entry in row] for row in form.root]).det() ** 2
    return _Below((volume / spread).lower(), size * level, tuple(size * g for g in growth), size, 1, size)


def _positive_sum(problems: Sequence[Problem], form: InverseForm) -> _Below:
    """Bound one term of a positive sum."""
    volume, level, growth = arb(1), arb(0), [arb(0)] * len(form.mean)
    for strand, exponents in form.product_of_moments:
        problem = problems[strand]
        moment = mean(problem, {exponents: arb(1)})
        if not moment > 0:
            raise EvaluationError("a moment in a denominator is not shown to be positive")
        volume *= moment
        own, rates = _spread([problem], [{exponents: 1 / moment}], [arb(1)])
        level += own
        growth = [g + rate for g, rate in zip(growth, rates, strict=True)]
    order = len(form.product_of_moments)
    return _Below(volume.lower(), level, tuple(growth), order, max(1, form.degree), order + 1)


def _spread(
    problems: Sequence[Problem], densities: Sequence[Polynomial], shares: Sequence[Ball]
) -> tuple[Ball, list[Ball]]:
    """Bound the means of |c| and of each |a_j| under laws with these densities, by their suprema or by moments.

    Powers that stand for functions multiply as those of two columns only: under densities with such powers by suprema.
    """
    pairs = zip(problems, densities, strict=True)
    plain = all(
        line.plain
        for problem, density in pairs
        for exponents in density
        for line, k in zip(problem.lines, exponents, strict=True)
        if k
    )
    size = len(problems[0].loadings)
    level, growth = arb(0), [arb(0)] * size
    largest, farthest = arb(0), [arb(0)] * size
    for problem, density, p in zip(problems, densities, shares, strict=True):
        fixed = without_effects(problem)
        level += p * mean_of_absolute(problem, times(density, fixed)) if plain else NAN
        largest = larger(largest, supremum(problem, fixed))
        for j, column in enumerate(columns(problem)):
            absolute = {e: abs(c) for e, c in column.items()}
            growth[j] += p * mean_of_absolute(problem, times(density, absolute)) if plain else NAN
            farthest[j] = larger(farthest[j], supremum(problem, absolute))
    return smaller(level, largest), [smaller(g, f) for g, f in zip(growth, farthest, strict=True)]


def _numerator(problems: Sequence[Problem], term: NumeratorTerm) -> tuple[Ball, list[Ball]]:
    """Return k and rates g with |c M_1 ... M_r| alpha! <= k e^(sum_j g_j |z_j|)."""
    total = abs(arb(term.coefficient)) * prod(factorial(power) for power in term.powers)
    growth = [arb(0)] * len(problems[0].loadings)
    for strand, exponents in term.moments:
        problem = problems[strand]
        size = mean_of_absolute(problem, {exponents: arb(1)})
        rate = problem.weight.rate
        if rate is None and not size.is_finite():
            own, level = without_moment(problem, exponents)
            total *= level
            growth = [g + one for g, one in zip(growth, own, strict=True)]
            continue
        total *= size
        if rate is None:
            total *= problem.weight.modulus(None, None, arb(0))
            continue
        total *= problem.weight.scale * (abs(rate) * supremum(problem, without_effects(problem))).exp()
        for j, column in enumerate(columns(problem)):
            growth[j] += abs(rate) * supremum(problem, {e: abs(c) for e, c in column.items()})
    return total.abs_upper(), growth
