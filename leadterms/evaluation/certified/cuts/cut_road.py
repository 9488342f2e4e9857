"""Random slopes on unbounded predictors: their laws are cut off, where what that changes is shown to be small.

See `cut_residual` and `cut_inverse` for the two kinds of integrands.
"""

from __future__ import annotations

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.size import rough_size
from leadterms.evaluation.certified.cuts.cut_inverse import InverseLoss
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws, places
from leadterms.evaluation.certified.cuts.cut_residual import ResidualLoss
from leadterms.evaluation.certified.moments.folding import folded
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball
from leadterms.evaluation.moment_system import NumericSystem
from leadterms.evaluation.precision import ball_precision

ROUGH_BITS = 24


def is_unbounded(system: NumericSystem) -> bool:
    """Tell whether a random effect multiplies an unbounded predictor."""
    with ball_precision(PLANNING_BITS):
        return any(places(Problem(strand), everywhere=False) for strand in system.strands)


def cut_off(system: NumericSystem, bits: int, everywhere: bool) -> tuple[NumericSystem, Ball, Ball]:
    """Return a system whose random slopes are on bounded predictors only, and a bound of how far its average is off.

    The third is about the size of its average, without proof.

    Parameters
    ----------
    system
        Its integrand is an entry of a Schur complement (`NumericSystem.shares`) or of an inverse information
        (`NumericSystem.inverse`), its weights are bounded.
    bits
        The bound is about 2^-bits of the average of |F|, or less.
    everywhere
        Whether all predictors are cut off, those too that no effect multiplies.

    Raises
    ------
    EvaluationError
        If no bound is proven.

    """
    inverse = system.inverse is not None and bool(system.inverse.probabilities)
    if not system.ceiling or (system.shares is None and not inverse):
        raise EvaluationError(
            "a random slope on an unbounded predictor is certified for entries of a Schur complement of the "
            "information matrix, and of the inverse information of the random effects"
        )
    with ball_precision(PLANNING_BITS):
        laws = CutLaws(system.strands, everywhere)
        loss: ResidualLoss | InverseLoss
        if system.inverse is not None and inverse:
            loss = InverseLoss(system, system.inverse, laws)
        else:
            loss = ResidualLoss(system, laws)
        first, _ = _cut(laws, loss, loss.everywhere * arb(2) ** -ROUGH_BITS)
        strands = Strands(folded(first))
        size = rough_size(strands, Bounds(strands))
        return *_cut(laws, loss, size * arb(2) ** (-bits - 4)), size


def _cut(laws: CutLaws, loss: ResidualLoss | InverseLoss, tolerance: Ball) -> tuple[NumericSystem, Ball]:
    """Return the system cut off where the loss is at most this."""
    loss_by = loss.within(tolerance)
    tried = list(laws.tried())
    known: dict[int, tuple[NumericSystem, Ball]] = {}

    def is_enough(k: int) -> bool:
        known[k] = loss_by(tried[k])
        lost = known[k][1]
        return bool(lost.is_finite() and lost <= tolerance)

    # by steps that double, then by halves: one try costs much where cells are many
    ends = [-1]
    while ends[-1] < len(tried) - 1:
        ends.append(min(2 * ends[-1] + 2, len(tried) - 1))
        if is_enough(ends[-1]):
            low, high = ends[-2:]
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if is_enough(middle) else (middle, high)
            return known[high]
    raise EvaluationError(
        f"no bound was found of what {laws.names} contributes far out: the weights fall too fast in the range of the "
        "random effects"
    )
