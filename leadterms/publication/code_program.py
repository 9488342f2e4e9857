"""Programs without a language: assignments, loops and one case distinction, which the printers spell.

Indices run from 0, as in C; ``element(table, k)`` is an entry of a table of constants, ``select(a, b, p, q)`` is p
where a <= b and else q, ``index(k)`` an index as a real number, ``nan`` not a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import mpmath
from sympy import Dummy, Expr, Float, Function, Integer, Rational, Symbol, exp, factorial, log
from sympy.functions.elementary.hyperbolic import atanh, sinh

from leadterms.publication.code_stable import larger, size

element, select, index = (Function(name) for name in ("element", "select", "index"))
NAN = Symbol("nan")


@dataclass(frozen=True)
class Let:
    """A new variable."""

    name: Symbol
    value: Expr


@dataclass(frozen=True)
class Put:
    """A new value of a variable."""

    name: Symbol
    value: Expr


@dataclass(frozen=True)
class For:
    """A loop over an index from 0 to ``count`` - 1, or downwards."""

    index: Symbol
    count: int
    body: tuple[Statement, ...]
    down: bool = False


@dataclass(frozen=True)
class Branch:
    """Two ways, the first where every pair is in order, left <= right."""

    ordered: tuple[tuple[Expr, Expr], ...]
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...]


Statement = Let | Put | For | Branch


@dataclass(frozen=True)
class Table:
    """Constants, nearest doubles."""

    name: Symbol
    values: tuple[float, ...]


@dataclass(frozen=True)
class Routine:
    """A function: what is returned is an expression, after some statements."""

    name: str
    parameters: tuple[Symbol, ...]
    tables: tuple[Table, ...]
    body: tuple[Statement, ...]
    result: Expr


def expressions(statements: Sequence[Statement]) -> Iterator[Expr]:
    """Return all expressions of statements."""
    for statement in statements:
        if isinstance(statement, Let | Put):
            yield statement.value
        elif isinstance(statement, For):
            yield from expressions(statement.body)
        else:
            yield from (side for pair in statement.ordered for side in pair)
            yield from expressions((*statement.yes, *statement.no))


def declared(statements: Sequence[Statement]) -> Iterator[tuple[Symbol, bool]]:
    """Return the variables of statements in their order, and whether they are indices."""
    for statement in statements:
        if isinstance(statement, Let):
            yield statement.name, False
        elif isinstance(statement, For):
            yield statement.index, True
            yield from declared(statement.body)
        elif isinstance(statement, Branch):
            yield from declared((*statement.yes, *statement.no))


def needed(routine: Routine, native: frozenset[str]) -> list[Routine]:
    """Return the helpers that a routine calls, those that others call first; ``native`` ones are in the language."""
    found: list[Routine] = []
    for expression in (*expressions(routine.body), routine.result):
        for call in sorted(expression.atoms(Function), key=str):
            name = type(call).__name__
            if name in native:
                continue
            helper = helper_of(name, int(call.args[0]) if name == "li_neg_exp" else 0)
            if helper is not None:
                found += [other for other in [*needed(helper, native), helper] if other not in found]
    return found


@lru_cache(maxsize=64)
def helper_of(name: str, order: int = 0) -> Routine | None:
    """Return a helper function by the name of the function in expressions, None if it is none."""
    x = Dummy("x", real=True)
    if name == "softplus":
        return Routine(name, (x,), (), (), larger(x, Integer(0)) + Function("log1p")(exp(-size(x))))
    if name == "expit":
        return Routine(name, (x,), (), (), exp(-larger(-x, Integer(0))) / (1 + exp(-size(x))))
    if name == "expm1":
        return Routine(name, (x,), (), (), 2 * exp(x / 2) * sinh(x / 2))
    if name == "log1p":
        y = Dummy("y", real=True)
        inner = select(size(x), Integer(1), x, Integer(0))
        return Routine(
            name, (x,), (), (Let(y, inner),), select(size(x), Integer(1), 2 * atanh(y / (2 + y)), log(1 + x))
        )
    if name == "trigamma_excess":
        return _trigamma_excess(x)
    if name == "li_neg_exp":
        return _li_neg_exp(order, x)
    return None


def _trigamma_excess(z: Symbol) -> Routine:
    """psi'(z) - 1/z by 16 steps of its recurrence, all positive, and the asymptotic series (DLMF 5.15.8)."""
    k, total, w = Dummy("k", integer=True), Dummy("total", real=True), Dummy("w", real=True)
    steps = 16
    term = 1 / ((z + index(k)) ** 2 * (z + index(k) + 1))
    series = Rational(1, 2) / w**2
    for j, bernoulli in enumerate(("1/6", "-1/30", "1/42", "-1/30", "5/66", "-691/2730", "7/6"), start=1):
        series += Rational(bernoulli) / w ** (2 * j + 1)
    return Routine(
        "trigamma_excess",
        (z,),
        (),
        (Let(total, Integer(0)), For(k, steps, (Put(total, total + term),)), Let(w, z + steps)),
        total + series,
    )


LEFT_TERMS, MIDDLE_TERMS = 40, 38
"""Terms of the two series of -Li_s(-e^x): e^-40 and pi^-38 are below the last bit."""


def _li_neg_exp(s: int, x: Symbol) -> Routine:
    """-Li_s(-e^x) by powers of e^-|x|, by powers of x on (-1, 1), and by inversion (DLMF 25.12)."""
    context = mpmath.MPContext()
    context.dps = 40
    table = Table(
        Symbol(f"li_middle_{s}"),
        tuple(
            # eta(s - k) vanishes at the even numbers below zero
            float(context.altzeta(s - k) / context.factorial(k)) if k <= s or (k - s) % 2 else 0.0
            for k in range(MIDDLE_TERMS)
        ),
    )
    k, middle, left = Dummy("k", integer=True), Dummy("middle", real=True), Dummy("left", real=True)
    near, power = Dummy("near", real=True), Dummy("power", real=True)
    inversion = sum(
        Float(2 * context.altzeta(2 * j) / context.factorial(s - 2 * j), 25) * x ** (s - 2 * j)
        if j
        else x**s / factorial(s)
        for j in range(s // 2 + 1)
    )
    body = (
        Let(near, -larger(-larger(x, Integer(-1)), Integer(-1))),
        Let(middle, Integer(0)),
        For(k, MIDDLE_TERMS, (Put(middle, middle * near + element(table.name, k)),), down=True),
        Let(power, exp(-larger(size(x), Integer(1)))),
        Let(left, Integer(0)),
        For(k, LEFT_TERMS, (Put(left, power * (1 / (index(k) + 1) ** s - left)),), down=True),
    )
    far = select(x, Integer(0), left, inversion - (-1) ** s * left)
    return Routine(f"li_neg_exp_{s}", (x,), (table,), body, select(size(x), Integer(1), middle, far))
