"""Moments by Laplace transforms (`laplace_rule`): where they are wanted, and what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadterms.evaluation.certified.moments.fourier_plan import has_few_values
from leadterms.evaluation.certified.moments.laplace_rule import LaplaceMaker
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.weights.elementary_weights import PowerBalls

FEWEST, FEWEST_HEAVY = 3, 2
"""So many predictors that have more than a few values are taken apart, where laws lack moments fewer."""


@dataclass(frozen=True)
class LaplacePlan:
    """The moments at all real shifts and slopes in given balls.

    Parameters
    ----------
    values
        Enclosures that hold for all of them.

    """

    values: tuple[Ball, ...]

    @property
    def work(self) -> int:
        """About how many evaluations each point of the effects costs."""
        return 1

    def moments(self, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[list[Ball]]:
        """Return all moments at each of several shifts and slopes."""
        return [list(self.values) for _ in points]


def laplace_plan(
    problem: Problem, shift: Ball, slopes: Sequence[Ball], bits: int, scale: Ball, sizes: list[list[Ball]]
) -> LaplacePlan:
    """Return the moments, with errors of about 2^-bits of scale times E|X|^k.

    Raises
    ------
    EvaluationError
        If an error could not be proven.

    """
    return LaplacePlan(tuple(LaplaceMaker(problem, shift, slopes, bits, scale, sizes).values()))


def is_taken_apart(problem: Problem) -> bool:
    """Tell whether the weight is a power of a sum of functions of one predictor each, of which rules have many nodes.

    There are no effects: a normal one makes no such eta positive.
    """
    return problem.decided(_is_taken_apart)


def _is_taken_apart(problem: Problem) -> bool:
    if not isinstance(problem.weight, PowerBalls) or problem.loadings or problem.strand.cuts is not None:
        return False
    if not (problem.is_sum and all(line.plain for line in problem.lines)):
        return False
    many = [line for line in problem.lines if not has_few_values(line)]
    return len(many) >= (FEWEST if all(problem.has_moments) else FEWEST_HEAVY)
