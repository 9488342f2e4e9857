"""Factors of polynomials, also where FLINT gives up: a product that is equal, and forms of equal value."""

from math import prod

import pytest
from sympy import exp, symbols

from leadterms.algebra import factors
from leadterms.algebra.canonical import canonical
from leadterms.algebra.rational_field import lift

x, y = symbols("x y", positive=True)


class Overflowing:
    """A polynomial that FLINT does not factor, or not at all."""

    def __init__(self, polynomial, squarefree):
        self.polynomial, self.squarefree = polynomial, squarefree

    def factor(self):
        raise OverflowError("value too large")

    def factor_squarefree(self):
        if self.squarefree:
            return self.polynomial.factor_squarefree()
        raise OverflowError("value too large")

    def primitive(self):
        return self.polynomial.primitive()


@pytest.mark.parametrize("squarefree", [True, False])
@pytest.mark.parametrize("expr", [6 * (x - y) ** 2 * (x + 2 * y), 4 - 4 * x * y, -2 * x + 0 * y])
def test_without_irreducible_factors_the_product_is_the_same(expr, squarefree):
    _, (value,) = lift([expr])
    content, found = factors._factor(Overflowing(value.numerator, squarefree))
    assert prod((f**k for f, k in found), start=content * value.numerator**0) == value.numerator


@pytest.mark.parametrize("squarefree", [True, False])
def test_a_form_without_irreducible_factors_has_the_same_value(monkeypatch, squarefree):
    true_factor = factors._factor
    monkeypatch.setattr(factors, "_factor", lambda p: true_factor(Overflowing(p, squarefree)))
    a, b = symbols(f"a{squarefree} b{squarefree}", positive=True)
    expr = (a**2 - b**2) / (a - 3 * b) ** 2 + exp(a) * b / (a + 5) + (a * exp(2 * b) - a) / (exp(b) + 1)
    found = canonical(expr)
    point = {a: 2, b: 7}
    assert abs((found - expr).subs(point).evalf(30)) < 1e-20
