"""Rules for the moments that serve blocks of cells of the effects, with tables that are kept: for many small cells."""

from __future__ import annotations

from functools import cached_property, reduce
from itertools import product

import numpy as np
from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.polynomials import mean_of_absolute
from leadterms.evaluation.certified.moments.strands import Plans, Strands
from leadterms.evaluation.certified.tools.balls import Ball, Cell, interval, larger
from leadterms.evaluation.certified.tools.discs import Reals, upwards

WIDER, WIDEST = 4, 4.0
"""A block is so many times wider than the cell that asks for it, unless that is wider than this."""
SMALLER = 16
"""Cells smaller than the block by this have rules of their own: there moments may be far below the largest."""


class BlockRules:
    """Rules that were made for cells serve all cells inside of them.

    Parameters
    ----------
    strands
        The system.
    bits
        Accuracy of the moments, relative to the largest on a block.

    """

    def __init__(self, strands: Strands, bits: int) -> None:
        self.strands, self.bits = strands, bits
        self._known: list[tuple[Cell, Plans]] = []

    @cached_property
    def sizes(self) -> list[Reals]:
        """Bounds of E|X|^e for the moments of each strand."""
        return [
            np.array([upwards(mean_of_absolute(problem, {e: arb(1)})) for e in problem.strand.moments])
            for problem in self.strands.problems
        ]

    def on(self, cell: Cell) -> Plans | None:
        """Return rules for a cell, None where there are none with a proven error."""
        for block, plans in self._known:
            sides = list(zip(block, cell, strict=True))
            near = all(bool(high - low <= SMALLER * (b - a)) for (low, high), (a, b) in sides)
            if near and all(bool(low <= a and b <= high) for (low, high), (a, b) in sides):
                return plans
        block = tuple(_wider(side) for side in cell)
        corners = product(*((low, (low + high) / 2, high) for low, high in block))
        each = [self.strands.least_scales([self.strands.at(corner)]) for corner in corners]
        scales = tuple((reduce(larger, (scale for scale, _ in own)), own[0][1]) for own in zip(*each, strict=True))
        try:
            plans = self.strands.plan(
                self.strands.at([interval(*side) for side in block]), self.bits, scales, keeps=True
            )
        except EvaluationError:
            return None
        self._known.append((block, plans))
        return plans


def _wider(side: tuple[Ball, Ball]) -> tuple[Ball, Ball]:
    low, high = side
    width = float(high - low)
    more = arb(max(0.0, min(WIDER * width, WIDEST) - width) / 2)
    return (low - more).lower(), (high + more).upper()
