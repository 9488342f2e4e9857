"""Sums over nodes of the effects that are done again, at more bits, where they are too inaccurate."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log

from leadterms.evaluation.certified.tools.balls import Ball, float_log

TRIES = 5
LEAST, SPARE = 16, 8
"""So many bits are added at least, and beyond those that are missing."""


def raised(total: Callable[[int], Ball], bits: int, share: Ball) -> Ball:
    """Return a sum whose radius is at most a share, at more bits time after time; or the last that was tried.

    Where all but a few points of the predictors weigh next to nothing moments in a denominator may be small.  So many
    bits are added as the radius is too large by, some of them to spare, or as many as there are where that is more or
    not known.
    """
    found = total(bits)
    for _ in range(TRIES - 1):
        if found.is_finite() and found.rad() <= share:
            break
        bits += more_bits(found, share, bits)
        found = total(bits)
    return found


def missing_bits(found: Ball, share: Ball) -> float:
    """Return by how many bits a radius is larger than a share: negative where it is smaller."""
    if not found.is_finite():
        return inf
    radius = found.rad()
    return float_log(radius / share) / log(2) if radius > 0 else -inf


def more_bits(found: Ball, share: Ball, bits: int) -> int:
    """Return how many bits are added after a sum at so many that is too inaccurate."""
    return int(min(bits, max(LEAST, missing_bits(found, share) + SPARE)))
