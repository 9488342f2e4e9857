"""Logistic regressions on laws of sympy.stats: certified values beside sums over the densities as scipy has them."""

from itertools import pairwise
from math import inf, sqrt

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from sympy import Interval, Piecewise, Symbol, exp, oo
from sympy.stats.crv_types import ContinuousRV

import leadterms as lt

X = Symbol("x", real=True)
AT = {"beta0": "-3/10", "beta1": "7/10", "sigma2": "4/5"}
DIGITS = 5
TWO_SIDED = ContinuousRV(X, Piecewise((exp(X) / 2, X < 0), (exp(-X) / 2, True)), Interval(-oo, oo))


def uniform_sum(x, n=3):
    # the convolution of uniform densities by differences: a B-spline
    knots = np.arange(n + 1)
    return scipy.interpolate.BSpline.basis_element(knots, extrapolate=False)(x)


CONTINUOUS = {
    "Trapezoidal(0, 1, 2, 4)": (scipy.stats.trapezoid(0.25, 0.5, 0, 4).pdf, [0, 1, 2, 4]),
    "UniformSum(3)": (uniform_sum, [0, 1, 2, 3]),
    TWO_SIDED: (scipy.stats.laplace.pdf, [-inf, 0, inf]),
}
DISCRETE = {
    "BetaBinomial(4, 1/2, 1/3)": (np.arange(5), scipy.stats.betabinom(4, 1 / 2, 1 / 3).pmf(np.arange(5))),
    "BetaBinomial(4, 2, 3)": (np.arange(5), scipy.stats.betabinom(4, 2, 3).pmf(np.arange(5))),
    "Skellam(2, 1)": (np.arange(-40, 60), scipy.stats.skellam(2, 1).pmf(np.arange(-40, 60))),
}


def weight(eta):
    small = np.exp(-np.abs(eta))
    return small / (1 + small) ** 2


def information(moments):
    """Return the variance of the slope from moments of the weight at a given random intercept."""
    z, mass = np.polynomial.hermite_e.hermegauss(60)
    total = 0.0
    for u, m in zip(sqrt(0.8) * z, mass / mass.sum(), strict=True):
        m0, m1, m2 = moments(-0.3 + u)
        total += m * (m2 - m1 * m1 / m0)
    return 1 / total


def slope_of(law):
    model = lt.Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": law})
    return lt.leading_terms(model)["x"].evaluate(AT, digits=DIGITS, method="balls")


@pytest.mark.parametrize("law", CONTINUOUS)
def test_slope_on_a_continuous_law(law):
    density, ends = CONTINUOUS[law]

    def moment(k, shift):
        parts = pairwise(ends)
        return sum(
            scipy.integrate.quad(lambda x: x**k * density(x) * weight(shift + 0.7 * x), *part, epsabs=1e-11)[0]
            for part in parts
        )

    expected = information(lambda shift: [moment(k, shift) for k in range(3)])
    assert abs(float(slope_of(law)) / expected - 1) < 2e-5


@pytest.mark.parametrize("law", DISCRETE)
def test_slope_on_a_discrete_law(law):
    x, masses = DISCRETE[law]
    expected = information(lambda shift: [np.sum(masses * x**k * weight(shift + 0.7 * x)) for k in range(3)])
    assert abs(float(slope_of(law)) / expected - 1) < 2e-5
