"""Parts of an expression, each looked at once."""

from sympy import Function, Symbol, cos, exp, log, sin

from leadterms.algebra.parts import parts_of
from leadterms.expectation.held import Expectation
from leadterms.model.laws import NormalLaw

X, Y = Symbol("x", real=True), Symbol("y", positive=True)


def test_as_sympy_finds_them():
    held = Expectation(exp(X * Y) + log(Y), (X, NormalLaw(0, 1)))
    for expression in (X, sin(X) + exp(cos(X) * log(Y)), held**2 + sin(held) / Y):
        for kind in (Symbol, Function, exp, Expectation):
            assert parts_of(expression, kind) == expression.atoms(kind)


def test_what_is_the_same_is_looked_at_once():
    """As a tree the expression has 2^80 parts."""
    expression = X
    function = Function("f")
    for _ in range(80):
        expression = function(expression, -expression)
    assert len(parts_of(expression, function)) == 80
