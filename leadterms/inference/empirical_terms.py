r"""The averages of the second terms with the empirical law of the predictors in place of a stated one.

Given u the conditional information of a kind of groups is the mean over its N_z rows,

    H_z(u) = (1/N_z) sum w(eta_ij(u)) x_ij x_ij',

and with W(u), T as in :mod:`leadterms.asymptotics.second_terms` the averages over U ~ N(0, Sigma) and the groups are

    L = mean over groups of (1/n_i) E[W H_AA^{-1} W'],  R = mean over groups of E[W H_AA^{-1} H_AB],
    G = mean over rows of E[H_BB - H_BA H_AA^{-1} H_AB],

so that the covariance of (beta_A, vech Sigma) and beta_B is

    [ T^{-1}/m + phi L/m + phi R G^{-1} R'/N,  -phi R G^{-1}/N;  .,  phi G^{-1}/N ].

It is that of `expansion` for predictors whose law is the empirical one, with unequal group sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from leadterms.errors import EvaluationError
from leadterms.inference.effects_grid import average_over_grid
from leadterms.inference.observed_design import ObservedDesign

Array = NDArray[np.float64]
WeightFunction = Callable[[Array], Array]

LARGE = 2_000_000
"""About how many weights are held at once."""


@dataclass(frozen=True, eq=False)
class EmpiricalTerms:
    """What the covariance is made of.

    Parameters
    ----------
    mean_covariance
        T^{-1} of the fixed effects that move random coefficients.
    spread, regression, complement
        L, R and G.
    error
        Estimated error of the averages, relative to their scale.

    """

    mean_covariance: Array
    spread: Array
    regression: Array
    complement: Array
    error: float


def empirical_terms(
    design: ObservedDesign, weight: WeightFunction, beta: Array, sigma: Array, second: bool = True
) -> EmpiricalTerms:
    """Return the averages at estimates.

    Parameters
    ----------
    design
        Of the data, with random effects.
    weight
        w(eta), elementwise.
    beta, sigma
        Fixed effects, p, and covariance of the random effects, d x d, positive definite.
    second
        Whether L and R exist and are wanted; without them only G is averaged.

    Raises
    ------
    EvaluationError
        If an average over the random effects is not stable in double precision.

    """
    precision = np.linalg.inv(sigma)
    root: Array = np.linalg.cholesky(sigma).astype(np.float64)
    z = design.factor
    information = (z.T @ z / len(z)) * precision[np.ix_(design.effect, design.effect)]
    mean_covariance = np.linalg.inv(information)
    m, rows = len(design.sizes), len(design.X)
    theta, others = len(design.moved) + len(design.products), len(design.fixed_only)
    spread, regression = np.zeros((theta, theta)), np.zeros((theta, others))
    complement, error = np.zeros((others, others)), 0.0
    for kind in np.unique(design.kind) if second or others else ():
        of_kind = design.kind == kind
        own = z[np.flatnonzero(of_kind)[0]]
        mean_rows = (mean_covariance * own) @ precision[list(design.effect)]
        rows_of_kind = _kind(design, of_kind[design.group], beta, mean_rows)
        found, own_error = _averages(rows_of_kind, weight, root, second)
        error = max(error, own_error)
        spread += np.sum(1 / design.sizes[of_kind]) / m * found[0]
        regression += np.count_nonzero(of_kind) / m * found[1]
        complement += design.sizes[of_kind].sum() / rows * found[2]
    return EmpiricalTerms(mean_covariance, spread, regression, complement, error)


@dataclass(frozen=True, eq=False)
class _Kind:
    """The rows of one kind of groups, in the columns that averages are taken in.

    Parameters
    ----------
    fixed
        x'beta of each distinct row.
    A
        Its X_A, K x d.
    pairs, products
        Of the columns (i, j), i <= j, and the products of each of them, times the share of the row.
    triangle, shift
        R and K: the columns are A R^{-1} and B - A K.
    mean_rows, effects
        The rows of W for the fixed effects, and the pairs of random effects for its other rows.

    """

    fixed: Array
    A: Array
    pairs: tuple[tuple[int, int], ...]
    products: Array
    triangle: Array
    shift: Array
    mean_rows: Array
    effects: tuple[tuple[int, int], ...]

    @property
    def theta(self) -> int:
        """Number of rows of W."""
        return len(self.mean_rows) + len(self.effects)

    @property
    def others(self) -> int:
        """Number of columns of block B."""
        return int(self.shift.shape[1])

    def cut(self, values: Array) -> tuple[Array, Array, Array, Array]:
        """Return the averages of W H_AA^{-1} W', W H_AA^{-1} H_AB, of the complement, and of the diagonal of H_BB."""
        theta, others = self.theta, self.others
        spread, regression, complement, diagonal = np.split(
            values, np.cumsum([theta * theta, theta * others, others * others])
        )
        return (
            spread.reshape(theta, theta),
            regression.reshape(theta, others),
            complement.reshape(others, others),
            diagonal,
        )


def _kind(design: ObservedDesign, rows: NDArray[np.bool_], beta: Array, mean_rows: Array) -> _Kind:
    """Return the rows of a kind in orthonormal columns.

    In A R^{-1} and B - A K the information is well-conditioned, whatever the origin of a predictor: W H_AA^{-1} W' has
    W R^{-1} for W then, G stays, and E[W H_AA^{-1} H_AB] lacks E[W] K.
    """
    X, counts = np.unique(design.X[rows], axis=0, return_counts=True)
    A, B, shares = X[:, design.within], X[:, design.fixed_only], counts / counts.sum()
    roots = np.sqrt(shares)[:, None]
    basis, triangle = np.linalg.qr(roots * A)
    shift = np.linalg.solve(triangle, basis.T @ (roots * B))
    columns = np.hstack([np.linalg.solve(triangle.T, A.T).T, B - A @ shift])
    pairs = tuple(combinations_with_replacement(range(columns.shape[1]), 2))
    products = np.column_stack([columns[:, i] * columns[:, j] for i, j in pairs]) * shares[:, None]
    return _Kind(X @ beta, A, pairs, products, triangle, shift, mean_rows, design.products)


def _averages(
    kind: _Kind, weight: WeightFunction, root: Array, second: bool
) -> tuple[tuple[Array, Array, Array], float]:
    """Return E[W H_AA^{-1} W'], E[W H_AA^{-1} H_AB] and E[H_BB - H_BA H_AA^{-1} H_AB] of one kind of groups."""

    def integrand(nodes: Array) -> Array:
        return _integrand(kind, weight, nodes @ root.T, second)

    values, error = average_over_grid(integrand, partial(_scale, kind), kind.A.shape[1])
    spread, regression, complement, _ = kind.cut(values)
    regression[: len(kind.mean_rows)] += second * kind.mean_rows @ kind.shift
    return (spread, regression, complement), error


def _integrand(kind: _Kind, weight: WeightFunction, u: Array, second: bool) -> Array:
    """Return what is averaged at each node, K x parts; without second terms only the complement is not zero."""
    d, theta = kind.A.shape[1], kind.theta
    H = _information(kind, weight, u)
    rows = _derivative_rows(kind.mean_rows, kind.effects, u).transpose(0, 2, 1)
    W = np.linalg.solve(kind.triangle.T, rows).transpose(0, 2, 1) * second
    try:
        left = np.linalg.solve(H[:, :d, :d], np.concatenate([W.transpose(0, 2, 1), H[:, :d, d:]], axis=2))
    except np.linalg.LinAlgError:
        raise EvaluationError(
            "the information given the random effects is singular in double precision far out in their law: give "
            "laws and use wald(model, ...), or ask for one term"
        ) from None
    spread, regression = W @ left[:, :, :theta], W @ left[:, :, theta:]
    complement = H[:, d:, d:] - H[:, d:, :d] @ left[:, :, theta:]
    diagonal = np.diagonal(H[:, d:, d:], axis1=1, axis2=2)
    return np.hstack([part.reshape(len(u), -1) for part in (spread, regression, complement, diagonal)])


def _scale(kind: _Kind, values: Array) -> Array:
    """Bound the entries by Cauchy and Schwarz."""
    spread, _, _, diagonal = kind.cut(values)
    of_theta, of_others = np.sqrt(np.diag(spread)), np.sqrt(diagonal)
    bounds = (np.outer(of_theta, of_theta), np.outer(of_theta, of_others), np.outer(of_others, of_others))
    bound = np.concatenate([*(bound.ravel() for bound in bounds), diagonal])
    # what is not averaged is zero, and has no error
    return np.where(bound > 0, bound, 1.0)


def _information(kind: _Kind, weight: WeightFunction, u: Array) -> Array:
    """Return H(u) for each node, K x size x size."""
    found = np.empty((len(u), len(kind.pairs)))
    step = max(1, LARGE // len(kind.fixed))
    with np.errstate(all="ignore"):  # what overflows is refused where it is summed
        for start in range(0, len(u), step):
            part = slice(start, start + step)
            found[part] = weight(kind.fixed + u[part] @ kind.A.T) @ kind.products
    size = kind.A.shape[1] + kind.others
    H = np.empty((len(u), size, size))
    for place, (i, j) in enumerate(kind.pairs):
        H[:, i, j] = H[:, j, i] = found[:, place]
    return H


def _derivative_rows(mean_rows: Array, products: tuple[tuple[int, int], ...], u: Array) -> Array:
    """Return W(u) for each node, K x theta x d: the row of sigma_kl is u_k e_l' + u_l e_k'."""
    W = np.zeros((len(u), len(mean_rows) + len(products), u.shape[1]))
    W[:, : len(mean_rows)] = mean_rows
    for row, (k, l) in enumerate(products, len(mean_rows)):
        W[:, row, l] += u[:, k]
        W[:, row, k] += u[:, l]
    return W
