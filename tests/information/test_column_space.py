"""Spans: numpy's ranks and projections, units that do not matter, and the column that is named."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms.errors import ModelError
from leadterms.information.column_space import check_full_rank, orthonormal_basis, rank


@pytest.mark.parametrize("seed", range(10))
def test_ranks_and_projections_as_numpy(seed):
    rng = np.random.default_rng(seed)
    r = int(rng.integers(1, 6))
    X = rng.normal(size=(20, r)) @ rng.normal(size=(r, 8))
    assert rank(X) == np.linalg.matrix_rank(X) == r
    basis = orthonormal_basis(X)
    np.testing.assert_allclose(basis.T @ basis, np.eye(r), atol=1e-12)
    np.testing.assert_allclose(basis @ basis.T, X @ np.linalg.pinv(X, rcond=1e-10), atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_a_basis_beyond_another(seed):
    rng = np.random.default_rng(seed)
    inner = orthonormal_basis(rng.normal(size=(20, 4)))
    X = np.hstack([inner @ rng.normal(size=(4, 3)), rng.normal(size=(20, 2)) * 1e5])
    beyond = orthonormal_basis(X, inner)
    assert beyond.shape == (20, 2)
    np.testing.assert_allclose(inner.T @ beyond, 0, atol=1e-12)
    np.testing.assert_allclose(beyond.T @ beyond, np.eye(2), atol=1e-12)


def test_units_do_not_change_a_rank():
    X = np.column_stack([np.ones(10), 1e12 * np.arange(10), 1e-12 * np.arange(10) ** 2, np.zeros(10)])
    assert rank(X) == 3
    assert rank(np.empty((5, 0))) == 0


def test_a_near_dependence_is_kept_and_a_dependence_is_named():
    x = np.linspace(1000, 1010, 30)
    X = np.column_stack([np.ones(30), x, x**2])
    check_full_rank(X)
    with pytest.raises(ModelError, match=r"column 3 \(double\) is a linear combination of those before it"):
        check_full_rank(np.column_stack([X, 2 * x + 3]), ("1", "x", "x^2", "double"))
    with pytest.raises(ModelError, match="column 1 is a linear"):
        check_full_rank(np.column_stack([np.ones(4), np.zeros(4)]))
