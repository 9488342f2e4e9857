"""Bounds by products of weights: no complex value exceeds them, by linear algebra in double precision; and values."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer, Rational

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.bounds.products import Products, _Compared, products
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Sector, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import FiniteLaw, PoissonLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight
from tests.evaluation.certified.complex_weights import cloglog, probit

Array = Any
WEIGHTS = {"cloglog": (CloglogWeight(Integer(1)), cloglog), "probit": (ProbitWeight(Integer(1)), probit)}
SLOPE, SECOND, CENTRE = 0.7, 0.5, -0.3
THIRDS = FiniteLaw((0, Rational(8, 27)), (1, Rational(4, 9)), (2, Rational(2, 9)), (3, Rational(1, 27)))
"""Binomial(3, 1/3)."""
ROOT = ((fmpq(9, 10), fmpq(0)), (fmpq(1, 5), fmpq(3, 5)))
"""z_1 moves eta by 9/10, z_2 by (1 + 3 x)/5."""


def system(weight: Any, with_intercept: bool) -> NumericSystem:
    """Two strands, of a second predictor 0 or 1 with equal probabilities, which is the column b."""
    rows = ROOT if with_intercept else ((fmpq(0), fmpq(3, 5)),)
    strands = tuple(
        Strand(weight, (THIRDS,), fmpq(-3, 10) + fmpq(z, 2), (fmpq(7, 10),), rows, ((0,), (1,))) for z in (0, 1)
    )
    half = fmpq(1, 2)
    return NumericSystem(strands, lambda m: m[0], (Ceiling(half, 1, (0,)),), Sector(1, 2), (half, half))


def value(w: Any, z: Array, with_intercept: bool) -> tuple[complex, float]:
    """S_bb with complex weights, and E[|w| b^2]."""
    x, b = (one.ravel() for one in np.meshgrid(np.arange(4.0), [0.0, 1.0], indexing="ij"))
    p = np.array([8, 12, 6, 1])[x.astype(int)] / 54
    if with_intercept:
        moved = z[0] * 0.9 + z[1] * (0.2 + 0.6 * x)
        columns = np.stack([0.9 * np.ones_like(x), 0.2 + 0.6 * x, b])
    else:
        moved = z[0] * 0.6 * x
        columns = np.stack([0.6 * x, b])
    v = p * w(CENTRE + SLOPE * x + SECOND * b + moved)
    with mpmath.workdps(700):
        # some weights are next to nothing beside others
        c = mpmath.matrix(columns.tolist())
        h = c * mpmath.diag(v.tolist()) * c.T
        return complex(mpmath.det(h) / mpmath.det(h[:-1, :-1])), float(np.sum(abs(v) * b))


def bound(found: Products, centre: Array, j: int, half: float, height: float) -> float:
    with ball_precision(64):
        region = tuple((arb(float(c)) - half, arb(float(c)) + half) for c in centre)
        given = found.bound(region, j, arb(height))
        return float(given.upper()) if given.is_finite() else np.inf


def found_for(link: str, with_intercept: bool) -> Products:
    with ball_precision(64):
        found = products(Strands(system(WEIGHTS[link][0], with_intercept)))
    assert found is not None
    return found


@pytest.mark.parametrize("link", WEIGHTS)
@pytest.mark.parametrize("with_intercept", [False, True])
def test_no_complex_value_is_above_the_bound(link: str, with_intercept: bool) -> None:
    found, w = found_for(link, with_intercept), WEIGHTS[link][1]
    draw, size = np.random.default_rng(3), 1 + with_intercept
    finite = 0
    for _ in range(60):
        centre, j = draw.uniform(-2, 2, size), int(draw.integers(size))
        half, height = draw.uniform(0.01, 0.3), draw.choice([0.03, 0.1, 0.3])
        top = bound(found, centre, j, half, height)
        finite += top < np.inf
        for _ in range(8):
            z = centre + draw.uniform(-half, half, size) + 0j
            z[j] += 1j * height * draw.uniform(-1, 1)
            assert abs(value(w, z, with_intercept)[0]) <= top * (1 + 1e-9)
    assert finite > 30


def test_where_all_but_few_weigh_nothing_it_is_near_the_value() -> None:
    """At z = 3 the weights at x > 0 are next to nothing, and turn fast: S is that of x = 0."""
    found = found_for("cloglog", with_intercept=False)
    top = bound(found, np.array([3.0]), 0, 0.1, 0.15)
    assert top < 1.5 * value(cloglog, np.array([3.0 + 0j]), with_intercept=False)[1]


def test_a_false_ratio_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = found_for("cloglog", with_intercept=False)
    monkeypatch.setattr(Products, "_ratio", staticmethod(lambda *_: _Compared(1e-30, 0.0, 0.0)))
    largest = 0.0
    for real in np.linspace(0.3, 0.7, 9):
        for height in np.linspace(0.6, 0.72, 7):
            z = np.array([real + 1j * height])
            size = abs(value(cloglog, z, with_intercept=False)[0])
            largest = max(largest, size / bound(found, z.real, 0, 1e-6, height))
    assert largest > 1


def test_other_systems_have_none() -> None:
    with ball_precision(64):
        given = system(WEIGHTS["cloglog"][0], True)
        endless = tuple(Strand(s.weight, (PoissonLaw(2),), *given_parts(s)) for s in given.strands)
        assert (
            products(Strands(NumericSystem(endless, given.integrand, given.ceiling, given.sector, given.shares)))
            is None
        )
        assert products(Strands(NumericSystem(given.strands, given.integrand, given.ceiling, given.sector))) is None


def given_parts(s: Strand) -> tuple[Any, ...]:
    return s.centre, s.slopes, s.loadings, s.moments


@pytest.mark.parametrize(
    ("link", "random", "law"),
    [
        pytest.param("probit", "(0 + x | g)", "Poisson(2)", marks=pytest.mark.slow),
        pytest.param("cloglog", "(0 + x | g)", "Geometric(1/3)", marks=pytest.mark.slow),
        pytest.param("cloglog", "(x | g)", "Binomial(2, 1/2)", marks=pytest.mark.slow),
    ],
)
def test_random_slopes_on_points(link: str, random: str, law: str) -> None:
    laws = {"x": law, "z": "Bernoulli(1/2)"}
    entry = leading_terms(Model(f"y ~ x + z + {random}", family="bernoulli", link=link, laws=laws))["z"]
    at = {"beta0": "-3/10", "beta1": "7/10", "beta2": "1/2", "sigma2": "1/2"}
    at |= {"Sigma11": "1/5", "Sigma12": "1/10", "Sigma22": "1/8"}
    names = {str(symbol) for symbol in entry.coefficient.free_symbols}
    # more digits of two effects take many nodes
    digits = 4 if random.startswith("(0") else 2
    number = entry.evaluate({k: v for k, v in at.items() if k in names}, digits=digits)
    assert number.certified
    assert abs(float(number.value) - by_sums(WEIGHTS[link][1], random, law)) <= float(number.error) * (1 + 1e-6)


def masses(law: str) -> Array:
    if law.startswith("Poisson"):
        return np.cumprod([np.exp(-2.0), *(2.0 / np.arange(1, 30))])
    return np.array([0.0, *(np.power(2 / 3, np.arange(60)) / 3)]) if law.startswith("Geo") else np.array([1, 2, 1]) / 4


def by_sums(w: Any, random: str, law: str) -> float:
    """That of z in E[S]^-1, S what is left of the others by weighted least squares on block A at every node."""
    p = np.tile(masses(law), 2) / 2
    x = np.tile(np.arange(len(p) // 2), 2)
    z = np.repeat([0.0, 1.0], len(p) // 2)
    nodes = np.linspace(-8, 8, 129)
    if random.startswith("(0"):
        moved, density, block = np.sqrt(0.5) * nodes[:, None] * x, np.exp(-nodes * nodes / 2), [x, np.ones_like(x)]
    else:
        grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
        u = grid @ np.linalg.cholesky([[0.2, 0.1], [0.1, 0.125]]).T
        moved, density, block = u[:, :1] + u[:, 1:] * x, np.exp(-(grid**2).sum(axis=1) / 2), [np.ones_like(x), x]
    eta = np.minimum(CENTRE + SLOPE * x + SECOND * z + moved, 6.0 if w is cloglog else np.inf)
    root = np.sqrt(p * np.nan_to_num(w(np.maximum(eta, -30.0) + 0j).real))
    triangle = np.linalg.qr(root[:, :, None] * np.stack([*block, z], axis=-1), mode="r")
    left = triangle[:, 1:, 1:] if random.startswith("(0") else triangle[:, 2:, 2:]
    mean = np.einsum("k,kij,kil->jl", density / density.sum(), left, left)
    return float(np.linalg.inv(mean)[-1, -1])
