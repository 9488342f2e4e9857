"""Costs, budgets and variances that are given: names or exact positive numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sympy import Expr, Symbol

from leadterms.errors import LeadtermsError, ModelError
from leadterms.notation.symbols import RESERVED
from leadterms.reading.numbers import exact_number


def read_price(value: object, taken: set[str]) -> Expr:
    """Return a positive symbol for a name, or an exact positive number.

    Parameters
    ----------
    value
        A name, or what `leadterms.reading.numbers.exact_number` takes.
    taken
        Names of the model and its sizes, which it may not have.

    Returns
    -------
    Expr
        A positive symbol or a rational number.

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


def read_price_pair(cost: object, taken: set[str]) -> list[Expr]:
    """Return the costs of an observation with value 0 and of one with value 1.

    Parameters
    ----------
    cost
        Two of what `read_price` takes.
    taken
        Names of the model and its sizes, which no cost may have.

    Returns
    -------
    list[Expr]
        Two positive symbols or numbers, in this order.

    Raises
    ------
    ModelError
        If there are not two, or one is neither a name nor a positive number.

    Examples
    --------
    >>> read_price_pair(("c0", 3), set())
    [c0, 3]

    """
    if not isinstance(cost, Sequence) or isinstance(cost, str) or len(cost) != 2:
        raise ModelError(
            "cost is a pair, of an observation with value 0 and of one with value 1, such as (1, 3) or ('c0', 'c1'), "
            f"not {cost!r}"
        )
    return [read_price(value, taken) for value in cost]
