"""Two models of the same data: is one inside the other, and which linear functions of beta tell them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from leadterms.errors import ModelError
from leadterms.inference.linear_fit import LinearFit
from leadterms.information.column_space import Array, check_full_rank, dense, orthonormal_basis
from leadterms.model.data_design import DataDesign, RandomDesign, data_design

Stated = Any
"""A formula, a design with its data, or a fit."""


def as_design(stated: Stated, data: Any, null: bool = False) -> DataDesign:
    """Return the matrices of a model that is stated in any of the ways; ``null`` as in `data_design`.

    Raises
    ------
    ModelError
        If a formula comes without data, or something else is given.

    """
    if isinstance(stated, LinearFit):
        return stated.design
    if isinstance(stated, DataDesign):
        return stated
    if data is None:
        raise ModelError(f"the model {stated!r} comes without data: give data, or a fit")
    return data_design(stated, data, null)


def check_same_response(large: DataDesign, small: DataDesign) -> None:
    """Refuse models of different responses.

    Raises
    ------
    ModelError
        If the responses differ.

    """
    if large.y.shape != small.y.shape or not np.array_equal(large.y, small.y):
        raise ModelError("the two models have different responses: compare models of the same data")


def has_same_random_part(first: DataDesign, second: DataDesign) -> bool:
    """Tell whether two models have the same random effects with the same covariance structure."""
    return _random_parts(first) == _random_parts(second)


def _random_parts(design: DataDesign) -> set[tuple[frozenset[str], frozenset[str]]]:
    return {random_key(random) for random in design.random}


def random_key(random: RandomDesign) -> tuple[frozenset[str], frozenset[str]]:
    """Return what identifies a random term: its grouping and its effects, in any order."""
    return frozenset(random.grouping), frozenset(random.effects)


def restriction(large: DataDesign, small: DataDesign) -> Array:
    r"""Return L, h x p with orthonormal rows: :math:`X\beta` is a mean of the small model exactly if L beta = 0.

    Parameters
    ----------
    large, small
        The means of ``small`` are means of ``large``, and fewer.

    Raises
    ------
    ModelError
        If the small model is not inside the large one, or not smaller.

    """
    check_full_rank(large.X, large.names)
    inside, *_ = np.linalg.lstsq(large.X, small.X, rcond=None)
    rest = np.linalg.norm(small.X - large.X @ inside, axis=0)
    for name, distance, length in zip(small.names, rest, np.linalg.norm(small.X, axis=0), strict=True):
        if distance > 1e-8 * length:
            raise ModelError(
                f"the mean of {small.formula.text!r} is not inside that of {large.formula.text!r}: the large model "
                f"lacks {name}"
            )
    lengths = np.linalg.norm(large.X, axis=0)
    basis = orthonormal_basis(inside * lengths[:, None])
    if basis.shape[1] == large.X.shape[1]:
        raise ModelError(
            f"{large.formula.text!r} and {small.formula.text!r} have the same mean: there is nothing to test"
        )
    complement = np.linalg.svd(basis, full_matrices=True)[0][:, basis.shape[1] :] if basis.size else np.eye(len(inside))
    rows = (complement * lengths[:, None]).T
    return np.asarray(np.linalg.qr(rows.T)[0].T)


def read_restriction(large: DataDesign, small: Stated, data: Any) -> tuple[Array, str]:
    """Return L and the hypothesis in words, from a smaller model or from L itself.

    Raises
    ------
    ModelError
        If L has another number of columns than there are fixed effects, or dependent rows; or as `restriction`.

    """
    if isinstance(small, np.ndarray | list | tuple):
        L = np.atleast_2d(dense(small))
        if L.shape[1] != len(large.names):
            raise ModelError(f"L has {L.shape[1]} columns, but there are {len(large.names)} fixed effects")
        if orthonormal_basis(L.T).shape[1] != L.shape[0]:
            raise ModelError("the rows of L are linearly dependent: state each restriction once")
        return L, f"L beta = 0 in {large.formula.text}"
    design = as_design(small, data, null=True)
    check_same_response(large, design)
    if not has_same_random_part(large, design):
        raise ModelError(
            f"{large.formula.text!r} and {design.formula.text!r} have different random effects: a test of fixed "
            "effects needs the same random part in both"
        )
    return restriction(large, design), f"{design.formula.text} within {large.formula.text}"
