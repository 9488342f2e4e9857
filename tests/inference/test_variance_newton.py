"""The maximiser: other starts find nothing better, stationary points that are no maxima are left, conditions hold."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms.errors import EvaluationError
from leadterms.inference import variance_newton
from leadterms.inference.linear_fit import fit_linear
from leadterms.inference.variance_newton import maximise

FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x + (1 | g) + (1 | h)",
    "y ~ x + z + (x + z | g)",
    "y ~ x + (x | g) + (x | h)",
    "y ~ x + (x || g) + (1 | g:h)",
]


def random_case(seed):
    """Few groups, some components absent: most maxima are on the boundary; every third predictor is off centre."""
    rng = np.random.default_rng(seed)
    N, m, k = (int(rng.integers(*ends)) for ends in ((25, 90), (4, 12), (3, 8)))
    g, h = rng.integers(0, m, N), rng.integers(0, k, N)
    x, z = rng.normal(size=N) + 10 * (seed % 3 == 0), rng.exponential(size=N)
    scales = rng.exponential(size=4) * (rng.random(4) < 0.6)
    y = rng.normal(size=N) + scales[0] * rng.normal(size=m)[g] + scales[1] * rng.normal(size=k)[h]
    y = y + scales[2] * rng.normal(size=m)[g] * x + scales[3] * rng.normal(size=m)[g] * z
    return FORMULAS[seed % 5], {"y": y, "x": x, "z": z, "g": g, "h": h}, rng


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("seed", range(15))
def test_other_starts_find_nothing_better(seed, restricted):
    formula, data, rng = random_case(seed)
    scaled, _, _ = variance_newton._scaled(fit_linear(formula, data).cross)
    start = variance_newton._start(scaled)
    best = variance_newton._climb(scaled, restricted, start)
    for size in (0.2, 1.0, 2.0):
        other = size * rng.normal(size=len(start))
        other[-1] = rng.uniform(-3, 0)
        assert variance_newton._climb(scaled, restricted, other).value > best.value - 1e-7


@pytest.mark.parametrize("seed", range(15))
def test_no_admissible_direction_increases_the_likelihood(seed):
    """Steps towards random covariances (a convex set) from the maximum lose likelihood."""
    formula, data, rng = random_case(seed)
    cross = fit_linear(formula, data).cross
    best = maximise(cross, True)
    for _ in range(20):
        roots = [rng.normal(size=(block.size, block.size)) for block in cross.blocks]
        towards = [root @ root.T * rng.exponential() for root in roots]
        share = 10 ** rng.uniform(-3, 0)
        effects = [(1 - share) * a + share * b for a, b in zip(best.effects, towards, strict=True)]
        phi = best.phi * np.exp(share * rng.normal())
        moved = variance_newton.solve(cross, effects, phi, True)
        assert moved.log_likelihood < best.solved.log_likelihood + 1e-9


def test_a_start_without_random_effects_is_left():
    """At L = 0 the gradient is zero although the likelihood increases with the variance."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(10), 5)
    fit = fit_linear("y ~ 1 + (1 | g)", {"y": 2 * rng.normal(size=10)[g] + rng.normal(size=50), "g": g})
    scaled, _, scale = variance_newton._scaled(fit.cross)
    start = np.array([0.0, 0.0])
    assert variance_newton._evaluate(scaled, True, start).gradient[0] == 0
    found = variance_newton._climb(scaled, True, start)
    assert np.exp(found.at[-1]) * scale == pytest.approx(fit.phi, rel=1e-7)
    assert found.at[0] ** 2 * scale == pytest.approx(fit.variances["sigma2"], rel=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_derivatives_in_the_free_coordinates(seed):
    formula, data, rng = random_case(seed)
    scaled, _, _ = variance_newton._scaled(fit_linear(formula, data).cross)
    at = variance_newton._start(scaled) + 0.2 * rng.normal(size=len(variance_newton._start(scaled)))
    point, step = variance_newton._evaluate(scaled, True, at), 1e-5
    ends = [
        [variance_newton._evaluate(scaled, True, at + sign * unit) for sign in (1, -1)]
        for unit in step * np.eye(len(at))
    ]
    gradient = [(up.value - down.value) / (2 * step) for up, down in ends]
    hessian = [(up.gradient - down.gradient) / (2 * step) for up, down in ends]
    scale = np.max(np.abs(point.hessian))
    np.testing.assert_allclose(point.gradient, gradient, atol=1e-7 * scale)
    np.testing.assert_allclose(point.hessian, hessian, atol=1e-7 * scale)


def test_a_point_that_is_no_maximum_is_not_returned(monkeypatch):
    formula, data, _ = random_case(1)
    cross = fit_linear(formula, data).cross
    monkeypatch.setattr(variance_newton, "MAX_STEPS", 2)
    with pytest.raises(EvaluationError, match="not maximised in 2 Newton steps"):
        maximise(cross, True)
    monkeypatch.undo()
    scaled, _, _ = variance_newton._scaled(cross)
    wrong = [np.zeros((block.size, block.size)) for block in cross.blocks]
    with pytest.raises(EvaluationError, match="still increases"):
        variance_newton._check_first_order(scaled, wrong, 0.3, True)
