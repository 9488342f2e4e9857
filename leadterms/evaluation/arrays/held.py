"""Coefficients with held expectations at arrays of points, in groups that share a rule."""

from __future__ import annotations

from itertools import islice, product
from threading import local

import numpy as np
from sympy import Expr, Integer, Symbol, diff

from leadterms.evaluation.arrays.averages import Average
from leadterms.evaluation.arrays.axes import Axis, standardised
from leadterms.evaluation.arrays.moments import Values
from leadterms.evaluation.arrays.plans import FINER, MOST, Judge, Nats, Plan, Tolerance, grouped, halves, level_of
from leadterms.evaluation.arrays.program import Program
from leadterms.evaluation.arrays.registers import Arena
from leadterms.evaluation.arrays.ufuncs import Array, Kind
from leadterms.evaluation.internal import internal
from leadterms.expectation.held import outermost

_SAMPLE = 16
"""Points of each group at which two rules are compared, besides the corners of their box."""
_CORNERS, _FACES = 64, 48
_SWIFT_RANGE = 150.0
"""|eta| up to which e^(4 eta) is in the range of float64."""
_RANGE: dict[Kind, float] = {np.float64: 340.0, np.longdouble: 5500.0}
"""|eta| up to which products of two weights are in the range of a type."""
_NODES = 50_000_000
"""Most nodes at one point; a point that needs more has no value."""


class Held:
    """A coefficient with held expectations as a function of arrays of points.

    Parameters
    ----------
    expr
        The coefficient.

    Raises
    ------
    EvaluationError
        Where a law, a weight or a function in it has no rule.

    """

    def __init__(self, expr: Expr) -> None:
        groups: dict[tuple[Axis, ...], dict[Symbol, Expr]] = {}
        names: dict[Expr, Symbol] = {}
        for i, node in enumerate(sorted(outermost(expr), key=str)):
            integrand, axes = standardised(node, "z")
            names[node] = internal(f"E{i}")
            groups.setdefault(axes, {})[names[node]] = integrand
        self._names = [list(members) for members in groups.values()]
        self.averages = [Average(axes, list(members.values())) for axes, members in groups.items()]
        self._swift = [Average(axes, list(members.values()), swift=True) for axes, members in groups.items()]
        self._top = Program([expr.xreplace(names)])
        self._reaches = [Program(_slopes(average, axis)) for average in self.averages for axis in average.axes]
        self._centres = [Program(_centres(average)) for average in self.averages]
        self._checked: dict[tuple[object, ...], tuple[Nats, Array, Array]] = {}
        self._memory = local()
        self._savings: dict[tuple[object, ...], Nats] = {}

    def __call__(self, values: Values, tolerance: Tolerance, kind: Kind = np.float64) -> Array:
        """Return the coefficient at the points of one-dimensional arrays; nan where the tolerance is not met."""
        count = len(next(iter(values.values())))
        result = np.full(count, np.nan, kind)
        reaches = [_largest(program, values, count) for program in self._reaches]
        centres = [_largest(program, values, count) for program in self._centres]
        usable = np.flatnonzero(np.isfinite(sum(reaches) + sum(centres)))
        levels = np.array([level_of(reach[usable]) for reach in reaches])
        spread = np.vstack([levels, [level_of(centre[usable]) for centre in centres]])
        groups = list(grouped(levels))
        while groups:
            members = groups.pop()
            points = usable[members]
            far = [float(np.ceil(centre[points].max())) for centre in centres]
            plan = Plan(self.averages, levels[:, members].max(axis=1), far, tolerance)
            if plan.size <= _NODES and plan.extent <= _RANGE[kind]:
                part = {symbol: array[points] for symbol, array in values.items()}
                result[points] = self._group(part, plan, kind)
            else:
                groups += halves(spread, members)
        if tolerance.absolute == 0:
            # the sum of a held expectation is zero by underflow, or by chance
            result[result == 0] = np.nan
        return result

    def _group(self, values: Values, plan: Plan, kind: Kind) -> Array:
        """Evaluate points that share a rule, after it was compared with a finer one at some of them."""
        nats = self._compared(values, plan, kind)
        if nats is not None:
            return self._at(values, plan, nats, kind)
        # no rule satisfied the sample: each point is compared for itself
        value, finer = (self._at(values, plan, plan.nats(MOST + more), kind) for more in (0.0, FINER))
        return np.where(plan.tolerance.agree(value, finer), value, np.nan)

    def _compared(self, values: Values, plan: Plan, kind: Kind) -> Nats | None:
        """Return nats for each axis with which a rule agrees with a finer one, None where no rule does.

        Bounds are seldom attained: what the first group of points could do without is tried by the others too.
        The box in which a rule was compared is remembered.
        """
        low, high = (np.array([extreme(array) for array in values.values()]) for extreme in (np.min, np.max))
        known = self._checked.get((plan.key, kind))
        if known is not None:
            if np.all(known[1] <= low) and np.all(high <= known[2]):
                return known[0]
            low, high = np.minimum(low, known[1]), np.maximum(high, known[2])
        sample = self._within(_sample(values, low, high), plan)
        judge = Judge(plan, lambda nats: self._at(sample, plan, nats, kind))
        saved = self._savings.get((plan.tolerance, kind))
        nats = judge.least(known[0] if known is not None else saved or plan.nats(0.0))
        if nats is None:
            return None
        if saved is None:
            nats = self._savings[plan.tolerance, kind] = judge.spared(nats)
        self._checked[plan.key, kind] = nats, low, high
        return nats

    def _within(self, values: Values, plan: Plan) -> dict[Symbol, Array]:
        """Leave out points that reach further than those that a plan is for."""
        count = len(next(iter(values.values())))
        reaches = [_largest(program, values, count) for program in self._reaches]
        inside = np.all([level_of(reach) <= level for reach, level in zip(reaches, plan.levels, strict=True)], axis=0)
        return {symbol: array[inside] for symbol, array in values.items()}

    def _at(self, values: Values, plan: Plan, nats: Nats, kind: Kind) -> Array:
        """Evaluate with the rules that so many nats ask for."""
        exact = {symbol: array.astype(kind, copy=False) for symbol, array in values.items()}
        parts = dict(exact)
        arena = self._memory.__dict__.setdefault("arena", Arena())
        averages = self._swift if plan.extent <= _SWIFT_RANGE else self.averages
        for average, names, rules in zip(averages, self._names, plan.rules(nats), strict=True):
            parts |= dict(zip(names, average(exact, rules, kind, arena), strict=True))
        (value,) = self._top(parts, kind)
        return np.broadcast_to(value, next(iter(values.values())).shape)


def _largest(program: Program, values: Values, count: int) -> Array:
    """Return the largest absolute value of the expressions of a program at each point."""
    largest = np.zeros(count)
    for value in program(values):
        np.maximum(largest, np.abs(value), out=largest)
    return largest


def _sample(values: Values, low: Array, high: Array) -> dict[Symbol, Array]:
    """Return points of a box at which rules are compared: corners, points on faces and edges, and some of the values.

    Errors grow with the reaches, which are largest at corners and faces; they also change sign, so that a few
    corners may agree by chance.
    """
    count = len(next(iter(values.values())))
    chosen = np.unique(np.linspace(0, count - 1, _SAMPLE).astype(np.int64))
    corners = list(islice(product((0.0, 1.0), repeat=len(low)), _CORNERS))
    random = np.random.default_rng(len(low)).uniform(-1, 2, (_FACES, len(low)))
    shares = np.concatenate([corners, random.clip(0, 1)])
    points = np.where(shares == 1, high, low + shares * (high - low))
    points = np.unique(points, axis=0)
    return {
        symbol: np.concatenate([array[chosen], column])
        for (symbol, array), column in zip(values.items(), points.T, strict=True)
    }


def _slopes(average: Average, axis: Axis) -> list[Expr]:
    """Return the derivatives of the linear predictors along an axis, at the corners of what they depend on."""
    found: dict[Expr, None] = {}
    for predictor in average.strip(axis).predictors:
        slope = diff(predictor, axis.variable) * axis.unit
        others = [other for other in average.axes if slope.has(other.variable)]
        for corner in product(*(other.corners for other in others)):
            at = {other.variable: value for other, value in zip(others, corner, strict=True)}
            found[slope.xreplace(at)] = None
    return list(found)


def _centres(average: Average) -> list[Expr]:
    """Return the linear predictors where normal variables are at their means and others at their corners."""
    found: dict[Expr, None] = {}
    for predictor in average.outer_strip.predictors:
        others = [axis for axis in average.axes if predictor.has(axis.variable)]
        choices = [other.corners if other.pieces or other.points else (Integer(0),) for other in others]
        for corner in product(*choices):
            at = {other.variable: value for other, value in zip(others, corner, strict=True)}
            found[predictor.xreplace(at)] = None
    return list(found)
