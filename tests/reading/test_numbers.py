"""Exact numbers: what a text, a float or a scalar states, compared with Python's own exact arithmetic."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from leadterms.errors import EvaluationError, LeadtermsError, ReadingError
from leadterms.reading.numbers import MAX_DIGITS, exact_expression, exact_number, named_exact, read_number

# Each right-hand side is the decimal expansion written out as a fraction by hand.
TEXTS = [
    ("0.34", sympy.Rational(17, 50)),
    ("-1.46", sympy.Rational(-73, 50)),
    ("1e-30", sympy.Rational(1, 10**30)),
    ("+2", sympy.Integer(2)),
    (".5", sympy.Rational(1, 2)),
    ("5.", sympy.Integer(5)),
    ("3/7", sympy.Rational(3, 7)),
    ("-3 / 7", sympy.Rational(-3, 7)),
    ("1.5/2", sympy.Rational(3, 4)),
    ("  0.34\t", sympy.Rational(17, 50)),
    ("2.5E+3", sympy.Integer(2500)),
    ("1e" + "0" * 60 + "3", sympy.Integer(1000)),
    ("007", sympy.Integer(7)),
    ("-0.0", sympy.Integer(0)),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_text(text: str, expected: sympy.Rational) -> None:
    value = exact_number(text)
    assert isinstance(value, sympy.Rational)
    assert value == expected


@given(st.fractions())
def test_fractions_round_trip(value: Fraction) -> None:
    expected = sympy.Rational(value.numerator, value.denominator)
    assert exact_number(value) == exact_number(str(value)) == exact_number(expected) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_float_is_its_shortest_decimal(value: float) -> None:
    expected = Fraction(repr(value))
    found = exact_number(value)
    assert (found.p, found.q) == (expected.numerator, expected.denominator)
    assert float(Fraction(int(found.p), int(found.q))) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e300", max_value="1e300"))
def test_decimal(value: Decimal) -> None:
    expected = Fraction(value)
    found = exact_number(value)
    assert (found.p, found.q) == (expected.numerator, expected.denominator)


@given(st.integers(-(10**60), 10**60), st.integers(-40, 40), st.integers(1, 60))
def test_sympy_float_is_its_shortest_decimal(mantissa: int, exponent: int, extra: int) -> None:
    text = f"{mantissa}e{exponent}"
    assert exact_number(sympy.Float(text, len(str(mantissa)) + extra)) == exact_number(text)


# sympy holds a subnormal float at 53 bits, more than it has: it then states a longer decimal.
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_sympy_float_agrees_with_python_float(value: float) -> None:
    assert exact_number(sympy.Float(value)) == exact_number(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), "3"),
        (np.uint8(200), "200"),
        (np.float64(0.34), "0.34"),
        (np.float32(0.34), "0.34"),  # .item() would give 0.3400000035762787
        (np.float16(0.1), "0.1"),
        (np.longdouble("0.1"), "0.1"),
        (np.float32(1e20), "1e20"),
        (np.array(2.5), "2.5"),
        (sympy.Integer(4), "4"),
        (sympy.Float("0.1", 50), "0.1"),
        (sympy.Float("1.23456789", 60), "1.23456789"),
        (Decimal("1E-30"), "1e-30"),
        (True + 1, "2"),
    ],
)
def test_other_kinds_of_number(value: object, expected: str) -> None:
    assert exact_number(value) == exact_number(expected)


def test_rational_is_returned_as_it_is() -> None:
    value = sympy.Rational(3, 7)
    assert exact_number(value) is value


BAD_TEXTS = [
    ("", "^", "a number was expected"),
    ("nan", "^^^", "a number was expected"),
    ("inf", "^^^", "a number was expected"),
    ("1_000", "^^^^^", "a number was expected"),
    ("1,5", "^^^", "a number was expected"),
    ("0x10", "^^^^", "a number was expected"),
    ("1e", "^^", "a number was expected"),
    (" 1 2 ", " ^^^", "a number was expected"),
    ("--1", "^^^", "a number was expected"),
    ("1/2/3", "^^^^^", "a number was expected"),
    ("3/-7", "^^^^", "a number was expected"),
    ("\u0663", "^", "a number was expected"),  # Arabic-Indic three
    ("1\u0663", "^^", "a number was expected"),
    ("\uff11", "^", "a number was expected"),  # full-width one
    ("\u00b3", "^", "a number was expected"),  # superscript three
    ("\u22121", "^^", "a number was expected"),  # typographic minus
    ("1/0", "  ^", "division by zero"),
    ("1 / 0.00", "    ^^^^", "division by zero"),
    ("1e999999999", "^^^^^^^^^^^", "more than 4000 digits"),
    ("1e-999999999", "^^^^^^^^^^^^", "more than 4000 digits"),
    ("2/1e999999999", "  ^^^^^^^^^^^", "more than 4000 digits"),
    (" 1e3000/1e-3000", " " + "^" * 14, "more than 4000 digits"),
    ("1e" + "9" * 5000, "^" * 5002, "more than 4000 digits"),
    ("9" * 4001, "^" * 4001, "more than 4000 digits"),
]


@pytest.mark.parametrize(("text", "caret", "message"), BAD_TEXTS, ids=[text[:14] for text, _, _ in BAD_TEXTS])
def test_bad_text(text: str, caret: str, message: str) -> None:
    with pytest.raises(ReadingError) as caught:
        exact_number(text)
    assert caught.value.caret == caret
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_largest_numbers_can_be_printed() -> None:
    assert len(str(exact_number("9" * MAX_DIGITS))) == MAX_DIGITS
    assert len(str(exact_number(f"1e-{MAX_DIGITS - 1}"))) == MAX_DIGITS + 2
    with pytest.raises(ReadingError):
        exact_number(f"1e-{MAX_DIGITS}")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "not True"),
        (np.bool_(False), "not False"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        (np.float32("nan"), "finite"),
        (np.float64("-inf"), "finite"),
        (Decimal("NaN"), "finite"),
        (Decimal("-Infinity"), "finite"),
        (Decimal("1e999999"), "4000 digits"),
        pytest.param(10**5000, "4000 digits", id="long integer"),
        pytest.param(Fraction(1, 10**5000), "4000 digits", id="long fraction"),
        (sympy.Float("1e-5000"), "4000 digits"),
        (1j, "complex"),
        (np.complex128(1), "complex"),
        (None, "NoneType"),
        ([1], "list"),
        (np.array([1.0]), "ndarray"),
        (np.datetime64("2020-01-01"), "datetime64"),
        (b"1", "bytes"),
        (sympy.pi, "Pi"),
        (sympy.nan, "NaN"),
        (sympy.oo, "Infinity"),
        (sympy.Symbol("x"), "Symbol"),
    ],
)
def test_no_number(value: object, message: str) -> None:
    with pytest.raises(LeadtermsError, match=message) as caught:
        exact_number(value)
    assert "\n" not in getattr(caught.value, "message", str(caught.value))


def test_message_survives_a_value_that_cannot_be_shown() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(LeadtermsError, match="not a Broken"):
        exact_number(Broken())


def test_span_inside_a_longer_text() -> None:
    text = "sigma2 = 3/x7 , b=1"
    assert read_number("sigma2 = 3/7 , b=1", 8, 13) == sympy.Rational(3, 7)
    with pytest.raises(ReadingError) as caught:
        read_number(text, 8, 14)
    assert (caught.value.text, caught.value.start, caught.value.end) == (text, 9, 13)


@pytest.mark.parametrize("value", [sympy.sqrt(2), sympy.log(2) + 1, -sympy.pi / 3, sympy.exp(sympy.sqrt(5))])
def test_exact_expression_passes_real_numbers(value: sympy.Expr) -> None:
    assert exact_expression(value) is value


@pytest.mark.parametrize("value", ["0.34", 0.34, 3, sympy.Float(0.5), sympy.Rational(1, 3)])
def test_exact_expression_reads_numbers(value: object) -> None:
    assert exact_expression(value) == exact_number(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2.0 * sympy.pi, "holds a float"),
        (sympy.sqrt(sympy.Symbol("x")), "holds symbols"),
        (sympy.Function("f")(2), "holds symbols"),
        (sympy.oo, "finite"),
        (sympy.zoo, "finite"),
        (sympy.nan, "finite"),
        (sympy.I, "real"),
        (sympy.sqrt(-2), "real"),
        (sympy.log(1 - sympy.sqrt(2)), "real"),
        (True, "not True"),
        (object(), "object"),
    ],
)
def test_exact_expression_refuses(value: object, message: str) -> None:
    with pytest.raises(LeadtermsError, match=message):
        exact_expression(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("one", "the value 'one' of beta1 is not an exact number: a number was expected: a decimal such as"),
        (None, "the value of beta1 is not an exact number: a number was expected .* not None"),
        (True, "the value of beta1 is not an exact number: a number was expected, not True: write 1 or 0"),
        (float("nan"), "the value of beta1 is not an exact number: a finite number was expected, not nan"),
        (sympy.Symbol("a"), "the value of beta1 is not an exact number: .*, which holds symbols"),
    ],
)
def test_a_value_is_refused_with_its_name_in_one_line(value: object, message: str) -> None:
    with pytest.raises(EvaluationError, match=f"^{message}") as caught:
        named_exact("beta1", value)
    assert "\n" not in str(caught.value)


def test_a_value_with_a_name_is_exact() -> None:
    assert named_exact("beta1", "0.34") == sympy.Rational(17, 50)
    assert named_exact("beta1", sympy.sqrt(2)) == sympy.sqrt(2)
