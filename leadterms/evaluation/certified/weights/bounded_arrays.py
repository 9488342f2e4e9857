r"""Bounds of straying weights over many rectangles at once, in double precision: by values remembered on grids.

Over low <= x <= high, |y| <= across

    |w| <= min(sup over x >= low, sup over x <= high),    w(x) >= min(w(low), w(high)) for one maximum,

and w'/w = factor eta + e: the ends are moved outwards to a grid, where each of these depends on one end.  Doubles are
pairs of a mantissa and an exponent of 2, since weights may be far below the least double.

For the complementary log-log weight e = 2 - h, h(q) = q/(1 - e^-q), q = e^eta, which falls for real eta: q/(1 - e^-q)
rises with q.  With d = dh/d(eta) = h (1 + q - h), and e' = -d, e'' = -d (1 + q - h) - h (q - d),

    |Re e(x + iy) - e(x)| <= y^2/2 sup|e''|,    |Im e(x + iy)| <= |y| sup|e'|,

the first since d(Re e)/dy = -Im e', which is zero at y = 0 and at most |y| sup|e''|.  For the probit weight |e| is at
most what `ProbitBalls.excess` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import frexp, inf

import numpy as np
from flint import acb, arb
from sympy import Integer

from leadterms.evaluation.certified.tools.balls import Ball, disc, interval
from leadterms.evaluation.certified.tools.discs import TINY, WIDER, Ints, Reals, different_places, upwards
from leadterms.evaluation.certified.weights.elementary_weights import CloglogBalls
from leadterms.evaluation.certified.weights.probit_weight import ProbitBalls
from leadterms.evaluation.certified.weights.remembered import Kind
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import CloglogWeight, ProbitWeight

STEPS, ROWS = 64, 32
"""Steps of the grid in a unit of x, and of y."""
LEFT, RIGHT = -(10**4), 10**4
"""Ends of the grid in x; w falls beyond them."""
COLUMNS = 8
"""Columns in a unit of x on which derivatives of e are bounded."""
FAR = 24
"""No bound of e is given for the complementary log-log weight from there on: e is about -e^24."""
BITS = 64
LEAST = -(10**9)
"""Exponents of 2 below which a weight counts as nothing."""
Pair = tuple[float, int]
"""Mantissa and exponent."""


@dataclass(frozen=True)
class Scaled:
    """Numbers mantissa 2^exponent."""

    mantissas: Reals
    exponents: Ints

    def over(self, exponent: int) -> Reals:
        """Return them over 2^exponent; what is too small for doubles becomes zero, or nearly."""
        return np.ldexp(self.mantissas, np.clip(self.exponents - exponent, -2000, 1000).astype(np.int32))


@dataclass(frozen=True)
class Rests:
    """Enclosures of e: Re e in middles -+ halves, and |Im e| <= across; infinite where nothing is known."""

    middles: Reals
    halves: Reals
    across: Reals


class BoundedArrays:
    """Bounds for one kind of weight, of scale 1.

    Parameters
    ----------
    kind
        Probit or complementary log-log.

    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.factor = -1.0 if kind is ProbitBalls else 0.0
        """Of eta in w'/w."""

    def tops(self, low: Reals, high: Reals, across: Reals) -> Scaled:
        """Bound |w| over rectangles; an infinite mantissa where nothing is known."""
        rows = _up(across, ROWS)
        places, back = different_places(_down(low, STEPS), _up(high, STEPS), rows)
        found = _scaled(_top(self._kind, *place) for place in places)
        return Scaled(found.mantissas[back], found.exponents[back])

    def leasts(self, low: Reals, high: Reals) -> Scaled:
        """Bound w over intervals from below."""
        first, last = (self._leasts_at(places) for places in (_down(low, STEPS), _up(high, STEPS)))
        same = first.exponents == last.exponents
        below = (first.exponents < last.exponents) | (same & (first.mantissas < last.mantissas))
        taken = (first.mantissas == 0) | (below & (last.mantissas > 0))
        return Scaled(
            np.where(taken, first.mantissas, last.mantissas), np.where(taken, first.exponents, last.exponents)
        )

    def _leasts_at(self, places: Ints) -> Scaled:
        """Bound w at points of the grid from below: each once, as there are few."""
        known, back = np.unique(places, return_inverse=True)
        found = _scaled(_least(self._kind, place) for place in known.tolist())
        return Scaled(found.mantissas[back], found.exponents[back])

    def rests(self, low: Reals, high: Reals, across: Reals) -> Rests:
        """Enclose e over rectangles."""
        rows = _up(across, ROWS).tolist()
        if self._kind is ProbitBalls:
            size = np.array([_excess(row) for row in rows])
            return Rests(np.zeros_like(size), size, size)
        most = np.array([_rest(i)[1] for i in _down(low, STEPS).tolist()])
        least = np.array([_rest(i)[0] for i in _up(high, STEPS).tolist()])
        slopes = np.array([_slopes(i, row) for i, row in zip(_up(high, COLUMNS).tolist(), rows, strict=True)])
        known = np.isfinite(most) & np.isfinite(least) & np.isfinite(slopes).all(axis=1)
        most, least = np.where(known, most, 0.0), np.where(known, least, 0.0)
        first, second = np.where(known, slopes.T, 0.0)
        middles = (most + least) / 2
        halves = ((most - least) / 2 + across**2 / 2 * second) * WIDER + np.abs(middles) * 1e-15 + TINY
        unknown = np.where(known, 0.0, np.inf)
        return Rests(middles, halves + unknown, across * first * WIDER + TINY + unknown)


def _down(x: Reals, steps: int) -> Ints:
    return np.floor(np.clip(x, LEFT, RIGHT) * steps - 1e-6).astype(np.int64)


def _up(x: Reals, steps: int) -> Ints:
    return np.ceil(np.clip(x, LEFT, RIGHT) * steps + 1e-6).astype(np.int64)


def _scaled(pairs: Iterable[Pair]) -> Scaled:
    mantissas, exponents = zip(*pairs, strict=True)
    return Scaled(np.array(mantissas), np.array(exponents, dtype=np.int64))


def _size(pair: Pair) -> tuple[bool, int, float]:
    """Return what orders numbers that are not negative, mantissas between 1/2 and 1 or zero."""
    return pair[0] > 0, pair[1], pair[0]


@lru_cache(maxsize=8)
def _unit(kind: Kind) -> ProbitBalls | CloglogBalls:
    return kind(ProbitWeight(Integer(1)) if kind is ProbitBalls else CloglogWeight(Integer(1)))  # type: ignore[no-any-return]


@lru_cache(maxsize=262144)
def _top(kind: Kind, low: int, high: int, rows: int) -> Pair:
    """Return the smaller of two bounds that hold to one side of an end each."""
    ends = _top_beyond(kind, low, rows, True), _top_beyond(kind, high, rows, False)
    return min((pair for pair in ends if pair[0] < inf), key=_size, default=(inf, 0))


@lru_cache(maxsize=65536)
def _top_beyond(kind: Kind, end: int, rows: int, to_the_right: bool) -> Pair:
    with ball_precision(BITS):
        x, height = arb(end) / STEPS, arb(rows) / ROWS
        low, high = (x, None) if to_the_right else (None, x)
        if end <= LEFT * STEPS and to_the_right:
            low = None
        if end >= RIGHT * STEPS and not to_the_right:
            high = None
        bound = _unit(kind).modulus(low, high, height).abs_upper()
        return _pair(bound.max(arb(2) ** LEAST), WIDER) if bound.is_finite() else (inf, 0)


@lru_cache(maxsize=65536)
def _least(kind: Kind, end: int) -> Pair:
    """Return a lower bound of w at a point, zero far out."""
    if not LEFT * STEPS < end < RIGHT * STEPS:
        return 0.0, 0
    with ball_precision(BITS):
        value = _unit(kind).at(arb(end) / STEPS)
        return _pair(value.lower(), 1 / WIDER) if value > 0 and value.lower() > arb(2) ** LEAST else (0.0, 0)


def _pair(number: Ball, factor: float) -> Pair:
    """Return mantissa and exponent of a positive number, times a factor that covers the rounding."""
    if number.is_zero():
        return 0.0, 0
    exponent = int(number.mid().man_exp()[1]) + int(number.mid().man_exp()[0]).bit_length()
    mantissa, more = frexp(float(number / arb(2) ** exponent) * factor)
    return mantissa, exponent + more


@lru_cache(maxsize=256)
def _excess(row: int) -> float:
    with ball_precision(BITS):
        found = ProbitBalls.excess(arb(row) / ROWS)
        return upwards(found.abs_upper()) if found.is_finite() else inf


@lru_cache(maxsize=65536)
def _rest(i: int) -> tuple[float, float]:
    """Return bounds of 2 - h at a real point."""
    if i >= FAR * STEPS:
        return -inf, inf
    with ball_precision(BITS):
        q = (arb(i) / STEPS).exp()
        found = 2 + q / (-q).expm1()
        middle, radius = float(found.mid()), float(found.rad())
        widened = abs(middle) * 1e-14 + radius * 2
        return middle - widened, middle + widened


@lru_cache(maxsize=65536)
def _slopes(column: int, row: int) -> tuple[float, float]:
    """Bound |e'| and |e''| for x up to the end of a column and |y| up to that of a row."""
    if column > FAR * COLUMNS:
        return inf, inf
    before = _slopes(column - 1, row) if column > -8 * COLUMNS else (0.0, 0.0)
    with ball_precision(BITS):
        height, end = arb(row) / ROWS, arb(column) / COLUMNS
        if column > -8 * COLUMNS:
            q = acb(interval(end - arb(1) / COLUMNS, end), interval(-height, height)).exp()
        else:
            q = disc(end.exp())
        h = CloglogBalls.rising(q)
        d = h * (1 + q - h)
        first, second = d.abs_upper(), (d * (1 + q - h) + h * (q - d)).abs_upper()
        known = first.is_finite() and second.is_finite()
        found = (upwards(first), upwards(second)) if known else (inf, inf)
        return max(before[0], found[0]), max(before[1], found[1])
