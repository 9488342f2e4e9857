r"""Strata of a layout, decided numerically: the joint eigenspaces of the matrices of V, where these commute.

In a balanced layout :math:`V = \sum_k \lambda_k P_k` with projectors that do not depend on the parameters and
eigenvalues linear in them (Nelder 1965, Proc. R. Soc. A 283, 147-162).  Whether that holds is decided by commutators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from leadterms.errors import ModelError
from leadterms.information.column_space import Array, side_by_side
from leadterms.information.effect_blocks import EffectBlock, covariance_derivatives
from leadterms.model.data_design import DataDesign

LARGEST = 3000
"""Most observations for which N x N matrices are written out."""


@dataclass(frozen=True, eq=False)
class Stratum:
    """A space on which V is a multiple of the identity.

    Parameters
    ----------
    basis
        N x d with orthonormal columns.
    weights
        The multiple is their scalar product with the variance parameters, the error variance last.
    name
        That multiple, as text.

    """

    basis: Array
    weights: tuple[float, ...]
    name: str


def strata(design: DataDesign) -> tuple[Stratum, ...] | None:
    """Return the strata of a layout, the residual one (variance phi) last; None if the matrices do not commute.

    Raises
    ------
    ModelError
        If there are too many observations to write V out.

    """
    rows = len(design.y)
    if rows > LARGEST:
        raise ModelError(f"the strata of {rows} observations are not worked out (at most {LARGEST}): use kenward_roger")
    blocks = [EffectBlock(random.designs) for random in design.random]
    given = covariance_derivatives(blocks, rows)[:-1]
    lengths = [float(np.linalg.norm(matrix, 2)) for matrix in given]
    matrices = [matrix / length for matrix, length in zip(given, lengths, strict=True)]
    if not _commute(matrices):
        return None
    spaces = _joint_eigenspaces(matrices, rows)
    found = []
    for basis, values in spaces:
        weights = (*(float(value * length) for value, length in zip(values, lengths, strict=True)), 1.0)
        found.append(Stratum(basis, weights, _named(weights, design.variance_names)))
    return tuple(sorted(found, key=lambda stratum: -sum(map(abs, stratum.weights))))


def _commute(matrices: Sequence[Array]) -> bool:
    return all(
        np.max(np.abs(first @ second - second @ first)) < 1e-10
        for index, first in enumerate(matrices)
        for second in matrices[:index]
    )


def _joint_eigenspaces(matrices: Sequence[Array], rows: int) -> list[tuple[Array, tuple[float, ...]]]:
    """Return bases and eigenvalues of the joint eigenspaces, splitting the space by one matrix after the other."""
    spaces: list[tuple[Array, tuple[float, ...]]] = [(np.eye(rows), ())]
    for matrix in matrices:
        split = []
        for basis, values in spaces:
            eigenvalues, vectors = np.linalg.eigh(basis.T @ matrix @ basis)
            edges = [0, *(np.flatnonzero(np.diff(eigenvalues) > 1e-8) + 1), len(eigenvalues)]
            for start, stop in pairwise(edges):
                value = float(np.mean(eigenvalues[start:stop]))
                split.append((basis @ vectors[:, start:stop], (*values, value if abs(value) > 1e-8 else 0.0)))
        spaces = split
    return spaces


def _named(weights: Sequence[float], names: Sequence[str]) -> str:
    terms = [names[-1]]
    for weight, name in zip(weights[:-1], names[:-1], strict=True):
        if weight:
            terms.append(name if abs(weight - 1) < 1e-9 else f"{weight:.6g} {name}")
    return " + ".join(terms)


def random_columns(design: DataDesign) -> Array:
    """Return all matrices Z side by side."""
    return side_by_side([Z for random in design.random for Z in random.designs], len(design.y))
