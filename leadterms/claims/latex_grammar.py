r"""The grammar of researchers' LaTeX, and the trees that it gives: nothing is resolved here.

TeX has no numbers, names or function calls, only characters with scripts: ``\sinh^2(\beta_1)`` is a sequence of two
items. What the items mean together depends on the model, and is settled in `leadterms.claims.sequences`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from leadterms.reading.grammar import Language

ItemKind = Literal["digit", "letter", "command", "word", "group", "fraction", "root"]
ScriptKind = Literal["power", "sub", "prime", "true"]


@dataclass(frozen=True)
class Sum:
    """Products with their signs; ``signs`` holds one of ``"+"`` and ``"-"`` for each product."""

    products: tuple[Product, ...]
    signs: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Product:
    """Sequences joined by ``"/"`` or ``"*"``; one operator fewer than sequences."""

    sequences: tuple[tuple[Item, ...], ...]
    operators: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Script:
    """What stands raised or lowered behind an item: a power, a subscript, primes, or the 0 of a true value."""

    kind: ScriptKind
    start: int
    end: int
    leaf: str = ""
    value: Sum | None = None


@dataclass(frozen=True)
class Item:
    """A character, a command, a word, a group, a fraction or a root, with its scripts.

    ``leaf`` holds the text, for a group its opening bracket; ``parts`` what a group, fraction or root contains.
    """

    kind: ItemKind
    start: int
    end: int
    leaf: str = ""
    parts: tuple[Sum, ...] = ()
    scripts: tuple[Script, ...] = ()

    @property
    def bare_end(self) -> int:
        """Where the item ends without its scripts."""
        return self.scripts[0].start if self.scripts else self.end


_WRAPPERS = "mathrm|mathsf|mathtt|mathbb|text|textrm|textsf|textit|textbf|mbox|hbox|operatorname\\*?"
WORD = (
    rf"\\(?:{_WRAPPERS})\s*(?:\{{[^{{}}]*\}}|[A-Za-z](?![A-Za-z]))"
    r"|(?:Var|Cov|expit|logit|sinh|cosh|tanh|exp|log|ln)(?![a-z])"
)
"""Letters that stand together: in an upright font, or a function's name without its backslash."""

_INSIDE = r"(?:[^{}]|\{[^{}]*\})*"

_GRAMMAR = rf"""
claim: content
?content: sum
        | sum OVER sum -> over
sum: SIGN? product (SIGN product)*
product: sequence ((TIMES | SLASH) sequence)*
sequence: item+
item: base script*
base: DIGIT -> digit
    | NAME -> letter
    | COMMAND -> command
    | WORD -> word
    | FRACTION argument argument -> fraction
    | ROOT argument -> root
    | ROOT LSQB sum RSQB argument -> root
    | LBRACE content RBRACE -> group
    | LCURL content (COMMA content)* RCURL -> group
    | LPAR content (COMMA content)* RPAR -> group
    | LSQB content (COMMA content)* RSQB -> group
argument: LBRACE content RBRACE -> enclosed
        | DIGIT -> short_digit
        | NAME -> short_letter
        | COMMAND -> short_command
script: SUP argument -> power
      | SUB -> sub
      | PRIME -> prime
      | TRUE -> true
FRACTION.5: /\\(?:[tdc]?frac|nicefrac|sfrac)(?![A-Za-z])/
ROOT.5: /\\sqrt(?![A-Za-z])/
OVER.5: /\\over(?![A-Za-z])/
TIMES.5: /\\(?:cdot|times|ast)(?![A-Za-z])|\*/
WORD.4: /{WORD}/
COMMAND.1: /\\[A-Za-z]+/
TRUE.3: /\^\s*(?:0(?![0-9.])|\{{\s*(?:0|\\circ)\s*\}}|\\circ(?![A-Za-z]))/
PRIME.3: /'+|\^\s*(?:\\prime(?![A-Za-z])|\{{\s*(?:\\prime\s*)+[0-9]*\s*\}})/
SUB: /_\s*(?:\{{{_INSIDE}\}}|\\[A-Za-z]+(?:\s*\{{[^{{}}]*\}})?|[A-Za-z0-9])/
SUP: "^"
SIGN: "+" | "-"
SLASH: "/"
DIGIT: /[0-9]|\.(?=[0-9])|(?<=[0-9])\./
NAME: /[A-Za-z]/
LCURL: "\\{{"
RCURL: "\\}}"
LBRACE: "{{"
RBRACE: "}}"
LPAR: "("
RPAR: ")"
LSQB: "["
RSQB: "]"
COMMA: ","
%ignore /[ \t\r\n\f]+/
"""


class _Builder:
    """Makes the trees, bottom-up, while the text is parsed."""

    def claim(self, children: list[Any]) -> Sum:
        return children[0]  # type: ignore[no-any-return]

    def over(self, children: list[Any]) -> Sum:
        above, _, below = children
        item = Item("fraction", above.start, below.end, "\\over", (above, below))
        return _sum_of(item)

    def sum(self, children: list[Any]) -> Sum:
        signs: list[str] = []
        products: list[Product] = []
        for child in children:
            if isinstance(child, Product):
                products.append(child)
                signs.extend(["+"] if len(signs) < len(products) else [])
            else:
                signs.append(str(child))
        start = products[0].start if isinstance(children[0], Product) else children[0].start_pos
        return Sum(tuple(products), tuple(signs), start, products[-1].end)

    def product(self, children: list[Any]) -> Product:
        sequences = tuple(children[::2])
        operators = tuple("/" if token.type == "SLASH" else "*" for token in children[1::2])
        return Product(sequences, operators, sequences[0][0].start, sequences[-1][-1].end)

    def sequence(self, children: list[Any]) -> tuple[Item, ...]:
        return tuple(children)

    def item(self, children: list[Any]) -> Item:
        base, *scripts = children
        item: Item = replace(base, scripts=tuple(scripts), end=scripts[-1].end) if scripts else base
        return item

    def digit(self, children: list[Any]) -> Item:
        return _leaf("digit", children[0])

    def letter(self, children: list[Any]) -> Item:
        return _leaf("letter", children[0])

    def command(self, children: list[Any]) -> Item:
        return _leaf("command", children[0])

    def word(self, children: list[Any]) -> Item:
        return _leaf("word", children[0])

    def fraction(self, children: list[Any]) -> Item:
        token, above, below = children
        return Item("fraction", token.start_pos, below[1], str(token), (above[0], below[0]))

    def root(self, children: list[Any]) -> Item:
        token, *index, (radicand, end) = children
        parts = (radicand, *(part for part in index if isinstance(part, Sum)))
        return Item("root", token.start_pos, end, str(token), parts)

    def group(self, children: list[Any]) -> Item:
        opening, closing = children[0], children[-1]
        parts = tuple(part for part in children if isinstance(part, Sum))
        return Item("group", opening.start_pos, closing.end_pos, str(opening), parts)

    def enclosed(self, children: list[Any]) -> tuple[Sum, int]:
        _, content, closing = children
        return content, closing.end_pos

    def short_digit(self, children: list[Any]) -> tuple[Sum, int]:
        return _sum_of(_leaf("digit", children[0])), children[0].end_pos

    def short_letter(self, children: list[Any]) -> tuple[Sum, int]:
        return _sum_of(_leaf("letter", children[0])), children[0].end_pos

    def short_command(self, children: list[Any]) -> tuple[Sum, int]:
        return _sum_of(_leaf("command", children[0])), children[0].end_pos

    def power(self, children: list[Any]) -> Script:
        token, (value, end) = children
        return Script("power", token.start_pos, end, "", value)

    def sub(self, children: list[Any]) -> Script:
        return Script("sub", children[0].start_pos, children[0].end_pos, str(children[0])[1:])

    def prime(self, children: list[Any]) -> Script:
        return Script("prime", children[0].start_pos, children[0].end_pos, str(children[0]))

    def true(self, children: list[Any]) -> Script:
        return Script("true", children[0].start_pos, children[0].end_pos)


def _leaf(kind: ItemKind, token: Any) -> Item:
    return Item(kind, token.start_pos, token.end_pos, str(token))


def _sum_of(item: Item) -> Sum:
    return Sum((Product(((item,),), (), item.start, item.end),), ("+",), item.start, item.end)


_SPECIAL = {
    "_": "a subscript needs a symbol in front of it",
    "^": "a superscript needs something in front of it; a second one needs brackets, as in (\\beta_1^0)^2",
    "'": "a prime needs a symbol in front of it",
}


def _hint(kind: str, found: str, expected: frozenset[str]) -> str | None:
    if kind == "COMMA":
        return "a comma does not fit here: numbers have decimal points, as in 0.34, and no other separators"
    if kind in ("SIGN", "TIMES", "SLASH"):
        return f"two operators follow each other, or an operand is missing before {found!r}"
    if kind == "TRUE":
        return "a superscript 0 needs one parameter in front of it, and no second superscript"
    return _SPECIAL.get(found[:1])


LANGUAGE = Language(
    grammar=_GRAMMAR,
    starts=("claim",),
    builder=_Builder(),
    words={
        "DIGIT": "a number",
        "NAME": "a symbol",
        "COMMAND": "a symbol",
        "SIGN": "an operator",
        "TIMES": "an operator",
        "RPAR": "')'",
        "RSQB": "']'",
        "RBRACE": "'}'",
        "RCURL": "'\\}'",
        "LBRACE": "'{'",
    },
    hint=_hint,
)
"""The language of formulas in LaTeX; it is compiled when it first reads."""
