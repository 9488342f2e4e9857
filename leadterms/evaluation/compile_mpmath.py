"""Closed expressions to functions in a private mpmath context.

An expression is prepared in three steps: differences that would cancel are rewritten, exact numbers
become parameters (so that no number is ever written into source text or divided anew at each node),
and what does not depend on the arguments is computed once for each precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from sympy import (
    Add,
    Float,
    I,
    Integer,
    Mul,
    NumberSymbol,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    Tuple,
    lambdify,
    nan,
    oo,
    zoo,
)
from sympy.core.basic import Basic
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean
from sympy.printing.pycode import MpmathPrinter

from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import Context, Real, spelled
from leadterms.evaluation.special import exp_minus_one, exponential, inverse_entry, li_neg_exp, trigamma
from leadterms.evaluation.stable import stable

_SAME_NAME = """
acos acosh acot acoth acsc asec asin asinh atan atan2 atanh beta binomial cos cosh cot coth csc csch erf erfc
erfi erfinv exp expint expm1 factorial gamma hyper li log log1p loggamma polylog rf sec sech sign sin sinh tan
tanh zeta besseli besselk
"""
NAMES = {name: name for name in _SAME_NAME.split()} | {
    "Abs": "abs",
    "betainc_regularized": "betainc_regularized",
    "catalan": "catalan_number",
    "Max": "max",
    "Min": "min",
    "Ei": "ei",
    "Si": "si",
    "Ci": "ci",
    "Shi": "shi",
    "Chi": "chi",
    "LambertW": "lambertw",
    "LiNegExp": "li_neg_exp",
    "InverseEntry": "inverse_entry",
    "RisingFactorial": "rf",
    "dirichlet_eta": "altzeta",
    "lowergamma": "gammainc",
    "Trigamma": "trigamma",
    "polygamma": "psi",
    "uppergamma": "gammainc",
}
"""What can be evaluated: sympy's name of a function, and mpmath's."""

_PRINTED_SPECIALLY = {"hyper", "lowergamma", "uppergamma", "beta", "loggamma", "Max", "Min", "Abs"}
_SMALL = 2**31


class Program:
    """Exact expressions compiled to one function of some arguments.

    Parameters
    ----------
    context
        The private mpmath context whose precision is in force at each call.
    arguments
        Symbols in the order of the call.
    expressions
        What is returned, as a list in this order.

    Raises
    ------
    EvaluationError
        Where an expression contains a Float, a symbol that is no argument, or a function that mpmath
        has no name for.

    Examples
    --------
    >>> from sympy import Rational, exp
    >>> from leadterms.evaluation.precision import precision, private_context
    >>> x = Symbol("x")
    >>> context = private_context()
    >>> program = Program(context, [x], [exp(x) - 1, x + Rational(1, 3)])
    >>> with precision(context, 25):
    ...     small, third = program(context.mpf(10) ** -30)
    ...     print(context.nstr(small, 10), context.nstr(third, 20))
    1.0e-30 0.33333333333333333333

    """

    def __init__(self, context: Context, arguments: Sequence[Symbol], expressions: Sequence[Basic]) -> None:
        self._context = context
        names = {symbol: Symbol(f"v{i}", real=True) for i, symbol in enumerate(arguments)}
        self._rationals: dict[Rational, Symbol] = {}
        prepared = [self._prepare(stable(expr), names, {}) for expr in expressions]
        lifted, constants = hoist(prepared, set(names.values()), "c")
        self._constant_function = _function(context, list(self._rationals.values()), list(constants))
        self._function = _function(context, [*names.values(), *constants.values()], lifted)
        self._precision = 0
        self._constants: list[Real] = []

    def __call__(self, *values: Real) -> Sequence[Real]:
        """Return the values of the expressions, each an mpf, an mpc, or a whole number."""
        if self._precision != self._context.prec:
            mpf = self._context.mpf
            numbers = [mpf(int(number.p)) / int(number.q) for number in self._rationals]
            self._constants = [self._context.convert(c) for c in self._constant_function(*numbers)]
            self._precision = self._context.prec
        return self._function(*values, *self._constants)

    def _prepare(self, expr: Basic, names: dict[Symbol, Symbol], done: dict[Basic, Basic]) -> Basic:
        """Rename arguments and lift exact numbers; refuse what has no numerical rule."""
        if expr in done:
            return done[expr]
        result: Basic
        if isinstance(expr, Symbol):
            if expr not in names:
                raise EvaluationError(f"{expr} has no value: give one for every free symbol")
            result = names[expr]
        elif isinstance(expr, Integer) and abs(int(expr)) < _SMALL:
            result = expr
        elif isinstance(expr, Float):
            raise EvaluationError(f"{expr} is not exact: use a fraction or Rational in place of the Float")
        elif isinstance(expr, Rational):
            result = self._rationals.setdefault(expr, Symbol(f"r{len(self._rationals)}", real=True))
        elif isinstance(expr, Pow) and isinstance(expr.exp, Rational) and expr.exp.q <= 2:
            result = self._prepare(expr.base, names, done) ** expr.exp
        elif _supported(expr):
            args = [self._prepare(argument, names, done) for argument in expr.args]
            result = expr.func(*args) if args else expr
        else:
            raise EvaluationError(f"no numerical rule for {type(expr).__name__} in {spelled(expr)}")
        done[expr] = result
        return result


def hoist(expressions: Iterable[Basic], inside: set[Symbol], prefix: str) -> tuple[list[Basic], dict[Basic, Symbol]]:
    """Replace what does not depend on ``inside`` by new symbols.

    Returns
    -------
    expressions, table
        The expressions in ``inside`` and new symbols only; and for each part taken out its symbol.

    Examples
    --------
    >>> from sympy import symbols, exp
    >>> a, b, x = symbols("a b x")
    >>> hoist([exp(a + b + a * x)], {x}, "c")
    ([exp(c0*x + c1)], {a: c0, a + b: c1})

    """
    table: dict[Basic, Symbol] = {}
    depends: dict[Basic, bool] = {}

    def inner(expr: Basic) -> bool:
        if expr not in depends:
            depends[expr] = expr in inside if not expr.args else any(inner(argument) for argument in expr.args)
        return depends[expr]

    def outside(expr: Basic) -> Basic:
        if isinstance(expr, Integer) and abs(int(expr)) < _SMALL:
            return expr
        return table.setdefault(expr, Symbol(f"{prefix}{len(table)}", real=True))

    def walk(expr: Basic) -> Basic:
        if not inner(expr):
            # the parameters of a hypergeometric function stay a tuple
            return expr.func(*map(walk, expr.args)) if isinstance(expr, Tuple) else outside(expr)
        if not expr.args:
            return expr
        if isinstance(expr, Pow) and isinstance(expr.exp, Rational):
            return walk(expr.base) ** expr.exp
        if isinstance(expr, Add | Mul):
            free = [argument for argument in expr.args if not inner(argument)]
            bound = [walk(argument) for argument in expr.args if inner(argument)]
            return expr.func(*bound, outside(expr.func(*free))) if free else expr.func(*bound)
        return expr.func(*(walk(argument) for argument in expr.args))

    def whole(expr: Basic) -> Basic:
        # a branch of a Piecewise that is not taken may be singular: nothing in it is computed ahead
        if expr.has(Piecewise) and inner(expr):
            return expr.xreplace({s: outside(s) for s in sorted(expr.free_symbols - inside, key=str)})
        return walk(expr)

    return [whole(expr) for expr in expressions], table


def _supported(expr: Basic) -> bool:
    if expr in (oo, -oo, zoo, nan):
        return False
    structure = Add | Mul | Pow | NumberSymbol | Piecewise | Relational | Boolean | Tuple
    if isinstance(expr, structure) or expr == I or type(expr).__name__ == "ExprCondPair":
        return True
    return type(expr).__name__ in NAMES


class _Printer(MpmathPrinter):  # type: ignore[misc]
    """Print bare names, so that the global functions of mpmath are never imported."""

    def _module_format(self, fqn: str, register: bool = True) -> str:
        return fqn.rsplit(".", 1)[-1]


def _function(
    context: Context, arguments: Sequence[Symbol], expressions: Sequence[Basic]
) -> Callable[..., Sequence[Real]]:
    printer = _Printer(
        {
            "fully_qualified_modules": False,
            "inline": True,
            "allow_unknown_functions": True,
            "user_functions": {k: v for k, v in NAMES.items() if k not in _PRINTED_SPECIALLY},
        }
    )
    function: Callable[..., Sequence[Real]] = lambdify(
        arguments,
        list(expressions),
        modules=[_namespace(context)],
        printer=printer,
        cse=True,
        docstring_limit=0,
    )
    return function


def _namespace(context: Context) -> dict[str, Any]:
    """Return what a generated function may call, all of it bound to the private context."""
    own = {
        "exp": exponential(context),
        "expm1": exp_minus_one(context),
        "li_neg_exp": li_neg_exp(context),
        "betainc_regularized": partial(context.betainc, regularized=True),
        "trigamma": trigamma(context),
        "inverse_entry": inverse_entry(context),
        # sympy writes B(1/2, n) by them
        "catalan_number": lambda n: context.binomial(2 * n, n) / (n + 1),
        "abs": abs,
        "min": min,
        "max": max,
    }
    names = {"mpf", "mpc", "sqrt", "pi", "e", "euler", "catalan", "phi", "inf", "j", *NAMES.values()}
    return {name: getattr(context, name) for name in names - own.keys()} | own
