"""Formulas as trees: precedence, spans, and laziness of what is not read here."""

from __future__ import annotations

import pytest

from leadterms.errors import ReadingError
from leadterms.reading.formula_syntax import FormulaNode, parse_formula


def shown(node: FormulaNode) -> object:
    """Return a tree as nested tuples."""
    return (node.head, node.leaf, *map(shown, node.operands)) if node.operands else node.leaf


@pytest.mark.parametrize(
    ("right", "tree"),
    [
        ("a", "a"),
        ("a + b - c", ("sum", "++-", "a", "b", "c")),
        ("-a + b", ("sum", "++", ("sum", "-", "a"), "b")),
        ("a - - b", ("sum", "+-", "a", ("sum", "-", "b"))),
        ("a*b/c", ("product", "*/", "a", "b", "c")),
        ("a*b:c", ("product", "*", "a", ("interaction", "", "b", "c"))),
        ("a:b^2", ("interaction", "", "a", ("power", "2", "b"))),
        ("(a+b)**3", ("power", "3", ("sum", "++", "a", "b"))),
        ("((a))", "a"),
    ],
)
def test_precedence(right: str, tree: object) -> None:
    assert shown(parse_formula(f"y ~ {right}").right) == tree


def test_spans() -> None:
    text = " y ~ I( f(x) , (z) ) + ( a*b )^2 + (1 + x || g:h/k)"
    tree = parse_formula(text)
    assert (tree.text, tree.response, tree.tilde) == (text, "y", 3)
    call, power, random = tree.right.operands
    assert (call.leaf, text[slice(*call.inner)]) == ("I", " f(x) , (z) ")
    assert text[power.start : power.end] == "( a*b )^2"
    assert text[power.operands[0].start : power.operands[0].end] == "( a*b )"
    assert (random.leaf, text[slice(*random.inner)]) == ("||", "||")
    assert [[name.leaf for name in cell] for cell in random.cells] == [["g", "h"], ["k"]]
    assert text[random.cells[1][0].start] == "k"


def test_lines_and_tabs_are_blanks() -> None:
    tree = parse_formula("y\n~\n a\t+ b \r\n")
    assert shown(tree.right) == ("sum", "++", "a", "b")


def test_names_may_hold_dots_and_underscores() -> None:
    tree = parse_formula("log.y ~ x.1 + _z.a_2")
    assert (tree.response, shown(tree.right)) == ("log.y", ("sum", "++", "x.1", "_z.a_2"))


def test_inside_of_a_call_is_not_read_here() -> None:
    assert parse_formula("y ~ f($, #, (%))").right.leaf == "f"
    with pytest.raises(ReadingError, match="does not fit"):
        parse_formula("y ~ $")
