"""Moments at many points of the random effects: what the effects do not touch is summed once, into polynomials.

Let z be the predictors whose slopes are fixed and x the others, in an affine eta = s + b'z, where s = shift + slopes'x
alone depends on the effects.  The rules' double sum is

    sum_j m_j x_j^e G_k(x_j),   G_k(s) = sum_l m_l z_l^k w(s + b'z_l),

with the G_k functions of one variable.  On an interval of half width r they are replaced by their interpolants P of
degree n in the n + 1 Chebyshev points.

The error of interpolation is that of `interpolation`.

Of several predictors z the one with the most nodes goes into a table of its own first: given all others, its sum is a
function of one variable, too.  With an error at most e_k of its k-th power's sum that of G is at most e_k times the
others' own sum of |m_l z_l^k|, and is in the balls of the values that are interpolated.  A weight whose values are
costly has a table of its own, by the same reasoning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log, prod

import numpy as np
from flint import arb, arb_mat, arb_poly

from leadterms.evaluation.certified.moments.fine_polynomials import FinePolynomials, fine_polynomials
from leadterms.evaluation.certified.moments.table_sums import Averages, NestedSums, Split, Sums, Transformed
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, interval, larger
from leadterms.evaluation.certified.tools.discs import TINY, UNIT, Reals, upwards
from leadterms.evaluation.certified.tools.interpolation import LOST_BITS, MARGIN, chebyshev, floor_ratio
from leadterms.evaluation.certified.tools.work import FEW_UNITS, spend
from leadterms.evaluation.precision import ball_bits, ball_precision

HALF_WIDTH = 0.6
HEIGHTS = (2.6, 2.0, 1.4, 0.9, 0.5)
"""Heights of the ellipses that are tried, in the linear predictor."""
MOST_DEGREE = 400
KEPT_MARGIN = 4.0
"""By so much tables that are kept are wider than the points at hand need."""
COARSE = 4
"""Counts of points are multiples of this."""
DEGREE_PER_BIT = 0.3
"""About how many degrees each bit needs."""


def values_needed(low: float, high: float) -> float:
    """Estimate how many values a table for s between two ends is made of."""
    return (ball_bits() * DEGREE_PER_BIT + 4) * max(1, ceil((high - low) / (2 * HALF_WIDTH)))


def cost(split: Split, powers: int, low: float, high: float) -> float:
    """Estimate what a table for s between two ends costs, in units of work."""
    values = values_needed(low, high)
    sizes = [len(split.rules[i].points) for i in split.fixed]
    if len(sizes) < 2:
        return values * prod(sizes) * split.weight.real_units
    place = sizes.index(max(sizes))
    spread = sum(
        float(abs(b)) * float(abs(split.rules[i].high - split.rules[i].low))
        for i, b in zip(split.fixed, split.slopes, strict=True)
        if i != split.fixed[place]
    )
    others = prod(sizes) // sizes[place]
    return values * others * powers * FEW_UNITS + cost(split.only([place]), powers, low - spread / 2, high + spread / 2)


@dataclass(frozen=True)
class Coefficients:
    """Middles of intervals, half their width, coefficients by function, interval and degree, sums of their errors."""

    middles: Reals
    half: float
    coefficients: Reals
    radii: Reals


class Table:
    """Interpolants of G_k for real s in an interval.

    Parameters
    ----------
    split
        The predictors, by rules or transforms.
    powers
        The exponents k of the fixed predictors.
    low, high
        Ends of s.
    tolerance
        Wanted error of G_k, relative to the rules' own sum of |z|^k.

    """

    def __init__(
        self, split: Split | Transformed, powers: Sequence[tuple[int, ...]], low: float, high: float, tolerance: Ball
    ) -> None:
        self.count = max(1, ceil((high - low) / (2 * HALF_WIDTH)))
        self.low, self.width = low, max(high - low, 1e-3) / self.count
        # a double: `fine_polynomials` takes it as exact
        self.half = arb(self.width / 2 * (1 + MARGIN))
        with ball_precision(PLANNING_BITS):
            sizes = split.sizes(powers)
            degree, relative = self._degree(split, tolerance)
        self.middles = [arb(low + (i + 0.5) * self.width) for i in range(self.count)]
        self.bits = ball_bits() + ceil(LOST_BITS * degree)
        with ball_precision(self.bits):
            self.polynomials, rounding = self._interpolants(split, powers, degree, tolerance)
        self.errors = [
            (size * relative + (2 * degree + 1) * radius).abs_upper()
            for size, radius in zip(sizes, rounding, strict=True)
        ]

    def _degree(self, split: Split | Transformed, tolerance: Ball) -> tuple[int, Ball]:
        """Return a degree and the bound of |G - P|, relative to the sum of |z|^k."""
        best: tuple[int, Ball] | None = None
        half = float(self.half.upper())
        for height in HEIGHTS:
            rho = floor_ratio(height / half)
            beyond = half * ((rho + 1 / rho) / 2 + 1e-9)
            whole = interval(arb(self.low - beyond), arb(self.low + self.count * self.width + beyond))
            bound = split.modulus(whole, arb(height * (1 + 1e-9)))
            if not bound.is_finite():
                continue
            excess = float((4 * bound / tolerance / (rho - 1)).log().mid())
            # not every degree: what belongs to each is remembered
            degree = COARSE * ceil((max(1.0, excess / log(rho)) + 1) / COARSE) - 1
            if degree <= MOST_DEGREE and (best is None or degree < best[0]):
                best = degree, 4 * bound * arb(rho) ** (-degree) / (rho - 1)
        if best is None:
            return 0, arb.nan()
        return best

    @property
    def high(self) -> float:
        """The upper end of s."""
        return self.low + self.count * self.width

    @property
    def is_proven(self) -> bool:
        """Whether an ellipse was found."""
        return all(bool(error.is_finite()) for error in self.errors)

    @cached_property
    def in_doubles(self) -> Coefficients:
        """The polynomials in doubles."""
        rows = [[polynomial.coeffs() for polynomial in row] for row in self.polynomials]
        # of what is zero everywhere there are none
        size = max(1, *(len(own) for row in rows for own in row))
        shape = len(self.polynomials[0]), self.count
        numbers, radii = np.zeros((*shape, size)), np.zeros(shape)
        for i, row in enumerate(rows):
            for k, own in enumerate(row):
                numbers[k, i, : len(own)] = [float(c.mid()) for c in own]
                radii[k, i] = sum(upwards(c.rad()) for c in own) + 2 * UNIT * np.abs(numbers[k, i]).sum() + TINY
        return Coefficients(np.array([float(middle) for middle in self.middles]), float(self.half), numbers, radii)

    @cached_property
    def fine(self) -> FinePolynomials | None:
        """The polynomials in double words, on smaller intervals; None where these do not hold them."""
        aims = [float(error) / 8 for error in self.errors]
        return fine_polynomials(self.polynomials, self.half, self.middles, (self.low, self.width), aims)

    def _interpolants(
        self, split: Split | Transformed, powers: Sequence[tuple[int, ...]], degree: int, tolerance: Ball
    ) -> tuple[list[list[arb_poly]], list[Ball]]:
        points, inverse = chebyshev(degree + 1, 64 * ceil(self.bits / 64))
        sums: Averages
        if isinstance(split, Transformed):
            sums = split
        else:
            sums = self._nested(split, powers, tolerance / (8 * degree + 8)) or Sums(split, powers)
        spend(len(self.middles) * len(points) * sums.work, self.bits)
        polynomials, radii = [], [arb(0)] * len(powers)
        for middle in self.middles:
            values = sums.at([middle + self.half * t for t in points])
            row = []
            for k, own in enumerate(values):
                for value in own:
                    radii[k] = larger(radii[k], value.rad())
                column = inverse * arb_mat(len(points), 1, [value.mid() for value in own])
                row.append(arb_poly([column[j, 0] for j in range(len(points))]))
            polynomials.append(row)
        return polynomials, radii

    def _nested(self, split: Split, powers: Sequence[tuple[int, ...]], tolerance: Ball) -> NestedSums | None:
        """Return the sums by a table of less: of one of several predictors, or of a weight that is costly.

        None where there is none, or it is not proven.
        """
        count = len(split.fixed)
        if count > 1:
            place = max(range(count), key=lambda i: len(split.rules[split.fixed[i]].points))
            own, others = split.only([place]), split.only([i for i in range(count) if i != place])
            rests = [e[place : place + 1] for e in powers]
            beside = [tuple(k for i, k in enumerate(e) if i != place) for e in powers]
        elif count and not split.weight.log_only:
            own, others = split.only([]), split
            rests, beside = [e[:0] for e in powers], list(powers)
        else:
            return None
        offsets = [float(offset) for offset in others.offsets()]
        high = self.low + self.count * self.width
        margin = 1e-9 * (1 + max(abs(self.low), abs(high)) + max(map(abs, offsets))) + self.width * MARGIN
        alone = list(dict.fromkeys(rests))
        table = Table(own, alone, self.low + min(offsets) - margin, high + max(offsets) + margin, tolerance)
        if not table.is_proven:
            return None
        rows = zip(map(alone.index, rests), others.coefficients(beside), strict=True)
        return NestedSums(table, others.offsets(), list(rows))

    def values(self, shifts: Sequence[Ball]) -> list[list[Ball]]:
        """Return P_k at several s in the interval, for each k; the errors are not in the balls."""
        with ball_precision(self.bits):
            groups: list[list[int]] = [[] for _ in range(self.count)]
            last = self.count - 1
            for j, shift in enumerate(shifts):
                i = int((float(shift) - self.low) / self.width)
                groups[i if 0 <= i < last else 0 if i < 0 else last].append(j)
            found: list[list[Ball]] = [[arb(0)] * len(shifts) for _ in self.polynomials[0]]
            scale = 1 / self.half
            for i, members in enumerate(groups):
                middle = self.middles[i]
                at = [(shifts[j] - middle) * scale for j in members]
                for column, polynomial in zip(found, self.polynomials[i], strict=True):
                    for j, value in zip(members, polynomial.evaluate(at, "iter"), strict=True):
                        column[j] = value
        return found


def kept_table(
    known: dict[str, Table] | None, name: str, low: float, high: float, made: Callable[[float, float], Table]
) -> Table:
    """Return a table that holds an interval: one that is kept by its name, or a wider one, kept then; or a new one."""
    if known is None:
        return made(low, high)
    old = known.get(name)
    if old is None or not (old.low <= low and high <= old.high):
        low, high = low - KEPT_MARGIN, high + KEPT_MARGIN
        known[name] = made(low, high) if old is None else made(min(low, old.low), max(high, old.high))
    return known[name]
