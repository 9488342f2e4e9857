"""The safe reader of expressions, calls and values: a grammar, known names, and never an evaluation of text.

The grammar is compiled at its first use, not at import. What is read: ``+ - * / ** ^``, parentheses, exact
decimals and integers, names that the caller knows, the constants pi and E, and a few functions (sqrt, exp,
log, sinh, cosh, tanh, Abs).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sympy

from leadterms.errors import ReadingError
from leadterms.reading.arithmetic import CONSTANTS, FUNCTIONS, Scope, evaluate
from leadterms.reading.assignments import read_assignments
from leadterms.reading.grammar import BLANK, require_text
from leadterms.reading.syntax import Argument, Call, Node, parse_call

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "Argument",
    "Call",
    "Node",
    "read_assignments",
    "read_call",
    "read_family_call",
    "resolve",
]

Unknown = Callable[[str], "sympy.Expr | None"]
"""What a name means that is not in the mapping, or None when it means nothing."""

_FAMILY = re.compile(rf"[{BLANK}]*([A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*)[{BLANK}]*(\(|$)")


def read_call(text: str, *, what: str = "call") -> Call:
    """Read a call such as ``Uniform(-1, 1)`` or ``Finite({-1: 1/4, 1: 3/4})``, its arguments unresolved.

    Parameters
    ----------
    text
        A name and arguments in parentheses: expressions, lists in brackets, mappings in braces.
    what
        How errors call the text.

    Returns
    -------
    Call
        The name with its span, and the arguments, each for `resolve`.

    Raises
    ------
    ReadingError
        If the text does not follow the grammar, or names its arguments as in ``Normal(mu=0, std=1)``.

    Examples
    --------
    >>> call = read_call("Normal(0, sqrt(1/2))")
    >>> call.name, [resolve(argument) for argument in call.arguments]
    ('Normal', [0, sqrt(2)/2])

    """
    require_text(text, what)
    quote = re.search(r"[\"']", text)
    if quote is not None:
        raise ReadingError(
            f"the {what} takes no quoted text: leave out the name argument, as in Uniform(-1, 1)",
            text,
            quote.start(),
        )
    return parse_call(text, what)


def read_family_call(text: str, *, what: str = "family") -> Call:
    """Read a family such as ``poisson``, ``negative-binomial(3/2)`` or ``binomial(10)``.

    Parameters
    ----------
    text
        A name, whose words are joined by hyphens or underscores, and arguments if there are any.
    what
        How errors call the text.

    Returns
    -------
    Call
        The name, its words joined by hyphens, with its span; the arguments, none if there are no parentheses.

    Raises
    ------
    ReadingError
        If the text does not have this form.

    Examples
    --------
    >>> call = read_family_call("negative_binomial(3/2)")
    >>> call.name, resolve(call.arguments[0])
    ('negative-binomial', 3/2)
    >>> read_family_call("inverse-gaussian").arguments
    ()

    """
    require_text(text, what)
    match = _FAMILY.match(text)
    if match is None:
        raise _family_refusal(text, what)
    start, end = match.span(1)
    name = match[1].replace("_", "-")
    if not match[2]:
        return Call(name, (), text, start, end)
    try:
        call = parse_call(text[:start] + match[1].replace("-", "_") + text[end:], what)
    except ReadingError as error:
        raise ReadingError(error.message, text, error.start, error.end) from None
    return replace(call, name=name, text=text, arguments=tuple(_moved(a, text) for a in call.arguments))


def resolve(argument: Argument, names: Mapping[str, sympy.Expr] | None = None, unknown: Unknown | None = None) -> Any:
    """Return what an argument of a call states: an expression, a list, or a dict, nested as it was written.

    Parameters
    ----------
    argument
        An argument of a `Call`.
    names, unknown
        The meaning of names: the mapping, then the constants pi and E, then what `unknown` makes of them.

    Returns
    -------
    sympy.Expr, list or dict
        Exact expressions; the entries of lists and both sides of mappings likewise.

    Raises
    ------
    ReadingError
        If an expression is refused, or a mapping has a key twice or a key that is no expression.

    Examples
    --------
    >>> [resolve(argument) for argument in read_call("Finite({-1: 1/4, 1: 3/4})").arguments]
    [{-1: 1/4, 1: 3/4}]

    """
    value: Any = argument.value
    if argument.kind == "expression":
        return evaluate(value, Scope(argument.text, names or {}, unknown))
    if argument.kind == "list":
        return [resolve(item, names, unknown) for item in value]
    resolved: dict[Any, Any] = {}
    for key_argument, item in value:
        if key_argument.kind != "expression":
            raise key_argument.refusal("the key of a mapping is one expression")
        key = resolve(key_argument, names, unknown)
        if key in resolved:
            raise key_argument.refusal(f"{key} is given twice")
        resolved[key] = resolve(item, names, unknown)
    return resolved


def _family_refusal(text: str, what: str) -> ReadingError:
    name = re.match(rf"[{BLANK}]*([A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*)?[{BLANK}]*", text)
    position = min(name.end() if name else 0, len(text) - 1)
    return ReadingError(
        f"{text[position]!r} does not fit here in the {what}: "
        "write a name such as inverse-gaussian, or a name and its number such as negative-binomial(3/2)",
        text,
        position,
    )


def _moved(argument: Argument, text: str) -> Argument:
    """Return the same argument as part of another text in which it has the same span."""
    value: Any = argument.value
    if argument.kind == "list":
        value = tuple(_moved(item, text) for item in value)
    elif argument.kind == "mapping":
        value = tuple((_moved(key, text), _moved(item, text)) for key, item in value)
    return replace(argument, text=text, value=value)
