"""Upper tails of F and chi-squared distributions, with full relative accuracy however small they are."""

from __future__ import annotations

from math import isfinite, isinf

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import precision, private_context

DIGITS = 30


def f_tail(statistic: float, ndf: float, ddf: float) -> float:
    r"""Return :math:`P(F_{ndf, ddf} \ge f) = I_x(ddf/2, ndf/2)`, :math:`x = ddf/(ddf + ndf f)` (DLMF 8.17).

    Raises
    ------
    EvaluationError
        If the statistic is negative or not finite, or a number of degrees of freedom is not positive.

    Examples
    --------
    >>> round(f_tail(6.3027, 1, 79), 4)
    0.0141
    >>> f_tail(1e4, 4, 60) < 1e-60
    True

    """
    _check(statistic, ndf, ddf)
    if isinf(ddf):
        return chi_squared_tail(ndf * statistic, ndf)
    context = private_context()
    with precision(context, DIGITS):
        d1, d2, f = map(context.mpf, (ndf, ddf, statistic))
        if d1 * f < d2:
            return float(1 - context.betainc(d1 / 2, d2 / 2, 0, d1 * f / (d2 + d1 * f), regularized=True))
        return float(context.betainc(d2 / 2, d1 / 2, 0, d2 / (d2 + d1 * f), regularized=True))


def chi_squared_tail(statistic: float, df: float) -> float:
    r"""Return :math:`P(\chi^2_{df} \ge s) = \Gamma(df/2, s/2)/\Gamma(df/2)`; with df = 0 it is 1 at 0 and 0 beyond.

    Raises
    ------
    EvaluationError
        If the statistic is negative or not finite, or the degrees of freedom are negative.

    Examples
    --------
    >>> round(chi_squared_tail(3.841458820694124, 1), 12)
    0.05

    """
    if df == 0:
        _check(statistic, 1, 1)
        return float(statistic <= 0)
    _check(statistic, df, 1)
    context = private_context()
    with precision(context, DIGITS):
        return float(context.gammainc(context.mpf(df) / 2, context.mpf(statistic) / 2, regularized=True))


def _check(statistic: float, *freedom: float) -> None:
    if not (isfinite(statistic) and statistic >= 0):
        raise EvaluationError(f"a tail probability needs a finite statistic that is not negative, not {statistic}")
    if not all(df > 0 for df in freedom):
        raise EvaluationError(f"degrees of freedom are positive, not {', '.join(map(str, freedom))}")
