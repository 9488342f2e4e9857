"""The region of a design: an interval or a few values for each predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadterms.errors import LeadtermsError, ModelError
from leadterms.inference.design_weights import Array
from leadterms.reading.numbers import exact_number

MOST_PREDICTORS = 3
"""A grid over more predictors is too large to check the equivalence theorem on."""
DIGITS = 9
"""Support points are given to so many decimals of the width of the region."""


@dataclass(frozen=True)
class Axis:
    """What one predictor may be.

    Parameters
    ----------
    name
        Of the predictor.
    values
        The two ends of an interval, or all values.
    is_interval
        Which of the two.

    """

    name: str
    values: tuple[float, ...]
    is_interval: bool

    def line(self, number: int) -> Array:
        """Return so many equidistant points of an interval, or all values."""
        return np.linspace(self.values[0], self.values[1], number) if self.is_interval else np.array(self.values)

    def __str__(self) -> str:
        inside = ", ".join(f"{value:g}" for value in self.values)
        return f"{self.name} in [{inside}]" if self.is_interval else f"{self.name} in {{{inside}}}"


@dataclass(frozen=True)
class Region:
    """A box: the product of the axes."""

    axes: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the predictors."""
        return tuple(axis.name for axis in self.axes)

    @property
    def free(self) -> Array:
        """Which coordinates vary in an interval."""
        return np.array([axis.is_interval for axis in self.axes])

    @property
    def bounds(self) -> Array:
        """Lower and upper ends of the coordinates, 2 x p."""
        return np.array([(min(axis.values), max(axis.values)) for axis in self.axes]).T

    def grid(self, number: int) -> Array:
        """Return the product of lines of so many points, N x p."""
        lines = [axis.line(number) for axis in self.axes]
        return np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, len(lines))

    def rounded(self, points: Array) -> Array:
        """Return points with the digits that are trusted; the ends of intervals are exact."""
        low, high = self.bounds
        width = np.where(high > low, high - low, 1.0)
        moved = np.clip(low + np.round((points - low) / width, DIGITS) * width, low, high)
        return np.where(self.free, np.where(moved == high, high, np.round(moved, DIGITS + 5)) + 0.0, points)

    def __str__(self) -> str:
        return ", ".join(map(str, self.axes))


def read_region(region: Any, predictors: Sequence[str]) -> Region:
    """Return the region of all predictors of a model.

    Parameters
    ----------
    region
        For each predictor a pair of numbers, the ends of an interval, or a set of values.
    predictors
        Those of the model.

    Raises
    ------
    ModelError
        If a predictor has no region or a bad one, or there are too many of them.

    Examples
    --------
    >>> print(read_region({"x": ("-1", "1/2"), "arm": {0, 1}}, ["x", "arm"]))
    x in [-1, 0.5], arm in {0, 1}

    """
    if not isinstance(region, Mapping):
        raise ModelError(f"a region is a mapping such as {{'x': (-1, 1)}}, not {region!r}")
    for name in region:
        if name not in predictors:
            raise ModelError(f"{name!r} in the region is not a predictor of the model: it has {', '.join(predictors)}")
    for name in predictors:
        if name not in region:
            raise ModelError(f"the predictor {name!r} has no region: give one, such as {{{name!r}: (-1, 1)}}")
    if not 1 <= len(predictors) <= MOST_PREDICTORS:
        raise ModelError(f"a design is for one to {MOST_PREDICTORS} predictors, and the model has {len(predictors)}")
    return Region(tuple(_axis(name, region[name]) for name in predictors))


def _axis(name: str, given: Any) -> Axis:
    if not isinstance(given, tuple | list | set | frozenset):
        raise ModelError(
            f"the region of {name} is a pair of numbers, such as (-1, 1), or a set of values, such as {{0, 1}}, "
            f"not {given!r}"
        )
    try:
        numbers = [float(exact_number(value)) for value in given]
    except LeadtermsError as error:
        raise ModelError(f"the region of {name} is {given!r}: {str(error).splitlines()[0]}") from None
    if isinstance(given, set | frozenset):
        values = tuple(sorted(set(numbers)))
        if not values:
            raise ModelError(f"the region of {name} is empty: give it values")
        return Axis(name, values, False)
    if len(numbers) != 2 or not numbers[0] < numbers[1]:
        raise ModelError(f"an interval for {name} has two ends, the lower one first, not {given!r}")
    return Axis(name, (numbers[0], numbers[1]), True)
