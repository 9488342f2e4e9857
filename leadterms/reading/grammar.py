"""Small languages: a lark grammar compiled at its first use, and errors that point at the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from leadterms.errors import LeadtermsError, ReadingError

MAX_LENGTH = 10_000
"""Longest text that is read."""

MAX_BRACKETS = 50
"""Deepest nesting of brackets."""

BLANK = " \t\r\n\f"
"""The characters between tokens that mean nothing."""

_CLOSING = {"(": ")", "[": "]", "{": "}"}

Hint = Callable[[str, str, frozenset[str]], "str | None"]
"""From the kind of a token, its text and the kinds expected to a message, or None for the usual one."""


@dataclass(frozen=True)
class Language:
    """A grammar, what builds its results, and the words that its errors use.

    Parameters
    ----------
    grammar
        The grammar in lark's notation (LALR, contextual lexer).
    starts
        The rules that a text may be read as.
    builder
        An object with one method per rule, which gets the children of the rule in a list.
    words
        For each terminal, how an error message calls it.
    hint
        Messages of the language's own for some tokens.

    """

    grammar: str
    starts: tuple[str, ...]
    builder: Any
    words: Mapping[str, str]
    hint: Hint = lambda kind, token, expected: None

    @cached_property
    def _parser(self) -> Any:
        from lark import Lark

        return Lark(
            self.grammar,
            start=list(self.starts),
            parser="lalr",
            lexer="contextual",
            transformer=self.builder,
            maybe_placeholders=False,
        )

    def parse(self, text: str, start: str, what: str) -> Any:
        """Read ``text`` as the rule ``start``.

        Parameters
        ----------
        text
            The text; its characters are the positions in errors.
        start
            One of the rules in ``starts``.
        what
            The name of the text in errors, such as "expression".

        Returns
        -------
        Any
            What the builder makes of the rule.

        Raises
        ------
        ReadingError
            If the text does not follow the grammar; the caret shows the first token that does not fit.

        """
        from lark.exceptions import UnexpectedCharacters, UnexpectedToken

        check_brackets(text)
        try:
            return self._parser.parse(text, start=start)
        except UnexpectedToken as error:
            token, expected = error.token, frozenset(error.accepts or error.expected)
            if token.type == "$END":
                position = len(text.rstrip(BLANK))
                span, kind, found = (position, position + 1), "", ""
            else:
                span, kind, found = (token.start_pos, token.end_pos), token.type, str(token)
        except UnexpectedCharacters as error:
            raise unreadable_character(text, error.pos_in_stream) from None
        if found and not found.isascii():
            raise unreadable_character(text, span[0]) from None
        raise ReadingError(self._message(kind, found, expected, what), text, *span) from None

    def _message(self, kind: str, found: str, expected: frozenset[str], what: str) -> str:
        special = self.hint(kind, found, expected)
        if special is not None:
            return special
        words = self._alternatives(expected)
        if not kind:
            return f"the {what} ends too early: expected {words}"
        return f"{found!r} does not fit here in the {what}: expected {words}"

    def _alternatives(self, expected: frozenset[str]) -> str:
        operand = "NAME" in expected
        words = [word for kind, word in self.words.items() if kind in expected and not (operand and kind == "SIGN")]
        if "$END" in expected:
            words.append("the end")
        return alternatives(list(dict.fromkeys(words)))


def alternatives(words: list[str]) -> str:
    """Join words as a person would: a, b or c.

    Examples
    --------
    >>> alternatives(["a number", "a name", "'('"])
    "a number, a name or '('"

    """
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "nothing"


def require_text(text: object, what: str) -> str:
    """Return ``text`` if it is text of a reasonable length that is not blank.

    Raises
    ------
    LeadtermsError
        If it is not a str, or longer than 10,000 characters.
    ReadingError
        If it is blank.

    Examples
    --------
    >>> require_text("x + 1", "expression")
    'x + 1'

    """
    if not isinstance(text, str):
        raise LeadtermsError(f"the {what} was expected as text, not as {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise LeadtermsError(f"the {what} is longer than {MAX_LENGTH} characters")
    if not text.strip(BLANK):
        raise ReadingError(f"the {what} is empty", text, 0)
    return text


def check_brackets(text: str) -> None:
    """Refuse a bracket without its partner.

    Raises
    ------
    ReadingError
        At a closing bracket that closes nothing, or else at the innermost bracket that is never closed; and
        at a bracket that is nested too deeply.

    Examples
    --------
    >>> check_brackets("f(x, [1, 2])")

    """
    opened: list[int] = []
    for position, character in enumerate(text):
        if character in _CLOSING:
            opened.append(position)
            if len(opened) > MAX_BRACKETS:
                raise ReadingError(f"brackets are nested more than {MAX_BRACKETS} deep", text, position)
        elif character in _CLOSING.values():
            if not opened:
                raise ReadingError(f"unbalanced brackets: this {character!r} closes nothing", text, position)
            wanted = _CLOSING[text[opened.pop()]]
            if character != wanted:
                raise ReadingError(
                    f"unbalanced brackets: {wanted!r} was expected before this {character!r}", text, position
                )
    if opened:
        raise ReadingError(f"unbalanced brackets: this {text[opened[-1]]!r} is never closed", text, opened[-1])


def unreadable_character(text: str, position: int) -> ReadingError:
    """Return the error for a character that no token starts with."""
    character = text[position]
    if character.isascii() and character.isprintable():
        return ReadingError(f"the character {character!r} is not read here", text, position)
    return ReadingError(
        f"the character {character!r} (U+{ord(character):04X}) is not read: names, digits and signs are plain ASCII",
        text,
        position,
    )
