r"""Residual information under laws that are cut off: what that changes is bounded.

Let :math:`S(H) = h_{bb} - h_{bA} H_{AA}^{-1} h_{Ab}` be residual information in :math:`H = E[w z z^T]`, at fixed random
effects.  Let R be a region of the predictors, :math:`H_R = E[w z z^T; R]` and T = H - H_R.

**Claim.**  With :math:`B = E[w b^2]` and any :math:`\lambda > 0` below the least eigenvalue of :math:`E[w a a^T; R]`

.. math:: 0 \le S(H) - S(H_R) \le \min(B,\; 2 E[w b^2; R^c] + 2 E[w |a|^2; R^c]\, B/\lambda).

*Proof.*  :math:`S(H) = \min_f E[w (b - f^T a)^2]` grows with H and lies in [0, B]; so do S(H_R) and the difference.
Let f be the minimiser for R.  Then :math:`S(H) \le S(H_R) + E[w (b - f^T a)^2; R^c]`, where
:math:`(b - f^T a)^2 \le 2 b^2 + 2 |f|^2 |a|^2`.  The least squares fit has
:math:`\lambda |f|^2 \le E[w (f^T a)^2; R] \le E[w b^2; R] \le B`, since b is the sum of the fit and a residual
orthogonal to it.

For two columns :math:`\min_F` of the matrices :math:`E[w (z - Fa)(z - Fa)^T]`, z = (b, c), is taken in the order of
symmetric matrices, so that S(H) - S(H_R) is positive semidefinite and its entry bc at most half its trace: the claim
holds for |S_bc(H) - S_bc(H_R)| with (E[w b^2] + E[w c^2])/2 in place of E[w b^2].  All columns may be replaced by
combinations of a, so that a is the derivative of eta by standard normal effects.

A lambda is found in `least_information`.

What lies outside is bounded in `cut_laws`, with the largest weight there.  The average over the effects is taken cell
by cell, with the least lambda on each, and with B alone far out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.masses import mass_of
from leadterms.evaluation.certified.bounds.size import cells_around, pieces
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws, Loss, Side
from leadterms.evaluation.certified.floors.least_information import LeastInformation, PanelInformation, inverse_on
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, End, float_log
from leadterms.evaluation.moment_system import STRAYING, Cut, NumericSystem

SMALL = 2.0**-100
"""Of the whole: so little is not looked at again."""
MOST_EFFECTS = 2
"""So many may have panels, as cells are few."""
DEPTHS = (5, 2, 0)
"""How often cells are cut in pieces in so many dimensions, the last for more."""


@dataclass(frozen=True)
class _OnCell:
    """A cell of the effects, and a bound of 1/lambda on it."""

    cell: Cell
    inverse: Ball


@dataclass(frozen=True)
class _Outside:
    """E[w b^2; X_i out] and E[w |a|^2; X_i out] by strand, predictor and end.

    And the regions that this is, where the bounds have the supremum of w as a factor.
    """

    above: Mapping[tuple[int, Side], Ball]
    block: Mapping[tuple[int, Side], Ball]
    regions: Mapping[tuple[int, Side], Sequence[tuple[End, End]]]


class ResidualLoss:
    """Bounds of the average of S(H) - S(H_R) for products of intervals R.

    Parameters
    ----------
    system
        Its integrand is an entry of a Schur complement, with `NumericSystem.shares`.
    laws
        Its laws.

    Raises
    ------
    EvaluationError
        If an absolute moment is not bounded.

    """

    def __init__(self, system: NumericSystem, laws: CutLaws) -> None:
        assert system.shares is not None
        self._system, self._laws = system, laws
        self._shares = [abs(arb(share)) for share in system.shares]
        self._least = LeastInformation(laws.problems, self._shares)
        # where weights fall fast boxes about the middle have next to none: panels cost more, and see where it is
        strays = system.dimension <= MOST_EFFECTS and all(
            isinstance(strand.weight, STRAYING) for strand in system.strands
        )
        self._panels = PanelInformation(laws.problems, self._shares) if strays else None
        parts = system.absolute_moments
        self.everywhere = sum(
            (laws.most(part.factor, part.strand, part.exponents) for part in parts), arb(0)
        ).abs_upper()
        if not self.everywhere.is_finite():
            raise EvaluationError("no proven bound of the predictors' absolute moments")
        self._falls = [
            laws.is_by_supremum(strand, [part.exponents for part in parts if part.strand == strand])
            for strand in range(len(system.strands))
        ]

    def within(self, tolerance: Ball) -> Loss:
        """Return the loss by the cuts, where it may be about this: with cells of the effects as large as that needs."""
        dimension = self._system.dimension
        radius = 4.0
        while radius < 1e3:
            outside = dimension * (arb(radius) / arb(2).sqrt()).erfc()
            if outside * self.everywhere <= tolerance / 4:
                break
            radius += 0.5
        far = (outside * self.everywhere).abs_upper()
        cells = [
            _OnCell(cell, inverse_on(cell, self._least, self._panels)) for cell in cells_around(arb(radius), dimension)
        ]
        return lambda cuts: self._of(cuts, far, cells, tolerance)

    def _of(
        self, cuts: tuple[Cut, ...], far: Ball, cells: Sequence[_OnCell], tolerance: Ball
    ) -> tuple[NumericSystem, Ball]:
        """Add up min(B, 2 E[w b^2; out] + 2 E[w|a|^2; out] B/lambda) over cells, the largest parts first.

        Cells with more than a share of the tolerance are looked at piece by piece, unless the sum is too large before.
        """
        system = replace(self._system, strands=self._laws.cut(cuts))
        above: dict[tuple[int, Side], Ball] = {}
        for part in system.absolute_moments:
            for at, own in self._laws.beyond(cuts, part.factor, part.strand, part.exponents).items():
                above[part.strand, at] = above.get((part.strand, at), arb(0)) + own
        block = {
            (strand, at): own
            for strand, share in enumerate(self._shares)
            for at, own in self._laws.block_beyond(cuts, share, strand).items()
        }
        holds = self._least.holds_within(cuts) and (self._panels is None or self._panels.holds_within(cuts))
        if not (holds and all(bool(one.is_finite()) for one in (*above.values(), *block.values()))):
            return system, NAN
        regions = {(strand, at): self._laws.region(cuts, strand, at) for strand, at in block if self._falls[strand]}
        outside = _Outside(above, block, regions)
        share, depth, total = tolerance / (8 * len(cells)), DEPTHS[min(self._system.dimension, len(DEPTHS)) - 1], far
        parts = [(self._at_once(one, outside), one) for one in cells]
        for found, one in sorted(parts, key=lambda part: float_log(part[0]), reverse=True):
            total += self._in_pieces(one, found, outside, share, depth)
            if not total <= tolerance:
                return system, NAN
        return system, total.abs_upper()

    def _in_pieces(self, one: _OnCell, found: Ball, outside: _Outside, share: Ball, depth: int) -> Ball:
        """Bound the part of a cell: where a slope is about zero weights are large in a small part of it."""
        if depth == 0 or not one.inverse.is_finite() or found <= share:
            return found
        cells = [_OnCell(cell, one.inverse) for cell in pieces(one.cell)]
        parts = [(self._at_once(part, outside), part) for part in cells]
        if not sum((rough for rough, _ in parts), arb(0)) < found / 2:
            return found
        own = share / len(parts)
        return sum((self._in_pieces(part, rough, outside, own, depth - 1) for rough, part in parts), arb(0))

    def _at_once(self, one: _OnCell, outside: _Outside) -> Ball:
        change = self._change(one, outside) if one.inverse.is_finite() else NAN
        change = change.min(self.everywhere) if change.is_finite() else self.everywhere
        return (mass_of(one.cell, 0) * change).abs_upper()

    def _change(self, on: _OnCell, outside: _Outside) -> Ball:
        """Bound 2 E[w b^2; out] + 2 E[w|a|^2; out] B/lambda on a cell."""
        factor = 2 * self.everywhere * on.inverse
        total = arb(0)
        for at, own in outside.block.items():
            change = own * factor + 2 * outside.above.get(at, arb(0))
            if at in outside.regions and not change <= self.everywhere * SMALL:
                change *= self._laws.falls(at[0], outside.regions[at], on.cell)
            total += change
        return total
