"""Averages over standard normal effects: cells of the effects' space, each with a Gauss-Legendre rule of its own.

On a cell the remainder needs a bound of F(M(u)) phi(u) on a complex ellipse around each side.  It comes from balls:
the ellipse is covered by boxes of u, and where F is finite in ball arithmetic on all of them F(M(.)) is analytic
there and bounded by what is found (F is a rational function of the moments with real coefficients, so that the half
with Im u >= 0 is enough).  Cells where no ellipse works are bisected (Petras 2002).  With positive weights the
errors of the sides of a cell add, each times the widths of the other sides.

Far out the caller's ceiling takes over: |F(M(u))| <= M_c(u), which is bounded by the largest value of the weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import ceil, floor, hypot, inf, prod

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, Ball, interval, larger
from leadterms.evaluation.certified.gauss import columns, gauss, points_needed, remainder
from leadterms.evaluation.certified.line_rules import PLANNING_BITS, eta_range
from leadterms.evaluation.certified.moments import Plan, Problem, plan
from leadterms.evaluation.certified.strip import Strip
from leadterms.evaluation.moment_system import NumericSystem
from leadterms.evaluation.precision import ball_precision

LOWER, HIGHER = 0.55, 1.8
"""An ellipse that fails is followed by one so much lower; one that works, in the next cell, by one so much higher."""
LEAST_SHAPE = 0.12
"""Least ratio of an ellipse's height to the cell's half width: below it cells are bisected."""
COLUMNS = 8
STRIP_COLUMNS = 16
BOX_BITS = 16
"""Relative accuracy of the moments on boxes, far below what the boxes' own size costs."""
MOST_BOXES = 400
MOST_CELLS = 4000
HALF_WIDTH = 2.0
"""First half width of a cell, in standard deviations of the effects."""

Cell = tuple[tuple[Ball, Ball], ...]
"""Lower and upper end, exact, for each effect."""


@dataclass(frozen=True)
class _Side:
    """The rule along one side of a cell."""

    count: int
    error: Ball
    bound: Ball


class EffectsAverage:
    """The average of a system over its effects, to an absolute error of about 2^-bits of the average of |F|.

    Parameters
    ----------
    system
        A moment system with one effect or more, and a ceiling.
    bits
        What is aimed at.

    """

    def __init__(self, system: NumericSystem, bits: int) -> None:
        if system.ceiling is None:
            raise EvaluationError(
                "no bound of the integrand is known for large random effects: the certified road needs a ceiling"
            )
        self.system, self.bits, self.dimension = system, bits, len(system.loadings)
        self.ceiling = system.moments[system.ceiling]
        self._problems: dict[int, Problem] = {}
        with ball_precision(PLANNING_BITS):
            self.problem = Problem(system)
            self.bounds = _Bounds(self.problem, self.ceiling)
            self.strip = Strip(self.problem) if self.problem.fixed_slopes else None
            self._reach = [self.bounds.reach(j) for j in range(self.dimension)]
            self.tolerance = self._size() * arb(2) ** (-bits - 2)
        self._tallest = [_tallest(reach, bits) for reach in self._reach]
        self._height = list(self._tallest)

    def value(self) -> Ball:
        """Return the ball.

        Raises
        ------
        EvaluationError
            If some part could not be bounded; the message says how far it came.

        """
        with ball_precision(PLANNING_BITS):
            radius, error = self._radius()
        total = arb(0)
        cells = list(_initial(radius, self.dimension))
        volume = (2 * radius) ** self.dimension
        done = 0
        while cells:
            cell = cells.pop()
            done += 1
            if done > MOST_CELLS:
                raise EvaluationError(
                    f"the certified average over the random effects is not done after {MOST_CELLS} cells: the moments "
                    "come too close to a zero or pole of the integrand"
                )
            share = self.tolerance * _volume(cell) / volume / 2
            with ball_precision(PLANNING_BITS):
                outside = self.bounds.on(cell)
                if outside.is_finite() and outside <= share:
                    error += outside
                    continue
                sides = self._sides(cell, share)
            if isinstance(sides, int):
                cells += _halves(cell, sides)
                continue
            part, discretisation = self._rule(cell, sides, share)
            with ball_precision(self.bits + PLANNING_BITS):
                total += part
            error = (error + discretisation).abs_upper()
        with ball_precision(self.bits + PLANNING_BITS):
            return total + arb(0, error.abs_upper())

    def _size(self) -> Ball:
        """Estimate E|F|, without proof, from a grid: it sets the tolerance only."""
        reach = 6.0 + self.bounds.growth_of_effects()
        count = 161 if self.dimension == 1 else max(5, int(400 ** (1 / self.dimension)))
        if self.dimension == 1:
            # where eta is near zero a weight with Gaussian tails may have its mass
            reach += min(60.0, abs(float(self.problem.centre)) / (0.1 + self._reach[0]))
        step = 2 * reach / (count - 1)
        line = [arb(-reach + i * step) for i in range(count)]
        grid = list(product(line, repeat=self.dimension))
        points = [self.problem.at(effects) for effects in grid]
        densities = [_density(effects) for effects in grid]
        scales = [self.problem.rough_scales(*point) for point in points]
        best = max(range(len(grid)), key=lambda i: float((scales[i][0] * densities[i]).log().mid()))
        ranges = tuple(interval(line[0], line[-1]) for _ in range(self.dimension))
        rules = plan(self.problem, *self.problem.at(ranges), 60, *scales[best])
        total = arb(0)
        for moments, density in zip(rules.moments(points), densities, strict=True):
            value = abs(self.system.integrand(moments)) * density
            if value.is_finite() and value.rel_accuracy_bits() > 1:
                total += value.mid()
        if not total > 0:
            total = (scales[best][0] * densities[best]).mid()
        return total * arb(step) ** self.dimension

    def _radius(self) -> tuple[Ball, Ball]:
        """Return half the side of a cube of effects, and a bound of what lies outside."""
        radius = 3.0
        while radius < 1e4:
            beyond = self.bounds.beyond(arb(radius))
            if beyond.is_finite() and beyond <= self.tolerance / 4:
                return arb(radius), beyond
            radius += 0.5
        raise EvaluationError("no bound of the integrand for large random effects could be proven")

    def _sides(self, cell: Cell, share: Ball) -> tuple[_Side, ...] | int:
        """Return a rule for each side, or the index of the side to bisect."""
        found = []
        for j in range(self.dimension):
            side = self._side(cell, j, share)
            if side is None:
                # the width of any side may be what spoils the boxes: halve the one that moves eta most
                return max(range(self.dimension), key=lambda i: float(cell[i][1] - cell[i][0]) * (self._reach[i] + 0.1))
            found.append(side)
        return tuple(found)

    def _side(self, cell: Cell, j: int, share: Ball) -> _Side | None:
        """Find an ellipse around one side with a proven bound, lower and lower ones, None where none is worth it."""
        half = (cell[j][1] - cell[j][0]) / 2
        width = float(half)
        others = _volume(cell) / (2 * half)
        tolerance = share / self.dimension / others / 2
        height = min(self._tallest[j], HIGHER * self._height[j])
        while height > LEAST_SHAPE * width:
            rho = floor(100 * (height / width + hypot(1, height / width))) / 100
            bound = self._on_ellipse(cell, j, rho)
            count = points_needed(half, bound, rho, tolerance)
            if count < inf:
                self._height[j] = height
                return _Side(int(count), remainder(half, bound, rho, int(count)) * others, bound)
            self._height[j] = height = LOWER * height
        return None

    def _on_ellipse(self, cell: Cell, j: int, rho: float) -> Ball:
        """Bound |F phi| over the ellipse around side j, the other sides real."""
        half, centre = (cell[j][1] - cell[j][0]) / 2, (cell[j][1] + cell[j][0]) / 2
        if self.strip is not None:
            return self._on_ellipse_of_strip(self.strip, cell, j, rho)
        upper = [acb(box.real, interval(arb(0), box.imag.upper())) for box in columns(rho, COLUMNS)]
        long = upper[-1].real.upper()
        height = max(float(box.imag.upper()) for box in upper)
        fixed = [acb(interval(*side)) for side in cell]
        region = list(fixed)
        region[j] = centre + half * acb(interval(-long, long), interval(arb(0), arb(height)))
        try:
            rules = self._plan_on(region)
        except EvaluationError:
            return NAN
        boxes = []
        for box in upper:
            effects = list(fixed)
            effects[j] = centre + half * box
            boxes.append(effects)
        return self._on_boxes(rules, boxes)

    def _on_ellipse_of_strip(self, strip: Strip, cell: Cell, j: int, rho: float) -> Ball:
        half, centre = (cell[j][1] - cell[j][0]) / 2, (cell[j][1] + cell[j][0]) / 2
        effects = [acb(interval(*side)) for side in cell]
        largest = arb(0)
        for box in columns(rho, STRIP_COLUMNS):
            effects[j] = centre + half * acb(box.real, interval(arb(0), box.imag.upper()))
            shift, _ = self.problem.at(effects)
            # F has real coefficients: at conjugate points its values are conjugate
            bound = strip.bound(acb(shift.real, abs(shift.imag)))
            largest = larger(largest, bound * _modulus_of_density(effects))
            if not largest.is_finite():
                return NAN
        return largest

    def _plan_on(self, region: Sequence[Ball]) -> Plan:
        """Return rules for the moments on a complex region, of low accuracy."""
        ends = product(*((u.real.lower(), u.real.mid(), u.real.upper()) for u in region))
        scales = [self.problem.rough_scales(*self.problem.at(effects)) for effects in ends]
        least = min((scale for scale, _ in scales), key=lambda s: float(s.log().mid()))
        return plan(self.problem, *self.problem.at(region), BOX_BITS, least, scales[0][1])

    def _on_boxes(self, rules: Plan, boxes: list[list[Ball]]) -> Ball:
        """Bound |F phi| over boxes, bisecting those on which F is not finite."""
        largest, tried = arb(0), 0
        while boxes:
            tried += len(boxes)
            if tried > MOST_BOXES:
                return NAN
            points = [self.problem.at(effects) for effects in boxes]
            points = [(acb(shift), [acb(b) for b in slopes]) for shift, slopes in points]
            again = []
            for effects, moments in zip(boxes, rules.moments(points), strict=True):
                value = acb(self.system.integrand(moments))
                if value.is_finite():
                    largest = larger(largest, value.abs_upper() * _modulus_of_density(effects))
                else:
                    again += self._split(effects)
            boxes = again
        return largest

    def _split(self, effects: list[Ball]) -> list[list[Ball]]:
        """Quarter a box: across its longest side, and once more across the longest of the halves."""
        return [piece for once in self._cut(effects) for piece in self._cut(once)]

    def _cut(self, effects: list[Ball]) -> list[list[Ball]]:
        sizes = [max(float(u.real.rad()), float(u.imag.rad())) for u in effects]
        j = sizes.index(max(sizes))
        along_real = float(effects[j].real.rad()) >= float(effects[j].imag.rad())
        part = effects[j].real if along_real else effects[j].imag
        pieces = []
        for low, high in ((part.lower(), part.mid()), (part.mid(), part.upper())):
            piece = interval(low, high)
            box = acb(piece, effects[j].imag) if along_real else acb(effects[j].real, piece)
            pieces.append([box if i == j else u for i, u in enumerate(effects)])
        return pieces

    def _rule(self, cell: Cell, sides: Sequence[_Side], share: Ball) -> tuple[Ball, Ball]:
        """Return the sum over one cell and its discretisation error."""
        with ball_precision(PLANNING_BITS):
            bound = min((side.bound * _volume(cell) for side in sides), key=float_log)
            outside = self.bounds.on(cell)
            if outside.is_finite() and outside < bound:
                bound = outside
            wanted = max(8, ceil(float_log(bound / share) * 1.4427)) + 8
            ranges = [interval(*side) for side in cell]
            corners = product(*((low, (low + high) / 2, high) for low, high in cell))
            scales = [self.problem.rough_scales(*self.problem.at(corner)) for corner in corners]
            least = min((scale for scale, _ in scales), key=float_log)
        problem = self._at_precision(wanted + 24)
        with ball_precision(32 * ceil((wanted + 24) / 32)):
            rules = plan(problem, *problem.at(ranges), wanted, least, scales[0][1])
            nodes = list(product(*(_scaled(side, rule.count) for side, rule in zip(cell, sides, strict=True))))
            effects = [tuple(u for u, _ in node) for node in nodes]
            total = arb(0)
            for node, u, moments in zip(nodes, effects, rules.moments([problem.at(e) for e in effects]), strict=True):
                weight = prod((w for _, w in node), start=_density(u))
                total += weight * self.system.integrand(moments)
        return total, sum((side.error for side in sides), arb(0))

    def _at_precision(self, bits: int) -> Problem:
        rounded = 32 * ceil(bits / 32)
        if rounded not in self._problems:
            with ball_precision(rounded):
                self._problems[rounded] = Problem(self.system)
        return self._problems[rounded]


class _Bounds:
    """Proven bounds of |F| by its ceiling, the moment of X^powers, for real effects.

    Bounded weights: M_c(u) <= sup of w over the range of eta, times E|X|^powers.  A weight scale e^(rate eta) on
    bounded predictors: M_c(u) <= level e^(sum growth_j |u_j|).
    """

    def __init__(self, problem: Problem, powers: Sequence[int]) -> None:
        self.problem = problem
        self.size = prod((line.absolute(k) for line, k in zip(problem.lines, powers, strict=True)), start=arb(1))
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

    def reach(self, j: int) -> float:
        """Return about how far eta moves when one effect moves by one."""
        row = self.problem.loadings[j]
        total = abs(float(row[0]))
        for entry, line in zip(row[1:], self.problem.lines, strict=True):
            low, high = line.reach(2.0)
            total += abs(float(entry)) * max(abs(float(low)), abs(float(high)))
        return total

    def on(self, cell: Cell) -> Ball:
        """Bound the integral of |F| phi over a cell of real effects."""
        mass = arb(1)
        for low, high in cell:
            near = interval(low, high).abs_lower()
            mass *= (high - low) * _density((near,))
        if self.growth is not None:
            exponent = sum((g * interval(*side).abs_upper() for g, side in zip(self.growth, cell, strict=True)), arb(0))
            return (mass * self.level * exponent.exp()).abs_upper()
        shift, slopes = self.problem.at([interval(*side) for side in cell])
        modulus = self.problem.weight.modulus(*eta_range(shift, slopes, self.supports))
        return (mass * modulus * self.size).abs_upper() if modulus.is_finite() else NAN

    def beyond(self, radius: Ball) -> Ball:
        """Bound the integral of |F| phi over the effects outside the cube of this radius.

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


def _tallest(reach: float, bits: int) -> float:
    """Return the height of the first ellipse to try: about the poles' height in eta, less where few digits are asked.

    Low ellipses are cheap to prove and need more points; the normal density grows like e^(height^2/2).
    """
    in_eta = 1.0 if bits < 100 else 1.5 if bits < 400 else 2.2
    return min(4.0, in_eta / reach) if reach > 0 else 4.0


def float_log(ball: Ball) -> float:
    """Return the natural logarithm of the middle of a ball, as a float; for estimates."""
    middle = ball.mid()
    return float(middle.log().mid()) if middle > 0 else -inf


def _density(effects: Sequence[Ball]) -> Ball:
    """Return the standard normal density at real effects."""
    square = sum((u * u for u in effects), arb(0))
    return (-square / 2).exp() / (2 * arb.pi()).sqrt() ** len(effects)


def _modulus_of_density(effects: Sequence[Ball]) -> Ball:
    """Return an upper bound of the density's modulus over a box: e^((y^2 - x^2)/2) for each effect."""
    exponent = sum((u.imag.abs_upper() ** 2 - u.real.abs_lower() ** 2 for u in effects), arb(0))
    return (exponent / 2).exp() / (2 * arb.pi()).sqrt() ** len(effects)


def _initial(radius: Ball, dimension: int) -> Iterator[Cell]:
    count = max(1, ceil(float(radius) / HALF_WIDTH))
    ends = [(radius * (2 * i - count) / count).mid() for i in range(count + 1)]
    ends[0], ends[-1] = -radius, radius
    yield from product(pairwise(ends), repeat=dimension)


def _volume(cell: Cell) -> Ball:
    return prod((high - low for low, high in cell), start=arb(1))


def _halves(cell: Cell, j: int) -> list[Cell]:
    low, high = cell[j]
    middle = ((low + high) / 2).mid()
    return [(*cell[:j], side, *cell[j + 1 :]) for side in ((low, middle), (middle, high))]


def _scaled(side: tuple[Ball, Ball], count: int) -> list[tuple[Ball, Ball]]:
    half, centre = (side[1] - side[0]) / 2, (side[1] + side[0]) / 2
    return [(centre + half * x, half * w) for x, w in gauss(count)]
