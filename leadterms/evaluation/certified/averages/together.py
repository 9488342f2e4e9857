r"""Entries of one matrix of residual information, averaged together: one set of cells, nodes and moments for all.

Entry k is F_k = f_k S_bc, S the Schur complement of block A in H = E[w z z'], z with all columns b.  Let t_b > 0 be any
numbers and n_k >= |f_k| t_b t_c powers of two.  For weights w >= 0, and for complex ones in a sector (`ceilings`),

.. math:: |S_{bc}| \le \sec^p(t)\,(h_{bb}/t_b^2 + h_{cc}/t_c^2)\,t_b t_c/2, \qquad h_{bb} = E[|v| b^2],

by the same proof for columns b/t_b.  So every F_k/n_k is at most sec^p times the sum over all columns of h_bb/t_b^2,
p = 2 or 3.  With t_b^2 about E S_bb all F_k/n_k are about as large, or small by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, log

from flint import acb, acb_mat, arb, arb_mat

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.size import rough_sizes
from leadterms.evaluation.certified.moments.polynomials import Polynomial, columns, times
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, float_log
from leadterms.evaluation.certified.tools.several import Several
from leadterms.evaluation.certified.tools.word_balls import WordBalls
from leadterms.evaluation.moment_system import Ceiling, NumericColumn, NumericSystem, Sector, Strand
from leadterms.evaluation.precision import ball_bits, ball_precision

MOST_SPARE = 4
MARGIN = 1e-6
"""More than the logarithm of a size is off."""


@dataclass(frozen=True)
class MatrixEntry:
    """F = factor S_bc, b and c by their places among all columns."""

    factor: arb
    columns: tuple[int, int]


def together(
    strands: Sequence[Strand],
    shares: tuple[arb, ...],
    given: tuple[NumericColumn, ...],
    entries: Sequence[MatrixEntry],
) -> tuple[NumericSystem, tuple[arb, ...], int] | None:
    """Return a system whose values are all F_k/n_k, the n_k, and spare bits; None where sizes are not known.

    The spare bits are those by which the least of the entries is smaller, up to `MOST_SPARE`: what is smaller still is
    left to be small.

    Parameters
    ----------
    strands
        Their moments do not matter.
    shares
        Their probabilities, up to a common factor.
    given
        All columns b.
    entries
        The F_k, those on the diagonal first: one for each column.

    """
    sector = Sector(1, 2 if all(b == c for b, c in (entry.columns for entry in entries)) else 3, turns=True)
    whole = _all_columns(strands, given)
    moments = [_exponents(own) for own in whole]
    strands = tuple(replace(strand, moments=own) for strand, own in zip(strands, moments, strict=True))
    means = _means(whole, moments, shares)

    def system(scales: Sequence[Ball], factors: Sequence[Ball]) -> NumericSystem:
        parts: dict[tuple[int, tuple[int, ...]], Ball] = {}
        for column, scale in zip(given, scales, strict=True):
            for strand, (terms, share) in enumerate(zip(column, shares, strict=True)):
                for (e, c), (f, d) in product(terms.items(), terms.items()):
                    at = strand, tuple(i + j for i, j in zip(e, f, strict=True))
                    parts[at] = parts.get(at, arb(0)) + abs(share * c * d) / scale
        ceiling = tuple(Ceiling(factor, strand, e) for (strand, e), factor in parts.items())
        integrand = ResidualMatrix(means, len(given), tuple(entry.columns for entry in entries), tuple(factors))
        return NumericSystem(strands, integrand, ceiling, sector, shares, given, degree=1)

    with ball_precision(PLANNING_BITS):
        ones = [arb(1)] * len(given)
        first = Strands(system(ones, [arb(1)] * len(entries)))
        sizes, others = rough_sizes(first, Bounds(first))
        scales = [size.mid() for size in sizes]
        if not all(bool(scale.is_finite()) and scale > 0 for scale in scales):
            return None
        numbers = []
        spare = 0
        for entry, about in zip(entries, (*sizes, *others), strict=True):
            b, c = entry.columns
            size = (abs(entry.factor) * (scales[b] * scales[c]).sqrt()).abs_upper()
            if not (size.is_finite() and size > 0):
                return None
            # exact in every precision
            number = arb(2) ** ceil(float_log(size) / log(2) + MARGIN)
            if not number >= size:
                return None
            numbers.append(number)
            smaller = (float_log(size) - float_log(abs(entry.factor) * about)) / log(2)
            spare = max(spare, ceil(smaller)) if smaller <= MOST_SPARE else spare
    factors = [entry.factor / number for entry, number in zip(entries, numbers, strict=True)]
    return system(scales, factors), tuple(numbers), spare


def alone(
    strands: Sequence[Strand], shares: tuple[arb, ...], given: tuple[NumericColumn, ...], factor: arb
) -> Callable[[Sequence[Ball]], Ball] | None:
    """Return F = factor S_bc as a function of the strands' own moments, None where these are not all it takes.

    Parameters
    ----------
    strands
        Those of the average, with their moments.
    shares
        Their probabilities, up to a common factor.
    given
        The columns b and c, or one where c is b.
    factor
        Of S_bc.

    """
    whole = _all_columns(strands, given)
    moments = [strand.moments for strand in strands]
    if any(set(_exponents(own)) - set(known) for own, known in zip(whole, moments, strict=True)):
        return None
    return _Alone(ResidualMatrix(_means(whole, moments, shares), len(given), ((0, len(given) - 1),), (factor,)))


@dataclass(frozen=True)
class _Alone:
    """One entry by itself."""

    matrix: ResidualMatrix
    takes_arrays = True

    def __call__(self, moments: Sequence[Ball]) -> Ball:
        return self.matrix(moments).values[0]


def _all_columns(strands: Sequence[Strand], given: Sequence[NumericColumn]) -> list[list[Polynomial]]:
    """Return the columns of block A and the others, strand by strand."""
    return [
        [*columns(Problem(strand)), *({e: arb(c) for e, c in column[place].items()} for column in given)]
        for place, strand in enumerate(strands)
    ]


def _exponents(own: Sequence[Polynomial]) -> tuple[tuple[int, ...], ...]:
    """Return those of all products of columns."""
    return tuple(dict.fromkeys(e for one in _products(own) for e in one))


def _means(
    whole: Sequence[Sequence[Polynomial]], moments: Sequence[Sequence[tuple[int, ...]]], shares: Sequence[Ball]
) -> _Means:
    parts = zip(whole, moments, shares, strict=True)
    return _Means([tuple(map(tuple, _rows(own, known, share))) for own, known, share in parts], len(whole[0]))


def _products(own: Sequence[Polynomial]) -> Iterator[Polynomial]:
    """Yield the products of columns, row by row of a symmetric matrix."""
    for i, first in enumerate(own):
        for second in own[i:]:
            yield times(first, second)


def _rows(own: Sequence[Polynomial], moments: Sequence[tuple[int, ...]], share: Ball) -> Iterator[list[Ball]]:
    """Yield the coefficients of the moments in each entry of a strand's part of H."""
    for polynomial in _products(own):
        yield [share * polynomial.get(e, arb(0)) for e in moments]


class _Means:
    """The entries of H as combinations of the moments, strand after strand, at any precision."""

    def __init__(self, parts: Sequence[Sequence[Sequence[Ball]]], size: int) -> None:
        self.size = size
        self._rows = [[c for row in rows for c in row] for rows in zip(*parts, strict=True)]
        self._at_bits: dict[int, arb_mat] = {}

    def matrix(self, moments: Sequence[Ball]) -> Ball:
        """Return H, real or complex."""
        if isinstance(moments[0], WordBalls):
            return self._full(_combined(row, moments) for row in self._rows)
        bits = ball_bits()
        if bits not in self._at_bits:
            self._at_bits[bits] = arb_mat([[+c for c in row] for row in self._rows])
        rows, is_complex = self._at_bits[bits], isinstance(moments[0], acb)
        column = acb_mat(len(moments), 1, list(moments)) if is_complex else arb_mat(len(moments), 1, list(moments))
        return self._full(((acb_mat(rows) if is_complex else rows) * column).entries())

    def _full(self, entries: Iterable[Ball]) -> list[list[Ball]]:
        """Return the matrix by its upper triangle."""
        entries = iter(entries)
        found: list[list[Ball]] = [[None] * self.size for _ in range(self.size)]
        for i in range(self.size):
            for j in range(i, self.size):
                found[i][j] = found[j][i] = next(entries)
        return found


@dataclass(frozen=True)
class ResidualMatrix:
    """Entries of S times factors, as a function of the moments of all strands.

    Parameters
    ----------
    means
        H.
    count
        The number of columns b; those of block A come before them.
    places
        Those of b and c for each entry.
    factors
        Of the entries.

    """

    means: _Means
    count: int
    places: tuple[tuple[int, int], ...]
    factors: tuple[Ball, ...]
    takes_arrays = True

    def __call__(self, moments: Sequence[Ball]) -> Several:
        """Return their values, not finite where H_AA is not seen to be invertible."""
        whole = self.means.matrix(moments)
        size = self.means.size - self.count
        if isinstance(moments[0], WordBalls):
            left = _eliminated(whole, size)
            places = [sorted(place) for place in self.places]
            values = [left[b][c - b] * factor for (b, c), factor in zip(places, self.factors, strict=True)]
            return Several(tuple(values), self.count)
        block, beside = [row[:size] for row in whole[:size]], [row[size:] for row in whole[:size]]
        kind = acb_mat if isinstance(moments[0], acb) else arb_mat
        try:
            lines = kind(block).solve(kind(beside)).tolist()
        except ZeroDivisionError:
            return Several((NAN,) * len(self.places), self.count)
        values = []
        for (b, c), factor in zip(self.places, self.factors, strict=True):
            taken = sum((beside[i][b] * lines[i][c] for i in range(size)), arb(0))
            values.append((whole[size + b][size + c] - taken) * factor)
        return Several(tuple(values), self.count)


def _combined(row: Sequence[Ball], moments: Sequence[Ball]) -> Ball:
    terms = [moment if c == 1 else c * moment for c, moment in zip(row, moments, strict=True) if not c.is_zero()]
    return sum(terms[1:], start=terms[0]) if terms else 0 * moments[0]


def _eliminated(whole: Sequence[Sequence[Ball]], size: int) -> list[list[Ball]]:
    """Return what is left of a symmetric matrix without its first rows, the upper triangle row by row.

    A pivot that may be zero makes what comes of it not finite.
    """
    rows = [list(row[i:]) for i, row in enumerate(whole)]
    for k in range(size):
        pivot, *others = rows[k]
        for i, entry in enumerate(others):
            factor = entry / pivot
            rows[k + 1 + i] = [own - factor * one for own, one in zip(rows[k + 1 + i], others[i:], strict=True)]
    return rows[size:]
