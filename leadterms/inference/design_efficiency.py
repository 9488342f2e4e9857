"""The efficiency of the laws that a model states, relative to the optimal design on a region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leadterms.asymptotics.expansion import expansion
from leadterms.asymptotics.point import Values
from leadterms.errors import ModelError
from leadterms.inference.design_problem import LEADING, DesignProblem, design_problem
from leadterms.inference.design_record import Design
from leadterms.inference.design_weights import Array
from leadterms.inference.equivalence import check_criterion
from leadterms.inference.optimal_design import optimal_design
from leadterms.model.statement import Model


def efficiency(
    model: Model,
    at: Values,
    *,
    region: Mapping[str, Any],
    optimum: Design | None = None,
    criterion: str = "D",
    coefficients: str | Sequence[str] | None = None,
    contrast: Any = None,
    target: str = LEADING,
) -> float:
    """Return the efficiency of the laws that a model states, relative to the optimal design on a region.

    It is the value of the criterion at the optimum over that at the laws, for D the s-th root of the ratio: the part of
    the observations (of the groups, with random effects) that the optimal design needs for the same precision in the
    terms of this order. The value at the laws comes from the expansion of the model.

    Parameters
    ----------
    model
        With the laws whose efficiency is asked for; their supports lie in the region.
    at
        Values of the parameters, those of the laws among them.
    optimum
        The optimal design for the same criterion, where it is known already.
    region, criterion, coefficients, contrast, target
        As in `optimal_design`.

    Returns
    -------
    float
        Between 0 and 1, up to the errors of double precision and of the optimum (``Design.efficiency_bound``).

    Raises
    ------
    LeadtermsError
        As `optimal_design` and `expansion`; also if a support reaches outside the region.

    Examples
    --------
    >>> line = Model("y ~ x", laws={"x": "Uniform(-1, 1)"})
    >>> round(efficiency(line, "beta0=0, beta1=0, phi=1", region={"x": (-1, 1)}, coefficients="x", criterion="c"), 9)
    0.333333333

    """
    problem = design_problem(model, at, region, coefficients, contrast, target)
    check_criterion(criterion, len(problem.wish.names))
    _check_supports(problem)
    wished = {"coefficients": coefficients, "contrast": contrast, "target": target}
    best = optimum or optimal_design(model, at, region=region, criterion=criterion, **wished)
    if (best.criterion, best.contrasts, best.region) != (criterion, problem.wish.names, problem.region):
        raise ModelError("the optimum given is for another criterion, other contrasts or another region: leave it out")
    matrix = law_covariance(problem, at)
    if criterion == "D":
        size = len(matrix)
        return float((best.value / np.linalg.det(matrix)) ** (1 / size))
    return float(best.value / np.trace(matrix))


def law_covariance(problem: DesignProblem, at: Values) -> Array:
    """Return V at the laws of the model, from the terms of its expansion."""
    model, wish = problem.model, problem.wish
    result = expansion(model, terms=2 if problem.numbers.touches_random else 1)
    size = len(model.fixed_effects)
    used = [i for i in range(size) if any(number != 0 for number in wish.matrix[i])]
    covariance = np.zeros((size, size))
    for i in used:
        for j in used:
            entry = result[model.fixed_effects[i], model.fixed_effects[j]]
            if any(term.order_text == problem.order for term in entry.terms):
                covariance[i, j] = float(entry.evaluate(at, 15, order=problem.order))
    contrasts = np.array([[float(number) for number in row] for row in wish.matrix])
    matrix: Array = contrasts.T @ covariance @ contrasts
    return matrix


def _check_supports(problem: DesignProblem) -> None:
    for axis in problem.region.axes:
        law = next((law for x, law in problem.model.bindings if getattr(x, "name", None) == axis.name), None)
        ends = None if law is None else [end.xreplace(dict(problem.point)) for end in law.support]
        lower, upper = min(axis.values), max(axis.values)
        if ends is None or not all(end.is_number and lower <= end <= upper for end in ends):
            raise ModelError(
                f"the law of {axis.name} is not one on {axis}: its efficiency there has no meaning; make the region as "
                "large as the support, or truncate the law"
            )
