"""Which rules a group of points is given: sized by bounds, then compared with finer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log, prod
from typing import Any

import numpy as np

from leadterms.evaluation.arrays.averages import Average
from leadterms.evaluation.arrays.axes import Axis, Rule
from leadterms.evaluation.arrays.ufuncs import Array

_MARGIN = log(16)
"""Rules aim at a sixteenth of the accuracy."""
FINER = log(1000)
"""The rule that another one is compared with aims so much further."""
_MORE = (0.0, 1.5, 3.0, 6.0, 10.0)
"""Nats added while a rule fails."""
MOST = _MORE[-1]
_STEP = 1.5
"""Nats by which an axis is made coarser at a time."""
_STRICT = 0.25
"""Part of the tolerance that is granted to the points of a sample, which are not all points."""
_RATIO = 1.1
"""Reaches are rounded up to powers of it, so that points share rules."""
_SMALLEST = 0.05
"""Reaches below it are not told apart."""
_GROUP = 8000
"""Points that a group with its own rule should have on average."""

Nats = tuple[float, ...]
"""What is asked of the rule of each axis, as -log of its share of the error."""


@dataclass(frozen=True)
class Tolerance:
    """What counts as right: a difference of at most relative * |value| + absolute."""

    relative: float
    absolute: float = 0.0

    def agree(self, first: Array, second: Array, part: float = 1.0) -> Array:
        """Tell where two arrays agree to a part of the tolerance."""
        close: Array = np.abs(first - second) <= part * (self.relative * np.abs(second) + self.absolute)
        return close


class Plan:
    """The rules of a group of points.

    Parameters
    ----------
    averages
        Whose axes they are for.
    levels
        The largest level of reach on each axis.
    centres
        The largest distance of the linear predictor from zero, for each average.
    tolerance
        What the rules are for.

    """

    def __init__(
        self, averages: Sequence[Average], levels: Array, centres: Sequence[float], tolerance: Tolerance
    ) -> None:
        self._averages, self._centres, self.tolerance = averages, centres, tolerance
        self.levels = levels
        self._reaches = [_SMALLEST * _RATIO ** float(level) for level in levels]
        self.key = (*levels.tolist(), *centres, tolerance)
        self.size = max(prod(sizes) for sizes in self._each(Axis.size, self.nats(MOST + FINER)))

    def nats(self, more: float) -> Nats:
        """Return what the tolerance asks for of each axis, and more."""
        return (_MARGIN - log(self.tolerance.relative) + more,) * len(self._reaches)

    def rules(self, nats: Nats) -> list[dict[Axis, Rule]]:
        """Return the rules of each average."""
        made = self._each(Axis.rule, nats)
        return [dict(zip(average.axes, own, strict=True)) for average, own in zip(self._averages, made, strict=True)]

    @property
    def extent(self) -> float:
        """How far from zero the linear predictor comes."""
        reaches = iter(self._reaches)
        extents: list[float] = []
        for own, centre in zip(self.rules(self.nats(MOST + FINER)), self._centres, strict=True):
            ends = [float(line.nodes[-1]) if axis.is_normal else 0.0 for axis, (line, _) in own.items()]
            extents.append(centre + sum(next(reaches) * end for end in ends))
        return max(extents)

    def _each(self, ask: Callable[..., Any], nats: Nats) -> list[list[Any]]:
        """Ask each axis of each average for something that depends on its reach."""
        each = iter(zip(self._reaches, nats, strict=True))
        return [
            [ask(axis, *next(each), average.strip(axis), centre) for axis in average.axes]
            for average, centre in zip(self._averages, self._centres, strict=True)
        ]


class Judge:
    """Compares rules with finer ones at a sample of points.

    Parameters
    ----------
    plan
        Of the group that the sample stands for.
    evaluate
        From nats to the values at the sample.

    """

    def __init__(self, plan: Plan, evaluate: Callable[[Nats], Array]) -> None:
        self._evaluate, self._tolerance, self._bound = evaluate, plan.tolerance, plan.nats(0.0)
        self._finer: tuple[Nats, Array] | None = None

    def _passes(self, nats: Nats) -> bool:
        needed = tuple(max(own, bound) + FINER for own, bound in zip(nats, self._bound, strict=True))
        if self._finer is None or self._finer[0] != needed:
            self._finer = needed, self._evaluate(needed)
        finer, value = self._finer[1], self._evaluate(nats)
        known = np.isfinite(finer)
        # a point without value by either rule, by overflow or outside the domain, says nothing about them
        same = np.where(known, self._tolerance.agree(value, finer, _STRICT), ~np.isfinite(value))
        return bool(np.any(known) and np.all(same))

    def least(self, nats: Nats) -> Nats | None:
        """Return the first of some growing numbers of nats that passes."""
        for more in _MORE:
            tried = tuple(own + more for own in nats)
            if self._passes(tried):
                return tried
        return None

    def spared(self, nats: Nats) -> Nats:
        """Return fewer nats, axis by axis, that still pass."""
        for axis in range(len(nats)):
            while nats[axis] > _MARGIN + _STEP:
                fewer = (*nats[:axis], nats[axis] - _STEP, *nats[axis + 1 :])
                if not self._passes(fewer):
                    break
                nats = fewer
        return nats


def level_of(reach: Array) -> Array:
    """Return the power of the ratio that a reach is rounded up to."""
    with np.errstate(invalid="ignore"):
        return np.ceil(np.log(np.maximum(reach / _SMALLEST, 1)) / log(_RATIO)).astype(np.int64)


def grouped(levels: Array) -> Iterator[Array]:
    """Yield the members of each group: points with nearby levels, so many that Python does not dominate."""
    count = levels.shape[1]
    if not count:
        return
    levels = levels - levels.min(axis=1, keepdims=True)
    width = 1
    while prod(int(level.max()) // width + 1 for level in levels) > max(1, count // _GROUP):
        width += 1
    keys = np.zeros(count, np.int64)
    for level in levels:
        keys = keys * (int(level.max()) // width + 1) + level // width
    order = np.argsort(keys.astype(np.uint16 if keys.max() < 2**16 else np.int64), kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    yield from np.split(order, cuts)


def halves(levels: Array, members: Array) -> list[Array]:
    """Split a group at the middle of its widest axis; a group that can not be split is left without values."""
    own = levels[:, members]
    widths = np.ptp(own, axis=1)
    axis = int(np.argmax(widths))
    if not widths[axis]:
        return []
    upper = own[axis] > (own[axis].min() + own[axis].max()) / 2
    return [members[upper], members[~upper]]
