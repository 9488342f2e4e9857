"""Power over grids of sizes, effects and parameters, in double precision: for sweeps and plots."""

from __future__ import annotations

from collections.abc import Mapping
from math import erfc, lgamma
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from leadterms.asymptotics.point import symbols_of
from leadterms.asymptotics.result import Entry, Expansion, Term
from leadterms.errors import EvaluationError
from leadterms.inference.contrast_variance import ContrastVariance, contrast_variance, exact_ball
from leadterms.inference.hypothesis import hypothesis
from leadterms.inference.power import WaldLevel, wald_level
from leadterms.inference.quantiles import chi_squared_critical, normal_quantile
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N
from leadterms.reading.numbers import exact_number

Array = NDArray[np.float64]
SURE = 9.0
"""Standard deviations beyond which a normal tail, 1e-19, is nothing beside 1."""


def power_grid(
    result: Expansion,
    stated: Any,
    at: Mapping[str, Any],
    sizes: Mapping[str, Any],
    *,
    effect: Any = None,
    alpha: Any = "0.05",
    sides: int = 2,
    terms: int | None = None,
    value: Any = None,
    accuracy: float = 1e-10,
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
        Parameters by name: exact values, or arrays. All arrays broadcast.
    sizes
        Sizes by name, numbers or arrays; they need not be whole.
    effect
        Values for K theta - b of one row, with the variance at ``at`` all the same. None: K theta - b at ``at``.
    alpha, sides
        Of the test.
    terms
        1 or 2. None: as many as the expansion has.
    accuracy
        Relative, of the terms of the variance.

    Returns
    -------
    numpy.ndarray
        Powers in the broadcast shape; nan where a condition fails, a term does not exist, or its accuracy is not
        reached.

    Raises
    ------
    EvaluationError
        If a value is missing or bad.

    Examples
    --------
    >>> from leadterms.asymptotics.expansion import expansion
    >>> from leadterms.model.statement import Model
    >>> two = expansion(Model("y ~ x + (1 + x | group)", family="poisson", laws={"x": "Bernoulli(1/2)"}))
    >>> at = {"beta0": "-1.5", "beta1": "0.3", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.25"}
    >>> power_grid(two, "x", at, {"m": [24, 130], "n": 20}, sides=1).round(3).tolist()
    [0.35, 0.901]

    """
    tested = hypothesis(result.model, stated, value)
    tested.check_interior()
    level = wald_level(alpha, sides, tested.rows)
    count = result.terms if terms is None else terms
    if isinstance(count, bool) or count not in (1, 2) or count > result.terms:
        raise EvaluationError(f"terms is 1 or 2, at most the {result.terms} of the expansion, not {terms!r}")
    variance = contrast_variance(result, tested, count)
    values = {str(name): _array(own) for name, own in at.items()}
    numbers = _sizes({str(name): _array(own) for name, own in sizes.items()}, result)
    if effect is None:
        missing = [symbol.name for symbol in tested.involved if symbol.name not in values]
        if missing:
            raise EvaluationError(f"the effect needs a value of {', '.join(missing)}: give it in at")
        d = [_linear(tested.K.row(i), tested.b[i], tested.parameters, values) for i in range(tested.rows)]
    elif tested.rows == 1:
        d = [_array(effect)]
    else:
        raise EvaluationError("an effect is given for one row: several rows have theirs at the parameters")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = _power(level, _information(variance, d, {**values, **numbers}, accuracy))
    shape = np.broadcast_shapes(*(own.shape for own in (*values.values(), *numbers.values(), *d)))
    return np.broadcast_to(found, shape).copy()


def _array(value: Any) -> Array:
    """Return an array as it is, and an exact number at its nearest double."""
    if isinstance(value, np.ndarray | list | tuple | range):
        return np.asarray(value, np.float64)
    return np.asarray(float(exact_number(value)))


def _sizes(given: Mapping[str, Array], result: Expansion) -> dict[str, Array]:
    known = {symbol.name: symbol for symbol in (*result.space.sizes, M, N)}
    for name, own in given.items():
        if name not in known:
            raise EvaluationError(f"{name!r} is not a size: there are {', '.join(known)}")
        if not np.all(own > 0):
            raise EvaluationError(f"the size {name} is positive at every point")
    found = dict(given)
    if M.name in found and N.name in found:
        found.setdefault(TOTAL.name, found[M.name] * found[N.name])
        found.setdefault(HARMONIC.name, found[N.name])
    return found


def _linear(row: Any, right: Any, parameters: tuple[Symbol, ...], values: Mapping[str, Array]) -> Array:
    total = -np.asarray(float(exact_ball(right)))
    for coefficient, symbol in zip(row, parameters, strict=True):
        if coefficient != 0:
            total = total + float(exact_ball(coefficient)) * values[symbol.name]
    return total


def _information(
    variance: ContrastVariance, effect: list[Array], values: Mapping[str, Array], accuracy: float
) -> Array:
    """Return d' V^{-1} d at every point."""
    entries = [[_entry(entry, values, accuracy) for entry in row[: i + 1]] for i, row in enumerate(variance.entries)]
    if len(effect) == 1:
        return np.asarray(effect[0] ** 2 / entries[0][0])
    rows = range(len(effect))
    shape = np.broadcast_shapes(*(own.shape for row in entries for own in row), *(own.shape for own in effect))
    V, d = np.empty((*shape, len(effect), len(effect))), np.empty((*shape, len(effect), 1))
    for i in rows:
        d[..., i, 0] = effect[i]
        for j in rows:
            V[..., i, j] = entries[max(i, j)][min(i, j)]
    known = np.isfinite(V).all(axis=(-2, -1))
    V[~known] = np.eye(len(effect))
    found = np.swapaxes(d, -1, -2) @ np.linalg.solve(V, d)
    return np.where(known, found[..., 0, 0], np.nan)


def _entry(entry: Entry, values: Mapping[str, Array], accuracy: float) -> Array:
    """Return a sum of terms; each coefficient is evaluated over the arrays of its own parameters alone."""
    total = np.asarray(0.0)
    for term in entry.terms:
        term.require_existence()
        parameters = [symbol for symbol in entry.space.symbols if symbol in symbols_of(term.coefficient)]
        wanted = [*(symbol.name for symbol in parameters), *sorted(symbol.name for symbol in term.order.free_symbols)]
        missing = [name for name in dict.fromkeys(wanted) if name not in values]
        if missing:
            raise EvaluationError(f"no value is given for {', '.join(missing)}")
        order = np.asarray(1.0)
        for size, power in term.order.as_powers_dict().items():
            order = order * values[size.name] ** float(power)
        total = (
            total
            + _coefficient(entry, term, {symbol.name: values[symbol.name] for symbol in parameters}, accuracy) * order
        )
    return np.asarray(total)


def _coefficient(entry: Entry, term: Term, values: Mapping[str, Array], accuracy: float) -> Array:
    """Return a coefficient; one at a single point that has no function of arrays, such as a trigamma, exactly."""
    if not values:
        return np.asarray(float(exact_ball(term.coefficient)))
    # a covariance may pass through zero, where no relative accuracy is reached
    absolute = accuracy if term.may_vanish else 0.0
    try:
        function = entry.array_function(order=term.order, accuracy=accuracy, absolute=absolute)
    except EvaluationError:
        if any(own.shape for own in values.values()):
            raise
        return np.asarray(float(entry.evaluate({name: float(own) for name, own in values.items()}, order=term.order)))
    return np.asarray(function(**{symbol.name: values[symbol.name] for symbol in function.parameters}))


def _power(level: WaldLevel, information: Array) -> Array:
    if level.rows > 1:
        return _noncentral(information, level)
    z, delta = float(normal_quantile(level.alpha / level.sides)), np.sqrt(information)
    found = _normal_tail(z - delta)
    return np.asarray(found + _normal_tail(z + delta)) if level.sides == 2 else found


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
