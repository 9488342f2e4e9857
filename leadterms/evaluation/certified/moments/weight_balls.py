"""Which ball arithmetic a weight has, by its kind."""

from __future__ import annotations

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.averaged_weight import AveragedWeight
from leadterms.evaluation.certified.moments.averaged_balls import AveragedBalls
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.weights.elementary_weights import (
    CloglogBalls,
    ExponentialBalls,
    LogisticBalls,
    PowerBalls,
    SaturatingBalls,
)
from leadterms.evaluation.certified.weights.probit_weight import ProbitBalls
from leadterms.evaluation.certified.weights.ridged_balls import RidgedBalls
from leadterms.evaluation.certified.weights.weight_base import WeightBalls
from leadterms.evaluation.ridged_weight import RidgedWeight
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

__all__ = ["WeightBalls", "rate_of", "weight_balls"]

KINDS: dict[type[Weight], type[WeightBalls]] = {
    ConstantWeight: ExponentialBalls,
    ExponentialWeight: ExponentialBalls,
    LogisticWeight: LogisticBalls,
    SaturatingWeight: SaturatingBalls,
    PowerWeight: PowerBalls,
    ProbitWeight: ProbitBalls,
    CloglogWeight: CloglogBalls,
}


def rate_of(weight: WeightBalls) -> Ball:
    """Return the rate of an exponential weight."""
    assert weight.rate is not None
    return weight.rate


def weight_balls(weight: Weight) -> WeightBalls:
    """Return the ball arithmetic of a weight, its exact numbers at the current precision.

    Raises
    ------
    EvaluationError
        If the kind of weight is not known here.

    """
    if isinstance(weight, AveragedWeight):
        return AveragedBalls(weight, weight_balls(weight.base))
    if isinstance(weight, RidgedWeight):
        return RidgedBalls(weight, weight_balls(weight.base), arb(weight.ridge))
    kind = KINDS.get(type(weight))
    if kind is None:
        raise EvaluationError(f"no ball arithmetic for the weight {type(weight).__name__}")
    return kind(weight)
