"""How a coefficient is computed in double precision: its closed form, sums over nodes, or each where it is accurate."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Pow, Rational, exp

from leadterms.asymptotics.term import Term
from leadterms.errors import EvaluationError
from leadterms.expectation.held import Expectation, revealed
from leadterms.expectation.value_sums import summed_over_values
from leadterms.publication.code_stable import expit, size, stable_form
from leadterms.publication.code_sums import NodeSums, node_sums

LIMITS = (3.0, 9.0, 18.0, 36.0)
"""How far the linear predictor may move from the middle of a bounded law where sums are used; the first that does."""
BENT_LIMITS = ((18.0, 60), (36.0, 60))
"""The same for logistic weights, and how far it may move where closed forms are used: they cancel in powers of it."""
SHARE = 0.75
"""Closed forms with logistic weights are used where eta vanishes within this share of the law, from its middle."""
HELD_LIMIT = 18.0
"""The same where there is no closed form."""


@dataclass(frozen=True)
class Plan:
    """What is computed.

    Parameters
    ----------
    sums
        Used where every extent is at most its limit; None if the closed form will do everywhere.
    closed
        The stable closed form, used elsewhere; None if there is none.
    guards
        Pairs left <= right, without which the closed form is not used: the result is not a number.
    limit
        The limit that was tried.
    share
        How far eta at the middle may be from zero where the closed form is used, in moves of eta over the law.

    """

    sums: NodeSums | None
    closed: Expr | None
    guards: tuple[tuple[Expr, Expr], ...] = ()
    limit: float | None = None
    share: float = 1.0


def plans(term: Term) -> list[Plan]:
    """Return the plans for a term, the one to try first in front.

    Raises
    ------
    EvaluationError
        If no code is written for the coefficient.

    """
    unclosed = None if term.unclosed is None else revealed(term.unclosed)
    if not term.is_closed_form:
        sums = node_sums(summed_over_values(term.coefficient if unclosed is None else unclosed), HELD_LIMIT)
        return [Plan(sums, None, (), HELD_LIMIT)]
    closed = stable_form(term.coefficient)
    if not _may_be_singular(term):
        return [Plan(None, closed)]
    if unclosed is None or not unclosed.has(Expectation):
        raise EvaluationError(
            "the coefficient has a removable singularity at "
            + " and ".join(f"{divisor} = 0" for divisor in term.nonzero)
            + ", near which no code is accurate: use --format json with --at, or array_function"
        )
    first = node_sums(unclosed, LIMITS[0])
    bent = any(summand.has(expit) for loop in first.loops for _, summand in loop.sums)
    if all(extent.kind == "power" for extent in first.extents):
        return [Plan(first, closed)]
    found = []
    for limit, farthest in BENT_LIMITS if bent else ((limit, None) for limit in LIMITS):
        sums = node_sums(unclosed, limit)
        found.append(Plan(sums, closed, _guards(sums, bent, farthest), limit, SHARE if bent else 1.0))
    return [*found, Plan(found[-1].sums, None, (), found[-1].limit)]


def _may_be_singular(term: Term) -> bool:
    """Tell whether the closed form divides by something that holds a symbol of the divisors."""
    watched = set().union(*(divisor.free_symbols for divisor in term.nonzero))
    return any(
        node.args[1].is_negative and node.args[0].free_symbols & watched
        for node in term.coefficient.atoms(Pow)
        if not isinstance(node, exp)
    )


def _guards(sums: NodeSums, bent: bool, farthest: int | None) -> tuple[tuple[Expr, Expr], ...]:
    """Where closed forms are accurate: no slope is small, and logistic weights have their middle inside the law."""
    guards: list[tuple[Expr, Expr]] = []
    for extent in sums.extents:
        if extent.kind == "exponent" and len(sums.extents) > 1:
            guards.append((Integer(1), extent.value))
        if extent.kind == "exponent" and bent:
            guards.append((size(extent.middle), Rational(str(SHARE)) * extent.value))
        if extent.kind == "exponent" and farthest is not None:
            guards.append((extent.value, Integer(farthest)))
    return tuple(dict.fromkeys(guards))
