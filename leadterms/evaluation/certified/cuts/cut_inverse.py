r"""Inverse information under laws that are cut off: what that changes is bounded.

F = N/D with D = f det H_AA in the effects u = mean + R z, N a sum of terms c u^alpha M_1 ... M_r (`inverse_ceiling`).
H = H_AA in z has the determinant det(R)^2 times that in u.  Let the moments with an index R be those over a region R of
the predictors, and lambda a bound of the least eigenvalue of H_R from below (`least_information`).

With t = E[w |a|^2; not R], H - H_R is positive semidefinite and at most t times the unit matrix, so that
det H <= det(H_R + t) <= (1 + t/lambda)^d det H_R, and det H >= det H_R >= v, v = lambda^d or the determinant of another
bound of H_R.  With m_i >= |M_i| and t_i >= |M_i - (M_i)_R|, also for |M_i|'s in place of M_i,

    |F - F_R| <= |N - N_R|/|D| + |N_R| |D - D_R|/|D D_R|
              <= det(R)^2/(|f| v) sum |c| |u|^alpha (L + {(1 + t/lambda)^d - 1} P),

L = sum_i t_i prod_(j != i) m_j, P = prod m_j, and (1 + r)^d - 1 <= d r (1 + r)^(d - 1).

The average over the effects is taken cell by cell, with the largest weight beyond each end; far out, and where lambda
is not known, |F| + |F_R| by their bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.inverse_bound import shifted
from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
from leadterms.evaluation.certified.bounds.masses import mass_of
from leadterms.evaluation.certified.bounds.size import cells_around
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws, Loss, Side
from leadterms.evaluation.certified.floors.least_information import LeastInformation, PanelInformation, inverse_on
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, End, interval, smaller
from leadterms.evaluation.moment_system import (
    STRAYING,
    Cut,
    ExponentialCeiling,
    InverseForm,
    NumeratorTerm,
    NumericSystem,
    Sector,
)


@dataclass(frozen=True)
class _Part:
    """A cell of the effects: its mass, bounds of 1/lambda and of 1/v, and of |u|^alpha for each term of N."""

    cell: Cell
    mass: Ball
    inverse: Ball
    volume: Ball
    powers: tuple[Ball, ...]


@dataclass(frozen=True)
class _Outside:
    """What is beyond each end, by strand: E[w |a|^2], and L for each term of N, with P for each.

    And the regions that this is, where the bounds have the supremum of w as a factor.
    """

    block: Mapping[tuple[int, Side], Ball]
    lost: tuple[Mapping[tuple[int, Side], Ball], ...]
    most: tuple[Ball, ...]
    regions: Mapping[tuple[int, Side], Sequence[tuple[End, End]]]


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
        assert not form.with_ones
        self._system, self._form, self._laws = system, form, laws
        self._shares = [abs(arb(share)) for share in form.probabilities]
        self._least = LeastInformation(laws.problems, self._shares)
        self._panels = PanelInformation(laws.problems, self._shares)
        self._known = self._for_all_cuts()
        if self._known is not None:
            system = replace(system, ceiling=self._known[:1])
        self._whole = Bounds(Strands(system))
        size = len(form.mean)
        self._scale = arb_mat([[arb(entry) for entry in row] for row in form.root]).det() ** 2 / abs(arb(form.factor))
        self._falls = [
            laws.is_by_supremum(strand, [e for term in form.terms for own, e in term.moments if own == strand])
            for strand in range(len(system.strands))
        ]
        self.everywhere = self._whole.top(((arb(0), arb(0)),) * size)
        if not self.everywhere.is_finite():
            raise EvaluationError("no bound of the inverse information is known at the random effects' mean")

    def _for_all_cuts(self) -> tuple[ExponentialCeiling, Sector] | None:
        """Return bounds of F and of all F_R: moments of the whole laws, over a determinant of the nearest R."""
        if any(isinstance(strand.weight, STRAYING) for strand in self._system.strands):
            return None
        nearest = self._laws.cut(next(self._laws.tried()))
        ceiling, sector = inverse_ceiling(self._system.strands, self._form, nearest)
        return (ceiling, sector) if isinstance(ceiling, ExponentialCeiling) else None

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
        inverse = inverse_on(cell, self._least, self._panels)
        determinant = self._panels.below(cell).det()
        by_panels = (1 / determinant).abs_upper() if determinant > 0 else NAN
        return _Part(cell, mass_of(cell, 0), inverse, smaller(inverse ** len(cell), by_panels), powers)

    def _of(self, cuts: tuple[Cut, ...], parts: Sequence[_Part], radius: Ball) -> tuple[NumericSystem, Ball]:
        if not (self._least.holds_within(cuts) and self._panels.holds_within(cuts)):
            return self._system, NAN
        strands = self._laws.cut(cuts)
        ceiling, sector = inverse_ceiling(strands, self._form) if self._known is None else self._known
        system = replace(self._system, strands=strands, ceiling=(ceiling,), sector=sector)
        left = self._whole if self._known is not None else Bounds(Strands(system))
        outside = self._outside(cuts)
        known = (*outside.block.values(), *(own for lost in outside.lost for own in lost.values()), *outside.most)
        if not all(bool(one.is_finite()) for one in known):
            return system, NAN
        total = self._whole.beyond(radius) + left.beyond(radius)
        for part in parts:
            change = self._change(part, outside)
            if not (change.is_finite() and change <= 2 * self.everywhere):
                change = smaller(change, self._whole.top(part.cell) + left.top(part.cell))
            total += part.mass * change
        return system, total.abs_upper() if total.is_finite() else NAN

    def _change(self, part: _Part, outside: _Outside) -> Ball:
        """Bound |F - F_R| on a cell."""
        laws, dimension = self._laws, self._system.dimension
        falls = {
            at: laws.falls(at[0], outside.regions[at], part.cell) if at in outside.regions else arb(1)
            for at in outside.block
        }
        ratio = part.inverse * sum((own * falls[at] for at, own in outside.block.items()), arb(0))
        excess = dimension * ratio * (1 + ratio) ** (dimension - 1)
        change = arb(0)
        for power, lost, most in zip(part.powers, outside.lost, outside.most, strict=True):
            change += power * (sum((own * falls[at] for at, own in lost.items()), arb(0)) + excess * most)
        return change * self._scale * part.volume

    def _outside(self, cuts: tuple[Cut, ...]) -> _Outside:
        block = {
            (strand, at): own
            for strand, share in enumerate(self._shares)
            for at, own in self._laws.block_beyond(cuts, share, strand).items()
        }
        lost, most = zip(*(self._of_term(cuts, term) for term in self._form.terms), strict=True)
        regions = {(strand, at): self._laws.region(cuts, strand, at) for strand, at in block if self._falls[strand]}
        return _Outside(block, lost, most, regions)

    def _of_term(self, cuts: tuple[Cut, ...], term: NumeratorTerm) -> tuple[dict[tuple[int, Side], Ball], Ball]:
        """Bound |c| sum_i t_i prod_(j != i) m_j, end by end, and |c| prod m_j."""
        coefficient = abs(arb(term.coefficient))
        most = [self._laws.most(arb(1), *moment) for moment in term.moments]
        lost: dict[tuple[int, Side], Ball] = {}
        for k, (strand, exponents) in enumerate(term.moments):
            others = prod(most[:k] + most[k + 1 :], start=coefficient)
            for at, own in self._laws.beyond(cuts, arb(1), strand, exponents).items():
                lost[strand, at] = lost.get((strand, at), arb(0)) + own * others
        return lost, prod(most, start=coefficient)
