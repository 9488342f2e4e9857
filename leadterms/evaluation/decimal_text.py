"""Numbers as decimal text with exactly the digits asked for."""

from __future__ import annotations

from sympy import Float

from leadterms.evaluation.precision import Context, Real, decimal_scale, precision, private_context

_PLAIN_FROM = -5
"""Smallest decimal exponent that is written without a power of ten."""
_CHUNK = 4000
"""Python converts integers of at most 4300 digits to text by default."""


def decimal_digits(context: Context, number: Real, digits: int, away: bool = False) -> tuple[int, int]:
    """Return (n, e) such that n 10^e is the nonzero number rounded to ``digits`` significant digits.

    To the nearest, or away from zero as a bound must be.

    Examples
    --------
    >>> import mpmath
    >>> decimal_digits(private_context(), mpmath.mpf("123.456"), 4)
    (1235, -1)

    """
    exponent = decimal_scale(context, number) - digits + 1
    whole = _scaled(context, number, digits, exponent, away)
    if abs(whole) >= 10**digits:
        # it rounds up to a power of ten
        return whole // 10, exponent + 1
    if abs(whole) < 10 ** (digits - 1):
        # just below a power of ten the logarithm rounds up to it
        return _scaled(context, number, digits, exponent - 1, away), exponent - 1
    return whole, exponent


def _scaled(context: Context, number: Real, digits: int, exponent: int, away: bool) -> int:
    with precision(context, digits + 20 + len(str(exponent))):
        # 10^e is made exactly or to all working digits; ties are too rare to matter beside the error
        scaled = number / context.mpf(10) ** exponent
        return int(context.sign(scaled) * context.ceil(abs(scaled)) if away else context.nint(scaled))


def bound_in_text(bound: Float) -> str:
    """Return a bound with two digits, rounded up, so that it stays one.

    Examples
    --------
    >>> bound_in_text(Float("1.31e-20", 5))
    '1.4e-20'

    """
    return in_text(bound, 2, away=True)


def in_text(number: Float, digits: int, *, away: bool = False) -> str:
    """Return a number with exactly ``digits`` significant digits, plain where the exponent is moderate.

    Examples
    --------
    >>> in_text(Float("0.25", 5), 5), in_text(Float("2.5e-45", 3), 3), in_text(Float("1234", 3), 3)
    ('0.25000', '2.50e-45', '1.23e+3')

    """
    if not number:
        return "0"
    context = private_context()
    with precision(context, digits + 20):
        return decimal_as_text(*decimal_digits(context, context.make_mpf(number._mpf_), digits, away))


def decimal_as_text(whole: int, exponent: int) -> str:
    """Return whole * 10^exponent with all digits of the whole number, plain where the exponent is moderate.

    Examples
    --------
    >>> decimal_as_text(-2500, -5), decimal_as_text(25, -45)
    ('-0.02500', '2.5e-44')

    """
    sign, mantissa = "-" if whole < 0 else "", _integer_text(abs(whole))
    digits, exponent = len(mantissa), exponent + len(mantissa) - 1
    if _PLAIN_FROM <= exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{mantissa}"
    if 0 <= exponent < digits:
        return sign + _pointed(mantissa, exponent + 1)
    return f"{sign}{_pointed(mantissa, 1)}e{exponent:+d}"


def in_latex(text: str) -> str:
    r"""Return a number's text as LaTeX.

    Examples
    --------
    >>> print(in_latex("2.50e-45"))
    2.50 \times 10^{-45}

    """
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def _pointed(mantissa: str, places: int) -> str:
    return mantissa if places == len(mantissa) else f"{mantissa[:places]}.{mantissa[places:]}"


def _integer_text(number: int) -> str:
    """Return an integer in decimal, whatever its length, by halves."""
    if number < 10**_CHUNK:
        return str(number)
    places = int(number.bit_length() * 0.30103) // 2
    upper, lower = divmod(number, 10**places)
    return _integer_text(upper) + _integer_text(lower).zfill(places)
