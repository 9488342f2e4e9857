r"""What residual information loses by laws that are cut off, on a cell of the effects: each has cuts of its own.

The claim of `cut_residual` holds at each value of the effects, so on a cell with B the largest E[w b^2] there, lambda
the least eigenvalue and the weights beyond the cuts the largest there.  With a slope s the weights beyond R fall like
w(s R): where s is large R may be small, and effects may move far off the real line before those up to R leave their
sector.  About s = 0 cells are small, and there B stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import arb

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.outside import Outside, Part
from leadterms.evaluation.certified.floors.least_information import LeastInformation, PanelInformation, inverse_on
from leadterms.evaluation.certified.tools.balls import Ball, Cell, smaller
from leadterms.evaluation.moment_system import STRAYING, Cut, NumericSystem


class CellLoss:
    """Bounds of S(H) - S(H_R) on cells of the effects, for products of intervals R.

    Parameters
    ----------
    system
        Its integrand is an entry of a Schur complement, with `NumericSystem.shares`.
    laws
        Its laws.
    bounds
        Those of the system.

    """

    def __init__(self, system: NumericSystem, laws: CutLaws, bounds: Bounds) -> None:
        assert system.shares is not None
        self._system, self._laws, self._bounds, self.outside = system, laws, bounds, Outside(laws)
        self._shares = [abs(arb(share)) for share in system.shares]
        self._least = LeastInformation(laws.problems, self._shares)
        strays = system.dimension == 1 and all(isinstance(strand.weight, STRAYING) for strand in system.strands)
        self._panels = PanelInformation(laws.problems, self._shares) if strays else None

    def holds_within(self, cuts: tuple[Cut, ...]) -> bool:
        """Tell whether the regions for lambda are inside of cuts."""
        return self._least.holds_within(cuts) and (self._panels is None or self._panels.holds_within(cuts))

    def at(self, cuts: tuple[Cut, ...]) -> LossAt:
        """Return the bounds for cuts with those regions inside."""
        parts = self._system.absolute_moments
        above = [
            one for part in parts for one in self.outside.parts(cuts, part.strand, [(part.factor, part.exponents)])
        ]
        return LossAt(self, above, self.outside.block(cuts, self._shares))

    def system(self, cuts: tuple[Cut, ...]) -> NumericSystem:
        """Return the system cut off."""
        return replace(self._system, strands=self._laws.cut(cuts))

    def on(self, cell: Cell) -> OnCell:
        """Return what all cuts need to know of a cell."""
        return OnCell(cell, self._bounds.top(cell), inverse_on(cell, self._least, self._panels))


@dataclass(frozen=True)
class OnCell:
    """A cell of the effects, with bounds of B and of 1/lambda on it."""

    cell: Cell
    top: Ball
    inverse: Ball


@dataclass(frozen=True)
class LossAt:
    """Bounds for one choice of cuts."""

    loss: CellLoss
    above: Sequence[Part]
    block: Sequence[Part]

    def on(self, cell: OnCell) -> Ball:
        """Bound S(H) - S(H_R) on a cell."""
        if not cell.inverse.is_finite():
            return cell.top
        lost = 2 * self.loss.outside.on(self.above, cell.cell)
        lost += 2 * self.loss.outside.on(self.block, cell.cell) * cell.top * cell.inverse
        return smaller(lost.abs_upper(), cell.top)
