"""The machinery of the small languages: laziness, brackets, blank or odd texts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadterms.errors import LeadtermsError, ReadingError
from leadterms.reading.grammar import (
    MAX_BRACKETS,
    MAX_LENGTH,
    alternatives,
    check_brackets,
    require_text,
    unreadable_character,
)


def test_import_builds_no_grammar() -> None:
    code = (
        "import sys; import leadterms.reading.expressions, leadterms.model.formula; "
        "from leadterms.reading import syntax, formula_syntax; "
        "assert 'lark' not in sys.modules and 'sympy.stats' not in sys.modules; "
        "assert '_parser' not in vars(syntax.LANGUAGE); "
        "syntax.parse_expression('1'); "
        "first = syntax.LANGUAGE._parser; "
        "leadterms.reading.expressions.read_call('f(1)'); "
        "assert syntax.LANGUAGE._parser is first and '_parser' not in vars(formula_syntax.LANGUAGE)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "caret"),
    [
        ("(x", "^"),
        ("((x)", "^"),
        ("f(x, [1, 2)", "          ^"),
        ("x)", " ^"),
        ("(x]", "  ^"),
        ("{1: 2", "^"),
        ("(" * (MAX_BRACKETS + 1) + ")" * (MAX_BRACKETS + 1), " " * MAX_BRACKETS + "^"),
    ],
)
def test_brackets_without_partner(text: str, caret: str) -> None:
    with pytest.raises(ReadingError, match="bracket") as caught:
        check_brackets(text)
    assert caught.value.caret == caret


@given(st.recursive(st.just("x"), lambda inside: st.builds("({}[{}])".format, inside, inside), max_leaves=8))
def test_balanced_brackets_pass(text: str) -> None:
    check_brackets(text)


def test_removing_one_bracket_is_noticed() -> None:
    text = "f(a, [b, {c: (d)}])"
    for position, character in enumerate(text):
        if character in "()[]{}":
            with pytest.raises(ReadingError):
                check_brackets(text[:position] + text[position + 1 :])


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"]])
def test_not_text(text: object) -> None:
    with pytest.raises(LeadtermsError, match="the formula was expected as text"):
        require_text(text, "formula")


def test_length_and_blank() -> None:
    assert require_text("x" * MAX_LENGTH, "formula") == "x" * MAX_LENGTH
    with pytest.raises(LeadtermsError, match="longer than 10000"):
        require_text("x" * (MAX_LENGTH + 1), "formula")
    for blank in ("", "  ", "\t\n"):
        with pytest.raises(ReadingError, match="the formula is empty") as caught:
            require_text(blank, "formula")
        assert caught.value.caret == "^"


def test_alternatives() -> None:
    assert [alternatives(list("abc"[:count])) for count in range(4)] == [
        "nothing",
        "a",
        "a or b",
        "a, b or c",
    ]


@pytest.mark.parametrize(
    ("text", "position", "part"),
    [
        ("x$", 1, "'$' is not read here"),
        ("\u03b2", 0, "U+03B2"),
        ("x\u00a0", 1, "U+00A0"),
        ("\x00", 0, "U+0000"),
    ],
)
def test_unreadable_character(text: str, position: int, part: str) -> None:
    error = unreadable_character(text, position)
    assert part in error.message
    assert error.caret == " " * position + "^"
