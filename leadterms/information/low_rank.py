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
from leadterms.information.effect_blocks import EffectBlock
from leadterms.information.general_linear import LOG_TWO_PI


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
    T, inverse_S, log_det = _whitened(cross, effects, phi)
    x, y = slice(0, cross.fixed), slice(cross.gram.shape[0] - 1, None)
    rows = cross.gram[x] @ T
    covariance = _inverse(rows[:, x])
    projection = _kernel(cross, T - T[:, x] @ (covariance @ rows))
    spare = cross.rows - len(inverse_S)
    traces = [spare / phi + float(np.trace(inverse_S)), spare / phi**2 + float(np.sum(inverse_S**2))]
    log_det += spare * np.log(phi)
    value = -(cross.rows * LOG_TWO_PI + log_det + float(projection.first[-1, -1])) / 2
    if restricted:
        value += (cross.fixed * LOG_TWO_PI + float(np.linalg.slogdet(covariance)[1])) / 2
        # tr P = tr V^{-1} - tr CX'V^{-2}X, tr PP = tr V^{-2} - 2 tr CX'V^{-3}X + tr (CX'V^{-2}X)^2
        bent = covariance @ (rows @ T[:, x])
        traces[0] -= float(np.trace(bent))
        traces[1] += float(np.sum(bent * bent.T) - 2 * np.sum(covariance * (rows @ T @ T[:, x])))
    single, double = _traces(cross, projection if restricted else _kernel(cross, T), traces)
    once, twice = _sandwiches(cross, projection, y)
    return Solved(
        beta=covariance @ rows[:, -1],
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
    T, *_ = _whitened(cross, effects, phi)
    return _sandwiches(cross, _kernel(cross, T), slice(0, cross.fixed))


@dataclass(frozen=True)
class _Kernel:
    """D'QD and D'QQD for a symmetric Q, and T with QD = DT."""

    first: Array
    second: Array
    T: Array

    def third(self, at: slice) -> Array:
        """Return the block ``at`` of D'QQQD."""
        return np.asarray(self.second[at] @ self.T[:, at])


def _kernel(cross: CrossProducts, T: Array) -> _Kernel:
    first = cross.gram @ T
    return _Kernel(first, first @ T, T)


def _whitened(cross: CrossProducts, effects: Sequence[Array], phi: float) -> tuple[Array, Array, float]:
    """Return T with V^{-1}D = DT, the inverse of S, and its log-determinant."""
    if not phi > 0:
        raise EvaluationError(f"the error variance is positive, but {phi:g} was given")
    K, size = cross.gram, cross.gram.shape[0]
    z = slice(cross.fixed, size - 1)
    roots = [_root(block, covariance) for block, covariance in zip(cross.blocks, effects, strict=True)]
    half = _combined(cross, [root.T for root in roots], K[z])
    S = _combined(cross, [root.T for root in roots], half[:, z].T)
    S = phi * np.eye(size - 1 - cross.fixed) + (S + S.T) / 2
    inverse_S, log_det = _inverse(S), float(np.linalg.slogdet(S)[1])
    T = np.eye(size)
    T[z] -= _combined(cross, roots, inverse_S @ half)
    return T / phi, inverse_S, log_det


def _inverse(matrix: Array) -> Array:
    """Return the inverse of a symmetric matrix, symmetric."""
    inverse = np.linalg.inv((matrix + matrix.T) / 2)
    return np.asarray((inverse + inverse.T) / 2)


def _root(block: EffectBlock, covariance: Array) -> Array:
    """Return a k x k root R with RR' = Sigma; L of the whole model has R times an identity for each block."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=float).reshape(block.size, block.size))
    if values[0] < -1e-12 * max(abs(values[-1]), abs(values[0])):
        raise EvaluationError(
            f"the covariance of the random effects has the eigenvalue {values[0]:g}: give one without negative ones"
        )
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def _combined(cross: CrossProducts, roots: Sequence[Array], rows: Array) -> Array:
    """Return L times a matrix with q rows, where L has the given roots."""
    found = np.zeros_like(rows)
    for root, places in zip(roots, cross.spans, strict=True):
        for i, row in enumerate(places):
            for j, column in enumerate(places):
                if root[i, j]:
                    to, of = (slice(s.start - cross.fixed, s.stop - cross.fixed) for s in (row, column))
                    found[to] += root[i, j] * rows[of]
    return found


def _orientations(pair: tuple[slice, slice]) -> list[tuple[slice, slice]]:
    """Return (a, b) and (b, a), once if they are the same: V_r is the sum of Z_a Z_b' over them."""
    first, second = pair
    return [pair] if first == second else [pair, (second, first)]


def _traces(cross: CrossProducts, kernel: _Kernel, traces: Sequence[float]) -> tuple[Array, Array]:
    """Return tr(QV_r) and tr(QV_rQV_s); ``traces`` are those of Q and QQ."""
    first, second = kernel.first, kernel.second
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


def _sandwiches(cross: CrossProducts, kernel: _Kernel, at: slice) -> tuple[Array, Array]:
    """Return the columns ``at`` of D'QV_rQD and D'QV_rQV_sQD."""
    first, second = kernel.first, kernel.second
    pairs = [_orientations(pair) for pair in cross.parameters]
    size, width = len(pairs) + 1, first[at, at].shape[0]
    once, twice = np.empty((size, width, width)), np.empty((size, size, width, width))
    for r, left in enumerate(pairs):
        once[r] = sum(first[at, a] @ first[b, at] for a, b in left)
        twice[r, -1] = sum(first[at, a] @ second[b, at] for a, b in left)
        twice[-1, r] = twice[r, -1].T
        for s, right in enumerate(pairs):
            twice[r, s] = sum(first[at, a] @ first[b, c] @ first[d, at] for a, b in left for c, d in right)
    once[-1], twice[-1, -1] = second[at, at], kernel.third(at)
    return once, twice
