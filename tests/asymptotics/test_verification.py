"""Verification of equalities: symbolic first, balls second, a difference is never passed over."""

from __future__ import annotations

from sympy import Rational, Symbol, cosh, exp, log, sinh

from leadterms.asymptotics.derivation import FAILED, UNDECIDED, VERIFIED, Equality
from leadterms.asymptotics.verification import verify
from leadterms.expectation.held import Expectation
from leadterms.model.continuous_laws import UniformLaw
from leadterms.model.law_reading import read_law

b = Symbol("b", real=True)
x = Symbol("x", real=True)


def test_identities_are_exact():
    found = verify([Equality(sinh(b) ** 2 + 1, cosh(b) ** 2), Equality(exp(b) - exp(-b), 2 * sinh(b))], ())
    assert (found.verdict, found.how) == (VERIFIED, "symbolically")


def test_an_integral_and_its_closed_form_agree_in_balls():
    held = Expectation(exp(b * x), (x, UniformLaw(-1, 1)))
    found = verify([Equality(held, sinh(b) / b), Equality(b, b)], ())
    assert found.verdict == VERIFIED
    assert found.how == "symbolically (1 of 2) and in balls, to 15 digits at 2 random points (1)"


def test_a_held_sum_over_values_and_the_sum_are_equal_symbolically():
    a = Symbol("a", real=True)
    coin, normal = (a, read_law("Bernoulli(1/3)", ("a",))), (x, read_law("Normal(0, 1)", ("x",)))

    def logit(eta, *bindings):
        return Expectation(exp(eta) / (1 + exp(eta)) ** 2, *bindings)

    whole, third = logit(b * a + x, coin, normal), Rational(1, 3)
    found = verify([Equality(whole, 2 * third * logit(x, normal) + third * logit(b + x, normal))], ())
    assert (found.verdict, found.how) == (VERIFIED, "symbolically")
    wrong = verify([Equality(whole, third * logit(x, normal) + 2 * third * logit(b + x, normal))], ())
    assert wrong.verdict == FAILED


def test_a_small_difference_fails_and_says_where():
    held = Expectation(exp(b * x), (x, UniformLaw(-1, 1)))
    found = verify([Equality(held, sinh(b) / b + Rational(1, 10**12))], ())
    assert found.verdict == FAILED
    assert "at b = " in found.how


def test_a_difference_is_found_behind_what_is_undecided():
    # no certified road: a Cauchy law has no second moment
    unknown = Equality(Expectation(1 / (1 + exp(b * x)), (x, read_law("Cauchy(0, 1)", ("x",)))), b)
    assert verify([unknown], ()).verdict == UNDECIDED
    assert verify([unknown, Equality(b, b + 1)], ()).verdict == FAILED


def test_points_respect_the_conditions():
    inside = log(1 - b) + 0 * b
    found = verify(
        [Equality(Expectation(exp(b * x) * (1 - x), (x, UniformLaw(0, 1))), (exp(b) - 1 - b) / b**2)], (b < 1,)
    )
    assert found.verdict == VERIFIED
    assert verify([Equality(inside, inside + Rational(1, 10**9))], (b < 1,)).verdict == FAILED


def test_where_is_said_of_what_is_exact_at_a_point():
    assert verify([Equality(b, b), Equality(Rational(1), Rational(1), "at m = 2")], ()).how == (
        "symbolically, and exactly at m = 2"
    )
    assert verify([Equality(Rational(1), Rational(1), "at m = 2")], ()).how == "exactly at m = 2"


def test_nothing_is_not_called_verified():
    assert str(verify([], ())) == "nothing to verify"
