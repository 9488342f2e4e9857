"""Values of the linear predictor at the nodes of a product of rules: what one predictor adds is made once on its axis.

Monomials in one predictor are summed, or their exponentials multiplied, along the axes; those in several are made once
for each node, and what they add once for all effects where no effect multiplies them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from operator import add, mul

from flint import arb

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball, inner


class NodeProducts:
    """The nodes of a product of rules for the predictors of a strand, the last predictor running fastest."""

    def __init__(self, problem: Problem, rules: Sequence[LineRule]) -> None:
        monomials = problem.predictor.monomials
        points = [rule.points for rule in rules]
        alone = [next((i for i, k in enumerate(own) if k == sum(own)), -1) for own in monomials]
        self._axes = [
            (places, [[problem.lines[i].power(x, monomials[m][i]) for m in places] for x in points[i]])
            for i in range(len(rules))
            for places in [[m for m, at in enumerate(alone) if at == i]]
        ]
        self._joint = [m for m, at in enumerate(alone) if at < 0]
        self._rows: list[list[Ball]] = []
        if self._joint:
            columns = [[
                prod(factors[1:], start=factors[0])
                for factors in product(*(
                    [line.power(x, k) for x in own] if k else [arb(1)] * len(own)
                    for line, own, k in zip(problem.lines, points, monomials[m], strict=True)
                ))
            ] for m in self._joint]  # fmt: skip
            self._rows = [list(row) for row in zip(*columns, strict=True)]
        self._known: dict[int, tuple[object, list[Ball]]] = {}

    def offsets(self, slopes: Sequence[Ball]) -> list[Ball]:
        """Return eta - shift at all nodes."""
        return self._combined(slopes, arb(0), add, exponentials=False)

    def exponentials(self, slopes: Sequence[Ball]) -> list[Ball]:
        """Return e^(eta - shift) at all nodes."""
        return self._combined(slopes, arb(1), mul, exponentials=True)

    def _combined(
        self, slopes: Sequence[Ball], start: Ball, join: Callable[[Ball, Ball], Ball], exponentials: bool
    ) -> list[Ball]:
        values = [start]
        for axis, (places, rows) in enumerate(self._axes):
            factors = self._found(axis, rows, [slopes[m] for m in places], exponentials)
            values = [join(value, factor) for value in values for factor in factors]
        if not self._joint:
            return values
        return list(map(join, values, self._found(-1, self._rows, [slopes[m] for m in self._joint], exponentials)))

    def _found(self, at: int, rows: Sequence[Sequence[Ball]], slopes: Sequence[Ball], exponentials: bool) -> list[Ball]:
        """Return what one axis, or the joint monomials, add: the last serves all slopes in the same balls."""
        key = (exponentials, *(part for slope in slopes for part in _parts(slope)))
        if at not in self._known or self._known[at][0] != key:
            self._known[at] = key, _sums(rows, slopes, exponentials)
        return self._known[at][1]


def _sums(rows: Sequence[Sequence[Ball]], slopes: Sequence[Ball], exponentials: bool) -> list[Ball]:
    sums = [inner(slopes, row) for row in rows]
    return [one.exp() for one in sums] if exponentials else sums


def _parts(ball: Ball) -> tuple[object, ...]:
    """Return what determines a finite ball."""
    sides = [ball] if isinstance(ball, arb) else [ball.real, ball.imag]
    return tuple(part.man_exp() for side in sides for part in (side.mid(), side.rad()))
