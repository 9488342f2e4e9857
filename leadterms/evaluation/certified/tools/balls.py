"""Small tools for balls: ends, boxes, and exact expressions evaluated as balls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

import sympy
from flint import acb, arb, arb_mat, fmpq, fmpz
from sympy import Basic, Expr

from leadterms.errors import EvaluationError
from leadterms.evaluation.ball_functions import FUNCTIONS
from leadterms.evaluation.precision import spelled

Ball = Any
"""An ``arb`` or an ``acb``."""
End = Any
"""An end of an interval: an ``arb``, or None where it does not end."""

Cell = tuple[tuple[Ball, Ball], ...]
"""Lower and upper end, exact, for each effect."""

NAN = arb.nan()
PLANNING_BITS = 64
"""The precision of bounds and tolerances; values are at the one that is asked for."""


def interval(low: Ball, high: Ball) -> Ball:
    """Return a ball that contains [low, high]."""
    return low.union(high)


def integral(function: Callable[[Ball], Ball], low: Ball, high: Ball) -> Ball:
    """Return the integral over a real interval of a function whose value is finite only where it is analytic."""
    return acb.integral(lambda x, _: acb(function(x)), acb(low), acb(high)).real


def lower_root(rows: Sequence[Sequence[Ball]]) -> list[list[Ball]]:
    """Return the lower triangular root of a symmetric matrix, not finite where a pivot is not shown to be positive."""
    triangle = [[arb(0)] * len(rows) for _ in rows]
    for i, row in enumerate(rows):
        for j in range(i + 1):
            rest = row[j] - sum((triangle[i][k] * triangle[j][k] for k in range(j)), arb(0))
            triangle[i][j] = rest.sqrt() if i == j else rest / triangle[j][j]
    return triangle


def disc(radius: Ball) -> Ball:
    """Return a complex box around the disc |z| <= radius."""
    whole = arb(0, radius.abs_upper()) if radius.is_finite() else NAN
    return acb(whole, whole)


def ball_around_zero(radius: Ball, like: Ball) -> Ball:
    """Return a ball of that radius, complex where another number is."""
    return disc(radius) if isinstance(like, acb) else arb(0, radius.abs_upper())


def spread(middle: Ball, relative: Ball) -> Ball:
    """Return a complex box around all z with |z/middle - 1| <= relative."""
    return middle * (1 + disc(relative))


def half_diagonal(box: Ball) -> Ball:
    """Return an upper bound of the distance of a complex box's points from its midpoint."""
    radius: Ball = acb(box.real.rad(), box.imag.rad()).abs_upper()
    return radius


def larger(first: Ball, second: Ball) -> Ball:
    """Return the larger of two upper bounds; not finite where one of them is not."""
    if not (first.is_finite() and second.is_finite()):
        return NAN
    return first.max(second)


def inner(first: Iterable[Ball], second: Iterable[Ball], start: Ball | None = None) -> Ball:
    """Return the inner product, added to a start."""
    return sum((a * b for a, b in zip(first, second, strict=True)), arb(0) if start is None else start)


def smaller(first: Ball, second: Ball) -> Ball:
    """Return the smaller of two upper bounds, either of which may not be finite."""
    if not second.is_finite():
        return first
    return second if not first.is_finite() else first.min(second)


def least_eigenvalue(block: arb_mat) -> Ball:
    """Bound the least eigenvalue of a positive semidefinite matrix G of order d from below.

    It is at least det G ((d - 1)/tr G)^(d - 1): the product of the others is at most the power of their mean, and their
    sum at most the trace.
    """
    size = block.nrows()
    trace = sum((block[i, i] for i in range(size)), arb(0))
    return block.det() * ((size - 1) / trace) ** (size - 1) if size > 1 else trace


def float_log(ball: Ball) -> float:
    """Return the natural logarithm of the middle of a ball, as a float; for estimates."""
    middle = ball.mid()
    return float(middle.log().mid()) if middle > 0 else -inf


def whole_power(base: Ball, exponent: int) -> Ball:
    """Return base^exponent for a whole exponent, an even power of a real interval without negative part."""
    if exponent == 0:
        return base * 0 + 1
    if not isinstance(base, arb):
        return base**exponent
    # not by **, which is not finite for a real ball that holds zero
    factor = abs(base) if exponent % 2 == 0 else base
    power = factor
    for _ in range(exponent - 1):
        power = power * factor
    return power


def value_of(expr: Basic, values: Mapping[Basic, Ball] | None = None) -> Ball:
    """Return the value of an exact expression as a ball at the current precision, not finite near a branch cut.

    Parameters
    ----------
    expr
        Built from exact numbers, powers and elementary or gamma functions.
    values
        Balls for its symbols.  With complex boxes the result is an enclosure over the box, and where it is finite
        the expression is analytic on the box.

    Raises
    ------
    EvaluationError
        If a function in it is not known here.

    Examples
    --------
    >>> from sympy import Rational, sqrt
    >>> value_of(sqrt(2) - Rational(7, 5)).contains(arb("0.0142135623730950488"))
    True

    """
    if values and expr in values:
        return values[expr]
    if isinstance(expr, sympy.Rational):
        return arb(fmpq(int(expr.p), int(expr.q)))
    if expr in CONSTANTS:
        return CONSTANTS[expr]()
    if isinstance(expr, sympy.hyper) and len(expr.ap) <= len(expr.bq):
        # an entire function
        above, below = ([value_of(number, values) for number in numbers] for numbers in (expr.ap, expr.bq))
        return value_of(expr.argument, values).hypgeom(above, below)
    arguments = [value_of(argument, values) for argument in expr.args]
    if isinstance(expr, sympy.Add):
        return sum(arguments[1:], arguments[0])
    if isinstance(expr, sympy.Mul):
        product = arguments[0]
        for factor in arguments[1:]:
            product = product * factor
        return product
    if isinstance(expr, sympy.Pow):
        return _power(arguments[0], arguments[1], expr.exp)
    name = type(expr).__name__
    if name == "log":
        return _log(arguments[0])
    if name == "Abs" and isinstance(arguments[0], arb):
        return abs(arguments[0])
    if name in ENTIRE and len(arguments) == 1:
        return getattr(arguments[0], ENTIRE[name])()
    if name == "factorial":
        return (arguments[0] + 1).gamma()
    if name == "beta":
        first, second = arguments
        return first.gamma() * second.gamma() * (first + second).rgamma()
    if name in FUNCTIONS and not expr.free_symbols:
        # a constant: nothing is asked of it as a function
        found = FUNCTIONS[name]
        return getattr(arguments[0], found)() if isinstance(found, str) else found(*arguments)
    raise EvaluationError(f"no ball arithmetic for {spelled(expr)}: {name} is not known to the certified road")


CONSTANTS = {
    sympy.pi: arb.pi,
    sympy.E: arb.const_e,
    sympy.EulerGamma: arb.const_euler,
    sympy.Catalan: arb.const_catalan,
}
ENTIRE = {
    "exp": "exp",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "erf": "erf",
    "erfc": "erfc",
    "gamma": "gamma",
    "sech": "sech",
}
"""Functions whose balls are not finite where a singularity may be."""


def _power(base: Ball, exponent: Ball, exact: Expr) -> Ball:
    if isinstance(exact, sympy.Integer):
        return whole_power(base, int(exact)) if exact > 0 else base ** fmpz(int(exact))
    if exact == sympy.Rational(1, 2) and isinstance(base, arb):
        return base.sqrt()
    if base.is_zero() and exact.is_positive:
        return base
    return (exponent * _log(base)).exp()


def _log(ball: Ball) -> Ball:
    """Return the principal logarithm, not finite where the ball touches the cut."""
    if isinstance(ball, arb):
        return ball.log()
    if ball.real > 0 or ball.imag > 0 or ball.imag < 0:
        return ball.log()
    return acb(NAN, NAN)
