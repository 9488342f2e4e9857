"""Sums over nodes of the effects that are done again, at more bits, where they are too inaccurate."""

from __future__ import annotations

from collections.abc import Callable

from leadterms.evaluation.certified.tools.balls import Ball

TRIES = 5


def raised(total: Callable[[int], Ball], bits: int, share: Ball) -> Ball:
    """Return a sum whose radius is at most a share, at twice the bits time after time; or the last that was tried.

    Where all but a few points of the predictors weigh next to nothing moments in a denominator may be small.
    """
    found = total(bits)
    for _ in range(TRIES - 1):
        if found.is_finite() and found.rad() <= share:
            break
        bits *= 2
        found = total(bits)
    return found
