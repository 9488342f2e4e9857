"""A formula against a derived coefficient or variance: the exact zero test first, certified numbers second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sympy import Expr, Integer, Pow, Rational, Symbol

from leadterms.asymptotics.point import symbols_of
from leadterms.asymptotics.random_points import random_points
from leadterms.asymptotics.result import Entry, Term
from leadterms.asymptotics.verification import shown_equal
from leadterms.claims.edits import formula_hints
from leadterms.claims.extent import extent, require_no_tower, with_real_roots
from leadterms.claims.verdict import AGREE, DISAGREE, UNDECIDED, Verdict
from leadterms.errors import EvaluationError, LeadtermsError
from leadterms.evaluation.number import Number, evaluate
from leadterms.expectation.held import Expectation, revealed
from leadterms.notation.text import to_text

POINTS, HELD_POINTS = 5, 2
"""How many random points are compared; fewer where the derived formula holds integrals."""
DIGITS, HELD_DIGITS = 40, 10
LARGE, TOO_LARGE = 30, 300
"""Extents above which numbers are compared first, and above which the exact test is not tried."""
ZERO = Integer(0)
NOISE = Rational(1, 10**20)
"""Relative size of an imaginary part that is no rounding at that many digits."""


def check_formula(entry: Entry, claimed: Expr, order: str | None = None, seed: int = 1) -> Verdict:
    """Compare a claimed formula with what the engine derived.

    A formula that contains sizes is the whole variance (or covariance), or with ``order`` that term of it; any other
    the coefficient of one term. Equal in the canonical field is AGREE. Otherwise both are evaluated at random exact
    points inside the conditions: a certified difference is DISAGREE, with the point; numbers that agree everywhere
    leave it UNDECIDED, with the digits reached. Large claims are compared in numbers first.

    Parameters
    ----------
    entry
        What was derived.
    claimed
        The claim, in the engine's symbols.
    order
        Which term, as "1/(m*n)", for an entry with several terms.
    seed
        Of the random points.

    Raises
    ------
    LeadtermsError
        If the entry has no such term, or no leading term, or the claim is a tower of exponentials.

    """
    require_no_tower(claimed)
    whole = bool(symbols_of(claimed) & set(entry.space.sizes))
    terms = entry.terms if whole and order is None and entry.terms else (entry.of_order(order),)
    derived = _total(terms, whole, held=False)
    size = extent(claimed)
    in_numbers = _in_numbers(entry, terms, claimed, derived, seed, hints=False) if size > LARGE else None
    if in_numbers is not None and (in_numbers.verdict == DISAGREE or size > TOO_LARGE):
        return in_numbers
    if any(shown_equal(claimed, form) for form in (derived, _total(terms, whole, held=True))):
        shown = (to_text(claimed), to_text(derived))
        return Verdict(AGREE, "equal in the canonical field, an exact test", *shown)
    return in_numbers or _in_numbers(entry, terms, claimed, derived, seed, hints=True)


def _total(terms: Sequence[Term], whole: bool, held: bool) -> Expr:
    """Return the sum of terms; their coefficients with expectations held, where they are, or closed."""
    forms = [term.unclosed if held and term.unclosed is not None else term.coefficient for term in terms]
    return sum((revealed(form) * (term.order if whole else 1) for form, term in zip(forms, terms, strict=True)), ZERO)


def _in_numbers(
    entry: Entry, terms: Sequence[Term], claimed: Expr, derived: Expr, seed: int, *, hints: bool
) -> Verdict:
    shown = (to_text(claimed), to_text(derived))
    held = derived.has(Expectation)
    digits, count = (HELD_DIGITS, HELD_POINTS) if held else (DIGITS, POINTS)
    symbols = sorted(symbols_of(claimed) | symbols_of(derived), key=lambda symbol: symbol.name)
    existing = (condition for term in entry.terms for condition in term.existence.conditions)
    conditions = [c for c in (*entry.space.conditions, *existing) if c.free_symbols <= set(symbols)]
    reached = None
    reasons = []
    for point in random_points(symbols, conditions, count, seed):
        at = {symbol.name: str(value) for symbol, value in point.items()}
        real = with_real_roots(claimed, point)
        if _is_not_real(real, point):
            return Verdict(DISAGREE, "the claim is no real number at a point inside the conditions", *shown, at)
        try:
            values = (evaluate(real, point, digits, may_vanish=True), _derived(entry, terms, derived, point, digits))
        except EvaluationError as error:
            reasons.append(str(error).splitlines()[0])
            continue
        difference = abs(values[0].value - values[1].value)
        if difference > values[0].error + values[1].error:
            kind = "certified" if all(value.certified for value in values) else "estimated"
            found = formula_hints(claimed, derived, point, entry.space.sizes) if hints and not held else ()
            return Verdict(DISAGREE, f"the values differ at a point ({kind})", *shown, at, values, found)
        reached = digits if reached is None else min(reached, digits)
    if reached is None:
        _require_no_division_by_zero(claimed)
        return Verdict(UNDECIDED, f"not shown equal, and no value at any point: {reasons[0]}", *shown)
    how = f"not shown equal in the canonical field; the values agree to {reached} digits at {count} random points"
    return Verdict(UNDECIDED, how, *shown)


def _require_no_division_by_zero(claimed: Expr) -> None:
    """Refuse a claim with a denominator that is zero everywhere."""
    for node in sorted(claimed.atoms(Pow), key=str):
        if node.exp.is_negative and shown_equal(node.base, ZERO):
            raise LeadtermsError(f"the claim divides by {to_text(node.base)}, which is zero: give another denominator")


def _is_not_real(claimed: Expr, point: Mapping[Symbol, Expr]) -> bool:
    """Tell whether a claim has a part that is surely imaginary, as the logarithm of a negative number has."""
    value = claimed.xreplace(dict(point)).evalf(DIGITS)
    real, imaginary = value.as_real_imag()
    if not (real.is_Float or real.is_zero) or not imaginary.is_Float:
        return False
    return bool(abs(imaginary) > NOISE * max(abs(real), abs(imaginary)))


def _derived(entry: Entry, terms: Sequence[Term], derived: Expr, point: dict[Symbol, Expr], digits: int) -> Number:
    by_name = {symbol.name: value for symbol, value in point.items()}
    known = {symbol.name for symbol in entry.space.symbols}
    values = {name: value for name, value in by_name.items() if name in known}
    if not symbols_of(derived) & set(entry.space.sizes):
        return entry.evaluate(values, digits, order=terms[0].order)
    sizes = {name: value for name, value in by_name.items() if name in {size.name for size in entry.space.sizes}}
    return replace(entry, terms=tuple(terms)).evaluate_variance(values, sizes, digits)
