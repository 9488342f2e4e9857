"""The parts of an expression of one kind, where many parts are the same object."""

from __future__ import annotations

from typing import TypeVar

from sympy import Basic

T = TypeVar("T", bound=Basic)


def parts_of(expression: Basic, kind: type[T]) -> set[T]:
    """Return what ``expression.atoms(kind)`` returns; every part is looked at once, however often it stands there.

    Examples
    --------
    >>> from sympy import exp
    >>> from sympy.abc import x
    >>> parts_of(x * exp(x) + exp(x), exp)
    {exp(x)}

    """
    seen: set[Basic] = {expression}
    stack: list[Basic] = [expression]
    found: set[T] = set()
    while stack:
        part = stack.pop()
        if isinstance(part, kind):
            found.add(part)
        new = [one for one in part.args if one not in seen]
        seen.update(new)
        stack += new
    return found
