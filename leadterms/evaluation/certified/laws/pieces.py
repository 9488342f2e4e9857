"""A law cut into panels: boxes of one predictor, with bounds of its density there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

from flint import acb, arb

from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval

BEND = 1.7
"""How much shorter panels are where a law has most of its mass."""
FAR = 12.0
"""Spreads up to which a law is cut into panels towards an end that its segments only come near to."""
NEAR = 2.0**-16
"""Segments stop short of a cut by less than this, relative to it."""


@dataclass(frozen=True)
class Piece:
    """A panel of one predictor, with bounds of its density, not finite where none is known, and a part of its mass.

    The density may be that of t: then there are the point x(t), and the panel's exact ends in t.  Or it is a point,
    with bounds of its probability.
    """

    low: Ball
    high: Ball
    least: Ball
    most: Ball
    mass: Ball
    point: Callable[[Ball], Ball] | None = None
    ends: tuple[Ball, Ball] | None = None
    is_point: bool = False

    @property
    def rough_mass(self) -> Ball:
        """About the mass, without proof; 1 where nothing is known."""
        if self.is_point:
            return self.most
        if self.most.is_finite():
            low, high = (self.low, self.high) if self.ends is None else self.ends
            return (self.most * (high - low)).mid()
        return self.mass if self.mass > 0 else arb(1)


def pieces(line: Line, low: Ball, high: Ball, count: int) -> list[Piece]:
    """Cut a range of a law into about so many panels.

    Next to an end that segments only come near to there is one of which nothing is known.
    """
    atoms = line.atoms(low, high)
    if atoms is not None:
        chances = [(x, p.lower().max(arb(0)), p.upper()) for x, p in atoms]
        return [Piece(x.lower(), x.upper(), least, most, least, is_point=True) for x, least, most in chances]
    found = []
    first_end, last_end = line.reach(FAR)
    cut = line.cut if isinstance(line, CutLine) else (None, None)
    inner = low if cut[0] is not None else low.max(first_end), high if cut[1] is not None else high.min(last_end)
    segments = line.segments(*inner)
    for i, segment in enumerate(segments):
        first, last = segment.point(segment.low), segment.point(segment.high)
        parts = max(1, ceil(float(abs(last - first) / (high - low)) * count - 0.01))
        for start, end in _cut(segment.low, segment.high, parts, _side_of_most(line, i, len(segments))):
            piece = _piece(segment, start, end)
            for side, t in ((0, start), (1, end)):
                if isinstance(line, CutLine) and t is (segment.low, segment.high)[side]:
                    piece = _reaching(line, segment, piece, side)
            found.append(piece)
    if found and isinstance(line, CutLine):
        # segments stop a little short of where a law is cut off
        edges = min(piece.low for piece in found), max(piece.high for piece in found)
        for end, (first, last) in zip(cut, ((low, edges[0]), (edges[1], high)), strict=True):
            if end is not None and first < last:
                found.append(Piece(first, last, arb(0), NAN, arb(0)))
    if low < inner[0]:
        found.append(Piece(low, min(piece.low for piece in found), arb(0), NAN, arb(0)))
    if high > inner[1]:
        found.append(Piece(max(piece.high for piece in found), high, arb(0), NAN, arb(0)))
    return found


def _piece(segment: Segment, start: Ball, end: Ball) -> Piece:
    """Return the panel between two points of a segment."""
    density = segment.density(acb(interval(start, end))).real
    known = density.is_finite()
    least, most = (density.lower().max(arb(0)), density.upper()) if known else (arb(0), NAN)
    mass = (least * (end - start)).lower().max(arb(0))
    if segment.is_straight and known:
        # the exact ends: panels that overlap would count some mass twice
        return Piece(start, end, least, most, mass)
    x = segment.point(interval(start, end))
    return Piece(x.lower(), x.upper(), *((least, most) if known else (NAN, NAN)), mass, segment.point, (start, end))


def _reaching(line: CutLine, segment: Segment, piece: Piece, side: int) -> Piece:
    """Return a panel at the end of a segment that covers the end of a cut off law which that stops short of.

    The density is that of the law beyond it, too; of what is left nothing is bounded from below.
    """
    if piece.point is None or piece.ends is None or not piece.most.is_finite():
        return piece
    t = piece.ends[side]
    x = piece.point(t)
    for place, cut in enumerate(line.cut):
        if cut is None or not abs(x - cut) < NEAR * abs(cut):
            continue
        away = NEAR * (1 + abs(t))
        start, end = piece.ends
        wider = _piece(segment, *(((start - away).mid(), end) if side == 0 else (start, (end + away).mid())))
        if wider.most.is_finite() and (wider.low <= cut if place == 0 else wider.high >= cut):
            return replace(wider, least=arb(0), mass=arb(0))
    return piece


def _side_of_most(line: Line, i: int, count: int) -> int:
    """Tell where a segment of a law has most of its mass: at its lower end (-1), its upper one (1), or not known (0).

    A law unbounded on one side has most at the other, one unbounded on both about the middle; cut off or not.
    """
    law = line.line if isinstance(line, CutLine) else line
    below, above = law.low is None, law.high is None
    if below and above:
        return 0 if count == 1 else 1 if 2 * i < count - 1 else -1
    return 1 if below else -1 if above else 0


def _cut(low: Ball, high: Ball, count: int, side: int) -> list[tuple[Ball, Ball]]:
    """Cut an interval into panels that are shorter towards one side."""
    shares = [i / count for i in range(1, count)]
    if side:
        shares = [t**BEND if side < 0 else 1 - (1 - t) ** BEND for t in shares]
    cuts = [low, *((low + (high - low) * t).mid() for t in shares), high]
    return list(pairwise(cuts))
