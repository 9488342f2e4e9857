r"""Double-word arithmetic: numbers as unevaluated sums of two doubles, many at a time, with proven rounding.

u = 2^-53, and high is the double next to high + low.  Relative errors (Joldes, Muller and Popescu 2017, Tight and
rigorous error bounds for basic building blocks of double-word arithmetic, theorems 2.1, 3.1 and 5.1): 2 u^2 of a sum
with a double, 3 u^2/(1 - 4 u) of a sum, 7 u^2 of a product.  Products that underflow are off by some least doubles
beside, which callers' `TINY` covers.

**Quotients.**  Let q be the double next to the quotient of the first words: q b = a (1 + d), |d| <= 4 u.  In words
r = a - q b is off by 7.1 u^2 |a|, and is at most 4.1 u |a|; the quotient of its first word and b's is off by 3.1 u
times its own size, 13 u^2 |a/b|.  Together 21 u^2.

**Products of matrices** (after Ozaki, Ogita, Oishi and Rump 2012, Error-free transformations of matrix multiplication).
Let |a| <= 2^e in a row of A, g = 2^(e - b), and a = g {N + 2^-b (M + R)} with whole numbers |N| <= 2^b and |M| <= 2^(b
- 1), and |R| <= 1, as 2 b <= 52; of B's columns likewise.  For sums of n products, n 4^b <= 2^53, those of N N', N M'
and M N' are whole numbers up to 2^53: exact in doubles, whatever the order.  What is left,

.. math:: T = 2^{-b} \sum (N R' + R N') + 4^{-b} \sum (M + R)(M' + R'),

is at most 3 n.  R is rounded by u, which changes T by less than 3 n u; sums of n products in doubles are off by (n + 8)
u times the sum of moduli (`discs`), 3 n; and the two words together round T and what is below the first, at most 1, by
u each.  All this is less than 4 (n + 8)^2 u, times g g'; 5 has room for u (3 n + 1) more, where what is left is larger
than what is before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, log2
from typing import Any

import numpy as np

from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import TINY, UNIT, Reals, upwards
from leadterms.evaluation.precision import ball_precision

BLOCK = 128
"""So many products are added at once."""
SPLITTER = 2.0**27 + 1
LEAST_EXPONENT = -900
"""Rows that are smaller have the unit of this one: it is no double where they are much smaller."""
WORDS_BITS = 128
"""The precision at which balls are turned into words."""
SQUARE = UNIT * UNIT


@dataclass(frozen=True)
class Words:
    """Numbers high + low."""

    high: Reals
    low: Reals

    def __getitem__(self, key: Any) -> Words:
        return Words(self.high[key], self.low[key])

    def reshape(self, *shape: int) -> Words:
        """Return them in another shape."""
        return Words(self.high.reshape(*shape), self.low.reshape(*shape))

    @property
    def transposed(self) -> Words:
        """The transposed matrix."""
        return Words(self.high.T, self.low.T)

    @property
    def are_finite(self) -> bool:
        """Whether doubles hold them."""
        return bool(np.isfinite(self.high).all() and np.isfinite(self.low).all())


def words_of(numbers: Sequence[Ball]) -> tuple[Words, Reals]:
    """Return words for balls, and bounds of how far they are off, infinite where doubles do not hold them."""
    high, low, errors = (np.zeros(len(numbers)) for _ in range(3))
    with ball_precision(WORDS_BITS):
        for i, number in enumerate(numbers):
            first = float(number.mid())
            if not isfinite(first):
                errors[i] = inf
                continue
            rest = number - first
            high[i] = first
            low[i] = second = float(rest.mid())
            errors[i] = upwards((rest - second).abs_upper())
    return Words(*_quick_sum(high, low)), errors


def clipped(a: Words, low: float, high: float) -> Words:
    """Return numbers, and in place of what lies beyond two ends these."""
    first = np.clip(a.high, low, high)
    # next to an end the second word may lead beyond it, by less than u
    return Words(first, np.where(first == a.high, a.low, 0.0))


def plus_double(a: Words, b: Reals) -> Words:
    """Return sums with doubles, off by 2 u^2."""
    high, low = _sum(a.high, b)
    return Words(*_quick_sum(high, a.low + low))


def plus(a: Words, b: Words) -> Words:
    """Return sums, off by 3 u^2/(1 - 4 u)."""
    high, low = _sum(a.high, b.high)
    above, below = _sum(a.low, b.low)
    high, low = _quick_sum(high, low + above)
    return Words(*_quick_sum(high, below + low))


def times(a: Words, b: Words) -> Words:
    """Return products, off by 7 u^2."""
    high, low = _product(a.high, b.high)
    return Words(*_quick_sum(high, low + (a.high * b.low + a.low * b.high)))


def over(a: Words, b: Words) -> Words:
    """Return quotients, off by 21 u^2, and by least doubles over b beside where products underflow."""
    first = a.high / b.high
    rest = plus(a, times(b, Words(-first, np.zeros_like(first))))
    return Words(*_quick_sum(first, rest.high / b.high))


def matrix_product(a: Words, b: Words) -> tuple[Words, Reals]:
    """Return the product of two matrices, and bounds of how far its entries are off: see the module.

    Sums of many products are taken in blocks, whose bounds are less, and these added two by two.
    """
    count = a.high.shape[1]
    blocks = ceil(count / BLOCK) if count else 1
    size = ceil(count / blocks) if count else 0
    more = blocks * size - count

    def left(part: Reals) -> Reals:
        return np.pad(part, ((0, 0), (0, more))).reshape(len(part), blocks, size).transpose(1, 0, 2)

    def right(part: Reals) -> Reals:
        return np.pad(part, ((0, more), (0, 0))).reshape(blocks, size, part.shape[1])

    found, errors = _products(Words(left(a.high), left(a.low)), Words(right(b.high), right(b.low)))
    off, moduli, levels = errors.sum(axis=0), np.abs(found.high).sum(axis=0), 0
    while len(found.high) > 1:
        half = len(found.high) // 2
        pairs = plus(found[:half], found[half : 2 * half])
        rest = found[2 * half :]
        found = Words(np.concatenate([pairs.high, rest.high]), np.concatenate([pairs.low, rest.low]))
        levels += 1
    # each level rounds sums that are no larger by 3 u^2
    return found[0], (off + 4 * levels * SQUARE * moduli) * (1 + 1e-10) + TINY


def _products(a: Words, b: Words) -> tuple[Words, Reals]:
    """Return the products of matrices, block by block."""
    count = a.high.shape[2]
    bits = (53 - ceil(log2(max(count, 1)))) // 2
    first, second = _parts(a, bits, 2), _parts(b, bits, 1)
    small = 2.0**-bits
    left, right = first.middle + first.rest, second.middle + second.rest
    rest = small * (first.whole @ second.rest + first.rest @ second.whole) + small * small * (left @ right)
    high, low = _sum(first.whole @ second.whole, small * (first.whole @ second.middle + first.middle @ second.whole))
    high, low = _quick_sum(high, low + rest)
    scale = first.unit * second.unit
    return Words(high * scale, low * scale), 5 * (count + 8) ** 2 * UNIT * (1 + 1e-10) * scale + TINY


@dataclass(frozen=True)
class _Parts:
    """N, M, R and the unit g of each row or column."""

    whole: Reals
    middle: Reals
    rest: Reals
    unit: Reals


def _parts(a: Words, bits: int, axis: int) -> _Parts:
    _, exponents = np.frexp(np.abs(a.high).max(axis=axis, keepdims=True, initial=0.0))
    unit = np.ldexp(1.0, np.maximum(exponents, LEAST_EXPONENT) - bits)
    scaled, below = a.high / unit, a.low / unit
    whole = np.rint(scaled)
    next_bits = (scaled - whole) * 2.0**bits
    middle = np.rint(next_bits)
    return _Parts(whole, middle, (next_bits - middle) + below * 2.0**bits, unit)


def _sum(a: Reals, b: Reals) -> tuple[Reals, Reals]:
    """Return the sum in doubles and its error, exact (Knuth)."""
    high = a + b
    part = high - a
    return high, (a - (high - part)) + (b - part)


def _quick_sum(a: Reals, b: Reals) -> tuple[Reals, Reals]:
    """Return the same for |a| >= |b| (Dekker)."""
    high = a + b
    return high, b - (high - a)


def _product(a: Reals, b: Reals) -> tuple[Reals, Reals]:
    """Return the product in doubles and its error, exact unless it underflows (Dekker, Veltkamp)."""
    high = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return high, a2 * b2 - (((high - a1 * b1) - a2 * b1) - a1 * b2)


def _halves(a: Reals) -> tuple[Reals, Reals]:
    wide = SPLITTER * a
    first = wide - (wide - a)
    return first, a - first
