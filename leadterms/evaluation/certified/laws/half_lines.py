r"""Laws whose density lives on one half of the line, or on both, as rays (`rays`), and bounds of it there.

The bounds are of (l + |x|)^p f(x) for real x = c +- s, l >= 0 and p >= 0: on cells that of f times the largest
(l + |x|)^p; beyond R, where f <= F (r/R)^-q with q >= p, F (l + |c| + R)^p, as (l + |c| + r)/(l + |c| + R) <= r/R;
within R next to the end c, where f <= F (r/R)^e, the same if e >= 0, F R^p if l = c = 0 and e + p >= 0, and else
with the enclosure of f over [0, R].
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from math import floor

import sympy
from flint import arb
from sympy import Abs, Expr, Integer

from leadterms.evaluation.certified.laws.line_base import X
from leadterms.evaluation.certified.laws.rays import Rays
from leadterms.evaluation.certified.laws.sector_growth import S
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, larger
from leadterms.evaluation.precision import ball_precision
from leadterms.expectation.random_rows import inner_point
from leadterms.model.laws import Law

FARTHER = 8.0
"""In u, where the order of an envelope is taken."""
ORDERS, HIGHEST = 64, 16
"""Orders are taken down to multiples of one part of so many, and to this."""


def without_moduli(density: Expr, low: Expr, high: Expr) -> Iterator[tuple[Expr, Expr, Expr]]:
    """Yield a density without absolute values of x, and the ends between which it is that."""
    moduli = {part for part in density.atoms(Abs) if part.has(X)}
    # others are left as they are, and refused by name where a value is asked for
    zeros = {part: sympy.solve(part.args[0], X) for part in moduli if part.args[0].is_polynomial(X)}
    zeros = {part: found for part, found in zeros.items() if all(zero.is_real is not None for zero in found)}
    kinks = {zero for found in zeros.values() for zero in found if zero.is_real and low < zero < high}
    for first, last in pairwise([low, *sorted(kinks), high]):
        inside = inner_point(first, last)
        signs = {part: sympy.sign(part.args[0].subs(X, inside)) * part.args[0] for part in zeros}
        yield density.xreplace(signs), first, last


@lru_cache(maxsize=64)
def rays_of(law: Law) -> tuple[Rays, ...] | None:
    """Return the parts of a law's density, from the ends or from zero; None where a part is bounded, or not known."""
    found = []
    for density, low, high in (one for a, b, f in law.parts(X) for one in without_moduli(f, a, b)):
        if low.is_finite and high.is_finite:
            return None
        origin = low if low.is_finite else high if high.is_finite else Integer(0)
        for sign, end in ((-1, low), (1, high)):
            if not end.is_finite:
                found.append(Rays(density.subs(X, origin + sign * S), origin, sign))
    with ball_precision(PLANNING_BITS):
        return tuple(found) if found and all(part.widest for part in found) else None


def law_crest(law: Law, power: int) -> Ball:
    """Return a bound of |x|^power times the density, not finite where none is known."""
    return _largest(law, arb(power), arb(0))


@lru_cache(maxsize=64)
def law_envelope(law: Law) -> tuple[Ball, Ball]:
    """Return C and p where the density is at most C (1 + |x|)^-p, not finite where none is known."""
    parts = rays_of(law)
    if not parts:
        return NAN, NAN
    with ball_precision(PLANNING_BITS):
        least = min(float(part.fall(part.last + FARTHER, 0.0).lower()) for part in parts)
        order = arb(min(HIGHEST, floor(ORDERS * least) / ORDERS))
        return _largest(law, order, arb(1)), order


def _largest(law: Law, power: Ball, more: Ball) -> Ball:
    parts = rays_of(law)
    if not parts:
        return NAN
    with ball_precision(PLANNING_BITS):
        found = [part.largest(power, more) for part in parts]
        total = found[0]
        for other in found[1:]:
            total = larger(total, other)
        return total
