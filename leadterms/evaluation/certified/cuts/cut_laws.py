"""Laws cut off: where, and bounds of what lies beyond.

R is a product of intervals, and E[g; not R] at most the sum over the predictors cut off of E[g; X_i beyond its ends].
With w at most its supremum this is a product of a tail and of absolute moments; where one of these is infinite, of a
predictor x_j with a fixed slope b, the supremum over all else of E[|x_j|^k w] stands for it and for that of w: at most
that of |x_j|^k times the density, times the integral of w over x_j (`bounds.by_density`).  At given effects the product
holds with the largest w beyond the ends in place of its supremum (`falls`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import largest_moment
from leadterms.evaluation.certified.floors.least_information import QUASICONCAVE
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.moments.panels import MIDDLE
from leadterms.evaluation.certified.moments.polynomials import columns
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, End, interval, larger, smaller
from leadterms.evaluation.moment_system import Cut, NumericSystem, Strand
from leadterms.evaluation.precision import spelled

Loss = Callable[[tuple[Cut, ...]], tuple[NumericSystem, Ball]]
"""The system cut off and what its average loses, not finite where that is not known."""
Side = tuple[int, int]
"""A predictor that is cut off, and whether at its lower end, 0, or its upper one, 1."""
MOST_SPREADS = 400.0
NEAREST, RATIO, FARTHEST = 1.51, 1.5, 1e30
"""Where cuts that follow each other begin, in spreads, their ratio, and where they end."""
FARTHER = 1.06
STEPS = tuple(MIDDLE * FARTHER**k for k in range(1, 1000) if MIDDLE * FARTHER**k < MOST_SPREADS)
"""Spreads at which laws are cut off."""


class CutLaws:
    """The strands of a system, and those of their predictors that are cut off.

    Parameters
    ----------
    strands
        Of bounded weights with their least value on an interval at an end.
    everywhere
        Whether all unbounded predictors are cut off, those too that no effect multiplies.

    Raises
    ------
    EvaluationError
        If a weight is of another kind.

    """

    def __init__(self, strands: Sequence[Strand], everywhere: bool) -> None:
        for strand in strands:
            if not isinstance(strand.weight, QUASICONCAVE):
                raise EvaluationError(
                    f"a random slope on an unbounded predictor needs a bounded weight, not "
                    f"{type(strand.weight).__name__}"
                )
        self.strands = strands
        self.problems = [Problem(strand) for strand in strands]
        self.places = sorted(set().union(*(places(problem, everywhere) for problem in self.problems)))
        self._tails: dict[tuple[int, int], Ball] = {}
        self.squares = [list(_squares(problem)) for problem in self.problems]

    @property
    def names(self) -> str:
        """The laws that are cut off, for messages."""
        return ", ".join(spelled(self.problems[0].strand.laws[i]) for i in self.places)

    def most(self, factor: Ball, strand: int, exponents: Sequence[int]) -> Ball:
        """Bound factor E[|X|^e w]."""
        return abs(arb(factor)) * largest_moment(self.problems[strand], exponents)

    def tried(self) -> Iterator[tuple[Cut, ...]]:
        """Yield cuts, farther and farther out."""
        for step, spreads in enumerate(STEPS):
            tails = [self._tail(i, step) for i in self.places]
            most = reduce(larger, tails)
            # of several laws those with the lighter tails nearer in: by the size of what is beyond, not by spreads
            own = {i: self._nearest(i, step, most) for i in self.places} if len(tails) > 1 else {}
            yield self._at({i: own.get(i, spreads) for i in self.places})

    def _nearest(self, i: int, step: int, most: Ball) -> float:
        """Return the least spreads of a law at which what is beyond is at most this, as at so many steps."""
        low, high = -1, step
        while most.is_finite() and high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._tail(i, middle) <= most else (middle, high)
        return STEPS[high]

    def _tail(self, i: int, step: int) -> Ball:
        """Return about the size of what is beyond the ends of a law, relative to its second moment."""
        if (i, step) not in self._tails:
            line = self.problems[0].lines[i]
            size = line.tail(*line.reach(STEPS[step]), 2, arb(0)) / line.absolute(2)
            self._tails[i, step] = size.abs_upper() if size.is_finite() else NAN
        return self._tails[i, step]

    def spaced(self, ratio: float = RATIO) -> Iterator[tuple[Cut, ...]]:
        """Yield cuts, each about so many times as far out as the last, up to the farthest."""
        spreads, step, last = NEAREST, 2 * (ratio - 1), 0.0
        while spreads < MOST_SPREADS:
            cuts = self._at(dict.fromkeys(self.places, spreads), self._at_infinity)
            size = max(float(abs(end)) for cut in cuts for end in cut if end is not None)
            if last and size > ratio * last * 1.01 and step > 1e-3:
                # reaches may grow exponentially with spreads
                spreads, step = spreads - step, step / 2
            else:
                if size < FARTHEST:
                    yield cuts
                else:
                    return
                step, last = step * ratio, size
            spreads += step

    @staticmethod
    def _at_infinity(line: Line, low: Ball, high: Ball) -> Cut:
        """Return the cuts at infinite ends only: near finite ones a weight may have most of its mass."""
        return (None if line.low is not None else low.mid()), (None if line.high is not None else high.mid())

    def _at(
        self, spreads: Mapping[int, float], ends: Callable[[Line, Ball, Ball], Cut] = Line.inner_ends
    ) -> tuple[Cut, ...]:
        # laws that only come near to their finite ends are cut off there, too
        return tuple(
            ends(line, *line.reach(spreads[i])) if i in spreads else (None, None)
            for i, line in enumerate(self.problems[0].lines)
        )

    def cut(self, cuts: tuple[Cut, ...]) -> tuple[Strand, ...]:
        """Return the strands cut off."""
        return tuple(replace(strand, cuts=cuts) for strand in self.strands)

    def beyond(self, cuts: Sequence[Cut], factor: Ball, strand: int, exponents: Sequence[int]) -> dict[Side, Ball]:
        """Bound factor E[|X|^e w; X_i beyond an end] for each i, end by end."""
        lines = self.problems[strand].lines
        found = {}
        for i in self.places:
            largest = largest_moment(self.problems[strand], exponents, without=i) * abs(arb(factor))
            far = lines[i].reach(MOST_SPREADS)
            for side, end in enumerate(cuts[i]):
                if end is not None:
                    ends = (end, far[1]) if side == 0 else (far[0], end)
                    found[i, side] = lines[i].tail(*ends, exponents[i], arb(0)) * largest
        return found

    def mass_beyond(self, cuts: Sequence[Cut], strand: int, at: Side) -> tuple[Ball, Ball]:
        """Bound P(X_i beyond an end); return the least |x| there too, which is 0 where the end is on the other side."""
        (i, side), line = at, self.problems[strand].lines[at[0]]
        end: Ball = cuts[i][side]
        mass = NAN
        # far out ends may be too near to zero for balls
        for spreads in (MOST_SPREADS, MOST_SPREADS / 10):
            low, high = line.reach(spreads)
            ends = (end, high) if side == 0 else (low, end)
            mass = smaller(mass, line.tail(*ends, 0, arb(0)))
        return mass, (-end if side == 0 else end).max(arb(0))

    def block_beyond(self, cuts: Sequence[Cut], share: Ball, strand: int) -> dict[Side, Ball]:
        """Bound share E[w |a|^2; X_i beyond an end] for each i, end by end."""
        total: dict[Side, Ball] = {}
        for c, e in self.squares[strand]:
            for at, own in self.beyond(cuts, share * c, strand, e).items():
                total[at] = total.get(at, arb(0)) + own
        return total

    def is_by_supremum(self, strand: int, exponents: Sequence[Sequence[int]]) -> bool:
        """Tell whether these bounds, and that of the block, have sup w as a factor: where all moments in them exist."""
        used = [*exponents, *(e for _, e in self.squares[strand])]
        lines = self.problems[strand].lines
        return all(bool(line.absolute(k).is_finite()) for e in used for line, k in zip(lines, e, strict=True))

    def region(self, cuts: Sequence[Cut], strand: int, at: Side) -> list[tuple[End, End]]:
        """Return intervals in which the predictors are beyond an end of X_i."""
        problem, (i, side) = self.problems[strand], at
        line, end = problem.lines[i], cuts[i][side]
        # segments may stop short of the cut
        first, last = line.covered(*((end, line.reach(MIDDLE)[1]) if side == 0 else (line.reach(MIDDLE)[0], end)))
        beyond = (line.low, larger(end, first)) if side == 0 else (smaller(end, last), line.high)
        return [beyond if j == i else own for j, own in enumerate(problem.supports)]

    def falls(self, strand: int, region: Sequence[tuple[End, End]], cell: Cell) -> Ball:
        """Bound w on a region over sup w, for the effects of a cell: by so much bounds made of sup w are less there.

        Of those above these are the ones of `is_by_supremum`.
        """
        problem = self.problems[strand]
        shift, slopes = problem.at([interval(*side) for side in cell])
        largest = problem.weight.modulus(*problem.predictor.range(shift, slopes, region))
        share = largest / problem.weight.modulus(None, None, arb(0))
        return share.min(arb(1)).abs_upper() if share.is_finite() else arb(1)


def places(problem: Problem, everywhere: bool) -> set[int]:
    """Return the unbounded predictors that random effects multiply, or all of them."""
    monomials = problem.predictor.monomials
    unbounded = {i for i, line in enumerate(problem.lines) if line.low is None or line.high is None}
    if everywhere:
        return unbounded
    return {
        i
        for i in unbounded
        for row in problem.loadings
        for entry, exponents in zip(row[1:], monomials, strict=True)
        if exponents[i] and not entry.is_zero()
    }


def _squares(problem: Problem) -> Iterator[tuple[Ball, tuple[int, ...]]]:
    """Yield the terms of a bound of |a|^2 in the predictors' absolute values."""
    for column in columns(problem):
        for e, c in column.items():
            for f, d in column.items():
                yield abs(c * d), tuple(i + j for i, j in zip(e, f, strict=True))
