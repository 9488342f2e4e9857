"""Inverse informations of three random effects under probit weights, by sums in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms import Model, expansion
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.ellipse_bounds import EllipseBounds
from leadterms.evaluation.certified.bounds.inverse_bound import InverseBound
from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
from leadterms.evaluation.certified.bounds.light_tails import by_terms_below
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import InverseEntry, InverseForm, NumeratorTerm, NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import ProbitWeight
from tests.evaluation.certified.complex_weights import log_cloglog, log_probit, probit
from tests.evaluation.certified.second_terms import both_terms, uniform

Array = Any
POINTS = [(1, x, z) for x, z in product((0, 1), (0, 1))]
MASSES = [fmpq((2, 1)[x] * (2, 1)[z], 9) for _, x, z in POINTS]
BETA = (fmpq(1, 5), fmpq(1, 2), fmpq(-3, 10))
ROOT = ((fmpq(2, 5), fmpq(0), fmpq(0)), (fmpq(1, 20), fmpq(2, 5), fmpq(0)), (fmpq(-1, 20), fmpq(1, 10), fmpq(3, 8)))
COLUMN = (0, 1, 1, 0)
"""A fixed predictor: the product of x and z in another coding."""


def system(entry: InverseEntry) -> NumericSystem:
    """u_1^power times an entry of the inverse information, or of the regression of `COLUMN`."""
    strands = tuple(
        Strand(
            ProbitWeight(Integer(1)),
            (),
            sum((b * a for b, a in zip(BETA, row, strict=True)), fmpq(0)),
            (),
            tuple((sum((row[i] * ROOT[i][j] for i in range(3)), fmpq(0)),) for j in range(3)),
            ((),),
        )
        for row in POINTS
    )

    def integrand(values: Sequence[Any]) -> Any:
        moments, z = values[:4], values[4:]
        whole = [p * w for p, w in zip(MASSES, moments, strict=True)]
        h = [[sum(w * r[i] * r[j] for w, r in zip(whole, POINTS, strict=True)) for j in range(3)] for i in range(3)]
        k = entry.row
        cofactors = [_minor(h, j, k) * (-1) ** (j + k) for j in range(3)]
        across = [sum(w * c * r[j] for w, c, r in zip(whole, COLUMN, POINTS, strict=True)) for j in range(3)]
        right = across if entry.other is None else [int(j == entry.other) for j in range(3)]
        found = sum(c * b for c, b in zip(cofactors, right, strict=True))
        whole_determinant = sum(c * h[j][k] for j, c in enumerate(cofactors))
        return found / whole_determinant * (ROOT[0][0] * z[0]) ** entry.powers[0]

    terms = (NumeratorTerm(fmpq(1), ((0, ()),) * 2, entry.powers),)
    form = InverseForm(fmpq(1), tuple(MASSES), terms, (fmpq(0),) * 3, ROOT, entries=(entry,))
    ceiling, sector = inverse_ceiling(strands, form)
    return NumericSystem(strands, integrand, (ceiling,), sector, with_effects=True, inverse=form)


def _minor(h: list[list[Any]], row: int, column: int) -> Any:
    (a, b), (c, d) = ([h[i][j] for j in range(3) if j != column] for i in range(3) if i != row)
    return a * d - b * c


def entry(row: int, other: int | None, power: int) -> InverseEntry:
    column = tuple({(): fmpq(c)} for c in COLUMN) if other is None else ()
    return InverseEntry(fmpq(1), (power, 0, 0), row, other, column)


def value(one: InverseEntry, z: Array) -> Array:
    """F at standard normal effects, which may be complex: z by rows."""
    root, points = np.array(ROOT, float), np.array(POINTS, float)
    u = z @ root.T
    w = probit(points @ np.array(BETA, float) + u @ points.T) * np.array(MASSES, float)
    h = np.einsum("us,si,sj->uij", w, points, points)
    right = w @ (np.array(COLUMN)[:, None] * points) if one.other is None else np.eye(3)[[one.other] * len(z)]
    return np.linalg.solve(h, right[..., None])[:, one.row, 0] * u[:, 0] ** one.powers[0]


REGRESSION = entry(0, None, 1)
CASES = [entry(1, 2, 0), entry(0, 0, 2), REGRESSION]


@pytest.mark.parametrize("one", CASES, ids=["entry", "square", "regression"])
def test_bounds_are_above_the_integrand(one: InverseEntry) -> None:
    """On cells and on ellipses around their sides, at random points of them."""
    assert _excess(one, system(one)) <= 1 + 1e-9


def test_bounds_by_terms_below_are_above_a_regression() -> None:
    """Without an inverse, by the terms of the determinant: its expansion and Cramer's rule by Cauchy and Binet."""
    assert _excess(REGRESSION, _by_terms_below(1)) <= 1 + 1e-9
    assert _excess(REGRESSION, _by_terms_below(fmpq(1, 50))) > 1


def _by_terms_below(factor: Any) -> NumericSystem:
    """Return the regression with bounds of this part of it."""
    below, above = [], []
    for places in combinations(range(4), 3):
        rows = np.array([POINTS[s] for s in places], float)
        mass = prod(MASSES[s] for s in places) * round(np.linalg.det(rows)) ** 2
        solved = round(np.linalg.solve(rows, [COLUMN[s] for s in places])[REGRESSION.row])
        strands = tuple((s, ()) for s in places)
        below.append(NumeratorTerm(mass, strands, (0, 0, 0)))
        above.append(NumeratorTerm(mass * solved * factor, strands, REGRESSION.powers))
    whole = system(REGRESSION)
    assert whole.inverse is not None
    form = replace(whole.inverse, terms=tuple(above), below=tuple(below))
    found = by_terms_below([Problem(strand) for strand in whole.strands], form)
    assert found is not None
    return replace(whole, ceiling=(found[0],), sector=found[1], inverse=form)


def test_a_planted_false_bound_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the roots of the inverse's diagonal a tenth of what they are."""
    honest = InverseBound._diagonal
    monkeypatch.setattr(InverseBound, "_diagonal", lambda *args: [root / 10 for root in honest(*args)])
    assert _excess(CASES[0], system(CASES[0])) > 1


def _excess(one: InverseEntry, whole: NumericSystem) -> float:
    """Return the largest ratio of |F| to what bounds it."""
    draw = np.random.default_rng(7)
    worst = 0.0
    with ball_precision(64):
        strands = Strands(whole)
        bounds = Bounds(strands)
        ellipses = EllipseBounds(strands, bounds, 20)
        for place in range(24):
            centre, half, j, rho = draw.uniform(-4, 4, 3), draw.uniform(0.1, 0.6), place % 3, draw.uniform(1.2, 2.4)
            cell = tuple((arb(c - half), arb(c + half)) for c in centre)
            z = centre + half * draw.uniform(-1, 1, (40, 3))
            worst = max(worst, float(np.abs(value(one, z)).max()) / float(bounds.top(cell)))
            angle = draw.uniform(0, np.pi, 40)
            turned = z.astype(complex)
            turned[:, j] = centre[j] + half * (rho * np.exp(1j * angle) + np.exp(-1j * angle) / rho) / 2
            bound = ellipses.on(cell, j, rho)
            if bound.is_finite():
                sizes = np.abs(value(one, turned) * np.exp(-(turned**2).sum(1) / 2)) / (2 * np.pi) ** 1.5
                worst = max(worst, float(sizes.max()) / float(bound))
    assert worst > 0
    return worst


@pytest.mark.slow
def test_second_terms_of_three_random_effects_by_default() -> None:
    """By sums over a grid that share no algebra with the engine."""
    formula = "y ~ x + z + (1 | g) + (0 + x | g) + (0 + z | g)"
    law = "Bernoulli(1/3)"
    found = expansion(Model(formula, family="bernoulli", link="probit", laws={"x": law, "z": law}))
    at = "beta0=1/5, beta1=1/2, beta2=-3/10, Sigma11=1/50, Sigma22=1/60, Sigma33=1/80"
    design = np.array(POINTS, float).T, np.array(MASSES, float)
    expected = both_terms(probit, design, [0, 1, 2], [0.2, 0.5, -0.3], np.diag([1 / 50, 1 / 60, 1 / 80]), 0.3)[1]
    number = found["beta0", "beta2"].evaluate(at, 2, order="1/(m*n)", method="balls")
    assert number.certified
    assert abs(float(number.value) - expected[0, 2]) <= float(number.error) + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(("link", "log_weight"), [("probit", log_probit), ("cloglog", log_cloglog)])
def test_covariances_with_a_fixed_effect_where_no_variance_exists(link: str, log_weight: Any) -> None:
    """A slope on two values: the regression of v is by its weighted means there, which are within its support."""
    laws = {"x": "Bernoulli(1/3)", "v": "Uniform(-1, 1)"}
    found = expansion(Model("y ~ x + v + (x | g)", family="bernoulli", link=link, laws=laws))
    spread = 1.4 if link == "probit" else 0.125
    covariance = np.array([[spread, 0.1], [0.1, 0.25]])
    at = f"beta0=0.2, beta1=0.5, beta2=-0.3, Sigma11={spread}, Sigma12=0.1, Sigma22=0.25"
    v, masses = uniform(-1, 1)
    line = np.arange(-40, 41) * 0.2
    z = np.stack([grid.ravel() for grid in np.meshgrid(line, line)], axis=1)
    p = np.exp(-(z**2).sum(1) / 2) * 0.2**2 / (2 * np.pi)
    u = z @ np.linalg.cholesky(covariance).T
    means, left = [], 0.0
    for x, chance in ((0, 2 / 3), (1, 1 / 3)):
        logs = log_weight((0.2 + 0.5 * x + u[:, 0] + x * u[:, 1])[:, None] - 0.3 * v)
        top = logs.max(axis=1)
        w = masses * np.exp(logs - top[:, None])
        total = w.sum(1)
        means.append(w @ v / total)
        left += chance * (p * np.exp(top) * (w @ v**2 - means[-1] ** 2 * total)).sum()
    expected = -np.array([p @ means[0], p @ (means[1] - means[0])]) / left
    for place in range(2):
        number = found[f"beta{place}", "beta2"].evaluate(at, 2, order="1/(m*n)", method="balls")
        assert abs(float(number.value) - expected[place]) <= float(number.error) + 1e-6
