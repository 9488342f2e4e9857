"""Panels of the predictors of a strand: boxes in which their laws lie, and bounds of means over some of them.

On a panel [a, b] of a predictor with a density between l and h the mean of f^2 over it lies between l and h times the
integral of f^2, for every function f; on a product of panels the bounds multiply.  All of it may be in another variable
t, x = x(t), in which the density is bounded.  The integrals of products of powers are known; where powers stand for
functions, or x is one of t, they are enclosed (`integral`).  A point is a panel of its own: its probability is in place
of the density, and the value there in place of the integral.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from flint import arb, arb_mat

from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.pieces import pieces
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, integral, interval
from leadterms.evaluation.certified.tools.discs import TINY, UNIT, WIDER, Reals, upwards

COUNTS = (1, 16, 8, 4, 3)
"""Panels of each of so many predictors, the last for more."""
MIDDLE = 3.0
"""Spreads in the middle of an unbounded law."""
FINER = 3
"""How many times more there are of the whole of an unbounded law that is cut off."""


class Panels:
    """The panels of one strand.

    Parameters
    ----------
    problem
        The strand.
    columns
        Exponents of monomials of the predictors, whose combinations f are.
    times
        How many times more panels than usual each predictor has.
    middle
        Whether only the middle is covered of predictors that are unbounded or cut off: enough for bounds from below.

    """

    def __init__(
        self, problem: Problem, columns: Sequence[Sequence[int]], times: int = 1, *, middle: bool = False
    ) -> None:
        self._lines, self._columns = problem.lines, columns
        count = times * COUNTS[min(len(problem.lines), len(COUNTS) - 1)]
        sides = [
            pieces(line, *line.reach(MIDDLE), count) if middle else
            pieces(line, line.low, line.high, count * (FINER if isinstance(line, CutLine) else 1))
            for line in problem.lines
        ]  # fmt: skip
        self.boxes = list(product(*sides))
        self.are_points = all(piece.is_point for own in sides for piece in own)
        self._grams: dict[int, arb_mat] = {}
        self._known: dict[int, list[Ball]] = {}
        # pieces are shared by panels
        self._integrals: dict[tuple[int, int, int, int], Ball] = {}
        self.monomials = [
            problem.predictor.values([interval(piece.low, piece.high) for piece in box]) for box in self.boxes
        ]
        """Those of the linear predictor, on each panel."""

    @cached_property
    def masses(self) -> list[Ball]:
        """About the mass of each panel, without proof; 1 for a part of which nothing is known."""
        return [prod((piece.rough_mass for piece in box), start=arb(1)) for box in self.boxes]

    def above(self, weights: Reals) -> arb_mat:
        """Return a matrix that exceeds E[a f f'], in the order of symmetric matrices: a constant on each panel.

        Not finite where nothing is known of the law on a panel with a weight.
        """
        known = np.isfinite(self._most)
        if (weights[~known] > 0).any():
            size = len(self._columns)
            return arb_mat(size, size, [NAN] * size**2)
        return self._weighted(weights * np.where(known, self._most, 0.0) * WIDER)

    def below(self, weights: Reals) -> arb_mat:
        """Return a matrix that E[b f f'] exceeds, in the order of symmetric matrices: b constant on each panel."""
        return self._weighted(weights * self._least / WIDER)

    def _weighted(self, factors: Reals) -> arb_mat:
        """Return the sum of the integrals of f f' over the panels with these factors, which are exact."""
        # of panels without a weight nothing needs to be known
        middles, errors = (np.where((factors > 0)[:, None], part, 0.0) for part in self._integrals_in_doubles)
        sizes = factors @ np.abs(middles)
        radii = factors @ errors + 4 * UNIT * (len(factors) + 8) * sizes + TINY
        size = len(self._columns)
        return arb_mat(
            size, size, [arb(m, r) for m, r in zip((factors @ middles).tolist(), radii.tolist(), strict=True)]
        )

    @cached_property
    def _most(self) -> Reals:
        """Bounds of the densities on all panels."""
        found = [prod((piece.most for piece in box), start=arb(1)) for box in self.boxes]
        return np.array([upwards(most) for most in found])

    @cached_property
    def _least(self) -> Reals:
        """Lower bounds of the densities on all panels, zero if none is known; or for one monomial that of E[f^2]."""
        found = []
        for panel, box in enumerate(self.boxes):
            least = prod((piece.least for piece in box), start=arb(1))
            if not least.is_finite():
                # over the integral of f^2, which is multiplied with it again
                gram = self._gram(panel)[0, 0] if len(self._columns) == 1 else arb(0)
                least = self._least_square(panel) / gram if gram > 0 else arb(0)
            found.append(max(0.0, float(least.lower()) / WIDER))
        return np.array(found)

    @cached_property
    def _integrals_in_doubles(self) -> tuple[Reals, Reals]:
        """Middles and radii of the entries of all matrices `_gram`, a row for each panel."""
        rows = [self._gram(panel).entries() for panel in range(len(self.boxes))]
        middles = np.array([[float(entry.mid()) for entry in row] for row in rows])
        errors = np.array([[upwards(entry.rad()) for entry in row] for row in rows])
        return middles, errors + 4 * UNIT * np.abs(middles)

    def least(self, weights: Mapping[int, Ball]) -> arb_mat:
        """Return the same as `below`, for weights on some panels that may be too small for doubles."""
        size = len(self._columns)
        if not weights:
            return arb_mat(size, size)
        entries = [entry for panel in weights for entry in self._of_panel(panel)]
        whole = arb_mat([list(weights.values())]) * arb_mat(len(weights), size * size, entries)
        return arb_mat(size, size, whole.entries())

    def _of_panel(self, panel: int) -> list[Ball]:
        """Return the entries of the matrix for a weight of 1 on one panel."""
        if panel not in self._known:
            size, least = len(self._columns), prod((piece.least for piece in self.boxes[panel]), start=arb(1))
            if least.is_finite():
                self._known[panel] = (self._gram(panel) * least).entries()
            else:
                self._known[panel] = [self._least_square(panel)] if size == 1 else [arb(0)] * size**2
        return self._known[panel]

    def _least_square(self, panel: int) -> Ball:
        """Bound E[f^2] over a panel by its mass and the least f^2 there, for the one monomial f."""
        (exponents,) = self._columns
        total = arb(1)
        for line, piece, power in zip(self._lines, self.boxes[panel], exponents, strict=True):
            total *= piece.mass * line.power(interval(piece.low, piece.high), power).abs_lower() ** 2
        return total.lower()

    def _gram(self, panel: int) -> arb_mat:
        """Return the integrals of f f' over a panel, for the monomials f."""
        if panel not in self._grams:
            columns = self._columns
            places = range(len(self._lines))
            entries = [
                prod((self._integral(panel, i, e[i], f[i]) for i in places), start=arb(1))
                for e in columns for f in columns
            ]  # fmt: skip
            self._grams[panel] = arb_mat(len(columns), len(columns), entries)
        return self._grams[panel]

    def _integral(self, panel: int, place: int, first: int, second: int) -> Ball:
        """Return the integral of the product of two powers of one predictor, or their product at a point."""
        line, piece = self._lines[place], self.boxes[panel][place]
        key = (place, id(piece), first, second)
        if key not in self._integrals:
            if piece.is_point:
                x = interval(piece.low, piece.high)
                self._integrals[key] = line.power(x, first) * line.power(x, second)
            elif piece.point is not None and piece.ends is not None:
                point = piece.point
                self._integrals[key] = integral(
                    lambda t: line.power(point(t), first) * line.power(point(t), second), *piece.ends
                )
            elif line.plain:
                k = first + second + 1
                self._integrals[key] = (piece.high**k - piece.low**k) / k
            else:
                self._integrals[key] = integral(
                    lambda x: line.power(x, first) * line.power(x, second), piece.low, piece.high
                )
        return self._integrals[key]


def trace_of_ratio(above: arb_mat, below: arb_mat) -> Ball:
    """Return tr(B^-1 A), which bounds x'Ax/x'Bx; not finite where unknown.

    B is a sum of squares with factors that are not negative: where it is invertible it is positive definite.
    """
    try:
        ratio = below.inv() * above
    except ZeroDivisionError:
        return NAN
    trace = sum((ratio[i, i] for i in range(ratio.nrows())), arb(0))
    return trace.abs_upper() if trace.is_finite() else NAN
