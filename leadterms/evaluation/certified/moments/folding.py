"""A heavy-tailed predictor with a fixed slope beside random slopes: it is averaged over before all others.

With eta = y + b x, y in the other predictors and the effects, E[x^k z^m w(eta)] = E[z^m W_k(y)] (`averaged_balls`): a
moment of the others alone, with another weight for each k.  Each k makes a strand, and the integrand takes its moments
from those.  Ceilings stay those of the system itself (`NumericSystem.whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flint import fmpq

from leadterms.evaluation.averaged_weight import AveragedWeight
from leadterms.evaluation.certified.laws.heavy_lines import StudentLine
from leadterms.evaluation.certified.moments.averaged_balls import POWERS
from leadterms.evaluation.certified.moments.fourier_plan import is_wanted
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import surely_equal
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball
from leadterms.evaluation.moment_system import STRAYING, NumericSystem, Strand, takes_arrays
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import Law
from leadterms.model.weights import Weight


def folded(system: NumericSystem) -> NumericSystem:
    """Return the system with one predictor of each strand averaged over, where all have such a one."""
    if system.whole is not None:
        return system
    with ball_precision(PLANNING_BITS):
        places = [_place(strand) for strand in system.strands]
    turns = _turns(system, places)
    if any(isinstance(strand.weight, STRAYING) for strand in system.strands) and not turns:
        return system
    strands: list[Strand] = []
    order: list[int] = []
    start = 0
    for strand, place in zip(system.strands, places, strict=True):
        if place is None:
            return system
        parts = [_part(strand, place, k, turns) for k in POWERS]
        offsets = [start]
        for part in parts:
            offsets.append(offsets[-1] + len(part.moments))
        for e in strand.moments:
            k, rest = e[place], (*e[:place], *e[place + 1 :])
            order.append(offsets[k] + parts[k].moments.index(rest))
        strands += parts
        start = offsets[-1]
    kept = [strand for strand in strands if strand.moments]
    integrand = _Reordered(system.integrand, tuple(order))
    return replace(
        system, strands=tuple(kept), integrand=integrand, shares=None, columns=(), inverse=None, whole=system
    )


@dataclass(frozen=True)
class _Reordered:
    """F of the moments in their first order; effects stand behind them."""

    integrand: Callable[[Sequence[Ball]], Ball]
    order: tuple[int, ...]

    @property
    def takes_arrays(self) -> bool:
        """Whether it may be computed for many moments at once."""
        return takes_arrays(self.integrand)

    def __call__(self, values: Sequence[Ball]) -> Ball:
        return self.integrand([*(values[i] for i in self.order), *values[len(self.order) :]])


def _place(strand: Strand) -> int | None:
    """Return the heavy-tailed predictor with a fixed slope, None without one or where transforms serve."""
    if strand.monomials is not None or len(strand.laws) < 2:
        return None
    problem = Problem(strand)
    if not problem.weight.decay(problem.centre * 0).is_finite() or is_wanted(problem):
        return None
    found = [
        i
        for i, line in enumerate(problem.lines)
        if line.plain
        and not line.absolute(2).is_finite()
        and line.crest(POWERS[-1]).is_finite()
        and not problem.slopes[i].contains(0)
        and all(bool(row[1 + i].is_zero()) for row in problem.loadings)
        and max(e[i] for e in strand.moments) <= POWERS[-1]
        and (strand.cuts is None or strand.cuts[i] == (None, None))
    ]
    return found[0] if len(found) == 1 else None


def _part(strand: Strand, place: int, power: int, turns: bool) -> Strand:
    """Return the strand of the moments with a power of the predictor."""
    law, slope = strand.laws[place], strand.slopes[place]
    known = _remembered(strand.weight, law, slope) if isinstance(slope, fmpq) else {}
    weight = AveragedWeight(
        strand.weight.scale, base=strand.weight, law=law, slope=slope, power=power, turns=turns, known=known
    )

    def without(row: Sequence[Any], at: int) -> tuple[Any, ...]:
        return (*row[:at], *row[at + 1 :])

    return replace(
        strand,
        weight=weight,
        laws=without(strand.laws, place),
        slopes=without(strand.slopes, place),
        loadings=tuple(without(row, 1 + place) for row in strand.loadings),
        moments=tuple(without(e, place) for e in strand.moments if e[place] == power),
        cuts=None if strand.cuts is None else without(strand.cuts, place),
    )


def _turns(system: NumericSystem, places: Sequence[int | None]) -> bool:
    """Tell whether the sector is that of the density: for a Schur complement, the predictor a column or none.

    A column that has it is the same multiple of eta on all strands, but for the others and those of block A.
    Or for an inverse information, in whose numerator the predictor has no powers but those without a moment.
    """
    known = [(strand, place) for strand, place in zip(system.strands, places, strict=True) if place is not None]
    lines = [line_of(strand.laws[place]) for strand, place in known]
    straying = all(isinstance(strand.weight, STRAYING) for strand in system.strands)
    if not straying or len(known) < len(places) or not all(isinstance(line, StudentLine) for line in lines):
        return False
    if system.shares is not None:
        return all(_is_multiple(column, known) for column in system.columns)
    if system.inverse is None or not system.inverse.probabilities:
        return False
    powers = {(s, e[known[s][1]]) for term in system.inverse.terms for s, e in term.moments}
    return not any(lines[s].absolute(k).is_finite() for s, k in powers if k)


def _is_multiple(column: Sequence[Mapping[tuple[int, ...], Any]], known: Sequence[tuple[Strand, int]]) -> bool:
    """Tell whether a column is free of the predictors, or has each with one multiple of its slope."""
    with_it = [{e: c for e, c in own.items() if e[place]} for own, (_, place) in zip(column, known, strict=True)]
    if not any(with_it):
        return True
    units = [tuple(int(i == place) for i in range(len(strand.laws))) for strand, place in known]
    if any(set(own) != {unit} for own, unit in zip(with_it, units, strict=True)):
        return False
    pairs = [
        (own[unit], strand.slopes[place]) for own, unit, (strand, place) in zip(with_it, units, known, strict=True)
    ]
    return all(surely_equal(one, first) for pair in pairs for one, first in zip(pair, pairs[0], strict=True))


def is_folded(system: NumericSystem) -> bool:
    """Tell whether there is such a predictor, and the sector is that of its density."""
    return any(isinstance(strand.weight, AveragedWeight) and strand.weight.turns for strand in folded(system).strands)


@lru_cache(maxsize=8)
def _remembered(base: Weight, law: Law, slope: fmpq) -> dict[Any, Any]:
    return {}
