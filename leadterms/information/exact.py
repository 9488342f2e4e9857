"""The exact Fisher information of one group of n observations, by enumeration of all data.

Nothing here is asymptotic: the probability and the score of every possible group of responses are computed, and
the information is the sum of p(y) score score'.  It is the oracle for expansions of the covariance in 1/n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr, Matrix, Symbol

from leadterms.errors import EvaluationError, ExistenceError, ModelError
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.information.exact_counts import roles
from leadterms.information.exact_plan import Design, designs_of, rule
from leadterms.information.exact_posterior import EffectsLaw, GroupSums, group_sums, product_of
from leadterms.information.exact_responses import SumResponse, sum_response
from leadterms.model.statement import Model
from leadterms.reading.expressions import read_assignments
from leadterms.reading.numbers import named_exact

_LEVELS = 6
"""Most refinements of the rule; the step shrinks to a quarter."""


@dataclass(frozen=True)
class ExactInformation:
    """The Fisher information of one group.

    Parameters
    ----------
    parameters
        The q parameters, in the order of the model.
    matrix
        Information per group, q by q.
    error
        For each entry: the change on refining the rule (an estimate), plus a bound for the data that are not
        enumerated, plus an estimate of rounding.  As a whole it is an estimate, not a proven bound.
    leading
        T, the information of a group whose effects are observed, q by q, zero for beta_B: the limit of the
        entries of (beta_A, vech Sigma) as n grows.
    n
        Observations in the group.
    design
        ``"balanced"`` or ``"random"``.
    data
        Number of distinct data that were enumerated.
    missing
        Probability of all other data; zero but for rounding where the sums are finite.

    """

    parameters: tuple[Symbol, ...]
    matrix: Array
    error: Array
    leading: Array
    n: int
    design: str
    data: int
    missing: float


def exact_information(
    model: Model,
    at: Mapping[Any, Any] | str,
    n: int,
    *,
    design: str = "balanced",
    tolerance: float = 1e-10,
    tail: float = 1e-14,
) -> ExactInformation:
    """Return the Fisher information of one group of n observations about all parameters.

    Parameters
    ----------
    model
        One grouping factor, predictors with finite laws, family bernoulli, binomial, poisson or negative binomial,
        any link.
    at
        Exact values of the parameters, those inside laws included: a mapping, or text ``"beta0=1/2, sigma2=1"``.
    n
        Observations in the group.
    design
        ``"balanced"``: each value of the predictors occurs in exactly its share of the n observations.
        ``"random"``: the predictors are independent over observations; the information is the average over their
        counts, which are ancillary.  Both have the same limits of n (inverse information - leading block).
    tolerance
        Largest change on refining the rule, relative to the diagonal.
    tail
        Probability that may be left out of the sums of Poisson and negative binomial responses; the error says
        what it costs.

    Returns
    -------
    ExactInformation
        Information per group.

    Raises
    ------
    ModelError
        If the data of the model cannot be enumerated.
    EvaluationError
        If a value is missing or out of its domain, the data are too many, the shares of n are not whole, or the
        rule does not settle within the tolerance.
    ExistenceError
        If Sigma is not positive definite, or a law's condition fails.

    Examples
    --------
    >>> model = Model("y ~ 1 + (1 | g)", family="bernoulli")
    >>> found = exact_information(model, "beta0=0, sigma2=1", 4)
    >>> found.data, found.matrix.round(6).tolist()
    (5, [[0.449297, 0.0], [0.0, 0.059234]])

    """
    point = _point(model, at, n)
    law = _effects_law(model, point)
    response = sum_response(model)
    designs = designs_of(model, point, n, design, law, response, tail)
    before = _at_level(designs, law, response, 0)
    for level in range(1, _LEVELS):
        found = _at_level(designs, law, response, level)
        change = np.abs(found.information - before.information)
        size = np.sqrt(np.diag(found.information))
        if np.all(change <= tolerance * np.outer(size, size)):
            break
        before = found
    else:
        raise EvaluationError(
            f"the information of n = {n} observations changed by {float(np.max(change)):.1e} on the last refinement, "
            f"more than the tolerance {tolerance:g}: lower n or the variances, or raise the tolerance"
        )
    total = sum(p.probability * sum(p.counts) for p in designs)
    leading = _leading(designs, law)
    # a score about Sigma is a small mean of a prior score as large as T, whose rounding it inherits
    complete = np.sqrt(np.maximum(np.diag(leading), size**2))
    rounding = np.finfo(float).eps * (100 + total * response.number) * np.outer(complete, size)
    error = change + np.sqrt(np.outer(found.missing, found.missing)) + rounding + rounding.T
    _check_scores(found, complete, tolerance)
    order = _order(model)
    square = np.ix_(order, order)
    return ExactInformation(
        model.parameters,
        found.information[square],
        error[square],
        leading[square],
        n,
        design,
        sum(product_of(one.values) for one in designs),
        1 - found.probability,
    )


def _point(model: Model, at: Mapping[Any, Any] | str, n: int) -> dict[Symbol, Expr]:
    """Read the values of all parameters, and check what is asked for."""
    if not model.is_mixed or len(model.groupings) > 1:
        raise ModelError("exact information is of a group: give random effects of one grouping factor")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise EvaluationError(f"n is the number of observations in a group, 1 or more, not {n!r}")
    given = read_assignments(at) if isinstance(at, str) else at
    if not isinstance(given, Mapping):
        raise EvaluationError(f"values are a mapping or a text such as 'beta0=1/2, sigma2=1', not {given!r}")
    symbols = {symbol.name: symbol for symbol in (*model.parameters, *model.law_parameters)}
    point: dict[Symbol, Expr] = {}
    for key, value in given.items():
        name = key.name if isinstance(key, Symbol) else str(key)
        if name not in symbols:
            raise EvaluationError(f"{name!r} is not a parameter of the model: it has {', '.join(symbols)}")
        exact = named_exact(name, value)
        if symbols[name].is_positive and not exact.is_positive:
            raise EvaluationError(f"{name} must be positive: {value} given")
        point[symbols[name]] = exact
    missing = [name for name, symbol in symbols.items() if symbol not in point]
    if missing:
        raise EvaluationError(f"no value is given for {', '.join(missing)}")
    return point


def _effects_law(model: Model, point: Mapping[Symbol, Expr]) -> EffectsLaw:
    symbolic = model.effects_covariance
    exact = symbolic.xreplace(dict(point))
    if not all(exact[:k, :k].det().is_positive for k in range(1, exact.rows + 1)):
        raise ExistenceError("the covariance matrix of the random effects is not positive definite at the point")
    return EffectsLaw(
        _numbers(exact), np.stack([_numbers(symbolic.diff(symbol)) for symbol in model.variance_parameters])
    )


def _numbers(matrix: Matrix) -> Array:
    return np.array(matrix.tolist(), dtype=float)


def _at_level(designs: Sequence[Design], law: EffectsLaw, response: SumResponse, level: int) -> GroupSums:
    """Return the sums over all designs with the rules of a level."""
    sums = []
    for one in designs:
        found = group_sums(one.kind, law, response, one.counts, one.values, rule(one, law, response, level))
        sums.append(found.times(one.probability))
    return sum(sums[1:], sums[0])


def _check_scores(found: GroupSums, size: Array, tolerance: float) -> None:
    """Scores have mean zero: what is left is at most that of the missing data, and the rule's error.

    |E[s; missing]| <= {P(missing) E[s^2; missing]}^(1/2).
    """
    lost = np.sqrt(abs(1 - found.probability) * found.missing)
    if np.any(np.abs(found.scores) > lost + 100 * (tolerance + 1e-13) * size):
        raise EvaluationError(
            f"the scores have mean {float(np.max(np.abs(found.scores))):.1e} in place of 0: lower the tolerance"
        )


def _order(model: Model) -> list[int]:
    """Return the positions (means, variances, beta_B) of the model's parameters."""
    fixed = model.fixed_effects
    parts = roles(model)
    inner = (
        *(fixed[i] for i, _, _ in parts.means),
        *model.variance_parameters,
        *(fixed[i] for i in parts.fixed),
    )
    return [inner.index(symbol) for symbol in model.parameters]


def _leading(designs: Sequence[Design], law: EffectsLaw) -> Array:
    """Return T averaged over the kinds of groups, with zeros for beta_B."""
    blocks = [one.probability * law.information(one.kind.mean_map) for one in designs]
    known = sum(blocks[1:], blocks[0])
    size = len(known) + designs[0].kind.fixed_rows.shape[1]
    matrix = np.zeros((size, size))
    matrix[: len(known), : len(known)] = known
    return matrix
