"""The exact Fisher information of one group of n observations, by enumeration of all data.

Nothing here is asymptotic: the probability and the score of every possible group of responses are computed, and
the information is the sum of p(y) score score'.  It is the oracle for expansions of the covariance in 1/n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sympy import Expr, Matrix, Symbol

from leadterms.errors import EvaluationError, ExistenceError, LeadtermsError, ModelError
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.information.exact_counts import GroupKind, balanced_counts, group_kinds, random_counts, roles
from leadterms.information.exact_posterior import (
    EffectsLaw,
    Grid,
    GroupSums,
    effects_grid,
    group_sums,
    product_of,
)
from leadterms.information.exact_responses import SumResponse, sum_response
from leadterms.model.statement import Model
from leadterms.reading.expressions import read_assignments
from leadterms.reading.numbers import exact_expression

MOST_WORK = 10**12
"""Most multiplications (data times nodes times moments): a minute or two."""

MOST_VALUES = 1_000_000
"""Most values of the sum of one cell."""

_FIRST_STEP, _SHRINK, _LEVELS = 0.9, 0.75, 6
_RADIUS = 8.5
"""Scaled effects beyond it have probability 2e-16 in two dimensions."""


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


@dataclass(frozen=True)
class ScaledExcess:
    """n times (inverse information - leading block), with its error, in the order of ``parameters``."""

    parameters: tuple[Symbol, ...]
    matrix: Array
    error: Array
    n: int


@dataclass(frozen=True)
class Extrapolation:
    """A limit as n -> oo; ``error`` is an estimate: see `extrapolate`."""

    value: Array
    error: Array


@dataclass(frozen=True)
class _Design:
    """One way to fill the cells: with which probability, of which kind, and how many values each sum takes."""

    probability: float
    kind: GroupKind
    counts: tuple[int, ...]
    values: tuple[int, ...]


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
    designs = _designs(model, point, n, design, law, response, tail)
    before = _at_level(designs, law, response, n, 0)
    for level in range(1, _LEVELS):
        found = _at_level(designs, law, response, n, level)
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


def scaled_excess(information: ExactInformation) -> ScaledExcess:
    """Return n times (inverse information - T^{-1}), T^{-1} standing in the block of (beta_A, vech Sigma) only.

    As n -> oo its block of (beta_A, vech Sigma) tends to the second-order coefficient, that of beta_B to
    phi G^{-1}, the leading one, and the block between them to the covariance of order 1/(mn); all per 1/(mn)
    after division by m.  The error is that of the information carried through the inverse to first order.

    Raises
    ------
    EvaluationError
        If the information is singular: the group is too small to identify the parameters.

    """
    matrix, count = information.matrix, information.n
    if np.linalg.cond(matrix) > 1e12:
        raise EvaluationError(
            f"the information of n = {count} observations is singular: a group does not identify all of "
            f"{', '.join(map(str, information.parameters))}; raise n"
        )
    inverse = np.linalg.inv(matrix)
    known = np.flatnonzero(np.diag(information.leading))
    block = np.ix_(known, known)
    excess = inverse.copy()
    excess[block] -= np.linalg.inv(information.leading[block])
    error = np.abs(inverse) @ information.error @ np.abs(inverse)
    return ScaledExcess(information.parameters, count * excess, count * error, count)


def extrapolate(
    sizes: Sequence[int], values: Sequence[ArrayLike], errors: Sequence[ArrayLike] | None = None
) -> Extrapolation:
    """Return the limit as n -> oo of values with an expansion in powers of 1/n (Richardson).

    The polynomial in 1/n through all values, at zero; the neglected term is of the order of the product of all
    1/n.  The error is an estimate: the larger of the changes on leaving out the largest n and the smallest n; to
    this come the errors of the values, each times the size of its weight.  Expansions in 1/n are as a rule not
    convergent: with a spread of the linear predictor of 1 or more small n do harm.

    Parameters
    ----------
    sizes
        Two or more distinct n.
    values, errors
        For each n, numbers or arrays of one shape.

    Raises
    ------
    EvaluationError
        If the sizes are not two or more distinct ones, or the values are not as many.

    Examples
    --------
    >>> limit = extrapolate([10, 20, 40], [1 + 3 / n + 5 / n**2 for n in (10, 20, 40)])
    >>> round(float(limit.value), 12)
    1.0

    """
    if len(set(sizes)) != len(sizes) or len(sizes) < 2 or len(values) != len(sizes) or min(sizes) < 1:
        raise EvaluationError(f"an extrapolation takes values at two or more distinct n, not at {list(sizes)}")
    order = np.argsort(sizes)
    x = 1 / np.array(sizes, dtype=float)[order]
    stacked = np.stack([np.asarray(values[i], dtype=float) for i in order])
    value = np.tensordot(_weights_at_zero(x), stacked, axes=1)
    others = [np.tensordot(_weights_at_zero(x[part]), stacked[part], axes=1) for part in (slice(1, None), slice(-1))]
    error = np.max(np.abs(np.stack(others) - value), axis=0)
    if errors is not None:
        spread = np.stack([np.asarray(errors[i], dtype=float) for i in order])
        error = error + np.tensordot(np.abs(_weights_at_zero(x)), spread, axes=1)
    return Extrapolation(value, error)


def _weights_at_zero(x: Array) -> Array:
    """Return Lagrange's weights of the values at x in the interpolating polynomial at zero."""
    return np.array([np.prod(np.delete(x, i) / (np.delete(x, i) - x[i])) for i in range(len(x))])


def _point(model: Model, at: Mapping[Any, Any] | str, n: int) -> dict[Symbol, Expr]:
    """Read the values of all parameters, and check what is asked for."""
    if not model.is_mixed or len(model.groupings) > 1:
        raise ModelError("exact information is of a group: give random effects of one grouping factor")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise EvaluationError(f"n is the number of observations in a group, 1 or more, not {n!r}")
    given = read_assignments(at) if isinstance(at, str) else at
    symbols = {symbol.name: symbol for symbol in (*model.parameters, *model.law_parameters)}
    point: dict[Symbol, Expr] = {}
    for key, value in given.items():
        name = key.name if isinstance(key, Symbol) else str(key)
        if name not in symbols:
            raise EvaluationError(f"{name!r} is not a parameter of the model: it has {', '.join(symbols)}")
        try:
            exact = exact_expression(value)
        except LeadtermsError as error:
            reason = str(error).splitlines()[0]
            raise EvaluationError(f"the value {value!r} of {name} is not an exact number: {reason}") from None
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


def _designs(
    model: Model,
    point: Mapping[Symbol, Expr],
    n: int,
    design: str,
    law: EffectsLaw,
    response: SumResponse,
    tail: float,
) -> list[_Design]:
    """Return the designs to enumerate, with the number of values of each sum.

    Raises
    ------
    EvaluationError
        If they are more work than the limit.

    """
    if design not in ("balanced", "random"):
        raise EvaluationError(f"the design is 'balanced' or 'random', not {design!r}")
    designs, work, data = [], 0, 0
    for kind in group_kinds(model, point):
        known: dict[tuple[int, int], int] = {}
        counted = balanced_counts if design == "balanced" else random_counts
        for probability, counts in counted(kind.shares, n):
            for r, count in enumerate(counts):
                if (r, count) not in known:
                    known[r, count] = _number_of_values(kind, r, count, law, response, tail / len(counts))
            values = tuple(known[r, count] for r, count in enumerate(counts))
            designs.append(_Design(kind.probability * probability, kind, counts, values))
            data += product_of(values)
            work += product_of(values) * _nodes(kind, counts, law, response) * (1 + len(model.parameters))
            if work > MOST_WORK:
                raise EvaluationError(
                    f"the data of n = {n} observations are too many to enumerate: {data} or more in the {design} "
                    f"design are over {work:.1e} multiplications, and the limit is {MOST_WORK:.0e}: lower n"
                    + ("" if response.is_finite else " or the mean, or raise tail")
                    + ("" if design == "balanced" else ", or take design='balanced'")
                )
    return designs


def _number_of_values(
    kind: GroupKind, cell: int, count: int, law: EffectsLaw, response: SumResponse, tail: float
) -> int:
    """Return how many values of a cell's sum are enumerated: all, or so many that at most ``tail`` is beyond.

    The linear predictor of the cell is normal; the bound of the tail given it is averaged on a fine grid.
    """
    if count == 0:
        return 1
    if response.is_finite:
        return response.largest(count) + 1
    row = kind.random_rows[cell]
    variance = np.array([[max(float(row @ law.covariance @ row), 1e-30)]])
    grid = effects_grid(variance, 0.05, _RADIUS + 1)
    eta = kind.base[cell] + grid.effects[:, 0]
    low, high = 0, 1
    while _beyond(high, count, eta, grid, response) > tail:
        low, high = high, 2 * high
        if high > 2 * MOST_VALUES:
            raise EvaluationError(
                f"the sum of {count} responses has more than {MOST_VALUES} values with probability above {tail:g} "
                "beyond them: lower n or the mean, or raise tail"
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _beyond(middle, count, eta, grid, response) > tail else (low, middle)
    return high


def _beyond(least: int, count: int, eta: Array, grid: Grid, response: SumResponse) -> float:
    return float(response.tail_bound(float(least), count, eta) @ grid.weights)


def _step(kind: GroupKind, counts: Sequence[int], law: EffectsLaw, response: SumResponse) -> float:
    """Return the smallest scale of a posterior among effects of up to three standard deviations."""
    coarse = effects_grid(law.covariance, 0.5, 3.0)
    eta = kind.base[:, None] + kind.random_rows @ coarse.effects.T
    weights = np.stack([response.features(row).weight for row in eta]) * np.array(counts)[:, None]
    rows = kind.random_rows @ np.linalg.cholesky(law.covariance)
    precision = np.eye(len(law.covariance)) + np.einsum("rk,ri,rj->kij", weights, rows, rows)
    return float(1 / np.sqrt(np.max(np.linalg.eigvalsh(precision))))


def _radius(kind: GroupKind, law: EffectsLaw, response: SumResponse) -> float:
    """Return the radius of the rule: a weight e^eta moves averages by the standard deviation of eta."""
    spread = np.sqrt(np.einsum("ri,ij,rj->r", kind.random_rows, law.covariance, kind.random_rows))
    return _RADIUS + (float(np.max(spread)) if response.grows else 0.0)


def _nodes(kind: GroupKind, counts: Sequence[int], law: EffectsLaw, response: SumResponse) -> int:
    """Return about how many nodes the first two rules have together."""
    size = 2 * _radius(kind, law, response) / (_FIRST_STEP * _step(kind, counts, law, response))
    dimension = len(law.covariance)
    return round((1 + _SHRINK**-dimension) * size**dimension)


def _at_level(designs: Sequence[_Design], law: EffectsLaw, response: SumResponse, n: int, level: int) -> GroupSums:
    """Return the sums over all designs with the rule of a level: each level has a finer step and a wider ball."""
    sums = []
    for one in designs:
        step = _FIRST_STEP * _SHRINK**level * _step(one.kind, one.counts, law, response)
        grid = effects_grid(law.covariance, step, _radius(one.kind, law, response) + level / 2)
        found = group_sums(one.kind, law, response, one.counts, one.values, grid)
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


def _leading(designs: Sequence[_Design], law: EffectsLaw) -> Array:
    """Return T averaged over the kinds of groups, with zeros for beta_B."""
    blocks = [one.probability * law.information(one.kind.mean_map) for one in designs]
    known = sum(blocks[1:], blocks[0])
    size = len(known) + designs[0].kind.fixed_rows.shape[1]
    matrix = np.zeros((size, size))
    matrix[: len(known), : len(known)] = known
    return matrix
