r"""How small the information on effects may be far out where there is one strand more than effects, and each may fail.

H = sum_s p_s E_s[w a a'] with rows a that are alike on each strand, d effects, lambda the least eigenvalue of H.  On a
part Q_k of each of d + 1 strands let 1/w <= f_k(z), f_k a sum of `Corner`, B_k = p_k E_k[a a'; Q_k], and g_j the least
eigenvalue of the sum of all B_k but B_j.  Strand j can be spared where g_j > 0; some can, or nothing is known.

At z let T be the largest of the f_k of strands that cannot be spared and of the min(f_i, f_k) for two that can.  Then
f_k > T for one strand j at most, and that one can be spared; if there is none let j be any that can, one of the two
where T is a min(f_i, f_k).  So H >= sum_(k != j) B_k/f_k >= g_j/T.  Where T is a min(f_i, f_k) j is i or k for one such
pair, as any third one with f_j > T makes f_i = f_k = T = min(f_i, f_j).  So

    1/lambda <= sum over pairs of min(f_i, f_k)/min(g_i, g_k) + sum over those not spared of f_k/min g_j,

and min(f_i, f_k) <= f_i^(1 - t) f_k^t for every t in [0, 1], another one for each pair.

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
from functools import reduce
from itertools import combinations, product
from math import inf, sqrt
from operator import mul

from flint import arb, arb_mat

from leadterms.evaluation.certified.tools.balls import float_log, least_eigenvalue, smaller
from leadterms.evaluation.certified.tools.corner import Corner

STEPS = 24
"""Of the search for t, each of which leaves two thirds of an interval."""


@dataclass(frozen=True)
class StrandPart:
    """A part of a strand: 1/w is at most the sum of the corners on it, and a a' has this mean over it."""

    block: arb_mat
    inverse: tuple[Corner, ...]


def all_but_one(parts: Sequence[StrandPart]) -> list[Corner] | None:
    """Return corners whose sum is at least 1/lambda, None where the effects' density does not outweigh them."""
    left = (sum((one.block for k, one in enumerate(parts) if k != j), parts[j].block * 0) for j in range(len(parts)))
    leasts = {j: least for j, block in enumerate(left) if (least := least_eigenvalue(block).lower()) > 0}
    if not leasts:
        return None
    needed = [(part.inverse, reduce(smaller, leasts.values())) for j, part in enumerate(parts) if j not in leasts]
    if not all(corner.is_outweighed for corners, _ in needed for corner in corners):
        return None
    for i, k in combinations(leasts, 2):
        between = _between(parts[i].inverse, parts[k].inverse)
        if between is None:
            return None
        needed.append((tuple(between), leasts[i].min(leasts[k])))
    flat = (arb(0),) * parts[0].block.nrows()
    return [corner.tilted(-least.log(), flat) for corners, least in needed for corner in corners]


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
    """Return about the least eigenvalue of I - sum b b', of one or two b: by that of their inner products."""
    squares = [[float(entry) for entry in b] for _, b in corner.squares]
    first, last = squares[0], squares[-1] if len(squares) > 1 else [0.0] * len(squares[0])
    one, two, across = (float(sum(map(mul, *pair))) for pair in ((first, first), (last, last), (first, last)))
    return 1 - (one + two) / 2 - sqrt(((one - two) / 2) ** 2 + across**2)
