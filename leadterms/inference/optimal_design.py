"""Optimal designs: support points and weights of the predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from leadterms.asymptotics.point import Values
from leadterms.errors import EvaluationError, ModelError
from leadterms.inference.design_candidates import (
    SPARED,
    Found,
    Search,
    SingularOptimumError,
    base_design,
    first_design,
)
from leadterms.inference.design_information import DesignVariance, design_variance, normal_nodes
from leadterms.inference.design_problem import LEADING, DesignProblem, design_problem
from leadterms.inference.design_record import Design
from leadterms.inference.design_search import RoundProgress, search
from leadterms.inference.equivalence import Criterion, check_criterion, equivalence
from leadterms.inference.scipy_need import require_scipy
from leadterms.model.statement import Model

NODES = {0: (1,), 1: (24, 48, 96, 192), 2: (12, 24, 48, 96), 3: (8, 16, 32)}
"""Gauss-Hermite nodes in each direction by the number of random effects, doubled until the value settles."""
QUADRATURE = 1e-9
"""Relative change of the value on doubling the nodes at which it counts as settled."""
TOLERANCE = 1e-8
"""Excess of the sensitivity over its bound at which the search ends."""


def optimal_design(
    model: Model,
    at: Values,
    *,
    region: Mapping[str, Any],
    criterion: str = "D",
    coefficients: str | Sequence[str] | None = None,
    contrast: Any = None,
    target: str = LEADING,
    progress: RoundProgress | None = None,
) -> Design:
    """Return support points and weights of the predictors that minimise a criterion of the asymptotic covariance.

    The laws of the predictors are replaced by one law with finitely many values in a region: an approximate design, the
    same in every group. Of the covariance the coefficient of 1/n is optimised, of 1/(mn) with random effects: phi
    H^{-1}, phi G^{-1} for the effects without a random effect, and the second term phi K for all fixed effects
    (`leadterms.inference.design_information`). It is locally optimal, at the given parameters.

    Parameters
    ----------
    model
        Its laws say nothing here: the region takes their place.
    at
        Values of the parameters, as for ``Entry.evaluate``.
    region
        For each predictor an interval, ``(-1, 1)``, or a set of values, ``{0, 1}``; one to three predictors.
    criterion
        "c": the variance of one coefficient or contrast; "A": the sum of the variances; "D": the determinant of the
        covariance matrix.
    coefficients
        Names of terms or parameters; by default all whose term depends on the design.
    contrast
        One linear combination instead of coefficients: numbers by name, a text such as "x1 - x2", or a row of numbers.
    target
        "leading": effects whose leading term depends on the design, block B with random effects. "second": all fixed
        effects, by their terms of order 1/(mn).
    progress
        Called after each round of the search with its number and the relative excess of the sensitivity.

    Returns
    -------
    Design
        Points and weights, the value per 1/n or 1/(mn) in double precision, and the check of the general equivalence
        theorem with the lower bound of the efficiency that follows from it. Neglected is what the terms neglect.
        Where the optimum is singular, as for the variance of a mean at one point, a millionth of the mass is left on
        points that keep the other effects estimable.

    Raises
    ------
    ModelError
        If the model, the region or the contrasts are not covered.
    EvaluationError
        If a parameter has no value, the information is singular, or the average over the random effects does not
        settle.
    ExistenceError, UndecidedError
        If the second term does not exist for the design, or is not known to.
    LeadtermsError
        If scipy is not installed.

    References
    ----------
    Kiefer and Wolfowitz (1960), Canadian Journal of Mathematics 12; Silvey (1980), Optimal Design; Yang, Biedermann and
    Tang (2013), JASA 108, for the search. The convexity of the second term in the design is derived here.

    Examples
    --------
    >>> quadratic = Model("y ~ x + I(x**2)", laws={"x": "Uniform(-1, 1)"})
    >>> design = optimal_design(quadratic, "beta0=0, beta1=0, beta2=0, phi=1", region={"x": (-1, 1)})
    >>> design.law
    'Finite({-1.0: 1/3, 0.0: 1/3, 1.0: 1/3})'

    """
    require_scipy("a design")
    problem = design_problem(model, at, region, coefficients, contrast, target)
    rule = Criterion(criterion)
    check_criterion(criterion, len(problem.wish.names))
    start = first_design(problem.region)
    if len(problem.region.axes) == 1:
        problem.require_existence(start.points, start.weights)
    found = None
    for each in NODES[len(problem.numbers.covariance)]:
        nodes = normal_nodes(problem.numbers.covariance, each)
        found = _searched(Search(problem.numbers, rule, problem.region, nodes), progress, found)
        try:
            return _recorded(problem, rule, found, each)
        except _UnsettledError:
            continue
    raise EvaluationError(UNSETTLED)


def design_of(
    model: Model,
    at: Values,
    points: Any,
    weights: Any,
    *,
    region: Mapping[str, Any],
    criterion: str = "D",
    coefficients: str | Sequence[str] | None = None,
    contrast: Any = None,
    target: str = LEADING,
) -> Design:
    """Return the record of a given design: its criterion, and how far the equivalence theorem is from holding.

    Parameters
    ----------
    points, weights
        N support points, each with a number for each predictor, and N positive weights, which are scaled to sum one.
    model, at, region, criterion, coefficients, contrast, target
        As in `optimal_design`.

    Raises
    ------
    LeadtermsError
        As `optimal_design`; also if a point lies outside the region.

    Examples
    --------
    >>> line = Model("y ~ x", laws={"x": "Uniform(-1, 1)"})
    >>> thirds = design_of(line, "beta0=0, beta1=0, phi=1", [-1, 0, 1], [1, 1, 1], region={"x": (-1, 1)})
    >>> round(thirds.value, 12), round(thirds.efficiency_bound, 12)
    (1.5, 0.8)

    """
    require_scipy("a design")
    problem = design_problem(model, at, region, coefficients, contrast, target)
    check_criterion(criterion, len(problem.wish.names))
    found = _given(problem, points, weights)
    for each in NODES[len(problem.numbers.covariance)]:
        try:
            return _recorded(problem, Criterion(criterion), found, each)
        except _UnsettledError:
            continue
    raise EvaluationError(UNSETTLED)


class _UnsettledError(Exception):
    """The nodes of the random effects are too few."""


UNSETTLED = (
    "the average over the random effects does not settle in double precision: their variance is too large for the "
    "Gauss-Hermite nodes here"
)


def _searched(problem: Search, progress: RoundProgress | None, start: Found | None) -> Found:
    """Search; where the optimum is singular, with a millionth of the mass on points that keep it regular."""
    try:
        return search(problem, TOLERANCE, progress, start)
    except SingularOptimumError:
        return search(replace(problem, base=base_design(problem)), SPARED, progress)


def _recorded(problem: DesignProblem, rule: Criterion, found: Found, each: int) -> Design:
    """Return the record of a design, its value compared with that at twice the nodes."""
    problem.require_existence(found.points, found.weights)
    variance = _variance(problem, found, each)
    value = rule.value(variance)
    finer = rule.value(_variance(problem, found, 2 * each)) if problem.numbers.has_random else value
    error = abs(value / finer - 1)
    if not error < QUADRATURE:
        raise _UnsettledError
    return Design(
        problem.region.names,
        tuple(tuple(map(float, point)) for point in found.points),
        tuple(map(float, found.weights)),
        rule.name,
        problem.wish.names,
        problem.order,
        value,
        tuple(tuple(map(float, row)) for row in variance.matrix),
        equivalence(rule, variance, problem.region),
        problem.region,
        each if problem.numbers.has_random else 0,
        error,
        variance,
    )


def _variance(problem: DesignProblem, found: Found, each: int) -> DesignVariance:
    nodes = normal_nodes(problem.numbers.covariance, each)
    return design_variance(problem.numbers, found.points, found.weights, nodes)


def _given(problem: DesignProblem, points: Any, weights: Any) -> Found:
    places, masses = np.asarray(points, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    places = places[:, None] if places.ndim == 1 else places
    number = len(problem.region.axes)
    if places.ndim != 2 or places.shape[1] != number or masses.shape != (len(places),):
        raise ModelError(f"a design has rows of {number} numbers and one weight for each of them")
    if not (np.all(np.isfinite(masses)) and np.all(masses > 0)):
        raise ModelError("the weights of a design are positive numbers")
    low, high = problem.region.bounds
    allowed = (places >= low) & (places <= high)
    for k, axis in enumerate(problem.region.axes):
        if not axis.is_interval:
            allowed[:, k] = np.isin(places[:, k], axis.values)
    if not np.all(allowed):
        raise ModelError(f"a point of the design lies outside the region {problem.region}: make the region larger")
    return Found(places, masses / masses.sum())
