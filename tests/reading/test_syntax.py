"""The grammar of expressions and calls: trees, spans, and the caret at the first token that does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterms.errors import ReadingError
from leadterms.reading.syntax import MAX_DEPTH, Node, parse_call, parse_expression


def shown(node: Node) -> object:
    """Return a tree as nested tuples."""
    return node.leaf if not node.operands else (node.head, *map(shown, node.operands))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", "a"),
        ("a - b + c", ("sum", "a", ("negative", "b"), "c")),
        ("a/b*c", ("product", "a", ("inverse", "b"), "c")),
        ("-a^b^c", ("negative", ("power", "a", ("power", "b", "c")))),
        ("a**-b", ("power", "a", ("negative", "b"))),
        ("a*-b", ("product", "a", ("negative", "b"))),
        ("(a+b)*c", ("product", ("sum", "a", "b"), "c")),
        ("a + b*c", ("sum", "a", ("product", "b", "c"))),
        ("lambda", "lambda"),
    ],
)
def test_trees(text: str, tree: object) -> None:
    assert shown(parse_expression(text)) == tree


def test_spans_are_those_of_the_text() -> None:
    text = " 2*( x + f(1.5, z) ) ^ 3"
    found: dict[str, str] = {}

    def visit(node: Node) -> None:
        found[node.head] = text[node.start : node.end]
        for operand in node.operands:
            visit(operand)

    visit(parse_expression(text))
    assert found["product"] == text[1:]
    assert found["power"] == "( x + f(1.5, z) ) ^ 3"
    assert found["sum"] == "( x + f(1.5, z) )"
    assert found["function"] == "f(1.5, z)"


BAD_EXPRESSIONS = [
    ("x +", "   ^", "ends too early: expected a number, a name or '('"),
    ("x +  ", "   ^", "ends too early"),
    ("x 2", "  ^", "'2' does not fit here in the expression"),
    ("2x", " ^", "'x' does not fit here"),
    ("1_000", " ^^^^", "'_000' does not fit here"),
    ("1e", " ^", "expected an operator or the end"),
    ("1..2", "  ^^", "'.2' does not fit here"),
    ("* x", "^", "'*' does not fit here"),
    ("x * / z", "    ^", "expected a number, a name or '('"),
    ("()", " ^", "')' does not fit here"),
    ("sqrt()", "     ^", "')' does not fit here"),
    ("x == 1", "  ^", "a comparison is no expression"),
    ("x, z", " ^", "',' does not fit here"),
    ("x[0]", " ^", "'[' does not fit here"),
    ("[1]", "^", "'[' does not fit here"),
    ("{1: 2}", "^", "'{' does not fit here"),
    ("lambda: 1", "      ^", "':' does not fit here"),
    ("__import__('os')", "           ^", 'the character "\'" is not read'),
    ("x; z", " ^", "';'"),
    ("x @ z", "  ^", "'@'"),
    ("x if z", "  ^^", "'if' does not fit here"),
    ("\u03b2 + 1", "^", "U+03B2"),
    ("x \u2212 1", "  ^", "U+2212"),
    ("x\u00a0+ 1", " ^", "U+00A0"),
    ("\u0663", "^", "U+0663"),
    ("x\u00b2", " ^", "U+00B2"),
    ("(x", "^", "never closed"),
    ("x)", " ^", "closes nothing"),
    ("-" * 60 + "x", "^" * 61, "nested more than 50 deep"),
    ("x**" * 60 + "x", "^" * 181, "nested more than 50 deep"),
]


@pytest.mark.parametrize(("text", "caret", "message"), BAD_EXPRESSIONS, ids=[b[0][:16] for b in BAD_EXPRESSIONS])
def test_bad_expression(text: str, caret: str, message: str) -> None:
    with pytest.raises(ReadingError) as caught:
        parse_expression(text)
    assert caught.value.caret == caret
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_depth_just_allowed() -> None:
    assert parse_expression("-" * (MAX_DEPTH - 1) + "x").depth == MAX_DEPTH


def test_arguments() -> None:
    text = " f( 1/4, [a, [b]] ,{-1: 1/4, 0: c})"
    call = parse_call(text)
    assert (call.name, text[call.start : call.end]) == ("f", "f")
    assert [argument.kind for argument in call.arguments] == ["expression", "list", "mapping"]
    assert [argument.source for argument in call.arguments] == ["1/4", "[a, [b]]", "{-1: 1/4, 0: c}"]
    nested = call.arguments[1].value
    assert isinstance(nested, tuple)
    assert [item.kind for item in nested] == ["expression", "list"]  # type: ignore[union-attr]
    assert call.refusal("no such law").caret == " ^"
    assert call.arguments[0].refusal("no such value").caret == "    ^^^"


BAD_CALLS = [
    ("Uniform", "       ^", "expected '('"),
    ("Uniform(1, )", "           ^", "')' does not fit here"),
    ("Uniform(, 1)", "        ^", "',' does not fit here"),
    ("Uniform(1 2)", "          ^", "',' or ')'"),
    ("Uniform(1) + 2", "           ^", "expected the end"),
    ("Uniform(-1, 1", "       ^", "never closed"),
    ("-Uniform(1)", "^", "expected a name"),
    ("3(1)", "^", "expected a name"),
    ("f([])", "   ^", "']' does not fit here"),
    ("f({})", "   ^", "'}' does not fit here"),
    ("f({1})", "    ^", "expected ':'"),
    ("f({1: 2: 3})", "       ^", "':' does not fit here"),
    ("f([1] + 2)", "      ^", "'+' does not fit here"),
    ("f(1: 2)", "   ^", "':' does not fit here"),
    ("Normal(mu=0, std=1)", "       ^^^", "given by position"),
    ("Normal(0, std = 1)", "          ^^^^^", "given by position"),
    ("f([a=1])", "   ^^", "given by position"),
    ("f(1=2)", "   ^", "given by position"),
]


@pytest.mark.parametrize(("text", "caret", "message"), BAD_CALLS)
def test_bad_call(text: str, caret: str, message: str) -> None:
    with pytest.raises(ReadingError) as caught:
        parse_call(text)
    assert caught.value.caret == caret
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@settings(deadline=None)
@given(st.text(st.sampled_from("xz12.,:=+-*/^()[]{} e_\u03b2'"), max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_expression, parse_call):
        error = None
        try:
            parse(text)
        except ReadingError as refusal:
            error = refusal
        if error is not None:
            assert 0 <= error.start <= len(text)
            assert error.end <= max(len(text), error.start + 1)
