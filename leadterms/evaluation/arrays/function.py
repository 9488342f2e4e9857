"""Coefficients as functions of NumPy arrays, for sweeps and plots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import And, Eq, Expr, Ge, Gt, Le, Lt, Ne, Or, Rational, Symbol, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import EvaluationError, NoRuleError
from leadterms.evaluation.arrays.held import Held
from leadterms.evaluation.arrays.moments import Values
from leadterms.evaluation.arrays.plans import Tolerance
from leadterms.evaluation.arrays.program import Program
from leadterms.evaluation.arrays.rounding import with_rounding
from leadterms.evaluation.arrays.ufuncs import Array, Kind
from leadterms.evaluation.precision import spelled
from leadterms.evaluation.stable import stable
from leadterms.expectation.held import Expectation
from leadterms.expectation.positivity import Everywhere

Box = Mapping[Symbol, tuple[float, float]]
_Step = Callable[[Values], Array]
FINEST, COARSEST = 1e-13, 1e-2
"""Relative accuracies between which functions of arrays are to be had."""
_LEAST, _LARGEST = np.finfo(np.float64).tiny, np.finfo(np.float64).max


def array_function(
    expr: Expr,
    parameters: Sequence[Symbol],
    *,
    accuracy: float = 1e-12,
    box: Box | None = None,
    alternatives: Sequence[Expr] = (),
    conditions: Sequence[Boolean] = (),
    absolute: float = 0.0,
) -> ArrayFunction:
    """Return a coefficient as a function of arrays of its parameters, in double precision.

    Closed forms are evaluated as they stand, with a running bound of the rounding error; where it exceeds the
    accuracy, as near a removable singularity, an alternative takes their place.  Held expectations are sums over
    fixed nodes whose numbers are sized by the bounds of :mod:`leadterms.evaluation.arrays.sizing` from the points
    that are asked for, and compared with finer sums at extreme and other points before they are used.  What
    overflows in float64 is done in longdouble where that has a wider range.

    Parameters
    ----------
    expr
        A closed form, or with held expectations over random effects and predictors.
    parameters
        Symbols in the order of the arguments.
    accuracy
        Relative error that is aimed at, 1e-13 to 1e-2.  It is an estimate: rounding errors are bounded to first
        order, the error of a sum by comparison, at some points of each group, with a sum that aims at a thousandth
        of it.
    box
        Closed intervals for some of the parameters: points outside have no value.
    alternatives
        Other expressions of the same quantity, for points at which ``expr`` does not reach the accuracy.
    conditions
        Relations between the parameters: points that violate one have no value.
    absolute
        An error that is accepted besides the relative one, for a covariance that passes through zero.

    Returns
    -------
    ArrayFunction
        Called with arrays that broadcast, by position or by name; nan where there is no value to the accuracy.

    Raises
    ------
    NoRuleError
        Where neither the expression nor an alternative has a rule for arrays, or a condition has none.
    EvaluationError
        Where a symbol is no parameter, or the accuracy is out of reach.

    Examples
    --------
    >>> from sympy import cosh
    >>> b = Symbol("b", real=True)
    >>> function = array_function(cosh(b) + 1, [b])
    >>> function(b=[0.0, 1.0]).round(6).tolist()
    [2.0, 2.543081]

    """
    return ArrayFunction(
        (expr, *alternatives), tuple(parameters), Tolerance(accuracy, absolute), dict(box or {}), tuple(conditions)
    )


def _numbers(symbol: Symbol, array: Any) -> Array:
    """Return an array of doubles.

    Raises
    ------
    TypeError
        If it holds anything but real numbers.

    """
    refusal = TypeError(f"{symbol} takes real numbers, not {array!r}")
    if np.iscomplexobj(array):
        raise refusal
    try:
        return np.asarray(array, np.float64)
    except (TypeError, ValueError):
        raise refusal from None


class ArrayFunction:
    """A coefficient as a function of arrays; see :func:`array_function`.

    Attributes
    ----------
    parameters
        Symbols in the order of the arguments.
    accuracy
        The relative accuracy that was asked for.
    box
        Intervals outside of which there are no values.
    expressions
        The expressions that are used, in their order.

    """

    def __init__(
        self,
        expressions: Sequence[Expr],
        parameters: tuple[Symbol, ...],
        tolerance: Tolerance,
        box: dict[Symbol, tuple[float, float]],
        conditions: tuple[Boolean, ...],
    ) -> None:
        self._given = (tuple(expressions), parameters, tolerance, box, conditions)
        if not isinstance(tolerance.relative, float | int) or not FINEST <= tolerance.relative <= COARSEST:
            raise EvaluationError(f"an accuracy from {FINEST} to {COARSEST} is wanted, not {tolerance.relative!r}")
        self.parameters, self.box, self._tolerance = parameters, box, tolerance
        unknown = set().union(*(e.free_symbols for e in (*expressions, *conditions)), box) - set(parameters)
        if unknown:
            names = ", ".join(sorted(map(str, unknown)))
            raise EvaluationError(f"{names} must be among the parameters of a function of arrays")
        for symbol, (lower, upper) in box.items():
            if not lower <= upper:
                raise EvaluationError(f"the box holds no value of {symbol}: give its lower end first, not {lower!r}")
        self._steps, self.expressions = _steps(expressions, tolerance)
        self._conditions = [_condition(condition) for condition in conditions if condition != true]

    def __reduce__(self) -> tuple[type[ArrayFunction], tuple[Any, ...]]:
        """Pickle what it was made of; the copy compiles and sizes its sums anew."""
        return type(self), self._given

    @property
    def accuracy(self) -> float:
        """The relative accuracy."""
        return self._tolerance.relative

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """Return the coefficient at each point; a float for scalars.

        Raises
        ------
        TypeError
            Where arguments do not match the parameters, or are no real numbers.
        ValueError
            Where arrays do not broadcast.

        """
        pairs = zip(self.parameters, self._bound(arrays, named), strict=True)
        given = [_numbers(symbol, array) for symbol, array in pairs]
        try:
            broadcast = np.broadcast_arrays(*given)
        except ValueError:
            shapes = ", ".join(f"{s} {a.shape}" for s, a in zip(self.parameters, given, strict=True) if a.shape)
            raise ValueError(f"the arrays do not broadcast: their shapes are {shapes}") from None
        shape = broadcast[0].shape
        values = {s: array.ravel() for s, array in zip(self.parameters, broadcast, strict=True)}
        with np.errstate(all="ignore"):
            result = self._flat(values)
        return float(result[0]) if shape == () else result.reshape(shape)

    def __repr__(self) -> str:
        names = ", ".join(symbol.name for symbol in self.parameters)
        return f"ArrayFunction({names}; relative accuracy {self.accuracy:g})"

    def _bound(self, arrays: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        """Return the arguments in the order of the parameters."""
        names = [symbol.name for symbol in self.parameters]
        given = dict(zip(names, arrays, strict=False))
        twice = given.keys() & named.keys()
        if len(arrays) > len(names) or twice or given.keys() | named.keys() != set(names):
            raise TypeError(f"expected one array for each of {', '.join(names)}, by position or by name")
        given |= named
        return [given[name] for name in names]

    def _flat(self, values: dict[Symbol, Array]) -> Array:
        """Evaluate one-dimensional arrays: each step takes the points that those before it left."""
        inside = self._inside(values)
        result = np.full(inside.shape, np.nan)
        left = np.flatnonzero(inside)
        for step in self._steps:
            if not left.size:
                break
            some = left.size < inside.size
            found = step({symbol: array[left] for symbol, array in values.items()} if some else values)
            # beyond the range of float64 there is no value to any relative accuracy
            size = np.abs(found)
            ordinary = (size <= _LARGEST) & ((size >= _LEAST) | (size == 0))
            result[left[ordinary]] = found[ordinary]
            left = left[~ordinary]
        return result

    def _inside(self, values: dict[Symbol, Array]) -> Array:
        """Tell which points are finite, of the right sign, in the box, and fulfil the conditions."""
        inside = np.ones(next(iter(values.values())).shape, bool)
        for symbol, array in values.items():
            inside &= np.isfinite(array)
            if symbol.is_positive:
                inside &= array > 0
            if symbol in self.box:
                lower, upper = self.box[symbol]
                inside &= (array >= lower) & (array <= upper)
        for condition in self._conditions:
            inside &= condition(values)
        return inside


def _steps(expressions: Sequence[Expr], tolerance: Tolerance) -> tuple[list[_Step], tuple[Expr, ...]]:
    """Return the ways to evaluate, in the order in which they are tried."""
    kinds: list[Kind] = [np.float64]
    if np.finfo(np.longdouble).maxexp > np.finfo(np.float64).maxexp:
        kinds.append(np.longdouble)
    steps: list[_Step] = []
    used: list[Expr] = []
    reasons: list[str] = []
    for expression in expressions:
        try:
            steps += _ways(expression, tolerance, kinds)
        except EvaluationError as reason:
            reasons.append(str(reason))
        else:
            used.append(expression)
    if not steps:
        raise NoRuleError("; and its alternative: ".join(dict.fromkeys(reasons)))
    return steps, tuple(used)


def _ways(expression: Expr, tolerance: Tolerance, kinds: Sequence[Kind]) -> Iterator[_Step]:
    """Yield the ways to evaluate one expression."""
    if expression.has(Expectation):
        held = Held(expression)
        yield from (lambda values, kind=kind: held(values, tolerance, kind) for kind in kinds)
        return
    program = Program([stable(expression)])

    def closed(values: Values, kind: Kind) -> Array:
        exact = {symbol: array.astype(kind) for symbol, array in values.items()}
        value, error = with_rounding(program, exact, kind)
        right = error <= tolerance.relative * np.abs(value) + tolerance.absolute
        return np.broadcast_to(np.where(right, value, np.nan), next(iter(values.values())).shape)

    yield from (lambda values, kind=kind: closed(values, kind) for kind in kinds)


def _condition(condition: Boolean) -> Callable[[Values], Array]:
    """Return a condition as a function of arrays."""
    if isinstance(condition, And | Or):
        parts = [_condition(part) for part in condition.args]
        join = np.logical_and if isinstance(condition, And) else np.logical_or
        return lambda values: join.reduce([part(values) for part in parts])
    if isinstance(condition, Everywhere):
        return lambda values: _everywhere(condition, values)
    comparisons: dict[type, Callable[[Array], Array]] = {
        Gt: lambda d: d > 0,
        Ge: lambda d: d >= 0,
        Lt: lambda d: d < 0,
        Le: lambda d: d <= 0,
        Ne: lambda d: d != 0,
        Eq: lambda d: d == 0,
    }
    compare = comparisons.get(type(condition))
    if compare is None:
        raise NoRuleError(f"no rule for arrays for the condition {spelled(condition)}")
    program = Program([condition.lhs - condition.rhs])
    return lambda values: compare(program(values)[0])


def _everywhere(condition: Everywhere, values: Values) -> Array:
    """Tell at which points a condition for all values of predictors is proven; one point at a time."""
    symbols = [symbol for symbol in values if symbol in condition.free_symbols]
    columns = np.broadcast_arrays(*(values[symbol] for symbol in symbols))
    points = zip(*(column.ravel() for column in columns), strict=True)
    holds = [
        bool(np.all(np.isfinite(point)))
        and condition.xreplace({s: Rational(*float(v).as_integer_ratio()) for s, v in zip(symbols, point, strict=True)})
        == true
        for point in points
    ]
    return np.asarray(holds, bool).reshape(columns[0].shape)
