"""Parts of the predictors' space where a ridge's loss is looked at: everywhere, or where one has a single value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat
from numpy.typing import NDArray

from leadterms.evaluation.certified.laws.discrete_lines import LatticeLine
from leadterms.evaluation.certified.moments.panels import Panels
from leadterms.evaluation.certified.moments.polynomials import (
    Polynomial,
    columns,
    columns_in_monomials,
    mean_of_absolute,
    times,
)
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import surely_equal
from leadterms.evaluation.certified.tools.balls import Ball, End
from leadterms.evaluation.certified.tools.discs import Reals, upwards

MOST_POINTS = 12
"""So many values of a predictor are looked at by themselves."""


@dataclass(frozen=True)
class Region:
    """V, where one predictor has a value, or everywhere.

    Parameters
    ----------
    inside
        Which panels of each strand are in it.
    columns
        The columns c on each strand.
    changes
        T of c = T m for each strand, m the monomials of its panels.
    squares
        Bounds of E[c_j^2] over all strands.
    beside
        Intervals in which the predictors are elsewhere.

    """

    inside: tuple[NDArray[np.bool_], ...]
    columns: tuple[tuple[Polynomial, ...], ...]
    changes: tuple[arb_mat, ...]
    squares: Reals
    beside: tuple[tuple[tuple[End, End], ...], ...]


def regions_of(
    problems: Sequence[Problem],
    shares: Sequence[Ball],
    panels: Sequence[Panels],
    changes: Sequence[arb_mat],
    loadings: Sequence[Sequence[Ball]],
) -> list[Region]:
    """Return what V may be (`ridge_loss`).

    Parameters
    ----------
    problems, shares
        The strands, and their probabilities.
    panels
        Those of each strand.
    changes
        T of z = T m for each strand, m the monomials of its panels.
    loadings
        What effects do to each strand's linear predictor, in one row.

    """
    everywhere = tuple(np.ones(len(own.monomials), dtype=bool) for own in panels)
    whole = tuple(tuple(columns(problem)) for problem in problems)
    found = [Region(everywhere, whole, tuple(changes), _mean_squares(problems, shares, whole), ())]
    if _are_alike(problems, changes[0], loadings):
        for i, line in enumerate(problems[0].lines):
            if isinstance(line, LatticeLine):
                found += _at_points(problems, shares, panels, i)
    return found


def _are_alike(problems: Sequence[Problem], change: arb_mat, loadings: Sequence[Sequence[Ball]]) -> bool:
    """Tell whether all strands have the same columns of A, as many as monomials, which they span."""
    if len({tuple(map(tuple, problem.predictor.monomials)) for problem in problems}) > 1:
        return False
    same = all(surely_equal(one, other) for row in loadings[1:] for one, other in zip(loadings[0], row, strict=True))
    return same and change.nrows() == change.ncols() and not change.det().contains(0)


def _at_points(
    problems: Sequence[Problem], shares: Sequence[Ball], panels: Sequence[Panels], i: int
) -> Iterator[Region]:
    """Yield the regions where a predictor on the integers has a value, the columns c being monomials."""
    monomials, _ = columns_in_monomials(problems[0])
    problem, count = problems[0], len(panels)
    points = list(dict.fromkeys(_whole(box[i].low) for box in panels[0].boxes))[:MOST_POINTS]
    low, high = problem.supports[i]
    for point in points:
        kept: dict[tuple[int, ...], int] = {}
        for place in sorted(range(len(monomials)), key=lambda place: monomials[place][i]):
            if point or not monomials[place][i]:
                kept.setdefault((*monomials[place][:i], *monomials[place][i + 1 :]), place)
        own = tuple({monomials[place]: arb(1)} for place in kept.values())
        entries = [arb(int(m == place)) for place in kept.values() for m in range(len(monomials))]
        change = arb_mat(len(kept), len(monomials), entries)
        sides = [(low, arb(point - 1)), (arb(point + 1), high)]
        beside = tuple(
            tuple(side if j == i else ends for j, ends in enumerate(problem.supports))
            for side, end in zip(sides, (low, high), strict=True)
            if end is None or end != point
        )
        inside = tuple(np.array([_whole(box[i].low) == point for box in strand.boxes]) for strand in panels)
        yield Region(inside, (own,) * count, (change,) * count, _mean_squares(problems, shares, (own,) * count), beside)


def _mean_squares(problems: Sequence[Problem], shares: Sequence[Ball], given: Sequence[Sequence[Polynomial]]) -> Reals:
    """Bound E[c_j^2] over all strands."""
    totals = [arb(0)] * len(given[0])
    for share, problem, own in zip(shares, problems, given, strict=True):
        totals = [t + share * mean_of_absolute(problem, absolute_square(c)) for t, c in zip(totals, own, strict=True)]
    return np.array([upwards(total) for total in totals], dtype=float)


def absolute_square(polynomial: Polynomial) -> Polynomial:
    """Return a bound of a polynomial's square as one in the predictors' absolute values."""
    size = {e: abs(c) for e, c in polynomial.items()}
    return times(size, size)


def _whole(point: Ball) -> int:
    """Return a whole number that is the lower end of a ball."""
    return round(float(point))
