"""Patches of predictors: products of ranges, each of a segment of a law or of some of its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from flint import acb, acb_mat, arb, arb_mat

from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval
from leadterms.evaluation.certified.tools.gauss import gauss


@dataclass(frozen=True)
class Span:
    """A range of one predictor.

    Parameters
    ----------
    segment, low, high
        A segment of its law and ends in t, None where the law has points.
    atoms
        These points with their probabilities, by size.
    share
        Of all that there is of this predictor.

    """

    segment: Segment | None
    low: Ball
    high: Ball
    atoms: tuple[tuple[Ball, Ball], ...]
    share: float

    @cached_property
    def box(self) -> Ball:
        """A ball that holds the range of x."""
        if self.segment is None:
            return interval(self.atoms[0][0], self.atoms[-1][0])
        return self.segment.point(interval(self.low, self.high))

    @cached_property
    def probability(self) -> Ball:
        """An upper bound of the probability, not finite where none is known."""
        return self.mass if self.segment is None else self.segment.mass(self.low, self.high)

    @cached_property
    def mass(self) -> Ball:
        """The same of the sum of a rule's masses, too: the largest density times the width."""
        if self.segment is None:
            return sum((p for _, p in self.atoms), arb(0)).abs_upper()
        top = self.segment.bound(acb(interval(self.low, self.high)))
        return (top * (self.high - self.low)).abs_upper() if top.is_finite() else NAN

    @property
    def width(self) -> float:
        """About how long the range of x is, zero for one point."""
        return 2 * float(self.box.rad()) if self.segment is not None or len(self.atoms) > 1 else 0.0

    @cached_property
    def halves(self) -> tuple[Span, Span]:
        """The two halves of a range with more than one point."""
        if self.segment is None:
            parts = self.atoms[: len(self.atoms) // 2], self.atoms[len(self.atoms) // 2 :]
            first, last = (replace(self, atoms=own, share=self.share * len(own) / len(self.atoms)) for own in parts)
            return first, last
        middle = ((self.low + self.high) / 2).mid()
        half = replace(self, share=self.share / 2)
        return replace(half, high=middle), replace(half, low=middle)

    def rule(self, count: int) -> tuple[list[Ball], list[Ball]]:
        """Return points and masses: Gauss-Legendre's with so many points, or the points of the law."""
        if self.segment is None:
            return [x for x, _ in self.atoms], [p for _, p in self.atoms]
        half, centre = (self.high - self.low) / 2, (self.high + self.low) / 2
        places = [(centre + half * node, half * weight) for node, weight in gauss(count)]
        density = self.segment.density
        return [self.segment.point(t) for t, _ in places], [weight * density(t) for t, weight in places]


Patch = tuple[Span, ...]


def spans_of(line: Line, low: Ball, high: Ball) -> list[Span]:
    """Return what there is of a law between two ends, at the current precision: each segment, or all points."""
    atoms = line.atoms(low, high)
    if atoms is not None:
        ordered = tuple(sorted(atoms, key=lambda pair: float(pair[0])))
        return [Span(None, low, high, ordered, 1.0)] if ordered else []
    segments = line.segments(low, high)
    return [Span(one, one.low, one.high, (), 1 / len(segments)) for one in segments]


def transformed(flat: Sequence[Ball], matrices: Sequence[arb_mat]) -> list[Ball]:
    """Return an array of several axes, the last running fastest, multiplied by one matrix along each axis.

    Examples
    --------
    >>> double, add = arb_mat([[2]]), arb_mat([[1, 1]])
    >>> transformed([arb(1), arb(2)], [double, add])
    [6.00000000000000]

    """
    values = list(flat)
    for matrix in matrices:
        width = matrix.ncols()
        # the first axis goes last: after all of them they stand as they did
        if all(isinstance(value, arb) for value in values):
            values = (matrix * arb_mat(width, len(values) // width, values)).transpose().entries()
        else:
            values = (acb_mat(matrix) * acb_mat(width, len(values) // width, values)).transpose().entries()
    return values
