r"""Maximise the (restricted) likelihood over variance parameters, with covariance matrices kept positive semidefinite.

The free coordinates are a lower triangle L with :math:`\Sigma = LL'` for each random term, and :math:`\log\varphi`.  In
them the problem has no constraints and is smooth, and a variance at zero is an ordinary minimum in its L, to which
Newton's method with the observed information converges quadratically.  What the coordinates add are stationary
points with L = 0 that are no maxima: they have a direction of negative curvature, and are left along it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from leadterms.errors import EvaluationError, ModelError
from leadterms.information.column_space import Array
from leadterms.information.effect_blocks import EffectBlock
from leadterms.information.low_rank import CrossProducts, Solved, solve

MAX_STEPS = 200
SETTLED = 1e-16
"""Newton decrement, in units of the log-likelihood, at which one more step changes nothing."""
FLAT = 1e-9
"""Differences of the log-likelihood, and Newton decrements, below which rounding decides."""
CURVED = 1e-6
"""A negative eigenvalue of the Hessian above this, relative to the largest, is rounding and no saddle."""
NOTHING = 1e-10
"""An eigenvalue of a covariance of effects, in units of the residual variance, that counts as zero."""
UNIDENTIFIED = 1e-10
"""Smallest eigenvalue of the scaled information that counts as zero."""


@dataclass(frozen=True)
class Optimum:
    """Where the likelihood is largest.

    Parameters
    ----------
    effects
        The k x k covariance of each random term.
    phi
        Error variance.
    ranks
        Of these covariances; less than k is the boundary.
    solved
        The model there.
    steps
        Newton steps that were taken.

    """

    effects: tuple[Array, ...]
    phi: float
    ranks: tuple[int, ...]
    solved: Solved
    steps: int


def maximise(cross: CrossProducts, restricted: bool) -> Optimum:
    """Return the maximum of the likelihood (``restricted``: of the REML likelihood).

    It is a local maximum at which the first- and second-order conditions are checked, on the boundary too; the
    likelihood may have others.

    Raises
    ------
    ModelError
        If the variance parameters are not identified by the design, or the data are fitted without error.
    EvaluationError
        If the iteration does not converge.

    """
    scaled, units, scale = _scaled(cross)
    _check_identified(scaled, restricted)
    best = _climb(scaled, restricted, _start(scaled))
    effects, phi = _split(scaled.blocks, best.at)
    cleaned, ranks = _cleaned(effects)
    _check_first_order(scaled, cleaned, phi, restricted)
    final = tuple(matrix * scale / np.outer(unit, unit) for matrix, unit in zip(cleaned, units, strict=True))
    return Optimum(final, phi * scale, ranks, solve(cross, final, phi * scale, restricted), best.steps)


@dataclass(frozen=True)
class _Point:
    at: Array
    value: float
    gradient: Array
    hessian: Array
    steps: int = 0


def _scaled(cross: CrossProducts) -> tuple[CrossProducts, list[Array], float]:
    """Return the cross-products in units in which all variances are of order one, and those units."""
    K, p = cross.gram, cross.fixed
    fitted = K[:p, -1] @ np.linalg.lstsq(K[:p, :p], K[:p, -1], rcond=None)[0] if p else 0.0
    rest = float(K[-1, -1] - fitted)
    if cross.rows <= p:
        raise ModelError(f"{p} fixed effects use up all observations, {cross.rows}: no variance can be estimated")
    if rest <= 1e-13 * float(K[-1, -1]):
        raise ModelError("the fixed effects fit the response without error: there is no variance to estimate")
    scale = rest / (cross.rows - p)
    lengths = np.ones(len(K))
    lengths[:p] = np.sqrt(np.diag(K)[:p])
    lengths[-1] = np.sqrt(scale)
    units = []
    for spans in cross.spans:
        unit = np.array([np.sqrt(np.trace(K[span, span]) / cross.rows) for span in spans])
        for span, length in zip(spans, unit, strict=True):
            lengths[span] = length
        units.append(unit)
    return replace(cross, gram=K / np.outer(lengths, lengths)), units, scale


def _check_identified(cross: CrossProducts, restricted: bool) -> None:
    """Refuse a singular information, in units of that with known means, so that rounding cannot pass for it."""
    effects = [np.eye(block.size) / 2 for block in cross.blocks]
    size = np.sqrt(np.diag(solve(cross, effects, 0.5, False).expected))
    information = solve(cross, effects, 0.5, restricted).expected / np.outer(size, size)
    if np.linalg.eigvalsh(information)[0] < UNIDENTIFIED:
        raise ModelError(
            "the design does not identify the variance parameters, the information about them is singular: leave out a "
            "random term whose levels have one observation each, or that fixed effects or another term repeat"
        )


def _start(cross: CrossProducts) -> Array:
    """Return equal shares of the residual variance, without correlations."""
    share = 1 / (1 + sum(block.size for block in cross.blocks))
    entries = [np.sqrt(share) * float(i == j) for block in cross.blocks for i, j in block.pairs]
    return np.array([*entries, np.log(share)])


def _split(blocks: Sequence[EffectBlock], at: Array) -> tuple[list[Array], float]:
    """Return the covariances and the error variance of a point."""
    return [L @ L.T for L in _triangles(blocks, at)], float(np.exp(at[-1]))


def _triangles(blocks: Sequence[EffectBlock], at: Array) -> list[Array]:
    found, start = [], 0
    for block in blocks:
        triangle = np.zeros((block.size, block.size))
        for (i, j), value in zip(block.pairs, at[start:], strict=False):
            triangle[i, j] = value
        start += len(block.pairs)
        found.append(triangle)
    return found


def _evaluate(cross: CrossProducts, restricted: bool, at: Array) -> _Point:
    """Return minus the log-likelihood with its first and second derivatives in the free coordinates."""
    effects, phi = _split(cross.blocks, at)
    solved = solve(cross, effects, phi, restricted)
    size = len(at)
    jacobian, bend = np.zeros((size, size)), np.zeros((size, size))
    start = 0
    for block, L in zip(cross.blocks, _triangles(cross.blocks, at), strict=True):
        for r, (i, k) in enumerate(block.pairs, start):
            for c, (row, j) in enumerate(block.pairs, start):
                # Sigma_ik = sum_j L_ij L_kj
                jacobian[r, c] = (row == i) * L[k, j] + (row == k) * L[i, j]
                for d, (other, l) in enumerate(block.pairs, start):
                    if j == l and (row, other) in ((i, k), (k, i)):
                        bend[c, d] += solved.score[r] * (2 if i == k else 1)
        start += len(block.pairs)
    jacobian[-1, -1] = phi
    bend[-1, -1] = solved.score[-1] * phi
    hessian = jacobian.T @ solved.observed @ jacobian - bend
    return _Point(at, -solved.log_likelihood, -jacobian.T @ solved.score, (hessian + hessian.T) / 2)


def _climb(cross: CrossProducts, restricted: bool, start: Array) -> _Point:
    """Return the minimum of minus the log-likelihood by Newton's method with step-halving."""
    point = _evaluate(cross, restricted, start)
    for count in range(MAX_STEPS):
        if point.at[-1] < np.log(NOTHING):
            raise ModelError(
                "the likelihood is largest at error variance zero: the random effects fit the data without error, "
                "leave some out"
            )
        values, vectors = np.linalg.eigh(point.hessian)
        slopes = vectors.T @ point.gradient
        curvature = np.maximum(np.abs(values), 1e-10 * max(1.0, float(np.max(np.abs(values)))))
        decrement = float(np.sum(slopes**2 / curvature)) / 2
        step = -vectors @ (slopes / curvature)
        if decrement < SETTLED:
            if values[0] > -CURVED * max(1.0, float(values[-1])):
                return replace(point, steps=count)
            step = 0.1 * vectors[:, 0]
        step *= min(1.0, 2.0 / float(np.max(np.abs(step))))
        following = _descend(cross, restricted, point, step, float(step @ point.gradient))
        if following is None:
            if decrement < FLAT and values[0] > -CURVED * max(1.0, float(values[-1])):
                return replace(point, steps=count)
            break
        point = following
    raise EvaluationError(
        f"the likelihood was not maximised in {MAX_STEPS} Newton steps: centre and rescale the predictors, or leave "
        "out a random effect"
    )


def _descend(cross: CrossProducts, restricted: bool, point: _Point, step: Array, slope: float) -> _Point | None:
    """Return the first of the halved steps that descends enough, or a full one where rounding decides."""
    for _ in range(40):
        trial = _evaluate(cross, restricted, point.at + step)
        gained = point.value - trial.value
        if gained >= -1e-4 * slope and (gained > 0 or slope == 0):
            return trial
        if abs(slope) < FLAT and abs(gained) < FLAT and _norm(trial) < _norm(point):
            return trial
        step, slope = step / 2, slope / 2
    return None


def _norm(point: _Point) -> float:
    return float(np.linalg.norm(point.gradient))


def _cleaned(effects: Sequence[Array]) -> tuple[list[Array], tuple[int, ...]]:
    """Return the covariances with eigenvalues that count as zero set to zero, and the ranks."""
    cleaned, ranks = [], []
    for matrix in effects:
        values, vectors = np.linalg.eigh(matrix)
        kept = values > NOTHING
        cleaned.append(matrix if np.all(kept) else (vectors * np.where(kept, values, 0.0)) @ vectors.T)
        ranks.append(int(np.sum(kept)))
    return cleaned, tuple(ranks)


def _check_first_order(cross: CrossProducts, effects: Sequence[Array], phi: float, restricted: bool) -> None:
    """Check that no direction inside the parameter space increases the likelihood: D <= 0 and D Sigma = 0."""
    score = solve(cross, effects, phi, restricted).score
    start, worst = 0, abs(float(score[-1])) * phi
    for block, matrix in zip(cross.blocks, effects, strict=True):
        D = np.zeros((block.size, block.size))
        for (i, j), value in zip(block.pairs, score[start:], strict=False):
            D[i, j] = D[j, i] = value if i == j else value / 2
        start += len(block.pairs)
        worst = max(worst, float(np.linalg.eigvalsh(D)[-1]), float(np.max(np.abs(D @ matrix))))
    if worst > 1e-5 * np.sqrt(cross.rows):
        raise EvaluationError(
            f"the iteration ended where the likelihood still increases (slope {worst:.2g}): centre and rescale the "
            "predictors, or leave out a random effect"
        )
