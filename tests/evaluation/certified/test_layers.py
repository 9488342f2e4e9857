"""Bounds of moments in layers of the predictors: above the moments, by sums in double precision, and small far out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.bounds.layers import Layers
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.laws.named_lines import NormalLine
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import interval
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import LaplaceLaw, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, LogisticWeight

Array = Any


def cloglog(eta: Array) -> Array:
    q = np.exp(np.minimum(eta, 6))
    return q**2 / np.expm1(q)


def logistic(eta: Array) -> Array:
    return 1 / (2 + 2 * np.cosh(eta))


def poisson_masses(x: Array) -> Array:
    return np.cumprod(np.concatenate([[np.exp(-2.0)], 2.0 / x[1:]]))


GRID, HALVES = np.linspace(-40, 40, 8001), np.arange(60.0)
LAWS = {
    "normal": (NormalLaw(0, 1), GRID, 0.01 * np.exp(-GRID * GRID / 2) / np.sqrt(2 * np.pi)),
    "laplace": (LaplaceLaw(0, 1), GRID, 0.01 * np.exp(-abs(GRID)) / 2),
    "poisson": (PoissonLaw(2), HALVES, poisson_masses(HALVES)),
}
WEIGHTS = {"cloglog": (CloglogWeight(Integer(1)), cloglog), "logit": (LogisticWeight(Integer(1)), logistic)}
T, DT = np.polynomial.legendre.leggauss(20)


def problem(weight: Any, law: Any, slope: fmpq) -> Problem:
    exponents = ((0, 0), (1, 0), (2, 0), (1, 2))
    return Problem(Strand(weight, (law, UniformLaw(-1, 1)), fmpq(0), (slope, fmpq(1, 3)), (), exponents))


def moment(w: Any, x: Array, p: Array, exponents: tuple[int, int], shift: float, slope: float) -> float:
    eta = shift + slope * x[:, None] + T[None, :] / 3
    k, j = exponents
    return float(np.einsum("i,j,ij->", p * abs(x) ** k, DT / 2 * abs(T) ** j, w(eta)))


def ratio(weight: str, law: str, exponents: tuple[int, int], shift: float, slope: fmpq) -> float:
    """The bound over the moment."""
    kind, w = WEIGHTS[weight]
    stated, x, p = LAWS[law]
    with ball_precision(64):
        given = problem(kind, stated, slope)
        sizes = [line.absolute(k) for line, k in zip(given.lines, exponents, strict=True)]
        side = interval(arb(shift), arb(shift) + arb("0.01"))
        bound = float((Layers(given, exponents).bound(side, given.slopes) * sizes[0] * sizes[1]).upper())
    slope_value = float(slope.p) / float(slope.q)
    return bound / moment(w, x, p, exponents, shift, slope_value)


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("law", LAWS)
def test_bounds_are_above_the_moments(weight: str, law: str) -> None:
    draw = np.random.default_rng(7)
    for shift in (-3.0, 0.0, *draw.uniform(1, 5, 4)):
        for exponents in ((0, 0), (2, 0), (1, 2)):
            slope = fmpq(int(draw.integers(-20, 20)), 20)
            assert ratio(weight, law, exponents, float(shift), slope) >= 1


def test_bounds_fall_with_the_weight() -> None:
    _, x, p = LAWS["normal"]
    exponents, slope = (2, 0), fmpq(1, 10)
    largest = float(cloglog(np.log(1.594)))
    bound = ratio("cloglog", "normal", exponents, 5.0, slope) * moment(cloglog, x, p, exponents, 5.0, 0.1)
    assert bound < 1e-10 * largest


def test_a_false_tail_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = NormalLine.tail

    def tail(self: Line, low: Any, high: Any, power: int, rate: Any) -> Any:
        return whole(self, low, high, power, rate) / 10**9

    monkeypatch.setattr(NormalLine, "tail", tail)
    assert ratio("cloglog", "normal", (2, 0), 5.0, fmpq(1, 2)) < 1


@pytest.mark.parametrize("slope", ["1/100", "1/10"])
def test_a_small_slope_beside_a_random_intercept(slope: str) -> None:
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Normal(0, 1)"})
    point = {"beta0": "-3/10", "beta1": slope, "sigma2": "4/5"}
    number = leading_terms(model)["x"].evaluate(point, digits=12)
    u = np.linspace(-9, 9, 361)
    density = np.exp(-u * u / 2) / np.exp(-u * u / 2).sum()
    x, p = np.polynomial.hermite_e.hermegauss(60)
    w = p / p.sum() * cloglog(-0.3 + np.sqrt(0.8) * u[:, None] + fraction(slope) * x)
    first, second, third = w.sum(axis=1), (w * x).sum(axis=1), (w * x * x).sum(axis=1)
    assert number.certified
    assert float(number.value) == pytest.approx(1 / np.sum(density * (third - second**2 / first)), rel=1e-9)


def fraction(text: str) -> float:
    above, below = text.split("/")
    return int(above) / int(below)
