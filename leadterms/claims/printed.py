"""Numbers as papers print them: their digits, and one unit of the last of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from sympy import Rational

from leadterms.errors import EvaluationError
from leadterms.reading.numbers import exact_number

_TAIL = re.compile(r"(\s*(\.\.\.|…|\\ldots|\\dots|\\cdots))+\s*\Z")
_TIMES = re.compile(r"\s*(?:\\times|\\cdot|x|×|·)\s*10\s*(?:\^|\*\*)?\s*\{?\s*([+-]?\d+)\s*\}?\s*\Z")
_GROUPED = re.compile(r"[+-]?(\d+|\d{1,3}(\\,\d{3})+)(\.(\d+|(\d{3}\\,)+\d{1,3}))?")
"""Digits in groups of three, with LaTeX's thin space between them."""


@dataclass(frozen=True)
class PrintedNumber:
    """A printed decimal.

    Parameters
    ----------
    text
        As it was printed.
    value
        Exactly.
    unit
        One unit of its last printed digit.
    digits
        How many significant digits were printed.

    """

    text: str
    value: Rational
    unit: Rational
    digits: int

    def holds(self, value: Rational) -> bool:
        """Tell whether a value differs by less than one unit of the last digit: papers round or truncate.

        A value below that unit, of which no digit is printed, must round to what is.
        """
        difference = abs(value - self.value)
        if abs(value) < self.unit:
            return bool(2 * difference <= self.unit)
        return bool(difference < self.unit)


def read_printed(text: str) -> PrintedNumber:
    r"""Read a number as it is printed: ``2.0487282409...``, ``1.2e-5``, ``$3.4 \times 10^{-3}$``, ``-0.50``, ``130``.

    Raises
    ------
    EvaluationError
        If it is no decimal number, or holds a blank: of ``2.0 5`` it is not known what was printed.

    Examples
    --------
    >>> read_printed("2.0487282409...").unit
    1/10000000000
    >>> read_printed(r"$1.50 \times 10^{-2}$").value, read_printed("1,250").value
    (3/200, 1250)

    """
    plain = _TAIL.sub("", text.strip().strip("$").strip()).replace("\u2212", "-").replace("{,}", ",")
    power = 0
    if match := _TIMES.search(plain):
        plain, power = plain[: match.start()], int(match[1])
    plain = re.sub(r"\A([+-])\s+", r"\1", plain)
    if re.search(r"\S\s+\S", plain):
        raise EvaluationError(f"the printed value {text!r} holds a blank: write one number, without blanks inside")
    if _GROUPED.fullmatch(plain):
        plain = plain.replace("\\,", "")
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", plain) or abs(power) > 9999:
        raise EvaluationError(f"the printed value {text!r} is not a decimal number, such as 2.0487 or 1.2e-5")
    decimal = Decimal(plain).scaleb(power)
    digits = decimal.as_tuple()
    exponent = int(digits.exponent)
    significant = len("".join(map(str, digits.digits)).lstrip("0")) or 1
    return PrintedNumber(text, exact_number(f"{decimal:f}"), Rational(10) ** exponent, significant)
