"""A variance is written without a leading minus sign, and stays the same variance."""

from __future__ import annotations

import pytest
from sympy import Integer, cosh, simplify, symbols

from leadterms import Model, leading_terms
from leadterms.asymptotics.signs import without_leading_minus

a, b, c = symbols("a b c")


@pytest.mark.parametrize(
    "expression",
    [-a / (b - c), -2 * a * (a - b) / (c + 1), -a * (b - c) ** 3, -(a - b) / (b - c) ** 2, -cosh(a) / (b - a)],
)
def test_the_sign_goes_into_a_sum(expression):
    turned = without_leading_minus(expression)
    assert not turned.as_coeff_Mul()[0].is_negative
    assert simplify(turned - expression) == 0


@pytest.mark.parametrize("expression", [a / (b - c), -a, Integer(-3), -a / (b - c) ** 2, a - b, -a * b])
def test_nothing_else_is_touched(expression):
    assert without_leading_minus(expression) == expression


@pytest.mark.parametrize(
    ("family", "link", "formula"),
    [("bernoulli", "logit", "y ~ x"), ("bernoulli", "logit", "y ~ x + (1 | g)"), ("gamma", "log", "y ~ x")],
)
def test_no_variance_starts_with_a_minus(family, link, formula):
    result = leading_terms(Model(formula, family=family, link=link, laws={"x": "Normal(0, 1)"}))
    for entry in result:
        if len(set(entry.parameters)) == 1:
            assert not entry.coefficient.as_coeff_Mul()[0].is_negative
            assert " = - " not in entry.latex()
