"""Random slopes on predictors with heavy tails, cut off cell by cell of the effects, against sums in double precision.

The sums are written from the definition: node sums over the predictors in a variable in which their tails are light,
panels of the effects that shrink towards a slope of zero, and weighted regressions for the residual information.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer

from leadterms import Model, expansion, leading_terms
from leadterms.evaluation.certified.averages.cut_cells import CutCellsAverage, falls_slowly_on_points, pays_in_cells
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
from leadterms.evaluation.certified.cuts.cell_inverse import InverseLossAt
from leadterms.evaluation.certified.cuts.cell_loss import CellLoss, LossAt
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.moments.panels import Panels
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import Ceiling, InverseForm, NumeratorTerm, NumericSystem, Sector, Strand
from leadterms.model.law_reading import read_law
from leadterms.model.weights import LogisticWeight

Array = Any
ALONE = {"beta0": "-3/10", "beta1": "7/10", "sigma2": "1/5"}


def logistic(eta: Array) -> Array:
    q = np.exp(-np.abs(eta))
    return q / (1 + q) ** 2


def probit(eta: Array) -> Array:
    return np.exp(-eta * eta - np.log(2 * np.pi) - stats.norm.logcdf(eta) - stats.norm.logcdf(-eta))


def cloglog(eta: Array) -> Array:
    q = np.exp(np.clip(eta, -300, 6.5))
    return q * q / np.expm1(q)


def panels(ends: Array, count: int = 20) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(count)
    half, middle = np.diff(ends) / 2, (ends[1:] + ends[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def bell(t: Array) -> Array:
    return np.exp(-t * t / 2) / np.sqrt(2 * np.pi)


T, DT = panels(np.linspace(0, 12, 25))
WIDE, DWIDE = panels(np.linspace(-9, 9, 37))
LAWS = {
    "Pareto(1, 3)": (np.exp(T), DT * 3 * np.exp(-3 * T)),
    "Pareto(1, 5)": (np.exp(T), DT * 5 * np.exp(-5 * T)),
    "Pareto(1, 3/2)": (np.exp(2 * T), DT * 3 * np.exp(-3 * T)),
    "Logistic(0, 1)": (5 * WIDE, 5 * DWIDE / (2 + 2 * np.cosh(5 * WIDE))),
    "LogNormal(0, 1)": (np.exp(WIDE), DWIDE * bell(WIDE)),
    # sinh t/5^(1/2) of Student's law has the density C cosh(t)^-5
    "StudentT(5)": (np.sqrt(5) * np.sinh(WIDE), DWIDE * 8 / (3 * np.pi) * np.cosh(WIDE) ** -5),
    "Weibull(1, 1/2)": (T**2 * 25, DT * 5 * np.exp(-5 * T)),
}


DENSITIES = {
    "Pareto(1, 3/2)": lambda x: 1.5 * x**-2.5,
    "LogNormal(0, 1)": lambda x: bell(np.log(x)) / x,
    "StudentT(5)": stats.t(5).pdf,
}


def around(zero: float) -> tuple[Array, Array]:
    """Nodes for the standard effect, and masses."""
    steps = np.geomspace(1e-7, 10, 50)
    z, dz = panels(np.concatenate([zero - steps[::-1], zero + steps]), 12)
    return z, dz * bell(z)


def residual(weights: Array, rows: Array, kept: int) -> float:
    """The information on the last column that is left given the first ones."""
    h = np.einsum("n,in,jn->ij", weights, rows, rows)
    return float(h[kept, kept] - h[kept, :kept] @ np.linalg.solve(h[:kept, :kept], h[:kept, kept]))


@pytest.mark.parametrize(
    ("law", "digits"),
    [("Pareto(1, 3)", 4), ("Pareto(1, 3/2)", 2), ("StudentT(5)", 9), ("Weibull(1, 1/2)", 3)],
)
def test_random_slope_alone(law: str, digits: int) -> None:
    x, p = LAWS[law]
    z, dz = around(-0.7 / np.sqrt(0.2))
    rows = np.array([x, np.ones_like(x)])
    slopes = 0.7 + np.sqrt(0.2) * z
    mean = sum(m * residual(p * logistic(-0.3 + s * x), rows, 1) for s, m in zip(slopes, dz, strict=True))
    found = leading_terms(Model("y ~ x + (0 + x | g)", family="bernoulli", laws={"x": law}))["(Intercept)"]
    number = found.evaluate(ALONE, digits=digits, method="balls")
    assert abs(float(number.value) * mean - 1) <= float(number.error) * mean + 1e-9
    assert float(number.error) * mean < 10.0 ** (1 - digits)


@pytest.mark.parametrize(
    ("link", "law"),
    [("cloglog", "Pareto(1, 5)"), ("probit", "Weibull(1, 1/2)")],
)
def test_weights_that_leave_every_sector(link: str, law: str) -> None:
    weight = {"probit": probit, "cloglog": cloglog}[link]
    x, p = LAWS[law]
    z, dz = around(-0.7 / np.sqrt(0.2))
    rows = np.array([x, np.ones_like(x)])
    slopes = 0.7 + np.sqrt(0.2) * z
    mean = sum(m * residual(p * weight(-0.3 + s * x), rows, 1) for s, m in zip(slopes, dz, strict=True))
    found = leading_terms(Model("y ~ x + (0 + x | g)", family="bernoulli", link=link, laws={"x": law}))["(Intercept)"]
    number = found.evaluate(ALONE, digits=2, method="balls")
    assert abs(float(number.value) * mean - 1) <= float(number.error) * mean + 1e-6


@pytest.mark.slow
def test_beside_a_fixed_predictor() -> None:
    x, p = LAWS["LogNormal(0, 1)"]
    z, dz = around(-0.7 / np.sqrt(0.2))
    both = [np.concatenate([own, own]) for own in (x, p / 2)]
    arms = np.repeat([0.0, 1.0], len(x))
    rows = np.array([both[0], np.ones_like(arms), arms])
    g = np.zeros((2, 2))
    for s, m in zip(0.7 + np.sqrt(0.2) * z, dz, strict=True):
        h = np.einsum("n,in,jn->ij", both[1] * logistic(-0.3 + s * both[0] + arms / 2), rows, rows)
        g += m * (h[1:, 1:] - np.outer(h[1:, 0], h[0, 1:]) / h[0, 0])
    laws = {"x": "LogNormal(0, 1)", "z": "Bernoulli(1/2)"}
    found = leading_terms(Model("y ~ x + z + (0 + x | g)", family="bernoulli", laws=laws))["z"]
    number = found.evaluate({**ALONE, "beta2": "1/2"}, digits=3, method="balls")
    assert float(str(number).split()[0]) == pytest.approx(np.linalg.inv(g)[1, 1], rel=1e-2)


@pytest.mark.slow
def test_beside_a_random_intercept() -> None:
    x, p = LAWS["Pareto(1, 5)"]
    both = [np.concatenate([own, own]) for own in (x, p / 2)]
    arms = np.repeat([0.0, 1.0], len(x))
    rows = np.array([np.ones_like(arms), both[0], arms])
    # u1 = root z1 + .., the intercept's part of its own last
    z, dz = around(-0.7 / np.sqrt(0.2))
    v, dv = panels(np.linspace(-6, 6, 4), 12)
    mean = 0.0
    for own, mass in zip(z, dz, strict=True):
        for other, more in zip(v, dv * bell(v), strict=True):
            intercept = -0.3 + 0.1 / np.sqrt(0.2) * own + np.sqrt(0.25 - 0.05) * other
            eta = intercept + (0.7 + np.sqrt(0.2) * own) * both[0] + arms / 2
            mean += mass * more * residual(both[1] * logistic(eta), rows, 2)
    laws = {"x": "Pareto(1, 5)", "z": "Bernoulli(1/2)"}
    found = leading_terms(Model("y ~ x + z + (x | g)", family="bernoulli", laws=laws))["z"]
    at = {"beta0": "-3/10", "beta1": "7/10", "beta2": "1/2", "Sigma11": "1/4", "Sigma12": "1/10", "Sigma22": "1/5"}
    number = found.evaluate(at, digits=2, method="balls")
    assert float(str(number).split()[0]) == pytest.approx(1 / mean, rel=3e-2)


def system(law: str) -> NumericSystem:
    """M_0 - M_1^2/M_2 under a random slope."""
    strand = Strand(
        LogisticWeight(Integer(1)),
        (read_law(law, ("x",)),),
        fmpq(-3, 10),
        (fmpq(7, 10),),
        ((fmpq(0), fmpq(9, 10)),),
        ((0,), (1,), (2,)),
    )
    return NumericSystem(
        (strand,),
        lambda m: m[0] - m[1] * m[1] / m[2],
        (Ceiling(fmpq(1), 0, (0,)),),
        Sector(1, 2, turns=True),
        (fmpq(1),),
        (({(0,): fmpq(1)},),),
    )


@pytest.mark.parametrize("law", ["Pareto(1, 3)", "Pareto(1, 3/2)", "LogNormal(0, 1)", "StudentT(5)"])
def test_loss_on_cells(law: str) -> None:
    x, p = LAWS[law]
    whole = system(law)
    laws, bounds = CutLaws(whole.strands, everywhere=False), Bounds(Strands(whole))
    loss = CellLoss(whole, laws, bounds)
    rows = np.array([x, np.ones_like(x)])
    cuts = [cut for cut in laws.spaced() if loss.holds_within(cut)][:12:4]
    shrinks = []
    for cut in cuts:
        low, high = (np.inf * sign if end is None else float(end) for sign, end in zip((-1, 1), cut[0], strict=True))
        inside = (x >= low) & (x <= high)
        at = loss.at(cut)
        for left, right in ((-1.5, -1.4), (-0.8, -0.75), (0.2, 0.5), (2.0, 2.1)):
            bound = float(at.on(loss.on(((arb(left), arb(right)),))))
            for z in np.linspace(left, right, 3):
                w = p * logistic(-0.3 + (0.7 + 0.9 * z) * x)
                assert residual(w, rows, 1) - residual(w * inside, rows, 1) <= bound + 1e-12
            shrinks.append(bound)
    assert shrinks[-1] < 1e-6 * shrinks[3]


def test_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = CutCellsAverage(system("Pareto(1, 3)"), 30, everywhere=False).value()
    monkeypatch.setattr(LossAt, "on", lambda self, cell: arb(0))
    assert not CutCellsAverage(system("Pareto(1, 3)"), 30, everywhere=False).value().overlaps(right)


def test_false_bound_of_an_inverse_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    term = NumeratorTerm(fmpq(1), (), (0,))
    form = InverseForm(fmpq(1), (fmpq(1),), (term,), (fmpq(0),), ((fmpq(9, 10),),))
    strands = system("Pareto(1, 5)").strands
    above, sector = inverse_ceiling(strands, form)
    given = NumericSystem(strands, lambda m: 1 / m[2], (above,), sector, inverse=form)
    right = CutCellsAverage(given, 20, everywhere=False).value()
    assert right.rel_accuracy_bits() >= 20
    monkeypatch.setattr(InverseLossAt, "on", lambda self, cell: arb(0))
    assert not CutCellsAverage(given, 20, everywhere=False).value().overlaps(right)


@pytest.mark.parametrize("law", ["Pareto(1, 3)", "LogNormal(0, 1)", "StudentT(5)", "Weibull(1, 1/2)"])
def test_panels_of_a_law_in_another_variable(law: str) -> None:
    """All panels together have no less than the second moments of the law that is cut off, and no more from below."""
    x, p = LAWS[law]
    given = system(law)
    cut = next(c for c in CutLaws(given.strands, everywhere=True).spaced() if c[0][1] > 20)
    low, high = (np.inf * sign if end is None else float(end) for sign, end in zip((-1, 1), cut[0], strict=True))
    inside = (x >= low) & (x <= high)
    moments = np.array([[np.sum(p * inside * x ** (i + j)) for j in range(2)] for i in range(2)])
    own = Panels(Problem(replace(given.strands[0], cuts=cut)), [(0,), (1,)])
    known = np.array([float(own.above(one)[0, 0].is_finite()) for one in np.eye(len(own.monomials))])
    above, below = (
        np.array(found.tolist(), dtype=float).reshape(2, 2) for found in (own.above(known), own.below(known))
    )
    assert known.sum() > 40
    assert np.linalg.eigvalsh(moments - below)[0] > -1e-9
    # next to an end of the support of which nothing is known
    assert np.linalg.eigvalsh(above - moments)[0] > -1e-6
    assert below[1, 1] > 0.4 * moments[1, 1]
    ends = [float(own.monomials[i][0].upper()) for i in range(len(own.monomials))]
    assert max(ends) >= high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "law"),
    [
        ("logit", "Pareto(1, 5)"),
        ("probit", "Logistic(0, 1)"),
    ],
)
def test_second_terms(link: str, law: str) -> None:
    """E[1/H_AA] + R^2/G with R = E[H_AB/H_AA], A the slope and B the intercept."""
    x, p = LAWS[law]
    weight = {"logit": logistic, "probit": probit}[link]
    z, dz = around(-0.7 / np.sqrt(0.2))
    m = np.array([[np.sum(p * weight(-0.3 + s * x) * x**k) for k in range(3)] for s in 0.7 + np.sqrt(0.2) * z])
    g, r, inverse = dz @ (m[:, 0] - m[:, 1] ** 2 / m[:, 2]), dz @ (m[:, 1] / m[:, 2]), dz @ (1 / m[:, 2])
    found = expansion(Model("y ~ x + (0 + x | g)", family="bernoulli", link=link, laws={"x": law}))["x"]
    number = found.evaluate(ALONE, digits=2, order="1/(m*n)", method="balls")
    assert float(str(number).split()[0]) == pytest.approx(inverse + r * r / g, rel=3e-2)


@pytest.mark.parametrize("law", ["Pareto(1, 3/2)", "LogNormal(0, 1)", "StudentT(5)"])
def test_moments_between_cuts(law: str) -> None:
    given = system(law)
    line = Problem(given.strands[0]).lines[0]
    cut = CutLine(line, line.inner_ends(*line.reach(1.0)))
    for low, high, k in ((cut.low, cut.high, 0), (cut.low, cut.high, 1), (cut.low, cut.high, 2)):
        t = np.linspace(float(low), float(high), 400_001)
        density = DENSITIES[law](t)
        found = cut.expectation(k)
        assert found.is_finite()
        assert float(found) == pytest.approx(np.trapezoid(density * t**k, t), abs=1e-4)
        assert found.overlaps(arb(np.trapezoid(density * t**k, t), 1e-6))


def test_where_cells_have_cuts_of_their_own() -> None:
    assert pays_in_cells(system("StudentT(5)"))
    assert not pays_in_cells(system("Uniform(-1, 1)"))


@pytest.mark.parametrize(
    ("law", "expected"), [("Geometric(1/3)", True), ("Poisson(2)", False), ("Exponential(1)", False)]
)
def test_slow_falls_on_points(law: str, expected: bool) -> None:
    assert falls_slowly_on_points(system(law)) == expected
