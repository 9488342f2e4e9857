"""Sizes of the groups: equal, unequal with symbols N and n_h, or a list of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from leadterms.reading.numbers import brief, exact_number

Sizes = Mapping[str, Any] | Sequence[Any] | Any
"""Numbers for the sizes by name, such as {"m": 100, "n": 20}, or the size of each group: see `plain_sizes`."""
EXAMPLE = "{'m': 100, 'n': 20}"
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
        By name, or the size of each group, as a list, an array or a series: then m is their number, N their sum, n_h
        their harmonic mean, and n is the common size where they are equal.
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
        raise EvaluationError(f"sizes are a mapping of {names} to numbers, not {brief(sizes)}")
    plain = plain_sizes(sizes)
    assert not isinstance(plain, Mapping)
    numbers = [_whole(size) for size in plain]
    if not numbers:
        raise EvaluationError("the list of group sizes is empty: give the size of each group")
    counts = Counter(numbers)
    found: dict[Symbol, Expr] = {
        M: Integer(len(numbers)),
        TOTAL: Integer(sum(numbers)),
        HARMONIC: len(numbers) / sum((Rational(count, number) for number, count in counts.items()), Integer(0)),
    }
    if len(counts) == 1:
        found[N] = Integer(numbers[0])
    return found


def plain_sizes(sizes: Sizes) -> Mapping[str, Any] | Sequence[Any]:
    """Return sizes by name as they are, and those of groups as a sequence.

    Parameters
    ----------
    sizes
        By name; or of each group: a sequence, or an array or series of numpy, pandas, polars or pyarrow, such as
        ``frame.groupby("g").size()``.

    Raises
    ------
    EvaluationError
        If they are neither, or a series whose index names sizes: that could be read in two ways.

    """
    if isinstance(sizes, Mapping) or (isinstance(sizes, Sequence) and not isinstance(sizes, str)):
        return sizes
    labels = {str(label) for label in getattr(sizes, "index", ())} if hasattr(sizes, "iloc") else set()
    if labels and labels <= {symbol.name for symbol in (M, N, TOTAL, HARMONIC)}:
        raise EvaluationError(
            f"a {type(sizes).__name__} is read as the size of each group, and its index holds names of sizes "
            f"({', '.join(sorted(labels))}): give dict(sizes) for sizes by name, list(sizes) for those of groups"
        )
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(sizes, method) and getattr(sizes, "ndim", 1) == 1:
            return list(getattr(sizes, method)())
    raise EvaluationError(
        f"sizes are a mapping such as {EXAMPLE} or the size of each group, such as [20, 20, 60], in one dimension, not "
        f"{brief(sizes)}"
    )


def _named(sizes: Mapping[str, object], known: Sequence[Symbol]) -> dict[Symbol, Expr]:
    by_name = {symbol.name: symbol for symbol in known}
    found: dict[Symbol, Expr] = {}
    for key, value in sizes.items():
        name = str(key)
        if name not in by_name:
            listed = "; for the sizes of groups by their names give list(sizes.values())" * (HARMONIC in known)
            raise EvaluationError(f"{name!r} is not a size: there are {', '.join(by_name)}{listed}")
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
        if isinstance(value, str):
            raise EvaluationError(f"the size {value!r} is not an exact number: give a positive one") from None
        raise EvaluationError(f"a size is a positive number, not {brief(value)}") from None
    if not number > 0:
        raise EvaluationError(f"a size is positive: {value} given: leave groups without observations out")
    return number


def _whole(value: object) -> int:
    number = _positive(value)
    if not number.is_Integer:
        raise EvaluationError(f"a size is a whole number, 1 or more: {value} given")
    return int(number)
