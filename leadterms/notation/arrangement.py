"""How a person arranges sums and products: added terms first, one quotient, factors from simple to composite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Add, Expr, Integer, Pow, Symbol, exp


def positive_first(terms: Iterable[Expr]) -> list[Expr]:
    """Return the terms of a sum, those that are added before those that are subtracted.

    Examples
    --------
    >>> from sympy import symbols
    >>> a, b = symbols("a b")
    >>> positive_first([-a, b])
    [b, -a]

    """
    return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))


def quotient(factors: Iterable[Expr]) -> tuple[bool, list[Expr], list[Expr]]:
    """Split a product into a sign and the factors above and below one bar, each in the order to be written.

    Negative rational powers are divisors; a decaying exponential joins a divisor that is there anyway.

    Returns
    -------
    tuple
        Whether a minus sign stands in front, the factors above, the factors below; none of them is 1.

    Examples
    --------
    >>> from sympy import symbols
    >>> a, b = symbols("a b")
    >>> quotient([exp(-b), a, Integer(-3), 1 / b])
    (True, [3, a], [b, exp(b)])

    """
    negative = False
    above: list[Expr] = []
    below: list[Expr] = []
    decaying: list[Expr] = []
    for factor in factors:
        if factor.is_Rational:
            negative = bool(factor < 0)
            above.append(Integer(abs(factor.p)))
            below.append(Integer(factor.q))
        elif isinstance(factor, Pow) and factor.exp.is_Rational and factor.exp < 0:
            below.append(Pow(factor.base, -factor.exp))
        elif isinstance(factor, exp) and factor.args[0].could_extract_minus_sign():
            decaying.append(factor)
        else:
            above.append(factor)
    if any(factor != 1 for factor in below):
        below.extend(exp(-factor.args[0]) for factor in decaying)
    else:
        above.extend(decaying)
    return negative, _in_order(above), _in_order(below)


def _in_order(factors: Iterable[Expr]) -> list[Expr]:
    return sorted((factor for factor in factors if factor != 1), key=_rank)


def _rank(factor: Expr) -> tuple[int, Any]:
    """Rank rational numbers, other numbers, symbols, exponentials, functions, sums."""
    base = factor.base if isinstance(factor, Pow) else factor
    if factor.is_Rational:
        rank = 0
    elif base.is_number and not isinstance(base, exp):
        rank = 1
    elif isinstance(base, Symbol):
        rank = 2
    elif isinstance(base, exp):
        rank = 3
    else:
        rank = 5 if isinstance(base, Add) else 4
    return rank, factor.sort_key()
