"""Marks in the place of coefficients: sympy multiplies these out with what they stand at, which may take minutes."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Dummy, Expr, Function, Mul, Poly, Pow, Symbol


def with_marks(expression: Expr, variables: Sequence[Symbol]) -> tuple[Expr, dict[Dummy, Expr]]:
    """Return an expression with marks for what is free of the variables, and what each mark stands for.

    Coefficients without functions of the parameters are left as they are.

    Examples
    --------
    >>> from sympy import exp, symbols
    >>> x, a, b = symbols("x a b")
    >>> marked, back = with_marks((exp(a) + b) ** 2 * (x + a), (x,))
    >>> marked.has(exp), len(back), marked.xreplace(back)
    (False, 2, (a + x)*(b + exp(a))**2)

    """
    marks: dict[Expr, Dummy] = {}
    marked = _marked(expression, variables, marks) if expression.has(Function) else expression
    return marked, {mark: coefficient for coefficient, mark in marks.items()}


def terms_of(expression: Expr, variables: Sequence[Symbol]) -> list[tuple[tuple[int, ...], Expr]]:
    """Return the exponents and coefficients of a polynomial as `Poly` does, the coefficients not multiplied out."""
    if not variables:
        return [((), expression)]
    marked, back = with_marks(expression, variables)
    return [(tuple(e), c.xreplace(back)) for e, c in Poly(marked, *variables).terms()]


def _marked(expression: Expr, variables: Sequence[Symbol], marks: dict[Expr, Dummy]) -> Expr:
    if not expression.has(*variables):
        return expression if expression.is_number else marks.setdefault(expression, Dummy())
    if isinstance(expression, Add | Mul):
        free, others = expression.as_independent(*variables, as_Add=isinstance(expression, Add))
        parts = [_marked(part, variables, marks) for part in expression.func.make_args(others)]
        return expression.func(_marked(free, variables, marks), *parts)
    if isinstance(expression, Pow) and expression.exp.is_Integer:
        return _marked(expression.base, variables, marks) ** expression.exp
    return expression
