"""Laws that a researcher states by a density or by probabilities of their own: is their mass one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from sympy import Basic, Dummy, Expr, Integral, Sum, integrate, lambdify, oo

from leadterms.model.law import Piece

HANDMADE = "DistributionHandmade"
"""In the names of sympy's classes of such laws."""
TOLERANCE = 1e-3
"""Only what is wrong is found: a numerical integral over a line may be off where tails are heavy."""
DIGITS = 15
TERMS = 500
CUTS = tuple(side * 10.0**k for side, ks in ((-1, range(4, -3, -1)), (1, range(-2, 5))) for k in ks)
"""Between these points integrals are taken."""


def is_handmade(distribution: Basic) -> bool:
    """Tell whether a distribution of sympy is given by its density alone."""
    return HANDMADE in type(distribution).__name__


def check_mass(parts: tuple[Piece, ...], x: Expr, discrete: bool) -> None:
    """Refuse a density on the parts of its support whose integral is not one, or probabilities whose sum is not.

    Where there are parameters, or a sum is not found, nothing is refused.

    Raises
    ------
    ValueError
        If the mass, in numbers, is not one.

    """
    ends = [end for low, high, _ in parts for end in (low, high)]
    if any(density.free_symbols - {x} for _, _, density in parts) or not all(end.is_number for end in ends):
        return
    for integral in (_sum,) if discrete else (_integral, _exact_integral):
        found = [integral(*part, x) for part in parts]
        known = [mass for mass in found if mass is not None]
        mass = sum(known)
        if len(known) < len(found) or abs(mass - 1) < TOLERANCE:
            return
    raise ValueError(f"its mass is {mass:.6g}, not 1")


def _sum(low: Expr, high: Expr, density: Expr, x: Expr) -> float | None:
    """Return the sum of probabilities: sympy's, or that of so many terms where the last is very small."""
    n = Dummy("n", integer=True)
    total = Sum(density.xreplace({x: n}), (n, low, high)).doit()
    if not total.has(Sum) and total.is_number:
        return float(total)
    if not low.is_finite:
        return None
    context, function = _function(density, x)
    terms = [function(context.mpf(int(low) + i)) for i in range(TERMS)]
    return float(context.fsum(terms)) if terms[-1] * TERMS < TOLERANCE else None


def _integral(low: Expr, high: Expr, density: Expr, x: Expr) -> float:
    """Return an integral in numbers."""
    context, function = _function(density, x)
    ends = [
        context.inf if end == oo else -context.inf if end == -oo else context.mpf(float(end)) for end in (low, high)
    ]
    inner = [cut for cut in CUTS if ends[0] < cut < ends[1]]
    return float(context.quad(function, [ends[0], *inner, ends[1]]))


def _exact_integral(low: Expr, high: Expr, density: Expr, x: Expr) -> float:
    """Return an integral by sympy where it finds one, in numbers otherwise: they may miss a narrow peak."""
    exact = integrate(density, (x, low, high))
    return _integral(low, high, density, x) if exact.has(Integral) or not exact.is_number else float(exact)


def _function(density: Expr, x: Expr) -> tuple[Any, Callable[[Any], Any]]:
    """Return a density as a function of numbers of a private context."""
    context = mpmath.MPContext()
    context.dps = DIGITS
    y = Dummy("y", real=True)
    names = {name: getattr(context, name) for name in dir(context) if not name.startswith("_")}
    return context, lambdify(y, density.xreplace({x: y}), [names])
