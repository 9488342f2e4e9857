"""Bounds of the integrand for complex effects: on the ellipse around one side of a cell, the other sides real.

They come from balls: the ellipse is covered by boxes of u, and where F is finite in ball arithmetic on all of them
F(M(.)) is analytic there and bounded by what is found (F is a rational function of the moments with real coefficients,
so that the half with Im u >= 0 is enough).

For probit and complementary log-log weights, with F known in a sector (`Sector`), no balls of the moments are needed:
where complex effects turn the weights by at most t, but for a turn that all share, and change their moduli by factors
between e^-loss and e^gain (`turning`), |F| is at most sec(m t)^p e^(gains gain + losses loss) times the ceiling on the
ellipse's real range.

Where a probit weight stands with a random slope on a normal predictor the law that it weights is looked at
(`tilted_normal`), which takes less time.  Where the slope is on a law without a second moment its density is turned,
under any weight (`slope_turning`), and so is that of one that was averaged over (`density_turning`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.density_turning import DensityTurning, density_turning
from leadterms.evaluation.certified.bounds.matrix_turning import matrix_turning
from leadterms.evaluation.certified.bounds.products import products
from leadterms.evaluation.certified.bounds.sector_turning import SectorTurning, sector_turning
from leadterms.evaluation.certified.bounds.slope_turning import SlopeTurning, slope_turning
from leadterms.evaluation.certified.bounds.strip import Strip
from leadterms.evaluation.certified.bounds.tilted_normal import TiltedNormal, tilted_normal
from leadterms.evaluation.certified.bounds.turning import Turning
from leadterms.evaluation.certified.moments.block_rules import BlockRules
from leadterms.evaluation.certified.moments.strands import Plans, Strands, complex_point
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, interval, larger, smaller
from leadterms.evaluation.certified.tools.gauss import SLACK, columns
from leadterms.evaluation.certified.tools.several import modulus_of
from leadterms.evaluation.moment_system import STRAYING

LEAST_SHAPE = 0.12
"""Least ratio of an ellipse's height to the cell's half width: below it cells are bisected."""
LEAST_SHAPE_TURNED = 0.5
"""The same where bounds cost little beside the nodes, and grow fast with the cell."""
COLUMNS, STRIP_COLUMNS = 8, 16
"""Boxes that cover an ellipse, of the effects or in the plane of one variable."""
BOX_BITS = 16
"""Relative accuracy of the moments on boxes, far below what the boxes' own size costs."""
MOST_BOXES = 400
"""So many boxes are tried before an ellipse is given up."""

Factors = TiltedNormal | Turning | SlopeTurning | DensityTurning | SectorTurning


class EllipseBounds:
    """Proven bounds of |F phi| on ellipses, by the way that suits the weights and the effects.

    Parameters
    ----------
    strands
        A system with one effect or more, at a low precision.
    bounds
        Those of the same system for real effects.
    bits
        What the average is aimed at.

    """

    def __init__(self, strands: Strands, bounds: Bounds, bits: int) -> None:
        system = strands.system
        self._strands, self._bounds = strands, bounds
        self._matrix = matrix_turning(strands, bits)
        self._factors: Factors | None = slope_turning(system) or density_turning(strands)
        along_one = self._factors is None and strands.common_shift and not system.with_effects
        self._strip = Strip(strands) if along_one else None
        if self._factors is None and not along_one:
            self._factors = _factors(strands)
        self._products = products(strands) if isinstance(self._factors, Turning) else None
        self.least_shape = LEAST_SHAPE if self._factors is None and self._matrix is None else LEAST_SHAPE_TURNED

    def reach(self, j: int) -> float | None:
        """Return how far eta moves at most with an effect, where only that matters; None where more is looked at."""
        if self._matrix is not None:
            return self._matrix.reach(j)
        return float(self._factors.reaches[j]) if isinstance(self._factors, SectorTurning) else None

    @property
    def rules(self) -> BlockRules | None:
        """Rules for the moments on blocks of cells, where they are used."""
        return None if self._matrix is None else self._matrix.rules

    @property
    def by_squares(self) -> bool:
        """Whether squares of one variable's plane are looked at, the more the higher an ellipse is."""
        return self._strip is not None

    def on(self, cell: Cell, j: int, rho: float) -> Ball:
        """Bound |F phi| over the ellipse with this rho around side j, not finite where nothing is proven."""
        if self._matrix is not None:
            return (self._matrix.on(cell, j, rho) * _modulus_of_density(_region(cell, j, rho))).abs_upper()
        if self._strip is not None:
            return self._by_squares(self._strip, cell, j, rho)
        if self._factors is not None:
            return self._by_ceiling(self._factors, cell, j, rho)
        return self._by_boxes(cell, j, rho)

    def _by_ceiling(self, factors: Factors, cell: Cell, j: int, rho: float) -> Ball:
        """Bound it by the ceiling on the ellipse's real range, times what an imaginary part may add."""
        effects = _region(cell, j, rho)
        short = effects[j].imag.abs_upper()
        place = tuple((u.real.lower(), u.real.upper()) for u in effects)
        bound = factors.factor(place, j, short) * self._bounds.top(place)
        if self._products is not None:
            bound = smaller(bound, self._products.bound(place, j, short))
        if not bound.is_finite():
            return NAN
        return (bound * _modulus_of_density(effects)).abs_upper()

    def _by_squares(self, strip: Strip, cell: Cell, j: int, rho: float) -> Ball:
        """Bound it where all effects act through one variable, over the squares of its plane."""
        half, centre = half_and_centre(cell[j])
        effects = [acb(interval(*side)) for side in cell]
        largest = arb(0)
        for box in columns(rho, STRIP_COLUMNS):
            effects[j] = centre + half * acb(box.real, interval(arb(0), box.imag.upper()))
            shift, _ = self._strands.at(effects)[0]
            # F has real coefficients: at conjugate points its values are conjugate
            bound = strip.bound(acb(shift.real, abs(shift.imag)))
            largest = larger(largest, bound * _modulus_of_density(effects))
            if not largest.is_finite():
                return NAN
        return largest

    def _by_boxes(self, cell: Cell, j: int, rho: float) -> Ball:
        """Bound it over boxes of the effects, the ellipse's upper half."""
        half, centre = half_and_centre(cell[j])
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

    def _plan_on(self, region: Sequence[Ball]) -> Plans:
        """Return rules for the moments on a complex region, of low accuracy."""
        ends = product(*((u.real.lower(), u.real.mid(), u.real.upper()) for u in region))
        scales = self._strands.least_scales([self._strands.at(effects) for effects in ends])
        return self._strands.plan(self._strands.at(region), BOX_BITS, scales)

    def _on_boxes(self, rules: Plans, boxes: list[list[Ball]]) -> Ball:
        """Bound |F phi| over boxes, bisecting those on which F is not finite."""
        largest, tried = arb(0), 0
        while boxes:
            tried += len(boxes)
            if tried > MOST_BOXES:
                return NAN
            points = [complex_point(self._strands.at(effects)) for effects in boxes]
            again = []
            for effects, moments in zip(boxes, rules.moments(points), strict=True):
                bound = modulus_of(self._strands.system.value(moments, effects))
                if bound.is_finite():
                    largest = larger(largest, bound * _modulus_of_density(effects))
                else:
                    again += _quarters(effects)
            boxes = again
        return largest


def _factors(strands: Strands) -> TiltedNormal | Turning | SectorTurning | None:
    """Return what bounds |F| over its ceiling, None where only boxes do."""
    tilted = tilted_normal(strands)
    if tilted is not None:
        return tilted
    # these weights cost most in boxes, and have no sector of their own
    strays = all(isinstance(problem.strand.weight, STRAYING) for problem in strands.problems)
    bounded = not any(None in ends for problem in strands.problems for ends in problem.supports)
    alike = len({(type(problem.strand.weight), problem.strand.weight.scale) for problem in strands.problems}) == 1
    known = strays and bounded and alike and strands.system.sector is not None
    return Turning(strands.problems, strands.system) if known else sector_turning(strands)


def _region(cell: Cell, j: int, rho: float) -> list[Ball]:
    """Return a box that holds the ellipse around one side, and the other sides."""
    half, centre = half_and_centre(cell[j])
    long, short = (half * arb(rho + sign / rho) / 2 * SLACK for sign in (1, -1))
    effects = [acb(interval(*side)) for side in cell]
    effects[j] = acb(interval((centre - long).lower(), (centre + long).upper()), interval(-short, short))
    return effects


def half_and_centre(side: tuple[Ball, Ball]) -> tuple[Ball, Ball]:
    """Return the half width and the middle of one side of a cell."""
    low, high = side
    return (high - low) / 2, (high + low) / 2


def _quarters(effects: list[Ball]) -> list[list[Ball]]:
    """Quarter a box: across its longest side, and once more across the longest of the halves."""
    return [piece for once in _halves(effects) for piece in _halves(once)]


def _halves(effects: list[Ball]) -> list[list[Ball]]:
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


def _modulus_of_density(effects: Sequence[Ball]) -> Ball:
    """Return an upper bound of the density's modulus over a box: e^((y^2 - x^2)/2) for each effect."""
    exponent = sum((u.imag.abs_upper() ** 2 - u.real.abs_lower() ** 2 for u in effects), arb(0))
    return (exponent / 2).exp() / (2 * arb.pi()).sqrt() ** len(effects)
