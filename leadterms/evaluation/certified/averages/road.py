"""The general certified road: a proven ball for a moment system of any weight and law that balls can handle."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from flint import arb

from leadterms.errors import EvaluationError, OutOfRangeError
from leadterms.evaluation.certified.averages.cells import EffectsAverage
from leadterms.evaluation.certified.averages.cut_cells import (
    CutCellsAverage,
    falls_slowly_on_points,
    lacks_moments,
    pays_in_cells,
)
from leadterms.evaluation.certified.averages.ridged_cells import RidgedCellsAverage, is_ridged
from leadterms.evaluation.certified.averages.sector import SectorAverage, in_sector
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.slope_turning import slope_turning
from leadterms.evaluation.certified.bounds.tilted_normal import place_of_tilt
from leadterms.evaluation.certified.cuts.cut_road import cut_off, is_unbounded
from leadterms.evaluation.certified.moments.folding import folded, is_folded
from leadterms.evaluation.certified.moments.joining import joined
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS
from leadterms.evaluation.certified.tools.work import MOST_UNITS, attempt, limited_work, require_patience
from leadterms.evaluation.moment_system import STRAYING, ExponentialCeiling, NumericSystem
from leadterms.evaluation.precision import ball_precision

GUARD = 16
FEW_BITS = 28
"""Accuracies up to which a ridge on the weights is tried."""
SPARE = 3
"""Bits that an average over effects gets beyond those asked for: its nodes grow with them."""
ATTEMPTS = 3
MORE_FOR_MANY = 3
"""How many times the usual work is granted with more than `FEW_EFFECTS`."""
MORE_FOR_TURNED, MORE_FOR_CUT = 2, 3
"""The same with two under weights that no sector holds, and where laws with heavy tails, or all laws, are cut off."""
MORE_TOGETHER = 3
"""How many times the usual work several averages together are granted at most."""
MOST_PLACES = 10**9
"""Values have no more decimal places."""
MOST_IN_CELLS = 3
"""Random effects of which a cell usually may have so many: more take hours."""
FEW_EFFECTS = 2
"""Up to so many no more work is granted, and a ridge is tried: with more its bounds on cells take longer than cuts."""


def certified_average(system: NumericSystem, bits: int, entries: int = 1) -> arb:
    """Return a ball that contains E_U[F(M(U))], of relative accuracy 2^-bits where three passes reach it.

    One that contains 0 as well is accurate to about 2^-bits of E|F|: by symmetry the average may vanish, and what of it
    matters only the caller knows.

    Parameters
    ----------
    system
        The moment system.  With random effects it needs its ceiling.
    bits
        Relative accuracy that is aimed at.
    entries
        How many averages F gives: one by one each would be granted as much work.

    Returns
    -------
    ball
        Contains the value in proof; its radius holds rounding, cut-off tails and discretisation.

    Raises
    ------
    EvaluationError
        If something could not be proven: what, and why; or if it takes too much work (`work`).

    Examples
    --------
    >>> from flint import fmpq
    >>> from leadterms.evaluation.moment_system import Strand
    >>> from leadterms.model.laws import UniformLaw
    >>> from leadterms.model.weights import ProbitWeight
    >>> from sympy import Integer
    >>> strand = Strand(ProbitWeight(Integer(1)), (UniformLaw(-1, 1),), fmpq(1, 3), (fmpq(2),), (), ((0,), (1,), (2,)))
    >>> system = NumericSystem((strand,), lambda m: m[2] - m[1] * m[1] / m[0])
    >>> certified_average(system, 100).rel_accuracy_bits() >= 100
    True

    """
    more = 1
    if system.dimension > FEW_EFFECTS:
        more = MORE_FOR_MANY
    elif system.dimension > 1 and _strays(system):
        more = MORE_FOR_CUT if not _is_tilted_normal(system) and _is_turned_far_out(system) else MORE_FOR_TURNED
    elif system.dimension > 1 and pays_in_cells(system):
        more = MORE_FOR_CUT
    with limited_work(bits, MOST_UNITS * more * min(entries, MORE_TOGETHER)):
        return _average(system, bits)


def _average(system: NumericSystem, bits: int) -> arb:
    best: arb | None = None
    with ball_precision(2 * bits + PLANNING_BITS):
        system = joined(system)
    aim = bits + (SPARE if system.dimension else GUARD)
    for _ in range(ATTEMPTS):
        ball = _pass(system, aim)
        if best is None or ball.rad() < best.rad() or not best.is_finite():
            best = ball
        lost = bits - ball.rel_accuracy_bits()
        if lost <= 0 or (system.dimension and ball.is_finite() and ball.contains(0)):
            return ball
        aim += min(lost, bits + 64) + GUARD
    if best is None or not best.is_finite():
        raise EvaluationError(f"the integrand could not be evaluated in balls of {aim} bits: a denominator may be zero")
    return best


def _pass(system: NumericSystem, bits: int) -> arb:
    if not system.with_effects and all(
        bool(arb(entry).is_zero()) for strand in system.strands for row in strand.loadings for entry in row
    ):
        strands = tuple(replace(strand, loadings=()) for strand in system.strands)
        return _without_effects(replace(system, strands=strands), bits)
    strays = _strays(system)
    if bits <= FEW_BITS and system.dimension <= FEW_EFFECTS and is_ridged(system) and _takes_a_ridge(system):
        # where this does not do the road by panels may
        with suppress(EvaluationError), attempt():
            return RidgedCellsAverage(system, bits - SPARE + 1).value()
    if slope_turning(system) is not None and (strays or lacks_moments(system) or not pays_in_cells(system)):
        return EffectsAverage(system, bits, _size_by_ceiling(system)).value()
    strays = strays and not is_folded(system)
    if pays_in_cells(system):
        return CutCellsAverage(system, bits, everywhere=strays).value()
    if is_unbounded(system) or (strays and _is_turned_far_out(system)):
        cut, loss, size = cut_off(system, bits, everywhere=strays)
        ball = _bounded(cut, bits, size)
        with ball_precision(bits + PLANNING_BITS):
            return ball + arb(0, loss)
    return _bounded(system, bits)


def _size_by_ceiling(system: NumericSystem) -> arb:
    """Return about the size of an average, without proof, where it is not for sums over a grid."""
    with ball_precision(PLANNING_BITS):
        middle = ((arb(0), arb(0)),) * system.dimension
        return (Bounds(Strands(system)).top(middle) / 8).mid()


def _strays(system: NumericSystem) -> bool:
    """Tell whether no sector holds the weights near the real line."""
    return any(isinstance(strand.weight, STRAYING) for strand in system.strands)


def _is_turned_far_out(system: NumericSystem) -> bool:
    """Tell whether bounds by panels of the predictors (`turning`) need all laws cut off."""
    if system.shares is None:
        return False
    with ball_precision(PLANNING_BITS):
        strands = Strands(system)
        unbounded = any(None in ends for problem in strands.problems for ends in problem.supports)
        return unbounded and not strands.common_shift


def _takes_a_ridge(system: NumericSystem) -> bool:
    """Tell whether a ridge does better than panels.

    Not where exponential tails move with one of several effects, nor where they are on points: many of these have a
    part in what is left of the information far out.
    """
    if _is_tilted_normal(system) or not _is_turned_far_out(system):
        return False
    return not (falls_slowly_on_points(system) if system.dimension == 1 else pays_in_cells(system))


def _is_tilted_normal(system: NumericSystem) -> bool:
    with ball_precision(PLANNING_BITS):
        return place_of_tilt(system, [Problem(strand) for strand in system.strands]) is not None


def _bounded(system: NumericSystem, bits: int, size: arb | None = None) -> arb:
    """Return the average where no random slope stands at an unbounded predictor."""
    system = folded(system)
    if system.sector is not None and in_sector(system):
        return SectorAverage(system, system.sector, bits, size).value()
    if system.sector is not None and any(isinstance(part, ExponentialCeiling) for part in system.ceiling):
        raise EvaluationError(
            "an average of an inverse information is certified for weights whose argument is bounded near the real "
            "line, and in some cases under the probit and complementary log-log links"
        )
    if system.dimension > MOST_IN_CELLS:
        require_patience(
            f"an average over {system.dimension} random effects is certified for weights whose argument is bounded "
            "near the real line, those of the logit link, and of the negative binomial family with the log link, "
            f"over {MOST_IN_CELLS} for others"
        )
    return EffectsAverage(system, bits, size).value()


def _refuse_out_of_range(strands: Strands) -> None:
    """Refuse integrands of weights that are next to nothing for all values of the predictors."""
    with ball_precision(PLANNING_BITS):
        least = arb(10) ** (-MOST_PLACES)
        for problem in strands.problems:
            largest = problem.weight.modulus(*problem.predictor.range(*problem.at(()), problem.supports))
            if not largest < least:
                return
    raise OutOfRangeError(
        f"the weight is less than 10^-{MOST_PLACES} for all values of the predictors: choose a milder point"
    )


def _without_effects(system: NumericSystem, bits: int) -> arb:
    with ball_precision(bits + 2 * GUARD):
        strands = Strands(system)
        point = strands.at(())
        _refuse_out_of_range(strands)
        rules = strands.plan(point, bits, strands.least_scales([point]))
        return system.value(rules.moments([point])[0], ())
