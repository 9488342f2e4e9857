"""H(u) = E[w(eta) X X' | u] of whole models against brute force over the predictors at random u."""

from itertools import product
from random import Random

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import Integer, Rational, Symbol, lambdify, symbols, true

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.held import Expectation
from leadterms.information.conditional import conditional_information
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model
from leadterms.model.weights import PowerWeight
from leadterms.notation.functions import MPMATH_FUNCTIONS

TOLERANCE = mpf(10) ** -20
UNIFORM, UNIT, NORMAL = "Uniform(-1, 1/2)", "Uniform(0, 1)", "Normal(1/4, 1/2)"
JOINT = "MultivariateNormal([0, 1/2], [[1/2, 1/5], [1/5, 1/3]])"

# every predictor's law as points and weights, written here and not taken from the package


def trapezoid(mean, std):
    step = mpf("0.42")
    return [(mean + std * (k + mpf("0.5")) * step, step * mpmath.npdf((k + mpf("0.5")) * step)) for k in range(-26, 26)]


def legendre(lower, upper):
    """The 24-point rule on an interval."""
    rule = mpmath.calculus.quadrature.GaussLegendre(mp)
    middle, half = (mpf(lower) + upper) / 2, (mpf(upper) - lower) / 2
    return [(middle + half * t, w / 2) for t, w in rule.calc_nodes(4, mp.prec)]


def grid(names):
    laws = {
        UNIFORM: lambda: [[x, w] for x, w in legendre(-1, 0.5)],
        UNIT: lambda: [[x, w] for x, w in legendre(0, 1)],
        NORMAL: lambda: [[x, w] for x, w in trapezoid(mpf("0.25"), mpf("0.5"))],
        "Bernoulli(1/4)": lambda: [[mpf(0), mpf("0.75")], [mpf(1), mpf("0.25")]],
        "Finite({-1: 1/4, 0: 1/4, 2: 1/2})": lambda: [
            [mpf(-1), mpf("0.25")],
            [mpf(0), mpf("0.25")],
            [mpf(2), mpf("0.5")],
        ],
        JOINT: joint,
    }
    for corner in product(*(laws[name]() for name in names)):
        yield [x for part in corner for x in part[:-1]], mpmath.fprod(part[-1] for part in corner)


def joint():
    """x1 = s t, x2 = 1/2 + c t/s + r t' with s^2 = 1/2, c = 1/5, r^2 = 1/3 - c^2/s^2."""
    s, c = mpmath.sqrt(mpf("0.5")), mpf("0.2")
    r = mpmath.sqrt(mpf(1) / 3 - c**2 / s**2)
    for t, w in trapezoid(mpf(0), mpf(1)):
        for other, v in trapezoid(mpf(0), mpf(1)):
            yield [s * t, mpf("0.5") + c * t / s + r * other, w * v]


CASES = {
    "poisson, intercept": ("y ~ 1 + (1 | g)", "poisson", {}),
    "poisson, uniform, random slope": ("y ~ x + (x | g)", "poisson", {"x": UNIFORM}),
    "poisson, normal, random slope": ("y ~ x + (x | g)", "poisson", {"x": NORMAL}),
    "poisson, points by normal": ("y ~ a*x + (1 + x | g)", "poisson", {"a": "Bernoulli(1/4)", "x": NORMAL}),
    "poisson, joint": ("y ~ x1 + x2 + (1 + x1 | g)", "poisson", {"x1, x2": JOINT}),
    "poisson, bounded by normal": ("y ~ a*x + (1 | g)", "poisson", {"a": UNIT, "x": NORMAL}),
    "logit, three arms by uniform": (
        "y ~ a*x + (1 + a | g)",
        "bernoulli",
        {"a": "Finite({-1: 1/4, 0: 1/4, 2: 1/2})", "x": UNIFORM},
    ),
    "logit, square": ("y ~ x + I(x^2) + (1 | g)", "binomial(5)", {"x": UNIFORM}),
    "logit, two continuous": ("y ~ a + x + (1 | g)", "bernoulli", {"a": UNIT, "x": UNIFORM}),
    "logit, function": ("y ~ I(exp(x)) + I(log(a + 1)) + (1 | g)", "bernoulli", {"a": UNIT, "x": UNIFORM}),
    "negative binomial": ("y ~ x + (x || g)", "negative-binomial(5/2)", {"x": UNIFORM}),
    "gaussian": ("y ~ a*x + I(x^2) + (1 | g)", "gaussian", {"a": "Bernoulli(1/4)", "x": NORMAL}),
    "gaussian, joint": ("y ~ x1*x2 + (1 | g)", "gaussian", {"x1, x2": JOINT}),
    "gamma, inverse": ("y ~ a*x", "gamma", {"a": UNIT, "x": "Bernoulli(1/4)"}),
}


def stated(name):
    formula, family, laws = CASES[name]
    return Model(formula, family=family, laws=laws)


def information(model):
    return conditional_information(
        model.link.weight, model.linear_predictor, model.design, model.bindings, model.random_effects, model.link.name
    )


def brute_force(model, at):
    """The whole matrix at once, one pass over the product grid."""
    variables = [Symbol(name, real=True) for b in model.bindings for name in names_of(b)]
    design = lambdify(variables, list(model.design), "mpmath")
    weight = lambdify(variables, model.link.weight.at(model.linear_predictor).subs(at), "mpmath")
    size = len(model.design)
    total = mpmath.zeros(size)
    for point, mass in grid([spelled(b[1]) for b in model.bindings]):
        row = mpmath.matrix(design(*point))
        total += mass * weight(*point) * row * row.T
    return total


def names_of(binding):
    first = binding[0]
    return [first.name] if isinstance(first, Symbol) else [v.name for v in first]


def spelled(law):
    return str(law) if not isinstance(law, JointNormalLaw) else JOINT


def held_value(node, model, at):
    variables = node.bound_symbols
    laws = [spelled(law) for _, law in node.bindings]
    function = lambdify(variables, node.integrand.subs(at), modules=[MPMATH_FUNCTIONS, "mpmath"])
    return mpmath.fsum(function(*point) * mass for point, mass in grid(laws))


def evaluated(expression, model, at):
    held = {node: Symbol(f"h{k}") for k, node in enumerate(expression.atoms(Expectation))}
    function = lambdify(list(held.values()), expression.xreplace(held).subs(at), modules=[MPMATH_FUNCTIONS, "mpmath"])
    return mpf(function(*(held_value(node, model, at) for node in held)))


def random_point(model, seed):
    random = Random(seed)
    at = {b: Rational(random.randint(-9, 9), 10) for b in (*model.fixed_effects, *model.random_effects)}
    if model.link.positive:
        at |= {b: Rational(random.randint(10, 20), 10) for b in model.fixed_effects}
    return at


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_information_matrix_against_brute_force(name):
    model = stated(name)
    found = information(model)
    size = len(model.design)
    with mp.workdps(26):
        at = random_point(model, name)
        assert all(condition.subs(at) == true for condition in found.conditions)
        expected = brute_force(model, at)
        matrix = mpmath.matrix(size)
        for i in range(size):
            for j in range(i, size):
                assert found.matrix[i][j] == found.matrix[j][i]
                matrix[i, j] = matrix[j, i] = evaluated(found.matrix[i][j], model, at)
        assert max(abs(e) for e in matrix - expected) < TOLERANCE * mpmath.mnorm(expected, 1)
        assert min(mpmath.eigsy(matrix, eigvals_only=True)) > 0


@pytest.mark.parametrize(
    "name", ["poisson, uniform, random slope", "logit, square", "gamma, inverse", "negative binomial"]
)
def test_closing_keeps_the_value(name):
    """At u = 0 the model has no effects, so that every expectation may be closed."""
    model = stated(name)
    eta = model.linear_predictor.subs(dict.fromkeys(model.random_effects, 0))
    found = conditional_information(model.link.weight, eta, model.design, model.bindings)
    with mp.workdps(26):
        at = random_point(model, name)
        for row in found.matrix:
            for entry in row:
                for tidy in (False, True):
                    closure = found.close(entry, tidy)
                    closed = closure.expression
                    assert bool(closure.rules) is (closed != entry)
                    assert all(divisor.subs(at) != 0 for divisor in closure.nonzero)
                    with mp.workdps(60):
                        value = evaluated(closed, model, at)
                    assert abs(value / evaluated(entry, model, at) - 1) < TOLERANCE


def test_expectations_given_the_effects_stay_held():
    model = stated("poisson, uniform, random slope")
    found = information(model)
    closure = found.close(found.matrix[0][1])
    assert closure.expression == found.matrix[0][1]
    assert closure.rules == ()
    assert closure.nonzero == ()
    assert found.effects == model.random_effects


def test_a_random_intercept_leaves_closed_factors():
    """exp(u0) factors out of an exponential weight, so that what is left closes."""
    model = Model("y ~ x + (1 | g)", family="poisson", laws={"x": UNIFORM})
    closure = information(model).close(information(model).matrix[0][1])
    assert closure.rules == ("integration by parts",)
    assert not closure.expression.has(Expectation)


@pytest.mark.parametrize(("family", "slope"), [("poisson", 0), ("poisson", 1), ("bernoulli", 0), ("bernoulli", -1)])
def test_closing_at_a_point_holds_at_a_slope_of_zero(family, slope):
    model = Model("y ~ x", family=family, laws={"x": UNIFORM})
    found = information(model)
    b0, b1 = model.fixed_effects
    at = {b0: Rational(1, 3), b1: Integer(slope)}
    with mp.workdps(26):
        expected = brute_force(model, at)
        for i in range(2):
            closed = found.close_at(found.matrix[0][i], at)
            assert not closed.has(Expectation)
            assert abs(evaluated(closed, model, {}) / expected[0, i] - 1) < TOLERANCE


def test_the_gaussian_information_is_the_moment_matrix():
    model = Model("y ~ x + (x | g)", laws={"x": "Normal(mu, s)"})
    mu, s = Symbol("mu", real=True), Symbol("s", positive=True)
    assert information(model).matrix[0] == (1, mu)
    assert (information(model).matrix[1][1] - mu**2 - s**2).expand() == 0


@pytest.mark.parametrize(
    ("formula", "family", "laws", "error", "message"),
    [
        ("y ~ x", "gamma", {"x": "Normal(0, 1)"}, ExistenceError, "the inverse link needs a positive linear predictor"),
        ("y ~ x", "inverse-gaussian", {"x": "Laplace(0, 1)"}, ExistenceError, "the 1/mu.2 link needs a positive"),
        ("y ~ x + I(x^2) + I(x^3)", "gamma", {"x": NORMAL}, ExistenceError, "takes every real value"),
        ("y ~ x", "poisson", {"x": "StudentT(5)"}, ExistenceError, "is infinite"),
        ("y ~ x", "gaussian", {"x": "StudentT(2)"}, ExistenceError, "is infinite"),
        ("y ~ x + (x | g)", "poisson", {"x": "Gamma(2, 1)"}, ExistenceError, "random slope on x"),
        ("y ~ I(x^3)", "poisson", {"x": NORMAL}, ExistenceError, "unbounded side"),
        ("y ~ I(log(x + 9))", "gaussian", {"x": NORMAL}, ExistenceError, "is not a finite real number for low x"),
        ("y ~ I(1/x)", "bernoulli", {"x": NORMAL}, UndecidedError, "use a bounded law"),
    ],
)
def test_refusals(formula, family, laws, error, message):
    with pytest.raises(error, match=message):
        information(Model(formula, family=family, laws=laws))


@pytest.mark.parametrize(
    ("formula", "family", "link", "laws", "conditions"),
    [
        ("y ~ x", "poisson", None, {"x": "Gamma(2, 3)"}, {"beta1 < 1/3"}),
        ("y ~ x", "inverse-gaussian", "log", {"x": "Gamma(2, 3)"}, {"-beta1 < 1/3"}),
        ("y ~ x", "gaussian", "log", {"x": "Gamma(2, 3)"}, {"2*beta1 < 1/3"}),
        ("y ~ x + I(x^2)", "poisson", None, {"x": "Normal(0, s)"}, {"-2*beta2*s**2 + 1 > 0"}),
        ("y ~ x1*x2", "poisson", None, {"x1": "Normal(0, 1)", "x2": "Normal(0, 2)"}, {"1 - 4*beta3**2 > 0"}),
        ("y ~ x", "gamma", None, {"x": "Uniform(0, b)"}, {"beta0 > 0", "b*beta1 + beta0 > 0"}),
        ("y ~ x", "bernoulli", None, {"x": "Cauchy(0, 1)"}, {"Ne(beta1, 0)"}),
    ],
)
def test_conditions(formula, family, link, laws, conditions):
    found = information(Model(formula, family=family, link=link, laws=laws)).conditions
    assert {str(condition) for condition in found} == conditions


def test_normal_effects_in_a_link_with_a_pole_are_refused():
    b0, u0 = symbols("b0 u0", real=True)
    with pytest.raises(ExistenceError, match="normal random effects"):
        conditional_information(PowerWeight(Integer(1), Integer(-2)), b0 + u0, (Integer(1),), (), (u0,), "inverse")
