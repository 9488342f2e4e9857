"""Moments under power weights by Laplace transforms, against sums over the predictors in NumPy."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer, Rational

from leadterms import Model, leading_terms
from leadterms.errors import UncertifiedError
from leadterms.evaluation.certified.moments.laplace_part import Part, part_of
from leadterms.evaluation.certified.moments.laplace_plan import is_taken_apart
from leadterms.evaluation.certified.moments.laplace_rule import LaplaceMaker
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.weights import PowerWeight

Array = Any
Points = tuple[Array, Array]


def panels(low: float, high: float, count: int, size: int = 16) -> Points:
    """Gauss-Legendre's rule on equal panels."""
    nodes, weights = np.polynomial.legendre.leggauss(size)
    ends = np.linspace(low, high, count + 1)
    half = np.diff(ends)[:, None] / 2
    return (ends[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()


def on_line(law: Any, low: float, high: float, count: int = 4) -> Points:
    x, mass = panels(low, high, count)
    return x, mass * law.pdf(x)


def in_logarithms(law: Any, low: float, high: float, count: int) -> Points:
    """Points x = e^t."""
    t, mass = panels(low, high, count)
    return np.exp(t), mass * np.exp(t) * law.pdf(np.exp(t))


LAWS: dict[str, Points] = {
    "Uniform(0, 1)": on_line(stats.uniform(), 0, 1),
    "Uniform(-1, 2)": on_line(stats.uniform(-1, 3), -1, 2),
    "Uniform(-2, -1/2)": on_line(stats.uniform(-2, 1.5), -2, -0.5),
    "Exponential(2)": on_line(stats.expon(scale=0.5), 0, 24, 6),
    "Poisson(1)": (np.arange(40.0), stats.poisson(1).pmf(np.arange(40))),
    "LogNormal(0, 1)": in_logarithms(stats.lognorm(1), -8, 10, 6),
    "Pareto(1, 1/2)": in_logarithms(stats.pareto(0.5), 0, 110, 36),
    "Pareto(2, 3/2)": in_logarithms(stats.pareto(1.5, scale=2), np.log(2), 60, 20),
}
HEAVY = ("Pareto(1, 1/2)", "Pareto(2, 3/2)")
HEAVIEST = HEAVY[0]
CROSSING = "Uniform(-1, 2)"
NEGATIVE = "Uniform(-2, -1/2)"


def drawn(seed: int) -> tuple[tuple[str, ...], tuple[fmpq, ...], tuple[tuple[int, ...], ...], int]:
    """Return laws, slopes, monomials and 2 a: of laws with both signs the slopes are small."""
    draw = Random(seed)
    heavy, light = draw.sample(HEAVY, 1), draw.sample([name for name in LAWS if name not in HEAVY], 2)
    names = tuple(draw.choice([HEAVY, (*heavy, light[0]), (*heavy, *light), tuple(light)]))
    slopes = []
    for name in names:
        sign = -1 if name == NEGATIVE or (name == CROSSING and draw.random() < 0.5) else 1
        slopes.append(fmpq(sign * draw.randint(2, 4 if name == CROSSING else 9), 10))
    monomials = [tuple(int(i == j) for j in range(len(names))) for i in range(len(names))]
    if draw.random() < 0.4:
        monomials.append((2, *(0,) * (len(names) - 1)))
        slopes.append(fmpq(draw.randint(1, 9), 10))
    # E[X^2 eta^(-3/2)] of Pareto's law with shape 1/2 is infinite
    return names, tuple(slopes), tuple(monomials), 4 if HEAVIEST in names else draw.choice([3, 4])


def problem_of(seed: int) -> Problem:
    names, slopes, monomials, order = drawn(seed)
    laws = tuple(read_law(name, ("x",)) for name in names)
    size = len(names)
    moments = [e for e in product(range(3), repeat=size) if sum(e) <= 2]
    weight = PowerWeight(Rational(3, 4), -Rational(order, 2))
    given = None if len(monomials) == size else monomials
    return Problem(Strand(weight, laws, fmpq(7, 4), slopes, (), tuple(moments), given))


def sums(seed: int) -> list[float]:
    """Return all moments by sums over all predictors' points."""
    names, slopes, monomials, order = drawn(seed)
    grids = np.meshgrid(*(LAWS[name][0] for name in names), indexing="ij")
    mass: Array = np.array(1.0)
    for axis, name in enumerate(names):
        shape = [1] * len(names)
        shape[axis] = -1
        mass = mass * LAWS[name][1].reshape(shape)
    eta = 1.75 + sum(
        float(b.p) / float(b.q) * np.prod([g**k for g, k in zip(grids, e, strict=True)], axis=0)
        for b, e in zip(slopes, monomials, strict=True)
    )
    weights = mass * 0.75 * eta ** (-order / 2)
    moments = problem_of(seed).strand.moments
    return [float(np.sum(weights * np.prod([g**k for g, k in zip(grids, e, strict=True)], axis=0))) for e in moments]


def found(problem: Problem, bits: int) -> list[Any]:
    point = problem.at(())
    return LaplaceMaker(problem, *point, bits, *problem.rough_scales(*point)).values()


@pytest.mark.parametrize("seed", range(16))
def test_moments(seed: int) -> None:
    with ball_precision(96):
        problem = problem_of(seed)
        values = found(problem, 40)
        for value, true in zip(values, sums(seed), strict=True):
            assert abs(float(value.mid()) - true) < 2e-9 * (abs(true) + float(abs(values[0]).mid()))
            assert value.rad() < 1e-7


@pytest.mark.parametrize("seed", range(24, 36))
def test_errors_hold_and_are_of_use(seed: int) -> None:
    """With few bits the errors are those of long steps and near cuts: the values with many bits are inside."""
    with ball_precision(96):
        problem = problem_of(seed)
        fine = found(problem, 60)
        _, sizes = problem.rough_scales(*problem.at(()))
        for bits in (4, 12):
            for value, true, e in zip(found(problem, bits), fine, problem.strand.moments, strict=True):
                assert value.overlaps(true)
                most = float(abs(fine[0]).mid()) * 2.0**-bits
                for i, k in enumerate(e):
                    most *= float(sizes[i][k])
                assert float(value.rad()) < 40 * most


def test_a_false_step_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps three times as long, with the error of the shorter ones."""
    with ball_precision(96):
        problem = problem_of(3)
        fine = found(problem, 60)
        errors: list[Any] = []
        chosen, error = LaplaceMaker._chosen, LaplaceMaker._error

        def noted(self: LaplaceMaker, *given: Any) -> Any:
            errors.append(error(self, *given))
            return errors[-1]

        def longer(self: LaplaceMaker) -> tuple[Any, Any]:
            theta, step = chosen(self)
            return theta, step * 3

        monkeypatch.setattr(LaplaceMaker, "_error", noted)
        assert found(problem, 30)[0].overlaps(fine[0])
        monkeypatch.setattr(LaplaceMaker, "_chosen", longer)
        monkeypatch.setattr(LaplaceMaker, "_error", lambda self, place, *given: errors[place])
        assert not found(problem, 30)[0].overlaps(fine[0])


PARTS = [
    ("Pareto(1, 1/2)", (0.7,), (1, 2)),
    ("Pareto(2, 3/2)", (0.3,), (2, 3)),
    ("Pareto(2, 3/2)", (-0.4, 0.5), (3, 4)),
    ("LogNormal(0, 1)", (0.5,), (1, 2)),
    ("Uniform(-1, 2)", (-0.6,), (1, 2, 3)),
    ("Uniform(-1, 2)", (0.6, 0.2), (1, 2, 3)),
]


def part(name: str, coefficients: tuple[float, ...]) -> Part:
    return part_of(line_of(read_law(name, ("x",))), {k: arb(c) for k, c in enumerate(coefficients, start=1)})


@pytest.mark.parametrize(("name", "coefficients", "powers"), PARTS, ids=str)
def test_parts(name: str, coefficients: tuple[float, ...], powers: tuple[int, ...]) -> None:
    """The bounds of one predictor's transforms, near zero and without moduli."""
    x, mass = LAWS[name]
    with ball_precision(64):
        one = part(name, coefficients)
        depth = sum(c * x**k for k, c in enumerate(coefficients, start=1)) - float(one.least)
        assert depth.min() >= 0
        for rate, slack, degree in ((*one.growth, 1), one.steepest):
            assert np.all(depth >= float(rate) * abs(x) ** degree - float(slack) - 1e-9)
        for power in powers:
            level, order = one.near(power)
            for s in (1e-6, 1e-3, 0.1):
                if any(limit * s > 1 for limit in one.steepest[:2]):
                    continue
                true = float(np.sum(mass * abs(x) ** power * np.exp(-s * depth)))
                assert true <= float(level) * s ** -float(order) * (1 + 1e-9)
            plain = [arb(float(np.sum(mass * x**k * np.exp(-depth)))) for k in range(power + 1)]
            assert np.sum(mass * abs(x) ** power * np.exp(-depth)) <= float(one.majorant(plain, power)) * (1 + 1e-9)


def test_where_it_is_wanted() -> None:
    def wanted(formula: str, **laws: str) -> bool:
        read = tuple(read_law(law, ("x",)) for law in laws.values())
        moments = ((0,) * len(read), (2,) * len(read))
        monomials = {"x*z": ((1, 0), (0, 1), (1, 1))}.get(formula)
        slopes = (fmpq(1),) * (len(read) if monomials is None else 3)
        strand = Strand(PowerWeight(Integer(1), Integer(-2)), read, fmpq(1), slopes, (), moments, monomials)
        return is_taken_apart(Problem(strand))

    assert wanted("x + z", x="Pareto(1, 3/2)", z="Uniform(0, 1)")
    assert wanted("x + z + w", x="Exponential(1)", z="Uniform(0, 1)", w="Poisson(1)")
    assert not wanted("x + z + w", x="Exponential(1)", z="Uniform(0, 1)", w="Bernoulli(1/2)")
    assert not wanted("x + z", x="Pareto(1, 3/2)", z="Bernoulli(1/2)")
    assert not wanted("x*z", x="Pareto(1, 3/2)", z="Uniform(0, 1)")


GAPS = [
    ("I(x**2) + z + w", ("Uniform(0, 1)", "Exponential(2)", "Uniform(-1, 2)"), (2,)),
    ("x + I(x**3) + z + w", ("Uniform(0, 1)", "Exponential(2)", "Uniform(-1, 2)"), (1, 3)),
    ("I(x**2) + z", ("Uniform(-1, 2)", "Pareto(2, 3/2)"), (2,)),
]


@pytest.mark.parametrize(("formula", "names", "powers"), GAPS, ids=str)
def test_powers_in_no_moment(formula: str, names: tuple[str, ...], powers: tuple[int, ...]) -> None:
    laws = dict(zip("xzw", names, strict=False))
    leading = leading_terms(Model(f"y ~ {formula}", family="gamma", link="inverse", laws=laws))
    slopes = [2.5, *(0.5, 0.3)[: len(powers)], *(0.7, 0.4)[: len(names) - 1]]
    rows = np.stack([g.ravel() for g in np.meshgrid(*(LAWS[name][0] for name in names), indexing="ij")])
    masses = np.prod([g.ravel() for g in np.meshgrid(*(LAWS[name][1] for name in names), indexing="ij")], axis=0)
    columns = np.vstack([np.ones(rows.shape[1]), *(rows[0] ** k for k in powers), rows[1:]])
    weights = masses * (np.array(slopes) @ columns) ** -2
    inverse = np.linalg.inv((columns * weights) @ columns.T)
    at = {f"beta{k}": str(b) for k, b in enumerate(slopes)} | {"phi": "1"}
    value = leading["z"].evaluate(at, 10, method="balls")
    place = 1 + len(powers)
    assert float(value.value) == pytest.approx(inverse[place, place], rel=1e-6)


def test_both_sides_of_the_line() -> None:
    """Odd powers of a law on the whole line that lacks their moments, under x + x^2."""
    with ball_precision(64):
        laws = (read_law("StudentT(3)", ("x",)), read_law("Uniform(0, 1)", ("x",)))
        moments = ((0, 0), (1, 0), (3, 0), (2, 1), (4, 0))
        monomials = ((1, 0), (2, 0), (0, 1))
        slopes = (fmpq(-1, 2), fmpq(3, 10), fmpq(1, 2))
        problem = Problem(Strand(PowerWeight(Integer(1), Integer(-2)), laws, fmpq(2), slopes, (), moments, monomials))
        values = found(problem, 30)
    t, mass = panels(-14, 14, 80)
    x, z = np.sinh(t)[:, None], LAWS["Uniform(0, 1)"][0][None, :]
    weights = (mass * np.cosh(t) * stats.t(3).pdf(np.sinh(t)))[:, None] * LAWS["Uniform(0, 1)"][1][None, :]
    weights = weights * (2 - x / 2 + 0.3 * x**2 + z / 2) ** -2
    for value, (j, k) in zip(values, moments, strict=True):
        assert abs(float(value.mid()) - np.sum(weights * x**j * z**k)) < 1e-7
        assert value.rad() < 1e-6


MODELS = [
    ("gamma", "inverse", ("LogNormal(0, 1)", "Exponential(2)", "Uniform(0, 1)")),
    ("inverse-gaussian", "1/mu^2", ("Poisson(1)", "Uniform(-1, 2)", "Exponential(2)")),
    ("gamma", "inverse", ("Pareto(1, 1/2)", "Pareto(2, 3/2)")),
]


@pytest.mark.parametrize(("family", "link", "names"), MODELS, ids=str)
def test_models(family: str, link: str, names: tuple[str, ...]) -> None:
    """The whole covariance, against the inverse of NumPy's information."""
    variables = "xzw"[: len(names)]
    model = Model(
        f"y ~ {' + '.join(variables)}", family=family, link=link, laws=dict(zip(variables, names, strict=True))
    )
    at = {"beta0": "3/2", "beta1": "1/2", "beta2": "3/10", "beta3": "7/10", "phi": "1"}
    grids = np.meshgrid(*(LAWS[name][0] for name in names), indexing="ij")
    columns = [np.ones_like(grids[0]), *grids]
    mass: Array = np.array(1.0)
    for axis, name in enumerate(names):
        shape = [1] * len(names)
        shape[axis] = -1
        mass = mass * LAWS[name][1].reshape(shape)
    eta = sum(b * c for b, c in zip((1.5, 0.5, 0.3, 0.7), columns, strict=False))
    weights = mass * (eta**-2 if link == "inverse" else eta**-1.5 / 4)
    # column by column in units that are alike, as of heavy tails they differ by many orders
    inverse = np.linalg.inv([[float(np.sum(weights * a * b)) for a in columns] for b in columns])
    leading = leading_terms(model)
    keys = ["(Intercept)", *variables]
    for i, j in ((0, 0), (1, 1), (1, 2), (len(names), len(names))):
        entry = leading[keys[i]] if i == j else leading[keys[i], keys[j]]
        point = {str(s): at[str(s)] for s in entry.coefficient.free_symbols}
        value = entry.evaluate(point, 12, method="balls")
        assert value.certified
        assert float(value.value) == pytest.approx(inverse[i, j], rel=1e-6)


def test_laws_of_which_too_little_is_known() -> None:
    """Zeta's law has no moments here, and no bound by a density."""
    model = Model("y ~ x + z", family="gamma", link="inverse", laws={"x": "Zeta(3/2)", "z": "Uniform(0, 1)"})
    with pytest.raises(UncertifiedError, match="not known how fast the Laplace transforms"):
        leading_terms(model)["x"].evaluate(
            {"beta0": "1", "beta1": "1/2", "beta2": "1/3", "phi": "1"}, 6, method="balls"
        )
