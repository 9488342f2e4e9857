"""Held expectations over arrays of parameters: moments over predictors inside, random effects outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil, pi, prod
from typing import Any

import numpy as np
from sympy import Expr, Pow, Rational, Symbol, cancel, exp

from leadterms.errors import EvaluationError
from leadterms.evaluation.arrays.axes import Axis, Rule, standardised
from leadterms.evaluation.arrays.moments import Moments, Values, shifted
from leadterms.evaluation.arrays.program import Program
from leadterms.evaluation.arrays.registers import Arena
from leadterms.evaluation.arrays.sizing import Strip, strip_of
from leadterms.evaluation.arrays.ufuncs import Array, Kind
from leadterms.evaluation.internal import MARK, internal
from leadterms.evaluation.stable import stable
from leadterms.expectation.held import Expectation, outermost

_ELEMENTS = 131_072
"""So many numbers are worked on at once: few enough for the cache, enough to outweigh Python."""
_FLOOR: dict[Kind, Any] = {np.float64: 1e-150, np.longdouble: np.longdouble("1e-2000")}
"""Moments below it may have lost digits by underflow, or their squares have."""
_LEAST = 16
"""Fewest points in a block."""


class Average:
    """Held expectations over the same laws as functions of arrays of parameters.

    Parameters
    ----------
    axes
        The variables of these expectations.
    integrands
        May hold expectations inside: then the variables of ``axes`` are the outer ones.
    swift
        Whether to take e^(-a) out of weights with eta = a + b, a free of predictors: quicker, in half the range.

    Raises
    ------
    EvaluationError
        Where expectations are held three deep, or something has no rule.

    """

    def __init__(self, axes: Sequence[Axis], integrands: Sequence[Expr], swift: bool = False) -> None:
        inner = sorted(set().union(*(outermost(integrand) for integrand in integrands)), key=str)
        self.inner: list[Moments] = []
        self._outer_axes: tuple[Axis, ...] = ()
        if not inner:
            self.inner = [Moments(axes, integrands)]
        else:
            self._outer_axes = tuple(axes)
            turning = [axis.variable for axis in axes]
            groups: dict[tuple[Axis, ...], dict[Expectation, Expr]] = {}
            for node in inner:
                integrand, own = standardised(node, "x")
                if integrand.has(Expectation):
                    raise EvaluationError("no rule for arrays where expectations are held three deep")
                groups.setdefault(own, {})[node] = integrand
            names = {node: internal(f"M{i}") for i, node in enumerate(inner)}
            self._names = [[names[node] for node in members] for members in groups.values()]
            self._received = [name for group in self._names for name in group]
            self._functions = [integrand.xreplace(names) for integrand in integrands]
            self._degrees = [_degree(function, self._received) for function in self._functions]
            self.inner = [Moments(own, list(members.values()), turning) for own, members in groups.items()]
        self.axes = self._outer_axes + tuple(axis for moments in self.inner for axis in moments.axes)
        cores = [core for moments in self.inner for core in moments.cores]
        self.inner_strip = strip_of(cores, [axis.variable for axis in self.axes])
        self.outer_strip = self._outer_strip()
        if self._outer_axes:
            self._compile(swift)

    def _compile(self, swift: bool) -> None:
        turning = [axis.variable for axis in self._outer_axes]
        functions = self._functions
        lifted = shifted(self.inner, turning) if swift and min(self._degrees) > 0 else None
        if lifted is not None:
            shift, self.inner = lifted
            functions = [f * exp(degree * shift) for f, degree in zip(functions, self._degrees, strict=True)]
        self._program = Program([stable(f) for f in functions], turning=turning, received=self._received)

    def strip(self, axis: Axis) -> Strip:
        """Return the strip in which an axis is integrated."""
        return self.outer_strip if axis in self._outer_axes else self.inner_strip

    def _outer_strip(self) -> Strip:
        """Half of the inner strip where moments are divided by, unless they are known to have no zeros in it."""
        strip = self.inner_strip
        if not self._outer_axes:
            return strip
        below = {node.base for f in self._functions for node in f.atoms(Pow) if node.exp.is_negative}
        if not below:
            return strip
        if strip.bounded and len(self.inner) == 1 and self._is_uniform(below):
            # 1/cos(y/2)^4 and a factor of two: see the table of bounds in sizing
            return replace(strip, order=4)
        return replace(strip, height=min(strip.height, pi) / 2, order=1)

    def _is_uniform(self, below: set[Expr]) -> bool:
        """Tell whether all that is divided by is E w(c + b X), X uniform."""
        (moments,) = self.inner
        plain = {name for name, own in zip(self._names[0], moments.own, strict=True) if own == 1}
        densities = [axis.pieces for axis in moments.axes]
        return below <= plain and len(densities) == 1 and len(densities[0]) == 1 and densities[0][0][2].is_number

    def __call__(
        self, values: Values, rules: Mapping[Axis, Rule], kind: Kind = np.float64, arena: Arena | None = None
    ) -> list[Array]:
        """Return the expectations at the points of one-dimensional arrays, with one rule for all.

        A value that may have lost digits by underflow comes out as nan, as does one that overflows.
        """
        count = len(next(iter(values.values()))) if values else 1
        size = max(prod(len(rules[axis][1]) for axis in moments.axes) for moments in self.inner)
        block = max(_LEAST, _ELEMENTS // size)
        block = ceil(count / ceil(count / block))
        results: list[list[Array]] = []
        arena = arena or Arena()
        for start in range(0, count, block):
            part = {symbol: array[start : start + block] for symbol, array in values.items()}
            totals = self._block(part, rules, kind, arena, False)
            if self._outer_axes and not all(np.isfinite(total).all() for total in totals):
                totals = self._block(part, rules, kind, arena, True)
            results.append([_above(total, 1e20 * _FLOOR[kind]) for total in totals])
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def _block(
        self, values: Values, rules: Mapping[Axis, Rule], kind: Kind, arena: Arena, guarded: bool
    ) -> list[Array]:
        arena.reset()
        count = len(next(iter(values.values()))) if values else 1
        lines = {axis.variable: rules[axis][0] for axis in self._outer_axes}
        prepared = [moments.prepare(values, rules, lines, kind, arena) for moments in self.inner]
        if not self._outer_axes:
            sums = np.empty((1, len(self.inner[0].own), count), kind)
            self.inner[0].turn(prepared[0], (), (), sums)
            return list(sums[0])
        state = self._program.prepare(values, lines, kind, arena)
        columns = [line.nodes.reshape(-1, 1).astype(kind) for line in lines.values()]
        totals = [np.zeros(count, kind) for _ in self._functions]
        few = max(1, _ELEMENTS // (count * max(matrices[0].shape[1] for _, matrices, _ in prepared)))
        many = max(few, _ELEMENTS // count)
        received = arena.take((many, len(self._received), count), kind)
        for rows, weights in _turns([rules[axis] for axis in self._outer_axes], many):
            moments = received[: len(weights)]
            for start in range(0, len(weights), few):
                part = [_part(places, start, start + few) for places in rows]
                turning = [column[places] for column, places in zip(columns, part, strict=True)]
                first = 0
                for inner, ready in zip(self.inner, prepared, strict=True):
                    last = first + len(inner.own)
                    inner.turn(ready, turning, part, moments[start : start + few, first:last])
                    first = last
            turning = [column[places] for column, places in zip(columns, rows, strict=True)]
            functions = self._program.turn(state, [*turning, *moments.swapaxes(0, 1)], rows)
            if guarded:
                functions = self._without_underflow(functions, moments, kind)
            for total, value in zip(totals, functions, strict=True):
                if value.shape != (len(weights), count):
                    value = np.broadcast_to(value, (len(weights), count))
                total += weights @ value
        return totals

    def _without_underflow(self, functions: list[Array], moments: Array, kind: Kind) -> list[Array]:
        """Leave out nodes at which all moments vanish by underflow, and their quotient is 0/0.

        A function of positive degree in the moments is of their size there, negligible beside the floor of the sum.
        """
        vanish = np.abs(moments).max(axis=1) < _FLOOR[kind]
        return [
            np.where(vanish, 0, value) if degree > 0 else value
            for value, degree in zip(functions, self._degrees, strict=True)
        ]


def _above(total: Array, floor: Any) -> Array:
    """Return values with those that are not zero but below the floor replaced by nan."""
    small = (np.abs(total) < floor) & (total != 0)
    return np.where(small, np.nan, total) if small.any() else total


def _turns(rules: Sequence[Rule], size: int) -> Iterator[tuple[tuple[Any, ...], Array]]:
    """Yield nodes of a grid of random effects in batches: the places on each axis, and the weights.

    With more than one effect, corners of the grid are left out: nodes z with sum (z_i/T_i)^2 > 1.1, T_i the end
    of an axis, where the product of the weights is smaller than that at the end of any axis.
    """
    size = max(1, size)
    if len(rules) == 1:
        weights = rules[0][1]
        for start in range(0, len(weights), size):
            rows = slice(start, min(start + size, len(weights)))
            yield (rows,), weights[rows]
        return
    shares = np.meshgrid(*((line.nodes / line.nodes[-1]) ** 2 for line, _ in rules), indexing="ij")
    places = np.nonzero(np.sum(shares, axis=0) <= 1.1)
    weights = np.prod([weight[place] for (_, weight), place in zip(rules, places, strict=True)], axis=0)
    for start in range(0, len(weights), size):
        stop = start + size
        yield tuple(place[start:stop] for place in places), weights[start:stop]


def _part(places: Any, start: int, stop: int) -> Any:
    """Return some of the places on an axis."""
    if isinstance(places, slice):
        return slice(places.start + start, min(places.start + stop, places.stop))
    return places[start:stop]


def _degree(function: Expr, moments: Sequence[Symbol]) -> int:
    """Return d where f(c M) = c^d f(M), tried at a rational point; 0 where there is no such whole number."""
    scale = Symbol(f"{MARK}scale", positive=True)
    ratio = (function.xreplace({m: scale * m for m in moments}) / function).subs(
        {m: Rational(101 + 13 * i, 17 + 5 * i) for i, m in enumerate(moments)}
    )
    power = cancel(ratio).as_base_exp()
    return int(power[1]) if power[0] == scale and power[1].is_Integer else 0
