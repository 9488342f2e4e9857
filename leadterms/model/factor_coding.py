"""Columns of a term: treatment coding of factors by R's rule for margins, products for interactions.

Factors are columns of text, whose levels are sorted, columns of categories, whose levels are those that occur in the
order of the categories, and truth values, False before True, as in R. Inside an expression truth values are 0 and 1.

A factor of a term gets contrasts (its first level is left out) if the columns that the term has
without it are spanned by a term before it, and an indicator of every level otherwise.  That is R's rule but for three
cases in which R's columns are dependent or span too little: a term before it counts only if it has the same numeric
part, without an intercept the numeric part counts too, and so does each term of factors alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Mul, Symbol

from leadterms.errors import ModelError
from leadterms.model.data_columns import Column, evaluate_columns
from leadterms.model.formula import FixedTerm


@dataclass(frozen=True)
class _Parts:
    """The factors of a term by kind: names of columns with levels, and what is left as one expression."""

    factors: tuple[str, ...]
    levelled: frozenset[str]
    number: Expr


def coded_columns(
    terms: Sequence[FixedTerm], columns: Mapping[str, Column]
) -> list[tuple[tuple[str, ...], NDArray[np.float64]]]:
    """Return for each term the names of its columns and the columns, N x k.

    Parameters
    ----------
    terms
        In the order of the formula, on which the coding depends.
    columns
        Of the data, by name.

    Raises
    ------
    ModelError
        If text or categories are used inside a numeric expression, or a factor has a single value.

    """
    parts = [_parts(term, columns) for term in terms]
    found = []
    for index, term in enumerate(terms):
        part = parts[index]
        full = {
            factor: not any(
                before.number == part.number and part.levelled - {factor} <= before.levelled for before in parts[:index]
            )
            for factor in part.levelled
        }
        number = evaluate_columns(part.number, dict(columns), term.name)
        found.append(_term_columns(part, full, columns, number))
    return found


def _parts(term: FixedTerm, columns: Mapping[str, Column]) -> _Parts:
    factors = tuple(term.name.split(":"))
    levelled = [name for name in factors if name in columns and columns[name].is_factor]
    number = term.expression / Mul(*(Symbol(name, real=True) for name in levelled))
    for symbol in sorted(number.free_symbols, key=lambda symbol: symbol.name):
        if columns[symbol.name].numbers is None:
            what = "holds text" if columns[symbol.name].categories is None else "is categorical"
            raise ModelError(
                f"the column {symbol.name!r} {what} and cannot be calculated with in {term.name}: use it as a "
                "factor of its own, or give it as numbers"
            )
    for name in levelled:
        levels = columns[name].levels
        if len(levels) < 2:
            shown = repr(levels[0]) if isinstance(levels[0], str) else str(levels[0])
            raise ModelError(f"the column {name!r} has a single value, {shown}: leave it out")
    return _Parts(factors, frozenset(levelled), number)


def _term_columns(
    part: _Parts, full: Mapping[str, bool], columns: Mapping[str, Column], number: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Write out the products; the first factor's levels vary fastest, as in R."""
    choices: list[list[tuple[str, int | None]]] = []
    for factor in part.factors:
        if factor in part.levelled:
            places = range(len(columns[factor].levels))
            choices.append([(factor, place) for place in (places if full[factor] else places[1:])])
        else:
            choices.append([(factor, None)])
    names, made = [], []
    for reverse in product(*reversed(choices)):
        column = number.copy()
        shown = []
        for factor, place in reverse:
            if place is not None:
                column = column * (columns[factor].codes == place)
            shown.append(factor if place is None else f"{factor}{columns[factor].levels[place]}")
        names.append(":".join(reversed(shown)))
        made.append(column)
    return tuple(names), np.column_stack(made)
