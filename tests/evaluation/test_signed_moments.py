"""Laplace and logistic predictors as signs times moduli, against closed moments and sums over the law itself."""

from __future__ import annotations

from functools import partial

import mpmath
import numpy as np
import pytest
from sympy import Integer, Rational, Symbol, exp, lambdify, symbols
from sympy.stats.crv_types import LogisticDistribution

import leadterms as lt
from leadterms.evaluation.half_logistic import HalfLogisticLaw
from leadterms.evaluation.signed_moments import SIGN, with_signs
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.laws import ExponentialLaw, LaplaceLaw, NormalLaw, StatsLaw, UniformLaw
from leadterms.model.weights import ExponentialWeight, LogisticWeight
from tests.evaluation.certified.second_terms import both_terms, uniform

x, z, b = symbols("x z b", real=True)
UNIT = UniformLaw(0, 1)
GROWING = ExponentialWeight(Integer(1), Integer(1))


def moment(law, eta=b * x * z + z / 3, weight=GROWING):
    return WeightedMoment(weight, eta, (x, z), (UNIT, law), (((0, 2), Integer(3)), ((1, 1), b)), (x, z))


LOGISTIC = [StatsLaw(LogisticDistribution(*map(Rational, pair))) for pair in [(0, 1), ("1/2", "2/3")]]


@pytest.mark.parametrize("law", [LaplaceLaw(0, 1), LaplaceLaw(Rational(1, 2), Rational(2, 3)), *LOGISTIC], ids=str)
def test_the_mean_is_the_same(law):
    """3 E[z^2 e^eta] + b E[x z e^eta] by closed moments at x = 0.4, and by sums over sign and modulus."""
    at = {b: Rational(1, 4), x: Rational(2, 5)}
    slope = (b * x + Rational(1, 3)).subs(at)
    tilted = law.tilted_moment if isinstance(law, LaplaceLaw) else partial(logistic_moment, law.distribution.args)
    expected = float(3 * tilted(2, slope) + (b * x).subs(at) * tilted(1, slope))
    found = with_signs(moment(law))
    (own, e, s), laws = found.variables, found.laws
    modulus = ExponentialLaw(1 / law.args[1]) if isinstance(law, LaplaceLaw) else HalfLogisticLaw(scale_of(law), 0)
    assert laws == (UNIT, modulus, SIGN)
    assert own == x
    total = mpmath.mpf(0)
    for value, probability in SIGN.atoms_with_probability:
        terms = sum(c * x**i * e**j * s**k for (i, j, k), c in found.polynomial)
        integrand = lambdify(e, (terms * exp(found.eta) * laws[1].density(e)).subs({**at, s: value}), "mpmath")
        total += probability * mpmath.quad(integrand, [0, 5, 20, 80])
    assert float(total) == pytest.approx(expected, rel=1e-9)


def scale_of(law):
    return law.distribution.args[1]


def logistic_moment(arguments, k, t):
    """E[Z^k e^(t Z)], the derivative of e^(mean t) pi s t/sin(pi s t)."""
    mean, scale = map(mpmath.mpmathify, arguments)
    own = mpmath.mpmathify(t)
    return mpmath.diff(lambda u: mpmath.exp(mean * u) / mpmath.sinc(mpmath.pi * scale * u), own, k)


@pytest.mark.parametrize("tilt", ["0", "1/3", "-5/2", "9/10", "1/2"])
def test_tilted_half_logistic_laws(tilt):
    """The density integrates to one, and the mass is that of the half logistic density times the exponential."""
    own = HalfLogisticLaw(Rational(2, 3), Rational(tilt))
    plain = HalfLogisticLaw(Rational(2, 3), 0)
    density, base = (lambdify(x, law.density(x), "mpmath") for law in (own, plain))
    ends = [0, 2, 10, 50, 300]
    assert float(mpmath.quad(density, ends)) == pytest.approx(1, rel=1e-12)
    whole = mpmath.quad(lambda t: base(t) * mpmath.exp(mpmath.mpf(own.args[1].p) / own.args[1].q * t * 1.5), ends)
    assert float(whole) == pytest.approx(float(own.mass), rel=1e-12)
    assert plain.tilted(own.args[1] * Rational(3, 2)) == own
    assert own.exponential_rates[1] == (1 - Rational(tilt)) * Rational(3, 2)


@pytest.mark.parametrize(("family", "rate"), [("poisson", 1), ("gaussian", 2)])
@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("slopes", [("1/3", "-1/2", "1/5", "2/7"), ("1/3", "-1/2", "-3/2", "14/5")])
def test_a_logistic_predictor_in_an_interaction(family, rate, random, slopes):
    """The fixed effects of z and x z by closed moments: over x, and over a product grid of random effects."""
    laws = {"x": "Uniform(0, 1)", "z": "Logistic(1/4, 1/6)"}
    formula = "y ~ x*z + (x | g)" if random else "y ~ x*z"
    result = lt.leading_terms(lt.Model(formula, family=family, link="log", laws=laws))
    at = dict(zip(("beta0", "beta1", "beta2", "beta3"), slopes, strict=True))
    at |= {"Sigma11": "1/4", "Sigma12": "1/10", "Sigma22": "1/2"} if random else {}
    at |= {"phi": 1} if family == "gaussian" else {}
    closed = [[float(logistic_moment((mpmath.mpf("0.25"), mpmath.mpf(1) / 6), k, t)) for k in range(3)]
              for t in mpmath.linspace(-3.6, 3.6, 41)]  # fmt: skip
    fits = [np.polynomial.Chebyshev.fit(np.linspace(-3.6, 3.6, 41), [own[k] for own in closed], 40) for k in range(3)]
    numbers = [float(Rational(text)) for text in slopes]
    if random:
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        root = np.linalg.cholesky([[0.25, 0.1], [0.1, 0.5]])
        effects = np.array([root @ (a, c) for a in nodes for c in nodes])
        chances = np.outer(weights, weights).ravel() / (2 * np.pi)
    else:
        effects, chances = [(0, 0)], np.ones(1)
    found = information(rate, numbers, lambda k, t: fits[k](t), effects)
    if random:
        a, h, c = found[:, :2, :2], found[:, :2, 2:], found[:, 2:, 2:]
        found = c - np.transpose(h, (0, 2, 1)) @ np.linalg.solve(a, h)
    expected = np.linalg.inv(np.einsum("k,kij->ij", chances, found))
    for key, place in (("z", -2), ("x:z", -1)):
        value = result[key].evaluate(at, digits=8, method="balls")
        assert value.certified
        assert float(value.value) == pytest.approx(expected[place, place], rel=1e-6)


def test_what_stays_as_it_is():
    """No product, no polynomial, other weights, other laws."""
    law = LaplaceLaw(0, 1)
    for one in (
        moment(law, eta=x + z),
        moment(law, eta=x * z + exp(x)),
        moment(law, weight=LogisticWeight(Integer(1))),
        moment(NormalLaw(0, 1)),
    ):
        assert with_signs(one) is one


def test_two_of_them_in_powers():
    y = Symbol("y", real=True)
    laws = (LaplaceLaw(0, 1), LaplaceLaw(0, 3), UNIT)
    found = with_signs(WeightedMoment(GROWING, x * y + z * y, (x, z, y), laws, (((2, 3, 1), b),), (x, z, y)))
    assert found.laws == (ExponentialLaw(1), ExponentialLaw(Rational(1, 3)), UNIT, SIGN, SIGN)
    assert found.polynomial == (((2, 3, 1, 2, 3), b),)


def information(rate, slopes, moments, effects):
    """Return E[w a a'] of 1, x, z, xz at each value of the random slope on x, w = e^(rate eta), x uniform on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    v, p = (1 + nodes) / 2, weights / 2
    b0, b1, b2, b3 = slopes
    of_z = [moments(k, rate * (b2 + b3 * v)) for k in range(3)]
    found = []
    for u0, u1 in effects:
        w = p * np.exp(rate * (b0 + u0 + (b1 + u1) * v))
        powers = [(0, 0), (1, 0), (0, 1), (1, 1)]
        found.append([[np.sum(w * v ** (i + k) * of_z[j + m]) for k, m in powers] for i, j in powers])
    return np.array(found)


def laplace(k, t):
    """Return E[Z^k e^(t Z)], Z ~ Laplace(0, 1/2): derivatives of 1/(1 - t^2/4)."""
    d = 1 - t**2 / 4
    return [1 / d, t / 2 / d**2, 1 / (2 * d**2) + t**2 / (2 * d**3)][k]


def exponential(k, t):
    """Return E[Z^k e^(t Z)], Z ~ Exponential(2)."""
    return [2 / (2 - t), 2 / (2 - t) ** 2, 4 / (2 - t) ** 3][k]


@pytest.mark.parametrize(("family", "rate"), [("poisson", 1), ("gaussian", 2)])
@pytest.mark.parametrize("opposed", [("-1", "1/10"), ("1/2", "-9/10"), ("-1/2", "1"), ("0", "3/10")])
def test_slopes_that_oppose_each_other(family, rate, opposed):
    """The slope b2 + b3 x of z has other signs than b2, or is smaller: at the ends 1 or less, below half the rate."""
    laws = {"x": "Uniform(0, 1)", "z": "Laplace(0, 1/3)"}
    result = lt.leading_terms(lt.Model("y ~ x*z", family=family, link="log", laws=laws))
    at = {"beta0": "1/3", "beta1": "-1/2", "beta2": opposed[0], "beta3": opposed[1]}
    value = result["x:z"].evaluate(at | ({"phi": 1} if family == "gaussian" else {}), digits=8, method="balls")
    slopes = (1 / 3, -1 / 2, float(Rational(opposed[0])), float(Rational(opposed[1])))
    own = information(rate, slopes, lambda k, t: laplace(k, t * 2 / 3) * (2 / 3) ** k, [(0, 0)])
    assert value.certified
    assert float(value.value) == pytest.approx(np.linalg.inv(own[0])[3, 3], rel=1e-7)


@pytest.mark.parametrize(("family", "rate"), [("poisson", 1), ("gaussian", 2)])
@pytest.mark.parametrize(("law", "moments"), [("Laplace(0, 1/2)", laplace), ("Exponential(2)", exponential)])
def test_a_random_slope_beside_an_interaction(law, moments, family, rate):
    """1/E[S] of the fixed effects of z and x z, S the Schur complement of 1 and x, over a product grid of effects."""
    result = lt.leading_terms(
        lt.Model("y ~ x*z + (x | g)", family=family, link="log", laws={"x": "Uniform(0, 1)", "z": law})
    )
    at = {"beta0": "1/3", "beta1": "-1/2", "beta2": "1/5", "beta3": "2/7", "Sigma11": "1/4", "Sigma12": "1/10"}
    at |= {"Sigma22": "1/2"} | ({"phi": 1} if family == "gaussian" else {})
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    root = np.linalg.cholesky([[0.25, 0.1], [0.1, 0.5]])
    effects = np.array([root @ (a, c) for a in nodes for c in nodes])
    chances = np.outer(weights, weights).ravel() / (2 * np.pi)
    slopes = (1 / 3, -1 / 2, 1 / 5, 2 / 7)
    found = information(rate, slopes, moments, effects)
    a, h, c = found[:, :2, :2], found[:, :2, 2:], found[:, 2:, 2:]
    schur = c - np.transpose(h, (0, 2, 1)) @ np.linalg.solve(a, h)
    expected = np.linalg.inv(np.einsum("k,kij->ij", chances, schur))
    for key, place in (("z", 0), ("x:z", 1)):
        value = result[key].evaluate(at, digits=8, method="balls")
        assert value.certified
        assert float(value.value) == pytest.approx(expected[place, place], rel=1e-7)


def test_second_terms_beside_a_random_slope():
    """E[H_AA^-1] + R G^-1 R' over a grid of effects, the predictors summed over on panels to both sides of the mean."""
    laws = {"x": "Uniform(0, 1)", "z": "Laplace(1/4, 1/2)"}
    result = lt.expansion(lt.Model("y ~ x*z + (x | g)", family="poisson", laws=laws), terms=2)
    at = {"beta0": "1/3", "beta1": "-1/2", "beta2": "1/5", "beta3": "-2/7"}
    at |= {"Sigma11": "1/4", "Sigma12": "1/10", "Sigma22": "1/2"}
    nodes, weights = np.polynomial.legendre.leggauss(12)
    away = (np.arange(16)[:, None] + (1 + nodes) / 2).ravel()
    masses = np.tile(weights / 2, 16) * np.exp(-2 * away)
    v, p = uniform(0, 1, 16)
    grid = [axis.ravel() for axis in np.meshgrid(v, np.concatenate([0.25 - away, 0.25 + away]), indexing="ij")]
    design = np.stack([np.ones_like(grid[0]), *grid, grid[0] * grid[1]])
    points = design, np.outer(p, np.concatenate([masses, masses])).ravel()
    covariance = [[0.25, 0.1], [0.1, 0.5]]
    _, second = both_terms(np.exp, points, [0, 1], [1 / 3, -1 / 2, 1 / 5, -2 / 7], covariance, step=0.35, reach=7)
    for name, place in (("1", 0), ("x", 1)):
        value = result[name].evaluate(at, digits=5, order="1/(m*n)", method="balls")
        assert value.certified
        assert float(value.value) == pytest.approx(second[place, place], rel=1e-4)
