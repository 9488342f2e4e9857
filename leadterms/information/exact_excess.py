"""From exact informations at several n to the coefficients of the expansion of the covariance in 1/n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sympy import Symbol

from leadterms.errors import EvaluationError
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.information.exact import ExactInformation


@dataclass(frozen=True)
class ScaledExcess:
    """n times (inverse information - leading block), with its error, in the order of ``parameters``."""

    parameters: tuple[Symbol, ...]
    matrix: Array
    error: Array
    n: int


@dataclass(frozen=True)
class Extrapolation:
    """A limit as n -> oo; ``error`` is an estimate: see `extrapolate`."""

    value: Array
    error: Array


def scaled_excess(information: ExactInformation) -> ScaledExcess:
    """Return n times (inverse information - T^{-1}), T^{-1} standing in the block of (beta_A, vech Sigma) only.

    As n -> oo its block of (beta_A, vech Sigma) tends to the second-order coefficient, that of beta_B to
    phi G^{-1}, the leading one, and the block between them to the covariance of order 1/(mn); all per 1/(mn)
    after division by m.  The error is that of the information carried through the inverse to first order.

    Raises
    ------
    EvaluationError
        If the information is singular: the group is too small to identify the parameters.

    """
    matrix, count = information.matrix, information.n
    if np.linalg.cond(matrix) > 1e12:
        raise EvaluationError(
            f"the information of n = {count} observations is singular: a group does not identify all of "
            f"{', '.join(map(str, information.parameters))}; raise n"
        )
    inverse = np.linalg.inv(matrix)
    known = np.flatnonzero(np.diag(information.leading))
    block = np.ix_(known, known)
    excess = inverse.copy()
    excess[block] -= np.linalg.inv(information.leading[block])
    error = np.abs(inverse) @ information.error @ np.abs(inverse)
    return ScaledExcess(information.parameters, count * excess, count * error, count)


def extrapolate(
    sizes: Sequence[int], values: Sequence[ArrayLike], errors: Sequence[ArrayLike] | None = None
) -> Extrapolation:
    """Return the limit as n -> oo of values with an expansion in powers of 1/n (Richardson).

    The polynomial in 1/n through all values, at zero; the neglected term is of the order of the product of all
    1/n.  The error is an estimate: twice the larger of the changes on leaving out the largest n and the smallest
    n, enough where the one value more takes a third of the error away; to this come the errors of the values, each
    times the size of its weight.  It can be small by accident, where a change turns sign.  Expansions in 1/n are as
    a rule not convergent: with a spread of the linear predictor of 1 or more small n do harm.

    Parameters
    ----------
    sizes
        Two or more distinct n.
    values, errors
        For each n, numbers or arrays of one shape.

    Raises
    ------
    EvaluationError
        If the sizes are not two or more distinct ones, or the values are not as many.

    Examples
    --------
    >>> limit = extrapolate([10, 20, 40], [1 + 3 / n + 5 / n**2 for n in (10, 20, 40)])
    >>> round(float(limit.value), 12)
    1.0

    """
    if len(set(sizes)) != len(sizes) or len(sizes) < 2 or len(values) != len(sizes) or min(sizes) < 1:
        raise EvaluationError(f"an extrapolation takes values at two or more distinct n, not at {list(sizes)}")
    order = np.argsort(sizes)
    x = 1 / np.array(sizes, dtype=float)[order]
    stacked = np.stack([np.asarray(values[i], dtype=float) for i in order])
    value = np.tensordot(_weights_at_zero(x), stacked, axes=1)
    others = [np.tensordot(_weights_at_zero(x[part]), stacked[part], axes=1) for part in (slice(1, None), slice(-1))]
    error = 2 * np.max(np.abs(np.stack(others) - value), axis=0)
    if errors is not None:
        spread = np.stack([np.asarray(errors[i], dtype=float) for i in order])
        error = error + np.tensordot(np.abs(_weights_at_zero(x)), spread, axes=1)
    return Extrapolation(value, error)


def _weights_at_zero(x: Array) -> Array:
    """Return Lagrange's weights of the values at x in the interpolating polynomial at zero."""
    return np.array([np.prod(np.delete(x, i) / (np.delete(x, i) - x[i])) for i in range(len(x))])
