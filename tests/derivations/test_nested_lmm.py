"""Nested layouts: exact covariances against explicit matrices, group-level slopes against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Rational

from derivations import nested_lmm
from leadterms import Model, balanced_model
from leadterms.notation.symbols import PHI, SIGMA2, M, N


def test_every_statement_agrees():
    assert {s.outcome().verdict for s in nested_lmm.STATEMENTS} == {"agree"}
    assert len(nested_lmm.STATEMENTS) == 7


def test_a_designed_random_intercept_model_is_exact_at_small_sizes():
    """Three groups with the same eight observations: (X'V^{-1}X)^{-1} from the matrices themselves."""
    values = [-1.0, 0.0, 0.0, 2.5]
    x, z = np.repeat(values, 2), np.tile([0.0, 1.0], 4)
    design = np.column_stack([np.ones(8), x, z])
    sigma2, phi = 0.7, 1.9
    covariance = np.kron(np.eye(3), sigma2 * np.ones((8, 8)) + phi * np.eye(8))
    whole = np.vstack([design] * 3)
    expected = np.linalg.inv(whole.T @ np.linalg.solve(covariance, whole))
    laws = {"x": "Finite({-1: 1/4, 0: 1/2, 5/2: 1/4})", "z": "Bernoulli(1/2)"}
    model = Model("y ~ x + z + (1 | g)", laws=laws, designed=["x", "z"])
    at = {SIGMA2: Rational("0.7"), PHI: Rational("1.9"), M: 3, N: 8}
    derived = np.array(balanced_model(model).fixed_covariance.subs(at).tolist(), dtype=float)
    np.testing.assert_allclose(derived, expected, rtol=1e-12, atol=1e-15)


def test_the_identity_holds_for_designs_of_other_sizes():
    rng = np.random.default_rng(7)
    for rows, effects in ((4, 1), (6, 2), (9, 3)):
        design = rng.standard_normal((rows, 3))
        root = rng.standard_normal((effects, effects))
        spread = np.zeros((3, 3))
        spread[:effects, :effects] = root @ root.T
        whole = design @ spread @ design.T + 1.3 * np.eye(rows)
        left = np.linalg.inv(design.T @ np.linalg.solve(whole, design))
        np.testing.assert_allclose(left, spread + 1.3 * np.linalg.inv(design.T @ design), rtol=1e-9)


def test_a_group_level_slope_is_a_regression_of_group_means():
    """Group means have the variance sigma^2 + phi/n: 3,000 least squares slopes, relative standard error 0.026."""
    rng = np.random.default_rng(11)
    m, n, sigma2, phi, spread, count = 200, 400, 0.8, 1.1, 1.5, 3000
    slopes = []
    for _ in range(count):
        x = spread * rng.standard_normal(m)
        means = x + rng.normal(0, sigma2**0.5, m) + rng.normal(0, (phi / n) ** 0.5, m)
        slopes.append(np.dot(x - x.mean(), means) / np.dot(x - x.mean(), x - x.mean()))
    limit = nested_lmm.group_level()["x"].variance.subs({SIGMA2: sigma2, nested_lmm.DEVIATION: spread, M: m})
    assert np.var(slopes) == pytest.approx(float(limit), rel=4 * (2 / count) ** 0.5 + 3 / m)


def test_there_are_steps():
    assert nested_lmm.steps()[1].title == "Identity of Woodbury"
    assert nested_lmm.three_steps()[0].title == nested_lmm.group_steps()[0].title == "Model"
