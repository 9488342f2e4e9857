"""Where exponentials of products of predictors have finite means, against integrals over boxes that grow."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from sympy import Rational, Symbol, Tuple, lambdify, symbols, sympify
from sympy.stats import LogNormal, Pareto, Rayleigh, StudentT

from leadterms import Model, leading_terms
from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.coupled_exponents import coupled_conditions
from leadterms.model.laws import ExponentialLaw, GammaLaw, LaplaceLaw, PoissonLaw, StatsLaw, UniformLaw
from leadterms.notation.conditions import shown

x, z, y, b1, b2, b3 = symbols("x z y b1 b2 b3", real=True)
t = Symbol("t", positive=True)
UNIT, GAMMA, COUNTS = UniformLaw(0, 1), GammaLaw(2, 1), PoissonLaw(2)
STUDENT = StatsLaw(StudentT("X", 3).pspace.distribution)
PARETO = StatsLaw(Pareto("X", 1, 3).pspace.distribution)
HALF = StatsLaw(Rayleigh("X", 1).pspace.distribution)
SLOW = StatsLaw(LogNormal("X", 0, Rational(1, 2)).pspace.distribution)
PRODUCT = b1 * x + b2 * z + b3 * x * z


def conditions(exponent, *bindings):
    return {shown(one) for one in coupled_conditions(exponent, [Tuple(*binding) for binding in bindings])}


@pytest.mark.parametrize(
    ("exponent", "bindings", "expected"),
    [
        (PRODUCT, [(x, UNIT), (z, GAMMA)], {"1 - b2 > 0", "-b2 - b3 + 1 > 0"}),
        (PRODUCT, [(x, UNIT), (z, ExponentialLaw(t))], {"-b2 + t > 0", "-b2 - b3 + t > 0"}),
        (PRODUCT, [(x, UNIT), (z, COUNTS)], set()),
        (PRODUCT, [(x, UniformLaw(-2, 3)), (z, GAMMA)], {"-b2 + 2*b3 + 1 > 0", "-b2 - 3*b3 + 1 > 0"}),
        (PRODUCT, [(x, GAMMA), (z, GammaLaw(3, 2))], {"1 - b1 > 0", "1/2 - b2 > 0", "-b3 >= 0"}),
        (PRODUCT, [(x, COUNTS), (z, GAMMA)], {"1 - b2 > 0", "-b3 >= 0"}),
        (PRODUCT, [(x, COUNTS), (z, COUNTS)], {"-b3 >= 0"}),
        (
            PRODUCT,
            [(x, UNIT), (z, LaplaceLaw(0, 1))],
            {"1 - b2 > 0", "-b2 - b3 + 1 > 0", "b2 + 1 > 0", "b2 + b3 + 1 > 0"},
        ),
        (b2 * z + b3 * x**2 * z, [(x, UniformLaw(-1, 1)), (z, GAMMA)], {"1 - b2 > 0", "-b2 - b3 + 1 > 0"}),
        (
            z * (b1 * x + b2 * x**2),
            [(x, UNIT), (z, GAMMA)],
            {"-b1*x - b2*x**2 + 1 > 0 for all x in [0, 1]"},
        ),
        (PRODUCT, [(x, UNIT), (z, SLOW)], {"-b2 >= 0", "-b2 - b3 >= 0"}),
        (PRODUCT, [(x, GAMMA), (z, SLOW)], {"1 - b1 > 0", "-b2 >= 0", "-b3 >= 0"}),
        (PRODUCT, [(x, UNIT), (z, PARETO)], {"-b2 > 0", "-b2 - b3 > 0"}),
        (b3 * x * z, [(x, UNIT), (z, SLOW)], {"-b3 >= 0"}),
        (
            x * z * b1 + x * y * b2 + z * y * b3,
            [(x, UNIT), (z, GAMMA), (y, GAMMA)],
            {"1 - b1 > 0", "1 - b2 > 0", "-b3 >= 0"},
        ),
    ],
)
def test_conditions(exponent, bindings, expected):
    assert conditions(exponent, *bindings) == expected


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.4), (0.5, 0.6), (1.1, -0.5), (0.9, -3)])
def test_a_bounded_and_an_unbounded_predictor_by_sums(first, second):
    """E[z^2 e^(b2 z + b3 x z)] over growing ranges of z settles where the conditions hold, and only there."""
    found = coupled_conditions(PRODUCT, [Tuple(x, UNIT), Tuple(z, GAMMA)])
    holds = all(condition.subs({b2: first, b3: second}) for condition in found)
    middles = (np.arange(2000) + 0.5)[:, None] / 2000
    parts = []
    for low, high in ((0, 150), (150, 300), (300, 450)):
        at = np.linspace(low, high, 3001)
        # the density of Gamma(2, 1) is z e^-z
        parts.append(np.sum(at**3 * np.exp((first - 1 + second * middles) * at)))
    assert bool(parts[2] < parts[1] / 2 and parts[1] < parts[0] / 2) is holds


@pytest.mark.parametrize(("first", "second"), [(-0.3, 0.2), (-0.3, 0.4), (0.3, -0.9)])
def test_a_predictor_that_falls_slowly_by_its_terms(first, second):
    """E[z^2 e^(b2 z + b3 x z)] over z ~ LogNormal: parts far out fall where the conditions hold, and only there."""
    found = coupled_conditions(PRODUCT, [Tuple(x, UNIT), Tuple(z, SLOW)])
    holds = all(condition.subs({b2: first, b3: second}) for condition in found)
    middles = (np.arange(4000) + 0.5)[:, None] / 4000
    parts = []
    for low, high in ((200, 400), (400, 600)):
        at = np.linspace(low, high, 3001)
        density = np.exp(-2 * np.log(at) ** 2) / at
        parts.append(np.sum(at**2 * density * np.exp((first + second * middles) * at)))
    assert bool(parts[1] < parts[0]) is holds


@pytest.mark.parametrize("b3_value", ["0.05", "-0.05"])
@pytest.mark.parametrize(("first", "second"), [(GAMMA, GAMMA), (COUNTS, GAMMA), (COUNTS, COUNTS)])
def test_two_unbounded_predictors_by_their_terms(first, second, b3_value):
    """The integrand on the diagonal falls where the conditions hold, and rises beyond all bounds where they do not."""
    at = {b1: Rational(1, 3), b2: Rational(1, 4), b3: Rational(b3_value)}
    found = coupled_conditions(PRODUCT, [Tuple(x, first), Tuple(z, second)])
    holds = all(condition.subs(at) for condition in found)
    exponent = lambdify((x, z), PRODUCT.subs(at), "mpmath")
    densities = [lambdify(x, law.density(x), "mpmath") for law in (first, second)]
    near, far = (
        mpmath.exp(exponent(v, v)) * densities[0](v) * densities[1](v) for v in (mpmath.mpf(100), mpmath.mpf(900))
    )
    assert (far < near) is holds


@pytest.mark.parametrize(
    ("exponent", "bindings", "error", "message"),
    [
        (PRODUCT, [(x, UNIT), (z, STUDENT)], ExistenceError, "infinite for z ~ StudentT.*outgrows the laws"),
        # at x = 0 the slope of z is zero: E z^k decides
        (b3 * x * z, [(x, UNIT), (z, PARETO)], UndecidedError, "slower than any exponential.*coefficient of z is zero"),
        (z - x * z, [(x, UNIT), (z, SLOW)], ExistenceError, "infinite for z ~ LogNormal"),
        # E[x^2 z^2 e^z] at a slope of zero of x*z has E[x^2], infinite under Pareto(1, 3/2)
        (
            z + b3 * x * z,
            [(x, StatsLaw(Pareto("x", 1, Rational(3, 2)).pspace.distribution)), (z, GAMMA)],
            UndecidedError,
            "for x ~ Pareto",
        ),
        (x * z, [(x, GAMMA), (z, GAMMA)], ExistenceError, "outgrows the laws"),
        (b2 * z + 2 * x * z, [(x, UNIT), (z, GAMMA)], None, ""),
        (2 * z + b3**2 * x * z, [(x, UNIT), (z, GAMMA)], ExistenceError, "outgrows the laws"),
        (b2 * z + b3**2 * z**2, [(z, GAMMA)], ExistenceError, "grows like the square of z"),
        (PRODUCT, [(x, HALF), (z, HALF)], UndecidedError, "outweigh the exponential of their product is not known"),
        (b2 * z - z**2 + b3 * z * x, [(x, UNIT), (z, GAMMA)], None, ""),
    ],
)
def test_refusals(exponent, bindings, error, message):
    laws = [Tuple(*binding) for binding in bindings]
    if error is None:
        # no refusal: a condition, or left to others
        coupled_conditions(exponent, laws)
        return
    with pytest.raises(error, match=message):
        coupled_conditions(exponent, laws)


@pytest.mark.parametrize("law", ["Gamma(2, 1)", "Exponential(3/2)", "Poisson(2)"])
def test_an_interaction_under_the_log_link(law):
    """The slope's variance, against the closed moments of z given x integrated over x by mpmath."""
    result = leading_terms(Model("y ~ x*z", family="poisson", laws={"x": "Uniform(0, 1)", "z": law}))
    at = {"beta0": "1/3", "beta1": "-1/2", "beta2": "-1/5", "beta3": "-2/3"}
    z_law = {"Gamma(2, 1)": GAMMA, "Exponential(3/2)": ExponentialLaw(Rational(3, 2)), "Poisson(2)": COUNTS}[law]
    closed = [lambdify(t, z_law.tilted_moment(k, t), "mpmath") for k in range(3)]

    def entry(i, j):
        return mpmath.quad(
            lambda v: mpmath.exp(mpmath.mpf(1) / 3 - v / 2) * v**i * closed[j](mpmath.mpf(-1) / 5 - 2 * v / 3), [0, 1]
        )

    powers = [(0, 0), (1, 0), (0, 1), (1, 1)]
    matrix = mpmath.matrix([[entry(i + k, j + m) for k, m in powers] for i, j in powers])
    value = result["x"].evaluate(at, digits=8, method="balls")
    assert float(value.value) == pytest.approx(float((matrix**-1)[1, 1]), rel=1e-7)


def test_a_square_of_a_normal_beside_a_bounded_predictor():
    """E e^(b x^2 z) with x normal is that of (1 - 2 b z)^(-1/2): finite where 1 > 2 b at the ends of z."""
    result = leading_terms(
        Model("y ~ I(x**2):z + x", family="poisson", laws={"x": "Normal(0, 1)", "z": "Uniform(0, 1)"})
    )
    assert result.conditions == ("1 - 2*beta2 > 0",)
    at = {"beta0": "1/3", "beta1": "1/5", "beta2": "1/2"}
    with pytest.raises(ExistenceError, match=r"the condition 1 - 2\*beta2 > 0 fails"):
        result["x"].evaluate(at, digits=4)


@pytest.mark.parametrize(("law", "variance"), [("LogNormal(0, 1)", "exp(2) - exp(1)"), ("Weibull(1, 1/2)", "20")])
def test_a_slope_of_zero_of_a_law_with_all_moments(law, variance):
    """E[z^k e^(0 z)] is a moment: the variance of the slope is 1/Var(z)."""
    result = leading_terms(Model("y ~ z", family="poisson", laws={"z": law}))
    assert result.conditions == ("beta1 <= 0",)
    value = result["z"].evaluate({"beta0": 0, "beta1": 0}, digits=8, method="balls")
    assert float(value.value) == pytest.approx(1 / float(sympify(variance)), rel=1e-7)
    with pytest.raises(ExistenceError, match="beta1 <= 0 fails"):
        result["z"].evaluate({"beta0": 0, "beta1": "1e-30"}, digits=8)


def test_a_slope_of_zero_of_other_laws_is_refused():
    result = leading_terms(Model("y ~ z", family="poisson", laws={"z": "Pareto(1, 3)"}))
    assert result.conditions == ("beta1 < 0",)


def test_a_normal_predictor_in_a_product_with_one_that_falls_slowly_is_refused():
    with pytest.raises(ExistenceError, match="grows like the square of z"):
        leading_terms(Model("y ~ x*z", family="poisson", laws={"x": "Normal(0, 1)", "z": "Gamma(2, 1)"}))


@pytest.mark.parametrize("random", ["(x | g)", "(x*z | g)"])
def test_the_same_beside_random_slopes(random):
    with pytest.raises(ExistenceError, match="grows like the square of z"):
        leading_terms(
            Model(f"y ~ x*z + {random}", family="poisson", laws={"x": "Normal(0, 1)", "z": "LogNormal(0, 1/2)"})
        )


def test_random_slopes_on_bounded_predictors_change_nothing():
    laws = {"x": "Uniform(0, 1)", "z": "Exponential(1)"}
    fixed = leading_terms(Model("y ~ x*z + (1 | g)", family="poisson", laws=laws))
    moved = leading_terms(Model("y ~ x*z + (x | g)", family="poisson", laws=laws))
    assert fixed.conditions == ("1 - beta2 > 0", "-beta2 - beta3 + 1 > 0")
    assert set(moved.conditions) == {"Sigma11*Sigma22 - Sigma12**2 > 0", *fixed.conditions}


def test_random_slopes_on_unbounded_predictors_are_refused():
    with pytest.raises((UndecidedError, ExistenceError), match=r"random|bounded"):
        leading_terms(Model("y ~ x*z + (0 + z | g)", family="poisson", laws={"x": "Uniform(0, 1)", "z": "Gamma(2, 1)"}))
