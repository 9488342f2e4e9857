r"""Named laws of sympy.stats whose density has a variable t in which it is short: x = sinh t, e^t, a power of t.

In x the tails of Student's t, of the lognormal and of the Pareto law reach over many orders of magnitude; in t they
are exponential, so that panels are few.

**Tails**, for T beyond which the law is cut off:

- Student's t, x = c + s sinh t, density C cosh^-nu(t): for |t| >= T |x| <= (s/2 + |c| e^-T) e^|t| and
  cosh t >= e^|t|/2, so that
  :math:`E|X|^k 1_{t > T} \le C 2^\nu (s/2 + |c| e^{-T})^k e^{-(\nu - k)T}/(\nu - k)`, k < nu, and on the other side.
- Pareto, x = m e^t with t exponential: alpha m^k e^((k - alpha) T)/(alpha - k), k < alpha.

**Envelopes** C (1 + |x|)^-p:

- Student's t: with xi = (x - c)/s the density is (C'/s)(1 + xi^2)^(-(nu + 1)/2), C' that of t, and by Cauchy and
  Schwarz (1 + |x|)^2 <= (1 + |c| + s |xi|)^2 <= {(1 + |c|)^2 + s^2}(1 + xi^2): p = nu + 1.
- Pareto: alpha m^alpha x^(-alpha - 1), and 1 + x <= (1 + 1/m) x: p = alpha + 1.

**Other tails**

- lognormal, x = e^t with t normal: x^k phi(t) is log-concave, as in `named_lines`.
- logistic: the density is at most e^(-+(x - mean)/scale)/scale everywhere, and that times |x|^k e^(rate x) log-concave
  on each side of zero.
- Weibull, with u = (x/scale)^shape: x (log x^k f)' = k + shape - 1 - shape u + rate x.  It falls with x for rate <= 0:
  it is at most -s beyond the cut B if it is so there, and then x^k f e^(rate x) <= (x/B)^-s its value at B; for
  shape >= 1 the same divided by x is at most its value at B with (k + shape - 1)/x dropped where it is negative.

What is bounded is E|X|^k e^(rate X): on laws of x > 0 e^(rate x) <= 1 for rate <= 0, and other rates have no bound but
where stated.
"""

from __future__ import annotations

from flint import arb
from sympy import Expr

from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.laws.named_lines import (
    both_tails,
    log_concave_tail,
    power_of,
    rise,
    smooth_root,
)
from leadterms.evaluation.certified.tools.balls import NAN, Ball, value_of
from leadterms.model.laws import Law

SLACK = 2.0**-20
"""Segments stop half of this short of the cut, in t, and tails begin all of it before: ends are rounded."""


class StudentLine(Line):
    """Student's t, centred and scaled; the Cauchy law with nu = 1."""

    def __init__(self, law: Law, nu: Expr, centre: Expr, scale: Expr) -> None:
        super().__init__(law)
        self.exact = nu
        self.nu, self.centre, self.scale = value_of(nu), value_of(centre), value_of(scale)
        half = self.nu / 2
        self.top = (half + arb(1) / 2).gamma() * half.rgamma() / arb.pi().sqrt()
        self._half, self._height = half + arb(1) / 2, self.top / self.scale
        self._order = int(nu) + 1 if nu.is_Integer else None

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return t = spreads to both sides."""
        width = self.scale * arb(spreads).sinh()
        return (self.centre - width).lower(), (self.centre + width).upper()

    def _density(self, t: Ball) -> Ball:
        cosh = t.cosh()
        return self.top * (-self.nu * cosh.log()).exp() if cosh.real > 0 else t * NAN

    def at(self, x: Ball) -> Ball:
        """Return the density in x at a real point."""
        z = (x - self.centre) / self.scale
        square = 1 + z * z
        if self._order is None:
            return self._height * (-self._half * square.log()).exp()
        below = square ** (self._order // 2)
        return self._height / (below * square.sqrt() if self._order % 2 else below)

    def envelope(self) -> tuple[Ball, Ball]:
        """See the module."""
        order = self.nu + 1
        square = (1 + abs(self.centre)) ** 2 + self.scale**2
        return (self.top / self.scale * (order / 2 * square.log()).exp()).abs_upper(), order

    def _size(self, box: Ball) -> Ball:
        """|cosh(x + iy)|^2 = cosh^2 x - sin^2 y, and |y| < pi/2."""
        height = box.imag.abs_upper()
        if not height < arb.pi() / 2:
            return NAN
        below = box.real.abs_lower().cosh() ** 2 - height.sin() ** 2
        return (self.top * (-self.nu / 2 * below.log()).exp()).abs_upper() if below > 0 else NAN

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one, in t."""
        first = (((low - self.centre) / self.scale).asinh() + SLACK / 2).mid()
        last = (((high - self.centre) / self.scale).asinh() - SLACK / 2).mid()
        return [Segment(first, last, self._density, lambda t: self.centre + self.scale * t.sinh(), size=self._size)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        if not (rate.is_zero() and self.nu > power):
            return NAN
        sides = ((high - self.centre) / self.scale, (self.centre - low) / self.scale)
        return sum((self._beyond(side.asinh() - SLACK, power) for side in sides), arb(0))

    def _beyond(self, cut: Ball, power: int) -> Ball:
        size = (self.scale / 2 + abs(self.centre) * (-cut).exp()) ** power
        left = self.nu - power
        return self.top * (self.nu * arb(2).log() - left * cut).exp() * size / left if cut > 0 else NAN


class LogNormalLine(Line):
    """The exponential of a normal t."""

    def __init__(self, law: Law, mean: Expr, sd: Expr) -> None:
        super().__init__(law)
        self.mean, self.sd = value_of(mean), value_of(sd)
        self.top = 1 / (self.sd * (2 * arb.pi()).sqrt())

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return so many standard deviations of t to both sides."""
        return (self.mean - spreads * self.sd).exp().lower(), (self.mean + spreads * self.sd).exp().upper()

    def _density(self, t: Ball) -> Ball:
        z = (t - self.mean) / self.sd
        return self.top * (-z * z / 2).exp()

    def _size(self, box: Ball) -> Ball:
        z = (box - self.mean) / self.sd
        near, height = z.real.abs_lower(), z.imag.abs_upper()
        return (self.top * ((height * height - near * near) / 2).exp()).abs_upper()

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one, in t."""
        first, last = (low.log() + SLACK / 2).mid(), (high.log() - SLACK / 2).mid()
        return [Segment(first, last, self._density, lambda t: t.exp(), size=self._size)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        if not rate <= 0:
            return NAN
        last = high.log() - SLACK
        slope = (last - self.mean) / (self.sd * self.sd) - power
        right = log_concave_tail((power * last).exp() * self._density(last), slope)
        return right + self.next_to_ends(low, high, power, rate)

    def next_to_ends(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        first = low.log() + SLACK
        slope = (self.mean - first) / (self.sd * self.sd) + power
        return log_concave_tail((power * first).exp() * self._density(first), slope) if rate <= 0 else NAN


class ParetoLine(Line):
    """The least value times the exponential of an exponential t."""

    def __init__(self, law: Law, least: Expr, shape: Expr) -> None:
        super().__init__(law)
        self.exact = shape
        self.least, self.shape = value_of(least), value_of(shape)

    def envelope(self) -> tuple[Ball, Ball]:
        """See the module."""
        order = self.shape + 1
        return (self.shape / self.least * (order * (self.least + 1).log()).exp()).abs_upper(), order

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return t from zero to spreads."""
        return self.least, (self.least * arb(spreads).exp()).upper()

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one, in t."""
        end = ((high / self.least).log() - SLACK / 2).mid()
        return [Segment(arb(0), end, lambda t: self.shape * (-self.shape * t).exp(), lambda t: self.least * t.exp())]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        left = self.shape - power
        if not (rate <= 0 and left > 0):
            return NAN
        cut = (high / self.least).log() - SLACK
        return self.least**power * self.shape * (-left * cut).exp() / left


class LogisticLine(Line):
    """The logistic law, its density 1/{4 scale cosh^2(z/2)}."""

    def __init__(self, law: Law, mean: Expr, scale: Expr) -> None:
        super().__init__(law)
        self.mean, self.scale = value_of(mean), value_of(scale)

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the mean with so many squares of scales to both sides, and zero among them."""
        width = spreads * spreads * self.scale
        return (self.mean - width).min(-self.scale).lower(), (self.mean + width).max(self.scale).upper()

    def _density(self, x: Ball) -> Ball:
        cosh = ((x - self.mean) / (2 * self.scale)).cosh()
        return 1 / (4 * self.scale * cosh * cosh)

    def _size(self, box: Ball) -> Ball:
        """2|cosh^2(z/2)| = |1 + cosh z| = cosh x + cos y."""
        z = (box - self.mean) / self.scale
        height = z.imag.abs_upper()
        cosine = height.cos() if height < arb.pi() else arb(-1)
        below = 2 * self.scale * (z.real.abs_lower().cosh() + cosine)
        return (1 / below).abs_upper() if below > 0 else NAN

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one."""
        return [Segment(low, high, self._density, size=self._size)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module, and `both_tails`."""
        return both_tails(self._beyond, (low, high), power, rate, self.scale)

    def _beyond(self, side: int, end: Ball, power: int, rate: Ball) -> Ball:
        bound = (side * (self.mean - end) / self.scale + rate * end).exp() / self.scale
        return log_concave_tail((side * end) ** power * bound, 1 / self.scale - side * rate - rise(side, end, power))


class WeibullLine(Line):
    """Weibull(scale, shape): (x/scale)^shape is exponential; x = scale t^q makes the density smooth at zero."""

    def __init__(self, law: Law, scale: Expr, shape: Expr) -> None:
        super().__init__(law)
        self.exact, self.shape, self.scale = shape, value_of(shape), value_of(scale)
        self.root, self.normalised = smooth_root(shape)

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return zero and the x whose (x/scale)^shape is the square of spreads."""
        return arb(0), (self.scale * (2 * arb(spreads).log() / self.shape).exp()).upper()

    def _density_in_x(self, x: Ball) -> Ball:
        u = (self.shape * (x / self.scale).log()).exp()
        return self.shape * u / x * (-u).exp()

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return one in t, with u = t^(q shape)."""
        exact, power = self.root * self.exact, self.root * self.shape

        def density(t: Ball) -> Ball:
            return power * power_of(t, exact - 1, power - 1) * (-power_of(t, exact, power)).exp()

        end = (((high / self.scale).log() - SLACK / 2) / self.root).exp().mid()
        root = self.root
        return [Segment(arb(0), end, density, lambda t: self.scale * t**root, self.normalised, order=root)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module."""
        cut = high * (1 - SLACK)
        value = cut**power * (rate * cut).exp() * self._density_in_x(cut)
        steep = self.shape * (self.shape * (cut / self.scale).log()).exp()
        above = power + self.shape - 1
        if self.shape >= 1:
            return log_concave_tail(value, (steep - above.max(arb(0))) / cut - rate)
        return log_concave_tail(value * cut, steep - above - 1) if rate <= 0 else NAN
