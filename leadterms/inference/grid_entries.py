"""Entries of a variance matrix over arrays of parameters and sizes, in double precision.

Each coefficient is evaluated over the arrays of its own parameters alone, once at points that occur several times: by
its function of arrays, and one after the other at points where that has no value, or where there is no such function.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import ceil, log10

import numpy as np
from sympy import Expr

from leadterms.asymptotics.point import symbols_of
from leadterms.asymptotics.result import Entry, Term
from leadterms.errors import EvaluationError, ExistenceError, NoRuleError, UndecidedError
from leadterms.evaluation.arrays import COARSEST, FINEST, ArrayFunction
from leadterms.inference.asked_terms import ONE_TERM, require_terms
from leadterms.inference.contrast_variance import exact_ball
from leadterms.inference.grid_input import Array, common_shape, inside
from leadterms.inference.progress import Progress, counted


def entry_over(entry: Entry, values: Mapping[str, Array], accuracy: float, progress: Progress | None = None) -> Array:
    """Return a sum of terms at every point.

    Parameters
    ----------
    entry
        Its terms.
    values
        Parameters and sizes by name; they broadcast.
    accuracy
        Relative, of each term.
    progress
        Called after each point that is evaluated by itself.

    Returns
    -------
    numpy.ndarray
        nan where a condition fails, or a term does not exist or has no value.

    Raises
    ------
    EvaluationError
        If a parameter or a size has no value.
    ExistenceError, UndecidedError
        If a term exists nowhere, or is not known to.

    """
    require_terms(entry.terms, ONE_TERM if len(entry.terms) > 1 else "")
    total = np.asarray(0.0)
    for term in entry.terms:
        parameters = [symbol.name for symbol in entry.space.symbols if symbol in symbols_of(term.coefficient)]
        wanted = [*parameters, *sorted(symbol.name for symbol in term.order.free_symbols)]
        missing = [name for name in dict.fromkeys(wanted) if name not in values]
        if missing:
            raise EvaluationError(f"no value is given for {', '.join(missing)}: give it in at, or a size in sizes")
        order = np.asarray(1.0)
        for size, power in term.order.as_powers_dict().items():
            order = order * values[size.name] ** float(power)
        total = (
            total + _coefficient(entry, term, {name: values[name] for name in parameters}, accuracy, progress) * order
        )
    return np.asarray(total)


def check_accuracy(accuracy: float) -> None:
    """Refuse an accuracy that double precision does not reach.

    Parameters
    ----------
    accuracy
        Relative.

    Raises
    ------
    EvaluationError
        If it is no number, or not between those of functions of arrays.

    """
    number = isinstance(accuracy, int | float) and not isinstance(accuracy, bool)
    if not number or not FINEST <= accuracy <= COARSEST:
        raise EvaluationError(f"accuracy is a number from {FINEST:g} to {COARSEST:g}, not {accuracy!r}")


def _coefficient(
    entry: Entry, term: Term, values: Mapping[str, Array], accuracy: float, progress: Progress | None
) -> Array:
    """Return a coefficient at every point, evaluated once at equal ones."""
    if not values:
        return np.asarray(float(exact_ball(term.coefficient)))
    shape = common_shape(values.items())
    columns = np.stack([np.broadcast_to(own, shape).ravel() for own in values.values()])
    points, places = np.unique(columns, axis=1, return_inverse=True)
    # a covariance may pass through zero, where no relative accuracy is reached
    function = _array_function(entry, term.order, accuracy, accuracy if term.may_vanish else 0.0)
    own = dict(zip(values, points, strict=True))
    found = np.full(points.shape[1], np.nan)
    if function is not None:
        found = np.asarray(function(**{symbol.name: own[symbol.name] for symbol in function.parameters}))
    conditions = (*entry.space.conditions, *term.existence.conditions)
    left = np.flatnonzero(np.isnan(found) & inside(entry.space.symbols, conditions, own))
    with counted("evaluating point by point", progress) as count:
        for done, place in enumerate(left, 1):
            point = dict(zip(values, points[:, place].tolist(), strict=True))
            found[place] = _at(entry, term, point, accuracy)
            count(done, len(left))
    return found[np.ravel(places)].reshape(shape)


@lru_cache(maxsize=64)
def _array_function(entry: Entry, order: Expr, accuracy: float, absolute: float) -> ArrayFunction | None:
    """Return the function of arrays, which keeps the sizes of its sums; None where there is no rule for one."""
    try:
        return entry.array_function(order=order, accuracy=accuracy, absolute=absolute)
    except NoRuleError:
        return None


def _at(entry: Entry, term: Term, point: Mapping[str, float], accuracy: float) -> float:
    """Return a coefficient at one point, by the certified road where there is one; nan where it has no value."""
    # not by method="mpmath", which Wald inference takes: what arrays leave is far out, where its quadrature may
    # miss the mass (2e7 was seen for 3e42); a proof may take long, and the bar shows it
    try:
        return float(entry.evaluate(point, ceil(-log10(accuracy)) + 2, order=term.order))
    except (EvaluationError, ExistenceError, UndecidedError):
        # a condition fails, the term does not exist here, or it is not settled: what nan says in a grid
        return float("nan")
