r"""Moments by tables: what lookups are, and those in double precision with proven rounding, for few digits.

At a point of the effects and a node over the predictors that these multiply, a moment's factor is a polynomial of
degree n in t, |t| <= 1 + `MARGIN` (`tables`).  By Horner's rule it is off by at most 2 n u/(1 - 2 n u) times
sum_k |c_k| |t|^k, u = 2^-53 (Higham 2002, section 5.1), and by |dt| sum_k k |c_k| |t|^(k - 1) where t is off by dt.
Both sums are widened far beyond what the powers of 1 + `MARGIN` add; the rest is as in `discs`.

**Tables of a weight that falls** end where it is small: beyond its ends the weight is replaced by its value there.
What is looked up is moved to them first, which makes no two numbers lie farther apart, and with |w| <= e beyond the
ends, and at them, this is off by 2 e.

**Sums over nodes** are those of n terms in k blocks of at most b, and then of the blocks, in whatever order: off by at
most (b + k + 2) u, to the first order, times the sum of the moduli (Higham 2002, section 4.2), not by n u.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt
from typing import Protocol

import numpy as np
from flint import arb

from leadterms.evaluation.certified.moments.in_doubles import Nodes
from leadterms.evaluation.certified.moments.table_sums import Split
from leadterms.evaluation.certified.moments.tables import Table, kept_table
from leadterms.evaluation.certified.moments.weight_balls import WeightBalls
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, larger
from leadterms.evaluation.certified.tools.discs import SMALLEST, TINY, UNIT, WIDER, Reals, upwards
from leadterms.evaluation.certified.tools.double_words import Words
from leadterms.evaluation.certified.tools.word_balls import WordBalls, one_below_the_other
from leadterms.evaluation.certified.tools.work import FEW_UNITS, spend
from leadterms.evaluation.precision import ball_bits, ball_precision

FEW_BITS = 48
"""Accuracies up to which doubles will do."""
FEWEST_BY_WEIGHT, MOST_AT_ONCE = 4000, 1_000_000
"""So many values of the weight are looked up in a table of it, and at most by one lookup."""
AT_ONCE = 16_000
"""So many values are looked up at once: arrays of them stay in a processor's own memory."""
WIDEST = 600.0
"""A table of the weight is no wider."""


LITTLE, CLOSEST, FARTHER = 1 / 8, 16.0, 1.25
"""A table of a weight ends where this is less than a part of what is tolerated, but no closer to zero; and by which
factor the next end that is tried is farther out."""
Ends = tuple[float, float]


class Lookup(Protocol):
    """What nodes make of the linear predictor at points of the effects, to be looked up in tables."""

    off: float
    """How far off it may be."""
    ends: Ends
    """About the least and the largest value."""
    size: int
    """How many values there are."""

    @property
    def is_finite(self) -> bool:
        """Whether its numbers hold it."""

    def moments(
        self, table: Table, rests: Sequence[int], errors: Sequence[Ball], within: Ends | None = None
    ) -> WordBalls | None:
        """Return all moments at the points, a row for each of these, None where these numbers do not hold them.

        Parameters
        ----------
        table
            Of the functions of one variable, proven.
        rests
            For each moment which of the functions it has.
        errors
            Of each moment, but for rounding.
        within
            Ends to which arguments are moved that lie beyond; none where there are none beyond the table's.

        """


class DoubleLookup:
    """A `Lookup` in doubles.

    Parameters
    ----------
    nodes
        Those of the predictors that the table is not of.
    points
        Shift and slopes, a row for each point.

    """

    def __init__(self, nodes: Nodes, points: WordBalls) -> None:
        given, errors = points.words.high, points.off + np.abs(points.words.low)
        ones = np.ones((1, nodes.count))
        monomials = np.vstack([ones, nodes.monomials.numbers]) if nodes.monomials.numbers.size else ones
        spread = np.vstack([0 * ones, nodes.monomials.errors]) if nodes.monomials.numbers.size else 0 * ones
        # what is too large is found not to be finite
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = np.abs(given) @ (np.abs(monomials) + spread)
            off = np.abs(given) @ spread + errors @ (np.abs(monomials) + spread) + 1e-14 * sizes + TINY
            at = given @ monomials
        self._nodes, self._given, self._monomials, self.off = nodes, given, monomials, float(off.max())
        # what they are is computed again where it is looked up: of many points it is too much to keep
        self.ends, self.size = (float(at.min()), float(at.max())), int(at.size)

    @property
    def is_finite(self) -> bool:
        """Whether doubles hold it."""
        return bool(np.isfinite((self.off, *self.ends)).all())

    def moments(
        self, table: Table, rests: Sequence[int], errors: Sequence[Ball], within: Ends | None = None
    ) -> WordBalls | None:
        """Return all moments at the points, None where doubles do not hold them: see `Lookup`."""
        nodes, at = self._nodes, self._given @ self._monomials
        if within is not None:
            np.clip(at, *within, out=at)
        values, own = _values(table, at, self.off)
        rows = np.abs(nodes.moments.numbers)
        if not (np.isfinite(values).all() and np.isfinite(own).all()):
            return None
        if not max(float((np.abs(values[rest]) @ row).max()) for rest, row in zip(rests, rows, strict=True)) > SMALLEST:
            return None
        found, spreads = (np.empty((len(self._given), len(rests))) for _ in range(2))
        rounding = 4 * UNIT * _terms_in_turn(nodes.count)
        for k, (rest, error) in enumerate(zip(rests, errors, strict=True)):
            row, row_error = nodes.moments.numbers[k], nodes.moments.errors[k]
            absolute = np.abs(values[rest])
            radii = absolute @ (row_error + rounding * np.abs(row)) + own[rest] * (np.abs(row) + row_error).sum()
            # of sums of so many terms in whatever order, too
            spreads[:, k] = (radii * (1 + 4 * UNIT * nodes.count) + upwards(error)) * WIDER + TINY
            found[:, k] = _products(values[rest], row)
        return WordBalls(Words(found, np.zeros_like(found)), spreads)


def _terms_in_turn(count: int) -> int:
    """Return b + k and some to spare: see the module."""
    width = _block(count)
    return width + count // width + 10


def _block(count: int) -> int:
    return max(1, isqrt(count))


def _products(values: Reals, row: Reals) -> Reals:
    """Return sums of products with a row, in blocks: see the module."""
    width = _block(len(row))
    whole = len(row) // width
    end = whole * width
    blocks = np.einsum("pkb,kb->pk", values[:, :end].reshape(-1, whole, width), row[:end].reshape(whole, width))
    total: Reals = blocks.sum(axis=1) + values[:, end:] @ row[end:]
    return total


def double_lookups(nodes: Nodes, points: WordBalls) -> list[Lookup]:
    """Return lookups in doubles for some of the points each."""
    most = max(1, MOST_AT_ONCE // nodes.count)
    return [DoubleLookup(nodes, points[i : i + most]) for i in range(0, len(points.off), most)]


def ends_of(lookups: Sequence[Lookup]) -> Ends:
    """Return the least and the largest value of all."""
    ends = [lookup.ends for lookup in lookups]
    return min(low for low, _ in ends), max(high for _, high in ends)


def margin_of(ends: Ends, off: float) -> float:
    """Return by how much a table is wider than what is looked up, which may be off."""
    return 1e-9 * (1 + max(map(abs, ends))) + off


def moments_of(
    lookups: Sequence[Lookup],
    table: Table,
    rests: Sequence[int],
    errors: Sequence[Ball],
    sizes: Sequence[Ball],
    beside: Sequence[Ball],
    within: Ends | None = None,
) -> WordBalls | None:
    """Return all moments at the points of all lookups, None where the numbers of one do not hold them.

    Parameters
    ----------
    lookups, table, rests, within
        As in `Lookup.moments`.
    errors
        Of each moment, but for rounding and the table's.
    sizes
        What each moment's masses add up to, in modulus.
    beside
        What the table is off by, for each of its functions.

    """
    whole = [(error + size * beside[rest]).abs_upper() for error, size, rest in zip(errors, sizes, rests, strict=True)]
    found = []
    for lookup in lookups:
        rows = lookup.moments(table, rests, whole, within)
        if rows is None:
            return None
        found.append(rows)
    return one_below_the_other(found)


def pays(width: int, points: int, *, is_kept: bool = False) -> bool:
    """Tell whether a table of the weight is of use for so many nodes and points, or more where it is kept."""
    return (is_kept or width * points >= FEWEST_BY_WEIGHT) and width <= MOST_AT_ONCE


def by_weight(
    weight: WeightBalls,
    lookups: Sequence[Lookup],
    tolerance: Ball,
    errors: Sequence[Ball],
    sizes: Sequence[Ball],
    kept: dict[str, Table] | None = None,
) -> WordBalls | None:
    """Return all moments at several points by a table of the weight alone, None where that does not do.

    Parameters
    ----------
    weight
        Of which there is a table.
    lookups
        Of the nodes of all predictors, at some of the points each.
    tolerance
        Wanted error of the table.
    errors
        Of each moment, but for rounding and the table's.
    sizes
        What each moment's masses add up to, in modulus.
    kept
        Where the table is kept for further points.

    """
    if not all(lookup.is_finite for lookup in lookups):
        return None
    ends = ends_of(lookups)
    off = margin_of(ends, max(lookup.off for lookup in lookups))
    if off > 1:
        return None
    low, high, beyond = _telling(weight, (ends[0] - off, ends[1] + off), tolerance * LITTLE)
    if high - low > WIDEST:
        return None
    spend(sum(lookup.size for lookup in lookups) * FEW_UNITS / 8, ball_bits())
    alone = Split(weight, (), (), (), ())
    table = kept_table(
        kept, "weight", low - off, high + off, lambda low, high: Table(alone, [()], low, high, tolerance)
    )
    if not table.is_proven:
        return None
    beside = [error + 2 * beyond for error in table.errors]
    return moments_of(lookups, table, [0] * len(errors), errors, sizes, beside, (low, high))


def _telling(weight: WeightBalls, ends: Ends, little: Ball) -> tuple[float, float, Ball]:
    """Return ends between which a weight is looked up, at most those given, and how large it is at most beyond them."""
    with ball_precision(PLANNING_BITS):
        low, below = _side(lambda at: weight.modulus(arb(ends[0]), arb(-at), arb(0)), -ends[0], little)
        high, above = _side(lambda at: weight.modulus(arb(at), arb(ends[1]), arb(0)), ends[1], little)
        return -low, high, larger(below, above)


def _side(largest: Callable[[float], Ball], end: float, little: Ball) -> tuple[float, Ball]:
    """Return how far from zero a side is looked up, and what the weight is at most between there and its end."""
    at = CLOSEST
    while at < end:
        level = largest(at)
        if level <= little:
            return at, level.abs_upper()
        at *= FARTHER
    return end, arb(0)


def _values(table: Table, at: Reals, off: float) -> tuple[Reals, Reals]:
    """Return the values of each function, and bounds of what is rounded in them, s known up to ``off``."""
    own = table.in_doubles
    middles, half, coefficients, radii = own.middles, own.half, own.coefficients, own.radii
    degree = coefficients.shape[2] - 1
    by_degree = np.ascontiguousarray(coefficients.transpose(0, 2, 1))
    flat, values = at.ravel(), np.empty((len(by_degree), at.size))
    for start in range(0, flat.size, AT_ONCE):
        part = flat[start : start + AT_ONCE]
        places = np.clip(((part - table.low) / table.width).astype(int), 0, table.count - 1)
        t = (part - middles[places]) / half
        for function, rows in zip(values, by_degree, strict=True):
            found = function[start : start + AT_ONCE]
            found[:] = rows[degree][places]
            for row in rows[-2::-1]:
                found *= t
                found += row[places]
    values = values.reshape(-1, *at.shape)
    sizes = np.abs(coefficients)
    moved = (off + 4 * UNIT * (np.abs(at).max() + np.abs(middles).max())) / half
    # beyond that the powers of t + dt may not be neglected
    turned = (sizes * np.arange(degree + 1)).sum(axis=2) * moved if degree * moved < 1e-4 else np.inf
    ends = np.clip(((np.array([at.min(), at.max()]) - table.low) / table.width).astype(int), 0, table.count - 1)
    met = slice(ends[0], ends[1] + 1)
    errors = (radii + 8 * UNIT * (degree + 4) * sizes.sum(axis=2) + turned)[:, met]
    return values, errors.max(axis=1) * (1 + 1e-3) + TINY
