"""Random terms as blocks of matrices, and the derivatives of V that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadterms.information.column_space import Array, dense


@dataclass(frozen=True)
class EffectBlock:
    """One random term: k effects, correlated with each other, for each of q levels.

    Parameters
    ----------
    designs
        k matrices, each N x q; dense, or anything with ``@``, ``.T`` and ``.toarray()`` such as a sparse matrix.

    """

    designs: tuple[Any, ...]

    @property
    def size(self) -> int:
        """The number of effects, k."""
        return len(self.designs)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The free entries (row, column) of the covariance of the effects, column by column as vech does."""
        return tuple((i, j) for j in range(self.size) for i in range(j, self.size))

    def matrix(self, entries: Sequence[float]) -> Array:
        """Return the k x k covariance of the effects from its free entries."""
        covariance = np.zeros((self.size, self.size))
        for (i, j), value in zip(self.pairs, entries, strict=True):
            covariance[i, j] = covariance[j, i] = value
        return covariance


def covariance_derivatives(blocks: Sequence[EffectBlock], rows: int) -> list[Array]:
    r"""Return :math:`\partial V/\partial\theta_r` as dense N x N matrices: each block's entries, then the error's I."""
    found = []
    for block in blocks:
        for i, j in block.pairs:
            product = dense(block.designs[i] @ block.designs[j].T)
            found.append(product if i == j else product + product.T)
    return [*found, np.eye(rows)]
