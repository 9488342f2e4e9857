"""Quantiles and tails of normal and chi-squared distributions in balls: sizes are rounded up from them once, surely."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from flint import arb, fmpq
from sympy import Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import ball_precision

BITS = 192
"""Binary digits of every ball in this room's sizes and powers."""
NEGLIGIBLE_BITS = 120
"""A Poisson mixture is cut where less than 2^-120 of its weight is left; what is left is in the radius."""
QUANTILE_BITS = 110
"""Relative width, 2^-110, at which a bisection ends."""


def fraction(number: Rational) -> fmpq:
    """Return an exact number in the form that balls are made from."""
    return fmpq(int(number.p), int(number.q))


def normal_quantile(upper: Rational) -> arb:
    r"""Return z with :math:`P(Z > z) = a`, a the upper tail, which may be very small.

    Examples
    --------
    >>> normal_quantile(Rational(1, 40)).str(15, radius=False)
    '1.95996398454005'

    """
    with ball_precision(BITS):
        return arb(2).sqrt() * arb(2 * fraction(upper)).erfcinv()


def normal_tail(z: arb) -> arb:
    """Return P(Z > z)."""
    with ball_precision(BITS):
        return (z / arb(2).sqrt()).erfc() / 2


@lru_cache(maxsize=256)
def chi_squared_critical(upper: Rational, df: int) -> arb:
    """Return c with P(chi^2_df > c) = a, a the upper tail.

    Examples
    --------
    >>> chi_squared_critical(Rational(1, 20), 2).str(15, radius=False)
    '5.99146454710798'

    """
    with ball_precision(BITS):
        wanted, half = arb(fraction(upper)), arb(df) / 2
        return _bisected(lambda c: wanted - (c / 2).gamma_upper(half, 1), arb(df))


def noncentral_tail(critical: arb, df: int, noncentrality: arb) -> arb:
    r"""Return the probability that a noncentral chi-squared variable exceeds a value.

    :math:`P(\chi'^2_r(\lambda) > c) = \sum_j e^{-\lambda/2}(\lambda/2)^j/j!\; Q(r/2 + j, c/2)`, Q the regularised upper
    incomplete gamma function.  Q lies between 0 and 1, so that what is cut off the sum lies between 0 and the weight
    that is left.

    Examples
    --------
    >>> c = chi_squared_critical(Rational(1, 20), 2)
    >>> noncentral_tail(c, 2, arb(0)).str(12, radius=False)
    '0.0500000000000'

    """
    with ball_precision(BITS):
        x, a, rate = critical / 2, arb(df) / 2, noncentrality / 2
        tail = x.gamma_upper(a, 1)
        step = ((a * x.log()) - x - (a + 1).lgamma()).exp()
        weight, left, total = (-rate).exp(), arb(1), arb(0)
        count = 0
        while True:
            total += weight * tail
            left -= weight
            count += 1
            weight = weight * rate / count
            if left.abs_upper() < arb(2) ** -NEGLIGIBLE_BITS or (count > rate.abs_upper() and left.contains(0)):
                break
            tail += step
            step = step * x / (a + count)
        rest = left.abs_upper()
        return total + arb(rest / 2, rest / 2)


@lru_cache(maxsize=256)
def noncentrality_needed(upper: Rational, power: Rational, df: int) -> arb:
    """Return lambda with P(chi'^2_df(lambda) > c) = power, c the critical value of the level; power is above it.

    Examples
    --------
    >>> noncentrality_needed(Rational(1, 20), Rational(9, 10), 2).str(12, radius=False)
    '12.6539360394'

    """
    if not power > upper:
        raise EvaluationError(f"a power of {power} is not above the level {upper}: no effect is needed for it")
    critical = chi_squared_critical(upper, df)
    with ball_precision(BITS):
        wanted = arb(fraction(power))
        return _bisected(lambda value: noncentral_tail(critical, df, value) - wanted, arb(df))


def _bisected(excess: Callable[[arb], arb], start: arb) -> arb:
    """Return a ball around the root of an increasing function on the positive half line.

    Only signs that are sure move an end; where one is not, the interval is as narrow as it gets.
    """
    low = high = start
    while not excess(low) < 0:
        low = low / 4
    while not excess(high) > 0:
        high = high * 2
    while high - low > high * arb(2) ** -QUANTILE_BITS:
        middle = ((low + high) / 2).mid()
        value = excess(middle)
        if value.contains(0):
            break
        low, high = (middle, high) if value < 0 else (low, middle)
    return low.union(high)
