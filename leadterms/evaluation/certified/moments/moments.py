"""All moments M_k of a system at a point or over a box of the random effects, with proven errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

from flint import acb, acb_mat, arb, arb_mat

from leadterms.evaluation.certified.moments.factor_rules import part_at
from leadterms.evaluation.certified.moments.in_double_words import MOST_BITS
from leadterms.evaluation.certified.moments.in_doubles import InDoubles
from leadterms.evaluation.certified.moments.looked_up import (
    FEW_BITS,
    WIDEST,
    by_weight,
    ends_of,
    margin_of,
    moments_of,
    pays,
)
from leadterms.evaluation.certified.moments.lookups import NodesToLookUp, Rules
from leadterms.evaluation.certified.moments.node_products import NodeProducts
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.shared_sums import SharedSums, SharedTable
from leadterms.evaluation.certified.moments.table_sums import Split
from leadterms.evaluation.certified.moments.tables import Table, cost, kept_table
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball, ball_around_zero, disc, whole_power
from leadterms.evaluation.certified.tools.word_balls import WordBalls, rows_of
from leadterms.evaluation.certified.tools.work import FEW_UNITS, spend
from leadterms.evaluation.precision import ball_bits

TABLE_PAYS = 1.5
"""A table is made where it saves this factor, or seems to."""
FEWEST_IN_DOUBLES = 4
"""Nodes from which on arrays cost less than balls, one by one."""


@dataclass(frozen=True)
class Plan:
    """Rules for all predictors that serve every shift and slopes in given balls, with |M_k - sum| <= errors[k].

    Parameters
    ----------
    problem
        The system.
    rules
        One for each predictor.
    errors
        One for each moment; of a factorising weight, relative to w(shift).
    tolerance, bits
        What was aimed at, in all and relative to E[w].
    tables
        Those that are kept for further points, by what they are of.
    shared
        Those that other rules for the same problem share, where there are such.

    """

    problem: Problem
    rules: tuple[LineRule, ...]
    errors: tuple[Ball, ...]
    tolerance: Ball
    bits: int
    tables: dict[str, Table] | None = None
    shared: SharedSums | None = None

    def moments(self, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[list[Ball]]:
        """Return all moments at each of several (shift, slopes), real numbers or complex boxes."""
        if not points:
            return []
        if self.problem.factorises:
            return [self._factored(*point) for point in points]
        if not self._width:
            # a law cut off may leave so little that its rule has no point
            return [[ball_around_zero(error, shift) for error in self.errors] for shift, _ in points]
        if isinstance(points[0][0], acb):
            return [self._enclosed(*point) for point in points]
        if self.bits <= MOST_BITS and (found := self.looked_up(rows_of(points), points[0][1])) is not None:
            return found.rows()
        if (tabulated := self._tabulated(points)) is not None:
            return tabulated
        spend(self.units * len(points), ball_bits())
        return self._summed(self._real(points), [arb(0, error.abs_upper()) for error in self.errors])

    def _enclosed(self, shift: Ball, slopes: Sequence[Ball]) -> list[Ball]:
        """Return all moments over a complex box, in double precision where that holds them."""
        spend(self._width * FEW_UNITS, ball_bits())
        radii = [disc(error) for error in self.errors]
        found = self._in_doubles.moments(shift, slopes) if self._width >= FEWEST_IN_DOUBLES else None
        if found is not None:
            return [value + radius for value, radius in zip(found, radii, strict=True)]
        spend(self._width * (1 - FEW_UNITS), ball_bits())
        return self._summed(
            [[self.problem.weight.on(shift + offset) for offset in self._nodes.offsets(slopes)]], radii
        )[0]

    def _summed(self, columns: Sequence[Sequence[Ball]], radii: Sequence[Ball]) -> list[list[Ball]]:
        """Return all moments from each of several columns of values of the weight."""
        coefficients, width, count = self._coefficients, self._width, len(self.problem.strand.moments)
        flat = [column[i] for i in range(width) for column in columns]
        matrix = arb_mat(count, width, coefficients)
        if isinstance(flat[0], acb):
            result = acb_mat(matrix) * acb_mat(width, len(columns), flat)
        else:
            result = matrix * arb_mat(width, len(columns), flat)
        values = [[result[k, j] for k in range(count)] for j in range(len(columns))]
        if not all(bool(value.is_finite()) for row in values for value in row):
            # products of matrices fail where exponents are huge
            values = [[_dot(coefficients[k * width : (k + 1) * width], c) for k in range(count)] for c in columns]
        return [[value + radius for value, radius in zip(row, radii, strict=True)] for row in values]

    def terms(self, slopes: Sequence[Ball]) -> tuple[list[Ball], list[Ball]]:
        """Return eta - shift at all nodes, and the coefficients of the weight there, moment after moment."""
        return self._nodes.offsets(slopes), self._coefficients

    @property
    def work(self) -> int:
        """About how many evaluations each point of the effects costs."""
        tabulated = self.problem.predictor.is_affine and len(self.problem.moving_places) < len(self.rules)
        return prod(
            len(self.rules[i].points) for i in (self.problem.moving_places if tabulated else range(len(self.rules)))
        )

    def looked_up(self, points: WordBalls, slopes: Sequence[Ball]) -> WordBalls | None:
        """Return all moments at several real points in doubles or double words, None where these do not hold them.

        Parameters
        ----------
        points
            Shift and slopes, a row for each.
        slopes
            Of which those of predictors that the effects do not move are taken: the same at all points.

        """
        if self.problem.factorises or not self._width or self.bits > MOST_BITS:
            return None
        found = self._by_sums(points, slopes) if self._may_tabulate(len(points.off)) else None
        return self._by_weight(points) if found is None else found

    def _by_sums(self, points: WordBalls, slopes: Sequence[Ball]) -> WordBalls | None:
        """Return the same by a table of sums over the predictors that stay fixed, None where that does not pay."""
        moved = points[:, [0, *(1 + i for i in self.problem.moving_places)]]
        lookups = self._moving_nodes.lookups(self.bits, moved)
        if not all(lookup.is_finite for lookup in lookups):
            return None
        ends, off = ends_of(lookups), max(one.off for one in lookups)
        found = self._shared_table(sum(lookup.size for lookup in lookups), ends, off)
        if found is not None:
            table, beside = found.table, found.errors
        else:
            own = self._table(len(points.off), slopes, ends, off, in_arrays=True)
            if own is None:
                return None
            table, beside = own, tuple(own.errors)
        moving, moments, powers = self.problem.moving_places, self.problem.strand.moments, self._fixed_powers
        rests = [powers.index(tuple(e[i] for i in range(len(e)) if i not in moving)) for e in moments]
        sizes = [prod((self.rules[i].absolute(e[i]) for i in moving), start=arb(1)) for e in moments]
        return moments_of(lookups, table, rests, self.errors, sizes, beside)

    def _shared_table(self, count: int, ends: tuple[float, float], off: float) -> SharedTable | None:
        """Return a table that cells share, None where there are none or this one is of no use."""
        if self.shared is None:
            return None
        margin = margin_of(ends, off)
        return self.shared.table(ends[0] - margin, ends[1] + margin, self.tolerance, count)

    @cached_property
    def _fixed_powers(self) -> list[tuple[int, ...]]:
        """The powers of the predictors that stay fixed in the moments."""
        return list(dict.fromkeys(tuple(e[i] for i in self.problem.fixed_places) for e in self.problem.strand.moments))

    def _may_tabulate(self, count: int) -> bool:
        """Tell whether such a table may be of use for so many points.

        Without predictors that stay fixed it is one of the weight: where cells share it, or its values are many and
        costly.
        """
        if not self.problem.predictor.is_affine:
            return False
        if self.problem.fixed_places or self.shared is not None:
            return True
        costly = FEW_BITS < self.bits <= MOST_BITS or not self.problem.weight.log_only
        return costly and pays(self._width, count, is_kept=self.tables is not None)

    def _table(
        self, count: int, slopes: Sequence[Ball], ends: tuple[float, float], off: float, *, in_arrays: bool
    ) -> Table | None:
        """Return a proven table of sums over the predictors that stay fixed; None where it does not pay.

        Parameters
        ----------
        count
            How many points it is for.
        slopes
            Of all predictors.
        ends, off
            The least and the largest argument, and how far they may be off.
        in_arrays
            Whether it is looked up in arrays.

        """
        problem, fixed, powers = self.problem, self.problem.fixed_places, self._fixed_powers
        raised = tuple(line.power for line in problem.lines)
        split = Split(problem.weight, self.rules, fixed, tuple(slopes[i] for i in fixed), raised)
        margin = margin_of(ends, off)
        low, high = ends[0] - margin, ends[1] + margin
        if high - low > WIDEST and (self.tables is not None or not fixed):
            return None
        looked = count * self.work * len(powers) * FEW_UNITS / (8 if in_arrays else 1)
        own = cost(split, len(powers), low, high)
        # tables that are kept are for more points than these
        if self.tables is None and TABLE_PAYS * (own + looked) > self.units * count:
            return None
        spend(looked, ball_bits())
        table = kept_table(
            self.tables, "sums", low, high, lambda low, high: Table(split, powers, low, high, self.tolerance)
        )
        return table if table.is_proven else None

    def _tabulated(self, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[list[Ball]] | None:
        """Return all moments by interpolation in what the effects move, None where that does not pay or is not proven.

        The error of interpolation adds to those of the rules, for each node over the predictors that the effects move.
        """
        problem, powers = self.problem, self._fixed_powers
        moving, fixed = problem.moving_places, problem.fixed_places
        if not self._may_tabulate(len(points)):
            return None
        shifts = self._shifts(points)
        table = self._table(len(points), points[0][1], _ends(shifts), 0.0, in_arrays=False)
        if table is None:
            return None
        nodes = list(product(*(self.rules[i].points for i in moving)))
        values = dict(zip(powers, table.values(shifts), strict=True))
        errors = dict(zip(powers, table.errors, strict=True))
        masses = [prod(m, start=arb(1)) for m in product(*(self.rules[i].masses for i in moving))]
        columns = []
        for exponents, error in zip(problem.strand.moments, self.errors, strict=True):
            powers_of, rest = [exponents[i] for i in moving], tuple(exponents[i] for i in fixed)
            row = [
                mass * prod((whole_power(x, k) for x, k in zip(node, powers_of, strict=True) if k), start=arb(1))
                for mass, node in zip(masses, nodes, strict=True)
            ]
            size = prod((self.rules[i].absolute(k) for i, k in zip(moving, powers_of, strict=True)), start=arb(1))
            radius = arb(0, (error + size * errors[rest]).abs_upper())
            matrix = arb_mat(len(points), len(nodes), values[rest]) * arb_mat(len(nodes), 1, row)
            columns.append([matrix[j, 0] + radius for j in range(len(points))])
        return [list(row) for row in zip(*columns, strict=True)]

    def _shifts(self, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[Ball]:
        """Return eta at several points and the nodes over the predictors that the effects multiply, but for others."""
        nodes = list(product(*(self.rules[i].points for i in self.problem.moving_places)))
        lines = arb_mat([[shift, *(slopes[i] for i in self.problem.moving_places)] for shift, slopes in points])
        return (lines * arb_mat([[arb(1)] * len(nodes), *zip(*nodes, strict=True)])).entries()  # type: ignore[no-any-return]

    @cached_property
    def _moving_nodes(self) -> NodesToLookUp:
        """Nodes of these predictors, the exponents of each alone and of the moments."""
        moving = self.problem.moving_places
        exponents = [[e[i] for i in moving] for e in self.problem.strand.moments]
        units = [[int(i == k) for k in range(len(moving))] for i in range(len(moving))]
        lines, rules = [self.problem.lines[i] for i in moving], [self.rules[i] for i in moving]
        return NodesToLookUp((Rules(lines, rules, units, exponents),))

    def _by_weight(self, points: WordBalls) -> WordBalls | None:
        """Return the same by a table of the weight alone, None where that is no help."""
        problem = self.problem
        if not pays(self._width, len(points.off), is_kept=self.tables is not None):
            return None
        nodes = self._nodes_to_look_up
        lookups = nodes.lookups(self.bits, points)
        return by_weight(problem.weight, lookups, self.tolerance, self.errors, nodes.in_doubles.absolute, self.tables)

    @cached_property
    def _nodes_to_look_up(self) -> NodesToLookUp:
        problem = self.problem
        return NodesToLookUp((Rules(problem.lines, self.rules, problem.predictor.monomials, problem.strand.moments),))

    @property
    def units(self) -> float:
        """Units of work for each point without tables."""
        return self._width * self.problem.weight.real_units

    @cached_property
    def _width(self) -> int:
        return prod(len(rule.points) for rule in self.rules)

    @cached_property
    def _nodes(self) -> NodeProducts:
        return NodeProducts(self.problem, self.rules)

    @cached_property
    def _in_doubles(self) -> InDoubles:
        return InDoubles(self.problem, self.rules)

    @cached_property
    def _coefficients(self) -> list[Ball]:
        """Return the coefficients of all moments over the product of the rules."""
        masses = [prod(m, start=arb(1)) for m in product(*(rule.masses for rule in self.rules))]
        powers = [
            [[line.power(x, k) for x in rule.points] for k in range(power + 1)]
            for line, rule, power in zip(self.problem.lines, self.rules, self.problem.powers, strict=True)
        ]
        coefficients: list[Ball] = []
        for exponents in self.problem.strand.moments:
            factors = [table[k] for table, k in zip(powers, exponents, strict=True)]
            products = [prod(f[1:], start=f[0]) if f else arb(1) for f in product(*factors)]
            coefficients += [m * f for m, f in zip(masses, products, strict=True)]
        return coefficients

    def _real(self, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[list[Ball]]:
        weight, fixed = self.problem.weight, self.problem.fixed_slopes
        columns = []
        offsets: list[Ball] = []
        for shift, slopes in points:
            if not offsets or not fixed:
                offsets = self._nodes.exponentials(slopes) if weight.log_only else self._nodes.offsets(slopes)
            if weight.log_only:
                level = shift.exp()
                columns.append([weight.of_exponential(level * offset) for offset in offsets])
            else:
                columns.append([weight.at(shift + offset) for offset in offsets])
        return columns

    def _factored(self, shift: Ball, slopes: Sequence[Ball]) -> list[Ball]:
        """w(eta) = w(shift) times the product of e^(rate slope_i x_i)."""
        weight, rate = self.problem.weight, self.problem.weight.rate
        level = weight.at(shift)
        sums: list[list[Ball]] = []
        lines, powers = self.problem.lines, self.problem.powers
        for rule, line, part, power in zip(self.rules, lines, self.problem.parts(slopes), powers, strict=True):
            tilted = [m * (rate * part_at(line, part, x)).exp() for x, m in zip(rule.points, rule.masses, strict=True)]
            # a law cut off may leave so little that its rule has no point
            row = [sum(tilted, arb(0))]
            for k in range(1, power + 1):
                row.append(sum((line.power(x, k) * t for x, t in zip(rule.points, tilted, strict=True)), arb(0)))
            sums.append([value + ball_around_zero(error, value) for value, error in zip(row, rule.errors, strict=True)])
        return [
            level * prod((sums[i][k] for i, k in enumerate(exponents)), start=arb(1))
            for exponents in self.problem.strand.moments
        ]


def _ends(numbers: Sequence[Ball]) -> tuple[float, float]:
    """Return about the least and the largest of them."""
    floats = [float(number) for number in numbers]
    return min(floats), max(floats)


def _dot(first: Sequence[Ball], second: Sequence[Ball]) -> Ball:
    return sum((a * b for a, b in zip(first, second, strict=True)), arb(0))
