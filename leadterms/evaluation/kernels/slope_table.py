r"""Incomplete moments of the logistic weight averaged over a fixed Uniform predictor, at one end of a line.

For :math:`g_j(y) = E[T^j w(y + bT)]`, T ~ Uniform(-1, 1), w the logistic density, and an origin o:
:math:`A_k(t) = \int^t (y-o)^k g_0\,dy` (k = 0, 1, 2), :math:`B_k(t) = \int^t (y-o)^k g_1\,dy` (k = 0, 1),
:math:`D(t) = \int^t g_2\,dy`; differences between two ends are all that the information of a random slope needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2
from typing import NamedTuple

from flint import arb

from leadterms.evaluation.kernels.polylog_table import PolylogTable, polylog_table
from leadterms.evaluation.precision import ball_precision

_SMALL = 2.0**-40
"""Coefficients below it are averaged by Gauss-Legendre: there the closed form would cancel more than 120 bits."""

Moments = tuple[arb, arb, arb, arb, arb, arb]
"""(A_0, A_1, A_2, B_0, B_1, D)."""

Averages = tuple[arb, arb, arb, arb, arb, arb]
"""E of S, T S, T^2 S, L, T L, P at t + bT, with S' = w, L' = S, P' = L, all zero at -infinity."""


@dataclass(frozen=True)
class Parameters:
    """The predictor's coefficients, with fixed >= 0, and the covariance matrix of p = U0 + U1 and q = U0 - U1.

    Parameters
    ----------
    centre, slope, fixed
        Coefficients.
    vp, vq, c
        Variances of p and q, and their covariance; vp >= vq.
    determinant
        vp vq - c^2 > 0.

    """

    centre: arb
    slope: arb
    fixed: arb
    vp: arb
    vq: arb
    c: arb
    determinant: arb

    @property
    def origin(self) -> arb:
        """A whole number near the middle of the linear predictor."""
        return arb(round(float(self.centre)))


class Ends(NamedTuple):
    """The moments at t counted from -infinity, and for t > 0 also the negative of what lies beyond t.

    Where both ends of a line are positive the second kind loses nothing to cancellation.
    """

    lower: Moments
    upper: Moments | None


class SlopeTable:
    r"""The incomplete moments for one coefficient b and one origin; call it with real t.

    With S, L, P the logistic function and its iterated integrals, partial integration over y gives for integrals from
    -infinity :math:`A_0 = E S`, :math:`A_1 = (t-o)A_0 - E L`, :math:`A_2 = (t-o)^2 A_0 - 2(t-o) E L + 2 E P`,
    :math:`B_0 = E\,TS`, :math:`B_1 = (t-o)B_0 - E\,TL`, :math:`D = E\,T^2S`, each at t + bT.  For t > 0 reflect:
    g_0 and g_2 are even and g_1 is odd, so with the origin -o at -t the integrals to +infinity are the same up to sign.
    The whole line gives 1, -o, :math:`\pi^2/3 + b^2/3 + o^2`, 0, -b/3, 1/3: y = Z - bT with Z logistic of variance
    :math:`\pi^2/3`, independent of T.

    Parameters
    ----------
    bits
        Relative accuracy aimed at; cancellation at small b is made up for.
    fixed
        b >= 0; F does not depend on its sign.
    origin
        o, exact.

    """

    def __init__(self, bits: int, fixed: arb, origin: arb) -> None:
        closed = fixed > _SMALL
        #: bits with which to call this table
        self.bits = bits + (ceil(3 * abs(log2(float(fixed)))) + 6 if closed else 10)
        self._origin = origin
        special = polylog_table(self.bits)
        with ball_precision(self.bits):
            second = (arb.pi() ** 2 + fixed * fixed) / 3 + origin * origin
            self._total = (arb(1), -origin, second, arb(0), -fixed / 3, arb(1) / 3)
            self._averages = _closed_averages(special, fixed) if closed else _node_averages(special, fixed)

    def __call__(self, t: arb) -> Ends:
        """Return the moments at t."""
        if not float(t) > 0:
            return Ends(self._from_below(t, self._origin), None)
        a0, a1, a2, b0, b1, d = self._from_below(-t, -self._origin)
        upper = (-a0, a1, -a2, b0, -b1, -d)
        return Ends(tuple(one + whole for one, whole in zip(upper, self._total, strict=True)), upper)

    def _from_below(self, t: arb, origin: arb) -> Moments:
        """Return the integrals from -infinity; without cancellation for t <= 0."""
        s, ts, tts, l, tl, p = self._averages(t)
        u = t - origin
        return s, u * s - l, u * (u * s - 2 * l) + 2 * p, ts, u * ts - tl, tts


def _closed_averages(special: PolylogTable, b: arb) -> Callable[[arb], Averages]:
    r"""Integrate by parts over T.

    For :math:`F_1' = f, F_2' = F_1, F_3' = F_2` and values :math:`F^\pm` at :math:`t \pm b`
    :math:`E f = (F_1^+ - F_1^-)/2b`, :math:`E\,Tf = (F_1^+ + F_1^-)/2b - (F_2^+ - F_2^-)/2b^2`,
    :math:`E\,T^2f = (F_1^+ - F_1^-)/2b - (F_2^+ + F_2^-)/b^2 + (F_3^+ - F_3^-)/b^3`.
    """
    first = 1 / (2 * b)
    second = first / b
    third = 2 * second / b

    def averages(t: arb) -> Averages:
        _, l1, p1, q1 = special(t + b)
        _, l0, p0, q0 = special(t - b)
        s, l, p = (l1 - l0) * first, (p1 - p0) * first, (q1 - q0) * first
        ts = (l1 + l0) * first - (p1 - p0) * second
        tl = (p1 + p0) * first - (q1 - q0) * second
        tts = s - (p1 + p0) * (2 * second) + (q1 - q0) * third
        return s, ts, tts, l, tl, p

    return averages


def _node_averages(special: PolylogTable, b: arb) -> Callable[[arb], Averages]:
    r"""Average by Gauss-Legendre with n nodes, for 0 <= b <= 2^-40.

    Remainder: f(t + bT) is analytic for :math:`|T| \le 1/b`, of size at most M there, so its Taylor coefficients are at
    most :math:`M b^k`.  Mean and rule agree on :math:`T^{j+k}` for j + k < 2n and are at most 1 on each other power, so
    they differ by at most :math:`2M b^{2n-j}/(1-b)`.  For :math:`|z| \le 1`: :math:`|S(t+z)| \le \sqrt2 S(t+1)`, as
    :math:`|1 + e^{-x-iy}|^2 \ge 1 + e^{-2x} \ge (1 + e^{-x})^2/2` where cos y > 0; integration from -infinity gives the
    same for L and P; and :math:`S(t+1) \le e S(t)` as S'/S <= 1, which passes to L and P by integration.  So
    :math:`M \le 4 f(t)`.
    """
    at_most = b.upper()
    count = 2
    if at_most > 0:
        count = max(2, ceil((special.bits / -log2(max(float(at_most), 1e-300)) + 3) / 2))
    nodes = [arb.legendre_p_root(count, k, True) for k in range(count)]
    points = [b * x for x, _ in nodes]
    rules = [[w * x**j / 2 for x, w in nodes] for j in range(3)]
    doubts = [arb(0, (8 * at_most ** (2 * count - j) / (1 - at_most)).upper()) for j in range(3)]

    def averages(t: arb) -> Averages:
        values = [special(t + x) for x in points]
        middle = special(t)

        def average(function: int, power: int) -> arb:
            total = middle[function] * doubts[power]
            for weight, value in zip(rules[power], values, strict=True):
                total += weight * value[function]
            return total

        return average(0, 0), average(0, 1), average(0, 2), average(1, 0), average(1, 1), average(2, 0)

    return averages
