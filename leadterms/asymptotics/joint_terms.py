"""The joint covariance of a nested GLMM beyond 1/m, put together from its averages (`second_terms`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations_with_replacement

from sympy import Expr, Symbol, exp, nan
from sympy.functions.elementary.hyperbolic import HyperbolicFunction

from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.fixed_effects import finished
from leadterms.asymptotics.second_terms import NOTHING, Averaged, SecondTerms
from leadterms.asymptotics.sizes import SizeOrders
from leadterms.asymptotics.term import Term, summed
from leadterms.expectation.held import Expectation
from leadterms.information.conditional import ConditionalInformation


def joint_terms(
    second: SecondTerms,
    precision: tuple[Sequence[Sequence[Expr]], Sequence[Sequence[Expr]]],
    information: ConditionalInformation | None,
    parameters: tuple[tuple[Symbol, ...], tuple[Symbol, ...]],
    dispersion: Expr,
    orders: SizeOrders,
) -> dict[tuple[Symbol, Symbol], tuple[Term, ...]]:
    """Return the terms beyond 1/m of the pairs in (beta_A, vech Sigma) and of those between it and beta_B.

    Parameters
    ----------
    second
        The averages.
    precision
        G^{-1}, by rows; and the same with weights at single points kept whole.
    information
        Closes expectations; None leaves coefficients as they come.
    parameters
        Those of the rows of W, and those of block B.
    dispersion
        phi, or 1.
    orders
        Of the terms.

    """
    theta, fixed_only = parameters
    written, whole = precision
    build = partial(_term, information=information, dispersion=dispersion)
    gain = {
        (r, j): _combined([(-written[i][j], -whole[i][j], second.regression[r, i]) for i in range(len(fixed_only))])
        for r in range(len(theta))
        for j in range(len(fixed_only))
    }
    terms: dict[tuple[Symbol, Symbol], tuple[Term, ...]] = {}
    for r, s in combinations_with_replacement(range(len(theta)), 2):
        lent = _product([gain[r, j] for j in range(len(fixed_only))], second, s)
        own = build(second.spread[r, s], order=orders.reciprocal, variance=r == s)
        other = build(lent, order=orders.inside, variance=r == s)
        terms[theta[r], theta[s]] = together_where_alike([term for term in (own, other) if term is not None])
    for r, parameter in enumerate(theta):
        for j, fixed in enumerate(fixed_only):
            term = build(gain[r, j], order=orders.inside, variance=False)
            if term is not None:
                terms[parameter, fixed] = (term,)
    return {pair: found for pair, found in terms.items() if found}


def together_where_alike(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return terms with those of one order added up."""
    by_order: dict[Expr, list[Term]] = {}
    for term in terms:
        by_order.setdefault(term.order, []).append(term)
    found = []
    for order, parts in by_order.items():
        term = parts[0] if len(parts) == 1 else summed(parts, order)
        if term.exists is not True:
            term = replace(term, coefficient=nan)
        elif not term.coefficient.has(exp, HyperbolicFunction, Expectation):
            term = replace(term, coefficient=canonical(term.coefficient))
        if term.coefficient != 0:
            found.append(term)
    return tuple(found)


def _combined(parts: Sequence[tuple[Expr, Expr, Averaged]]) -> Averaged:
    """Return a linear combination; its factors twice, the second time with weights kept whole."""
    total = NOTHING
    for factor, whole, averaged in parts:
        total = total.plus(Averaged(factor * averaged.value, whole * averaged.whole, averaged.existence))
    return total


def _product(row: Sequence[Averaged], second: SecondTerms, s: int) -> Averaged:
    """Return -sum_j gain_rj R_sj = the entry (r, s) of R G^{-1} R'."""
    total = NOTHING
    for j, gain in enumerate(row):
        other = second.regression[s, j]
        both = gain.existence & other.existence
        total = total.plus(Averaged(-gain.value * other.value, -gain.whole * other.whole, both))
    return total


def _term(
    averaged: Averaged, *, information: ConditionalInformation | None, dispersion: Expr, order: Expr, variance: bool
) -> Term | None:
    if averaged.existence.verdict is not True:
        return Term(nan, order, "derived", may_vanish=not variance, existence=averaged.existence)
    if averaged.value == 0:
        return None
    term = finished(dispersion * averaged.value, information, order, "derived", variance=variance)
    if term is None:
        return None
    # with weights at points kept whole the integrals are of the kinds whose bounds are known
    unclosed = term.unclosed if averaged.whole == averaged.value else dispersion * averaged.whole
    return replace(term, existence=averaged.existence, unclosed=unclosed)
