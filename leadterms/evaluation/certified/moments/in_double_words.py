"""Moments by tables in double words with proven rounding, where doubles do not hold the digits (`looked_up`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from flint import arb

from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.tables import Table
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import SMALLEST, TINY, WIDER, Reals, upwards
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
class WordNodes:
    """Nodes of rules for some of the predictors.

    Parameters
    ----------
    monomials, moments
        What is multiplied by the slopes, and what with the values of the weight: rows over the nodes.
    monomials_off, moments_off
        How far each is off.

    """

    monomials: Words
    monomials_off: Reals
    moments: Words
    moments_off: Reals


def word_nodes(
    lines: Sequence[Line],
    rules: Sequence[LineRule],
    monomials: Sequence[Sequence[int]],
    moments: Sequence[Sequence[int]],
) -> WordNodes:
    """Return the nodes of a product of rules, with the exponents of monomials and moments given."""
    count = prod(len(rule.points) for rule in rules)

    def rows(exponents: Sequence[Sequence[int]], starts: Sequence[Iterable[Ball]]) -> tuple[Words, Reals]:
        flat = []
        for own in exponents:
            sides = [
                [start * line.power(x, k) if k else start for start, x in zip(first, rule.points, strict=True)]
                for first, line, rule, k in zip(starts, lines, rules, own, strict=True)
            ]
            flat += [prod(factors, start=arb(1)) for factors in product(*sides)]
        words, off = words_of(flat)
        return words.reshape(len(exponents), count), off.reshape(len(exponents), count)

    with ball_precision(WORDS_BITS):
        ones = [[arb(1)] * len(rule.points) for rule in rules]
        return WordNodes(*rows(monomials, ones), *rows(moments, [rule.masses for rule in rules]))


class WordLookup:
    """What nodes make of the linear predictor at points of the effects.

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
        s = Words(*(np.broadcast_to(part, (len(points), nodes.moments.high.shape[1])) for part in (s.high, s.low)))
        # what is too large is found not to be finite
        with np.errstate(over="ignore", invalid="ignore"):
            for i, (slope, most, slope_off) in enumerate(slopes):
                row, row_off = nodes.monomials[i], float(nodes.monomials_off[i].max())
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
        """Return all moments at the points, None where double words do not hold them.

        Parameters
        ----------
        table
            Of the functions of one variable, proven.
        rests
            For each moment which of the functions it has.
        errors
            Of each moment, but for rounding.

        """
        fine, nodes = table.fine, self._nodes
        if fine is None:
            return None
        rows: dict[int, list[int]] = {}
        for m, rest in enumerate(rests):
            rows.setdefault(rest, []).append(m)
        sizes = np.abs(nodes.moments.high).sum(axis=1)
        given = np.array([upwards(error) for error in errors])
        found: list[list[Ball]] = []
        points, count = self._s.high.shape
        step = max(1, AT_ONCE // count)
        for start in range(0, points, step):
            values = fine.values(self._s[start : start + step], self.off)
            if values is None:
                return None
            highs, lows, radii = (np.empty((min(step, points - start), len(rests))) for _ in range(3))
            for rest, own in rows.items():
                g, error = values[0][rest], float(values[1][rest])
                if not (np.isfinite(g.high).all() and float(np.abs(g.high).max()) > SMALLEST):
                    return None
                sums, rounding = matrix_product(g, nodes.moments[own].transposed)
                highs[:, own], lows[:, own] = sums.high, sums.low
                top = np.abs(g.high).max(axis=1)[:, None] + error
                spread = nodes.moments_off[own].sum(axis=1)
                radii[:, own] = (rounding + error * sizes[own] + top * spread + given[own]) * WIDER + TINY
            if not np.isfinite(radii).all():
                return None
            found += map(_balls, highs.tolist(), lows.tolist(), radii.tolist())
        return found


def _balls(highs: Sequence[float], lows: Sequence[float], radii: Sequence[float]) -> list[Any]:
    return [arb(high, radius) + low for high, low, radius in zip(highs, lows, radii, strict=True)]
