r"""Bounds of E[|X|^e w(eta)] over E|X|^e: small where the weight is small for all predictors but far out.

Let R_1, R_2, ... be boxes of the predictors, each cut off at more of the laws' spreads, the last being all of them.
Every X lies in a first R_j, outside of R_(j - 1), so that

.. math:: E[|X|^e w] \le \sup_{R_1} w\; E|X|^e + \sum_{j > 1} \sup_{R_j} w\; E[|X|^e; X \notin R_{j - 1}].

Where one component X_i is beyond an end the same holds with its absolute moment there, and it in all boxes: only the
others are cut off.

X is not in a box where one of its components is outside.  These are independent: with bounds m_i of E|X_i|^{e_i} the
last mean is at most the product of all m_i times the sum of E[|X_i|^{e_i}; outside]/m_i.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from flint import arb

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball, End, smaller

SPREADS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 30.0, 45.0, 70.0, 100.0)
"""Where the laws are cut off."""
LESS = 4
"""How much smaller weights must be in the first box for the others to be looked at."""
ENOUGH = 1000
"""What lies beyond a box is not looked at where it can be no more than this part."""


class Layers:
    """The boxes of one strand's predictors, and what lies outside of them.

    Parameters
    ----------
    problem
        The strand, its weight bounded.
    exponents
        Of the moment.
    beyond
        A predictor and the interval in which it is, None where all are anywhere.

    """

    def __init__(
        self, problem: Problem, exponents: Sequence[int], beyond: tuple[int, tuple[End, End]] | None = None
    ) -> None:
        self._problem, self._exponents, self._beyond = problem, exponents, beyond

    def bound(self, shift: Ball, slopes: Sequence[Ball]) -> Ball:
        """Bound E[|X|^e w] over the product of the m_i, for shift and slopes in real balls; not finite if unknown."""
        largest = self._largest(shift, slopes, self._with(self._problem.supports))
        if not self._boxes or not largest.is_finite():
            return largest
        inside = self._largest(shift, slopes, self._boxes[0][0])
        if not inside * LESS < largest:
            return largest
        total, outside = inside, self._boxes[0][1]
        for ends, left in self._boxes[1:]:
            if largest * outside * ENOUGH < total:
                break
            total, outside = total + self._largest(shift, slopes, ends) * outside, left
        return smaller(largest, total + largest * outside)

    def _with(self, ends: Sequence[tuple[End, End]]) -> list[tuple[End, End]]:
        """Return a box with the one that is beyond an end there."""
        place, where = self._beyond or (None, None)
        return [where if where is not None and i == place else own for i, own in enumerate(ends)]

    def _largest(self, shift: Ball, slopes: Sequence[Ball], ends: Sequence[tuple[End, End]]) -> Ball:
        return self._problem.weight.modulus(*self._problem.predictor.range(shift, slopes, ends))

    @cached_property
    def _boxes(self) -> list[tuple[list[tuple[End, End]], Ball]]:
        """The boxes but the last, and for each the bound of what is outside; none where nothing is."""
        found: list[tuple[list[tuple[End, End]], Ball]] = []
        lines, powers = self._problem.lines, self._exponents
        place = self._beyond[0] if self._beyond else None
        sizes = [
            arb(1) if i == place else line.absolute(k) for i, (line, k) in enumerate(zip(lines, powers, strict=True))
        ]
        if not all(bool(size.is_finite() and size > 0) for size in sizes):
            return found
        for spreads in SPREADS:
            ends = [line.reach(spreads) for line in lines]
            parts = zip(lines, powers, ends, sizes, strict=True)
            left = sum(
                (line.tail(*own, k, arb(0)) / size for i, (line, k, own, size) in enumerate(parts) if i != place),
                arb(0),
            )
            if left.is_zero():
                break
            if left.is_finite():
                found.append((self._with(ends), left.abs_upper()))
        return found
