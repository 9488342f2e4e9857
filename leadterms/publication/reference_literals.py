"""What the programs of a reference pack share: columns, comments, literals of text and of numbers.

A double is the one nearest to the decimal in the direction of the pack's rounding, so that it stays a bound where
the decimal is one.  Text is written in ASCII, escaped as the language has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

from leadterms.errors import LeadtermsError
from leadterms.publication.reference_pack import ReferencePack, ReferenceValue, header_lines, statement_lines
from leadterms.reading.numbers import exact_number

SMALLEST_NORMAL = 2.0**-1022
"""Below it doubles have fewer than 53 bits."""
TEXTS: dict[str, Callable[[ReferenceValue], str]] = {
    "id": lambda value: value.reference.identifier,
    "model": lambda value: str(value.model),
    "entry": lambda value: value.reference.entry_text,
    "order": lambda value: value.order,
    "formula": lambda value: value.formula,
    "assumptions": lambda value: "; ".join(value.assumptions),
    "citation": lambda value: value.reference.citation,
    "digits": lambda value: value.value or "",
}
"""The columns of text that every table has."""


def computed(pack: ReferencePack) -> tuple[ReferenceValue, ...]:
    """Return the references that have a value.

    Raises
    ------
    LeadtermsError
        If there is none: a program without values would check nothing and pass.

    """
    if not pack.computed:
        raise LeadtermsError("there is no value to write: json and csv say for each reference why it has none")
    return pack.computed


def joined(*parts: Iterable[str]) -> str:
    """Return parts of a file, lists of lines, as its text."""
    return "\n".join(line for part in parts for line in part) + "\n"


def separated(lines: Iterable[str]) -> list[str]:
    """Put commas between lines, none after the last: R and C++ refuse it."""
    return ",\n".join(lines).split("\n")


def comments(mark: str, pack: ReferencePack, shape: str) -> list[str]:
    """Return the header and the published statements as comment lines that begin with a mark."""
    lines = [*header_lines(pack, shape), "", *statement_lines(pack)]
    return [f"{mark} {in_ascii(line)}".rstrip() for line in lines] + [""]


def quoted(text: str) -> str:
    r"""Return a string literal that R, Julia (``$`` apart) and Python read alike.

    Examples
    --------
    >>> print(quoted('say "x\\y" ' + chr(233) + chr(10)))
    "say \"x\\y\" \u00e9\u000a"

    """
    return f'"{in_ascii(text.replace(chr(92), 2 * chr(92)).replace(chr(34), chr(92) + chr(34)))}"'


def in_ascii(text: str) -> str:
    r"""Write whatever is not printable ASCII as ``\uXXXX`` or ``\UXXXXXXXX``."""
    return "".join(
        c if " " <= c <= "~" else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}" for c in text
    )


def double_literal(decimal: str, rounding: str = "nearest") -> str:
    """Return the shortest literal of the double that a decimal or fraction is rounded to.

    Raises
    ------
    LeadtermsError
        If the number is out of the range of double precision.

    Examples
    --------
    >>> [double_literal("0.1", rounding) for rounding in ("nearest", "down", "up")]
    ['0.1', '0.09999999999999999', '0.1']

    """
    exact = exact_number(decimal)
    value = Fraction(int(exact.p), int(exact.q))
    try:
        nearest = float(value)
    except OverflowError:
        raise LeadtermsError(_out_of_range(decimal)) from None
    if rounding == "down" and Fraction(nearest) > value:
        nearest = math.nextafter(nearest, -math.inf)
    if rounding == "up" and Fraction(nearest) < value:
        nearest = math.nextafter(nearest, math.inf)
    if math.isinf(nearest):
        raise LeadtermsError(_out_of_range(decimal))
    return repr(nearest)


def value_literal(value: ReferenceValue, rounding: str) -> str:
    """Return the double of a reference value.

    Raises
    ------
    LeadtermsError
        If it is out of the range in which doubles have all their bits.

    """
    decimal = value.value or "0"
    literal = double_literal(decimal, rounding)
    if exact_number(decimal) != 0 and abs(float(literal)) < SMALLEST_NORMAL:
        raise LeadtermsError(_out_of_range(decimal))
    return literal


def error_literal(value: ReferenceValue) -> str:
    """Return the double of an error, rounded up so that it stays a bound."""
    return double_literal(value.error or "0", "up")


def _out_of_range(decimal: str) -> str:
    return f"{decimal} is out of the range of double precision: write the pack as json or csv"
