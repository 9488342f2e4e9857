"""Several heavy-tailed predictors by their transforms, against sums over x, z and eta in NumPy."""

from __future__ import annotations

from random import Random
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import acb, arb, fmpq
from scipy import stats
from sympy import Integer

from leadterms import Model, expansion, leading_terms
from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws import transforms
from leadterms.evaluation.certified.laws.transforms import heavy_transform
from leadterms.evaluation.certified.moments.fourier_plan import fourier_plan, is_wanted
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.certified.rules.light_transform import LightTransform
from leadterms.evaluation.certified.weights.weight_transform import WeightTransform
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.second_terms import both_terms
from tests.evaluation.certified.test_falls import WEIGHTS

Array = Any
LAWS = {
    "Cauchy(1, 2)": (1, 1, 2),
    "StudentT(3/2)": (1.5, 0, 1.5**0.5),
    "StudentT(3)": (3, 0, 3**0.5),
}
HEAVY = {
    "Cauchy(1, 2)": stats.cauchy(1, 2),
    "StudentT(3/2)": stats.t(1.5),
    "Pareto(1, 3/2)": stats.pareto(1.5),
}


def turned(name: str, b: float, t: float, k: int) -> complex:
    """E[X^k e^{ibtX}] along rays off the real line, by mpmath's quadrature."""
    side = 1 if b > 0 else -1

    def along(x: Any, slope: Any, density: Any) -> Any:
        return lambda r: x(r) ** k * density(x(r)) * mpmath.exp(1j * b * t * x(r)) * slope

    ends = [0, 1, 10, 100, 2000]
    if name.startswith("Pareto"):
        return complex(mpmath.quad(along(lambda r: 1 + 1j * side * r, 1j * side, lambda x: 1.5 * x**-2.5), ends))
    nu, centre, scale = LAWS[name]
    top = mpmath.gamma((nu + 1) / 2) / mpmath.gamma(nu / 2) / mpmath.sqrt(mpmath.pi) / scale
    total = mpmath.mpc(0)
    for sign in (-1, 1):
        ray = sign * mpmath.expj(sign * side * mpmath.pi / 4)
        density = lambda x: top * (1 + ((x - centre) / scale) ** 2) ** (-(nu + 1) / 2)  # noqa: E731
        total += sign * mpmath.quad(along(lambda r, ray=ray: centre + ray * r, ray, density), ends)
    return complex(total)


@pytest.mark.parametrize("name", [*LAWS, "Pareto(1, 3/2)"])
@pytest.mark.parametrize("b", [0.7, -1.3])
def test_transforms_of_heavy_tails(name: str, b: float) -> None:
    with ball_precision(64):
        found = heavy_transform(line_of(read_law(name, ("x",))), arb(b))
        assert found is not None
        for t in (0.3, 1.7):
            for k in (0, 1, 2):
                value, true = found.at(arb(t), k), turned(name, b, t, k)
                assert abs(complex(value) - true) < 1e-6 * (1 + abs(true))
                front, order = found.near(k)
                assert abs(true) <= float(found.bound(arb(t), arb(0), k)) * (1 + 1e-9)
                assert t > 1 or abs(true) <= float(front) * t ** -float(order) * (1 + 1e-9)


def test_bounds_off_the_line() -> None:
    """Of Cauchy's law and its first two powers the transforms are e^{i b c t - |b| s t} times polynomials."""
    b, centre, scale = -0.7, 1.0, 2.0
    with ball_precision(64):
        found = heavy_transform(line_of(read_law("Cauchy(1, 2)", ("x",))), arb(b))
        draw = Random(2)
        for _ in range(40):
            t = draw.uniform(0.2, 3) + 1j * draw.uniform(-0.5, 0.5)
            phase = np.exp(1j * b * centre * t - abs(b) * scale * t)
            slope = centre + 1j * np.sign(b) * scale
            for k in (0, 1, 2):
                bound = float(found.bound(arb(t.real), arb(abs(t.imag)), k, arb(t.real)))
                assert abs(phase * slope**k) <= bound * (1 + 1e-9)
                assert abs(complex(found.at(arb(t.real), k)) - slope**k * np.exp(
                    1j * b * centre * t.real - abs(b) * scale * t.real)) < 1e-9  # fmt: skip


@pytest.mark.parametrize("name", ["Normal(1, 2)", "Poisson(3/2)", "Uniform(-1, 2)"])
def test_transforms_of_others(name: str) -> None:
    b = -0.7
    with ball_precision(64):
        found = LightTransform(line_of(read_law(name, ("x",))), arb(b), arb(3), (arb("1e-10"),) * 3)
        if name.startswith("Poisson"):
            x = np.arange(60.0)
            mass = stats.poisson.pmf(x, 1.5)
        else:
            law, low, high = (stats.norm(1, 2), -20, 22) if name.startswith("Normal") else (stats.uniform(-1, 3), -1, 2)
            nodes, weights = np.polynomial.legendre.leggauss(400)
            x = (low + high) / 2 + (high - low) / 2 * nodes
            mass = law.pdf(x) * (high - low) / 2 * weights
        for t in (0.1, 2.7):
            for k in (0, 1, 2):
                true = np.sum(mass * x**k * np.exp(1j * b * t * x))
                assert abs(complex(found.at(arb(t), k)) - true) < 1e-9
                size = np.sum(mass * abs(x) ** k * np.exp(abs(b * 0.4 * x)))
                assert size <= float(found.bound(arb(t), arb("0.4"), k)) * (1 + 1e-9)


@pytest.mark.parametrize("link", WEIGHTS)
def test_transforms_of_weights(link: str) -> None:
    weight, log_w = WEIGHTS[link]
    y = np.arange(-45, 45, 0.01)
    with ball_precision(64):
        found = WeightTransform(weight_balls(weight))
        for t, value in zip((0.01, 1.3, 6.0), found.values([arb(0.01), arb(1.3), arb(6)], arb("1e-12")), strict=True):
            true = 0.01 * np.sum(np.exp(log_w(y) - 1j * t * y))
            assert abs(complex(value) - true) < 1e-9
            for height in (0.0, 0.5):
                shifted = 0.01 * np.sum(np.exp(log_w(y) + height * y - 1j * t * y))
                assert abs(shifted) <= float(found.bound(arb(t), arb(height))) * (1 + 1e-6) + 1e-12
            beyond = abs(0.01 * np.sum(np.exp(log_w(y) - 1j * (t + 0.5) * y)))
            assert beyond / 2 <= float(found.beyond(arb(t), arb(0))) + 1e-12


def points(name: str) -> tuple[Array, Array]:
    """Return x and the density times dx, for sums with what falls on the scale of one within a hundred of zero."""
    t = np.linspace(-12, 12, 48_001)
    x, width = (1 + np.exp(t), np.exp(t)) if name.startswith("Pareto") else (np.sinh(t), np.cosh(t))
    return x, HEAVY[name].pdf(x) * width * (t[1] - t[0])


def rest(log_w: Any, scale: float, y: Array) -> Array:
    """E[w(y + R)] for a Cauchy law R about zero, over eta; by differences of its distribution, y on a grid."""
    eta = np.arange(-45, 45, 0.05)
    masses = np.exp(log_w(eta)) * 0.05
    return np.array([np.sum(masses * stats.cauchy.pdf(eta, one, scale)) for one in y])


@pytest.mark.parametrize(
    ("link", "name"), [("logit", "Pareto(1, 3/2)"), ("probit", "StudentT(3/2)"), ("cloglog", "Cauchy(1, 2)")]
)
def test_moments_beside_two_cauchy_laws(monkeypatch: pytest.MonkeyPatch, link: str, name: str) -> None:
    """c Z + d W has a Cauchy law of the scale |c| + |d|: what is left is a sum over x."""
    shift, slopes = 0.35, (0.75, -0.5, 1.25)
    read = tuple(read_law(text, ("x",)) for text in (name, "Cauchy(0, 1)", "Cauchy(0, 1)"))
    exact = [fmpq(round(100 * b), 100) for b in (shift, *slopes)]
    powers = ((0, 0, 0), (1, 0, 0), (2, 0, 0))
    row = (fmpq(1), *(fmpq(0),) * 3)
    strand = Strand(WEIGHTS[link][0], read, exact[0], tuple(exact[1:]), (row,), powers)
    x, mass = points(name)
    log_y = np.linspace(-12, 12, 1201)
    grid = np.sinh(log_y)
    averaged = rest(WEIGHTS[link][1], abs(slopes[1]) + abs(slopes[2]), grid)
    values = np.exp(np.interp(np.arcsinh(shift + slopes[0] * x), log_y, np.log(averaged)))
    true = [float(np.sum(mass * x**k * values)) for k in (0, 1, 2)]

    def found() -> list[Any]:
        with ball_precision(64):
            problem = Problem(strand)
            assert is_wanted(problem)
            point = problem.at((arb(0),))
            return plan(problem, *point, 20, *problem.rough_scales(*point)).moments([point])[0]

    for ball, value in zip(found(), true, strict=True):
        assert ball.rad() < 1e-4 * abs(value)
        # the sum's own cut and interpolation
        assert abs(float(ball) - value) <= 2e-3 * abs(value)
    # a false bound is caught: nothing is near zero
    monkeypatch.setattr(transforms.StudentTransform, "near", lambda own, k: (arb("1e-30"), Integer(0)))
    assert any(abs(float(ball) - value) > 1e-2 * abs(value) for ball, value in zip(found(), true, strict=True))


def test_moments_off_the_line() -> None:
    """Enclosures at complex shifts hold the values that Cauchy's formula gives from a circle's."""
    read = tuple(read_law(text, ("x",)) for text in ("StudentT(3/2)", "Pareto(1, 3/2)"))
    powers = ((0, 0), (1, 1), (2, 0))
    strand = Strand(
        WEIGHTS["logit"][0], read, fmpq(1, 4), (fmpq(1), fmpq(-1, 2)), ((fmpq(1), fmpq(0), fmpq(0)),), powers
    )
    with ball_precision(64):
        problem = Problem(strand)
        aims = [arb(2) ** -30] * 3
        slopes = problem.slopes
        count = 24
        circle = [acb(arb(0.25), arb(0)) + acb(0, 2 * arb.pi() * j / count).exp() / 2 for j in range(count)]
        found = fourier_plan(problem, acb(arb(0.25, 0.5), arb(0, 0.5)), aims).moments([(z, slopes) for z in circle])
        (real,) = fourier_plan(problem, arb(0.25), aims).moments([(arb(0.25), slopes)])
        for k in range(3):
            mean = sum(row[k] for row in found) / count
            assert abs(complex(mean) - float(real[k])) < 1e-6
            assert abs(complex(found[0][k]).imag) < 1e-6


def test_moments_that_are_infinite_together_are_refused() -> None:
    """E[x z w] with densities like x^-1.4 and x^-1.6 near the line where eta is constant: the integral of 1/x."""
    read = tuple(read_law(text, ("x",)) for text in ("StudentT(2/5)", "StudentT(3/5)"))
    strand = Strand(
        WEIGHTS["logit"][0], read, fmpq(0), (fmpq(1), fmpq(1)), ((fmpq(1), fmpq(0), fmpq(0)),), ((0, 0), (1, 1))
    )
    with ball_precision(64), pytest.raises(EvaluationError, match="fall too slowly"):
        fourier_plan(Problem(strand), arb(0), [arb("1e-6")] * 2)


def test_moments_by_eta_itself() -> None:
    """Where x^2 f(x) grows E[x^2 w] is made of eta w: the expectation is a sum over eta and z."""
    read = tuple(read_law(text, ("x",)) for text in ("Cauchy(0, 1)", "StudentT(1/2)"))
    shift, slopes, powers = 0.25, (0.75, -0.5), ((0, 2), (1, 1))
    strand = Strand(
        WEIGHTS["probit"][0], read, fmpq(1, 4), (fmpq(3, 4), fmpq(-1, 2)), ((fmpq(1), fmpq(0), fmpq(0)),), powers
    )
    with ball_precision(64):
        problem = Problem(strand)
        aims = [arb(2) ** -24] * 2
        (real,) = fourier_plan(problem, arb(shift), aims).moments([(arb(shift), problem.slopes)])
        count = 24
        circle = [acb(arb(shift), arb(0)) + acb(0, 2 * arb.pi() * j / count).exp() / 2 for j in range(count)]
        found = fourier_plan(problem, acb(arb(shift, 0.5), arb(0, 0.5)), aims).moments(
            [(z, problem.slopes) for z in circle]
        )
    eta, t = np.arange(-20, 20, 0.05), np.linspace(-36, 36, 14_401)
    z, width = np.sinh(t), np.cosh(t) * (t[1] - t[0])
    masses = np.exp(WEIGHTS["probit"][1](eta)) * 0.05 / slopes[0]
    true = np.zeros(2)
    for one, mass in zip(eta, masses, strict=True):
        x = (one - shift - slopes[1] * z) / slopes[0]
        own = stats.cauchy.pdf(x) * stats.t(0.5).pdf(z) * width * mass
        true += [np.sum(own * z**2), np.sum(own * x * z)]
    for k in (0, 1):
        assert abs(float(real[k]) - true[k]) < 1e-5 * abs(true[k])
        assert abs(complex(sum(row[k] for row in found) / count) - float(real[k])) < 1e-4


@pytest.mark.parametrize("link", WEIGHTS)
def test_transforms_of_weights_times_eta(link: str) -> None:
    weight, log_w = WEIGHTS[link]
    y = np.arange(-45, 45, 0.01)
    with ball_precision(64):
        found = WeightTransform(weight_balls(weight), 1)
        for t, value in zip((0.01, 1.3, 6.0), found.values([arb(0.01), arb(1.3), arb(6)], arb("1e-12")), strict=True):
            true = 0.01 * np.sum(y * np.exp(log_w(y) - 1j * t * y))
            assert abs(complex(value) - true) < 1e-9
            assert abs(true) <= float(found.top) * (1 + 1e-9)
            for height in (0.0, 0.5):
                shifted = 0.01 * np.sum(y * np.exp(log_w(y) + height * y - 1j * t * y))
                assert abs(shifted) <= float(found.bound(arb(t), arb(height))) * (1 + 1e-6) + 1e-12
            if t > 0.5:
                beyond = abs(0.01 * np.sum(y * np.exp(log_w(y) - 1j * (t + 0.5) * y)))
                assert beyond / 2 <= float(found.beyond(arb(t), arb(0))) + 1e-12


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_leading_terms_of_three(link: str) -> None:
    """Three Cauchy laws: E[w a a'] over eta, by the moments of each given the sum."""
    scales, slopes, shift = (1.0, 2.0, 1.0), (0.5, -0.25, 0.75), -0.25
    laws = {name: f"Cauchy(0, {s:.0f})" for name, s in zip("xzw", scales, strict=True)}
    model = Model("y ~ x + z + w", family="bernoulli", link=link, laws=laws)
    point = {f"beta{i}": repr(b) for i, b in enumerate((shift, *slopes))}
    found = float(leading_terms(model)["x"].evaluate(point, 5, method="balls"))
    eta = np.arange(-45, 45, 0.05)
    s = eta - shift
    own = np.array([abs(b) * c for b, c in zip(slopes, scales, strict=True)])
    parts = np.zeros((4, 4))
    for i in range(4):
        for j in range(i, 4):
            parts[i, j] = parts[j, i] = _entry(i, j, s, eta, own, slopes, WEIGHTS[link][1])
    assert found == pytest.approx(np.linalg.inv(parts)[1, 1], rel=1e-4)


def _entry(i: int, j: int, s: Array, eta: Array, own: Array, slopes: Any, log_w: Any) -> float:
    """E[w a_i a_j]: density of S times E[Y_i Y_j | S], Y = b X, S their sum, by contour integrals for Cauchy laws.

    With Y_i ~ Cauchy(own_i) the transform of the density times Y_i is i own_i sign(t) e^{-c |t|}, c the sum of scales:
    own_i s/(pi (s^2 + c^2)) at s.  Of Y_i Y_j it is -own_i own_j e^{-c |t|}, and of Y_i^2 own_i/pi more.
    """
    c = own.sum()
    base = c / (np.pi * (s**2 + c**2))
    if i == j == 0:
        value = base
    elif i == 0:
        value = own[j - 1] * s / (np.pi * (s**2 + c**2)) / slopes[j - 1]
    else:
        value = -own[i - 1] * own[j - 1] * base + (own[i - 1] / np.pi if i == j else 0)
        value = value / (slopes[i - 1] * slopes[j - 1])
    return float(np.sum(np.exp(log_w(eta)) * value) * 0.05)


@pytest.mark.slow
def test_second_terms_beside_a_normal_predictor() -> None:
    law = "Cauchy(1, 2)"
    model = Model("y ~ x + z + (1 | g)", family="bernoulli", link="cloglog", laws={"x": law, "z": "Normal(0, 1)"})
    at = "beta0=-0.3, beta1=0.7, beta2=0.5, sigma2=0.02"
    found = expansion(model)["1"].evaluate(at, 2, order="1/(m*n)", method="balls")
    t, z = np.linspace(-7, 7, 701), np.linspace(-8, 8, 81)
    x = np.sinh(t)
    both = np.outer(HEAVY[law].pdf(x) * np.cosh(t) * (t[1] - t[0]), stats.norm.pdf(z) * (z[1] - z[0])).ravel()
    design = np.stack([np.ones_like(both), *(one.ravel() for one in np.meshgrid(x, z, indexing="ij"))])
    weight = WEIGHTS["cloglog"][1]
    exact = both_terms(lambda eta: np.exp(weight(eta)), (design, both), [0], (-0.3, 0.7, 0.5), [[0.02]], 0.5, 6)[1]
    assert abs(float(found.value) - exact[0, 0]) <= float(found.error) + 1e-4 * exact[0, 0]


def test_what_no_plan_can_be_made_for_is_refused() -> None:
    """Shifts that are not finite, and tolerances that are not positive: not an endless search, nor another error."""
    laws = tuple(read_law("Uniform(0, 1)", ("x",)) for _ in range(3))
    with ball_precision(64):
        problem = Problem(Strand(WEIGHTS["logit"][0], laws, fmpq(1), (fmpq(1),) * 3, (), ((0, 0, 0),)))
        for shift in (arb.nan(), arb.pos_inf(), acb(arb(0), arb.nan())):
            with pytest.raises(EvaluationError, match="the shift that transforms should serve is not finite"):
                fourier_plan(problem, shift, (arb(1),))
        for tolerance in (arb(0), arb(-1), arb.nan(), arb.pos_inf(), arb(0, 1)):
            with pytest.raises(EvaluationError, match="not known to be positive and finite"):
                fourier_plan(problem, arb(1), (tolerance,))
