"""The probit weight: values by the error function, remembered bounds on a grid, and a proven tail."""

from __future__ import annotations

from functools import lru_cache

from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import (
    NAN,
    Ball,
    End,
    disc,
    half_diagonal,
    interval,
    larger,
    smaller,
    spread,
)
from leadterms.evaluation.certified.weights.remembered import RememberedBalls
from leadterms.evaluation.certified.weights.weight_base import LogSlope, nearest_and_farthest
from leadterms.evaluation.precision import ball_precision


class ProbitBalls(RememberedBalls):
    """w = scale (2/pi) e^(-2 z^2)/{erfc(z) erfc(-z)}, z = eta/sqrt 2; even in eta.

    With erfcx(z) = e^(z^2) erfc(z) = (2/sqrt pi) int_0^oo e^(-t^2 - 2 z t) dt it is
    scale (2/pi) e^(-z^2)/{erfcx(z) erfc(-z)}, used for Re z >= 0.
    """

    even = True

    def at(self, eta: Ball) -> Ball:
        """Return w(eta) for a real eta."""
        z = abs(eta) / arb(2).sqrt()
        if z > HUGE:
            return self.scale * arb(0, _probit_tail(arb(HUGE), arb(0)).abs_upper())
        tail = z.erfc()
        return self.scale * 2 * (-2 * z * z).exp() / (arb.pi() * tail * (2 - tail))

    @staticmethod
    def value(point: Ball) -> Ball:
        """Return w, scale 1, at a complex point: of the grid's even weight only those with Re >= 0 are asked for."""
        scaled, other, gauss = _factors(point / arb(2).sqrt())
        return 2 * gauss / (arb.pi() * scaled * other)

    @staticmethod
    def steepness_on(box: Ball) -> Ball:
        """d(log w)/dz = -2 z - {2 z - (2/sqrt pi)/erfcx(z)} - (2/sqrt pi) e^(-z^2)/erfc(-z), and z = eta/sqrt 2."""
        z = box / arb(2).sqrt()
        scaled, other, gauss = _factors(z)
        slope = 2 / arb.pi().sqrt()
        derivative = -4 * z + slope / scaled - slope * gauss / other
        return derivative.abs_upper() / arb(2).sqrt() if derivative.is_finite() else NAN

    def steepness(self, box: Ball) -> Ball:
        """Bound |w'/w| over a box, however wide: it is at most |eta| + |w'/w + eta|."""
        direct = self.steepness_on(box)
        by_excess = (box.abs_upper() + self.excess(box.imag.abs_upper())).abs_upper()
        return smaller(direct, by_excess)

    @staticmethod
    def slope(box: Ball) -> LogSlope:
        """w'/w = -eta + e."""
        return LogSlope(arb(-1), disc(ProbitBalls.excess(box.imag.abs_upper())))

    def decay(self, height: Ball) -> Ball:
        """By `modulus` on pieces up to FAR, and by its tail beyond: times e^|eta| that still falls.

        With x = Re z the logarithm of |z| e^(-x^2 + x sqrt 2) has a derivative of at most 1/x - 2 x + sqrt 2 < 0 from
        x = 3/2 on.
        """
        if not height < MOST_HEIGHT:
            return NAN
        root = arb(2).sqrt()
        largest = self.scale * _probit_tail(FAR / root, height / root) * arb(FAR).exp()
        for j in range(FAR):
            largest = larger(largest, self.modulus(arb(j), arb(j + 1), height) * arb(j + 1).exp())
        return largest

    def gaussian_floor(self) -> Ball:
        """The lesser tail is at most e^(-eta^2/2)/2, so that pdf^2/{cdf (1 - cdf)} >= e^(-eta^2/2)/pi."""
        return self.scale / arb.pi()

    @staticmethod
    def excess(height: Ball) -> Ball:
        """Bound |w'/w + eta| for |Im eta| <= height, not finite where none is known.

        It is odd in eta, and 2^(1/2) times -z + pi^(-1/2){1/erfcx(z) - e^(-z^2)/erfc(-z)}.  With e as in `modulus`
        -z + pi^(-1/2)/erfcx(z) = -z e/(1 + e), in modulus at most 1/{2|z| (1 - 1/(2|z|^2))}, where x >= max(|y|, 3/2);
        and |erfc(-z)| >= 2 - e^(y^2) erfc(x).  Both fall with x, and the second rises with |y|.
        """
        if not (height.is_finite() and height < MOST_HEIGHT):
            return NAN
        return _probit_excess(int(float(height.upper()) * FINE) + 1)

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """Cover the compact part by boxes; farther out erfcx(z) = {1 + e}/(z sqrt pi) with |e| <= 1/(2|z|^2).

        For Re z^2 >= 0: erfcx(z) = (z sqrt pi)^-1 int_0^oo e^-s (1 + s/z^2)^(-1/2) ds, where |1 + s/z^2| >= 1, so that
        the integrand's second factor differs from 1 by at most s/(2|z|^2).  With |erfc(z)| <= e^(y^2) erfc(x) and
        x >= max(|y|, 3/2):  |w| <= (2/sqrt pi) |z| e^(y^2 - x^2)/{(1 - 1/(2 x^2)) (2 - e^(y^2) erfc(x))},
        which falls with x and rises with |y|.
        """
        nearest, farthest = nearest_and_farthest(low, high)
        if not (height.is_finite() and height < MOST_HEIGHT):
            if not (height.is_finite() and nearest >= height):
                return NAN
            return self.scale * _probit_tail(nearest.min(arb(HUGE)) / arb(2).sqrt(), height / arb(2).sqrt())
        first = int(float(nearest.lower()) * GRID) - 1 if nearest < MOST_HEIGHT * 4 else int(MOST_HEIGHT * 4 * GRID)
        rows = int(float(height.upper()) * GRID) + 1
        beyond = int(max(2.2 * GRID, 1.1 * rows)) + 1
        bound = arb(0)
        last = beyond if farthest is None or not farthest * GRID < beyond else int(float(farthest.upper()) * GRID) + 1
        for column in range(max(first, 0), last):
            bound = larger(bound, _probit_column(column, rows))
        if last == beyond:
            start = nearest.min(arb(HUGE)).max(arb(beyond) / GRID)
            bound = larger(bound, _probit_tail(start / arb(2).sqrt(), height / arb(2).sqrt()))
        return self.scale * bound


FAR = 6
"""Beyond so large an |eta| the tail's bound is good."""
HUGE = 2**16
"""Beyond it the weight is below any precision asked for, and its exponent a burden; it falls as |eta| grows."""
GRID = 8
"""Boxes of the probit weight have sides 1/GRID in eta."""
FINE = 16
"""Boxes of w'/w have sides 1/FINE."""
MOST_HEIGHT = 3
"""The first poles of the probit weight, zeros of erfc, lie at |Im eta| = 2.81."""


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


def _scaled_erfc(x: Ball) -> Ball:
    """Return erfcx(x) at a real point."""
    return (x * x).exp() * x.erfc()


def _probit_tail(x: Ball, y: Ball) -> Ball:
    """Bound |w|, scale 1, for Re z >= x and |Im z| <= y, z = eta/sqrt 2: see `ProbitBalls.modulus`."""
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


@lru_cache(maxsize=256)
def _probit_excess(rows: int) -> Ball:
    """Bound |w'/w + eta| for |Im eta| <= rows/FINE: by boxes, and by the tail from Re eta = 5 on."""
    if rows == 0:
        return arb(0)
    with ball_precision(64):
        below, y = interval(arb(rows - 1) / FINE, arb(rows) / FINE), arb(rows) / FINE / arb(2).sqrt()
        x = 5 / arb(2).sqrt()
        growth = (y * y).exp()
        largest = 1 / (2 * x - 1 / x) + growth * (-x * x).exp() / (arb.pi().sqrt() * (2 - growth * x.erfc()))
        largest = larger(_probit_excess(rows - 1), arb(2).sqrt() * largest if x >= y else NAN)
        for column in range(5 * FINE):
            z = acb(interval(arb(column) / FINE, arb(column + 1) / FINE), below) / arb(2).sqrt()
            scaled, other, gauss = _factors(z)
            value = arb(2).sqrt() * ((1 / scaled - gauss / other) / arb.pi().sqrt() - z)
            largest = larger(largest, value.abs_upper() if value.is_finite() else NAN)
        return largest.abs_upper() if largest.is_finite() else NAN
