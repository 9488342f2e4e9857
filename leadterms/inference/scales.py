"""Scales on which the parameters of a covariance matrix of random effects, and their intervals, are given.

A scale writes each parameter as a smooth function of the free entries of Sigma.  Its estimate, its standard error (by
the delta method) and its interval are those of this function, whose name says what it is: on the scale "log" the row
log(sigma2) has the logarithm of the estimate and the standard error of the logarithm, and the exponentials of the ends
of its interval are the ends of one for sigma2 (as with ``type = "link"`` in R's emmeans).

A scale says besides where the interval is formed: on the parameter itself ("plain"), on its logarithm ("log"), or on
Fisher's z of a correlation ("Fisher z"); from the last two it is transformed back, so that it stays inside the range of
the parameter, and a note says so (as with ``type = "response"`` in emmeans).

==============  =====================================  ==========================  ===============================
scale           of a variance                          of a covariance             phi
==============  =====================================  ==========================  ===============================
"variance"      itself, plain                          itself, plain               itself, plain
"log"           its logarithm, plain                   itself, plain               log(phi), plain
"sd"            standard deviation, plain              itself, plain               error s.d., plain; else itself,
                                                                                   formed on log
"correlation"   standard deviation, formed on log      correlation, formed on      error s.d., formed on log; else
                                                       Fisher z                    itself, formed on log
"log-Cholesky"  log of the diagonal of L, Sigma = LL'  entry of L below it, plain  log(phi), plain
==============  =====================================  ==========================  ===============================

Fixed effects are the same on all of them. For derivatives see :func:`jacobian`. Standard deviations and correlations
are what lme4's confint has, variances and covariances what statsmodels has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import atanh, exp, tanh
from math import log as logarithm

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, ImmutableMatrix, Matrix, Symbol, log, sqrt

from leadterms.errors import EvaluationError
from leadterms.notation.symbols import PHI

SCALES = ("variance", "log", "sd", "correlation", "log-Cholesky")
"""Names of the scales."""
CONTENTS = {
    "log": "logarithms of variances, covariances themselves",
    "sd": "standard deviations, covariances themselves",
    "correlation": "standard deviations and correlations",
    "log-Cholesky": "entries of L in Sigma = LL', logarithms on its diagonal",
}
"""What has estimate, standard error and interval on the scales other than "variance"."""
PLAIN, LOG, FISHER = "plain", "log", "Fisher z"


@dataclass(frozen=True)
class ScaledParameter:
    """A parameter on a scale.

    Parameters
    ----------
    name
        Such as ``beta1``, ``Sigma12``, ``log(sigma2)``, ``sd(Sigma11)``, ``cor(Sigma12)``, ``log(L11)`` or ``L21``.
    expression
        In the parameters of the model.
    working
        Where the interval is formed: "plain", "log" or "Fisher z".
    testable
        Whether zero is a value like any other: a Wald test of it has its usual null distribution.

    """

    name: str
    expression: Expr
    working: str = PLAIN
    testable: bool = True


def scaled_parameters(
    parameters: Sequence[Symbol], blocks: Sequence[Matrix], scale: str, phi_is_variance: bool = False
) -> tuple[ScaledParameter, ...]:
    """Return the parameters of a model on a scale, in their order.

    Parameters
    ----------
    parameters
        Of the model: fixed effects, free entries of the covariance matrices, phi.
    blocks
        The covariance matrix of each block of correlated random effects, in its symbols.
    scale
        One of ``SCALES``.
    phi_is_variance
        Whether phi is an error variance, as for a Gaussian response.

    Raises
    ------
    EvaluationError
        If the scale is unknown.

    Examples
    --------
    >>> s = Symbol("sigma2", positive=True)
    >>> [one.name for one in scaled_parameters((Symbol("beta0"), s), [Matrix([[s]])], "sd")]
    ['beta0', 'sd(sigma2)']

    """
    if scale not in SCALES:
        raise EvaluationError(f"the scale {scale!r} is not known: choose one of {', '.join(map(repr, SCALES))}")
    return _scaled(tuple(parameters), tuple(map(ImmutableMatrix, blocks)), scale, phi_is_variance)


@lru_cache(maxsize=64)
def _scaled(
    parameters: tuple[Symbol, ...], blocks: tuple[ImmutableMatrix, ...], scale: str, phi_is_variance: bool
) -> tuple[ScaledParameter, ...]:
    found: dict[Symbol, ScaledParameter] = {}
    for block in blocks:
        lower = _cholesky(block) if scale == "log-Cholesky" else block
        for j in range(block.cols):
            found[block[j, j]] = _of_variance(block[j, j], lower[j, j], scale)
            for i in range(j + 1, block.rows):
                found[block[i, j]] = _of_covariance(block, i, j, lower[i, j], scale)
    if PHI in parameters:
        if scale in ("sd", "correlation") and not phi_is_variance:
            found[PHI] = ScaledParameter(PHI.name, PHI, LOG, testable=False)
        elif scale == "log-Cholesky":
            found[PHI] = _of_variance(PHI, PHI, "log")
        else:
            found[PHI] = _of_variance(PHI, PHI, scale)
    return tuple(found.get(symbol) or ScaledParameter(symbol.name, symbol) for symbol in parameters)


def _of_variance(symbol: Symbol, root: Expr, scale: str) -> ScaledParameter:
    if scale == "variance":
        return ScaledParameter(symbol.name, symbol, testable=False)
    if scale == "log":
        return ScaledParameter(f"log({symbol.name})", log(symbol), testable=False)
    if scale in ("sd", "correlation"):
        return ScaledParameter(f"sd({symbol.name})", sqrt(symbol), PLAIN if scale == "sd" else LOG, testable=False)
    return ScaledParameter(f"log({_cholesky_name(symbol.name)})", log(root), testable=False)


def _of_covariance(block: ImmutableMatrix, i: int, j: int, entry: Expr, scale: str) -> ScaledParameter:
    symbol = block[i, j]
    if scale == "correlation":
        return ScaledParameter(f"cor({symbol.name})", symbol / sqrt(block[i, i] * block[j, j]), FISHER)
    if scale == "log-Cholesky":
        return ScaledParameter(_cholesky_name(symbol.name, below=True), entry)
    return ScaledParameter(symbol.name, symbol)


def _cholesky_name(name: str, below: bool = False) -> str:
    """Return L, L11, L21 (row, column) with the suffix of the grouping, for sigma2, Sigma11, Sigma12."""
    if match := re.fullmatch(r"Sigma(\d)(\d)(.*)", name):
        row, column, rest = match.groups()
        return f"L{column}{row}{rest}" if below else f"L{row}{column}{rest}"
    return re.sub(r"\A(sigma2|Sigma)", "L", name)


def _cholesky(block: ImmutableMatrix) -> Matrix:
    """Return the lower triangular L with a positive diagonal and Sigma = L L'."""
    size = block.rows
    lower = Matrix.zeros(size, size)
    for j in range(size):
        lower[j, j] = sqrt(block[j, j] - sum(lower[j, k] ** 2 for k in range(j)))
        for i in range(j + 1, size):
            lower[i, j] = (block[i, j] - sum(lower[i, k] * lower[j, k] for k in range(j))) / lower[j, j]
    return lower


def values_and_jacobian(
    scaled: Sequence[ScaledParameter], values: Mapping[Symbol, Expr]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the parameters on a scale, and their derivatives by those of the model, at a point.

    Parameters
    ----------
    scaled
        The parameters on the scale, p of them.
    values
        The parameters of the model in their order, with exact values.

    Returns
    -------
    tuple of arrays
        p values, and p x p derivatives, found symbolically and rounded once.

    """
    point = dict(values)
    found = np.array([_number(one.expression, point) for one in scaled])
    return found, np.array([[_number(d, point) for d in row] for row in jacobian(tuple(scaled), tuple(point))])


@lru_cache(maxsize=64)
def jacobian(scaled: tuple[ScaledParameter, ...], parameters: tuple[Symbol, ...]) -> tuple[tuple[Expr, ...], ...]:
    """Return the derivatives of the parameters on a scale by those of the model, one row for each, exactly."""
    return tuple(tuple(one.expression.diff(symbol) for symbol in parameters) for one in scaled)


def _number(expression: Expr, point: Mapping[Symbol, Expr]) -> float:
    return float(expression.xreplace(dict(point)).evalf(20))


def interval(estimate: float, error: float, quantile: float, working: str) -> tuple[float, float]:
    """Return estimate -+ quantile times standard error, formed on the working scale and transformed back.

    Parameters
    ----------
    estimate, error
        The estimate and its standard error, both untransformed.
    quantile
        Of the standard normal law.
    working
        "plain", "log" (the estimate is positive) or "Fisher z" (it lies between -1 and 1).

    Examples
    --------
    >>> low, high = interval(0.5, 0.5, 2, "log")
    >>> round(low, 4), round(high, 4)  # 0.5 e^(-2) and 0.5 e^2
    (0.0677, 3.6945)

    """
    reach = quantile * error
    if working == LOG:
        centre, reach = logarithm(estimate), reach / estimate
        return exp(centre - reach), exp(centre + reach)
    if working == FISHER:
        centre, reach = atanh(estimate), reach / (1 - estimate**2)
        return tanh(centre - reach), tanh(centre + reach)
    return estimate - reach, estimate + reach
