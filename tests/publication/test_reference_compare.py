"""Comparing: every rounding of the truth agrees, every planted digit is found, and nothing is guessed."""

from __future__ import annotations

import random
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_UP, Context, Decimal
from fractions import Fraction

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadterms import EvaluationError
from leadterms.publication import reference_compare
from leadterms.publication.atlas import Reference, references_of
from leadterms.publication.enclosure import Enclosure
from leadterms.publication.reference_compare import (
    compare_values,
    comparison_record,
    comparison_text,
    judge,
    right_digits,
    significant_digits,
)
from leadterms.publication.reference_reading import GivenValue

TRUTH = "2.0487282409851273475700889813437"
"""The slope of the slides' mixed model at sigma^2 = 3.79, computed by mpmath in `test_the_truth`."""
ATLAS = [
    *references_of(
        "glmm", "y ~ x + (1 | g)", "poisson", {"x": "Uniform(-1, 1)"},
        {"beta0": "-1.46", "beta1": "2.11", "sigma2": "3.79"}, ["1", "x"], "the slides",
    ),
    Reference("steep/x", "y ~ x", "poisson", {"x": "Exponential(2)"}, ("x", "x"), {"beta0": "1", "beta1": "3"}, ""),
]  # fmt: skip
MODES = (ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING, ROUND_DOWN, ROUND_UP)


def compared(text: str, identifier: str = "glmm/x", digits: int | None = None):
    (found,) = compare_values([GivenValue(identifier, text, 1)], ATLAS, digits)
    return found


def judged(text: str, truth: str, radius: str = "0", digits: int | None = None):
    middle, width = Fraction(truth), Fraction(radius)
    given_digits = significant_digits(text) if digits is None else digits
    return judge(
        GivenValue("a", text, 1), Fraction(text), given_digits, Enclosure(middle - width, middle + width, True)
    )[0]


def test_the_truth():
    with mpmath.workdps(60):
        b0, b1, s2 = mpmath.mpf("-1.46"), mpmath.mpf("2.11"), mpmath.mpf("3.79")
        value = b1**3 * mpmath.sinh(b1) / (mpmath.exp(b0 + s2 / 2) * (mpmath.sinh(b1) ** 2 - b1**2))
        assert mpmath.nstr(value, 50).startswith(TRUTH[:-1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("digits", [1, 2, 5, 11, 17, 28])
def test_a_value_rounded_in_any_direction_agrees(mode, digits):
    text = str(Context(prec=digits, rounding=mode).create_decimal(TRUTH))
    found = compared(text)
    nearest = str(Context(prec=digits, rounding=ROUND_HALF_EVEN).create_decimal(TRUTH))
    assert (found.verdict, found.right, found.digits) == ("agree", digits, digits)
    assert found.how == ("correctly rounded" if text == nearest else "within one unit of the last digit")


@pytest.mark.parametrize("place", range(1, 13))
@pytest.mark.parametrize("change", [1, 3, 7])
def test_a_planted_digit_is_found_where_it_is(place, change):
    digits = [int(c) for c in TRUTH[:14].replace(".", "")]
    digits[place - 1] = (digits[place - 1] + change) % 10 or 5
    text = f"{digits[0]}." + "".join(map(str, digits[1:]))
    found = compared(text)
    assert (found.verdict, found.how, found.right) == ("disagree", f"wrong from digit {place}", place - 1)


@pytest.mark.parametrize(
    ("text", "digits", "verdict", "how"),
    [
        ("2.04872824099", 9, "agree", "correctly rounded"),
        ("2.0487282999", 8, "agree", "within one unit of the last digit"),
        ("2.0487282999", 9, "disagree", "wrong from digit 9"),
        ("2.0487282999", 40, "disagree", "wrong from digit 9"),
        ("0.20487282409851e+1", None, "agree", "correctly rounded"),
        ("20487282.409851E-7", None, "agree", "correctly rounded"),
        ("+2.05", None, "agree", "correctly rounded"),
        ("-2.05", None, "disagree", "the sign is wrong"),
        ("20.5", None, "disagree", "wrong from digit 1"),
        ("0", None, "disagree", "no digit is right"),
        ("0.000", 2, "disagree", "no digit is right"),
    ],
)
def test_fewer_digits_are_judged_where_that_is_asked(text, digits, verdict, how):
    found = compared(text, digits=digits)
    assert (found.verdict, found.how) == (verdict, how)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("3.79", "agree"), ("3.790000", "agree"), ("3.8", "agree"), ("3.7", "agree"), ("4", "agree"), ("3.80", "disagree"),
     ("3.78", "disagree"), ("3.7900000000000001", "disagree"), ("5", "disagree")],
)  # fmt: skip
def test_an_exact_value_is_compared_exactly(text, verdict):
    found = compared(text, "glmm/1")
    assert found.verdict == verdict
    assert found.certified


@pytest.mark.parametrize(
    ("text", "truth"), [("1", "0.05"), ("-1", "-0.05"), ("1", "-0.05"), ("1", "1e-30"), ("1", "0.6")]
)
def test_a_coarse_value_does_not_agree_with_any_small_one(text, truth):
    assert judged(text, truth).verdict == "disagree"


@pytest.mark.parametrize(
    ("text", "truth", "right"),
    [("0.4999", "0.5001", 3), ("1.05", "0.95", 1), ("0.999999", "1.001", 2), ("123.4", "123.9", 3), ("9", "1", 0)],
)
def test_digits_are_right_after_a_carry_too(text, truth, right):
    digits = significant_digits(text)
    assert right_digits(Fraction(text), digits, Fraction(truth), Fraction(truth)) == right


def test_a_wide_enclosure_decides_nothing():
    assert judged("0.5", "0.51", "0.2").verdict == "undecided"
    assert judged("0.5", "0", "1").how == "the reference cannot be told from zero"
    assert judged("0.5", "0.51", "0.01").verdict == "agree"
    assert judged("0.5", "0.71", "0.01").verdict == "disagree"
    assert judged("0", "0").verdict == "agree"
    assert judged("0.1", "0").verdict == "disagree"


@given(
    st.decimals("0.001", "1000", places=30), st.integers(1, 25), st.sampled_from(MODES), st.integers(0, 40),
    st.integers(-10, 10),
)  # fmt: skip
def test_no_rounding_ever_disagrees_and_no_agreement_is_further_than_a_unit(truth, digits, mode, narrow, shift):
    """The enclosure holds the truth anywhere inside: whatever is said must hold there."""
    text = str(Context(prec=digits, rounding=mode).create_decimal(truth))
    exact, radius = Fraction(truth), Fraction(1, 10**narrow)
    middle = exact + radius * Fraction(shift, 10)
    given_value, value = GivenValue("a", text, 1), Fraction(Decimal(text))
    found, _ = judge(given_value, value, digits, Enclosure(middle - radius, middle + radius, True))
    assert found.verdict in ("agree", "undecided")
    exponent = int(Decimal(text).as_tuple().exponent)
    wrong = value + 2 * Fraction(10) ** exponent
    assume(wrong < Fraction(10) ** (exponent + digits))  # one digit more would be another unit
    found, _ = judge(given_value, wrong, digits, Enclosure(middle - radius, middle + radius, True))
    assert found.verdict in ("disagree", "undecided")


def test_more_digits_are_asked_for_until_it_is_decided(monkeypatch):
    asked = []

    def enclosures(entry, values, digits):
        for power in (5, 30, 100):
            asked.append(digits + power)
            yield Enclosure(Fraction(1, 4), Fraction(1, 4) + Fraction(1, 10**power), certified=True)

    monkeypatch.setattr(reference_compare, "enclosures", enclosures)
    assert compared("0.25").how == "correctly rounded"
    assert asked == [7]
    assert compared("0.2").how == "within one unit of the last digit"  # a tie that stays open: the weaker claim
    assert asked == [7, 6, 31, 101]
    assert compared("0.24").verdict == "disagree"  # whether the truth is 0.25 or above it
    assert compared("0.26").verdict == "undecided"  # the truth rounded up, unless it is 0.25
    assert compared("0.23").verdict == "disagree"


def test_an_unknown_identifier_is_never_a_pass():
    found = compared("2.05", "glmm/y")
    assert (found.verdict, found.how, found.right) == ("unknown", "did you mean glmm/x?", None)
    assert compared("2.05", "qqq").how == "no such identifier"


def test_a_reference_without_value_is_undecided():
    found = compared("2.05", "steep/x")
    assert found.verdict == "undecided"
    assert found.how.startswith("the condition beta1 < 2 fails")


def test_digits_that_are_not_reached_are_undecided(monkeypatch):
    def fail(*arguments):
        raise EvaluationError("not\nreached")

    monkeypatch.setattr(reference_compare, "enclosures", fail)
    assert (compared("2.05").verdict, compared("2.05").how) == ("undecided", "not reached")


def test_the_wrong_digits_are_marked():
    text = comparison_text([compared("2.0487212409"), compared("3.79", "glmm/1"), compared("-2.1e-3")])
    lines = text.splitlines()
    assert lines[0] == "glmm/x  disagree: wrong from digit 7"
    assert lines[1] == "    given      2.0487212409"
    assert lines[2] == "                      ^^^^^"
    assert lines[3].startswith("    reference  2.048728240985127   (")
    assert lines[4] == "glmm/1  agree: correctly rounded"
    assert lines[7] == "                ^ ^"
    assert lines[10] == "1 agree, 2 disagree, 0 undecided, 0 unknown"


def test_carets_stop_where_judging_stops():
    text = comparison_text([compared("0.0020487212409", digits=3), compared("2.0587212409", digits=5)])
    assert text.splitlines()[2] == "                   ^^^"
    assert text.splitlines()[6] == "                  ^^^"


def test_control_characters_of_a_file_do_not_reach_the_terminal():
    assert "\x1b" not in comparison_text([compared("1", "a\x1b[31m\n")])


def test_a_record_has_every_field():
    assert comparison_record(compared("3.7", "glmm/1")) == {
        "id": "glmm/1", "given": "3.7", "line": 1, "verdict": "agree", "how": "within one unit of the last digit",
        "digits": 2, "right_digits": 2, "reference": "3.790000", "certified": True,
    }  # fmt: skip


def test_random_misprints_are_found_in_numbers_of_every_size():
    source = random.Random(3)
    for _ in range(300):
        truth = Decimal(source.randint(10**19, 10**20 - 1)).scaleb(source.randint(-30, 10))
        place = source.randint(1, 12)
        digits = list(str(truth.as_tuple().digits[0]) + "".join(map(str, truth.as_tuple().digits[1:12])))
        digits[place - 1] = str((int(digits[place - 1]) + source.randint(2, 8)) % 10)
        if digits[0] == "0":
            continue
        text = f"{digits[0]}.{''.join(digits[1:])}e{truth.adjusted()}"
        found = judged(text, str(truth))
        assert found.verdict == "disagree"
        assert found.right <= place - 1
        assert found.right >= place - 2 or "9" in digits or "0" in digits
