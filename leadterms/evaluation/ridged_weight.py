"""Weights with a small constant added: w(eta) + ridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leadterms.model.weights import Weight


@dataclass(frozen=True, kw_only=True)
class RidgedWeight(Weight):
    """w + ridge; scale and parameter are those of w.

    Parameters
    ----------
    base
        w.
    ridge
        A positive exact number.

    """

    base: Weight
    ridge: Any
