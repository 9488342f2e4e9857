"""The grammar of expressions and calls, and the trees that it gives: nothing is evaluated here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from leadterms.errors import ReadingError
from leadterms.reading.grammar import Language
from leadterms.reading.numbers import DECIMAL

MAX_DEPTH = 50
"""Deepest nesting of the operations in an expression."""

Head = Literal["number", "name", "function", "sum", "product", "power", "negative", "inverse"]


@dataclass(frozen=True)
class Node:
    """An expression that is read but not resolved.

    ``head`` says what it is; ``leaf`` holds the text of a number, a name or a function's name; a difference
    is a sum with negative operands, a quotient a product with inverse ones; ``start`` and ``end`` are the
    span in the text.
    """

    head: Head
    start: int
    end: int
    leaf: str = ""
    operands: tuple[Node, ...] = ()
    depth: int = 1


@dataclass(frozen=True)
class Argument:
    """One argument of a call: an unresolved expression, a list, or a mapping; with its span in ``text``."""

    kind: Literal["expression", "list", "mapping"]
    value: Node | tuple[Argument, ...] | tuple[tuple[Argument, Argument], ...]
    text: str
    start: int
    end: int

    @property
    def source(self) -> str:
        """The argument as it was written."""
        return self.text[self.start : self.end]

    def refusal(self, message: str) -> ReadingError:
        """Return the error with this message and the caret under the argument."""
        return ReadingError(message, self.text, self.start, self.end)


@dataclass(frozen=True)
class Call:
    """A name with arguments, such as ``Uniform(-1, 1)``; ``start`` and ``end`` are the span of the name."""

    name: str
    arguments: tuple[Argument, ...]
    text: str
    start: int
    end: int

    def refusal(self, message: str) -> ReadingError:
        """Return the error with this message and the caret under the name."""
        return ReadingError(message, self.text, self.start, self.end)


_GRAMMAR = rf"""
expression: sum
?sum: product (SIGN product)*
?product: signed (TIMES signed)*
?signed: power | SIGN signed -> negative
?power: atom | atom POWER signed
?atom: NUMBER -> number
     | NAME -> name
     | LPAR sum RPAR -> enclosed
     | NAME LPAR sum ("," sum)* RPAR -> function
call: NAME LPAR [argument ("," argument)*] RPAR
argument: sum
        | LSQB argument ("," argument)* RSQB -> entries
        | LBRACE pair ("," pair)* RBRACE -> mapping
        | NAME EQUAL argument -> keyword
pair: argument ":" argument
SIGN: "+" | "-"
TIMES: "*" | "/"
POWER: "**" | "^"
LPAR: "("
RPAR: ")"
LSQB: "["
RSQB: "]"
LBRACE: "{{"
RBRACE: "}}"
EQUAL: "="
NUMBER: /{DECIMAL}/
NAME: /[A-Za-z_][A-Za-z0-9_.]*/
%ignore /[ \t\r\n\f]+/
"""


@dataclass(frozen=True)
class _Draft:
    """An argument before it knows the text that it stands in."""

    kind: Literal["expression", "list", "mapping", "keyword"]
    value: Any
    start: int
    end: int


class _Builder:
    """Makes nodes and drafts of arguments, bottom-up, while the text is parsed."""

    def expression(self, children: list[Any]) -> Node:
        return children[0]  # type: ignore[no-any-return]

    def number(self, children: list[Any]) -> Node:
        return _leaf("number", children[0])

    def name(self, children: list[Any]) -> Node:
        return _leaf("name", children[0])

    def enclosed(self, children: list[Any]) -> Node:
        opening, node, closing = children
        return _enclosed(node, opening.start_pos, closing.end_pos)

    def function(self, children: list[Any]) -> Node:
        name, _, *operands, closing = children
        return _branch("function", operands, name.start_pos, closing.end_pos, str(name))

    def sum(self, children: list[Any]) -> Node:
        return _chain("sum", children, "-", "negative")

    def product(self, children: list[Any]) -> Node:
        return _chain("product", children, "/", "inverse")

    def negative(self, children: list[Any]) -> Node:
        sign, operand = children
        head: Head = "negative" if sign == "-" else "sum"
        return _branch(head, [operand], sign.start_pos, operand.end)

    def power(self, children: list[Any]) -> Node:
        base, _, exponent = children
        return _branch("power", [base, exponent], base.start, exponent.end)

    def argument(self, children: list[Any]) -> _Draft:
        (node,) = children
        return _Draft("expression", node, node.start, node.end)

    def entries(self, children: list[Any]) -> _Draft:
        opening, *items, closing = children
        return _Draft("list", items, opening.start_pos, closing.end_pos)

    def mapping(self, children: list[Any]) -> _Draft:
        opening, *pairs, closing = children
        return _Draft("mapping", pairs, opening.start_pos, closing.end_pos)

    def pair(self, children: list[Any]) -> tuple[_Draft, _Draft]:
        key, value = children
        return key, value

    def keyword(self, children: list[Any]) -> _Draft:
        name, equal, value = children
        return _Draft("keyword", value, name.start_pos, equal.end_pos)

    def call(self, children: list[Any]) -> tuple[Any, list[_Draft]]:
        name, _, *drafts, _ = children
        return name, drafts


def _leaf(head: Head, token: Any) -> Node:
    return Node(head, token.start_pos, token.end_pos, str(token))


def _enclosed(node: Node, start: int, end: int) -> Node:
    """Widen the span of a composite expression to its parentheses."""
    leaf = node.head in ("number", "name", "function")
    return node if leaf else replace(node, start=start, end=end)


def _branch(head: Head, operands: list[Node], start: int, end: int, leaf: str = "") -> Node:
    depth = 1 + max(operand.depth for operand in operands)
    return Node(head, start, end, leaf, tuple(operands), depth)


def _chain(head: Head, children: list[Any], opposite: str, reversal: Head) -> Node:
    """Make one flat node of operands and the signs between them."""
    first, *rest = children
    operands = [first]
    for sign, operand in zip(rest[::2], rest[1::2], strict=True):
        turned = _branch(reversal, [operand], operand.start, operand.end) if sign == opposite else operand
        operands.append(turned)
    return _branch(head, operands, first.start, operands[-1].end)


def _hint(kind: str, found: str, expected: frozenset[str]) -> str | None:
    if kind == "EQUAL":
        return "'=' does not fit here: arguments are given by position, and a comparison is no expression"
    return None


LANGUAGE = Language(
    grammar=_GRAMMAR,
    starts=("expression", "call"),
    builder=_Builder(),
    words={
        "NUMBER": "a number",
        "NAME": "a name",
        "LPAR": "'('",
        "LSQB": "'['",
        "LBRACE": "'{'",
        "SIGN": "an operator",
        "TIMES": "an operator",
        "POWER": "an operator",
        "COMMA": "','",
        "COLON": "':'",
        "RPAR": "')'",
        "RSQB": "']'",
        "RBRACE": "'}'",
    },
    hint=_hint,
)
"""The language of expressions and calls; it is compiled when it first reads."""


def parse_expression(text: str, what: str = "expression") -> Node:
    """Read an expression as a tree, resolving nothing.

    Raises
    ------
    ReadingError
        If the text does not follow the grammar, or is nested too deeply.

    Examples
    --------
    >>> parse_expression("2*x").head
    'product'

    """
    node: Node = LANGUAGE.parse(text, "expression", what)
    return _shallow(node, text)


def parse_call(text: str, what: str = "call") -> Call:
    """Read a call such as ``Uniform(-1, 1)`` as a record, resolving nothing.

    Raises
    ------
    ReadingError
        If the text does not follow the grammar, is nested too deeply, or names its arguments.

    Examples
    --------
    >>> [argument.source for argument in parse_call("Uniform(-1, 1)").arguments]
    ['-1', '1']

    """
    name, drafts = LANGUAGE.parse(text, "call", what)
    arguments = tuple(_argument(draft, text) for draft in drafts)
    return Call(str(name), arguments, text, name.start_pos, name.end_pos)


def _argument(draft: _Draft, text: str) -> Argument:
    match draft.kind:
        case "keyword":
            raise ReadingError(
                "arguments are given by position, without names: Normal(0, 1), not Normal(mu=0, std=1)",
                text,
                draft.start,
                draft.end,
            )
        case "expression":
            value: Any = _shallow(draft.value, text)
        case "list":
            value = tuple(_argument(item, text) for item in draft.value)
        case "mapping":
            value = tuple((_argument(key, text), _argument(item, text)) for key, item in draft.value)
    return Argument(draft.kind, value, text, draft.start, draft.end)


def _shallow(node: Node, text: str) -> Node:
    if node.depth > MAX_DEPTH:
        raise ReadingError(f"this is nested more than {MAX_DEPTH} deep", text, node.start, node.end)
    return node
