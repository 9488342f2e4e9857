"""Densities along rays and transforms by them, against SciPy's densities and mpmath's quadrature on other rays."""

from __future__ import annotations

from random import Random
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import lambdify

from leadterms import Model, expansion
from leadterms.evaluation.certified.laws import ray_transform as module
from leadterms.evaluation.certified.laws.half_lines import law_crest, law_envelope, rays_of
from leadterms.evaluation.certified.laws.line_base import X
from leadterms.evaluation.certified.laws.ray_transform import RayTransform, ray_transform
from leadterms.evaluation.certified.moments.fourier_plan import is_wanted
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.second_terms import both_terms
from tests.evaluation.certified.test_falls import WEIGHTS

LAWS: dict[str, Any] = {
    "LogNormal(0, 1)": stats.lognorm(1),
    "LogNormal(1, 1/4)": stats.lognorm(0.25, scale=np.e),
    "Weibull(1, 1/2)": stats.weibull_min(0.5),
    "Lomax(3, 1)": stats.lomax(3),
    "Lomax(3/2, 2)": stats.lomax(1.5, scale=2),
    "Levy(0, 1)": stats.levy(),
    "FDistribution(3, 5)": stats.f(3, 5),
    "BetaPrime(2, 3/2)": stats.betaprime(2, 1.5),
    "Dagum(1, 3/2, 1)": stats.burr(1.5, 1),
    "GammaInverse(3/2, 1)": stats.invgamma(1.5),
    "Frechet(3/2, 1, 0)": stats.invweibull(1.5),
}
"""SciPy's densities are what the bounds on the real line are compared with."""


def on_ray(name: str, b: float, t: float, k: int, angle: float = 0.5) -> complex:
    """E[X^k e^{ibtX}] along a ray in log x, by mpmath's quadrature."""
    density = lambdify(X, read_law(name, ("x",)).parts(X)[0][2], "mpmath")
    ray = mpmath.expj(angle if b > 0 else -angle)

    def value(u: Any) -> Any:
        x = ray * mpmath.exp(u)
        return x ** (k + 1) * density(x) * mpmath.expj(b * t * x)

    return complex(mpmath.quad(value, [-60, -20, -8, -4, -2, 0, 2, 4, 6, 9, 20]))


@pytest.mark.parametrize("name", LAWS)
def test_transforms_along_rays(name: str) -> None:
    b = -0.7 if "(3" in name else 1.2
    with ball_precision(64):
        found = ray_transform(line_of(read_law(name, ("x",))), arb(b))
        assert found is not None
        fine = found.aimed(arb(2) ** -36)
        for t in (0.03, 0.9):
            for k in (0, 1, 2):
                ball, true = fine.at(arb(t), k), on_ray(name, b, t, k)
                radius = float(ball.real.rad() + ball.imag.rad())
                assert radius < 1e-8 * (1 + abs(true))
                assert abs(complex(ball) - true) <= radius + 1e-9 * (1 + abs(true))
                assert abs(true) <= float(found.bound(arb(t), arb(0), k)) * (1 + 1e-9)
                front, order = found.near(k)
                assert abs(true) <= float(front) * t ** -float(order) * (1 + 1e-9)


def test_bounds_off_the_line() -> None:
    """Of Levy's law the transform is e^{-(1 - i) sqrt(b t)}, for b > 0."""
    b = 0.7
    with ball_precision(64):
        found = ray_transform(line_of(read_law("Levy(0, 1)", ("x",))), arb(b))
        assert found is not None
        draw = Random(2)
        for _ in range(40):
            t = draw.uniform(0.2, 3)
            t = t * (1 + 1j * draw.uniform(-0.7, 0.7))
            root = np.sqrt(b * t)
            values = np.exp(-(1 - 1j) * root), np.exp(-(1 - 1j) * root) * (1 - 1j) / (2j * root)
            for k, value in enumerate(values):
                assert abs(value) <= float(found.bound(arb(t.real), arb(abs(t.imag)), k, arb(t.real))) * (1 + 1e-9)
            real = found.aimed(arb(2) ** -36).at(arb(t.real), 0)
            assert abs(complex(real) - np.exp(-(1 - 1j) * np.sqrt(b * t.real))) < 1e-8


@pytest.mark.parametrize("name", LAWS)
def test_bounds_of_densities(name: str) -> None:
    """Crests and envelopes bound the density, and are of its size."""
    x = np.exp(np.linspace(-20, 20, 4001))
    density = LAWS[name].pdf(x)
    law = read_law(name, ("x",))
    for power in (1, 2):
        crest = law_crest(law, power)
        if crest.is_finite():
            assert (x**power * density).max() <= float(crest) <= 5 * (x**power * density).max()
    top, order = law_envelope(law)
    if top.is_finite():
        assert np.all(density <= float(top) * (1 + x) ** -float(order) * (1 + 1e-12))
    assert name.startswith("Weibull") or top.is_finite()


def test_laws_that_have_no_rays() -> None:
    """Light tails, bounded parts, and densities that are not of the form have none."""
    with ball_precision(64):
        for name in ("Normal(0, 1)", "Maxwell(1)", "Benini(1, 1, 1)", "Uniform(0, 1)", "Poisson(1)", "LogCauchy(0, 1)"):
            assert ray_transform(line_of(read_law(name, ("x",))), arb(1)) is None
        both = rays_of(read_law("ExponentialPower(0, 1, 1/2)", ("x",)))
        assert both is not None
        assert sorted(part.sign for part in both) == [-1, 1]


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the integrals on the outer rays the error of the sum is not what it says."""
    with ball_precision(64):
        line = line_of(read_law("Lomax(3, 1)", ("x",)))

        def off(tolerance: Any) -> tuple[float, float]:
            found = ray_transform(line, arb(1))
            assert found is not None
            ball = found.aimed(tolerance).at(arb(0.9), 0)
            return abs(complex(ball) - on_ray("Lomax(3, 1)", 1, 0.9, 0)), float(ball.real.rad() + ball.imag.rad())

        distance, radius = off(arb(2) ** -12)
        assert distance <= radius
        planned = RayTransform._planned

        def false(own: RayTransform, part: Any, rate: Any) -> Any:
            step, first, last, errors = planned(own, part, rate)
            return 8 * step, first // 8, last // 8, errors

        monkeypatch.setattr(module.RayTransform, "_planned", false)
        distance, radius = off(arb(2) ** -12)
        assert distance > radius


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "first", "second"),
    [
        ("logit", "Cauchy(0, 1)", "LogNormal(0, 1)"),
        ("probit", "StudentT(3/2)", "Weibull(1, 1/2)"),
        ("cloglog", "StudentT(2)", "Lomax(3/2, 2)"),
    ],
)
def test_moments_beside_a_law_without_a_second_moment(link: str, first: str, second: str) -> None:
    """E[x^j z^k w(a + b x + c z)] over eta and z: x is what they leave."""
    shift, slopes = -0.3, (0.75, -0.5)
    heavy = {"Cauchy(0, 1)": stats.cauchy(), "StudentT(3/2)": stats.t(1.5), "StudentT(2)": stats.t(2)}[first]
    powers = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))
    read = tuple(read_law(text, ("x",)) for text in (first, second))
    exact = [fmpq(round(100 * b), 100) for b in (shift, *slopes)]
    strand = Strand(WEIGHTS[link][0], read, exact[0], tuple(exact[1:]), ((fmpq(1), fmpq(0), fmpq(0)),), powers)
    with ball_precision(64):
        problem = Problem(strand)
        assert is_wanted(problem)
        point = problem.at((arb(0),))
        found = plan(problem, *point, 24, *problem.rough_scales(*point)).moments([point])[0]
    eta, u = np.arange(-45, 45, 0.05), np.linspace(-40, 40, 4001)
    z = np.exp(u)
    masses = LAWS[second].pdf(z) * z * (u[1] - u[0])
    true = np.zeros(len(powers))
    for one, mass in zip(z, masses, strict=True):
        x = (eta - shift - slopes[1] * one) / slopes[0]
        own = np.exp(WEIGHTS[link][1](eta)) * heavy.pdf(x) * 0.05 / abs(slopes[0]) * mass
        true += [np.sum(own * x**j * one**k) for j, k in powers]
    for ball, value in zip(found, true, strict=True):
        assert ball.rad() < 1e-5 * abs(value)
        assert abs(float(ball) - value) <= 1e-5 * abs(value)


@pytest.mark.slow
def test_second_terms_beside_a_normal_predictor() -> None:
    """Sums over log(x - 1) and z."""
    laws = {"x": "Pareto(1, 3/2)", "z": "Normal(0, 1)"}
    model = Model("y ~ x + z + (1 | g)", family="bernoulli", link="probit", laws=laws)
    at = "beta0=-0.3, beta1=-0.7, beta2=0.5, sigma2=0.02"
    found = expansion(model)["1"].evaluate(at, 2, order="1/(m*n)", method="balls")
    u, z = np.linspace(-9, 9, 901), np.linspace(-8, 8, 81)
    x = 1 + np.exp(u)
    both = np.outer(stats.pareto(1.5).pdf(x) * np.exp(u) * (u[1] - u[0]), stats.norm.pdf(z) * (z[1] - z[0])).ravel()
    design = np.stack([np.ones_like(both), *(one.ravel() for one in np.meshgrid(x, z, indexing="ij"))])
    log_w = WEIGHTS["probit"][1]
    exact = both_terms(lambda eta: np.exp(log_w(eta)), (design, both), [0], (-0.3, -0.7, 0.5), [[0.02]], 0.5, 6)[1]
    assert abs(float(found.value) - exact[0, 0]) <= float(found.error) + 1e-3 * exact[0, 0]
