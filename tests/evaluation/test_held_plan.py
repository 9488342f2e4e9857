"""Taking a coefficient apart and putting it together again gives the coefficient."""

from __future__ import annotations

import pytest
from sympy import Add, Integer, Mul, Rational, Symbol, exp, symbols

from leadterms import Expectation, Model, leading_terms
from leadterms.evaluation.held_plan import affine, monomial_terms, outside_weights, plan
from leadterms.evaluation.weighted_moment import shifted_monomial
from leadterms.model.laws import NormalLaw, UniformLaw

A, B, U, V, X, Z = symbols("a b u v x z", real=True)
MODELS = [
    ("y ~ x + (1 | g)", "bernoulli", {"x": "Uniform(-1, 1)"}, "x", (1, 3)),
    ("y ~ x", "bernoulli", {"x": "Normal(0, 1)"}, "x", (0, 3)),
    ("y ~ x1 + x2 + (1 + x1 | g)", "bernoulli", {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"}, "x2", (2, 6)),
    ("y ~ x + (1 | g)", "bernoulli", {"x": "Bernoulli(1/3)"}, "x", (1, 2)),
    ("y ~ x + z + (1 + x | g)", "poisson", {"x": "Uniform(-1, 1)", "z": "Uniform(-1, 1)"}, "z", (1, 1)),
]


def coefficient(formula, family, laws, name):
    return leading_terms(Model(formula, family=family, laws=laws))[name].coefficient


@pytest.mark.parametrize(("formula", "family", "laws", "name", "counts"), MODELS, ids=lambda v: str(v)[:30])
def test_effects_and_moments_are_told_apart(formula, family, laws, name, counts):
    found = plan(coefficient(formula, family, laws, name))
    assert found is not None
    assert not found.top.has(Expectation)
    effects, moments = counts
    for average in found.averages.values():
        assert len(average.effects.symbols) == effects
        assert len(average.inner) == moments
        assert average.effects.covariance.is_symmetric()
        assert not average.integrand.has(Expectation)


def test_two_integrals_make_two_averages():
    laws = {"x": "Bernoulli(1/3)", "z": "Normal(0, 1)"}
    found = plan(coefficient("y ~ x + z + (1 + x | g)", "bernoulli", laws, "z"))
    variances = {average.effects.covariance[0, 0] for average in found.averages.values()}
    names = {str(variance.expand()) for variance in variances}
    assert names == {"Sigma11", "Sigma11 + 2*Sigma12 + Sigma22"}


def test_affine_parts_add_up():
    eta = A + 2 * U + X * (B - 3 * V) + Z / 5 + U * Z
    parts = affine(eta, (X, Z), (U, V))
    again = parts.constant + sum(s * x for s, x in zip(parts.slopes, (X, Z), strict=True))
    again += sum(
        u * (load[0] + load[1] * X + load[2] * Z) for u, load in zip((U, V), parts.loadings, strict=True)
    )  # fmt: skip
    assert (again - eta).expand() == 0


@pytest.mark.parametrize("eta", [A + X**2 + U, A + X * Z, A + U * V, A + 1 / X])
def test_what_is_not_affine_is_not_forced(eta):
    assert affine(eta, (X, Z), (U, V)) is None


def test_shifted_monomials_are_binomial():
    for power in range(5):
        parts = shifted_monomial(power, A, B)
        assert (Add(*(c * X**k for k, c in parts.items())) - (A + B * X) ** power).expand() == 0


def test_monomials_add_up_and_other_shapes_do_not():
    m = symbols("m0:3")
    expression = (m[0] * m[2] * A - m[1] ** 2 / 3) / m[0] + Rational(1, 2) / m[0]
    terms = monomial_terms(expression, m)
    again = Add(*(c * Mul(*(s**p for s, p in zip(m, powers, strict=True))) for c, powers in terms))
    assert (again - expression).expand() == 0
    assert monomial_terms(1 / (m[0] + m[1]), m) is None
    assert monomial_terms(m[0] ** A, m) is None


def test_functions_that_not_all_linear_predictors_have_are_written_beside_each_other():
    """With d = 0 there is no e^x in the linear predictor."""
    laws = {"x": "Uniform(0, 1)", "d": "Bernoulli(1/3)"}
    coefficient = leading_terms(Model("y ~ x + d:I(exp(x)) + (1 | g)", family="bernoulli", laws=laws))["x"].coefficient
    moments = [moment for average in plan(coefficient).averages.values() for moment in average.inner.values()]
    assert len({moment.eta for moment in moments}) == 2
    ((law,),) = {moment.laws for moment in moments}
    assert [law.powers[mark] for mark in law.marks] == [law.variable, exp(law.variable)]


def test_an_unknown_shape_has_no_plan():
    from leadterms.model.laws import LaplaceLaw, NormalLaw, UniformLaw

    x = Symbol("x", real=True)
    assert plan(Expectation(abs(x) * A, (x, LaplaceLaw(0, 1)))) is None
    # over a bounded law it is an integral
    (one,) = plan(Expectation(exp(x) / (x**2 + A**2), (x, UniformLaw(-1, 1)))).integrals.values()
    assert one.law == UniformLaw(-1, 1)
    assert plan(Expectation(x**2, (x, NormalLaw(0, A)))) is not None


@pytest.mark.parametrize("law", [NormalLaw(0, Symbol("s", positive=True)), NormalLaw(Symbol("a", real=True), 2)])
def test_effects_outside_of_weights_are_told_without_numbers(law):
    """What no weight holds has no road at any point; a weight alone, or inside an average, may have one."""
    u, x = Symbol("u", real=True), Symbol("x", real=True)
    weight = exp(u + x) / (1 + exp(u + x)) ** 2
    assert outside_weights(2 * Expectation(1 / (2 + exp(u) + exp(-u)) ** Rational(1, 3), (u, law)))
    assert not outside_weights(Expectation(weight.xreplace({x: Integer(1)}), (u, law)))
    assert not outside_weights(Expectation(1 / Expectation(weight, (x, UniformLaw(-1, 1))), (u, law)))
    assert not outside_weights(Symbol("b") + 1)
