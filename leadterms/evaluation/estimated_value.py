"""The second road: values by mpmath, whose error is estimated from successive refinements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flint import arb, fmpz
from sympy import Expr, Float, Symbol, nan, oo, zoo

from leadterms.errors import EvaluationError
from leadterms.evaluation.binding import substitute
from leadterms.evaluation.number import Number
from leadterms.evaluation.precision import Real, ball_precision, private_context
from leadterms.evaluation.rounding import rounded
from leadterms.evaluation.settle import check_range, is_demanding, settle, vanishes
from leadterms.expectation.held import revealed

SUSPICION = 10
"""Digits at which a value is first looked at when it may be zero."""
ROAD = "mpmath, successive refinements"


def estimated_value(
    candidates: Sequence[Expr],
    point: Mapping[Symbol, Expr],
    digits: int,
    may_vanish: bool,
    rounding: str,
    patience: float = 1,
) -> Number:
    """Return the value of the first of several expressions of one quantity that settles at a point.

    Closed expressions are evaluated at growing precision, held expectations at growing numbers of
    nodes, until successive values agree to more digits than asked for; the error comes from their
    last difference. ``patience`` multiplies the work that an expression with expectations may cost.

    Raises
    ------
    EvaluationError
        If none of them settles.

    """
    at_points = [substitute(revealed(candidate), point) for candidate in candidates]
    for at_point in at_points:
        check_range(at_point)
    if may_vanish and vanishes(private_context(), at_points[0], SUSPICION) is not None:
        # the last one decides: held expectations have no removable singularities that could pass for a zero
        bound = vanishes(private_context(), at_points[-1], digits)
        if bound is not None:
            return Number(Float(0, digits), Float(bound._mpf_, precision=20), digits, certified=False, road=ROAD)
    failures: list[str] = []
    for at_point in sorted(at_points, key=is_demanding):
        try:
            return _settled(at_point, digits, rounding, patience)
        except EvaluationError as failure:
            failures.append(str(failure))
    raise EvaluationError("; and its alternative: ".join(dict.fromkeys(failures)))


def _settled(expr: Expr, digits: int, rounding: str, patience: float) -> Number:
    """Evaluate an expression without free symbols, and round it."""
    if expr.has(nan, zoo, oo, -oo):
        raise EvaluationError("the expression is singular at this point: give another one of the same quantity")
    if expr.is_zero and not expr.args:
        return Number(Float(0, digits), Float(0, 3), digits, certified=True, road=ROAD)
    best, doubt = settle(private_context(), expr, digits, patience)
    with ball_precision(int(best._mpf_[3]) + 64):
        result = rounded(arb(_ball(best), _ball(doubt)), digits, rounding)
    decimal = (result.whole, result.exponent)
    return Number(result.value, result.error, digits, certified=False, road=ROAD, decimal=decimal)


def _ball(number: Real) -> arb:
    sign, mantissa, exponent, _ = number._mpf_
    return arb(fmpz(int(-mantissa if sign else mantissa))) * arb(2) ** int(exponent)
