"""Laws without a second moment beside other unbounded predictors, against double sums over z and eta in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from scipy.integrate import simpson
from sympy import Integer

from leadterms import Model, expansion, leading_terms
from leadterms.evaluation.certified.bounds import determinant, inverse_ceiling
from leadterms.evaluation.certified.bounds.bounds import _of_moment
from leadterms.evaluation.certified.laws import falls
from leadterms.evaluation.certified.moments import own_part
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Ceiling, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.weights import CloglogWeight, LogisticWeight, ProbitWeight, Weight
from tests.evaluation.certified.complex_weights import log_cloglog, log_probit
from tests.evaluation.certified.second_terms import both_terms, second_term

Array = Any
ONE = Integer(1)


WEIGHTS: dict[str, tuple[Weight, Any]] = {
    "logit": (LogisticWeight(ONE), lambda eta: -2 * np.logaddexp(eta / 2, -eta / 2)),
    "probit": (ProbitWeight(ONE), log_probit),
    "cloglog": (CloglogWeight(ONE), lambda eta: log_cloglog(np.clip(eta, -300, 6))),
}
HEAVY = {
    "Cauchy(1, 2)": stats.cauchy(1, 2),
    "StudentT(2)": stats.t(2),
    "StudentT(3/2)": stats.t(1.5),
    "Pareto(1, 3/2)": stats.pareto(1.5),
}
OTHERS = {
    "Normal(1, 2)": stats.norm(1, 2),
    "Normal(0, 1)": stats.norm(),
    "StudentT(5)": stats.t(5),
    "Exponential(1)": stats.expon(),
}
EXPONENTS = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))


def z_grid(name: str) -> tuple[Array, Array]:
    """Return points and the density times dz."""
    law = OTHERS[name]
    if name == "StudentT(5)":
        t = np.linspace(-9, 9, 361)
        return np.sinh(t), law.pdf(np.sinh(t)) * np.cosh(t) * (t[1] - t[0])
    if name == "Exponential(1)":
        nodes, masses = np.polynomial.legendre.leggauss(80)
        return 20 * (1 + nodes), 20 * masses * np.exp(-20 * (1 + nodes))
    z = np.linspace(-19, 21, 161)
    return z, law.pdf(z) * (z[1] - z[0])


def moment(link: str, laws: tuple[str, str], shift: float, slopes: tuple[float, float], e: tuple[int, int],
           absolute: bool = False, beyond: float = 0) -> float:  # fmt: skip
    """E[x^e0 z^e1 w(eta)]: over z outside, over eta inside with x = (eta - shift - slope z)/slope, or over log x."""
    log_w, size = WEIGHTS[link][1], np.abs if absolute else np.asarray
    z, masses = z_grid(laws[1])
    rest = (shift + slopes[1] * z)[:, None]
    if laws[0].startswith("Pareto"):
        t = np.linspace(0, np.log(500), 3001)[None, :]
        x = np.exp(t)
        parts = np.exp(log_w(np.maximum(-300, rest + slopes[0] * x))) * size(x) ** e[0] * HEAVY[laws[0]].pdf(x) * x
        inner = simpson(parts, x=t[0], axis=1)
    else:
        eta = np.linspace(-40, 40, 1601)[None, :]
        x = (eta - rest) / slopes[0]
        inner = (
            np.sum((abs(x) >= beyond) * np.exp(log_w(eta)) * size(x) ** e[0] * HEAVY[laws[0]].pdf(x), axis=1)
            * 0.05
            / abs(slopes[0])
        )
    return float(np.sum(inner * masses * size(z) ** e[1]))


def strand_of(link: str, laws: tuple[str, str], shift: float, slopes: tuple[float, float]) -> Strand:
    exact = [fmpq(round(100 * number), 100) for number in (shift, *slopes)]
    read = tuple(read_law(text, (name,)) for text, name in zip(laws, "xz", strict=True))
    row = (fmpq(1), fmpq(0), fmpq(0))
    return Strand(WEIGHTS[link][0], read, exact[0], (exact[1], exact[2]), (row,), EXPONENTS)


def drawn(seed: int) -> tuple[float, tuple[float, float]]:
    random = np.random.default_rng(seed)
    signs = random.choice([-1, 1], 2)
    return round(random.uniform(-1, 1), 2), tuple(np.round(signs * random.uniform(0.4, 1.6, 2), 2))


def planned(strand: Strand, bits: int) -> list[Any]:
    with ball_precision(64):
        problem = Problem(strand)
        point = problem.at((arb(0),))
        return plan(problem, *point, bits, *problem.rough_scales(*point)).moments([point])[0]


CASES = [
    ("logit", "Cauchy(1, 2)", "StudentT(5)"),
    ("logit", "Pareto(1, 3/2)", "Normal(1, 2)"),
    ("logit", "StudentT(3/2)", "Exponential(1)"),
    ("probit", "Cauchy(1, 2)", "Normal(1, 2)"),
    ("probit", "StudentT(2)", "StudentT(5)"),
    ("cloglog", "Cauchy(1, 2)", "Exponential(1)"),
    ("cloglog", "StudentT(3/2)", "Normal(1, 2)"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("link", "x", "z"), CASES)
def test_moments_beside_an_unbounded_predictor(link: str, x: str, z: str) -> None:
    shift, slopes = drawn(len(link + x + z))
    found = planned(strand_of(link, (x, z), shift, slopes), 12 if z == "StudentT(5)" else 26)
    for ball, e in zip(found, EXPONENTS, strict=True):
        true = moment(link, (x, z), shift, slopes, e)
        assert abs(float(ball) - true) <= float(ball.rad()) + 1e-6 * (1 + abs(true))
        assert ball.rad() < 1e-2 * (1 + abs(true))


def test_what_lies_beyond_a_cut_is_bounded_and_a_false_bound_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """E[X^2 w; |X| > B] over P(|X| > B): far out all of it is where z takes eta back."""
    laws, shift, slopes = ("StudentT(3/2)", "StudentT(5)"), 0.3, (0.5, 2.0)
    problem = Problem(strand_of("logit", laws, shift, slopes))
    fall = own_part.fall(problem, 0, *problem.at((arb(0),)))
    assert fall is not None
    for cut, far in ((20.0, False), (60.0, True), (150.0, True)):
        true = moment("logit", laws, shift, slopes, (2, 0), beyond=cut) / (2 * stats.t(1.5).sf(cut))
        assert fall.beyond(arb(cut), 2, arb("0.25")) >= true * 1.02
        with monkeypatch.context() as planted:
            planted.setattr(falls, "beyond_cut", lambda line, cut, power: arb(0))
            assert far == bool(fall.beyond(arb(cut), 2, arb("0.25")) < true * 0.98)


def test_mass_between_the_end_of_a_law_and_the_cut_is_not_forgotten() -> None:
    """A law from -30 on has most of its mass below -5: no bound by the tail to the right stands for it."""
    line = line_of(read_law("Frechet(5, 2, -30)", ("z",)))
    assert not falls.beyond_cut(line, arb(5), 1).is_finite()
    far = falls.beyond_cut(line, arb(40), 1)
    assert far.is_finite()
    assert far >= stats.invweibull(5, loc=-30, scale=2).sf(40) * 40


@pytest.mark.slow
@pytest.mark.parametrize(("link", "x", "z"), CASES)
def test_the_ceiling_of_moments_holds_for_all_effects(link: str, x: str, z: str) -> None:
    shift, slopes = drawn(7 * len(link + x + z))
    with ball_precision(64):
        problem = Problem(strand_of(link, (x, z), shift, slopes))
        for e in EXPONENTS[3:]:
            bound = _of_moment(problem, Ceiling(fmpq(1), 0, e))
            for u in (-9.0, 0.0, 3.0):
                true = moment(link, (x, z), shift + u, slopes, e, absolute=True)
                assert bound.top(((arb(u), arb(u)),)) >= true * (1 - 1e-6)


@pytest.mark.slow
def test_a_leading_term_beside_a_normal_predictor() -> None:
    """The inverse of E[H_BB - H_BA H_AB/H_AA], B the slopes and A the intercept, by sums over the effect too."""
    model = Model("y ~ x + z + (1 | g)", family="bernoulli", laws={"x": "Cauchy(1, 2)", "z": "Normal(0, 1)"})
    found = leading_terms(model)["x"].evaluate("beta0=-3/10, beta1=7/10, beta2=1/2, sigma2=13/10", 3, method="balls")
    total = np.zeros((2, 2))
    for u in np.arange(-6, 6.01, 0.5):
        at = [moment("logit", ("Cauchy(1, 2)", "Normal(0, 1)"), -0.3 + 1.3**0.5 * u, (0.7, 0.5), e) for e in EXPONENTS]
        cross = np.array(at[1:3])
        total += (np.array([[at[3], at[4]], [at[4], at[5]]]) - np.outer(cross, cross) / at[0]) * stats.norm.pdf(u) / 2
    assert abs(float(found.value) - np.linalg.inv(total)[0, 0]) <= float(found.error) + 1e-5


@pytest.mark.parametrize(
    ("law", "at"),
    [
        ("Cauchy(1, 2)", (-0.3, 0.7, 0.4)),
        ("Cauchy(1, 2)", (1.25, -1.6, 2.3)),
        ("StudentT(3/2)", (0.45, 0.35, 0.9)),
        ("Pareto(1, 3/2)", (-0.8, 0.9, 1.7)),
    ],
)
def test_second_terms_of_a_law_without_moments(law: str, at: tuple[float, float, float]) -> None:
    model = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": law})
    text = "beta0={}, beta1={}, sigma2={}".format(*at)
    found = expansion(model)["1"].evaluate(text, 6, order="1/(m*n)", method="balls")
    t = np.linspace(0 if law.startswith("Pareto") else -8, 8, 16001)
    x, slope = (np.exp(t), np.exp(t)) if law.startswith("Pareto") else (np.sinh(t), np.cosh(t))
    masses = HEAVY[law].pdf(x) * slope * (t[1] - t[0])
    masses[[0, -1]] /= 2
    exact = second_term(lambda eta: np.exp(WEIGHTS["logit"][1](eta)), (x, masses), [0], at[:2], [[at[2]]], 0)
    assert abs(float(found.value) - exact) <= float(found.error) + 1e-6 * exact


@pytest.mark.slow
def test_second_terms_beside_a_normal_predictor() -> None:
    model = Model("y ~ x + z + (1 | g)", family="bernoulli", laws={"x": "Cauchy(1, 2)", "z": "Normal(0, 1)"})
    at = "beta0=-0.3, beta1=0.7, beta2=0.5, sigma2=0.4"
    found = expansion(model)["1"].evaluate(at, 2, order="1/(m*n)", method="balls")
    t, (z, masses) = np.linspace(-7, 7, 701), z_grid("Normal(0, 1)")
    z, masses = z[::2], 2 * masses[::2]
    x = np.sinh(t)
    both = np.outer(HEAVY["Cauchy(1, 2)"].pdf(x) * np.cosh(t) * (t[1] - t[0]), masses).ravel()
    grid = [one.ravel() for one in np.meshgrid(x, z, indexing="ij")]
    design = np.stack([np.ones_like(both), *grid])
    weight = WEIGHTS["logit"][1]
    exact = both_terms(lambda eta: np.exp(weight(eta)), (design, both), [0], (-0.3, 0.7, 0.5), [[0.4]], 0.5, 6)[1]
    assert abs(float(found.value) - exact[0, 0]) <= float(found.error) + 1e-5 * exact[0, 0]


def test_only_laws_without_a_mean_are_held() -> None:
    problem = Problem(strand_of("logit", ("Cauchy(1, 2)", "Normal(1, 2)"), 0.0, (0.7, 0.5)))
    low, high = determinant._held(problem).supports[0]
    assert float(low) == pytest.approx(1 - 2 * np.sinh(1))
    assert float(high) == pytest.approx(1 + 2 * np.sinh(1))
    assert determinant._held(problem).supports[1] == (None, None)


def test_a_false_bound_of_a_numerator_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Cauchy(1, 2)"})
    entry, at = expansion(model)["1"], "beta0=-0.3, beta1=0.7, sigma2=0.4"
    true = entry.evaluate(at, 4, order="1/(m*n)", method="balls")
    monkeypatch.setattr(inverse_ceiling, "without_moment", lambda problem, exponents: ([arb(0)], arb("1e-9")))
    false = entry.evaluate("beta0=-0.3, beta1=0.7, sigma2=0.40000001", 4, order="1/(m*n)", method="balls")
    assert abs(float(false.value) - float(true.value)) > 1e-3
