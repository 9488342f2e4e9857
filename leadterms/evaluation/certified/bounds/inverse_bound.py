r"""Bounds of averages of an inverse information under weights with light tails: F = N/D, D a multiple of det H_AA.

H = H_AA = sum_s p_s E_s[w a a'], a = d eta/dz in the standard effects z, of order d = 1 or 2, over strands s.

**The numerator.**  N is a sum of terms c u^alpha M_1 ... M_r.  For d = 2 one of the moments M = E_s[x^e w] must have
|x^e| <= C |a|^2, so that |M| <= C tr(H)/p_s, and tr(H)/det(H) <= 2/lambda, lambda the least eigenvalue of H; for d = 1
1/det(H) = 1/lambda.  The other moments are at most sup w E|x|^e.  So |F| <= sum k (1 + |u|)^alpha/lambda.

C: let a = T m with monomials m of full column rank in T, and x^e = m_i m_j y with y bounded.  Then m = T^+ a,
|m_i m_j| <= |m|^2, or |m|^2/2 for i != j, and |m|^2 <= |T^+|^2 |a|^2 in Frobenius' norm.

**A constant row**, d = 1, a = r: each H is sum_s p_s r_s^2 E_s[w], so that a moment |E_s[x^e w]| is at most
sup|x^e|/(p_s r_s^2) times it, where that is finite.  If all terms of N have one moment 1/lambda is not needed: such are
averages of regressions on a random intercept.

**On cells** lambda is at least that of the sum over panels of the predictors (`panels`) of the least weight on them, on
the cell, times the least density and the integrals of a a'.  The least of these weights on an interval is at an end.

**Far out** 1/lambda is at most a sum of e^(q + l'z + (c + b'z)^2/2) (`far_information`).  With
(1 + |u|)^alpha <= alpha! e^(1 + |u|) and e^|u| <= e^u + e^-u all is such a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import factorial, prod

from flint import arb

from leadterms.evaluation.certified.floors.far_information import NEAREST, far_corners
from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.moments.polynomials import columns_in_monomials
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, interval, smaller
from leadterms.evaluation.certified.tools.corner import Corner
from leadterms.evaluation.moment_system import Exact, InverseCeiling


class InverseBound:
    """Bounds of sum k (1 + |u|)^alpha/lambda.

    Raises
    ------
    EvaluationError
        If no panel is found on which the weight outweighs the effects' density.

    """

    def __init__(self, problems: Sequence[Problem], part: InverseCeiling) -> None:
        self._part, self._dimension = part, len(part.mean)
        self._information = PanelInformation(problems, [arb(p) for p in part.probabilities])
        flat = Corner(arb(0), (arb(0),) * self._dimension)
        self._corners = [flat] if part.without_inverse else far_corners(self._information)

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie, beyond a few standard deviations."""
        farthest = 0.0
        for corner in self._corners:
            far = max(abs(float(m)) for m in corner.mean())
            farthest = max(farthest, far + 6 * (float(corner.left) ** -0.5 - 1))
        return farthest

    def top(self, cell: Cell) -> Ball:
        """Bound it on a cell of real effects."""
        least = arb(1) if self._part.without_inverse else self._information.least(cell)
        inverse = (1 / least).abs_upper() if least > 0 else NAN
        if any(bool(interval(*side).abs_lower() >= NEAREST) for side in cell):
            inverse = smaller(inverse, sum((corner.on(cell) for corner in self._corners), arb(0)))
        if not inverse.is_finite():
            return NAN
        effects = [interval(*side) for side in cell]
        u = [1 + abs(one).abs_upper() for one in shifted(self._part.mean, self._part.root, effects)]
        total = arb(0)
        for factor, powers in self._part.terms:
            total += prod((one**power for one, power in zip(u, powers, strict=True)), start=factor)
        return (total * inverse).abs_upper()

    def beyond(self, radius: Ball, step: int) -> Ball:
        """Bound its integral with phi outside a cube; on a lattice nothing is known."""
        if step or not radius >= NEAREST:
            return NAN
        total = arb(0)
        for corner in self._corners:
            for factor, powers in self._part.terms:
                used = [k for k, power in enumerate(powers) if power]
                scale = factor * prod(factorial(power) for power in powers)
                for signs in product((1, -1), repeat=len(used)):
                    level, tilt = arb(len(used)), [arb(0)] * self._dimension
                    for k, sign in zip(used, signs, strict=True):
                        level += sign * arb(self._part.mean[k])
                        tilt = [t + sign * arb(entry) for t, entry in zip(tilt, self._part.root[k], strict=True)]
                    total += scale * corner.tilted(level, tilt).mass_outside(radius)
        return total.abs_upper() if total.is_finite() else NAN


def shares_of_square(problem: Problem, exponents: Sequence[int]) -> Ball:
    """Return C with |x^e| <= C |a|^2, not finite where there is none of this form."""
    monomials, change = columns_in_monomials(problem)
    try:
        inverse = (change.transpose() * change).inv() * change.transpose()
    except ZeroDivisionError:
        return NAN
    norm = sum((entry * entry for entry in inverse.entries()), arb(0))
    best = NAN
    for i, first in enumerate(monomials):
        for j, second in enumerate(monomials[: i + 1]):
            rest = [power - a - b for power, a, b in zip(exponents, first, second, strict=True)]
            named = zip(problem.lines, rest, strict=True)
            if min(rest, default=0) < 0 or any(k and not line.plain for line, k in named):
                continue
            size = prod((r**power for r, power in zip(problem.reaches, rest, strict=True) if power), start=norm)
            best = smaller(best, (size if i == j else size / 2).abs_upper())
    return best


def shifted(mean: Sequence[Exact], root: Sequence[Sequence[Exact]], effects: Sequence[Ball]) -> list[Ball]:
    """Return u = mean + root z."""
    return [
        sum((arb(entry) * z for entry, z in zip(row, effects, strict=True)), arb(own))
        for own, row in zip(mean, root, strict=True)
    ]
