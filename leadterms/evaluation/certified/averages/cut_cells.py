"""Averages over the effects in cells, each of which cuts the laws under random slopes off for itself.

`cell_loss` says what that changes; what is left has a rule with a proven remainder, as in `cells`.  For a slope s, a
multiple of one effect and a constant, cells shrink towards s = 0 like |s|, the cuts grow like 1/|s|: their number grows
like the logarithm of how far out a law has some mass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import asinh, erf, inf, prod, sqrt

from flint import arb

from leadterms.evaluation.certified.averages.cells import EffectsAverage
from leadterms.evaluation.certified.averages.covered import CellRule, Look, covered
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.masses import mass_of
from leadterms.evaluation.certified.bounds.size import cells_of, rough_size
from leadterms.evaluation.certified.cuts.cell_inverse import InverseCellLoss, InverseLossAt, LocalBounds
from leadterms.evaluation.certified.cuts.cell_loss import CellLoss, LossAt, OnCell
from leadterms.evaluation.certified.cuts.cut_laws import MOST_SPREADS, CutLaws, places
from leadterms.evaluation.certified.floors.least_information import QUASICONCAVE
from leadterms.evaluation.certified.laws.discrete_lines import LatticeLine
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.moments.folding import folded
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, Cell, larger
from leadterms.evaluation.moment_system import STRAYING, Cut, NumericSystem
from leadterms.evaluation.precision import ball_precision

FIRST = 4
"""The cuts, by their order, at which an average's size is estimated."""
MOST_CUTS = 200
WIDTH, WIDEST = 2.0, 16.0
"""Of the widest cells that have rules, and of the first ones, in standard deviations of the effects."""
HEAVY = 3.0
NEAREST_BITS = 8
"""So many more bits than those asked for say how near to a slope of zero cells have a share of their own."""


class _AtCut:
    """A system cut off, made where a cell asks for it."""

    def __init__(self, laws: CutLaws, loss: CellLoss | InverseCellLoss, cuts: tuple[Cut, ...]) -> None:
        self._laws, self._loss, self._cuts = laws, loss, cuts
        self._average: EffectsAverage | None = None

    @cached_property
    def lost(self) -> LossAt | InverseLossAt:
        """What it loses."""
        return self._loss.at(self._cuts)

    def average(self, bits: int, size: Ball) -> EffectsAverage:
        """Return the average over its effects."""
        if self._average is None:
            self._average = EffectsAverage(self.system, bits, size, self.bounds)
        return self._average

    @property
    def bounds(self) -> Bounds:
        """Bounds of its integrand."""
        strands = Strands(self.system)
        if isinstance(self._loss, InverseCellLoss) and self._loss.in_sector:
            return LocalBounds(strands, self._loss)
        return Bounds(strands)

    @cached_property
    def system(self) -> NumericSystem:
        """The system."""
        return folded(self._loss.system(self._cuts))


@dataclass(frozen=True)
class _Shares:
    """How an error is divided among cells: equally where they shrink towards the zeros of slopes like the distance.

    Parameters
    ----------
    zeros
        For each effect values at which a slope is zero.
    near
        How near to them this ends.

    """

    box: Cell
    zeros: tuple[tuple[float, ...], ...]
    near: float

    def of(self, cell: Cell) -> float:
        """Return the share of a cell: half of it by its mass, half by these lengths."""
        sides = zip(cell, self.box, self.zeros, strict=True)
        mass = prod((_below(float(high)) - _below(float(low)) for low, high in cell), start=0.5)
        return mass + prod((self._length(s, zeros) / self._length(w, zeros) for s, w, zeros in sides), start=0.5)

    def about_zero(self, cell: Cell) -> float:
        """Return the share of a cell in what those may lose that hold a zero: one for each place of other effects."""
        share = 0.0
        for j, zeros in enumerate(self.zeros):
            if any(float(cell[j][0]) <= zero <= float(cell[j][1]) for zero in zeros):
                others = (side for i, side in enumerate(cell) if i != j)
                share = max(share, prod(_below(float(high)) - _below(float(low)) for low, high in others))
        return share

    def _length(self, side: tuple[Ball, Ball], zeros: tuple[float, ...]) -> float:
        low, high = map(float, side)
        return (high - low) + sum(asinh((high - z) / self.near) - asinh((low - z) / self.near) for z in zeros)


def _below(z: float) -> float:
    """Return the standard normal probability of what is below a point."""
    return erf(z / sqrt(2)) / 2


class CutCellsAverage:
    """The average of residual information over its effects, to about 2^-bits of that of its modulus.

    Parameters
    ----------
    system
        Random slopes in it are on unbounded predictors.
    bits
        What is aimed at.
    everywhere
        Whether all predictors are cut off, those too that no effect multiplies.

    """

    def __init__(self, system: NumericSystem, bits: int, everywhere: bool) -> None:
        self.system, self.bits = system, bits
        with ball_precision(PLANNING_BITS):
            self._laws = CutLaws(system.strands, everywhere)
            self._loss: CellLoss | InverseCellLoss
            if system.shares is None and system.inverse is not None:
                self._loss = InverseCellLoss(system, system.inverse, self._laws, Bounds(Strands(system)))
            else:
                self._loss = CellLoss(system, self._laws, Bounds(Strands(system)))
            inside = filter(self._loss.holds_within, self._laws.spaced())
            self._cuts = [_AtCut(self._laws, self._loss, cuts) for cuts in islice(inside, MOST_CUTS)]
            near = self._cuts[min(FIRST, len(self._cuts) - 1)]
            self._size = rough_size(Strands(near.system), near.bounds)
            self.tolerance = self._size * arb(2) ** (-bits - 2)
        self._hint = 0

    def value(self) -> Ball:
        """Return the ball.

        Raises
        ------
        EvaluationError
            If some part could not be bounded.

        """
        whole = EffectsAverage(self.system, self.bits, self._size)
        with ball_precision(PLANNING_BITS):
            box, error = whole.box()
            shares = _Shares(box, self._zeros(), 2.0 ** -(self.bits + NEAREST_BITS))

        def look(cell: Cell) -> Look:
            share = self.tolerance * shares.of(cell) / 2
            on = self._loss.on(cell)
            most = share / 4 + self.tolerance * shares.about_zero(cell) / 16
            outside = (on.top * mass_of(cell, 0)).abs_upper()
            return Look(outside, most, lambda: self._cell_rule(on, most, share / 2))

        return covered(cells_of(box, WIDEST / 2), look, error, self.tolerance / 16, self.bits)

    def _cell_rule(self, on: OnCell, most: Ball, share: Ball) -> CellRule | int:
        """Return a rule under cuts that lose no more than so much, or the place of the side to bisect."""
        cell = on.cell
        widest = max(range(self.system.dimension), key=lambda j: float(cell[j][1] - cell[j][0]))
        if cell[widest][1] - cell[widest][0] > WIDTH:
            return widest
        found = self._cut_for(on, most)
        return self._steepest(cell) if found is None else found[0].cell_rule(cell, share, found[1])

    def _cut_for(self, on: OnCell, share: Ball) -> tuple[EffectsAverage, Ball] | None:
        """Return the average under the nearest cuts that lose no more than a share on a cell, and what they lose."""
        mass = mass_of(on.cell, 0)

        def lost(k: int) -> Ball:
            return (self._cuts[k].lost.on(on) * mass).abs_upper()

        k = self._hint
        value = lost(k)
        if value <= share:
            while k > 0 and (nearer := lost(k - 1)) <= share:
                k, value = k - 1, nearer
        else:
            while not value <= share:
                k += 1
                if k == len(self._cuts):
                    return None
                value = lost(k)
        self._hint = k
        return self._cuts[k].average(self.bits, self._size), value

    def _steepest(self, cell: Cell) -> int:
        """Return the widest side along which a slope on a law that is cut off changes."""
        moved = [
            j
            for j in range(self.system.dimension)
            if any(self._moves(problem.loadings[j], problem.predictor.monomials) for problem in self._laws.problems)
        ]
        return max(moved, key=lambda j: float(cell[j][1] - cell[j][0]))

    def _moves(self, row: list[Ball], monomials: list[list[int]]) -> bool:
        return any(
            not entry.is_zero() and any(e[i] for i in self._laws.places)
            for entry, e in zip(row[1:], monomials, strict=True)
        )

    def _zeros(self) -> tuple[tuple[float, ...], ...]:
        """Return where slopes are zero, for each effect, those that it moves alone."""
        found: list[list[float]] = [[] for _ in range(self.system.dimension)]
        for problem in self._laws.problems:
            for m, e in enumerate(problem.predictor.monomials):
                entries = [row[1 + m] for row in problem.loadings]
                moving = [j for j, entry in enumerate(entries) if not entry.contains(0)]
                if any(e[i] for i in self._laws.places) and len(moving) == 1:
                    (j,) = moving
                    zero = -float(problem.slopes[m] / entries[j])
                    if zero not in found[j]:
                        found[j].append(zero)
        return tuple(map(tuple, found))


def pays_in_cells(system: NumericSystem) -> bool:
    """Tell whether cells with cuts of their own are the best for a system that one cut is known to do for.

    With one effect, but where weights leave every sector beside further unbounded predictors; and always where a law
    that is cut off falls no faster than an exponential: it then is more than `HEAVY` times as far to 2^-64 of its mass
    as to 2^-16, where a normal law has twice.
    """
    strays = any(isinstance(strand.weight, STRAYING) for strand in system.strands)
    inverse = system.inverse is not None and bool(system.inverse.probabilities)
    if not (system.shares is not None or inverse):
        return False
    if not all(isinstance(strand.weight, QUASICONCAVE) for strand in system.strands):
        return False
    with ball_precision(PLANNING_BITS):
        lines = _under_slopes(system)
        alone = len(places(Problem(system.strands[0]), everywhere=strays)) == len(lines)
        return bool(lines) and ((system.dimension == 1 and alone) or any(map(_is_heavy, lines)))


def falls_slowly_on_points(system: NumericSystem) -> bool:
    """Tell whether a law under a random slope is on the integers and falls no faster than an exponential."""
    with ball_precision(PLANNING_BITS):
        return any(isinstance(line, LatticeLine) and _is_heavy(line) for line in _under_slopes(system))


def lacks_moments(system: NumericSystem) -> bool:
    """Tell whether a law under a random slope has no second moment."""
    with ball_precision(PLANNING_BITS):
        return not all(line.absolute(2).is_finite() for line in _under_slopes(system))


def _under_slopes(system: NumericSystem) -> list[Line]:
    problem = Problem(system.strands[0])
    return [problem.lines[i] for i in sorted(places(problem, everywhere=False))]


def _is_heavy(line: Line) -> bool:
    """Judge by its masses how a law falls, without proof."""
    far = [_where_left(line, bits) for bits in (16, 64)]
    return far[1] > HEAVY * far[0]


def _where_left(line: Line, bits: int) -> float:
    """Return about how far out a law has 2^-bits of its mass."""
    spreads = 1.0
    while spreads < MOST_SPREADS:
        low, high = line.reach(spreads)
        if line.tail(low, high, 0, arb(0)) <= arb(2) ** -bits:
            return float(larger(abs(low), abs(high)))
        spreads *= 1.1
    return inf
