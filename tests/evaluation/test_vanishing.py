"""Covariances that vanish at a point are 0 with an error; what is only small, or only large, keeps its digits."""

from __future__ import annotations

import time

import mpmath
import pytest
from sympy import Rational, Symbol, exp, log, sinh

from leadterms import EvaluationError, Model, leading_terms
from leadterms.evaluation.number import evaluate
from leadterms.evaluation.precision import private_context
from leadterms.evaluation.settle import vanishes

B = Symbol("b", real=True)
LAWS = {"x": "Uniform(-1, 1)"}
LOGISTIC = leading_terms(Model("y ~ x", family="bernoulli", laws=LAWS))
POISSON = leading_terms(Model("y ~ x", family="poisson", laws=LAWS))


def poisson_covariance(b0: str, b1: str) -> mpmath.mpf:
    """-h1/(h0 h2 - h1^2) with h_k = e^b0 (d/db)^k sinh(b)/b, by the power series of the moments."""
    with mpmath.workdps(250):
        b = mpmath.mpf(b1)
        h = [mpmath.nsum(lambda j, k=k: b**j * (1 - (-1) ** int(j + k + 1)) / 2 / (j + k + 1) / mpmath.factorial(j),
                         [0, 160], method="d") for k in range(3)]  # fmt: skip
        return -h[1] / (h[0] * h[2] - h[1] ** 2) / mpmath.exp(mpmath.mpf(b0))


# ---- zero by symmetry ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slope", ["1", "-7/3", "0"])
def test_the_logistic_covariance_is_zero_where_the_design_is_symmetric(slope):
    # at beta0 = 0 the weight is even in x, so that E[x w] = 0
    number = LOGISTIC["1", "x"].evaluate({"beta0": 0, "beta1": slope})
    assert (str(number), float(number)) == ("0", 0.0)
    # at slope 0 the closed form is 0 exactly; else it is a sum that cancels
    assert (number.error == 0) is (slope == "0")
    assert number.error < 1e-15
    assert number.certified
    estimate = LOGISTIC["1", "x"].evaluate({"beta0": 0, "beta1": slope}, method="mpmath")
    assert (str(estimate), estimate.certified) == ("0", False)


@pytest.mark.parametrize("intercept", ["1e-20", "-1e-20"])
def test_beside_the_symmetric_point_the_covariance_has_its_sign(intercept):
    # E[x w(b0 + x)] = b0 E[x w'(x)] + ..., and w' is negative where x is positive: positive covariance
    number = LOGISTIC["1", "x"].evaluate({"beta0": intercept, "beta1": 1})
    assert (float(number) > 0) is (not intercept.startswith("-"))
    assert 1e-21 < abs(float(number)) < 1e-18


def test_variances_are_not_asked_whether_they_vanish():
    assert not LOGISTIC["x"].term.may_vanish
    assert LOGISTIC["1", "x"].term.may_vanish


# ---- small is not zero -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("b0", "b1"), [("200", "1"), ("0", "1e-80"), ("3", "-1e-30"), ("-200", "1/2")])
def test_small_poisson_covariances_keep_their_digits(b0, b1):
    number = POISSON["1", "x"].evaluate({"beta0": b0, "beta1": b1})
    with mpmath.workdps(60):
        exact = poisson_covariance(b0, "0.5" if b1 == "1/2" else b1)
        found = mpmath.mpf(str(number))
        assert abs(found / exact - 1) < mpmath.mpf("1e-14")
        assert abs(found - exact) <= mpmath.mpf(str(number.error)) * (1 + mpmath.mpf("1e-3"))


def test_two_small_covariances_as_text():
    assert str(POISSON["1", "x"].evaluate("beta0=0, beta1=1e-80")) == "-1.00000000000000e-80"
    assert str(POISSON["1", "x"].evaluate("beta0=200, beta1=1", 3)).endswith("e-87")


# ---- the rule itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "zero"),
    [
        (exp(Rational(1, 2)) ** 2 - exp(1) + log(6) - log(2) - log(3), True),
        (sinh(1) - (exp(1) - exp(-1)) / 2, True),
        (exp(200) * (log(6) - log(2) - log(3)), True),
        (exp(-1000), False),
        (sinh(Rational(1, 10**30)) - Rational(1, 10**30), False),
        (exp(Rational(1, 2)) - 1, False),
    ],
)
def test_what_shrinks_with_the_digits_is_zero(expr, zero):
    assert (vanishes(private_context(), expr, 15) is not None) is zero


def test_a_zero_is_given_only_where_it_may_be_one():
    zero, point = sinh(B) - (exp(1) - exp(-1)) / 2, {B: Rational(1)}
    assert str(evaluate(zero, point, may_vanish=True)) == "0"
    with pytest.raises(EvaluationError, match="zero at every precision tried"):
        evaluate(zero, point)


def test_may_vanish_leaves_other_values_alone():
    value = sinh(B) ** 2 - B**2
    for b in (Rational(1, 10**30), Rational(3)):
        assert str(evaluate(value, {B: b}, 30, may_vanish=True)) == str(evaluate(value, {B: b}, 30))


# ---- limits and extremes ---------------------------------------------------------------------------------------


def test_the_logistic_slope_without_an_effect():
    number = LOGISTIC["x"].evaluate({"beta0": "-1.46", "beta1": 0}, 30)
    with mpmath.workdps(50):
        e = mpmath.exp(mpmath.mpf("-1.46"))
        exact = 3 * (1 + e) ** 2 / e  # Var X = 1/3, w = e^b/(1 + e^b)^2
        assert abs(mpmath.mpf(str(number)) - exact) <= mpmath.mpf(str(number.error))
    assert str(number) == "19.6145874092248947754190908799"
    assert str(LOGISTIC["1", "x"].evaluate({"beta0": "-1.46", "beta1": 0})) == "0"


def test_a_huge_intercept_is_quick():
    start = time.perf_counter()
    number = LOGISTIC["x"].evaluate({"beta0": "1e5", "beta1": 1}, 20)
    assert time.perf_counter() - start < 10
    with mpmath.workdps(60):
        # far out w(e) = e^(-e), up to a factor 1 + O(e^(-99999))
        limit = mpmath.exp(100_000) * mpmath.sinh(1) / (mpmath.sinh(1) ** 2 - 1)
        assert abs(mpmath.mpf(str(number)) / limit - 1) < mpmath.mpf("1e-19")


@pytest.mark.parametrize("result", [LOGISTIC, POISSON])
def test_what_no_precision_holds_is_refused_in_one_line(result):
    with pytest.raises(EvaluationError, match="is out of range: choose a milder point") as caught:
        result["x"].evaluate({"beta0": "1e400", "beta1": 1})
    assert "\n" not in str(caught.value)
