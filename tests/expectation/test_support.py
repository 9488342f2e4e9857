"""Signs, corners and smoothness on a support, against the values at many points of it."""

from itertools import product
from random import Random

import numpy as np
import pytest
from sympy import Abs, Integer, Rational, Symbol, Tuple, exp, expand, lambdify, log, sqrt, symbols

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.support import at_value, corners, is_bounded, require_bounded, require_smooth, strict_sign
from leadterms.model.laws import BernoulliLaw, BetaLaw, GammaLaw, NormalLaw, PoissonLaw, UniformLaw

x, y, a, b = symbols("x y a b", real=True)
BOX = (Tuple(x, UniformLaw(-1, 2)), Tuple(y, UniformLaw(1, 3)))
QUADRANT = (Tuple(x, UniformLaw(-1, 2)), Tuple(y, GammaLaw(2, 1)))


@pytest.mark.parametrize(("bindings", "heights"), [(BOX, [1, 1.5, 2, 2.7, 3]), (QUADRANT, [0, 0.2, 1, 9, 10**4])])
def test_sign_is_that_of_every_value(bindings, heights):
    """Random multi-affine expressions: a sign is found exactly where all values on a grid have it."""
    random, found = Random(5), set()
    for _ in range(40):
        p, q, r, s = (random.randint(-5, 4) * random.randint(0, 1) for _ in range(4))
        expression = p + q * x + r * y + s * x * y
        function = lambdify((x, y), expression)
        values = [function(u, v) for u, v in product([-1, -0.4, 0.5, 1.1, 2], heights)]
        sign = corners(expression, bindings).sign
        assert (sign == 1) is all(value > 0 for value in values)
        assert (sign == -1) is all(value < 0 for value in values)
        found.add(sign)
    assert found == {1, -1, None}


@pytest.mark.parametrize(
    ("expression", "ends", "sign"),
    [
        (exp(x), (-1, 1), 1),
        (-exp(-x), (-1, 1), -1),
        (x**2, (1, 2), 1),
        (x**2, (-2, -1), 1),
        (x**3, (-2, -1), -1),
        (1 / x, (-2, -1), -1),
        (sqrt(x), (1, 2), 1),
        (log(x), (2, 3), 1),
        (exp(x) + log(x), (2, 3), 1),
        # zero inside, at an end, or a pole there
        (x**2, (-1, 1), None),
        (log(x), (1, 2), None),
        (sqrt(x), (0, 1), None),
        (1 / x, (0, 1), None),
        (1 / x, (-1, 1), None),
        (exp(x) - 1, (-1, 1), None),
        # of one sign, and not found
        (exp(x) - x, (-1, 1), None),
    ],
)
def test_a_function_that_keeps_away_from_zero(expression, ends, sign):
    found = strict_sign(expression, (Tuple(x, UniformLaw(*ends)),))
    assert found == sign
    if found is not None:
        values = lambdify(x, expression)(np.linspace(*map(float, ends), 101))
        assert np.all(found * values > 1e-3)


def test_a_function_of_a_normal_predictor_has_no_bound():
    assert strict_sign(exp(x), (Tuple(x, NormalLaw(0, 1)),)) is None
    values = (Tuple(x, UniformLaw(-1, 1)), Tuple(y, BernoulliLaw(Rational(1, 2))))
    assert strict_sign((1 + y) * exp(x), values) == 1
    assert strict_sign(y * exp(x), values) is None


def test_corners_of_symbolic_expressions():
    found = corners(a + b * x, [Tuple(x, GammaLaw(2, 1))])
    assert found.values == (a,)
    assert found.growths == (b,)
    assert set(corners(a + b * x**2, [Tuple(x, BernoulliLaw(Rational(1, 2)))]).values) == {a, a + b}
    assert corners(a + x, [Tuple(x, NormalLaw(0, 1))]) is None
    assert corners(a + x**2, [Tuple(x, UniformLaw(0, 1))]) is None
    assert corners(a, [Tuple(x, NormalLaw(0, 1))]).values == (a,)


def test_bounded_supports():
    assert is_bounded(UniformLaw(a, b))
    assert is_bounded(BetaLaw(2, 3))
    assert not is_bounded(PoissonLaw(2))
    assert not is_bounded(NormalLaw(0, 1))
    require_bounded(BOX)
    with pytest.raises(UndecidedError, match=r"over y ~ Gamma\(2, 1\)"):
        require_bounded(QUADRANT)


@pytest.mark.parametrize(
    "expression",
    [
        x**3 + y,
        exp(x * y),
        log(y),
        log(x + 3 + y),
        sqrt(x + 2 * y),
        1 / (x + 2),
        1 / (x - 3),
        1 / expand((x + 2) ** 2),
        log(expand((x + 2) * y)),
        Abs(x - 5) * Abs(x + 1 + y),
        log(Symbol("t", positive=True) * y),
    ],
)
def test_smooth_expressions(expression):
    """Beyond being let through: interpolation of degree 20 along a diagonal of the box reproduces the values."""
    require_smooth([expression], BOX)
    assert interpolation_error(expression) < 1e-6


def interpolation_error(expression):
    """Largest error of the Chebyshev interpolant of degree 20 between the corners (-1, 1) and (2, 3)."""
    function = lambdify((x, y), expression.subs(Symbol("t", positive=True), 1), "numpy")

    def diagonal(r):
        return function(0.5 + 1.5 * r, 2 + r) + 0 * r

    r = np.linspace(-1, 1, 301)
    return np.max(np.abs(np.polynomial.Chebyshev.interpolate(diagonal, 20)(r) - diagonal(r)))


def test_interpolation_sees_a_kink():
    assert interpolation_error(Abs(x - Rational(1, 3))) > 1e-3


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (log(x), "whether x stays positive on the support of x could not be decided"),
        (log(x - 3), "whether x - 3 stays positive"),
        (1 / x, "whether x keeps its sign"),
        (Abs(x + y), "whether x [+] y keeps its sign on the support of x, y"),
        (sqrt(x + 1), "stays positive"),
        (log(exp(x) - 2), "stays positive"),
        (1 / (x**2 + 1), "keeps its sign"),
    ],
)
def test_expressions_that_may_not_be_smooth(expression, message):
    with pytest.raises(UndecidedError, match=message):
        require_smooth([expression], BOX)


def test_only_predictors_that_are_no_polynomials_must_be_bounded():
    require_smooth([x**2 * y, log(x + 2) + y], QUADRANT)
    with pytest.raises(UndecidedError, match="use a bounded or normal law"):
        require_smooth([exp(-y)], QUADRANT)


def test_values_at_a_point():
    assert at_value(x**2 + y, x, Integer(3)) == 9 + y
    for expression in (1 / x, log(x), log(x - 1), sqrt(x - 1), exp(1 / x)):
        with pytest.raises(ExistenceError, match="is not a finite real number at x = 0"):
            at_value(expression, x, Integer(0))
