r"""Interpolants on small intervals in double words: for accuracies beyond doubles.

A polynomial P(t) = sum_n c_n t^n, |t| <= 1, is taken apart at J places: with t = o_j + x/J, o_j = (2 j + 1 - J)/J,

.. math:: P = \sum_k q_k x^k, \quad q_k = \sum_n c_n S_{nk}, \quad
          S_{nk} = \binom nk o_j^{n - k} J^{-k}, \quad \sum_k |S_{nk}| \le 1 .

The q_k fall like (half/(J distance of poles))^k: after some the rest needs no more than doubles, by Horner's rule, and
after d of them it is nothing, at most sum_n |c_n| times the sum of S_nk, k >= d.  Horner's rule in double words is off
by less than 10 (q + 1) u^2 sum_k |q_k| for q coefficients (`double_words`: 10 u^2 in each step); the first of
them that is a double, with all after it, by (3 (d - q) + 2) u times their moduli: 2 u for each operation (Higham 2002,
section 5.1), and u for x, of which they take the first word.  Where x is off by dx the value is by sum_k k |q_k| dx.
All is for |x| <= 1 + 2^-15, x and all that it may be: `WIDER` has what its powers add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, comb

import numpy as np
from flint import arb, arb_poly

from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import TINY, UNIT, Reals
from leadterms.evaluation.certified.tools.double_words import (
    SQUARE,
    WORDS_BITS,
    Words,
    matrix_product,
    plus,
    plus_double,
    times,
    words_of,
)
from leadterms.evaluation.precision import ball_precision

PLACES = 16
"""J."""
MOST_DEGREE = 200
"""The powers of 1 + 2^-15 stay below `WIDER`."""
COARSE = 8
"""Numbers of coefficients are multiples of this."""
WIDER, WIDEST = 1.02, 1 + 2.0**-15


@dataclass(frozen=True)
class FinePolynomials:
    """Polynomials for several functions on the same intervals.

    Parameters
    ----------
    low, width
        Where the first interval begins, and how wide each is.
    middles, inverse_half
        Of the intervals; the polynomials are in (s - middle)/half.
    words
        The q_k that are in double words, by k, function and place.
    doubles
        The others.
    errors
        For each function and interval, but for what x is off by.
    turning
        For each the bound of sum k |q_k|.

    """

    low: float
    width: float
    middles: Reals
    inverse_half: Words
    words: Words
    doubles: Reals
    errors: Reals
    turning: Reals

    def values(self, s: Words, off: float) -> tuple[list[Words], Reals] | None:
        """Return the values of all functions at s, known up to ``off``, and bounds of their errors.

        None where some s is in none of the intervals.
        """
        place = np.clip(((s.high - self.low) / self.width).astype(int), 0, len(self.middles) - 1)
        t = times(plus_double(s, -self.middles[place]), self.inverse_half)
        part = np.clip(((t.high + 1) * (PLACES / 2)).astype(int), 0, PLACES - 1)
        x = plus_double(Words(t.high * PLACES, t.low * PLACES), (PLACES - 1.0) - 2 * part)
        # of t: 2 u^2 by the difference, 7 by the product, 2 by the inverse; of x 2 by the difference
        t_off = off * float(self.inverse_half.high) * (1 + 1e-9) + 12 * SQUARE
        moved = PLACES * t_off + 4 * SQUARE
        # |t| <= 1 is where the interpolation is proven
        if not (np.abs(t.high).max() + t_off <= 1 - 1e-12 and np.abs(x.high).max() + moved <= WIDEST):
            return None
        index = place * PLACES + part
        found = []
        for k in range(self.doubles.shape[1]):
            rest = np.zeros(s.high.shape)
            for row in self.doubles[::-1, k]:
                rest = rest * x.high + row[index]
            value = Words(rest, np.zeros(s.high.shape))
            for high, low in zip(self.words.high[::-1, k], self.words.low[::-1, k], strict=True):
                value = plus(times(value, x), Words(high[index], low[index]))
            found.append(value)
        met = slice(place.min(), place.max() + 1)
        errors, turning = (bounds[:, met].max(axis=1) for bounds in (self.errors, self.turning))
        return found, (errors + turning * moved) * (1 + 1e-9) + TINY


def fine_polynomials(
    polynomials: Sequence[Sequence[arb_poly]],
    half: Ball,
    middles: Sequence[Ball],
    ends: tuple[float, float],
    aims: Sequence[float],
) -> FinePolynomials | None:
    """Take polynomials apart; None where doubles do not hold them.

    Parameters
    ----------
    polynomials
        For each interval those of all functions.
    half, middles
        Half the width of the intervals, a little more, and their middles: doubles, exact.
    ends
        Where the first interval begins, and how wide each is.
    aims
        For each function about which error is of no harm.

    """
    functions, size = len(polynomials[0]), max(len(own.coeffs()) for row in polynomials for own in row)
    # not every size: what belongs to each is remembered
    size = COARSE * ceil(max(1, size) / COARSE)
    if size > MOST_DEGREE:
        return None
    flat = []
    for row in polynomials:
        for own in row:
            coefficients = own.coeffs()
            flat += [*coefficients, *[arb(0)] * (size - len(coefficients))]
    c, off = words_of(flat)
    if not np.isfinite(off).all():
        return None
    c, sizes = c.reshape(-1, size), np.abs(c.high).reshape(-1, size) * (1 + 1e-15)
    aim = np.tile(np.array(aims), len(polynomials))
    # what is left out, by row, degree and place
    tails = np.tensordot(sizes, _tails(size), 1)
    kept = next(d for d in range(1, size + 1) if d == size or bool((tails[:, d] <= aim[:, None]).all()))
    q, errors = matrix_product(c, _shift(size)[:, :kept].reshape(size, -1))
    moduli = (np.abs(q.high) * (1 + 1e-15) + errors).reshape(-1, kept, PLACES)
    following = np.cumsum(moduli[:, ::-1], axis=1)[:, ::-1]
    counts = 3 * (kept - np.arange(kept)) + 2
    rounded = UNIT * counts[None, :, None] * following
    first = next((d for d in range(1, kept) if bool((rounded[:, d] <= aim[:, None]).all())), kept)
    # S is off by u^2 at most, relative to itself; coefficients by what `words_of` tells
    error = (off.reshape(-1, size).sum(axis=1) + 2 * SQUARE * sizes.sum(axis=1))[:, None]
    error = error + tails[:, kept] + errors.reshape(-1, kept, PLACES).sum(axis=1)
    error = error + 10 * (first + 1) * SQUARE * following[:, 0] + (rounded[:, first] if first < kept else 0)
    turning = (moduli * np.arange(kept)[None, :, None]).sum(axis=1)

    def worst(bounds: Reals) -> Reals:
        """Return the largest bound of each function on each interval."""
        return np.asarray(bounds.reshape(len(polynomials), functions, PLACES).max(axis=2).T * WIDER)

    def by_function(numbers: Reals) -> Reals:
        shaped = numbers.reshape(len(polynomials), functions, kept, PLACES).transpose(2, 1, 0, 3)
        return np.ascontiguousarray(shaped.reshape(kept, functions, -1))

    with ball_precision(WORDS_BITS):
        inverse, _ = words_of([1 / half])
    high, low = by_function(q.high), by_function(q.low)
    return FinePolynomials(
        *ends,
        np.array([float(middle) for middle in middles]),
        inverse[0],
        Words(high[:first], low[:first]),
        high[first:],
        worst(error),
        worst(turning),
    )


@lru_cache(maxsize=64)
def _shift(size: int) -> Words:
    """Return S by n, k and j: whole numbers over powers of J, of which the first 106 bits are taken."""
    high, low = np.zeros((size, size, PLACES)), np.zeros((size, size, PLACES))
    for j in range(PLACES):
        powers = [(2 * j + 1 - PLACES) ** k for k in range(size)]
        for n in range(size):
            for k in range(n + 1):
                whole = comb(n, k) * powers[n - k]
                first = float(whole)
                scale = float(PLACES) ** -n
                high[n, k, j], low[n, k, j] = first * scale, float(whole - int(first)) * scale
    return Words(high, low)


@lru_cache(maxsize=64)
def _tails(size: int) -> Reals:
    """Return the sums of |S_nk| over k >= d, by n, d and j."""
    moduli = np.abs(_shift(size).high)
    sums = np.zeros((size, size + 1, PLACES))
    sums[:, :size] = np.cumsum(moduli[:, ::-1], axis=1)[:, ::-1]
    return sums * (1 + 1e-12)
