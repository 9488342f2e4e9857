"""The sign of a variance: positive, and written so where a leading minus can go into a sum."""

from __future__ import annotations

from sympy import Add, Expr, Integer, Mul, Pow


def without_leading_minus(variance: Expr) -> Expr:
    """Return the same positive quantity with its leading minus sign, if any, drawn into one of its sums.

    The canonical form reads signs off at a reference point, which says nothing about opaque functions and held
    expectations; that a variance is positive does.  A sum that starts with a minus itself is preferred.

    Examples
    --------
    >>> from sympy import symbols
    >>> a, b, c = symbols("a b c")
    >>> without_leading_minus(-a / (b - c))
    a/(-b + c)

    """
    factors = Mul.make_args(variance)
    if len(factors) < 2 or not (factors[0].is_Rational and factors[0] < 0):
        return variance
    sums = [factor for factor in factors if _is_odd_sum(factor)]
    if not sums:
        return variance
    turned = min(sums, key=lambda factor: not factor.as_base_exp()[0].could_extract_minus_sign())
    base, power = turned.as_base_exp()
    negated = Pow(Add(*(-term for term in base.args)), power)
    return Mul(Integer(-1) * factors[0], negated, *(factor for factor in factors[1:] if factor is not turned))


def _is_odd_sum(factor: Expr) -> bool:
    base, power = factor.as_base_exp()
    return bool(base.is_Add and power.is_Integer and power.is_odd)
