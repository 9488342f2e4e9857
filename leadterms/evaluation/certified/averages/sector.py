r"""Averages over standard normal effects by the trapezoidal rule, for weights that stay in a sector off the real line.

For some weights :math:`|\arg w(x + iy)| \le \alpha(y)` and :math:`|w(x + iy)| \le g(y) w(x)` for all x.  Move one
effect z to x + iy, |y| <= a, the others being real: eta moves by iy times its derivative by z, at most r in size.  With
t = alpha(a r) all weights lie in the sector |arg| <= t, and what is known of F in a sector (`Sector`) says that F is
analytic there and

.. math:: |F \phi| \le \sec(m t)^p\, g(a r)\, e^{a^2/2}\, C(x)\, \phi(x),

C being the ceiling at the real point and phi the density.  The trapezoidal rule with nodes kh, all integers k, then has

.. math:: \Big|\int f\,dx - h \sum_k f(kh)\Big| \le \frac{1}{e^{2\pi a/h} - 1} \int |f(x + ia)| + |f(x - ia)|\,dx .

(Poisson summation; move the contour to the side where :math:`e^{2\pi i k z/h}` is small, and sum over k.)  With several
effects it is applied to one after the other: those before are summed over their nodes, those after are integrated, and
the bounds of C phi hold for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import ceil, prod

import numpy as np
from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.averages.node_sums import Side, node_sum
from leadterms.evaluation.certified.averages.raised import raised
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.masses import density
from leadterms.evaluation.certified.bounds.sector_turning import SectorTurning
from leadterms.evaluation.certified.bounds.size import cells_of, rough_size
from leadterms.evaluation.certified.moments.strands import Scales, Strands
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, Cell, float_log
from leadterms.evaluation.certified.tools.work import is_left
from leadterms.evaluation.moment_system import InverseCeiling, NumericSystem, Sector
from leadterms.evaluation.precision import ball_precision

SHARES = (0.35, 0.5, 0.65, 0.8, 0.88, 0.94, 0.97)
"""Half widths of the strip that are tried, in shares of the largest that the sector allows."""
LARGEST_STEP = 1.0
BLOCK = 3.0
"""How far the linear predictor may move across a block of nodes that share rules for the moments."""
MOST_NODES = 4_000_000


@dataclass(frozen=True)
class _Direction:
    """One effect: the step of its nodes, and the bound of the discretisation error."""

    step: float
    error: Ball


def in_sector(system: NumericSystem) -> bool:
    """Tell whether the argument of every weight of a system is bounded at some distance off the real line."""
    if system.sector is None or not system.ceiling:
        return False
    if any(isinstance(part, InverseCeiling) for part in system.ceiling):
        # of these nothing is known on lattices
        return False
    with ball_precision(PLANNING_BITS):
        strands = Strands(system)
        known = all(problem.weight.angle(arb("0.01")).is_finite() for problem in strands.problems)
        return known and all(bool(strands.reach(j).is_finite()) for j in range(system.dimension))


class SectorAverage:
    """The average of a system over its effects, to an absolute error of about 2^-bits of the average of |F|.

    Parameters
    ----------
    system
        A moment system with one effect or more and a ceiling.
    sector
        What is known of its integrand, where `in_sector` says that this is of use.
    bits
        What is aimed at.
    size
        About the average of |F|, without proof; None where it is not known yet.

    Raises
    ------
    EvaluationError
        If a part of the ceiling is not bounded.

    """

    def __init__(self, system: NumericSystem, sector: Sector, bits: int, size: Ball | None = None) -> None:
        self.system, self.bits, self.dimension = system, bits, system.dimension
        self.sector = sector
        self._at_bits: dict[int, Strands] = {}
        with ball_precision(PLANNING_BITS):
            self.strands = Strands(system)
            self._reach = [self.strands.reach(j) for j in range(self.dimension)]
            self.bounds = Bounds(self.strands)
            self._units = max(problem.weight.real_units for problem in self.strands.problems)
            size = rough_size(self.strands, self.bounds) if size is None else size
            self.tolerance = size * arb(2) ** (-bits - 2)

    def _losses(self, j: int, width: Ball) -> Ball:
        """Return the factor by which |F phi| may grow at this distance off the real line, not finite where unknown."""
        factor = SectorTurning(self.strands.problems, self._reach, self.sector).factor((), j, width)
        return (factor * (width * width / 2).exp()).abs_upper() if factor.is_finite() else NAN

    def value(self) -> Ball:
        """Return the ball.

        Raises
        ------
        EvaluationError
            If some part could not be bounded.

        """
        with ball_precision(PLANNING_BITS):
            radius, mass = self._mass()
            directions = [self._direction(j, mass) for j in range(self.dimension)]
            cell_error = sum((one.error for one in directions), arb(0))
            steps = [one.step for one in directions]
            blocks, error = self._blocks(radius, steps)
        self._refuse_too_much(blocks, steps)
        total = arb(0)
        for block in blocks:
            part = self._sum(block, steps, self.tolerance / (4 * len(blocks)))
            with ball_precision(self.bits + PLANNING_BITS):
                total += part
        with ball_precision(self.bits + PLANNING_BITS):
            cube = prod((arb(step) for step in steps), start=arb(1))
            return total * cube + arb(0, (error + cell_error).abs_upper())

    def _refuse_too_much(self, blocks: Sequence[Sequence[tuple[int, ...]]], steps: Sequence[float]) -> None:
        """Judge the work by the rules of one block in the middle."""
        nodes = sum(map(len, blocks))
        middle = min(blocks, key=lambda block: sum(k * k for k in block[len(block) // 2]), default=[])
        if not middle:
            return
        cell = _hull(list(zip(*middle, strict=True)), steps)
        with ball_precision(PLANNING_BITS):
            scales = self.strands.least_scales([self.strands.at(corner) for corner in _corners(cell)])
            rules = self.strands.plan(
                self.strands.at([low.union(high) for low, high in cell]), self.bits, scales, shares=True
            )
        # blocks farther out need fewer
        if not is_left(nodes * rules.work * self._units / 2, self.bits):
            raise EvaluationError(
                f"the average over {self.dimension} random effects needs {nodes} nodes with {rules.work} evaluations "
                "each, too many: ask for fewer digits"
            )

    def _mass(self) -> tuple[float, Ball]:
        """Return a radius beyond which little is left, and a bound of the ceiling's average, integrated or summed."""
        radius = 4.0
        while radius < 1e4:
            beyond = self.bounds.beyond_on_lattice(arb(radius))
            if beyond.is_finite() and beyond <= self.tolerance / 8:
                break
            radius += 0.5
        else:
            raise EvaluationError("no bound of the integrand for large random effects could be proven")
        total = beyond
        cube = ((-arb(radius), arb(radius)),) * self.dimension
        for cell in cells_of(cube, 0.5 if self.dimension < 3 else 1.0):
            total += self.bounds.on_lattice(cell)
        return radius, total.abs_upper()

    def _direction(self, j: int, mass: Ball) -> _Direction:
        """Choose the half width of the strip that allows the longest step."""
        target = self.tolerance / (8 * self.dimension)
        limit = self._limit(j)
        best: _Direction | None = None
        for share in SHARES:
            width = arb(share * limit)
            above = 2 * self._losses(j, width) * mass
            if not above.is_finite():
                continue
            nats = max(1.0, float_log(1 + above / target))
            step = min(LARGEST_STEP, float((2 * arb.pi() * width / nats).lower()))
            if best is None or step > best.step:
                error = (above / (2 * arb.pi() * width / arb(step)).expm1()).abs_upper()
                best = _Direction(step, error)
        if best is None:
            raise EvaluationError("the weights leave the half plane at once")
        return best

    def _limit(self, j: int) -> float:
        """Return about the largest half width of use: the sector's, or where the density's growth outweighs it."""
        steepest = max(float(problem.weight.angle(arb("0.01"))) * 100 for problem in self.strands.problems)
        reach = float(self._reach[j]) * max(1e-300, steepest) * max(self.sector.multiple, 0.55)
        most = float((2 * self.bits + 80) ** 0.5)
        return min(most, 1.5707 / reach) if reach > 1e-300 else most

    def _blocks(self, radius: float, steps: Sequence[float]) -> tuple[list[list[tuple[int, ...]]], Ball]:
        """Return the nodes, as multiples of the steps, in blocks, and a bound of what the nodes left out weigh."""
        counts = [ceil(radius / step) for step in steps]
        if prod(2 * count + 1 for count in counts) > MOST_NODES:
            raise EvaluationError("too many nodes are needed for the average over the random effects")
        error = self.bounds.beyond_on_lattice(arb(radius))
        cube = prod((arb(step) for step in steps), start=arb(1))
        small = self.tolerance / (8 * prod(2 * count + 1 for count in counts))
        blocks = []
        for block in _grid(counts, [self._nodes_in_block(j, step) for j, step in enumerate(steps)]):
            top = self.bounds.top(_hull(block, steps)) * cube
            kept = []
            for node in product(*block):
                weight = (top * density([k * arb(step) for k, step in zip(node, steps, strict=True)])).abs_upper()
                if weight <= small:
                    error += weight
                else:
                    kept.append(node)
            if kept:
                blocks.append(kept)
        return blocks, error.abs_upper()

    def _nodes_in_block(self, j: int, step: float) -> int:
        reach = float(self._reach[j])
        return max(1, int(min(4.0, BLOCK / reach if reach > 0 else 4.0) / step))

    def _sum(self, block: Sequence[tuple[int, ...]], steps: Sequence[float], share: Ball) -> Ball:
        """Return the sum of F phi over a block of nodes, to about this absolute error after the steps."""
        cell = _hull(list(zip(*block, strict=True)), steps)
        with ball_precision(PLANNING_BITS):
            cube = prod((arb(step) for step in steps), start=arb(1))
            near = density([low.union(high).abs_lower() for low, high in cell])
            top = self.bounds.top(cell) * near * cube * len(block)
            wanted = max(8, ceil(float_log(top / share) * 1.4427)) + 8
            scales = self.strands.least_scales([self.strands.at(corner) for corner in _corners(cell)])
            share = (share / cube).lower()
        return raised(lambda bits: self._of(cell, block, steps, bits, scales), wanted, share)

    def _of(
        self, cell: Cell, block: Sequence[tuple[int, ...]], steps: Sequence[float], wanted: int, scales: Scales
    ) -> Ball:
        """Return the sum of F phi over a block of nodes in a cell, its moments to so many bits of these scales."""
        rounded = 32 * ceil((wanted + 24) / 32)
        strands = self._at_precision(rounded)
        with ball_precision(rounded):
            rules = strands.plan(strands.at([low.union(high) for low, high in cell]), wanted, scales, shares=True)
            whole = np.array(block)
            first = whole.min(axis=0)
            sides = []
            for least, most, step in zip(first.tolist(), whole.max(axis=0).tolist(), steps, strict=True):
                values = [k * arb(step) for k in range(least, most + 1)]
                sides.append(Side(values, [density((u,)) for u in values]))
            return node_sum(self.system, strands, rules, sides, whole - first)

    def _at_precision(self, bits: int) -> Strands:
        if bits not in self._at_bits:
            with ball_precision(bits):
                self._at_bits[bits] = Strands(self.system)
        return self._at_bits[bits]


def _corners(cell: Cell) -> list[tuple[Ball, ...]]:
    """Return the corners of a cell with its middle, in few dimensions those of its halves too."""
    if len(cell) < 3:
        return list(product(*((low, (low + high) / 2, high) for low, high in cell)))
    return [*product(*cell), tuple((low + high) / 2 for low, high in cell)]


def _grid(counts: Sequence[int], lengths: Sequence[int]) -> Iterator[tuple[range, ...]]:
    """Cut the nodes -count..count of each direction into runs of about equal length, and yield their products."""
    sides = []
    for count, length in zip(counts, lengths, strict=True):
        parts = ceil((2 * count + 1) / length)
        ends = [-count + (2 * count + 1) * i // parts for i in range(parts + 1)]
        sides.append([range(a, b) for a, b in pairwise(ends)])
    yield from product(*sides)


def _hull(nodes: Sequence[Sequence[int]], steps: Sequence[float]) -> Cell:
    """Return the smallest cell that contains these nodes of each direction."""
    return tuple(
        ((min(side) * arb(step)).lower(), (max(side) * arb(step)).upper())
        for side, step in zip(nodes, steps, strict=True)
    )
