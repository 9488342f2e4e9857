"""The allocation of two arms: against scipy, by the square-root rule, and brackets by dense values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sympy import Symbol, exp

from leadterms import EvaluationError, Model, ModelError, expansion, is_zero, leading_terms
from leadterms.inference.allocation import optimal_allocation

LAW = {"x": "Bernoulli(p)"}
POISSON = leading_terms(Model("y ~ x", family="poisson", laws=LAW))
LOGISTIC = leading_terms(Model("y ~ x", family="bernoulli", laws=LAW))
MIXED = leading_terms(Model("y ~ x + (1 | g)", family="bernoulli", laws=LAW))
SLOPES = expansion(Model("y ~ x + (1 + x | g)", family="poisson", laws=LAW))
ARMS = expansion(Model("y ~ x + (1 | g)", family="poisson", laws=LAW, levels={"x": "g"}))
AT = {"beta0": "-0.4", "beta1": "0.9"}
MIXED_AT = {**AT, "sigma2": "1.5"}
SLOPES_AT = {**AT, "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.3"}
CLOSED = [
    (POISSON["x"], AT, {}),
    (POISSON["x"], AT, {"cost": ("2", "7")}),
    (LOGISTIC["x"], AT, {}),
    (LOGISTIC["x"], AT, {"cost": ("5", "1")}),
    (SLOPES["x"], SLOPES_AT, {"order": "1/(m*n)"}),
    (SLOPES["x"], SLOPES_AT, {"n": 12}),
    (ARMS["x"], MIXED_AT, {"n": 12}),
    (ARMS["x"], MIXED_AT, {"order": "1/m"}),
    (ARMS["x"], MIXED_AT, {"n": 12, "cost": ("3", "1")}),
]


def numeric(allocation, at):
    return minimize_scalar(
        lambda p: float(allocation.value(at, repr(round(float(p), 12)))), bounds=(0.01, 0.99), method="bounded"
    )


@pytest.mark.parametrize(("entry", "at", "options"), CLOSED)
def test_closed_optima_against_a_numeric_minimum(entry, at, options):
    allocation = optimal_allocation(entry, **options)
    assert allocation.optimum is not None
    found = allocation.evaluate(at)
    assert found.certified
    other = numeric(allocation, at)
    assert float(found) == pytest.approx(other.x, abs=2e-5)
    assert float(allocation.value(at, str(found))) == pytest.approx(other.fun, rel=1e-9)
    values = {symbol: at[symbol.name] for symbol in allocation.least.free_symbols if symbol.name in at}
    assert float(allocation.least.subs(values)) == pytest.approx(other.fun, rel=1e-9)


def test_poisson_arms_by_the_roots_of_the_weights():
    """Weights e^beta0 and e^(beta0 + beta1): p : q = w1^(-1/2) : w0^(-1/2)."""
    allocation = optimal_allocation(POISSON["x"])
    slope = Symbol("beta1", real=True)
    assert is_zero(allocation.optimum - exp(-slope / 2) / (1 + exp(-slope / 2)))
    assert "p = 1/(exp(beta1/2) + 1)" in repr(allocation)
    assert allocation._repr_latex_().startswith(r"$\displaystyle p = ")


def test_equal_costs_change_nothing_and_are_no_singular_point():
    plain = optimal_allocation(LOGISTIC["x"]).evaluate(AT)
    priced = optimal_allocation(LOGISTIC["x"], cost=("c0", "c1")).evaluate({**AT, "c0": "3", "c1": "3"})
    assert float(plain) == pytest.approx(float(priced), rel=1e-12)
    gaussian = leading_terms(Model("y ~ x", laws=LAW))["x"]
    assert optimal_allocation(gaussian).optimum == Symbol("p").func("p") ** 0 / 2
    assert float(optimal_allocation(gaussian, cost=("c0", "c1")).evaluate({"c0": 2, "c1": 2, "phi": 1})) == 0.5


def mixed_variance(p, at, prices=(1, 1)):
    """1/G times the cost, G = E[p q w0 w1/(q w0 + p w1)] by Gauss and Hermite: the engine is not asked."""
    line, mass = np.polynomial.hermite.hermgauss(80)
    u = np.sqrt(2 * float(at["sigma2"])) * line
    w0, w1 = (1 / (2 + 2 * np.cosh(u + float(at["beta0"]) + arm * float(at["beta1"]))) for arm in (0, 1))
    information = (mass @ (p * (1 - p) * w0 * w1 / ((1 - p) * w0 + p * w1))) / mass.sum()
    return (prices[0] * (1 - p) + prices[1] * p) / information


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slope", "prices"), [("0.9", (1, 1)), pytest.param("3", (1, 1), marks=pytest.mark.slow), ("0.9", (1, 4))]
)
def test_brackets_hold_the_minimum_by_quadrature(slope, prices):
    at = {**MIXED_AT, "beta1": slope}
    allocation = optimal_allocation(MIXED["x"], cost=prices)
    assert allocation.optimum is None
    assert "no closed optimum" in repr(allocation)
    found = allocation.evaluate(at, 7)
    assert found.certified
    assert "bracketed" in found.road
    assert float(found.error) <= 4e-7
    best = minimize_scalar(mixed_variance, args=(at, prices), bounds=(0, 1), method="bounded", options={"xatol": 1e-10})
    # a minimum of doubles is flat to the square root of their precision
    assert float(found) == pytest.approx(best.x, abs=1e-7)


def test_a_bracket_where_a_cost_leaves_a_rational_objective_without_closed_form():
    allocation = optimal_allocation(SLOPES["x"], n=12, cost=("1", "4"))
    assert allocation.optimum is None
    found = allocation.evaluate(SLOPES_AT, 12)
    assert float(found.error) <= 1e-11
    assert float(found) == pytest.approx(numeric(allocation, SLOPES_AT).x, abs=2e-5)


def test_efficiencies_have_their_top_at_the_optimum():
    allocation = optimal_allocation(SLOPES["x"], n=12, cost=("1", "4"))
    best = allocation.evaluate(SLOPES_AT, 6)
    shares = ["0.1", "0.3", str(best), "0.7", "0.9"]
    found = allocation.efficiencies(SLOPES_AT, shares)
    np.testing.assert_allclose(found, allocation.efficiencies(SLOPES_AT, shares, optimum=best), rtol=1e-9)
    assert np.argmax(found) == 2
    assert found[2] == pytest.approx(1, abs=1e-9)
    expected = [float(allocation.value(SLOPES_AT, str(best))) / float(allocation.value(SLOPES_AT, p)) for p in shares]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.slow
def test_efficiencies_of_a_held_objective_by_quadrature():
    allocation = optimal_allocation(MIXED["x"])
    shares = [0.1, 0.35, 0.8]
    found = allocation.efficiencies(MIXED_AT, shares)
    least = minimize_scalar(mixed_variance, args=(MIXED_AT,), bounds=(0, 1), method="bounded").fun
    np.testing.assert_allclose(found, [least / mixed_variance(p, MIXED_AT) for p in shares], rtol=1e-8)


REFUSED = [
    (lambda: optimal_allocation(POISSON["x"]).efficiencies(AT, [1.2]), EvaluationError, "between 0 and 1, not 1.2"),
    (lambda: optimal_allocation(POISSON["x"], "q"), ModelError, "does not depend on 'q'"),
    (lambda: optimal_allocation(SLOPES["1"], order="1/m"), ModelError, "does not depend on 'p'"),
    (lambda: optimal_allocation(POISSON["1", "x"]), ModelError, "not for a covariance"),
    (lambda: optimal_allocation(POISSON), ModelError, "a variance of an expansion is needed"),
    (lambda: optimal_allocation(SLOPES["x"], n=-1), ModelError, "n is a positive number"),
    (lambda: optimal_allocation(POISSON["x"], cost=("p", 1)), ModelError, "the name 'p' of a cost"),
    (lambda: optimal_allocation(POISSON["x"], cost=(1,)), ModelError, "cost is a pair"),
    (lambda: optimal_allocation(POISSON["x"], cost=7), ModelError, "cost is a pair"),
    (lambda: optimal_allocation(POISSON["x"]).evaluate({**AT, "p": "1/2"}), EvaluationError, "give no value for it"),
    (lambda: optimal_allocation(POISSON["x"]).evaluate({}), EvaluationError, "no value is given for beta1"),
    (lambda: optimal_allocation(MIXED["x"]).evaluate(AT), EvaluationError, "no value is given for sigma2"),
    (lambda: optimal_allocation(POISSON["x"]).evaluate(AT, 31), EvaluationError, "1 to 30, not 31"),
    (lambda: optimal_allocation(POISSON["x"]).value(AT, 1), EvaluationError, "between 0 and 1, not 1"),
    (lambda: optimal_allocation(POISSON["1"]).evaluate(AT), EvaluationError, "it is at an end"),
]


@pytest.mark.parametrize(("ask", "error", "message"), REFUSED)
def test_refusals_are_one_line(ask, error, message):
    with pytest.raises(error, match=message) as refusal:
        ask()
    assert "\n" not in str(refusal.value)
