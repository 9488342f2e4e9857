"""Exponentials of quadratics in the effects, of which bounds of 1/lambda far out are sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import arb

from leadterms.evaluation.certified.balls import Ball, Cell, inner, interval


@dataclass(frozen=True)
class Corner:
    """e^(level + tilt'z + (constant + slopes'z)^2/2) in a bound of 1/lambda."""

    level: Ball
    constant: Ball
    slopes: tuple[Ball, ...]
    tilt: tuple[Ball, ...]

    def tilted(self, level: Ball, tilt: Sequence[Ball]) -> Corner:
        """Return it times e^(level + tilt'z)."""
        return replace(self, level=self.level + level, tilt=tuple(a + b for a, b in zip(self.tilt, tilt, strict=True)))

    def on(self, cell: Cell) -> Ball:
        """Bound it on a cell of the effects."""
        z = [interval(*side) for side in cell]
        eta = inner(self.slopes, z, self.constant)
        return (inner(self.tilt, z, self.level) + eta * eta / 2).exp().abs_upper()

    @property
    def left(self) -> Ball:
        """1 - |b|^2."""
        return 1 - inner(self.slopes, self.slopes)

    def mean(self) -> list[Ball]:
        """Return where its product with phi is centred."""
        linear = self._linear()
        along = inner(self.slopes, linear) / self.left
        return [l + along * b for l, b in zip(linear, self.slopes, strict=True)]

    def mass(self) -> Ball:
        """Return its integral with phi."""
        exponent = self.level + self.constant**2 / 2 + inner(self._linear(), self.mean()) / 2
        return exponent.exp() / self.left.sqrt()

    def mass_outside(self, radius: Ball) -> Ball:
        """Bound its integral with phi over |z_j| > R for some j: by each of its tails."""
        tails = arb(0)
        for m, b in zip(self.mean(), self.slopes, strict=True):
            sd = (2 * (1 + b * b / self.left)).sqrt()
            tails += (((radius - m) / sd).erfc() + ((radius + m) / sd).erfc()) / 2
        return (self.mass() * tails).abs_upper()

    def _linear(self) -> list[Ball]:
        return [t + self.constant * b for t, b in zip(self.tilt, self.slopes, strict=True)]
