"""The road of a coefficient is chosen by its properties, and every road leads to the same number."""

from __future__ import annotations

from math import exp, pi

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from sympy import Rational, Symbol, sqrt

from leadterms import ExistenceError, Expectation, Model, UncertifiedError, evaluate, leading_terms
from leadterms.model.laws import NormalLaw, UniformLaw

INTERCEPT = "logistic weight, one random intercept, a uniform predictor"
NORMAL = "logistic weight, one random intercept, normal predictors"
LINE = "logistic weight, normal predictors"
SLOPE = "logistic weight, random intercept and slope, uniform predictors"
GENERAL = "general certified road, slower than a kernel"
POINT = "beta0=-0.4, beta1=0.7, sigma2=0.9"
TWO = "beta0=-0.4, beta1=0.7, beta2=1/3, sigma2=0.9"
SLOPES = "beta0=-0.4, beta1=0.7, beta2=1/3, Sigma11=1/2, Sigma12=1/10, Sigma22=1/4"


def entry(formula, family, laws, name, link=None):
    return leading_terms(Model(formula, family=family, link=link, laws=laws))[name]


CASES = [
    ("y ~ x + (1 | g)", "bernoulli", {"x": "Uniform(-1, 1)"}, "x", POINT, INTERCEPT),
    ("y ~ x + (1 | g)", "binomial(7)", {"x": "Uniform(2, 5)"}, "x", POINT, INTERCEPT),
    ("y ~ x + (1 | g)", "bernoulli", {"x": "Normal(1, 2)"}, "x", POINT, NORMAL),
    ("y ~ x + z + (1 | g)", "bernoulli", {"x": "Normal(1, 2)", "z": "Normal(0, 1/2)"}, "x", TWO, NORMAL),
    ("y ~ x + z + (1 | g)", "bernoulli", {"x,z": "MultivariateNormal([0, 1], [[1, 1/2], [1/2, 1]])"}, ("x", "z"), TWO,
     NORMAL),
    ("y ~ x", "bernoulli", {"x": "Normal(1, 2)"}, "x", "beta0=-0.4, beta1=0.7", LINE),
    ("y ~ x1 + x2 + (1 + x1 | g)", "bernoulli", {"x1": "Uniform(0, 2)", "x2": "Uniform(-1, 3)"}, "x2", SLOPES, SLOPE),
    ("y ~ x2 + x1 + (1 + x1 | g)", "bernoulli", {"x1": "Uniform(0, 2)", "x2": "Uniform(-1, 3)"}, "x2",
     SLOPES.replace("beta1", "beta_").replace("beta2", "beta1").replace("beta_", "beta2"), SLOPE),
    ("y ~ x + (1 | g)", "negative-binomial(2)", {"x": "Uniform(-1, 1)"}, "x", POINT, GENERAL),
    ("y ~ x + (1 | g)", "bernoulli", {"x": "Bernoulli(1/3)"}, "x", POINT, GENERAL),
    ("y ~ x + z + (1 | g)", "bernoulli", {"x": "Uniform(-1, 1)", "z": "Bernoulli(1/3)"}, ("x", "z"), TWO, GENERAL),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2]}")
def test_the_road_is_the_one_for_the_class_and_its_value_that_of_the_second(case):
    formula, family, laws, name, at, road = case
    found = entry(formula, family, laws, name)
    number = found.evaluate(at, 12, method="balls")
    assert number.road == road
    estimate = found.evaluate(at, 4, method="mpmath")
    assert abs(number.value - estimate.value) <= number.error + estimate.error


def test_a_slope_of_zero_takes_its_way_through_the_kernels():
    for laws, road in (({"x": "Uniform(-1, 1)"}, INTERCEPT), ({"x": "Normal(0, 1)"}, NORMAL)):
        found = entry("y ~ x + (1 | g)", "bernoulli", laws, "x")
        at = [found.evaluate(f"beta0=1/2, beta1={slope}, sigma2=1", 40, method="balls") for slope in ("0", "1e-60")]
        assert at[0].road == at[1].road == road
        assert abs(at[0].value - at[1].value) <= at[0].error + at[1].error


def test_irrational_values_are_taken():
    found = entry("y ~ x + (1 | g)", "bernoulli", {"x": "Uniform(-1, 1)"}, "x")
    exact = found.evaluate({"beta0": sqrt(2), "beta1": sqrt(3) / 3, "sigma2": sqrt(2) / 2}, 30, method="balls")
    near = found.evaluate({"beta0": Rational(141421356237, 10**11), "beta1": Rational(57735026919, 10**11),
                           "sigma2": Rational(70710678119, 10**11)}, 30, method="balls")  # fmt: skip
    assert 0 < abs(exact.value - near.value) < 1e-9 * near.value


def test_a_parameter_inside_a_law_is_put_in_first():
    found = entry("y ~ x + (1 | g)", "bernoulli", {"x": "Normal(mu, s)"}, "x")
    plain = entry("y ~ x + (1 | g)", "bernoulli", {"x": "Normal(1/2, 3/2)"}, "x")
    first = found.evaluate(POINT + ", mu=1/2, s=3/2", 30, method="balls")
    assert first == plain.evaluate(POINT, 30, method="balls")


@pytest.mark.parametrize("p", ["3/10", "1/1000", "0.97"])
def test_a_probability_is_put_in_where_its_sign_decides(p):
    """The information about x given u is p0 w0 p1 w1/(p0 w0 + p1 w1): its average by scipy."""
    found = entry("y ~ x + (1 | g)", "bernoulli", {"x": "Bernoulli(p)"}, "x")
    number = found.evaluate(f"{POINT}, p={p}", 14, method="balls")
    assert number.certified
    share = float(Rational(p))

    def information(u):
        w0, w1 = (q * (1 - expit(eta)) * expit(eta) for q, eta in ((1 - share, u - 0.4), (share, u + 0.3)))
        return w0 * w1 / (w0 + w1) * exp(-u * u / 1.8) / sqrt(1.8 * pi)

    average = quad(information, -12, 12, epsabs=0, epsrel=1e-12, points=[-3, 0, 3])[0]
    assert float(number) == pytest.approx(1 / average, rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["StudentT(5)", "LogNormal(0, 1/2)", "Pareto(1, 3)"])
def test_heavy_tails_are_certified(law):
    found = entry("y ~ x + (1 | g)", "bernoulli", {"x": law}, "x")
    number, estimate = found.evaluate(POINT, 12, method="balls"), found.evaluate(POINT, 5, method="mpmath")
    assert number.road == GENERAL
    assert abs(number.value - estimate.value) <= number.error + estimate.error


def test_an_extreme_slope_has_the_limit_of_a_weight_at_one_point():
    """With t = b x + u the information about x is E[(t - u)^2 w(t)]/b^2 less the mean: pi^2/3 over 2 b^3."""
    found = entry("y ~ x1 + x2 + (1 + x1 | g)", "bernoulli", {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"}, "x2")
    number = found.evaluate("beta0=0.3, beta1=1/2, beta2=1e8, Sigma11=1/2, Sigma12=1/10, Sigma22=1/4", 14)
    assert number.certified
    assert float(number) == pytest.approx(6e24 / pi**2, rel=1e-12)


@pytest.mark.slow
def test_a_random_slope_on_an_unbounded_predictor_is_certified():
    laws = {"x": "Normal(0, 1)", "z": "Uniform(-1, 1)"}
    found = entry("y ~ x + z + (1 + x | g)", "bernoulli", laws, "z")
    number = found.evaluate(SLOPES.replace("-0.4", "-2/5"), 3, method="balls")
    assert number.certified
    assert number.road == GENERAL
    # 15.461207408027347: numpy, 241 x 241 x 121 x 24 nodes from the definition
    assert abs(float(number.value) - 15.461207408027347) <= float(number.error)


def test_where_no_bound_is_proven_the_value_is_an_estimate_and_says_so():
    x, u, a = (Symbol(name, real=True) for name in "xua")
    # unknown to every certified road: the random effect is a factor of the predictor's weight
    odd = Expectation((2 + Expectation(x * a * u, (x, UniformLaw(0, 1)))) ** 2, (u, NormalLaw(0, 1)))
    number = evaluate(odd, {a: 2}, 10)
    # E(2 + u)^2 = 5 for standard normal u
    assert str(number) == "5.000000000"
    assert number.certified is (number.road != "mpmath, successive refinements")
    with pytest.raises(UncertifiedError, match="no certified road"):
        evaluate(Expectation(abs(x) * u, (x, UniformLaw(-1, 1)), (u, NormalLaw(1, 1))), {}, 10, method="balls")
    assert not evaluate(Expectation(abs(x + 2), (x, UniformLaw(-1, 1))), {}, 8).certified


def test_a_law_without_moments_has_a_road_where_its_slope_is_not_zero():
    """1/E_U[m_2 - m_1^2/m_0], with x = sinh t for the Cauchy law, by sums in double precision from the definition."""
    slope = entry("y ~ x + (1 | g)", "bernoulli", {"x": "Cauchy(0, 1)"}, "x")
    at = {"beta0": "-0.3", "beta1": "0.7", "sigma2": "0.4"}
    t, step = np.linspace(-8, 8, 3201, retstep=True)
    x, mass = np.sinh(t), step / (np.pi * np.cosh(t))
    u, width = np.linspace(-6, 6, 401, retstep=True)
    weight = mass / (2 + 2 * np.cosh(np.clip(-0.3 + 0.7 * x + u[:, None], -300, 300)))
    m = [(weight * x**k).sum(axis=1) for k in range(3)]
    density = width * np.exp(-u * u / 0.8) / np.sqrt(0.8 * np.pi)
    number = slope.evaluate(at, digits=10, method="balls")
    assert float(number) == pytest.approx(1 / np.sum(density * (m[2] - m[1] ** 2 / m[0])), rel=1e-9)
    with pytest.raises(ExistenceError, match="beta1 != 0 fails"):
        slope.evaluate({**at, "beta1": 0}, digits=5, method="balls")
