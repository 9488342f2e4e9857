"""Exact inversion of an information matrix of fixed effects, its independent blocks one by one."""

from __future__ import annotations

from sympy import Matrix

from leadterms.algebra.rational_field import SingularError, inverse, lift
from leadterms.errors import ModelError

SINGULAR = "the information of the fixed effects is singular in this layout: a term has no variation left, remove it"
"""Why there is no covariance of the fixed effects."""


def inverted(matrix: Matrix) -> Matrix:
    """Return the inverse of an information of fixed effects, its independent blocks inverted one by one.

    Raises
    ------
    ModelError
        If it is singular.

    """
    result = Matrix.zeros(*matrix.shape)
    for block in matrix.connected_components():
        part = matrix.extract(block, block)
        own = Matrix([[1 / part[0, 0]]]) if len(block) == 1 and part[0, 0] != 0 else _inverse(part)
        for i, row in enumerate(block):
            for j, column in enumerate(block):
                result[row, column] = own[i, j]
    return result


def _inverse(matrix: Matrix) -> Matrix:
    size = matrix.rows
    field, flat = lift(list(matrix))
    try:
        rows = inverse([flat[size * i : size * (i + 1)] for i in range(size)])
    except SingularError:
        raise ModelError(SINGULAR) from None
    return Matrix(size, size, [field.to_sympy(entry) for row in rows for entry in row])
