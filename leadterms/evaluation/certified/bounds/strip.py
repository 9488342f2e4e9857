"""Bounds of |F(M)| where all effects act through the constant term: one complex variable a, eta = a + b'x.

The plane of a is covered by dyadic squares, each looked at once whatever cell or ellipse asks for it.
"""

from __future__ import annotations

from math import ceil, floor, log2

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.tilted_squares import TiltedNodes, is_steep
from leadterms.evaluation.certified.moments.strands import Plans, Point, Strands
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval, larger
from leadterms.evaluation.certified.tools.several import modulus_of

COARSEST = 1
"""The largest squares have sides 2^-COARSEST."""
SPARE = 2
"""How many times a square is quartered before it is given up."""
TILE = (8, 2)
"""Squares that share a rule for the moments, along the real and the imaginary axis."""
MOST_SQUARES = 4000
RULE_BITS = 8


class Strip:
    """Bounds of |F(M(a))| over rectangles of the upper half plane.

    Parameters
    ----------
    strands
        A system whose effects enter every eta by the same constant term only, at a low precision.

    """

    def __init__(self, strands: Strands) -> None:
        self._strands = strands
        first = strands.problems[0].centre
        self._lines = [
            (problem.centre - first, [acb(slope) for slope in problem.slopes]) for problem in strands.problems
        ]
        self._found: dict[tuple[int, int, int], tuple[Ball, int]] = {}
        self._plans: dict[tuple[int, int, int], Plans | None] = {}
        self._is_steep = is_steep(strands.system)
        self._tilted: dict[tuple[int, int, int], TiltedNodes] = {}
        self._tilted_first: set[tuple[int, int, int]] = set()

    def bound(self, box: Ball) -> Ball:
        """Return an upper bound of |F| over a complex box with Im >= 0, not finite where none is proven.

        Where it is finite F is analytic on the box.
        """
        left, right = float(box.real.lower()), float(box.real.upper())
        low, high = max(0.0, float(box.imag.lower())), float(box.imag.upper())
        size = max(right - left, high - low)
        level = min(40, max(COARSEST, ceil(log2(2 / size)))) if size > 0 else 40
        unit = 2.0**level
        # wider than floats round
        margin = 1e-6 + 1e-15 * unit * max(abs(left), abs(right), high)
        first, last = floor(left * unit - margin), ceil(right * unit + margin)
        bottom, top = max(0, floor(low * unit - margin)), ceil(high * unit + margin)
        if (last - first) * (top - bottom) > MOST_SQUARES:
            return NAN
        columns, rows = range(first, last), range(bottom, top)
        largest = arb(0)
        # from the top down: what fails, fails far from the real line
        for j in reversed(rows):
            for i in columns:
                largest = larger(largest, self._square(level, i, j, SPARE))
                if not largest.is_finite():
                    return NAN
        return largest

    def _square(self, level: int, i: int, j: int, spare: int) -> Ball:
        key = (level, i, j)
        if key in self._found:
            known, tried = self._found[key]
            if known.is_finite() or tried >= spare:
                return known
        bound = self._direct(level, i, j)
        if not bound.is_finite() and spare:
            bound = arb(0)
            for child in ((1, 1), (0, 1), (1, 0), (0, 0)):
                bound = larger(bound, self._square(level + 1, 2 * i + child[0], 2 * j + child[1], spare - 1))
                if not bound.is_finite():
                    break
        self._found[key] = (bound, spare)
        return bound

    def _direct(self, level: int, i: int, j: int) -> Ball:
        tile = level, i // TILE[0], j // TILE[1]
        rules = self._plan(*tile)
        if rules is None:
            return NAN
        square = _rectangle(level, i, i + 1, j, j + 1)
        for is_tilted in (False, True) if tile not in self._tilted_first else (True, False):
            bound = self._by_tilt(tile, rules, square) if is_tilted else self._by_moments(rules, square)
            if bound.is_finite():
                return bound
        return NAN

    def _by_moments(self, rules: Plans, square: Ball) -> Ball:
        return modulus_of(self._strands.system.integrand(rules.moments([self._at(square)])[0]))

    def _by_tilt(self, tile: tuple[int, int, int], rules: Plans, square: Ball) -> Ball:
        """Bound it where weights are steep: the squares next to it that share its rule are tried so first."""
        if not self._is_steep:
            return NAN
        if tile not in self._tilted:
            self._tilted[tile] = TiltedNodes(self._strands, rules, self._lines)
        bound = self._tilted[tile].bound(square, tile[0])
        if bound.is_finite():
            self._tilted_first.add(tile)
        return bound

    def _at(self, shift: Ball) -> Point:
        """Return all linear predictors where the first has this constant term."""
        return tuple((shift + offset, slopes) for offset, slopes in self._lines)

    def _plan(self, level: int, i: int, j: int) -> Plans | None:
        key = (level, i, j)
        if key not in self._plans:
            region = _rectangle(level, TILE[0] * i, TILE[0] * (i + 1), TILE[1] * j, TILE[1] * (j + 1))
            ends = (region.real.lower(), region.real.mid(), region.real.upper())
            scales = self._strands.least_scales([self._at(end) for end in ends])
            try:
                self._plans[key] = self._strands.plan(self._at(region), RULE_BITS, scales)
            except EvaluationError:
                self._plans[key] = None
        return self._plans[key]


def _rectangle(level: int, left: int, right: int, low: int, high: int) -> Ball:
    unit = arb(2) ** level
    return acb(interval(arb(left) / unit, arb(right) / unit), interval(arb(low) / unit, arb(high) / unit))
