"""Weights that are averages over a predictor with a fixed slope: W_k(y) = E[x^k w(y + b x)]."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from leadterms.model.laws import Law
from leadterms.model.weights import Weight


@dataclass(frozen=True, kw_only=True)
class AveragedWeight(Weight):
    """W_k, of either sign for odd k; scale and parameter are not used.

    Parameters
    ----------
    base
        w.
    law
        That of x.
    slope
        b, a number.
    power
        k.
    turns
        Whether complex effects turn the density of x, in place of w.
    known
        What was computed before, for all k of the same w, law and b.

    """

    base: Weight
    law: Law
    slope: Any
    power: int
    turns: bool
    known: dict[Any, Any] = field(compare=False, repr=False)
