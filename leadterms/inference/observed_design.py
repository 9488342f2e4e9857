"""The design of a mixed model with one grouping factor in data: columns, groups, and kinds of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import ImmutableMatrix, Matrix, Symbol

from leadterms.errors import ModelError
from leadterms.information.column_space import check_full_rank
from leadterms.model.data_columns import read_columns
from leadterms.model.factor_coding import coded_columns
from leadterms.model.formula import Formula
from leadterms.notation.symbols import SIGMA2, effect_covariance

Array = NDArray[np.float64]
Integers = NDArray[np.intp]

SAME = 1e-9
"""Relative difference below which two values of a column count as one."""


@dataclass(frozen=True, eq=False)
class ObservedDesign:
    """Columns and groups of N observations.

    Parameters
    ----------
    X
        N x p, the columns of the fixed effects.
    names
        Of the columns, "1" for the intercept.
    group
        Of each row, 0 to m - 1; all 0 without random effects.
    sizes
        Of the m groups.
    blocks
        The covariance matrix of each block of correlated random effects, in its symbols.
    within
        X_A: columns that carry random effects, in the order of the effects.
    moved
        Columns that move the mean of a random coefficient: ``within``, then those with a group-level factor.
    effect
        Which random effect each of them moves.
    factor
        m x len(moved): z_j of each group, 1 for the columns of X_A.
    fixed_only
        X_B: the other columns.
    kind
        Of each group: groups of a kind have the same values of the group-level predictors.

    """

    X: Array
    names: tuple[str, ...]
    group: Integers
    sizes: Integers
    blocks: tuple[Matrix, ...]
    within: tuple[int, ...]
    moved: tuple[int, ...]
    effect: tuple[int, ...]
    factor: Array
    fixed_only: tuple[int, ...]
    kind: Integers

    @property
    def variance_parameters(self) -> tuple[Symbol, ...]:
        """The free entries of the covariance matrices, column by column as vech does."""
        return tuple(block[i, j] for block in self.blocks for j in range(block.cols) for i in range(j, block.rows))

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        """The pairs (k, l) of random effects with these covariances, in their order."""
        found, start = [], 0
        for block in self.blocks:
            found += [(start + i, start + j) for j, i in combinations_with_replacement(range(block.rows), 2)]
            start += block.rows
        return tuple(found)


def observed_design(formula: Formula, data: Any) -> ObservedDesign:
    """Return the design that a formula has in data.

    Group-level predictors are found in the data: a column that is constant within every group, or such a factor times
    a column that carries a random effect, moves the mean of that random coefficient.

    Parameters
    ----------
    formula
        With random effects of one grouping factor, or none.
    data
        A mapping of names to sequences, or a data frame. The response is not looked at.

    Raises
    ------
    ModelError
        If a column is missing or cannot be used, columns are dependent, there is more than one grouping factor, or a
        random effect has no fixed effect.

    """
    groupings = dict.fromkeys(random.grouping for random in formula.random)
    if len(groupings) > 1:
        shown = ", ".join(":".join(grouping) for grouping in groupings)
        raise ModelError(
            f"studentization from data is covered for one grouping factor, not for {shown}: for a Gaussian response "
            "fit_linear has the exact information of any layout"
        )
    factors = [name for grouping in groupings for name in grouping]
    wanted = (*formula.variables, *factors)
    if not wanted:
        raise ModelError(
            "the formula has neither predictors nor groups: there is nothing to take from data; use wald(model, ...)"
        )
    columns = read_columns(data, wanted)
    coded = coded_columns(formula.terms, columns)
    names = tuple(name for found, _ in coded for name in found)
    X = np.hstack([matrix for _, matrix in coded])
    check_full_rank(X, names)
    group, sizes = _groups([columns[name].values for name in factors], len(X))
    effects = []
    for random in formula.random:
        parts = [found for found, _ in coded_columns(random.terms, columns)]
        effects += [sum(parts, ())] if random.correlated else parts
    within = tuple(_place(effect, names) for block in effects for effect in block)
    moved, effect, factor, fixed_only = _split(X, within, group, len(sizes))
    kind = _kinds(X, group, len(sizes)) if within else np.zeros(1, dtype=np.intp)
    if kind.max() + 1 > max(1, len(sizes) // 2):
        raise ModelError(
            f"the group-level predictors take {kind.max() + 1} combinations of values in {len(sizes)} groups: averages "
            "over a kind of groups need several groups of each kind, and several rows in a group; cut a continuous "
            "group-level predictor into classes"
        )
    blocks = _symbols([len(block) for block in effects])
    return ObservedDesign(X, names, group, sizes, blocks, within, moved, effect, factor, fixed_only, kind)


def _groups(factors: Sequence[Sequence[Any]], rows: int) -> tuple[Integers, Integers]:
    if not factors:
        return np.zeros(rows, dtype=np.intp), np.array([rows], dtype=np.intp)
    place: dict[tuple[Any, ...], int] = {}
    group = np.array([place.setdefault(cell, len(place)) for cell in zip(*factors, strict=True)], dtype=np.intp)
    return group, np.bincount(group)


def _place(effect: str, names: Sequence[str]) -> int:
    if effect not in names:
        shown = "intercept" if effect == "1" else effect
        raise ModelError(
            f"the random effect of {shown} has no fixed effect of that name: add it to the fixed part, in the same "
            f"coding (its columns are {', '.join(names)})"
        )
    return names.index(effect)


def _symbols(sizes: Sequence[int]) -> tuple[Matrix, ...]:
    """Name the entries of the covariance matrices as a model statement does."""
    if sum(sizes) == 1:
        return (ImmutableMatrix([[SIGMA2]]),)
    found, start = [], 1
    for size in sizes:
        found.append(
            ImmutableMatrix(size, size, lambda i, j: effect_covariance(start + int(i), start + int(j)))  # noqa: B023
        )
        start += size
    return tuple(found)


def _split(
    X: Array, within: Sequence[int], group: Integers, m: int
) -> tuple[tuple[int, ...], tuple[int, ...], Array, tuple[int, ...]]:
    """Return which columns move which random effect, by which factor in each group, and block B."""
    moved, effect = list(within), list(range(len(within)))
    factors = [np.ones(m) for _ in within]
    fixed_only = []
    for column in range(X.shape[1]):
        if column in within:
            continue
        found = ((k, _group_factor(X[:, column], X[:, own], group, m)) for k, own in enumerate(within))
        place = next(((k, z) for k, z in found if z is not None), None)
        if place is None:
            fixed_only.append(column)
        else:
            moved.append(column)
            effect.append(place[0])
            factors.append(place[1])
    return tuple(moved), tuple(effect), np.array(factors).T.reshape(m, len(moved)), tuple(fixed_only)


def _group_factor(column: Array, own: Array, group: Integers, m: int) -> Array | None:
    """Return z of each group where column = z * own in all of its rows; None where there is none."""
    square = np.bincount(group, own**2, minlength=m)
    if np.any(square == 0):
        return None
    z = np.bincount(group, column * own, minlength=m) / square
    distance = np.abs(column - z[group] * own).max()
    if distance > SAME * np.abs(column).max():
        return None
    # values that differ by rounding only are one kind of group
    scale = np.abs(z).max()
    return np.asarray(scale * np.round(z / scale, 12))


def _kinds(X: Array, group: Integers, m: int) -> Integers:
    """Number the groups by the ratios of columns that are constant within every group."""
    pairs = [(i, j) for i in range(X.shape[1]) for j in range(X.shape[1]) if i != j]
    found = (_group_factor(X[:, i], X[:, j], group, m) for i, j in pairs)
    keys = [z for z in found if z is not None and np.ptp(z) > 0]
    if not keys:
        return np.zeros(m, dtype=np.intp)
    return np.unique(np.column_stack(keys), axis=0, return_inverse=True)[1].reshape(m)
