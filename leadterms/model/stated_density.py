"""Laws that a researcher states by a density or by probabilities of their own: is their mass one."""

from __future__ import annotations

import mpmath
from sympy import Basic, Dummy, Expr, Sum, lambdify, oo

from leadterms.model.law import Piece

HANDMADE = "DistributionHandmade"
"""In the names of sympy's classes of such laws."""
TOLERANCE = 1e-3
"""Only what is wrong is found: a numerical integral over a line may be off where tails are heavy."""
DIGITS = 15


def is_handmade(distribution: Basic) -> bool:
    """Tell whether a distribution of sympy is given by its density alone."""
    return HANDMADE in type(distribution).__name__


def check_mass(parts: tuple[Piece, ...], x: Expr, discrete: bool) -> None:
    """Refuse a density on the parts of its support whose integral is not one, or probabilities whose sum is not.

    Where there are parameters, or sympy knows no sum, nothing is refused.

    Raises
    ------
    ValueError
        If the mass, in numbers, is not one.

    """
    ends = [end for low, high, _ in parts for end in (low, high)]
    if any(density.free_symbols - {x} for _, _, density in parts) or not all(end.is_number for end in ends):
        return
    found = [_sum(*part, x) if discrete else _integral(*part, x) for part in parts]
    known = [mass for mass in found if mass is not None]
    mass = sum(known)
    if len(known) == len(found) and not abs(mass - 1) < TOLERANCE:
        raise ValueError(f"its mass is {mass:.6g}, not 1")


def _sum(low: Expr, high: Expr, density: Expr, x: Expr) -> float | None:
    n = Dummy("n", integer=True)
    total = Sum(density.xreplace({x: n}), (n, low, high)).doit()
    return None if total.has(Sum) or not total.is_number else float(total)


def _integral(low: Expr, high: Expr, density: Expr, x: Expr) -> float:
    context = mpmath.MPContext()
    context.dps = DIGITS
    y = Dummy("y", real=True)
    names = {name: getattr(context, name) for name in dir(context) if not name.startswith("_")}
    function = lambdify(y, density.xreplace({x: y}), [names])
    ends = [context.inf if end == oo else -context.inf if end == -oo else float(end) for end in (low, high)]
    inner = [context.mpf(0)] if not (low.is_finite or high.is_finite) else []
    return float(context.quad(function, [ends[0], *inner, ends[1]]))
