r"""Lower bounds of det H_AA, and of positive sums, under weights w(eta) >= k e^{-|eta|}.

H = H_AA = sum_s p_s E_s[w a a'], a = d eta/dz of d standard effects z, over strands s with probabilities p_s.  All of
it holds where a has a further entry 1.

**A determinant.**  Let E be the mean over a region R of the predictors and over the strands, M = E[a a'], and a_(1) ..
a_(d) be a at independent points there.  By Cauchy's and Binet's formula d! det H is at least the mean of
w_(1) .. w_(d) det(a_(1) .. a_(d))^2, and d! det M that of the square alone, of which what is left at given a_(1) is
(d - 1)! det M times the leverage l = a_(1)'M^{-1}a_(1).  So by Jensen's inequality for the law weighted by the square

    det H >= k^d det M exp(-E[|eta| l]),   E[l] = d.

|eta| is at most |c(x)| + sum_j |z_j| |a_j(x)|, c its part without effects; for a function f E[|f| l] is at most
d sup |f|, and (d E[f^2 l])^{1/2}, with E[f^2 l] = tr(M^{-1} E[f^2 a a']).  Small regions have small suprema, large ones
more information: which is best depends on the effects' variances, so several are tried.  A law without a mean, or
without a third moment where a has it, needs one (`HELD`).

**A moment** E[x^e w], e even, is at least that over R, and at least k E[x^e; R] e^{-E[x^e |eta|; R]/E[x^e; R]}.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from flint import arb, arb_mat
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.floors.least_information import moments_alone
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.line_base import Line
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
from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, larger, smaller
from leadterms.evaluation.moment_system import Cut, InverseForm, Strand
from leadterms.model.weights import ConstantWeight

HELD = 1.0
"""Spreads at which such a law is cut off."""
SPREADS = (0.7, 1.0, 1.5, 2.2)
"""Those at which unbounded laws are cut off, in regions that are tried."""


@dataclass(frozen=True)
class Below:
    """|D| >= |factor| k^order volume e^{-level - sum_j growth_j |z_j|} for real effects, and its sector."""

    volume: Ball
    level: Ball
    growth: tuple[Ball, ...]
    order: int
    multiple: int
    power: int


def lower_bounds(problems: Sequence[Problem], form: InverseForm) -> Iterator[Below]:
    """Yield bounds of a denominator from below, over several regions.

    Raises
    ------
    EvaluationError
        If E[a a'] is not shown to be positive definite.

    """
    held = [_held(problem) for problem in problems]
    if not form.probabilities:
        yield _positive_sum(held, form)
        return
    yield _by_bounds(held, form)
    lines = problems[0].lines
    if not all(line.plain for line in lines):
        return
    is_bounded = all(None not in _ends(line) for line in lines)
    for spreads in SPREADS[:1] if is_bounded else SPREADS:
        found = _by_moments([_within(problem, spreads) for problem in problems], form)
        if found is not None:
            yield found


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


def _ends(line: Line) -> tuple[End, End]:
    """Return those of a law that may be cut off."""
    law = line.line if isinstance(line, CutLine) else line
    return law.low, law.high


def _within(problem: Problem, spreads: float) -> Problem:
    """Return a strand with the unbounded laws cut off, or more of them than before."""
    found: list[Cut] = []
    for line in problem.lines:
        law, cut = (line.line, line.cut) if isinstance(line, CutLine) else (line, (None, None))
        if None not in _ends(line):
            found.append(cut)
            continue
        low, high = law.inner_ends(*law.reach(spreads))
        found.append((
            low if cut[0] is None else cut[0] if low is None else low.max(cut[0]),
            high if cut[1] is None else cut[1] if high is None else high.min(cut[1]),
        ))  # fmt: skip
    return Problem(replace(problem.strand, cuts=tuple(found)))


def _columns(problems: Sequence[Problem], form: InverseForm) -> list[list[Polynomial]]:
    """Return the entries of a, on each strand."""
    ones: list[Polynomial] = [{(0,) * len(problems[0].lines): arb(1)}] if form.with_ones else []
    return [[*columns(problem), *ones] for problem in problems]


def _volume(moments: arb_mat, shares: Sequence[Ball], form: InverseForm) -> Ball:
    """Bound the determinant of M in the effects u, not finite where M is not shown to be positive definite."""
    volume = moments.det()
    if not (volume > 0 and all(bool(p > 0) for p in shares)):
        return NAN
    spread = arb_mat([[arb(entry) for entry in row] for row in form.root]).det() ** 2
    return (volume / spread).lower()


def _by_bounds(problems: Sequence[Problem], form: InverseForm) -> Below:
    """Bound det H_AA by known moments of the laws."""
    shares = [arb(p) for p in form.probabilities]
    all_columns = _columns(problems, form)
    size = len(all_columns[0])
    second = [[arb(0)] * size for _ in range(size)]
    for problem, own, p in zip(problems, all_columns, shares, strict=True):
        for j in range(size):
            for k in range(size):
                second[j][k] += p * mean(problem, times(own[j], own[k]))
    moments = arb_mat(second)
    volume = _volume(moments, shares, form)
    if not volume.is_finite():
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
    level, growth = _spread(problems, leverages, shares, size)
    return Below(volume, level, tuple(growth), size, 1, size)


def _by_moments(problems: Sequence[Problem], form: InverseForm) -> Below | None:
    """Bound det H_AA by moments over a region, None where it is too small."""
    shares, all_columns = [arb(p) for p in form.probabilities], _columns(problems, form)
    functions = [[_fixed(problem), *columns(problem)] for problem in problems]
    size, count = len(all_columns[0]), len(functions[0])
    # the first without a function
    blocks = [arb_mat(size, size) for _ in range(1 + count)]
    for problem, share, own, multiplied in zip(problems, shares, all_columns, functions, strict=True):
        one: Polynomial = {(0,) * len(problem.lines): arb(1)}
        squares = [one, *(times(f, f) for f in multiplied)]
        entries = [[times(times(f, a), b) for a in own for b in own] for f in squares]
        wanted = list(dict.fromkeys(exponents for row in entries for terms in row for exponents in terms))
        values = dict(zip(wanted, moments_alone(_alone(problem, wanted)), strict=True))
        for k, row in enumerate(entries):
            flat = [sum((c * values[e] for e, c in terms.items()), arb(0)) for terms in row]
            blocks[k] += share * arb_mat(size, size, flat)
    volume = _volume(blocks[0], shares, form)
    if not (volume.is_finite() and volume > 0):
        return None
    inverse = blocks[0].inv()
    sizes = []
    for k, block in enumerate(blocks[1:]):
        product = inverse * block
        trace = sum((product[i, i] for i in range(size)), arb(0))
        largest = arb(0)
        for problem, multiplied in zip(problems, functions, strict=True):
            largest = larger(largest, supremum(problem, {e: abs(c) for e, c in multiplied[k].items()}))
        sizes.append(smaller((size * trace.abs_upper()).sqrt().abs_upper(), (size * largest).abs_upper()))
    return Below(volume, sizes[0], tuple(sizes[1:]), size, 1, size) if all(map(_is_known, sizes)) else None


def _is_known(ball: Ball) -> bool:
    return bool(ball.is_finite())


def _fixed(problem: Problem) -> Polynomial:
    """Return c(x)."""
    fixed: Polynomial = {(0,) * len(problem.lines): problem.centre}
    for monomial, slope in zip(problem.predictor.monomials, problem.slopes, strict=True):
        fixed = added(fixed, {tuple(monomial): slope})
    return fixed


def _alone(problem: Problem, moments: Sequence[tuple[int, ...]]) -> Problem:
    """Return a strand of a constant weight with the laws of another."""
    one, laws, cuts = ConstantWeight(Integer(1)), problem.strand.laws, problem.strand.cuts
    return Problem(Strand(one, laws, arb(0), (), (), tuple(moments), (), cuts))


def _positive_sum(problems: Sequence[Problem], form: InverseForm) -> Below:
    """Bound one term of a positive sum."""
    volume, level, growth = arb(1), arb(0), [arb(0)] * len(form.mean)
    for strand, exponents in form.product_of_moments:
        problem = problems[strand]
        moment = mean(problem, {exponents: arb(1)})
        if not moment > 0:
            raise EvaluationError("a moment in a denominator is not shown to be positive")
        volume *= moment
        own, rates = _spread([problem], [{exponents: 1 / moment}], [arb(1)], 1)
        level += own
        growth = [g + rate for g, rate in zip(growth, rates, strict=True)]
    order = len(form.product_of_moments)
    return Below(volume.lower(), level, tuple(growth), order, max(1, form.degree), order + 1)


def _spread(
    problems: Sequence[Problem], densities: Sequence[Polynomial], shares: Sequence[Ball], mass: int
) -> tuple[Ball, list[Ball]]:
    """Bound the means of |c| and of each |a_j| times densities of this mass, by their suprema or by moments.

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
    return smaller(level, mass * largest), [smaller(g, mass * f) for g, f in zip(growth, farthest, strict=True)]
