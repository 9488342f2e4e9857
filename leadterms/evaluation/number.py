"""Any coefficient, closed or held, to the digits asked for, with an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mpmath.libmp import dps_to_prec
from sympy import Expr, Float, Rational, Symbol, nan, oo, zoo
from sympy.core.sympify import _sympify

from leadterms.errors import EvaluationError
from leadterms.evaluation.binding import substitute, without_exact_sums
from leadterms.evaluation.decimal_text import decimal_digits, in_latex, in_text
from leadterms.evaluation.precision import MAX_DIGITS, bits, private_context, spelled
from leadterms.evaluation.settle import check_range, is_demanding, settle, vanishes

SUSPICION = 10
"""Digits at which a value is first looked at when it may be zero."""


@dataclass(frozen=True)
class Number:
    """A value with the digits asked for, and how far it can be from the truth.

    Parameters
    ----------
    value
        The value, rounded to ``digits`` significant decimal digits.
    error
        Bound of |truth - printed value|, the rounding to ``digits`` included; an estimate unless certified.
    digits
        Significant decimal digits.
    certified
        Whether ``error`` is proven.

    Examples
    --------
    >>> Number(Float("0.25", 5), Float("5e-6", 3), 5, False)
    Number(0.25000, error 5.0e-6, estimated)

    """

    value: Float
    error: Float
    digits: int
    certified: bool

    def __str__(self) -> str:
        return in_text(self.value, self.digits)

    def __repr__(self) -> str:
        kind = "certified" if self.certified else "estimated"
        return f"Number({self}, error {in_text(self.error, 2)}, {kind})"

    def __float__(self) -> float:
        return float(self.value)

    def _repr_latex_(self) -> str:
        return f"${in_latex(self.value, self.digits)}$"


def evaluate(
    expr: Expr,
    values: Mapping[Symbol, Rational],
    digits: int = 15,
    *,
    alternatives: Sequence[Expr] = (),
    may_vanish: bool = False,
    method: str = "mpmath",
) -> Number:
    """Return the value of a coefficient at an exact point.

    Closed expressions are evaluated at growing precision, held expectations at growing numbers of
    nodes, until successive values agree to more digits than asked for; the error comes from their
    last difference.

    Parameters
    ----------
    expr
        Elementary and special functions, and held expectations, of the symbols in ``values``.
    values
        Exact real numbers: int, Fraction, Rational, or exact sympy numbers such as sqrt(2).
    digits
        Significant decimal digits, 1 to 100000.
    alternatives
        Other expressions of the same quantity, tried in order where ``expr`` is singular at the point,
        such as 0/0, or does not settle.
    may_vanish
        Whether the value may be zero without being so by its form, as a covariance may be at a symmetric point:
        then a value of which only rounding is left is given as 0, with a bound as its error.
    method
        Only "mpmath".

    Raises
    ------
    EvaluationError
        Where a symbol has no value, a value is not exact, or the digits are not reached.

    Examples
    --------
    >>> from sympy import sinh, symbols
    >>> b = symbols("b")
    >>> evaluate((sinh(b) ** 2 - b**2) / b**4, {b: Rational(1, 10**30)}, 30)
    Number(0.333333333333333333333333333333, error 3.3e-31, estimated)

    """
    if method != "mpmath":
        raise EvaluationError(f"no method {method!r}: the one there is is 'mpmath'")
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MAX_DIGITS:
        raise EvaluationError(f"digits must be a whole number from 1 to {MAX_DIGITS}, not {digits!r}")
    point = {symbol: _exact(symbol, value) for symbol, value in values.items()}
    candidates = [without_exact_sums(_sympify(candidate)) for candidate in (expr, *alternatives)]
    for candidate in candidates:
        missing = sorted(str(symbol) for symbol in candidate.free_symbols - point.keys())
        if missing:
            raise EvaluationError(f"no value for {', '.join(missing)} in {spelled(candidate)}: give one for each")
    failures: list[str] = []
    at_points = [substitute(candidate, point) for candidate in candidates]
    for at_point in at_points:
        check_range(at_point)
    if may_vanish and vanishes(private_context(), at_points[0], SUSPICION) is not None:
        # the last one decides: held expectations have no removable singularities that could pass for a zero
        bound = vanishes(private_context(), at_points[-1], digits)
        if bound is not None:
            return Number(Float(0, digits), Float(bound._mpf_, precision=20), digits, certified=False)
    for at_point in sorted(at_points, key=is_demanding):
        try:
            return _rounded(at_point, digits)
        except EvaluationError as failure:
            failures.append(str(failure))
    raise EvaluationError("; and its alternative: ".join(dict.fromkeys(failures)))


def _exact(symbol: Symbol, value: object) -> Expr:
    """Check one value: exact, real and finite."""
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    number = _sympify(value) if isinstance(value, int | Expr) and not isinstance(value, bool) else None
    if number is None or number.has(Float):
        raise EvaluationError(f"the value {value!r} of {symbol} is not exact: give a Rational or a Fraction")
    if not number.is_number or number.has(oo, -oo, zoo, nan) or number.is_extended_real is False:
        raise EvaluationError(f"the value {spelled(number)} of {symbol} is not a finite real number")
    return number


def _rounded(expr: Expr, digits: int) -> Number:
    """Evaluate an expression without free symbols, and round it."""
    if expr.has(nan, zoo, oo, -oo):
        raise EvaluationError("the expression is singular at this point: give another one of the same quantity")
    if expr.is_zero and not expr.args:
        return Number(Float(0, digits), Float(0, 3), digits, False)
    context = private_context()
    best, doubt = settle(context, expr, digits)
    whole, exponent = decimal_digits(context, best, digits)
    context.prec = bits(digits + 20)
    printed = whole * context.mpf(10) ** exponent
    value = Float(printed._mpf_, precision=dps_to_prec(digits))
    # the printed decimal and the binary value differ by less than a unit of the last digit: bound both
    rounding = max(abs(best - printed), abs(best - context.make_mpf(value._mpf_)))
    error = (rounding + doubt) * context.mpf("1.001")
    return Number(
        value,
        Float(error._mpf_, precision=20),
        digits,
        certified=False,
    )
