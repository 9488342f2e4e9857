"""Sizes of the groups: equal, unequal with symbols N and n_h, or a list of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Rational, Symbol

from leadterms.asymptotics.orders import (
    NESTED_REGIME,
    PER_GROUPED_OBSERVATION,
    PER_HARMONIC,
    PER_TOTAL,
    UNEQUAL_REGIME,
)
from leadterms.errors import EvaluationError, LeadtermsError, ModelError
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N
from leadterms.reading.numbers import exact_number

Sizes = Mapping[str, object] | Sequence[object]
"""Numbers for the sizes by name, such as {"m": 100, "n": 20}, or the size of each group."""
EQUAL, UNEQUAL = "equal", "unequal"


@dataclass(frozen=True)
class SizeOrders:
    """The orders of the terms beyond 1/m.

    Parameters
    ----------
    regime
        Which sizes grow.
    inside
        Order of what every observation informs on: 1/(mn), or 1/N.
    reciprocal
        Order of what the mean of 1/n_i multiplies: 1/(mn), or 1/(m n_h).

    """

    regime: str
    inside: Expr
    reciprocal: Expr


def size_orders(group_sizes: str) -> SizeOrders:
    """Return the orders for equal or unequal groups.

    Raises
    ------
    ModelError
        If it is neither.

    """
    if group_sizes == EQUAL:
        return SizeOrders(NESTED_REGIME, PER_GROUPED_OBSERVATION, PER_GROUPED_OBSERVATION)
    if group_sizes == UNEQUAL:
        return SizeOrders(UNEQUAL_REGIME, PER_TOTAL, PER_HARMONIC)
    raise ModelError(f"group sizes are 'equal' or 'unequal', not {group_sizes!r}")


def size_values(sizes: Sizes, known: Sequence[Symbol] = (M, N, TOTAL, HARMONIC)) -> dict[Symbol, Expr]:
    """Return numbers for m, n, N and n_h, or for the sizes of a layout.

    Parameters
    ----------
    sizes
        By name, or the size of each group: then m is their number, N their sum, n_h their harmonic mean, and n
        is the common size where they are equal.
    known
        The sizes that there are.

    Raises
    ------
    EvaluationError
        If a size is not positive, or its name is unknown.

    Examples
    --------
    >>> size_values([20, 20, 60])
    {m: 3, N: 100, n_h: 180/7}

    """
    if isinstance(sizes, Mapping):
        return _named(sizes, known)
    if HARMONIC not in known:
        names = ", ".join(symbol.name for symbol in known)
        raise EvaluationError(f"sizes are a mapping of {names} to numbers, not {sizes!r}")
    if isinstance(sizes, str) or not isinstance(sizes, Sequence):
        raise EvaluationError(
            f"sizes are a mapping such as {{'m': 100, 'n': 20}} or the size of each group, [20, 20, 60], not {sizes!r}"
        )
    numbers = [_whole(size) for size in sizes]
    if not numbers:
        raise EvaluationError("the list of group sizes is empty: give the size of each group")
    found: dict[Symbol, Expr] = {
        M: Integer(len(numbers)),
        TOTAL: Integer(sum(numbers)),
        HARMONIC: len(numbers) / sum((Rational(1, number) for number in numbers), Integer(0)),
    }
    if len(set(numbers)) == 1:
        found[N] = Integer(numbers[0])
    return found


def _named(sizes: Mapping[str, object], known: Sequence[Symbol]) -> dict[Symbol, Expr]:
    by_name = {symbol.name: symbol for symbol in known}
    found: dict[Symbol, Expr] = {}
    for key, value in sizes.items():
        name = str(key)
        if name not in by_name:
            raise EvaluationError(f"{name!r} is not a size: there are {', '.join(by_name)}")
        found[by_name[name]] = Integer(_whole(value)) if name != HARMONIC.name else _positive(value)
    if {M, TOTAL, HARMONIC} <= found.keys() and found[HARMONIC] * found[M] > found[TOTAL]:
        raise EvaluationError(
            f"n_h = {found[HARMONIC]} is above N/m = {found[TOTAL] / found[M]}: a harmonic mean is at most the mean"
        )
    if M in found and N in found and TOTAL in known:
        found.setdefault(TOTAL, found[M] * found[N])
        found.setdefault(HARMONIC, found[N])
    return found


def _positive(value: object) -> Expr:
    try:
        number = exact_number(value)
    except LeadtermsError:
        raise EvaluationError(f"the size {value!r} is not an exact number") from None
    if not number > 0:
        raise EvaluationError(f"a size is positive: {value} given")
    return number


def _whole(value: object) -> int:
    number = _positive(value)
    if not number.is_Integer:
        raise EvaluationError(f"a size is a whole number, 1 or more: {value} given")
    return int(number)
