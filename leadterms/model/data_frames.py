"""Data frames of any kind as columns: pandas, polars, pyarrow and others through narwhals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadterms.errors import ModelError


def frame_columns(data: Any, names: Sequence[str]) -> Any:
    """Return data as a mapping of names to columns; a mapping is returned as it is.

    Parameters
    ----------
    data
        A mapping of names to sequences, or a data frame that narwhals knows (lazy ones must be collected first).
    names
        The columns that are wanted, which become lists; the others are only named.

    Raises
    ------
    ModelError
        If a data frame other than pandas' is given and narwhals is not installed.

    """
    if isinstance(data, Mapping):
        return data
    try:
        import narwhals
    except ImportError:
        if hasattr(data, "keys") and hasattr(data, "__getitem__"):
            return data
        raise ModelError(
            f"a {type(data).__name__} is read through narwhals, which is missing: pip install 'leadterms[data]', or "
            "give a mapping of column names to sequences"
        ) from None
    frame = narwhals.from_native(data, eager_only=True, pass_through=True)
    if not isinstance(frame, narwhals.DataFrame):
        return data
    return {name: frame[name].to_list() if name in names else () for name in frame.columns}
