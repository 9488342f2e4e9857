"""Bases of surds and symbolic powers: primes and positive factors are split off, the rest stays whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import fmpz
from sympy import Abs, Expr, Integer, Mul, Pow, Rational, S

from leadterms.algebra.factors import factored

Settle = Callable[[Expr], Expr]
Part = tuple[Expr, Any]  # base, multiplicity

_FACTORED_BELOW = 2**64  # larger numbers in a base stay whole: factoring them may take long


def positive_parts(base: Expr, lift: Callable[[Expr], Any], settle: Settle) -> list[Part] | None:
    """Split ``base`` into parts b_i with ``base**e == prod(b_i**(k_i*e))`` for every exponent e.

    The split holds on principal branches because at most one part is not known to be positive; the square of
    a real factor is a part of its own, so that sqrt(f**2) is the absolute value of f.

    Parameters
    ----------
    base
        Base of a power with a non-integer exponent.
    lift
        Map from an expression to a fraction.
    settle
        Map from an expression to the one shape of its value.

    Returns
    -------
    list of (part, multiplicity), or None
        Parts in settled shape; None if the base vanishes identically.

    """
    if base.is_Symbol or base is S.NegativeOne:
        return [(base, 1)]
    value = lift(base)
    value = value.field.rationalised(value)
    if value.is_zero:
        return None
    parts: list[Part] = []
    rest: list[Expr] = []
    for polynomial, sign in ((value.numerator, 1), (value.denominator, -1)):
        found = factored(value.field, polynomial)
        parts += [(Integer(prime), sign * times) for prime, times in _primes(abs(found.content))]
        if found.content < 0:
            rest.append(S.NegativeOne)
        units = [value.field.generators[i] for i in value.field.exponential_indices]
        factors = [(value.field.polynomial_to_sympy(f), k) for f, k in found.factors]
        for shown, times in [*zip(units, found.unit, strict=True), *factors]:
            if not times:
                continue
            if shown.is_positive or (sign > 0 and shown.is_nonnegative):
                parts.append(_flattened(settle(shown), sign * times))
                continue
            if shown.is_extended_real and times > 1:
                parts.append((settle(shown**2), sign * (times // 2)))
                times %= 2
            rest.append(Pow(shown, sign * times))
    remaining = settle(Mul(*rest))
    return parts if remaining is S.One else [*parts, (remaining, 1)]


def _flattened(part: Expr, multiplicity: int) -> Part:
    """Return a positive part with its own rational power taken into the multiplicity."""
    if isinstance(part, Abs):
        return part.args[0] ** 2, Rational(multiplicity, 2)
    if isinstance(part, Pow) and part.exp.is_Rational and part.base.is_positive:
        return part.base, part.exp * multiplicity
    return part, multiplicity


def _primes(number: int) -> list[tuple[int, int]]:
    if number == 1:
        return []
    if number >= _FACTORED_BELOW:
        return [(number, 1)]
    return [(int(prime), int(multiplicity)) for prime, multiplicity in fmpz(number).factor()]
