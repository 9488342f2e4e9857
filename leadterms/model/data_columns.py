"""Columns of data: numbers, text or categories, checked once, from any mapping of names to sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol, lambdify

from leadterms.errors import ModelError
from leadterms.model.data_frames import Categories, column_values, frame_columns

_MISSING = ("NoneType", "NAType", "NaTType")


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Parameters
    ----------
    name
        As the formula has it.
    values
        Of the N rows: all numbers, all text, or categories of any kind.
    numbers
        The same in double precision; None for text and for categories.
    categories
        Those that occur, in their order; truth values have False and True, and numbers besides. None for others.

    """

    name: str
    values: tuple[Any, ...]
    numbers: NDArray[np.float64] | None
    categories: Categories = None

    @property
    def is_factor(self) -> bool:
        """Whether the column is a factor where it stands in a term by itself."""
        return self.numbers is None or self.categories is not None

    @cached_property
    def levels(self) -> tuple[Any, ...]:
        """The distinct values: in the order of the categories where there are some, else sorted."""
        return tuple(sorted(set(self.values))) if self.categories is None else self.categories

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """The place of each row's value among the levels."""
        place = {level: index for index, level in enumerate(self.levels)}
        return np.array([place[value] for value in self.values], dtype=np.intp)


def read_columns(data: Any, names: Sequence[str]) -> dict[str, Column]:
    """Return the named columns of the data.

    Parameters
    ----------
    data
        A mapping of names to sequences of numbers, of text or of categories, or a data frame of any kind (see
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
    columns = {}
    for name in dict.fromkeys(names):
        try:
            columns[name] = _read_column(data, name)
        except OverflowError:  # of whole numbers; floats are infinite then
            raise ModelError(f"the column {name!r} holds a number beyond double precision: rescale it") from None
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
    if isinstance(given, str) or not hasattr(given, "__iter__") or getattr(given, "ndim", 1) == 0:
        raise ModelError(
            f"the column {name!r} is a sequence of numbers, of text or of categories, not {type(given).__name__}"
        )
    found, categories = column_values(given)
    values = tuple(found)
    if not values:
        raise ModelError(f"the column {name!r} has no rows")
    if not _is_plain(values):
        for row, value in enumerate(values, 1):
            _check_value(name, row, value, isinstance(values[0], str), categories is not None)
    if categories is not None:
        return Column(name, values, None, _occurring(name, values, categories))
    if isinstance(values[0], str):
        return Column(name, tuple(map(str, values)), None)
    numbers = np.array([float(value) for value in values])
    if all(isinstance(value, bool | np.bool_) for value in values):
        truths = tuple(map(bool, values))
        return Column(name, truths, numbers, _occurring(name, truths, (False, True)))
    return Column(name, tuple(numbers.tolist()), numbers)


def _is_plain(values: Sequence[Any]) -> bool:
    """Tell at once, for long columns, that nothing is to be refused: text only, or finite numbers of Python only."""
    kinds = set(map(type, values))
    return kinds == {str} or (kinds <= {bool, int, float} and all(map(isfinite, values)))


def _occurring(name: str, values: Sequence[Any], categories: Sequence[Any]) -> tuple[Any, ...]:
    """Return the categories that occur: the others have no rows that an effect could be found from."""
    occur = set(values)
    found = tuple(category for category in categories if category in occur)
    shown = [str(category) for category in found]
    alike = [text for text in shown if shown.count(text) > 1]
    if alike:
        raise ModelError(
            f"the column {name!r} has different categories that read {alike[0]!r}: give them different names"
        )
    return found


def _check_value(name: str, row: int, value: Any, text: bool, categorical: bool) -> None:
    if type(value).__name__ in _MISSING or (isinstance(value, Real | Decimal) and float(value) != float(value)):
        raise ModelError(f"the column {name!r} misses its value in row {row}: leave the row out or fill it in")
    if categorical:
        return
    if not isinstance(value, str | Real | Decimal | np.bool_):
        raise ModelError(
            f"the column {name!r} holds a {type(value).__name__} in row {row}: give numbers, text or categories"
        )
    if isinstance(value, str) != text:
        raise ModelError(f"the column {name!r} mixes numbers and text (row {row}): give all rows the same type")
    if not isinstance(value, str) and not np.isfinite(float(value)):
        raise ModelError(f"the column {name!r} is infinite in row {row}: leave the row out")
