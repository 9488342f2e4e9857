"""The law of g(X) on the certified road: the segments of X, with points g(x).

Where g is analytic on a complex box of x and the density too, so is the integrand; elsewhere `value_of` is not finite,
and no bound is taken from it.
"""

from __future__ import annotations

from dataclasses import replace

from leadterms.evaluation.certified.balls import Ball, value_of
from leadterms.evaluation.certified.line_base import Line, Segment
from leadterms.expectation.mapped_law import MappedLaw


class MappedLine(Line):
    """The image of a law with bounded support under a monotone function."""

    def __init__(self, law: MappedLaw, base: Line) -> None:
        super().__init__(law)
        self._law, self._base = law, base

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return those of the law itself, over the whole of its support."""
        return [self._image(segment) for segment in self._base.segments(self._base.low, self._base.high)]

    def _image(self, segment: Segment) -> Segment:
        inner, law = segment.point, self._law
        return replace(segment, point=lambda t: value_of(law.map, {law.variable: inner(t)}))
