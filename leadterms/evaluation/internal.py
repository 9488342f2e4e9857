"""Names for the inside of an evaluation, which no parameter can have."""

from __future__ import annotations

from sympy import Symbol

MARK = "\N{MIDDLE DOT}"
"""No formula, law or list of values admits it in a name."""


def internal(name: str) -> Symbol:
    """Return a real symbol that is equal to no parameter of a user.

    Examples
    --------
    >>> internal("x0") == Symbol("x0", real=True)
    False

    """
    return Symbol(MARK + name, real=True)
