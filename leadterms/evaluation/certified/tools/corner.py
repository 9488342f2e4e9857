"""Exponentials of quadratics in the effects, of which bounds of 1/lambda far out are sums.

e^(q + l'z + sum_i (c_i + b_i'z)^2/2) phi(z) is normal with precision P = I - sum_i b_i b_i', where that is positive
definite, mean m = P^-1 (l + sum_i c_i b_i) and mass det(P)^(-1/2) e^(q + sum_i c_i^2/2 + (l + sum_i c_i b_i)'m/2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from flint import arb, arb_mat

from leadterms.evaluation.certified.tools.balls import Ball, Cell, inner, interval

Square = tuple[Ball, tuple[Ball, ...]]
"""c and b of (c + b'z)^2."""


@dataclass(frozen=True)
class Corner:
    """e^(level + tilt'z + the sum of (c + b'z)^2/2 over squares) in a bound of 1/lambda."""

    level: Ball
    tilt: tuple[Ball, ...]
    squares: tuple[Square, ...] = ()

    def tilted(self, level: Ball, tilt: Sequence[Ball]) -> Corner:
        """Return it times e^(level + tilt'z)."""
        return replace(self, level=self.level + level, tilt=tuple(a + b for a, b in zip(self.tilt, tilt, strict=True)))

    def power(self, t: Ball) -> Corner:
        """Return its power t >= 0."""
        root = t.sqrt()
        squares = tuple((root * c, tuple(root * entry for entry in b)) for c, b in self.squares)
        return Corner(t * self.level, tuple(t * entry for entry in self.tilt), squares)

    def times(self, other: Corner) -> Corner:
        """Return the product of two."""
        return replace(self.tilted(other.level, other.tilt), squares=self.squares + other.squares)

    def on(self, cell: Cell) -> Ball:
        """Bound it on a cell of the effects."""
        z = [interval(*side) for side in cell]
        etas = [inner(b, z, c) for c, b in self.squares]
        return (inner(self.tilt, z, self.level) + sum((eta * eta for eta in etas), arb(0)) / 2).exp().abs_upper()

    @property
    def left(self) -> Ball:
        """The determinant of P: where that is positive definite at most its least eigenvalue, none being over 1."""
        return self._precision.det()

    @property
    def is_outweighed(self) -> bool:
        """Whether P is surely positive definite, by its leading minors."""
        rows = self._precision.tolist()
        return all(bool(arb_mat([row[:k] for row in rows[:k]]).det() > 0) for k in range(1, len(rows) + 1))

    def mean(self) -> list[Ball]:
        """Return where its product with phi is centred."""
        linear = self._linear()
        return [inner(row, linear) for row in self._covariance.tolist()]

    def mass(self) -> Ball:
        """Return its integral with phi."""
        squares = sum((c * c for c, _ in self.squares), arb(0))
        exponent = self.level + squares / 2 + inner(self._linear(), self.mean()) / 2
        return exponent.exp() / self.left.sqrt()

    def mass_outside(self, radius: Ball) -> Ball:
        """Bound its integral with phi over |z_j| > R for some j: by each of its tails."""
        tails = arb(0)
        for j, m in enumerate(self.mean()):
            sd = (2 * self._covariance[j, j]).sqrt()
            tails += (((radius - m) / sd).erfc() + ((radius + m) / sd).erfc()) / 2
        return (self.mass() * tails).abs_upper()

    @cached_property
    def _precision(self) -> arb_mat:
        size = len(self.tilt)
        found = [[arb(int(i == j)) for j in range(size)] for i in range(size)]
        for _, b in self.squares:
            found = [[found[i][j] - b[i] * b[j] for j in range(size)] for i in range(size)]
        return arb_mat(found)

    @cached_property
    def _covariance(self) -> arb_mat:
        return self._precision.inv()

    def _linear(self) -> list[Ball]:
        total = list(self.tilt)
        for c, b in self.squares:
            total = [entry + c * own for entry, own in zip(total, b, strict=True)]
        return total
