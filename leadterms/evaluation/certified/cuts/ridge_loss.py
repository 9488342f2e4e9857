r"""Residual information with a ridge on the weight and laws cut off: what both change is bounded together.

Let S(H) be residual information in H = E[w z z'], as in `cut_residual`, R a product of intervals for the predictors,
H_R = E[w z z'; R] and G_R = E[z z'; R].  A ridge tau > 0 added to w (`ridged_balls`), on R, makes H_R + tau G_R of H.

**Claim.**  Let V be a part of R, kappa the supremum of w on the rest of R, c combinations of the columns of A, the same
everywhere, that span on V what these do, and Lambda a matrix that E[w c c'; V] exceeds in the order of symmetric
matrices.  With B = E[w b^2] and t(M) = tr(Lambda^{-1} M)

.. math:: S(H_R + \tau G_R) - S(H) &\le (\kappa + \tau)(2 E[b^2] + 2 t(E[c c^T]) B), \\
          S(H) - S(H_R + \tau G_R) &\le \kappa (2 E[b^2] + 2 t(E[c c^T]) B)
          + 2 E[w b^2; R^c] + 2 t(E[w c c^T; R^c]) B,

and both are at most B + tau E[b^2].

*Proof.*  S(H) is the least E[w (b - f'a)^2] of all f, and S grows with its matrix: S(H_V) is below S(H_R), and that
below S(H) and S(H_R + tau G_R).  Let f be a least squares fit by c on V.  On V the fits by A are no better, so that
E[w (b - f'c)^2; V] = S(H_V); on the rest of R w is at most kappa.  So the one is at most
S(H_V) + (kappa + tau) E[(b - f'c)^2], the other S(H_V) + kappa E[(b - f'c)^2] + E[w (b - f'c)^2; not R].  There
(b - f'c)^2 is at most 2 b^2 + 2 (f'c)^2, and for every matrix M f'M f <= t(M) f'Lambda f, where f'Lambda f is at most
E[w (f'c)^2; V] <= E[w b^2; V] <= B.  The last bound is that of f = 0.

As in `cut_residual` entries of two columns b follow with the mean of both, and E[m m'] of k columns m is at most k
times its own diagonal.  With V all of R kappa is zero.  Far out weights may be next to nothing but at one value p of a
predictor on the integers: then V is where it has this value.  There a power of x times others is a multiple of these,
and one of all multiples is in c, none where all are zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

import numpy as np
from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.matrix_turning import all_moments
from leadterms.evaluation.certified.bounds.turned_panels import affine, spans_of
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws, Side
from leadterms.evaluation.certified.cuts.ridge_regions import Region, absolute_square, regions_of
from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.laws.pieces import Piece
from leadterms.evaluation.certified.moments.panels import Panels
from leadterms.evaluation.certified.moments.polynomials import (
    mean_of_absolute,
)
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, interval, larger
from leadterms.evaluation.certified.tools.discs import Reals, upwards
from leadterms.evaluation.certified.weights.bounded_arrays import LEAST, BoundedArrays
from leadterms.evaluation.moment_system import Cut, NumericSystem
from leadterms.evaluation.ridged_weight import RidgedWeight

ROUNDED = 1 + 1e-9
"""By so much sums in doubles are widened."""
TIMES = 2
"""How many times more panels than usual there are."""


@dataclass(frozen=True)
class RidgeOnCell:
    """A cell of the effects: a bound of B there, and least weights on the panels of each strand, over 2^exponent."""

    cell: Cell
    top: Ball
    least: tuple[Reals, ...]
    exponent: int


class RidgeLoss:
    """Bounds of |S(H) - S(H_R + tau G_R)| on cells of the effects, for products of intervals R.

    Parameters
    ----------
    system
        Its integrand is an entry of a Schur complement, with `NumericSystem.shares`; its weights of one kind among
        those of `BoundedArrays`.
    laws, bounds
        Its laws, and bounds of its integrand.

    Raises
    ------
    EvaluationError
        If a mean is not known.

    """

    def __init__(self, system: NumericSystem, laws: CutLaws, bounds: Bounds) -> None:
        assert system.shares is not None
        self.laws, self.shares = laws, [abs(arb(share)) for share in system.shares]
        self._system, self._bounds, self.parts = system, bounds, system.absolute_moments
        self._problems = laws.problems
        information = PanelInformation(self._problems, self.shares, TIMES)
        self.panels: list[Panels] = information.panels
        self._changes = information.changes
        self._spans = [spans_of(panels.monomials) for panels in self.panels]
        self._arrays = BoundedArrays(type(self._problems[0].weight))
        self.square = self._mean_square()
        if not self._has_moments:
            raise EvaluationError("no proven bound of the predictors' absolute moments")

    def _mean_square(self) -> Ball:
        """Bound E[b^2] by the ceiling's parts."""
        total = arb(0)
        for part in self.parts:
            total += mean_of_absolute(self._problems[part.strand], {part.exponents: abs(arb(part.factor))})
        return total.abs_upper() if total.is_finite() else NAN

    @property
    def _has_moments(self) -> bool:
        by_supremum = all(
            self.laws.is_by_supremum(strand, [part.exponents for part in self.parts if part.strand == strand])
            for strand in range(len(self._problems))
        )
        known = all(bool(np.isfinite(region.squares).all()) for region in self.regions)
        return known and by_supremum and bool(self.square.is_finite())

    def at(self, cuts: tuple[Cut, ...]) -> RidgeLossAt:
        """Return the bounds for cuts."""
        return RidgeLossAt(self, cuts)

    def system(self, cuts: tuple[Cut, ...], ridge: Ball) -> NumericSystem:
        """Return the system cut off, with a ridge."""
        strands = tuple(
            replace(strand, weight=RidgedWeight(weight.scale, weight.parameter, base=weight, ridge=ridge))
            for strand, weight in ((strand, strand.weight) for strand in self.laws.cut(cuts))
        )
        return all_moments(replace(self._system, strands=strands))

    def on(self, cell: Cell) -> RidgeOnCell:
        """Return what all cuts need to know of a cell."""
        effects = [interval(*side) for side in cell]
        found = []
        for problem, monomials in zip(self._problems, self._spans, strict=True):
            shift, slopes = problem.at(effects)
            eta = affine(slopes, monomials, shift)
            found.append(self._arrays.leasts(eta.low, eta.high))
        exponent = max(int(part.exponents[part.mantissas > 0].max(initial=LEAST)) for part in found)
        least = tuple(part.over(exponent) for part in found)
        return RidgeOnCell(cell, self._bounds.top(cell), least, exponent)

    @cached_property
    def regions(self) -> list[Region]:
        """What V may be."""
        rows = [[entry for row in strand.loadings for entry in row] for strand in self._system.strands]
        return regions_of(self._problems, self.shares, self.panels, self._changes, rows)


class RidgeLossAt:
    """Bounds for one choice of cuts.

    Parameters
    ----------
    loss
        That of all cuts.
    cuts
        Where laws are cut off.

    """

    def __init__(self, loss: RidgeLoss, cuts: tuple[Cut, ...]) -> None:
        self._loss = loss
        self._problems, self._cuts = loss.laws.problems, cuts
        # on a strand where b is zero the fit by c is not
        above: dict[tuple[int, Side], Ball] = {
            (strand, at): arb(0)
            for strand, problem in enumerate(self._problems)
            for at in loss.laws.beyond(cuts, arb(0), strand, (0,) * len(problem.lines))
        }
        for part in loss.parts:
            for at, own in loss.laws.beyond(cuts, part.factor, part.strand, part.exponents).items():
                above[part.strand, at] += own
        self._sides = [(strand, loss.laws.region(cuts, strand, at)) for strand, at in above]
        self._above = [upwards(one) for one in above.values()]
        self._beyond = [
            [
                np.array([self._square_beyond(region, *at, j) for j in range(len(region.squares))], dtype=float)
                for at in above
            ]
            for region in loss.regions
        ]
        self._inside = [np.array([_is_inside(box, cuts) for box in panels.boxes]) for panels in loss.panels]

    def _square_beyond(self, region: Region, strand: int, at: Side, j: int) -> float:
        """Bound E[w c_j^2; X_i beyond an end] on one strand, times its probability."""
        total = arb(0)
        for e, c in absolute_square(region.columns[strand][j]).items():
            total += self._loss.laws.beyond(self._cuts, self._loss.shares[strand] * c, strand, e)[at]
        return upwards(total)

    def on(self, cell: RidgeOnCell, ridges: Sequence[float]) -> list[float]:
        """Bound the loss on a cell for several ridges."""
        top, square, lines = upwards(cell.top), upwards(self._loss.square), list(self._lines(cell))
        return [
            min(top + ridge * square, *((kappa + ridge) * factor + more for kappa, factor, more in lines), inf)
            * ROUNDED
            for ridge in ridges
        ]

    def _lines(self, cell: RidgeOnCell) -> Iterator[tuple[float, float, float]]:
        """Yield kappa, 2 E[b^2] + 2 t(E[c c']) B, and what lies beyond the cuts, for each region."""
        top, square = upwards(cell.top), upwards(self._loss.square)
        falls = [upwards(self._loss.laws.falls(strand, region, cell.cell)) for strand, region in self._sides]
        for region, beyond in zip(self._loss.regions, self._beyond, strict=True):
            inverse = self._inverse(cell, region)
            if inverse is None:
                continue
            # k columns: the matrices are at most k times their diagonals
            own = inverse * (len(inverse) * top * ROUNDED)
            factor = 2 * (square + float(own @ region.squares)) * ROUNDED
            more = sum((fall * 2 * (above + float(own @ squares)) * ROUNDED
                        for fall, above, squares in zip(falls, self._above, beyond, strict=True)), 0.0)  # fmt: skip
            if np.isfinite(factor) and np.isfinite(more):
                yield upwards(self._elsewhere(cell.cell, region)), factor, more

    def _inverse(self, cell: RidgeOnCell, region: Region) -> Reals | None:
        """Bound (Lambda^-1)_jj on a cell."""
        size = len(region.squares)
        if not size:
            return np.zeros(0)
        below = arb_mat(size, size)
        given = zip(self._loss.shares, self._loss.panels, region.changes, region.inside, self._inside, strict=True)
        for strand, (share, panels, change, inside, within) in enumerate(given):
            own = panels.below(np.where(inside & within, cell.least[strand], 0.0))
            below += share * (change * own * change.transpose())
        scale = self._problems[0].weight.scale * arb(2) ** cell.exponent
        try:
            inverse = below.inv()
        except ZeroDivisionError:
            return None
        diagonal = [inverse[j, j] / scale for j in range(size)]
        return np.array(list(map(upwards, diagonal))) if all(bool(one.is_finite()) for one in diagonal) else None

    def _elsewhere(self, cell: Cell, region: Region) -> Ball:
        """Bound the weights outside a region on a cell."""
        effects = [interval(*side) for side in cell]
        most = arb(0)
        for problem in self._problems:
            for ends in region.beside:
                most = larger(most, problem.weight.modulus(*problem.predictor.range(*problem.at(effects), ends)))
        return most


def _is_inside(box: Sequence[Piece], cuts: Sequence[Cut]) -> bool:
    """Tell whether a panel is inside of cuts."""
    return all(
        (low is None or bool(low <= piece.low)) and (high is None or bool(piece.high <= high))
        for piece, (low, high) in zip(box, cuts, strict=True)
    )
