"""The length of an expression as a reader counts it, and its sign at a reference point; for display only."""

from __future__ import annotations

import math
from collections.abc import Callable
from zlib import crc32

from sympy import Add, Expr, Function, Mul, NumberSymbol, Pow, Symbol, cosh, coth, csch, exp, sech, sinh, tanh

_ELEMENTARY: dict[type, Callable[[float], float]] = {
    exp: math.exp,
    sinh: math.sinh,
    cosh: math.cosh,
    tanh: math.tanh,
    coth: lambda x: 1 / math.tanh(x),
    sech: lambda x: 1 / math.cosh(x),
    csch: lambda x: 1 / math.sinh(x),
}


def cost(expr: Expr) -> int:
    """Return the number of operations plus twice the number of distinct functions.

    Unlike sympy's ``count_ops`` a sign is free and 1/x costs nothing more than the product it stands in.

    >>> from sympy import Symbol, sinh
    >>> x = Symbol('x')
    >>> cost(sinh(x)**2 - x**2)
    6

    """
    functions: set[Expr] = set()
    total = 0
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Add):
            total += len(node.args) - 1
        elif isinstance(node, Mul):
            total += len(node.args) - 1 - (node.args[0].is_Rational and abs(node.args[0].p) == 1)
        elif isinstance(node, Pow):
            total += not (node.exp.is_Rational and node.exp == -1)
        elif isinstance(node, Function):
            functions.add(node)
            total += 1
        elif node.is_Rational:
            total += node.q != 1
            continue
        elif node.args:
            total += 1
            continue
        stack.extend(node.args)
    return total + 2 * len(functions)


def reference_value(expr: Expr) -> float:
    """Return the value at a fixed point in the positive orthant, where the signs of factors are read off.

    Positive symbols lie near 3/4 (near 7 if they are integers), all others near 9/20; numbered symbols
    descend. Opaque expressions get a fixed value too: the value only says which of two signs to display.
    """
    try:
        return _value(expr)
    except (ZeroDivisionError, OverflowError):
        return 1.0


def _value(expr: Expr) -> float:
    if expr.is_Rational:
        return float(expr.p) / float(expr.q)
    if isinstance(expr, Symbol):
        return _symbol_value(expr)
    if isinstance(expr, Add):
        return math.fsum(_value(a) for a in expr.args)
    if isinstance(expr, Mul):
        return math.prod(_value(a) for a in expr.args)
    if isinstance(expr, Pow):
        base, power = _value(expr.base), _value(expr.exp)
        return float(base**power if expr.exp.is_Integer else abs(base) ** power)
    if isinstance(expr, NumberSymbol):
        return float(expr)
    if type(expr) in _ELEMENTARY:
        return _ELEMENTARY[type(expr)](_value(expr.args[0]))
    return 0.55 + _spread(str(expr))


def _symbol_value(symbol: Symbol) -> float:
    stem = symbol.name.rstrip("0123456789")
    number = int(symbol.name[len(stem) :] or 0)
    start = 0.45
    if symbol.is_positive:
        start = 7.5 if symbol.is_integer else 0.75
    return start - 0.02 * min(number, 9) - _spread(stem)


def _spread(text: str) -> float:
    return 0.01 * crc32(text.encode()) / 2**32
