"""Layouts observation by observation: the slow road beside the strata, in NumPy and with no projectors.

Observations are the points of a grid, one index for each factor of a formula and a last one, "units". Two of them
share an effect if they agree in the factors of its grouping, and a draw of a predictor if they agree in the indices
over which it is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np
from sympy import Expr, Rational

from leadterms.information.strata import Strata

UNITS = "units"
Array = np.ndarray


@dataclass(frozen=True)
class Grid:
    """The observations: for each factor, the units last, the level of every one."""

    shape: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return int(np.prod([size for _, size in self.shape]))

    @property
    def everything(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.shape)

    def levels(self, name: str) -> Array:
        position = self.everything.index(name)
        points = product(*(range(size) for _, size in self.shape))
        return np.array([point[position] for point in points])

    def same(self, names: Sequence[str]) -> Array:
        """Return the matrix of ones where two observations agree in all of some factors."""
        whole = np.ones((self.total, self.total))
        for name in names:
            own = self.levels(name)
            whole *= own[:, None] == own[None, :]
        return whole

    def mean_within(self, names: Sequence[str]) -> Array:
        """Return the matrix that replaces a vector by its means within a grouping."""
        same = self.same(names)
        return same / same.sum(axis=1, keepdims=True)

    def sizes(self, strata: Strata) -> dict[Expr, int]:
        """Return the sizes of the engine's index factors: of several names that never occur apart, their product."""
        own = dict(self.shape)
        return {
            factor.size: int(np.prod([own[name] for name in factor.names or (UNITS,)]))
            for factor in strata.layout.factors
        }


@dataclass(frozen=True)
class Covariance:
    """V and its derivatives, with values of the variance components."""

    values: Mapping[Expr, Expr]
    whole: Array
    slopes: tuple[Array, ...]

    @property
    def inverse(self) -> Array:
        return np.linalg.inv(self.whole)


def covariance(grid: Grid, groupings: Sequence[Sequence[str]], strata: Strata, seed: int = 1) -> Covariance:
    """Return V at random exact values of the components, its groupings as the test states them."""
    draw = Random(seed)
    components = [Rational(draw.randint(2, 40), 8) for _ in strata.parameters]
    slopes = tuple(grid.same(names) for names in (*groupings, grid.everything))
    whole = sum(float(value) * slope for value, slope in zip(components, slopes, strict=True))
    values = dict(zip(strata.parameters, components, strict=True)) | {
        size: Rational(number) for size, number in grid.sizes(strata).items()
    }
    return Covariance(values, whole, slopes)


def number(expression: Expr, values: Mapping[Expr, Expr]) -> float:
    """Return the value of an expression, exact until it is rounded once."""
    return float(Rational(1) * expression.xreplace(dict(values)))


def numbers(matrix: Sequence[Expr], values: Mapping[Expr, Expr]) -> Array:
    """Return a symbolic matrix as an array."""
    return np.array([[number(entry, values) for entry in matrix.row(i)] for i in range(matrix.rows)])


def residual_maker(inverse: Array, x: Array) -> Array:
    """Return P = V^{-1} - V^{-1}X(X'V^{-1}X)^- X'V^{-1}."""
    return inverse - inverse @ x @ np.linalg.pinv(x.T @ inverse @ x) @ x.T @ inverse


def component_information(maker: Array, slopes: Sequence[Array]) -> Array:
    """Return (1/2) tr(Q V_r Q V_s)."""
    return np.array([[np.trace(maker @ first @ maker @ second) / 2 for second in slopes] for first in slopes])


@dataclass(frozen=True)
class Drawn:
    """A predictor drawn anew for each level of some indices, with its moments by enumeration or from a table.

    ``power(k)`` is E x^k. With ``centred`` the means within those factors are subtracted.
    """

    over: tuple[str, ...]
    power: Callable[[int], float]
    centred: tuple[str, ...] | None = None

    def second_moments(self, grid: Grid, first: int, second: int) -> Array:
        """Return E[x_s^first x_t^second] for all pairs of observations s, t."""
        same = grid.same(self.over)
        together, apart = self.power(first + second), self.power(first) * self.power(second)
        if self.centred is None or not first + second:
            return np.where(same == 1, together, apart)
        if first != second:
            return np.zeros_like(same)
        centring = np.eye(grid.total) - grid.mean_within(self.centred)
        return centring @ np.where(same == 1, together, apart) @ centring.T

    def sample(self, grid: Grid, draw: Callable[[int], Array]) -> Array:
        """Return one value for each observation."""
        keys = [grid.levels(name) for name in self.over]
        _, place = np.unique(np.stack(keys), axis=1, return_inverse=True)
        x = draw(int(place.max()) + 1)[place.ravel()]
        return x if self.centred is None else x - grid.mean_within(self.centred) @ x


@dataclass(frozen=True)
class Designed:
    """A predictor fixed by design: its values by the levels of one index."""

    over: str
    values: tuple[float, ...]

    def column(self, grid: Grid) -> Array:
        """Return its value for each observation."""
        return np.array(self.values)[grid.levels(self.over)]

    def second_moments(self, grid: Grid, first: int, second: int) -> Array:
        """Return x_s^first x_t^second for all pairs of observations."""
        column = self.column(grid)
        return np.outer(column**first, column**second)


def expected_information(
    grid: Grid, inverse: Array, predictors: Sequence[Drawn | Designed], terms: Sequence[Sequence[int]]
) -> Array:
    """Return E[X'V^{-1}X], a term being the powers of the independent predictors in it."""

    def entry(first: Sequence[int], second: Sequence[int]) -> float:
        moments = np.ones_like(inverse)
        for predictor, a, b in zip(predictors, first, second, strict=True):
            moments = moments * predictor.second_moments(grid, a, b)
        return float(np.sum(inverse * moments))

    return np.array([[entry(first, second) for second in terms] for first in terms])


def finite_power(atoms: Mapping[float, float]) -> Callable[[int], float]:
    """Return the moments of a law on finitely many points."""
    return lambda k: sum(float(p) * float(x) ** k for x, p in atoms.items())


def normal_power(mean: float, deviation: float) -> Callable[[int], float]:
    """Return the moments of a normal law up to the fourth (Johnson, Kotz and Balakrishnan, ch. 13)."""
    v = deviation**2
    return lambda k: (1, mean, mean**2 + v, mean**3 + 3 * mean * v, mean**4 + 6 * mean**2 * v + 3 * v**2)[k]
