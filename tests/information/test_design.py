"""Rank of the design: the terms as functions on the support, against a numerical rank at points of the support."""

from random import Random

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import Symbol, lambdify

from leadterms.errors import ExistenceError, ModelError
from leadterms.information.design import check_design
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model

UNIFORM, BERNOULLI, ARMS = "Uniform(1, 2)", "Bernoulli(1/3)", "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"

FULL = [
    ("y ~ 1", {}),
    ("y ~ x", {"x": UNIFORM}),
    ("y ~ x + I(x^2) + I(x^3)", {"x": UNIFORM}),
    ("y ~ x + I(x^2)", {"x": ARMS}),
    ("y ~ x1*x2", {"x1": BERNOULLI, "x2": BERNOULLI}),
    ("y ~ x1*x2 + I(x2^2) + x1:I(x2^2)", {"x1": BERNOULLI, "x2": ARMS}),
    ("y ~ I(exp(x)) + x", {"x": UNIFORM}),
    ("y ~ I(exp(x)) + I(exp(2*x)) + I(exp(-x))", {"x": UNIFORM}),
    ("y ~ I(log(x)) + I(log(x)^2) + I(1/x)", {"x": UNIFORM}),
    ("y ~ I(sinh(x)) + I(cosh(x))", {"x": UNIFORM}),
    ("y ~ I(exp(x))", {"x": BERNOULLI}),
    ("y ~ 0 + x + I(x^2)", {"x": ARMS}),
    ("y ~ x1 + x2", {"x1, x2": "MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])"}),
    ("y ~ x", {"x": "Finite({a: 1/2, b: 1/2})"}),
    ("y ~ I(1/x) + I(1/(1 + x))", {"x": UNIFORM}),
]
COLLINEAR = [
    ("y ~ x + I(2*x)", {"x": UNIFORM}, "x, I(2*x)"),
    ("y ~ x + I(x^2)", {"x": BERNOULLI}, "x, I(x**2)"),
    ("y ~ x1 + x2 + I(x1 + x2)", {"x1": UNIFORM, "x2": UNIFORM}, "x1, x2, I(x1+x2)"),
    ("y ~ x + I(x^2) + I(x^3)", {"x": ARMS}, "x, I(x**3)"),
    ("y ~ x1*x2 + I((x1 + x2)^2)", {"x1": BERNOULLI, "x2": BERNOULLI}, "x1, x2, x1:x2, I((x1+x2)**2)"),
    ("y ~ x + I(x^2)", {"x": "Finite({a: 1/2, b: 1/2})"}, "1, x, I(x**2)"),
    ("y ~ x + I(exp(x))", {"x": BERNOULLI}, "1, x, I(exp(x))"),
    ("y ~ I(x^2 - x)", {"x": BERNOULLI}, "I(x**2-x)"),
    ("y ~ I(x^2 - x + 2)", {"x": BERNOULLI}, "1, I(x**2-x+2)"),
    ("y ~ I(log(x)) + I(log(2*x))", {"x": UNIFORM}, "1, I(log(x)), I(log(2*x))"),
    ("y ~ I(exp(x)) + I(exp(-x)) + I(sinh(x))", {"x": UNIFORM}, "I(exp(x)), I(exp(-x)), I(sinh(x))"),
    ("y ~ I(cosh(x)^2) + I(exp(2*x) + exp(-2*x))", {"x": UNIFORM}, "1, I(cosh(x)**2), I(exp(2*x)+exp(-2*x))"),
    ("y ~ I(x/(1 + x)) + I(1/(1 + x))", {"x": UNIFORM}, "1, I(x/(1+x)), I(1/(1+x))"),
    ("y ~ I(exp(x + 1)) + I(exp(x))", {"x": UNIFORM}, "I(exp(x+1)), I(exp(x))"),
]


@pytest.mark.parametrize(("formula", "laws"), FULL)
def test_full_rank_is_admitted(formula, laws):
    model = Model(formula, laws=laws)
    check_design(model.term_names, model.design, model.bindings)
    assert numerical_rank(model) == len(model.design)


@pytest.mark.parametrize(("formula", "laws", "terms"), COLLINEAR)
def test_collinear_terms_are_named(formula, laws, terms):
    model = Model(formula, laws=laws)
    with pytest.raises(ModelError) as refused:
        check_design(model.term_names, model.design, model.bindings)
    assert set(named(str(refused.value))) == set(terms.split(", "))
    assert numerical_rank(model) < len(model.design)


def named(message):
    return message.removeprefix("the design is collinear: the terms ").split(" are linearly")[0].split(", ")


def numerical_rank(model):
    """Number of singular values of the terms at random points of the support that are not zero."""
    random = Random(1)
    variables, draws = [], []
    for first, law in model.bindings:
        if isinstance(law, JointNormalLaw):
            variables += list(first)
            draws += [lambda: mpf(random.uniform(-2, 2))] * law.dimension
        elif law.atoms_with_probability is not None:
            values = [mpf(k) for k in range(len(law.args))] if law.free_symbols else None
            atoms = values or [mpmath.mpmathify(v.evalf(40)) for v, _ in law.atoms_with_probability]
            variables.append(first)
            draws.append(lambda atoms=atoms: random.choice(atoms))
        else:
            variables.append(first)
            draws.append(lambda: mpf(random.uniform(1, 2)))
    with mp.workdps(40):
        design = lambdify(variables, list(model.design), "mpmath")
        rows = [design(*(draw() for draw in draws)) for _ in range(30)]
        singular = mpmath.svd_r(mpmath.matrix(rows), compute_uv=False)
        return sum(1 for value in singular if value > mpf(10) ** -25 * singular[0])


def test_a_term_that_is_not_finite_at_a_point_is_refused():
    model = Model("y ~ I(1/x)", laws={"x": BERNOULLI})
    with pytest.raises(ExistenceError, match="1/x is not a finite real number at x = 0"):
        check_design(model.term_names, model.design, model.bindings)


def test_any_names_and_expressions_can_be_checked():
    x = Symbol("x", real=True)
    with pytest.raises(ModelError, match="the terms one, two are linearly dependent; remove one of them"):
        check_design(("one", "two"), (x, 3 * x), ())
    check_design((), (), ())
