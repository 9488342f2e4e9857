r"""The likelihoods and informations of a Gaussian linear mixed model, without any N x N matrix.

:math:`V = \varphi I + Z G Z'` with q columns in Z.  With a factor :math:`G = LL'`, :math:`S = \varphi I_q + L'Z'ZL` and
:math:`D = (X, Z, y)`,

.. math:: V^{-1} D = D T, \qquad T = \{I - E_Z L S^{-1} L' Z'D\}/\varphi

(Woodbury), so that :math:`D' V^{-k} D = D'D\,T^k`, :math:`\log|V| = (N - q)\log\varphi + \log|S|` and
:math:`\mathrm{tr} V^{-k} = (N-q)\varphi^{-k} + \mathrm{tr} S^{-k}` need cross-products only.  G may be singular: L is
any factor.  The same algebra with P in place of :math:`V^{-1}` gives REML.  Nothing here is shared with
:mod:`leadterms.information.general_linear`, which is the check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from leadterms.errors import EvaluationError
from leadterms.information.column_space import Array, dense
from leadterms.information.general_linear import LOG_TWO_PI


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


@dataclass(frozen=True)
class CrossProducts:
    """All that the data enter by.

    Parameters
    ----------
    gram
        D'D for D = (X, Z, y).
    rows
        N.
    fixed
        p, columns of X.
    blocks
        The random terms; their designs, side by side, are Z.

    """

    gram: Array
    rows: int
    fixed: int
    blocks: tuple[EffectBlock, ...]

    @property
    def spans(self) -> tuple[tuple[slice, ...], ...]:
        """The columns of D of every effect of every block."""
        widths = [int(design.shape[1]) for block in self.blocks for design in block.designs]
        ends = list(accumulate(widths, initial=self.fixed))
        every = iter([slice(start, end) for start, end in pairwise(ends)])
        return tuple(tuple(next(every) for _ in block.designs) for block in self.blocks)

    @property
    def parameters(self) -> tuple[tuple[slice, slice], ...]:
        """The two column ranges of D that each parameter of G ties."""
        return tuple(
            (spans[i], spans[j]) for block, spans in zip(self.blocks, self.spans, strict=True) for i, j in block.pairs
        )


def cross_products(y: Any, X: Any, blocks: Sequence[EffectBlock]) -> CrossProducts:
    """Return the cross-products of y (N), X (N x p) and the designs of the random terms.

    Raises
    ------
    EvaluationError
        If the numbers of rows differ.

    """
    response, fixed = dense(y).reshape(-1, 1), dense(X)
    pieces = [fixed, *(design for block in blocks for design in block.designs), response]
    if any(piece.shape[0] != len(response) for piece in pieces):
        shapes = ", ".join(str(piece.shape[0]) for piece in pieces)
        raise EvaluationError(f"y, X and every Z have one row for each observation, but have {shapes} rows")
    gram = np.block([[dense(first.T @ second) for second in pieces] for first in pieces])
    return CrossProducts(gram, len(response), fixed.shape[1], tuple(blocks))


@dataclass(frozen=True)
class Solved:
    r"""A model at given variance parameters.

    Parameters
    ----------
    beta
        The generalised least squares estimate, p.
    covariance
        :math:`C = (X'V^{-1}X)^{-1}`, p x p.
    log_likelihood
        At that beta; of the restricted likelihood if that was asked for.
    score, expected, observed
        Of that log-likelihood, maximised over beta: first derivatives by the R variance parameters, their Fisher
        information (R x R), and minus the second derivatives (R x R).

    """

    beta: Array
    covariance: Array
    log_likelihood: float
    score: Array
    expected: Array
    observed: Array


def solve(cross: CrossProducts, effects: Sequence[Array], phi: float, restricted: bool) -> Solved:
    r"""Return estimate, likelihood, score and informations at given covariances of the effects and error variance.

    The parameters are the free entries of every block, then phi.  Score and observed information are
    :math:`\tfrac12\{y'PV_rPy - \mathrm{tr}(QV_r)\}` and
    :math:`y'PV_rPV_sPy - \tfrac12\mathrm{tr}(QV_rQV_s)`, Q being P for REML and :math:`V^{-1}` for ML.

    Parameters
    ----------
    cross
        Of the data.
    effects
        A k x k covariance for each block, without negative eigenvalues; singular ones are allowed.
    phi
        Error variance, positive.
    restricted
        REML.

    Raises
    ------
    EvaluationError
        If phi is not positive or an effects covariance has a negative eigenvalue.

    """
    inverse, projection, covariance, eigenvalues = _powers(cross, effects, phi)
    x, y = slice(0, cross.fixed), slice(cross.gram.shape[0] - 1, None)
    spare = cross.rows - len(eigenvalues)
    traces = [spare / phi**k + float(np.sum(eigenvalues**-k)) for k in (1.0, 2.0)]
    log_det = spare * np.log(phi) + float(np.sum(np.log(eigenvalues)))
    value = -(cross.rows * LOG_TWO_PI + log_det + float(projection[0][-1, -1])) / 2
    if restricted:
        value += (cross.fixed * LOG_TWO_PI + float(np.linalg.slogdet(covariance)[1])) / 2
        bent = covariance @ inverse[1][x, x]
        traces[0] -= float(np.trace(bent))
        traces[1] += float(np.sum(bent * bent.T) - 2 * np.sum(covariance * inverse[2][x, x]))
    single, double = _traces(cross, projection if restricted else inverse, traces)
    once, twice = _sandwiches(cross, projection, y)
    return Solved(
        beta=covariance @ inverse[0][x, -1],
        covariance=covariance,
        log_likelihood=value,
        score=(once[:, 0, 0] - single) / 2,
        expected=double / 2,
        observed=twice[:, :, 0, 0] - double / 2,
    )


def fixed_effects_derivatives(cross: CrossProducts, effects: Sequence[Array], phi: float) -> tuple[Array, Array]:
    r"""Return :math:`X'V^{-1}V_rV^{-1}X` (R x p x p) and :math:`X'V^{-1}V_rV^{-1}V_sV^{-1}X` (R x R x p x p).

    They are minus the first and half the second derivatives of :math:`X'V^{-1}X` (the latter before symmetrising in
    r and s), as V is linear in its parameters.

    Raises
    ------
    EvaluationError
        As `solve`.

    """
    inverse, *_ = _powers(cross, effects, phi)
    return _sandwiches(cross, inverse, slice(0, cross.fixed))


Powers = tuple[Array, Array, Array]
"""D'QD, D'QQD and D'QQQD for a symmetric Q."""


def _powers(cross: CrossProducts, effects: Sequence[Array], phi: float) -> tuple[Powers, Powers, Array, Array]:
    """Return the powers for V^{-1} and for P, then (X'V^{-1}X)^{-1}, and the q eigenvalues of S."""
    if not phi > 0:
        raise EvaluationError(f"the error variance is positive, but {phi:g} was given")
    K, size = cross.gram, cross.gram.shape[0]
    x, z = slice(0, cross.fixed), slice(cross.fixed, size - 1)
    factor = _factor(cross, effects)
    eigenvalues, vectors = np.linalg.eigh(phi * np.eye(factor.shape[0]) + factor.T @ K[z, z] @ factor)
    loading = factor @ vectors
    T = np.eye(size)
    T[z] -= loading @ ((loading.T @ K[z]) / eigenvalues[:, None])
    T /= phi
    information = (K @ T)[x, x]
    covariance = np.linalg.inv((information + information.T) / 2)
    covariance = (covariance + covariance.T) / 2
    projected = T - T[:, x] @ (covariance @ (K @ T)[x])
    inverse, projection = ((K @ t, K @ t @ t, K @ t @ t @ t) for t in (T, projected))
    return inverse, projection, covariance, eigenvalues


def _factor(cross: CrossProducts, effects: Sequence[Array]) -> Array:
    """Return L, q x q, with LL' = G."""
    spans = cross.spans
    q = cross.gram.shape[0] - 1 - cross.fixed
    factor = np.zeros((q, q))
    for block, places, covariance in zip(cross.blocks, spans, effects, strict=True):
        values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=float).reshape(block.size, block.size))
        if values[0] < -1e-12 * max(abs(values[-1]), abs(values[0])):
            raise EvaluationError(
                f"the covariance of the random effects has the eigenvalue {values[0]:g}: give one without negative ones"
            )
        root = vectors * np.sqrt(np.maximum(values, 0))
        start, stop = places[0].start - cross.fixed, places[-1].stop - cross.fixed
        factor[start:stop, start:stop] = np.kron(root, np.eye(places[0].stop - places[0].start))
    return factor


def _orientations(pair: tuple[slice, slice]) -> list[tuple[slice, slice]]:
    """Return (a, b) and (b, a), once if they are the same: V_r is the sum of Z_a Z_b' over them."""
    first, second = pair
    return [pair] if first == second else [pair, (second, first)]


def _traces(cross: CrossProducts, powers: Powers, traces: Sequence[float]) -> tuple[Array, Array]:
    """Return tr(QV_r) and tr(QV_rQV_s); ``traces`` are those of Q and QQ."""
    first, second, _ = powers
    pairs = [_orientations(pair) for pair in cross.parameters]
    size = len(pairs) + 1
    single, double = np.empty(size), np.empty((size, size))
    for r, left in enumerate(pairs):
        single[r] = sum(np.trace(first[b, a]) for a, b in left)
        double[r, -1] = double[-1, r] = sum(np.trace(second[b, a]) for a, b in left)
        for s, right in enumerate(pairs):
            double[r, s] = sum(np.sum(first[b, c] * first[a, d]) for a, b in left for c, d in right)
    single[-1], double[-1, -1] = traces
    return single, double


def _sandwiches(cross: CrossProducts, powers: Powers, at: slice) -> tuple[Array, Array]:
    """Return the columns ``at`` of D'QV_rQD and D'QV_rQV_sQD."""
    first, second, third = powers
    pairs = [_orientations(pair) for pair in cross.parameters]
    size, width = len(pairs) + 1, first[at, at].shape[0]
    once, twice = np.empty((size, width, width)), np.empty((size, size, width, width))
    for r, left in enumerate(pairs):
        once[r] = sum(first[at, a] @ first[b, at] for a, b in left)
        twice[r, -1] = sum(first[at, a] @ second[b, at] for a, b in left)
        twice[-1, r] = twice[r, -1].T
        for s, right in enumerate(pairs):
            twice[r, s] = sum(first[at, a] @ first[b, c] @ first[d, at] for a, b in left for c, d in right)
    once[-1], twice[-1, -1] = second[at, at], third[at, at]
    return once, twice
