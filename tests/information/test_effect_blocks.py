"""Blocks: V of a simulated model is their linear combination."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms.information.effect_blocks import EffectBlock, covariance_derivatives


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_derivatives_combine_to_the_covariance_of_the_effects(size):
    """Cov(sum_i Z_i u_i) with Cov(u_i, u_j) = Sigma_ij I is Z(Sigma x I)Z'."""
    rng = np.random.default_rng(size)
    block = EffectBlock(tuple(rng.normal(size=(8, 3)) for _ in range(size)))
    root = rng.normal(size=(size, size))
    Sigma = root @ root.T
    entries = [Sigma[i, j] for i, j in block.pairs]
    np.testing.assert_array_equal(block.matrix(entries), Sigma)
    derivatives = covariance_derivatives([block], 8)
    assert len(derivatives) == size * (size + 1) // 2 + 1
    Z = np.hstack(block.designs)
    V = sum(value * matrix for value, matrix in zip([*entries, 0.7], derivatives, strict=True))
    np.testing.assert_allclose(V, Z @ np.kron(Sigma, np.eye(3)) @ Z.T + 0.7 * np.eye(8), atol=1e-12)
