"""Spans of numeric columns: ranks, orthonormal bases, and the first column that depends on those before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadterms.errors import ModelError

Array = NDArray[np.float64]
"""A real matrix or vector in double precision."""
DEPENDENT = 1e-9
"""A column counts as dependent if what the others leave of it is this small, relative to its length."""


def dense(matrix: Any) -> Array:
    """Return a matrix as an array in double precision; a sparse one is written out."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=float)


def side_by_side(blocks: Sequence[Any], rows: int) -> Array:
    """Return the columns of all blocks as one matrix; no blocks give a matrix without columns."""
    return np.hstack([np.empty((rows, 0)), *map(dense, blocks)])


def orthonormal_basis(matrix: Any, within: Array | None = None) -> Array:
    r"""Return an orthonormal basis of the span of the columns, outside the span of ``within``.

    Parameters
    ----------
    matrix
        N x k.
    within
        N x r with orthonormal columns; the basis is that of what the columns have beyond their span.

    Returns
    -------
    Array
        N x s, :math:`s = \mathrm{rank}(within, matrix) - r`.

    Examples
    --------
    >>> orthonormal_basis(np.array([[1.0, 2.0], [1.0, 2.0]])).shape
    (2, 1)

    """
    columns = dense(matrix)
    lengths = np.linalg.norm(columns, axis=0)
    unit = columns[:, lengths > 0] / lengths[lengths > 0]
    if within is not None:
        for _ in range(2):  # twice is enough (Giraud, Langou & Rozloznik 2005)
            unit = unit - within @ (within.T @ unit)
    if not unit.size:
        return np.empty((columns.shape[0], 0))
    left, values, _ = np.linalg.svd(unit, full_matrices=False)
    return np.asarray(left[:, values > DEPENDENT * np.sqrt(unit.shape[1])])


def rank(matrix: Any) -> int:
    """Return the rank of a matrix, columns taken at unit length."""
    return int(orthonormal_basis(matrix).shape[1])


def check_full_rank(X: Any, names: Sequence[str] | None = None) -> None:
    """Refuse columns that are linearly dependent, naming the first that depends on those before it.

    Raises
    ------
    ModelError
        If the columns are dependent.

    """
    columns = dense(X)
    if rank(columns) == columns.shape[1]:
        return
    basis = np.empty((columns.shape[0], 0))
    for index in range(columns.shape[1]):
        new = orthonormal_basis(columns[:, [index]], basis)
        if not new.shape[1]:
            shown = f"column {index}" if names is None else f"column {index} ({names[index]})"
            raise ModelError(
                f"the fixed-effects design of {columns.shape[1]} columns has not full rank: {shown} is a linear "
                "combination of those before it, leave it out or state the mean by fewer terms (0 + a:b for the cells)"
            )
        basis = np.hstack([basis, new])
    raise ModelError(
        f"the fixed-effects design of {columns.shape[1]} columns is too near to a smaller rank in double precision: "
        "rescale or centre the predictors"
    )
