"""What sympy's functions are in balls: a method of ``arb`` and ``acb``, or a function of our own.

Every function returns a ball that contains all its values on the balls given; outside its domain the result is
not finite, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import acb, acb_mat, arb, arb_mat

from leadterms.errors import UncertifiedError
from leadterms.notation.functions import InverseEntry

Ball = Any


def li_neg_exp(s: Ball, x: Ball) -> Ball:
    r"""Return :math:`-\mathrm{Li}_s(-e^x)`, analytic for :math:`|\mathrm{Im}\,x| < \pi`."""
    if isinstance(x, arb):
        return -(-x.exp()).polylog(s)
    if not bool(abs(x.imag) < arb.pi()):
        return _nowhere(x)
    return -(-x.exp()).polylog(s)


def whole_power(base: Ball, exponent: int) -> Ball:
    """Return base^exponent for a whole exponent > 0; ``**`` of python-flint has no value where a ball holds 0."""
    result, square = None, base
    while True:
        if exponent & 1:
            result = square if result is None else result * square
        exponent >>= 1
        if not exponent:
            return result
        square = square * square


class OpenCaseError(UncertifiedError):
    """A case distinction that more precision may decide."""


def holds(relation: str, left: Ball, right: Ball) -> bool:
    """Decide a relation between two real balls.

    Raises
    ------
    OpenCaseError
        If the balls overlap, so that it is open at this precision on which side of a boundary the value is.

    """
    difference = left - right
    if isinstance(difference, acb):
        difference = difference.real
    below, above = bool(difference < 0), bool(difference > 0)
    if not (below or above or difference.is_zero()):
        raise OpenCaseError("a case distinction could not be decided in balls: the values are too close")
    return {"<": below, "<=": not above, ">": above, ">=": not below, "==": not (below or above), "!=": below or above}[
        relation
    ]


def _nowhere(like: Ball) -> Ball:
    return like * arb.nan()


def _complex(x: Ball) -> acb:
    return x if isinstance(x, acb) else acb(x)


def _like(value: acb, *arguments: Ball) -> Ball:
    """Return a complex result as a real one where all arguments were real and the value surely is."""
    if any(isinstance(argument, acb) for argument in arguments):
        return value
    return value.real if value.imag.contains(0) else _nowhere(value.real)


def hyper(above: tuple[Ball, ...], below: tuple[Ball, ...], z: Ball) -> Ball:
    """Return the generalised hypergeometric function."""
    return z.hypgeom(list(above), list(below))


def beta(a: Ball, b: Ball) -> Ball:
    """Return B(a, b)."""
    return a.gamma() * b.gamma() * (a + b).rgamma()


def binomial(n: Ball, k: Ball) -> Ball:
    """Return n choose k, by gamma functions."""
    return (n + 1).gamma() * (k + 1).rgamma() * (n - k + 1).rgamma()


def rising_factorial(x: Ball, n: Ball) -> Ball:
    """Return (x)_n."""
    return x.rising(n) if isinstance(x, arb) and isinstance(n, arb) else (x + n).gamma() * x.rgamma()


def polygamma(n: Ball, x: Ball) -> Ball:
    """Return the n-th derivative of the digamma function."""
    return _like(_complex(x).polygamma(_complex(n)), n, x)


def trigamma(x: Ball) -> Ball:
    """Return the derivative of the digamma function."""
    return _like(_complex(x).polygamma(acb(1)), x)


_METHODS = """
acos acosh asin asinh atan atanh cos cosh cot coth csc csch erf erfc erfi exp expm1 gamma log log1p sec sech sin
sinh tan tanh
"""
_OWN: dict[str, str | Callable[..., Ball]] = {
    "Abs": abs,
    "Chi": "chi",
    "Ci": "ci",
    "Ei": "ei",
    "LambertW": "lambertw",
    "LiNegExp": li_neg_exp,
    "Max": lambda first, *rest: _fold("max", first, rest),
    "Min": lambda first, *rest: _fold("min", first, rest),
    "RisingFactorial": rising_factorial,
    "Shi": "shi",
    "Si": "si",
    "Trigamma": trigamma,
    "atan2": lambda y, x: arb.atan2(y, x),
    "besseli": lambda n, x: x.bessel_i(n),
    "besselk": lambda n, x: x.bessel_k(n),
    "beta": beta,
    "betainc_regularized": lambda a, b, low, high: high.beta_lower(a, b, 1) - low.beta_lower(a, b, 1),
    "binomial": binomial,
    "catalan": lambda n: binomial(2 * n, n) / (n + 1),
    "erfinv": "erfinv",
    "expint": lambda s, x: x.expint(s),
    "factorial": lambda n: (n + 1).gamma(),
    "hyper": hyper,
    "li": "li",
    "loggamma": "lgamma",
    "lowergamma": lambda s, x: x.gamma_lower(s),
    "polygamma": polygamma,
    "polylog": lambda s, x: x.polylog(s),
    "sign": "sgn",
    "InverseEntry": lambda row, column, *entries: InverseEntry.value(_inverse, row, column, *entries),
    "uppergamma": lambda s, x: x.gamma_upper(s),
    "zeta": lambda s: s.zeta(),
}
FUNCTIONS: dict[str, str | Callable[..., Ball]] = {**{name: name for name in _METHODS.split()}, **_OWN}
"""By sympy's name: a method's name, or a function of the values of the arguments."""

CONSTANTS: dict[str, Callable[[], arb]] = {
    "Pi": arb.pi,
    "Exp1": arb.const_e,
    "EulerGamma": arb.const_euler,
    "Catalan": arb.const_catalan,
    "GoldenRatio": lambda: (1 + arb(5).sqrt()) / 2,
}
"""By sympy's class of the constant."""


def _inverse(rows: list[list[Ball]]) -> list[list[Ball]]:
    """Return the inverse of a matrix of balls, not finite where it may be singular."""
    kind = acb_mat if any(isinstance(entry, acb) for row in rows for entry in row) else arb_mat
    try:
        return kind(rows).inv().tolist()  # type: ignore[no-any-return]
    except ZeroDivisionError:
        return [[rows[0][0] * arb.nan()] * len(rows)] * len(rows)


def _fold(method: str, first: Ball, rest: tuple[Ball, ...]) -> Ball:
    for other in rest:
        first = getattr(first, method)(other)
    return first
