"""Parameter values as text: ``beta0=-1.46, beta1=2.11, sigma2=3.79``."""

from __future__ import annotations

import re

import sympy

from leadterms.errors import ReadingError
from leadterms.reading.grammar import BLANK, require_text, unreadable_character
from leadterms.reading.numbers import FRACTION, read_number

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUE = re.compile(FRACTION)
_BLANKS = re.compile(f"[{BLANK}]*")


def read_assignments(text: str) -> dict[str, sympy.Rational]:
    """Read ``name=value`` pairs with commas between; a comma at the end may stay.

    Parameters
    ----------
    text
        The pairs; a value is a decimal or a fraction and is taken exactly.

    Returns
    -------
    dict[str, sympy.Rational]
        The values in the order of the text; empty for a blank text.

    Raises
    ------
    ReadingError
        If a name, an ``=``, a value or a comma is missing, or a name is given twice.

    Examples
    --------
    >>> read_assignments("beta0=-1.46, sigma2=1/3")
    {'beta0': -73/50, 'sigma2': 1/3}

    """
    if isinstance(text, str) and not text.strip(BLANK):
        return {}
    require_text(text, "list of values")
    values: dict[str, sympy.Rational] = {}
    position = _after_blanks(text, 0)
    while position < len(text):
        name, start, position = _read_name(text, position)
        if name in values:
            raise ReadingError(f"{name} is given twice", text, start, start + len(name))
        values[name], position = _read_value(text, position, name)
        position = _read_comma(text, position)
    return values


def _after_blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def _read_name(text: str, position: int) -> tuple[str, int, int]:
    """Read a name and its ``=``; return the name, its start, and the position after the ``=``."""
    match = _NAME.match(text, position)
    if match is None:
        if not text[position].isascii():
            raise unreadable_character(text, position)
        raise ReadingError("a name was expected, as in beta0=-1.46", text, position)
    after = _after_blanks(text, match.end())
    if text[after : after + 1] != "=":
        place = min(after, len(text.rstrip(BLANK)))
        raise ReadingError(f"'=' was expected after {match[0]}, as in {match[0]}=0.5", text, place)
    return match[0], position, _after_blanks(text, after + 1)


def _read_value(text: str, position: int, name: str) -> tuple[sympy.Rational, int]:
    match = _VALUE.match(text, position)
    if match is not None:
        return read_number(text, *match.span()), _after_blanks(text, match.end())
    end = text.find(",", position)
    end = len(text) if end < 0 else end
    if not text[position:end].strip(BLANK):
        place = min(position, len(text.rstrip(BLANK)))
        raise ReadingError(f"a number was expected as the value of {name}", text, place)
    raise ReadingError(
        f"the value of {name} is no number: write a decimal such as 1e-30, or a fraction such as 3/7",
        text,
        position,
        len(text[:end].rstrip(BLANK)),
    )


def _read_comma(text: str, position: int) -> int:
    """Skip a comma, or the end of the text."""
    if position < len(text) and text[position] != ",":
        if not text[position].isascii():
            raise unreadable_character(text, position)
        raise ReadingError("',' was expected between two values", text, position)
    return _after_blanks(text, position + 1)
