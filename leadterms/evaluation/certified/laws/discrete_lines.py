r"""Discrete laws: finitely many atoms, lattices with tails like a series or power, sums of multiples of Poisson ones.

**Sums of Poisson variables** have the moment generating function M(t) = exp{sum c_i (e^(it) - 1)} for all t
(`poisson_sums`).  Where t > 0 and k/B + rate <= t, (k log x + rate x)' <= t for x >= B > 0, so that
:math:`x^k e^{rate\,x} \le B^k e^{rate\,B} e^{t(x - B)}` and

.. math:: E[X^k e^{rate\,X};\ X \ge B] \le B^k e^{(rate - t) B} M(t);

the same holds for -X.  Where all steps i are positive G(s) = E s^X has s G'(s) = G(s) sum i c_i s^i, so that

.. math:: k\,p_k = \sum_i i\,c_i\,p_{k - i}, \quad p_0 = e^{-\sum c_i}.
"""

from __future__ import annotations

from math import ceil, floor

import sympy
from flint import arb
from sympy import Expr, Symbol, gamma, gammasimp, powsimp, together

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.tools.balls import NAN, Ball, interval, smaller, value_of
from leadterms.evaluation.precision import ball_bits, spelled
from leadterms.model.laws import Law
from leadterms.model.poisson_sums import Rates

T = Symbol("t", positive=True)
SLOPES = 16
"""So many t are tried, a quarter apart."""
MOST_POINTS = 20_000
"""So many points of a law are summed over."""
LARGEST = 2.0**1000
"""Cuts are whole numbers below this."""


class FiniteLine(Line):
    """Finitely many atoms."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        self._atoms = [(value_of(point), value_of(p)) for point, p in law.atoms_with_probability or ()]

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]]:
        """Return all of them."""
        return self._atoms


class LatticeLine(Line):
    """A law on the integers, without end on a side; its probabilities fall there at last like a series or a power."""

    def __init__(self, law: Law) -> None:
        super().__init__(law)
        low, high = law.support
        self.first = None if self.low is None else int(low)
        self.last = None if self.high is None else int(high)
        self._known: dict[tuple[int, int], Ball] = {}
        self._ratios = {side: _ratio(law, side) for side, end in ((-1, self.first), (1, self.last)) if end is None}
        self._orders = {side: _order(ratio) for side, ratio in self._ratios.items()}

    def absolute(self, power: int) -> Ball:
        """Return the sum to some points and the tails beyond them."""
        if self.law.raw_moment(power) is not None:
            return super().absolute(power)
        for spreads in (10.0, 30.0, 100.0):
            low, high = self.reach(spreads)
            beyond = self.tail(low, high, power, arb(0))
            if beyond.is_finite():
                return sum((abs(x) ** power * p for x, p in self.atoms(low, high)), beyond)
        return NAN

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends, and points where the probabilities are small."""
        width = int(4 + spreads * spreads)
        low = min(-1, -1 if self.last is None else self.last) - width if self.first is None else self.first
        high = max(1, 1 if self.first is None else self.first) + width if self.last is None else self.last
        return arb(low), arb(high)

    def _probability(self, x: int) -> Ball:
        key = x, ball_bits()
        if key not in self._known:
            self._known[key] = value_of(self.law.density(sympy.Integer(x)))
        return self._known[key]

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]]:
        """Return those up to the cuts.

        Raises
        ------
        EvaluationError
            If they are too many.

        """
        start = ceil(float(low)) if self.first is None else self.first
        end = floor(float(high))
        if end - start > MOST_POINTS:
            raise EvaluationError(
                f"{spelled(self.law)} would have to be summed over more than {MOST_POINTS} points, as its tail falls "
                "slowly: ask for fewer digits"
            )
        return [(arb(x), self._probability(x)) for x in range(start, end + 1)]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return the sum of both sides that have no end; not finite where floats do not hold a cut."""
        if not (abs(low) < LARGEST and abs(high) < LARGEST):
            return NAN
        left = arb(0) if self.first is not None else self._beyond(-1, 1 - ceil(float(low)), power, -rate)
        right = arb(0) if self.last is not None else self._beyond(1, floor(float(high)) + 1, power, rate)
        return left + right

    def _beyond(self, side: int, first: int, power: int, rate: Ball) -> Ball:
        """Compare with a geometric series, from the first point left out: the ratio of the terms is bounded beyond it.

        On the side of the sign s the ratio p(s(n + 1))/p(s n) is a rational function of n, evaluated at 1/n in
        [0, 1/first].
        """
        if not first > 0:
            return NAN
        inverse = interval(arb(0), 1 / arb(first))
        ratio = value_of(self._ratios[side], {T: inverse})
        ratio = (ratio * (1 + inverse) ** power * rate.exp()).abs_upper()
        if not (ratio.is_finite() and ratio < 1):
            return self._like_a_power(side, first, power, rate)
        return self._probability(side * first) * arb(first) ** power * (rate * first).exp() / (1 - ratio)

    def _like_a_power(self, side: int, first: int, power: int, rate: Ball) -> Ball:
        """Compare with a power instead, for a rate that is not positive.

        With the ratio q(t) at t = 1/n let v <= -(1 + t) q'(t)/q(t) for 0 <= t <= 1/first, and q(0) = 1.  Then
        log q(t) + v log(1 + t) has a derivative that is not positive, and is zero at t = 0: q(1/n) <= (n/(n + 1))^v for
        all n >= first, so that p(s n) <= p(s first) (first/n)^v.  For k < v - 1 the sum over n >= first of
        n^k (first/n)^v is at most first^k (1 + first/(v - 1 - k)): the terms after the first are below the integral.
        """
        if not rate <= 0 or self._orders[side] is None:
            return NAN
        order = value_of(self._orders[side], {T: interval(arb(0), 1 / arb(first))}).lower()
        beyond = order - 1 - power
        if not (order.is_finite() and beyond > 0):
            return NAN
        level = self._probability(side * first) * arb(first) ** power * (rate * first).exp()
        return (level * (1 + first / beyond)).abs_upper()


def _ratio(law: Law, side: int) -> Expr:
    """Return p(s(n + 1))/p(s n) for n > 0 with T in place of 1/n."""
    n = Symbol("n", positive=True)
    ratio = gammasimp((law.density(side * (n + 1)) / law.density(side * n)).rewrite(gamma))
    return together(ratio.subs(n, 1 / T)).cancel() if isinstance(ratio, Expr) else ratio


def _order(ratio: Expr) -> Expr | None:
    """Return -(1 + t) q'(t)/q(t) of a ratio q of neighbours, None where q(0) is not one."""
    at_zero = ratio.subs(T, 0) if isinstance(ratio, Expr) else None
    if at_zero != 1:
        return None
    return together(powsimp(-(1 + T) * ratio.diff(T) / ratio)).cancel()


class PoissonSumLine(Line):
    """A sum of whole multiples of independent Poisson variables."""

    def __init__(self, law: Law, rates: Rates) -> None:
        super().__init__(law)
        self._rates = [(step, value_of(rate)) for step, rate in rates]
        self._mean = float(sum((step * rate for step, rate in self._rates), arb(0)).mid())
        self._sd = float(sum((step**2 * rate for step, rate in self._rates), arb(0)).mid()) ** 0.5
        self.low = arb(0) if all(step > 0 for step, _ in rates) else None
        self.high = arb(0) if all(step < 0 for step, _ in rates) else None
        self._known: dict[int, dict[int, Ball]] = {}

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return whole numbers about so many standard deviations from the mean, and some more."""
        width = 4 + spreads * (self._sd + spreads)
        low, high = min(-1, int(self._mean - width)), max(1, int(self._mean + width))
        return arb(low) if self.low is None else self.low, arb(high) if self.high is None else self.high

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]]:
        """Return those between two ends."""
        return [(arb(x), self._probability(x)) for x in range(ceil(float(low)), floor(float(high)) + 1)]

    def _probability(self, x: int) -> Ball:
        known = self._known.setdefault(ball_bits(), {})
        if self.low is not None:
            known.setdefault(0, (-sum((c for _, c in self._rates), arb(0))).exp())
            for k in range(len(known), x + 1):
                known[k] = sum((step * c * known[k - step] for step, c in self._rates if step <= k), arb(0)) / k
        elif x not in known:
            known[x] = value_of(self.law.density(sympy.Integer(x)))
        return known[x]

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """See the module; not finite where floats do not hold a cut."""
        if not (abs(low) < LARGEST and abs(high) < LARGEST):
            return NAN
        left = arb(0) if self.low is not None else self._beyond(-1, 1 - ceil(float(low)), power, -rate)
        right = arb(0) if self.high is not None else self._beyond(1, floor(float(high)) + 1, power, rate)
        return left + right

    def _beyond(self, side: int, start: int, power: int, rate: Ball) -> Ball:
        if not start > 0:
            return NAN
        size, best = arb(start) ** power, NAN
        least = (rate + arb(power) / start).max(arb(0)).upper()
        for j in range(SLOPES):
            t = least + arb(j + 1) / 4
            logarithm = sum((c * ((side * step * t).exp() - 1) for step, c in self._rates), (rate - t) * start)
            best = smaller(best, (size * logarithm.exp()).abs_upper())
        return best
