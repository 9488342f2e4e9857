"""Averages in balls: by the first road that leads there, in parts or together with others, kept for further entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache

from flint import arb
from sympy import Expr, Symbol

from leadterms.errors import EvaluationError, OutOfRangeError, UncertifiedError
from leadterms.evaluation.certified.tools.work import patience
from leadterms.evaluation.compile_balls import BallProgram, ball_program, exact_ball
from leadterms.evaluation.general_road import NAME
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.joint_road import JointRoad, joint_road
from leadterms.evaluation.road import Road
from leadterms.evaluation.roads import roads
from leadterms.evaluation.separation import separated

_MOST_KNOWN = 128
"""Averages, at points and accuracies, whose balls are kept."""

Enclosed = tuple[arb, tuple[str, ...]]
"""A ball, and the roads to it."""


@dataclass(frozen=True)
class _Way:
    """A road and the program of its numbers."""

    road: Road
    numbers: BallProgram


class AverageInBalls:
    """An average in balls: as a sum of averages over fewer effects where it splits, or else whole.

    Raises
    ------
    UncertifiedError
        If neither has a road.

    """

    def __init__(self, average: Average) -> None:
        self._average, self._parameters = average, average.parameters
        parts = separated(average)
        self._parts: list[tuple[_Way, ...]] = []
        if parts != (average,):
            with suppress(UncertifiedError):
                self._parts = [self._ways(part) for part in parts]
        if not self._parts:
            # none where it has no road
            self._whole  # noqa: B018

    def _ways(self, average: Average) -> tuple[_Way, ...]:
        return tuple(_Way(one, ball_program(self._parameters, one.numbers)) for one in roads(average))

    @cached_property
    def _whole(self) -> tuple[_Way, ...]:
        return self._ways(self._average)

    @property
    def has_one_slow_road(self) -> bool:
        """Whether there are neither parts nor a kernel."""
        return not self._parts and len(self._whole) == 1 and self._whole[0].road.name == NAME

    def at(self, point: Mapping[Symbol, Expr], bits: int) -> Enclosed:
        """Return a ball that contains it, and the roads taken: those of one point serve all entries of a covariance."""
        return _enclosed(self, tuple(point[symbol] for symbol in self._parameters), bits)

    def enclosed(self, values: Sequence[Expr], bits: int) -> Enclosed:
        """Return the same at values of the parameters."""
        inputs = balls(values)
        try:
            found = [_first(ways, inputs, bits) for ways in self._parts]
        except UncertifiedError:
            found = []
        found = found or [_first(self._whole, inputs, bits)]
        return sum((ball for ball, _ in found), arb(0)), tuple(name for _, name in found)


class JointAverages:
    """Averages of a coefficient that are taken together."""

    def __init__(self, averages: tuple[Average, ...], road: JointRoad, order: tuple[int, ...]) -> None:
        self._road, self._order = road, order
        self._parameters = tuple(sorted(set().union(*(one.parameters for one in averages)), key=str))
        self._numbers = [ball_program(self._parameters, numbers) for numbers in road.numbers]
        self._failed: dict[tuple[Expr, ...], tuple[int, float]] = {}

    def at(self, point: Mapping[Symbol, Expr], bits: int) -> tuple[Enclosed, ...]:
        """Return balls that contain them, and the roads taken; none where they are not to be had together."""
        values, granted = tuple(point[symbol] for symbol in self._parameters), patience()
        least, given = self._failed.get(values, (bits + 1, granted))
        if bits >= least and granted <= given:
            return ()
        try:
            return _enclosed_together(self, values, bits)
        except EvaluationError:
            # one by one they may have a road
            self._failed[values] = bits, granted
            return ()

    def enclosed(self, values: Sequence[Expr], bits: int) -> tuple[Enclosed, ...]:
        """Return the same at values of the parameters.

        Raises
        ------
        EvaluationError
            If they are not to be had together.

        """
        inputs = balls(values)
        averages = self._road.enclose([numbers(*inputs) for numbers in self._numbers], bits)
        found = dict(zip(self._order, averages, strict=True))
        return tuple((found[place], (self._road.name,)) for place in range(len(found)))


@lru_cache(maxsize=_MOST_KNOWN)
def _enclosed(averaged: AverageInBalls, values: tuple[Expr, ...], bits: int) -> Enclosed:
    return averaged.enclosed(values, bits)


@lru_cache(maxsize=_MOST_KNOWN)
def _enclosed_together(joint: JointAverages, values: tuple[Expr, ...], bits: int) -> tuple[Enclosed, ...]:
    return joint.enclosed(values, bits)


@lru_cache(maxsize=256)
def joint_averages(averages: tuple[Average, ...]) -> JointAverages | None:
    """Return averages to be taken together, None where they share no moments or have faster roads."""
    if not all(average_in_balls(average).has_one_slow_road for average in averages):
        return None
    found = joint_road(averages)
    return None if found is None else JointAverages(averages, *found)


@lru_cache(maxsize=256)
def average_in_balls(average: Average) -> AverageInBalls:
    """Return an average in balls, the same one for all coefficients that hold it."""
    return AverageInBalls(average)


def _first(ways: Sequence[_Way], inputs: Sequence[arb], bits: int) -> tuple[arb, str]:
    """Take the first road that leads to a ball."""
    failures = []
    for way in ways:
        try:
            return way.road.enclose(way.numbers(*inputs), bits), way.road.name
        except OutOfRangeError:
            raise
        except EvaluationError as failure:
            failures.append(str(failure))
    raise UncertifiedError("; ".join(dict.fromkeys(failures)))


def balls(values: Iterable[Expr]) -> list[arb]:
    """Return exact values as balls."""
    return [arb(exact_ball(value)) for value in values]
