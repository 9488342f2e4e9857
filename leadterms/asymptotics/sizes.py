"""Sizes of the groups: equal, unequal with symbols N and n_h, or a list of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any, Protocol

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


class _Array(Protocol):
    """An array of numpy, or a series of pandas."""

    def tolist(self) -> Any: ...


class _Series(Protocol):
    """A series of polars."""

    def to_list(self) -> Any: ...


class _Column(Protocol):
    """A column of pyarrow."""

    def to_pylist(self) -> Any: ...


PlainSizes = Mapping[str, Any] | Sequence[Any]
"""Numbers for the sizes by name, such as {"m": 100, "n": 20}, or the size of each group."""
Sizes = PlainSizes | _Array | _Series | _Column
"""The same, where the sizes of groups may be an array or a series: see `plain_sizes`."""
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
        If a size is not a whole number, 1 or more (n_h: not positive), or its name is unknown.

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
    numbers = [_group_size(size, place) for place, size in enumerate(plain, 1)]
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


def plain_sizes(sizes: Sizes) -> PlainSizes:
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
        what = f"the size {name}"
        found[by_name[name]] = _positive(value, what) if name == HARMONIC.name else Integer(_whole(value, what))
    if {M, TOTAL, HARMONIC} <= found.keys() and found[HARMONIC] * found[M] > found[TOTAL]:
        raise EvaluationError(
            f"n_h = {found[HARMONIC]} is above N/m = {found[TOTAL] / found[M]}: a harmonic mean is at most the mean"
        )
    if M in found and N in found and TOTAL in known:
        found.setdefault(TOTAL, found[M] * found[N])
        found.setdefault(HARMONIC, found[N])
    return found


def _group_size(value: object, place: int) -> int:
    remedy = ": leave groups without observations out" if _number(value) == 0 else ""
    return _whole(value, f"the size of group {place}", remedy)


def _whole(value: object, what: str, remedy: str = "") -> int:
    number = _number(value)
    if number is None or not number.is_Integer or not number > 0:
        raise EvaluationError(f"{what} is a whole number, 1 or more: {_given(value)} given{remedy}")
    return int(number)


def _positive(value: object, what: str) -> Expr:
    number = _number(value)
    if number is None or not number > 0:
        raise EvaluationError(f"{what} is a positive number: {_given(value)} given")
    return number


def _number(value: object) -> Expr | None:
    try:
        return exact_number(value)
    except LeadtermsError:
        return None


def _given(value: object) -> str:
    """Return what is given, as it was written."""
    return repr(value) if isinstance(value, str) else str(value) if isinstance(value, Number) else brief(value)
