"""A user's parameter may have any name: none of them is a name that an evaluation uses inside."""

from __future__ import annotations

import pytest
from sympy import Rational, Symbol, exp

from leadterms import Expectation, Model, evaluate, leading_terms
from leadterms.model.laws import NormalLaw

NAMES = ["A", "A0", "M0", "m0", "m1", "r0", "e0", "z", "z0", "h00", "x0", "x1", "E0", "v0", "c0", "scale", "u0", "t0"]
X, U = Symbol("x", real=True), Symbol("u", real=True)
THIRD = Rational(1, 3)


def weight(eta):
    return exp(eta) / (1 + exp(eta)) ** 2


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_of_that_name_changes_nothing(name):
    values = []
    for symbol in (Symbol(name, real=True), Symbol("kappa", real=True)):
        plain = symbol * Expectation(weight(X + 2 * symbol), (X, NormalLaw(0, 1)))
        nested = Expectation(
            symbol / Expectation(weight(X / 2 + U + symbol), (X, NormalLaw(0, 1))), (U, NormalLaw(0, symbol))
        )
        values.append([evaluate(plain, {symbol: THIRD}, 20), evaluate(nested, {symbol: THIRD}, 12)])
    assert values[0] == values[1]
    assert all(value.certified for value in values[0])


@pytest.mark.parametrize("name", ["z0", "m0", "x0", "E0"])
def test_a_parameter_of_a_law(name):
    found = leading_terms(Model("y ~ x", family="bernoulli", laws={"x": f"Normal({name}, 1)"}))["x"]
    plain = leading_terms(Model("y ~ x", family="bernoulli", laws={"x": "Normal(1/3, 1)"}))["x"]
    exact = plain.evaluate("beta0=1, beta1=1/2", 15)
    assert found.evaluate(f"beta0=1, beta1=1/2, {name}=1/3", 15) == exact
    assert found.array_function()(**{"beta0": 1, "beta1": 0.5, name: 1 / 3}) == pytest.approx(float(exact), rel=1e-12)
