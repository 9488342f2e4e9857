"""Compiled expressions against sympy's own evaluation, and the special functions of our own."""

import inspect

import mpmath
import pytest
from sympy import (
    Float,
    Piecewise,
    Rational,
    beta,
    betainc_regularized,
    erf,
    erfc,
    exp,
    expint,
    gamma,
    hyper,
    log,
    loggamma,
    polygamma,
    sinh,
    sqrt,
    symbols,
    uppergamma,
)

from leadterms.errors import EvaluationError
from leadterms.evaluation.compile_mpmath import Program
from leadterms.evaluation.number import evaluate
from leadterms.evaluation.precision import precision, private_context
from leadterms.notation.functions import LiNegExp

x, y = symbols("x y", real=True)
THIRD = Rational(1, 3)


@pytest.mark.parametrize(
    "expr",
    [
        exp(x) / (1 + exp(x)) ** 2,
        sinh(x) ** 2 - x**2,
        erf(x) * erfc(-x),
        loggamma(x),
        polygamma(0, x) * polygamma(2, x),
        gamma(x) * beta(x, 2),
        betainc_regularized(x, x + 1, 0, x / (x + 2)),
        hyper((x, 1), (Rational(5, 2),), -x),
        expint(1, x) + uppergamma(Rational(1, 2), x),
        x**THIRD + 2 ** (x / 2) + sqrt(x),
        Piecewise((1 / (x - THIRD), x > 1), (log(x), True)),
    ],
    ids=str,
)
@pytest.mark.parametrize("digits", [15, 60])
def test_against_sympy(expr, digits):
    reference = expr.subs(x, THIRD).evalf(digits + 20)
    number = evaluate(expr, {x: THIRD}, digits)
    assert abs(number.value.evalf(digits + 20) - reference) <= number.error


@pytest.mark.parametrize("argument", ["-30", "-1", "-0.999", "-0.2", "0", "0.5", "0.999", "1", "3", "200"])
@pytest.mark.parametrize("order", [2, 3, 5])
@pytest.mark.parametrize("digits", [15, 60])
def test_li_neg_exp_against_mpmath(order, argument, digits):
    value = evaluate(LiNegExp(order, Rational(argument)), {}, digits).value
    with mpmath.workdps(digits + 40):
        reference = -mpmath.polylog(order, -mpmath.exp(mpmath.mpf(argument))).real
        assert abs(mpmath.mpf(value._mpf_) / reference - 1) < mpmath.mpf(10) ** (1 - digits)


@pytest.mark.parametrize("exponent", [5, 40, 100])
def test_differences_that_cancel_keep_their_digits(exponent):
    tiny = Rational(1, 10**exponent)
    context = private_context()
    program = Program(context, [x], [exp(x) - 1, log(1 + x), 1 - erf(1 / x), 2 - erfc(-1 / x), 3 - 3 * exp(-x)])
    with precision(context, 20):
        small = context.mpf(tiny.p) / tiny.q
        growth, logarithm, tail, same, fall = program(small)
        assert abs(growth / small - 1) < 10 * small + 1e-19
        assert abs(logarithm / small - 1) < 10 * small + 1e-19
        assert tail == same == context.erfc(1 / small)
        assert abs(fall / (3 * small) - 1) < 10 * small + 1e-19


def test_global_functions_are_never_imported():
    program = Program(private_context(), [x], [exp(x) * log(x + THIRD) + sqrt(x) + hyper((1,), (2,), x)])
    for function in (program._function, program._constant_function):
        assert all(value is not mpmath.exp for value in function.__globals__.values())
        assert "import" not in inspect.getsource(function)


def test_exact_numbers_are_taken_at_the_precision_in_force():
    context = private_context()
    program = Program(context, [x], [x + THIRD])
    for digits in (20, 80, 40):
        with precision(context, digits):
            assert abs(3 * program(context.zero)[0] - 1) < context.mpf(10) ** (1 - digits)


def test_refusals():
    context = private_context()
    with pytest.raises(EvaluationError, match="not exact"):
        Program(context, [x], [x + Float("0.1")])
    with pytest.raises(EvaluationError, match="y has no value"):
        Program(context, [x], [x + y])


def test_names_that_clash_with_functions():
    clash = symbols("exp log lambda")
    assert str(evaluate(exp(clash[0]) + clash[1] + clash[2], dict.fromkeys(clash, 1), 10)) == "4.718281828"


def test_private_precision_is_restored_after_an_error():
    context = private_context()
    before = context.prec
    with pytest.raises(ZeroDivisionError), precision(context, 500):
        context.one / context.zero
    assert context.prec == before
