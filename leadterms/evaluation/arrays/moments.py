"""Expectations over predictors given the random effects: weighted sums over a grid, all moments at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Add, Expr, Mul, Pow, Symbol, cosh, exp

from leadterms.evaluation.arrays.axes import Axis, Rule
from leadterms.evaluation.arrays.program import Program
from leadterms.evaluation.arrays.registers import Arena, Line, State
from leadterms.evaluation.arrays.ufuncs import Array, Kind
from leadterms.evaluation.stable import stable

Values = Mapping[Symbol, Array]
_Laid = tuple[State, list[Array], tuple[int, ...]]
"""A program ready for turns, a matrix of weights for each core, and the numbers of nodes."""


class Moments:
    """Expectations over predictors that share their nodes, given the random effects.

    Parameters
    ----------
    axes
        The predictors.
    integrands
        What is averaged; factors that are polynomials in the predictors join the weights.
    turning
        Symbols of the random effects.

    """

    def __init__(self, axes: Sequence[Axis], integrands: Sequence[Expr], turning: Sequence[Symbol] = ()) -> None:
        self.axes = tuple(axes)
        self.integrands = list(integrands)
        variables = [axis.variable for axis in axes]
        self.parts = parts = [_own_factor(integrand, set(variables)) for integrand in integrands]
        self.cores = list(dict.fromkeys(core for _, core in parts))
        self.own = [own for own, _ in parts]
        self._members = [[i for i, (_, own) in enumerate(parts) if own == core] for core in self.cores]
        self._own = Program(self.own)
        self._program = Program([stable(core) for core in self.cores], turning=turning, inner=variables)

    def prepare(
        self, values: Values, rules: Mapping[Axis, Rule], lines: Mapping[Symbol, Line], kind: Kind, arena: Arena
    ) -> _Laid:
        """Lay the nodes, and do what does not depend on the random effects."""
        count = len(self.axes)
        grid: dict[Symbol, Array] = {}
        weights = np.ones((1,) * count)
        for i, axis in enumerate(self.axes):
            line, weight = rules[axis]
            shape = [1] * count
            shape[i] = -1
            grid[axis.variable] = line.nodes.reshape(shape)
            weights = weights * weight.reshape(shape)
        own = [np.broadcast_to(factor, weights.shape) for factor in self._own(grid)]
        matrices = [np.array([(weights * own[i]).ravel() for i in members]) for members in self._members]
        nodes = {symbol: array[..., None, None].astype(kind) for symbol, array in grid.items()}
        return self._program.prepare({**values, **nodes}, lines, kind, arena), matrices, weights.shape

    def turn(self, prepared: _Laid, values: Sequence[Array], rows: Sequence[Any], out: Array) -> None:
        """Write the moments into an array of random effects by moments by points."""
        state, matrices, shape = prepared
        for members, value, matrix in zip(
            self._members, self._program.turn(state, values, rows), matrices, strict=True
        ):
            last = value.shape[-2:]
            if value.shape[:-2] != shape:
                value = np.broadcast_to(value, (*shape, *last))
            flat = value.reshape(matrix.shape[1], -1)
            if len(self._members) == 1 and (1, last[1]) == (len(out), out.shape[2]):
                np.matmul(matrix, flat, out=out[0])
            else:
                out[:, members] = (matrix @ flat).reshape(-1, *last).swapaxes(0, 1)


def _own_factor(expr: Expr, variables: set[Symbol]) -> tuple[Expr, Expr]:
    """Split a product into a polynomial in nothing but the variables, and the rest."""
    factors = Mul.make_args(expr)
    own = [f for f in factors if f.free_symbols and f.free_symbols <= variables and f.is_polynomial()]
    # exponentials are products over the axes, which a hyperbolic cosine is not; e^y + e^-y does not cancel
    core = Mul(*(f for f in factors if f not in own))
    return Mul(*own), core.replace(cosh, lambda y: (exp(y) + exp(-y)) / 2)


def shifted(inner: Sequence[Moments], turning: Sequence[Symbol]) -> tuple[Expr, list[Moments]] | None:
    """Take one factor e^s out of all moments: e^(a+b)/(1 + e^(a+b))^2 = e^(-a) e^b/(e^(-a) + e^b)^2.

    At a turn that leaves a sum, a square and a quotient, with e^(-a) known for each random effect. Returns s and
    the moments without the factor, or None where the weights are of another kind.
    """
    found: dict[Expr, None] = {}
    changed: list[Moments] = []
    for moments in inner:
        variables = {axis.variable for axis in moments.axes}
        cores: dict[Expr, Expr] = {}
        for core in moments.cores:
            factors = Mul.make_args(core)
            power = next((f for f in factors if isinstance(f, Pow) and f.exp == -2), None)
            base = None if power is None else power.base
            if not isinstance(base, Add) or base.args[0] != 1 or base - 1 not in factors:
                return None
            rest = Mul(*(f for f in factors if f not in (power, base - 1)))
            outside, inside = (base - 1).args[0].expand().as_independent(*variables, as_Add=True)
            if rest.free_symbols or not outside.has(*turning):
                return None
            found[-outside] = None
            cores[core] = rest * exp(inside) / (exp(-outside) + exp(inside)) ** 2
        integrands = [own * cores[core] for own, core in moments.parts]
        changed.append(Moments(moments.axes, integrands, turning))
    return (*found, changed) if len(found) == 1 else None
