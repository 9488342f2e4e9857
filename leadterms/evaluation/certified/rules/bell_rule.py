r"""A rule for one normal predictor: the trapezoidal rule on a lattice, of few points since the density is a bell.

Let X be normal with standard deviation s, eta affine with a real slope b, and :math:`|w(\eta(x + iy))| \le M` for all
real x and :math:`|y| \le a`.  For :math:`f(x) = x^k w(\eta(x))` times the density p,

.. math:: |f(x + iy)| \le M\, (|x| + a)^k\, e^{a^2/(2 s^2)}\, p(x),

and a lattice of step h, wherever it begins, has

.. math:: \Big|\int f\,dx - h \sum_j f(x_j)\Big| \le
          \frac{2 M e^{a^2/(2 s^2)}}{e^{2\pi a/h} - 1} \sum_{i \le k} \binom{k}{i} a^{k-i} E|X|^i

(Poisson summation; move the contour to the side where :math:`e^{2\pi i j x/h}` is small, and sum over j).  Points
beyond [low, high] are left out.  Where :math:`g(x) = |x|^k p(x)` falls, as it does beyond these ends if its tail is
bounded there, they weigh at most h g(high) and the integral beyond high, and likewise below, times the supremum of
the weight.  What lies between [low, high] and the ends of the support, or of a cut, is at most that integral.
"""

from __future__ import annotations

from math import ceil, comb, floor

from flint import arb

from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.named_lines import NormalLine
from leadterms.evaluation.certified.rules.rule import LineRule, Request
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, float_log
from leadterms.evaluation.precision import ball_precision

HEIGHTS = (0.3, 0.7, 1.0, 1.4, 1.8, 2.2, 2.6, 2.9)
"""Distances from the real line that are tried, in the linear predictor."""
MOST_POINTS = 160
SLACK = 4
"""The error may exceed the tolerance so many times: so may that of other rules."""


def bell_rule(request: Request, low: Ball, high: Ball) -> LineRule | None:
    """Return a rule on a lattice, None where the predictor is not normal or no error is proven that is small enough."""
    line = request.line.line if isinstance(request.line, CutLine) else request.line
    if not isinstance(line, NormalLine) or len(request.eta) != 2 or not request.rate.is_zero():
        return None
    if not request.eta[1].imag.is_zero():
        return None
    with ball_precision(PLANNING_BITS):
        found = _step(request, line)
        if found is None:
            return None
        step, errors = found
        first, last = ceil(float((low - line.mean) / step)), floor(float((high - line.mean) / step))
        if not 0 < last - first < MOST_POINTS:
            return None
        top = request.modulus(None, None, request.eta[0].imag.abs_upper())
        errors = [
            (error + top * _left_out(line, low, high, k, step)).abs_upper() for k, error in enumerate(errors)
        ]  # fmt: skip
        if not all(bool(e <= SLACK * t) for e, t in zip(errors, request.tolerances, strict=True)):
            return None
    # a point at the very end may be in or out: what is left out is counted whole
    points = tuple(x for x in (line.mean + j * arb(step) for j in range(first, last + 1)) if low <= x <= high)
    return LineRule(points, tuple(step * line.density(x) for x in points), tuple(errors), low, high)


def _left_out(line: NormalLine, low: Ball, high: Ball, power: int, step: float) -> Ball:
    """Bound what lies beyond the ends, of the law and of the lattice."""
    ends = sum((abs(end) ** power * line.density(end) for end in (low, high)), arb(0))
    return 2 * line.tail(low, high, power, arb(0)) + 2 * step * ends


def _step(request: Request, line: NormalLine) -> tuple[float, list[Ball]] | None:
    """Return the longest step, and the discretisation error for each power."""
    away, steepness = request.eta[0].imag.abs_upper(), abs(request.eta[1].real).upper()
    moments = [line.absolute(power) for power in range(len(request.tolerances))]
    best: tuple[float, list[Ball]] | None = None
    for height in HEIGHTS:
        width = min(height / max(1e-9, float(steepness)), 8 * float(line.sd)) * arb(1)
        top = request.modulus(None, None, (away + steepness * width).upper())
        if not top.is_finite():
            break
        factor = 2 * top * (width * width / (2 * line.sd * line.sd)).exp()
        sizes = [
            factor * sum((comb(k, i) * width ** (k - i) * moments[i] for i in range(k + 1)), arb(0))
            for k in range(len(moments))
        ]
        nats = max(float_log(1 + 2 * size / t) for size, t in zip(sizes, request.tolerances, strict=True))
        step = min(float(line.sd.lower()), float((2 * arb.pi() * width / max(1.0, nats)).lower()))
        if best is None or step > best[0]:
            shrink = (2 * arb.pi() * width / arb(step)).expm1()
            best = step, [(size / shrink).abs_upper() for size in sizes]
    return best
