"""Orders and regimes: which sizes grow, and how an order is spelled."""

from __future__ import annotations

from sympy import Expr

from leadterms.notation.symbols import HARMONIC, TOTAL, M, N

PER_OBSERVATION = 1 / N
"""Order 1/n of a model without random effects."""
PER_GROUP = 1 / M
"""Order 1/m: parameters whose information comes from the groups."""
PER_GROUPED_OBSERVATION = 1 / (M * N)
"""Order 1/(mn): parameters whose information comes from every observation."""
PER_TOTAL = 1 / TOTAL
"""Order 1/N of the same parameters where groups have unequal sizes, N observations in all."""
PER_HARMONIC = 1 / (M * HARMONIC)
"""Order 1/(m n_h) of what averages the reciprocals of unequal group sizes."""

SPELLING: dict[Expr, str] = {
    PER_OBSERVATION: "1/n",
    PER_GROUP: "1/m",
    PER_GROUPED_OBSERVATION: "1/(m*n)",
    PER_TOTAL: "1/N",
    PER_HARMONIC: "1/(m*n_h)",
}

FIXED_REGIME = "n -> oo"
"""Regime of a model without random effects."""
NESTED_REGIME = "m, n -> oo with n/m -> 0"
"""Regime of the nested theorem (Jiang, Wand and Bhaskaran 2022)."""
UNEQUAL_REGIME = "m, n_i -> oo with n_i/m -> 0, sizes n_i comparable, N their sum, n_h their harmonic mean"
"""Regime of groups of unequal sizes."""
