"""Gauss-Legendre rules in balls, and their remainder by the size of the integrand on an ellipse.

Let f be analytic inside the ellipse with foci -1, 1 and semi-axes (rho +- 1/rho)/2, with |f| <= M there.  Then its
Chebyshev coefficients have |a_k| <= 2 M rho^-k.  The rule with n points is exact on degrees below 2n, both it and
the integral vanish on odd T_k, and on even ones they are at most 2 and 2/(k^2 - 1) in modulus.  So for n >= 2

    |I - Q| <= sum over even k >= 2n of 2 M rho^-k {2 + 2/(k^2 - 1)} <= (64/15) M rho^-2n/(1 - rho^-2)

(Trefethen 2013, theorems 8.1 and 19.3).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import ceil, inf, isfinite, log, sqrt

from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import Ball, interval
from leadterms.evaluation.precision import ball_bits, ball_precision

FACTOR = 64 / 15
SLACK = 1 + 2.0**-30
"""Widens what is computed in floats, far more than floats round."""


def gauss(count: int) -> tuple[tuple[Ball, Ball], ...]:
    """Return nodes and weights of the rule with ``count`` points on (-1, 1), at the current precision or better."""
    return _gauss(count, 64 * ceil(ball_bits() / 64))


@lru_cache(maxsize=256)
def _gauss(count: int, bits: int) -> tuple[tuple[Ball, Ball], ...]:
    # all of it in the block: a change of sign rounds to the precision in force
    with ball_precision(bits + 8):
        upper = [arb.legendre_p_root(count, k, True) for k in range(count // 2)]
        return (*upper, *((-x, w) for x, w in upper))


def remainder(half: Ball, bound: Ball, rho: float, count: int) -> Ball:
    """Return the bound of |I - Q| on a panel of half width ``half``, ``count`` >= 2 and even."""
    ratio = 1 / arb(rho)
    return half * bound * 64 / 15 * ratio ** (2 * count) / (1 - ratio * ratio)


def points_needed(half: Ball, bound: Ball, rho: float, tolerance: Ball) -> float:
    """Return the least even number of points, inf where the bound is not finite, whose remainder is small enough."""
    if not bound.is_finite():
        return inf
    if not bound > 0:
        return 2
    # logarithms of balls: floats would overflow
    excess = float((half * bound * FACTOR / tolerance).log().mid()) - log(1 - rho**-2)
    if not isfinite(excess):
        return inf
    needed = 2 * max(1, ceil(excess / (4 * log(rho))))
    step = 2 if needed <= 64 else 16
    return step * ceil(needed / step)


@lru_cache(maxsize=1024)
def columns(rho: float, count: int) -> tuple[Ball, ...]:
    """Return complex boxes, symmetric about the real line, that cover the inside of the ellipse."""
    long, short = (rho + 1 / rho) / 2 * SLACK, (rho - 1 / rho) / 2 * SLACK
    ends = [long * (2 * i / count - 1) for i in range(count + 1)]
    boxes = []
    for left, right in pairwise(ends):
        nearest = 0.0 if left * right <= 0 else min(abs(left), abs(right))
        height = short * sqrt(max(0.0, 1 - (nearest / long) ** 2)) * SLACK + 1e-9 * short
        boxes.append(acb(interval(arb(left), arb(right)), interval(arb(-height), arb(height))))
    return tuple(boxes)
