"""Costs, budgets and variances that are given: names or exact positive numbers."""

from __future__ import annotations

import re

from sympy import Expr, Symbol

from leadterms.errors import LeadtermsError, ModelError
from leadterms.notation.symbols import RESERVED
from leadterms.reading.numbers import exact_number


def read_price(value: object, taken: set[str]) -> Expr:
    """Return a positive symbol for a name, or an exact positive number.

    Raises
    ------
    ModelError
        If it is neither, or the name is one of the model's.

    Examples
    --------
    >>> read_price("c1", set()), read_price("2.5", set())
    (c1, 5/2)

    """
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value):
        if value in taken or RESERVED.match(value):
            raise ModelError(f"the name {value!r} of a cost is one of the model or its sizes: choose another")
        return Symbol(value, positive=True)
    try:
        number = exact_number(value)
    except LeadtermsError as error:
        raise ModelError(
            f"a cost, budget or variance is a name or an exact number: {str(error).splitlines()[0]}"
        ) from None
    if not number > 0:
        raise ModelError(f"costs, budget and variance are positive: {value} given")
    return number
