"""A ball to a decimal number with the digits asked for, rounded in the direction asked for."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, fmpq, fmpz
from mpmath.libmp import dps_to_prec, from_man_exp
from sympy import Float

from leadterms.errors import EvaluationError, OutOfRangeError
from leadterms.evaluation.precision import ball_bits, ball_precision

ROUNDINGS = ("nearest", "down", "up")
"""To the nearest decimal, towards minus infinity, towards plus infinity."""
_ERROR_BITS = 30
_LARGEST_EXPONENT = 10**9
_GENEROUS = 1 + arb(2) ** -10


@dataclass(frozen=True)
class Rounded:
    """A decimal number whole * 10^exponent, the nearest binary float, and a bound of both their errors.

    ``decided`` tells whether every number that was enclosed rounds to this decimal.
    """

    whole: int
    exponent: int
    value: Float
    error: Float
    decided: bool = True


def check_rounding(rounding: str) -> None:
    """Refuse an unknown direction.

    Raises
    ------
    EvaluationError
        Naming those that there are.

    """
    if rounding not in ROUNDINGS:
        raise EvaluationError(f"no rounding {rounding!r}: there are {', '.join(map(repr, ROUNDINGS))}")


def rounded(ball: arb, digits: int, rounding: str = "nearest") -> Rounded:
    """Return a nonzero ball as a decimal of ``digits`` significant digits.

    Rounded down, the decimal is not above any number in the ball; rounded up, not below any. Rounded to the nearest
    it is the midpoint's, at most half a unit of the last digit plus the radius away from any number in the ball.

    Parameters
    ----------
    ball
        With a radius below a tenth of a unit of the last digit, not containing 0.
    digits
        Significant digits.
    rounding
        One of `ROUNDINGS`.

    Raises
    ------
    EvaluationError
        If the exponent is beyond every use.

    Examples
    --------
    >>> with ball_precision(100):
    ...     third = arb(2) / 3
    ...     [rounded(third, 5, direction).whole for direction in ROUNDINGS]
    [66667, 66666, 66667]

    """
    with ball_precision(max(ball_bits(), round(3.33 * digits) + 64)):
        end = _end(ball, rounding)
        exponent = _exponent(end) - digits + 1
        if abs(exponent) > _LARGEST_EXPONENT:
            raise OutOfRangeError("a value of more than 10^9 decimal places is out of range: choose a milder point")
        whole = _whole(end, exponent, rounding)
        step = _misfit(whole, digits)
        if step:
            exponent += step
            whole = _whole(end, exponent, rounding)
        decimal = arb(whole) * arb(10) ** exponent
        value = _float(decimal, dps_to_prec(digits))
        error = abs(ball - decimal).max(abs(ball - _ball(value)))
        decided = all(_whole(other, exponent, rounding) == whole for other in (ball.lower(), ball.upper()))
        return Rounded(int(whole), exponent, value, upper_float(error), decided)


def rounded_exact(number: fmpq, digits: int, rounding: str = "nearest") -> Rounded:
    """Return a nonzero rational number as a decimal of ``digits`` significant digits; ties go to even.

    Examples
    --------
    >>> [rounded_exact(fmpq(379, 100), 3, direction).whole for direction in ROUNDINGS]
    [379, 379, 379]

    """
    with ball_precision(round(3.33 * digits) + 64):
        ball = arb(number)
        exponent = _exponent(ball) - digits + 1
        whole = _whole_exact(number, exponent, rounding)
        step = _misfit(whole, digits)
        if step:
            exponent += step
            whole = _whole_exact(number, exponent, rounding)
        decimal = fmpq(whole) * fmpq(10) ** exponent
        value = _float(arb(decimal), dps_to_prec(digits))
        error = abs(arb(number - decimal)).max(abs(ball - _ball(value)))
        return Rounded(int(whole), exponent, value, upper_float(error))


def upper_float(ball: arb) -> Float:
    """Return a float that is not below any number of a ball."""
    with ball_precision(_ERROR_BITS):
        # printed with few digits it must still be a bound
        mantissa, exponent = (abs(ball).upper() * _GENEROUS).upper().man_exp()
    return Float(from_man_exp(int(mantissa), int(exponent), 20, "c"), precision=20)


def _exponent(ball: arb) -> int:
    """Return floor(log10 |midpoint|), or one more or less where the midpoint is close to a power of ten."""
    with ball_precision(64):
        size = abs(ball.mid()).log() / arb.const_log10()
        floor = size.floor().unique_fmpz()
        return int(size.mid().floor().unique_fmpz() if floor is None else floor)


def _misfit(whole: fmpz, digits: int) -> int:
    """Return by how much the exponent must change for the number to have its digits."""
    if abs(whole) >= fmpz(10) ** digits:
        return 1
    return -1 if abs(whole) < fmpz(10) ** (digits - 1) else 0


def _end(ball: arb, rounding: str) -> arb:
    """Return the number of a ball that is rounded."""
    return {"nearest": ball.mid, "down": ball.lower, "up": ball.upper}[rounding]()


def _whole(end: arb, exponent: int, rounding: str) -> fmpz:
    scaled = end * arb(10) ** -exponent
    if rounding == "down":
        return scaled.lower().floor().unique_fmpz()
    if rounding == "up":
        return scaled.upper().ceil().unique_fmpz()
    return (scaled + arb(1) / 2).mid().floor().unique_fmpz()


def _whole_exact(number: fmpq, exponent: int, rounding: str) -> fmpz:
    scaled = number * fmpq(10) ** -exponent
    if rounding == "down":
        return scaled.floor()
    if rounding == "up":
        return scaled.ceil()
    nearest = (scaled + fmpq(1, 2)).floor()
    is_tie = scaled + fmpq(1, 2) == nearest
    return nearest - 1 if is_tie and nearest % 2 else nearest


def _float(ball: arb, precision: int) -> Float:
    mantissa, exponent = ball.man_exp() if ball.is_exact() else ball.mid().man_exp()
    return Float(from_man_exp(int(mantissa), int(exponent), precision, "n"), precision=precision)


def _ball(value: Float) -> arb:
    sign, mantissa, exponent, _ = value._mpf_
    return arb(fmpz(-mantissa if sign else mantissa)) * arb(2) ** int(exponent)
