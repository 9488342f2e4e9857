"""Moments on complex boxes in double precision with proven rounding (`discs`): they bound the integrand, no more.

At a node x eta = shift + sum_m slopes[m] x^m is in the box around its value at the middle of the shift's and the
slopes' boxes whose half sides are those of the shift and of each slope, times |x^m|.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

import numpy as np
from flint import arb

from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import TINY, UNIT, WIDER, Discs, Rows, rows_of

Sides = tuple[float, float, float, float]
"""Midpoint and half sides of a complex box."""


@dataclass(frozen=True)
class Nodes:
    """Nodes of rules for some of the predictors, in doubles.

    Parameters
    ----------
    count
        How many there are.
    monomials, moments
        What is multiplied by the slopes, and what with the values of the weight: rows over the nodes.

    """

    count: int
    monomials: Rows
    moments: Rows

    @property
    def absolute(self) -> list[Ball]:
        """Bounds of the sums of the moduli of each moment's row, widened by far more than sums round."""
        sizes = (np.abs(self.moments.numbers) + self.moments.errors).sum(axis=1)
        return [arb(float(size) * WIDER + TINY) * (1 + 4 * UNIT * (self.count + 8)) for size in sizes]


def nodes_of(
    lines: Sequence[Line],
    rules: Sequence[LineRule],
    monomials: Sequence[Sequence[int]],
    moments: Sequence[Sequence[int]],
) -> Nodes:
    """Return the nodes of a product of rules, with the exponents of monomials and moments given."""
    masses = [_axis(rule.masses) for rule in rules]
    powers = cache(lambda i, k: _axis([lines[i].power(x, k) for x in rules[i].points]))
    products = [
        _outer(powers(i, k) if k else _ones(len(rules[i].points)) for i, k in enumerate(exponents))
        for exponents in monomials
    ]
    weighted = [
        _outer(_times(masses[i], powers(i, k)) if k else masses[i] for i, k in enumerate(exponents))
        for exponents in moments
    ]
    count = len(_outer(masses).numbers)
    return Nodes(count, _stacked(products, count), _stacked(weighted, count))


def side_by_side(parts: Sequence[Nodes]) -> Nodes:
    """Return all nodes of several products of rules."""

    def joined(rows: Sequence[Rows]) -> Rows:
        return Rows(*(np.hstack([getattr(row, name) for row in rows]) for name in ("numbers", "errors")))

    return Nodes(
        sum(part.count for part in parts), *(joined([getattr(p, n) for p in parts]) for n in ("monomials", "moments"))
    )


class InDoubles:
    """The moments of a strand at the nodes of a product of rules, without the rules' own errors."""

    def __init__(self, problem: Problem, rules: Sequence[LineRule]) -> None:
        self._weight = problem.weight
        nodes = nodes_of(problem.lines, rules, problem.predictor.monomials, problem.strand.moments)
        self._monomials, self._moments = nodes.monomials, nodes.moments

    def moments(self, shift: Ball, slopes: Sequence[Ball]) -> list[Ball] | None:
        """Return them over a complex box, None where doubles or the weight do not hold them."""
        sides = [_sides(part) for part in (shift, *slopes)]
        if not np.isfinite(sides).all():
            return None
        discs = self._discs(sides[0], sides[1:])
        return None if discs is None else self._moments.sums(discs)

    def _discs(self, shift: Sides, slopes: Sequence[Sides]) -> Discs | None:
        numbers, errors = self._monomials.numbers, self._monomials.errors
        sizes = np.abs(numbers) + errors
        x, y, width, height = (np.full(numbers.shape[1], side) for side in shift)
        # so many sums and products round what they add to, and each other
        rounded = 4 * UNIT * (len(slopes) + 4)
        width, height = width + rounded * np.abs(x), height + rounded * np.abs(y)
        for row, error, size, (a, b, across, up) in zip(numbers, errors, sizes, slopes, strict=True):
            x, y = x + a * row, y + b * row
            width = width + size * across + abs(a) * (error + rounded * size)
            height = height + size * up + abs(b) * (error + rounded * size)
        widened = 1e-15 * (np.abs(x) + np.abs(y)) + 1e-300
        return self._weight.discs(x, y, width * WIDER + widened, height * WIDER + widened)


def _sides(box: Ball) -> Sides:
    """Return midpoint and half sides, what floats round being added to these."""
    parts = [box, arb(0)] if isinstance(box, arb) else [box.real, box.imag]
    middles = [float(part.mid()) for part in parts]
    halves = [float(part.rad()) * WIDER + 1e-15 * abs(m) + 1e-300 for part, m in zip(parts, middles, strict=True)]
    return middles[0], middles[1], halves[0], halves[1]


def _axis(numbers: Sequence[Ball]) -> Rows:
    """Return one row."""
    rows = rows_of(numbers, 1)
    return Rows(rows.numbers[0], rows.errors[0])


def _ones(count: int) -> Rows:
    return Rows(np.ones(count), np.zeros(count))


def _joined(first: Rows, second: Rows, join: Callable[[Any, Any], Any]) -> Rows:
    """Return products: (|a| + e)(|b| + f) is at least |a b| and its error together, rounded far less than widened."""
    numbers = join(first.numbers, second.numbers)
    most = join(np.abs(first.numbers) + first.errors, np.abs(second.numbers) + second.errors)
    return Rows(numbers, most * (1 + 1e-14) - np.abs(numbers) + 1e-300)


def _times(first: Rows, second: Rows) -> Rows:
    return _joined(first, second, np.multiply)


def _outer(axes: Iterable[Rows]) -> Rows:
    """Return all products of one number of each axis, the last running fastest."""
    return reduce(lambda a, b: _joined(a, b, lambda x, y: np.multiply.outer(x, y).ravel()), axes, _ones(1))


def _stacked(rows: Sequence[Rows], width: int) -> Rows:
    """Return them one below the other."""
    parts = [np.array([getattr(row, name) for row in rows]).reshape(-1, width) for name in ("numbers", "errors")]
    return Rows(*parts)
