"""Averages of residual information over effects, in cells with a ridge on the weight and cuts of their own.

For weights that no sector holds off the real line: `ridge_loss` says what ridge and cuts change, and under a ridge
the information as a whole bounds the integrand on ellipses (`matrix_turning`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import islice
from math import inf

from flint import arb

from leadterms.evaluation.certified.averages.cells import EffectsAverage, volume_of
from leadterms.evaluation.certified.averages.covered import CellRule, Look, covered
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.masses import mass_of
from leadterms.evaluation.certified.bounds.matrix_turning import fits
from leadterms.evaluation.certified.bounds.size import cells_of, rough_size
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.ridge_loss import RidgeLoss, RidgeLossAt, RidgeOnCell
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, Cell
from leadterms.evaluation.certified.tools.discs import upwards
from leadterms.evaluation.moment_system import STRAYING, Cut, NumericSystem
from leadterms.evaluation.precision import ball_precision

FIRST_RIDGE, RIDGE_STEP, RIDGES = 4, 10, 9
"""Ridges are 2^-(bits + FIRST_RIDGE), and smaller by RIDGE_STEP bits each."""
RATIO = 1.25
"""Of cuts that follow each other."""
MOST_CUTS, FARTHER = 60, 60
"""There are no more, nor any after one that leaves no more than 2^-(bits + FARTHER) of the laws."""
NEAR = 6
"""The cuts, by their order, at which an average's size is estimated."""
WORTH = 0.9
"""Farther cuts that leave more than so much of the loss end the search."""
WIDEST = 4.0
"""Of the first cells, in standard deviations of the effects."""


class RidgedCellsAverage:
    """The average of residual information over its effects, to about 2^-bits of that of its modulus.

    Parameters
    ----------
    system
        As for `RidgeLoss`.
    bits
        What is aimed at.

    Raises
    ------
    EvaluationError
        If what ridges and cuts change has no bound.

    """

    def __init__(self, system: NumericSystem, bits: int) -> None:
        self.system, self.bits = system, bits
        with ball_precision(PLANNING_BITS):
            self._bounds = Bounds(Strands(system))
            laws = CutLaws(system.strands, everywhere=False)
            self._loss = RidgeLoss(system, laws, self._bounds)
            whole = ((None, None),) * len(laws.problems[0].lines)
            self._cuts = list(_useful(laws, bits + FARTHER)) if laws.places else [whole]
            near = Strands(replace(system, strands=laws.cut(self._cuts[min(NEAR, len(self._cuts) - 1)])))
            self._size = rough_size(near, self._bounds)
            self.tolerance = self._size * arb(2) ** (-bits - 2)
        self._ridges = [2.0 ** -(bits + FIRST_RIDGE + RIDGE_STEP * k) for k in range(RIDGES)]
        self._at: dict[int, RidgeLossAt] = {}
        self._averages: dict[tuple[int, int], EffectsAverage] = {}
        self._hint = 0

    def value(self) -> Ball:
        """Return the ball.

        Raises
        ------
        EvaluationError
            If some part could not be bounded.

        """
        with ball_precision(PLANNING_BITS):
            box, error = self._whole.box()
        volume = volume_of(box)

        def look(cell: Cell) -> Look:
            share, on = self.tolerance * volume_of(cell) / volume / 2, self._loss.on(cell)
            outside = (on.top * mass_of(cell, 0)).abs_upper()
            return Look(outside, share, lambda: self._cell_rule(on, share / 2))

        return covered(cells_of(box, WIDEST / 2), look, error, self.tolerance / 16, self.bits)

    def _cell_rule(self, on: RidgeOnCell, share: Ball) -> CellRule | int:
        """Return a rule under cuts and a ridge that lose no more than a share, or the place of the side to bisect."""
        found = self._choice(on, upwards(share))
        return self._longest(on.cell) if found is None else found[0].cell_rule(on.cell, share, found[1])

    @cached_property
    def _whole(self) -> EffectsAverage:
        return EffectsAverage(self.system, self.bits, self._size, self._bounds)

    def _choice(self, on: RidgeOnCell, share: float) -> tuple[EffectsAverage, Ball] | None:
        """Return the average under the nearest cuts and the largest ridge that lose no more than a share on a cell.

        And what they lose there.
        """
        mass = upwards(mass_of(on.cell, 0))

        def lost(k: int) -> list[float]:
            if k not in self._at:
                self._at[k] = self._loss.at(self._cuts[k])
            return [mass * one for one in self._at[k].on(on, self._ridges)]

        k, least, saturated = self._hint, inf, mass * upwards(on.top) / 2
        found = lost(k)
        while not found[-1] <= share:
            # farther cuts are of use only as long as less is lost by them
            if k + 1 == len(self._cuts) or (found[-1] < saturated and not found[-1] < WORTH * least):
                self._hint = k
                return None
            least, k = found[-1], k + 1
            found = lost(k)
        while k > 0 and (nearer := lost(k - 1))[-1] <= share:
            k, found = k - 1, nearer
        ridge = next(i for i, one in enumerate(found) if one <= share)
        self._hint = k
        if (k, ridge) not in self._averages:
            system = self._loss.system(self._cuts[k], arb(self._ridges[ridge]))
            self._averages[k, ridge] = EffectsAverage(system, self.bits, self._size, Bounds(Strands(system)))
        return self._averages[k, ridge], arb(found[ridge])

    def _longest(self, cell: Cell) -> int:
        """Return the side along which eta moves most."""
        return max(range(len(cell)), key=lambda j: float(cell[j][1] - cell[j][0]) * (self._bounds.reach(j) + 0.1))


def _useful(laws: CutLaws, bits: int) -> Iterator[tuple[Cut, ...]]:
    """Yield cuts, up to the first beyond which masses are below 2^-bits."""
    for cuts in islice(laws.spaced(RATIO), MOST_CUTS):
        yield cuts
        sides = [(i, side) for i in laws.places for side, end in enumerate(cuts[i]) if end is not None]
        if all(bool(laws.mass_beyond(cuts, 0, at)[0] <= arb(2) ** -bits) for at in sides):
            return


def is_ridged(system: NumericSystem) -> bool:
    """Tell whether a system is of the kind that this is for: with second moments of all predictors, too."""
    weights = {strand.weight for strand in system.strands}
    if len(weights) > 1 or not isinstance(next(iter(weights)), STRAYING) or not fits(system):
        return False
    with ball_precision(PLANNING_BITS):
        lines = [line for strand in system.strands for line in Problem(strand).lines]
        return all(bool(line.absolute(2).is_finite()) for line in lines)
