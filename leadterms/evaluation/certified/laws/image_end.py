r"""The density of U = g(X) next to the image of an end of X, where U is not bounded, and how it falls.

It is f(g^{-1}(u)) |dg^{-1}(u)/du|, and its tails are found by its elasticity (`tail_growth`), or by that of the density
of y = c v + d, v = u or -u, d >= 0: beyond a cut |u| <= y/c, and rate u is rate (y - d)/c or minus that.
"""

from __future__ import annotations

import sympy
from flint import arb
from sympy import Dummy

from leadterms.evaluation.certified.laws import tail_growth
from leadterms.evaluation.certified.laws.tail_growth import TailGrowth
from leadterms.evaluation.certified.tools.balls import NAN, Ball, value_of
from leadterms.expectation.mapped_law import MappedLaw

CHANGES = ((1, 0), (8, 0), (1, 4), (1, 16), (1, 64))
"""c and d of y = c v + d, the first that takes the cut beyond e."""
U = Dummy("u", real=True)


class ImageEnd:
    """How the density falls, on a piece of the support of X."""

    def __init__(self, law: MappedLaw, side: int) -> None:
        self._law, self._sign = law, 1 if (side == 1) == law.rises else -1
        low, high, self._base_density = law.base.parts(law.variable)[-side]
        self._piece = tuple(None if abs(end) == sympy.oo else value_of(end) for end in (low, high))
        self._density = law.of_density(self._base_density, U)
        self._growths: dict[tuple[int, int], TailGrowth] = {}

    def tail(self, x: Ball, u: Ball, power: int, rate: Ball) -> Ball:
        """Bound E|U|^power e^(rate U) beyond u, the image of x; not finite where that is not on the piece."""
        first, last = self._piece
        if not ((first is None or x >= first) and (last is None or x <= last)):
            return NAN
        value, rate = value_of(self._density, {U: u}), self._sign * rate
        for scale, shift in CHANGES:
            start = self._sign * u * scale + shift
            if start > arb(1).exp() and (self._sign * u > 0 or start >= scale * abs(u)):
                found = self._growth(scale, shift).tail(start, value / scale, power, rate / scale)
                return (found * (-rate * shift / scale).exp() / arb(scale) ** power).abs_upper()
        return NAN

    def _growth(self, scale: int, shift: int) -> TailGrowth:
        if (scale, shift) not in self._growths:
            u = self._sign * (tail_growth.X - shift) / scale
            self._growths[scale, shift] = TailGrowth(self._law.of_density(self._base_density, u))
        return self._growths[scale, shift]
