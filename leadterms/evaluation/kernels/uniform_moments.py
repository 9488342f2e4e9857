"""Moments m_k(c) = E[T^k w(c + b T)] of a uniform T on (-1, 1) under the logistic weight, at many real points c >= 0.

Both ways take q = e^-c and p = e^c, which obey recurrences on a uniform grid, and return multiples of the moments,
the factors being known once for all.

*Closed.*  With the logistic function s, s' = w, q+ = q e^-b and q- = q e^b, integration by parts gives

    m_0 = sinh b/(2b (cosh c + cosh b)) = (sinh b/b)/(p + q + 2 cosh b),
    2b m_1 = s(c + b) + s(c - b) - (1/b) int_(c-b)^(c+b) s
           = log((1 + q-)/(1 + q+))/b - (2q + 2 cosh b)/(p + q + 2 cosh b),
    2b m_2 = q-/(1 + q-) - q+/(1 + q+) - (2/b) log((1 + q-)(1 + q+)) + (2/b^2) (Li2(-q+) - Li2(-q-)),

where s(e) = 1 - q/(1 + q) and int s = e + log(1 + q) at q = e^-e, and the antiderivative of e + log(1 + e^-e) is
e^2/2 + Li2(-e^-e): the powers of c and b that these bring cancel.  The argument of the logarithm is
1 + (2 sinh b) q (1 + q e^b)/(1 + 2 q cosh b + q^2), so that log1p loses nothing where q is small.

*Series*, for small b.  w^(j) = w P_j(t) with t = tanh(c/2), P_0 = 1 and P_(j+1) = -t P_j + (1 - t^2)/2 P_j', because
w' = -t w and t' = (1 - t^2)/2.  Hence m_k = w sum_j b^j/j! E[T^(j + k)] P_j(t), over j + k even.
*Remainder.*  On the circle of radius r < pi about c, |w(c + z)| <= w(c + Re z)/cos^2(Im z/2) <= w(c) e^r/cos^2(r/2):
the first since |cosh^2(z/2)| = (cosh x + cos y)/2 >= cosh^2(x/2) cos^2(y/2), the difference of four times the two sides
being (cosh x - 1)(1 - cos y); the second since |(log w)'| = |t| <= 1.  By Cauchy |w^(j)(c)|/j! <= w(c) K r^-j,
K = e^r/cos^2(r/2), so the terms from j = J on sum to at most w(c) K (b/r)^J/(1 - b/r) in absolute value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil, log

from flint import acb, arb, arb_poly, fmpq, fmpq_poly, fmpz

_RADIUS = fmpq(5, 2)

Values = tuple[arb, ...]
"""1/m_0, m_0, m_1 and, if asked for, m_2, each over its factor."""


@dataclass(frozen=True)
class Moments:
    """How to compute the moments at a point.

    Parameters
    ----------
    factors
        Numbers by which the values are to be multiplied.
    at
        (p, q) to the values.

    """

    factors: Values
    at: Callable[[arb, arb], Values]


def closed(b: arb, second: bool) -> Moments:
    """Return the moments from their closed forms, at the precision that is set; b may be negative but not zero.

    Parameters
    ----------
    b
        Half the range of the linear predictor.
    second
        Whether m_2 is wanted.

    Examples
    --------
    >>> one = arb(1)
    >>> moments = closed(one, True)
    >>> [round(abs(float(f * v)), 8) for f, v in zip(moments.factors, moments.at(one, one))]
    [4.32790683, 0.23105858, 0.0, 0.07217328]

    """
    up = b.exp()
    down, one, inverse_b = 1 / up, arb(1), 1 / b
    two_cosh, two_sinh = up + down, up - down
    slope = two_sinh * up
    factor = two_sinh * inverse_b / 2
    double, twice = 2 * inverse_b, 2 * inverse_b**2

    def first(p: arb, q: arb) -> Values:
        tail = q + two_cosh
        inverse = p + tail
        m0 = one / inverse
        return inverse, m0, (m0 * (two_sinh + slope * q)).log1p() * inverse_b - m0 * (tail + q)

    def both(p: arb, q: arb) -> Values:
        near, far = q * up, q * down
        logs = near.log1p() + far.log1p()
        dilogs = acb(-far).polylog(2).real - acb(-near).polylog(2).real
        m2 = near / (one + near) - far / (one + far) - double * logs + twice * dilogs
        return *first(p, q), m2

    factors = (1 / factor, factor, inverse_b / 2, inverse_b / 2)
    return Moments(factors, both if second else first)


def series(b: arb, length: int) -> Moments:
    """Return the moments 0, 1, 2 from the terms below ``length`` in b, at the precision that is set.

    Parameters
    ----------
    b
        Half the range of the linear predictor, |b| < 5/2; it may be zero.
    length
        J, at least 1.

    Examples
    --------
    >>> one = arb(1)
    >>> moments = series(one, 60)
    >>> [round(abs(float(f * v)), 8) for f, v in zip(moments.factors, moments.at(one, one))]
    [4.32790683, 0.23105858, 0.0, 0.07217328]

    """
    size, radius, one, two = b.abs_upper(), arb(_RADIUS), arb(1), arb(2)
    # m_1 is taken over b: one factor b less in its remainder
    bound = radius.exp() / (radius / 2).cos() ** 2 / (1 - size / radius)
    rest = arb(0, (bound * (size / radius) ** length).abs_upper())
    rest_over_b = arb(0, (bound * size ** (length - 1) / radius**length).abs_upper())
    zeroth, first, second = (_in_square(b, length, order) for order in range(3))

    def at(p: arb, q: arb) -> Values:
        inverse_weight = p + q + two
        weight = one / inverse_weight
        t = (one - q) / (one + q)
        square = t * t
        m0 = zeroth(square) + rest
        return (
            inverse_weight / m0,
            weight * m0,
            weight * (t * first(square) + rest_over_b),
            weight * (second(square) + rest),
        )

    return Moments((one, one, b, one), at)


def series_length(b: float, prec: int) -> int | None:
    """Return the length at which the series has ``prec`` bits, None where the closed forms are faster."""
    if b >= 1:
        return None
    if b == 0:
        return 1
    # log K < 5; one factor b is taken out of m_1
    length = ceil((prec * log(2) + 6 - log(b)) / log(2.5 / b)) + 1
    return length if length <= 10 + prec // 100 else None


def _in_square(b: arb, length: int, order: int) -> arb_poly:
    """Return sum_j b^j/j! E[T^(j + order)] P_j(t) over j < length of the parity of order, as a polynomial in t^2.

    For odd order the factor b t is taken out.
    """
    total, square = arb_poly([0]), b * b
    for polynomial in reversed(_terms(length, order)):
        total = total * square + arb_poly(polynomial)
    return total


@cache
def _terms(length: int, order: int) -> tuple[fmpq_poly, ...]:
    """Return P_j(t)/(j! (j + order + 1)), over t for odd j, as polynomials in t^2."""
    odd = order % 2
    t = fmpq_poly([0, 1])
    polynomial, terms = fmpq_poly([1]), []
    for j in range(length):
        if j % 2 == odd:
            terms.append(fmpq_poly(polynomial.coeffs()[odd::2]) / (fmpz.fac_ui(j) * (j + order + 1)))
        polynomial = -t * polynomial + (1 - t * t) * polynomial.derivative() / 2
    return tuple(terms)
