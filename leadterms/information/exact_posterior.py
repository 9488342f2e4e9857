"""Marginal probabilities and scores of all data of a group, by one trapezoidal rule over the random effects.

With t(u) the prior score, a_r(s, u) the score of the sum s in cell r about its linear predictor, and L_r(s, u) its
probability, the data y = (s_1, ..., s_R) have

    p(y) = E prod_r L_r,     p(y) E[t | y] = E[ t prod_r L_r ],     p(y) E[a_r | y] = E[ a_r prod_r L_r ],

averages over U ~ N(0, Sigma).  All data share the nodes, so that these are products of matrices (data by nodes by
data); the rule converges exponentially as its step falls below the width of the narrowest posterior that matters.
Nothing is taken relative to a posterior mode: several modes do no harm, and data whose posterior lies where the
nodes are too far apart have no probability to speak of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.information.exact_counts import NumericKind
from leadterms.information.exact_responses import SumResponse

_NODES_AT_ONCE = 1_000_000
_DATA_AT_ONCE = 1_000_000
_NEGLIGIBLE = 1e-280
"""Data of a smaller probability are left out: a score is a polynomial in what stays below 1e5."""


@dataclass(frozen=True)
class EffectsLaw:
    """The random effects U ~ N(0, Sigma).

    Parameters
    ----------
    covariance
        Sigma, d by d.
    directions
        dSigma for each variance parameter, v by d by d.

    """

    covariance: Array
    directions: Array

    @property
    def precision(self) -> Array:
        """The inverse of Sigma."""
        return np.linalg.inv(self.covariance)

    def scores(self, mean_map: Array, effects: Array) -> Array:
        """Return t(u) at each row of ``effects``: mean parameters, then variance parameters, by nodes.

        t = (M' Sigma^{-1} u, {u' Sigma^{-1} dSigma Sigma^{-1} u - tr(Sigma^{-1} dSigma)}/2).
        """
        scaled = effects @ self.precision
        quadratic = np.einsum("ki,vij,kj->vk", scaled, self.directions, scaled)
        traces = np.einsum("ij,vji->v", self.precision, self.directions)
        return np.concatenate([mean_map @ scaled.T, (quadratic - traces[:, None]) / 2])

    def information(self, mean_map: Array) -> Array:
        """Return T = Cov t(U)."""
        turned = np.einsum("ij,vjk->vik", self.precision, self.directions)
        means, size = len(mean_map), len(mean_map) + len(turned)
        matrix = np.zeros((size, size))
        matrix[:means, :means] = mean_map @ self.precision @ mean_map.T
        matrix[means:, means:] = np.einsum("vij,wji->vw", turned, turned) / 2
        return matrix


@dataclass(frozen=True)
class Grid:
    """Nodes u (K by d) and weights (step^d times the density) of the trapezoidal rule in a ball of scaled effects."""

    effects: Array
    weights: Array


def effects_grid(covariance: Array, step: float, radius: float) -> Grid:
    """Return the rule on u = C z, C C' = Sigma, with z on a lattice of the given step in |z| <= radius."""
    size = len(covariance)
    reach = int(radius / step)
    axis = step * np.arange(-reach, reach + 1)
    z = np.stack(np.meshgrid(*[axis] * size, indexing="ij"), axis=-1).reshape(-1, size)
    squares = np.sum(z * z, axis=1)
    inside = squares <= radius * radius
    weights = (step / np.sqrt(2 * np.pi)) ** size * np.exp(-squares[inside] / 2)
    return Grid(z[inside] @ np.linalg.cholesky(covariance).T, weights)


@dataclass(frozen=True)
class GroupSums:
    """Sums over all enumerated data of a group; parameters are means, variances, then beta_B.

    Parameters
    ----------
    information
        Sum of p(y) score score'.
    scores
        Sum of p(y) score; zero but for what is missing.
    probability
        Sum of p(y); one but for what is missing.
    missing
        For each parameter the complete-data information on the event that the data are not enumerated:
        E[t_i(U)^2; missing] and the like.  Since E[E[c | y]^2; missing] <= E[c^2; missing], the information of the
        missing data lies between 0 and a matrix with this diagonal: entry (i, j) is off by at most the geometric
        mean of the two.

    """

    information: Array
    scores: Array
    probability: float
    missing: Array

    def __add__(self, other: GroupSums) -> GroupSums:
        return GroupSums(
            self.information + other.information,
            self.scores + other.scores,
            self.probability + other.probability,
            self.missing + other.missing,
        )

    def times(self, factor: float) -> GroupSums:
        """Return the sums weighted by the probability of a design."""
        return GroupSums(
            factor * self.information, factor * self.scores, factor * self.probability, factor * self.missing
        )


@dataclass(frozen=True)
class _Side:
    """Some of the cells: probability of their data by nodes, and its derivative along each of beta_B."""

    plain: Array
    derivatives: tuple[Array, ...]

    def times(self, table: Array, score: Array, directions: Array) -> _Side:
        """Add a cell with design ``directions`` (d_B)."""

        def outer(first: Array, second: Array) -> Array:
            return (first[:, None, :] * second[None, :, :]).reshape(-1, second.shape[1])

        scored = table * score if len(directions) else table
        return _Side(
            outer(self.plain, table),
            tuple(
                outer(d, table) + x * outer(self.plain, scored)
                for d, x in zip(self.derivatives, directions, strict=True)
            ),
        )


def split(values: Sequence[int]) -> int:
    """Return how many cells go to the left so that both sides hold about as many data."""

    def largest(cut: int) -> int:
        return max(product_of(values[:cut]), product_of(values[cut:]))

    return min(range(1, len(values) + 1), key=largest)


def product_of(values: Sequence[int]) -> int:
    """Return the product, exactly."""
    return reduce(lambda a, b: a * b, values, 1)


def group_sums(
    kind: NumericKind, law: EffectsLaw, response: SumResponse, counts: Sequence[int], values: Sequence[int], grid: Grid
) -> GroupSums:
    """Enumerate the data of a group whose cells have given counts.

    Parameters
    ----------
    kind, law, response
        The group's design, the law of its effects, and that of the sums.
    counts
        Observations in each cell.
    values
        How many values 0, 1, ... of each cell's sum are enumerated.
    grid
        The rule.

    """
    fixed = kind.fixed_rows.shape[1]
    scores = law.scores(kind.mean_map, grid.effects)
    size = len(scores) + fixed
    cut = split(values)
    lefts, rights = product_of(values[:cut]), product_of(values[cut:])
    chunk = max(1, _NODES_AT_ONCE // ((lefts + rights) * (1 + fixed)))
    block = max(1, _DATA_AT_ONCE // rights)
    information, sums, probability = np.zeros((size, size)), np.zeros(size), 0.0
    missing = np.zeros(size)
    for start in range(0, lefts, block):
        rows = slice(start, min(start + block, lefts))
        moments = np.zeros((1 + size, rows.stop - start, rights))
        for first in range(0, len(grid.weights), chunk):
            nodes = slice(first, first + chunk)
            cells = _cells(kind, response, counts, values, grid.effects[nodes])
            left, right = _side(kind, cells, range(cut)), _side(kind, cells, range(cut, len(counts)))
            weights, prior = grid.weights[nodes], scores[:, nodes]
            if start == 0 and not response.is_finite:
                missing += _missing(kind, response, counts, cells, weights, prior, grid.effects[nodes])
            weighted = left.plain[rows] * weights
            moments[0] += weighted @ right.plain.T
            for i, score in enumerate(prior):
                moments[1 + i] += (weighted * score) @ right.plain.T
            for j in range(fixed):
                moments[1 + len(prior) + j] += (left.derivatives[j][rows] * weights) @ right.plain.T
                moments[1 + len(prior) + j] += weighted @ right.derivatives[j].T
        flat = moments.reshape(1 + size, -1)
        kept = flat[:, flat[0] > _NEGLIGIBLE]
        information += (kept[1:] / kept[0]) @ kept[1:].T
        sums += kept[1:].sum(axis=1)
        probability += float(kept[0].sum())
    return GroupSums(information, sums, probability, missing)


def _cells(
    kind: NumericKind, response: SumResponse, counts: Sequence[int], values: Sequence[int], effects: Array
) -> list[tuple[Array, Array]]:
    """Return probability and score of each cell's sum, sums by nodes."""
    eta = kind.base[:, None] + kind.random_rows @ effects.T
    return [
        response.table(np.arange(number, dtype=float), count, response.features(eta[r]))
        for r, (count, number) in enumerate(zip(counts, values, strict=True))
    ]


def _side(kind: NumericKind, cells: Sequence[tuple[Array, Array]], members: range) -> _Side:
    nodes, fixed = cells[0][0].shape[1], kind.fixed_rows.shape[1]
    side = _Side(np.ones((1, nodes)), (np.zeros((1, nodes)),) * fixed)
    for r in members:
        side = side.times(*cells[r], kind.fixed_rows[r])
    return side


def _missing(
    kind: NumericKind,
    response: SumResponse,
    counts: Sequence[int],
    cells: Sequence[tuple[Array, Array]],
    weights: Array,
    prior: Array,
    effects: Array,
) -> Array:
    """Return E[c_i^2] - E[c_i^2; enumerated] for the complete-data scores c_i.

    Given u the cells are independent and the enumerated data a product set, so that with m_k = sum over the
    enumerated s of a^k L in each cell, E[(sum_r x_r a_r)^2; enumerated | u] is (prod m_0) times
    sum_r x_r^2 {m_2/m_0 - (m_1/m_0)^2} + {sum_r x_r m_1/m_0}^2.
    """
    m0, m1, m2 = (np.stack([np.sum(table * score**k, axis=0) for table, score in cells]) for k in (0, 1, 2))
    enumerated = np.prod(m0, axis=0)
    safe = np.maximum(m0, _NEGLIGIBLE)
    x = kind.fixed_rows
    eta = kind.base[:, None] + kind.random_rows @ effects.T
    whole = np.array(counts)[:, None] * np.stack([response.features(row).weight for row in eta])
    spread = (x**2).T @ (m2 / safe - (m1 / safe) ** 2) + (x.T @ (m1 / safe)) ** 2
    lost = np.concatenate([prior**2 * (1 - enumerated), (x**2).T @ whole - spread * enumerated])
    return np.asarray(np.maximum(lost, 0.0) @ weights)
