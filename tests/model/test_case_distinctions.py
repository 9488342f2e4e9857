"""Densities with case distinctions: their parts, and their mass."""

import mpmath
import pytest
import sympy.stats as st
from sympy import (
    Abs,
    DiracDelta,
    Eq,
    FiniteSet,
    I,
    Integer,
    Interval,
    Piecewise,
    Range,
    Rational,
    S,
    Symbol,
    cosh,
    exp,
    gamma,
    oo,
    pi,
    sin,
    sqrt,
)
from sympy.stats.crv_types import ContinuousRV
from sympy.stats.drv_types import DiscreteRV

import leadterms as lt
from leadterms.errors import ModelError
from leadterms.model.case_distinctions import parts_of_density
from leadterms.model.law_reading import read_law
from leadterms.model.laws import FiniteLaw
from leadterms.model.other_laws import StatsLaw

X = Symbol("x", real=True)
HALF = Rational(1, 2)
TENT = Piecewise((X, (X >= 0) & (X <= 1)), (2 - X, (X > 1) & (X <= 2)), (0, True))


def test_parts_of_a_piecewise_density_have_no_conditions():
    law = read_law("Trapezoidal(0, 1, 2, 4)", ("x",))
    assert law.pieces(X) == ((0, 1, 2 * X / 5), (1, 2, Rational(2, 5)), (2, 4, Rational(4, 5) - X / 5))
    assert law.breakpoints == (1, 2)
    # a part without length: the trapezium has no left side
    assert read_law("Trapezoidal(0, 0, 2, 2)", ("x",)).pieces(X) == ((0, 2, HALF),)


def test_support_is_where_a_stated_density_is_not_zero():
    law = read_law(ContinuousRV(X, TENT), ("x",))
    assert law.support == (0, 2)
    assert law.parts(X) == ((0, 1, X), (1, 2, 2 - X))
    assert str(law).startswith("ContinuousRV(Piecewise(")


@pytest.mark.parametrize("k", range(4))
def test_moments_of_sums_of_uniform_variables(k):
    # by the generating function {(e^t - 1)/t}^4
    t = Symbol("t")
    series = (((exp(t) - 1) / t) ** 4).series(t, 0, k + 1).removeO()
    assert read_law("UniformSum(4)", ("x",)).raw_moment(k) == series.coeff(t, k) * gamma(k + 1)


def test_unbounded_parts_have_the_density_beside_them():
    law = read_law(ContinuousRV(X, Piecewise((exp(X) / 2, X < 0), (exp(-X) / 2, True)), Interval(-oo, oo)), ("x",))
    assert law.density_beside(X, oo, -1) == exp(-X) / 2
    assert law.density_beside(X, Integer(0), -1) == exp(X) / 2
    assert law.pieces(X) is None


def test_conditions_that_are_not_straight_leave_a_density_in_one_part():
    assert parts_of_density(Piecewise((X, X**2 < 1), (0, True)), X, (Integer(0), oo)) is None
    a, b, c, d = (Symbol(name, real=True) for name in "abcd")
    assert StatsLaw(st.Trapezoidal("X", a, b, c, d).pspace.distribution).pieces(X) is None


@pytest.mark.parametrize(
    ("variable", "mass"),
    [
        (ContinuousRV(X, 2 * X, Interval(0, 2)), "4"),
        (ContinuousRV(X, exp(-(X**4)), Interval(-oo, oo)), "1.8128"),
        (DiscreteRV(X, HALF**X, S.Naturals0), "2"),
        (DiscreteRV(X, exp(-(X**2)), S.Naturals0), "1.3863"),
        (DiscreteRV(X, 2 * HALF ** Abs(X) / 3, S.Integers), "2"),
        (DiscreteRV(X, exp(-(X**2)), S.Integers), "1.7726"),
        (DiscreteRV(X, HALF ** (-X), Range(-oo, 1)), "2"),
    ],
)
def test_a_density_whose_mass_is_not_one_is_refused(variable, mass):
    with pytest.raises(ModelError, match=rf"RV\(.*\) is not a law: its mass is {mass}\d*, not 1"):
        read_law(variable, ("x",))


STATED = [
    ContinuousRV(X, exp(-(X**4)) / (2 * gamma(Rational(5, 4))), Interval(-oo, oo)),
    ContinuousRV(X, 1 / (pi * cosh(X)), Interval(-oo, oo)),
    DiscreteRV(X, 6 / (pi**2 * X**2), S.Naturals),
    # far out, and narrow: its peak is no node of a rule
    ContinuousRV(X, exp(-((X - 541) ** 2) * 50) * 10 / sqrt(2 * pi), Interval(-oo, oo)),
]


@pytest.mark.parametrize("variable", STATED)
def test_stated_laws_are_read(variable):
    assert read_law(variable, ("x",)).raw_moment(0) == 1


def test_beta_binomial_probabilities_are_rational():
    law = read_law("BetaBinomial(4, 1/2, 1/3)", ("x",))
    expected = [mpmath.binomial(4, k) * mpmath.beta(k + 0.5, 4 - k + 1 / 3) / mpmath.beta(0.5, 1 / 3) for k in range(5)]
    for (_, p), value in zip(law.atoms_with_probability, expected, strict=True):
        assert p.is_Rational
        assert abs(float(p) - value) < 1e-14
    # with parameters: that the probabilities have the sum one is decided
    conditions = read_law("BetaBinomial(2, a, b)", ("x",)).conditions
    assert not any(condition.func.__name__ == "Equality" for condition in conditions)


def test_expectation_under_the_log_link_has_a_closed_form():
    model = lt.Model("y ~ x", family="poisson", laws={"x": "Trapezoidal(0, 1, 2, 4)"})
    value = lt.leading_terms(model)["1"].evaluate({"beta0": "0", "beta1": "1"}, digits=6)
    m = [mpmath.quad(lambda x, k=k: x**k * mpmath.e**x * _trapezium(x), [0, 1, 2, 4]) for k in range(3)]
    assert abs(float(value) - m[2] / (m[0] * m[2] - m[1] ** 2)) < 1e-5


def _trapezium(x):
    return 0.4 * x if x < 1 else 0.4 if x < 2 else 0.2 * (4 - x)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (ContinuousRV(X, 1 + Rational(1, 10**8), Interval(0, 1)), "its mass is 1.00000001, not 1"),
        (ContinuousRV(X, 3 * X - Rational(1, 2), Interval(0, 1)), "its density is negative at 0.0"),
        (ContinuousRV(X, 1 + 2 * sin(2 * pi * X), Interval(0, 1)), "its density is negative at 0.5"),
        (ContinuousRV(X, 1 + I * (X - Rational(1, 2)), Interval(0, 1)), "its density is not real at 0.0"),
        (ContinuousRV(X, 1 + Symbol("b") * X, Interval(0, 1)), "must be in numbers, but b has no value"),
        (ContinuousRV(X, DiracDelta(X - 1), Interval(-oo, oo)), "not a function that numbers can be put in"),
        (DiscreteRV(X, Piecewise((Rational(3, 2), Eq(X, 1)), (-Rational(1, 2), True)), FiniteSet(1, 2)), "positive"),
    ],
)
def test_densities_of_no_law_are_refused(variable, message):
    with pytest.raises(ModelError, match=message):
        read_law(variable, ("x",))


def test_probabilities_on_a_few_points_are_a_finite_law():
    law = read_law(DiscreteRV(X, X / 6, FiniteSet(1, 2, 3)), ("x",))
    assert law == FiniteLaw((1, Rational(1, 6)), (2, Rational(1, 3)), (3, Rational(1, 2)))
