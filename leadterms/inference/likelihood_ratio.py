r"""Likelihood-ratio tests between linear mixed models: which likelihoods compare, and the limits on the boundary.

Sources: Self & Liang (1987), J. Am. Stat. Assoc. 82, 605-610; Stram & Lee (1994), Biometrics 50, 1171-1177.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from leadterms.errors import EvaluationError, ModelError
from leadterms.inference.comparison import (
    Stated,
    as_design,
    check_same_response,
    has_same_random_part,
    random_key,
    restriction,
)
from leadterms.inference.linear_fit import LinearFit, fit_linear
from leadterms.inference.records import LikelihoodRatio
from leadterms.inference.tail_probabilities import chi_squared_tail
from leadterms.information.column_space import rank
from leadterms.model.data_design import DataDesign

Mixture = tuple[tuple[float, int], ...]
"""Pairs of weight and degrees of freedom."""


def likelihood_ratio(large: Stated, small: Stated, data: Any = None, likelihood: str = "ML") -> LikelihoodRatio:
    r"""Compare two nested models by twice the difference of their maximal log-likelihoods; the p-value is a limit.

    Fixed effects: :math:`\chi^2_h` as the number of groups grows.  One more random effect, in a term of its own or
    correlated with the k others of its term: :math:`\tfrac12\chi^2_k + \tfrac12\chi^2_{k+1}`, as its variance is on
    the boundary of the parameter space and the other parameters are taken to be inside.  Independent effects against
    correlated ones: :math:`\chi^2` with the number of covariances.  The limit is one in the number
    of groups, and can be poor when these are few: `exact_f_variance` and `exact_f` are exact.

    Parameters
    ----------
    large, small
        Formulas, or fits by the likelihood that is asked for.
    data
        For formulas.
    likelihood
        ``"ML"``, or ``"REML"`` for models with the same mean.

    Raises
    ------
    ModelError
        If the models are not nested, differ in fixed and random effects both or by several random effects, or REML
        likelihoods of different means are asked for.
    EvaluationError
        If the small model reaches a larger likelihood: a maximum was missed.

    """
    if likelihood not in ("ML", "REML"):
        raise ModelError(f"the likelihood is 'ML' or 'REML', not {likelihood!r}")
    wide, narrow = as_design(large, data), as_design(small, data, null=True)
    check_same_response(wide, narrow)
    mixture = _limit(wide, narrow, likelihood)
    fits = [_fitted(model, design, likelihood) for model, design in ((large, wide), (small, narrow))]
    statistic = 2 * (fits[0].log_likelihood - fits[1].log_likelihood)
    if statistic < -1e-6:
        raise EvaluationError(
            f"the small model {narrow.formula.text!r} has the larger likelihood: a maximum of the large one was missed"
        )
    statistic = statistic if statistic > 1e-10 else 0.0
    p_value = sum(weight * chi_squared_tail(statistic, df) for weight, df in mixture)
    hypothesis = f"{narrow.formula.text} within {wide.formula.text}"
    return LikelihoodRatio(hypothesis, likelihood, statistic, mixture, p_value, _notes(mixture, wide, fits[1]))


def _limit(wide: DataDesign, narrow: DataDesign, likelihood: str) -> Mixture:
    """Return the null distribution, or refuse the comparison."""
    both = rank(np.hstack([wide.X, narrow.X]))
    same_mean = both == wide.X.shape[1] == narrow.X.shape[1]
    if not same_mean and likelihood == "REML":
        raise ModelError(
            f"REML likelihoods of the means of {wide.formula.text!r} and {narrow.formula.text!r} are not comparable: "
            "they are likelihoods of different error contrasts; use ML, or an F test"
        )
    if likelihood == "REML" and not np.array_equal(wide.X, narrow.X):
        raise ModelError(
            "the same mean is written in two ways, and REML likelihoods change with that by a constant: write the "
            "fixed parts alike"
        )
    if has_same_random_part(wide, narrow):
        return ((1.0, len(restriction(wide, narrow))),)
    if not same_mean:
        raise ModelError(
            f"{wide.formula.text!r} and {narrow.formula.text!r} differ in fixed and in random effects: test one after "
            "the other"
        )
    return _random_limit(wide, narrow)


def _random_limit(wide: DataDesign, narrow: DataDesign) -> Mixture:
    """Return the limit for one more random effect, or for correlations between effects."""
    large = {random_key(random) for random in wide.random}
    small = {random_key(random) for random in narrow.random}
    extra, lost = large - small, small - large
    refusal = ModelError(
        f"{narrow.formula.text!r} is not {wide.formula.text!r} without one random effect: the limit for several, or "
        "for models that are not nested, is not covered; test one effect after the other"
    )
    if len(extra) != 1:
        raise refusal
    ((grouping, effects),) = extra
    if len(lost) > 1:
        # independent blocks of the same effects: only covariances vanish, and zero is inside their space
        pieces = [len(other) for at, other in lost if at == grouping and other < effects]
        if len(pieces) != len(lost) or sum(pieces) != len(effects):
            raise refusal
        return ((1.0, _covariances(len(effects)) - sum(map(_covariances, pieces))),)
    before: frozenset[str] = frozenset()
    if lost:
        ((other, before),) = lost
        if other != grouping or not before < effects:
            raise refusal
    if len(effects) - len(before) != 1:
        raise refusal
    k = len(before)
    return ((0.5, k), (0.5, k + 1))


def _covariances(effects: int) -> int:
    return effects * (effects - 1) // 2


def _fitted(model: Stated, design: DataDesign, likelihood: str) -> LinearFit:
    if not isinstance(model, LinearFit):
        return fit_linear(design, method=likelihood)
    if model.method != likelihood:
        raise ModelError(
            f"{design.formula.text!r} was fitted by {model.method}, and the comparison is by {likelihood}: fit it "
            "anew, or give the formula"
        )
    return model


def _notes(mixture: Mixture, wide: DataDesign, small: LinearFit) -> tuple[str, ...]:
    notes = [("boundary mixture, " if len(mixture) > 1 else "") + "asymptotic in the number of groups"]
    if len(mixture) > 1 and len({random.grouping for random in wide.random}) > 1:
        notes.append("the mixture is proven for independent groups of one factor; beside other factors it is assumed")
    if small.boundary:
        notes.append(
            f"the small model is on the boundary too ({', '.join(small.boundary)}), where the limit is another"
        )
    return tuple(notes)
