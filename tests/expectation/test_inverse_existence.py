"""Existence of averages of an inverse information: by growth, entry by entry, and undecided where nothing is proven."""

from __future__ import annotations

import pytest
from sympy import Lt, Symbol

from leadterms import Model, UndecidedError, expansion
from leadterms.expectation.inverse_existence import EXISTS, Existence, undecided

A, B = Symbol("a", positive=True), Symbol("b", positive=True)
SECOND = "1/(m*n)"


def second(law, formula="y ~ x + (1 | g)", link="probit", name="1", **laws):
    result = expansion(Model(formula, family="bernoulli", link=link, laws={"x": law, **laws}))
    return result[name].of_order(SECOND)


def test_a_condition_that_fails_is_infinite_only_where_it_is_necessary():
    exact, sufficient = Existence(True, (Lt(A, 1),)), Existence(True, (Lt(A, 1),), exact=False)
    assert exact.at({A: 2}).verdict is False
    assert exact.at({A: 1}).verdict == "undecided"
    assert sufficient.at({A: 2}).verdict == "undecided"
    assert exact.at({B: 2}).conditions == (Lt(A, 1),)
    assert (exact & Existence(True, (Lt(B, 1),))).at({A: 0, B: 2}).verdict is False
    # infinite as soon as one of the two is: the same condition, necessary for the first
    assert (exact & sufficient).exact is True
    assert (exact & Existence(True, (Lt(B, 1),), exact=False)).exact is False
    assert (EXISTS & undecided("why")).verdict == "undecided"
    assert (undecided("why") & Existence(False, reason="infinite")).verdict is False
    assert exact.not_necessary().at({A: 2}).verdict == "undecided"


@pytest.mark.parametrize("law", ["Poisson(1)", "Geometric(1/2)"])
def test_an_atom_has_no_neighbourhood(law):
    # along u1 = -0.95 u0 the inverse outgrows the density for Sigma = [[2, -1.9], [-1.9, 2]], Var(U0 + U1) = 0.2
    term = second(law, "y ~ x + (1 + x | g)")
    assert term.exists == "undecided"


def test_what_is_infinite_for_one_entry_may_be_finite_for_another():
    # the intercept's own part is an average of 1/E[w(beta0 + beta2 z + u0)], in u0 alone
    laws = {"x": "Bernoulli(1/2)", "z": "Uniform(0, 1)"}
    model = Model("y ~ x + z + (1 + x | g)", family="bernoulli", link="probit", laws=laws)
    term = expansion(model, group_sizes="unequal")["1"].of_order("1/(m*n_h)")
    at = dict(zip(model.variance_parameters, (0.5, 0, 0.7), strict=True))
    assert term.at(at).exists == "undecided"


@pytest.mark.parametrize(
    ("law", "condition"),
    [
        ("Uniform(-1, 1)", "sigma2 < 1"),
        ("Finite({-1: 1/3, 0: 1/3, 5: 1/3})", "sigma2 < 1"),
        ("Normal(0, 3)", "sigma2 < 9*beta1**2 + 1"),
    ],
)
def test_a_random_intercept_under_probit(law, condition):
    assert second(law).condition == condition


def test_two_normal_predictors_widen_together():
    laws = {"x,z": "MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])"}
    model = Model("y ~ x + z + (1 | g)", family="bernoulli", link="probit", laws=laws)
    term = expansion(model)["sigma2"].of_order(SECOND)
    assert term.condition == "sigma2 < beta1**2 + beta1*beta2 + beta2**2 + 1"


@pytest.mark.parametrize(
    ("law", "exists", "condition"),
    [
        ("Uniform(0, 1)", False, "infinite: 1/w grows like exp(exp(eta)) and no unbounded predictor outweighs it"),
        ("Normal(1, 2)", True, "sigma2 < 4*beta1**2"),
    ],
)
def test_a_random_intercept_under_cloglog(law, exists, condition):
    term = second(law, link="cloglog")
    assert (term.exists, term.condition) == (exists, condition)


def test_a_heavier_tail_is_not_said_to_be_infinite():
    term = second("Laplace(0, 1)")
    assert term.condition == "sigma2 < 1"
    assert term.at(dict.fromkeys((Symbol("sigma2", positive=True),), 2)).exists == "undecided"
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Laplace(0, 1)"}))
    with pytest.raises(UndecidedError, match="not known to be necessary"):
        result["1"].evaluate("beta0=0, beta1=1, sigma2=2", order=SECOND)
