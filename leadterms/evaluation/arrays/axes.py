"""Held expectations in variables with fixed nodes: standard normal ones, intervals, finitely many points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np
from sympy import Basic, Expr, Integer, Matrix, Symbol, sqrt

from leadterms.errors import EvaluationError
from leadterms.evaluation.arrays.program import Program
from leadterms.evaluation.arrays.registers import Line
from leadterms.evaluation.arrays.sizing import Strip, legendre, legendre_count, trapezoid, trapezoid_shape
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.evaluation.binding import substitute
from leadterms.evaluation.internal import internal
from leadterms.evaluation.precision import spelled
from leadterms.expectation.held import Expectation, variables_of
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw, UniformLaw

Rule = tuple[Line, Array]
"""Nodes and weights."""
_FARTHEST = 1e12
_ORDER = 1500
"""Gauss-Legendre rules of a higher order take too long to make."""
NORMAL_CORNER = 4
"""So many standard deviations from its mean a normal variable is looked at, where others depend on it."""


@dataclass(frozen=True)
class Axis:
    """A variable of integration.

    Parameters
    ----------
    variable
        Its symbol.
    pieces
        Intervals (lower, upper) with their polynomial densities; none for a standard normal variable or points.
    points
        Points with probabilities, for a law on finitely many.

    """

    variable: Symbol
    pieces: tuple[tuple[Expr, Expr, Expr], ...] = ()
    points: tuple[tuple[Expr, Expr], ...] = ()

    @property
    def is_normal(self) -> bool:
        """Whether the variable is standard normal."""
        return not self.pieces and not self.points

    @property
    def corners(self) -> tuple[Expr, ...]:
        """Extreme values of the variable, and one between them."""
        if self.points:
            values = sorted((value for value, _ in self.points), key=float)
            return values[0], values[-1]
        if self.pieces:
            return self.pieces[0][0], self.pieces[-1][1]
        return Integer(-NORMAL_CORNER), Integer(NORMAL_CORNER)

    @property
    def unit(self) -> float:
        """How far a change of the variable by one of its units reaches: half an interval, or one."""
        return max((float(upper - lower) / 2 for lower, upper, _ in self.pieces), default=1.0)

    def size(self, reach: float, nats: float, strip: Strip, centre: float) -> float:
        """Return the number of nodes for a reach in the linear predictor, infinite where there is no such rule."""
        if self.points:
            return len(self.points)
        if not max(reach, centre) < _FARTHEST:
            return inf
        if self.pieces:
            count = legendre_count(reach, nats, strip)
            return count * len(self.pieces) if count <= _ORDER else inf
        return 2 * trapezoid_shape(reach, nats, strip, centre)[1] + 1

    @lru_cache(maxsize=1024)  # noqa: B019 - axes are values, and few
    def rule(self, reach: float, nats: float, strip: Strip, centre: float) -> Rule:
        """Return the rule for a reach in the linear predictor."""
        if self.points:
            pairs = np.array(self.points, float)
            return Line(pairs[:, 0]), pairs[:, 1]
        if not self.pieces:
            return trapezoid(*trapezoid_shape(reach, nats, strip, centre))
        nodes, weights = legendre(legendre_count(reach, nats, strip))
        parts = []
        for lower, upper, density in self.pieces:
            half, middle = float(upper - lower) / 2, float(upper + lower) / 2
            x = middle + half * nodes
            (height,) = Program([density])({self.variable: x})
            parts.append((x, half * weights * height))
        return Line(np.concatenate([x for x, _ in parts])), np.concatenate([w for _, w in parts])


def standardised(node: Expectation, prefix: str) -> tuple[Expr, tuple[Axis, ...]]:
    """Return an expectation's integrand in variables that have fixed nodes, and their axes.

    A normal variable is mean + sd z and a jointly normal vector mean + L z with the Cholesky factor L, so that
    parameters of these laws become part of the integrand; so do those of a uniform law.

    Raises
    ------
    EvaluationError
        Where a law has no fixed rule.

    Examples
    --------
    >>> s, u = Symbol("s", positive=True), Symbol("u", real=True)
    >>> standardised(Expectation(u**2, (u, NormalLaw(1, s))), "z")[0]
    (s*·z0 + 1)**2

    """
    mapping: dict[Basic, Basic] = {}
    axes: list[Axis] = []
    for binding in node.bindings:
        olds = variables_of(binding)
        news = [internal(f"{prefix}{len(axes) + i}") for i in range(len(olds))]
        values, made = _axes(binding[1], news)
        mapping |= dict(zip(olds, values, strict=True))
        axes += made
    return substitute(node.integrand, mapping), tuple(axes)


def _axes(law: Basic, variables: Sequence[Symbol]) -> tuple[list[Expr], list[Axis]]:
    """Return old variables in terms of new ones, and the axes of the new ones."""
    if isinstance(law, JointNormalLaw):
        lower = _cholesky(law)
        values = [
            law.mean[i] + sum((lower[i, j] * variables[j] for j in range(i + 1)), Integer(0))
            for i in range(law.dimension)
        ]
        return values, [Axis(z) for z in variables]
    (x,) = variables
    if isinstance(law, NormalLaw):
        mean, std = law.args
        return [mean + std * x], [Axis(x)]
    if isinstance(law, UniformLaw):
        a, b = law.args
        return [(a + b) / 2 + (b - a) / 2 * x], [Axis(x, pieces=((Integer(-1), Integer(1), Integer(1) / 2),))]
    if isinstance(law, Law) and not law.free_symbols:
        if law.atoms_with_probability is not None:
            return [x], [Axis(x, points=law.atoms_with_probability)]
        pieces = law.pieces(x)
        if pieces is not None:
            return [x], [Axis(x, pieces=pieces)]
    raise EvaluationError(
        f"no rule with fixed nodes for {spelled(law)}: arrays need normal, uniform, finite or "
        "piecewise polynomial laws, the last two without parameters"
    )


def _cholesky(law: JointNormalLaw) -> Matrix:
    """Return the lower factor L of covariance = L L', in symbols."""
    size = law.dimension
    lower = Matrix.zeros(size, size)
    for i in range(size):
        for j in range(i + 1):
            rest = law.covariance[i, j] - sum((lower[i, k] * lower[j, k] for k in range(j)), Integer(0))
            lower[i, j] = sqrt(rest) if i == j else rest / lower[j, j]
    return lower
