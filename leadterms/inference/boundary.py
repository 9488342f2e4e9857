"""Estimates on the boundary, near it, or in groups too small or too few: what is refused, and what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Expr, Matrix, Symbol

from leadterms.errors import EvaluationError, ExistenceError
from leadterms.inference.estimated import Estimated
from leadterms.reading.numbers import exact_expression

SINGULAR = 1e-12
"""An eigenvalue of the correlations of the random effects at or below this: the matrix is not positive definite."""
NEARLY_SINGULAR = 1e-4
"""An eigenvalue below this: the fit may be on the boundary."""


def require_groups(counts: Mapping[Symbol, Any]) -> None:
    """Refuse a single group: of how groups differ, nothing is seen in it.

    Parameters
    ----------
    counts
        The number of groups, or of levels of each grouping.

    Raises
    ------
    EvaluationError
        With what to do.

    """
    alone = [symbol.name for symbol, count in counts.items() if count == 1]
    if alone:
        raise EvaluationError(
            f"{alone[0]} = 1: standard errors are asymptotic in the number of groups, and one group does not show how "
            "groups differ: give the sizes of two groups or more, or leave the random effects out of the model"
        )


def require_inside(blocks: Sequence[Matrix], values: Mapping[str, Any]) -> None:
    """Refuse estimates on the boundary: a covariance matrix of random effects that is not positive definite.

    Raises
    ------
    ExistenceError
        With what to do.

    """
    for block in blocks:
        names = [[block[i, j].name for j in range(block.cols)] for i in range(block.rows)]
        if not all(name in values for row in names for name in row):
            continue  # which one is missing is said later
        matrix = np.array([[float(exact_expression(values[name])) for name in row] for row in names])
        roots = np.sqrt(np.clip(np.diag(matrix), 0, None))
        # of the correlations, so that units do not matter
        if np.all(roots > 0) and np.linalg.eigvalsh(matrix / np.outer(roots, roots))[0] > SINGULAR:
            continue
        shown = ", ".join(f"{name} = {values[name]}" for name in sorted({name for row in names for name in row}))
        raise ExistenceError(
            f"the estimated covariance of the random effects is not positive definite ({shown}): on the boundary "
            "estimators are not asymptotically normal and there is no Wald inference; leave out the effect whose "
            "variance is zero, or test it by a likelihood ratio"
        )


def boundary_notes(blocks: Sequence[Matrix], values: Mapping[Symbol, Expr]) -> tuple[str, ...]:
    """Return a warning where correlations of random effects are nearly singular."""
    found = []
    for block in blocks:
        matrix = np.array(block.xreplace(dict(values)).tolist(), dtype=float)
        roots = np.sqrt(np.diag(matrix))
        least = float(np.linalg.eigvalsh(matrix / np.outer(roots, roots))[0])
        if least < NEARLY_SINGULAR:
            found.append(
                f"the correlations of the random effects have an eigenvalue of {least:.2g}: the fit may be on the "
                "boundary, where estimators are not asymptotically normal"
            )
    return tuple(found)


def dominance_notes(estimated: Estimated) -> tuple[str, ...]:
    """Return a warning where a second term is above the first."""
    one, best = np.diag(estimated.one), np.diag(estimated.best)
    above = [
        f"{symbol.name} ({best[i] / one[i] - 1:.1f} times)"
        for i, symbol in enumerate(estimated.values)
        if estimated.terms[i] == 2 and best[i] > 2 * one[i]
    ]
    if not above:
        return ()
    return (
        f"the second term is above the first for {', '.join(above)}: groups are small for these estimates, and terms "
        "beyond the second need not be negligible",
    )
