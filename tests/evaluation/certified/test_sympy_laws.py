"""Logistic regressions on laws of sympy.stats: certified values beside sums over the densities as scipy has them."""

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
import scipy.special
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


def noncentral_chi(x):
    # the length of a normal vector in space
    return x * (scipy.stats.norm.pdf(x - 1) - scipy.stats.norm.pdf(x + 1))


def noncentral_beta(x):
    # a mixture over a Poisson variable
    return sum(scipy.stats.poisson(0.5).pmf(k) * scipy.stats.beta(2 + k, 3).pdf(x) for k in range(20))


def davis(x):
    s = x - 0.5
    return s**-6 / np.expm1(1 / s) / (scipy.special.gamma(5) * scipy.special.zeta(5))


def logit_normal(x):
    return scipy.stats.norm.pdf(np.log(x / (1 - x))) / x / (1 - x)


CONTINUOUS = {
    "Trapezoidal(0, 1, 2, 4)": (scipy.stats.trapezoid(0.25, 0.5, 0, 4).pdf, [0, 1, 2, 4]),
    "UniformSum(3)": (uniform_sum, [0, 1, 2, 3]),
    "ChiNoncentral(3, 1)": (noncentral_chi, [0, 1, 3, 12]),
    "BetaNoncentral(2, 3, 1)": (noncentral_beta, [0, 1]),
    "LogitNormal(0, 1)": (logit_normal, [1e-9, 0.01, 0.1, 0.5, 0.9, 0.99, 1 - 1e-9]),
    TWO_SIDED: (scipy.stats.laplace.pdf, [-30, -4, 0, 4, 30]),
}
DISCRETE = {
    "BetaBinomial(4, 1/2, 1/3)": (np.arange(5), scipy.stats.betabinom(4, 1 / 2, 1 / 3).pmf(np.arange(5))),
    "BetaBinomial(4, 2, 3)": (np.arange(5), scipy.stats.betabinom(4, 2, 3).pmf(np.arange(5))),
    "Skellam(2, 1)": (np.arange(-40, 60), scipy.stats.skellam(2, 1).pmf(np.arange(-40, 60))),
}


def nodes_of(density, ends):
    """Return Gauss-Legendre nodes and masses on pieces, quarters of them."""
    z, m = np.polynomial.legendre.leggauss(40)
    cuts = np.concatenate([np.linspace(*part, 5) for part in pairwise(ends)])
    x = np.concatenate([(a + b) / 2 + (b - a) / 2 * z for a, b in pairwise(cuts)])
    widths = np.concatenate([(b - a) / 2 * m for a, b in pairwise(cuts)])
    return x, widths * density(x)


PROBIT = {
    "LogitNormal(0, 1)": CONTINUOUS["LogitNormal(0, 1)"],
    "Davis(1, 5, 1/2)": (davis, [0.5 + 2.0**k for k in range(-6, 9)]),
}


def weight(eta):
    small = np.exp(-np.abs(eta))
    return small / (1 + small) ** 2


def probit(eta):
    return np.exp(-eta * eta - np.log(2 * np.pi) - scipy.special.log_ndtr(eta) - scipy.special.log_ndtr(-eta))


def information(moments):
    """Return the variance of the slope from moments of the weight at a given random intercept."""
    z, mass = np.polynomial.hermite_e.hermegauss(60)
    total = 0.0
    for u, m in zip(sqrt(0.8) * z, mass / mass.sum(), strict=True):
        m0, m1, m2 = moments(-0.3 + u)
        total += m * (m2 - m1 * m1 / m0)
    return 1 / total


def slope_of(law, link="logit", digits=DIGITS):
    model = lt.Model("y ~ x + (1 | g)", family="bernoulli", link=link, laws={"x": law})
    return lt.leading_terms(model)["x"].evaluate(AT, digits=digits, method="balls")


@pytest.mark.slow
@pytest.mark.parametrize("law", PROBIT)
def test_slope_under_the_probit_link(law):
    x, mass = nodes_of(*PROBIT[law])
    expected = information(lambda shift: [np.sum(mass * x**k * probit(shift + 0.7 * x)) for k in range(3)])
    assert abs(float(slope_of(law, "probit", 4)) / expected - 1) < 6e-4


@pytest.mark.parametrize("law", CONTINUOUS)
def test_slope_on_a_continuous_law(law):
    density, ends = CONTINUOUS[law]

    x, mass = nodes_of(density, ends)
    expected = information(lambda shift: [np.sum(mass * x**k * weight(shift + 0.7 * x)) for k in range(3)])
    assert abs(float(slope_of(law)) / expected - 1) < 6e-5


@pytest.mark.parametrize("law", DISCRETE)
def test_slope_on_a_discrete_law(law):
    x, masses = DISCRETE[law]
    expected = information(lambda shift: [np.sum(masses * x**k * weight(shift + 0.7 * x)) for k in range(3)])
    assert abs(float(slope_of(law)) / expected - 1) < 6e-5


@pytest.mark.slow
def test_slope_on_a_law_without_any_moment():
    law, centre, scale = "LogCauchy(-1/2, 2)", -0.5, 2.0
    # X = e^(centre + scale tan a) with a uniform: beyond e^8 the weight is zero
    ends = [-np.pi / 2, -1.4, -0.5, 0.5, np.arctan((3 - centre) / scale), np.arctan((8 - centre) / scale)]

    def moment(k, shift):
        def value(a):
            x = np.exp(centre + scale * np.tan(a))
            return x**k * weight(shift + 0.7 * x) / np.pi

        return sum(scipy.integrate.quad(value, *part, epsabs=1e-11)[0] for part in pairwise(ends))

    expected = information(lambda shift: [moment(k, shift) for k in range(3)])
    assert abs(float(slope_of(law)) / expected - 1) < 6e-5
