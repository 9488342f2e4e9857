"""Expressions in balls: against mpmath, whose arithmetic and special functions are other code."""

from __future__ import annotations

import mpmath
import pytest
from flint import acb, arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    Catalan,
    E,
    Ei,
    EulerGamma,
    Float,
    Function,
    GoldenRatio,
    I,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    beta,
    betainc_regularized,
    binomial,
    cosh,
    erf,
    erfc,
    erfi,
    exp,
    expint,
    factorial,
    gamma,
    hyper,
    log,
    loggamma,
    lowergamma,
    oo,
    pi,
    polygamma,
    polylog,
    sinh,
    sqrt,
    tanh,
    uppergamma,
    zeta,
)

from leadterms.errors import EvaluationError, UncertifiedError
from leadterms.evaluation.compile_balls import BallProgram, exact_ball
from leadterms.evaluation.compile_mpmath import Program
from leadterms.evaluation.precision import ball_precision, precision, private_context
from leadterms.notation.functions import LiNegExp, Trigamma

X = Symbol("x", real=True)
Y = Symbol("y", real=True)
BITS = 120

EXPRESSIONS = [
    X * Y - X**3 / Y + Rational(1, 3),
    (1 - X) ** -2 + sqrt(Y) / sqrt(X + 2),
    X ** Rational(5, 3) * Y ** Rational(-2, 7),
    exp(-X) * sinh(Y) / (cosh(X) + tanh(Y)),
    exp(X) - 1 + log(1 + Y),
    erf(X) + erfc(Y) * erfi(X),
    1 - erf(5 + X),
    gamma(X) * beta(X, Y) / factorial(Y) + loggamma(Y + 2),
    betainc_regularized(X, Y, 0, X / (X + Y)),
    hyper((X,), (Y + 1,), -Y) + hyper((X, 2), (Y + 1,), Rational(-1, 3)),
    expint(2, X) + Ei(Y) + uppergamma(X, Y) + lowergamma(Y, X),
    polygamma(0, X) + polygamma(2, Y) + Trigamma(X),
    LiNegExp(2, X) - LiNegExp(3, -Y) + LiNegExp(4, 30 * X),
    polylog(2, -X) + zeta(X + 2),
    binomial(7, 3) * X + Abs(X - Y) + Max(X, Y) - Min(X, Y),
    pi * X + E * Y + EulerGamma + Catalan + GoldenRatio,
    Piecewise((1 / X, X < 1), (log(Y), True)),
    Piecewise((X, (X > 5) & (Y > 0)), (Y, (X <= 5) | (Y < 0)), (1, True)),
]
POINTS = [(fmpq(1, 3), fmpq(7, 5)), (fmpq(5, 2), fmpq(1, 10**6)), (fmpq(6), fmpq(9, 4))]


def by_mpmath(expression, values, digits):
    context = private_context()
    with precision(context, digits):
        numbers = [context.mpf(int(value.p)) / int(value.q) for value in values]
        value = context.convert(Program(context, [X, Y], [expression])(*numbers)[0])
        # a dilogarithm below its branch point comes back as a complex number without imaginary part
        assert context.im(value) == 0
        return context.re(value)


def contains(ball, number, digits):
    """Whether the ball holds a number that was computed to many more digits than the ball has."""
    with ball_precision(int(3.4 * digits)):
        return ball.overlaps(arb(mpmath.nstr(number, digits), 0) + arb(0, abs(float(number))) * arb(10) ** (2 - digits))


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_the_ball_holds_the_value_of_the_second_road(expression, point):
    program = BallProgram([X, Y], [expression])
    with ball_precision(BITS):
        ball = program(*map(arb, point))[0]
    assert ball.rel_accuracy_bits() > BITS / 2
    assert contains(ball, by_mpmath(expression, point, 80), 80)


def test_a_shifted_value_is_caught():
    """The check above can fail: a relative error of 1e-30 is outside the ball."""
    program = BallProgram([X, Y], [exp(X) * Y * (1 + Rational(1, 10**30))])
    with ball_precision(BITS):
        ball = program(arb(1), arb(2))[0]
    assert not contains(ball, by_mpmath(exp(X) * Y, (fmpq(1), fmpq(2)), 80), 80)


@settings(max_examples=60, deadline=None)
@given(x=st.fractions(-40, 40), y=st.fractions(Rational(1, 1000), 40))
def test_random_points(x, y):
    expression = (exp(X) - 1) / (1 + Y * exp(-X)) + LiNegExp(2, X) / (1 + Y) + sinh(X) * log(1 + Y)
    program = BallProgram([X, Y], [expression])
    point = fmpq(x.numerator, x.denominator), fmpq(y.numerator, y.denominator)
    with ball_precision(BITS):
        ball = program(*map(arb, point))[0]
    assert contains(ball, by_mpmath(expression, point, 90), 90)


def test_exact_numbers_are_made_at_each_precision():
    program = BallProgram([], [Rational(1, 3) + pi])
    for bits in (60, 900, 60, 4000):
        with ball_precision(bits):
            (value,) = program()
            assert bits - 10 < value.rel_accuracy_bits() < bits + 10


def test_differences_do_not_cancel():
    program = BallProgram([X], [exp(X) - 1, log(1 + X), 1 - erf(X)])
    with ball_precision(80):
        assert all(value.rel_accuracy_bits() > 70 for value in program(arb("1e-30"))[:2])
        assert program(arb(20))[2].rel_accuracy_bits() > 60


def test_complex_values():
    program = BallProgram([X], [exp(X) / (1 + exp(X)) ** 2, I * X, LiNegExp(2, X)], complex_values=True)
    with ball_precision(100):
        z = acb("0.5", "1.25")
        weight, turned, dilogarithm = program(z)
        assert weight.overlaps(1 / (4 * (z / 2).cosh() ** 2))
        assert turned.overlaps(acb("-1.25", "0.5"))
        assert dilogarithm.overlaps(-(-z.exp()).polylog(2))
        # beyond the strip it is another function: no value
        assert not program(acb(1, 4))[2].is_finite()


def test_powers_of_balls_around_zero():
    program = BallProgram([X], [X**2, X**3, X**7])
    with ball_precision(60):
        values = program(arb(0, "1e-5"))
    assert all(value.is_finite() and value.contains(0) for value in values)
    assert values[2].rad() < arb("1.1e-35")


def test_outside_the_domain_no_value_is_given():
    program = BallProgram([X], [sqrt(X), log(X), 1 / X])
    with ball_precision(60):
        assert not any(value.is_finite() for value in program(arb(-1))[:2])
        assert not program(arb(0))[2].is_finite()


def test_a_case_that_is_open_is_refused():
    program = BallProgram([X], [Piecewise((1, X < 1), (2, True))])
    with ball_precision(60):
        assert program(arb(0))[0] == 1
        assert program(arb(1))[0] == 2
        with pytest.raises(EvaluationError, match="could not be decided"):
            program(arb(1, "1e-20"))


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (Float("0.1") * X, EvaluationError, "is not exact"),
        (X + Y, EvaluationError, "y has no value"),
        (Function("f")(X), UncertifiedError, "no rule in balls for f"),
        (X + oo, EvaluationError, "singular"),
    ],
)
def test_refusals(expression, error, message):
    with pytest.raises(error, match=message):
        BallProgram([X], [expression])


def test_exact_ball():
    assert exact_ball(Rational(7, 3)) == fmpq(7, 3)
    with ball_precision(100):
        assert (exact_ball(sqrt(2)) ** 2).overlaps(arb(2))


def test_the_precision_does_not_leak():
    before = ctx.prec
    program = BallProgram([X], [1 / X])
    with ball_precision(333):
        assert ctx.prec == 333
        program(arb(3))
    assert ctx.prec == before
