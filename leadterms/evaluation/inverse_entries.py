r"""Read off an integrand with the denominator det H_AA which entries of the inverse information it has.

H = H_AA in the random effects u, adj(H) its adjugate.  Of N = sum c u^alpha M_1 ... M_r, F = N/(f det H), the part of
each u^alpha is looked for among the combinations of the

    adj(H)_kl = det H (H^{-1})_kl, or, where N has one moment more, (adj(H) h_b)_k = det H (H^{-1} h_b)_k,

h_b = E[w a b] for another column b of the design.  All of them are polynomials in the moments, and what is found is an
identity of polynomials: it is solved for by elimination over the field of the coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Matrix, Poly, Symbol
from sympy.polys.matrices import DomainMatrix

Column = tuple[Mapping[tuple[int, ...], Expr], ...]
"""A column of the design: in each strand a polynomial in the predictors."""


@dataclass(frozen=True)
class Entry:
    """c u^powers (H^{-1})_kl, or c u^powers (H^{-1} h_b)_k where there is a column b.

    Parameters
    ----------
    coefficient, powers
        c, and the exponents of the effects.
    row, other
        k and l, places of effects; without l where there is a column.
    column
        b.

    """

    coefficient: Expr
    powers: tuple[int, ...]
    row: int
    other: int | None = None
    column: Column | None = None


def entries_of(
    numerator: Poly, block: Matrix, effects: Sequence[Symbol], others: Sequence[tuple[Column, Matrix]]
) -> tuple[Entry, ...]:
    """Return N/det H by its entries, none where it has no such form.

    Parameters
    ----------
    numerator
        N in the moments, with the effects among its coefficients.
    block
        H in the moments.
    effects
        u, in the order of its rows.
    others
        Other columns b of the design, with h_b.

    """
    parts: dict[tuple[int, ...], dict[tuple[int, ...], Expr]] = {}
    for moments, coefficient in numerator.terms():
        for powers, c in Poly(coefficient, *effects).terms():
            parts.setdefault(powers, {})[moments] = c
    degrees = {sum(moments) for part in parts.values() for moments in part}
    size, adjugate = block.rows, block.adjugate()
    places: list[tuple[int, int | None, Column | None]]
    if degrees == {size - 1}:
        places = [(k, l, None) for k in range(size) for l in range(k, size)]
        spanning = [adjugate[k, l] for k in range(size) for l in range(k, size)]
    elif degrees == {size} and others:
        places = [(k, None, column) for column, _ in others for k in range(size)]
        spanning = [one for _, across in others for one in adjugate * across]
    else:
        return ()
    known = [dict(Poly(one.expand(), *numerator.gens).terms()) for one in spanning]
    found = _combinations(known, list(parts.values()))
    return tuple(
        Entry(c, powers, *place)
        for powers, coefficients in zip(parts, found, strict=False)
        for c, place in zip(coefficients, places, strict=True)
        if c != 0
    )


def _combinations(
    spanning: Sequence[Mapping[tuple[int, ...], Expr]], wanted: Sequence[Mapping[tuple[int, ...], Expr]]
) -> list[list[Expr]]:
    """Return the coefficients of each wanted polynomial in those that span, nothing where one is no combination."""
    columns = [*spanning, *wanted]
    monomials = list(dict.fromkeys(monomial for column in columns for monomial in column))
    rows = Matrix([[column.get(monomial, 0) for column in columns] for monomial in monomials])
    reduced, pivots = DomainMatrix.from_Matrix(rows).to_field().rref()
    if any(pivot >= len(spanning) for pivot in pivots):
        return []
    solved = reduced.to_Matrix()
    return [
        [solved[pivots.index(k), place] if k in pivots else solved[0, 0] * 0 for k in range(len(spanning))]
        for place in range(len(spanning), len(columns))
    ]
