"""Sums over the nodes of predictors that no effect moves, as functions of the rest of the linear predictor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Protocol

from flint import arb, arb_mat

from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.weight_balls import WeightBalls
from leadterms.evaluation.certified.rules.eta import Power, eta_range
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.work import FEW_UNITS


class Averages(Protocol):
    """Values of G_k, by any road."""

    @property
    def work(self) -> float:
        """Units of work for each value of s."""

    def at(self, shifts: Sequence[Ball]) -> list[list[Ball]]:
        """Return each at several s, with what they are off by."""


@dataclass(frozen=True)
class Split:
    """The rules of all predictors, and the slopes of those that the effects do not move.

    Parameters
    ----------
    fixed
        Places of the predictors that stay.
    raised
        What their powers are, for all predictors.

    """

    weight: WeightBalls
    rules: tuple[LineRule, ...]
    fixed: tuple[int, ...]
    slopes: tuple[Ball, ...]
    raised: tuple[Power, ...]

    def sizes(self, powers: Sequence[Sequence[int]]) -> list[Ball]:
        """Return the rules' own sums of |z|^k for several k."""
        return [
            prod((self.rules[i].absolute(k, self.raised[i]) for i, k in zip(self.fixed, e, strict=True)), start=arb(1))
            for e in powers
        ]

    def modulus(self, shifts: Ball, height: Ball) -> Ball:
        """Bound |w(s + b'z)| for real parts of s in an interval, imaginary ones up to a height, and all z."""
        ends = [(self.rules[i].low, self.rules[i].high) for i in self.fixed]
        low, high, _ = eta_range(shifts, self.slopes, ends)
        return self.weight.modulus(low, high, height)

    def only(self, places: Sequence[int]) -> Split:
        """Return the same with some of the fixed predictors."""
        fixed, slopes = ([part[i] for i in places] for part in (self.fixed, self.slopes))
        return replace(self, fixed=tuple(fixed), slopes=tuple(slopes))

    def nodes(self) -> list[tuple[Ball, ...]]:
        """Return the nodes of the fixed predictors."""
        return list(product(*(self.rules[i].points for i in self.fixed)))

    def offsets(self) -> list[Ball]:
        """Return b'z at the nodes of the fixed predictors."""
        return [sum((b * z for b, z in zip(self.slopes, node, strict=True)), arb(0)) for node in self.nodes()]

    def coefficients(self, powers: Sequence[Sequence[int]]) -> list[list[Ball]]:
        """Return the masses times each of several powers at the nodes of the fixed predictors."""
        nodes = self.nodes()
        masses = [prod(m, start=arb(1)) for m in product(*(self.rules[i].masses for i in self.fixed))]
        return [[m * self.powers(node, e) for m, node in zip(masses, nodes, strict=True)] for e in powers]

    def powers(self, node: Sequence[Ball], exponents: Sequence[int]) -> Ball:
        """Return the product of powers of the fixed predictors at a node."""
        named = zip(self.fixed, node, exponents, strict=True)
        return prod((self.raised[i](z, k) for i, z, k in named if k), start=arb(1))


class Sums:
    """The sums G_k themselves."""

    def __init__(self, split: Split, powers: Sequence[tuple[int, ...]]) -> None:
        self._weight, self._offsets = split.weight, split.offsets()
        self._coefficients = arb_mat(split.coefficients(powers))
        self.work = len(self._offsets) * split.weight.real_units

    def at(self, shifts: Sequence[Ball]) -> list[list[Ball]]:
        """Return them at several s."""
        weight = self._weight
        if weight.log_only:
            scales, levels = [offset.exp() for offset in self._offsets], [shift.exp() for shift in shifts]
            columns = [[weight.of_exponential(level * scale) for level in levels] for scale in scales]
        else:
            columns = [[weight.at(shift + offset) for shift in shifts] for offset in self._offsets]
        return (self._coefficients * arb_mat(columns)).tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Transformed:
    """All G_k by transforms of the predictors (`fourier_rule`), for the laws themselves.

    Parameters
    ----------
    problem
        The predictors, none of which the effects move.
    plan
        Of their moments.

    """

    problem: Problem
    plan: FourierPlan

    @property
    def work(self) -> float:
        """Units of work for each value of s."""
        return self.plan.units

    def sizes(self, powers: Sequence[Sequence[int]]) -> list[Ball]:
        """Return E|z|^k for several k, not finite where it is not known."""
        return [prod((own[k] for own, k in zip(self.problem.absolute, e, strict=True)), start=arb(1)) for e in powers]

    def modulus(self, shifts: Ball, height: Ball) -> Ball:
        """Bound |w(s + b'z)| for real parts of s in an interval, imaginary ones up to a height, and all z."""
        low, high, _ = eta_range(shifts, self.problem.slopes, self.problem.supports)
        return self.problem.weight.modulus(low, high, height)

    def at(self, shifts: Sequence[Ball]) -> list[list[Ball]]:
        """Return them at several s, with what they are off by."""
        rows = self.plan.moments([(shift, self.problem.slopes) for shift in shifts])
        return [list(column) for column in zip(*rows, strict=True)]


class Tabulated(Protocol):
    """Functions of one variable in a table, with what they are off by."""

    errors: list[Ball]

    def values(self, shifts: Sequence[Ball]) -> list[list[Ball]]:
        """Return the values of each at several numbers, without the errors."""


class NestedSums:
    """The sums G_k by a table of those of one predictor, or of the weight: its functions with errors in the balls."""

    def __init__(self, table: Tabulated, offsets: Sequence[Ball], rows: Sequence[tuple[int, Sequence[Ball]]]) -> None:
        """Take sums by the table's k-th function at s + offsets, times a row: for each of several k and rows."""
        self._table, self._offsets, self._rows = table, offsets, rows
        self.work = len(offsets) * len(table.errors) * FEW_UNITS

    def at(self, shifts: Sequence[Ball]) -> list[list[Ball]]:
        """Return them at several s."""
        points = [shift + offset for offset in self._offsets for shift in shifts]
        found = self._table.values(points)
        matrices = [
            arb_mat(len(self._offsets), len(shifts), [value + arb(0, error) for value in row])
            for row, error in zip(found, self._table.errors, strict=True)
        ]
        return [(arb_mat(1, len(self._offsets), row) * matrices[k]).tolist()[0] for k, row in self._rows]
