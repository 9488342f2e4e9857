"""Discrete laws: finitely many atoms, or a lattice with a geometric tail."""

from __future__ import annotations

import sympy
from flint import arb
from sympy import Expr, Symbol, gamma, gammasimp, together

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval, value_of
from leadterms.evaluation.precision import spelled
from leadterms.model.laws import Law


class FiniteLine(Line):
    """Finitely many atoms."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self._atoms = [(value_of(point), value_of(p)) for point, p in law.atoms_with_probability or ()]

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]]:
        """Return all of them."""
        return self._atoms


class LatticeLine(Line):
    """A law on the integers from some number on, whose probabilities fall at last at least geometrically."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        if self.low is None or self.high is not None:
            raise EvaluationError(f"no proven tail for the discrete law {spelled(law)}: its support has no least point")
        self.first = int(law.support[0])
        n = Symbol("n", positive=True)
        t = Symbol("t", positive=True)
        ratio = gammasimp((law.density(n + 1) / law.density(n)).rewrite(gamma))
        self.ratio = together(ratio.subs(n, 1 / t)).cancel() if isinstance(ratio, Expr) else ratio
        self.symbol = t

    def absolute(self, power: int) -> Ball:
        """Return the sum to some point and the tail beyond it."""
        if self.law.raw_moment(power) is not None:
            return super().absolute(power)
        for spreads in (10.0, 30.0, 100.0):
            low, high = self.reach(spreads)
            beyond = self.tail(low, high, power, arb(0))
            if beyond.is_finite():
                return sum((abs(x) ** power * p for x, p in self.atoms(low, high)), beyond)
        return NAN

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the first point and one where the probabilities are small."""
        return arb(self.first), arb(max(self.first, 1) + int(4 + spreads * spreads))

    def _probability(self, x: int) -> Ball:
        return value_of(self.law.density(sympy.Integer(x)))

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]]:
        """Return those up to the cut."""
        last = int(float(high))
        return [(arb(x), self._probability(x)) for x in range(self.first, last + 1)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Compare with a geometric series, from the first point left out: the ratio of the terms is bounded beyond it.

        The ratio p(x + 1)/p(x) is a rational function of x, evaluated at 1/x in [0, 1/first].
        """
        first = int(float(high)) + 1
        inverse = interval(arb(0), 1 / arb(first))
        ratio = value_of(self.ratio, {self.symbol: inverse})
        ratio = (ratio * (1 + inverse) ** power * rate.exp()).abs_upper()
        if not (ratio.is_finite() and ratio < 1):
            return NAN
        return self._probability(first) * arb(first) ** power * (rate * first).exp() / (1 - ratio)
