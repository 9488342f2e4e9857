r"""Moments of a strand with several heavy-tailed predictors by their transforms: what predictors add is multiplied.

Let eta = a + sum_i b_i X_i with fixed slopes, w of both sides falling, W its transform (`weight_transform`) and F_k
those of X_i^k (`transforms`).  Then

.. math:: E\Big[\prod_i X_i^{k_i}\, w(\eta)\Big]
          = \frac{1}{2\pi} \int W(t)\, e^{iat} \prod_i F_{k_i}(t)\,dt
          = \frac{1}{2\pi} \int_0^\infty W e^{iat} \prod_i F_{k_i} + \overline{W \prod_i F_{k_i}}\, e^{-iat}\,dt .

Proof: with a factor e^{-eps |X_i|} for each X_i without moments enough both sides are absolutely convergent, and equal
by Fubini's theorem.  As eps falls to zero the left one converges where E[prod |X_i|^{k_i} |w|] is finite, the right one
as the transforms are bounded for all eps alike by C t^-p near zero, with exponents p of a sum below 1: `fourier_terms`
has what is finite, and how other moments are made of integrals with eta w(eta).

Where x^k f has a constant c more than what has F_k (Cauchy's law, k = 2), the constant's part is W(0) c/|b_i| times
the moments of the others: given these the integral of w over x is W(0)/|b_i|.

**Quadrature.**  On (0, t_0) the integral of the bounds C t^-p; beyond T that of W's; between them panels with Gauss's
rule, which grow geometrically, with the remainder of `gauss` by the bounds of all factors on an ellipse to the right
of zero.  The nodes depend neither on a nor on the effects.

Without heavy tails t_0 = 0: W and the F_k are analytic near zero, with f(-conj(t)) = conj(f(t)), so that their bounds
over Re t >= 0 hold to the left of zero, and ellipses may reach beyond it, where |Re t| is at most its largest value to
the right, as their centres are not negative: so is the bound of e^{iat}.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.transforms import Transform, heavy_transform
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.fourier_terms import FourierTerms
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.light_transform import LightTransform
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, smaller, value_of
from leadterms.evaluation.certified.tools.gauss import SLACK, gauss, points_needed, remainder
from leadterms.evaluation.certified.tools.work import PANEL_UNITS, spend
from leadterms.evaluation.certified.weights.weight_transform import WeightTransform
from leadterms.evaluation.precision import ball_bits, ball_precision

RADII = (1.3, 1.6, 2.0, 2.6, 3.4, 4.2, 5.0)
"""Of the ellipses that are tried."""
WIDEST = 1.0
"""Half width of a panel."""
MOST_PANELS = 4000
SHARE = 16
"""What is left out on one side may be this part of a tolerance."""
NODE_UNITS = 1
MOST_POINTS = 24
"""Of a panel at 64 bits; with more it is halved."""
FARTHEST = 4000
CLOSEST = 2000
"""The integral starts no closer to zero than 2^-CLOSEST."""


class FourierMaker:
    """What one plan is made of."""

    def __init__(self, problem: Problem, reach: Ball, height: Ball, tolerances: tuple[Ball, ...]) -> None:
        self.problem, self.reach, self.height = problem, reach, height
        self.heavy: list[Transform | None] = [
            heavy_transform(line, b) for line, b in zip(problem.lines, problem.slopes, strict=True)
        ]
        self.weights = [WeightTransform(problem.weight, degree) for degree in (0, 1)]
        with ball_precision(PLANNING_BITS):
            self.terms = FourierTerms(problem, self.heavy)
            self.integrals = self.terms.integrals
            self.tolerances = self._shared(tolerances)
        self.absolute = [
            [line.absolute(k) for k in range(power + 1)]
            for line, power in zip(problem.lines, self.terms.powers, strict=True)
        ]
        with ball_precision(PLANNING_BITS):
            self.fineness = min(self.tolerances, key=lambda t: float(t.log().mid())) / SHARE
            self.end, beyond = self._end()
            self.start, before = self._start()
        self.parts = [self._light(i) if p is None else p.aimed(self.fineness) for i, p in enumerate(self.heavy)]
        self.errors = [(a + b).abs_upper() for a, b in zip(beyond, before, strict=True)]

    def _shared(self, tolerances: Sequence[Ball]) -> list[Ball]:
        """Return what each integral may be off by."""
        size = (self.reach + self.height).abs_upper()
        found = [NAN] * len(self.integrals)
        for shares, tolerance in zip(self.terms.shares, tolerances, strict=True):
            for share in shares:
                part = (len(shares) * abs(share.coefficient) * size**share.shift).abs_upper()
                own = (tolerance / part).lower() if part > 0 else tolerance
                found[share.place] = smaller(found[share.place], own)
        return found

    @property
    def is_light(self) -> bool:
        """Whether no tail is heavy: all transforms are analytic at zero, and as large at -conj(t) as at t."""
        return all(part is None for part in self.heavy)

    def _light(self, i: int) -> Transform:
        sizes = self.absolute[i]
        tolerances = tuple((self.fineness * size).abs_upper() for size in sizes)
        return LightTransform(self.problem.lines[i], self.problem.slopes[i], self.end, tolerances)

    def _beyond(self, end: Ball) -> list[Ball]:
        """Bound what is beyond a point; of light laws the moments are bounds of the transforms."""
        levels = [weight.beyond(end, self.height) / arb.pi() for weight in self._used]
        tables = [
            sizes if part is None else [part.bound(end, arb(0), k) for k in range(len(sizes))]
            for part, sizes in zip(self.heavy, self.absolute, strict=True)
        ]
        return self._products(levels, tables)

    @property
    def _used(self) -> list[WeightTransform]:
        return self.weights[: 1 + max(degree for degree, _ in self.integrals)]

    def _products(self, levels: Sequence[Ball], tables: Sequence[Sequence[Ball]]) -> list[Ball]:
        """Return the products of bounds, for each integral."""
        return [
            prod((table[k] for table, k in zip(tables, exponents, strict=True)), start=levels[degree]).abs_upper()
            for degree, exponents in self.integrals
        ]

    def _small(self, errors: Sequence[Ball]) -> bool:
        return all(bool(e <= t / SHARE) for e, t in zip(errors, self.tolerances, strict=True))

    def _end(self) -> tuple[Ball, list[Ball]]:
        """Return T and what is beyond it."""
        end = arb(2)
        while end < FARTHEST:
            errors = self._beyond(end)
            if self._small(errors):
                return end, errors
            end *= 1.125
        raise EvaluationError("the transform of the weight falls too slowly")

    def _start(self) -> tuple[Ball, list[Ball]]:
        """Return t_0 and what is before it; all of the integral is taken where no transform has a singularity at 0."""
        if self.is_light:
            return arb(0), [arb(0)] * len(self.integrals)
        near = []
        for degree, exponents in self.integrals:
            found = self.terms.near(exponents)
            assert found is not None
            top = self.weights[degree].top * self.height.exp() / arb.pi()
            near.append((top * found[0], value_of(found[1])))
        for bits in range(8, CLOSEST, 8):
            start = arb(2) ** -bits
            errors = [c * ((1 - p) * start.log()).exp() / (1 - p) for c, p in near]
            if self._small(errors):
                return start, errors
        raise EvaluationError("the transforms of the laws together grow too fast near zero")

    def plan(self) -> FourierPlan:
        """Return the plan."""
        with ball_precision(PLANNING_BITS):
            panels, errors = self._panels()
        pairs = [pair for panel in panels for pair in _nodes(*panel)]
        nodes = tuple(t for t, _ in pairs)
        spend(len(nodes) * len(self.parts) * NODE_UNITS, ball_bits())
        values = [weight.values(list(nodes), self.fineness) for weight in self._used]
        fronts = [[m * v / (2 * arb.pi()) for (_, m), v in zip(pairs, own, strict=True)] for own in values]
        columns = [_table(part, nodes, power) for part, power in zip(self.parts, self.terms.powers, strict=True)]
        rows = []
        for degree, exponents in self.integrals:
            row = fronts[degree]
            for column, k in zip(columns, exponents, strict=True):
                row = [c * f for c, f in zip(row, column[k], strict=True)]
            rows.append(tuple(row))
        totals = tuple((a + b).abs_upper() for a, b in zip(self.errors, errors, strict=True))
        constants = tuple(self._constant(*one) for one in self.integrals)
        return FourierPlan(self.problem, nodes, tuple(rows), constants, totals, tuple(self.terms.shares))

    def _constant(self, degree: int, exponents: Sequence[int]) -> Ball:
        """Return what a moment has beside the integral."""
        total = arb(0)
        for i, (part, k) in enumerate(zip(self.parts, exponents, strict=True)):
            own = part.plain(k)
            if own.is_zero():
                continue
            others = [self.problem.lines[j].expectation(e) for j, e in enumerate(exponents) if j != i and e]
            rest = prod(others, start=own)
            if not rest.is_finite():
                raise EvaluationError("no rule for such a moment beside a law without second moments")
            total += rest / abs(self.problem.slopes[i]) * self._at_zero(degree)
        return total

    def _at_zero(self, degree: int) -> Ball:
        return self.weights[degree].values([arb(0)], self.fineness)[0].real

    def _panels(self) -> tuple[list[tuple[Ball, Ball, int]], list[Ball]]:
        """Return panels with their numbers of points, and the errors of all together."""
        ends = [self.start]
        while ends[-1] < self.end:
            width = arb(2 * WIDEST) if self.is_light else ends[-1].min(arb(2 * WIDEST))
            ends.append((ends[-1] + width).min(self.end).mid())
        stack = list(pairwise(ends))
        shares = [t / (SHARE * len(stack)) for t in self.tolerances]
        panels: list[tuple[Ball, Ball, int]] = []
        errors: list[Ball] = [arb(0)] * len(shares)
        while stack:
            low, high = stack.pop()
            spend(PANEL_UNITS)
            found = self._panel(low, high, shares)
            if found is None:
                if len(panels) + len(stack) > MOST_PANELS:
                    raise EvaluationError("the transforms of the laws are not bounded off the real line")
                middle = ((low + high) / 2).mid()
                stack += [(low, middle), (middle, high)]
                continue
            count, own = found
            panels.append((low, high, count))
            errors = [(a + b).abs_upper() for a, b in zip(errors, own, strict=True)]
        return panels, errors

    def _panel(self, low: Ball, high: Ball, shares: Sequence[Ball]) -> tuple[int, list[Ball]] | None:
        """Return the fewest points by an ellipse, and the errors; None where none has a bound."""
        half, centre = (high - low) / 2, (high + low) / 2
        best: tuple[float, float, list[Ball]] | None = None
        for radius in RADII:
            bounds = self._on_ellipse(half, centre, radius)
            needed = max(points_needed(half, b, radius, t) for b, t in zip(bounds, shares, strict=True))
            if needed < inf and (best is None or needed < best[0]):
                best = (needed, radius, bounds)
        if best is None or best[0] > MOST_POINTS * (1 + ball_bits() / 64):
            return None
        needed, radius, bounds = best
        return int(needed), [remainder(half, b, radius, int(needed)) for b in bounds]

    def _on_ellipse(self, half: Ball, centre: Ball, radius: float) -> list[Ball]:
        """Bound both parts of the integrand, for each moment."""
        wide, tall = half * (radius + 1 / radius) / 2 * SLACK, half * (radius - 1 / radius) / 2 * SLACK
        low, high = (centre - wide).lower(), (centre + wide).upper()
        if self.is_light:
            low = low.max(arb(0))
        elif not low > 0:
            return [NAN] * len(self.integrals)
        turn = (self.reach * tall + self.height * high).exp()
        levels = [weight.bound(low, tall) * turn / arb.pi() for weight in self._used]
        tables = [
            [part.bound(low, tall, k, high) for k in range(power + 1)]
            for part, power in zip(self.parts, self.terms.powers, strict=True)
        ]
        return self._products(levels, tables)


def _table(part: Transform, nodes: Sequence[Ball], power: int) -> list[list[Ball]]:
    """Return the values at all nodes for each power."""
    if isinstance(part, LightTransform):
        return part.table(nodes, power)
    return [[part.at(t, k) for t in nodes] for k in range(power + 1)]


def _nodes(low: Ball, high: Ball, count: int) -> list[tuple[Ball, Ball]]:
    half, centre = (high - low) / 2, (high + low) / 2
    return [(centre + half * x, half * w) for x, w in gauss(count)]
