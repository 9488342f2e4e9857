"""How complex effects turn probit and complementary log-log weights: bounds and averages, by sums in double precision.

The sums are over Gauss-Legendre nodes with densities and weights written out here; complex weights come from scipy.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer, Rational

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.bounds.turning import Turn, Turning
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.pieces import pieces
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.panels import Panels, trace_of_ratio
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Sector, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import BetaLaw, ExponentialLaw, LaplaceLaw, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight
from tests.evaluation.certified.complex_weights import cloglog, probit
from tests.evaluation.certified.second_terms import both_terms

Array = Any
PROBIT, CLOGLOG = ProbitWeight(Integer(1)), CloglogWeight(Integer(1))
EXPONENTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))
Z = UniformLaw(-1, 1)


def nodes(low: float, high: float, count: int, panels: int = 1) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(count)
    ends = np.linspace(low, high, panels + 1)
    half = (high - low) / panels / 2
    return (ends[:-1, None] + half * (1 + x)).ravel(), np.tile(half * w, panels)


DENSITIES = {
    UniformLaw: lambda x: np.where(abs(x) < 1, 0.5, 0.0),
    NormalLaw: lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    ExponentialLaw: lambda x: np.exp(-x),
    LaplaceLaw: lambda x: np.exp(-abs(x)) / 2,
}
CASES = [
    (PROBIT, UniformLaw(-1, 1), (None, None), probit),
    (PROBIT, NormalLaw(0, 1), (-5, 5), probit),
    (PROBIT, ExponentialLaw(1), (None, 12), probit),
    (CLOGLOG, UniformLaw(-1, 1), (None, None), cloglog),
    (CLOGLOG, LaplaceLaw(0, 1), (-9, 9), cloglog),
]
LOADINGS = ((fmpq(1, 5), fmpq(2, 5), fmpq(1, 10)), (fmpq(3, 5), fmpq(0), fmpq(0)))


def strand(weight: Any, law: Any, cut: Any, centre: fmpq = fmpq(-2, 5)) -> Strand:  # noqa: B008
    ends = tuple(None if end is None else arb(end) for end in cut)
    cuts = None if ends == (None, None) else (ends, (None, None))
    slopes = (fmpq(7, 10), fmpq(1, 3))
    return Strand(weight, (law, Z), centre, slopes, LOADINGS, EXPONENTS, cuts=cuts)


def design(law: Any, cut: Any) -> tuple[Array, Array, Array]:
    low, high = (own if end is None else end for own, end in zip(map(float, law.support), cut, strict=True))
    # an even number of panels: the density of Laplace has its corner between two of them
    x, dx = nodes(low, high, 24, 12)
    z, dz = nodes(-1, 1, 12)
    masses = np.outer(dx * DENSITIES[type(law)](x), dz / 2)
    x, z = np.meshgrid(x, z, indexing="ij")
    return x.ravel(), z.ravel(), masses.ravel()


def eta_at(x: Array, z: Array, u: Array, centre: float = -0.4) -> Array:
    return centre + 0.7 * x + z / 3 + u[0] * (0.2 + 0.4 * x + 0.1 * z) + 0.6 * u[1]


@pytest.mark.parametrize(("weight", "law", "cut", "w"), CASES)
@pytest.mark.parametrize("j", [0, 1])
def test_the_means_lie_in_the_sector(weight: Any, law: Any, cut: Any, w: Any, j: int) -> None:
    rng = np.random.default_rng([j, CASES.index((weight, law, cut, w))])
    x, z, masses = design(law, cut)
    columns = np.array([1 + 0 * x, x, z])
    centres = (fmpq(-2, 5), fmpq(3, 10))
    strands = tuple(strand(weight, law, cut, centre) for centre in centres)
    whole = NumericSystem(strands, lambda m: m[0], tuple(Ceiling(fmpq(1), s, (0, 2)) for s in (0, 1)),
                          Sector(1, 2, turns=True))  # fmt: skip
    found = 0
    with ball_precision(64):
        turning = Turning([Problem(one) for one in strands], whole)
        for width, height in ((0.01, 0.02), (0.02, 0.05), (0.05, 0.2), (0.4, 0.4), (0.1, 0.7), (0.1, 1.1)):
            middle = rng.normal(size=2)
            turn = turning.over(tuple((arb(c - width), arb(c + width)) for c in middle), j, arb(height))
            if not (turn.angle.is_finite() and float(turn.angle) < 1.5):
                continue
            found += 1
            tangent, gain, loss = np.tan(float(turn.angle)), float(turn.gain), float(turn.loss)
            for y in (height, height / 2, -height):
                u = (middle + rng.uniform(-width, width, 2)).astype(complex)
                real = sum((masses * w(eta_at(x, z, u.real, float(c.p) / float(c.q)) + 0j).real * columns) @ columns.T
                           for c in centres)  # fmt: skip
                u[j] += 1j * y
                values = [masses * w(eta_at(x, z, u, float(c.p) / float(c.q))) for c in centres]
                h = sum((v * columns) @ columns.T for v in values)
                moduli = sum((abs(v) * columns) @ columns.T for v in values)
                # in the basis in which the means at the real effects are the unit matrix
                half = np.linalg.inv(np.linalg.cholesky(real))
                assert np.linalg.eigvalsh(half @ moduli @ half.T)[-1] <= np.exp(gain) * (1 + 1e-9)
                best = -np.inf
                for theta in np.linspace(-np.pi, np.pi, 721):
                    turned = half @ (h * np.exp(-1j * theta)) @ half.T
                    re, im = turned.real, turned.imag
                    least = min(np.linalg.eigvalsh(tangent * re + sign * im)[0] for sign in (1, -1))
                    floor = np.linalg.eigvalsh(re)[0] - np.cos(float(turn.angle)) * np.exp(-loss)
                    best = max(best, min(least, floor))
                # theta is known to half a degree only
                assert best >= -0.02
    assert found >= 1


def test_the_share_of_a_mean_on_panels() -> None:
    law = NormalLaw(0, 1)
    rng = np.random.default_rng(3)
    with ball_precision(64):
        panels = Panels(Problem(strand(PROBIT, law, (-5, 5))), ((0, 0), (1, 0), (0, 1)), middle=True)
        count = len(panels.monomials)
        is_left = np.arange(count) % 7 == 0
        left = np.where(is_left, rng.uniform(0, 1e-3, count), 0.0)
        kept = np.where(is_left, 0.0, rng.uniform(0.5, 1, count))
        bound = float(trace_of_ratio(panels.above(left), panels.below(kept)))
        above, below = np.zeros((3, 3)), np.zeros((3, 3))
        for i, (a, b) in enumerate(panels.monomials):
            x, dx = nodes(float(a.lower()), float(a.upper()), 8)
            z, dz = nodes(float(b.lower()), float(b.upper()), 8)
            columns = np.array([np.ones(64), np.repeat(x, 8), np.tile(z, 8)])
            gram = (np.outer(dx * DENSITIES[NormalLaw](x), dz / 2).ravel() * columns) @ columns.T
            above += gram * left[i]
            below += gram * kept[i]
        true = np.linalg.eigvals(np.linalg.solve(below, above)).real.max()
        # the trace is at most three times the largest eigenvalue, and the densities on panels vary by half at most
        assert true <= bound <= 3 * 2.3 * true


@pytest.mark.parametrize("law", [BetaLaw(2, 3), BetaLaw(Rational(1, 2), 3), ExponentialLaw(1), PoissonLaw(2), Z])
def test_panels_count_no_mass_twice(law: Any) -> None:
    with ball_precision(64):
        line = line_of(law)
        own = line if line.high is not None else CutLine(line, (None, arb(20)))
        found = pieces(own, own.low, own.high, 64)
        mass = sum((piece.mass for piece in found), arb(0))
        assert mass > 0.5
        assert not mass > 1
        for first, second in pairwise(found):
            if first.is_point:
                assert first.high < second.low
            elif first.least.is_finite() and second.least.is_finite() and first.point is second.point:
                # in the variable in which the density is bounded
                ends = [one.ends or (one.low, one.high) for one in (first, second)]
                assert ends[0][1] == ends[1][0]


def test_points_are_panels_with_their_probabilities() -> None:
    """Beside a uniform predictor the means are exact: ends of panels are known to nine digits here."""
    rng = np.random.default_rng(4)
    with ball_precision(64):
        panels = Panels(Problem(strand(PROBIT, PoissonLaw(2), (None, 12))), ((0, 0), (1, 0), (0, 1)))
        values = rng.uniform(0.5, 1, len(panels.monomials))
        least, most = panels.below(values), panels.above(values)
        exact = np.zeros((3, 3))
        for i, (a, b) in enumerate(panels.monomials):
            z, dz = nodes(float(b.lower()), float(b.upper()), 8)
            columns = np.array([np.ones(8), np.full(8, float(a)), z])
            exact += (stats.poisson(2).pmf(round(float(a))) * dz / 2 * float(values[i]) * columns) @ columns.T
    for found in (least, most):
        assert [float(one) for one in found.entries()] == pytest.approx(exact.ravel(), rel=1e-7)


def schur(m: Any) -> Any:
    """h_bb - h_bA H_AA^-1 h_Ab for A = (1, x), b = z, by the moments 1, x, x^2, z, x z, z^2."""
    h, hx, hxx, b, bx, bb = m
    return bb - (b * b * hxx - 2 * b * bx * hx + bx * bx * h) / (h * hxx - hx * hx)


def small(weight: Any, law: Any) -> NumericSystem:
    """Loadings are small, so that few cells are needed."""
    loadings = ((fmpq(1, 20), fmpq(1, 5), fmpq(0)), (fmpq(1, 5), fmpq(0), fmpq(0)))
    one = replace(strand(weight, law, (None, None)), loadings=loadings)
    return NumericSystem((one,), schur, (Ceiling(fmpq(1), 0, (0, 2)),), Sector(1, 2, turns=True), (fmpq(1),))


def average(w: Any, law: Any, cut: Any) -> float:
    x, z, masses = design(law, cut)
    u = np.arange(-26, 27) * 0.3
    phi = np.exp(-u * u / 2) / np.sqrt(2 * np.pi) * 0.3
    total = 0.0
    for first, p in zip(u, phi, strict=True):
        for second, q in zip(u, phi, strict=True):
            eta = -0.4 + 0.7 * x + z / 3 + first * (0.05 + 0.2 * x) + 0.2 * second
            weights = masses * w(eta + 0j).real
            total += p * q * schur([(weights * x**a * z**b).sum() for a, b in EXPONENTS])
    return total


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "law", "cut", "w"), [CASES[0], CASES[3]])
def test_averages_over_two_effects(weight: Any, law: Any, cut: Any, w: Any) -> None:
    ball = certified_average(small(weight, law), 20)
    assert ball.rel_accuracy_bits() >= 20
    assert abs(float(ball.mid()) - average(w, law, cut)) <= float(ball.rad()) + 1e-11


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "law", "cut", "w"), [CASES[0], CASES[3]])
def test_a_planted_false_bound_is_seen(
    monkeypatch: pytest.MonkeyPatch, weight: Any, law: Any, cut: Any, w: Any
) -> None:
    monkeypatch.setattr(Turning, "over", lambda self, *args: Turn(arb(0), arb(-40), arb(0)))
    ball = certified_average(small(weight, law), 20)
    assert abs(float(ball.mid()) - average(w, law, cut)) > float(ball.rad()) + 1e-11


SLOPE = "y ~ x + (0 + x | g)"
MODELS = [
    ("cloglog", SLOPE, {"x": "Normal(0, 1)"}, cloglog),
    ("probit", SLOPE, {"x": "Laplace(0, 1)"}, probit),
    ("probit", "y ~ x + d + (0 + x | g)", {"x": "Uniform(-1, 1)", "d": "Bernoulli(2/5)"}, probit),
]


@pytest.mark.slow
@pytest.mark.parametrize(("link", "formula", "laws", "w"), MODELS)
def test_a_random_slope_alone_from_the_model_to_its_digits(link: str, formula: str, laws: Any, w: Any) -> None:
    model = Model(formula, family="bernoulli", link=link, laws=laws)
    point = {"beta0": "-0.3", "beta1": "0.7", "sigma2": "0.5"}
    found = leading_terms(model)["1"].evaluate({**point, **({"beta2": "0.4"} if "d" in laws else {})}, digits=7,
                                                method="balls")  # fmt: skip
    kind = {"N": NormalLaw(0, 1), "L": LaplaceLaw(0, 1), "U": UniformLaw(-1, 1)}[laws["x"][0]]
    low, high = (-1, 1) if laws["x"][0] == "U" else (-40, 40)
    x, dx = nodes(low, high, 24, 80)
    dx = dx * DENSITIES[type(kind)](x)
    d, p = (np.array([0, 1]), np.array([0.6, 0.4])) if "d" in laws else (np.array([0]), np.array([1.0]))
    x, d = np.repeat(x, len(d)), np.tile(d, len(x))
    masses = np.repeat(dx, len(p)) * np.tile(p, len(dx))
    u = np.arange(-80, 81) * 0.1
    phi = np.exp(-u * u / 2) / np.sqrt(2 * np.pi) * 0.1
    rest = [1 + 0 * x, d] if len(p) > 1 else [1 + 0 * x]
    total = 0
    for one, share in zip(u, phi, strict=True):
        weights = masses * w(-0.3 + (0.7 + np.sqrt(0.5) * one) * x + 0.4 * d + 0j).real
        block = np.array([[(weights * a * b).sum() for b in rest] for a in rest])
        cross = np.array([(weights * a * x).sum() for a in rest])
        total = total + share * (block - np.outer(cross, cross) / (weights * x * x).sum())
    assert found.certified
    # seven digits are asked for
    assert float(found) == pytest.approx(np.linalg.inv(np.atleast_2d(total))[0, 0], rel=1e-6)


@pytest.mark.slow
def test_an_intercept_and_a_slope_on_counts_beside_a_density() -> None:
    model = Model(
        "y ~ x + z + (x | g)", family="bernoulli", link="probit", laws={"x": "Poisson(2)", "z": "Uniform(-1, 1)"}
    )
    at = "beta0=-0.3, beta1=0.7, beta2=0.5, Sigma11=0.05, Sigma12=0.0125, Sigma22=0.025"
    found = leading_terms(model)["z"].evaluate(at, 2, method="balls")
    z, dz = nodes(-1, 1, 16)
    x, chances = np.arange(40.0), stats.poisson(2).pmf(np.arange(40))
    grid = [one.ravel() for one in np.meshgrid(x, z, indexing="ij")]
    design = np.stack([np.ones_like(grid[0]), *grid])
    weighted = design, np.outer(chances, dz / 2).ravel()
    covariance = [[0.05, 0.0125], [0.0125, 0.025]]
    exact = both_terms(lambda eta: probit(eta + 0j).real, weighted, [0, 1], (-0.3, 0.7, 0.5), covariance, 0.3, 6)[0]
    assert abs(float(found.value) - exact[0, 0]) <= float(found.error) + 1e-5 * exact[0, 0]
