"""The variance of a linear combination of estimators, as an entry with terms of its own."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Integer, Symbol

from leadterms.asymptotics.result import Entry, Expansion, Term
from leadterms.asymptotics.term import summed
from leadterms.errors import LeadtermsError
from leadterms.reading.numbers import exact_number


def linear_combination(result: Expansion, numbers: Mapping[str, object]) -> Entry:
    """Return the asymptotic variance of a linear combination of estimators: k'Cov k, term by term.

    Parameters
    ----------
    result
        The expansion whose covariances are combined.
    numbers
        Exact numbers by the name of a term or parameter.

    Returns
    -------
    Entry
        Its terms have the orders of the covariances; each is neglected to the order of what its parts neglect.

    Raises
    ------
    LeadtermsError
        If a name is unknown or given twice, or all numbers are zero.

    Examples
    --------
    >>> from leadterms import Model, leading_terms
    >>> result = leading_terms(Model("y ~ x", laws={"x": "Bernoulli(1/2)"}))
    >>> linear_combination(result, {"1": 1, "x": "1/2"}).variance
    phi/n

    """
    weights: dict[Symbol, Expr] = {}
    for name, value in numbers.items():
        parameter = result[name].parameters[0]
        if parameter in weights:
            raise LeadtermsError(f"{parameter.name} is given twice in the combination")
        weights[parameter] = exact_number(value)
    weights = {parameter: number for parameter, number in weights.items() if number != 0}
    if not weights:
        raise LeadtermsError("the combination is zero: give a number that is not zero to a parameter")
    by_order: dict[Expr, list[Term]] = {}
    for entry in result:
        if set(entry.parameters) <= weights.keys():
            first, second = entry.parameters
            factor = weights[first] * weights[second] * (1 if first == second else 2)
            for term in entry.terms:
                by_order.setdefault(term.order, []).append(term.times(factor))
    label = str(sum((number * parameter for parameter, number in weights.items()), Integer(0)))
    terms = tuple(parts[0] if len(parts) == 1 else summed(parts, order) for order, parts in by_order.items())
    kept = tuple(term for term in terms if term.exists is not True or term.coefficient.expand() != 0)
    return Entry((label, label), (Symbol(label), Symbol(label)), kept, result.space)
