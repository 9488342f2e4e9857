"""A formula against a derived coefficient or variance: the exact zero test first, certified numbers second."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Rational, Symbol

from leadterms.asymptotics.point import ParameterSpace, symbols_of
from leadterms.asymptotics.random_points import random_points
from leadterms.asymptotics.result import Entry
from leadterms.asymptotics.verification import shown_equal
from leadterms.claims.edits import formula_hints
from leadterms.claims.verdict import AGREE, DISAGREE, UNDECIDED, Verdict
from leadterms.errors import EvaluationError
from leadterms.evaluation.number import Number, evaluate
from leadterms.expectation.held import Expectation
from leadterms.notation.text import to_text

POINTS, HELD_POINTS = 5, 2
"""How many random points are compared; fewer where the derived formula holds integrals."""
DIGITS, HELD_DIGITS = 40, 10
NOISE = Rational(1, 10**20)
"""Relative size of an imaginary part that is no rounding at that many digits."""


def check_formula(entry: Entry, claimed: Expr, order: str | None = None, seed: int = 1) -> Verdict:
    """Compare a claimed formula with what the engine derived.

    A formula that contains sizes is the whole variance (or covariance), any other the coefficient of one term. Equal in
    the canonical field is AGREE. Otherwise both are evaluated at random exact points inside the conditions: a certified
    difference is DISAGREE, with the point; numbers that agree everywhere leave it UNDECIDED, with the digits reached.

    Parameters
    ----------
    entry
        What was derived.
    claimed
        The claim, in the engine's symbols.
    order
        Which term, as "1/(m*n)", for a claim without sizes about an entry with several terms.
    seed
        Of the random points.

    Raises
    ------
    LeadtermsError
        If the entry has no such term, or no leading term.

    """
    whole = bool(symbols_of(claimed) & set(entry.space.sizes))
    derived = entry.variance if whole and entry.terms else entry.of_order(order).coefficient
    shown = (to_text(claimed), to_text(derived))
    if shown_equal(claimed, derived):
        return Verdict(AGREE, "equal in the canonical field, an exact test", *shown)
    held = derived.has(Expectation)
    digits, count = (HELD_DIGITS, HELD_POINTS) if held else (DIGITS, POINTS)
    symbols = sorted(symbols_of(claimed) | symbols_of(derived), key=lambda symbol: symbol.name)
    conditions = [
        condition
        for condition in (*entry.space.conditions, *(c for term in entry.terms for c in term.existence.conditions))
        if condition.free_symbols <= set(symbols)
    ]
    reached = None
    reasons = []
    for point in random_points(symbols, conditions, count, seed):
        if _is_not_real(claimed, point):
            at = {symbol.name: str(value) for symbol, value in point.items()}
            return Verdict(DISAGREE, "the claim is no real number at a point inside the conditions", *shown, at)
        try:
            values = (evaluate(claimed, point, digits, may_vanish=True), _derived(entry, order, whole, point, digits))
        except EvaluationError as error:
            reasons.append(str(error).splitlines()[0])
            continue
        difference = abs(values[0].value - values[1].value)
        if difference > values[0].error + values[1].error:
            kind = "certified" if all(value.certified for value in values) else "estimated"
            hints = () if held else formula_hints(claimed, derived, point, entry.space.sizes)
            at = {symbol.name: str(value) for symbol, value in point.items()}
            return Verdict(DISAGREE, f"the values differ at a point ({kind})", *shown, at, values, hints)
        reached = digits if reached is None else min(reached, digits)
    if reached is None:
        return Verdict(UNDECIDED, f"not shown equal, and no value at any point: {reasons[0]}", *shown)
    how = f"not shown equal in the canonical field; the values agree to {reached} digits at {count} random points"
    return Verdict(UNDECIDED, how, *shown)


def _is_not_real(claimed: Expr, point: Mapping[Symbol, Expr]) -> bool:
    """Tell whether a claim has a part that is surely imaginary, as the logarithm of a negative number has."""
    value = claimed.xreplace(dict(point)).evalf(DIGITS)
    real, imaginary = value.as_real_imag()
    if not (real.is_Float or real.is_zero) or not imaginary.is_Float:
        return False
    return bool(abs(imaginary) > NOISE * max(abs(real), abs(imaginary)))


def _derived(entry: Entry, order: str | None, whole: bool, point: dict[Symbol, Expr], digits: int) -> Number:
    by_name = {symbol.name: value for symbol, value in point.items()}
    values = {name: value for name, value in by_name.items() if name in _names(entry.space)}
    if not whole:
        return entry.evaluate(values, digits, order=order)
    sizes = {name: value for name, value in by_name.items() if name in {size.name for size in entry.space.sizes}}
    return entry.evaluate_variance(values, sizes, digits)


def _names(space: ParameterSpace) -> set[str]:
    return {symbol.name for symbol in space.symbols}
