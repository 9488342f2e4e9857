r"""Coordinates in which a linear mixed model is fitted without loss of digits, and the way back.

The likelihood of variances does not change when y is shifted by X b, X is replaced by an orthonormal basis Q of its
columns (X = Q R), or the effects of a correlated block are replaced by those of an orthonormal basis of their
predictors (A = B T, :math:`\Sigma' = T \Sigma T'`), but rounding does: calendar years, or a response far from zero,
leave nothing of the cross-products. With s the scale of the residuals :math:`V = s^2 V'`, so that

.. math:: \ell = \ell' - N \log s, \qquad \ell_R = \ell_R' - (N - p)\log s - \log|\det R|.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from leadterms.errors import ModelError
from leadterms.inference.variance_newton import Optimum
from leadterms.information.column_space import Array
from leadterms.information.effect_blocks import EffectBlock
from leadterms.information.low_rank import Solved
from leadterms.model.data_design import DataDesign

NOISE = 1e-12
"""Residuals of least squares below this part of the response are rounding."""

SMALLEST = 1e-100
"""Size of residuals below which variances and their squares leave the range of doubles."""


@dataclass(frozen=True, eq=False)
class Coordinates:
    """A design in coordinates of its own.

    Parameters
    ----------
    response
        The residuals of least squares over ``scale``, N.
    fixed
        Q, N x p with orthonormal columns.
    blocks
        The random terms, the predictors of a correlated one orthonormal.
    triangle
        R, p x p.
    shift
        b, p.
    turns
        T of each block.
    scale
        s.

    """

    response: Array
    fixed: Array
    blocks: tuple[EffectBlock, ...]
    triangle: Array
    shift: Array
    turns: tuple[Array, ...]
    scale: float


def coordinates(design: DataDesign) -> Coordinates:
    """Return the coordinates for a design.

    Raises
    ------
    ModelError
        If the fixed effects use up all observations, or fit the response without error.

    """
    rows, columns = design.X.shape
    if rows <= columns:
        raise ModelError(f"{columns} fixed effects use up all observations, {rows}: no variance can be estimated")
    size = float(np.max(np.abs(design.y)))
    y = design.y / size if size > 0 else design.y
    basis, triangle = np.linalg.qr(design.X) if columns else (design.X, np.zeros((0, 0)))
    rest = y - basis @ (basis.T @ y)
    rest = rest - basis @ (basis.T @ rest)
    scale = float(np.linalg.norm(rest)) / np.sqrt(rows - columns)
    if not scale > NOISE * float(np.linalg.norm(y)) / np.sqrt(rows):
        raise ModelError("the fixed effects fit the response without error: there is no variance to estimate")
    if not SMALLEST < scale * size < 1 / SMALLEST:
        raise ModelError(
            f"the residuals of the response are of size {scale * size:.0e}, whose square no double holds: rescale it"
        )
    shift = np.linalg.solve(triangle, basis.T @ (y - rest)) * size if len(triangle) else np.zeros(0)
    turned = [_turned(EffectBlock(random.designs)) for random in design.random]
    return Coordinates(
        rest / scale,
        basis,
        tuple(block for block, _ in turned),
        triangle,
        shift,
        tuple(turn for _, turn in turned),
        scale * size,
    )


def _turned(block: EffectBlock) -> tuple[EffectBlock, Array]:
    """Return a correlated block with orthonormal predictors, scaled to mean square one, and T."""
    rows = block.designs[0].shape[0]
    predictors = np.column_stack([design @ np.ones(design.shape[1]) for design in block.designs])
    _, turn = np.linalg.qr(predictors)
    turn = turn / np.sqrt(rows)
    if block.size == 1 or np.min(np.abs(np.diag(turn))) <= NOISE * np.max(np.abs(turn)):
        return block, np.eye(block.size)
    back = np.linalg.inv(turn)
    designs = [
        sum(own * back[effect, place] for effect, own in enumerate(block.designs)) for place in range(block.size)
    ]
    return EffectBlock(tuple(designs)), turn


def restored(best: Optimum, at: Coordinates, restricted: bool) -> Optimum:
    """Return the optimum in the coordinates of the design."""
    backs = [np.linalg.inv(turn) for turn in at.turns]
    square = at.scale**2
    effects = tuple(square * back @ matrix @ back.T for back, matrix in zip(backs, best.effects, strict=True))
    rows, p = at.fixed.shape
    inverse = np.linalg.inv(at.triangle) if p else at.triangle
    likelihood = best.solved.log_likelihood - (rows - p if restricted else rows) * float(np.log(at.scale))
    if restricted and p:
        likelihood -= float(np.sum(np.log(np.abs(np.diag(at.triangle)))))
    change = _change(at) / square
    solved = Solved(
        at.shift + at.scale * (inverse @ best.solved.beta),
        square * inverse @ best.solved.covariance @ inverse.T,
        likelihood,
        change.T @ best.solved.score,
        change.T @ best.solved.expected @ change,
        change.T @ best.solved.observed @ change,
    )
    return replace(best, effects=effects, phi=square * best.phi, solved=solved)


def _change(at: Coordinates) -> Array:
    """Return the matrix that takes variance parameters to those of the coordinates, but for the scale."""
    size = 1 + sum(len(block.pairs) for block in at.blocks)
    change = np.zeros((size, size))
    start = 0
    for block, turn in zip(at.blocks, at.turns, strict=True):
        count = len(block.pairs)
        for column in range(count):
            moved = turn @ block.matrix(np.eye(count)[column]) @ turn.T
            change[start : start + count, start + column] = [moved[i, j] for i, j in block.pairs]
        start += count
    change[-1, -1] = 1
    return change
