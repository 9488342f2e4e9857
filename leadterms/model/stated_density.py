"""Laws that a researcher states by a density or by probabilities of their own: are they laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from sympy import Basic, Dummy, Expr, Integral, Sum, integrate, lambdify, oo

from leadterms.model.law import Piece

HANDMADE = "DistributionHandmade"
"""In the names of sympy's classes of such laws."""
TOLERANCE, CLOSE = 1e-3, 1e-9
"""How far a mass may be off where its integral is in doubt, as where tails are heavy, and where it is not."""
DIGITS = 15
TERMS, LOOKS = 500, 101
CUTS = tuple(side * 10.0**k for side, ks in ((-1, range(4, -3, -1)), (1, range(-2, 5))) for k in ks)
"""Between these points integrals are taken."""


def is_handmade(distribution: Basic) -> bool:
    """Tell whether a distribution of sympy is given by its density alone."""
    return HANDMADE in type(distribution).__name__


def check_density(parts: tuple[Piece, ...], x: Expr, discrete: bool) -> None:
    """Refuse a density on the parts of its support, or probabilities, that are not those of a law.

    Sums that are not found are not refused; nor is a mass that is wrong by less than numbers tell.

    Raises
    ------
    ValueError
        If it has parameters, is no real function or negative somewhere, or the mass is not one.

    """
    names = sorted({str(symbol) for _, _, density in parts for symbol in density.free_symbols - {x}})
    if names:
        raise ValueError(f"a density of your own must be in numbers, but {', '.join(names)} has no value")
    if not all(end.is_number for low, high, _ in parts for end in (low, high)):
        raise ValueError("the ends of its support must be numbers")
    for part in parts:
        _check_sign(*part, x, discrete)
    for measured in (_sum,) if discrete else (_integral, _exact_integral):
        found = [measured(*part, x) for part in parts]
        known = [one for one in found if one is not None]
        mass, doubt = sum(value for value, _ in known), sum(error for _, error in known)
        if len(known) < len(found) or abs(mass - 1) < (TOLERANCE if doubt > CLOSE else CLOSE):
            return
    raise ValueError(f"its mass is {mass:.10g}, not 1")


def _check_sign(low: Expr, high: Expr, density: Expr, x: Expr, discrete: bool) -> None:
    """Look at so many points of a part."""
    context, function = _function(density, x)
    for point in _places(low, high, discrete):
        try:
            value = function(context.mpf(point))
            is_real = context.im(value) == 0
        except (NameError, TypeError, AttributeError) as error:
            raise ValueError(f"its density is not a function that numbers can be put in ({error})") from None
        except (ArithmeticError, ValueError):
            continue
        if not is_real or value < -CLOSE:
            raise ValueError(f"its density is {'negative' if is_real else 'not real'} at {point:.6g}")


def _places(low: Expr, high: Expr, discrete: bool) -> list[float]:
    """Return points of an interval, or the first of its whole numbers."""
    first, last = (None if end in (oo, -oo) else float(end) for end in (low, high))
    if discrete:
        start = -(LOOKS // 2) if first is None else first
        return [start + k for k in range(LOOKS - 1) if last is None or start + k <= last]
    shares = [k / LOOKS for k in range(1, LOOKS)]
    if first is not None and last is not None:
        return [first + t * (last - first) for t in shares]
    away = [t / (1 - t) for t in shares]
    if first is None and last is None:
        return [side * t for t in away for side in (-1, 1)]
    return [first + t for t in away] if first is not None else [last - t for t in away if last is not None]


def _sum(low: Expr, high: Expr, density: Expr, x: Expr) -> tuple[float, float] | None:
    """Return the sum of probabilities and about its error: sympy's, or of so many terms where the last is small."""
    n = Dummy("n", integer=True)
    total = Sum(density.xreplace({x: n}), (n, low, high)).doit()
    if not total.has(Sum) and total.is_number:
        return float(total), 0.0
    context, function = _function(density, x)
    value, left = 0.0, 0.0
    for places in _outwards(low, high):
        try:
            terms = [function(context.mpf(k)) for k in places]
        except (ArithmeticError, ValueError):
            # the probabilities of some are not found
            return None
        value += float(context.fsum(terms))
        left += float(abs(terms[-1]) * TERMS) if len(terms) == TERMS else 0.0
    return (value, left) if left < TOLERANCE else None


def _outwards(low: Expr, high: Expr) -> list[range]:
    """Return at most so many whole numbers from a finite end on, or from zero to both sides."""
    if low.is_finite:
        first = int(low)
        return [range(first, first + TERMS if high == oo else min(first + TERMS, int(high) + 1))]
    if high.is_finite:
        return [range(int(high), int(high) - TERMS, -1)]
    return [range(TERMS), range(-1, -1 - TERMS, -1)]


def _integral(low: Expr, high: Expr, density: Expr, x: Expr) -> tuple[float, float]:
    """Return an integral in numbers and about its error; of a polynomial without one."""
    if density.is_polynomial(x) and low.is_finite and high.is_finite:
        return float(integrate(density, (x, low, high))), 0.0
    context, function = _function(density, x)
    ends = [
        context.inf if end == oo else -context.inf if end == -oo else context.mpf(float(end)) for end in (low, high)
    ]
    inner = [cut for cut in CUTS if ends[0] < cut < ends[1]]
    value, error = context.quad(function, [ends[0], *inner, ends[1]], error=True)
    return float(context.re(value)), float(error)


def _exact_integral(low: Expr, high: Expr, density: Expr, x: Expr) -> tuple[float, float]:
    """Return an integral by sympy where it finds one, in numbers otherwise: they may miss a narrow peak."""
    exact = integrate(density, (x, low, high))
    if exact.has(Integral) or not exact.is_number:
        return _integral(low, high, density, x)
    return float(exact), 0.0


def _function(density: Expr, x: Expr) -> tuple[Any, Callable[[Any], Any]]:
    """Return a density as a function of numbers of a private context."""
    context = mpmath.MPContext()
    context.dps = DIGITS
    y = Dummy("y", real=True)
    names = {name: getattr(context, name) for name in dir(context) if not name.startswith("_")}
    return context, lambdify(y, density.xreplace({x: y}), [names])
