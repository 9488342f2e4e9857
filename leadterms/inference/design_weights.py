"""Weights w(eta) over arrays in double precision, without overflow in their tails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol

from leadterms.errors import EvaluationError
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

Array = NDArray[np.float64]
WeightFunction = Callable[[Array], Array]


def weight_function(weight: Weight, point: Mapping[Symbol, Expr]) -> WeightFunction:
    """Return w as a function of arrays of linear predictors, its parameters taken at a point.

    Raises
    ------
    EvaluationError
        If a parameter of the weight has no value at the point; later, where a weight with a pole at zero is asked for
        at a linear predictor that is not positive.

    """
    scale, parameter = (number_at(value, point) for value in (weight.scale, weight.parameter))
    shape = _shape(weight, parameter)

    def function(eta: Array) -> Array:
        with np.errstate(over="ignore"):
            return scale * shape(eta)

    return function


def number_at(value: Expr, point: Mapping[Symbol, Expr]) -> float:
    """Return an expression at a point in double precision.

    Raises
    ------
    EvaluationError
        If a parameter has no value.

    """
    found = value.xreplace(dict(point))
    if found.free_symbols:
        missing = ", ".join(sorted(symbol.name for symbol in found.free_symbols))
        raise EvaluationError(f"no value is given for {missing}: give it in at")
    return float(found)


def _shape(weight: Weight, parameter: float) -> WeightFunction:
    match weight:
        case ConstantWeight():
            return np.ones_like
        case ExponentialWeight():
            return lambda eta: np.exp(parameter * eta)
        case PowerWeight():
            return lambda eta: _positive(eta) ** parameter
        case LogisticWeight():
            return _logistic
        case SaturatingWeight():
            return lambda eta: _expit(eta + np.log(parameter)) / parameter
        case ProbitWeight():
            return _probit
        case CloglogWeight():
            return _cloglog
    raise EvaluationError(f"no function of arrays is known for the weight {type(weight).__name__}")


def _positive(eta: Array) -> Array:
    if not np.all(eta > 0):
        raise EvaluationError(
            f"the link needs a positive linear predictor, and it is {np.min(eta):.6g} somewhere in the region: "
            "make the region smaller"
        )
    return eta


def _special() -> Any:
    import scipy.special

    return scipy.special


def _expit(eta: Array) -> Array:
    value: Array = _special().expit(eta)
    return value


def _logistic(eta: Array) -> Array:
    return _expit(eta) * _expit(-eta)


def _probit(eta: Array) -> Array:
    """Return pdf^2/{cdf (1 - cdf)}: erfc(z) = e^(-z^2) erfcx(z) in the tail."""
    special = _special()
    z = np.abs(eta) / np.sqrt(2)
    value: Array = 2 / np.pi * np.exp(-(z**2)) / (special.erfcx(z) * special.erfc(-z))
    return value


def _cloglog(eta: Array) -> Array:
    """Return e^(2 eta)/{exp(e^eta) - 1} = e^eta/exprel(e^eta); zero where exp(e^eta) overflows."""
    rate = np.exp(np.minimum(eta, 6.5))
    value: Array = np.where(eta < 6.5, rate / _special().exprel(rate), 0.0)
    return value
