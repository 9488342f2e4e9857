"""The inside of ``I(...)`` in a formula: an expression in predictors, and its canonical name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy

from leadterms.errors import ReadingError
from leadterms.reading.arithmetic import CONSTANTS, FUNCTIONS, Scope, evaluate
from leadterms.reading.grammar import BLANK
from leadterms.reading.syntax import Node, parse_expression

RESERVED = frozenset({*CONSTANTS, *FUNCTIONS, "I"})
"""Names that no predictor may have, since they mean something else inside ``I(...)``."""


@dataclass(frozen=True)
class Identity:
    """What ``I(...)`` states: its canonical name, its expression, and where its predictors stand."""

    name: str
    expression: sympy.Expr
    mentions: tuple[tuple[str, int], ...]


def read_identity(text: str, start: int, end: int) -> Identity:
    """Read the expression that stands in ``text[start:end]``, the inside of ``I(...)``.

    Parameters
    ----------
    text
        The whole formula, shown in errors.
    start, end
        The span between the parentheses.

    Returns
    -------
    Identity
        The expression in ``sympy.Symbol(name, real=True)``, its text without blanks and with ``**`` for
        powers, and each mention of a predictor.

    Raises
    ------
    ReadingError
        If the expression cannot be read.

    Examples
    --------
    >>> read_identity("y ~ I( 2*x ^ 2 )", 6, 15)
    Identity(name='I(2*x**2)', expression=2*x**2, mentions=(('x', 9),))

    """
    inner = text[start:end]
    if not inner.strip(BLANK):
        raise ReadingError("I() needs an expression, as in I(x**2)", text, start)
    try:
        tree = parse_expression(inner)
        names = [(name.leaf, name.start + start) for name in _names(tree) if name.leaf not in RESERVED]
        expression = evaluate(tree, Scope(inner, {name: sympy.Symbol(name, real=True) for name, _ in names}))
    except ReadingError as error:
        raise ReadingError(error.message, text, start + error.start, start + error.end) from None
    canonical = "".join(inner.split()).replace("^", "**")
    return Identity(f"I({canonical})", expression, tuple(names))


def uncovered_call(name: str, inner: str) -> str:
    """Return the message that refuses a call other than ``I(...)``.

    Examples
    --------
    >>> uncovered_call("log", "x")
    'a function stands inside I(): write I(log(x))'

    """
    if name in FUNCTIONS:
        return f"a function stands inside I(): write I({name}({inner.strip()}))"
    if name == "offset":
        return "offset() is not covered"
    return f"{name}() is not covered: write the predictor as an expression in I(...), such as I(x**2)"


def _names(node: Node) -> Iterator[Node]:
    if node.head == "name":
        yield node
    for operand in node.operands:
        yield from _names(operand)
