"""The road without N x N matrices: equal to dense algebra, to finite differences, and for sparse designs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from leadterms.errors import EvaluationError
from leadterms.information.effect_blocks import EffectBlock, covariance_derivatives
from leadterms.information.general_linear import (
    fixed_effects_covariance,
    linear_covariance,
    log_likelihood,
    restricted_log_likelihood,
    variance_information,
)
from leadterms.information.low_rank import cross_products, fixed_effects_derivatives, solve


def case(seed, singular=False):
    rng = np.random.default_rng(seed)
    N = int(rng.integers(15, 30))
    x = rng.normal(size=N)
    X = np.column_stack([np.ones(N), x])[:, : int(rng.integers(0, 3))]
    g, h = np.eye(5)[rng.integers(0, 5, N)], np.eye(3)[rng.integers(0, 3, N)]
    blocks = (EffectBlock((g, x[:, None] * g, x[:, None] ** 2 * g)), EffectBlock((h,)))
    root = rng.normal(size=(3, 3))
    if singular:
        root[:, 2] = 0
    effects = (root @ root.T, np.zeros((1, 1)) if singular else np.array([[0.8]]))
    return rng.normal(size=N), X, blocks, effects, float(rng.uniform(0.2, 2))


def parameters(blocks, effects, phi):
    entries = [matrix[i, j] for block, matrix in zip(blocks, effects, strict=True) for i, j in block.pairs]
    return np.array([*entries, phi])


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("singular", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_it_equals_the_dense_road(seed, singular, restricted):
    y, X, blocks, effects, phi = case(seed, singular)
    derivatives = covariance_derivatives(blocks, len(y))
    V = linear_covariance(parameters(blocks, effects, phi), derivatives)
    found = solve(cross_products(y, X, blocks), effects, phi, restricted)
    np.testing.assert_allclose(found.covariance, fixed_effects_covariance(X, V), rtol=1e-8)
    beta = np.linalg.inv(X.T @ np.linalg.solve(V, X)) @ X.T @ np.linalg.solve(V, y)
    np.testing.assert_allclose(found.beta, beta, rtol=1e-8)
    value = restricted_log_likelihood(y, X, V) if restricted else log_likelihood(y, X, beta, V)
    assert found.log_likelihood == pytest.approx(value, rel=1e-10)
    information = variance_information(derivatives, V, X if restricted else None)
    np.testing.assert_allclose(found.expected, information, rtol=1e-7, atol=1e-9 * np.max(np.abs(information)))


def second_differences(value, at, step):
    units = step * np.eye(len(at))
    return [
        [(value(at + a + b) - value(at + a - b) - value(at - a + b) + value(at - a - b)) / (4 * step**2) for b in units]
        for a in units
    ]


def extrapolated(difference, step=2e-4):
    """Richardson: central differences at two steps, whose errors in step^2 cancel."""
    return (4 * np.array(difference(step)) - np.array(difference(2 * step))) / 3


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_score_and_observed_information_are_derivatives_of_the_dense_likelihood(seed, restricted):
    y, X, blocks, effects, phi = case(seed)
    derivatives = covariance_derivatives(blocks, len(y))
    at = parameters(blocks, effects, phi)

    def value(theta):
        V = linear_covariance(theta, derivatives)
        if restricted:
            return restricted_log_likelihood(y, X, V)
        beta = np.linalg.inv(X.T @ np.linalg.solve(V, X)) @ X.T @ np.linalg.solve(V, y)
        return log_likelihood(y, X, beta, V)

    score = extrapolated(lambda step: [(value(at + u) - value(at - u)) / (2 * step) for u in step * np.eye(len(at))])
    hessian = extrapolated(lambda step: second_differences(value, at, step))
    found = solve(cross_products(y, X, blocks), effects, phi, restricted)
    scale = max(1.0, np.max(np.abs(hessian)))
    np.testing.assert_allclose(found.score, score, atol=1e-6 * scale)
    np.testing.assert_allclose(found.observed, -hessian, atol=1e-5 * scale)


@pytest.mark.parametrize("seed", range(4))
def test_derivatives_of_the_fixed_effects_information(seed):
    y, X, blocks, effects, phi = case(seed)
    derivatives = covariance_derivatives(blocks, len(y))
    inverse = np.linalg.inv(linear_covariance(parameters(blocks, effects, phi), derivatives))
    once, twice = fixed_effects_derivatives(cross_products(y, X, blocks), effects, phi)
    for r, V_r in enumerate(derivatives):
        np.testing.assert_allclose(once[r], X.T @ inverse @ V_r @ inverse @ X, rtol=1e-7, atol=1e-9)
        for s, V_s in enumerate(derivatives):
            expected = X.T @ inverse @ V_r @ inverse @ V_s @ inverse @ X
            np.testing.assert_allclose(
                twice[r, s], expected, rtol=1e-7, atol=1e-9 * (1 + np.max(np.abs(expected), initial=0))
            )


def test_sparse_designs_give_the_same_numbers():
    y, X, blocks, effects, phi = case(3)
    thin = tuple(EffectBlock(tuple(sparse.csr_array(design) for design in block.designs)) for block in blocks)
    first, second = cross_products(y, X, blocks), cross_products(y, X, thin)
    np.testing.assert_allclose(first.gram, second.gram, rtol=1e-13)
    one, two = (solve(cross, effects, phi, True) for cross in (first, second))
    np.testing.assert_allclose(one.expected, two.expected, rtol=1e-9)
    for a, b in zip(covariance_derivatives(blocks, len(y)), covariance_derivatives(thin, len(y)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_no_random_terms_are_least_squares():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    beta, rss, *_ = np.linalg.lstsq(X, y)
    found = solve(cross_products(y, X, ()), (), float(rss[0]) / 9, True)
    np.testing.assert_allclose(found.beta, beta, rtol=1e-10)
    np.testing.assert_allclose(found.score, [0], atol=1e-12)


def test_refusals():
    y, X, blocks, effects, phi = case(1)
    cross = cross_products(y, X, blocks)
    with pytest.raises(EvaluationError, match="error variance is positive"):
        solve(cross, effects, 0.0, True)
    with pytest.raises(EvaluationError, match="eigenvalue -1"):
        solve(cross, (effects[0], np.array([[-1.0]])), phi, True)
    with pytest.raises(EvaluationError, match="one row for each observation"):
        cross_products(y[:-1], X, blocks)
