"""Two heavy-tailed predictors taken together, against integrals and double sums in SciPy and NumPy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from scipy.integrate import quad

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.floors.far_tails import tail_of
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.pair_density import PairDensity
from leadterms.evaluation.certified.moments.pairing import paired
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import NumericSystem, Strand
from leadterms.evaluation.pair_law import POWERS, pair_law
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.weights import Weight
from tests.evaluation.certified.test_falls import EXPONENTS, WEIGHTS, planned

Array = Any
HEAVY = {
    "Cauchy(0, 1)": stats.cauchy(),
    "Cauchy(1, 2)": stats.cauchy(1, 2),
    "StudentT(2)": stats.t(2),
    "StudentT(3/2)": stats.t(1.5),
    "StudentT(3)": stats.t(3),
    "Pareto(1, 3/2)": stats.pareto(1.5),
}
PAIRS = [
    ("Cauchy(0, 1)", "Cauchy(1, 2)", 0.7, 0.5),
    ("StudentT(3/2)", "StudentT(2)", -1.3, 0.9),
    ("Pareto(1, 3/2)", "Cauchy(0, 1)", 0.8, -0.6),
]
STEPS = 24001


def density_of(x: str, z: str, b: float, c: float) -> PairDensity:
    laws = [read_law(text, (name,)) for text, name in ((x, "x"), (z, "z"))]
    law = pair_law(laws, [fmpq(round(100 * slope), 100) for slope in (b, c)])
    return line_of(law)._joint  # type: ignore[attr-defined, no-any-return]


def x_points(x: str, centre: float) -> tuple[Array, Array]:
    """Return x and the density times dx, dense at zero and at a centre: by parts of unity, each over x = d + sinh t."""
    t = np.linspace(-20, 20, STEPS)
    points, masses = [], []
    for own, other in ((0.0, centre), (centre, 0.0)):
        at = own + np.sinh(t)
        if x.startswith("Pareto"):
            # from one on, where the density jumps
            at = 1 + np.exp(t) if own == 0 else at
        near, far = 1 + (at - own) ** 2, 1 + (at - other) ** 2
        width = np.exp(t) if x.startswith("Pareto") and own == 0 else np.cosh(t)
        points.append(at)
        masses.append(HEAVY[x].pdf(at) * width * (t[1] - t[0]) * far**4 / (near**4 + far**4))
    return np.concatenate(points), np.concatenate(masses)


@pytest.mark.parametrize(("x", "z", "b", "c"), PAIRS)
def test_densities_and_moments_given_the_sum(x: str, z: str, b: float, c: float) -> None:
    """g_jk(s) by adaptive quadrature over x in pieces that grow."""
    with ball_precision(64):
        joint = density_of(x, z, b, c)
        for s in (-7.3, 0.4):
            found = joint.at(arb(s))
            ends = sorted({sign * 4.0**i + at for sign in (-1, 1) for i in range(-1, 12, 2) for at in (0, s / b)})
            ends = [1.0, *(end for end in ends if end > 1)] if x.startswith("Pareto") else ends
            for exponent, (j, k) in POWERS.items():

                def at(value: float, j: int = j, k: int = k, s: float = s) -> float:
                    zeta = (s - b * value) / c
                    return float(value**j * zeta**k * HEAVY[x].pdf(value) * HEAVY[z].pdf(zeta) / abs(c))

                true = sum(quad(at, low, high, limit=100)[0] for low, high in pairwise(ends))
                assert abs(float(found[exponent]) - true) <= float(found[exponent].rad()) + 2e-6 * (1 + abs(true))
                assert found[exponent].rad() < 1e-9


@pytest.mark.parametrize(("x", "z", "b", "c"), PAIRS[:2])
def test_bounds_off_the_line(x: str, z: str, b: float, c: float) -> None:
    joint = density_of(x, z, b, c)
    points, masses = x_points(x, 0.0)
    scale = {"Cauchy(1, 2)": 2.0, "StudentT(2)": 2.0**0.5}[z]
    centre, nu = (1.0, 1.0) if z.startswith("Cauchy") else (0.0, 2.0)
    height = 0.8 * scale * abs(c)
    for exponent, (j, k) in POWERS.items():
        bound, largest = float(joint.largest(exponent, arb(height))), 0.0
        for s in np.linspace(-4, 4, 17):
            zeta = (s + 1j * height - b * points) / c
            h = HEAVY[z].pdf(centre) * (1 + ((zeta - centre) / scale) ** 2) ** (-(nu + 1) / 2)
            largest = max(largest, abs(np.sum(masses * points**j * zeta**k * h)) / abs(c) / 2)
        assert largest <= bound
        assert bound <= 2e3 * largest


def test_a_tail_is_bounded() -> None:
    line = line_of(pair_law([read_law(text, ("x",)) for text in PAIRS[0][:2]], [fmpq(7, 10), fmpq(1, 2)]))
    # of two Cauchy laws the scales add
    for spreads in (1.0, 3.0, 8.0):
        low, high = line.reach(spreads)
        true = stats.cauchy(0.5, 1.7).sf(float(high)) + stats.cauchy(0.5, 1.7).cdf(float(low))
        assert true <= line.tail(low, high, 0, arb(0)) <= 8 * true
    assert not line.tail(arb(-50), arb(50), 2, arb(0)).is_finite()


def given_sums(x: str, z: str, b: float, c: float) -> tuple[Array, Array]:
    """Return s and its step times E[x^j z^k; s], over x."""
    step = 0.2
    sums = np.arange(-46, 46.01, step)
    rows = []
    for s in sums:
        points, masses = x_points(x, s / b)
        zeta = (s - b * points) / c
        parts = masses * HEAVY[z].pdf(zeta) / abs(c) * step
        rows.append([np.sum(parts * points**j * zeta**k) for j, k in EXPONENTS])
    return sums, np.array(rows)


def strands(weight: Weight, x: str, z: str, shift: float, b: float, c: float) -> Strand:
    laws = tuple(read_law(text, (name,)) for text, name in ((x, "x"), (z, "z")))
    exact = [fmpq(round(100 * number), 100) for number in (shift, b, c)]
    strand = Strand(weight, laws, exact[0], tuple(exact[1:]), ((fmpq(1), fmpq(0), fmpq(0)),), EXPONENTS)
    (together,) = paired(NumericSystem((strand,), lambda m: m[0])).strands
    assert len(together.laws) == 1
    return together


@pytest.mark.slow
@pytest.mark.parametrize(("link", "pair"), [("probit", PAIRS[0])])
def test_moments_of_both(link: str, pair: tuple[str, str, float, float]) -> None:
    x, z, b, c = pair
    found = planned(strands(WEIGHTS[link][0], x, z, 0.35, b, c), 20)
    sums, rows = given_sums(x, z, b, c)
    for ball, true in zip(found, np.exp(WEIGHTS[link][1](0.35 + sums)) @ rows, strict=True):
        assert abs(float(ball) - true) <= float(ball.rad()) + 2e-5 * (1 + abs(true))
        assert ball.rad() < 1e-3 * (1 + abs(true))


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum has a Cauchy law; interpolants of too low a degree give another one."""
    for c, is_false in ((0.51, False), (0.53, True)):
        with monkeypatch.context() as planted:
            if is_false:
                planted.setattr(PairDensity, "largest", lambda joint, exponent, height: arb("1e-12"))
            found = density_of("Cauchy(0, 1)", "Cauchy(1, 2)", 0.7, c).at(arb("0.1"))[0]
        true = stats.cauchy(c, 0.7 + 2 * c).pdf(0.1)
        assert (abs(float(found) - true) > float(found.rad()) + 1e-9) == is_false


@pytest.mark.slow
def test_a_leading_term() -> None:
    """The inverse of H_BB - H_BA H_AB/H_AA, B the slopes and A the intercept."""
    x, z = laws = PAIRS[0][:2]
    model = Model("y ~ x + z", family="bernoulli", laws=dict(zip("xz", laws, strict=True)))
    found = leading_terms(model)["x"].evaluate("beta0=-0.3, beta1=0.7, beta2=0.5", 3, method="balls")
    sums, rows = given_sums(x, z, 0.7, 0.5)
    own = np.exp(WEIGHTS["logit"][1](sums - 0.3)) @ rows
    whole = np.array([[own[0], own[1], own[2]], [own[1], own[3], own[4]], [own[2], own[4], own[5]]])
    exact = np.linalg.inv(whole)[1, 1]
    assert abs(float(found.value) - exact) <= float(found.error) + 2e-5 * exact


def test_the_tail_of_a_pair_is_below_its_density() -> None:
    """Of two Cauchy laws the sum has one: medians and scales add."""
    law = pair_law([read_law(text, ("x",)) for text in PAIRS[0][:2]], [fmpq(7, 10), fmpq(-1, 2)])
    for side in (-1, 1):
        tail = tail_of(law, side)
        assert tail is not None
        for s in (float(tail.start), float(tail.start) + 3, 60.0):
            bound = np.exp(-float(tail.level) - float(tail.rate) * s)
            assert 1e-9 < bound <= stats.cauchy(-0.5, 1.7).pdf(side * s)


def test_a_pair_is_one_line() -> None:
    problem = Problem(strands(WEIGHTS["logit"][0], *PAIRS[0][:2], 0.1, 0.7, 0.5))
    assert problem.predictor.is_affine
    assert str(problem.lines[0].law) == "Cauchy(0, 1) and Cauchy(1, 2)"
