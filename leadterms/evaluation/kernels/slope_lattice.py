r"""The sum over a lattice of the information about a fixed slope, times a Gaussian density.

At each node the information is a Schur complement of differences of incomplete moments, M(beta) - M(alpha), over
beta - alpha: det3/(det2 (beta - alpha)), the determinants of the (3 x 3) matrix and of its upper left (2 x 2) block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil, floor, log, sqrt
from operator import mul, truediv

from flint import arb, arb_mat

from leadterms.evaluation.kernels.slope_table import Moments, Parameters, SlopeTable
from leadterms.evaluation.precision import ball_precision, set_ball_precision

_ROWS = 16
"""Rows of the lattice that are multiplied out together."""

_COLUMNS = 64
"""Columns of the lattice that are multiplied out together."""

_WORDS = 64
"""Bits of a word: precision is lowered in steps of it."""


@dataclass(frozen=True)
class _Row:
    """The nodes of one row: p = index * step, and the first and last number along q."""

    index: int
    first: int
    last: int


@dataclass(frozen=True)
class _Tiling:
    """What does not depend on the moments: the Gaussian exponent in double precision, and the weights of diagonals.

    Parameters
    ----------
    across
        Weights of the diagonals j - i = least, least + 1, ...
    least
        Number of the first diagonal.
    step, shift
        p = i step, q = shift + j step.
    variance, ratio, residual
        Variance of p, regression of q on p, and variance of q given p.
    bits
        Precision where the density is largest.

    """

    across: Sequence[arb]
    least: int
    step: float
    shift: float
    variance: float
    ratio: float
    residual: float
    bits: int

    def rows(self, depth: float) -> list[_Row]:
        """Return rows that hold all nodes with a Gaussian exponent below the depth, rounded outwards to whole nodes."""
        widest = ceil(sqrt(2 * self.variance * depth) / self.step)
        rows = []
        for i in range(-widest, widest + 1):
            p = i * self.step
            half = sqrt(2 * self.residual * max(0.0, depth - p * p / (2 * self.variance)))
            middle = self.ratio * p - self.shift
            rows.append(_Row(i, floor((middle - half) / self.step), ceil((middle + half) / self.step)))
        return rows

    def precision(self, rows: Sequence[_Row], first: int, last: int) -> int:
        """Return the bits that a tile needs: fewer by the logarithm of its largest weight."""
        least = float("inf")
        for row in (rows[0], rows[len(rows) // 2], rows[-1]):
            p = row.index * self.step
            middle = (self.ratio * p - self.shift) / self.step
            away = max(first - middle, middle - last, 0.0) * self.step
            least = min(least, p * p / (2 * self.variance) + away * away / (2 * self.residual))
        return max(53, self.bits - floor(least / log(2)))


def shared_sum(parameters: Parameters, step: float, depth: float, bits: int) -> arb:
    r"""Return the sum over p = i h, q = shift + j h at the current precision, ``bits``.

    All ends lie on two grids, so the tables of moments are short.  The Gaussian exponent splits as
    :math:`-xp^2 - yq^2 - z(p-q)^2`, :math:`z = c/2det`, so the weights are products of three tables, and
    :math:`beta - alpha = (i - j + odd/2)h` never vanishes.

    Parameters
    ----------
    parameters
        Coefficients and covariance.
    step
        h, of few bits.
    depth
        All nodes with a Gaussian exponent below it are included.
    bits
        The current ball precision.

    """
    h = arb(step)
    slope, determinant = parameters.slope, parameters.determinant
    table = SlopeTable(bits, parameters.fixed, parameters.origin)
    odd = 2 * floor(2 * float(slope) / step) + 1
    # the table magnifies errors of its argument
    with ball_precision(table.bits):
        shift = 2 * slope - odd * h / 2
    variance, ratio = float(parameters.vp), float(parameters.c / parameters.vp)
    shape = _Tiling([], 0, step, float(shift), variance, ratio, float(determinant / parameters.vp), bits)
    rows = shape.rows(depth)
    numbers = range(min(row.first for row in rows), max(row.last for row in rows) + 1)
    with ball_precision(table.bits):
        betas = [table(parameters.centre + slope + row.index * h) for row in rows]
        alphas = [table(parameters.centre - slope + shift + j * h) for j in numbers]
    cross = parameters.c / (2 * determinant)
    x, y = parameters.vq / (2 * determinant) - cross, parameters.vp / (2 * determinant) - cross
    row_weights = [(-x * (row.index * h) ** 2).exp() for row in rows]
    column_weights = [(-y * (shift + j * h) ** 2).exp() for j in numbers]
    least = numbers[0] - rows[-1].index
    diagonals = range(least, numbers[-1] - rows[0].index + 1)
    across = [(-cross * (shift + k * h) ** 2).exp() / ((arb(odd) / 2 - k) * h) for k in diagonals]
    tiling = _Tiling(across, least, step, shape.shift, variance, ratio, shape.residual, bits)
    # alpha > 0 from this number on; both ends positive: moments counted from +infinity
    split = next((j for j, ends in zip(numbers, alphas, strict=True) if ends.upper is not None), numbers[-1] + 1)
    low = _Columns(numbers[0], [ends.lower for ends in alphas], column_weights)
    high = _Columns(
        split, [ends.upper for ends in alphas if ends.upper is not None], column_weights[split - numbers[0] :]
    )
    total = arb(0)
    for k in range(0, len(rows), _ROWS):
        block = list(zip(rows[k : k + _ROWS], betas[k : k + _ROWS], row_weights[k : k + _ROWS], strict=True))
        below = [
            (row if e.upper is None else _Row(row.index, row.first, min(row.last, split - 1)), e.lower, w)
            for row, e, w in block
        ]
        above = [
            (_Row(row.index, max(row.first, split), row.last), e.upper, w) for row, e, w in block if e.upper is not None
        ]
        total += low.sum(below, tiling) + high.sum(above, tiling)
    return total * h * h / (2 * arb.pi() * determinant.sqrt())


class _Tile:
    """The moments at the ends alpha of a few columns, as two matrices to multiply rows with."""

    def __init__(self, first: int, thirds: list[list[arb]], seconds: list[list[arb]]) -> None:
        self.first = first
        self.last = first + len(thirds[0]) - 1
        self._parts = thirds, seconds
        self._rounded: dict[int, tuple[arb_mat, arb_mat]] = {}

    def at(self, words: int) -> tuple[arb_mat, arb_mat]:
        """Return the matrices rounded to the current precision, of so many words: short numbers cost less."""
        if words not in self._rounded:
            thirds, seconds = ([[+one for one in part] for part in parts] for parts in self._parts)
            self._rounded[words] = arb_mat(thirds), arb_mat(seconds)
        return self._rounded[words]


class _Columns:
    """The ends alpha of consecutive columns, in tiles."""

    def __init__(self, start: int, moments: Sequence[Moments], weights: Sequence[arb]) -> None:
        thirds = list(map(_third_column, moments, weights))
        seconds = list(map(_second_column, moments))
        self._tiles = []
        for first in range(0, len(moments), _COLUMNS):
            window = slice(first, first + _COLUMNS)
            parts = ([list(part) for part in zip(*columns[window], strict=True)] for columns in (thirds, seconds))
            self._tiles.append(_Tile(start + first, *parts))

    def sum(self, rows: Sequence[tuple[_Row, Moments, arb]], tiling: _Tiling) -> arb:
        """Return the sum over rows, each with its moments and weight, of det3/det2 times all weights."""
        exact = [(_third_row(moments), _second_row(moments)) for _, moments, _ in rows]
        rounded: dict[int, list[tuple[list[arb], list[arb]]]] = {}
        sums = [arb(0)] * len(rows)
        for tile in self._tiles:
            here = [k for k, (row, _, _) in enumerate(rows) if max(row.first, tile.first) <= min(row.last, tile.last)]
            if not here:
                continue
            chosen = [rows[k][0] for k in here]
            words = ceil(tiling.precision(chosen, tile.first, tile.last) / _WORDS)
            set_ball_precision(min(words * _WORDS, tiling.bits))
            if words not in rounded:
                rounded[words] = [([+one for one in third], [+one for one in second]) for third, second in exact]
            short = rounded[words]
            columns_of_third, columns_of_second = tile.at(words)
            over = arb_mat([short[k][0] for k in here]) * columns_of_third
            under = arb_mat([short[k][1] for k in here]) * columns_of_second
            parts = _tile_sums(chosen, tile, over.tolist(), under.tolist(), tiling)
            set_ball_precision(tiling.bits)
            for k, part in zip(here, parts, strict=True):
                sums[k] += part
        return sum(map(mul, sums, (weight for _, _, weight in rows)), arb(0))


def _tile_sums(
    rows: Sequence[_Row], tile: _Tile, over: list[list[arb]], under: list[list[arb]], tiling: _Tiling
) -> list[arb]:
    """Return the sums over the nodes of each row in a tile of det3/det2 times the weights of columns and diagonals."""
    sums = []
    for row, top, bottom in zip(rows, over, under, strict=True):
        begin, end = max(row.first, tile.first), min(row.last, tile.last) + 1
        offset = -row.index - tiling.least
        diagonal = islice(tiling.across, begin + offset, end + offset)
        if end - begin < len(top):
            window = slice(begin - tile.first, end - tile.first)
            top, bottom = top[window], bottom[window]
        sums.append(sum(map(mul, map(truediv, top, bottom), diagonal), arb(0)))
    return sums


def _cofactors(m: Moments) -> tuple[arb, arb, arb, arb, arb, arb]:
    """Return the cofactors 00, 11, 22, 01, 02, 12 of [[A0, A1, B0], [A1, A2, B1], [B0, B1, D]]."""
    a0, a1, a2, b0, b1, d = m
    return a2 * d - b1 * b1, a0 * d - b0 * b0, a0 * a2 - a1 * a1, b0 * b1 - a1 * d, a1 * b1 - a2 * b0, a1 * b0 - a0 * b1


def _third_row(m: Moments) -> list[arb]:
    """Return det M, cofactors, entries, -1: see `_third_column`."""
    a0, a1, a2, b0, b1, d = m
    c00, c11, c22, c01, c02, c12 = _cofactors(m)
    determinant = b0 * c02 + b1 * c12 + d * c22
    return [determinant, c00, c11, c22, c01, c02, c12, a0, a2, d, a1, b0, b1, arb(-1)]


def _third_column(m: Moments, weight: arb) -> list[arb]:
    """Return what makes det(M - m) = det M - <cof M, m> + <M, cof m> - det m with `_third_row`, times the weight."""
    determinant, c00, c11, c22, c01, c02, c12, a0, a2, d, a1, b0, b1, _ = _third_row(m)
    twice = 2 * weight
    return [
        weight,
        *(-weight * one for one in (a0, a2, d)),
        *(-twice * one for one in (a1, b0, b1)),
        *(weight * one for one in (c00, c11, c22)),
        *(twice * one for one in (c01, c02, c12)),
        weight * determinant,
    ]


def _second_row(m: Moments) -> list[arb]:
    """Return the factors at one end of the determinant of the upper left (2 x 2) block of M - m."""
    a0, a1, a2 = m[:3]
    return [a0 * a2 - a1 * a1, a0, a2, a1, arb(1)]


def _second_column(m: Moments) -> list[arb]:
    """Return the factors at the other end."""
    a0, a1, a2 = m[:3]
    return [arb(1), -a2, -a0, 2 * a1, a0 * a2 - a1 * a1]
