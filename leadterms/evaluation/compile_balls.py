"""Closed expressions to functions of balls: the result contains the true value, whatever the precision.

An expression becomes straight-line Python over python-flint's ``arb`` (real) or ``acb`` (complex): each common
part is computed once, exact numbers are made anew at each precision, and differences that would cancel are
rewritten first, as for mpmath.  Rounding is inside the radius of every ball; a pole, a branch cut or a complex
value of a real function shows as a ball that is not finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from flint import acb, arb, fmpq
from sympy import Add, Expr, Float, I, Mul, NumberSymbol, Piecewise, Pow, Rational, Symbol, Tuple, nan, oo, zoo
from sympy.core.basic import Basic
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean, BooleanFalse, BooleanTrue

from leadterms.errors import EvaluationError, UncertifiedError
from leadterms.evaluation.ball_functions import CONSTANTS, FUNCTIONS, holds, whole_power
from leadterms.evaluation.precision import ball_bits, spelled
from leadterms.evaluation.stable import stable

Ball = Any
"""An ``arb`` or ``acb``."""


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
        writer = _Writer(list(arguments), complex_values)
        self._function = writer.function([stable(expr) for expr in expressions])
        self._make = acb if complex_values else arb
        self._rationals = [fmpq(int(number.p), int(number.q)) for number in writer.rationals]
        self._precision = 0
        self._constants: list[Ball] = []

    def __call__(self, *values: Ball) -> list[Ball]:
        """Return the values of the expressions at the precision in force."""
        if self._precision != ball_bits():
            self._constants = [self._make(number) for number in self._rationals]
            self._precision = ball_bits()
        return self._function(values, self._constants)


@lru_cache(maxsize=1024)
def ball_program(arguments: tuple[Symbol, ...], expressions: tuple[Basic, ...]) -> BallProgram:
    """Return the real program of some expressions, compiled once."""
    return BallProgram(arguments, expressions)


class _Writer:
    """Writes one straight-line function, line by line."""

    def __init__(self, arguments: list[Symbol], complex_values: bool) -> None:
        self._arguments = arguments
        self._complex = complex_values
        self._names: dict[Basic, str] = {symbol: f"v{i}" for i, symbol in enumerate(arguments)}
        self._lines: list[str] = []
        self._namespace: dict[str, Any] = {"holds": holds, "power": whole_power, "acb": acb}
        self.rationals: dict[Rational, str] = {}

    def function(self, expressions: Sequence[Basic]) -> Callable[[Sequence[Ball], Sequence[Ball]], list[Ball]]:
        """Return the function of arguments and constants."""
        results = [self._name(expr) for expr in expressions]
        head = [f"    {', '.join(names)}, = {source}" for names, source in self._unpacked() if names]
        body = "\n".join(head + [f"    {line}" for line in self._lines])
        source = f"def program(values, constants):\n{body}\n    return [{', '.join(results)}]\n"
        exec(compile(source, "<balls>", "exec"), self._namespace)
        function: Callable[[Sequence[Ball], Sequence[Ball]], list[Ball]] = self._namespace["program"]
        return function

    def _unpacked(self) -> list[tuple[list[str], str]]:
        return [
            ([f"v{i}" for i in range(len(self._arguments))], "values"),
            (list(self.rationals.values()), "constants"),
        ]

    def _name(self, expr: Basic) -> str:
        """Return the name of an expression's value, after writing the lines that compute it."""
        if expr in self._names:
            return self._names[expr]
        if isinstance(expr, Rational):
            name = self.rationals.setdefault(expr, f"c{len(self.rationals)}")
        else:
            text = self._text(expr)
            name = f"t{len(self._lines)}"
            self._lines.append(f"{name} = {text}")
        self._names[expr] = name
        return name

    def _text(self, expr: Basic) -> str:
        if isinstance(expr, Symbol):
            raise EvaluationError(f"{expr} has no value: give one for every free symbol")
        if isinstance(expr, Float):
            raise EvaluationError(f"{expr} is not exact: use a fraction or Rational in place of the Float")
        if expr in (oo, -oo, zoo, nan):
            raise EvaluationError("the expression is singular at this point: give another one of the same quantity")
        if isinstance(expr, NumberSymbol) and type(expr).__name__ in CONSTANTS:
            return self._known(CONSTANTS[type(expr).__name__]) + "()"
        if expr == I and self._complex:
            return "acb(0, 1)"
        if isinstance(expr, Add):
            return _joined(sorted(expr.args, key=_negative_last), self._signed)
        if isinstance(expr, Mul):
            return self._product(expr)
        if isinstance(expr, Pow):
            return self._power(expr.base, expr.exp)
        if isinstance(expr, Piecewise):
            return self._choice(expr)
        return self._call(expr)

    def _signed(self, term: Expr) -> tuple[str, str]:
        """Return the sign of a term of a sum and the name of its absolute part."""
        if term.could_extract_minus_sign() and not isinstance(term, Rational):
            return "-", self._name(-term)
        return "+", self._name(term)

    def _product(self, expr: Mul) -> str:
        over = [part for part in expr.args if isinstance(part, Pow) and part.exp.is_Rational and part.exp < 0]
        if not over:
            return " * ".join(self._name(part) for part in expr.args)
        above, below = Mul(*(part for part in expr.args if part not in over)), [1 / part for part in over]
        return f"{self._name(above)} / ({' * '.join(self._name(part) for part in below)})"

    def _power(self, base: Expr, exponent: Expr) -> str:
        name = self._name(base)
        if exponent.is_Integer:
            n = int(exponent)
            if n == 2:
                return f"{name} * {name}"
            return f"1 / {name}" if n == -1 else f"power({name}, {n})" if n > 0 else f"1 / {self._name(base**-n)}"
        if exponent == Rational(1, 2):
            return f"{name}.sqrt()"
        if exponent == Rational(-1, 2):
            return f"{name}.rsqrt()"
        return f"{name} ** {self._name(exponent)}"

    def _choice(self, expr: Piecewise) -> str:
        """Compute a branch only where its condition holds: another one may be singular."""
        text = "None"
        for value, condition in reversed(expr.args):
            branch = self._known(BallProgram(self._arguments, [value], complex_values=self._complex))
            call = f"{branch}({', '.join(f'v{i}' for i in range(len(self._arguments)))})[0]"
            text = call if condition == True else f"({call} if {self._condition(condition)} else {text})"  # noqa: E712
        return text

    def _condition(self, condition: Boolean) -> str:
        if isinstance(condition, BooleanTrue | BooleanFalse):
            return str(bool(condition))
        if isinstance(condition, Relational):
            return f"holds({condition.rel_op!r}, {self._name(condition.lhs)}, {self._name(condition.rhs)})"
        word = {"And": " and ", "Or": " or "}.get(type(condition).__name__)
        if word is None:
            raise UncertifiedError(f"no rule in balls for the condition {spelled(condition)}")
        return "(" + word.join(self._condition(part) for part in condition.args) + ")"

    def _call(self, expr: Basic) -> str:
        function = FUNCTIONS.get(type(expr).__name__)
        if function is None:
            raise UncertifiedError(f"no rule in balls for {type(expr).__name__} in {spelled(expr)}")
        parts = [_tuple(map(self._name, a.args)) if isinstance(a, Tuple) else self._name(a) for a in expr.args]
        if isinstance(function, str):
            return f"{parts[0]}.{function}()"
        return f"{self._known(function)}({', '.join(parts)})"

    def _known(self, thing: Any) -> str:
        name = f"f{len(self._namespace)}"
        self._namespace[name] = thing
        return name


def _tuple(names: Any) -> str:
    return "(" + "".join(f"{name}, " for name in names) + ")"


def _joined(terms: Sequence[Expr], signed: Callable[[Expr], tuple[str, str]]) -> str:
    text = ""
    for term in terms:
        sign, name = signed(term)
        text += f" {sign} {name}" if text else f"{'-' if sign == '-' else ''}{name}"
    return text


def _negative_last(term: Expr) -> tuple[bool, str]:
    return bool(term.could_extract_minus_sign()), str(term) if term.is_Atom else ""


def exact_ball(value: Expr) -> fmpq | arb:
    """Return a rational number as ``fmpq``, any other exact number as a ball at the precision in force."""
    if isinstance(value, Rational):
        return fmpq(int(value.p), int(value.q))
    return ball_program((), (value,))()[0]
