"""The first road: values in balls, so that the error is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from flint import arb, fmpq
from sympy import Expr, Float, Function, NumberSymbol, Rational, Symbol

from leadterms.errors import EvaluationError, OutOfRangeError, UncertifiedError
from leadterms.evaluation.certify import certified
from leadterms.evaluation.held_balls import at_point
from leadterms.evaluation.held_plan import OUTSIDE, outside_weights
from leadterms.evaluation.number import Number
from leadterms.evaluation.rounding import Rounded, rounded, rounded_exact, upper_float

EXACT = "exact rational arithmetic"
FURTHER = (0, 6, 40)
"""Further digits that are tried while the ball straddles a place where the rounding changes; a value that is a decimal
itself stays undecided, and is rounded to the safe side."""


def certified_value(
    candidates: Sequence[Expr],
    point: Mapping[Symbol, Expr],
    digits: int,
    may_vanish: bool,
    rounding: str,
    last_resort: Callable[[], Expr] | None = None,
) -> Number:
    """Return the value of the first of several expressions of one quantity that can be certified at a point.

    The last resort is made only where others fail, and one of them for lack of a certified road.  Expressions outside
    weights (`outside_weights`) are tried last, and after it where one of the others has no road.

    Raises
    ------
    UncertifiedError
        If none could be certified, and for one of them there is no certified road.
    OutOfRangeError
        If the value has too many decimal places.
    EvaluationError
        If the digits are not reached: with the number that were, and why.

    """
    failures: list[EvaluationError] = []
    resort = last_resort
    for group in _by_place(candidates):
        for candidate in group:
            try:
                return _certified(candidate, point, digits, may_vanish, rounding)
            except OutOfRangeError:
                raise
            except EvaluationError as failure:
                failures.append(failure)
        if resort is not None and any(isinstance(failure, UncertifiedError) for failure in failures):
            made, resort = resort, None
            try:
                return _certified(made(), point, digits, may_vanish, rounding)
            except EvaluationError as failure:
                failures.append(failure)
    # of two expressions of one quantity that one is of use which has a road at all
    texts = dict.fromkeys(map(str, failures))
    telling = [text for text in texts if text != OUTSIDE] or list(texts)
    text = "; and its alternative: ".join(telling)
    missing = any(isinstance(failure, UncertifiedError) for failure in failures)
    raise (UncertifiedError if missing else EvaluationError)(text)


def _by_place(candidates: Sequence[Expr]) -> tuple[list[Expr], list[Expr]]:
    """Return the different expressions that are of weights, and those outside weights."""
    different = list(dict.fromkeys(candidates))
    return [one for one in different if not outside_weights(one)], [one for one in different if outside_weights(one)]


def _certified(candidate: Expr, point: Mapping[Symbol, Expr], digits: int, may_vanish: bool, rounding: str) -> Number:
    exact = _rational(candidate, point)
    if exact is not None:
        result = rounded_exact(exact, digits, rounding)
        return _number(result, digits, EXACT)
    coefficient, values = at_point(candidate, point)
    taken: dict[str, None] = {}

    def ball(bits: int) -> arb:
        value, names = coefficient(values, bits)
        taken.update(dict.fromkeys(names))
        return value

    for further in FURTHER:
        found = certified(ball, digits + further, cheap=coefficient.is_closed, may_vanish=may_vanish)
        road = "; ".join(taken)
        if found.contains(0):
            return Number(Float(0, digits), upper_float(found), digits, certified=True, road=road)
        result = rounded(found, digits, rounding)
        if result.decided:
            break
    return _number(result, digits, road)


def _number(result: Rounded, digits: int, road: str) -> Number:
    decimal = (result.whole, result.exponent)
    return Number(result.value, result.error, digits, certified=True, road=road, decimal=decimal)


def _rational(candidate: Expr, point: Mapping[Symbol, Expr]) -> fmpq | None:
    """Return the value of a rational function at a rational point, if it is neither zero nor singular."""
    if not _is_rational_function(candidate):
        return None
    value = candidate.xreplace(dict(point))
    if not isinstance(value, Rational) or not value.is_finite or value.is_zero:
        return None
    return fmpq(int(value.p), int(value.q))


@lru_cache(maxsize=1024)
def _is_rational_function(candidate: Expr) -> bool:
    return bool(candidate.is_rational_function(*candidate.free_symbols)) and not candidate.atoms(NumberSymbol, Function)
