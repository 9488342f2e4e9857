"""Panels that bound the information on the effects far out, with eta at their corners, and the best of the bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, product

from flint import arb, arb_mat

from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.weight_balls import WeightBalls
from leadterms.evaluation.certified.tools.balls import Ball, float_log, inner, least_eigenvalue
from leadterms.evaluation.certified.tools.corner import Corner

Point = tuple[Ball, tuple[Ball, ...]]
"""c and b of eta = c + b'z."""
_Piece = tuple[tuple[int, int], tuple[Point, ...]]


@dataclass(frozen=True)
class Panel:
    """A panel of a strand's predictors, or several of one or of different strands, with eta at the corners."""

    information: PanelInformation
    parts: tuple[tuple[int, int], ...]
    """Strand and place."""
    corners: tuple[Point, ...]

    @property
    def strand(self) -> int:
        """The first strand."""
        return self.parts[0][0]

    @property
    def weight(self) -> WeightBalls:
        """The weight, of the same kind and scale on all strands."""
        return self.information.problems[self.strand].weight

    def common(self, values: Sequence[Ball]) -> Ball | None:
        """Return the one, of balls for each strand, that is the same for all of the panel's; None for others."""
        first = values[self.strand]
        same = (values[strand].mid() == first.mid() and values[strand].rad() == first.rad() for strand, _ in self.parts)
        return first if all(same) else None

    @cached_property
    def share(self) -> Ball:
        """A lower bound of p g."""
        size = len(self.corners[0][1])
        block = arb_mat(size, size)
        for strand, place in self.parts:
            block += self.information.shares[strand] * self.information.block(strand, {place: arb(1)})
        return least_eigenvalue(block).lower()

    @cached_property
    def steepest(self) -> float:
        """About the largest |b|^2."""
        return max(float(square_of(slopes)) for _, slopes in self.corners)


def panels_of(information: PanelInformation) -> Iterator[Panel]:
    """Yield the panels of strands whose columns may be independent, or else of as many strands as there are effects.

    Of a strand of points, on one of which the columns are not independent, as many points as there are effects.
    """
    size = len(information.problems[0].loadings)
    pieces = [
        [((strand, place), tuple(corners_of(problem, ranges))) for place, ranges in enumerate(panels.monomials)]
        for strand, (problem, panels) in enumerate(zip(information.problems, information.panels, strict=True))
    ]
    whole = [strand for strand, change in enumerate(information.changes) if change.ncols() >= size]
    groups: Iterator[Iterable[tuple[_Piece, ...]]] = (product(*group) for group in combinations(pieces, size))
    if whole:
        counts = ((strand, size if information.panels[strand].are_points else 1) for strand in whole)
        groups = (combinations(pieces[strand], count) for strand, count in counts)
    for choice in chain.from_iterable(groups):
        corners = tuple(corner for _, own in choice for corner in own)
        yield Panel(information, tuple(part for part, _ in choice), corners)


def corners_of(problem: Problem, ranges: Sequence[Ball]) -> Iterator[Point]:
    """Yield c and b of eta at the corners of a panel, each different one once."""
    moving = [any(not row[1 + k].is_zero() for row in problem.loadings) or not slope.is_zero()
              for k, slope in enumerate(problem.slopes)]  # fmt: skip
    ends = [(m.lower(), m.upper()) if moves else (m.mid(),) for m, moves in zip(ranges, moving, strict=True)]
    for corner in product(*ends):
        yield (
            problem.centre + inner(problem.slopes, corner),
            tuple(row[0] + inner(row[1:], corner) for row in problem.loadings),
        )


def best_of(panels: Iterable[Panel], bound: Callable[[Panel], list[Corner] | None]) -> list[Corner] | None:
    """Return the corners of the panel that bounds the average best, None where none does."""
    best: tuple[Ball, list[Corner]] | None = None
    for panel in panels:
        found = bound(panel) if panel.share > 0 else None
        if found is None or not all(corner.is_outweighed for corner in found):
            continue
        mass = sum((corner.mass() for corner in found), arb(0)).abs_upper()
        if mass.is_finite() and (best is None or mass < best[0]):
            best = (mass, found)
    return None if best is None else best[1]


def least_of(bounds: Iterable[list[Corner] | None]) -> list[Corner] | None:
    """Return the bound of the least mass, None where there is none."""
    masses = [(sum((corner.mass() for corner in found), arb(0)).abs_upper(), found) for found in bounds if found]
    finite = [(mass, found) for mass, found in masses if mass.is_finite()]
    return min(finite, key=lambda pair: float_log(pair[0]))[1] if finite else None


def square_of(slopes: Sequence[Ball]) -> Ball:
    """Return |b|^2."""
    return inner(slopes, slopes)
