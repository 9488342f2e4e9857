"""Columns of data: numbers or text, checked once, from any mapping of names to sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol, lambdify

from leadterms.errors import ModelError
from leadterms.model.data_frames import frame_columns

_MISSING = ("NoneType", "NAType", "NaTType")


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Parameters
    ----------
    name
        As the formula has it.
    values
        Of the N rows: all numbers, or all text.
    numbers
        The same in double precision; None for text.

    """

    name: str
    values: tuple[Any, ...]
    numbers: NDArray[np.float64] | None

    @property
    def levels(self) -> tuple[Any, ...]:
        """The distinct values in sorted order."""
        return tuple(sorted(set(self.values)))


def read_columns(data: Any, names: Sequence[str]) -> dict[str, Column]:
    """Return the named columns of the data.

    Parameters
    ----------
    data
        A mapping of names to sequences of numbers or of text, or a data frame of any kind (see
        :mod:`leadterms.model.data_frames`).
    names
        Those that are wanted.

    Raises
    ------
    ModelError
        If a column is not there, is empty, mixes text with numbers, misses a value, or has another length.

    """
    data = frame_columns(data, names)
    if isinstance(data, str) or not (hasattr(data, "__getitem__") and hasattr(data, "keys")):
        raise ModelError(
            "the data are a mapping of column names to sequences such as {'y': [1.5, 2], 'g': ['a', 'b']}, or a data "
            f"frame, not {type(data).__name__}"
        )
    columns = {name: _read_column(data, name) for name in dict.fromkeys(names)}
    if columns:
        first = next(iter(columns.values()))
        for column in columns.values():
            if len(column.values) != len(first.values):
                raise ModelError(
                    f"the columns {first.name!r} and {column.name!r} have {len(first.values)} and "
                    f"{len(column.values)} rows: give one value for each observation"
                )
    return columns


def evaluate_columns(expression: Expr, columns: dict[str, Column], shown: str) -> NDArray[np.float64]:
    """Return an expression in numeric columns, for each row.

    Raises
    ------
    ModelError
        If it has no finite real value in a row.

    """
    symbols = sorted(expression.free_symbols, key=lambda symbol: symbol.name)
    rows = len(next(iter(columns.values())).values)
    if expression.is_Symbol:
        return np.array(columns[expression.name].numbers)
    if not symbols:
        return np.full(rows, float(expression))
    function = lambdify([Symbol(f"x{index}") for index in range(len(symbols))], _renamed(expression, symbols), "numpy")
    with np.errstate(all="ignore"):
        found = function(*(columns[symbol.name].numbers for symbol in symbols))
        values = np.broadcast_to(np.asarray(found, dtype=float), (rows,)).copy()
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise ModelError(f"{shown} has no finite real value in row {wrong[0] + 1} of the data: leave the row out")
    return values


def _renamed(expression: Expr, symbols: Sequence[Symbol]) -> Expr:
    return expression.xreplace({symbol: Symbol(f"x{index}") for index, symbol in enumerate(symbols)})


def _read_column(data: Any, name: str) -> Column:
    if name not in data:
        known = ", ".join(map(str, data.keys()))
        raise ModelError(f"the data have no column {name!r}: they have {known or 'none at all'}")
    given = data[name]
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise ModelError(f"the column {name!r} is a sequence of numbers or of text, not {type(given).__name__}")
    values = tuple(given)
    if not values:
        raise ModelError(f"the column {name!r} has no rows")
    for row, value in enumerate(values, 1):
        _check_value(name, row, value, isinstance(values[0], str))
    if isinstance(values[0], str):
        return Column(name, tuple(map(str, values)), None)
    numbers = np.array([float(value) for value in values])
    return Column(name, tuple(numbers.tolist()), numbers)


def _check_value(name: str, row: int, value: Any, text: bool) -> None:
    if type(value).__name__ in _MISSING or (isinstance(value, Real) and float(value) != float(value)):
        raise ModelError(f"the column {name!r} misses its value in row {row}: leave the row out or fill it in")
    if not isinstance(value, str | Real | np.bool_):
        raise ModelError(f"the column {name!r} holds a {type(value).__name__} in row {row}: give numbers or text")
    if isinstance(value, str) != text:
        raise ModelError(f"the column {name!r} mixes numbers and text (row {row}): give all rows the same type")
    if not isinstance(value, str) and not np.isfinite(float(value)):
        raise ModelError(f"the column {name!r} is infinite in row {row}: leave the row out")
