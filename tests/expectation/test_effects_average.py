"""E[S(U)] over normal random effects against quadrature over all of U, and the dimension that is left."""

from itertools import product
from random import Random

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import (
    Expr,
    ImmutableMatrix,
    Matrix,
    Rational,
    Symbol,
    Tuple,
    diag,
    exp,
    lambdify,
    symbols,
    true,
)

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.effects_average import average_over_effects
from leadterms.expectation.held import Expectation
from leadterms.model.laws import JointNormalLaw, NormalLaw, UniformLaw

a, b, x = symbols("a b x", real=True)
u0, u1, u2 = EFFECTS = symbols("u0:3", real=True)
s0, s1, s2 = symbols("s0 s1 s2", positive=True)
r01 = Symbol("r01", real=True)
PAIR = Matrix([[s0, r01], [r01, s1]])
TRIPLE = Matrix([[s0, r01, 0], [r01, s1, Rational(1, 10)], [0, Rational(1, 10), s2]])
COVARIANCE = {1: Matrix([[s0]]), 2: PAIR, 3: TRIPLE}
TOLERANCE = mpf(10) ** -20
QUARTER = mpf(1) / 4


def number(value):
    return mpf(value.p) / value.q if value.is_Rational else mpmath.mpmathify(value.evalf(mp.dps + 5))


def grid(count, reach):
    step = 2 * mpf(reach) / count
    return [
        ((k + mpf("0.5")) * step - reach, step * mpmath.npdf((k + mpf("0.5")) * step - reach)) for k in range(count)
    ]


def plain(expression, at):
    """A function of the effects; an inner expectation becomes a mean over three points.

    The averages over the effects hold whatever the inner law is, so that three points do for it.
    """
    inner = {node: Symbol(f"h{k}") for k, node in enumerate(expression.atoms(Expectation))}
    outer = lambdify([*EFFECTS, *inner.values()], expression.xreplace(inner).subs(at), "mpmath")
    averaged = [lambdify([x, *EFFECTS], node.integrand.subs(at), "mpmath") for node in inner]

    def function(*effects):
        held = [mpmath.fsum(f(t, *effects) for t in (-QUARTER, 0, 2 * QUARTER)) / 3 for f in averaged]
        return outer(*effects, *held)

    return function


def brute_force(function, covariance, count, reach=12):
    """Product trapezoid over independent standard normals: exponentially convergent."""
    size = covariance.rows
    root = mpmath.cholesky(mpmath.matrix(covariance.applyfunc(number).tolist()))
    total = mpf(0)
    for corner in product(grid(count, reach), repeat=size):
        t = [point for point, _ in corner]
        effects = [sum(root[i, j] * t[j] for j in range(i + 1)) for i in range(size)]
        total += mpmath.fprod(w for _, w in corner) * function(*effects, *([0] * (3 - size)))
    return total


def value(expression, at, count):
    """The value of the result, with every held expectation over effects by brute force in its own dimension."""
    expression = expression.subs(at)
    outer = [node for node in expression.atoms(Expectation) if node.bindings[0][0] != x]
    total = {}
    for node in outer:
        (first, law) = node.bindings[0]
        variables = list(first) if isinstance(first, Tuple) else [first]
        mean = list(law.mean) if isinstance(law, JointNormalLaw) else [law.args[0]]
        covariance = law.covariance if isinstance(law, JointNormalLaw) else Matrix([[law.args[1] ** 2]])
        moved = node.integrand.xreplace({v: e + m for v, e, m in zip(variables, EFFECTS, mean, strict=False)})
        total[node] = brute_force(plain(moved, {}), Matrix(covariance), count)
    dummies = {node: Symbol(f"outer{k}") for k, node in enumerate(outer)}
    return lambdify(list(dummies.values()), expression.xreplace(dummies), "mpmath")(*total.values())


def point(seed):
    random = Random(seed)
    return {
        a: Rational(random.randint(-9, 9), 10),
        b: Rational(random.randint(-9, 9), 10),
        s0: Rational(random.randint(3, 8), 10),
        s1: Rational(random.randint(3, 6), 10),
        s2: Rational(random.randint(3, 6), 10),
        r01: Rational(random.randint(-2, 2), 10),
    }


def dimensions(expression: Expr):
    return sorted(len(n.bound_symbols) for n in expression.atoms(Expectation) if n.bound_symbols != [x])


def inner(integrand):
    return Expectation(integrand, (x, UniformLaw(-1, 1)))


LOGISTIC = inner(exp(a + b * x + u0) / (1 + exp(a + b * x + u0)) ** 2)
SLOPE = inner(x**2 * exp(a + (b + u1) * x + u0) / (1 + exp(a + (b + u1) * x + u0)) ** 2)
TILTED = inner(exp(b * x + u0 * x))
# what is averaged, number of effects, dimensions of what stays held
CASES = {
    "constant": (a**2 * b, 2, []),
    "polynomial": (1 + u0**2 * u1 - 3 * u1**4 + a * u0, 2, []),
    "exponential": (u0 * exp(a + b * u0 - u1), 2, []),
    "quadratic exponential": ((1 + u0 * u1) * exp(-(u0**2) / 2 + u0 * u1 / 5 + b * u1), 2, []),
    "sum with different tilts": (exp(u0) * u1 + exp(-(u0**2)) + 3 * u0**2 + exp(u0 + u1), 2, []),
    "three effects": ((1 + u0 * u2 + u1**3) * exp(a * u0 + u1 - u2 / 2 + u0 * u2 / 5), 3, []),
    "held, one effect": (LOGISTIC * (1 + u0**2), 1, [1]),
    "held, one of two effects": (LOGISTIC, 2, [1]),
    "held, tilted by the other effect": (LOGISTIC * exp(u1), 2, [1]),
    "held, tilted by a square of the other effect": (LOGISTIC * exp(-(u1**2)), 2, [1]),
    "held, polynomial in the other effect": (LOGISTIC * u1, 2, [2]),
    "held, in a sum of effects": (LOGISTIC.xreplace({u0: u0 + u1 - u2 / 2}), 3, [1]),
    "held, ratio": (TILTED**2 / inner(exp(u0 * x)), 1, [1]),
    "two pieces with different forms": (LOGISTIC + LOGISTIC.xreplace({u0: u0 + u1}), 2, [1, 1]),
    "two pieces with the same form": (LOGISTIC * u0 + LOGISTIC**2 * exp(a), 2, [1]),
    "denominator that is a sum": (LOGISTIC**2 / (LOGISTIC + exp(u0)), 1, [1]),
    "growth inside a held one": (inner(exp(u0**2 / 5 + x * u0)) * (1 + u0), 1, [1]),
    "growth in a denominator": ((exp(u0**2 / 5 + u0) + exp(u0**2 / 5)) / (2 + exp(u0)), 1, [1]),
    "growth that cancels": (inner(exp(u0**2 + x * u0)) ** 2 / inner(exp(2 * u0**2 - x * u0)), 1, [1]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_average_against_brute_force(name):
    expression, size, held = CASES[name]
    effects, covariance, at = EFFECTS[:size], COVARIANCE[size], point(name)
    average = average_over_effects(expression, effects, covariance)
    assert dimensions(average.value) == held
    assert not average.value.free_symbols & set(effects)
    assert all(condition.subs(at) == true for condition in average.conditions)
    count, reach = {1: (90, 12), 2: (56, 11), 3: (20, 8)}[size]
    with mp.workdps(26):
        expected = brute_force(plain(expression, at), covariance.subs(at), count, reach)
        # three dimensions are left at a coarser grid
        tolerance = TOLERANCE if size < 3 else mpf(10) ** -9
        assert abs(value(average.value, at, 90) - expected) < tolerance * (1 + abs(expected))


@pytest.mark.slow
def test_two_held_forms_of_two_effects():
    at = point(3)
    average = average_over_effects(SLOPE, EFFECTS[:2], PAIR)
    assert dimensions(average.value) == [2]
    with mp.workdps(20):
        expected = brute_force(plain(SLOPE, at), PAIR.subs(at), 48, reach=10)
        assert abs(value(average.value, at, 56) - expected) < mpf(10) ** -15


@pytest.mark.slow
def test_random_expressions_in_one_and_two_effects():
    """Sums of polynomial times exponential of a quadratic, with coefficients drawn at random."""
    random = Random(2024)
    for size in (1, 2):
        effects = EFFECTS[:size]

        def draw(effects=effects):
            quadratic = sum(Rational(random.randint(-5, 1), 10) * e**2 for e in effects)
            linear = sum(Rational(random.randint(-9, 9), 10) * e for e in effects)
            monomial = 1
            for e in effects:
                monomial *= e ** random.randint(0, 3)
            return random.randint(-3, 3) * monomial * exp(quadratic + linear + a)

        expression = sum(draw() for _ in range(3)) + a * effects[0] ** 2
        at = point(size)
        average = average_over_effects(expression, effects, COVARIANCE[size])
        assert not average.value.has(Expectation)
        with mp.workdps(26):
            expected = brute_force(plain(expression, at), COVARIANCE[size].subs(at), {1: 90, 2: 48}[size])
            assert abs(number(average.value.subs(at)) - expected) < TOLERANCE * (1 + abs(expected))


def test_forms_that_a_bound_predictor_mixes_need_both_effects():
    average = average_over_effects(SLOPE, EFFECTS[:2], PAIR)
    (node,) = (n for n in average.value.atoms(Expectation) if n.bound_symbols != [x])
    assert node.bindings == (Tuple(Tuple(u0, u1), JointNormalLaw((0, 0), ImmutableMatrix(PAIR))),)


def test_forms_that_a_function_of_a_bound_predictor_mixes_need_both_effects():
    eta = a + u0 + u1 * exp(x)
    average = average_over_effects(inner(exp(eta) / (1 + exp(eta)) ** 2), EFFECTS[:2], PAIR)
    (node,) = (n for n in average.value.atoms(Expectation) if n.bound_symbols != [x])
    assert node.bindings == (Tuple(Tuple(u0, u1), JointNormalLaw((0, 0), ImmutableMatrix(PAIR))),)
    assert x not in average.value.free_symbols


def test_the_law_of_a_linear_form():
    average = average_over_effects(LOGISTIC.xreplace({u0: 2 * u0 + 6 * u1}), EFFECTS[:2], PAIR)
    (node,) = (n for n in average.value.atoms(Expectation) if n.bound_symbols != [x])
    ((kept, law),) = node.bindings
    assert kept == u0
    # the form is u0 + 3 u1
    assert isinstance(law, NormalLaw)
    assert (law.args[1] ** 2 - (s0 + 6 * r01 + 9 * s1)).expand() == 0


def test_two_point_predictors_split_into_one_dimensional_integrals():
    w = lambda eta: exp(eta) / (1 + exp(eta)) ** 2  # noqa: E731
    average = average_over_effects(w(a + u0) + 2 * w(b + u0 + u1), EFFECTS[:2], PAIR)
    assert dimensions(average.value) == [1, 1]


def test_existence_of_growing_exponentials():
    condition = 1 - s0 / 2
    assert average_over_effects(exp(u0**2 / 4), [u0], Matrix([[s0]])).conditions == (condition > 0,)
    inside = average_over_effects(inner(exp(u0**2 / 4 + x * u0)), [u0], Matrix([[s0]]))
    assert inside.conditions == (condition > 0,)
    grown = average_over_effects(exp(u0**2 / 4) / (1 + exp(u0)), [u0], Matrix([[s0]]))
    assert grown.conditions == (condition > 0,)
    assert average_over_effects(exp(-(u0**2)) * LOGISTIC, [u0], Matrix([[s0]])).conditions == ()


@pytest.mark.parametrize(
    "expression",
    [
        (exp(u0**2) + exp(2 * u0**2)) / (1 + LOGISTIC),
        inner(exp(u0**2 * x**2)),
        inner(exp(u0**2) + exp(u0)) / LOGISTIC,
    ],
)
def test_growth_that_is_not_of_one_kind_is_undecided(expression):
    with pytest.raises(UndecidedError, match="could not be decided"):
        average_over_effects(expression, [u0], Matrix([[s0]]))


def test_infinite_averages_are_refused():
    with pytest.raises(ExistenceError, match="positive definite"):
        average_over_effects(exp(u0**2), [u0], Matrix([[1]]))
    with pytest.raises(ExistenceError, match="positive definite"):
        average_over_effects(exp(u0**2) * LOGISTIC, [u0], Matrix([[1]]))
    with pytest.raises(ExistenceError, match="positive definite"):
        average_over_effects(exp(u0**2 + u1**2), EFFECTS[:2], diag(1, 1))


def test_nothing_to_average():
    average = average_over_effects(a * exp(b), EFFECTS, TRIPLE)
    assert average.value == a * exp(b)
    assert average.conditions == ()


def test_bells_in_two_random_slopes_do_not_grow():
    """e^(-(u x + v z)^2/2) has the exponent -(x, z)(x, z)'/2, of rank one, whatever the predictors are."""
    u, v, x, z = symbols("u v x z", real=True)
    held = Expectation(exp(-((1 + u * x + v * z) ** 2) / 2), (x, UniformLaw(-1, 1)), (z, UniformLaw(0, 1)))
    found = average_over_effects(held**2 / (1 + held), [u, v], Matrix([[1, 0], [0, 2]]))
    assert found.conditions == ()
    # nothing is divided out
    assert isinstance(found.value, Expectation)
    assert found.value.integrand == held**2 / (1 + held)
    rising = Expectation(exp((u * x + v * z) ** 2 / 2), (x, UniformLaw(-1, 1)), (z, UniformLaw(0, 1)))
    with pytest.raises(UndecidedError, match="different exponentials of squares"):
        average_over_effects(rising**2 / (1 + rising), [u, v], Matrix([[1, 0], [0, 2]]))
