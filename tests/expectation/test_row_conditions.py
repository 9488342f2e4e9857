"""Where the random effects vary less than weights of Gaussian decay bear, against growth over all directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sympy import Float, Integer, Rational, Symbol

from leadterms.expectation.inverse_existence import inverse_exists
from leadterms.model.laws import ExponentialLaw, FiniteLaw, NormalLaw, UniformLaw
from tests.expectation.inverse_cases import X, Z, block


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "rows", "conditions"),
    [
        (UniformLaw(-1, 1), (X,), []),
        (NormalLaw(0, 1), (X,), []),
        (UniformLaw(1, 2), (X,), ["S00 < 1"]),
        (NormalLaw(0, 1), (Integer(1), X), ["S00 - S01**2/S11 < 1"]),
        (
            ExponentialLaw(1),
            (Integer(1), X),
            ["S00 + 2*S01*Max(0, -S01/S11) + S11*Max(0, -S01/S11)**2 < 1"],
        ),
    ],
)
def test_a_predictor_with_a_density_is_looked_at_where_the_random_terms_vary_least(law, rows, conditions):
    positive = {old: Symbol(old.name, positive=True) for old in (Symbol("S00", real=True), Symbol("S11", real=True))}
    known = block(rows, (X, law))
    known = replace(known, covariance=known.covariance.xreplace(positive))
    assert [str(condition) for condition in inverse_exists(known).conditions] == conditions


def growth(points, masses, covariance, radius):
    """Return the largest log of 1/lambda_min(H_AA) times the density of U, over directions at this radius."""
    worst = -np.inf
    for angle in np.linspace(0, np.pi, 361):
        u = np.linalg.cholesky(covariance) @ (np.cos(angle), np.sin(angle)) * radius
        eta = u[0] + u[1] * points
        log_weight = 2 * norm.logpdf(eta) - norm.logcdf(eta) - norm.logcdf(-eta)
        top = log_weight.max()
        share = masses * np.exp(log_weight - top)
        h = np.array([[np.sum(share * points ** (i + j)) for j in range(2)] for i in range(2)])
        worst = max(worst, -top - np.log(np.linalg.eigvalsh(h)[0]) - radius**2 / 2)
    return worst


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_condition_for_a_slope_is_where_the_inverse_outgrows_the_density(seed):
    rng = np.random.default_rng(seed)
    low, width = rng.uniform(-1, 1), rng.uniform(0.5, 2)
    spread = rng.uniform(0.3, 1.5, 2)
    rho = rng.uniform(-0.9, 0.9)
    covariance = np.array([[spread[0] ** 2, rho * spread.prod()], [rho * spread.prod(), spread[1] ** 2]])
    # the first variance is moved to either side of the condition, which is linear in it: well off the boundary
    vertex = np.clip(-covariance[0, 1] / covariance[1, 1], low, low + width)
    rest = 2 * covariance[0, 1] * vertex + covariance[1, 1] * vertex**2
    points = low + width * (np.arange(800) + 0.5) / 800
    known = block((Integer(1), X), (X, UniformLaw(Float(low), Float(low + width))))
    existence = inverse_exists(known)
    assert existence.exact
    for total, finite in ((0.8, True), (1.25, False)):
        covariance[0, 0] = total - rest
        if np.linalg.eigvalsh(covariance)[0] < 0.05:
            continue
        values = dict(zip(known.covariance, map(Float, covariance.flat), strict=True))
        assert existence.at(values).verdict is finite
        rise = growth(points, 1 / 800, covariance, 24) - growth(points, 1 / 800, covariance, 12)
        assert (rise < 0) == finite


def test_the_condition_for_a_slope_on_three_values_is_exact():
    """Against the second smallest (u'a_k)^2 over directions u with u'S^-1 u = 1."""
    rng = np.random.default_rng(3)
    points = np.array([-1.0, 0.0, 2.0])
    known = block((Integer(1), X), (X, FiniteLaw(*((Integer(int(x)), Rational(1, 3)) for x in points))))
    existence = inverse_exists(known)
    angles = np.linspace(0, np.pi, 20001)
    verdicts = set()
    for _ in range(12):
        spread, rho = rng.uniform(0.3, 1.5, 2), rng.uniform(-0.98, 0.98)
        covariance = np.array([[spread[0] ** 2, rho * spread.prod()], [rho * spread.prod(), spread[1] ** 2]])
        u = np.linalg.cholesky(covariance) @ (np.cos(angles), np.sin(angles))
        second = np.sort((u[0] + points[:, None] * u[1]) ** 2, axis=0)[1].max()
        verdict = existence.at(dict(zip(known.covariance, map(Float, covariance.flat), strict=True))).verdict
        assert verdict is bool(second < 1)
        every = all(covariance[0, 0] + 2 * x * covariance[0, 1] + x * x * covariance[1, 1] < 1 for x in points)
        verdicts.add((verdict, every))
    # some are finite although not every row varies less than 1
    assert {(True, False), (False, False)} <= verdicts


@pytest.mark.parametrize(
    ("rows", "values"),
    [((Integer(1), X, Z), ((0, 1), (-1, 2))), ((X, Z), ((0, 1), (0, 1)))],
    ids=["intercept and two slopes", "two slopes"],
)
def test_the_condition_with_one_row_more_than_effects_is_exact(rows, values):
    """Against the smallest (u'a_k)^2 but two, or but one, over directions u with u'S^-1 u = 1."""
    rng = np.random.default_rng(4)
    size = len(rows)
    x, z = (FiniteLaw(*((Integer(value), Rational(1, 2)) for value in own)) for own in values)
    known = block(rows, (X, x), (Z, z))
    existence = inverse_exists(known)
    points = np.array([(1, a, b)[-size:] for a in values[0] for b in values[1] if size == 3 or a or b], float)
    sphere = rng.normal(size=(size, 40000))
    sphere /= np.sqrt((sphere**2).sum(0))
    verdicts = set()
    while len(verdicts) < 3:
        root = np.tril(rng.uniform(-1, 1, (size, size)))
        least = np.sort((points @ root @ sphere) ** 2, axis=0)[size - 1].max()
        if 0.95 < least < 1:
            continue
        covariance = root @ root.T
        verdict = existence.at(dict(zip(known.covariance, map(Float, covariance.flat), strict=True))).verdict
        assert verdict is bool(least < 1)
        verdicts.add((verdict, bool(np.all(np.einsum("ki,ij,kj->k", points, covariance, points) < 1))))


def test_a_heavy_tail_on_one_side_and_rows_of_both_signs_are_not_infinite():
    """1/H(u) = 1/E[w(x u + x - z)] for x = -1, 1 and an exponential z grows like e^|u|: finite for every variance."""
    two = FiniteLaw((Integer(-1), Rational(1, 2)), (Integer(1), Rational(1, 2)))
    known = block((X,), (X, two), (Z, ExponentialLaw(1)), besides=-Z)
    assert inverse_exists(known).at({known.covariance[0]: Integer(2)}).verdict is not False
    z = np.linspace(0, 120, 120001)
    levels = []
    for u in (8.0, 16.0, 32.0):
        eta = np.stack([sign * (1 + u) - z for sign in (-1, 1)])
        log_w = -(eta**2) - np.log(2 * np.pi) - norm.logcdf(eta) - norm.logcdf(-eta)
        levels.append(-logsumexp(log_w - z))
    assert np.diff(levels) == pytest.approx([8, 16], rel=0.02)
