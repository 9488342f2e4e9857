"""What a program of ufuncs works with: operations, registers, the memory of results, nodes on a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from leadterms.evaluation.arrays.ufuncs import ELEMENTWISE, Array, Kind

_ARITHMETIC: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "square": np.square,
    "negative": np.negative,
}


@dataclass(frozen=True)
class Line:
    """The nodes of one variable; their distance where it is the same between all of them."""

    nodes: Array
    step: float | None = None


@dataclass(frozen=True)
class Operation:
    """One step: the function's name, the registers it reads, the one it writes, whether it is done at each turn."""

    name: str
    reads: tuple[int, ...]
    writes: int
    turning: bool

    @property
    def function(self) -> Callable[..., Array]:
        """The ufunc."""
        return _ARITHMETIC.get(self.name) or ELEMENTWISE[self.name].apply


class Arena:
    """Memory for results, used again for each block of points: fresh pages cost more than the arithmetic."""

    def __init__(self) -> None:
        self._flat: list[Array] = []
        self._next = 0

    def reset(self) -> None:
        """Take back all that was given out."""
        self._next = 0

    def take(self, shape: tuple[int, ...], kind: Kind) -> Array:
        """Return an array of undefined content."""
        size = prod(shape)
        if self._next == len(self._flat):
            self._flat.append(np.empty(size, kind))
        flat = self._flat[self._next]
        if flat.size < size or flat.dtype != kind:
            flat = self._flat[self._next] = np.empty(size, kind)
        self._next += 1
        return flat[:size].reshape(shape)


@dataclass
class State:
    """The registers of a program while the fixed symbols keep their values.

    Parameters
    ----------
    registers
        Values known so far.
    tables
        For each register that holds a geometric sequence: the place of its symbol among the turning ones, and the
        values at all nodes (nodes first).
    arena
        Where results are written.
    kind
        Type of the numbers.
    plans
        For each shape of a turn, where its results are written.

    """

    registers: list[Any]
    arena: Arena
    kind: Kind
    tables: list[tuple[int, int, Array]] = field(default_factory=list)
    plans: dict[int, list[tuple[Callable[..., Array], tuple[int, ...], int, Array]]] = field(default_factory=dict)


def joined(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape that shapes broadcast to; np.broadcast_shapes takes longer than an operation."""
    longest = max(map(len, shapes))
    padded = [(1,) * (longest - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) if min(sizes) else 0 for sizes in zip(*padded, strict=True))


def exponentials(rate: Array, line: Line, arena: Arena) -> Array:
    """Return exp(rate z) at each node z, nodes first: by products where the nodes are equidistant."""
    rate = np.atleast_1d(rate)
    table = arena.take((len(line.nodes), *rate.shape), rate.dtype)
    if line.step is None:
        np.multiply(line.nodes.reshape(-1, *(1 for _ in rate.shape)), rate, out=table)
        return np.exp(table, out=table)
    np.exp(rate * line.nodes[0], out=table[0])
    factor = np.exp(rate * line.step)
    for before, after in pairwise(table):
        np.multiply(before, factor, out=after)
    return table
