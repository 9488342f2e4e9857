"""Bounds of the integrand for real effects, far out and on cells: by the absolute moments that are its ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, Ball, interval, larger
from leadterms.evaluation.certified.line_rules import eta_range
from leadterms.evaluation.certified.moments import Problem
from leadterms.evaluation.certified.strands import Strands
from leadterms.evaluation.moment_system import Ceiling

Cell = tuple[tuple[Ball, Ball], ...]
"""Lower and upper end, exact, for each effect."""


class Bounds:
    """Proven bounds of |F| for real effects.

    Raises
    ------
    EvaluationError
        If a part of the ceiling is not bounded.

    """

    def __init__(self, strands: Strands) -> None:
        self._problems = strands.problems
        self._terms = [_Term(strands.problems[part.strand], part) for part in strands.system.ceiling]

    def on(self, cell: Cell) -> Ball:
        """Bound the integral of |F| phi over a cell."""
        return _added(term.on(cell) for term in self._terms)

    def beyond(self, radius: Ball) -> Ball:
        """Bound the integral of |F| phi over the effects outside the cube of this radius."""
        return _added(term.beyond(radius) for term in self._terms)

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie, beyond a few standard deviations."""
        return max(term.growth_of_effects() for term in self._terms)

    def reach(self, j: int) -> float:
        """Return about how far a linear predictor moves when one effect moves by one."""
        totals = []
        for problem in self._problems:
            row = problem.loadings[j]
            total = abs(float(row[0]))
            for entry, line in zip(row[1:], problem.lines, strict=True):
                low, high = line.reach(2.0)
                total += abs(float(entry)) * max(abs(float(low)), abs(float(high)))
            totals.append(total)
        return max(totals)


def _added(parts: Iterable[Ball]) -> Ball:
    total = arb(0)
    for part in parts:
        if not part.is_finite():
            return NAN
        total += part
    return total.abs_upper()


class _Term:
    """Proven bounds of c M(u), M an absolute moment of one strand, for real effects.

    Bounded weights: M(u) <= sup of w over the range of eta, times E|X|^powers.  A weight scale e^(rate eta) on
    bounded predictors: M(u) <= level e^(sum growth_j |u_j|).
    """

    def __init__(self, problem: Problem, part: Ceiling) -> None:
        self.problem = problem
        pairs = zip(problem.lines, part.exponents, strict=True)
        self.size = prod((line.absolute(k) for line, k in pairs), start=abs(arb(part.factor)))
        if not self.size.is_finite():
            raise EvaluationError("no proven bound of the predictors' absolute moments")
        self.supports = [(line.low, line.high) for line in problem.lines]
        rate = problem.weight.rate
        self.growth: list[Ball] | None = None
        if rate is not None:
            self.growth, self.level = self._exponential(rate)

    def _exponential(self, rate: Ball) -> tuple[list[Ball], Ball]:
        """Return growth and level of an exponential weight."""
        problem = self.problem
        level = problem.weight.at(problem.centre) * self.size
        growth = [abs(rate * row[0]) for row in problem.loadings]
        for i, (line, slope) in enumerate(zip(problem.lines, problem.slopes, strict=True)):
            entries = [row[1 + i] for row in problem.loadings]
            if rate.is_zero() or (slope.is_zero() and all(bool(entry.is_zero()) for entry in entries)):
                continue
            if line.low is None or line.high is None:
                raise EvaluationError(
                    f"no bound of the integrand for large random effects: {line.law} is unbounded and the weight grows "
                    "exponentially"
                )
            reach = larger(abs(line.low), abs(line.high))
            level *= (abs(rate * slope) * reach).exp()
            growth = [g + abs(rate * entry) * reach for g, entry in zip(growth, entries, strict=True)]
        return growth, level

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie, beyond a few standard deviations."""
        return max((float(g.upper()) for g in self.growth), default=0.0) if self.growth else 0.0

    def on(self, cell: Cell) -> Ball:
        """Bound the integral of c M phi over a cell of real effects."""
        mass = arb(1)
        for low, high in cell:
            near = interval(low, high).abs_lower()
            mass *= (high - low) * density((near,))
        if self.growth is not None:
            exponent = sum((g * interval(*side).abs_upper() for g, side in zip(self.growth, cell, strict=True)), arb(0))
            return (mass * self.level * exponent.exp()).abs_upper()
        shift, slopes = self.problem.at([interval(*side) for side in cell])
        modulus = self.problem.weight.modulus(*eta_range(shift, slopes, self.supports))
        return (mass * modulus * self.size).abs_upper() if modulus.is_finite() else NAN

    def beyond(self, radius: Ball) -> Ball:
        """Bound the integral of c M phi over the effects outside the cube of this radius.

        The integral of e^(g |u|) phi(u) over |u| > R is 2 e^(g^2/2) Q(R - g), Q(x) = erfc(x/sqrt 2)/2.
        """
        root = arb(2).sqrt()
        if self.growth is None:
            modulus = self.problem.weight.modulus(None, None, arb(0))
            if not modulus.is_finite():
                return NAN
            return (len(self.problem.loadings) * (radius / root).erfc() * modulus * self.size).abs_upper()
        tilts = [(g * g / 2).exp() for g in self.growth]
        whole = prod(tilts, start=self.level) * 2 ** len(tilts)
        return sum(((whole * ((radius - g) / root).erfc()) for g in self.growth), arb(0)).abs_upper()


def density(effects: Sequence[Ball]) -> Ball:
    """Return the standard normal density at real effects."""
    square = sum((u * u for u in effects), arb(0))
    return (-square / 2).exp() / (2 * arb.pi()).sqrt() ** len(effects)
