"""Decimals from balls: against exact fractions and Python's own decimal arithmetic."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import ball_precision
from leadterms.evaluation.rounding import ROUNDINGS, check_rounding, rounded, rounded_exact, upper_float

MODES = {"nearest": ROUND_HALF_EVEN, "down": ROUND_FLOOR, "up": ROUND_CEILING}
numbers = st.fractions(max_denominator=10**12).filter(bool)


def by_decimal(number: Fraction, digits: int, rounding: str) -> Fraction:
    context = Context(prec=digits, rounding=MODES[rounding], Emin=-(10**6), Emax=10**6)
    return Fraction(context.divide(Decimal(number.numerator), Decimal(number.denominator)))


def as_fraction(result) -> Fraction:
    return Fraction(result.whole) * Fraction(10) ** result.exponent


def exactly(value) -> Fraction:
    if not value:
        return Fraction(0)
    sign, mantissa, exponent, _ = value._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent


@settings(max_examples=200, deadline=None)
@given(number=numbers, digits=st.integers(1, 40), rounding=st.sampled_from(ROUNDINGS))
def test_exact_numbers_round_as_python_rounds(number, digits, rounding):
    result = rounded_exact(fmpq(number.numerator, number.denominator), digits, rounding)
    assert as_fraction(result) == by_decimal(number, digits, rounding)
    assert abs(number - as_fraction(result)) <= exactly(result.error)
    assert abs(number - exactly(result.value)) <= exactly(result.error)


@settings(max_examples=200, deadline=None)
@given(number=numbers, digits=st.integers(1, 40), rounding=st.sampled_from(ROUNDINGS), slack=st.integers(8, 60))
def test_balls_round_to_the_safe_side(number, digits, rounding, slack):
    with ball_precision(300):
        middle = arb(fmpq(number.numerator, number.denominator))
        radius = abs(middle) * arb(10) ** -digits * arb(2) ** -slack
        # the truth is anywhere in the ball: here near its lower end
        result = rounded(arb((middle + radius / 2).mid(), radius), digits, rounding)
    decimal = as_fraction(result)
    assert abs(number - decimal) <= exactly(result.error)
    assert len(str(abs(result.whole))) == digits
    unit = Fraction(10) ** result.exponent
    assert abs(number - decimal) <= unit * (1 + Fraction(1, 10))
    if rounding == "down":
        assert decimal <= number
    if rounding == "up":
        assert decimal >= number


@pytest.mark.parametrize("text", ["1", "-1", "0.001", "1000", "-0.125"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_an_undecided_rounding_says_so(text, rounding):
    with ball_precision(200):
        around = rounded(arb(text, "1e-40"), 20, rounding)
        beside = rounded(arb(text) * (1 + arb("3e-21")), 20, rounding)
    assert beside.decided
    assert around.decided is (rounding == "nearest")


@pytest.mark.parametrize("text", ["1", "-1", "0.001", "1000", "-0.125"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_a_ball_around_a_decimal(text, rounding):
    """Where the ball straddles a decimal, nearest gives it, the others the neighbour on the safe side."""
    with ball_precision(200):
        result = rounded(arb(text, "1e-40"), 20, rounding)
    exact = Fraction(text)
    unit = Fraction(10) ** result.exponent
    away = {"nearest": 0, "down": -1, "up": 1}[rounding]
    if as_fraction(result) != exact:
        assert away != 0
        assert 0 < away * (as_fraction(result) - exact) <= unit


def test_powers_of_ten_have_the_right_number_of_digits():
    with ball_precision(100):
        assert (rounded(arb("999999.9999999"), 5).whole, rounded(arb("999999.9999999"), 5).exponent) == (10000, 2)
        assert (rounded(arb("999999.9999999"), 5, "down").whole) == 99999
    assert rounded_exact(fmpq(99995, 10000), 4).whole == 1000


def test_huge_and_tiny_exponents():
    with ball_precision(100):
        result = rounded(arb(2) ** (10**7), 10)
        # 10^7 log10(2) = 3010299.9566398...
        assert result.exponent == 3010299 - 9
        with pytest.raises(EvaluationError, match="out of range: choose a milder point"):
            rounded((-(arb(10) ** 12)).exp(), 10)


def test_upper_float_is_not_below():
    with ball_precision(200):
        for text in ("1e-50", "3.999999999999999999", "1"):
            assert exactly(upper_float(arb(text))) >= Fraction(text)


def test_unknown_direction():
    with pytest.raises(EvaluationError, match="'nearest', 'down', 'up'"):
        check_rounding("sideways")


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_a_value_close_to_a_decimal_gets_the_digits_that_decide(rounding):
    """exp(b) with b = log(1.5 + 1e-22): twenty digits straddle, and more decide."""
    from sympy import Rational, Symbol, exp, log

    from leadterms import evaluate

    b = Symbol("b", real=True)
    number = evaluate(exp(b), {b: log(Rational(3, 2) + Rational(1, 10**22))}, 20, rounding=rounding)
    assert str(number) == ("1.5000000000000000001" if rounding == "up" else "1.5000000000000000000")
    assert number.error < 1.01e-19


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("beside", [5, 20, 29, 31, 34, 40, 55])
def test_the_text_is_the_decimal_beside_powers_of_ten(rounding, beside):
    """Where log10 rounds up to a whole number the first digit is easily misplaced."""
    from sympy import Rational, Symbol, exp, log

    from leadterms import evaluate
    from leadterms.evaluation.decimal_text import bound_in_text, in_text

    b = Symbol("b", real=True)
    for power in (-3, 0, 7):
        for sign in (-1, 1):
            truth = Rational(10) ** power * (1 + sign * Rational(1, 10**beside))
            for expression, point in ((b, truth), (exp(b), log(truth))):
                for digits in (20, 35, 45):
                    number = evaluate(expression, {b: point}, digits, rounding=rounding)
                    printed, exact = Fraction(str(number)), Fraction(int(truth.p), int(truth.q))
                    assert abs(exact - printed) <= Fraction(bound_in_text(number.error))
                    assert {"nearest": True, "down": printed <= exact, "up": printed >= exact}[rounding]
                    if rounding == "nearest":
                        assert in_text(number.value, digits) == str(number)


def test_ties_go_to_even_on_both_ways_to_a_decimal():
    from leadterms.publication.enclosure import rounded as rounded_fraction

    for number in (Fraction(5, 4), Fraction(27, 20), Fraction(-5, 4), Fraction(1, 8)):
        result = rounded_exact(fmpq(number.numerator, number.denominator), 2)
        assert as_fraction(result) == rounded_fraction(number, 2)
