r"""Discs in double precision, many at a time, with proven rounding: for bounds, of which a few digits are needed.

A sum of n products computed in doubles differs from the true one, in whatever order it is added, by at most
gamma = n u/(1 - n u) times the sum of their moduli, u = 2^-53 (Higham 2002, Accuracy and Stability of Numerical
Algorithms, section 3.1), a real factor times a complex number being two real products; and by n times the least
positive double, where products underflow.  Here gamma is taken four times as large, `TINY` for n least doubles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import acb, arb
from numpy.typing import NDArray

from leadterms.evaluation.certified.tools.balls import Ball

Reals = NDArray[np.float64]
TINY = 1e-300
SMALLEST = 1e-200
"""Sums of smaller terms alone lose digits: balls are needed."""
WIDER = 1 + 1e-12
UNIT = 2.0**-53
LARGEST = 1e308


def upwards(bound: Ball) -> float:
    """Return a double that is not below a real number's upper end; inf where that is not finite."""
    top = bound.upper()
    found = max(float(top), -LARGEST)
    return found + abs(found) * 1e-15 + TINY if top.is_finite() else float("inf")


Ints = NDArray[np.int64]
WIDE = 2**62
"""Rows of whole numbers are told apart by one number each, of which there may be no more."""


def different_places(*columns: Any) -> tuple[Iterator[tuple[int, ...]], Ints]:
    """Return the different rows of several columns of whole numbers, and which of them each row is.

    They come one at a time: of lists of lists the collector of garbage would look at each.
    """
    wholes = [np.asarray(column).astype(np.int64) for column in columns]
    chosen, back = np.arange(len(wholes[0])), np.arange(len(wholes[0]))
    keys = _keys(wholes)
    if keys is not None:
        _, chosen, back = np.unique(keys, return_index=True, return_inverse=True)
    return zip(*(whole[chosen].tolist() for whole in wholes), strict=True), back


def _keys(columns: Sequence[Ints]) -> Ints | None:
    """Return a number for each row, different ones for different rows; None where rows are too far apart."""
    if not len(columns[0]):
        return None
    keys, size = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        low, high = int(column.min()), int(column.max())
        size *= high - low + 1
        if size > WIDE:
            return None
        keys = keys * (high - low + 1) + (column - low)
    return keys


@dataclass(frozen=True)
class Discs:
    """Discs with these midpoints and radii, an infinite radius where nothing is known."""

    centres: NDArray[np.complex128]
    radii: Reals

    def put(self, place: int, box: Ball) -> None:
        """Set one of them to a disc that contains a box."""
        middle = box.mid()
        self.centres[place] = complex(float(middle.real), float(middle.imag)) if middle.is_finite() else 0
        self.radii[place] = upwards((box - acb(self.centres[place])).abs_upper()) if box.is_finite() else float("inf")

    def times(self, factor: Ball, where: NDArray[np.bool_]) -> Discs:
        """Return some of them times a real number."""
        if factor == 1:
            return self
        size = np.abs(self.centres) + self.radii
        number, error = float(factor), upwards(abs(factor - float(factor)).upper())
        centres = np.where(where, self.centres * number, self.centres)
        radii = (self.radii * abs(number) + size * (error + 4 * UNIT * abs(number))) * WIDER + TINY
        return Discs(centres, np.where(where, radii, self.radii))


@dataclass(frozen=True)
class Rows:
    """Rows of real numbers in doubles, and bounds of their errors."""

    numbers: Any
    errors: Any

    def sums(self, discs: Discs) -> list[Ball] | None:
        """Return for each row the sum of its numbers times discs, None where doubles do not hold it."""
        sizes = np.abs(discs.centres) * WIDER + discs.radii
        numbers = np.abs(self.numbers)
        if not (np.isfinite(sizes).all() and (numbers @ sizes).max(initial=0.0) > SMALLEST):
            return None
        rounding = 4 * UNIT * (len(sizes) + 8)
        centres = self.numbers @ discs.centres
        radii = (numbers @ discs.radii + (self.errors + rounding * numbers) @ sizes) * WIDER * (1 + rounding) + TINY
        if not (np.isfinite(radii).all() and np.isfinite(centres).all()):
            return None
        return [acb(arb(c.real, r), arb(c.imag, r)) for c, r in zip(centres.tolist(), radii.tolist(), strict=True)]


def rows_of(numbers: Sequence[Ball], count: int) -> Rows:
    """Return so many rows, one after the other in a list of balls."""
    middles = np.array([float(number.mid()) for number in numbers])
    errors = np.array([float(number.rad()) for number in numbers]) * WIDER + np.abs(middles) * 4 * UNIT + TINY
    return Rows(middles.reshape(count, -1), errors.reshape(count, -1))
