"""Data frames of any kind as columns: pandas, polars, pyarrow and others through narwhals.

The categories of a column stay with it, in their order: those of a pandas Categorical, of a polars Enum, of a pyarrow
dictionary. A polars Categorical has none of its own (polars sorts it as text), and neither has text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leadterms.errors import ModelError

Categories = tuple[Any, ...] | None


def frame_columns(data: Any, names: Sequence[str]) -> Any:
    """Return data as a mapping of names to columns; a mapping is returned as it is.

    Parameters
    ----------
    data
        A mapping of names to sequences, or a data frame that narwhals knows.
    names
        The columns that are wanted, which :func:`column_values` reads; the others are only named.

    Raises
    ------
    ModelError
        If a data frame other than pandas' is given and narwhals is not installed, a frame is lazy, or columns
        share a name.

    """
    if isinstance(data, Mapping):
        return data
    try:
        import narwhals.stable.v1 as narwhals
    except ImportError:
        if hasattr(data, "keys") and hasattr(data, "__getitem__"):
            return data
        raise _narwhals_needed(data, "give a mapping of column names to sequences") from None
    try:
        frame = narwhals.from_native(data, pass_through=True)
        known = frame.columns if isinstance(frame, narwhals.DataFrame) else ()
    except ValueError as error:  # narwhals' DuplicateError, which not all of its versions have
        reason = " ".join(str(error).split())
        raise ModelError(f"the data frame cannot be read ({reason}): give each column a name of its own") from None
    if isinstance(frame, narwhals.LazyFrame):
        raise ModelError(
            f"a {type(data).__name__} is lazy, and its rows are not there yet: collect it first, by its collect(), "
            "compute() or to_arrow_table()"
        )
    if not isinstance(frame, narwhals.DataFrame):
        return data
    return {name: frame[name] if name in names else () for name in known}


def column_values(given: Any) -> tuple[list[Any], Categories]:
    """Return the values of a column, and its categories in their order; None where it has none of its own.

    Categories that do not occur are among them. A column is a sequence, or a series, a categorical or an array of a
    library of data frames.
    """
    if isinstance(given, np.ndarray):
        return given.tolist(), None
    if isinstance(given, list | tuple | range):
        return list(given), None
    series = _series(given)
    if series is not None:
        if hasattr(getattr(series.to_native(), "dtype", None), "pyarrow_dtype"):  # pandas around pyarrow
            return column_values(series.to_arrow())
        return series.to_list(), _categories(series)
    if hasattr(given, "to_pylist"):  # an array of pyarrow, which is no series
        dictionary = getattr(given, "dictionary", None)
        return given.to_pylist(), None if dictionary is None else tuple(dictionary.to_pylist())
    if type(getattr(given, "dtype", None)).__name__ == "CategoricalDtype":  # of pandas, which is no series either
        return list(given), tuple(given.dtype.categories)
    return list(given), None


def _series(given: Any) -> Any:
    """Return a series of narwhals, or None."""
    try:
        import narwhals.stable.v1 as narwhals
    except ImportError:
        foreign = type(given).__module__.partition(".")[0] != "pandas" and (
            hasattr(given, "dtype") or hasattr(given, "to_pylist")
        )
        if foreign or str(getattr(given, "dtype", "")).startswith("dictionary"):
            raise _narwhals_needed(given, "give a list") from None
        return None
    found = narwhals.from_native(given, allow_series=True, pass_through=True)
    return found if isinstance(found, narwhals.Series) else None


def _categories(series: Any) -> Categories:
    kind = str(series.dtype)
    if series.implementation.is_polars():
        # its Categorical is sorted as text by polars too: those categories have no order of their own
        return tuple(series.to_native().dtype.categories) if kind.startswith("Enum") else None
    return tuple(series.cat.get_categories().to_list()) if kind.startswith(("Categorical", "Enum")) else None


def _narwhals_needed(given: Any, instead: str) -> ModelError:
    return ModelError(
        f"a {type(given).__name__} is read through narwhals, which is missing: pip install 'leadterms[data]', or "
        f"{instead}"
    )
