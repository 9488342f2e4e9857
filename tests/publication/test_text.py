"""Plain text: short lines, long integrals taken apart, nothing lost."""

from __future__ import annotations

import re

import pytest
from sympy import Symbol, sympify

from leadterms import Expectation, Model, leading_terms
from leadterms.evaluation.wanted import Wanted
from leadterms.publication.text import Outline, derivation_text

UNIFORM = "Uniform(-1, 1)"


def text(formula, family, laws, link=None, names=(), values=None, digits=15):
    result = leading_terms(Model(formula, family=family, link=link, laws=laws))
    return derivation_text(result, [result[name] for name in names] or result.entries, values, Wanted(digits))


def definitions(shown):
    return dict(line.strip().split(" = ", 1) for line in shown.split("\nwhere\n")[1].splitlines())


def test_the_slide_reads_as_on_the_slide():
    shown = text("y ~ x + (1 | group)", "poisson", {"x": UNIFORM})
    assert shown.splitlines() == [
        "model       y ~ x + (1 | group)  [poisson, log link; x ~ Uniform(-1, 1)]",
        "regime      m, n -> oo with n/m -> 0",
        "",
        "Asy.Var(beta0), order 1/m   [1]   (closed form, theorem)",
        "  coefficient  sigma2",
        "",
        "Asy.Var(beta1), order 1/(m*n)   [x]   (closed form, theorem)",
        "  coefficient  beta1**3*sinh(beta1)/(exp(beta0 + sigma2/2)*(sinh(beta1)**2 - beta1**2))",
        "",
        "Asy.Var(sigma2), order 1/m   (closed form, theorem)",
        "  coefficient  2*sigma2**2",
    ]


def test_values_stand_below_their_coefficients_with_their_error():
    shown = text("y ~ x", "poisson", {"x": UNIFORM}, names=["x"], values="beta0=0.34, beta1=0.82", digits=11)
    value = shown.splitlines()[-1]
    # published 2.17786656811262749...: the value printed here is 1.3e-11 below it
    assert value == "  value        2.1778665681   (certified error 1.3e-11)"


def test_conditions_are_shown():
    assert "condition   beta1 < 2" in text("y ~ x", "poisson", {"x": "Exponential(2)"}).splitlines()


def test_a_structural_zero_is_said_to_be_one():
    shown = text("y ~ x + (1 | g)", "poisson", {"x": UNIFORM}, names=[("x", "sigma2")])
    assert "Asy.Cov(beta1, sigma2) = o(1/(m*sqrt(n)))   [x, sigma2]" in shown


def test_a_held_integral_is_taken_apart():
    shown = text("y ~ x1 + x2 + (1 + x1 | g)", "bernoulli", {"x1": UNIFORM, "x2": UNIFORM}, names=["x2"])
    assert "  coefficient  1/E1" in shown.splitlines()
    found = definitions(shown)
    assert found["E1"].endswith(" over (u0, u1) ~ MultivariateNormal([0, 0], [[Sigma11, Sigma12], [Sigma12, Sigma22]])")
    averages = {value for name, value in found.items() if name.startswith("E") and name != "E1"}
    assert averages == {f"E[{factor}w(eta)] over x1, x2" for factor in ("", "x1*", "x2*", "x1**2*", "x1*x2*", "x2**2*")}
    assert found["eta"] == "beta0 + beta1*x1 + beta2*x2 + u0 + u1*x1"
    assert found["w(eta)"] == "exp(eta)/(exp(eta) + 1)**2"
    assert max(map(len, shown.splitlines())) < 200


def test_the_entries_of_one_matrix_share_their_names():
    shown = text("y ~ x", "bernoulli", {"x": "Normal(0, 1)"})
    assert re.findall("coefficient  (.*)", shown)[:2] == ["E3/(E1*E3 - E2**2)", "E1/(E1*E3 - E2**2)"]
    found = definitions(shown)
    assert [found[f"E{k + 1}"] for k in range(3)] == [
        f"E[{factor}w(eta)] over x" for factor in ("", "x*", "x**2*")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "link"),
    [("bernoulli", "probit"), ("bernoulli", "cloglog"), ("binomial(4)", "logit"), ("negative-binomial(3)", "log")],
)
def test_every_weight_is_recognised(family, link):
    shown = text("y ~ x", family, {"x": "Normal(0, 1)"}, link=link)
    found = definitions(shown)
    assert found["E1"] == "E[w(eta)] over x"
    assert found["eta"] == "beta0 + beta1*x"


def test_a_second_linear_predictor_has_a_name_of_its_own():
    shown = text("y ~ z + x + (1 | g)", "bernoulli", {"z": "Bernoulli(1/3)", "x": UNIFORM}, names=["x"])
    assert {"eta", "eta'"} <= set(definitions(shown))


def test_the_own_function_is_explained_where_it_occurs():
    assert definitions(text("y ~ x", "bernoulli", {"x": UNIFORM}))["LiNegExp(s, x)"].startswith("-Li_s(-exp(x))")
    assert "where" not in text("y ~ x", "poisson", {"x": UNIFORM})


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + (1 | g)"])
def test_nothing_is_lost_when_names_are_put_back(formula):
    """The text of the coefficient with the names replaced by their expectations is the coefficient."""
    result = leading_terms(Model(formula, family="bernoulli", laws={"x": "Normal(0, 1)"}))
    coefficient = result["x"].coefficient
    outline = Outline(result.model)
    shown = outline.of(coefficient)
    names = {name.name: name for name in outline._names.values()}
    back = {name: node for node, name in outline._names.items()}
    read = sympify(shown, locals=names | {s.name: s for s in coefficient.free_symbols})
    assert read.xreplace(back) - coefficient == 0 or (read.xreplace(back) / coefficient).cancel() == 1
    assert Symbol("E1", real=True) in back
    assert all(isinstance(node, Expectation) for node in back.values())
