r"""Weights that are averages over a predictor with a heavy tail, in balls: W_k(y) = E[x^k w(y + b x)].

**Values.**  Every average of this kind has a rule (`line_rules`).  On intervals of y its values are interpolated in
Chebyshev's points, with the error of `interpolation`.

**Bounds.**  Let |w(x + iy)| <= K e^-|x| in a strip (`WeightBalls.decay`), and f(x) <= C (1 + |x|)^-p for the density
(`Line.envelope`), k <= p.  With eta = y + b x, in which y has the real part u,

.. math:: |W_k(y)| \le \frac{C}{|b|} \int K e^{-|\eta|} (1 + |\eta - u|/|b|)^{k - p} d\eta
          \le \frac{2 K C}{|b|} \{(1 + |u|/(2|b|))^{k - p} + e^{-|u|/2}\},

the parts where |eta| is at most |u|/2 or not; and W_k is analytic where w is in a strip.

**Sectors.**  What is known of functions of moments under weights in a sector (`sector`) is known of those of w, whose
angle and gain these are.

Where w has none, an entry of a Schur complement of the block A of the random effects, eta = c + b x + u'a, a the
columns of A, has a sector by the density of Student's law.  Modulo A the column x is (eta - c)/b, whatever the effects
u are, complex ones too, and A leaves the complement as it is.  With eta and the other predictors as variables the
columns are real therefore, and the effects stand in the density f((eta - c - u'a)/b) alone, which is in the part of a
complex weight.  Let eta move by i tau, v = |tau|/(|b| scale) < 1, and xi be (x - centre)/scale at the real part of u:

- :math:`1 + (\xi + iy)^2 = 1 - y^2 + \xi^2 + 2 i \xi y`, and :math:`1 - y^2 + \xi^2 \ge 2 |\xi| (1 - y^2)^{1/2}`: its
  argument is at most :math:`\arcsin v`, that of the density q/2 times it, q = nu + 1;
- the density grows by no more than (1 - v^2)^(-q/2) (`pair_density`).

As functions of tau the moments are those with w at complex points: both are analytic, and agree for tau = 0.  The bound
of the complement is sec^p of the angle times that under the moduli (`ceilings`), at most the gain times that at real
effects, where the complement is at most the ceiling.
"""

from __future__ import annotations

from math import floor

from flint import arb, arb_mat

from leadterms.evaluation.averaged_weight import AveragedWeight
from leadterms.evaluation.certified.laws.falls import Fall, Opposed
from leadterms.evaluation.certified.laws.heavy_lines import StudentLine
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.rules.line_rules import line_rule
from leadterms.evaluation.certified.rules.rule import LineRule, Request
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, End, interval
from leadterms.evaluation.certified.tools.interpolation import MARGIN, Interpolants, interpolants, remembered_bits
from leadterms.evaluation.certified.tools.work import REAL_UNITS, spend
from leadterms.evaluation.certified.weights.weight_base import WeightBalls, nearest_and_farthest
from leadterms.evaluation.precision import ball_bits, ball_precision

POWERS = (0, 1, 2)
HEIGHTS = (2.0, 1.2)
"""Heights of the ellipses of interpolation, the first in the strip of w."""
SHARED = 2
"""Intervals that share a rule."""
SPARE = 22
"""Bits of the precision that rules and interpolants do not reach for."""


class AveragedBalls(WeightBalls):
    """W_k."""

    def __init__(self, weight: AveragedWeight, base: WeightBalls) -> None:
        super().__init__(weight)
        self._weight, self._base = weight, base
        self._line, self._slope = line_of(weight.law), arb(weight.slope)
        self._height = next((h for h in HEIGHTS if base.decay(arb(h * (1 + 1e-9))).is_finite()), HEIGHTS[-1])
        self._half = arb(self._height / 2)

    def at(self, eta: Ball) -> Ball:
        """Return W_k(eta) for a real eta."""
        place = floor(float(eta.mid()) / float(2 * self._half) + 0.5)
        key, known = ("interpolants", place, remembered_bits()), self._weight.known
        if key not in known:
            with ball_precision(key[2]):
                known[key] = self._interpolants(place)
        found: Interpolants = known[key]
        return found.at(eta, self._weight.power)

    def _interpolants(self, place: int) -> Interpolants:
        middle, half = 2 * self._half * place, self._half * (1 + MARGIN)
        near = (abs(middle) - 2 * self._height).max(arb(0))
        tops = [self._bound(k, near, arb(self._height * (1 + 1e-9))) for k in POWERS]
        return interpolants(
            lambda points: self._averages(points, place).tolist(),
            (middle, half),
            self._height,
            tops,
            arb(2) ** (SPARE - ball_bits()),
        )

    def _averages(self, points: list[Ball], place: int) -> arb_mat:
        """Return W_k in rows at points of an interval."""
        rule, table = self._rule(place // SHARED)
        spend(len(points) * len(rule.points) * REAL_UNITS, ball_bits())
        columns = [[self._base.at(y + self._slope * x) for y in points] for x in rule.points]
        radii = [[arb(0, error.abs_upper())] * len(points) for error in rule.errors]
        # where the weight is next to nothing for all x the rule has no points
        return table * arb_mat(columns) + arb_mat(radii) if columns else arb_mat(radii)

    def _rule(self, part: int) -> tuple[LineRule, arb_mat]:
        """Return the rule for some intervals of y, and its masses times powers of its points."""
        key, known = ("rule", part, ball_bits()), self._weight.known
        if key not in known:
            low, high = (self._half * (2 * SHARED * one - 1) - 1 for one in (part, part + 1))
            y = interval(low, high + 2)
            with ball_precision(PLANNING_BITS):
                decay = self._base.decay(arb(0))
                fall = Fall(
                    (decay * abs(y).exp()).abs_upper(),
                    abs(self._slope).lower(),
                    Opposed((), (), ()),
                    tuple(((k,),) for k in POWERS),
                    (2 * decay / abs(self._slope)).abs_upper(),
                )
                request = Request(
                    self._line,
                    self._base.modulus,
                    self._base.modulus(None, None, arb(0)).abs_upper(),
                    (y, self._slope),
                    arb(0),
                    (arb(2) ** (SPARE - key[2]),) * len(POWERS),
                    fall,
                )
            rule = line_rule(request)
            rows = [[m * self._line.power(x, k) for x, m in zip(rule.points, rule.masses, strict=True)]
                    for k in POWERS]  # fmt: skip
            known[key] = rule, arb_mat(rows)
        found: tuple[LineRule, arb_mat] = known[key]
        return found

    def _bound(self, power: int, near: Ball, height: Ball) -> Ball:
        """Bound |W_k| for |Re y| >= near: see the module."""
        top, order = self._line.envelope()
        slope = abs(self._slope)
        if not order >= power:
            return NAN
        parts = (-(order - power) * (1 + near / (2 * slope)).log()).exp() + (-near / 2).exp()
        return (2 * self._base.decay(height) * top / slope * parts).abs_upper()

    def steepness(self, box: Ball) -> Ball:
        """Nothing is known."""
        return NAN

    def modulus(self, low: End, high: End, height: Ball) -> Ball:
        """See the module."""
        return self._bound(self._weight.power, nearest_and_farthest(low, high)[0], height)

    def angle(self, height: Ball) -> Ball:
        """See the module."""
        if not self._weight.turns:
            return self._base.angle(height)
        share = self._share(height)
        return self._line.envelope()[1] / 2 * share.asin() if share < 1 else NAN

    def gain(self, height: Ball) -> Ball:
        """See the module."""
        if not self._weight.turns:
            return self._base.gain(height)
        share = self._share(height)
        return (-self._line.envelope()[1] / 2 * (1 - share * share).log()).exp() if share < 1 else NAN

    def loss(self, height: Ball) -> Ball:
        """Bound by how much the density falls (`density_turning`)."""
        share = self._share(height)
        return (self._line.envelope()[1] / 2 * (1 + share * share).log()).exp()

    def stretch(self, height: Ball) -> Ball:
        """Bound by how much more the powers of x grow (`density_turning`)."""
        return (1 + height / abs(self._slope)) ** POWERS[-1]

    def _share(self, height: Ball) -> Ball:
        assert isinstance(self._line, StudentLine)
        return (height / (abs(self._slope) * self._line.scale)).abs_upper()
