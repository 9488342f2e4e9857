"""Estimates with their asymptotic covariance in the parameters of a model: what Wald inference starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Matrix, Symbol

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimated:
    """Estimates and their asymptotic covariance in the parameters of the model.

    Parameters
    ----------
    title
        What was fitted, as text.
    values
        The p parameters with their estimates.
    labels
        Names of the terms of the formula for fixed effects; a parameter's own name for others.
    blocks
        The covariance matrix of each block of random effects, in its symbols.
    one, best
        Covariance by the leading terms, and with second terms where they are used, p x p.
    terms
        Of each variance: 1 or 2.
    phi_is_variance
        Whether phi is an error variance.
    notes
        What else to know, one line each.

    """

    title: str
    values: Mapping[Symbol, Expr]
    labels: tuple[str, ...]
    blocks: tuple[Matrix, ...]
    one: Array
    best: Array
    terms: tuple[int, ...]
    phi_is_variance: bool
    notes: tuple[str, ...] = ()

    def with_notes(self, notes: Sequence[str]) -> Estimated:
        """Return the same with notes added."""
        return replace(self, notes=(*self.notes, *notes))
