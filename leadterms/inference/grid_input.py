"""What a grid of powers is given: parameters, sizes and effects as numbers or arrays, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Integer, Rational, Symbol
from sympy.logic.boolalg import Boolean

from leadterms.asymptotics.point import ParameterSpace
from leadterms.asymptotics.result import Expansion
from leadterms.errors import EvaluationError
from leadterms.evaluation.arrays import array_function
from leadterms.inference.contrast_variance import exact_ball
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N
from leadterms.reading.assignments import read_assignments
from leadterms.reading.numbers import named_exact

Array = NDArray[np.float64]


def grid_values(space: ParameterSpace, at: Any) -> dict[str, Array]:
    """Return parameters by name as arrays.

    Parameters
    ----------
    space
        The parameters, with their domains and conditions.
    at
        Numbers or arrays by name, or a text such as ``"beta0=-1.5, beta1=0.3"``.

    Returns
    -------
    dict[str, numpy.ndarray]
        In the order in which they are given. Arrays are not checked: see `inside`.

    Raises
    ------
    EvaluationError
        If a name is unknown or given twice, or a value is no number, or a single number is out of its domain.
    ExistenceError, UndecidedError
        If a condition fails for those that are single numbers, or could not be decided.
    ReadingError
        If the values are a text that cannot be read.

    """
    given = _named(at, "at", "beta0=-1.5, beta1=0.3")
    known = {symbol.name for symbol in space.symbols}
    unknown = [name for name in given if name not in known]
    if unknown:
        names = ", ".join(symbol.name for symbol in space.symbols)
        raise EvaluationError(f"{unknown[0]!r} in at is not a parameter of the model: it has {names}")
    space.point({name: own for name, own in given.items() if not _is_array(own)})
    return {name: as_array(name, own) for name, own in given.items()}


def grid_sizes(result: Expansion, sizes: Any) -> dict[str, Array]:
    """Return sizes by name as arrays, those that follow from m and n among them.

    Parameters
    ----------
    result
        The expansion, which knows its sizes.
    sizes
        Numbers or arrays by name, or a text such as ``"m=60, n=12"``; they need not be whole.

    Returns
    -------
    dict[str, numpy.ndarray]
        With m and n also N = mn and n_h = n, unless they are given.

    Raises
    ------
    EvaluationError
        If a name is unknown or given twice, a size is not a positive number at every point, or m and n do not
        broadcast.
    ReadingError
        If they are a text that cannot be read.

    """
    known = {symbol.name: symbol for symbol in (*result.space.sizes, M, N)}
    found: dict[str, Array] = {}
    for name, own in _named(sizes, "sizes", "m=60, n=12").items():
        if name not in known:
            raise EvaluationError(f"{name!r} is not a size: there are {', '.join(known)}")
        found[name] = as_array(name, own)
        if not np.all((found[name] > 0) & np.isfinite(found[name])):
            raise EvaluationError(f"the size {name} is positive at every point, and finite: leave out the others")
    if M.name in found and N.name in found:
        common_shape((name, found[name]) for name in (M.name, N.name))
        found.setdefault(TOTAL.name, found[M.name] * found[N.name])
        found.setdefault(HARMONIC.name, found[N.name])
    return found


def as_array(name: str, value: Any) -> Array:
    """Return an array in double precision, and an exact number at its nearest double.

    Parameters
    ----------
    name
        What it is of, as messages show it.
    value
        A number as `leadterms.reading.numbers.exact_expression` takes it, or a sequence, an array or a series of them.

    Returns
    -------
    numpy.ndarray
        Of the shape of the value; () for a number.

    Raises
    ------
    EvaluationError
        Naming what is no number, or no array of numbers, or has rows of unequal lengths.

    """
    if not _is_array(value):
        return np.asarray(_number(name, value))
    try:
        raw = np.asarray(value)
    except ValueError:
        raise EvaluationError(f"the rows of {name} have unequal lengths: an array has rows of one length") from None
    if raw.dtype.kind in "iuf":
        return raw.astype(np.float64)
    if raw.dtype.kind not in "OU" or not raw.size:
        raise EvaluationError(f"{name} is a number or an array of numbers, not an array of {raw.dtype}")
    return np.array([_number(name, own) for own in raw.ravel()]).reshape(raw.shape)


def common_shape(named: Iterable[tuple[str, Array]]) -> tuple[int, ...]:
    """Return the shape that arrays broadcast to.

    Parameters
    ----------
    named
        Arrays with the names that messages show them by.

    Returns
    -------
    tuple[int, ...]
        As `numpy.broadcast_shapes` has it.

    Raises
    ------
    EvaluationError
        Naming two that do not fit together.

    """
    shapes = [(name, own.shape) for name, own in named]
    try:
        return np.broadcast_shapes(*(shape for _, shape in shapes))
    except ValueError:
        (first, one), (second, other) = next(
            pair for pair in combinations(shapes, 2) if not _fit(pair[0][1], pair[1][1])
        )
        raise EvaluationError(
            f"the arrays of {first} and {second} have the shapes {one} and {other}, which do not broadcast: give each "
            f"an axis of its own, as {first}[:, None] and {second}[None, :], or equal lengths"
        ) from None


def inside(symbols: Iterable[Symbol], conditions: Iterable[Boolean], values: Mapping[str, Array]) -> Array:
    """Tell at which points all values are finite and in their domains, and the conditions on them hold.

    Parameters
    ----------
    symbols
        The parameters; those without a value are left out.
    conditions
        Relations between them; those on symbols without a value are left out.
    values
        By name; they broadcast.

    Returns
    -------
    numpy.ndarray
        Truth values of the shape that the values broadcast to; a single True where no symbol has a value.

    Raises
    ------
    NoRuleError
        If a condition has no rule for arrays.

    """
    used = [symbol for symbol in symbols if symbol.name in values]
    if not used:
        return np.asarray(True)
    known = [own for own in conditions if own.free_symbols <= set(used)]
    one = array_function(Integer(1), used, conditions=known)
    return np.asarray(np.isfinite(one(*(values[symbol.name] for symbol in used))))


def _fit(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Tell whether two shapes broadcast; several do if each two of them do."""
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(first), reversed(second), strict=False))


def _named(given: Any, what: str, example: str) -> dict[str, Any]:
    if isinstance(given, str):
        return dict(read_assignments(given))
    if not isinstance(given, Mapping):
        raise EvaluationError(
            f"{what} holds values by name: a mapping, or a text such as {example!r}, not {type(given).__name__}"
        )
    found: dict[str, Any] = {}
    for key, value in given.items():
        if str(key) in found:
            raise EvaluationError(f"{key} is given twice in {what}")
        found[str(key)] = value
    return found


def _is_array(value: Any) -> bool:
    if isinstance(value, str | bytes):
        return False
    return isinstance(value, Sequence) or (hasattr(value, "__array__") and getattr(value, "ndim", 1) != 0)


def _number(name: str, value: Any) -> float:
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    exact = named_exact(name, value)
    return float(exact) if isinstance(exact, Rational) else float(exact_ball(exact))
