"""Averages for logistic weights with one random intercept and one uniform predictor.

    E_U[ sum_t c_t prod_k m_k(U)^(e_tk) ],   m_k(u) = E[T^k w(c + u + b T)],   T ~ Uniform(-1, 1),  U ~ N(0, s^2).

A term that is one moment is a one-dimensional integral of elementary functions (`logistic_line`); products and
quotients of moments are averaged by the trapezoid rule (`uniform_average`).  As w is even, and T and U are symmetric,
m_k(-c) = (-1)^k m_k(c) in distribution, and the same for -b: the signs of c and b are taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels.logistic_line import expected_moment
from leadterms.evaluation.kernels.uniform_average import average
from leadterms.evaluation.moment_system import Exact
from leadterms.evaluation.precision import ball_precision

Powers = tuple[int, ...]

_LOG_2 = log(2)
_SPARE = 5
"""Bits beyond those asked for, as sizes are guessed and terms cancel a little."""
_LARGEST = 1e12
"""Parameters beyond it, and variances below its inverse squared, are refused."""


def uniform_intercept(
    bits: int, centre: Exact, slope: Exact, variance: Exact, terms: Sequence[tuple[Exact, Powers]]
) -> arb:
    """Return E_U[sum_t c_t prod_k m_k(U)^(e_tk)], m_k(u) = E[T^k w(centre + u + slope T)], w logistic.

    T is uniform on (-1, 1), U is N(0, variance).

    Parameters
    ----------
    bits
        Wanted bits of the largest term; where the terms cancel the sum has fewer.
    centre, slope
        Real numbers, exact or balls of at least ``bits`` + 200 bits.
    variance
        Positive, likewise.
    terms
        Coefficients c_t with the powers e_tk of m_0, m_1, ...: one moment to the first power, or any whole power of
        m_0 times powers of m_1 and m_2 that are not negative.

    Returns
    -------
    value
        A ball that contains the value.

    Raises
    ------
    EvaluationError
        For other powers, for parameters out of range, and where millions of nodes would be needed.

    Examples
    --------
    The information m_2 - m_1^2/m_0 about a slope, averaged:

    >>> from flint import fmpq
    >>> terms = [(fmpq(1), (0, 0, 1)), (fmpq(-1), (-1, 2))]
    >>> round(float(uniform_intercept(60, fmpq(-3, 10), fmpq(7, 10), fmpq(13, 10), terms)), 12)
    0.061178834672

    """
    with ball_precision(64):
        c, b, s2 = (float(arb(x).abs_upper()) for x in (centre, slope, variance))
        if not (arb(variance) > 0 and _LARGEST**-2 < s2 < _LARGEST and c < _LARGEST and b < _LARGEST):
            raise EvaluationError(f"no average over N({c:.3g}, {s2:.3g}) with half range {b:.3g}: out of range")
        flip = (-1 if _is_negative(centre) else 1) * (-1 if _is_negative(slope) else 1)
        kept = [(coefficient, _checked(powers)) for coefficient, powers in terms]
        # a ball that holds zero is neither equal to it nor different: only exact zeros go
        kept = [term for term in kept if not (term[0] == 0 or _vanishes(term[1], centre, slope))]
        sizes = [_log_abs(coefficient) + _log_size(powers, c, b, s2) for coefficient, powers in kept]
    centre, slope = _without_sign(centre), _without_sign(slope)
    log_error = max(sizes, default=0.0) - (bits + _SPARE) * _LOG_2 - log(len(kept) + 1)
    with ball_precision(bits + 64):
        total = arb(0)
        for coefficient, powers in kept:
            value = _term(powers, centre, slope, variance, log_error - _log_abs(coefficient))
            sign = flip if _is_odd(powers) else 1
            total += sign * arb(coefficient) * value
        if not total.is_finite():
            raise EvaluationError("an average of moments is not finite in balls: give the slope more accurately")
        return total


def _term(powers: Powers, centre: Exact, slope: Exact, variance: Exact, log_error: float) -> arb:
    """Return the average of one product of powers of moments."""
    if not any(powers):
        return arb(1)
    if sum(powers) == 1 and set(powers) <= {0, 1}:
        return expected_moment(powers.index(1), centre, slope, variance, log_error)
    i, j, l = (*powers, 0, 0, 0)[:3]
    return average((i, j, l), centre, slope, variance, log_error)


def _checked(powers: Powers) -> Powers:
    """Return powers that are supported."""
    linear = sum(powers) == 1 and min(powers) == 0
    if not linear and (any(powers[3:]) or any(power < 0 for power in powers[1:])):
        raise EvaluationError(
            f"no average of moments to the powers {powers}: only of m_0 negative ones, none of m_3 on"
        )
    return powers


def _is_negative(x: Exact) -> bool:
    return bool(x < 0)


def _without_sign(x: Exact) -> Exact:
    """Return -x where x is negative, without rounding a ball."""
    if not _is_negative(x):
        return x
    return x.neg(exact=True) if isinstance(x, arb) else -x


def _is_odd(powers: Powers) -> bool:
    return sum(powers[1::2]) % 2 == 1


def _vanishes(powers: Powers, centre: Exact, slope: Exact) -> bool:
    """Tell whether symmetry makes the average zero: m_1 at slope 0, odd functions of U at centre 0."""
    return (slope == 0 and any(powers[1::2])) or (centre == 0 and _is_odd(powers))


def _log_abs(x: Exact) -> float:
    """Return about log|x|, of the larger end of a ball."""
    return float(arb(x).abs_upper().log())


def _log_size(powers: Powers, c: float, b: float, s2: float) -> float:
    """Return about the logarithm of the average: a guess that sets the accuracy, and touches no proof.

    m_0 is about 1/max(4, 2b) up to |c| = b and falls like e^(b - |c|) beyond.  For small b, m_1/m_0 is about
    (b/3) tanh(c/2) and m_2/m_0 about 1/3; for large b the bulk of w is at T = -c/b.
    """
    n = sum(powers)
    total = -n * log(max(4.0, 2 * b))
    beyond = c - b
    if n > 0:
        moved = c - n * s2
        if moved > b:
            total += -n * beyond + n * n * s2 / 2
        else:
            total += -(max(beyond, 0.0) ** 2) / (2 * s2) + min(0.0, log((1 + b) ** 2 / s2) / 2)
    elif n < 0:
        total += max(0.0, -n * beyond + n * n * s2 / 2)
    odd, even = sum(powers[1::2]), sum(powers[2::2])
    typical = max(c, s2**0.5)
    if odd and b > 0:
        total += odd * (min(0.0, log(b / 3)) + min(0.0, log(typical / max(2.0, b))))
    return total + even * min(-1.0, log((3.3 + typical**2) / max(1.0, b) ** 2))
