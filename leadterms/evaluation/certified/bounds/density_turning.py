r"""How complex effects turn the density of a predictor that was averaged over, for averages of an inverse information.

As in `averaged_balls` eta and the other predictors are the variables, and x = (eta - c - u'a)/b is complex where eta
moves by i tau.  F = N/D, D a multiple of det H_AA, whose columns have no x.  With v = |tau|/(|b| scale), q = nu + 1:

- the density turns by at most (q/2) arcsin v, and grows by at most (1 - v^2)^(-q/2); it falls by no more than
  (1 + v^2)^(q/2), as :math:`|1 + (\xi + iy)^2|^2 = (1 + \xi^2)^2 + y^4 - 2 y^2 + 2 \xi^2 y^2`, at most
  :math:`(1 + y^2)^2 (1 + \xi^2)^2`;
- a moment with x^k, k <= 2, is bounded by the largest (1 + |x|)^k times the density (`bounds.by_density` with
  `Line.envelope`) and |x| <= (1 + |tau/b|)(1 + |Re x|), so that it grows by (1 + |tau/b|)^k besides.

The rest is what `Sector` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.averaged_weight import AveragedWeight
from leadterms.evaluation.certified.bounds.sector_turning import Turned, sector_factor
from leadterms.evaluation.certified.moments.averaged_balls import AveragedBalls
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import Ball, Cell, larger
from leadterms.evaluation.moment_system import Sector


@dataclass(frozen=True)
class DensityTurning:
    """Factors by which |F| may exceed its ceiling.

    Parameters
    ----------
    weights
        Of the strands.
    reaches
        How far eta moves at most with each effect.
    sector
        What is known of F under complex weights.

    """

    weights: Sequence[AveragedBalls]
    reaches: Sequence[Ball]
    sector: Sector

    def factor(self, region: Cell, j: int, height: Ball) -> Ball:
        """Bound |F| over the ceiling at Re z, for |Im z_j| up to a height; not finite where nothing is proven."""
        moved = (height * self.reaches[j]).abs_upper()
        angle, gain, loss = arb(0), arb(1), arb(1)
        for weight in self.weights:
            angle = larger(angle, weight.angle(moved))
            gain = larger(gain, weight.gain(moved) * weight.stretch(moved))
            loss = larger(loss, weight.loss(moved))
        return sector_factor(self.sector, j, height, Turned(angle, gain, loss))


def density_turning(strands: Strands) -> DensityTurning | None:
    """Return these factors for a system with such a predictor, None for others."""
    system = strands.system
    if system.whole is None or system.whole.inverse is None or system.sector is None:
        return None
    weights = [problem.weight for problem in strands.problems]
    found = [weight for weight in weights if isinstance(weight, AveragedBalls)]
    turned = all(isinstance(strand.weight, AveragedWeight) and strand.weight.turns for strand in system.strands)
    if not turned:
        return None
    return DensityTurning(found, [strands.reach(j) for j in range(system.dimension)], system.sector)
