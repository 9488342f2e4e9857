"""Numbers as papers print them."""

from __future__ import annotations

import pytest
from sympy import Rational

from leadterms import EvaluationError
from leadterms.claims.printed import read_printed


@pytest.mark.parametrize(
    ("text", "value", "unit", "digits"),
    [
        ("2.0487282409...", Rational("2.0487282409"), Rational(1, 10**10), 11),
        (r"2.04872\ldots", Rational("2.04872"), Rational(1, 10**5), 6),
        ("-0.50", Rational(-1, 2), Rational(1, 100), 2),
        ("130", 130, 1, 3),
        ("1,250", 1250, 1, 4),
        ("1.2e-5", Rational("0.000012"), Rational(1, 10**6), 2),
        (r"$3.4 \times 10^{-3}$", Rational("0.0034"), Rational(1, 10**4), 2),
        ("\u22120.7", Rational(-7, 10), Rational(1, 10), 1),
        (".5", Rational(1, 2), Rational(1, 10), 1),
        ("0.0", 0, Rational(1, 10), 1),
        ("- 0.5", Rational(-1, 2), Rational(1, 10), 1),
        (r"12\,500", 12500, 1, 5),
        (r"12\,500.0625", Rational("12500.0625"), Rational(1, 10**4), 9),
        (r"2.048\,728\,24", Rational("2.04872824"), Rational(1, 10**8), 9),
        (r"  $ 1.5 \cdot 10 ^ {2} $ ", 150, 10, 2),
    ],
)
def test_digits_and_unit(text, value, unit, digits):
    printed = read_printed(text)
    assert (printed.value, printed.unit, printed.digits) == (value, unit, digits)


@pytest.mark.parametrize(
    "text", ["", "one", "1.2.3", "0,5", "nan", "1/2", "1e99999", "--1", r"2.0\,5", r"1\,25", r"1234\,500"]
)
def test_what_is_no_decimal_is_refused(text):
    with pytest.raises(EvaluationError, match="is not a decimal number"):
        read_printed(text)


@pytest.mark.parametrize("text", ["2.0 5", "1 250", "2. 05", "1.5 e-3", "2.0\t5", r"2 .05 \ldots", "1 2 x 10^3"])
def test_blanks_inside_a_number_are_refused(text):
    with pytest.raises(EvaluationError, match="holds a blank: write one number, without blanks inside"):
        read_printed(text)


def test_a_value_below_the_last_digit_must_round_to_what_is_printed():
    true = Rational("0.4878")
    assert not read_printed("1e400").holds(true)
    assert not read_printed("1").holds(true)
    assert read_printed("0").holds(true)
    assert read_printed("0.5").holds(true)
    assert not read_printed("-0.5").holds(true)


def test_rounded_and_truncated_digits_hold():
    printed = read_printed("2.05")
    assert printed.holds(Rational("2.0449"))
    assert printed.holds(Rational("2.0599"))
    assert not printed.holds(Rational("2.0600"))
    assert not printed.holds(Rational("2.0400"))
