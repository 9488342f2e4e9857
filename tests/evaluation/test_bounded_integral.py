"""Integrals over one bounded predictor in balls, against mpmath and double sums in NumPy over both predictors."""

from __future__ import annotations

import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import arb
from scipy import stats
from sympy import Abs, Rational, Symbol, cos, exp, log, sqrt

from leadterms import Model, leading_terms
from leadterms.errors import UncertifiedError
from leadterms.evaluation.bounded_integral import bounded_integral
from leadterms.evaluation.certified.laws import line_base
from leadterms.evaluation.certified.tools.balls import value_of
from leadterms.evaluation.certified.tools.gauss import gauss
from leadterms.evaluation.held_balls import BallCoefficient
from leadterms.evaluation.precision import ball_precision
from leadterms.expectation.held import Expectation
from leadterms.model.laws import BetaLaw, ExponentialLaw, FiniteLaw, UniformLaw

Z, B = Symbol("z", real=True), Symbol("b", real=True)
LAWS = {
    "Uniform(-1, 2)": (UniformLaw(-1, 2), lambda z: mpmath.mpf(1) / 3, (-1, 2)),
    "Beta(5/2, 3)": (BetaLaw(Rational(5, 2), 3), lambda z: z**1.5 * (1 - z) ** 2 / mpmath.beta(2.5, 3), (0, 1)),
}
FUNCTIONS = [
    1 / (1 + (Z - B) ** 2) ** 3,
    exp(-B * Z**2) / sqrt(3 + Z) + log(4 + B * Z),
    cos(3 * Z) / (9 * Z**2 - 60 * Z + 100) ** 2,
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
@pytest.mark.parametrize("bits", [50, 150])
def test_against_mpmath(law, function, bits):
    b = Rational(random.Random(f"{law}{function}").randint(1, 15), 10)
    own, density, ends = LAWS[law]
    one = bounded_integral(Expectation(function, (Z, own)))
    assert one is not None
    with ball_precision(bits + 64):
        found = one.enclose({B: value_of(b)}, bits)
    assert found.rel_accuracy_bits() >= bits - 8
    with mpmath.workdps(30):

        def integrand(z):
            return mpmath.mpf(function.xreplace({B: b}).evalf(30, subs={Z: z})) * density(z)

        exact = mpmath.quad(integrand, np.linspace(*map(float, ends), 5).tolist())
    assert float(found.mid()) == pytest.approx(float(exact), rel=1e-12)


def test_what_is_none():
    """Points, an unbounded law, two predictors, a law with a parameter."""
    for binding in [
        (Z, FiniteLaw({0: Rational(1, 2), 1: Rational(1, 2)})),
        (Z, ExponentialLaw(1)),
        (Z, UniformLaw(0, B)),
    ]:
        assert bounded_integral(Expectation(exp(-(Z**4)), binding)) is None
    both = Expectation(exp(-(Z**4) * B**2), (Z, UniformLaw(0, 1)), (B, UniformLaw(0, 1)))
    assert bounded_integral(both) is None


def test_a_pole_on_the_support_is_refused():
    one = bounded_integral(Expectation(1 / (Z - B), (Z, UniformLaw(0, 1))))
    assert one is not None
    with ball_precision(80), pytest.raises(UncertifiedError, match="a singularity is on its support"):
        one.enclose({B: arb("0.5")}, 40)


def test_a_function_that_is_nowhere_analytic_is_refused():
    coefficient = BallCoefficient(Expectation(Abs(Z - B), (Z, UniformLaw(0, 1))), (B,))
    with pytest.raises(UncertifiedError, match="Abs is not known"):
        coefficient((Rational(1, 3),), 40)


def test_a_rule_without_its_error_is_caught(monkeypatch):
    """Gauss-Legendre's rule with four points in place of the integral, against the logarithm that it is."""
    one = bounded_integral(Expectation(1 / (Z - B), (Z, UniformLaw(0, 1))))
    assert one is not None

    def four_points(function, low, high):
        half, centre = (high - low) / 2, (high + low) / 2
        return sum((half * w * function(centre + half * x) for x, w in gauss(4)), arb(0))

    with ball_precision(80):
        exact = (arb("1.1") / arb("0.1")).log()
        assert one.enclose({B: arb("-0.1")}, 40).overlaps(exact)
        monkeypatch.setattr(line_base, "integral", four_points)
        assert not one.enclose({B: arb("-0.1")}, 40).overlaps(exact)


NODES = {
    "Uniform(0, 1)": (stats.uniform, 0, 1),
    "Uniform(-1, 1)": (stats.uniform(-1, 2), -1, 1),
    "Beta(2, 3)": (stats.beta(2, 3), 0, 1),
}
MODELS = [
    ("I(x**2):z", "Uniform(0, 1)", lambda x, z: [x * x * z], "I(x**2):z"),
    ("I(x**2):z", "Uniform(-1, 1)", lambda x, z: [x * x * z], "I(x**2):z"),
    ("x*z + I(x**2):z", "Uniform(0, 1)", lambda x, z: [x, z, x * z, x * x * z], "x"),
    ("x + I(x**2):z", "Beta(2, 3)", lambda x, z: [x, x * x * z], "x"),
]


@pytest.mark.parametrize("place", [0, 1, pytest.param(2, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("intercept", ["", " + (1 | g)"])
def test_the_square_of_a_normal_predictor_beside_another_one(place, intercept):
    """Weights e^eta, x ~ N(1/5, 1); times e^(1/4) with a random intercept of variance 1/2."""
    formula, law, columns, name = MODELS[place]
    draw = random.Random(f"{formula}{law}")
    size = 1 + len(columns(0, 0))
    at = [Fraction(draw.randint(-8, 8), 20) for _ in range(size)]
    # the coefficient of the square stays below 1/2
    at[-1] = Fraction(draw.randint(-8, 6), 20)
    model = Model(f"y ~ {formula}{intercept}", family="poisson", link="log", laws={"x": "Normal(1/5, 1)", "z": law})
    numbers = {f"beta{k}": str(b) for k, b in enumerate(at)} | ({"sigma2": "1/2"} if intercept else {})
    value = leading_terms(model)[name].evaluate(numbers, 12, method="balls")
    assert value.certified
    x = np.linspace(-16, 17, 3301)
    frozen, low, high = NODES[law]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    z = low + (high - low) * (1 + nodes) / 2
    p = stats.norm(0.2).pdf(x) * (x[1] - x[0])
    q = (high - low) / 2 * weights * frozen.pdf(z)
    x, z = (column.ravel() for column in np.meshgrid(x, z, indexing="ij"))
    rows = np.stack([np.ones_like(x), *columns(x, z)])
    masses = np.outer(p, q).ravel() * np.exp(np.array([float(b) for b in at]) @ rows + (0.25 if intercept else 0))
    exact = np.linalg.inv((rows * masses) @ rows.T)
    which = 1 if name == "x" else size - 1
    assert float(value.value) == pytest.approx(exact[which, which], rel=1e-9)
