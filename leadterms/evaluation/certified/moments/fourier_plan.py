"""Moments by transforms (`fourier_rule`): where they are wanted, and nodes that serve again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.transforms import heavy_transform
from leadterms.evaluation.certified.moments.fourier_rule import FourierMaker
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.light_transform import absolute_moment
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball
from leadterms.evaluation.precision import ball_bits, ball_precision

GRID_BITS = 8
"""Accuracies are taken up to multiples of so many bits, so that nodes serve again."""
HEIGHTS = 8
"""Distances off the real line are taken up to multiples of one part in so many."""
LITTLE = 2.0**-10
"""A rate at which an exponential moment has to be known."""
PLANS = "plans"
FEWEST = 3
"""So many predictors that have more than a few values are added by their transforms, one more beside effects."""
MOST_STEPS = 3
"""Nodes serve accuracies that are so many steps coarser."""


def is_wanted(problem: Problem) -> bool:
    """Tell whether transforms serve, and rules for the predictors do not, or would have very many nodes together.

    Where two predictors or more have heavy tails and one of them no second moment (one is enough where the strand says
    so), and where many have more than a few values.
    """
    return problem.decided(_is_wanted)


def serves(problem: Problem) -> bool:
    """Tell whether the moments are integrals of transforms.

    Eta is a sum with fixed slopes, those of heavy tails not zero, the weight falls to both sides, and the other
    predictors have exponential tails, or none.  Laws are whole, or cut off if none has a heavy tail.
    """
    return problem.decided(_serves)


def _is_wanted(problem: Problem) -> bool:
    return serves(problem) and (_lacks_moments(problem) or _has_many(problem))


def _serves(problem: Problem) -> bool:
    if not (problem.predictor.is_affine and problem.fixed_slopes):
        return False
    if not problem.weight.decay(arb(0)).is_finite():
        return False
    heavy = _heavy(problem)
    if heavy and problem.strand.cuts is not None:
        return False
    light = [line for line in problem.lines if all(line is not own for own, _ in heavy)]
    known = all(line.plain and absolute_moment(line, 0, arb(LITTLE)).is_finite() for line in light)
    return known and not any(b.contains(0) for _, b in heavy)


def _heavy(problem: Problem) -> list[tuple[Line, Ball]]:
    pairs = zip(problem.lines, problem.slopes, strict=True)
    return [(line, b) for line, b in pairs if heavy_transform(_whole(line), b) is not None]


def _whole(line: Line) -> Line:
    """Return a law that is not cut off."""
    return line.line if isinstance(line, CutLine) else line


def _lacks_moments(problem: Problem) -> bool:
    heavy = _heavy(problem)
    least = 1 if problem.strand.by_transforms else 2
    return len(heavy) >= least and not all(bool(line.absolute(2).is_finite()) for line, _ in heavy)


def _has_many(problem: Problem) -> bool:
    fewest = FEWEST + 1 if problem.loadings else FEWEST
    return sum(not has_few_values(line) for line in problem.lines) >= fewest


def has_few_values(line: Line) -> bool:
    """Tell whether a law has finitely many points."""
    return line.law.atoms_with_probability is not None


def fourier_plan(problem: Problem, shift: Ball, tolerances: Sequence[Ball]) -> FourierPlan:
    """Return nodes for all shifts in a ball, with errors of about these tolerances.

    Raises
    ------
    EvaluationError
        If an error could not be proven, or the shift or a tolerance is no number that one can be proven for.

    """
    if not shift.is_finite():
        raise EvaluationError("the shift that transforms should serve is not finite")
    if not all(bool(t.is_finite()) and bool(t > 0) for t in tolerances):
        raise EvaluationError("what moments by transforms may be off by is not known to be positive and finite")
    with ball_precision(PLANNING_BITS):
        reach, height = _doubled(shift.real.abs_upper()), shift.imag.abs_upper()
        height = arb(0) if height.is_zero() else (HEIGHTS * height).ceil().abs_upper() / HEIGHTS
        exponents = tuple(floor(float((t.log() / arb(2).log()).mid()) / GRID_BITS) for t in tolerances)
    asked = _Asked(float(reach), float(height), exponents, ball_bits())
    known: dict[_Asked, FourierPlan] = problem.remembered.setdefault(PLANS, {})
    for other, found in known.items():
        if other.serves(asked):
            return found
    with ball_precision(PLANNING_BITS):
        sizes = tuple(arb(2) ** (GRID_BITS * e) for e in exponents)
    known[asked] = FourierMaker(problem, reach, height, sizes).plan()
    return known[asked]


@dataclass(frozen=True)
class _Asked:
    """What a plan was made for."""

    reach: float
    height: float
    exponents: tuple[int, ...]
    bits: int

    def serves(self, other: _Asked) -> bool:
        """Tell whether the plan serves another purpose, without much more work."""
        steps = [theirs - own for own, theirs in zip(self.exponents, other.exponents, strict=True)]
        wide = self.reach >= other.reach and self.height >= other.height and self.bits >= other.bits
        return wide and min(steps) >= 0 and max(steps) <= MOST_STEPS


def _doubled(size: Ball) -> Ball:
    whole = arb(4)
    while not size <= whole:
        whole *= 2
    return whole
