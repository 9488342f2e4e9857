"""Moments by tables in double words with proven rounding, where doubles do not hold the digits (`looked_up`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from math import prod

import numpy as np
from flint import arb

from leadterms.evaluation.certified.moments.fine_polynomials import FinePolynomials
from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.looked_up import AT_ONCE, MOST_AT_ONCE, Ends, Lookup
from leadterms.evaluation.certified.moments.tables import Table
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import SMALLEST, TINY, WIDER, Reals, upwards
from leadterms.evaluation.certified.tools.double_words import (
    SQUARE,
    WORDS_BITS,
    Words,
    clipped,
    matrix_product,
    plus,
    times,
    words_of,
)
from leadterms.evaluation.certified.tools.word_balls import WordBalls, one_below_the_other
from leadterms.evaluation.precision import ball_precision

MOST_BITS = 82
"""Accuracies up to which double words will do."""


@dataclass(frozen=True)
class WordRows:
    """Rows of numbers, and how far off each is."""

    words: Words
    off: Reals


@dataclass(frozen=True)
class WordNodes:
    """Nodes of rules for some of the predictors.

    Parameters
    ----------
    monomials, moments
        What is multiplied by the slopes, and what with the values of the weight: rows over the nodes.

    """

    monomials: WordRows
    moments: WordRows

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.moments.words.high.shape[1])


def word_nodes(
    lines: Sequence[Line],
    rules: Sequence[LineRule],
    monomials: Sequence[Sequence[int]],
    moments: Sequence[Sequence[int]],
) -> WordNodes:
    """Return the nodes of a product of rules, with the exponents of monomials and moments given."""

    @cache
    def side(i: int, k: int, with_masses: bool) -> WordRows:
        starts = rules[i].masses if with_masses else [arb(1)] * len(rules[i].points)
        with ball_precision(WORDS_BITS):
            return WordRows(
                *words_of([s * lines[i].power(x, k) if k else s for s, x in zip(starts, rules[i].points, strict=True)])
            )

    def rows(exponents: Sequence[Sequence[int]], with_masses: bool) -> WordRows:
        count = prod(len(rule.points) for rule in rules)
        found = [reduce(_outer, (side(i, k, with_masses) for i, k in enumerate(own)), _ONE) for own in exponents]
        parts = [(one.words.high, one.words.low, one.off) for one in found]
        high, low, off = (np.reshape([part[j] for part in parts], (len(exponents), count)) for j in range(3))
        return WordRows(Words(high, low), off)

    return WordNodes(rows(monomials, with_masses=False), rows(moments, with_masses=True))


def words_side_by_side(parts: Sequence[WordNodes]) -> WordNodes:
    """Return all nodes of several products of rules."""
    found = []
    for name in ("monomials", "moments"):
        rows = [getattr(part, name) for part in parts]
        high, low, off = (
            np.hstack(own) for own in zip(*((r.words.high, r.words.low, r.off) for r in rows), strict=True)
        )
        found.append(WordRows(Words(high, low), off))
    return WordNodes(*found)


_ONE = WordRows(Words(np.ones(1), np.zeros(1)), np.zeros(1))


def _outer(first: WordRows, second: WordRows) -> WordRows:
    """Return all products of two rows, the second running faster."""
    a, b = first.words, second.words
    words = times(Words(a.high[:, None], a.low[:, None]), Words(b.high[None, :], b.low[None, :])).reshape(-1)
    size, other = np.abs(a.high) * WIDER + first.off, np.abs(b.high) * WIDER
    off = np.multiply.outer(first.off, other) + np.multiply.outer(size, second.off)
    return WordRows(words, (off.ravel() + 8 * SQUARE * np.abs(words.high)) * WIDER + TINY)


class WordLookup:
    """A `Lookup` in double words.

    Parameters
    ----------
    nodes
        Those of the predictors that the table is not of.
    points
        Shift and slopes, a row for each point.

    """

    def __init__(self, nodes: WordNodes, points: WordBalls) -> None:
        self._nodes, self._given = nodes, points.words
        sizes, offs = points.sizes.max(axis=0), points.off.max(axis=0)
        self.off, size = float(offs[0]), float(sizes[0])
        # what is too large is found not to be finite
        with np.errstate(over="ignore", invalid="ignore"):
            about = points.words.high[:, :1] + points.words.high[:, 1:] @ nodes.monomials.words.high
            for i, (most, slope_off) in enumerate(zip(sizes[1:].tolist(), offs[1:].tolist(), strict=True)):
                row_off = float(nodes.monomials.off[i].max())
                largest = float(np.abs(nodes.monomials.words.high[i]).max()) * WIDER + row_off
                self.off += most * row_off + slope_off * largest
                size += most * largest
        # each of the products and sums rounds all before it
        self.off = (self.off + 12 * (len(sizes) + 1) * SQUARE * size) * WIDER + TINY
        # what they are is computed where it is looked up: of many points it is too much to keep
        self.ends, self.size = (float(about.min()), float(about.max())), int(about.size)

    @property
    def is_finite(self) -> bool:
        """Whether double words hold them."""
        return bool(np.isfinite((self.off, *self.ends)).all())

    def _at(self, points: slice, nodes: slice) -> Words:
        """Return the linear predictor at some points and nodes."""
        given, rows = self._given[points], self._nodes.monomials.words[:, nodes]
        shape = len(given.high), rows.high.shape[1]
        s = Words(*(np.broadcast_to(part[:, :1], shape) for part in (given.high, given.low)))
        for i in range(given.high.shape[1] - 1):
            s = plus(s, times(given[:, i + 1 : i + 2], rows[i]))
        return s

    def moments(
        self, table: Table, rests: Sequence[int], errors: Sequence[Ball], within: Ends | None = None
    ) -> WordBalls | None:
        """Return all moments at the points, None where double words do not hold them: see `Lookup`."""
        fine = table.fine
        if fine is None:
            return None
        points, count = len(self._given.high), self._nodes.count
        step, own = max(1, AT_ONCE // count), np.array([upwards(error) for error in errors])
        found = []
        for start in range(0, points, step):
            rows: WordBalls | None = None
            for first in range(0, count, AT_ONCE):
                part = self._part(fine, rests, slice(start, start + step), slice(first, first + AT_ONCE), within)
                if part is None:
                    return None
                rows = part if rows is None else rows + part
            assert rows is not None
            found.append(WordBalls(rows.words, (rows.off + own) * WIDER))
        return one_below_the_other(found)

    def _part(
        self, fine: FinePolynomials, rests: Sequence[int], points: slice, nodes: slice, within: Ends | None
    ) -> WordBalls | None:
        """Return the part of some nodes in all moments at some points, without their own errors."""
        at = self._at(points, nodes)
        values = fine.values(at if within is None else clipped(at, *within), self.off)
        if values is None:
            return None
        masses, off = self._nodes.moments.words[:, nodes], self._nodes.moments.off[:, nodes]
        if not max(float(np.abs(values[0][rest].high).max()) for rest in rests) > SMALLEST:
            return None
        highs, lows, radii = (np.empty((len(values[0][0].high), len(rests))) for _ in range(3))
        for rest in dict.fromkeys(rests):
            own = [m for m, one in enumerate(rests) if one == rest]
            g, error = values[0][rest], float(values[1][rest])
            top = np.abs(g.high).max(axis=1)[:, None] + error
            sums, rounding = matrix_product(g, masses[own].transposed)
            highs[:, own], lows[:, own] = sums.high, sums.low
            spread = error * np.abs(masses.high[own]).sum(axis=1) + (top + error) * off[own].sum(axis=1)
            radii[:, own] = (rounding + spread) * WIDER + TINY
        return WordBalls(Words(highs, lows), radii) if np.isfinite(radii).all() else None


def word_lookups(nodes: WordNodes, points: WordBalls) -> list[Lookup]:
    """Return lookups for some of the points each."""
    most = max(1, MOST_AT_ONCE // nodes.count)
    return [WordLookup(nodes, points[i : i + most]) for i in range(0, len(points.off), most)]
