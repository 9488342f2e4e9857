"""A point of the parameter space: names to exact values, checked against domains and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Expr, Symbol, false, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import EvaluationError, ExistenceError, LeadtermsError, UndecidedError
from leadterms.evaluation.number import Number
from leadterms.notation.conditions import shown
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N
from leadterms.reading.expressions import read_assignments
from leadterms.reading.numbers import MAX_DIGITS, brief, exact_expression, exact_number, named_exact

Values = Mapping[Any, Any] | str


@dataclass(frozen=True)
class ParameterSpace:
    """The parameters of a model with the conditions under which its leading terms hold.

    Parameters
    ----------
    symbols
        Every parameter, those inside laws included.
    conditions
        Relations between them; positive symbols are positive besides.
    sizes
        The sizes that the orders may hold.

    """

    symbols: tuple[Symbol, ...]
    conditions: tuple[Boolean, ...]
    sizes: tuple[Symbol, ...] = (M, N, TOTAL, HARMONIC)

    def point(self, values: Values, sizes: Mapping[Symbol, Expr] | None = None) -> dict[Symbol, Expr]:
        """Return exact values by symbol, after checking every domain and condition that can be checked.

        ``sizes`` are numbers for sizes among the symbols, unless the values have them too.

        Raises
        ------
        EvaluationError
            If a name is unknown or given twice, a value is not exact, or out of its domain.
        ReadingError
            If the values are a text that cannot be read.
        ExistenceError
            If a condition fails at the point.
        UndecidedError
            If it could not be decided whether a condition holds.

        """
        given = read_assignments(values) if isinstance(values, str) else values
        if not isinstance(given, Mapping):
            raise EvaluationError(f"values are a mapping or a text such as 'beta0=1/2, beta1=2', not {brief(given)}")
        by_name = {symbol.name: symbol for symbol in self.symbols}
        resolved: dict[Symbol, Expr] = dict(sizes or {})
        named: set[Symbol] = set()
        for key, value in given.items():
            name = key.name if isinstance(key, Symbol) else str(key)
            if name not in by_name:
                raise EvaluationError(f"{name!r} is not a parameter of the model: it has {', '.join(by_name)}")
            symbol = by_name[name]
            if symbol in named:
                raise EvaluationError(f"{name} is given twice: give it once")
            named.add(symbol)
            exact = named_exact(name, value)
            if not exact.is_real:
                raise EvaluationError(f"{name} must be real: {value} given")
            if symbol.is_positive and not exact.is_positive:
                raise EvaluationError(f"{name} must be positive: {value} given")
            if symbol.is_integer and not exact.is_integer:
                raise EvaluationError(f"the size {name} is a whole number, 1 or more: {value} given")
            if symbol in resolved and resolved[symbol] != exact:
                raise EvaluationError(f"{name} is given as {exact} and as the size {resolved[symbol]}")
            resolved[symbol] = exact
        self._check(resolved)
        return resolved

    def _check(self, point: dict[Symbol, Expr]) -> None:
        for condition in self.conditions:
            if not condition.free_symbols <= set(point):
                continue
            verdict = condition.subs(point)
            if verdict == true:
                continue
            if verdict != false:
                raise UndecidedError(f"whether {shown(condition)} holds at the point could not be decided")
            values = ", ".join(f"{s.name} = {point[s]}" for s in sorted(condition.free_symbols, key=str))
            raise ExistenceError(f"the condition {shown(condition)} fails at {values}")


@lru_cache(maxsize=1024)
def symbols_of(expression: Expr) -> frozenset[Symbol]:
    """Return the free symbols of a coefficient; looked for once, they are asked for at every point."""
    return frozenset(expression.free_symbols)


def require_values(expressions: Iterable[Expr], point: Mapping[Symbol, Expr]) -> None:
    """Refuse a point that leaves a parameter of the expressions without value.

    Raises
    ------
    EvaluationError
        Naming the parameters that have no value.

    """
    missing = sorted({symbol.name for expression in expressions for symbol in symbols_of(expression) - point.keys()})
    if missing:
        them = "it" if len(missing) == 1 else "them"
        raise EvaluationError(f"no value is given for {', '.join(missing)}: give {them} at the point (--at)")


def require_written_out(number: Number, values: Mapping[Any, Any]) -> None:
    """Refuse a value that has too many digits to be computed with exactly, naming the point.

    Parameters
    ----------
    number
        A value at the point.
    values
        Exact values by symbol, or their text by name.

    Raises
    ------
    EvaluationError
        If the value or its error has more digits than a number that is read.

    """
    try:
        exact_number(str(number))
        exact_number(str(number.error))
    except LeadtermsError:
        largest = max(values, key=lambda name: abs(exact_expression(values[name])), default="")
        at = ", ".join(f"{name} = {value}" for name, value in values.items())
        raise EvaluationError(
            f"the value {number} at {at} has more than {MAX_DIGITS} digits before or behind its point: choose a milder "
            f"{largest}"
        ) from None
