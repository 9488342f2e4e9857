r"""How small the information on two effects may be far out where each two of three strands fail in some direction.

H = sum_s p_s E_s[w a a'] with rows a that are alike on each strand, lambda its least eigenvalue.  On a part Q_k of each
of three strands let 1/w <= f_k(z), f_k a sum of `Corner`, B_k = p_k E_k[a a'; Q_k], and g_jk the least eigenvalue of
B_j + B_k.

At z let f_j <= f_i <= f_k.  Then H >= B_j/f_j + B_i/f_i >= (B_j + B_i)/f_i, so that 1/lambda <= f_i/g_ij, and
f_i = min(f_i, f_k) <= f_i^(1 - t) f_k^t for every t in [0, 1].  So, whichever of the three is j,

    1/lambda <= sum_j f_i^(1 - t_j) f_k^(t_j)/min(g_ij, g_kj),  {i, k} the two besides j.

Powers of sums: (sum x)^t <= sum x^t for x >= 0 and t in [0, 1].

**Nothing is lost** in the growth.  With f_i like e^((b_i'z)^2/2), E[min(f_i, f_k)] is finite where
min((b_i'z)^2, (b_k'z)^2) < |z|^2 for all z != 0: where of the forms I - b_i b_i' and I - b_k b_k' one is positive at
each z != 0.  Then some mean (1 - t)(I - b_i b_i') + t (I - b_k b_k') is positive definite (Yuan's lemma), which is what
the integral of f_i^(1 - t) f_k^t needs.  That t is looked for where log E[f_i^(1 - t) f_k^t] is least, which is convex
in t, and where it is not finite by the least eigenvalue of the mean, which is concave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, sqrt

from flint import arb, arb_mat

from leadterms.evaluation.certified.tools.balls import Ball, float_log, least_eigenvalue
from leadterms.evaluation.certified.tools.corner import Corner

STEPS = 24
"""Of the search for t, each of which leaves two thirds of an interval."""


@dataclass(frozen=True)
class StrandPart:
    """A part of a strand: 1/w is at most the sum of the corners on it, and a a' has this mean over it."""

    block: arb_mat
    inverse: tuple[Corner, ...]


def two_of_three(parts: Sequence[StrandPart]) -> list[Corner] | None:
    """Return corners whose sum is at least 1/lambda, None where the effects' density does not outweigh them."""
    found: list[Corner] = []
    for j, own in enumerate(parts):
        first, second = (part for place, part in enumerate(parts) if place != j)
        least = _least(own, first).min(_least(own, second))
        between = _between(first.inverse, second.inverse)
        if not least > 0 or between is None:
            return None
        flat = (arb(0),) * own.block.nrows()
        found += [corner.tilted(-least.log(), flat) for corner in between]
    return found


def _least(first: StrandPart, second: StrandPart) -> Ball:
    return least_eigenvalue(first.block + second.block).lower()


def _between(first: Sequence[Corner], second: Sequence[Corner]) -> list[Corner] | None:
    """Return corners that bound the lesser of two sums of corners, by the best t that is found."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        step = (high - low) / 3
        if _judged(_mean(first, second, low + step)) <= _judged(_mean(first, second, high - step)):
            high -= step
        else:
            low += step
    best = min((_mean(first, second, t) for t in (0.0, (low + high) / 2, 1.0)), key=_judged)
    return best if all(corner.is_outweighed for corner in best) else None


def _mean(first: Sequence[Corner], second: Sequence[Corner], t: float) -> list[Corner]:
    """Return the corners of f^(1 - t) g^t; of one factor alone where t is 0 or 1."""
    if t in (0, 1):
        return list(second if t else first)
    ahead, behind = (1 - arb(t)), arb(t)
    return [one.power(ahead).times(other.power(behind)) for one, other in product(first, second)]


def _judged(corners: Sequence[Corner]) -> tuple[float, float]:
    """Rank them without proof: by their mass, and behind all that have one by the least eigenvalue."""
    if all(corner.is_outweighed for corner in corners):
        return float_log(sum((corner.mass() for corner in corners), arb(0))), 0.0
    return inf, -min(_rough_eigenvalue(corner) for corner in corners)


def _rough_eigenvalue(corner: Corner) -> float:
    squares = [[float(entry) for entry in b] for _, b in corner.squares]
    across = sum(b[0] * b[1] for b in squares)
    one, two = (1 - sum(b[i] ** 2 for b in squares) for i in range(2))
    return (one + two) / 2 - sqrt(((one - two) / 2) ** 2 + across**2)
