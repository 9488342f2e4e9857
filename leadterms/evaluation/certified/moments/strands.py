"""All strands of a system together: their moments side by side, at a point or over a box of the random effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import acb, arb, fmpq

from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.laplace_plan import LaplacePlan
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.patch_plan import PatchPlan
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.split_plan import SplitPlan
from leadterms.evaluation.certified.tools.balls import NAN, Ball, larger
from leadterms.evaluation.certified.tools.word_balls import WordBalls, stacked
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.moment_system import Exact, NumericSystem, Strand

Point = tuple[tuple[Ball, Sequence[Ball]], ...]
"""For each strand shift and slopes of eta = shift + sum_m slopes[m] x^m."""
Scales = tuple[tuple[Ball, list[list[Ball]]], ...]
"""For each strand rough sizes of E[w] and of E|X_i|^k: they set tolerances, and enter no bound."""


class Strands:
    """A system with its exact numbers as balls at the precision that is current when it is made."""

    def __init__(self, system: NumericSystem) -> None:
        self.system = system
        self.problems = [Problem(strand) for strand in system.strands]

    def at(self, effects: Sequence[Ball]) -> Point:
        """Return the linear predictors at a point or box of the random effects."""
        return tuple(problem.at(effects) for problem in self.problems)

    def in_arrays(self, effects: Sequence[WordBalls]) -> list[WordBalls]:
        """Return the same at many points: for each strand a matrix with a row for each point."""
        count = len(effects[0].off)
        return [stacked([shift, *slopes], count) for shift, slopes in self.at(effects)]

    def least_scales(self, points: Sequence[Point]) -> Scales:
        """Estimate the smallest E[w] over some points, for each strand."""
        found = []
        for problem, own in zip(self.problems, zip(*points, strict=True), strict=True):
            scales = [problem.rough_scales(*point) for point in own]
            least = min((scale for scale, _ in scales), key=lambda scale: float(scale.log().mid()))
            found.append((least, scales[0][1]))
        return tuple(found)

    def largest_scale(self, point: Point) -> Ball:
        """Estimate the largest E[w] of all strands at a point."""
        scales = (problem.rough_scales(*own)[0] for problem, own in zip(self.problems, point, strict=True))
        return max(scales, key=lambda scale: float(scale.log().mid()))

    def plan(self, point: Point, bits: int, scales: Scales, *, keeps: bool = False, shares: bool = False) -> Plans:
        """Return rules for the moments that serve every point in a box, with tables kept or shared (`plan`).

        Raises
        ------
        EvaluationError
            If an error could not be proven.

        """
        return Plans(
            tuple(
                plan(problem, *own, bits, *scale, keeps=keeps, shares=shares)
                for problem, own, scale in zip(self.problems, point, scales, strict=True)
            )
        )

    def reach(self, j: int) -> Ball:
        """Bound |d eta/d z_j| over the predictors and strands, not finite where an unbounded one enters."""
        largest = arb(0)
        for problem in self.problems:
            row = problem.loadings[j]
            ends = problem.predictor.range(row[0], row[1:], problem.supports)[:2]
            for end in ends:
                largest = larger(largest, NAN if end is None else abs(end))
        return largest

    @property
    def common_shift(self) -> bool:
        """Whether the effects move all linear predictors alike, and by their constant terms only."""
        first = [row[0] for row in self.system.strands[0].loadings]
        return all(problem.fixed_slopes for problem in self.problems) and all(
            surely_equal(row[0], entry)
            for strand in self.system.strands
            for row, entry in zip(strand.loadings, first, strict=True)
        )


@dataclass(frozen=True)
class Plans:
    """Rules for the moments of each strand."""

    plans: tuple[Plan | FourierPlan | LaplacePlan | PatchPlan | SplitPlan, ...]

    @property
    def work(self) -> int:
        """About how many evaluations each point of the effects costs."""
        return sum(plan.work for plan in self.plans)

    def moments(self, points: Sequence[Point]) -> list[list[Ball]]:
        """Return all moments, strand after strand, at each of several points."""
        if not points:
            return []
        columns = [own.moments(list(part)) for own, part in zip(self.plans, zip(*points, strict=True), strict=True)]
        return [[value for row in rows for value in row] for rows in zip(*columns, strict=True)]

    def looked_up(self, points: Sequence[WordBalls]) -> list[WordBalls] | None:
        """Return the same in arrays, one for each moment; None where a rule has none or these do not hold it."""
        columns: list[WordBalls] = []
        for own, part in zip(self.plans, points, strict=True):
            found = None
            if isinstance(own, Plan):
                found = own.looked_up(part, own.problem.slopes)
            elif isinstance(own, PatchPlan | SplitPlan):
                found = own.looked_up(part)
            if found is None:
                return None
            columns += [found[:, k] for k in range(found.off.shape[1])]
        return columns


def surely_equal(first: Exact, second: Exact) -> bool:
    """Tell whether two numbers are surely equal: balls that look alike may hold different ones."""
    return first is second or (isinstance(first, fmpq) and isinstance(second, fmpq) and first == second)


def monomials_of(strand: Strand) -> list[tuple[int, ...]]:
    """Return the exponents of the monomials of a linear predictor."""
    size = len(strand.laws)
    units = (tuple(int(i == j) for j in range(size)) for i in range(size))
    return list(units if strand.monomials is None else strand.monomials)


def in_predictors(strand: Strand) -> Strand:
    """Return a strand with the predictors themselves as its monomials, where it has no others."""
    # where powers stand for functions the first stands for none
    if strand.monomials is None or any(isinstance(law, CurveLaw) for law in strand.laws):
        return strand
    if any(sum(exponents) != 1 for exponents in strand.monomials):
        return strand
    at = {exponents.index(1): m for m, exponents in enumerate(strand.monomials)}
    kept = [at.get(i) for i in range(len(strand.laws))]
    slopes = tuple(arb(0) if m is None else strand.slopes[m] for m in kept)
    rows = tuple((row[0], *(arb(0) if m is None else row[1 + m] for m in kept)) for row in strand.loadings)
    return replace(strand, slopes=slopes, loadings=rows, monomials=None)


def complex_point(point: Point) -> Point:
    """Return a point in complex balls."""
    return tuple((acb(shift), [acb(slope) for slope in slopes]) for shift, slopes in point)
