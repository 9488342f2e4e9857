"""Columns of a term: treatment coding of text by R's rule for margins, products for interactions.

A factor of a term gets contrasts (its first level, in sorted order, is left out) if the columns that the term has
without it are spanned by a term before it, and an indicator of every level otherwise.  That is R's rule but for three
cases in which R's columns are dependent or span too little: a term before it counts only if it has the same numeric
part, without an intercept the numeric part counts too, and so does each term of text alone.
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
    """The factors of a term by kind: names of text columns, and what is left as one expression."""

    factors: tuple[str, ...]
    text: frozenset[str]
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
        If text is used inside a numeric expression, or a text column has a single value.

    """
    parts = [_parts(term, columns) for term in terms]
    found = []
    for index, term in enumerate(terms):
        part = parts[index]
        full = {
            factor: not any(
                before.number == part.number and part.text - {factor} <= before.text for before in parts[:index]
            )
            for factor in part.text
        }
        number = evaluate_columns(part.number, dict(columns), term.name)
        found.append(_term_columns(part, full, columns, number))
    return found


def _parts(term: FixedTerm, columns: Mapping[str, Column]) -> _Parts:
    factors = tuple(term.name.split(":"))
    text = [name for name in factors if name in columns and columns[name].numbers is None]
    number = term.expression / Mul(*(Symbol(name, real=True) for name in text))
    for symbol in sorted(number.free_symbols, key=lambda symbol: symbol.name):
        if columns[symbol.name].numbers is None:
            raise ModelError(
                f"the column {symbol.name!r} holds text and cannot be calculated with in {term.name}: use it as a "
                "factor of its own"
            )
    for name in text:
        if len(columns[name].levels) < 2:
            raise ModelError(f"the column {name!r} has a single value, {columns[name].levels[0]!r}: leave it out")
    return _Parts(factors, frozenset(text), number)


def _term_columns(
    part: _Parts, full: Mapping[str, bool], columns: Mapping[str, Column], number: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Write out the products; the first factor's levels vary fastest, as in R."""
    choices = []
    for factor in part.factors:
        if factor in part.text:
            levels = columns[factor].levels
            choices.append([(factor, level) for level in (levels if full[factor] else levels[1:])])
        else:
            choices.append([(factor, None)])
    names, made = [], []
    for reverse in product(*reversed(choices)):
        column = number.copy()
        for factor, level in reverse:
            if level is not None:
                column = column * np.array([value == level for value in columns[factor].values])
        names.append(":".join(factor + (level or "") for factor, level in reversed(reverse)))
        made.append(column)
    return tuple(names), np.column_stack(made)
