"""Power over grids of sizes, effects and parameters, in double precision: for sweeps and plots."""

from __future__ import annotations

from collections.abc import Mapping
from math import erfc, lgamma
from typing import Any

import numpy as np
from sympy import Symbol

from leadterms.asymptotics.result import Expansion
from leadterms.errors import EvaluationError, ModelError
from leadterms.inference.contrast_variance import ContrastVariance, contrast_variance, exact_ball
from leadterms.inference.grid_entries import check_accuracy, entry_over
from leadterms.inference.grid_input import Array, as_array, common_shape, grid_sizes, grid_values, inside
from leadterms.inference.hypothesis import Hypothesis, hypothesis
from leadterms.inference.power import WaldLevel, wald_level
from leadterms.inference.progress import Progress
from leadterms.inference.quantiles import chi_squared_critical, normal_quantile

SURE = 9.0
"""Standard deviations beyond which a normal tail, 1e-19, is nothing beside 1."""

LEAST_EIGENVALUE = 1e-12
"""Of a correlation matrix: below it double precision does not tell it from a singular one."""


def power_grid(
    result: Expansion,
    stated: Any,
    at: Mapping[str, Any] | str,
    sizes: Mapping[str, Any] | str,
    *,
    effect: Any = None,
    alpha: Any = "0.05",
    sides: int = 2,
    alternative: str | None = None,
    terms: int | None = None,
    value: Any = None,
    accuracy: float = 1e-10,
    progress: Progress | None = None,
) -> Array:
    r"""Return the power of a Wald test at every point of a grid.

    As `leadterms.inference.sample_size.sample_size` with ``solve="power"``, in double precision.

    Parameters
    ----------
    result
        An expansion, with one term or two.
    stated, value
        The hypothesis, as there.
    at
        Parameters by name: exact values, or arrays. All arrays broadcast. Or a text, ``"beta0=-1.5, beta1=0.3"``.
    sizes
        Sizes by name, numbers or arrays, or a text; they need not be whole.
    effect
        Values for K theta - b of one row, with the variance at ``at`` all the same. None: K theta - b at ``at``.
    alpha, sides
        Of the test.
    alternative
        For ``sides=1``: "greater", K theta > b, or "less", at every point: on the other side the power is below alpha.
        None: in the direction of the effects, which have one sign then.
    terms
        1 or 2. None: as many as the expansion has.
    accuracy
        Relative, of the terms of the variance, 1e-13 to 1e-2.
    progress
        Called after each point that has to be evaluated by itself, with the number of those done and of all. None: a
        bar on a terminal, after a second.

    Returns
    -------
    numpy.ndarray
        Powers in the broadcast shape; nan where a condition fails, a term does not exist, or it has no value to the
        accuracy.

    Raises
    ------
    EvaluationError
        If a value is missing or bad, a name unknown, or arrays do not broadcast; for one side, if effects of both
        signs are given without ``alternative``.
    ExistenceError, UndecidedError
        If a term exists nowhere, or is not known to.
    ModelError
        If ``result`` is no expansion, or the hypothesis is not linear or on the boundary of the parameter space.

    Notes
    -----
    Coefficients are functions of arrays. Points at which these have no value, and coefficients without such a function,
    are evaluated one by one, equal points once: as exact as a single answer, and as slow.

    Examples
    --------
    >>> from leadterms.asymptotics.expansion import expansion
    >>> from leadterms.model.statement import Model
    >>> two = expansion(Model("y ~ x + (1 + x | group)", family="poisson", laws={"x": "Bernoulli(1/2)"}))
    >>> at = {"beta0": "-1.5", "beta1": "0.3", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.25"}
    >>> power_grid(two, "x", at, {"m": [24, 130], "n": 20}, sides=1).round(3).tolist()
    [0.35, 0.901]
    >>> power_grid(two, "x", at, "m=130, n=20", effect=[-0.3, 0, 0.3], sides=1, alternative="greater").round(3).tolist()
    [0.0, 0.05, 0.901]

    """
    if not isinstance(result, Expansion):
        raise ModelError(
            f"a grid of powers needs an Expansion, not {type(result).__name__}: derive it with expansion(model), or "
            "leading_terms(model) without random effects"
        )
    tested = hypothesis(result.model, stated, value)
    tested.check_interior()
    level = wald_level(alpha, sides, tested.rows)
    _check_alternative(alternative, level)
    count = result.terms if terms is None else terms
    if isinstance(count, bool) or count not in (1, 2) or count > result.terms:
        raise EvaluationError(f"terms is 1 or 2, at most the {result.terms} of the expansion, not {terms!r}")
    check_accuracy(accuracy)
    variance = contrast_variance(result, tested, count)
    values, numbers = grid_values(result.space, at), grid_sizes(result, sizes)
    twice = [name for name in numbers if name in values]
    if twice:
        raise EvaluationError(f"{twice[0]} is given in at and in sizes: leave it out of at")
    d = _effects(tested, values, effect)
    shape = common_shape([*values.items(), *numbers.items(), *([] if effect is None else [("effect", d[0])])])
    if level.sides == 1 and level.rows == 1:
        d = [_directed(d[0], alternative)]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = _power(level, _information(variance, d, {**values, **numbers}, accuracy, progress), d)
    valid = inside(result.space.symbols, result.space.conditions, values)
    return np.broadcast_to(np.where(valid, found, np.nan), shape).copy()


def _check_alternative(alternative: str | None, level: WaldLevel) -> None:
    if alternative not in (None, "greater", "less"):
        raise EvaluationError(f"alternative is 'greater' or 'less', or None, not {alternative!r}")
    if alternative is not None and level.sides == 2:
        raise EvaluationError(
            f"a test with alternative={alternative!r} has one side: give sides=1, of one row, or leave out alternative"
        )


def _effects(tested: Hypothesis, values: Mapping[str, Array], effect: Any) -> list[Array]:
    """Return K theta - b, or the values given for it, row by row."""
    if effect is not None:
        if tested.rows > 1:
            raise EvaluationError("an effect is given for one row: several rows have theirs at the parameters")
        return [as_array("effect", effect)]
    missing = [symbol.name for symbol in tested.involved if symbol.name not in values]
    if missing:
        raise EvaluationError(f"the effect needs a value of {', '.join(missing)}: give it in at")
    return [_linear(tested.K.row(i), tested.b[i], tested.parameters, values) for i in range(tested.rows)]


def _directed(effect: Array, alternative: str | None) -> Array:
    """Return effects that are positive in the direction of a one-sided test."""
    if alternative is not None:
        return effect if alternative == "greater" else -effect
    if np.any(effect > 0) and np.any(effect < 0):
        raise EvaluationError(
            "a one-sided test is in one direction, and the effects have both signs: give alternative='greater' or "
            "'less', or sides=2"
        )
    return np.abs(effect)


def _linear(row: Any, right: Any, parameters: tuple[Symbol, ...], values: Mapping[str, Array]) -> Array:
    total = -np.asarray(float(exact_ball(right)))
    for coefficient, symbol in zip(row, parameters, strict=True):
        if coefficient != 0:
            total = total + float(exact_ball(coefficient)) * values[symbol.name]
    return total


def _information(
    variance: ContrastVariance,
    effect: list[Array],
    values: Mapping[str, Array],
    accuracy: float,
    progress: Progress | None,
) -> Array:
    """Return d' V^{-1} d at every point; nan where V is not positive definite."""
    entries = [
        [entry_over(entry, values, accuracy, progress) for entry in row[: i + 1]]
        for i, row in enumerate(variance.entries)
    ]
    if len(effect) == 1:
        return np.asarray(np.where(entries[0][0] > 0, effect[0] ** 2 / entries[0][0], np.nan))
    rows = range(len(effect))
    shape = np.broadcast_shapes(*(own.shape for row in entries for own in row), *(own.shape for own in effect))
    V, d = np.empty((*shape, len(effect), len(effect))), np.empty((*shape, len(effect), 1))
    for i in rows:
        d[..., i, 0] = effect[i]
        for j in rows:
            V[..., i, j] = entries[max(i, j)][min(i, j)]
    # as correlations, so that effects of any units have eigenvalues that can be compared
    spread = np.sqrt(np.diagonal(V, axis1=-2, axis2=-1))[..., None]
    V, d = V / (spread * np.swapaxes(spread, -1, -2)), d / spread
    known = np.isfinite(V).all(axis=(-2, -1))
    V[~known] = np.eye(len(effect))
    known &= np.linalg.eigvalsh(V)[..., 0] > LEAST_EIGENVALUE
    V[~known] = np.eye(len(effect))
    found = np.swapaxes(d, -1, -2) @ np.linalg.solve(V, d)
    return np.where(known, found[..., 0, 0], np.nan)


def _power(level: WaldLevel, information: Array, effect: list[Array]) -> Array:
    if level.rows > 1:
        return _noncentral(information, level)
    z, delta = float(normal_quantile(level.alpha / level.sides)), np.sqrt(information)
    if level.sides == 1:
        return _normal_tail(z - np.copysign(delta, effect[0]))
    return np.asarray(_normal_tail(z - delta) + _normal_tail(z + delta))


def _normal_tail(z: Array) -> Array:
    """Return P(Z > z); numpy has no error function."""
    return np.asarray(np.frompyfunc(erfc, 1, 1)(z / np.sqrt(2.0)), np.float64) / 2


def _noncentral(information: Array, level: WaldLevel) -> Array:
    """Return P(chi'^2 > c) by the mixture of `leadterms.inference.quantiles.noncentral_tail`.

    The norm of Z + mu is at least that of its part along mu, |mu| + N(0, 1), so that 1 - P is at most
    Phi(sqrt(c) - |mu|): from |mu| = sqrt(c) + 9 on P is 1 in double precision.
    """
    sure = (np.sqrt(float(chi_squared_critical(level.alpha, level.rows))) + SURE) ** 2
    rate = np.minimum(np.ravel(information), sure) / 2
    known = np.isfinite(rate)
    largest = float(np.max(rate[known], initial=0.0))
    count = int(largest + 12 * np.sqrt(largest) + 40)
    tails, logs = _tails(level, count), np.array([lgamma(j + 1) for j in range(count)])
    places = np.arange(count)
    found = np.full(rate.shape, np.nan)
    for start in range(0, rate.size, 4096):
        own = np.flatnonzero(known[start : start + 4096]) + start
        lam = np.maximum(rate[own, None], 1e-300)
        found[own] = np.exp(places * np.log(lam) - lam - logs) @ tails
    found[np.ravel(information) >= sure] = 1.0
    return np.asarray(np.minimum(found, 1.0).reshape(np.shape(information)))


def _tails(level: WaldLevel, count: int) -> Array:
    """Return Q(r/2 + j, c/2) for j = 0, 1, ...: increasing sums of a recurrence."""
    x, a = float(chi_squared_critical(level.alpha, level.rows)) / 2, level.rows / 2
    places = a + np.arange(count - 1)
    steps = np.exp(places * np.log(x) - x - np.array([lgamma(place + 1) for place in places]))
    return np.minimum(float(level.alpha) + np.concatenate([[0.0], np.cumsum(steps)]), 1.0)
