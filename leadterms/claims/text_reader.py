"""A formula as text, in the names that expressions print with, the functions of derived results included."""

from __future__ import annotations

import re
from dataclasses import replace

from sympy import Expr

from leadterms.claims.latex_functions import COMPOSED, LARGEST_ORDER, higher_value
from leadterms.notation.functions import LiNegExp
from leadterms.reading.arithmetic import Scope, evaluate
from leadterms.reading.syntax import Node, parse_expression

HIGHER = ("polygamma", "LiNegExp", "hyper")
"""Functions of an order and an argument, and Kummer's function hyper((a,), (b,), z)."""
_SINGLE = re.compile(r",(?=\s*\))")
"""The comma behind a single parameter."""


def text_value(text: str, names: dict[str, Expr], what: str) -> Expr:
    """Return the expression that a text states.

    Parameters
    ----------
    text
        Such as ``"2*sigma2**2"`` or ``"phi**4/(polygamma(1, 1/phi) - phi)"``.
    names
        The meaning of names.
    what
        How errors call the text.

    Raises
    ------
    ReadingError
        If it cannot be read; the caret shows the place.

    Examples
    --------
    >>> from sympy import Symbol
    >>> text_value("polygamma(1, 1/p) + expit(p)", {"p": Symbol("p", positive=True)}, "formula")
    polygamma(1, 1/p) + 1/(1 + exp(-p))

    """
    values = dict(names)
    # the parameters of a hypergeometric function are printed as tuples of one, which are read as brackets
    shown = _SINGLE.sub(" ", text) if "hyper" in text and "hyper" not in names else text
    return evaluate(_opened(parse_expression(shown, what), shown, values), Scope(shown, values))


def _opened(node: Node, text: str, values: dict[str, Expr]) -> Node:
    """Put values in place of the functions that the reader of expressions does not know."""
    operands = tuple(_opened(operand, text, values) for operand in node.operands)
    if node.head != "function" or node.leaf in values or node.leaf not in (*COMPOSED, *HIGHER):
        return replace(node, operands=operands)
    scope = Scope(text, values)
    arguments = [evaluate(operand, scope) for operand in operands]
    value = _applied(node.leaf, arguments)
    if value is None:
        raise scope.refusal(f"{node.leaf} is not read with these arguments", node)
    leaf = f"#{len(values)}"
    values[leaf] = value
    return Node("name", node.start, node.end, leaf)


def _applied(name: str, arguments: list[Expr]) -> Expr | None:
    if name in COMPOSED:
        return COMPOSED[name](arguments[0]) if len(arguments) == 1 else None
    if name in ("polygamma", "hyper"):
        return higher_value("hyp" if name == "hyper" else name, "", 0, arguments)
    order = arguments[0]
    fits = len(arguments) == 2 and order.is_Integer and 2 <= order <= LARGEST_ORDER
    return LiNegExp(*arguments) if fits else None
