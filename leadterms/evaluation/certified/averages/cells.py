"""Averages over standard normal effects: cells of the effects' space, each with a Gauss-Legendre rule of its own.

On a cell the remainder needs a bound of F(M(u)) phi(u) on a complex ellipse around each side (`ellipse_bounds`).
Cells where no ellipse works are bisected (Petras 2002).  With positive weights the errors of the sides of a cell add,
each times the widths of the other sides.

Far out the caller's ceiling takes over: |F(M(u))| <= M_c(u), which is bounded by the largest value of the weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor, hypot, inf, prod

import numpy as np
from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.averages.covered import CellRule, Look, covered
from leadterms.evaluation.certified.averages.node_sums import Side, node_sum
from leadterms.evaluation.certified.averages.raised import missing_bits, more_bits, raised
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.ellipse_bounds import EllipseBounds, half_and_centre
from leadterms.evaluation.certified.bounds.masses import density
from leadterms.evaluation.certified.bounds.size import cells_of, rough_size
from leadterms.evaluation.certified.moments.strands import Scales, Strands
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, Cell, float_log, interval
from leadterms.evaluation.certified.tools.gauss import gauss, points_needed, remainder
from leadterms.evaluation.moment_system import NumericSystem
from leadterms.evaluation.precision import ball_precision

LOWER, HIGHER = 0.55, 1.8
"""An ellipse that fails is followed by one so much lower; one that works, in the next cell, by one so much higher."""
MANY = 3
"""Effects from which on nodes cost most."""
TOO_CLOSE = ", as the moments come too close to a zero or pole of the integrand"
ZERO = arb(0)
SLAB = 0.125
"""Thickness of what is pared off the sides of the cube, where the ceiling is small enough."""
FEW_BITS = 50
KEPT_BITS, MOST_SPARE = 4, 64.0
"""Bits that sums keep to spare, where it was seen on cells before that fewer do; at most so many are spared."""
HALF_WIDTHS = (2.0, 2.0, 1.0)
"""First half width of a cell in so many dimensions, the last for more, in standard deviations of the effects."""
TALLEST, NEAR_EDGE, SMALL = 4.0, 1.4, 1e-9
"""Largest height of an ellipse, and that in the linear predictor where a sector is nearly a half plane."""
LOWER_FOR_FEWER = 0.75
"""With many effects lower ellipses are tried by so much, for as long as they need fewer nodes."""


@dataclass(frozen=True)
class _Side:
    """The rule along one side of a cell."""

    count: int
    error: Ball
    bound: Ball


class EffectsAverage:
    """The average of a system over its effects, to an absolute error of about 2^-bits of the average of |F|.

    Parameters
    ----------
    system
        A moment system with one effect or more, and a ceiling.
    bits
        What is aimed at.
    size
        About the average of |F|, without proof; None where it is not known yet.
    bounds
        Of |F|, where better ones than those of the ceiling are known.

    """

    def __init__(
        self, system: NumericSystem, bits: int, size: Ball | None = None, bounds: Bounds | None = None
    ) -> None:
        if not system.ceiling:
            raise EvaluationError(
                "no bound of the integrand is known for large random effects: the certified road needs a ceiling"
            )
        self.system, self.bits, self.dimension = system, bits, system.dimension
        self._at_bits: dict[int, Strands] = {}
        with ball_precision(PLANNING_BITS):
            self.strands = Strands(system)
            self.bounds = Bounds(self.strands) if bounds is None else bounds
            self._ellipses = EllipseBounds(self.strands, self.bounds, bits)
            known = [self._ellipses.reach(j) for j in range(self.dimension)]
            self._reach = [self.bounds.reach(j) if own is None else own for j, own in enumerate(known)]
            size = rough_size(self.strands, self.bounds) if size is None else size
            self.tolerance = size * arb(2) ** (-bits - 2)
        squares = self._ellipses.by_squares
        self._tallest = [
            _tallest(reach, bits, squares) if own is None else min(TALLEST, NEAR_EDGE / (own + SMALL))
            for reach, own in zip(self._reach, known, strict=True)
        ]
        self._height = list(self._tallest)
        self._surplus = 0.0
        self._scales_of: tuple[Cell, Scales] | None = None

    def value(self) -> Ball:
        """Return the ball.

        Raises
        ------
        EvaluationError
            If some part could not be bounded; the message says how far it came.

        """
        with ball_precision(PLANNING_BITS):
            box, error = self.box()
        volume, spare = volume_of(box), self.tolerance / 8

        def look(cell: Cell) -> Look:
            share = self.tolerance * volume_of(cell) / volume / 2
            return Look(self.bounds.on(cell), share, lambda: self.cell_rule(cell, share))

        cells = cells_of(box, HALF_WIDTHS[min(self.dimension, len(HALF_WIDTHS)) - 1])
        return covered(cells, look, error, spare, self.bits, TOO_CLOSE)

    def cell_rule(self, cell: Cell, share: Ball, lost: Ball = ZERO) -> CellRule | int:
        """Return a rule for a cell that loses so much beside, or the place of the side to bisect."""
        sides = self.sides(cell, share)
        return sides if isinstance(sides, int) else CellRule(lambda: self.rule(cell, sides, share), lost)

    def box(self) -> tuple[Cell, Ball]:
        """Return a box of effects, and a bound of what lies outside: half the side of a cube, then slabs taken off."""
        radius = 3.0
        while True:
            beyond = self.bounds.beyond(arb(radius))
            if beyond.is_finite() and beyond <= self.tolerance / 8:
                break
            radius += 0.5
            if radius > 1e4:
                raise EvaluationError("no bound of the integrand for large random effects could be proven")
        box = [(-arb(radius), arb(radius))] * self.dimension
        most = self.tolerance / (16 * self.dimension)
        for j in range(self.dimension):
            for sign in (-1, 1):
                beyond += self._pare(box, j, sign, most)
        return tuple(box), beyond.abs_upper()

    def _pare(self, box: list[tuple[Ball, Ball]], j: int, sign: int, most: Ball) -> Ball:
        """Move one side of a box inwards while the ceiling's integral over what is left out is small; return that."""
        total = arb(0)
        while True:
            low, high = box[j]
            cut = (high - SLAB if sign > 0 else low + SLAB).mid()
            slab = list(box)
            slab[j] = (cut, high) if sign > 0 else (low, cut)
            more = (total + self.bounds.on(tuple(slab))).abs_upper()
            if not (more <= most and high - low > 2 * SLAB):
                return total
            total = more
            box[j] = (low, cut) if sign > 0 else (cut, high)

    def sides(self, cell: Cell, share: Ball) -> tuple[_Side, ...] | int:
        """Return a rule for each side, or the index of the side to bisect."""
        found = []
        for j in range(self.dimension):
            side = self._side(cell, j, share)
            if side is None:
                # the width of any side may be what spoils the boxes: halve the one that moves eta most
                return max(range(self.dimension), key=lambda i: float(cell[i][1] - cell[i][0]) * (self._reach[i] + 0.1))
            found.append(side)
        return tuple(found)

    def _side(self, cell: Cell, j: int, share: Ball) -> _Side | None:
        """Find an ellipse around one side with a proven bound, lower and lower ones, None where none is worth it."""
        half, _ = half_and_centre(cell[j])
        width = float(half)
        others = volume_of(cell) / (2 * half)
        tolerance = share / self.dimension / others / 2
        height = min(self._tallest[j], HIGHER * self._height[j])
        best: _Side | None = None
        while height > self._ellipses.least_shape * width:
            rho = floor(100 * (height / width + hypot(1, height / width))) / 100
            bound = self._ellipses.on(cell, j, rho)
            count = points_needed(half, bound, rho, tolerance)
            if count < inf and (best is None or count < best.count):
                self._height[j] = height
                best = _Side(int(count), remainder(half, bound, rho, int(count)) * others, bound)
                if self.dimension < MANY:
                    return best
            elif best is not None:
                return best
            else:
                self._height[j] = LOWER * height
            height *= LOWER if best is None else LOWER_FOR_FEWER
        return best

    def rule(self, cell: Cell, sides: Sequence[_Side], share: Ball) -> tuple[Ball, Ball]:
        """Return the sum over one cell and its discretisation error."""
        with ball_precision(PLANNING_BITS):
            bound = min((side.bound * volume_of(cell) for side in sides), key=float_log)
            outside = self.bounds.on(cell)
            if outside.is_finite() and outside < bound:
                bound = outside
            wanted = max(8, ceil(float_log(bound / share) * 1.4427)) + 8
            fewer = max(8, wanted - max(0, floor(self._surplus)))
        error = sum((side.error for side in sides), arb(0))
        total = self._sum(cell, sides, fewer)
        missing = missing_bits(total, share)
        self._learn(wanted - fewer - missing)
        if missing > 0:
            start = wanted if fewer < wanted else wanted + more_bits(total, share, wanted)
            total = raised(lambda bits: self._sum(cell, sides, bits), start, share)
        return total, error

    def _learn(self, surplus: float) -> None:
        """Take note of how many bits fewer would have done on a cell: bounds of |F| are far above its values."""
        known = min(max(0.0, surplus - KEPT_BITS), MOST_SPARE)
        self._surplus = min(known, self._surplus) if known < self._surplus else (known + self._surplus) / 2

    def _sum(self, cell: Cell, sides: Sequence[_Side], wanted: int) -> Ball:
        """Return the sum over one cell, its moments to so many bits of their scales there."""
        strands = self._at_precision(wanted + 24)
        with ball_precision(32 * ceil((wanted + 24) / 32)):
            blocks = self._ellipses.rules
            rules = blocks.on(cell) if blocks is not None and wanted <= blocks.bits else None
            if rules is None:
                rules = strands.plan(
                    strands.at([interval(*side) for side in cell]), wanted, self._scales(cell), shares=True
                )
            scaled = [_scaled(side, rule.count) for side, rule in zip(cell, sides, strict=True)]
            places = np.indices([len(own.values) for own in scaled]).reshape(len(scaled), -1).T
            return node_sum(self.system, strands, rules, scaled, places)

    def _scales(self, cell: Cell) -> Scales:
        """Return the least scales of the moments at corners and middles of a cell, the same each time."""
        if self._scales_of is None or self._scales_of[0] != cell:
            with ball_precision(PLANNING_BITS):
                corners = product(*((low, (low + high) / 2, high) for low, high in cell))
                self._scales_of = cell, self.strands.least_scales([self.strands.at(corner) for corner in corners])
        return self._scales_of[1]

    def _at_precision(self, bits: int) -> Strands:
        rounded = 32 * ceil(bits / 32)
        if rounded not in self._at_bits:
            with ball_precision(rounded):
                self._at_bits[rounded] = Strands(self.system)
        return self._at_bits[rounded]


def _tallest(reach: float, bits: int, by_squares: bool) -> float:
    """Return the height of the first ellipse to try: about the poles' height in eta, less where few digits are asked.

    Low ellipses are cheap to prove, most where squares cover them, and need more points; the normal density grows like
    e^(height^2/2).
    """
    few = 0.4 if by_squares and bits < FEW_BITS else 1.0
    in_eta = few if bits < 100 else 1.5 if bits < 400 else 2.2
    return min(4.0, in_eta / reach) if reach > 0 else 4.0


def volume_of(cell: Cell) -> Ball:
    """Return the volume of a cell."""
    return prod((high - low for low, high in cell), start=arb(1))


def _scaled(side: tuple[Ball, Ball], count: int) -> Side:
    """Return the rule along one side, with the normal density."""
    half, centre = half_and_centre(side)
    values = [centre + half * x for x, _ in gauss(count)]
    return Side(values, [half * w * density((u,)) for u, (_, w) in zip(values, gauss(count), strict=True)])
