"""Text of conditions on parameters."""

from __future__ import annotations

from sympy import And, Eq, Ne, Or
from sympy.logic.boolalg import Boolean


def shown(condition: Boolean) -> str:
    """Return a condition as text, with the sign ``!=``, "and" and "or" spelled out.

    Examples
    --------
    >>> from sympy import Symbol
    >>> a, b = Symbol("a"), Symbol("b")
    >>> shown((a > 1) | Ne(b, 0))
    '(a > 1) or (b != 0)'

    """
    if isinstance(condition, And | Or):
        word = " and " if isinstance(condition, And) else " or "
        return word.join(sorted(f"({shown(part)})" for part in condition.args))
    if isinstance(condition, Eq):
        return f"{condition.lhs} = {condition.rhs}"
    if isinstance(condition, Ne):
        return f"{condition.lhs} != {condition.rhs}"
    return str(condition)
