"""Digits that cancel in an integrand: values by mpmath against sums of logarithms in double precision."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.special import logsumexp
from sympy import Rational, Symbol, erfc, exp, expand, log

import leadterms as lt
from leadterms.errors import EvaluationError
from leadterms.evaluation.cancellation import Cancellation
from leadterms.evaluation.number import evaluate
from leadterms.evaluation.precision import precision, private_context
from leadterms.expectation.held import Expectation
from leadterms.model.laws import NormalLaw
from tests.evaluation.certified.complex_weights import log_probit

U = Symbol("u", real=True)
F = erfc(U - 12)
FACTORS = F * (2 - F) * (1 + F) * (3 + F)


@cache
def slope() -> lt.Entry:
    model = lt.Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Bernoulli(1/2)"})
    return lt.leading_terms(model)["x"]


def log_slope_variance(beta0: float, beta1: float, sigma2: float) -> float:
    """Return -log E[w0 w1/(w0 + w1)]/2 for w = phi^2/(Phi (1 - Phi)), by a sum over z from -30 to 30."""
    z = np.linspace(-30, 30, 60001)
    w0, w1 = (log_probit(eta) for eta in (beta0 + np.sqrt(sigma2) * z, beta0 + beta1 + np.sqrt(sigma2) * z))
    weights = -(z**2) / 2 - np.log(2 * np.pi) / 2 + np.log(z[1] - z[0])
    return float(np.log(2) - logsumexp(w0 + w1 - np.logaddexp(w0, w1) + weights))


@pytest.mark.parametrize(
    ("beta0", "beta1", "sigma2"),
    # a point where passes agreed on a value 10^35 too small, and a usual one
    [("-15.77", "27.49", "3.413"), ("0.3", "-0.7", "0.8")],
)
def test_the_weights_of_two_arms_far_apart(beta0, beta1, sigma2):
    number = slope().evaluate({"beta0": beta0, "beta1": beta1, "sigma2": sigma2}, 4, method="mpmath")
    expected = log_slope_variance(float(beta0), float(beta1), float(sigma2))
    assert float(log(number.value)) == pytest.approx(expected, abs=2 * float(number.error / number.value) + 1e-9)


def test_a_function_of_arrays_has_no_value_there():
    assert np.isnan(slope().array_function()(-15.77, 27.49, 3.413))


def test_digits_that_cancel_are_added():
    """No rewriting takes 2 - erfc out of this product written out; as it stands nothing cancels."""
    written_out, factored = (
        evaluate(Expectation(exp(-((U - 12) ** 2)) / own, (U, NormalLaw(0, 1))), {}, 8, method="mpmath")
        for own in (expand(FACTORS), FACTORS)
    )
    assert str(written_out) == str(factored)


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (
            exp(-((U - 60) ** 2)) / expand(FACTORS.xreplace({U: U - 48})),
            r"^about \d+ digits cancel in the integrand here: choose a milder point$",
        ),
        (1 / erfc(U - 146000), r"^an exponential of about e\^2\.13e\+10 is out of range: choose a milder point$"),
        (
            exp(4000 * U),
            r"^an integral over Normal\(0, 1\) does not end 3000 standard deviations from the mean: does the",
        ),
    ],
)
def test_what_is_out_of_reach_is_refused(expr, message):
    with pytest.raises(EvaluationError, match=message):
        evaluate(Expectation(expr, (U, NormalLaw(0, 1))), {}, 6, method="mpmath")


def test_a_sum_that_is_zero_by_chance_asks_for_what_could_hide_in_it():
    context = private_context()
    loss = Cancellation(context, [U], [exp(U) - exp(-U), U - Rational(1, 3)])
    with precision(context, 20):
        # 2|u| in natural logarithms, and ten digits
        assert loss(context.mpf(0)) == pytest.approx(10)
        assert loss(context.mpf(1)) == pytest.approx(np.log10(np.cosh(1) / np.sinh(1)))
    assert not Cancellation(context, [U], [U - Rational(1, 3)])
