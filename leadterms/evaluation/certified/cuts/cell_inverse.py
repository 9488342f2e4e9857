r"""What an average of an inverse information loses by laws that are cut off, on a cell of the effects.

The bound of `cut_inverse` holds at each value of the effects: on a cell with the largest moments, weights beyond the
cuts and 1/lambda there.  So does

    |F|, |F_R| <= det(R)^2/(|f| lambda^d) sum |c| |u|^alpha prod m_j.

**Complex effects.**  Where all weights v stay in a sector, |v| >= w at the real parts, the same holds with the factors
of `inverse_ceiling`: |det H| >= cos^d(t) lambda^d, each m_j grows by at most the largest |v|/w, and with y = Im z_j
1 + |u_k| grows by at most 1 + |R_kj y| <= e^|R_kj y|, its power alpha by at most e^(alpha |R_kj y|).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from flint import arb, arb_mat

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.inverse_bound import shifted
from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
from leadterms.evaluation.certified.bounds.layers import Layers
from leadterms.evaluation.certified.cuts.cell_loss import OnCell
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.outside import Outside, Part
from leadterms.evaluation.certified.floors.least_information import LeastInformation, PanelInformation, inverse_on
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import Ball, Cell, interval, larger, smaller
from leadterms.evaluation.moment_system import STRAYING, Cut, InverseForm, NumericSystem, Sector

FARTHEST = 3.0


class InverseCellLoss:
    """Bounds of |F - F_R| and of |F| on cells of the effects, for products of intervals R.

    Parameters
    ----------
    system
        Its integrand has the form, with probabilities.
    form
        That one.
    laws
        Its laws.
    bounds
        Those of the system.

    """

    def __init__(self, system: NumericSystem, form: InverseForm, laws: CutLaws, bounds: Bounds) -> None:
        assert not form.with_ones
        self._system, self.form, self._laws, self._bounds = system, form, laws, bounds
        self.outside = Outside(laws)
        self._shares = [abs(arb(share)) for share in form.probabilities]
        self._least = LeastInformation(laws.problems, self._shares)
        self._panels = PanelInformation(laws.problems, self._shares)
        root = arb_mat([[arb(entry) for entry in row] for row in form.root])
        self.scale = root.det() ** 2 / abs(arb(form.factor))
        moments = {moment for term in form.terms for moment in term.moments}
        self._layers = {
            (strand, e): (Layers(laws.problems[strand], e), laws.most(arb(1), strand, e)) for strand, e in moments
        }

    @property
    def in_sector(self) -> bool:
        """Whether the weights stay in a sector off the real line, so that `top` holds for complex effects."""
        return not any(isinstance(strand.weight, STRAYING) for strand in self._system.strands)

    def holds_within(self, cuts: tuple[Cut, ...]) -> bool:
        """Tell whether the regions for lambda are inside of cuts."""
        return self._least.holds_within(cuts) and self._panels.holds_within(cuts)

    def on(self, cell: Cell) -> OnCell:
        """Return what all cuts need to know of a cell."""
        inverse = inverse_on(cell, self._least, self._panels)
        return OnCell(cell, smaller(self._bounds.top(cell), self.top_given(cell, inverse)), inverse)

    def top(self, cell: Cell) -> Ball:
        """Bound |F| and |F_R| on a cell, (1 + |u|)^alpha in place of |u|^alpha."""
        return self.top_given(cell, inverse_on(cell, self._least, self._panels))

    def top_given(self, cell: Cell, inverse: Ball) -> Ball:
        """Return the same by a bound of 1/lambda on the cell."""
        sizes = self.moments(cell)
        total = arb(0)
        for term, power in zip(self.form.terms, self.powers(cell), strict=True):
            total += prod((sizes[moment] for moment in term.moments), start=abs(arb(term.coefficient)) * power)
        return (total * self.scale * inverse ** len(self.form.mean)).abs_upper()

    def moments(self, cell: Cell) -> dict[tuple[int, tuple[int, ...]], Ball]:
        """Bound the absolute moments on a cell."""
        points = [problem.at([interval(*side) for side in cell]) for problem in self._laws.problems]
        found = {}
        for (strand, e), (layers, most) in self._layers.items():
            problem = self._laws.problems[strand]
            size = prod((line.absolute(k) for line, k in zip(problem.lines, e, strict=True)), start=arb(1))
            found[strand, e] = smaller(most, layers.bound(*points[strand]) * size)
        return found

    def powers(self, cell: Cell) -> list[Ball]:
        """Bound (1 + |u|)^alpha on a cell, for each term."""
        effects = [interval(*side) for side in cell]
        u = [1 + abs(one).upper() for one in shifted(self.form.mean, self.form.root, effects)]
        return [
            prod((size**power for size, power in zip(u, term.powers, strict=True) if power), start=arb(1))
            for term in self.form.terms
        ]

    def at(self, cuts: tuple[Cut, ...]) -> InverseLossAt:
        """Return the bounds for cuts with those regions inside."""
        lost = {moment: self.outside.parts(cuts, moment[0], [(arb(1), moment[1])]) for moment in self._layers}
        return InverseLossAt(self, lost, self.outside.block(cuts, self._shares))

    def system(self, cuts: tuple[Cut, ...]) -> NumericSystem:
        """Return the system cut off, with its own ceiling and a sector for both that and `top`."""
        strands = self._laws.cut(cuts)
        ceiling, sector = inverse_ceiling(strands, self.form)
        own = self._wider(sector) if self.in_sector else sector
        return replace(self._system, strands=strands, ceiling=(ceiling,), sector=own)

    def _wider(self, sector: Sector) -> Sector:
        size = len(self.form.mean)
        powers = [max(term.powers[k] for term in self.form.terms) for k in range(size)]
        steep = [
            sum((power * abs(arb(self.form.root[k][j])) for k, power in enumerate(powers)), arb(0)) for j in range(size)
        ]
        own = sector.growth or (arb(0),) * size
        return replace(sector, growth=tuple(larger(g, s.abs_upper()) for g, s in zip(own, steep, strict=True)))


class LocalBounds(Bounds):
    """Bounds of an integrand on cells by those of its system and others.

    Parameters
    ----------
    strands
        The system.
    loss
        What knows the others.

    """

    def __init__(self, strands: Strands, loss: InverseCellLoss) -> None:
        super().__init__(strands)
        self._loss = loss

    def top(self, cell: Cell) -> Ball:
        """Bound |F| on a cell of real effects."""
        return smaller(super().top(cell), self._loss.top(cell))

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie: exponential ceilings see it much too far out."""
        return min(FARTHEST, super().growth_of_effects())


@dataclass(frozen=True)
class InverseLossAt:
    """Bounds for one choice of cuts."""

    loss: InverseCellLoss
    lost: Mapping[tuple[int, tuple[int, ...]], Sequence[Part]]
    block: Sequence[Part]

    def on(self, cell: OnCell) -> Ball:
        """Bound |F - F_R| on a cell."""
        # at most |F| and |F_R|, of which the second has no bound but that by lambda
        top = (cell.top + self.loss.top_given(cell.cell, cell.inverse)).abs_upper()
        if not cell.inverse.is_finite():
            return top
        form, most = self.loss.form, self.loss.moments(cell.cell)
        lost = {moment: self.loss.outside.on(parts, cell.cell) for moment, parts in self.lost.items()}
        size = len(form.mean)
        excess = (1 + self.loss.outside.on(self.block, cell.cell) * cell.inverse) ** size - 1
        total = arb(0)
        for term, power in zip(form.terms, self.loss.powers(cell.cell), strict=True):
            sizes = [most[moment] for moment in term.moments]
            change = excess * prod(sizes, start=arb(1))
            for k, moment in enumerate(term.moments):
                change += prod(sizes[:k] + sizes[k + 1 :], start=lost[moment])
            total += abs(arb(term.coefficient)) * power * change
        return smaller((total * self.loss.scale * cell.inverse**size).abs_upper(), top)
