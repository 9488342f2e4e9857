"""A heavy-tailed predictor beside random slopes, averaged over before all others: against sums in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from scipy.interpolate import CubicSpline

from leadterms import Model, expansion, leading_terms
from leadterms.evaluation.averaged_weight import AveragedWeight
from leadterms.evaluation.certified.moments.folding import folded
from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.moment_system import NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.second_terms import both_terms
from tests.evaluation.certified.test_falls import EXPONENTS, HEAVY, WEIGHTS

Array = Any
ETA = np.arange(-60, 60.001, 0.05)
"""With this step sums over eta are those of the trapezoidal rule for functions with poles at a height of one."""
NORMAL = np.linspace(-8, 8, 321)
MASSES = stats.norm.pdf(NORMAL) * (NORMAL[1] - NORMAL[0])


def averaged(link: str, law: str, slope: float, power: int, *, turns: bool = False) -> Any:
    base = WEIGHTS[link][0]
    weight = AveragedWeight(
        base.scale, base=base, law=read_law(law, ("x",)), slope=fmpq(round(100 * slope), 100), power=power,
        turns=turns, known={},
    )  # fmt: skip
    return weight_balls(weight)


def average(link: str, law: str, slope: float, y: Array, power: int) -> Array:
    """E[x^k w(y + b x)] over eta."""
    x = (ETA[None, :] - np.atleast_1d(y)[:, None]) / slope
    parts = np.exp(WEIGHTS[link][1](ETA)) * HEAVY[law].pdf(x) * x**power
    return np.sum(parts, axis=1) * (ETA[1] - ETA[0]) / abs(slope)


CASES = [("logit", "Cauchy(1, 2)", 0.7), ("probit", "StudentT(3/2)", -1.3), ("cloglog", "StudentT(2)", 1.1)]


@pytest.mark.parametrize(("link", "law", "slope"), CASES)
def test_values_and_bounds(link: str, law: str, slope: float) -> None:
    with ball_precision(64):
        for power in (0, 1, 2):
            weight = averaged(link, law, slope, power)
            for y in (-17.3, -0.4, 2.6, 41.0):
                value, true = weight.at(arb(y)), average(link, law, slope, y, power)[0]
                assert abs(float(value) - true) <= float(value.rad()) + 1e-9 * (1 + abs(true))
                assert value.rad() < 1e-9
                near = arb(abs(y) - 1)
                ends = (near, None) if y > 0 else (None, -near)
                assert abs(true) <= weight.modulus(*ends, arb(0)) <= 1e3 * abs(true)


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = averaged("logit", "Cauchy(1, 2)", 0.7, 2)
    monkeypatch.setattr(type(weight), "_bound", lambda balls, power, near, height: arb("1e-12"))
    value = weight.at(arb("0.4"))
    assert abs(float(value) - average("logit", "Cauchy(1, 2)", 0.7, 0.4, 2)[0]) > float(value.rad()) + 1e-4


def test_the_density_turns_by_no_more_than_its_angle() -> None:
    """Over all points: and at the worst one by all of it."""
    for law, nu, scale, slope in (("Cauchy(1, 2)", 1.0, 2.0, 0.7), ("StudentT(2)", 2.0, 2**0.5, -1.3)):
        weight = averaged("probit", law, slope, 0, turns=True)
        height = 0.6 * scale * abs(slope)
        xi = np.linspace(-8, 8, 4001)
        power = -(nu + 1) / 2
        turned = (1 + (xi + 0.6j) ** 2) ** power / (1 + xi**2) ** power
        angle, gain = float(weight.angle(arb(height))), float(weight.gain(arb(height)))
        assert np.max(abs(np.angle(turned))) == pytest.approx(angle, rel=1e-5)
        assert np.max(abs(np.angle(turned))) <= angle * (1 + 1e-12)
        assert np.max(abs(turned)) == pytest.approx(gain, rel=1e-9)
        assert not weight.angle(arb(1.01 * scale * abs(slope))).is_finite()


def matrix(link: str, u: complex) -> Array:
    """E[w (1, x, z)(1, x, z)'] for eta = -0.3 + 0.7 x + (0.5 + u) z, x Cauchy(1, 2) and z normal, over eta."""
    y = -0.3 + (0.5 + u) * NORMAL[:, None]
    x = (ETA[None, :] - y) / 0.7
    density = 1 / (2 * np.pi * (1 + ((x - 1) / 2) ** 2))
    weights = MASSES[:, None] * np.exp(WEIGHTS[link][1](ETA)) * density * (ETA[1] - ETA[0]) / 0.7
    z = NORMAL[:, None]
    columns = (1 + 0 * x, x, z + 0 * x)
    return np.array([[np.sum(weights * one * other) for one in columns] for other in columns])


def residual(link: str, u: complex) -> complex:
    """The complement of z in (z, x)."""
    found = matrix(link, u)
    return complex(found[1, 1] - found[1, 2] ** 2 / found[2, 2])


@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_complements_are_bounded_off_the_line(link: str) -> None:
    """|S| <= sec^2(angle) gain times S at the real point, with z up to 8: the angle is that of |Im u| 8."""
    weight = averaged(link, "Cauchy(1, 2)", 0.7, 0, turns=True)
    for real in (-2.0, 0.3, 1.5):
        for imaginary in (0.05, 0.12):
            angle, gain = (float(part(arb(8 * imaginary))) for part in (weight.angle, weight.gain))
            bound = gain / np.cos(angle) ** 2 * residual(link, real).real
            assert abs(residual(link, real + 1j * imaginary)) <= bound * (1 + 1e-9)


@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_inverses_and_moments_are_bounded_off_the_line(link: str) -> None:
    """1/E[z^2 w] and E[x z w] at complex effects, against the factor's parts and what bounds them at real ones."""
    weight = averaged(link, "Cauchy(1, 2)", 0.7, 1, turns=True)
    largest = float(weight.modulus(None, None, arb(0))) * np.sum(MASSES * abs(NORMAL))
    for u in (-2.0 + 0.05j, 0.3 + 0.12j, 1.5 + 0.12j):
        height = arb(8 * u.imag)
        angle, gain, loss, stretch = (
            float(part(height)) for part in (weight.angle, weight.gain, weight.loss, weight.stretch)
        )
        at = [matrix(link, one) for one in (u, u.real)]
        assert abs(1 / at[0][2, 2]) <= loss / np.cos(angle) / at[1][2, 2].real * (1 + 1e-9)
        assert abs(at[0][1, 2]) <= largest * gain * stretch


def test_what_is_folded() -> None:
    laws = tuple(read_law(text, (name,)) for text, name in (("Cauchy(1, 2)", "x"), ("Normal(0, 1)", "z")))
    slopes, row = (fmpq(1), fmpq(1)), (fmpq(0), fmpq(0), fmpq(1))
    strand = Strand(WEIGHTS["probit"][0], laws, fmpq(0), slopes, (row,), EXPONENTS)
    system = NumericSystem((strand,), lambda m: list(m))
    known = replace(system, shares=(fmpq(1),), columns=(({(1, 0): fmpq(1)},),))
    found = folded(known)
    assert [part.moments for part in found.strands] == [((0,), (1,), (2,)), ((0,), (1,)), ((0,),)]
    # z^0, z, z^2, x, x z, x^2
    assert found.integrand([0, 2, 5, 1, 4, 3]) == [0, 1, 2, 3, 4, 5]
    assert found.whole is known
    # on two strands a column is a multiple of eta where it is on both, with one slope
    steeper = replace(strand, slopes=(fmpq(2), fmpq(1)))
    one, none = {(1, 0): fmpq(1)}, {(0, 1): fmpq(1)}
    for second, column, known_there in (
        (strand, (one, one), True),
        (strand, (one, none), False),
        (steeper, (one, one), False),
        (steeper, (none, none), True),
    ):
        two = replace(system, strands=(strand, second), shares=(fmpq(1), fmpq(1)), columns=(column,))
        assert (folded(two) is not two) == known_there
    # without what is known of complements nothing is known of complex effects under this weight
    other = replace(system, strands=(replace(strand, weight=WEIGHTS["logit"][0]),))
    assert folded(system) is system
    assert [len(part.moments) for part in folded(other).strands] == [3, 2, 1]


@pytest.mark.slow
def test_leading_terms() -> None:
    link, variance = "logit", 1.3
    laws = {"x": "Cauchy(1, 2)", "z": "Normal(0, 1)"}
    model = Model("y ~ x + z + (0 + z | g)", family="bernoulli", link=link, laws=laws)
    at = f"beta0=-0.3, beta1=0.7, beta2=0.5, sigma2={variance}"
    found = leading_terms(model)["x"].evaluate(at, 2, method="balls")
    grid = np.sinh(np.linspace(-5.2, 5.2, 1201))
    parts = [CubicSpline(grid, average(link, "Cauchy(1, 2)", 0.7, grid, k)) for k in range(3)]
    total = np.zeros((2, 2))
    for u in np.arange(-6, 6.01, 0.1):
        y = -0.3 + (0.5 + variance**0.5 * u) * NORMAL
        m = {(j, k): np.sum(MASSES * NORMAL**k * parts[j](y)) for j in range(3) for k in range(3 - j)}
        fixed = np.array([[m[0, 0], m[1, 0]], [m[1, 0], m[2, 0]]])
        cross = np.array([m[0, 1], m[1, 1]])
        total += (fixed - np.outer(cross, cross) / m[0, 2]) * stats.norm.pdf(u) / 10
    exact = np.linalg.inv(total)[1, 1]
    assert abs(float(found.value) - exact) <= float(found.error) + 1e-4 * exact


@pytest.mark.slow
@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_second_terms(link: str) -> None:
    laws = {"x": "Cauchy(1, 2)", "z": "Uniform(-1, 1)"}
    model = Model("y ~ x + z + (0 + z | g)", family="bernoulli", link=link, laws=laws)
    found = expansion(model)["z"].evaluate(
        "beta0=-0.3, beta1=0.7, beta2=0.5, sigma2=0.2", 2, order="1/(m*n)", method="balls"
    )
    nodes, masses = np.polynomial.legendre.leggauss(12)
    x = np.sinh(np.linspace(-9, 9, 1801))
    both = np.outer(HEAVY["Cauchy(1, 2)"].pdf(x) * np.cosh(np.arcsinh(x)) * 0.01, masses / 2).ravel()
    grid = [one.ravel() for one in np.meshgrid(x, nodes, indexing="ij")]
    points = (np.stack([np.ones_like(both), *grid]), both)

    def weight(eta: Array) -> Array:
        return np.exp(WEIGHTS[link][1](np.clip(eta, -290, 290)))

    exact = both_terms(weight, points, [2], (-0.3, 0.7, 0.5), [[0.2]], 0.4, 6)[1]
    assert abs(float(found.value) - exact[0, 0]) <= float(found.error) + 1e-4 * exact[0, 0]
