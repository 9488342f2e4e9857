"""The work that an enumeration takes: designs, numbers of values, and the rules that integrate over the effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Expr, Symbol

from leadterms.errors import EvaluationError
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.information.exact_counts import NumericKind, balanced_counts, numeric_kinds, random_counts
from leadterms.information.exact_posterior import EffectsLaw, Grid, effects_grid, product_of
from leadterms.information.exact_responses import SumResponse
from leadterms.model.statement import Model

MOST_WORK = 10**12
"""Most multiplications (data times nodes times moments): a minute or two."""

MOST_VALUES = 1_000_000
"""Most values of the sum of one cell."""

_FIRST_STEP, _SHRINK = 0.9, 0.75
_RADIUS = 8.5
"""Scaled effects beyond it have probability 2e-16 in two dimensions."""


@dataclass(frozen=True)
class Design:
    """One way to fill the cells: with which probability, of which kind, and how many values each sum takes."""

    probability: float
    kind: NumericKind
    counts: tuple[int, ...]
    values: tuple[int, ...]


def designs_of(
    model: Model,
    point: Mapping[Symbol, Expr],
    n: int,
    design: str,
    law: EffectsLaw,
    response: SumResponse,
    tail: float,
) -> list[Design]:
    """Return the designs to enumerate, with the number of values of each sum.

    Raises
    ------
    EvaluationError
        If they are more work than the limit.

    """
    if design not in ("balanced", "random"):
        raise EvaluationError(f"the design is 'balanced' or 'random', not {design!r}")
    designs, work, data = [], 0, 0
    for kind in numeric_kinds(model, point):
        known: dict[tuple[int, int], int] = {}
        counted = balanced_counts if design == "balanced" else random_counts
        for probability, counts in counted(kind.shares, n):
            for r, count in enumerate(counts):
                if (r, count) not in known:
                    known[r, count] = _number_of_values(kind, r, count, law, response, tail / len(counts))
            values = tuple(known[r, count] for r, count in enumerate(counts))
            designs.append(Design(kind.probability * probability, kind, counts, values))
            data += product_of(values)
            work += product_of(values) * _nodes(kind, counts, law, response) * (1 + len(model.parameters))
            if work > MOST_WORK:
                raise EvaluationError(
                    f"the data of n = {n} observations are too many to enumerate: {data} or more in the {design} "
                    f"design are over {work:.1e} multiplications, and the limit is {MOST_WORK:.0e}: lower n"
                    + ("" if response.is_finite else " or the mean, or raise tail")
                    + ("" if design == "balanced" else ", or take design='balanced'")
                )
    return designs


def _number_of_values(
    kind: NumericKind, cell: int, count: int, law: EffectsLaw, response: SumResponse, tail: float
) -> int:
    """Return how many values of a cell's sum are enumerated: all, or so many that at most ``tail`` is beyond.

    The linear predictor of the cell is normal; the bound of the tail given it is averaged on a fine grid.
    """
    if count == 0:
        return 1
    if response.is_finite:
        return response.largest(count) + 1
    row = kind.random_rows[cell]
    variance = np.array([[max(float(row @ law.covariance @ row), 1e-30)]])
    grid = effects_grid(variance, 0.05, _RADIUS + 1)
    eta = kind.base[cell] + grid.effects[:, 0]
    low, high = 0, 1
    while _beyond(high, count, eta, grid, response) > tail:
        low, high = high, 2 * high
        if high > 2 * MOST_VALUES:
            raise EvaluationError(
                f"the sum of {count} responses has more than {MOST_VALUES} values with probability above {tail:g} "
                "beyond them: lower n or the mean, or raise tail"
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _beyond(middle, count, eta, grid, response) > tail else (low, middle)
    return high


def _beyond(least: int, count: int, eta: Array, grid: Grid, response: SumResponse) -> float:
    return float(response.tail_bound(float(least), count, eta) @ grid.weights)


def _scale(kind: NumericKind, counts: Sequence[int], law: EffectsLaw, response: SumResponse) -> float:
    """Return the smallest scale of a posterior among effects of up to three standard deviations."""
    coarse = effects_grid(law.covariance, 0.5, 3.0)
    eta = kind.base[:, None] + kind.random_rows @ coarse.effects.T
    weights = np.stack([response.features(row).weight for row in eta]) * np.array(counts)[:, None]
    rows = kind.random_rows @ np.linalg.cholesky(law.covariance)
    precision = np.eye(len(law.covariance)) + np.einsum("rk,ri,rj->kij", weights, rows, rows)
    return float(1 / np.sqrt(np.max(np.linalg.eigvalsh(precision))))


def _radius(kind: NumericKind, law: EffectsLaw, response: SumResponse) -> float:
    """Return the radius of the rule: a weight e^eta moves averages by the standard deviation of eta."""
    spread = np.sqrt(np.einsum("ri,ij,rj->r", kind.random_rows, law.covariance, kind.random_rows))
    return _RADIUS + (float(np.max(spread)) if response.grows else 0.0)


def _nodes(kind: NumericKind, counts: Sequence[int], law: EffectsLaw, response: SumResponse) -> int:
    """Return about how many nodes the first two rules have together."""
    size = 2 * _radius(kind, law, response) / (_FIRST_STEP * _scale(kind, counts, law, response))
    dimension = len(law.covariance)
    return round((1 + _SHRINK**-dimension) * size**dimension)


def rule(design: Design, law: EffectsLaw, response: SumResponse, level: int) -> Grid:
    """Return the rule of a level for a design: each level has a finer step and a wider ball."""
    step = _FIRST_STEP * _SHRINK**level * _scale(design.kind, design.counts, law, response)
    return effects_grid(law.covariance, step, _radius(design.kind, law, response) + level / 2)
