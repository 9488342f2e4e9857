r"""Inverse information under laws that are cut off: what that changes is bounded.

F = N/D with D = f det H_AA in the effects u = mean + R z, N a sum of terms c u^alpha M_1 ... M_r (`inverse_ceiling`).
H = H_AA in z has the determinant det(R)^2 times that in u.  Let the moments with an index R be those over a region R of
the predictors, and lambda a bound of the least eigenvalue of H_R from below (`least_information`).

With t = E[w |a|^2; not R], H - H_R is positive semidefinite and at most t times the unit matrix, so that
det H <= det(H_R + t) <= (1 + t/lambda)^d det H_R, and det H >= det H_R >= lambda^d.  With m_i >= |M_i| and
t_i >= |M_i - (M_i)_R|, also for |M_i|'s in place of M_i,

    |F - F_R| <= |N - N_R|/|D| + |N_R| |D - D_R|/|D D_R|
              <= det(R)^2/(|f| lambda^d) sum |c| |u|^alpha (L + {(1 + t/lambda)^d - 1} P),

L = sum_i t_i prod_(j != i) m_j, P = prod m_j.

The average over the effects is taken cell by cell; far out, and where lambda is not known, |F| + |F_R| by their bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import Bounds, mass_of
from leadterms.evaluation.certified.bounds.inverse_bound import shifted
from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
from leadterms.evaluation.certified.bounds.size import cells_around
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws, Loss
from leadterms.evaluation.certified.floors.least_information import LeastInformation, PanelInformation, inverse_on
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, interval, smaller
from leadterms.evaluation.moment_system import Cut, InverseForm, NumericSystem


@dataclass(frozen=True)
class _Part:
    """A cell of the effects: its mass, a bound of 1/lambda, and of |u|^alpha for each term of N."""

    cell: Cell
    mass: Ball
    inverse: Ball
    powers: tuple[Ball, ...]


class InverseLoss:
    """Bounds of the average of |F - F_R| for products of intervals R.

    Parameters
    ----------
    system
        Its integrand has the form `NumericSystem.inverse`, with probabilities.
    laws
        Its laws.

    Raises
    ------
    EvaluationError
        If no bound of F is known for large random effects.

    """

    def __init__(self, system: NumericSystem, form: InverseForm, laws: CutLaws) -> None:
        self._system, self._form, self._laws = system, form, laws
        self._shares = [abs(arb(share)) for share in form.probabilities]
        self._least = LeastInformation(laws.problems, self._shares)
        self._panels = PanelInformation(laws.problems, self._shares)
        self._whole = Bounds(Strands(system))
        size = len(form.mean)
        self._scale = arb_mat([[arb(entry) for entry in row] for row in form.root]).det() ** 2 / abs(arb(form.factor))
        self.everywhere = self._whole.top(((arb(0), arb(0)),) * size)
        if not self.everywhere.is_finite():
            raise EvaluationError("no bound of the inverse information is known at the random effects' mean")

    def within(self, tolerance: Ball) -> Loss:
        """Return the loss by the cuts, where it may be about this: with cells of the effects as large as that needs."""
        radius = 4.0
        while not self._whole.beyond(arb(radius)) <= tolerance / 8:
            radius += 0.5
            if radius > 1e3:
                raise EvaluationError("no bound of the inverse information for large random effects could be proven")
        parts = [self._part(cell) for cell in cells_around(arb(radius), self._system.dimension)]
        return lambda cuts: self._of(cuts, parts, arb(radius))

    def _part(self, cell: Cell) -> _Part:
        effects = [interval(*side) for side in cell]
        u = [abs(one).upper() for one in shifted(self._form.mean, self._form.root, effects)]
        powers = tuple(
            prod((size**power for size, power in zip(u, term.powers, strict=True) if power), start=arb(1))
            for term in self._form.terms
        )
        return _Part(cell, mass_of(cell, 0), inverse_on(cell, self._least, self._panels), powers)

    def _of(self, cuts: tuple[Cut, ...], parts: Sequence[_Part], radius: Ball) -> tuple[NumericSystem, Ball]:
        if not (self._least.holds_within(cuts) and self._panels.holds_within(cuts)):
            return self._system, NAN
        strands = self._laws.cut(cuts)
        ceiling, sector = inverse_ceiling(strands, self._form)
        system = replace(self._system, strands=strands, ceiling=(ceiling,), sector=sector)
        left = Bounds(Strands(system))
        block, dimension = self._laws.block_outside(cuts, self._shares), system.dimension
        changes = [self._change(cuts, i) for i in range(len(self._form.terms))]
        if not all(bool(part.is_finite()) for pair in changes for part in pair) or not block.is_finite():
            return system, NAN
        total = self._whole.beyond(radius) + left.beyond(radius)
        for part in parts:
            excess = (1 + block * part.inverse) ** dimension - 1
            change = sum((power * (lost + excess * most) for power, (lost, most) in
                          zip(part.powers, changes, strict=True)), arb(0))  # fmt: skip
            change *= self._scale * part.inverse**dimension
            if not (change.is_finite() and change <= 2 * self.everywhere):
                change = smaller(change, self._whole.top(part.cell) + left.top(part.cell))
            total += part.mass * change
        return system, total.abs_upper() if total.is_finite() else NAN

    def _change(self, cuts: tuple[Cut, ...], i: int) -> tuple[Ball, Ball]:
        """Bound |c| sum_i t_i prod_(j != i) m_j, and |c| prod m_j."""
        term = self._form.terms[i]
        coefficient = abs(arb(term.coefficient))
        most = [self._laws.most(arb(1), *moment) for moment in term.moments]
        lost = [self._laws.outside(cuts, arb(1), *moment) for moment in term.moments]
        total = arb(0)
        for k, own in enumerate(lost):
            total += prod(most[:k] + most[k + 1 :], start=own)
        return coefficient * total, prod(most, start=coefficient)
