"""How much |F| may exceed its ceiling where all weights stay in a sector: see `Sector`, and `averages.sector`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, larger
from leadterms.evaluation.moment_system import Sector


@dataclass(frozen=True)
class Turned:
    """Bounds of |arg v|, of |v|/w and of w/|v| for complex weights v, w being those at the real parts."""

    angle: Ball
    gain: Ball
    loss: Ball


def sector_factor(sector: Sector, j: int, height: Ball, turned: Turned) -> Ball:
    """Bound |F| over the ceiling at Re z, for |Im z_j| up to a height; not finite where nothing is proven."""
    angle = turned.angle * sector.multiple
    if not (turned.gain.is_finite() and angle < arb.pi() / 2):
        return NAN
    growth = sector.growth[j] if sector.growth else arb(0)
    factor = turned.gain**sector.gains * turned.loss**sector.losses / angle.cos() ** sector.power
    return (factor * (growth * height).exp()).abs_upper()


@dataclass(frozen=True)
class SectorTurning:
    """Factors by which |F| may exceed its ceiling.

    Parameters
    ----------
    problems
        The strands.
    reaches
        How far eta moves at most with each effect.
    sector
        What is known of F under complex weights.

    """

    problems: Sequence[Problem]
    reaches: Sequence[Ball]
    sector: Sector

    def factor(self, region: Cell, j: int, height: Ball) -> Ball:
        """Bound |F| over the ceiling at Re z, for |Im z_j| up to a height; not finite where nothing is proven."""
        moved = (height * self.reaches[j]).abs_upper()
        angle, gain = arb(0), arb(0)
        for problem in self.problems:
            angle = larger(angle, problem.weight.angle(moved))
            gain = larger(gain, problem.weight.gain(moved))
        return sector_factor(self.sector, j, height, Turned(angle, gain, arb(1)))


def sector_turning(strands: Strands) -> SectorTurning | None:
    """Return these factors where every weight has an argument that is bounded near the line, and eta a reach."""
    sector = strands.system.sector
    if sector is None or sector.losses:
        return None
    reaches = [strands.reach(j) for j in range(strands.system.dimension)]
    known = all(problem.weight.angle(arb("0.01")).is_finite() for problem in strands.problems)
    return SectorTurning(strands.problems, reaches, sector) if known and all(r.is_finite() for r in reaches) else None
