"""How much of a computed value is rounding: a running error bound beside each operation.

For each operation r = f(a, b) done in floating point with unit u, the error of r is at most, to first order in u,
|df/da| e_a + |df/db| e_b + u |r| (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.3); in
products e_a e_b is added, which is more than all else where a factor is zero by rounding alone.
It sees every cancellation at the point where it happens, so that it needs no knowledge of where an expression
has removable singularities.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sympy import Symbol

from leadterms.evaluation.arrays.program import Program
from leadterms.evaluation.arrays.registers import Operation
from leadterms.evaluation.arrays.ufuncs import ELEMENTWISE, Array, Kind

_LINEAR = 1e-3
"""Relative errors beyond this are not small enough for the first order."""


def with_rounding(program: Program, values: Mapping[Symbol, Array], kind: Kind = np.float64) -> tuple[Array, Array]:
    """Return the first output of a program without turns, and a bound of its rounding error, absolute.

    Parameters
    ----------
    program
        All of its symbols have values.
    values
        Taken as exact.
    kind
        Type of the numbers.

    Returns
    -------
    value, error
        The error is nan or infinite where nothing is known.

    Examples
    --------
    >>> from sympy import cosh
    >>> x = Symbol("x")
    >>> value, error = with_rounding(Program([cosh(x) - 1]), {x: np.array([1e-9, 1.0])})
    >>> (error > 1e-12 * value).tolist()
    [True, False]

    """
    state = program.prepare(values, {}, kind)
    unit = float(np.finfo(kind).eps)
    registers = state.registers
    errors: list[Array] = [np.zeros(1, kind)] * len(registers)
    for register in program.constants:
        errors[register] = np.abs(registers[register]) * unit
    for operation in program.operations:
        errors[operation.writes] = _spread(operation, registers, errors, unit)
    return registers[program.outputs[0]], errors[program.outputs[0]]


def _spread(operation: Operation, registers: list[Array], errors: list[Array], unit: float) -> Array:
    """Return the bound of one operation's absolute error."""
    inputs = [registers[i] for i in operation.reads]
    before = [errors[i] for i in operation.reads]
    result = registers[operation.writes]
    size = np.abs(result)
    own = unit * size + _underflow(operation, inputs, before, size)
    if operation.name in ("add", "subtract"):
        spread = before[0] + before[1]
    elif operation.name == "multiply":
        # a factor may be nothing but rounding: there the product of both errors is all that is seen of them
        spread = np.abs(inputs[0]) * before[1] + np.abs(inputs[1]) * before[0] + before[0] * before[1]
    elif operation.name == "divide":
        spread = _when_small(before[1], inputs[1], (before[0] + size * before[1]) / np.abs(inputs[1]))
    elif operation.name == "square":
        spread = (2 * np.abs(inputs[0]) + before[0]) * before[0]
    elif operation.name == "negative":
        spread, own = before[0], 0 * size
    elif operation.name == "power":
        base, power = inputs
        spread = size * (np.abs(power) * before[0] / np.abs(base) + np.abs(np.log(np.abs(base))) * before[1])
        spread, own = _when_small(before[0], base, spread), 4 * own
    else:
        rule = ELEMENTWISE[operation.name]
        (argument,) = inputs
        reference = argument if operation.name in ("log", "sqrt") else np.ones_like(argument)
        spread = _when_small(before[0], reference, rule.slope(argument, result) * before[0])
        if operation.name in ("erf", "erfc"):
            # their coefficients are those of float64 in any type
            own = np.finfo(np.float64).eps * size
        own = rule.units(argument) * own
    total: Array = spread + own
    return total


def _underflow(operation: Operation, inputs: list[Array], errors: list[Array], size: Array) -> Array | float:
    """Return the spacing of the smallest numbers, for a result that may have lost digits in them.

    Sums never do, and nothing is lost in a product with an exact zero.
    """
    if operation.name in ("add", "subtract", "negative"):
        return 0.0
    limits = np.finfo(size.dtype)
    lost = size < limits.tiny / limits.eps
    if operation.name in ("multiply", "divide", "square", "sqrt"):
        exact = np.logical_or.reduce(
            np.broadcast_arrays(*((value == 0) & (error == 0) for value, error in zip(inputs, errors, strict=True)))
        )
        lost = lost & ~exact
    return np.where(lost, limits.smallest_subnormal, 0)


def _when_small(error: Array, reference: Array, spread: Array) -> Array:
    """Return a first-order spread where the error is small enough for it, infinity elsewhere."""
    return np.where(error <= _LINEAR * np.abs(reference), spread, np.inf)
