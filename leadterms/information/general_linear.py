r"""Gaussian linear mixed models with any numeric X and V: covariance, information and likelihoods, by dense algebra.

:math:`y \sim N(X\beta, V)`, :math:`V = \sum_r \theta_r V_r`: a variance component has :math:`V_r = Z_r Z_r'`, the
error :math:`I`, an entry of the covariance of correlated effects :math:`Z_i Z_j' + Z_j Z_i'`.  This is the slow and
obvious road; :mod:`leadterms.information.low_rank` gives the same numbers without any N x N matrix.

Sources: Jiang, Linear and Generalized Linear Mixed Models (2007), sections 1.3 and 1.4; Searle, Casella & McCulloch,
Variance Components (1992), chapter 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leadterms.errors import EvaluationError
from leadterms.information.column_space import Array, check_full_rank, dense

LOG_TWO_PI = float(np.log(2 * np.pi))


def linear_covariance(parameters: Sequence[float], derivatives: Sequence[Any]) -> Array:
    r"""Return :math:`V = \sum_r \theta_r V_r`, N x N.

    Raises
    ------
    EvaluationError
        If there are not as many parameters as matrices, or none.

    """
    if len(parameters) != len(derivatives) or not derivatives:
        raise EvaluationError(
            f"a covariance needs one parameter for each of its matrices: {len(parameters)} parameters and "
            f"{len(derivatives)} matrices were given"
        )
    return np.asarray(sum(float(theta) * dense(V_r) for theta, V_r in zip(parameters, derivatives, strict=True)))


def fixed_effects_information(X: Any, V: Any) -> Array:
    r"""Return the Fisher information :math:`X' V^{-1} X` about the fixed effects, p x p.

    Raises
    ------
    EvaluationError
        If V is not positive definite or the shapes do not fit.

    """
    whitened = _whiten(_root(V), X)
    return np.asarray(whitened.T @ whitened)


def fixed_effects_covariance(X: Any, V: Any) -> Array:
    r"""Return :math:`\mathrm{Cov}(\hat\beta) = (X' V^{-1} X)^{-1}`, exact when V is known.

    Parameters
    ----------
    X
        N x p, of full column rank.
    V
        N x N, positive definite.

    Returns
    -------
    Array
        p x p.

    Raises
    ------
    ModelError
        If the columns of X are linearly dependent.
    EvaluationError
        If V is not positive definite or the shapes do not fit.

    """
    check_full_rank(X)
    return np.asarray(np.linalg.inv(fixed_effects_information(X, V)))


def variance_information(derivatives: Sequence[Any], V: Any, X: Any = None) -> Array:
    r"""Return the Fisher information about the parameters of V: :math:`\tfrac12 \mathrm{tr}(V^{-1}V_rV^{-1}V_s)`.

    With X it is that of the restricted likelihood (REML), :math:`\tfrac12 \mathrm{tr}(P V_r P V_s)` with
    :math:`P = V^{-1} - V^{-1}X(X'V^{-1}X)^{-1}X'V^{-1}`.  Both are exact expectations of minus the second
    derivatives, where V is linear in its parameters or not: only the matrices of first derivatives enter.

    Parameters
    ----------
    derivatives
        R symmetric matrices :math:`V_r = \partial V/\partial\theta_r`, each N x N.
    V
        N x N, positive definite.
    X
        None for maximum likelihood, else N x p of full column rank.

    Returns
    -------
    Array
        R x R.

    Raises
    ------
    ModelError
        If the columns of X are linearly dependent.
    EvaluationError
        If V is not positive definite or the shapes do not fit.

    Examples
    --------
    >>> print(variance_information([np.eye(5)], 2.0 * np.eye(5)).round(12))  # N/(2 phi^2)
    [[0.625]]
    >>> print(variance_information([np.eye(5)], 2.0 * np.eye(5), np.ones((5, 1))).round(12))  # (N - 1)/(2 phi^2)
    [[0.5]]

    """
    root = _root(V)
    if X is None:
        projector = np.eye(root.shape[0])
    else:
        check_full_rank(X)
        basis, _ = np.linalg.qr(_whiten(root, X))
        projector = np.eye(root.shape[0]) - basis @ basis.T
    inside = []
    for V_r in derivatives:
        both = _whiten(root, _whiten(root, V_r).T)
        inside.append(projector @ both @ projector)
    return np.array([[np.sum(A_r * A_s.T) / 2 for A_s in inside] for A_r in inside])


def log_likelihood(y: Any, X: Any, beta: Any, V: Any) -> float:
    r"""Return the Gaussian log-likelihood :math:`-\tfrac12\{N\log 2\pi + \log|V| + (y-X\beta)'V^{-1}(y-X\beta)\}`.

    Raises
    ------
    EvaluationError
        If V is not positive definite or the shapes do not fit.

    """
    root = _root(V)
    residual = _whiten(root, dense(y) - dense(X) @ dense(beta))
    return float(-(len(root) * LOG_TWO_PI + _log_determinant(root) + residual @ residual) / 2)


def restricted_log_likelihood(y: Any, X: Any, V: Any) -> float:
    r"""Return the REML log-likelihood :math:`-\tfrac12\{(N-p)\log 2\pi + \log|V| + \log|X'V^{-1}X| + y'Py\}`.

    It is the likelihood integrated over a flat :math:`\beta`, and changes by a constant with the parametrisation of
    the mean: only values for the same X can be compared.

    Raises
    ------
    ModelError
        If the columns of X are linearly dependent.
    EvaluationError
        If V is not positive definite or the shapes do not fit.

    """
    check_full_rank(X)
    root = _root(V)
    basis, triangle = np.linalg.qr(_whiten(root, X))
    white = _whiten(root, y)
    residual = white - basis @ (basis.T @ white)
    log_information = 2 * float(np.sum(np.log(np.abs(np.diag(triangle)))))
    free = len(root) - basis.shape[1]
    return float(-(free * LOG_TWO_PI + _log_determinant(root) + log_information + residual @ residual) / 2)


def _root(V: Any) -> Array:
    """Return the lower Cholesky factor of V."""
    matrix = dense(V)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise EvaluationError(f"the covariance V is a square matrix, but one of shape {matrix.shape} was given")
    if not np.all(np.isfinite(matrix)):
        raise EvaluationError("the covariance V holds entries that are not finite: give finite parameters")
    if not np.allclose(matrix, matrix.T, rtol=1e-10, atol=1e-12 * float(np.max(np.abs(matrix), initial=0.0))):
        raise EvaluationError("the covariance V is not symmetric: give the same entry in (i, j) and (j, i)")
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        raise EvaluationError(
            "the covariance V is not positive definite at these parameters: the error variance is positive, and the "
            "covariance of the random effects has no negative eigenvalue"
        ) from None


def _whiten(root: Array, matrix: Any) -> Array:
    columns = dense(matrix)
    if columns.ndim == 0 or columns.shape[0] != root.shape[0]:
        raise EvaluationError(f"V has {root.shape[0]} rows, but a matrix of shape {columns.shape} was given with it")
    return np.asarray(np.linalg.solve(root, columns))


def _log_determinant(root: Array) -> float:
    return 2 * float(np.sum(np.log(np.diag(root))))
