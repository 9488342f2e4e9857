"""Exact intervals for the eigenvalues of balanced layouts: a mean square is lambda chi^2(d)/d."""

from __future__ import annotations

from math import isfinite
from typing import Any

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import Context, Real, precision, private_context
from leadterms.reading.numbers import exact_number

DIGITS = 30


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
    if not (isfinite(mean_square) and mean_square >= 0):
        raise EvaluationError(f"a mean square is a finite number that is not negative, not {mean_square}")
    if not (isfinite(degrees) and degrees > 0):
        raise EvaluationError(f"degrees of freedom are positive, not {degrees}")
    confidence = exact_number(level)
    if not 0 < confidence < 1:
        raise EvaluationError(f"a level lies between 0 and 1, not {level}")
    context = private_context()
    with precision(context, DIGITS):
        tail = (1 - context.mpf(confidence.p) / confidence.q) / 2
        scale = context.mpf(mean_square) * degrees
        upper, lower = (chi_squared_quantile(context, p, degrees) for p in (1 - tail, tail))
        return float(scale / upper), float(scale / lower)


def chi_squared_quantile(context: Context, probability: Real, degrees: float) -> Real:
    """Return x with P(chi^2_d <= x) = p, by bisection of the logarithm to the precision in force."""
    half = context.mpf(degrees) / 2

    def below(x: Real) -> Real:
        return context.gammainc(half, 0, x / 2, regularized=True)

    low = high = context.mpf(degrees)
    while below(low) > probability:
        low /= 4
    while below(high) < probability:
        high *= 2
    while high / low - 1 > context.eps * 4:
        middle = context.sqrt(low * high)
        if below(middle) < probability:
            low = middle
        else:
            high = middle
    return context.sqrt(low * high)
