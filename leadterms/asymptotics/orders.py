"""Orders and regimes: which sizes grow, and how an order is spelled."""

from __future__ import annotations

from sympy import Expr, Symbol

from leadterms.notation.symbols import HARMONIC, M_PRIME, TOTAL, M, N

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

_SHOWN_FIRST = (M.name, M_PRIME.name)
_SHOWN_LAST = (N.name, HARMONIC.name)


def order_text(order: Expr) -> str:
    """Return an order as records spell it: 1/n, 1/m, 1/(m*n), 1/(m*m_prime*n), 1/(m_a*m_b).

    Examples
    --------
    >>> order_text(1 / (N * M)), order_text(1 / (M * N * M_PRIME)), order_text(1 / M**2)
    ('1/(m*n)', '1/(m*m_prime*n)', '1/m**2')

    """
    powers = (1 / order).as_powers_dict()

    def place(size: Symbol) -> tuple[int, str]:
        first = _SHOWN_FIRST.index(size.name) - 2 if size.name in _SHOWN_FIRST else 0
        return (1 if size.name in _SHOWN_LAST else first), size.name

    factors = [size.name if powers[size] == 1 else f"{size.name}**{powers[size]}" for size in sorted(powers, key=place)]
    return f"1/{factors[0]}" if len(factors) == 1 else f"1/({'*'.join(factors)})"


FIXED_REGIME = "n -> oo"
"""Regime of a model without random effects."""
NESTED_REGIME = "m, n -> oo with n/m -> 0"
"""Regime of the nested theorem (Jiang, Wand and Bhaskaran 2022)."""
UNEQUAL_REGIME = "m, n_i -> oo with n_i/m -> 0, sizes n_i comparable, N their sum, n_h their harmonic mean"
"""Regime of groups of unequal sizes."""
