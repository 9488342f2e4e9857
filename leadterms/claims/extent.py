"""How large a claim would be in the canonical field, and its value where roots of negative numbers are real."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Add, Expr, Function, Mul, Pow, Rational, Symbol, cosh, exp, sinh

from leadterms.errors import LeadtermsError

DEEPEST_GROWTH = 2
"""Exponentials inside exponentials, sinh and cosh among them: beyond, values overflow whatever the parameters are."""
DEEPEST = 3
"""Functions inside functions: beyond, the canonical field takes minutes."""


def extent(expression: Expr) -> int:
    """Return a bound of the degree that an expression has over a common denominator, in symbols and exponentials.

    Examples
    --------
    >>> from sympy import Symbol, sinh
    >>> b = Symbol("b")
    >>> extent((1 + b) ** 40), extent(b**3 * sinh(2 * b)), extent(sum(sinh(k * b) for k in range(1, 60)))
    (40, 5, 59)

    """
    if not expression.args:
        return int(isinstance(expression, Symbol))
    if isinstance(expression, Mul):
        return sum(map(extent, expression.args))
    if isinstance(expression, Add):
        # every term may bring a denominator of its own
        below = sum(extent(part) for part in expression.args if part.as_numer_denom()[1].free_symbols)
        return max(below, *map(extent, expression.args), len(expression.args) - 1)
    if isinstance(expression, Pow) and expression.exp.is_Rational:
        return max(1, int(abs(expression.exp.p))) * extent(expression.base)
    if isinstance(expression, Function):
        # the parameters of a hypergeometric function are tuples
        argument = next(own for own in expression.args if isinstance(own, Expr))
        rates = [abs(term.as_coeff_Mul()[0]) for term in Add.make_args(argument.expand())]
        return int(max(1, *(rate.p for rate in rates if rate.is_Rational))) + max(0, extent(argument) - 1)
    return sum(map(extent, expression.args))


def require_no_tower(expression: Expr) -> None:
    """Refuse exponentials nested deeper than two, and functions nested deeper than three.

    Raises
    ------
    LeadtermsError
        If they are.

    """
    if _depth(expression, _grows) > DEEPEST_GROWTH:
        raise LeadtermsError(
            f"exponentials are nested deeper than {DEEPEST_GROWTH}: such a claim overflows, and no variance has that "
            "form"
        )
    if _depth(expression, lambda node: _grows(node) or isinstance(node, Function)) > DEEPEST:
        raise LeadtermsError(f"functions are nested deeper than {DEEPEST}: no variance has that form")


def _depth(expression: Expr, counts: Callable[[Expr], bool]) -> int:
    return max((_depth(part, counts) for part in expression.args), default=0) + int(counts(expression))


def _grows(node: Expr) -> bool:
    return isinstance(node, exp | sinh | cosh) or (isinstance(node, Pow) and bool(node.exp.free_symbols))


def with_real_roots(expression: Expr, point: Mapping[Symbol, Expr]) -> Expr:
    """Return an expression whose odd roots of numbers that are negative at a point are the real ones.

    Examples
    --------
    >>> from sympy import Rational, Symbol
    >>> b = Symbol("b", real=True)
    >>> with_real_roots((b**3) ** Rational(1, 3), {b: Rational(-1, 2)})
    -(-b**3)**(1/3)

    """
    roots = [
        node
        for node in expression.atoms(Pow)
        if isinstance(node.exp, Rational) and node.exp.q % 2 == 1 and node.exp.q > 1
    ]
    found = {}
    for node in roots:
        value = node.base.xreplace(dict(point))
        if value.is_number and value.is_negative:
            found[node] = (-1) ** int(node.exp.p) * Pow(-node.base, node.exp)
    return expression.xreplace(found)
