"""A recognised moment must be the integrand again: coefficient * monomials * weight at eta."""

from __future__ import annotations

import random

import mpmath
import pytest
from sympy import Add, ImmutableMatrix, Integer, Mul, Rational, Symbol, Tuple, exp, lambdify, log, sqrt

from leadterms import Model
from leadterms.evaluation.binding import independent
from leadterms.evaluation.internal import MARK
from leadterms.evaluation.weighted_moment import weighted_moment
from leadterms.expectation.held import Expectation
from leadterms.model.laws import GammaLaw, JointNormalLaw, NormalLaw, UniformLaw
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
)

X, Z, U = (Symbol(name, real=True) for name in "xzu")
A, B = Symbol("a", real=True), Symbol("b", real=True)
UNIT = UniformLaw(0, 1)
WEIGHTS = [
    LogisticWeight(Integer(1)),
    LogisticWeight(Integer(5)),
    SaturatingWeight(Integer(1), Rational(1, 3)),
    SaturatingWeight(Integer(1), Integer(1)),
    ExponentialWeight(Integer(1), Integer(1)),
    ExponentialWeight(Integer(2), Rational(-1, 2)),
    PowerWeight(Integer(1), Integer(-2)),
    PowerWeight(Rational(1, 4), Rational(-3, 2)),
    ProbitWeight(Integer(1)),
    CloglogWeight(Integer(1)),
    ConstantWeight(Integer(3)),
]
PREDICTORS = [A + B * X + U, A + X * (B + U), A + B * X + 2 * Z + U * X, A + X**2 / 3 + X * Z * B]


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda w: f"{type(w).__name__}{w.scale},{w.parameter}")
@pytest.mark.parametrize("eta", PREDICTORS, ids=str)
@pytest.mark.parametrize("monomial", [Integer(1), X, X**2 * Z])
def test_the_parts_make_the_integrand(weight, eta, monomial):
    node = Expectation(monomial * weight.at(eta), (X, UNIT), (Z, UNIT))
    found = weighted_moment(node)
    assert found is not None
    integrand, laws, variables = independent(node, f"{MARK}x")
    assert (found.laws, found.variables) == (laws, tuple(variables))
    polynomial = Add(*(
        c * Mul(*(v**e for v, e in zip(found.variables, powers, strict=True))) for powers, c in found.polynomial
    ))  # fmt: skip
    again = polynomial * found.weight.at(found.eta)
    symbols = sorted(integrand.free_symbols | again.free_symbols, key=str)
    numeric = [lambdify(symbols, part, "mpmath") for part in (integrand, again)]
    draw = random.Random(str(eta) + type(weight).__name__)
    for _ in range(3):
        point = [mpmath.mpf(draw.uniform(0.2, 0.9)) for _ in symbols]
        first, second = (function(*point) for function in numeric)
        assert mpmath.almosteq(first, second, rel_eps=1e-12)


@pytest.mark.parametrize(
    ("weight", "kind"),
    [(w, type(w)) for w in WEIGHTS],
    ids=lambda w: getattr(w, "__name__", ""),
)
def test_the_kind_is_found(weight, kind):
    found = weighted_moment(Expectation(weight.at(A + B * X), (X, UNIT)))
    assert type(found.weight) is kind
    assert found.weight.scale == 1


def test_every_link_of_every_family_is_recognised():
    for name, link in [("bernoulli", "probit"), ("poisson", "log"), ("gamma", "inverse"), ("gamma", "log"),
                       ("negative-binomial(3)", "log"), ("inverse-gaussian", "1/mu^2"), ("bernoulli", "cloglog"),
                       ("binomial(4)", "logit"), ("poisson", "sqrt")]:  # fmt: skip
        weight = Model("y ~ x", family=name, link=link, laws={"x": "Uniform(0, 1)"}).link.weight
        found = weighted_moment(Expectation(X * weight.at(A + B * X), (X, UNIT)))
        assert found is not None, name
        assert type(found.weight) in (type(weight), ConstantWeight)


def test_jointly_normal_predictors_become_independent():
    law = JointNormalLaw(Tuple(0, 1), ImmutableMatrix([[4, 2], [2, 3]]))
    eta = A + X + Z
    found = weighted_moment(Expectation(Z * exp(eta) / (1 + exp(eta)) ** 2, (Tuple(X, Z), law)))
    # x = 2 s, z = 1 + x/2 + t with Var t = 3 - 2^2/4 = 2
    assert [str(one) for one in found.laws] == ["Normal(0, 2)", "Normal(0, sqrt(2))"]
    first, second = found.variables
    assert (found.eta - (A + 1 + first + first / 2 + second)).expand() == 0
    assert dict(found.polynomial) == {(0, 0): 1, (1, 0): Rational(1, 2), (0, 1): 1}


@pytest.mark.parametrize(
    "integrand",
    [log(1 + exp(X)), exp(X) / (X + exp(2 * X)) ** A, abs(X) * exp(X) / (1 + exp(X)) ** 2, sqrt(1 + exp(X))],
    ids=str,
)
def test_other_integrands_are_not_taken_for_moments(integrand):
    assert weighted_moment(Expectation(integrand, (X, NormalLaw(0, 1)))) is None


def test_a_law_with_a_parameter_waits_for_its_value():
    assert weighted_moment(Expectation(exp(X), (X, NormalLaw(A, 1)))) is None


@pytest.mark.parametrize("law", [UniformLaw(1, 3), GammaLaw(2, 1)])
@pytest.mark.parametrize(
    ("eta", "factor"),
    [
        (A + B * log(X), log(X) ** 2),
        (A + B / X, X**-2),
        (A + B * sqrt(X) + X, X),
        (A + B * X + log(X), X * log(X)),
        (A + B * X + X**-1, Integer(1)),
        (A + B * exp(X) + 2 * Z, Z * exp(X)),
    ],
)
def test_a_power_of_a_predictor_in_functions(eta, factor, law):
    """With numbers for A and B: the parts are those of the linear predictor in the functions."""
    at = {A: Integer(3), B: Rational(1, 2)}
    weight = PowerWeight(Integer(1), Integer(-2))
    node = Expectation(factor * weight.at(eta.xreplace(at)), (X, law), (Z, UNIT))
    found = weighted_moment(node)
    assert isinstance(found.weight, PowerWeight)
    assert found.weight.exponent == -2
    assert not found.eta.free_symbols & {X, Z, A, B}
