"""From what a person types, or a program passes, to an exact rational number.

``"0.34"`` is 17/50, and so is the float ``0.34``: a float is taken at its shortest decimal, the one it shows.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from leadterms.errors import EvaluationError, LeadtermsError, ReadingError

MAX_DIGITS = 4000
"""Most decimal digits of a number that is read: Python prints integers of up to 4300 digits."""

MAX_BITS = 14_000
"""Most binary digits of a numerator or denominator: 4000 decimal digits and a little room."""

DECIMAL = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""Regular expression of an unsigned decimal, ASCII digits only."""

FRACTION = rf"[+-]?{DECIMAL}(?:[ \t]*/[ \t]*{DECIMAL})?"
"""Regular expression of a decimal or a fraction, with its sign."""

_PARTS = re.compile(rf"([+-]?)({DECIMAL})(?:([ \t]*/[ \t]*)({DECIMAL}))?")
_BLANK = " \t\r\n\f"


def exact_number(value: Any) -> sympy.Rational:
    """Return the rational number that ``value`` states, with no rounding.

    Parameters
    ----------
    value
        Text (``"0.34"``, ``"1e-30"``, ``"-3/7"``), int, Fraction, Decimal, float (at its shortest decimal),
        numpy scalar, or sympy Integer, Rational or Float (at its shortest decimal).

    Returns
    -------
    sympy.Rational
        The exact value.

    Raises
    ------
    ReadingError
        If a text is no number; the caret shows the place.
    LeadtermsError
        If the value is a bool, is not finite, not real, has more than 4000 digits, or is no number.

    Examples
    --------
    >>> exact_number("0.34"), exact_number(0.34), exact_number("-3/7")
    (17/50, 17/50, -3/7)
    >>> exact_number("1e-30") * 10**30
    1

    """
    match value:
        case bool():
            raise LeadtermsError(f"a number was expected, not {value}: write 1 or 0")
        case str():
            return read_number(value)
        case sympy.Rational():
            return _bounded(value)
        case int():
            return _bounded(sympy.Integer(int(value)))
        case float():
            return _from_float(float(value))
        case Fraction():
            return _bounded(sympy.Rational(value.numerator, value.denominator))
        case Decimal():
            if not value.is_finite():
                raise LeadtermsError(f"a finite number was expected, not {value}")
            return read_number(str(value))
        case sympy.Float():
            return read_number(_shortest_decimal(value))
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return _from_scalar(value)
    raise LeadtermsError(f"a number was expected (text, integer, fraction, decimal or float), not {brief(value)}")


def exact_expression(value: Any) -> sympy.Expr:
    """Return the exact real number that ``value`` states, where sympy numbers such as ``sqrt(2)`` pass too.

    Parameters
    ----------
    value
        What `exact_number` takes, or a sympy expression without symbols and without floats.

    Returns
    -------
    sympy.Expr
        The exact value.

    Raises
    ------
    LeadtermsError
        If the expression holds a symbol or a float, is not finite or not real; else as `exact_number`.

    Examples
    --------
    >>> exact_expression(sympy.sqrt(2) / 2), exact_expression(0.5)
    (sqrt(2)/2, 1/2)

    """
    if not isinstance(value, sympy.Expr) or isinstance(value, sympy.Rational | sympy.Float):
        return exact_number(value)
    if value.free_symbols or value.has(AppliedUndef):
        raise LeadtermsError(f"an exact number was expected, not {brief(value)}, which holds symbols")
    if value.has(sympy.Float):
        raise LeadtermsError(
            f"an exact number was expected, not {brief(value)}, which holds a float: "
            "write the decimal as a fraction, sympy.Rational('0.34')"
        )
    if value.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise LeadtermsError(f"a finite number was expected, not {brief(value)}")
    if not value.is_number or value.is_real is False:
        raise LeadtermsError(f"a real number was expected, not {brief(value)}")
    return value


def named_exact(name: str, value: Any) -> sympy.Expr:
    """Return the exact real number that is given for a name.

    Parameters
    ----------
    name
        What the value is of, as messages show it.
    value
        What `exact_expression` takes.

    Returns
    -------
    sympy.Expr
        The exact value.

    Raises
    ------
    EvaluationError
        In one line with the name, if the value is no exact number.

    Examples
    --------
    >>> named_exact("beta1", "0.34")
    17/50

    """
    try:
        return exact_expression(value)
    except LeadtermsError as error:
        what = f" {value!r}" if isinstance(value, str) else ""  # of others the reason says what they are
        reason = str(error).splitlines()[0]
        raise EvaluationError(f"the value{what} of {name} is not an exact number: {reason}") from None


def read_number(text: str, start: int = 0, end: int | None = None) -> sympy.Rational:
    """Read the decimal or fraction that fills ``text[start:end]``.

    Parameters
    ----------
    text
        The whole text, shown in errors.
    start, end
        The span that holds the number, blanks around it allowed.

    Returns
    -------
    sympy.Rational
        The exact value.

    Raises
    ------
    ReadingError
        If the span holds no number, too long a number, or a zero denominator.

    Examples
    --------
    >>> read_number("sigma2=3.79", 7)
    379/100

    """
    stop = len(text) if end is None else end
    while start < stop and text[start] in _BLANK:
        start += 1
    while stop > start and text[stop - 1] in _BLANK:
        stop -= 1
    match = _PARTS.fullmatch(text, start, stop)
    if match is None:
        raise ReadingError(
            "a number was expected: a decimal such as -0.34 or 1e-30, or a fraction such as 3/7",
            text,
            start,
            stop,
        )
    value = _decimal(text, *match.span(2))
    if match[4] is not None:
        divisor = _decimal(text, *match.span(4))
        if divisor == 0:
            raise ReadingError("division by zero: write a divisor that is not zero", text, *match.span(4))
        value = value / divisor
        if _is_long(value):
            raise ReadingError(f"this number has more than {MAX_DIGITS} digits", text, start, stop)
    return -value if match[1] == "-" else value


def _decimal(text: str, start: int, end: int) -> sympy.Rational:
    """Read an unsigned decimal whose form is already known to be right."""
    mantissa, _, exponent = text[start:end].lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0") or "0"
    too_long = len(exponent) > len(digits) + 1 and len(exponent.lstrip("+-0")) > len(str(MAX_DIGITS))
    shift = 0 if too_long else int(exponent or "0") - len(fraction)
    if too_long or len(digits) + abs(shift) > MAX_DIGITS:
        raise ReadingError(f"this number has more than {MAX_DIGITS} digits", text, start, end)
    return sympy.Rational(int(digits) * 10 ** max(shift, 0), 10 ** max(-shift, 0))


def _from_float(value: float) -> sympy.Rational:
    if not math.isfinite(value):
        raise LeadtermsError(f"a finite number was expected, not {value}")
    return read_number(repr(value))


def _from_scalar(value: Any) -> sympy.Rational:
    """Read a numpy scalar: reals of other widths than float64 are taken at their own shortest decimal."""
    item = value.item()
    if isinstance(item, bool | int | str | Decimal | Fraction | sympy.Basic):
        return exact_number(item)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind != "f":
        raise LeadtermsError(f"a number was expected, not {brief(value)}")
    if not math.isfinite(value):
        raise LeadtermsError(f"a finite number was expected, not {value}")
    return read_number(str(value))


def _shortest_decimal(value: Any) -> str:
    """Return the shortest decimal that reads back as the same Float at its own precision."""
    from mpmath.libmp import from_str, to_str

    bits = value._prec
    safe = max(int((bits - 1) * math.log10(2)), 1)
    for digits in (safe, safe + 1, safe + 2):
        text = str(to_str(value._mpf_, digits))
        if from_str(text, bits, "n") == value._mpf_:
            return text.removesuffix(".0")
    return str(to_str(value._mpf_, safe + 3))


def _bounded(value: Any) -> sympy.Rational:
    if _is_long(value):
        raise LeadtermsError(f"this number has more than {MAX_DIGITS} digits")
    return value


def _is_long(value: Any) -> bool:
    return max(int(value.p).bit_length(), int(value.q).bit_length()) > MAX_BITS


def brief(value: Any) -> str:
    """Return a short text for an error message, whatever the value is."""
    name = type(value).__name__
    try:
        text = str(value)
    except Exception:
        return f"a {name}"
    return f"{text} ({name})" if len(text) <= 60 and text.isprintable() else f"a {name}"
