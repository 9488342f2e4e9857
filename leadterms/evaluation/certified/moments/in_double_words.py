"""Moments by tables in double words with proven rounding, where doubles do not hold the digits (`looked_up`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from math import prod
from typing import Any

import numpy as np
from flint import arb

from leadterms.evaluation.certified.moments.fine_polynomials import FinePolynomials
from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.looked_up import MOST_AT_ONCE, Lookup
from leadterms.evaluation.certified.moments.tables import Table
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import SMALLEST, TINY, WIDER, Reals
from leadterms.evaluation.certified.tools.double_words import (
    SQUARE,
    WORDS_BITS,
    Words,
    matrix_product,
    plus,
    times,
    words_of,
)
from leadterms.evaluation.precision import ball_precision

MOST_BITS = 82
"""Accuracies up to which double words will do."""
AT_ONCE = 16_000
"""So many values are looked up at once: arrays of them stay in a processor's own memory."""


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
        Shift and slopes.

    """

    def __init__(self, nodes: WordNodes, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> None:
        self._nodes = nodes
        given, off = words_of([part for shift, slopes in points for part in (shift, *slopes)])
        given, off = given.reshape(len(points), -1), off.reshape(len(points), -1)
        columns = [(given[:, i : i + 1], float(np.abs(given.high[:, i]).max()), float(off[:, i].max()))
                   for i in range(given.high.shape[1])]  # fmt: skip
        (s, size, self.off), *slopes = columns
        s = Words(*(np.broadcast_to(part, (len(points), nodes.count)) for part in (s.high, s.low)))
        # what is too large is found not to be finite
        with np.errstate(over="ignore", invalid="ignore"):
            for i, (slope, most, slope_off) in enumerate(slopes):
                row, row_off = nodes.monomials.words[i], float(nodes.monomials.off[i].max())
                largest = float(np.abs(row.high).max()) + row_off
                s = plus(s, times(slope, row))
                self.off += most * row_off + slope_off * largest
                size += most * largest
        # each of the products and sums rounds all before it
        self.off = (self.off + 12 * (len(slopes) + 1) * SQUARE * size) * WIDER + TINY
        self._s = s

    @property
    def is_finite(self) -> bool:
        """Whether double words hold them."""
        return self._s.are_finite and bool(np.isfinite(self.off))

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest value."""
        return float(self._s.high.min()), float(self._s.high.max())

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self._s.high.size)

    def moments(self, table: Table, rests: Sequence[int], errors: Sequence[Ball]) -> list[list[Ball]] | None:
        """Return all moments at the points, None where double words do not hold them: see `Lookup`."""
        fine = table.fine
        if fine is None:
            return None
        points, count = self._s.high.shape
        step = max(1, AT_ONCE // count)
        found: list[list[Ball]] = []
        for start in range(0, points, step):
            rows = [[arb(0, error) for error in errors] for _ in range(min(step, points - start))]
            for first in range(0, count, AT_ONCE):
                part = self._part(fine, rests, slice(start, start + step), slice(first, first + AT_ONCE))
                if part is None:
                    return None
                rows = [list(map(arb.__add__, row, own)) for row, own in zip(rows, part, strict=True)]
            found += rows
        return found

    def _part(
        self, fine: FinePolynomials, rests: Sequence[int], points: slice, nodes: slice
    ) -> Iterable[list[Ball]] | None:
        """Return the part of some nodes in all moments at some points, without their own errors."""
        values = fine.values(self._s[points, nodes], self.off)
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
        if not np.isfinite(radii).all():
            return None
        return map(_balls, highs.tolist(), lows.tolist(), radii.tolist())


def word_lookups(nodes: WordNodes, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[Lookup]:
    """Return lookups for some of the points each."""
    most = max(1, MOST_AT_ONCE // nodes.count)
    return [WordLookup(nodes, points[i : i + most]) for i in range(0, len(points), most)]


def _balls(highs: Sequence[float], lows: Sequence[float], radii: Sequence[float]) -> list[Any]:
    return [arb(high, radius) + low for high, low, radius in zip(highs, lows, radii, strict=True)]
