"""Weights that are elementary functions of e^eta or of eta: values, and bounds by their moduli."""

from __future__ import annotations

from flint import arb

from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, disc, interval, larger
from leadterms.evaluation.certified.tools.work import FEW_UNITS
from leadterms.evaluation.certified.weights.remembered import RememberedBalls
from leadterms.evaluation.certified.weights.weight_base import LogSlope, WeightBalls, least_cosine, nearest_and_farthest
from leadterms.model.weights import ExponentialWeight, Weight


class ExponentialBalls(WeightBalls):
    """w = scale e^(rate eta); the constant weight has rate zero."""

    one_sided = True
    rate: Ball

    def __init__(self, weight: Weight) -> None:
        super().__init__(weight)
        self.rate = self.parameter if isinstance(weight, ExponentialWeight) else arb(0)

    def at(self, eta: Ball) -> Ball:
        """Return scale e^(rate eta), real or complex."""
        return self.scale * (self.rate * eta).exp()

    _complex = at

    def steepness(self, box: Ball) -> Ball:
        """|w'/w| = |rate|."""
        return abs(self.rate)

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """|w| = scale e^(rate x), monotone in x."""
        end = high if self.rate > 0 else low
        if self.rate == 0:
            return self.scale
        return NAN if end is None else self.at(end)

    def angle(self, height: Ball) -> Ball:
        """Arg w = rate y."""
        return abs(self.rate) * height

    def gain(self, height: Ball) -> Ball:
        """|w(x + iy)| = w(x)."""
        return arb(1)

    def floor(self) -> Ball:
        """For |rate| <= 1 e^(rate x) >= e^-|x|."""
        return self.scale if abs(self.rate) <= 1 else NAN


class LogisticBalls(RememberedBalls):
    """w = scale q/(1 + q)^2 with q = e^eta, that is scale/{2(cosh eta + 1)}."""

    even = True
    log_only = True
    real_units = FEW_UNITS

    def of_exponential(self, q: Ball) -> Ball:
        """Return scale q/(1 + q)^2."""
        below = 1 + q
        return self.scale * q / (below * below)

    @staticmethod
    def value(point: Ball) -> Ball:
        """Return w, scale 1, at a complex point with Re >= 0, by 1/q."""
        inverse = (-point).exp()
        below = 1 + inverse
        return inverse / (below * below)

    @staticmethod
    def steepness_on(box: Ball) -> Ball:
        """w'/w = -tanh(eta/2) and |tanh((x + iy)/2)|^2 = (cosh x - cos y)/(cosh x + cos y).

        It falls with cos y; for cos y >= 0 it rises with cosh x, for cos y <= 0 it falls.
        """
        nearest, farthest = nearest_and_farthest(box.real.lower(), box.real.upper())
        cosine = least_cosine(box.imag.abs_upper())
        hyperbolic = (farthest if cosine >= 0 else nearest).cosh()
        if not cosine >= 0 and not cosine < 0:
            return NAN
        below = hyperbolic + cosine
        return ((hyperbolic - cosine) / below).sqrt() if below > 0 else NAN

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """|w(x + iy)| = scale/{2(cosh x + cos y)}, for |1 + q|^2 = 2|q|(cosh x + cos y)."""
        nearest, _ = nearest_and_farthest(low, high)
        below = 2 * (nearest.cosh() + least_cosine(height))
        return self.scale / below if below > 0 else NAN

    def decay(self, height: Ball) -> Ball:
        """W is even: for x <= 0 it is scale q/(1 + q)^2 with |q| = e^-|x| <= 1."""
        below = _least_one_plus(arb(0), arb(1), least_cosine(height))
        return self.scale / (below * below)

    def floor(self) -> Ball:
        """For w = scale/{2(cosh x + 1)}: cosh x + 1 <= 2 e^|x|; off the line cos y stands in place of 1."""
        return self.scale / 4

    def angle(self, height: Ball) -> Ball:
        """For |y| < pi the numbers 1 + e^z and 1 + e^-z, z = x + iy, have arguments a and b with |a|, |b| <= |y|.

        They have opposite signs, and w = scale/{(1 + e^z)(1 + e^-z)} has the argument -(a + b).
        """
        return height if height < arb.pi() else NAN

    def gain(self, height: Ball) -> Ball:
        """(cosh x + 1)/(cosh x + cos y) falls with cosh x, and is 2/(1 + cos y) = 1/cos^2(y/2) at x = 0."""
        return 1 / (height / 2).cos() ** 2 if height < arb.pi() else NAN


def _least_one_plus(low: Ball, high: Ball, cosine: Ball) -> Ball:
    """Return a lower bound of |1 + v e^(iy)| over low <= v <= high, cos y >= cosine: v^2 + 2 v cos y + 1, squared.

    The parabola in v has its least value, 1 - cosine^2, at v = -cosine.
    """
    if cosine >= 0 or low > -cosine:
        at = low
    elif high < -cosine:
        at = high
    else:
        squared = 1 - cosine * cosine
        return squared.sqrt() if squared > 0 else NAN
    squared = at * at + 2 * at * cosine + 1
    return squared.sqrt() if squared > 0 else NAN


class SaturatingBalls(WeightBalls):
    """w = scale q/(1 + alpha q) with q = e^eta."""

    log_only = True
    real_units = FEW_UNITS

    def of_exponential(self, q: Ball) -> Ball:
        """Return scale q/(1 + alpha q)."""
        return self.scale * q / (1 + self.parameter * q)

    def steepness(self, box: Ball) -> Ball:
        """w'/w = 1/(1 + alpha q)."""
        ends = (self.parameter * box.real.lower().exp(), self.parameter * box.real.upper().exp())
        return 1 / _least_one_plus(*ends, least_cosine(box.imag.abs_upper()))

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """|w| = (scale/alpha)/|1 + v e^(-iy)| with v = e^(-x)/alpha."""
        least = arb(0) if high is None else (-high).exp() / self.parameter
        if low is None:
            cosine = least_cosine(height)
            # v is unbounded: its parabola is increasing from max(least, -cosine) on
            below = _least_one_plus(least, least + 2, cosine)
        else:
            below = _least_one_plus(least, (-low).exp() / self.parameter, least_cosine(height))
        return self.scale / (self.parameter * below)

    def decay_below(self, height: Ball) -> Ball:
        """|w| e^-x = scale/|1 + alpha e^z|, |1 + v e^(iy)| as in `modulus`; and |w| by that."""
        below = _least_one_plus(arb(0), arb(2), least_cosine(height))
        return larger(self.scale / below, self.modulus(None, None, height))

    def floor(self) -> Ball:
        """For w = scale/(alpha + e^-x): alpha + e^-x <= (1 + alpha) e^|x|; off the line |alpha + e^-z| is no larger."""
        return self.scale / (1 + self.parameter)

    def angle(self, height: Ball) -> Ball:
        """W = scale/(alpha + e^-z) with alpha > 0: for |y| < pi adding alpha takes e^-z nearer to the positive line."""
        return height if height < arb.pi() else NAN

    def gain(self, height: Ball) -> Ball:
        """|w(x + iy)|/w(x) = (1 + v)/|1 + v e^(-iy)| with v = e^(-x)/alpha, largest at v = 1: 1/cos(y/2).

        Proof: |1 + v e^(iy)|^2 - (1 + v)^2 cos^2(y/2) = (1 - v)^2 (1 - cos y)/2.
        """
        return 1 / (height / 2).cos() if height < arb.pi() else NAN


class PowerBalls(WeightBalls):
    """w = scale eta^exponent with a negative exponent, in the half-plane Re eta > 0."""

    one_sided = True

    def at(self, eta: Ball) -> Ball:
        """Return scale eta^exponent, not finite where eta may be zero or less."""
        return self.scale * (self.parameter * eta.log()).exp() if eta.real > 0 else eta * NAN

    _complex = at

    def steepness(self, box: Ball) -> Ball:
        """|w'/w| = |exponent|/|eta|."""
        return abs(self.parameter) / box.real.lower() if box.real > 0 else NAN

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """|w| = scale |eta|^exponent, the exponent being real, and |eta| >= Re eta >= low, exponent < 0."""
        if low is None or not low > 0 or not self.parameter < 0:
            return NAN
        return self.at(low)


HUGE = 2**20
"""Beyond it e^-q is of use only where q is known to less than a quarter."""
HUGEST = 2**100
"""Beyond it the exponent of e^-q is a burden."""


class CloglogBalls(RememberedBalls):
    """w = scale g(q) with g(q) = q^2/(e^q - 1), q = e^eta; poles at q = 2 pi i k, at |Im eta| = pi/2 and beyond."""

    log_only = True

    def of_exponential(self, q: Ball) -> Ball:
        """Return scale q^2/(e^q - 1)."""
        if isinstance(q, arb) and q > HUGE and not (4 * q.rad() < 1 and q < HUGEST):
            # e^q - 1 >= e^q/2, and q^2 e^-q falls from q = 2 on
            low = q.lower().min(arb(HUGEST))
            return self.scale * arb(0, (2 * low * low * (-low).exp()).abs_upper())
        return self.scale * q * q / q.expm1()

    @staticmethod
    def value(point: Ball) -> Ball:
        """Return w, scale 1, at a complex point."""
        q = point.exp()
        return q * q / q.expm1()

    @staticmethod
    def steepness_on(box: Ball) -> Ball:
        """w'/w = 2 - h(q), h(q) = q/(1 - e^-q).

        For |q| <= 1 Bernoulli's series gives |h - 1| <= |q|/2 + 1 - (1/2)cot(1/2) |q|^2 <= |q|.
        """
        box_q = box.exp()
        size = box_q.abs_upper()
        if size <= 1:
            return 1 + size
        return (2 - box_q / -((-box_q).expm1())).abs_upper()

    @staticmethod
    def slope(box: Ball) -> LogSlope:
        """w'/w = 2 - h(q)."""
        return LogSlope(arb(0), 2 - CloglogBalls.rising(box.exp()))

    @staticmethod
    def rising(q: Ball) -> Ball:
        """Return h(q) = q/(1 - e^-q).

        For |q| <= 1 Bernoulli's series gives |h - 1 - q/2| <= {1 - (1/2)cot(1/2)}|q|^2.
        """
        size = q.abs_upper()
        if size <= 1:
            return 1 + q / 2 + disc((1 - (1 / arb(2)).cot() / 2) * size * size)
        return q / -((-q).expm1())

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """Two bounds, with r = |q| and k = cos(height).

        |e^q - 1| >= e^(Re q) - 1 >= e^(r k) - 1, so |g| <= k^-2 G(k r), G(t) = t^2/(e^t - 1), which has one
        maximum, where 2(e^t - 1) = t e^t, between 1.593 and 1.594.  And |e^q - 1| >= |q| - sum |q|^j/j! over
        j >= 2, which is 2 r - (e^r - 1): |g| <= r^2/{2 r - (e^r - 1)}, rising, for r <= 1.
        """
        cosine = least_cosine(height)
        if high is not None and high < 0:
            r = high.exp()
            series = self.scale * r / (2 - r.expm1() / r)
            if not cosine > 0:
                return series
        elif not cosine > 0:
            return NAN
        peak = interval(arb("1.593"), arb("1.594"))
        if high is not None and cosine * high.exp() < peak:
            at = cosine * high.exp()
        elif low is not None and cosine * low.exp() > peak:
            at = cosine * low.exp()
        else:
            at = peak
        return self.of_exponential(at) / (cosine * cosine)

    def decay(self, height: Ball) -> Ball:
        """By the bounds of `modulus`, where |y| < pi/2: for x <= 0 |g|/r <= 1/{2 - (e^r - 1)/r} <= 1/(3 - e).

        For x >= 0 e^(k r) - 1 >= (k r)^3/6, so that |g| r <= 6/k^3.
        """
        cosine = least_cosine(height)
        if not cosine > 0:
            return NAN
        return self.scale * larger(1 / (3 - arb.const_e()), 6 / cosine**3)
