"""Certified logistic function and its iterated integrals at real points of any size, many points at a time."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log, pi

from flint import arb, arb_poly, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import ball_precision

_BORDER = 1.5
"""Up to it the Taylor series about 0 is used, beyond it the series in exp(-|t|): about equally many terms there."""

_TAYLOR_REACH = 1.6
"""The remainder of the Taylor series is bounded on |t| <= 1.6, a little beyond the border."""

_REACH = arb(_TAYLOR_REACH)

_SLACK = 0.99
"""A point below -1.5 is surely below .99 times its middle, unless it is known to less than two digits."""

_TERM_STEP = 4
"""Numbers of terms are rounded up to a multiple of it, so that few truncated series are kept."""


class PolylogTable:
    r"""The functions S, L, -Li_2(-e^t), -Li_3(-e^t) of real t; get one from :func:`polylog_table`.

    :math:`S = 1/(1 + e^{-t})`, :math:`L = \log(1 + e^t)`; each is the derivative of the next.  Write
    :math:`P_s(t) = -\mathrm{Li}_s(-e^t)`.

    * :math:`t \le -1.5`: :math:`P_s(t) = \sum_{k\ge1} (-1)^{k-1} q^k/k^s` with :math:`q = e^t`; the terms alternate and
      fall, so the remainder after n terms is less than :math:`q\,q^n`.
    * :math:`t > 1.5`: :math:`P_2(t) + P_2(-t) = t^2/2 + \pi^2/6` and :math:`P_3(t) - P_3(-t) = t^3/6 + \pi^2 t/6`.
      (Both sides have equal derivatives, since :math:`L(t) - L(-t) = t`, and agree at 0, where
      :math:`P_2(0) = \pi^2/12`.)
    * else: :math:`P_s(t) = \sum_k \eta(s-k) t^k/k!` for :math:`|t| < \pi`, :math:`\eta` the alternating zeta function.
      By the two relations above only odd powers occur besides :math:`\pi^2/12 + t^2/4` for s = 2, and even ones besides
      :math:`t^3/12 + \pi^2 t/12` for s = 3.  With :math:`\eta(-j) = (2^{j+1} - 1) B_{j+1}/(j+1)` and
      :math:`|B_{2n}| = 2 (2n)!\,\zeta(2n)/(2\pi)^{2n} \le 4 (2n)!/(2\pi)^{2n}` the term of degree k > s is at most
      :math:`4 (k-s)!\,|t|^k/(k!\,\pi^{k-s+1}) \le 4 \pi^2 (|t|/\pi)^k`; every second degree occurs, so what is left out
      from degree K on is at most :math:`4 \pi^2 r^K/(1 - r^2)` for :math:`|t|/\pi \le r`.

    Parameters
    ----------
    bits
        The series are truncated at about this relative accuracy; the bounds of the truncations are in the balls.

    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        with ball_precision(bits + 10):
            self._sixth = arb.pi() ** 2 / 6
            self._twelfth = self._sixth / 2
            ratio = _TAYLOR_REACH / pi
            degrees = 2 * ceil((bits * log(2) + 6) / (-2 * log(ratio))) + 4
            self._odd = arb_poly([_taylor_coefficient(2, k) for k in range(1, degrees, 2)])
            self._even = arb_poly([_taylor_coefficient(3, k) for k in range(0, degrees, 2)])
            bound = arb(_TAYLOR_REACH) / arb.pi()
            # both series leave out degrees from `degrees` on
            self._left_out = arb(0, (4 * arb.pi() ** 2 * bound**degrees / (1 - bound**2)).upper())
            # relative to q: at most q^n for n terms
            self._share_left_out = arb(0, arb(2) ** -bits)
            longest = self._number(-_BORDER)
            self._second = [arb(fmpq((-1) ** k, (k + 1) ** 2)) for k in range(longest)]
            self._third = [arb(fmpq((-1) ** k, (k + 1) ** 3)) for k in range(longest)]
        self._truncated: dict[int, tuple[arb_poly, arb_poly]] = {}

    def __call__(self, t: arb) -> tuple[arb, arb, arb, arb]:
        """Return S(t), log(1 + e^t), -Li_2(-e^t), -Li_3(-e^t) at the current ball precision.

        Raises
        ------
        EvaluationError
            Where t is known so poorly, by about .1, that neither series applies.

        """
        middle = float(t)
        if middle > 0:
            q = (-t).exp()
            share = 1 / (1 + q)
            softplus = t + q.log1p()
        else:
            q = t.exp()
            share = q / (1 + q)
            softplus = q.log1p()
        if -_BORDER <= middle <= _BORDER:
            return share, softplus, *self._near_zero(t)
        if middle < 0:
            return share, softplus, *self._by_powers(t, q)
        second, third = self._by_powers(-t, q)
        square = t * t / 2
        return share, softplus, square + self._sixth - second, t * (square / 3 + self._sixth) + third

    def _near_zero(self, t: arb) -> tuple[arb, arb]:
        """Taylor series about 0."""
        if not abs(t) < _REACH:
            raise EvaluationError(f"polylogarithms at {t.str(5)}: the point is known too poorly")
        square = t * t
        second = square / 4 + self._twelfth + t * self._odd(square) + self._left_out
        third = t * (square / 12 + self._twelfth) + self._even(square) + self._left_out
        return second, third

    def _by_powers(self, t: arb, q: arb) -> tuple[arb, arb]:
        """Alternating series in q = e^t, t < 0, with full relative accuracy."""
        middle = float(t)
        number = self._number(middle)
        if not t < middle * _SLACK:
            raise EvaluationError(f"polylogarithms at {t.str(5)}: the point is known too poorly")
        if number not in self._truncated:
            self._truncated[number] = arb_poly(self._second[:number]), arb_poly(self._third[:number])
        second, third = self._truncated[number]
        return q * (second(q) + self._share_left_out), q * (third(q) + self._share_left_out)

    def _number(self, middle: float) -> int:
        """Return n with e^(.99 n t) < 2^-bits."""
        return _TERM_STEP * (ceil(self.bits * log(2) / (_SLACK * -middle) / _TERM_STEP) + 1)


@lru_cache(maxsize=16)
def polylog_table(bits: int) -> PolylogTable:
    r"""Return the certified functions S, L, :math:`-\mathrm{Li}_2(-e^t)`, :math:`-\mathrm{Li}_3(-e^t)` for a precision.

    Parameters
    ----------
    bits
        Relative accuracy at which series are truncated; call the result at about this ball precision.

    Examples
    --------
    >>> with ball_precision(80):
    ...     for value in polylog_table(80)(arb(0)):
    ...         print(value.str(15, radius=False))
    0.500000000000000
    0.693147180559945
    0.822467033424113
    0.901542677369696

    """
    return PolylogTable(bits)


def _taylor_coefficient(order: int, degree: int) -> arb:
    """Return eta(order - degree)/degree! for degrees of one parity, the other parity being written out."""
    j = degree - order
    if j > 0:
        # j is odd: B_{j+1} is not zero
        value = arb((2 ** (j + 1) - 1) * fmpq.bernoulli(j + 1) / (j + 1))
    elif j == -1:
        value = arb(2).log()
    else:
        value = (1 - arb(2) ** (1 + j)) * arb(-j).zeta()
    return value / arb(degree).fac()
