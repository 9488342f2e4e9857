"""A user's values against the reference values: how many leading digits are right, and where they go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from math import floor, trunc
from typing import Any

from leadterms.errors import LeadtermsError
from leadterms.publication.atlas import Reference
from leadterms.publication.enclosure import (
    Enclosure,
    decimal_exponent,
    decimal_text,
    enclosures,
    power_of_ten,
    rounded,
)
from leadterms.publication.reference_reading import GivenValue
from leadterms.reading.numbers import read_number

VERDICTS = ("agree", "disagree", "undecided", "unknown")
CORRECT = "correctly rounded"
HALF = Fraction(1, 2)
SHOWN = 5
"""Digits of the reference that are shown beyond those that are judged."""


@dataclass(frozen=True)
class Comparison:
    """What comparing one value gave.

    Parameters
    ----------
    given
        The user's value.
    verdict
        "agree", "disagree", "undecided" (the reference is not known to enough digits) or "unknown" (there is no
        such identifier).
    how
        "correctly rounded", "within one unit of the last digit", "wrong from digit 12", or why there is no verdict.
    digits
        Significant digits that were judged.
    right
        How many of them, from the first on, are right; None without a verdict.
    truth
        The reference to a few digits more.
    certified
        Whether the reference's error is proven.

    """

    given: GivenValue
    verdict: str
    how: str
    digits: int
    right: int | None = None
    truth: str | None = None
    certified: bool = False


def compare_values(
    given: Sequence[GivenValue], references: Sequence[Reference], digits: int | None = None
) -> list[Comparison]:
    """Compare every value with its reference, in the order of the file.

    Parameters
    ----------
    given
        The user's values.
    references
        The atlas.
    digits
        Judge no more significant digits than these; None for all that are written.

    """
    known = {reference.identifier: reference for reference in references}
    return [_compare_one(value, known, digits) for value in given]


def _compare_one(given: GivenValue, known: dict[str, Reference], digits: int | None) -> Comparison:
    value = _fraction(given.text)
    written = significant_digits(given.text)
    judged = written if digits is None else min(written, digits)
    reference = known.get(given.identifier)
    if reference is None:
        near = get_close_matches(given.identifier, known, 1)
        return Comparison(given, "unknown", f"did you mean {near[0]}?" if near else "no such identifier", judged)
    try:
        for enclosure in enclosures(reference.derived(), reference.inputs, max(judged, 1)):
            comparison, settled = judge(given, value, judged, enclosure)
            if settled:
                break
    except LeadtermsError as error:
        return Comparison(given, "undecided", " ".join(str(error).split()), judged)
    return comparison


def judge(given: GivenValue, value: Fraction, digits: int, enclosure: Enclosure) -> tuple[Comparison, bool]:
    """Compare one value with an enclosure of the truth; tell also whether a narrower one could say more.

    With u the unit of the last judged digit, the value agrees if |value - truth| < u wherever in the enclosure the
    truth lies: rounded to nearest it is off by at most u/2, truncated or rounded up by less than u. It must be less
    than one unit of the truth's own first digit too, or else 1 would agree with 0.05. The value disagrees if this
    fails wherever in the enclosure the truth lies; otherwise it is undecided.

    Parameters
    ----------
    given, value
        The value as written, and exactly.
    digits
        The judged digits; 0 for a zero.
    enclosure
        Where the truth lies.

    """
    low, high = enclosure.low, enclosure.high
    least, greatest = enclosure.distance(value)
    shown = decimal_text(rounded((low + high) / 2, digits + SHOWN), digits + SHOWN)

    def result(verdict: str, how: str, right: int | None = None) -> Comparison:
        return Comparison(given, verdict, how, digits, right, shown, enclosure.certified)

    if low <= 0 <= high and low != high:
        return result("undecided", "the reference cannot be told from zero"), False
    if greatest == 0:
        return result("agree", CORRECT, digits), True
    if not value or not low:
        return result("disagree", "no digit is right", 0), True
    unit = power_of_ten(decimal_exponent(value) - digits + 1)
    allowed = min(unit, *(power_of_ten(decimal_exponent(end)) for end in (low, high)))
    if greatest < allowed and 2 * greatest <= unit:
        return result("agree", CORRECT, digits), True
    if greatest < allowed:
        return result("agree", "within one unit of the last digit", digits), 2 * least > unit
    if least >= allowed:
        right = right_digits(value, digits, low, high)
        wrong_sign = (value > 0) != (low > 0)
        return result("disagree", "the sign is wrong" if wrong_sign else f"wrong from digit {right + 1}", right), True
    return result("undecided", "the reference is not known to enough digits"), False


def right_digits(value: Fraction, digits: int, low: Fraction, high: Fraction) -> int:
    """Return how many leading digits of a value that disagrees are right: those common to it and the truth.

    The first p digits are right if value and truth are the same after truncation to p digits, or after rounding, so
    that 0.4999 and 0.5001 have three in common; places are counted in the value.
    """
    exponent = decimal_exponent(value)
    for place in range(digits - 1, 0, -1):
        unit = power_of_ten(exponent - place + 1)
        scaled = [number / unit for number in (value, low, high)]
        if len({trunc(number) for number in scaled}) == 1 or len({floor(number + HALF) for number in scaled}) == 1:
            return place
    return 0


def significant_digits(text: str) -> int:
    """Return how many significant digits a decimal is written with; 0 for a zero.

    Examples
    --------
    >>> [significant_digits(text) for text in ("0.0250", "-12e+30", "0.00")]
    [3, 2, 0]

    """
    return len(_digit_columns(text))


def _digit_columns(text: str) -> list[int]:
    """Return the columns of the significant digits of a decimal."""
    mantissa = text.lower().partition("e")[0]
    columns = [column for column, character in enumerate(mantissa) if character.isdigit()]
    first = next((place for place, column in enumerate(columns) if mantissa[column] != "0"), len(columns))
    return columns[first:]


def _fraction(text: str) -> Fraction:
    exact = read_number(text)
    return Fraction(int(exact.p), int(exact.q))


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """Return one comparison as plain data."""
    return {
        "id": comparison.given.identifier,
        "given": comparison.given.text,
        "line": comparison.given.line,
        "verdict": comparison.verdict,
        "how": comparison.how,
        "digits": comparison.digits,
        "right_digits": comparison.right,
        "reference": comparison.truth,
        "certified": comparison.certified,
    }


def comparison_text(comparisons: Sequence[Comparison]) -> str:
    """Return the comparisons as text: one line each, the wrong digits marked below, and the count of verdicts."""
    width = max(len(_shown(comparison.given.identifier)) for comparison in comparisons)
    lines: list[str] = []
    for comparison in comparisons:
        lines.append(f"{_shown(comparison.given.identifier):{width}}  {comparison.verdict}: {comparison.how}")
        if comparison.truth is not None and comparison.verdict != "agree":
            kind = "certified" if comparison.certified else "estimated"
            marks = _marks(comparison)
            lines.append(f"    given      {comparison.given.text}")
            lines += [f"               {marks}"] if marks else []
            lines.append(f"    reference  {comparison.truth}   ({kind})")
    verdicts = [comparison.verdict for comparison in comparisons]
    estimates = sum(comparison.truth is not None and not comparison.certified for comparison in comparisons)
    lines += ["", ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS)]
    if estimates:
        lines.append(f"{estimates} compared with a reference whose error is an estimate")
    return "\n".join(lines)


def _marks(comparison: Comparison) -> str:
    """Return carets below the wrong digits; all digits that are judged where none is right."""
    if comparison.verdict != "disagree" or comparison.right is None:
        return ""
    text = comparison.given.text
    columns = _digit_columns(text)[comparison.right : comparison.digits] or [
        column for column, character in enumerate(text) if character.isdigit()
    ]
    return "".join("^" if column in columns else " " for column in range(columns[-1] + 1))


def _shown(identifier: str) -> str:
    """Make control characters of a user's identifier visible, so that they stay in their line."""
    return "".join(character if character.isprintable() else "?" for character in identifier)
