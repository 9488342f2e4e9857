"""Three and more predictors added by their transforms, against sums over all of them in NumPy."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import acb, arb, fmpq
from scipy import stats

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.moments.fourier_plan import fourier_plan, is_wanted, serves
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.light_transform import LightTransform
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.test_falls import WEIGHTS
from tests.evaluation.certified.test_laplace_rule import Points, in_logarithms, on_line

Array = Any

LAWS: dict[str, Points] = {
    "Uniform(0, 1)": on_line(stats.uniform(), 0, 1, 1),
    "Uniform(-1, 2)": on_line(stats.uniform(-1, 3), -1, 2, 1),
    "Exponential(2)": on_line(stats.expon(scale=0.5), 0, 18, 3),
    "Gamma(2, 1/2)": on_line(stats.gamma(2, scale=0.5), 0, 20, 3),
    "Normal(1/2, 1)": on_line(stats.norm(0.5), -7.5, 8.5, 3),
    "Poisson(1)": (np.arange(20.0), stats.poisson(1).pmf(np.arange(20))),
    "LogNormal(0, 1)": in_logarithms(stats.lognorm(1), -7, 8, 5),
}


def drawn(seed: int) -> tuple[tuple[str, ...], tuple[fmpq, ...]]:
    draw = Random(seed)
    names = tuple(draw.sample(list(LAWS), 3))
    return names, tuple(fmpq(draw.choice([-1, 1]) * draw.randint(3, 9), 10) for _ in names)


def strand_of(seed: int, link: str, *, effects: bool = False) -> Strand:
    names, slopes = drawn(seed)
    laws = tuple(read_law(name, ("x",)) for name in names)
    moments = tuple(e for e in product(range(3), repeat=3) if sum(e) <= 2)
    loadings = ((fmpq(1), fmpq(0), fmpq(0), fmpq(0)),) if effects else ()
    return Strand(WEIGHTS[link][0], laws, fmpq(1, 4), slopes, loadings, moments)


def grid_of(names: tuple[str, ...]) -> tuple[Array, Array]:
    """Return points of all predictors, one row each, and their masses."""
    rows = np.stack([g.ravel() for g in np.meshgrid(*(LAWS[name][0] for name in names), indexing="ij")])
    masses = np.prod([g.ravel() for g in np.meshgrid(*(LAWS[name][1] for name in names), indexing="ij")], axis=0)
    return rows, masses


def sums(seed: int, link: str, shift: Any) -> Array:
    """Return all moments at a shift."""
    names, slopes = drawn(seed)
    rows, masses = grid_of(names)
    eta = shift + np.array([float(b.p) / float(b.q) for b in slopes]) @ rows
    if link == "logit":
        tame = np.clip(eta.real, -300, 300) + 1j * eta.imag
        weights = masses / (4 * np.cosh(tame / 2) ** 2)
    else:
        weights = masses * np.exp(WEIGHTS[link][1](eta))
    moments = strand_of(seed, link).moments
    return np.array([np.sum(weights * np.prod(rows ** np.array(e)[:, None], axis=0)) for e in moments])


@pytest.mark.parametrize("seed", range(9))
def test_moments(seed: int) -> None:
    link = ("logit", "probit", "cloglog")[seed % 3]
    with ball_precision(80):
        problem = Problem(strand_of(seed, link))
        assert is_wanted(problem)
        point = problem.at(())
        found = plan(problem, *point, 36, *problem.rough_scales(*point))
        assert isinstance(found, FourierPlan)
        (values,) = found.moments([point])
        for value, true in zip(values, sums(seed, link, 0.25), strict=True):
            assert abs(float(value.mid()) - true) < 1e-8 * max(1.0, abs(true))
            assert value.rad() < 1e-7


@pytest.mark.parametrize("seed", range(3))
def test_enclosures_off_the_line(seed: int) -> None:
    """At points of a box of shifts the moments are inside, and no farther out than they turn."""
    with ball_precision(64):
        problem = Problem(strand_of(seed, "logit", effects=True))
        aims = [arb(2) ** -30] * len(problem.strand.moments)
        box = acb(arb(0.5, 0.05), arb(0.3, 0.05))
        plans = fourier_plan(problem, box, aims)
        (inside,) = plans.moments([(box, problem.slopes)])
        for shift in (0.45 + 0.25j, 0.55 + 0.35j, 0.5 + 0.3j):
            for value, true in zip(inside, sums(seed, "logit", shift), strict=True):
                assert abs(true.real - float(value.real.mid())) <= float(value.real.rad()) + 1e-8
                assert abs(true.imag - float(value.imag.mid())) <= float(value.imag.rad()) + 1e-8
                assert value.real.rad() < 4


def test_tables_are_values() -> None:
    with ball_precision(64):
        for name in ("Gamma(2, 1/2)", "Poisson(1)"):
            found = LightTransform(line_of(read_law(name, ("x",))), arb(-0.7), arb(3), (arb("1e-12"),) * 3)
            points = [arb(0), arb("0.3"), arb("2.9")]
            for k, row in enumerate(found.table(points, 2)):
                for t, value in zip(points, row, strict=True):
                    x, mass = LAWS[name]
                    assert value.overlaps(found.at(t, k))
                    assert abs(complex(value) - np.sum(mass * x**k * np.exp(-0.7j * float(t) * x))) < 1e-8


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds of transforms on ellipses that are far too small: too few nodes, with errors that are too small."""
    strand = strand_of(1, "logit")
    with ball_precision(80):
        (fine,) = (lambda p: plan(p, *p.at(()), 60, *p.rough_scales(*p.at(()))).moments([p.at(())]))(Problem(strand))
        true = LightTransform.bound
        monkeypatch.setattr(LightTransform, "bound", lambda self, *given: true(self, *given) * arb("1e-30"))
        problem = Problem(strand)
        point = problem.at(())
        (wrong,) = plan(problem, *point, 36, *problem.rough_scales(*point)).moments([point])
    assert any(not a.overlaps(b) for a, b in zip(wrong, fine, strict=True))


def test_where_they_are_wanted() -> None:
    def problem(laws: tuple[str, ...], loadings: tuple[tuple[fmpq, ...], ...] = (), link: str = "logit") -> Problem:
        read = tuple(read_law(law, ("x",)) for law in laws)
        moments = ((0,) * len(read), (2,) * len(read))
        return Problem(Strand(WEIGHTS[link][0], read, fmpq(0), (fmpq(1),) * len(read), loadings, moments))

    three = ("Uniform(0, 1)", "Exponential(2)", "Poisson(1)")
    intercept = ((fmpq(1), fmpq(0), fmpq(0), fmpq(0)),)
    slope = ((fmpq(0), fmpq(1), fmpq(0), fmpq(0)),)
    assert is_wanted(problem(three))
    assert not is_wanted(problem((*three[:2], "Bernoulli(1/3)")))
    assert not is_wanted(problem(three, intercept))
    assert serves(problem(three, intercept))
    assert not serves(problem(three, slope))
    assert is_wanted(problem((*three, "Normal(0, 1)"), ((*intercept[0], fmpq(0)),)))


MODELS = [
    ("logit", "", ("Uniform(0, 1)", "Exponential(2)", "Gamma(2, 1/2)", "Normal(1/2, 1)")),
    ("probit", "", ("Uniform(0, 1)", "Exponential(2)", "LogNormal(0, 1)")),
    ("cloglog", "", ("Uniform(-1, 2)", "Poisson(1)", "Gamma(2, 1/2)", "Uniform(0, 1)")),
    ("logit", " + (1 | g)", ("Uniform(0, 1)", "Exponential(2)", "Uniform(-1, 2)", "Poisson(1)")),
    pytest.param(
        "probit", " + (1 | g)", ("Uniform(0, 1)", "Gamma(2, 1/2)", "Exponential(2)", "Normal(1/2, 1)"),
        marks=pytest.mark.slow,
    ),
]  # fmt: skip
AT = {"beta0": "1/3", "beta1": "1/2", "beta2": "-3/5", "beta3": "2/5", "beta4": "1/4", "sigma2": "1/8"}


def information(link: str, names: tuple[str, ...], u: float) -> Array:
    rows, masses = grid_of(names)
    columns = np.vstack([np.ones(rows.shape[1]), rows])
    slopes = [0.5, -0.6, 0.4, 0.25][: len(names)]
    weights = masses * np.exp(WEIGHTS[link][1](1 / 3 + u + np.array(slopes) @ rows))
    return (columns * weights) @ columns.T


def residual(link: str, names: tuple[str, ...]) -> Array:
    """Return the information of the slopes left of that of the intercept, averaged over a random intercept."""
    z, weights = np.polynomial.hermite_e.hermegauss(16)
    total = np.zeros((len(names), len(names)))
    for one, weight in zip(z, weights / weights.sum(), strict=True):
        h = information(link, names, np.sqrt(0.125) * one)
        total += weight * (h[1:, 1:] - np.outer(h[1:, 0], h[0, 1:]) / h[0, 0])
    return total


@pytest.mark.parametrize(("link", "effects", "names"), MODELS, ids=str)
def test_models(link: str, effects: str, names: tuple[str, ...]) -> None:
    variables = "xzwv"[: len(names)]
    laws = dict(zip(variables, names, strict=True))
    model = Model(f"y ~ {' + '.join(variables)}{effects}", family="bernoulli", link=link, laws=laws)
    leading = leading_terms(model)
    inverse = np.linalg.inv(residual(link, names) if effects else information(link, names, 0.0))
    inverse = inverse[-len(names) :, -len(names) :]
    for i, j in ((0, 0), (0, 1), (len(names) - 1, len(names) - 1)):
        entry = leading[variables[i]] if i == j else leading[variables[i], variables[j]]
        point = {str(s): AT[str(s)] for s in entry.coefficient.free_symbols}
        value = entry.evaluate(point, 3 if effects else 8, method="balls")
        assert value.certified
        assert float(value.value) == pytest.approx(inverse[i, j], rel=2e-6, abs=float(value.error))
