"""A strand of a moment system in balls: its linear predictors, laws and weight, and rough sizes of its moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise, product
from math import floor, prod
from typing import Any

import numpy as np
from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.curve_line import CurveLine
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.named_lines import NormalLine
from leadterms.evaluation.certified.moments.lines import Line, line_of
from leadterms.evaluation.certified.moments.weight_balls import WeightBalls, weight_balls
from leadterms.evaluation.certified.rules.eta import Predictor, polynomial_on
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, End, larger, whole_power
from leadterms.evaluation.certified.tools.discs import Reals
from leadterms.evaluation.certified.weights.rough_weight import RoughWeight
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision

SAMPLES = (9, 9, 9, 5)
"""Points at which each of so many predictors is looked at, the last for more."""
MOST_COMBINATIONS, FEW_COMBINATIONS = 20_000, 2_000
"""So many combinations of the predictors' samples are looked at, fewer where a law lacks moments."""
PLACES = 4
"""In each unit of the linear predictor, at which a slowly falling moment is estimated."""
SPREADS = (3.0, 8.0, 20.0)
"""How many times its spread an unbounded law is looked at."""
FARTHEST = 50.0
"""The same besides of a normal law that stands alone."""


class Problem:
    """A strand of a moment system with its exact numbers as balls at the precision that is current when it is made.

    Raises
    ------
    EvaluationError
        If its weight or a law is of a kind that the certified road does not know.

    """

    def __init__(self, strand: Strand) -> None:
        self.strand = strand
        self.weight: WeightBalls = weight_balls(strand.weight)
        self.lines: list[Line] = [line_of(law) for law in strand.laws]
        if strand.cuts is not None:
            self.lines = [
                line if cut == (None, None) else CutLine(line, cut)
                for line, cut in zip(self.lines, strand.cuts, strict=True)
            ]
        powers = [whole_power if line.plain else line.power for line in self.lines]
        self.predictor = Predictor(len(strand.laws), strand.monomials, powers)
        used = (*strand.moments, *self.predictor.monomials)
        if not all(line.has(k) for exponents in used for line, k in zip(self.lines, exponents, strict=True)):
            raise EvaluationError("a moment has a product of functions of a predictor that is not one of two columns")
        self.is_sum = self.predictor.is_affine or self._adds()
        self.factorises = self.weight.rate is not None and self.is_sum
        self.centre = arb(strand.centre)
        self.slopes = [arb(slope) for slope in strand.slopes]
        self.loadings = [[arb(entry) for entry in row] for row in strand.loadings]
        self.powers = [max((e[i] for e in strand.moments), default=0) for i in range(len(self.lines))]
        self.remembered: dict[Any, Any] = {}
        self._near: dict[int, tuple[Ball, list[list[Ball]]]] = {}
        self.fixed_slopes = all(bool(entry.is_zero()) for row in self.loadings for entry in row[1:])

    @cached_property
    def moving_places(self) -> tuple[int, ...]:
        """The predictors in monomials that the effects multiply."""
        moved = [
            m for n, m in enumerate(self.predictor.monomials) if any(not row[1 + n].is_zero() for row in self.loadings)
        ]
        return tuple(i for i in range(len(self.lines)) if any(m[i] for m in moved))

    @cached_property
    def fixed_places(self) -> tuple[int, ...]:
        """The others."""
        return tuple(i for i in range(len(self.lines)) if i not in self.moving_places)

    def decided(self, test: Callable[[Problem], bool]) -> bool:
        """Return what a test of the strand says; it is made once, at the precision of bounds."""
        if test not in self.remembered:
            with ball_precision(PLANNING_BITS):
                self.remembered[test] = test(self)
        return bool(self.remembered[test])

    def aims(self, bits: int, scale: Ball, sizes: Sequence[Sequence[Ball]]) -> list[Ball]:
        """Return 2^-bits of scale times E|X|^k for all moments: what each may be off by."""
        with ball_precision(PLANNING_BITS):
            aim = scale * arb(2) ** (-bits)
            return [prod((sizes[i][k] for i, k in enumerate(e)), start=aim).abs_upper() for e in self.strand.moments]

    def _adds(self) -> bool:
        """Tell whether eta is a sum of functions of one predictor each."""
        alone = all(sum(map(bool, exponents)) == 1 for exponents in self.predictor.monomials)
        return alone and all(line.plain or isinstance(line, CurveLine) for line in self.lines)

    def parts(self, slopes: Sequence[Ball]) -> list[dict[int, Ball]]:
        """Return the coefficients by exponent of each predictor's part of an eta that factorises."""
        found: list[dict[int, Ball]] = [{} for _ in self.lines]
        for slope, exponents in zip(slopes, self.predictor.monomials, strict=True):
            i = next(i for i, k in enumerate(exponents) if k)
            found[i][exponents[i]] = found[i].get(exponents[i], arb(0)) + slope
        return found

    @cached_property
    def samples(self) -> list[list[tuple[Ball, Ball]]]:
        """A few points with rough probabilities, for each predictor."""
        count = SAMPLES[min(len(self.lines), len(SAMPLES) - 1)]
        # a heavy tail has mass everywhere, and needs no more points
        alone = len(self.lines) == 1 and isinstance(self.lines[0], NormalLine)
        spreads = (*SPREADS, FARTHEST) if alone else SPREADS
        return [_samples(line, count, spreads) for line in self.lines]

    @cached_property
    def _sampled(self) -> tuple[Reals, Reals]:
        """Logarithms of rough probabilities, and monomials, at all combinations of the samples."""
        few = FEW_COMBINATIONS if not all(self.has_moments) else MOST_COMBINATIONS
        samples = self.samples
        if prod(map(len, samples)) > few:
            samples = [_bunched(own, int(few ** (1 / len(samples)))) for own in samples]
        chosen = list(product(*samples))
        masses = [prod((p for _, p in pairs), start=arb(1)) for pairs in chosen]
        rows = [self.predictor.values([x for x, _ in pairs]) for pairs in chosen]
        return (
            np.array([float(p.log()) if p > 0 else -np.inf for p in masses]),
            np.array([[float(x) for x in row] for row in rows]).reshape(len(chosen), -1),
        )

    @cached_property
    def _rough_weight(self) -> RoughWeight:
        return RoughWeight(self.weight)

    @cached_property
    def supports(self) -> list[tuple[End, End]]:
        """The ends of each predictor."""
        return [(line.low, line.high) for line in self.lines]

    @cached_property
    def reaches(self) -> list[Ball]:
        """The largest |x| of each predictor, not finite where that is unbounded."""
        return [NAN if None in ends else larger(abs(ends[0]), abs(ends[1])) for ends in self.supports]

    def at(self, effects: Sequence[Ball]) -> tuple[Ball, list[Ball]]:
        """Return shift and slopes of eta = shift + sum_m slopes[m] x^m at a point or box of the random effects."""
        shift, slopes = self.centre, list(self.slopes)
        for effect, row in zip(effects, self.loadings, strict=True):
            shift = shift + effect * row[0]
            if not self.fixed_slopes:
                slopes = [slope + effect * entry for slope, entry in zip(slopes, row[1:], strict=True)]
        return shift, slopes

    def largest(self, i: int, shift: Ball, slopes: Sequence[Ball]) -> Callable[[Ball], Ball] | None:
        """Return a bound of |w| over boxes of one predictor at all values of unbounded others; None without these.

        Of weights that one end of Re eta bounds: the others' ranges one by one may take apart what keeps it there.
        """
        if not self.weight.one_sided or not any(None in ends for j, ends in enumerate(self.supports) if j != i):
            return None
        own = [exponents[i] for exponents in self.predictor.monomials]
        beside = [[*e[:i], 0, *e[i + 1 :]] for e in self.predictor.monomials]
        powers = [line.power if not line.plain else whole_power for line in self.lines]
        rest = Predictor(len(self.lines), beside, powers)

        def bound(box: Ball) -> Ball:
            along = [b * powers[i](box, k) for b, k in zip(slopes, own, strict=True)]
            return self.weight.modulus(*rest.range(shift, along, self.supports))

        return bound

    @cached_property
    def absolute(self) -> list[list[Ball]]:
        """Bounds of E|X_i|^k for each predictor, k up to its highest power; not finite where none is known."""
        return [
            [line.absolute(k) for k in range(power + 1)] for line, power in zip(self.lines, self.powers, strict=True)
        ]

    @property
    def has_moments(self) -> list[bool]:
        """Whether all of these bounds are known, for each predictor."""
        return [bool(sizes[-1].is_finite()) for sizes in self.absolute]

    def rough_scales(self, shift: Ball, slopes: Sequence[Ball]) -> tuple[Ball, list[list[Ball]]]:
        """Estimate E[w] at the middle of balls, and E|X_i|^k: without proof, to set tolerances only.

        Where a law lacks moments E[w] falls slowly: estimates near by serve.
        """
        if not self.fixed_slopes or all(self.has_moments):
            return self._scales(shift, slopes)
        place = floor(PLACES * float(shift.real.mid()))
        if place not in self._near:
            self._near[place] = self._scales(arb(place) / PLACES, slopes)
        return self._near[place]

    def _scales(self, shift: Ball, slopes: Sequence[Ball]) -> tuple[Ball, list[list[Ball]]]:
        with ball_precision(PLANNING_BITS):
            middle, directions = shift.real.mid(), [slope.real.mid() for slope in slopes]
            masses, rows = self._sampled
            # slopes that doubles do not hold make an estimate that is none
            with np.errstate(over="ignore", invalid="ignore"):
                etas = rows @ np.array([float(b) for b in directions]) + float(middle)
            total = _sum_of_exponentials(masses + self._rough_weight.logarithms(etas))
            mass, sizes = self._rough_sizes
            for box in self._corners:
                total += mass * self._near_corner(middle, directions, box)
        return (total / mass).mid(), sizes

    @cached_property
    def _corners(self) -> list[tuple[Ball, ...]]:
        """The corners of the support, where the predictors are bounded and have densities."""
        if not self.lines or not self.predictor.is_affine or any(None in ends for ends in self.supports):
            return []
        if any(line.atoms(*line.reach(SPREADS[0])) is not None for line in self.lines):
            return []
        return list(product(*self.supports))

    def _near_corner(self, shift: Ball, slopes: Sequence[Ball], corner: Sequence[Ball]) -> Ball:
        """Estimate how much of E[w] lies at a corner, where w falls from it in each direction like an exponential."""
        eta = sum((b * x for b, x in zip(slopes, corner, strict=True)), shift)
        value, rate = self.weight.at(eta).abs_upper(), self.weight.steepness(acb(eta))
        for b, (low, high) in zip(slopes, self.supports, strict=True):
            value = value / (1 + abs(rate * b) * (high - low))
        return value.mid() if value.is_finite() else arb(0)

    @cached_property
    def _rough_sizes(self) -> tuple[Ball, list[list[Ball]]]:
        """The sum of the rough probabilities, and E|X_i|^k for each predictor."""
        mass = prod((sum((p for _, p in pairs), arb(0)) for pairs in self.samples), start=arb(1))
        sizes = [self._sizes_of(i) for i in range(len(self.lines))]
        return mass, sizes

    def _sizes_of(self, i: int) -> list[Ball]:
        """Estimate E|X_i|^k; where that is infinite, E[|X_i|^k w]/E[w] with the others at zero."""
        pairs = self.samples[i]
        if not self.has_moments[i]:
            zeros = [(arb(0), arb(0))] * len(self.lines)
            own = self.predictor.along(i, self.centre, self.slopes, zeros)
            power = self.lines[i].power
            weights = [self.weight.at(polynomial_on(own, x, power).mid()).abs_upper() for x, _ in pairs]
            pairs = [(x, p * w) for (x, p), w in zip(pairs, weights, strict=True) if w.is_finite()]
        mass = sum((p for _, p in pairs), arb(0))
        power = self.lines[i].power
        sizes = [[p * abs(power(x, k)) for x, p in pairs] for k in range(self.powers[i] + 1)]
        return [(sum((size for size in own if size.is_finite()), arb(0)) / mass).mid() for own in sizes]


def _sum_of_exponentials(exponents: Reals) -> Ball:
    largest = exponents.max(initial=-np.inf)
    if not np.isfinite(largest):
        return arb(0)
    return arb(largest).exp() * arb(np.exp(exponents - largest).sum())


def _bunched(pairs: list[tuple[Ball, Ball]], most: int) -> list[tuple[Ball, Ball]]:
    """Return at most so many points, each the likeliest of a bunch of neighbours with the probability of all."""
    ordered = sorted(pairs, key=lambda pair: float(pair[0].mid()))
    ends = [len(ordered) * j // most for j in range(most + 1)] if len(ordered) > most else list(range(len(ordered) + 1))
    bunches = [ordered[a:b] for a, b in pairwise(ends)]
    return [
        (max(bunch, key=lambda pair: float(pair[1].mid()))[0], sum((p for _, p in bunch), arb(0))) for bunch in bunches
    ]


def _samples(line: Line, count: int, far: Sequence[float]) -> list[tuple[Ball, Ball]]:
    """A few points with rough probabilities; far out too, where a weight may be so large that its mass is there."""
    unbounded = line.low is None or line.high is None
    pairs = []
    for spreads in far if unbounded else far[:1]:
        low, high = line.reach(spreads)
        atoms = line.atoms(low, high)
        if atoms is not None:
            pairs = [(x.mid(), p.mid()) for x, p in atoms]
            continue
        for segment in line.segments(low, high):
            for i in range(count):
                t = (segment.low + (segment.high - segment.low) * arb(2 * i + 1) / (2 * count)).mid()
                mass = abs(segment.density(t) * (segment.high - segment.low))
                if mass.is_finite():
                    pairs.append((segment.point(t).mid(), mass.mid()))
    return pairs
