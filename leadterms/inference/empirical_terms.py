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
        rows_of_kind = of_kind[design.group]
        found, own_error = _averages(design, rows_of_kind, weight, beta, root, mean_rows, second)
        error = max(error, own_error)
        spread += np.sum(1 / design.sizes[of_kind]) / m * found[0]
        regression += np.count_nonzero(of_kind) / m * found[1]
        complement += design.sizes[of_kind].sum() / rows * found[2]
    return EmpiricalTerms(mean_covariance, spread, regression, complement, error)


def _averages(
    design: ObservedDesign,
    rows: NDArray[np.bool_],
    weight: WeightFunction,
    beta: Array,
    root: Array,
    mean_rows: Array,
    second: bool,
) -> tuple[tuple[Array, Array, Array], float]:
    """Return E[W H_AA^{-1} W'], E[W H_AA^{-1} H_AB] and E[H_BB - H_BA H_AA^{-1} H_AB] of one kind of groups."""
    X, counts = np.unique(design.X[rows], axis=0, return_counts=True)
    fixed = X @ beta
    A, shares = X[:, design.within], counts / counts.sum()
    # in orthonormal columns A R^{-1} and B - A K the information is well-conditioned, whatever the origin of a
    # predictor: W H_AA^{-1} W' has W R^{-1} for W then, G stays, and E[W H_AA^{-1} H_AB] lacks E[W] K
    roots = np.sqrt(shares)[:, None]
    basis, triangle = np.linalg.qr(roots * A)
    shift = np.linalg.solve(triangle, basis.T @ (roots * X[:, design.fixed_only]))
    columns = np.hstack([np.linalg.solve(triangle.T, A.T).T, X[:, design.fixed_only] - A @ shift])
    d, size = A.shape[1], columns.shape[1]
    others, theta = size - d, len(mean_rows) + len(design.products)
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    products = np.column_stack([columns[:, i] * columns[:, j] for i, j in pairs]) * shares[:, None]
    parts = (theta * theta, theta * others, others * others, others)

    def integrand(nodes: Array) -> Array:
        u = nodes @ root.T
        H = _information(fixed, A, products, pairs, size, weight, u)
        W = np.linalg.solve(triangle.T, _derivative_rows(mean_rows, design.products, u).transpose(0, 2, 1))
        W = W.transpose(0, 2, 1) * second
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

    def scale(values: Array) -> Array:
        """Bound the entries by Cauchy and Schwarz."""
        spread, _, _, diagonal = _cut(values, parts)
        of_theta = np.sqrt(np.diag(spread.reshape(theta, theta)))
        of_others = np.sqrt(diagonal)
        bounds = (np.outer(of_theta, of_theta), np.outer(of_theta, of_others), np.outer(of_others, of_others))
        bound = np.concatenate([*(bound.ravel() for bound in bounds), diagonal])
        # what is not averaged is zero, and has no error
        return np.where(bound > 0, bound, 1.0)

    values, error = average_over_grid(integrand, scale, d)
    spread, regression, complement, _ = _cut(values, parts)
    lent = regression.reshape(theta, others)
    lent[: len(mean_rows)] += second * mean_rows @ shift
    return (spread.reshape(theta, theta), lent, complement.reshape(others, others)), error


def _information(
    fixed: Array, A: Array, products: Array, pairs: list[tuple[int, int]], size: int, weight: WeightFunction, u: Array
) -> Array:
    """Return H(u) for each node, K x size x size."""
    found = np.empty((len(u), len(pairs)))
    step = max(1, LARGE // len(fixed))
    with np.errstate(all="ignore"):  # what overflows is refused where it is summed
        for start in range(0, len(u), step):
            part = slice(start, start + step)
            found[part] = weight(fixed + u[part] @ A.T) @ products
    H = np.empty((len(u), size, size))
    for place, (i, j) in enumerate(pairs):
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


def _cut(values: Array, parts: tuple[int, ...]) -> list[Array]:
    return np.split(values, np.cumsum(parts)[:-1])
