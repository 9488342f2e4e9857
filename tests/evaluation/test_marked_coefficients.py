"""Coefficients that are not multiplied out, against sympy's polynomials."""

from __future__ import annotations

import pytest
from sympy import Poly, exp, symbols

from leadterms.evaluation.marked_coefficients import terms_of

x, y, a, b = symbols("x y a b")


@pytest.mark.parametrize(
    "expression",
    [
        (exp(a) + b) * (x + exp(b) * y) ** 2 + exp(a) * x,
        ((exp(a) - 1) / b + x) * ((exp(b) - 1) / a + x * y),
        (a + b) * x**3 + 2,
        exp(a) ** 2,
    ],
)
def test_the_terms_are_those_of_poly(expression):
    found, expected = dict(terms_of(expression, (x, y))), dict(Poly(expression, x, y).terms())
    assert found.keys() == expected.keys()
    assert all((found[e] - expected[e]).expand() == 0 for e in expected)


def test_coefficients_keep_their_form():
    factor = (exp(a) + exp(b)) ** 5
    assert terms_of(factor * (x + 1), (x,)) == [((1,), factor), ((0,), factor)]
    assert terms_of(factor, ()) == [((), factor)]
