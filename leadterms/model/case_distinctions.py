"""The parts of a support on which a density makes no case distinction.

The conditions of a ``Piecewise`` and the values of ``floor`` change only at the zeros of what they compare, and where
the argument of ``floor`` is whole: between two such points that follow each other all are what they are at one point.
"""

from __future__ import annotations

from itertools import pairwise

from sympy import Expr, Integer, Piecewise, Poly, Sum, Symbol, ceiling, floor, oo
from sympy.core.relational import Relational

from leadterms.model.law import Piece

MOST_STEPS = 200
"""Values of ``floor`` on a support."""


def parts_of_density(density: Expr, x: Symbol, support: tuple[Expr, Expr]) -> tuple[Piece, ...] | None:
    """Return the intervals and the density on each, without those where it is zero; None where they are not found.

    Examples
    --------
    >>> x = Symbol("x", real=True)
    >>> parts_of_density(Piecewise((x, x < 1), (2 - x, x <= 2), (0, True)), x, (Integer(0), oo))
    ((0, 1, x), (1, 2, 2 - x))

    """
    low, high = support
    if not density.has(Piecewise, floor):
        return ((low, high, density),)
    changes = _changes(density, x, support)
    if changes is None:
        return None
    found = []
    for first, last in pairwise([low, *changes, high]):
        expression = _at(density, x, _inside(first, last))
        if expression.has(Piecewise, floor):
            return None
        if expression != 0:
            found.append((first, last, expression))
    return tuple(found)


def _inside(low: Expr, high: Expr) -> Expr:
    if low.is_finite and high.is_finite:
        return (low + high) / 2
    if low.is_finite:
        return low + 1
    return high - 1 if high.is_finite else Integer(0)


def _changes(density: Expr, x: Symbol, support: tuple[Expr, Expr]) -> list[Expr] | None:
    """Return the points inside the support, in order, at which conditions change; None where they are not found."""
    points: set[Expr] = set()
    for relation in density.atoms(Relational):
        if not relation.has(x) or relation.lhs in (oo, -oo) or relation.rhs in (oo, -oo):
            continue
        zero = _zero(relation.lhs - relation.rhs, x)
        if zero is None:
            return None
        points.add(zero)
    for step in density.atoms(floor):
        found = _whole(step.args[0], x, support) if step.has(x) else []
        if found is None:
            return None
        points.update(found)
    low, high = support
    if not all(point.is_number for point in points):
        return None
    inner = [point for point in points if (point > low) == True and (point < high) == True]  # noqa: E712
    return sorted(inner)


def _zero(difference: Expr, x: Symbol) -> Expr | None:
    if not difference.is_polynomial(x) or Poly(difference, x).degree() != 1:
        return None
    slope, level = Poly(difference, x).all_coeffs()
    return -level / slope


def _whole(argument: Expr, x: Symbol, support: tuple[Expr, Expr]) -> list[Expr] | None:
    """Return where an argument that is affine in x is whole, None where these are too many or not known."""
    if not argument.is_polynomial(x) or Poly(argument, x).degree() != 1:
        return None
    ends = sorted((argument.xreplace({x: end}) for end in support), key=lambda end: end.sort_key())
    if not all(end.is_number and end.is_finite for end in ends):
        return None
    low, high = (ends[0], ends[1]) if ends[0] < ends[1] else (ends[1], ends[0])
    first, last = int(ceiling(low)), int(floor(high))
    if last - first > MOST_STEPS:
        return None
    zeros = [_zero(argument - level, x) for level in range(first, last + 1)]
    return [zero for zero in zeros if zero is not None]


def _at(density: Expr, x: Symbol, point: Expr) -> Expr:
    """Return a density with its conditions, and what ``floor`` is, as they are at one point."""

    def chosen(*cases: object) -> Expr:
        for value, condition in (case.args for case in cases):  # type: ignore[attr-defined]
            decided = condition.xreplace({x: point}).doit() if condition.has(x) else condition
            if decided == True:  # noqa: E712
                return value
            if decided != False:  # noqa: E712
                return Piecewise(*cases)
        return Integer(0)

    value = density.replace(floor, lambda a: floor(a.xreplace({x: point})))
    value = value.replace(Piecewise, chosen)
    return value.doit() if value.has(Sum) else value
