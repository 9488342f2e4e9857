"""m against n: against scipy's minimum, by the constraint, and the refusals."""

from __future__ import annotations

import pytest
from scipy.optimize import minimize_scalar
from sympy import Symbol, exp, sqrt, symbols

from leadterms import (
    EvaluationError,
    ExistenceError,
    LeadtermsError,
    Model,
    ModelError,
    expansion,
    is_zero,
    leading_terms,
)
from leadterms.inference.combination import linear_combination
from leadterms.inference.cost_design import optimal_sizes

POISSON = expansion(Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(p)"}))
POISSON_AT = {"beta0": "-1.5", "beta1": "0.3", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.25", "p": "1/2"}
LOGISTIC = expansion(Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Bernoulli(1/3)"}))
LOGISTIC_AT = {"beta0": "-0.5", "beta1": "0.8", "sigma2": "1.2"}
COSTS = [("10", "1"), ("3", "2.5"), ("200", "1/3")]
CASES = [(POISSON["x"], POISSON_AT), (POISSON["1"], POISSON_AT), (POISSON["Sigma22"], POISSON_AT),
         (linear_combination(POISSON, {"1": 1, "x": "1/2"}), POISSON_AT), (LOGISTIC["1"], LOGISTIC_AT)]  # fmt: skip


def parts(entry, at):
    return [float(entry.evaluate(at, order=order)) for order in ("1/m", "1/(m*n)")]


@pytest.mark.parametrize(("entry", "at"), CASES)
@pytest.mark.parametrize("cost", COSTS)
def test_the_least_variance_against_a_numeric_minimum(entry, at, cost):
    """n by scipy's bounded search on the variance with m eliminated by hand."""
    budget = 5000
    found = optimal_sizes(entry, cost=cost, budget=budget).evaluate(at)
    a, b = parts(entry, at)
    c1, c2 = (float(eval(price)) for price in cost)  # "1/3" is written so for the exact reader
    numeric = minimize_scalar(
        lambda n: (a + b / n) * (c1 + c2 * n) / budget, bounds=(1e-3, 1e5), method="bounded", options={"xatol": 1e-9}
    )
    assert float(found["variance"]) == pytest.approx(numeric.fun, rel=1e-9)
    assert float(found["n"]) == pytest.approx(numeric.x, rel=1e-3)
    m, n = float(found["m"]), float(found["n"])
    assert m * (c1 + c2 * n) == pytest.approx(budget, rel=1e-12)
    assert a / m + b / (m * n) == pytest.approx(float(found["variance"]), rel=1e-12)


@pytest.mark.parametrize(("entry", "at"), CASES)
def test_the_dual_problem_is_the_same_design(entry, at):
    """The least cost for the least variance of a budget is the budget, at the same sizes."""
    first = optimal_sizes(entry, budget="C")
    there = first.evaluate({**at, "c1": "20", "c2": "3/2", "C": "1000"}, 20)
    second = optimal_sizes(entry, variance="v").evaluate(
        {**at, "c1": "20", "c2": "3/2", "v": str(there["variance"])}, 15
    )
    assert float(second["cost"]) == pytest.approx(1000, rel=1e-12)
    for size in ("m", "n"):
        assert float(second[size]) == pytest.approx(float(there[size]), rel=1e-12)


def test_the_formulas():
    """Cochran (1977), (10.11): n = sqrt(c1 b/(c2 a)), the least variance {sqrt(a c1) + sqrt(b c2)}^2/C."""
    design = optimal_sizes(POISSON["x"])
    c1, c2, budget = symbols("c1 c2 C", positive=True)
    a, b = (POISSON["x"].of_order(order).coefficient for order in ("1/m", "1/(m*n)"))
    at = {Symbol("p", real=True): 0.4}
    values = dict.fromkeys((a * b).free_symbols, 0.3) | {c1: 7, c2: 2, budget: 100} | at
    assert float((design.n**2 - c1 * b / (c2 * a)).subs(values)) == pytest.approx(0, abs=1e-12)
    assert float((design.variance - (sqrt(a * c1) + sqrt(b * c2)) ** 2 / budget).subs(values)) == pytest.approx(0)
    assert design.status == "derived"
    assert "p < 1" in design.conditions
    assert design.conditions[-1] == "n >= 1 (else n = 1 is best)"


def test_a_gaussian_response_has_the_textbook_form():
    design = optimal_sizes(expansion(Model("y ~ 1 + (1 | g)"))["1"], cost=("c1", "c2"))
    sigma2, phi, c1, c2 = symbols("sigma2 phi c1 c2", positive=True)
    assert is_zero(design.n**2 - c1 * phi / (c2 * sigma2))
    assert not design.n.has(exp)
    assert "least variance" in repr(design)
    assert design._repr_html_().startswith("<table><tr><td>n</td>")


@pytest.mark.parametrize(("entry", "at"), CASES)
def test_whole_sizes_by_enumeration(entry, at):
    a, b = parts(entry, at)
    found = optimal_sizes(entry, cost=("10", "1"), budget="500").whole(at)
    best = min((a + b / n) / (500 // (10 + n)) for n in range(1, 491))
    assert found.variance == pytest.approx(best, rel=1e-12)
    assert found.cost == found.m * (10 + found.n) <= 500


@pytest.mark.parametrize(("entry", "at"), CASES)
def test_the_errors_of_the_values_hold(entry, at):
    """Ten digits against thirty, and certified where the entry is."""
    design = optimal_sizes(entry, cost=("7", "3"), budget="321")
    few, many = design.evaluate(at, 10), design.evaluate(at, 30)
    for name, number in few.items():
        assert abs(number.value - many[name].value) <= number.error
        assert number.certified


def test_one_observation_in_a_group_is_best_where_groups_are_cheap():
    design = optimal_sizes(POISSON["x"], cost=("0.001", "1"), budget="100")
    with pytest.raises(EvaluationError, match="below 1: one observation in a group is best"):
        design.evaluate(POISSON_AT)
    assert design.whole(POISSON_AT).n == 1


REFUSED = [
    (lambda: optimal_sizes(LOGISTIC["x"]), ModelError, "no trade-off; take n as large as is allowed"),
    (lambda: optimal_sizes(leading_terms(POISSON.model)["x"]), ModelError, r"expansion\(model, terms=2\)"),
    (lambda: optimal_sizes(leading_terms(Model("y ~ 1"))["1"]), ModelError, "has 1/n: use equal group sizes"),
    (lambda: optimal_sizes(POISSON["1", "x"]), ModelError, "not for a covariance"),
    (lambda: optimal_sizes(POISSON), ModelError, "a variance of an expansion is needed"),
    (lambda: optimal_sizes(POISSON["x"], budget=1, variance=1), ModelError, "not both"),
    (lambda: optimal_sizes(POISSON["x"], cost=("p", "c2")), ModelError, "the name 'p' of a cost is one of the model"),
    (lambda: optimal_sizes(POISSON["x"], cost=("n", "c2")), ModelError, "the name 'n' of a cost"),
    (lambda: optimal_sizes(POISSON["x"], cost=("0", "c2")), ModelError, "are positive: 0 given"),
    (lambda: optimal_sizes(POISSON["x"], cost=("c1",)), ModelError, "the cost is a pair"),
    (lambda: optimal_sizes(POISSON["x"], cost=("c 1", 1)), ModelError, "a name or an exact number"),
    (lambda: optimal_sizes(POISSON["x"]).evaluate(POISSON_AT), EvaluationError, "no value is given for C, c1, c2"),
    (lambda: optimal_sizes(POISSON["x"]).whole(POISSON_AT), EvaluationError, "no value is given for C, c1, c2"),
    (lambda: optimal_sizes(POISSON["x"], cost=(1, 1), budget=1).whole(POISSON_AT), EvaluationError, "does not pay"),
]


@pytest.mark.parametrize(("ask", "error", "message"), REFUSED)
def test_refusals_are_one_line(ask, error, message):
    with pytest.raises(error, match=message) as refusal:
        ask()
    assert "\n" not in str(refusal.value)


def test_a_second_term_that_does_not_exist_is_refused():
    never = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Bernoulli(1/2)"}))
    with pytest.raises(ExistenceError, match="does not exist"):
        optimal_sizes(never["1"])
    probit = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Bernoulli(1/2)"}))
    design = optimal_sizes(probit["1"], cost=(5, 1), budget=100)
    assert "sigma2 < 1" in design.conditions
    with pytest.raises(LeadtermsError, match="does not exist: infinite"):
        design.evaluate("beta0=0, beta1=1, sigma2=1.5")
