"""Random slopes on unbounded predictors, and three random effects, against sums in double precision.

The sums are written from the definition: the trapezoidal rule over the random effects, node sums over the predictors,
and the residual variance of the predictor given the others under the weights, centred.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq
from scipy import stats
from sympy import Integer, Rational, Tuple

from leadterms import Model, leading_terms
from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.cuts import cut_road
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.certified.cuts.cut_residual import ResidualLoss
from leadterms.evaluation.certified.cuts.cut_road import cut_off, is_unbounded
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Sector, Strand
from leadterms.model.law_reading import read_law
from leadterms.model.laws import FiniteLaw, GammaLaw, Law, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import (
    CloglogWeight,
    ExponentialWeight,
    LogisticWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)
from tests.evaluation.certified.complex_weights import log_probit

ONE = Integer(1)
Array = Any
Nodes = tuple[Array, Array]


def logistic(eta: Array) -> Array:
    q = np.exp(-np.abs(eta))
    return q / (1 + q) ** 2


def saturating(eta: Array) -> Array:
    return 1 / (1 / 3 + np.exp(-eta))


def legendre(low: float, high: float, density: Callable[[Array], Array], count: int = 30) -> Nodes:
    x, w = np.polynomial.legendre.leggauss(count)
    x = (low + high) / 2 + (high - low) / 2 * x
    return x, (high - low) / 2 * w * density(x)


def joined(*parts: Nodes) -> Nodes:
    return np.concatenate([x for x, _ in parts]), np.concatenate([w for _, w in parts])


def bell(mean: float, sd: float) -> Nodes:
    z = np.linspace(-8.5, 8.5, 103)
    return mean + sd * z, np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])


def poisson(rate: float) -> Nodes:
    k = np.arange(25)
    return k.astype(float), np.exp(-rate) * rate**k / np.cumprod(np.maximum(k, 1.0))


UNIFORM = legendre(-1, 1, lambda x: 0 * x + 1 / 2, 14)
NORMAL = bell(0, 1)
GAMMA = joined(*(legendre(3 * i, 3 * i + 3, lambda x: 4 * x * np.exp(-2 * x), 14) for i in range(7)))


def residual_information(weights: Array, rows: Array) -> Array:
    """E[w b^2] given the other columns, b the last row, by two regressions on the mean and on what is left of it."""
    total = weights.sum(1)
    centred = [row - (weights @ row / total)[:, None] for row in rows]
    for i in range(len(centred)):
        for j in range(i + 1, len(centred)):
            slope = (weights * centred[i] * centred[j]).sum(1) / (weights * centred[i] ** 2).sum(1)
            centred[j] = centred[j] - slope[:, None] * centred[i]
    return (weights * centred[-1] ** 2).sum(1)


def by_sums(
    weight: Callable[[Array], Array], nodes: list[Nodes], point: tuple[float, list[float]], loadings: Array, step: float
) -> float:
    """E_Z of the residual information of the last predictor given 1 and those before."""
    centre, slopes = point
    grids = np.meshgrid(*(x for x, _ in nodes), indexing="ij")
    x = np.stack([grid.ravel() for grid in grids])
    masses = np.prod(np.stack(np.meshgrid(*(w for _, w in nodes), indexing="ij")), axis=0).ravel()
    line = np.arange(-round(7.5 / step), round(7.5 / step) + 1) * step
    z = np.stack([grid.ravel() for grid in np.meshgrid(*[line] * len(loadings), indexing="ij")], axis=1)
    design = np.concatenate([np.ones((1, x.shape[1])), x])
    total = 0.0
    for part in np.array_split(z, max(1, len(z) * x.shape[1] // 2_000_000)):
        coefficients = np.array([centre, *slopes]) + part @ np.asarray(loadings)
        values = residual_information(weight(coefficients @ design) * masses, x)
        total += float(values @ np.exp(-(part**2).sum(1) / 2))
    return total * (step / np.sqrt(2 * np.pi)) ** len(loadings)


def schur(m: Any) -> Any:
    """h_bb - h_bA H_AA^-1 h_Ab for A = (1, x1), b = x2, by the moments 1, x1, x1^2, x2, x1 x2, x2^2."""
    h, hx, hxx, b, bx, bb = m
    return bb - (b * b * hxx - 2 * b * bx * hx + bx * bx * h) / (h * hxx - hx * hx)


EXPONENTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))
LOADINGS = ((fmpq(1, 5), fmpq(2, 5)), (fmpq(3, 5), fmpq(0)))


def system(weight: Weight, law: Law, centre: fmpq, slopes: tuple[fmpq, fmpq], second: Law) -> NumericSystem:
    loadings = tuple((*row, fmpq(0)) for row in LOADINGS)
    strand = Strand(weight, (law, second), centre, slopes, loadings, EXPONENTS)
    return NumericSystem((strand,), schur, (Ceiling(fmpq(1), 0, (0, 2)),), Sector(1, 2), (fmpq(1),))


FIRST = (fmpq(-2, 5), (fmpq(7, 10), fmpq(1, 3)))
SECOND = (fmpq(9, 10), (fmpq(-6, 5), fmpq(4, 5)))
CASES = [
    (LogisticWeight(ONE), logistic, NormalLaw(0, 1), NORMAL, UniformLaw(-1, 1), UNIFORM, FIRST),
    (LogisticWeight(ONE), logistic, PoissonLaw(1), poisson(1.0), UniformLaw(-1, 1), UNIFORM, SECOND),
    (SaturatingWeight(ONE, Rational(1, 3)), saturating, NormalLaw(0, 1), NORMAL, UniformLaw(-1, 1), UNIFORM, SECOND),
    (LogisticWeight(ONE), logistic, GammaLaw(2, Rational(1, 2)), GAMMA, UniformLaw(-1, 1), UNIFORM, SECOND),
]  # fmt: skip


def check(case: Any, bits: int) -> None:
    weight, function, law, nodes, second, others, (centre, slopes) = case
    ball = certified_average(system(weight, law, centre, slopes, second), bits)
    loadings = [[float(entry.p) / float(entry.q) for entry in row] + [0.0] for row in LOADINGS]
    point = (int(centre.p) / int(centre.q), [int(b.p) / int(b.q) for b in slopes])
    expected = by_sums(function, [nodes, others], point, loadings, 0.2)
    assert ball.rel_accuracy_bits() >= bits
    # the sums are good to about 1e-10: halving their step changes less
    assert abs(float(ball.mid()) - expected) <= float(ball.rad()) + 1e-9 * expected


def named(case: Any) -> str:
    return f"{type(case[0]).__name__} {case[2]} {case[4]}"


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[:1], ids=named)
def test_a_random_slope_on_an_unbounded_predictor(case: Any) -> None:
    check(case, 14)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[1:], ids=named)
def test_random_slopes_for_other_laws_and_links(case: Any) -> None:
    check(case, 14)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "bits"), [("logit", 14), ("probit", 10)])
def test_three_random_effects(kind: str, bits: int) -> None:
    """x3 given 1, x1, x2, where x1 and x2 take two values and x3 is uniform."""
    weight, values = {
        "logit": (LogisticWeight(ONE), logistic),
        "probit": (ProbitWeight(ONE), lambda eta: np.exp(log_probit(eta))),
    }[kind]
    law = FiniteLaw(Tuple(0, Rational(1, 2)), Tuple(1, Rational(1, 2)))
    names = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    exponents = tuple(dict.fromkeys(tuple(i + j for i, j in zip(e, f, strict=True)) for e in names for f in names))
    loadings = tuple(tuple(fmpq(v, 10) for v in row) for row in ((4, 1, 0, 0), (0, 3, 1, 0), (0, 0, 3, 0)))

    def last(m: Any) -> Any:
        moments = dict(zip(exponents, m, strict=True))
        rows = [[moments[tuple(i + j for i, j in zip(e, f, strict=True))] for f in names] for e in names]
        return arb_mat(rows).det() / arb_mat([row[:3] for row in rows[:3]]).det()

    slopes = (fmpq(7, 10), fmpq(-1, 2), fmpq(1, 3))
    strand = Strand(weight, (law, law, UniformLaw(-1, 1)), fmpq(-2, 5), slopes, loadings, exponents)
    sector = Sector(1, 2, turns=kind == "probit")
    whole = NumericSystem((strand,), last, (Ceiling(fmpq(1), 0, (0, 0, 2)),), sector, (fmpq(1),))
    ball = certified_average(whole, bits)
    two = (np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    numbers = [[int(v.p) / int(v.q) for v in row] for row in loadings]
    values = logistic if kind == "logit" else lambda eta: np.exp(log_probit(eta))
    expected = by_sums(values, [two, two, UNIFORM], (-0.4, [0.7, -0.5, 1 / 3]), numbers, 0.4)
    assert ball.rel_accuracy_bits() >= bits
    assert abs(float(ball.mid()) - expected) <= float(ball.rad()) + 1e-9 * expected


@pytest.mark.slow
def test_three_random_effects_beside_a_normal_predictor() -> None:
    """Two factors with random effects, and a normal predictor, whose law is cut off."""
    factor, sigma = "Bernoulli(1/2)", np.array([[0.5, 0.1, 0], [0.1, 0.25, 0], [0, 0, 0.25]])
    model = Model("y ~ x + z + w + (x + z | g)", family="bernoulli", link="probit",
                  laws={"x": factor, "z": factor, "w": "Normal(0, 1)"})  # fmt: skip
    at = "beta0=-3/10, beta1=7/10, beta2=2/5, beta3=1/5, Sigma11=1/2, Sigma12=1/10, Sigma13=0, Sigma22=1/4, Sigma23=0"
    value = leading_terms(model)["w"].evaluate(f"{at}, Sigma33=1/4", 3, method="balls")
    u, mass = np.polynomial.hermite_e.hermegauss(24)
    w, q = np.polynomial.hermite_e.hermegauss(40)
    mass, q = mass / mass.sum(), q / q.sum()
    effects = np.stack(np.meshgrid(u, u, u, indexing="ij"), -1).reshape(-1, 3) @ np.linalg.cholesky(sigma).T
    whole = np.einsum("i,j,k->ijk", mass, mass, mass).ravel()
    square, rows = np.zeros((len(whole), 4, 4)), [(1.0, x, z) for x in (0.0, 1.0) for z in (0.0, 1.0)]
    for row in rows:
        eta = effects @ row + np.dot(row, [-0.3, 0.7, 0.4])
        weights = np.exp(log_probit(eta[:, None] + 0.2 * w)) * q / 4
        moments = [weights @ w**k for k in range(3)]
        square[:, :3, :3] += moments[0][:, None, None] * np.outer(row, row)
        square[:, :3, 3] += moments[1][:, None] * row
        square[:, 3, 3] += moments[2]
    residual = square[:, 3, 3] - np.einsum(
        "ni,ni->n", square[:, :3, 3], np.linalg.solve(square[:, :3, :3], square[:, :3, 3:])[..., 0]
    )
    assert float(str(value)) == pytest.approx(1 / (whole @ residual), rel=5e-3)
    assert abs(float(value) - 1 / (whole @ residual)) <= float(value.error) + 1e-4


def test_four_random_effects_are_refused_where_they_would_take_hours() -> None:
    loadings = ((fmpq(1), fmpq(0)), (fmpq(0), fmpq(1)), (fmpq(1), fmpq(1)), (fmpq(1), fmpq(2)))
    strand = Strand(ProbitWeight(ONE), (UniformLaw(0, 1),), fmpq(0), (fmpq(1),), loadings, ((0,), (1,), (2,)))
    whole = NumericSystem((strand,), lambda m: m[2] - m[1] ** 2 / m[0], (Ceiling(fmpq(1), 0, (2,)),), Sector(1, 2))
    with pytest.raises(EvaluationError, match="4 random effects is certified for weights whose argument"):
        certified_average(whole, 14)


def narrow(law: Law = NormalLaw(0, 1)) -> NumericSystem:  # noqa: B008
    return system(LogisticWeight(ONE), law, *FIRST, UniformLaw(-1, 1))


def test_what_is_cut_off_is_bounded_by_the_loss() -> None:
    """S(H) - S(H_R) by sums, over the whole normal predictor and the part of it that a coarse cut leaves."""
    whole = narrow()
    laws = CutLaws(whole.strands, everywhere=False)
    cut, bound = cut_road._cut(laws, ResidualLoss(whole, laws), arb("1e-4"))
    low, high = cut.strands[0].cuts[0]
    loadings = [[0.2, 0.4, 0.0], [0.6, 0.0, 0.0]]
    point = (-0.4, [0.7, 1 / 3])
    inside = joined(*(
        legendre(a, a + float(high - low) / 8, lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi), 12)
        for a in np.linspace(float(low), float(high), 9)[:-1]
    ))  # fmt: skip
    full, part = (by_sums(logistic, [nodes, UNIFORM], point, loadings, 0.3) for nodes in (NORMAL, inside))
    assert 0 < full - part <= float(bound) <= 1e-4


@pytest.mark.slow
def test_a_planted_false_loss_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the tails taken for nothing the cut is far too near, and the value is off by more than the ball says."""

    def beyond(self: CutLaws, cuts: Any, *_: Any) -> Any:
        return {(i, k): arb("1e-30") for i in self.places for k, end in enumerate(cuts[i]) if end is not None}

    monkeypatch.setattr(CutLaws, "beyond", beyond)
    with pytest.raises(AssertionError):
        check(CASES[0], 14)


def test_only_what_is_proven_is_cut_off() -> None:
    whole = narrow()
    assert is_unbounded(whole)
    assert not is_unbounded(narrow(UniformLaw(0, 1)))
    with pytest.raises(EvaluationError, match="of a Schur complement"):
        cut_off(replace(whole, shares=None), 20, everywhere=False)
    strand = replace(whole.strands[0], weight=ExponentialWeight(ONE, ONE))
    with pytest.raises(EvaluationError, match="needs a bounded weight"):
        cut_off(replace(whole, strands=(strand,)), 20, everywhere=False)


@pytest.mark.parametrize("shift", [-3.0, 0.5, 2.0, 4.0])
def test_weights_beyond_the_ends_are_no_larger(shift: float) -> None:
    """Of a random slope 7/10 + z/2 on Poisson's law cut off at 9: the share of sup w that is left there."""
    loadings = ((fmpq(0), fmpq(1, 2)),)
    strand = Strand(CloglogWeight(ONE), (PoissonLaw(2),), fmpq(-3, 10), (fmpq(7, 10),), loadings, ((0,), (1,), (2,)))
    laws = CutLaws((strand,), everywhere=False)
    share = laws.falls(0, laws.region(((None, arb(9)),), 0, (0, 1)), ((arb(shift), arb(shift) + arb("0.1")),))
    z, x = np.meshgrid(np.linspace(shift, shift + 0.1, 11), np.arange(9, 60), indexing="ij")
    q = np.exp(np.minimum(-0.3 + (0.7 + z / 2) * x, 6.5))
    largest = 1.594**2 / np.expm1(1.594)
    assert np.max(q * q / np.expm1(q)) / largest <= float(share) * (1 + 1e-6) + 1e-280
    assert (float(share) < 1e-20) == (shift > 0)


@pytest.mark.parametrize(
    ("law", "density"),
    [
        ("Pareto(1, 5)", lambda x: 5 * x**-6),
        pytest.param("LogNormal(0, 1)", lambda x: stats.lognorm(1).pdf(x), marks=pytest.mark.slow),
    ],
)
def test_a_random_slope_on_a_heavy_tail(law: str, density: Any) -> None:
    """One over the average of E[w] - E[x w]^2/E[x^2 w], by sums over log x and log of the slope."""
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", laws={"x": law})
    found = leading_terms(model)["1"].evaluate("beta0=-0.3, beta1=0.7, sigma2=0.5", 2, method="balls")
    nodes, masses = np.polynomial.legendre.leggauss(400)
    ends = (0.0, 14.0) if law.startswith("Pareto") else (-10.0, 10.0)
    half = (ends[1] - ends[0]) / 2
    x = np.exp(ends[0] + half * (1 + nodes))
    mass = half * masses * x * density(x)
    start, slopes = np.log(1e-5), np.log(0.7 + 6 * 0.5**0.5)
    total = 0.0
    for v, share in zip(start + (slopes - start) * (1 + nodes) / 2, (slopes - start) * masses / 2, strict=True):
        for s in (np.exp(v), -np.exp(v)):
            eta = -0.3 + s * x
            weights = mass * np.exp(-2 * np.logaddexp(eta / 2, -eta / 2))
            zero, one, two = (np.sum(weights * x**k) for k in range(3))
            total += share * abs(s) * stats.norm.pdf(s, 0.7, 0.5**0.5) * (zero - one * one / two)
    assert abs(float(found.value) - 1 / total) <= float(found.error) + 1e-3 / total


def test_weights_beyond_a_cut_are_those_of_all_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of Student's law stop short of the cut; with the weights of a cut farther out the loss is too small."""
    strand = Strand(
        LogisticWeight(ONE), (read_law("StudentT(5)", "x"),), fmpq(0), (fmpq(1, 5),), ((fmpq(0), fmpq(1, 2)),), ((2,),)
    )  # fmt: skip
    laws, cell = CutLaws((strand,), everywhere=False), ((arb("0.2"), arb("0.2")),)
    lost = laws.block_beyond(((arb(-30), arb(30)),), arb(4), 0)[0, 1]
    x = np.exp(np.linspace(np.log(30), np.log(3000), 20_001))
    w = np.exp(-2 * np.logaddexp(0.15 * x, -0.15 * x))
    exact = float(np.trapezoid(w * x**2 * stats.t(5).pdf(x) * x, np.log(x)))

    def bound() -> float:
        return float(lost * laws.falls(0, laws.region(((arb(-30), arb(30)),), 0, (0, 1)), cell))

    assert exact <= bound()
    honest = laws.problems[0].lines[0].covered
    monkeypatch.setattr(laws.problems[0].lines[0], "covered", lambda *_: honest(arb(-60), arb(60)))
    assert float(laws.falls(0, laws.region(((arb(-60), arb(60)),), 0, (0, 1)), cell) * lost) < exact


def test_four_effects_are_cut_off_too() -> None:
    rows = [tuple(fmpq(int(i == j), 2) for j in range(4)) for i in range(4)]
    strand = Strand(
        LogisticWeight(ONE),
        (NormalLaw(0, 1), UniformLaw(0, 1), UniformLaw(0, 1)),
        fmpq(0),
        (fmpq(1), fmpq(1), fmpq(1)),
        tuple(rows),
        ((0, 0, 0), (2, 0, 0)),
    )
    whole = NumericSystem((strand,), lambda m: m[0], (Ceiling(fmpq(1), 0, (0, 0, 0)),), shares=(fmpq(1),))
    loss = ResidualLoss(whole, CutLaws((strand,), everywhere=False)).within(arb("1e-2"))
    _, lost = loss((((arb(-9), arb(9))), (None, None), (None, None)))
    assert not lost.is_finite() or lost <= arb("1e-2")
