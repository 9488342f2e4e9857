r"""The density of S = b X + c Z, Z of Student's law, times moments of X and Z given S.

With densities f of X and h of Z let :math:`g_{jk}(s) = |c|^{-1} \int x^j \zeta^k f(x) h(\zeta) dx`,
:math:`\zeta = (s - b x)/c`: the density of S times E[X^j Z^k | S = s].  So :math:`g_{00}` is that of S, and the "power"
of S that stands for X^j Z^k is :math:`g_{jk}/g_{00}`.

**Values.**  Given s the integral is a mean over X of x^j h(eta), eta = s/c - (b/c) x, with h in the part of a weight,
and has a rule as every other (`line_rules`).  Its error is that of x^j h; :math:`\zeta^k` is a polynomial in x and s.

They are needed at many s: on intervals g_jk is replaced by its interpolant in Chebyshev's points, by the bound off the
line and with the error of `interpolation`.

**Bounds.**  Let :math:`f(x) \le C (1 + |x|)^{-p}`, :math:`h(z) \le D (1 + |z|)^{-q}` (`Line.envelope`).

- h off the line, :math:`v = |\Im z|/\text{scale} < 1`: for |y| <= v
  :math:`|1 + (\xi + iy)^2|^2 - (1 - y^2)^2 (1 + \xi^2)^2 = \xi^2 y^2 \{6 + 2 \xi^2 - (2 + \xi^2) y^2\} \ge 0`, so that
  :math:`|h(z)| \le (1 - v^2)^{-q/2} h(\Re z)`; and :math:`|z|^k \le (1 + |\Im z|)^k (1 + |\Re z|)^k`.
  Where |Re z - centre| >= d scale, d > 0, h is analytic at any height, and as |xi + iy - i| and |xi + iy + i| are at
  least d, |h| is at most its value at the centre times d^-q.
- Tail of the inner rule, |x| > B: :math:`1 + |\zeta| \ge |x| |b|/\max(|s|, |c|)`, since
  :math:`|b x| \le |s| + |c \zeta|`, so that for j <= q
  :math:`|x|^j h \le D \{\max(|s|, |c|)/|b|\}^j (1 + |\zeta|)^{j - q}` with :math:`|\zeta| \ge (|b| B - |s|)/|c|`.
- With exponents p - j >= 0 and q - k >= 0 whose sum r exceeds 1
  :math:`(1 + |x|)^{j - p} (1 + |\zeta|)^{k - q} \le (1 + |x|)^{-r} + (1 + |\zeta|)^{-r}`; the integral over x of the
  first is 2/(r - 1), that of the second |c/b| times it:
  :math:`\int |x|^j |\zeta|^k f h\,dx/|c| \le 2 C D (1/|c| + 1/|b|)/(r - 1)` for all real s.  For
  :math:`s + i\tau` Re zeta takes the place of zeta, and the factors off the line are those of h and of
  :math:`|\zeta|^k` at :math:`\Im \zeta = \tau/c`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb, floor

from flint import arb, arb_mat

from leadterms.evaluation.certified.laws.heavy_lines import StudentLine
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.rules.line_rules import line_rule
from leadterms.evaluation.certified.rules.rule import LineRule, Request
from leadterms.evaluation.certified.tools.balls import (
    NAN,
    PLANNING_BITS,
    Ball,
    End,
    interval,
    larger,
    smaller,
    whole_power,
)
from leadterms.evaluation.certified.tools.interpolation import MARGIN, Interpolants, interpolants, remembered_bits
from leadterms.evaluation.certified.weights.weight_base import nearest_and_farthest
from leadterms.evaluation.pair_law import POWERS, PairLaw
from leadterms.evaluation.precision import ball_bits, ball_precision

DEGREE = 2
"""Largest j + k."""
HEIGHT = 0.9
"""Of the ellipses of interpolation, in |c| scale."""
HALF = 0.5
"""Half width of its intervals, in the same unit."""
SHARED = 4
"""Intervals that share an inner rule."""
FAR = 256
"""Intervals farther out than so many are not interpolated on: points are few there."""
SPARE = 22
"""Bits of the precision that rules and interpolants do not reach for."""


@dataclass(frozen=True)
class _InnerFall:
    """Bounds of |x|^j h beyond a cut, for s up to ``size``: see the module."""

    top: Ball
    order: Ball
    slopes: tuple[Ball, Ball]
    size: Ball

    def beyond(self, cut: Ball, power: int, largest: Ball) -> Ball:
        """Bound |x|^power h where |x| > cut."""
        b, c = map(abs, self.slopes)
        left = self.order - power
        near = ((b * cut - self.size) / c).lower()
        if not (near >= 0 and left >= 0):
            return NAN
        return (self.top * (larger(self.size, c) / b) ** power * (-left * (1 + near).log()).exp()).abs_upper()

    def strip(self, cut: Ball, power: int, crest: Ball) -> Ball:
        """Nothing else is known."""
        return NAN


class PairDensity:
    """The functions g_jk, by the exponents that stand for X^j Z^k (`pair_law`)."""

    def __init__(self, law: PairLaw, first: Line, second: StudentLine) -> None:
        self.slopes = b, c = arb(law.slopes[0]), arb(law.slopes[1])
        self._known = law.known
        self._first, self._second = first, second
        self._top, self._order = second.envelope()
        self._per_slope = 1 / abs(b) + 1 / abs(c)
        unit = float(abs(c) * second.scale)
        self._half, self._height = arb(HALF * unit), HEIGHT * unit

    def largest(self, exponent: int, height: Ball) -> Ball:
        """Bound |g_jk(s)| for |Im s| <= height, not finite where nothing is known."""
        j, k = POWERS[exponent]
        top, order = self._first.envelope()
        across = (height / abs(self.slopes[1])).abs_upper()
        v = across / self._second.scale
        left = order + self._order - j - k - 1
        if not (v < 1 and order >= j and self._order >= k and left > 0):
            return NAN
        gain = (-self._order / 2 * (1 - v * v).log()).exp() * (1 + across) ** k
        return (2 * top * self._top * self._per_slope / left * gain).abs_upper()

    def at(self, s: Ball) -> dict[int, Ball]:
        """Return g_jk at a real point."""
        place = floor(float(s.mid()) / float(2 * self._half) + 0.5)
        if abs(place) > FAR:
            return self._integrated(s, place)
        key = ("interpolants", place, remembered_bits())
        if key not in self._known:
            with ball_precision(key[2]):
                self._known[key] = self._interpolants(place)
        found: Interpolants = self._known[key]
        return {e: found.at(s, i) for i, e in enumerate(POWERS)}

    def _interpolants(self, place: int) -> Interpolants:
        def values(points: list[Ball]) -> list[list[Ball]]:
            found = [self._integrated(point, place) for point in points]
            return [[one[e] for one in found] for e in POWERS]

        interval = 2 * self._half * place, self._half * (1 + MARGIN)
        tops = [self.largest(e, arb(self._height * (1 + 1e-9))) for e in POWERS]
        return interpolants(values, interval, self._height, tops, arb(2) ** (SPARE - ball_bits()))

    def _integrated(self, s: Ball, place: int) -> dict[int, Ball]:
        """Return g_jk at a point of an interval, by its inner rule."""
        b, c = self.slopes
        rule, table = self._rule(place // SHARED)
        ratio, at = b / c, s / c
        column = [[self._second.at(at - ratio * x)] for x in rule.points]
        sums = table * arb_mat(column)
        plain = [(sums[j, 0] + arb(0, rule.errors[j].abs_upper())) / abs(c) for j in range(DEGREE + 1)]
        return {
            exponent: sum(
                (comb(k, i) * whole_power(at, k - i) * whole_power(-ratio, i) * plain[j + i] for i in range(k + 1)),
                arb(0),
            )
            for exponent, (j, k) in POWERS.items()
        }

    def _rule(self, part: int) -> tuple[LineRule, arb_mat]:
        """Return the inner rule for some intervals of s, and its masses times powers of its points."""
        key = ("rule", part, ball_bits())
        if key not in self._known:
            b, c = self.slopes
            low, high = (2 * self._half * (SHARED * one - 1) for one in (part, part + 1))
            s = interval(low, high + 2 * self._half)
            with ball_precision(PLANNING_BITS):
                request = Request(
                    self._first,
                    self._modulus,
                    self._top.abs_upper(),
                    (s / c, -b / c),
                    arb(0),
                    (arb(2) ** (SPARE - key[2]),) * (DEGREE + 1),
                    _InnerFall(self._top, self._order, (b, c), abs(s).abs_upper()),
                )
            rule = line_rule(request)
            rows = [[m * whole_power(x, k) for x, m in zip(rule.points, rule.masses, strict=True)]
                    for k in range(DEGREE + 1)]  # fmt: skip
            self._known[key] = rule, arb_mat(rows)
        found: tuple[LineRule, arb_mat] = self._known[key]
        return found

    @property
    def _modulus(self) -> Callable[[End, End, Ball], Ball]:
        def modulus(low: End, high: End, height: Ball) -> Ball:
            second, order = self._second, self._order
            v = height / second.scale
            nearest, _ = nearest_and_farthest(low, high)
            near = far = NAN
            if v < 1:
                near = self._top * (-order / 2 * (1 - v * v).log() - order * (1 + nearest).log()).exp()
            ends = [None if end is None else (end - second.centre) / second.scale for end in (low, high)]
            distance, _ = nearest_and_farthest(*ends)
            if distance > 0:
                far = second.top / second.scale * (-order * distance.log()).exp()
            return smaller(near.abs_upper(), far.abs_upper())

        return modulus
