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
        excess = float_log(found.rad() / share) / log(2) if found.is_finite() else inf
        bits += int(min(bits, max(LEAST, excess + SPARE)))
        found = total(bits)
    return found
