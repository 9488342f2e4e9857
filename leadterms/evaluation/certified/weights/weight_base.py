"""Weights in balls: values, enclosures over complex boxes, and upper bounds of |w| over rectangles.

An enclosure over a box with midpoint m and half diagonal r comes from a bound lambda of |w'/w| over the box:

    |w(z)/w(m) - 1| <= e^(lambda r) - 1,

since log w(z) - log w(m) is the integral of w'/w along the segment from m to z, which stays in the box, and
|e^s - 1| <= e^|s| - 1.  A finite lambda says also that w has neither pole nor zero in the box.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, disc, half_diagonal, interval, spread, value_of
from leadterms.evaluation.certified.tools.discs import Discs, Reals
from leadterms.evaluation.certified.tools.work import REAL_UNITS
from leadterms.model.weights import Weight


@dataclass(frozen=True)
class LogSlope:
    """w'/w = factor eta + e(eta), ``rest`` an enclosure of e over a box."""

    factor: Ball
    rest: Ball


class WeightBalls:
    """What the certified road asks of a weight.

    The values are at the precision that is current when they are asked for; the exact numbers of the weight at
    that which was current when the object was made.
    """

    rate: Ball | None = None
    """The rate of an exponential weight, zero for a constant one: such weights factorise over the predictors."""
    one_sided = False
    """Whether an end of Re eta alone bounds |w|: `modulus` takes any height."""
    log_only = False
    """Whether the weight depends on eta through e^eta: then `of_exponential` gives it."""
    real_units = REAL_UNITS
    """About what a value at a real point costs (`work`)."""

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

    def discs(self, x: Reals, y: Reals, width: Reals, height: Reals) -> Discs | None:
        """Return discs that contain w over many boxes, in double precision; None if there is no way but one by one."""
        return None

    def _complex(self, eta: Ball) -> Ball:
        return self.of_exponential(eta.exp())

    def steepness(self, box: Ball) -> Ball:
        """Return a bound of |w'/w| over a complex box."""
        raise NotImplementedError

    @staticmethod
    def slope(box: Ball) -> LogSlope:
        """Return w'/w over a complex box, its rest not finite where nothing is known."""
        return LogSlope(arb(0), acb(NAN))

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """Return an upper bound of |w(x + iy)| for low <= x <= high and |y| <= height; not finite where unknown."""
        raise NotImplementedError

    def decay(self, height: Ball) -> Ball:
        """Return K with |w(x + iy)| <= K e^-|x| for all x and |y| <= height; not finite where none is known."""
        return NAN

    def decay_below(self, height: Ball) -> Ball:
        """Return K with |w(x + iy)| <= K and |w| <= K e^x for all x and |y| <= height; not finite if unknown."""
        return self.decay(height)

    def least(self, low: Ball, high: Ball) -> Ball:
        """Bound w on a real interval from below, for a weight with one maximum, or a monotone one: by its ends."""
        return self.at(low).min(self.at(high)).lower()

    def floor(self) -> Ball:
        """Return k with w(eta) >= k e^-|eta| for all real eta, and |w(x + iy)| >= w(x) off the line; NAN if unknown."""
        return NAN

    def gaussian_floor(self) -> Ball:
        """Return k with w(eta) >= k e^(-eta^2/2) for all real eta; NAN if unknown."""
        return NAN

    def angle(self, height: Ball) -> Ball:
        """Return a bound of |arg w(x + iy)| for all x and |y| <= height; not finite where none is known."""
        return NAN

    def gain(self, height: Ball) -> Ball:
        """Return a bound of |w(x + iy)|/w(x) for all x and |y| <= height; not finite where none is known."""
        return NAN


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
