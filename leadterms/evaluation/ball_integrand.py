"""An integrand in balls, as a function of the moments, and the linear algebra of its effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.tools.balls import lower_root
from leadterms.evaluation.compile_balls import BallProgram
from leadterms.evaluation.moment_system import Ball


@dataclass(frozen=True)
class BallIntegrand:
    """F of the moments of all strands, each symbol a combination of them."""

    program: BallProgram
    places: tuple[tuple[tuple[int, arb], ...], ...]
    parameters: tuple[arb, ...]
    effects: tuple[tuple[arb, ...], tuple[tuple[arb, ...], ...]] | None = None
    """Mean and root, where F depends on u = mean + root z: z stands behind the moments."""

    @property
    def takes_arrays(self) -> bool:
        """Whether it may be computed for many moments at once."""
        return self.program.is_rational_in(len(self.places) + (0 if self.effects is None else len(self.effects[0])))

    def __call__(self, moments: Sequence[Ball]) -> Ball:
        """Return its value."""
        values = [sum((c * moments[place] for place, c in parts[1:]), parts[0][1] * moments[parts[0][0]])
                  for parts in self.places]  # fmt: skip
        if self.effects is None:
            return self.program(*values, *self.parameters)[0]
        mean, root = self.effects
        z = moments[-len(mean) :]
        u = [
            sum((entry * one for entry, one in zip(row, z, strict=True)), m) for m, row in zip(mean, root, strict=True)
        ]
        return self.program(*values, *u, *self.parameters)[0]


def inner_product(row: Sequence[arb], column: Sequence[arb], shared: dict[tuple[int, ...], arb]) -> arb:
    """Return the inner product; the same object for the same numbers, so that equal ones are seen to be equal."""
    pairs = [(a, b) for a, b in zip(row, column, strict=True) if not (a.is_zero() or b.is_zero())]
    key = tuple(id(one) for pair in pairs for one in pair)
    if key not in shared:
        shared[key] = sum((a * b for a, b in pairs), arb(0))
    return shared[key]


def root_of(covariance: Sequence[arb], order: Sequence[int]) -> list[list[arb]]:
    """Return a root R of a covariance matrix given row by row, R R' = covariance.

    In this order of the effects it is lower triangular: the last column has the last effect alone.
    """
    size = len(order)
    triangle = lower_root([[covariance[size * i + j] for j in order] for i in order])
    return [triangle[order.index(i)] for i in range(size)]
