"""Whether the equalities of a step hold: by the exact zero test first, in certified numbers second."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Symbol
from sympy.logic.boolalg import Boolean

from leadterms.algebra.canonical import canonical, is_equal
from leadterms.algebra.fraction import SingularError
from leadterms.asymptotics.derivation import FAILED, STATED, UNDECIDED, VERIFIED, Equality, Verification
from leadterms.asymptotics.point import symbols_of
from leadterms.asymptotics.random_points import random_points
from leadterms.errors import LeadtermsError
from leadterms.evaluation.number import Number, evaluate
from leadterms.expectation.held import Expectation, outermost, revealed
from leadterms.expectation.value_sums import summed_over_values

POINTS, DIGITS = 2, 15
MOST_SUMMED = 48
"""So many expectations are compared where values of predictors are summed over."""


def verify(equalities: Sequence[Equality], conditions: Sequence[Boolean], seed: int = 1) -> Verification:
    """Verify equalities one by one.

    Equal in the canonical field holds symbolically. Otherwise both sides are computed in balls at random exact points
    inside the conditions, the same ones every time: a difference that the errors do not explain has failed; equal
    digits are evidence at those points, and called so. Without equalities nothing is verified, and it says so.

    Parameters
    ----------
    equalities
        What to verify.
    conditions
        Inside which they are said to hold.
    seed
        Of the random points.

    """
    if not equalities:
        return Verification(STATED, "nothing to verify")
    open_ones = [
        equality for equality in equalities if not (equality.exact_test and shown_equal(equality.left, equality.right))
    ]
    exact = len(equalities) - len(open_ones)
    outcomes = [found for equality in open_ones if (found := _in_balls(equality, conditions, seed)) is not None]
    if outcomes:
        return next((found for found in outcomes if found.verdict == FAILED), outcomes[0])
    where = f"in balls, to {DIGITS} digits at {POINTS} random points"
    places = ", ".join(dict.fromkeys(equality.where for equality in equalities if equality.where))
    if not open_ones and places:
        general = "" if all(equality.where for equality in equalities) else "symbolically, and "
        return Verification(VERIFIED, f"{general}exactly {places}")
    if not open_ones:
        return Verification(VERIFIED, "symbolically")
    if not exact:
        return Verification(VERIFIED, where)
    return Verification(VERIFIED, f"symbolically ({exact} of {len(equalities)}) and {where} ({len(open_ones)})")


def shown_equal(left: Expr, right: Expr) -> bool:
    """Tell whether two expressions are equal in the canonical field.

    As they stand, with canonical integrands, or with sums over the values of predictors that have finitely many.
    """
    try:
        if is_equal(left, right):
            return True
        sides = [_tidied(side) for side in (left, right)]
        if sides != [left, right] and is_equal(*sides):
            return True
        sums = [summed_over_values(side) for side in sides]
        if sums == sides or max(len(one.atoms(Expectation)) for one in sums) > MOST_SUMMED:
            return False
        return is_equal(*map(_tidied, sums))
    except SingularError:
        return False


def _tidied(side: Expr) -> Expr:
    """Return an expression with the integrand of every outermost held expectation in its canonical form."""
    found = {node: node.func(canonical(revealed(node.integrand)), *node.bindings) for node in outermost(revealed(side))}
    return revealed(side).xreplace(found)


def _in_balls(equality: Equality, conditions: Sequence[Boolean], seed: int) -> Verification | None:
    """Return what is wrong or not known; None where both sides have the same digits at every point."""
    symbols = sorted(symbols_of(equality.left) | symbols_of(equality.right), key=lambda symbol: symbol.name)
    applicable = [condition for condition in conditions if condition.free_symbols <= set(symbols)]
    try:
        for point in random_points(symbols, applicable, POINTS, seed):
            left, right = (_value(side, point) for side in (equality.left, equality.right))
            if abs(left.value - right.value) > left.error + right.error:
                at = ", ".join(f"{symbol.name} = {value}" for symbol, value in point.items())
                return Verification(FAILED, f"at {at}: {left} on the left, {right} on the right")
    except LeadtermsError as error:
        return Verification(UNDECIDED, f"not shown symbolically, and in balls: {str(error).splitlines()[0]}")
    return None


def _value(side: Expr, point: dict[Symbol, Expr]) -> Number:
    return evaluate(side, point, DIGITS, may_vanish=True, method="balls")
