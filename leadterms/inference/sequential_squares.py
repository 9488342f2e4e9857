"""Sequential sums of squares: what each set of columns explains beyond those before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadterms.information.column_space import dense, orthonormal_basis


@dataclass(frozen=True)
class SumOfSquares:
    """One line of an analysis of variance.

    Parameters
    ----------
    source
        What explains it.
    df
        Dimensions that are added to the span of the columns before.
    squares
        Squared length of the response in these dimensions.

    """

    source: str
    df: int
    squares: float

    @property
    def mean(self) -> float:
        """The mean square; 0/0 is refused by Python."""
        return self.squares / self.df


def sequential_squares(y: Any, blocks: Mapping[str, Any]) -> tuple[SumOfSquares, ...]:
    """Return a line for each block of columns in their order, and the residual line.

    The spans need not be orthogonal nor of full rank: each line is a squared projection on what its block adds, so the
    lines add up to the squared length of y.

    Examples
    --------
    >>> lines = sequential_squares([1.0, 2.0, 6.0], {"mean": np.ones((3, 1))})
    >>> [(line.source, line.df, round(line.squares, 9)) for line in lines]
    [('mean', 1, 27.0), ('residual', 2, 14.0)]

    """
    response = dense(y)
    basis, rest = np.empty((len(response), 0)), response
    lines = []
    for source, block in blocks.items():
        added = orthonormal_basis(block, basis)
        share = added.T @ rest
        rest = rest - added @ share
        basis = np.hstack([basis, added])
        lines.append(SumOfSquares(source, added.shape[1], float(share @ share)))
    return (*lines, SumOfSquares("residual", len(response) - basis.shape[1], float(rest @ rest)))
