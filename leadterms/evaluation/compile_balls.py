"""Closed expressions to functions of balls: the result contains the true value, whatever the precision.

An expression becomes a tape, a list of operations each of which takes earlier values: common parts are computed
once, exact numbers are made anew at each precision, and differences that would cancel are rewritten first, as for
mpmath.  Rounding is inside the radius of every ball; a pole, a branch cut or a complex value of a real function
shows as a ball that is not finite.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from flint import acb, arb, fmpq
from sympy import Add, Expr, Float, I, Mul, NumberSymbol, Piecewise, Pow, Rational, Symbol, Tuple, nan, oo, zoo
from sympy.core.basic import Basic
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Or

from leadterms.errors import EvaluationError, UncertifiedError
from leadterms.evaluation.ball_functions import CONSTANTS, FUNCTIONS, holds, whole_power
from leadterms.evaluation.precision import ball_bits, spelled
from leadterms.evaluation.stable import stable

Ball = Any
"""An ``arb`` or ``acb``."""
Operation = Callable[..., Any]


class BallProgram:
    """Exact expressions compiled to one function of some arguments, in balls.

    Parameters
    ----------
    arguments
        Symbols in the order of the call.
    expressions
        What is returned, as a list in this order.
    complex_values
        Whether arguments and values are ``acb``; functions must then be meant as analytic ones.

    Raises
    ------
    EvaluationError
        Where an expression contains a Float, a symbol that is no argument, or a function without a ball.

    Examples
    --------
    >>> from sympy import exp
    >>> from leadterms.evaluation.precision import ball_precision
    >>> x = Symbol("x")
    >>> program = BallProgram([x], [exp(x) - 1, x + Rational(1, 3)])
    >>> with ball_precision(100):
    ...     small, third = program(arb("1e-30"))
    ...     print(small.str(10, radius=False), third.str(20, radius=False))
    1.000000000e-30 0.33333333333333333333

    """

    def __init__(
        self, arguments: Sequence[Symbol], expressions: Sequence[Basic], *, complex_values: bool = False
    ) -> None:
        tape = _Tape(list(arguments), complex_values)
        self._results = [tape.place(stable(expr)) for expr in expressions]
        self._steps = tape.steps
        self._arguments = len(arguments)
        self._make = acb if complex_values else arb
        self._rationals = [fmpq(int(number.p), int(number.q)) for number in tape.rationals]
        self._precision = 0
        self._constants: list[Ball] = []

    @property
    def length(self) -> int:
        """How many steps it has."""
        return len(self._steps)

    def is_rational_in(self, count: int) -> bool:
        """Tell whether the first so many arguments enter sums, products, quotients and whole powers alone."""
        moved, arguments = set(range(count)), self._arguments
        for place, (operation, places) in enumerate(self._steps, arguments):
            if operation is not None and not moved.isdisjoint(places):
                if not (operation in RATIONAL or (isinstance(operation, partial) and operation.func is _raised)):
                    return False
                moved.add(place)
        return True

    def __call__(self, *values: Ball) -> list[Ball]:
        """Return the values of the expressions at the precision in force."""
        if self._precision != ball_bits():
            self._constants = [self._make(number) for number in self._rationals]
            self._precision = ball_bits()
        constants, known = self._constants, list(values)
        at = known.__getitem__
        for operation, places in self._steps:
            known.append(constants[places[0]] if operation is None else operation(*map(at, places)))
        return [known[place] for place in self._results]


@lru_cache(maxsize=1024)
def ball_program(arguments: tuple[Symbol, ...], expressions: tuple[Basic, ...]) -> BallProgram:
    """Return the real program of some expressions, compiled once."""
    return BallProgram(arguments, expressions)


class _Tape:
    """Operations in the order in which they are done; an operation None takes an exact number."""

    def __init__(self, arguments: list[Symbol], complex_values: bool) -> None:
        self._arguments = arguments
        self._complex = complex_values
        self._places: dict[Basic, int] = {symbol: i for i, symbol in enumerate(arguments)}
        self.steps: list[tuple[Operation | None, tuple[int, ...]]] = []
        self.rationals: dict[Rational, int] = {}

    def place(self, expr: Basic) -> int:
        """Return where the value of an expression will stand, after adding the steps that compute it."""
        if expr not in self._places:
            self._places[expr] = self._compute(expr)
        return self._places[expr]

    def _step(self, operation: Operation | None, *places: int) -> int:
        self.steps.append((operation, places))
        return len(self._arguments) + len(self.steps) - 1

    def _compute(self, expr: Basic) -> int:
        if isinstance(expr, Rational) and expr.is_finite:
            return self._step(None, self.rationals.setdefault(expr, len(self.rationals)))
        if isinstance(expr, Symbol):
            raise EvaluationError(f"{expr} has no value: give one for every free symbol")
        if isinstance(expr, Float):
            raise EvaluationError(f"{expr} is not exact: use a fraction or Rational in place of the Float")
        if expr in (oo, -oo, zoo, nan):
            raise EvaluationError("the expression is singular at this point: give another one of the same quantity")
        if isinstance(expr, NumberSymbol) and type(expr).__name__ in CONSTANTS:
            return self._step(CONSTANTS[type(expr).__name__])
        if expr == I and self._complex:
            return self._step(partial(acb, 0, 1))
        if isinstance(expr, Add):
            return self._sum(expr)
        if isinstance(expr, Mul):
            return self._product(expr)
        if isinstance(expr, Pow):
            return self._power(expr.base, expr.exp)
        if isinstance(expr, Piecewise):
            return self._step(self._choice(expr), *range(len(self._arguments)))
        return self._call(expr)

    def _sum(self, expr: Add) -> int:
        first, *rest = sorted(expr.args, key=_is_subtracted)
        total = self.place(first)
        for term in rest:
            total = (
                self._step(operator.sub, total, self.place(-term))
                if _is_subtracted(term)
                else self._step(operator.add, total, self.place(term))
            )
        return total

    def _product(self, expr: Mul) -> int:
        if expr.args[0] == -1:
            return self._step(operator.neg, self.place(Mul(*expr.args[1:])))
        below = [part for part in expr.args if isinstance(part, Pow) and part.exp.is_Rational and part.exp < 0]
        above = [part for part in expr.args if part not in below]
        if below and above:
            return self._step(operator.truediv, self.place(Mul(*above)), self._multiplied([1 / part for part in below]))
        return self._multiplied(list(expr.args))

    def _multiplied(self, parts: Sequence[Expr]) -> int:
        total = self.place(parts[0])
        for part in parts[1:]:
            total = self._step(operator.mul, total, self.place(part))
        return total

    def _power(self, base: Expr, exponent: Expr) -> int:
        if exponent.is_Integer and exponent > 0:
            return self._step(partial(_raised, int(exponent)), self.place(base))
        if exponent.is_Rational and exponent < 0 and exponent != Rational(-1, 2):
            return self._step(_inverse, self.place(base**-exponent))
        if exponent in (Rational(1, 2), Rational(-1, 2)):
            return self._step(operator.methodcaller("sqrt" if exponent > 0 else "rsqrt"), self.place(base))
        return self._step(operator.pow, self.place(base), self.place(exponent))

    def _choice(self, expr: Piecewise) -> Operation:
        """Compute a branch only where its condition holds: another one may be singular."""
        branches = [(self._condition(condition), self._program(value)) for value, condition in expr.args]

        def chosen(*values: Ball) -> Ball:
            for condition, branch in branches:
                if condition(*values):
                    return branch(*values)[0]
            raise EvaluationError("no case of a case distinction holds at this point")

        return chosen

    def _program(self, *expressions: Expr) -> BallProgram:
        return BallProgram(self._arguments, expressions, complex_values=self._complex)

    def _condition(self, condition: Boolean) -> Callable[..., bool]:
        if isinstance(condition, BooleanTrue | BooleanFalse):
            return lambda *values: bool(condition)
        if isinstance(condition, Relational):
            sides = self._program(condition.lhs, condition.rhs)
            return lambda *values: holds(condition.rel_op, *sides(*values))
        if isinstance(condition, And | Or):
            parts, join = [self._condition(part) for part in condition.args], all if isinstance(condition, And) else any
            return lambda *values: join(part(*values) for part in parts)
        raise UncertifiedError(f"no rule in balls for the condition {spelled(condition)}")

    def _call(self, expr: Basic) -> int:
        function = FUNCTIONS.get(type(expr).__name__)
        if function is None:
            raise UncertifiedError(f"no rule in balls for {type(expr).__name__} in {spelled(expr)}")
        places = [
            self._step(_together, *map(self.place, argument.args))
            if isinstance(argument, Tuple)
            else self.place(argument)
            for argument in expr.args
        ]
        return self._step(operator.methodcaller(function) if isinstance(function, str) else function, *places)


def _is_subtracted(term: Expr) -> bool:
    return not isinstance(term, Rational) and bool(term.could_extract_minus_sign())


def _raised(exponent: int, base: Ball) -> Ball:
    return whole_power(base, exponent)


def _inverse(value: Ball) -> Ball:
    return 1 / value


def _together(*values: Ball) -> tuple[Ball, ...]:
    return values


RATIONAL = (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, _inverse)
"""Steps that arrays take too, beside whole powers."""


def exact_ball(value: Expr) -> fmpq | arb:
    """Return a rational number as ``fmpq``, any other exact number as a ball at the precision in force."""
    if isinstance(value, Rational):
        return fmpq(int(value.p), int(value.q))
    return ball_program((), (value,))()[0]
