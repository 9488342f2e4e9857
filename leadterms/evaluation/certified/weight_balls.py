"""Weights in balls: values, enclosures over complex boxes, and upper bounds of |w| over rectangles.

An enclosure over a box with midpoint m and half diagonal r comes from a bound lambda of |w'/w| over the box:

    |w(z)/w(m) - 1| <= e^(lambda r) - 1,

since log w(z) - log w(m) is the integral of w'/w along the segment from m to z, which stays in the box, and
|e^s - 1| <= e^|s| - 1.  A finite lambda says also that w has neither pole nor zero in the box.
"""

from __future__ import annotations

from functools import lru_cache
from math import floor
from typing import Any

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, Ball, disc, half_diagonal, interval, larger, spread, value_of
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

End = Any
"""An end of an interval: an ``arb``, or None where the interval does not end."""


class WeightBalls:
    """What the certified road asks of a weight.

    The values are at the precision that is current when they are asked for; the exact numbers of the weight at
    that which was current when the object was made.
    """

    rate: Ball | None = None
    """The rate of an exponential weight, zero for a constant one: such weights factorise over the predictors."""
    log_only = False
    """Whether the weight depends on eta through e^eta: then `of_exponential` gives it."""

    def __init__(self, weight: Weight) -> None:
        self.scale = value_of(weight.scale)
        self.parameter = value_of(weight.parameter)

    def at(self, eta: Ball) -> Ball:
        """Return w(eta) for a real eta."""
        return self.of_exponential(eta.exp())

    def of_exponential(self, q: Ball) -> Ball:
        """Return w(log q) for q > 0."""
        raise NotImplementedError

    def on(self, box: Ball) -> Ball:
        """Return an enclosure of w over a complex box, not finite where it may hold a pole."""
        growth = (self.steepness(box) * half_diagonal(box)).expm1()
        if not growth < 1:
            # where w varies by orders of magnitude a disc around zero is as good
            bound = self.modulus(box.real.lower(), box.real.upper(), box.imag.abs_upper())
            return disc(bound)
        return spread(self._complex(box.mid()), growth)

    def _complex(self, eta: Ball) -> Ball:
        return self.of_exponential(eta.exp())

    def steepness(self, box: Ball) -> Ball:
        """Return a bound of |w'/w| over a complex box."""
        raise NotImplementedError

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """Return an upper bound of |w(x + iy)| for low <= x <= high and |y| <= height; not finite where unknown."""
        raise NotImplementedError

    def angle(self, height: Ball) -> Ball:
        """Return a bound of |arg w(x + iy)| for all x and |y| <= height; not finite where none is known."""
        return NAN

    def gain(self, height: Ball) -> Ball:
        """Return a bound of |w(x + iy)|/w(x) for all x and |y| <= height; not finite where none is known."""
        return NAN


class ExponentialBalls(WeightBalls):
    """w = scale e^(rate eta); the constant weight has rate zero."""

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


def least_cosine(height: Ball) -> Ball:
    """Return a lower bound of cos y over |y| <= height."""
    if height < arb.pi():
        return height.cos()
    return arb(-1)


def nearest_and_farthest(low: End, high: End) -> tuple[Ball, End]:
    """Return the least and the largest |x| over low <= x <= high."""
    if low is None or high is None:
        end = high if low is None else low
        if end is None:
            return arb(0), None
        outside = end > 0 if high is None else end < 0
        return (abs(end), None) if outside else (arb(0), None)
    whole = interval(low, high)
    return whole.abs_lower(), whole.abs_upper()


class LogisticBalls(WeightBalls):
    """w = scale q/(1 + q)^2 with q = e^eta, that is scale/{2(cosh eta + 1)}."""

    log_only = True

    def of_exponential(self, q: Ball) -> Ball:
        """Return scale q/(1 + q)^2."""
        below = 1 + q
        return self.scale * q / (below * below)

    def steepness(self, box: Ball) -> Ball:
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

    def at(self, eta: Ball) -> Ball:
        """Return scale eta^exponent, not finite where eta may be zero or less."""
        return self.scale * (self.parameter * eta.log()).exp() if eta.real > 0 else eta * NAN

    _complex = at

    def steepness(self, box: Ball) -> Ball:
        """|w'/w| = |exponent|/|eta|."""
        return abs(self.parameter) / box.real.lower() if box.real > 0 else NAN

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """|w| = scale |eta|^exponent <= scale low^exponent, as exponent < 0 and arg eta is a real factor's own."""
        if low is None or not low > 0 or not self.parameter < 0:
            return NAN
        return self.at(low)


class CloglogBalls(WeightBalls):
    """w = scale g(q) with g(q) = q^2/(e^q - 1), q = e^eta; poles at q = 2 pi i k, at |Im eta| = pi/2 and beyond."""

    log_only = True

    def of_exponential(self, q: Ball) -> Ball:
        """Return scale q^2/(e^q - 1)."""
        if isinstance(q, arb) and q > HUGE:
            # e^q - 1 >= e^q/2, and q^2 e^-q falls from q = 2 on
            low = arb(HUGE)
            return self.scale * arb(0, (2 * low * low * (-low).exp()).abs_upper())
        return self.scale * q * q / q.expm1()

    def steepness(self, box: Ball) -> Ball:
        """w'/w = 2 - h(q), h(q) = q/(1 - e^-q).

        For |q| <= 1 Bernoulli's series gives |h - 1| <= |q|/2 + 1 - (1/2)cot(1/2) |q|^2 <= |q|.
        """
        box_q = box.exp()
        size = box_q.abs_upper()
        if size <= 1:
            return 1 + size
        return (2 - box_q / -((-box_q).expm1())).abs_upper()

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


HUGE = 2**20
"""Beyond it e^-q is below any precision asked for, and its exponent a burden."""


class ProbitBalls(WeightBalls):
    """w = scale (2/pi) e^(-2 z^2)/{erfc(z) erfc(-z)}, z = eta/sqrt 2; even in eta.

    With erfcx(z) = e^(z^2) erfc(z) = (2/sqrt pi) int_0^oo e^(-t^2 - 2 z t) dt it is
    scale (2/pi) e^(-z^2)/{erfcx(z) erfc(-z)}, used for Re z >= 0.
    """

    def at(self, eta: Ball) -> Ball:
        """Return w(eta) for a real eta."""
        z = abs(eta) / arb(2).sqrt()
        tail = z.erfc()
        return self.scale * 2 * (-2 * z * z).exp() / (arb.pi() * tail * (2 - tail))

    def on(self, box: Ball) -> Ball:
        """Return an enclosure over a complex box, from a remembered value nearby.

        w(-z) = w(z) and w(conj z) = conj w(z): one quadrant is remembered.
        """
        middle = box.mid()
        flip = bool((middle.real < 0) != (middle.imag < 0))
        i, j = (round(abs(float(part)) * NEAR) for part in (middle.real, middle.imag))
        real = abs(box.real) if not box.real.contains(0) else (-box.real if middle.real < 0 else box.real)
        imag = abs(box.imag) if not box.imag.contains(0) else (-box.imag if middle.imag < 0 else box.imag)
        point = acb(arb(i) / NEAR, arb(j) / NEAR)
        away = (acb(real, imag) - point).abs_upper()
        hull = acb(interval(real, point.real), interval(imag, point.imag))
        growth = (self._steepness_near(hull) * away).expm1()
        if not growth < 1:
            return disc(self.modulus(box.real.lower(), box.real.upper(), box.imag.abs_upper()))
        value = self.scale * spread(_probit_value(i, j), growth)
        return acb(value.real, -value.imag) if flip else value

    def steepness(self, box: Ball) -> Ball:
        """Return the largest of the remembered bounds that meet the box."""
        return self._steepness_near(box)

    def _steepness_near(self, box: Ball) -> Ball:
        steepest = arb(0)
        for i in _cells(box.real):
            for j in _cells(box.imag):
                # |w'/w| is the same at z, -z and their conjugates
                steepest = larger(steepest, _probit_steepness(max(i, -i - 1), max(j, -j - 1)))
        return steepest

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """Cover the compact part by boxes; farther out erfcx(z) = {1 + e}/(z sqrt pi) with |e| <= 1/(2|z|^2).

        For Re z^2 >= 0: erfcx(z) = (z sqrt pi)^-1 int_0^oo e^-s (1 + s/z^2)^(-1/2) ds, where |1 + s/z^2| >= 1, so that
        the integrand's second factor differs from 1 by at most s/(2|z|^2).  With |erfc(z)| <= e^(y^2) erfc(x) and
        x >= max(|y|, 3/2):  |w| <= (2/sqrt pi) |z| e^(y^2 - x^2)/{(1 - 1/(2 x^2)) (2 - e^(y^2) erfc(x))},
        which falls with x and rises with |y|.
        """
        if not (height.is_finite() and height < MOST_HEIGHT):
            return NAN
        nearest, farthest = nearest_and_farthest(low, high)
        first = int(float(nearest.lower()) * GRID) - 1 if nearest < MOST_HEIGHT * 4 else int(MOST_HEIGHT * 4 * GRID)
        rows = int(float(height.upper()) * GRID) + 1
        beyond = int(max(2.2 * GRID, 1.1 * rows)) + 1
        bound = arb(0)
        last = beyond if farthest is None or not farthest * GRID < beyond else int(float(farthest.upper()) * GRID) + 1
        for column in range(max(first, 0), last):
            bound = larger(bound, _probit_column(column, rows))
        if last == beyond:
            start = nearest.max(arb(beyond) / GRID)
            bound = larger(bound, _probit_tail(start / arb(2).sqrt(), height / arb(2).sqrt()))
        return self.scale * bound


NEAR = 16
"""Remembered values of the probit weight lie on a grid of this many points to a unit of eta."""
COARSE = 4
"""Its remembered steepness is for cells of sides 1/COARSE."""
GRID = 8
"""Boxes of the probit weight have sides 1/GRID in eta."""
MOST_HEIGHT = 3
"""The first poles of the probit weight, zeros of erfc, lie at |Im eta| = 2.81."""


def _cells(part: Ball) -> range:
    """Return the numbers of the cells of side 1/COARSE that meet an interval."""
    low, high = float(part.lower()) * COARSE, float(part.upper()) * COARSE
    # wider than floats round
    return range(floor(low - 1e-9 - 1e-15 * abs(low)), floor(high + 1e-9 + 1e-15 * abs(high)) + 1)


def _factors(box: Ball) -> tuple[Ball, Ball, Ball]:
    """Enclose erfcx(z), erfc(-z) and e^(-z^2) over a box of z, best for Re z >= 0.

    |erfcx'(z)| <= -erfcx'(Re z) by the integral, and -erfcx'(x) = 2/sqrt pi - 2 x erfcx(x) falls with x;
    |erfc'(z)| = (2/sqrt pi) e^(y^2 - x^2); and e^(-z^2) has the logarithmic derivative -2 z.
    """
    middle, radius = box.mid(), half_diagonal(box)
    least, slope = box.real.lower(), 2 / arb.pi().sqrt()
    square = middle * middle
    scaled = square.exp() * middle.erfc() + disc(radius * (slope - 2 * least * _scaled_erfc(least)))
    bell = (box.imag.abs_upper() ** 2 - box.real.abs_lower() ** 2).exp()
    other = (-middle).erfc() + disc(radius * slope * bell)
    return scaled, other, spread((-square).exp(), (2 * box.abs_upper() * radius).expm1())


@lru_cache(maxsize=65536)
def _probit_value(i: int, j: int) -> Ball:
    """Return w, scale 1, at a point of the grid of step 1/NEAR."""
    with ball_precision(64):
        scaled, other, gauss = _factors(acb(arb(i) / NEAR, arb(j) / NEAR) / arb(2).sqrt())
        return 2 * gauss / (arb.pi() * scaled * other)


@lru_cache(maxsize=65536)
def _probit_steepness(i: int, j: int) -> Ball:
    """Bound |w'/w| over the cell [i, i + 1] x [j, j + 1] in units of 1/COARSE.

    d(log w)/dz = -2 z - {2 z - (2/sqrt pi)/erfcx(z)} - (2/sqrt pi) e^(-z^2)/erfc(-z), and z = eta/sqrt 2.
    """
    with ball_precision(64):
        x, y = (interval(arb(k) / COARSE, arb(k + 1) / COARSE) for k in (i, j))
        z = acb(x, y) / arb(2).sqrt()
        scaled, other, gauss = _factors(z)
        slope = 2 / arb.pi().sqrt()
        derivative = -4 * z + slope / scaled - slope * gauss / other
        return derivative.abs_upper() / arb(2).sqrt() if derivative.is_finite() else NAN


def _scaled_erfc(x: Ball) -> Ball:
    return (x * x).exp() * x.erfc()


def _probit_tail(x: Ball, y: Ball) -> Ball:
    growth = (y * y).exp()
    below = (1 - 1 / (2 * x * x)) * (2 - growth * x.erfc())
    if not (x >= y and x >= arb("1.5") and below > 0):
        return NAN
    return 2 / arb.pi().sqrt() * (x * x + y * y).sqrt() * growth * (-x * x).exp() / below


@lru_cache(maxsize=4096)
def _probit_column(column: int, rows: int) -> Ball:
    """Bound |w|, scale 1, over [column, column + 1] x [0, rows] in units of 1/GRID; w is symmetric in Im eta."""
    if rows == 0:
        return arb(0)
    with ball_precision(64):
        x = interval(arb(column) / GRID, arb(column + 1) / GRID)
        y = interval(arb(rows - 1) / GRID, arb(rows) / GRID)
        scaled, other, gauss = _factors(acb(x, y) / arb(2).sqrt())
        value = 2 * gauss / (arb.pi() * scaled * other)
        return larger(_probit_column(column, rows - 1), value.abs_upper() if value.is_finite() else NAN)


KINDS: dict[type[Weight], type[WeightBalls]] = {
    ConstantWeight: ExponentialBalls,
    ExponentialWeight: ExponentialBalls,
    LogisticWeight: LogisticBalls,
    SaturatingWeight: SaturatingBalls,
    PowerWeight: PowerBalls,
    ProbitWeight: ProbitBalls,
    CloglogWeight: CloglogBalls,
}


def weight_balls(weight: Weight) -> WeightBalls:
    """Return the ball arithmetic of a weight, its exact numbers at the current precision.

    Raises
    ------
    EvaluationError
        If the kind of weight is not known here.

    """
    kind = KINDS.get(type(weight))
    if kind is None:
        raise EvaluationError(f"no ball arithmetic for the weight {type(weight).__name__}")
    return kind(weight)
