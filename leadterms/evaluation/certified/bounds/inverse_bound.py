r"""Bounds of averages of an inverse information under weights with light tails: F = N/D, D a multiple of det H_AA.

H = H_AA = sum_s p_s E_s[w a a'], a = d eta/dz in the standard effects z, over strands s.  |F| is at most a sum of
k (1 + |u|)^alpha/lambda (`light_tails`), lambda the least eigenvalue of H.

**On cells** lambda is at least that of the sum over panels of the predictors (`panels`) of the least weight on them, on
the cell, times the least density and the integrals of a a'.  The least of these weights on an interval is at an end.
Where F is a sum of entries the inverse of that sum bounds those of H^{-1} on the diagonal, which tells more.

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
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, inner, interval, smaller
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
        if part.without_inverse:
            self._corners = [Corner(arb(0), (arb(0),) * self._dimension)]
            return
        self._information = PanelInformation(problems, [arb(p) for p in part.probabilities])
        self._corners = far_corners(self._information)

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie, beyond a few standard deviations."""
        farthest = 0.0
        for corner in self._corners:
            far = max(abs(float(m)) for m in corner.mean())
            farthest = max(farthest, far + 6 * (float(corner.left) ** -0.5 - 1))
        return farthest

    def top(self, cell: Cell) -> Ball:
        """Bound it on a cell of real effects."""
        far = any(bool(interval(*side).abs_lower() >= NEAREST) for side in cell)
        outside = sum((corner.on(cell) for corner in self._corners), arb(0)) if far else NAN
        effects = [interval(*side) for side in cell]
        u = [1 + abs(one).abs_upper() for one in shifted(self._part.mean, self._part.root, effects)]
        if self._part.entries:
            return self._by_entries(u, self._diagonal(cell, outside))
        least = arb(1) if self._part.without_inverse else self._information.least(cell)
        inverse = smaller((1 / least).abs_upper() if least > 0 else NAN, outside)
        if not inverse.is_finite():
            return NAN
        total = arb(0)
        for factor, powers in self._part.terms:
            total += prod((one**power for one, power in zip(u, powers, strict=True)), start=factor)
        return (total * inverse).abs_upper()

    def _diagonal(self, cell: Cell, outside: Ball) -> list[Ball]:
        """Bound the roots of the entries on the diagonal of the inverse, 1/lambda being at most that outside."""
        root = [[arb(entry) for entry in row] for row in self._part.root]
        below = self._information.below(cell)
        try:
            inverse = below.inv() if below.det() > 0 else None
        except ZeroDivisionError:
            inverse = None
        found = []
        for row in root:
            size = inner(row, row) * outside
            if inverse is not None:
                size = smaller(inner(row, [inner(entries, row) for entries in inverse.tolist()]).abs_upper(), size)
            found.append(size.sqrt())
        return found

    def _by_entries(self, u: Sequence[Ball], roots: Sequence[Ball]) -> Ball:
        total = arb(0)
        for one in self._part.entries:
            size = one.factor * roots[one.row] * (arb(1) if one.other is None else roots[one.other])
            total += prod((own**power for own, power in zip(u, one.powers, strict=True)), start=size)
        return total.abs_upper() if total.is_finite() else NAN

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


def shifted(mean: Sequence[Exact], root: Sequence[Sequence[Exact]], effects: Sequence[Ball]) -> list[Ball]:
    """Return u = mean + root z."""
    return [
        sum((arb(entry) * z for entry, z in zip(row, effects, strict=True)), arb(own))
        for own, row in zip(mean, root, strict=True)
    ]
