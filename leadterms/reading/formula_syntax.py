"""The grammar of lme4-style formulas and its trees; `leadterms.model.formula` says what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from leadterms.errors import ReadingError
from leadterms.reading.grammar import BLANK, Language, require_text

Head = Literal["name", "number", "dot", "call", "sum", "product", "interaction", "power", "random"]


@dataclass(frozen=True)
class FormulaNode:
    """A piece of a formula with its span.

    ``leaf`` is the text of a name or number, the name of a call, the signs of a sum (one per operand), the
    ``*`` and ``/`` of a product, the exponent of a power, or the bar of a random term. ``inner`` is the span
    of what stands in the parentheses of a call, or of the bar. ``cells`` are the names of a grouping:
    ``a/b:c`` is ((a,), (b, c)).
    """

    head: Head
    start: int
    end: int
    leaf: str = ""
    operands: tuple[FormulaNode, ...] = ()
    inner: tuple[int, int] = (0, 0)
    cells: tuple[tuple[FormulaNode, ...], ...] = ()


@dataclass(frozen=True)
class FormulaTree:
    """A formula as it was written: text, response, the place of its tilde, and its right-hand side."""

    text: str
    response: str
    tilde: int
    right: FormulaNode


_GRAMMAR = r"""
formula: NAME TILDE sum
?sum: signed (SIGN signed)*
?signed: product | SIGN+ product -> signed
?product: interaction ((STAR | SLASH) interaction)*
?interaction: power (":" power)*
?power: atom | atom POWER NUMBER
?atom: NAME -> name
     | NUMBER -> number
     | DOT -> dot
     | CALL _inside RPAR -> call
     | LPAR sum RPAR -> enclosed
     | LPAR sum BAR grouping RPAR -> random
_inside: (PIECE | LPAR _inside RPAR)*
grouping: cell (SLASH cell)*
cell: NAME (":" NAME)*
TILDE: "~"
SIGN: "+" | "-"
STAR: "*"
SLASH: "/"
POWER: "**" | "^"
LPAR: "("
RPAR: ")"
BAR: "||" | "|"
DOT: "."
NUMBER: /[0-9]+(\.[0-9]*)?|\.[0-9]+/
CALL.2: /[A-Za-z_][A-Za-z0-9_.]*[ \t]*\(/
NAME: /[A-Za-z_][A-Za-z0-9_.]*/
PIECE.-1: /[^()]/
%ignore /[ \t\r\n\f]+/
"""


class _Builder:
    """Makes the nodes, bottom-up, while the text is parsed."""

    def formula(self, children: list[Any]) -> FormulaNode:
        return children[2]  # type: ignore[no-any-return]

    def sum(self, children: list[Any]) -> FormulaNode:
        first, *rest = children
        signs = "+" + "".join(map(str, rest[::2]))
        return _branch("sum", [first, *rest[1::2]], signs)

    def signed(self, children: list[Any]) -> FormulaNode:
        *signs, operand = children
        sign = "-" if sum(token == "-" for token in signs) % 2 else "+"
        return FormulaNode("sum", signs[0].start_pos, operand.end, sign, (operand,))

    def product(self, children: list[Any]) -> FormulaNode:
        first, *rest = children
        return _branch("product", [first, *rest[1::2]], "".join(map(str, rest[::2])))

    def interaction(self, children: list[Any]) -> FormulaNode:
        return _branch("interaction", children, "")

    def power(self, children: list[Any]) -> FormulaNode:
        base, _, exponent = children
        return FormulaNode("power", base.start, exponent.end_pos, str(exponent), (base,))

    def name(self, children: list[Any]) -> FormulaNode:
        return _leaf("name", children[0])

    def number(self, children: list[Any]) -> FormulaNode:
        return _leaf("number", children[0])

    def dot(self, children: list[Any]) -> FormulaNode:
        return _leaf("dot", children[0])

    def call(self, children: list[Any]) -> FormulaNode:
        opening, closing = children[0], children[-1]
        name = str(opening)[:-1].rstrip(BLANK)
        inner = (opening.end_pos, closing.start_pos)
        return FormulaNode("call", opening.start_pos, closing.end_pos, name, inner=inner)

    def enclosed(self, children: list[Any]) -> FormulaNode:
        opening, node, closing = children
        return _enclosed(node, opening.start_pos, closing.end_pos)

    def random(self, children: list[Any]) -> FormulaNode:
        opening, effects, bar, cells, closing = children
        span = (bar.start_pos, bar.end_pos)
        return FormulaNode("random", opening.start_pos, closing.end_pos, str(bar), (effects,), span, cells)

    def grouping(self, children: list[Any]) -> tuple[tuple[FormulaNode, ...], ...]:
        return tuple(children[::2])

    def cell(self, children: list[Any]) -> tuple[FormulaNode, ...]:
        return tuple(_leaf("name", token) for token in children)


def _leaf(head: Head, token: Any) -> FormulaNode:
    return FormulaNode(head, token.start_pos, token.end_pos, str(token))


def _enclosed(node: FormulaNode, start: int, end: int) -> FormulaNode:
    """Widen the span of a composite piece to its parentheses."""
    composite = node.head in ("sum", "product", "interaction", "power")
    return replace(node, start=start, end=end) if composite else node


def _branch(head: Head, operands: list[FormulaNode], leaf: str) -> FormulaNode:
    return FormulaNode(head, operands[0].start, operands[-1].end, leaf, tuple(operands))


def _hint(kind: str, found: str, expected: frozenset[str]) -> str | None:
    """Say what was probably meant, in the terms of a formula."""
    if expected == {"NAME"}:
        return "a grouping factor was expected, as in (1 | g), (1 | a:b) or (1 | a/b)"
    in_grouping = "SLASH" in expected and "STAR" not in expected
    if in_grouping and kind in ("SIGN", "STAR"):
        return "a random term has one grouping, g, a:b or a/b: write (1 | a) + (1 | b) for two"
    if kind == "BAR" and in_grouping:
        return "a random term has one bar: (x | g)"
    if kind == "BAR" and "NAME" in expected:
        return "an effect was expected before the bar, as in (1 | g) or (x | g)"
    if kind == "BAR":
        return "a random term stands in parentheses: (x | g)"
    return None


LANGUAGE = Language(
    grammar=_GRAMMAR,
    starts=("formula",),
    builder=_Builder(),
    words={
        "NAME": "a name",
        "NUMBER": "a number",
        "CALL": "I(...)",
        "LPAR": "'('",
        "SIGN": "an operator",
        "STAR": "an operator",
        "SLASH": "an operator",
        "POWER": "an operator",
        "COLON": "an operator",
        "BAR": "'|'",
        "RPAR": "')'",
    },
    hint=_hint,
)
"""The language of formulas; it is compiled when it first reads."""


def parse_formula(text: str) -> FormulaTree:
    """Read a formula as a tree.

    Parameters
    ----------
    text
        The formula, such as ``y ~ x + (1 | g)``.

    Returns
    -------
    FormulaTree
        The response and the tree of the right-hand side.

    Raises
    ------
    ReadingError
        If the text does not follow the grammar; the caret shows the place.

    Examples
    --------
    >>> tree = parse_formula("y ~ x + (1 | g)")
    >>> tree.response, [operand.head for operand in tree.right.operands]
    ('y', ['name', 'random'])

    """
    require_text(text, "formula")
    tilde = _find_tilde(text)
    response = _read_response(text, tilde)
    if not text[tilde + 1 :].strip(BLANK):
        raise ReadingError(
            f"the right-hand side is empty: write {response} ~ 1 for an intercept alone", text, tilde + 1
        )
    return FormulaTree(text, response, tilde, LANGUAGE.parse(text, "formula", "formula"))


def _find_tilde(text: str) -> int:
    tilde = text.find("~")
    if tilde < 0:
        place = len(text.rstrip(BLANK))
        raise ReadingError("a formula needs '~' between its response and its terms: y ~ x", text, place)
    second = text.find("~", tilde + 1)
    if second >= 0:
        raise ReadingError("a formula has one '~' only", text, second)
    return tilde


def _read_response(text: str, tilde: int) -> str:
    left = text[:tilde]
    response = left.strip(BLANK)
    if not response:
        raise ReadingError("the response is missing: write its name before '~', as in y ~ x", text, tilde)
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", response):
        return response
    start = left.index(response)
    message = "the response is one name, as in y ~ x"
    if re.match(r"[A-Za-z_][A-Za-z0-9_.]*[ \t]*\(", response):
        message = "a transformed response is not covered: name the response itself and state its family and link"
    raise ReadingError(message, text, start, start + len(response))
