"""Bounds of the inverse information under the complementary log-log link where all rows vanish at zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from scipy.special import logsumexp
from sympy import Integer

from leadterms import Model, expansion
from leadterms.evaluation.certified.floors.near_zero import power_at_zero, rise_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import CloglogWeight
from tests.evaluation.certified.complex_weights import cloglog, log_cloglog
from tests.evaluation.certified.corner_values import corner_log
from tests.evaluation.certified.second_terms import both_terms, uniform

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
T = np.geomspace(1e-12, 4000, 20001)
X, MASSES = np.sqrt(T[1:] * T[:-1]), np.log(np.diff(T))
"""Of integrals over x > 0 where functions vary over many orders of magnitude."""


@pytest.mark.parametrize("name", RISING)
def test_a_density_rises_from_zero_at_least_so(name: str) -> None:
    rise = rise_of(read_law(name, ("x",)))
    assert rise is not None
    x = np.linspace(0, float(rise.reach), 200)[1:]
    assert np.all(RISING[name].pdf(x) >= float(rise.level) * x ** float(rise.power) * (1 - 1e-9))


@pytest.mark.parametrize("name", RISING)
@pytest.mark.parametrize(("load", "slope"), [(0.7, -2.0), (4.0, 1.0)])
def test_a_slope_on_a_law_that_touches_zero(name: str, load: float, slope: float) -> None:
    """Beside a uniform predictor on (-1, 2), whose part is taken at five quantiles here."""
    law = read_law(name, ("x",))
    loadings = ((fmpq(0), fmpq(int(10 * load), 10), fmpq(0)),)
    strand = Strand(CLOGLOG, (law, UniformLaw(-1, 2)), fmpq(-2, 5), (fmpq(int(slope)), fmpq(1)), loadings, ((0, 0),))
    with ball_precision(64):
        power = power_at_zero(Problem(strand), arb(1))
        assert power is not None
        found = [power.corner((1,))]
    for z in (2.0, 5.0, 9.0, 30.0):
        eta = -0.4 + np.array([-0.7, -0.1, 0.5, 1.1, 1.7])[:, None] + (slope + load * z) * X
        log_h = logsumexp(log_cloglog(eta) + MASSES + 2 * np.log(load * X) + RISING[name].logpdf(X)) - np.log(5)
        assert -log_h <= logsumexp([corner_log(corner, (z,)) for corner in found])


TWO = {
    "Uniform(-1, 2)": stats.uniform(-1, 3),
    "Normal(1, 2)": stats.norm(1, 2),
    "Laplace(1/2, 1)": stats.laplace(0.5, 1),
    "Gamma(5/2, 3)": stats.gamma(2.5, scale=3),
}


@pytest.mark.parametrize("names", [("Uniform(-1, 2)", "Normal(1, 2)"), ("Laplace(1/2, 1)", "Gamma(5/2, 3)")])
def test_two_slopes(names: tuple[str, str]) -> None:
    """With correlated effects, beside a uniform predictor; -log lambda by a sum over both signs of both predictors."""
    rows = ((fmpq(0), fmpq(3, 2), fmpq(0), fmpq(0)), (fmpq(0), fmpq(1, 2), fmpq(4, 5), fmpq(0)))
    laws = (*(read_law(name, ("x",)) for name in names), UniformLaw(-1, 2))
    strand = Strand(CLOGLOG, laws, fmpq(-2, 5), (fmpq(-1), fmpq(2), fmpq(1)), rows, ((0, 0, 0),))
    with ball_precision(64):
        power = power_at_zero(Problem(strand), arb(1))
        assert power is not None
        found = {signs: [power.corner(signs)] for signs in ((1, 1), (1, -1), (-1, -1))}
    t = np.geomspace(1e-3, 60, 121)
    half, widths = np.sqrt(t[1:] * t[:-1]), np.diff(t)
    line, widths = np.concatenate([-half[::-1], half]), np.concatenate([widths[::-1], widths])
    x, y = (grid.ravel() for grid in np.meshgrid(line, line))
    mass = np.multiply.outer(widths * TWO[names[1]].pdf(line), widths * TWO[names[0]].pdf(line)).ravel()
    columns = np.stack([1.5 * x, 0.5 * x + 0.8 * y])
    for signs, corners in found.items():
        for size in ((0.5, 3.0), (9.0, 2.0), (20.0, 20.0)):
            z = np.array(signs) * size
            logs = [log_cloglog(-0.4 + v - x + 2 * y + z @ columns) for v in (-0.7, -0.1, 0.5, 1.1, 1.7)]
            w = logsumexp(logs, axis=0) - np.log(5)
            block = (columns * mass * np.exp(w - w.max())) @ columns.T
            least = np.linalg.eigvalsh(block)[0]
            assert -np.log(least) - w.max() <= logsumexp([corner_log(corner, z) for corner in corners])


def test_a_slope_and_that_on_a_square() -> None:
    """Rows x and x^2 of a uniform predictor: lambda by a sum."""
    rows = ((fmpq(0), fmpq(1), fmpq(1, 3)), (fmpq(0), fmpq(0), fmpq(6, 5)))
    strand = Strand(
        CLOGLOG, (UniformLaw(-1, 2),), fmpq(-2, 5), (fmpq(-1), fmpq(2)), rows, ((0,),), monomials=((1,), (2,))
    )
    t = np.geomspace(1e-9, 2, 20001)
    half, widths = np.sqrt(t[1:] * t[:-1]), np.diff(t) / 3
    x, mass = np.concatenate([-half, half]), np.concatenate([np.where(half < 1, widths, 0), widths])
    columns = np.stack([x + x**2 / 3, 1.2 * x**2])
    for signs in ((1, 1), (1, -1), (-1, -1)):
        with ball_precision(64):
            power = power_at_zero(Problem(strand), arb(1))
            assert power is not None
            corners = [power.corner(signs)]
        for size in ((0.5, 3.0), (9.0, 2.0), (20.0, 20.0)):
            z = np.array(signs) * size
            w = log_cloglog(-0.4 - x + 2 * x**2 + z @ columns)
            least = np.linalg.eigvalsh((columns * mass * np.exp(w - w.max())) @ columns.T)[0]
            assert -np.log(least) - w.max() <= logsumexp([corner_log(corner, z) for corner in corners])


def test_no_bound_where_a_row_has_a_constant_or_a_predictor_no_density_at_zero() -> None:
    row = (fmpq(0), fmpq(1))
    with ball_precision(64):
        for law, own in ((UniformLaw(1, 2), row), (UniformLaw(0, 2), (fmpq(1), fmpq(1)))):
            strand = Strand(CLOGLOG, (law,), fmpq(0), (fmpq(1),), (own,), ((0,),))
            assert power_at_zero(Problem(strand), arb(1)) is None


@pytest.mark.slow
def test_second_terms_of_slopes_on_a_predictor_and_its_square() -> None:
    model = Model(
        "y ~ x + I(x**2) + (0 + x + I(x**2) | g)",
        family="bernoulli",
        link="cloglog",
        laws={"x": "Uniform(-1, 1)"},
    )
    at = "beta0=-0.3, beta1=0.7, beta2=0.4, Sigma11=1/50, Sigma12=1/200, Sigma22=1/60"
    found = expansion(model)["x"].evaluate(at, 2, order="1/(m*n)", method="balls")
    x, masses = uniform(-1, 1)
    design = np.stack([np.ones_like(x), x, x**2])
    covariance = [[1 / 50, 1 / 200], [1 / 200, 1 / 60]]
    _, exact = both_terms(cloglog, (design, masses), [1, 2], (-0.3, 0.7, 0.4), covariance)
    assert abs(float(found.value) - exact[0, 0]) <= float(found.error) + 1e-9
