"""Interpolation in Chebyshev's points on an interval of half width r, with a proven error.

Let |G| <= B on the ellipse with foci -1, 1 and semi-axes (rho +- 1/rho)/2, scaled by r.  Its Chebyshev
coefficients have |a_k| <= 2 B rho^-k, and interpolation of degree n takes T_k, k > n, to some T_j or -T_j, j <= n, or
to 0.  So |G - P| <= 2 sum over k > n of |a_k| <= 4 B rho^-n/(rho - 1).  Values of G known with an error of d change P
by at most (2n + 1) d: P = sum' a_k T_k with |a_k| <= 2 d and |a_0| <= d by discrete orthogonality.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log, sqrt

from flint import arb, arb_mat, arb_poly, fmpq, fmpz_poly

from leadterms.evaluation.certified.tools.balls import NAN, Ball
from leadterms.evaluation.precision import ball_bits, ball_precision

MARGIN = 2.0**-20
"""Intervals overlap by this share: floats choose among them."""
LOST_BITS = 1.3
"""Bits lost for each degree: the coefficients of powers are up to (1 + sqrt 2)^n times the values."""
COARSE = 64
"""Precisions of remembered functions are multiples of this, the first of them for up to twice as many bits."""


def remembered_bits() -> int:
    """Return the precision at which functions are remembered: few, and less than is asked for, as its errors are in."""
    return COARSE * max(1, ceil(ball_bits() / COARSE) - 1)


@dataclass(frozen=True)
class Interpolants:
    """Polynomials in (x - middle)/half, and their errors for -1..1."""

    bits: int
    middle: Ball
    half: Ball
    polynomials: tuple[arb_poly, ...]
    errors: tuple[Ball, ...]

    def at(self, x: Ball, i: int) -> Ball:
        """Return the value of the i-th function at a point of the interval, not finite outside."""
        with ball_precision(self.bits):
            t = (x - self.middle) / self.half
            value: Ball = self.polynomials[i](t) + arb(0, self.errors[i])
        return value if abs(t) <= 1 else NAN


def interpolants(
    values: Callable[[list[Ball]], Sequence[Sequence[Ball]]],
    interval: tuple[Ball, Ball],
    height: float,
    tops: Sequence[Ball],
    tolerance: Ball,
) -> Interpolants:
    """Interpolate several functions.

    Parameters
    ----------
    values
        The functions' values, row by row, at points of the interval.
    interval
        Middle and half width, overlapping others by `MARGIN`.
    height
        Of the ellipse with the ends of the interval as foci, or a little more.
    tops
        What the functions are at most on it.
    tolerance
        About the error aimed at.

    """
    middle, half = interval
    rho = floor_ratio(height / float(half.upper()))
    worst = max(float(top) for top in tops)
    degree = max(2, ceil(log(4 * worst / (rho - 1) / float(tolerance)) / log(rho)))
    bits = ball_bits() + ceil(LOST_BITS * degree)
    points, inverse = chebyshev(degree + 1, 64 * ceil(bits / 64))
    found = values([middle + half * t for t in points])
    polynomials, errors = [], []
    with ball_precision(bits):
        for row, top in zip(found, tops, strict=True):
            column = inverse * arb_mat([[value.mid()] for value in row])
            polynomials.append(arb_poly([column[j, 0] for j in range(degree + 1)]))
            radius = max((value.rad() for value in row), key=float)
            errors.append((4 * top * arb(rho) ** (-degree) / (rho - 1) + (2 * degree + 1) * radius).abs_upper())
    return Interpolants(bits, middle, half, tuple(polynomials), tuple(errors))


def floor_ratio(height: float) -> float:
    """Return rho of an ellipse of at most this height, the half width being 1.

    Examples
    --------
    >>> rho = floor_ratio(0.75)
    >>> rho <= 2 and (rho - 1 / rho) / 2 > 0.749
    True

    """
    return (height + sqrt(1 + height * height)) * (1 - 1e-9)


@lru_cache(maxsize=64)
def chebyshev(count: int, bits: int) -> tuple[list[Ball], arb_mat]:
    """Return the Chebyshev points of the first kind, and the matrix from values there to coefficients of powers."""
    with ball_precision(bits + 2 * count):
        points = [arb.cos_pi_fmpq(fmpq(2 * j + 1, 2 * count)) for j in range(count)]
        rows: list[list[Ball]] = []
        for k in range(count):
            scale = arb(1 if k == 0 else 2) / count
            # T_k at the points, from its definition: cos(k arccos t)
            rows.append([scale * arb.cos_pi_fmpq(fmpq(k * (2 * j + 1), 2 * count)) for j in range(count)])
        powers = [fmpz_poly.chebyshev_t(k) for k in range(count)]
        change = arb_mat([[arb(powers[k][i]) for k in range(count)] for i in range(count)])
        return points, change * arb_mat(rows)
