"""Bounds of the inverse information under the complementary log-log link where nothing falls, against plain sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from scipy.special import logsumexp
from sympy import Integer

from leadterms import Model, expansion
from leadterms.evaluation.certified.far_tails import at_zero, beside_heavy_tail, between_heavy_tails, rise_of, tail_of
from leadterms.evaluation.certified.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight
from tests.evaluation.certified.complex_weights import log_probit
from tests.evaluation.certified.second_terms import second_term, uniform

Array = Any
CLOGLOG = CloglogWeight(Integer(1))
RISING = {
    "Uniform(0, 3)": stats.uniform(0, 3),
    "Triangular(0, 2, 0)": stats.triang(0, 0, 2),
    "Triangular(0, 2, 1/2)": stats.triang(0.25, 0, 2),
    "Beta(1/2, 3)": stats.beta(0.5, 3),
    "Beta(3, 1/2)": stats.beta(3, 0.5),
    "Exponential(2)": stats.expon(scale=0.5),
    "Gamma(5/2, 3)": stats.gamma(2.5, scale=3),
}
FALLING = {
    "Laplace(1, 2)": stats.laplace(1, 2),
    "Exponential(2)": stats.expon(scale=0.5),
    "Gamma(5/2, 3)": stats.gamma(2.5, scale=3),
    "Gamma(1/3, 3)": stats.gamma(1 / 3, scale=3),
    "Logistic(-1, 2)": stats.logistic(-1, 2),
    "StudentT(3)": stats.t(3),
    "Cauchy(1, 2)": stats.cauchy(1, 2),
}
T = np.geomspace(1e-12, 4000, 20001)
X, MASSES = np.sqrt(T[1:] * T[:-1]), np.log(np.diff(T))
"""Of integrals over x > 0 where functions vary over many orders of magnitude."""


def log_cloglog(eta: Array) -> Array:
    """Return log w, also where e^eta is no double."""
    q = np.exp(np.minimum(eta, 700))
    return np.where(eta < -20, eta, 2 * eta - np.where(q < 30, np.log(np.expm1(np.clip(q, 1e-9, 30))), q))


@pytest.mark.parametrize("name", RISING)
def test_a_density_rises_from_zero_at_least_so(name: str) -> None:
    rise = rise_of(read_law(name, ("x",)))
    assert rise is not None
    x = np.linspace(0, float(rise.reach), 200)[1:]
    assert np.all(RISING[name].pdf(x) >= float(rise.level) * x ** float(rise.power) * (1 - 1e-9))


@pytest.mark.parametrize("name", FALLING)
def test_a_tail_is_at_least_exponential(name: str) -> None:
    x = np.linspace(0, 200, 4001)[1:]
    for side in (-1, 1):
        tail = tail_of(read_law(name, ("x",)), side)
        if tail is None:
            assert side < 0
            assert FALLING[name].cdf(0) == 0
            continue
        beyond = x[x >= float(tail.start)]
        assert np.all(FALLING[name].logpdf(side * beyond) >= -float(tail.level) - float(tail.rate) * beyond - 1e-9)


def corners_at(found: Any, z: float) -> float:
    return float(logsumexp([float(corner.level) + float(corner.tilt[0]) * z for corner in found]))


@pytest.mark.parametrize("name", RISING)
@pytest.mark.parametrize(("load", "slope"), [(0.7, -2.0), (4.0, 1.0)])
def test_a_slope_on_a_law_that_touches_zero(name: str, load: float, slope: float) -> None:
    """Beside a uniform predictor on (-1, 2), whose part is taken at five quantiles here."""
    law = read_law(name, ("x",))
    loadings = ((fmpq(0), fmpq(int(10 * load), 10), fmpq(0)),)
    strand = Strand(CLOGLOG, (law, UniformLaw(-1, 2)), fmpq(-2, 5), (fmpq(int(slope)), fmpq(1)), loadings, ((0, 0),))
    with ball_precision(64):
        found = at_zero(Problem(strand), arb(1), 1)
    assert found is not None
    for z in (2.0, 5.0, 9.0, 30.0):
        eta = -0.4 + np.array([-0.7, -0.1, 0.5, 1.1, 1.7])[:, None] + (slope + load * z) * X
        log_h = logsumexp(log_cloglog(eta) + MASSES + 2 * np.log(load * X) + RISING[name].logpdf(X)) - np.log(5)
        assert -log_h <= corners_at(found, z)


@pytest.mark.parametrize("name", FALLING)
def test_an_intercept_beside_a_heavy_tail(name: str) -> None:
    slopes, loadings = (fmpq(-3, 2), fmpq(1)), ((fmpq(4, 5), fmpq(0), fmpq(0)),)
    law = read_law(name, ("x",))
    strand = Strand(CLOGLOG, (law, UniformLaw(-1, 2)), fmpq(-2, 5), slopes, loadings, ((0, 0),))
    with ball_precision(64):
        found = beside_heavy_tail(Problem(strand), arb(1))
    assert found is not None
    for z in (-9.0, -2.0, 0.0, 2.0, 5.0, 9.0, 30.0):
        logs = []
        for side in (-1, 1):
            eta = -0.4 + np.array([-0.7, -0.1, 0.5, 1.1, 1.7])[:, None] + 0.8 * z - 1.5 * side * X
            with np.errstate(divide="ignore"):
                logs.append(logsumexp(log_cloglog(eta) + MASSES + FALLING[name].logpdf(side * X)))
        log_h = logsumexp(logs) - np.log(5) + 2 * np.log(0.8)
        assert -log_h <= corners_at(found, z)


@pytest.mark.parametrize("name", ["Laplace(1, 2)", "Logistic(-1, 2)", "StudentT(3)", "Cauchy(1, 2)"])
def test_a_probit_intercept_between_heavy_tails(name: str) -> None:
    strand = Strand(
        ProbitWeight(Integer(1)), (read_law(name, ("x",)),), fmpq(-2, 5), (fmpq(3, 2),), ((fmpq(5), fmpq(0)),), ((0,),)
    )
    with ball_precision(64):
        found = between_heavy_tails(Problem(strand), arb(1))
    assert found is not None
    for z in (-30.0, -5.0, -0.2, 0.0, 0.1, 0.3, 5.0, 30.0):
        logs = [
            logsumexp(log_probit(-0.4 + 5 * z + 1.5 * side * X) + MASSES + FALLING[name].logpdf(side * X))
            for side in (-1, 1)
        ]
        assert -logsumexp(logs) - 2 * np.log(5) <= corners_at(found, z)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "points"),
    [
        ("Uniform(0, 1)", uniform(0, 1)),
        ("Finite({-1: 1/4, 0: 1/2, 2: 1/4})", (np.array([-1.0, 0, 2]), np.array([0.25, 0.5, 0.25]))),
    ],
)
def test_second_terms_of_a_slope(law: str, points: tuple[Array, Array]) -> None:
    entry = expansion(Model("y ~ x + (0 + x | g)", family="bernoulli", link="cloglog", laws={"x": law}))["x"]
    found = entry.evaluate("beta0=-0.3, beta1=0.7, sigma2=0.4", 2, order="1/(m*n)", method="balls")
    exact = second_term(lambda eta: np.exp(log_cloglog(eta)), points, [1], (-0.3, 0.7), [[0.4]], 0, step=0.02)
    assert abs(float(found.value) - exact) <= float(found.error) + 1e-6 * exact


@pytest.mark.slow
def test_second_terms_of_an_intercept_beside_a_heavy_tail() -> None:
    entry = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Exponential(1)"}))["1"]
    found = entry.evaluate("beta0=-0.3, beta1=-0.7, sigma2=0.4", 2, order="1/(m*n)", method="balls")
    x, masses = uniform(0, 60, 400)
    points = (x, 60 * masses * np.exp(-x))
    exact = second_term(lambda eta: np.exp(log_cloglog(eta)), points, [0], (-0.3, -0.7), [[0.4]], 0, step=0.05)
    assert abs(float(found.value) - exact) <= float(found.error) + 1e-6 * exact
