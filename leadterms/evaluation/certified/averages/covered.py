"""Integrals over a box of effects, in cells: each is left out, has a rule, or is bisected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, Cell
from leadterms.evaluation.certified.tools.work import TOO_LONG, patience
from leadterms.evaluation.precision import ball_precision

MOST_CELLS = 12_000


@dataclass(frozen=True)
class CellRule:
    """A rule on a cell: its sum with the discretisation's error, and what it loses beside."""

    total: Callable[[], tuple[Ball, Ball]]
    lost: Ball


@dataclass(frozen=True)
class Look:
    """What a cell comes to.

    Parameters
    ----------
    outside
        A bound of the integral of the modulus.
    most
        A cell with less is left out.
    rule
        Returns a rule, or the place of the side to bisect.

    """

    outside: Ball
    most: Ball
    rule: Callable[[], CellRule | int]


def covered(
    cells: Iterable[Cell], look: Callable[[Cell], Look], error: Ball, spare: Ball, bits: int, reason: str = ""
) -> Ball:
    """Return the integral over some cells.

    Parameters
    ----------
    cells
        Which do not overlap.
    look
        Looks at one.
    error
        What is off already.
    spare
        How much may be left out beyond the cells' own shares.
    bits
        Accuracy of the sums.
    reason
        Why there may be too many cells.

    Raises
    ------
    EvaluationError
        If there are too many.

    """
    total, done, left = arb(0), 0, list(cells)
    while left:
        cell = left.pop()
        done += 1
        if done > MOST_CELLS * patience():
            raise EvaluationError(
                f"the certified average over the random effects is not done after {done - 1} cells{reason}: {TOO_LONG}"
            )
        with ball_precision(PLANNING_BITS):
            found = look(cell)
            outside = found.outside
            if outside.is_finite() and outside <= found.most:
                error += outside
                continue
            rule = found.rule()
            if isinstance(rule, int):
                if outside.is_finite() and outside <= spare / 4:
                    # next to where all is left out: bisection alone would come near and never arrive
                    error, spare = error + outside, (spare - outside).lower()
                else:
                    left += _halves(cell, rule)
                continue
        part, discretisation = rule.total()
        with ball_precision(bits + PLANNING_BITS):
            total += part
        error = (error + discretisation + rule.lost).abs_upper()
    with ball_precision(bits + PLANNING_BITS):
        return total + arb(0, error.abs_upper())


def _halves(cell: Cell, j: int) -> list[Cell]:
    """Bisect one side of a cell."""
    low, high = cell[j]
    middle = ((low + high) / 2).mid()
    return [(*cell[:j], side, *cell[j + 1 :]) for side in ((low, middle), (middle, high))]
