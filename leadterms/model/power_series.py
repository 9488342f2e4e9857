"""Infinite sums in a density as hypergeometric functions."""

from __future__ import annotations

from sympy import (
    Dummy,
    Expr,
    Integer,
    Poly,
    Sum,
    Symbol,
    expand_func,
    fraction,
    gamma,
    gammasimp,
    hyper,
    oo,
    powsimp,
    together,
)


def summed(density: Expr) -> Expr:
    """Return a density with its infinite sums of terms of rational ratio as hypergeometric functions.

    Examples
    --------
    >>> from sympy import factorial
    >>> k, x = Symbol("k"), Symbol("x")
    >>> summed(Sum(x**k / factorial(k) / (k + 1), (k, 0, oo)))
    hyper((1,), (2,), x)

    """
    return density.replace(Sum, _summed) if density.has(Sum) else density


def _summed(term: Expr, limits: Expr) -> Expr:
    index, low, high = limits
    kept = Sum(term, limits)
    if high != oo or not low.is_Integer:
        return kept
    k = Dummy("k", positive=True)
    term = term.xreplace({index: k + low})
    term = term.rewrite(gamma)
    ratio = together(powsimp(expand_func(gammasimp(term.xreplace({k: k + 1}) / term))))
    if not ratio.is_rational_function(k):
        return kept
    above, below = fraction(ratio.cancel())
    roots = [_roots(part, k) for part in (above, below)]
    if None in roots:
        return kept
    (tops, first), (bottoms, last) = roots  # type: ignore[misc]
    # the k! that a hypergeometric term has
    if Integer(1) in bottoms:
        bottoms.remove(Integer(1))
    else:
        tops.append(Integer(1))
    start = term.xreplace({k: Integer(0)})
    return start * hyper(tops, bottoms, first / last)


def _roots(part: Expr, k: Symbol) -> tuple[list[Expr], Expr] | None:
    """Return the a of a product of k + a, and its leading coefficient; None where it is none."""
    found: list[Expr] = []
    leading = Integer(1)
    for factor in part.factor(k).as_ordered_factors():
        base, power = factor.as_base_exp()
        if not factor.has(k):
            leading *= factor
            continue
        if not base.is_polynomial(k) or Poly(base, k).degree() != 1 or not power.is_Integer or power < 1:
            return None
        slope, level = Poly(base, k).all_coeffs()
        found += [level / slope] * int(power)
        leading *= slope**power
    return found, leading
