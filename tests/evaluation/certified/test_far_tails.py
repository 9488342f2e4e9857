"""Bounds of the inverse information by the heavy tails of a fixed predictor, against plain sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from scipy.special import logsumexp
from sympy import Integer

from leadterms import Model, expansion
from leadterms.evaluation.certified.floors.far_tails import beside_heavy_tail, between_heavy_tails, tail_of
from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight, Weight
from tests.evaluation.certified.complex_weights import log_cloglog, log_probit
from tests.evaluation.certified.corner_values import corner_log
from tests.evaluation.certified.second_terms import second_term, uniform

Array = Any
CLOGLOG = CloglogWeight(Integer(1))
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


@pytest.mark.parametrize("name", FALLING)
def test_an_intercept_beside_a_heavy_tail(name: str) -> None:
    slopes, loadings = (fmpq(-3, 2), fmpq(1)), ((fmpq(4, 5), fmpq(0), fmpq(0)),)
    law = read_law(name, ("x",))
    strand = Strand(CLOGLOG, (law, UniformLaw(-1, 2)), fmpq(-2, 5), slopes, loadings, ((0, 0),))
    with ball_precision(64):
        found = beside_heavy_tail(PanelInformation([Problem(strand)], [arb(1)]))
    assert found is not None
    for z in (-9.0, -2.0, 0.0, 2.0, 5.0, 9.0, 30.0):
        logs = []
        for side in (-1, 1):
            eta = -0.4 + np.array([-0.7, -0.1, 0.5, 1.1, 1.7])[:, None] + 0.8 * z - 1.5 * side * X
            with np.errstate(divide="ignore"):
                logs.append(logsumexp(log_cloglog(eta) + MASSES + FALLING[name].logpdf(side * X)))
        log_h = logsumexp(logs) - np.log(5) + 2 * np.log(0.8)
        assert -log_h <= logsumexp([corner_log(corner, (z,)) for corner in found])


@pytest.mark.parametrize("name", ["Laplace(1, 2)", "Logistic(-1, 2)", "StudentT(3)", "Cauchy(1, 2)"])
def test_a_probit_intercept_between_heavy_tails(name: str) -> None:
    strand = Strand(
        ProbitWeight(Integer(1)), (read_law(name, ("x",)),), fmpq(-2, 5), (fmpq(3, 2),), ((fmpq(5), fmpq(0)),), ((0,),)
    )
    with ball_precision(64):
        found = between_heavy_tails(PanelInformation([Problem(strand)], [arb(1)]))
    assert found is not None
    for z in (-30.0, -5.0, -0.2, 0.0, 0.1, 0.3, 5.0, 30.0):
        logs = [
            logsumexp(log_probit(-0.4 + 5 * z + 1.5 * side * X) + MASSES + FALLING[name].logpdf(side * X))
            for side in (-1, 1)
        ]
        assert -logsumexp(logs) - 2 * np.log(5) <= logsumexp([corner_log(corner, (z,)) for corner in found])


@pytest.mark.parametrize("weight", [CLOGLOG, ProbitWeight(Integer(1))])
def test_an_intercept_and_a_slope_beside_heavy_tails(weight: Weight) -> None:
    """The slope on a uniform predictor, under the probit link between both tails: lambda by plain sums."""
    loadings = ((fmpq(4, 5), fmpq(0), fmpq(1, 3)), (fmpq(0), fmpq(0), fmpq(3, 2)))
    laws = (read_law("Laplace(1, 2)", ("x",)), UniformLaw(-1, 2))
    strand = Strand(weight, laws, fmpq(-2, 5), (fmpq(-3, 2), fmpq(1)), loadings, ((0, 0),))
    bound = beside_heavy_tail if weight == CLOGLOG else between_heavy_tails
    with ball_precision(64):
        found = bound(PanelInformation([Problem(strand)], [arb(1)]))
    assert found is not None
    nodes, masses = np.polynomial.legendre.leggauss(30)
    v, masses = 0.5 + 1.5 * nodes, masses / 2
    rows = np.stack([0.8 + v / 3, 1.5 * v])
    log_weight = log_cloglog if weight == CLOGLOG else log_probit
    for z in ((0.0, 0.0), (3.0, -2.0), (-5.0, 4.0), (12.0, 3.0), (-8.0, -9.0)):
        logs = np.zeros((2, len(v)))
        for k, side in enumerate((-1, 1)):
            eta = -0.4 + (v + z @ rows)[:, None] - 1.5 * side * X
            logs[k] = logsumexp(log_weight(eta) + MASSES + FALLING["Laplace(1, 2)"].logpdf(side * X), axis=1)
        w = logsumexp(logs, axis=0)
        least = np.linalg.eigvalsh((rows * masses * np.exp(w - w.max())) @ rows.T)[0]
        assert -np.log(least) - w.max() <= logsumexp([corner_log(corner, z) for corner in found])


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
