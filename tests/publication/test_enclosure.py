"""Enclosures and their decimals: against the decimal module, and provably on the right side of the truth."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Float

from leadterms import EvaluationError, Model, leading_terms
from leadterms.evaluation.number import Number
from leadterms.publication import enclosure
from leadterms.publication.enclosure import Enclosure, decimal_exponent, decimal_text, rounded, rounded_value

MODES = {"nearest": ROUND_HALF_EVEN, "down": ROUND_FLOOR, "up": ROUND_CEILING}
FRACTIONS = st.fractions(min_value=-(10**30), max_value=10**30, max_denominator=10**40)


@pytest.fixture(scope="module")
def slope():
    """The slide's Poisson GLM: beta1^3 sinh(beta1)/[exp(beta0){sinh^2(beta1) - beta1^2}]."""
    return leading_terms(Model("y ~ x", family="poisson", laws={"x": "Uniform(-1, 1)"}))["x"]


AT = {"beta0": "0.34", "beta1": "0.82"}


def slope_by_mpmath(digits: int) -> Fraction:
    with mpmath.workdps(digits):
        b0, b1 = mpmath.mpf(34) / 100, mpmath.mpf(82) / 100
        value = b1**3 * mpmath.sinh(b1) / (mpmath.exp(b0) * (mpmath.sinh(b1) ** 2 - b1**2))
        return Fraction(mpmath.nstr(value, digits - 5))


@given(FRACTIONS, st.integers(1, 40), st.sampled_from(sorted(MODES)))
def test_rounding_is_that_of_the_decimal_module(value, digits, rounding):
    exact = Context(prec=digits, rounding=MODES[rounding]).divide(Decimal(value.numerator), Decimal(value.denominator))
    assert rounded(value, digits, rounding) == Fraction(exact)


@pytest.mark.parametrize(
    ("value", "digits", "found"),
    [("0.125", 2, "0.12"), ("0.375", 2, "0.38"), ("-0.125", 2, "-0.12"), ("9.996", 3, "10"), ("0", 3, "0")],
)
def test_ties_go_to_the_even_digit_and_carries_keep_the_digits(value, digits, found):
    assert rounded(Fraction(value), digits) == Fraction(found)


@given(FRACTIONS.filter(bool))
def test_the_decimal_exponent_is_that_of_the_first_digit(value):
    exponent = decimal_exponent(value)
    assert Fraction(10) ** exponent <= abs(value) < Fraction(10) ** (exponent + 1)


@given(st.integers(-(10**12) + 1, 10**12 - 1), st.integers(-40, 40))
def test_a_decimal_is_written_with_all_its_digits(whole, exponent):
    decimal = whole * Fraction(10) ** exponent
    text = decimal_text(decimal, 12)
    assert Fraction(text) == decimal
    assert not whole or len(text.lower().partition("e")[0].replace(".", "").lstrip("-0")) == 12


@pytest.mark.parametrize("rounding", sorted(MODES))
@pytest.mark.parametrize("digits", [1, 2, 7, 18, 30, 61])
def test_the_decimal_is_on_the_side_that_was_asked_for(slope, digits, rounding):
    found = rounded_value(slope, AT, digits, rounding)
    truth, printed = slope_by_mpmath(120), Fraction(found.text)
    assert printed == rounded(truth, digits, rounding)
    assert abs(printed - truth) <= Fraction(found.error)
    assert Fraction(found.error) <= Fraction(10) ** (1 - digits)
    assert rounding != "down" or printed < truth
    assert rounding != "up" or printed > truth


@pytest.mark.parametrize("rounding", sorted(MODES))
def test_a_rational_value_is_exact_and_certified(slope, rounding):
    mixed = leading_terms(Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"}))
    at = {**AT, "sigma2": "3.79"}
    assert rounded_value(mixed["1"], at, 6, rounding) == enclosure.RoundedValue("3.79000", "0", certified=True)
    third = rounded_value(mixed["sigma2"], {**AT, "sigma2": "1/3"}, 5, rounding)  # 2/9
    assert third == enclosure.RoundedValue("0.22223" if rounding == "up" else "0.22222", third.error, certified=True)


class Scripted:
    """An entry whose enclosures are scripted: a truth, and an error of half a unit of the last digit."""

    def __init__(self, truth: str, certified: bool = True, reaches: int = 1000) -> None:
        self.truth, self.certified, self.reaches = Fraction(truth), certified, reaches
        self.asked: list[int] = []

    @property
    def space(self):
        return self

    @property
    def coefficient(self):
        return Float(1)

    def point(self, values):
        return {}

    def evaluate(self, values, digits):
        self.asked.append(digits)
        if digits > self.reaches:
            raise EvaluationError("the digits are not reached")
        with mpmath.workdps(digits + 30):
            value = mpmath.mpf(self.truth.numerator) / self.truth.denominator
            error = abs(value) * mpmath.mpf(10) ** (1 - digits)
            return Number(Float(value, digits), Float(error, 20), digits, self.certified)


def test_a_value_near_a_boundary_is_asked_for_with_more_digits():
    near = Scripted("0.12345" + "0" * 20 + "1")
    assert rounded_value(near, {}, 5, "up").text == "0.12346"
    assert near.asked == [10, 35]
    near = Scripted("0.12345" + "0" * 20 + "1")
    assert rounded_value(near, {}, 5, "down").text == "0.12345"
    below = Scripted("0.12344" + "9" * 20)
    assert rounded_value(below, {}, 5, "down").text == "0.12344"
    assert below.asked == [10, 35]


@pytest.mark.parametrize(("rounding", "texts"), [("down", {"0.49999", "0.50000"}), ("up", {"0.50000", "0.50001"})])
@pytest.mark.parametrize("reaches", [20, 1000])
def test_what_cannot_be_decided_stays_on_the_safe_side(rounding, texts, reaches):
    found = rounded_value(Scripted("1/2", reaches=reaches), {}, 5, rounding)
    printed = Fraction(found.text)
    assert found.text in texts
    assert printed <= Fraction(1, 2) if rounding == "down" else printed >= Fraction(1, 2)
    assert abs(printed - Fraction(1, 2)) <= Fraction(found.error)


def test_a_tie_that_is_not_recognised_has_an_honest_error():
    found = rounded_value(Scripted("0.25"), {}, 1)
    assert found.text in ("0.2", "0.3")
    assert abs(Fraction(found.text) - Fraction(1, 4)) <= Fraction(found.error)


def test_an_estimate_stays_an_estimate():
    assert not rounded_value(Scripted("1/3", certified=False), {}, 5, "down").certified


def test_a_value_that_may_be_zero_is_refused():
    class Vanishing(Scripted):
        def evaluate(self, values, digits):
            return Number(Float(0, digits), Float("1e-60", 20), digits, True)

    with pytest.raises(EvaluationError, match="cannot be told from zero"):
        rounded_value(Vanishing("0"), {}, 5, "down")


def test_a_first_failure_is_not_swallowed():
    with pytest.raises(EvaluationError, match="the digits are not reached"):
        rounded_value(Scripted("1/3", reaches=5), {}, 5)


@given(FRACTIONS, FRACTIONS, st.fractions(0, 10**6), st.fractions(0, 1))
def test_distances_bound_that_to_every_number_inside(number, low, width, share):
    interval = Enclosure(low, low + width, certified=True)
    least, greatest = interval.distance(number)
    assert least <= abs(number - (low + share * width)) <= greatest
