r"""Moments of a strand under a power weight by Laplace transforms: what predictors add to eta is multiplied.

Let w = c eta^-a, a > 0, and :math:`\eta = \gamma + \sum_i D_i` with :math:`\gamma > 0` and functions :math:`D_i \ge 0`
of one predictor each (their parts of eta, less lower bounds of these).  Since
:math:`\eta^{-a} = \Gamma(a)^{-1} \int_0^\infty s^{a - 1} e^{-s \eta}\,ds`, with s = e^y and
:math:`L_{i,k}(s) = E[X_i^k e^{-s D_i}]`

.. math:: E\Big[\prod_i X_i^{k_i}\, w\Big] = \frac{c}{\Gamma(a)} \int_{-\infty}^\infty g(y)\,dy,\qquad
          g(y) = e^{a y - \gamma s} \prod_i L_{i,k_i}(s) .

**Quadrature.**  Let I be the integral of the same with |X_i|^{k_i}.  g is analytic for |Im y| < pi/2, and at most
e^{a Re y} times the expectation of the product of the |X_i|^{k_i} and e^{-|s| cos(Im y) eta}: its integral in modulus
along Im y = theta is at most cos(theta)^-a I, by s cos(theta) for s.  So the sum h sum_j g(j h) is off by at most

.. math:: \epsilon I,\qquad \epsilon = 2 \cos(\theta)^{-a}/(e^{2 \pi \theta/h} - 1) .

That holds for |X_i|^{k_i}, too: I is at most its sum over 1 - epsilon.  For the sum L is bounded by
`Part.majorant`.

**Right.**  From gamma s >= a on g with moduli falls: what is beyond S = e^Y adds at most its integral there,
the product of the L at S times that of s^{a - 1} e^{-gamma s}, S^{a - 1} e^{-gamma S}/{gamma (1 - b/(gamma S))} with
b = a - 1 if that is positive, else zero.

**Left.**  If :math:`E[|X_i|^{k_i} e^{-s D_i}] \le C_i s^{-p_i}` for s <= S_0 and q = a - sum p_i > 0, what is before
e^y <= S_0 adds at most h C e^{q y}/(e^{q h} - 1), C the product of the C_i (`laplace_part`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, reduce
from math import ceil, floor, log, pi, prod

from flint import acb, arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.falls import Fall, Opposed
from leadterms.evaluation.certified.moments.laplace_part import part_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.eta import polynomial_on
from leadterms.evaluation.certified.rules.line_rules import line_rule
from leadterms.evaluation.certified.rules.rule import LineRule, Modulus, Request
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, End, smaller, whole_power
from leadterms.evaluation.certified.tools.work import FEW_UNITS, TOO_LONG, patience, spend
from leadterms.evaluation.precision import ball_bits, ball_precision

ANGLES = tuple(0.05 * i for i in range(10, 32))
"""The theta that are tried."""
SHARE = 16
"""What is left out in one way may be this part of a tolerance."""
SLACK = 4.0
"""Nats that I may be larger than was estimated."""
MOST_POINTS = 4000
"""Values of y."""
GROUP = 8.0
"""One rule serves the s whose logarithms are within that."""
WIDER = 2.0**-20
"""Groups of s are wider by that: their ends are rounded."""
CLOSEST = 2000.0
"""The integral starts no closer to zero than e^-CLOSEST."""
FAR = 2.0**60


class LaplaceMaker:
    """The moments of a strand at one linear predictor, with errors of about 2^-bits of scale times E|X|^k.

    Raises
    ------
    EvaluationError
        If an error could not be proven, or the nodes are too many.

    """

    def __init__(
        self, problem: Problem, shift: Ball, slopes: Sequence[Ball], bits: int, scale: Ball, sizes: list[list[Ball]]
    ) -> None:
        if isinstance(shift, acb):
            raise EvaluationError("Laplace transforms serve real linear predictors alone")
        self._problem, self._bits = problem, bits
        self._moments = problem.strand.moments
        self._order = -problem.weight.parameter
        self._parts = [part_of(line, own) for line, own in zip(problem.lines, problem.parts(slopes), strict=True)]
        self._gap = sum((part.least for part in self._parts), shift.real)
        if not self._gap > 0:
            raise EvaluationError("the linear predictor has no positive lower bound that is the sum of its parts'")
        with ball_precision(PLANNING_BITS):
            front = self._order.gamma() / (SHARE * problem.weight.scale)
            self._aims = [(front * aim).abs_upper() for aim in problem.aims(bits, scale, sizes)]
            self._theta, self._step = self._chosen()
            self._first, self._last = self._left(), self._right()
        if self._count > MOST_POINTS * patience():
            raise EvaluationError(f"the integral of Laplace transforms has too many nodes: {TOO_LONG}")

    @property
    def _count(self) -> int:
        return self._last - self._first + 1

    @cached_property
    def _near(self) -> list[list[tuple[Ball, Ball]]]:
        """C and p by predictor and power."""
        return [[part.near(k) for k in range(power + 1)] for part, power in zip(self._parts, self._powers, strict=True)]

    @property
    def _powers(self) -> list[int]:
        return self._problem.powers

    @cached_property
    def _smallest(self) -> Ball:
        """S_0: with s r <= 1 and s t <= 1 for all predictors."""
        limits = [(1 / limit).lower() for part in self._parts for limit in part.steepest[:2] if limit > 1]
        return reduce(smaller, limits, arb(1))

    def _chosen(self) -> tuple[Ball, Ball]:
        """Return theta and the step, the longest that seems to do."""
        order = float(self._order)
        nats = self._bits * log(2) + log(SHARE) + SLACK

        def length(angle: float) -> float:
            return 2 * pi * angle / (nats - order * log(float(arb(angle).cos())))

        angle = max(ANGLES, key=length)
        return arb(angle), arb(floor(2**20 * length(angle))) / 2**20

    def _left(self) -> int:
        """Return the first j."""
        y = self._smallest.log()
        for exponents, aim in zip(self._moments, self._aims, strict=True):
            size, left = self._before(exponents)
            y = y.min(((aim * (left * self._step).expm1() / (self._step * size)).log() / left).lower())
        if not (y.is_finite() and y > -CLOSEST):
            raise EvaluationError(f"the laws' densities fall too slowly for Laplace transforms: {TOO_LONG}")
        return floor(float(y / self._step))

    def _before(self, exponents: Sequence[int]) -> tuple[Ball, Ball]:
        """Return C and q = a - sum p."""
        pairs = [own[k] for own, k in zip(self._near, exponents, strict=True)]
        size, left = prod((c for c, _ in pairs), start=arb(1)), self._order - sum((p for _, p in pairs), arb(0))
        if not (size.is_finite() and left > 0):
            raise EvaluationError("it is not known how fast the Laplace transforms of the laws grow near zero")
        return size, left

    def _top(self, i: int, power: int, s: Ball) -> Ball:
        """Bound L_i(s): it falls with s."""
        size, order = self._near[i][power]
        return (size * (-order * self._smallest.min(s).log()).exp()).abs_upper()

    def _right(self) -> int:
        """Return the last j."""
        end = arb(1).max((2 * self._order / self._gap).upper())
        while not all(
            bool(self._beyond(end) * prod((self._top(i, k, end) for i, k in enumerate(e)), start=arb(1)) <= aim)
            for e, aim in zip(self._moments, self._aims, strict=True)
        ):
            end = (end * 1.125).upper()
            if end * self._gap > FAR:
                raise EvaluationError("the Laplace transforms of the laws are not bounded")
        return ceil(float(end.log() / self._step)) + 1

    def _beyond(self, start: Ball) -> Ball:
        """Bound the integral of s^(a - 1) e^(-gamma s) from gamma s >= 2 a on."""
        decay = self._gap * start
        steep = 1 - (self._order - 1).max(arb(0)) / decay
        return ((self._order - 1) * start.log() - decay).exp() / (self._gap * steep)

    def values(self) -> list[Ball]:
        """Return all moments."""
        signed = [arb(0)] * len(self._moments)
        absolute = [arb(0)] * len(self._moments)
        last = absolute
        for s, tables in self._nodes():
            front = (self._order * s.log() - self._gap * s).exp()
            for place, exponents in enumerate(self._moments):
                own = [table[k] for table, k in zip(tables, exponents, strict=True)]
                signed[place] += prod(own, start=front)
            with ball_precision(PLANNING_BITS):
                last = [self._majorants(tables, e) for e in self._moments]
                absolute = [a + front * size for a, size in zip(absolute, last, strict=True)]
        return [
            (self._step * total + arb(0, self._error(i, absolute[i], last[i]))) * self._front
            for i, total in enumerate(signed)
        ]

    @cached_property
    def _front(self) -> Ball:
        return self._problem.weight.scale * self._order.rgamma()

    def _majorants(self, tables: Sequence[Sequence[Ball]], exponents: Sequence[int]) -> Ball:
        bounds = (part.majorant(table, k) for part, table, k in zip(self._parts, tables, exponents, strict=True))
        return prod(bounds, start=arb(1)).abs_upper()

    def _error(self, place: int, absolute: Ball, last: Ball) -> Ball:
        """Bound what the sum of one moment is off by, given the sum of majorants and that at the last node."""
        with ball_precision(PLANNING_BITS):
            size, left = self._before(self._moments[place])
            first = arb(self._first) * self._step
            before = self._step * size * (left * first).exp() / (left * self._step).expm1()
            outside = before + last * self._beyond((arb(self._last) * self._step).exp())
            front = (-self._order * self._theta.cos().log()).exp()
            relative = 2 * front / (2 * arb.pi() * self._theta / self._step).expm1()
            whole = (self._step * absolute + outside) / (1 - relative)
            return (outside + relative * whole).abs_upper() if relative < 1 else NAN

    def _nodes(self) -> list[tuple[Ball, list[list[Ball]]]]:
        """Return s and the L_(i, k)(s) for all j."""
        places = range(self._first, self._last + 1)
        points = [(self._step * j).exp() for j in places]
        columns = [self._column(i, points) for i in range(len(self._parts))]
        return [(s, [column[n] for column in columns]) for n, s in enumerate(points)]

    def _column(self, i: int, points: Sequence[Ball]) -> list[list[Ball]]:
        """Return the L_(i, k) of one predictor at all s, all powers for each."""
        groups: dict[int, list[Ball]] = {}
        for s in points:
            groups.setdefault(self._group(i, s), []).append(s)
        found = []
        for own in groups.values():
            found += self._transforms(i, own)
        return found

    def _group(self, i: int, s: Ball) -> int:
        """Return the number of a group that one rule serves; one group has all s at which D hardly matters."""
        first = self._first_groups[i]
        place = floor(float(s.log().mid()) / GROUP)
        return place if first is None else max(place, first)

    @cached_property
    def _first_groups(self) -> list[int | None]:
        """The groups of all s at which D hardly matters, None for laws without the moments that are wanted."""
        found: list[int | None] = []
        for part, power in zip(self._parts, self._powers, strict=True):
            steep = sum((abs(c) * part.line.absolute(k) for k, c in enumerate(part.coefficients, start=1)), arb(0))
            known = steep.is_finite() and part.line.absolute(power).is_finite()
            found.append(floor(-float((1 + steep).log().mid()) / GROUP) if known else None)
        return found

    def _transforms(self, i: int, points: Sequence[Ball]) -> list[list[Ball]]:
        part = self._parts[i]
        with ball_precision(PLANNING_BITS):
            low, high = points[0] * (1 - WIDER), points[-1] * (1 + WIDER)
            request = self._request(i, low.lower(), high.upper())
        rule = line_rule(request)
        spend(len(rule.points) * len(points) * FEW_UNITS, ball_bits())
        depth = [polynomial_on((-part.least, *part.coefficients), x) for x in rule.points]
        rows = [
            [m * whole_power(x, k) for x, m in zip(rule.points, rule.masses, strict=True)]
            for k in range(self._powers[i] + 1)
        ]
        falls = arb_mat(len(depth), len(points), [(-s * d).exp() for d in depth for s in points])
        return _summed(rows, falls, rule)

    def _request(self, i: int, low: Ball, high: Ball) -> Request:
        """Return what is asked of the rule that serves all s between two ends."""
        part = self._parts[i]
        tolerances = self._tolerances(i, low, high)
        eta = (-part.least, *part.coefficients)
        rate, slack = part.growth
        fall = None
        if None in (part.line.low, part.line.high) and rate > 0:
            level, alone = (high * slack).exp().abs_upper(), ((),)
            steep = (low * rate).lower()
            fall = Fall(level, steep, Opposed((), (), ()), (alone,) * len(tolerances), (2 * level / steep).abs_upper())
        return Request(part.line, _modulus(low, high), arb(1), eta, arb(0), tolerances, fall)

    def _tolerances(self, i: int, low: Ball, high: Ball) -> tuple[Ball, ...]:
        """Return what the L_(i, k) may be off by, so that all nodes together are off by no more than is aimed at."""
        front = (self._order * high.log() - self._gap * low).exp() * self._step * self._count
        found = [NAN] * (self._powers[i] + 1)
        for exponents, aim in zip(self._moments, self._aims, strict=True):
            others = prod((self._top(j, k, low) for j, k in enumerate(exponents) if j != i), start=front)
            own = (aim / others).lower()
            found[exponents[i]] = smaller(found[exponents[i]], own)
        # powers in no moment stand in majorants
        least = reduce(smaller, found)
        return tuple(own if own.is_finite() else least for own in found)


def _summed(rows: Sequence[Sequence[Ball]], falls: arb_mat, rule: LineRule) -> list[list[Ball]]:
    """Return for each column the sums of all rows, with the errors of the rule."""
    # a rule whose panels all weigh next to nothing has no points
    product = arb_mat(len(rows), falls.nrows(), [c for row in rows for c in row]) * falls
    errors = [arb(0, error.abs_upper()) for error in rule.errors]
    return [[product[k, j] + error for k, error in enumerate(errors)] for j in range(falls.ncols())]


def _modulus(least: Ball, most: Ball) -> Modulus:
    """Return bounds of |e^(-s z)| = e^(-s Re z) for all s between two ends."""

    def bound(low: End, high: End, height: Ball) -> Ball:
        return NAN if low is None else (-(least if low >= 0 else most) * low).exp()

    return bound
