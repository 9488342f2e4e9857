"""Nodes and weights of Gauss-Legendre quadrature at any precision, in fixed-point arithmetic."""

from __future__ import annotations

import math
from functools import lru_cache


@lru_cache(maxsize=64)
def gauss_legendre(count: int, bits: int) -> tuple[tuple[int, int], ...]:
    """Return the positive nodes and their weights on (-1, 1), as integers scaled by 2^bits.

    Parameters
    ----------
    count
        Even number of nodes; the negative ones mirror those returned.
    bits
        Fixed-point precision of the result.

    Returns
    -------
    pairs
        (node, weight) with absolute errors of about 2^-bits, count/2 of them.

    Examples
    --------
    >>> [(round(x / 2**60, 10), round(w / 2**60, 10)) for x, w in gauss_legendre(2, 60)]
    [(0.5773502692, 1.0)]

    """
    extra = 20 + 3 * count.bit_length()
    work = bits + extra
    precisions = [work]
    while precisions[-1] > 2 * 45:
        precisions.append(precisions[-1] // 2 + extra // 2)
    pairs = []
    for i in range(count // 2):
        x, at = int(_float_root(count, i) * 2.0**60), 60
        for wider in reversed(precisions):
            # Newton doubles the digits: each step works with as many as it can make right
            x, at = _shift(x, wider - at), wider
            last, slope = _legendre(count, x, at)
            x -= (last << at) // slope
        _, slope = _legendre(count, x, work)
        # w = 2/((1 - x^2) P_n'(x)^2)
        denominator = (((1 << work) - (x * x >> work)) * (slope * slope >> work)) >> work
        pairs.append((x >> extra, ((2 << 2 * work) // denominator) >> extra))
    return tuple(pairs)


def _shift(number: int, places: int) -> int:
    return number << places if places >= 0 else number >> -places


def _float_root(count: int, index: int) -> float:
    """Return a root of P_n by Newton's method in double precision, from Tricomi's start."""
    x = math.cos(math.pi * (index + 0.75) / (count + 0.5))
    for _ in range(4):
        before, last = 1.0, x
        for k in range(1, count):
            before, last = last, ((2 * k + 1) * x * last - k * before) / (k + 1)
        x -= last * (1 - x * x) / (count * (before - x * last))
    return x


def _legendre(count: int, x: int, work: int) -> tuple[int, int]:
    """Return P_n(x) and P_n'(x) in fixed point by the three-term recurrence."""
    before, last = 1 << work, x
    for k in range(1, count):
        before, last = last, ((2 * k + 1) * (x * last >> work) - k * before) // (k + 1)
    slope = (count * (before - (x * last >> work)) << work) // ((1 << work) - (x * x >> work))
    return last, slope
