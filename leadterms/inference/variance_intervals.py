"""Exact intervals for the eigenvalues of balanced layouts: a mean square is lambda chi^2(d)/d."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any, SupportsFloat

from flint import arb, fmpq
from sympy import Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import ball_precision
from leadterms.reading.numbers import exact_number

BITS = 256
RELATIVE = 4e-16
"""Where the bisection ends: neighbouring doubles."""


def variance_interval(mean_square: float, degrees: float, level: Any = "0.95") -> tuple[float, float]:
    r"""Return an exact confidence interval for the expectation of a mean square.

    With :math:`d\,\mathrm{MS}/\lambda \sim \chi^2_d` it is :math:`[d\,\mathrm{MS}/q_{1-a/2}, d\,\mathrm{MS}/q_{a/2}]`,
    q the quantiles of :math:`\chi^2_d` and a one less the level. For the error variance take the residual mean square;
    for other strata lambda is a sum of variance components, for which alone there is no exact interval of this kind.

    Parameters
    ----------
    mean_square
        Its value, not negative.
    degrees
        Its degrees of freedom, positive.
    level
        Between 0 and 1; text is exact.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Raises
    ------
    EvaluationError
        If an argument is out of its range.

    Examples
    --------
    >>> low, high = variance_interval(1.922, 79)  # residual mean square of the orthodontic data
    >>> round(low, 3), round(high, 3)
    (1.44, 2.697)

    """
    for what, number in (("mean square", mean_square), ("number of degrees of freedom", degrees)):
        if isinstance(number, str) or not isinstance(number, SupportsFloat):
            raise EvaluationError(f"a {what} is a number, not {number!r}")
    if not (isfinite(mean_square) and mean_square >= 0):
        raise EvaluationError(f"a mean square is a finite number that is not negative, not {mean_square}")
    if not (isfinite(degrees) and degrees > 0):
        raise EvaluationError(f"degrees of freedom are positive, not {degrees}")
    confidence = exact_number(level)
    if not 0 < confidence < 1:
        raise EvaluationError(f"a level lies between 0 and 1, not {level}")
    tail = (1 - confidence) / 2
    scale = float(mean_square) * float(degrees)
    upper, lower = (chi_squared_quantile(p, float(degrees)) for p in (1 - tail, tail))
    return scale / upper, scale / lower


def chi_squared_quantile(probability: Rational, degrees: float) -> float:
    """Return x with P(chi^2_d <= x) = p: by bisection of the logarithm, in balls that decide every comparison."""
    with ball_precision(BITS):
        beyond, half = arb(fmpq(probability.q - probability.p, probability.q)), arb(degrees) / 2

        def is_below(x: float) -> bool:
            return bool((arb(x) / 2).gamma_upper(half, 1) > beyond)

        low = high = degrees
        while not is_below(low):
            low /= 4
        while is_below(high):
            high *= 2
        while high / low - 1 > RELATIVE:
            middle = sqrt(low * high)
            low, high = (middle, high) if is_below(middle) else (low, middle)
        return sqrt(low * high)
