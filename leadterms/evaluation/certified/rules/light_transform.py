"""Transforms E[X^k e^{i b t X}] of laws with exponential tails, or bounded ones, by a rule that serves all t wanted.

The rule is one for x^k e^{i b t x} with t anywhere in [0, T] (`line_rules`).  Off the real line, |Im t| <= h, the
transform is at most E[|X|^k e^{r |X|}], r = |b| h: the sum over the segments of the law, or over its points, between
two ends, and its tails.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import acb, acb_mat, arb
from sympy import Expr, Rational

from leadterms.evaluation.certified.laws.line_base import SPREADS, Line
from leadterms.evaluation.certified.rules.line_rules import line_rule
from leadterms.evaluation.certified.rules.rule import Request
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, End, interval, whole_power
from leadterms.evaluation.precision import ball_precision

PIECES = 64
"""Of each segment."""
GRID = 1 / 16
"""Heights are taken up to multiples of this."""


class LightTransform:
    """That of a law without heavy tails (see `transforms.Transform`)."""

    def __init__(self, line: Line, slope: Ball, reach: Ball, tolerances: tuple[Ball, ...]) -> None:
        self._line, self._slope = line, slope
        with ball_precision(PLANNING_BITS):
            eta = acb(0, slope * interval(arb(0), reach))
            request = Request(line, _modulus, arb(1), (acb(0), eta), arb(0), tolerances)
        self._rule = line_rule(request)
        self._bounds: dict[tuple[int, int], Ball] = {}

    def at(self, t: Ball, k: int) -> Ball:
        """Return the rule's sum and its error."""
        return self.table([t], k)[k][0]

    def table(self, points: Sequence[Ball], power: int) -> list[list[Ball]]:
        """Return the sums at several points, with their errors, for each k up to a power."""
        own = list(zip(self._rule.points, self._rule.masses, strict=True))
        turns = acb_mat(len(own), len(points), [acb(0, self._slope * t * x).exp() for x, _ in own for t in points])
        rows = acb_mat(power + 1, len(own), [m * whole_power(x, k) for k in range(power + 1) for x, m in own])
        values = rows * turns
        errors = [arb(0, error.abs_upper()) for error in self._rule.errors]
        return [[values[k, j] + acb(errors[k], errors[k]) for j in range(len(points))] for k in range(power + 1)]

    def bound(self, low: Ball, height: Ball, k: int, high: Ball | None = None) -> Ball:
        """See the module."""
        place = int(float(height.abs_upper()) / GRID) + 1 if height > 0 else 0
        if (place, k) not in self._bounds:
            self._bounds[place, k] = absolute_moment(self._line, k, abs(self._slope) * (GRID * place))
        return self._bounds[place, k]

    def near(self, k: int) -> tuple[Ball, Expr]:
        """Return E|X|^k."""
        return self._line.absolute(k), Rational(0)

    def plain(self, k: int) -> Ball:
        """None."""
        return arb(0)

    def falls_by(self, power: int) -> bool:
        """Tell nothing: all moments exist."""
        return False

    def aimed(self, tolerance: Ball) -> LightTransform:
        """Return the same: the accuracy is that of the rule."""
        return self


def absolute_moment(line: Line, power: int, rate: Ball) -> Ball:
    """Bound E[|X|^power e^(rate |X|)], not finite where that is not known."""
    for spreads in SPREADS:
        low, high = line.reach(spreads)
        total = line.tail(low, high, power, rate) + line.tail(low, high, power, -rate)
        if not total.is_finite():
            continue
        atoms = line.atoms(low, high)
        if atoms is not None:
            total += sum((whole_power(abs(x), power) * (rate * abs(x)).exp() * p for x, p in atoms), arb(0))
            return total.abs_upper()
        for segment in line.segments(low, high):
            width = (segment.high - segment.low) / PIECES
            for i in range(PIECES):
                first = segment.low if i == 0 else (segment.low + i * width).mid()
                last = segment.high if i == PIECES - 1 else (segment.low + (i + 1) * width).mid()
                size = abs(segment.point(interval(first, last))).abs_upper()
                mass = segment.mass(first, last)
                mass = mass.min(arb(1)) if mass.is_finite() else arb(1)
                total += mass * size**power * (rate * size).exp()
        return total.abs_upper()
    return NAN


def _modulus(low: End, high: End, height: Ball) -> Ball:
    return NAN if high is None else high.exp()
