"""Two heavy-tailed predictors that no effect multiplies are taken together (`pair_line`), beside random slopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flint import arb

from leadterms.evaluation.certified.laws.heavy_lines import StudentLine
from leadterms.evaluation.certified.moments.fourier_plan import is_wanted
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS
from leadterms.evaluation.moment_system import STRAYING, Ceiling, NumeratorTerm, NumericSystem, Strand
from leadterms.evaluation.pair_law import exponent_of, pair_law
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import CloglogWeight

Pair = tuple[int, int]
"""Places of X and Z."""
MOST_MOMENT = 4
"""Beside a law without the moments that it needs another one needs this moment, or the two are taken together."""


def paired_where_wanted(system: NumericSystem) -> NumericSystem:
    """Return what `paired` does, the system itself where transforms of all strands' predictors serve."""
    with ball_precision(PLANNING_BITS):
        if system.inverse is not None and all(map(_is_beside_another, system.strands)):
            system = replace(system, strands=tuple(replace(strand, by_transforms=True) for strand in system.strands))
        if all(is_wanted(Problem(strand)) for strand in system.strands):
            return system
    return paired(system)


def _is_beside_another(strand: Strand) -> bool:
    """Tell whether no other road has a bound of the inverse information of an unbounded predictor beside a heavy tail.

    Under weights that no sector holds, where the law with the tail has a mean but no second moment, or is not of
    Student's kind, or under the complementary log-log link.
    """
    if not isinstance(strand.weight, STRAYING):
        return False
    lines = Problem(strand).lines
    heavy = [line for line in lines if not line.absolute(2).is_finite()]
    others = [line for line in lines if (line.low is None or line.high is None) and line not in heavy]
    if len(heavy) != 1 or not others:
        return False
    needed = bool(heavy[0].absolute(1).is_finite()) or not isinstance(heavy[0], StudentLine)
    return needed or isinstance(strand.weight, CloglogWeight)


def paired(system: NumericSystem) -> NumericSystem:
    """Return a system with a pair of predictors of each strand taken together, where that is needed."""
    with ball_precision(PLANNING_BITS):
        pairs = [_pair(strand) for strand in system.strands]
    if not any(pairs):
        return system

    def renamed(strand: int, exponents: Sequence[int]) -> tuple[int, ...]:
        pair = pairs[strand]
        return tuple(exponents) if pair is None else _renamed(pair, exponents)

    def terms(given: Sequence[NumeratorTerm]) -> tuple[NumeratorTerm, ...]:
        return tuple(replace(term, moments=tuple((s, renamed(s, e)) for s, e in term.moments)) for term in given)

    ceiling = tuple(
        replace(part, exponents=renamed(part.strand, part.exponents)) if isinstance(part, Ceiling) else part
        for part in system.ceiling
    )
    columns = tuple(
        tuple({renamed(s, e): c for e, c in own.items()} for s, own in enumerate(column)) for column in system.columns
    )
    inverse = system.inverse
    if inverse is not None:
        product = tuple((s, renamed(s, e)) for s, e in inverse.product_of_moments)
        # powers of the pair do not multiply as those of a column do
        inverse = replace(
            inverse, terms=terms(inverse.terms), below=terms(inverse.below), product_of_moments=product, entries=()
        )
    strands = tuple(
        strand if pair is None else _together(strand, pair) for strand, pair in zip(system.strands, pairs, strict=True)
    )
    return replace(system, strands=strands, ceiling=ceiling, columns=columns, inverse=inverse)


def _pair(strand: Strand) -> Pair | None:
    """Return two predictors without moments enough, the second of Student's law."""
    if strand.monomials is not None or len(strand.laws) < 2:
        return None
    problem = Problem(strand)
    heavy = [
        i
        for i, line in enumerate(problem.lines)
        if line.crest(2).is_finite()
        and not line.absolute(MOST_MOMENT).is_finite()
        and not problem.slopes[i].contains(0)
        and all(bool(row[1 + i].is_zero()) for row in problem.loadings)
    ]
    lacking = [i for i in heavy if not problem.lines[i].absolute(2).is_finite()]
    if len(heavy) != 2 or not lacking or any(sum(e[i] for i in heavy) > 2 for e in strand.moments):
        return None
    # the wider of two has the wider strip
    widths = {
        i: float(abs(problem.slopes[i]) * line.scale)
        for i, line in enumerate(problem.lines)
        if i in heavy and isinstance(line, StudentLine)
    }
    if not widths:
        return None
    second = max(widths, key=lambda i: widths[i])
    (first,) = (i for i in heavy if i != second)
    return first, second


def _renamed(pair: Pair, exponents: Sequence[int]) -> tuple[int, ...]:
    rest = [k for i, k in enumerate(exponents) if i not in pair]
    return (*rest, exponent_of([exponents[i] for i in pair]))


def _together(strand: Strand, pair: Pair) -> Strand:
    """Return the strand with the two as its last predictor."""
    left = [i for i in range(len(strand.laws)) if i not in pair]
    law = pair_law([strand.laws[i] for i in pair], [strand.slopes[i] for i in pair])
    return replace(
        strand,
        laws=(*(strand.laws[i] for i in left), law),
        slopes=(*(strand.slopes[i] for i in left), arb(1)),
        loadings=tuple((row[0], *(row[1 + i] for i in left), arb(0)) for row in strand.loadings),
        moments=tuple(_renamed(pair, e) for e in strand.moments),
    )
