r"""The information of a design, in numbers, and its derivative in the direction of a point.

A design xi puts weights on points x of a region.  With H(u) = sum_i xi_i w(eta_u(x_i)) x_i x_i' and the blocks A (with
random effects) and B of the fixed effects, the terms of the covariance that depend on the design are phi K times
1/(mn), or times 1/n without random effects:

    K_AA = E[H_AA^{-1}] + R G^{-1} R',  K_AB = -R G^{-1},  K_BB = G^{-1},
    R = E[H_AA^{-1} H_AB],  G = E[H_BB - H_BA H_AA^{-1} H_AB],  averages over U ~ N(0, Sigma).

K_BB is the leading term of block B (of every effect where A is empty, then K = H^{-1}).

**One form for all.**  For a = (a_A, a_B),

    a'K a = max over b of E[(a_A + H_AB b)' H_AA^{-1} (a_A + H_AB b) - b'H_BB b - 2 b'a_B],

with the maximum at b = G^{-1}(R'a_A - a_B): write the square out.  For a fixed b the first part is the matrix
fractional function, jointly convex in (H_AA, H_AB), the rest is linear in H, and H is linear in xi.  So **a'K a is
convex in xi**, and homogeneous of degree -1.  (With a_A = 0 it is c'G^{-1}c, and G itself is concave: an average of
Schur complements.)

**Derivative.**  By the envelope theorem b is kept.  With v(u) = H_AA^{-1}(a_A + H_AB b) and y_u(x) = v(u)'x_A - b'x_B,

    d(a'K a) in the direction delta_x - xi  =  a'K a - E[w(eta_u(x)) y_u(x)^2],

and the integral of E[w y^2] over xi is a'K a.  For block B alone y_u(x) = b'(H_BA H_AA^{-1} x_A - x_B), so that the
derivative of G is E[w (x_B - H_BA H_AA^{-1} x_A)(...)'] - G.  For several contrasts L = (a_1, ..., a_s) the
derivative of V = L'K L is V - T(x), T(x) = E[w y y'], y in R^s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from leadterms.errors import EvaluationError
from leadterms.inference.design_weights import Array, WeightFunction


@dataclass(frozen=True)
class Nodes:
    """Gauss-Hermite nodes of the random effects, and their weights.

    Parameters
    ----------
    points
        q x d_A.
    weights
        q, of sum 1.

    """

    points: Array
    weights: Array


def normal_nodes(covariance: Array, each: int) -> Nodes:
    """Return the product rule with so many nodes in each direction for U ~ N(0, covariance).

    Without random effects it has one node.
    """
    size = len(covariance)
    if not size:
        return Nodes(np.zeros((1, 0)), np.ones(1))
    from scipy.special import roots_hermitenorm

    line, weights = roots_hermitenorm(each)
    weights = weights / weights.sum()
    grid = np.stack(np.meshgrid(*[line] * size, indexing="ij"), axis=-1).reshape(-1, size)
    product = np.prod(np.stack(np.meshgrid(*[weights] * size, indexing="ij"), axis=-1).reshape(-1, size), axis=1)
    return Nodes(grid @ np.linalg.cholesky(covariance).T, product)


@dataclass(frozen=True)
class DesignModel:
    """What the information of a design needs, at a point of the parameter space.

    Parameters
    ----------
    columns
        From an N x p array of points to the N x d matrix of terms, block A first.
    weight
        w(eta).
    effects
        The d fixed effects, block A first.
    covariance
        Sigma, d_A x d_A.
    dispersion
        phi, or 1.
    contrasts
        L, d x s, block A first.

    """

    columns: Callable[[Array], Array]
    weight: WeightFunction
    effects: Array
    covariance: Array
    dispersion: float
    contrasts: Array

    @property
    def has_random(self) -> bool:
        """Whether there are random effects."""
        return len(self.covariance) > 0

    @property
    def touches_random(self) -> bool:
        """Whether a contrast holds an effect of block A: then it is a second term that is minimised."""
        return bool(np.any(self.contrasts[: len(self.covariance)]))


@dataclass(frozen=True)
class DesignVariance:
    """V = phi L'K L of a design, and what its derivatives need.

    Parameters
    ----------
    matrix
        V, s x s, per 1/(mn), or per 1/n without random effects.
    model, nodes
        What it was computed for.
    solutions
        (v(u), -b) by node: q x d x s.

    """

    matrix: Array
    model: DesignModel = field(repr=False)
    nodes: Nodes = field(repr=False)
    solutions: Array = field(repr=False)

    def gradient(self, points: Array, factor: Array) -> Array:
        """Return tr{C'T(x)C} at each point, C (s x r) a factor: minus the derivative towards unit mass at x.

        Parameters
        ----------
        points
            N x p.
        factor
            C.

        """
        model, nodes = self.model, self.nodes
        terms = model.columns(points)
        weight = model.weight(_linear_predictors(model, terms, nodes))
        y = np.einsum("id,qds->qis", terms, self.solutions @ factor)
        total: Array = model.dispersion * np.einsum("q,qi,qis->i", nodes.weights, weight, y**2)
        return total


def _linear_predictors(model: DesignModel, terms: Array, nodes: Nodes) -> Array:
    """Return eta by node and point."""
    value: Array = terms @ model.effects + nodes.points @ terms[:, : len(model.covariance)].T
    return value


def design_variance(model: DesignModel, points: Array, weights: Array, nodes: Nodes) -> DesignVariance:
    """Return V of the design that puts weights on points.

    Raises
    ------
    EvaluationError
        If the contrasts are not estimable: the information is singular in double precision.

    """
    terms = model.columns(points)
    masses = model.weight(_linear_predictors(model, terms, nodes)) * weights
    # far out in the law of the effects all weights may be tiny, or below the least double: the blocks of each node are
    # taken relative to their largest mass, which regressions do not see
    largest = masses.max(axis=1)
    relative = np.where(largest[:, None] > 0, masses / np.where(largest > 0, largest, 1.0)[:, None], weights)
    information = np.einsum("qi,ij,ik->qjk", relative, terms, terms)
    size = len(model.covariance)
    own, cross = information[:, :size, :size], information[:, :size, size:]
    average = nodes.weights
    other = np.einsum("q,qjk->jk", average * largest, information[:, size:, size:])
    l_a, l_b = model.contrasts[:size], model.contrasts[size:]
    regression = _solved(own, cross)
    remaining = other - np.einsum("q,qji,qjk->ik", average * largest, cross, regression)
    mean_regression = np.einsum("q,qjk->jk", average, regression)
    right = mean_regression.T @ l_a - l_b
    b = _solved(remaining, right)
    inverse_part = np.zeros((len(average), *l_a.shape))
    if model.touches_random:
        if not np.all(largest > 0):
            raise EvaluationError(SINGULAR)
        inverse_part = _solved(own, np.broadcast_to(l_a, inverse_part.shape)) / largest[:, None, None]
    matrix = np.einsum("q,js,qjt->st", average, l_a, inverse_part) + right.T @ b
    solutions = np.concatenate([inverse_part + regression @ b, np.broadcast_to(-b, (len(average), *b.shape))], axis=1)
    return DesignVariance(model.dispersion * (matrix + matrix.T) / 2, model, nodes, solutions)


def _solved(matrix: Array, right: Array) -> Array:
    """Return matrix^{-1} right, by nodes where there are some; the matrix scaled to a unit diagonal first."""
    if not matrix.shape[-1]:
        return np.zeros_like(right)
    diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
    if not (np.all(np.isfinite(diagonal)) and np.all(diagonal > 0)):
        raise EvaluationError(SINGULAR)
    scale = 1 / np.sqrt(diagonal)
    scaled = matrix * scale[..., :, None] * scale[..., None, :]
    try:
        np.linalg.cholesky(scaled)
        solution: Array = scale[..., :, None] * np.linalg.solve(scaled, scale[..., :, None] * right)
    except np.linalg.LinAlgError:
        raise EvaluationError(SINGULAR) from None
    return solution


SINGULAR = (
    "the information of the design is singular in double precision: give it more points, or a region on which the "
    "terms are linearly independent and the weight is not zero"
)
