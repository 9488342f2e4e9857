"""Averages over standard normal effects: cells of the effects' space, each with a Gauss-Legendre rule of its own.

On a cell the remainder needs a bound of F(M(u)) phi(u) on a complex ellipse around each side.  It comes from balls:
the ellipse is covered by boxes of u, and where F is finite in ball arithmetic on all of them F(M(.)) is analytic
there and bounded by what is found (F is a rational function of the moments with real coefficients, so that the half
with Im u >= 0 is enough).  Cells where no ellipse works are bisected (Petras 2002).  With positive weights the
errors of the sides of a cell add, each times the widths of the other sides.

For probit weights, with F known in a sector (`Sector`), no balls of the moments are needed: with |w'/w| <= k on a
rectangle |Im eta| <= h with all eta over the ellipse, |log w(x + iy) - log w(x)| <= h k.  So |arg w| <= h k and
|w(x + iy)| <= e^(h k) w(x), and |F| <= sec(m h k)^p e^(h k) times the ceiling on the ellipse's real range.

Where such a weight stands with a random slope on a normal predictor its steepness has no useful bound: there the law
that it weights is looked at (`tilted_normal`).

Far out the caller's ceiling takes over: |F(M(u))| <= M_c(u), which is bounded by the largest value of the weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor, hypot, inf, prod

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, Ball, float_log, interval, larger
from leadterms.evaluation.certified.bounds import Bounds, Cell, density
from leadterms.evaluation.certified.elementary_weights import CloglogBalls
from leadterms.evaluation.certified.gauss import SLACK, columns, gauss, points_needed, remainder
from leadterms.evaluation.certified.line_rules import PLANNING_BITS
from leadterms.evaluation.certified.probit_weight import ProbitBalls
from leadterms.evaluation.certified.size import cells_of, rough_size
from leadterms.evaluation.certified.strands import Plans, Strands, complex_point
from leadterms.evaluation.certified.strip import Strip
from leadterms.evaluation.certified.tilted_normal import TiltedNormal, tilted_normal
from leadterms.evaluation.certified.turning import Turning
from leadterms.evaluation.moment_system import NumericSystem, Sector
from leadterms.evaluation.precision import ball_precision

LOWER, HIGHER = 0.55, 1.8
"""An ellipse that fails is followed by one so much lower; one that works, in the next cell, by one so much higher."""
LEAST_SHAPE = 0.12
"""Least ratio of an ellipse's height to the cell's half width: below it cells are bisected."""
LEAST_SHAPE_TILTED = 0.5
"""The same where bounds cost little beside the nodes, and grow fast with the cell."""
COLUMNS = 8
STRIP_COLUMNS = 16
BOX_BITS = 16
"""Relative accuracy of the moments on boxes, far below what the boxes' own size costs."""
MOST_BOXES = 400
MOST_CELLS = 4000
SLAB = 0.125
"""Thickness of what is pared off the sides of the cube, where the ceiling is small enough."""
HALF_WIDTH = 2.0
"""First half width of a cell, in standard deviations of the effects."""


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
    size
        About the average of |F|, without proof; None where it is not known yet.

    """

    def __init__(self, system: NumericSystem, bits: int, size: Ball | None = None) -> None:
        if not system.ceiling:
            raise EvaluationError(
                "no bound of the integrand is known for large random effects: the certified road needs a ceiling"
            )
        self.system, self.bits, self.dimension = system, bits, system.dimension
        self._at_bits: dict[int, Strands] = {}
        with ball_precision(PLANNING_BITS):
            self.strands = Strands(system)
            self.bounds = Bounds(self.strands)
            along_one = self.strands.common_shift and not system.with_effects
            self.strip = Strip(self.strands) if along_one else None
            self._reach = [self.bounds.reach(j) for j in range(self.dimension)]
            size = rough_size(self.strands, self.bounds) if size is None else size
            self.tolerance = size * arb(2) ** (-bits - 2)
        # the probit weight costs most in boxes, and its steepness grows no faster than eta
        by_steepness = all(isinstance(problem.weight, ProbitBalls | CloglogBalls) for problem in self.strands.problems)
        self._sector = system.sector if by_steepness and not system.with_effects else None
        with ball_precision(PLANNING_BITS):
            self._tilted = tilted_normal(self.strands)
            if self._sector is not None:
                self._turning = Turning(self.strands.problems, system, self._sector.turns)
        self._least_shape = LEAST_SHAPE if self._tilted is None and self._sector is None else LEAST_SHAPE_TILTED
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
            box, error = self._box()
        total = arb(0)
        cells = list(cells_of(box, HALF_WIDTH))
        volume = _volume(box)
        spare = self.tolerance / 8
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
                if isinstance(sides, int) and outside.is_finite() and outside <= spare / 4:
                    # next to where the ceiling takes over: bisection alone would come near and never arrive
                    error, spare = error + outside, (spare - outside).lower()
                    continue
            if isinstance(sides, int):
                cells += _halves(cell, sides)
                continue
            part, discretisation = self._rule(cell, sides, share)
            with ball_precision(self.bits + PLANNING_BITS):
                total += part
            error = (error + discretisation).abs_upper()
        with ball_precision(self.bits + PLANNING_BITS):
            return total + arb(0, error.abs_upper())

    def _box(self) -> tuple[Cell, Ball]:
        """Return a box of effects, and a bound of what lies outside: half the side of a cube, then slabs taken off."""
        radius = 3.0
        while True:
            beyond = self.bounds.beyond(arb(radius))
            if beyond.is_finite() and beyond <= self.tolerance / 8:
                break
            radius += 0.5
            if radius > 1e4:
                raise EvaluationError("no bound of the integrand for large random effects could be proven")
        box = [(-arb(radius), arb(radius))] * self.dimension
        most = self.tolerance / (16 * self.dimension)
        for j in range(self.dimension):
            for sign in (-1, 1):
                beyond += self._pare(box, j, sign, most)
        return tuple(box), beyond.abs_upper()

    def _pare(self, box: list[tuple[Ball, Ball]], j: int, sign: int, most: Ball) -> Ball:
        """Move one side of a box inwards while the ceiling's integral over what is left out is small; return that."""
        total = arb(0)
        while True:
            low, high = box[j]
            cut = (high - SLAB if sign > 0 else low + SLAB).mid()
            slab = list(box)
            slab[j] = (cut, high) if sign > 0 else (low, cut)
            more = (total + self.bounds.on(tuple(slab))).abs_upper()
            if not (more <= most and high - low > 2 * SLAB):
                return total
            total = more
            box[j] = (low, cut) if sign > 0 else (cut, high)

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
        while height > self._least_shape * width:
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
        if self._tilted is not None:
            return self._tilted_bound(self._tilted, cell, j, rho)
        if self._sector is not None:
            return self._in_sector(self._sector, cell, j, rho)
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

    def _in_sector(self, sector: Sector, cell: Cell, j: int, rho: float) -> Ball:
        """Bound |F phi| over the ellipse by the ceiling: the weights turn, but nearly all alike (`turning`)."""
        half, centre = (cell[j][1] - cell[j][0]) / 2, (cell[j][1] + cell[j][0]) / 2
        long, short = (half * arb(rho + sign / rho) / 2 * SLACK for sign in (1, -1))
        region = list(cell)
        region[j] = ((centre - long).lower(), (centre + long).upper())
        turn = self._turning.over(tuple(region), j, short.upper())
        angle = turn.angle * sector.multiple
        if not (angle.is_finite() and angle < arb.pi() / 2):
            return NAN
        factor = (sector.gains * turn.gain + sector.losses * turn.loss).exp() / angle.cos() ** sector.power
        if sector.growth:
            factor *= (sector.growth[j] * short).exp()
        effects = [acb(interval(*side)) for side in region]
        effects[j] = acb(effects[j].real, interval(-short, short))
        return (factor * self.bounds.top(tuple(region)) * _modulus_of_density(effects)).abs_upper()

    def _tilted_bound(self, tilted: TiltedNormal, cell: Cell, j: int, rho: float) -> Ball:
        """Bound |F phi| over the ellipse by the ceiling, under the weighted law of a normal predictor."""
        half, centre = (cell[j][1] - cell[j][0]) / 2, (cell[j][1] + cell[j][0]) / 2
        long, short = (half * arb(rho + sign / rho) / 2 * SLACK for sign in (1, -1))
        region = list(cell)
        region[j] = ((centre - long).lower(), (centre + long).upper())
        factor = tilted.factor(tuple(region), j, short.upper())
        if not factor.is_finite():
            return NAN
        effects = [acb(interval(*side)) for side in region]
        effects[j] = acb(effects[j].real, interval(-short, short))
        return (factor * self.bounds.top(tuple(region)) * _modulus_of_density(effects)).abs_upper()

    def _on_ellipse_of_strip(self, strip: Strip, cell: Cell, j: int, rho: float) -> Ball:
        half, centre = (cell[j][1] - cell[j][0]) / 2, (cell[j][1] + cell[j][0]) / 2
        effects = [acb(interval(*side)) for side in cell]
        largest = arb(0)
        for box in columns(rho, STRIP_COLUMNS):
            effects[j] = centre + half * acb(box.real, interval(arb(0), box.imag.upper()))
            shift, _ = self.strands.at(effects)[0]
            # F has real coefficients: at conjugate points its values are conjugate
            bound = strip.bound(acb(shift.real, abs(shift.imag)))
            largest = larger(largest, bound * _modulus_of_density(effects))
            if not largest.is_finite():
                return NAN
        return largest

    def _plan_on(self, region: Sequence[Ball]) -> Plans:
        """Return rules for the moments on a complex region, of low accuracy."""
        ends = product(*((u.real.lower(), u.real.mid(), u.real.upper()) for u in region))
        scales = self.strands.least_scales([self.strands.at(effects) for effects in ends])
        return self.strands.plan(self.strands.at(region), BOX_BITS, scales)

    def _on_boxes(self, rules: Plans, boxes: list[list[Ball]]) -> Ball:
        """Bound |F phi| over boxes, bisecting those on which F is not finite."""
        largest, tried = arb(0), 0
        while boxes:
            tried += len(boxes)
            if tried > MOST_BOXES:
                return NAN
            points = [complex_point(self.strands.at(effects)) for effects in boxes]
            again = []
            for effects, moments in zip(boxes, rules.moments(points), strict=True):
                value = acb(self.system.value(moments, effects))
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
            scales = self.strands.least_scales([self.strands.at(corner) for corner in corners])
        strands = self._at_precision(wanted + 24)
        with ball_precision(32 * ceil((wanted + 24) / 32)):
            rules = strands.plan(strands.at(ranges), wanted, scales)
            nodes = list(product(*(_scaled(side, rule.count) for side, rule in zip(cell, sides, strict=True))))
            effects = [tuple(u for u, _ in node) for node in nodes]
            total = arb(0)
            for node, u, moments in zip(nodes, effects, rules.moments([strands.at(e) for e in effects]), strict=True):
                weight = prod((w for _, w in node), start=density(u))
                total += weight * self.system.value(moments, u)
        return total, sum((side.error for side in sides), arb(0))

    def _at_precision(self, bits: int) -> Strands:
        rounded = 32 * ceil(bits / 32)
        if rounded not in self._at_bits:
            with ball_precision(rounded):
                self._at_bits[rounded] = Strands(self.system)
        return self._at_bits[rounded]


def _tallest(reach: float, bits: int) -> float:
    """Return the height of the first ellipse to try: about the poles' height in eta, less where few digits are asked.

    Low ellipses are cheap to prove and need more points; the normal density grows like e^(height^2/2).
    """
    in_eta = 1.0 if bits < 100 else 1.5 if bits < 400 else 2.2
    return min(4.0, in_eta / reach) if reach > 0 else 4.0


def _modulus_of_density(effects: Sequence[Ball]) -> Ball:
    """Return an upper bound of the density's modulus over a box: e^((y^2 - x^2)/2) for each effect."""
    exponent = sum((u.imag.abs_upper() ** 2 - u.real.abs_lower() ** 2 for u in effects), arb(0))
    return (exponent / 2).exp() / (2 * arb.pi()).sqrt() ** len(effects)


def _volume(cell: Cell) -> Ball:
    return prod((high - low for low, high in cell), start=arb(1))


def _halves(cell: Cell, j: int) -> list[Cell]:
    low, high = cell[j]
    middle = ((low + high) / 2).mid()
    return [(*cell[:j], side, *cell[j + 1 :]) for side in ((low, middle), (middle, high))]


def _scaled(side: tuple[Ball, Ball], count: int) -> list[tuple[Ball, Ball]]:
    half, centre = (side[1] - side[0]) / 2, (side[1] + side[0]) / 2
    return [(centre + half * x, half * w) for x, w in gauss(count)]
