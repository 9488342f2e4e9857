"""Real balls in double words, many at a time: what is rational in arrays of numbers, with proven rounding.

Midpoints are double words (`double_words`), radii doubles.  Each operation adds to the radius what it rounds, widened
by `WIDER` for what the radius itself rounds, and `TINY` for what underflows.  Where doubles do not hold a number its
radius is infinite or not a number, and so is all that comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import TINY, WIDER, Reals
from leadterms.evaluation.certified.tools.double_words import SQUARE, Words, over, plus, times, words_of

NEXT = 1 + 1e-15
"""First words are no farther than this from the numbers."""


@dataclass(frozen=True)
class WordBalls:
    """Balls with these midpoints and radii; python-flint's numbers beside them are balls that all of them meet."""

    words: Words
    off: Reals

    def __getitem__(self, key: Any) -> WordBalls:
        return WordBalls(self.words[key], self.off[key])

    @property
    def sizes(self) -> Reals:
        """Bounds of the moduli."""
        return np.abs(self.words.high) * NEXT + self.off

    def __neg__(self) -> WordBalls:
        return WordBalls(Words(-self.words.high, -self.words.low), self.off)

    def __add__(self, other: Any) -> WordBalls:
        other = _balls(other)
        return self._rounded(plus(self.words, other.words), self.off + other.off)

    __radd__ = __add__

    def __sub__(self, other: Any) -> WordBalls:
        return self + -_balls(other)

    def __rsub__(self, other: Any) -> WordBalls:
        return _balls(other) - self

    def __mul__(self, other: Any) -> WordBalls:
        other = _balls(other)
        off = self.off * other.sizes + np.abs(self.words.high) * NEXT * other.off
        return self._rounded(times(self.words, other.words), off)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> WordBalls:
        other = _balls(other)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # |a'/b' - a/b| <= (|a' - a| + |a/b| |b' - b|)/|b'|
            words = over(self.words, other.words)
            least = np.abs(other.words.high) / NEXT - other.off
            quotient = np.abs(words.high) * NEXT
            off = (self.off + TINY + quotient * (other.off + TINY)) / least
            return self._rounded(words, np.where(least > 0, off, np.inf))

    def __rtruediv__(self, other: Any) -> WordBalls:
        return _balls(other) / self

    @staticmethod
    def _rounded(words: Words, off: Reals) -> WordBalls:
        """Return the balls with what the operation rounds, at most 21 u^2 of it (`over`)."""
        return WordBalls(words, (off + 32 * SQUARE * np.abs(words.high)) * WIDER + TINY)

    def total(self) -> Ball:
        """Return the sum of all, added two by two: each sum rounds its own size by 3 u^2/(1 - 4 u)."""
        words, off, rounded = self.words.reshape(-1), float(self.off.sum()), 0.0
        count = words.high.size
        while words.high.size > 1:
            half = words.high.size // 2
            pairs, rest = plus(words[:half], words[half : 2 * half]), words[2 * half :]
            rounded += float(np.abs(pairs.high).sum())
            words = Words(np.concatenate([pairs.high, rest.high]), np.concatenate([pairs.low, rest.low]))
        # the radii's sum in doubles is off by count u, relative to itself (`discs`)
        off = (off * (1 + count * 2.0**-50) + 4 * SQUARE * rounded * (1 + count * 2.0**-50)) * WIDER + TINY
        high, low = (float(part.sum()) for part in (words.high, words.low))
        return arb(high, off) + low if np.isfinite(off) else arb.nan()

    def rows(self) -> list[list[Ball]]:
        """Return the rows of a matrix."""
        parts = (part.tolist() for part in (self.words.high, self.words.low, self.off))
        return [[arb(high, off) + low for high, low, off in zip(*own, strict=True)] for own in zip(*parts, strict=True)]


def word_balls(numbers: Sequence[Ball]) -> WordBalls:
    """Return balls in double words."""
    return WordBalls(*words_of(numbers))


def rows_of(points: Sequence[tuple[Ball, Sequence[Ball]]]) -> WordBalls:
    """Return a matrix with a row for each pair of a number and several."""
    words, off = words_of([part for first, others in points for part in (first, *others)])
    return WordBalls(words.reshape(len(points), -1), off.reshape(len(points), -1))


def stacked(columns: Sequence[Any], count: int) -> WordBalls:
    """Return columns side by side, a row for each of so many points; a column may be one number for all."""
    parts = [_balls(column) for column in columns]
    high, low, off = (
        np.stack([np.broadcast_to(part, (count,)) for part in own], axis=1)
        for own in zip(*((part.words.high, part.words.low, part.off) for part in parts), strict=True)
    )
    return WordBalls(Words(high, low), off)


def one_below_the_other(parts: Sequence[WordBalls]) -> WordBalls:
    """Return all rows of some matrices."""
    high, low, off = (
        np.concatenate(own)
        for own in zip(*((part.words.high, part.words.low, part.off) for part in parts), strict=True)
    )
    return WordBalls(Words(high, low), off)


def _balls(number: Any) -> WordBalls:
    if isinstance(number, WordBalls):
        return number
    words, off = words_of([arb(number)])
    return WordBalls(words[0], off[0])
