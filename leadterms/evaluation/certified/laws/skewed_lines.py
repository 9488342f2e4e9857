"""Laws with one light tail and one heavy: Fréchet, and the sum of a normal and an exponential variable.

**Tails**, for ends beyond which the law is cut off, of E|X|^k e^(rate X):

- Fréchet, x = c + s e^t with e^(-a t) exponential, rate <= 0 and k < a.  All x are above c, so that e^(rate x) is at
  most e^(rate c).  Beyond T |x| <= (s + |c| e^-T) e^t, and the density in t is at most a e^(-a t), so that E|X|^k there
  is at most a (s + |c| e^-T)^k e^((k - a) T)/(a - k); below T_0 |x| <= |c| + s e^(T_0), and the mass is
  exp(-e^(-a T_0)).
- normal with mean c plus exponential with rate lambda (`decay`): the density is
  (lambda/2) e^(lambda (c - x + lambda sd^2/2)) erfc(z) with erfc <= 2.  To the left of c it is at most that of the
  normal law, being its average over shifts by y >= 0: (x - c - y)^2 >= (x - c)^2 there.  Times |x|^k e^(rate x) both
  bounds are log-concave on each side of zero, with the logarithmic derivatives k/x + rate - lambda and
  k/x + rate - (x - c)/sd^2.
"""

from __future__ import annotations

from flint import arb
from sympy import Expr

from leadterms.evaluation.certified.laws.half_lines import law_envelope
from leadterms.evaluation.certified.laws.heavy_lines import SLACK
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.laws.named_lines import both_tails, log_concave_tail, rise
from leadterms.evaluation.certified.tools.balls import NAN, Ball, value_of
from leadterms.model.laws import Law


class FrechetLine(Line):
    """Fréchet: the centre plus the scale times e^t, e^(-shape t) exponential."""

    def __init__(self, law: Law, shape: Expr, scale: Expr, centre: Expr) -> None:
        super().__init__(law)
        self.shape, self.scale, self.centre = value_of(shape), value_of(scale), value_of(centre)

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return where e^(-shape t) is the square of spreads, and t = spreads."""
        first = -2 * arb(spreads).log() / self.shape
        return tuple((self.centre + self.scale * t.exp()).mid() for t in (first, arb(spreads)))

    def _density(self, t: Ball) -> Ball:
        u = -self.shape * t
        return self.shape * (u - u.exp()).exp()

    def _size(self, box: Ball) -> Ball:
        """|e^(-shape z)| = e^(-shape x), the real part of which is at least its least cosine times its least size."""
        height = (self.shape * box.imag).abs_upper()
        u = -self.shape * box.real
        return (self.shape * (u - u.exp() * height.cos()).exp()).abs_upper() if height < arb.pi() / 2 else NAN

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one, in t."""
        first, last = (((end - self.centre) / self.scale).log() for end in (low, high))
        return [
            Segment(
                (first + SLACK / 2).mid(),
                (last - SLACK / 2).mid(),
                self._density,
                lambda t: self.centre + self.scale * t.exp(),
                size=self._size,
            )
        ]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        left = self.shape - power
        if not (rate <= 0 and left > 0):
            return NAN
        last = ((high - self.centre) / self.scale).log() - SLACK
        size = (self.scale + abs(self.centre) * (-last).exp()) ** power
        right = self.shape * size * (-left * last).exp() / left
        return (rate * self.centre).exp() * right + self.next_to_ends(low, high, power, rate)

    def next_to_ends(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        first = ((low - self.centre) / self.scale).log() + SLACK
        near = (abs(self.centre) + self.scale * first.exp()) ** power * (-(-self.shape * first).exp()).exp()
        return (rate * self.centre).exp() * near if rate <= 0 else NAN

    def envelope(self) -> tuple[Ball, Ball]:
        """By the elasticity (`half_lines`)."""
        return law_envelope(self.law)


class ExGaussianLine(Line):
    """A normal and an independent exponential variable added."""

    def __init__(self, law: Law, mean: Expr, sd: Expr, decay: Expr) -> None:
        super().__init__(law)
        self.mean, self.sd, self.decay = value_of(mean), value_of(sd), value_of(decay)
        self.spread = self.sd + 1 / self.decay

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return so many standard deviations to the left, and scales of the exponential law to the right."""
        low = (self.mean - spreads * self.sd).min(-self.sd)
        high = self.mean + spreads * self.sd + spreads * spreads / self.decay
        return low.lower(), high.max(self.spread).upper()

    def _exponential(self, x: Ball) -> Ball:
        """Return half of the exponential bound."""
        return self.decay / 2 * (self.decay * (self.mean - x + self.decay * self.sd**2 / 2)).exp()

    def _density(self, x: Ball) -> Ball:
        z = (self.mean - x + self.decay * self.sd**2) / (self.sd * arb(2).sqrt())
        return self._exponential(x) * z.erfc()

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one."""
        return [Segment(low, high, self._density)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module, and `both_tails`."""
        return both_tails(self._beyond, (low, high), power, rate, self.spread)

    def _beyond(self, side: int, end: Ball, power: int, rate: Ball) -> Ball:
        z = (self.mean - end) / self.sd
        if side < 0 and not z > 0:
            return NAN
        bound = 2 * self._exponential(end) if side > 0 else (-z * z / 2).exp() / (self.sd * (2 * arb.pi()).sqrt())
        slope = (self.decay if side > 0 else z / self.sd) - side * rate - rise(side, end, power)
        return log_concave_tail((side * end) ** power * (rate * end).exp() * bound, slope)
