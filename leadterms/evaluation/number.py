"""Any coefficient, closed or held, to the digits asked for, with an error: certified wherever there is a road."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from numbers import Integral, Real

from sympy import Expr, Float, Rational, Symbol, nan, oo, zoo
from sympy.core.sympify import _sympify

from leadterms.errors import EvaluationError, UncertifiedError
from leadterms.evaluation.binding import without_exact_sums
from leadterms.evaluation.decimal_text import bound_in_text, decimal_as_text, in_latex, in_text
from leadterms.evaluation.precision import MAX_DIGITS, spelled

METHODS = ("balls", "mpmath")
"""Certified by ball arithmetic; estimated by mpmath, the second road."""


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
    road
        How the value was found.
    decimal
        What is printed, whole * 10^exponent, exactly; ``value`` is the binary number nearest to it. Rounded down or up
        it is the decimal that is on the safe side.

    Examples
    --------
    >>> Number(Float("0.25", 5), Float("4.99e-6", 3), 5, False)
    Number(0.25000, error 5.0e-6, estimated)

    """

    value: Float
    error: Float
    digits: int
    certified: bool
    road: str = ""
    decimal: tuple[int, int] | None = None

    def __str__(self) -> str:
        return in_text(self.value, self.digits) if self.decimal is None else decimal_as_text(*self.decimal)

    def __repr__(self) -> str:
        kind = "certified" if self.certified else "estimated"
        return f"Number({self}, error {bound_in_text(self.error)}, {kind})"

    def __float__(self) -> float:
        return float(self.value)

    def _repr_latex_(self) -> str:
        return f"${in_latex(str(self))}$"


def evaluate(
    expr: Expr,
    values: Mapping[Symbol, Rational],
    digits: int = 15,
    *,
    alternatives: Sequence[Expr] = (),
    may_vanish: bool = False,
    method: str | None = None,
    rounding: str = "nearest",
    patience: float = 1,
    last_resort: Callable[[], Expr] | None = None,
) -> Number:
    """Return the value of a coefficient at an exact point, to the digits asked for.

    By default the value is certified: it is computed in balls that contain the truth, at growing precision until
    the digits are determined. Expectations for which no bound is proven are estimated by the second road,
    successive refinements in mpmath, and marked so.

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
        then a value that cannot be told from zero is given as 0, with a bound as its error.
    method
        "balls": certified, or an error; "mpmath": the second road, whose error is an estimate; None: certified
        where there is a certified road, else the second.
    rounding
        "nearest", "down" (the printed decimal is not above the truth) or "up" (not below it).
    patience
        How many times the usual work is done before the general certified road or an estimate gives up; what usually
        takes far too long is tried where it is more than 1. ``math.inf``: neither gives up.
    last_resort
        Makes one more expression of the same quantity, for the certified road where the others fail.

    Raises
    ------
    EvaluationError
        Where a symbol has no value, a value is not exact, or the digits are not reached.

    Examples
    --------
    >>> from sympy import sinh, symbols
    >>> b = symbols("b")
    >>> evaluate((sinh(b) ** 2 - b**2) / b**4, {b: Rational(1, 10**30)}, 30)
    Number(0.333333333333333333333333333333, error 3.4e-31, certified)

    """
    from leadterms.evaluation.estimated_value import estimated_value
    from leadterms.evaluation.rounding import check_rounding

    if method is not None and method not in METHODS:
        raise EvaluationError(f"no method {method!r}: there are {' and '.join(map(repr, METHODS))}")
    digits = int(digits) if isinstance(digits, Integral) and not isinstance(digits, bool) else digits
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MAX_DIGITS:
        raise EvaluationError(f"digits must be a whole number from 1 to {MAX_DIGITS}, not {digits!r}")
    check_rounding(rounding)
    if isinstance(patience, bool) or not isinstance(patience, Real) or not patience >= 1:
        raise EvaluationError(f"patience must be a number from 1 on, not {patience!r}")
    point = {symbol: _exact(symbol, value) for symbol, value in values.items()}
    candidates = [_prepared(candidate) for candidate in (expr, *alternatives)]
    for candidate in candidates:
        missing = sorted(str(symbol) for symbol in _symbols(candidate) - point.keys())
        if missing:
            raise EvaluationError(f"no value for {', '.join(missing)} in {spelled(candidate)}: give one for each")
    if method != "mpmath":
        from leadterms.evaluation.certified.tools.work import patient
        from leadterms.evaluation.certified_value import certified_value

        further = None if last_resort is None else partial(_made, last_resort)
        try:
            with patient(float(patience)):
                return certified_value(candidates, point, digits, may_vanish, rounding, further)
        except UncertifiedError as missing:
            if method == "balls":
                raise
            try:
                return estimated_value(candidates, point, digits, may_vanish, rounding, float(patience))
            except EvaluationError as failure:
                raise EvaluationError(f"not certified: {missing}; nor estimated: {failure}") from failure
    return estimated_value(candidates, point, digits, may_vanish, rounding, float(patience))


def _made(last_resort: Callable[[], Expr]) -> Expr:
    return _prepared(last_resort())


@lru_cache(maxsize=1024)
def _prepared(candidate: Expr) -> Expr:
    prepared: Expr = without_exact_sums(_sympify(candidate))
    return prepared


@lru_cache(maxsize=1024)
def _symbols(candidate: Expr) -> frozenset[Symbol]:
    return frozenset(candidate.free_symbols)


def _exact(symbol: Symbol, value: object) -> Expr:
    """Check one value: exact, real and finite."""
    if isinstance(value, Rational) and value.is_finite:
        return value
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    number = _sympify(value) if isinstance(value, int | Expr) and not isinstance(value, bool) else None
    if number is None or number.has(Float):
        raise EvaluationError(f"the value {value!r} of {symbol} is not exact: give a Rational or a Fraction")
    if not number.is_number or number.has(oo, -oo, zoo, nan) or number.is_extended_real is False:
        raise EvaluationError(f"the value {spelled(number)} of {symbol} is not a finite real number")
    return number
