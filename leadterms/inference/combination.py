"""The variance of a linear combination of estimators, as an entry with terms of its own."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Symbol

from leadterms.asymptotics.result import Entry, Expansion, Term
from leadterms.asymptotics.term import summed
from leadterms.inference.contrasts import combination_text, read_combination


def linear_combination(result: Expansion, numbers: Any) -> Entry:
    """Return the asymptotic variance of a linear combination of estimators: k'Cov k, term by term.

    Parameters
    ----------
    result
        The expansion whose covariances are combined.
    numbers
        Exact numbers by the name of a term or parameter, ``{"x": 1, "z": "-1/2"}``, a text, ``"x - z/2"``, or a row of
        numbers.

    Returns
    -------
    Entry
        Its terms have the orders of the covariances; each is neglected to the order of what its parts neglect.

    Raises
    ------
    ReadingError, ModelError
        If a name is unknown or given twice, or all numbers are zero.

    Examples
    --------
    >>> from leadterms import Model, leading_terms
    >>> result = leading_terms(Model("y ~ x", laws={"x": "Bernoulli(1/2)"}))
    >>> linear_combination(result, {"1": 1, "x": "1/2"}).variance
    phi/n

    """
    named = tuple(result.names.items())
    weights = read_combination(named, len(result.model.fixed_effects), numbers, "combination")
    by_order: dict[Expr, list[Term]] = {}
    for entry in result:
        if set(entry.parameters) <= weights.keys():
            first, second = entry.parameters
            factor = weights[first] * weights[second] * (1 if first == second else 2)
            for term in entry.terms:
                by_order.setdefault(term.order, []).append(term.times(factor))
    label = combination_text(weights)
    terms = tuple(parts[0] if len(parts) == 1 else summed(parts, order) for order, parts in by_order.items())
    kept = tuple(term for term in terms if term.exists is not True or term.coefficient.expand() != 0)
    return Entry((label, label), (Symbol(label), Symbol(label)), kept, result.space)
