r"""The transform W(t) = int w(y) e^{-ity} dy of a weight that falls to both sides: w(y) = (1/2 pi) int W(t) e^{ity} dt.

Let |w(x + iy)| <= K e^-|x| for |y| <= theta (`WeightBalls.decay`).  For t = t_1 + i t_2, t_1 >= 0, |t_2| < 1, the
contour y - i theta gives |e^{-i(y - i theta)t}| = e^{y t_2 - theta t_1}, and

.. math:: |W(t)| \le K e^{-\theta t_1} \int e^{-|y| + y t_2}\,dy = 2 K e^{-\theta t_1}/(1 - t_2^2) .

**Values** for real t, 0 <= t <= T < pi/h: the sum h sum_k w(kh) e^{-ikht} over all whole k is sum_m W(t + 2 pi m/h)
(Poisson), |W(-t)| = |W(t)|, and so it is off by at most the sum of 2 A e^{-theta(2 pi m/h - T)} over m >= 1, A = 2 K.
What k > n and k < -n add to it is at most 2 K h e^{-(n + 1)h}/(1 - e^-h).

**The transform of y w(y)** is i W'(t), by Cauchy's inequality at most the largest |W| on a disc of radius r, over r.
For Re t < 0 the contour y + i theta gives the same bounds.  On the real line, r = 1/2: at most
(8/3) 2 K e^{theta/2 - theta t} for t >= 1/2, and (8/3) 2 K everywhere.  As |y| e^{-|y|} <= (2/e) e^{-|y|/2}, what
|k| > n adds to the sum is at most (4/e) K h e^{-(n + 1)h/2}/(1 - e^{-h/2}).
"""

from __future__ import annotations

from math import ceil

from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import NAN, Ball, whole_power
from leadterms.evaluation.certified.weights.weight_base import WeightBalls

HEIGHTS = tuple(0.05 * i for i in range(1, 63))
"""Distances theta that are tried."""


DISC = 0.5
"""Radius of Cauchy's inequality on the real line."""
STEEPER = 8 / 3
"""1/(r (1 - r^2)), rounded."""
MORE = 1 + 2.0**-40
"""More than that is rounded by."""


class WeightTransform:
    """W(t), or the transform of y w(y), for real 0 <= t <= reach, to about an absolute error of a tolerance.

    Parameters
    ----------
    weight
        The weight; not usable (`is_known`) where it does not fall to both sides.
    degree
        0, or 1 for y w(y).

    """

    def __init__(self, weight: WeightBalls, degree: int = 0) -> None:
        self._weight, self._degree = weight, degree
        found = [(height, weight.decay(arb(height)).abs_upper()) for height in HEIGHTS]
        self._levels = [(height, level) for height, level in found if level.is_finite()]
        self.level = weight.decay(arb(0)).abs_upper()

    @property
    def top(self) -> Ball:
        """A bound on the real line."""
        return 2 * self.level * (arb(STEEPER * MORE) if self._degree else 1)

    @property
    def is_known(self) -> bool:
        """Whether the weight falls to both sides, off the line too."""
        return bool(self._levels) and bool(self.level.is_finite())

    def bound(self, low: Ball, height: Ball) -> Ball:
        """Bound |W(t)| over Re t >= low, |Im t| <= height; not finite where nothing is known."""
        if self._degree:
            r = ((1 - height) / 2).lower()
            return (self._bound((low - r).max(arb(0)), height + r) / r).abs_upper() if r > 0 else NAN
        return self._bound(low, height)

    def _bound(self, low: Ball, height: Ball) -> Ball:
        left = 1 - height * height
        if not (height < 1 and left > 0):
            return NAN
        best = self.level
        for theta, level in self._levels:
            best = best.min((level * (-theta * low).exp()).abs_upper())
        return (2 * best / left).abs_upper()

    def beyond(self, start: Ball, growth: Ball) -> Ball:
        """Bound the integral of |W(t)| e^(growth t) over real t > start >= 1/2; not finite where nothing is known."""
        best = NAN
        for theta, level in self._levels:
            left = theta - growth
            if left > 0:
                value = (self._steeper(theta) * 2 * level * (-left * start).exp() / left).abs_upper()
                best = value if not best.is_finite() else best.min(value)
        return best

    def _steeper(self, theta: float) -> Ball:
        return arb(STEEPER * MORE) * arb(theta * DISC).exp() if self._degree else arb(1)

    def values(self, points: list[Ball], tolerance: Ball) -> list[Ball]:
        """Return W at real points, not negative."""
        reach = MORE * max(float(t.abs_upper()) for t in points)
        nats = max(1.0, float((4 * self.level / tolerance).log().mid()))
        theta, level = max(self._levels, key=lambda pair: pair[0] / (nats + float(pair[1].log().mid())))
        nats += max(0.0, float((level / self.level).log().mid()))
        step = arb(6.28 / max((nats + 2) / theta + reach, 2.01 * reach)).mid()
        rate = arb(1) / 2 if self._degree else arb(1)
        count = ceil((nats + 2) / float(step * rate))
        fold = 2 * arb.pi() / step
        front = 2 / arb.const_e() if self._degree else arb(1)
        outside = front * 2 * self.level * step * (-(count + 1) * step * rate).exp() / -((-step * rate).expm1())
        images = self._steeper(theta) * 4 * level * (-theta * (fold - reach)).exp() / -((-theta * fold).expm1())
        error = arb(0, (outside + images).abs_upper()) if fold > 2 * reach and fold > reach + 1 else NAN
        powers = [whole_power(k * step, self._degree) for k in range(count + 1)]
        sign = -1 if self._degree else 1
        ahead = [step * p * self._weight.at(k * step) for k, p in enumerate(powers)]
        behind = [arb(0), *(sign * step * powers[k] * self._weight.at(-k * step) for k in range(1, count + 1))]
        even = [a + b for a, b in zip(ahead, behind, strict=True)]
        odd = [b - a for a, b in zip(ahead, behind, strict=True)]
        found = []
        for t in points:
            pairs = [(k * step * t).sin_cos() for k in range(count + 1)]
            real, imaginary = (sum((c * p[j] for c, p in zip(own, pairs, strict=True)), error)
                               for own, j in ((even, 1), (odd, 0)))  # fmt: skip
            found.append(acb(real, imaginary))
        return found
