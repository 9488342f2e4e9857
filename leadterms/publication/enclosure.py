"""An interval that holds a coefficient, and the decimals it gives: rounded to nearest, down, or up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from sympy import Float, Rational

from leadterms.asymptotics.point import Values
from leadterms.asymptotics.result import Entry
from leadterms.errors import EvaluationError
from leadterms.evaluation.decimal_text import in_text
from leadterms.evaluation.number import Number
from leadterms.expectation.held import Expectation
from leadterms.reading.numbers import exact_number

GUARDS = (5, 30, 100)
"""Digits beyond those asked for: more where the value is close to where the rounding changes."""


@dataclass(frozen=True)
class Enclosure:
    """An interval [low, high] with rational ends that holds a coefficient.

    Parameters
    ----------
    low, high
        The ends; equal where the value is rational and known.
    certified
        Whether it is proven that the value lies inside; otherwise the ends come from an estimated error.

    """

    low: Fraction
    high: Fraction
    certified: bool

    def distance(self, number: Fraction) -> tuple[Fraction, Fraction]:
        """Return the least and the greatest distance that a number can have from the value."""
        ends = abs(number - self.low), abs(number - self.high)
        return (Fraction(0) if self.low <= number <= self.high else min(ends)), max(ends)


@dataclass(frozen=True)
class RoundedValue:
    """A decimal and how far it is from the value.

    Parameters
    ----------
    text
        The decimal.
    error
        Upper bound of |value - decimal|, itself rounded up to two digits.
    certified
        Whether the bound is proven, and with it that a decimal rounded down (up) is not above (below) the value.

    """

    text: str
    error: str
    certified: bool


def enclose(entry: Entry, values: Values, digits: int) -> Enclosure:
    """Return an interval around the coefficient of an entry that is narrow enough for so many digits.

    A coefficient that comes out rational at the point is known exactly. Any other is ``Entry.evaluate``'s decimal
    v with its error e, which bounds |value - v|, so that the value lies in [v - e, v + e].

    Raises
    ------
    LeadtermsError
        As ``Entry.evaluate``.

    """
    point = entry.space.point(values)
    coefficient = entry.coefficient
    exact = None if coefficient.has(Expectation) else coefficient.xreplace(point)
    if isinstance(exact, Rational):
        value = Fraction(int(exact.p), int(exact.q))
        return Enclosure(value, value, certified=True)
    return enclosure_of(entry.evaluate(values, digits))


def enclosure_of(number: Number) -> Enclosure:
    """Return [v - e, v + e] for a number that prints v with the error e."""
    printed = exact_number(str(number))
    value, error = Fraction(int(printed.p), int(printed.q)), _fraction(number.error)
    return Enclosure(value - error, value + error, number.certified)


def enclosures(entry: Entry, values: Values, digits: int) -> Iterator[Enclosure]:
    """Yield ever narrower intervals, from ``digits`` and a few digits on; at least one.

    The sequence ends where the value is exact, or where more digits are not reached.

    Raises
    ------
    LeadtermsError
        As `enclose`, if not even the first is reached.

    """
    for guard in GUARDS:
        try:
            enclosure = enclose(entry, values, digits + guard)
        except EvaluationError:
            if guard == GUARDS[0]:
                raise
            return
        yield enclosure
        if enclosure.low == enclosure.high:
            return


def rounded_value(entry: Entry, values: Values, digits: int, rounding: str = "nearest") -> RoundedValue:
    """Return the coefficient of an entry as a decimal, rounded as asked, with a bound of its error.

    While the ends of the enclosure round to different decimals, it is made narrower. Where that does not decide,
    because the value is a decimal itself or a tie without being recognised as one, the decimal is that of the safe
    end: low rounded down, high rounded up, for nearest low rounded to nearest. So a decimal that is rounded down is
    never above a certified value and one rounded up never below, and the error covers whichever decimal was taken.

    Raises
    ------
    EvaluationError
        If the digits are not reached, or the value cannot be told from zero.
    LeadtermsError
        As ``Entry.evaluate``.

    """
    for enclosure in enclosures(entry, values, digits):
        low, high = (rounded(end, digits, rounding) for end in (enclosure.low, enclosure.high))
        if low == high:
            break
    if enclosure.low < 0 < enclosure.high:
        raise EvaluationError(f"the value cannot be told from zero with {digits} digits")
    decimal = high if rounding == "up" else low
    _, error = enclosure.distance(decimal)
    return RoundedValue(decimal_text(decimal, digits), decimal_text(rounded(error, 2, "up"), 2), enclosure.certified)


def rounded(value: Fraction, digits: int, rounding: str = "nearest") -> Fraction:
    """Return a rational number rounded to ``digits`` significant decimal digits.

    Parameters
    ----------
    value
        Any rational number.
    digits
        One or more.
    rounding
        "nearest" (ties to even), "down" (towards minus infinity) or "up" (towards plus infinity).

    Examples
    --------
    >>> [str(rounded(Fraction(-2, 3), 3, rounding)) for rounding in ("nearest", "down", "up")]
    ['-667/1000', '-667/1000', '-333/500']

    """
    if not value:
        return value
    unit = power_of_ten(decimal_exponent(value) - digits + 1)
    scaled = value / unit
    if rounding == "nearest":
        return round(scaled) * unit
    return (floor(scaled) if rounding == "down" else -floor(-scaled)) * unit


def decimal_exponent(value: Fraction) -> int:
    """Return the e with 10^e <= |value| < 10^(e + 1), for a value that is not zero.

    Examples
    --------
    >>> decimal_exponent(Fraction(999)), decimal_exponent(Fraction(1, 1000)), decimal_exponent(Fraction(-1, 3))
    (2, -3, -1)

    """
    size = abs(value)
    # the quotient of the lengths is right within one, times log10(2) up to one more: then step to the place
    exponent = floor((size.numerator.bit_length() - size.denominator.bit_length()) * 0.30102999566)
    while power_of_ten(exponent) > size:
        exponent -= 1
    while power_of_ten(exponent + 1) <= size:
        exponent += 1
    return exponent


def power_of_ten(exponent: int) -> Fraction:
    """Return 10^exponent exactly."""
    return Fraction(10) ** exponent


def decimal_text(decimal: Fraction, digits: int) -> str:
    """Return a decimal that has at most ``digits`` significant digits, with exactly so many.

    Examples
    --------
    >>> decimal_text(Fraction(379, 100), 5), decimal_text(Fraction(0), 5)
    ('3.7900', '0')

    """
    return in_text(Float(Rational(decimal.numerator, decimal.denominator), digits + 20), digits)


def _fraction(number: Float) -> Fraction:
    sign, mantissa, exponent, _ = number._mpf_
    size = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -size if sign else size
