"""Formulas: R's rules by hand, the package formulae as an independent reader, and each refusal at its place.

formulae differs from R in ways that are left out of the comparison: it keeps the order of the text (R sorts
by degree, the intercept first), takes ``b:a`` and ``a:b`` for two terms (for R they are one), reads
``(a + b)*(a + b)`` as ``a + b`` (R adds ``a:b``) and ``(a + b)/(c:(d + e))`` as ``(a + b)/(c + d + e)``, and
does not know ``^``, ``||`` and ``(x - 1 | g)``. Where they differ, R is followed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterms.errors import LeadtermsError, ReadingError
from leadterms.model.formula import FixedTerm, Formula, read_formula

x, x1, x2 = sympy.symbols("x x1 x2", real=True)

Effects = frozenset[frozenset[str]]
Description = Callable[[str], Any]


@pytest.fixture(scope="module")
def describe() -> Description:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from formulae import model_description  # type: ignore[import-untyped]
    return model_description  # type: ignore[no-any-return]


def names(formula: Formula) -> list[str]:
    return [term.name for term in formula.terms]


# Right-hand sides and what R's terms() gives: the intercept if it is there, then attr(, "term.labels").
IN_R = [
    ("1", "1"),
    ("x", "1 x"),
    ("0 + x", "x"),
    ("x - 1", "x"),
    ("x + 0", "x"),
    ("-1 + x", "x"),
    ("-1 + x + 1", "1 x"),
    ("1 + x - 1", "x"),
    ("x - -1", "1 x"),
    ("x - 0", "1 x"),
    ("x + -1", "x"),
    ("a - (b - 1)", "1 a"),
    ("0", ""),
    ("x - x", "1"),
    ("x - x - 1", ""),
    ("x - x + x", "1 x"),
    ("-x + z", "1 z"),
    ("+x + +z", "1 x z"),
    ("x + x", "1 x"),
    ("x:x", "1 x"),
    ("x*x", "1 x"),
    ("a:b + a + b", "1 a b a:b"),
    ("x1*x2 + x3", "1 x1 x2 x3 x1:x2"),
    ("a + b:a", "1 a a:b"),
    ("b:a + a", "1 a b:a"),
    ("a:b + b:a", "1 a:b"),
    ("a*b - b:a", "1 a b"),
    ("a*b - a", "1 b a:b"),
    ("a*b - c", "1 a b a:b"),
    ("a*b*c", "1 a b c a:b a:c b:c a:b:c"),
    ("a*b*c - a:b:c", "1 a b c a:b a:c b:c"),
    ("(a + b + c)^2", "1 a b c a:b a:c b:c"),
    ("(a + b + c)**2 - a:b", "1 a b c a:c b:c"),
    ("(a + b)^9", "1 a b a:b"),
    ("(a + b)^1", "1 a b"),
    ("(a*b + c)^2", "1 a b c a:b a:c b:c a:b:c"),
    ("a/b", "1 a a:b"),
    ("a/b/c", "1 a a:b a:b:c"),
    ("a/(b + c)", "1 a a:b a:c"),
    ("(a + b)/c", "1 a b a:b:c"),
    ("(a + b):(c + d)", "1 a:c a:d b:c b:d"),
    ("c:(a + b)", "1 c:a c:b"),
    ("a*b:c", "1 a b:c a:b:c"),
    ("(a - b + c)*d", "1 a c d a:d c:d"),
    ("a + (b + (c - 1))", "a b c"),
    ("a.b + _c", "1 a.b _c"),
    ("x + I(x^2) + I( x ** 2 )", "1 x I(x**2)"),
    ("z*I(x*2)", "1 z I(x*2) z:I(x*2)"),
]


@pytest.mark.parametrize(("right", "expected"), IN_R)
def test_terms_are_those_of_r(right: str, expected: str) -> None:
    assert names(read_formula(f"y ~ {right}")) == expected.split()


def test_expressions() -> None:
    formula = read_formula("y ~ x1*x2 + I(x1^2) + I(exp(x)/2):x1 + (I(log(x2)) | g)")
    assert [term.expression for term in formula.terms] == [1, x1, x2, x1**2, x1 * x2, x1 * sympy.exp(x) / 2]
    assert [term.expression for term in formula.random[0].terms] == [1, sympy.log(x2)]
    assert formula.variables == ("x1", "x2", "x")


# Random parts: effects, grouping, correlated.
RANDOM = [
    ("(1 | g)", [("1", "g", True)]),
    ("(x | g)", [("1 x", "g", True)]),
    ("(1 + x1 | g)", [("1 x1", "g", True)]),
    ("(0 + x | g)", [("x", "g", True)]),
    ("(x - 1 | g)", [("x", "g", True)]),
    ("(-1 + x | g)", [("x", "g", True)]),
    ("(x || g)", [("1 x", "g", False)]),
    ("(x1*x2 | g)", [("1 x1 x2 x1:x2", "g", True)]),
    ("(x1*x2 - x1 || g)", [("1 x2 x1:x2", "g", False)]),
    ("((1 + x) | g)", [("1 x", "g", True)]),
    ("((1 | g))", [("1", "g", True)]),
    ("(1 | a:b)", [("1", "a:b", True)]),
    ("(1 | a/b)", [("1", "a", True), ("1", "a:b", True)]),
    ("(x || a/b/c)", [("1 x", "a", False), ("1 x", "a:b", False), ("1 x", "a:b:c", False)]),
    ("(1 | a:b/c)", [("1", "a:b", True), ("1", "a:b:c", True)]),
    ("(1 | a) + (1 | b)", [("1", "a", True), ("1", "b", True)]),
    ("(1 | g) + (0 + x | g)", [("1", "g", True), ("x", "g", True)]),
    ("(1 | b) + x + (1 | a)", [("1", "b", True), ("1", "a", True)]),
    ("x + (z + (1 | g))", [("1", "g", True)]),
    ("(x2:x1 | g)", [("1 x2:x1", "g", True)]),
    ("(x2:x1 | g) + x1*x2", [("1 x1:x2", "g", True)]),  # the fixed part says how a term is called
    ("x + (1 | x)", [("1", "x", True)]),  # a grouping that is a predictor too: the model decides
]


@pytest.mark.parametrize(("right", "expected"), RANDOM)
def test_random_terms(right: str, expected: list[tuple[str, str, bool]]) -> None:
    found = [
        (" ".join(term.name for term in random.terms), ":".join(random.grouping), random.correlated)
        for random in read_formula(f"y ~ {right}").random
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("y ~ 1 + (1 | g)", ()),
        ("y ~ b + a", ("b", "a")),
        ("y ~ (z | g) + a:z + x", ("z", "a", "x")),
        ("y ~ a + b - a", ("b",)),
        ("y ~ I(z*x) + x", ("z", "x")),
        ("y ~ I(z - z + x)", ("x",)),
        ("y ~ I(2*b + a) + a", ("b", "a")),
    ],
)
def test_variables_by_first_appearance(text: str, variables: tuple[str, ...]) -> None:
    assert read_formula(text).variables == variables


def test_spans_show_where_a_term_comes_from() -> None:
    text = "y ~ 1 + x1*x2 + (1 + I(x1^2) || g) + x1"
    formula = read_formula(text)

    def source(span: tuple[int, int]) -> str:
        return text[slice(*span)]

    assert [source(term.span) for term in formula.terms] == ["1", "x1", "x2", "x1*x2"]
    assert source(formula.random[0].span) == "(1 + I(x1^2) || g)"
    assert [source(term.span) for term in formula.random[0].terms] == ["1", "I(x1^2)"]
    implied = read_formula("y ~ x + (x | g)")
    assert implied.terms[0].span == (2, 3)  # the tilde
    assert implied.random[0].terms[0].span == (11, 12)  # the bar


def test_the_same_statement_is_equal_however_it_is_written() -> None:
    first = read_formula("y ~ x + I(x^2) + (x | g)")
    second = read_formula(" y~1+x+I( x ** 2 )+x:x+( 1 + x|g )")
    assert first == second
    assert hash(first) == hash(second)
    assert first.text != second.text
    assert first.terms[1] == FixedTerm("x", x, (0, 0))


# --- formulae as the other reader ---


def effects_of(description: Any) -> tuple[Effects, frozenset[tuple[frozenset[str], frozenset[str]]]]:
    """Return the common and the group-specific effects of formulae's model, without any order."""
    common = frozenset(factors(term.name) for term in description.common_terms)
    groups = frozenset(
        (factors(effect), frozenset(group.split(":")))
        for effect, _, group in (term.name.partition("|") for term in description.group_terms)
    )
    return common, groups


def factors(name: str) -> frozenset[str]:
    name = name.replace(" ", "")
    return frozenset() if name in ("Intercept", "1") else frozenset(name.split(":"))


def effects_here(formula: Formula) -> tuple[Effects, frozenset[tuple[frozenset[str], frozenset[str]]]]:
    common = frozenset(factors(term.name) for term in formula.terms)
    groups = frozenset(
        (factors(term.name), frozenset(random.grouping)) for random in formula.random for term in random.terms
    )
    return common, groups


IN_BOTH = [
    "1",
    "x",
    "x + z",
    "0 + x",
    "x - 1",
    "x + 0",
    "-1 + x + 1",
    "x*z",
    "x1*x2*x3",
    "x1*x2 - x1:x2",
    "x:z + x",
    "x:x",
    "x + x",
    "(a + b + c)**2",
    "(a + b + c)**3 - a:b:c",
    "a/b",
    "(a + b)/c",
    "a/(b + c)",
    "c:(a + b)",
    "(a + b):(c + d)",
    "a*b:c",
    "x + I(x**2)",
    "x*I(z**2 + 1)",
    "a.b + c",
    "x + (1 | g)",
    "x + (x | g)",
    "x + (0 + x | g)",
    "x1*x2 + (x1*x2 | g)",
    "x + (1 | a:b)",
    "x + (1 | a/b)",
    "x + (x | a/b)",
    "x + (1 | a) + (x | b)",
    "(1 | g) + (0 + x | g)",
    "x1 + x2 + (x1 + x2 | g) + (1 | h)",
]


@pytest.mark.parametrize("right", IN_BOTH)
def test_agrees_with_formulae(right: str, describe: Description) -> None:
    text = f"y ~ {right}"
    assert effects_here(read_formula(text)) == effects_of(describe(text))


TEMPLATES = ["({} + {})", "({}:{})", "({}*{})", "({}/{})", "({})**2 + {}"]


@st.composite
def term_texts(draw: st.DrawFn, letters: str = "abcdef", repeats: bool = False) -> str:
    """Draw part of a formula in which each name stands once, or may stand several times."""
    texts = draw(st.lists(st.sampled_from(letters), min_size=1, max_size=5, unique=not repeats))
    while len(texts) > 1:
        first, second = texts.pop(), texts.pop()
        nested = len(set(first) & set(letters)) > 1 and "+" in first
        template = draw(st.sampled_from(TEMPLATES if nested else TEMPLATES[:-1]))
        if "/" in template and set(second) & set(":*/"):
            template = TEMPLATES[0]
        texts.insert(draw(st.integers(0, len(texts))), f"({template.format(first, second)})")
    return texts[0]


def right_hand_sides(repeats: bool) -> st.SearchStrategy[str]:
    bars = [" + (1 | g)", " + (0 + p | h)", " + (p*q | k)", " + (p | g:h)", " + (1 | m/l)"]
    return st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "1 + ", "0 + "]),
        term_texts(repeats=repeats),
        st.sampled_from(["", " + z", " - a", " - 1", " + 1", " - b", " + a:z"]),
        st.lists(st.sampled_from(bars), max_size=2, unique=True).map("".join),
    )


@settings(deadline=None, max_examples=60)
@given(right=right_hand_sides(repeats=False))
def test_agrees_with_formulae_on_random_formulas(right: str, describe: Description) -> None:
    text = f"y ~ {right}"
    formula = read_formula(text)
    assert effects_here(formula) == effects_of(describe(text))
    degrees = [len(factors(name)) for name in names(formula)]
    assert degrees == sorted(degrees)


@settings(deadline=None)
@given(right=right_hand_sides(repeats=True))
def test_its_own_terms_state_the_same_formula(right: str) -> None:
    """Written out term by term, a formula is the same formula."""
    formula = read_formula(f"y ~ {right}")
    fixed = " + ".join(["0", *names(formula)])
    bars = "".join(
        f" + (0 + {' + '.join(term.name for term in random.terms)} | {':'.join(random.grouping)})"
        for random in formula.random
    )
    again = read_formula(f"y ~ {fixed}{bars}")
    assert {term.expression for term in again.terms} == {term.expression for term in formula.terms}
    assert [random.grouping for random in again.random] == [random.grouping for random in formula.random]


def test_where_formulae_differs_r_is_followed(describe: Description) -> None:
    order = [term.name for term in describe("y ~ x1*x2 + x3").common_terms]
    assert order == ["Intercept", "x1", "x2", "x1:x2", "x3"]
    assert names(read_formula("y ~ x1*x2 + x3")) == ["1", "x1", "x2", "x3", "x1:x2"]
    assert [term.name for term in describe("y ~ b:a + a:b").common_terms] == ["Intercept", "b:a", "a:b"]
    assert names(read_formula("y ~ b:a + a:b")) == ["1", "b:a"]
    squared = [term.name for term in describe("y ~ (a + b)*(a + b)").common_terms]
    assert squared == ["Intercept", "a", "b"]
    assert names(read_formula("y ~ (a + b)*(a + b)")) == ["1", "a", "b", "a:b"]
    nested = [term.name for term in describe("y ~ (a + b)/(c:d)").common_terms]
    assert nested == ["Intercept", "a", "b", "a:b:c:d"]
    several = [term.name for term in describe("y ~ (a + b)/(c:(d + e))").common_terms]
    assert several == ["Intercept", "a", "b", "a:b:c", "a:b:d", "a:b:e"]
    assert names(read_formula("y ~ (a + b)/(c:(d + e))")) == ["1", "a", "b", "a:b:c:d", "a:b:c:e"]


# --- refusals ---

REFUSED = [
    ("", "^", "the formula is empty"),
    ("  ", "^", "the formula is empty"),
    ("y", " ^", "a formula needs '~'"),
    ("y x ", "   ^", "a formula needs '~'"),
    ("~ x", "^", "the response is missing"),
    ("  ~ x", "  ^", "the response is missing"),
    ("y ~", "   ^", "the right-hand side is empty"),
    ("y ~  ", "   ^", "the right-hand side is empty"),
    ("y ~ x ~ z", "      ^", "one '~' only"),
    ("log(y) ~ x", "^^^^^^", "a transformed response is not covered"),
    (" y + z ~ x", " ^^^^^", "the response is one name"),
    ("2 ~ x", "^", "the response is one name"),
    ("y ~ (x", "    ^", "'(' is never closed"),
    ("y ~ x)", "     ^", "')' closes nothing"),
    ("y ~ (x | g", "    ^", "'(' is never closed"),
    ("y ~ I(x", "     ^", "'(' is never closed"),
    ("y ~ I(x]", "       ^", "was expected before"),
    ("y ~ ()", "     ^", "')' does not fit here in the formula"),
    ("y ~ x +", "       ^", "the formula ends too early: expected a name"),
    ("y ~ + ", "     ^", "the formula ends too early"),
    ("y ~ x z", "      ^", "'z' does not fit here in the formula: expected an operator or the end"),
    ("y ~ x $ z", "      ^", "'$' does not fit here"),
    ("y ~ x %in% z", "      ^", "'%' does not fit here"),
    ("y ~ a:-b", "      ^", "'-' does not fit here"),
    ('y ~ "x"', "    ^", "does not fit here"),
    ("y ~ x[1]", "     ^", "'[' does not fit here"),
    ("y ~ \u03b2", "    ^", "U+03B2"),
    ("y ~ x \u2212 1", "      ^", "U+2212"),
    ("y ~ .", "    ^", "all columns of a data set"),
    ("y ~ x + . ", "        ^", "all columns of a data set"),
    # numbers and powers
    ("y ~ 2", "    ^", "the only numbers of a formula are 0 and 1"),
    ("y ~ 2*x", "    ^", "write I(2*x)"),
    ("y ~ x + 01", "        ^^", "the only numbers"),
    ("y ~ 1.5", "    ^^^", "the only numbers"),
    ("y ~ x^2", "    ^^^", "write I(x**2)"),
    ("y ~ (x)**2", "     ^^^^^", "write I(x**2)"),
    ("y ~ (a + b)^0", "    ^^^^^^^^^", "a positive integer"),
    ("y ~ (a + b)^1.5", "    ^^^^^^^^^^^", "a positive integer"),
    ("y ~ (a + b)^a", "            ^", "expected a number"),
    ("y ~ (1 + a):b", "     ^", "the intercept is no factor of a product"),
    ("y ~ a*1", "      ^", "the intercept is no factor of a product"),
    ("y ~ 0:a", "    ^", "the intercept is no factor of a product"),
    ("y ~ (a - 1)^2", "         ^", "the intercept is no factor of a product"),
    ("y ~ (a - a):b", "    ^^^^^^^", "no terms left"),
    ("y ~ " + "*".join("abcdefghijklmnop"), "    " + "^" * 31, "more than 10000 terms"),
    # calls
    ("y ~ log(x)", "    ^^^^^^", "write I(log(x))"),
    ("y ~ x + sqrt (x + 1)", "        ^^^^^^^^^^^^", "write I(sqrt(x + 1))"),
    ("y ~ poly(x,2)", "    ^^^^^^^^^", "poly() is not covered"),
    ("y ~ factor(x)", "    ^^^^^^^^^", "factor() is not covered"),
    ("y ~ offset(log(t)) + x", "    ^^^^^^^^^^^^^^", "offset() is not covered"),
    ("y ~ I()", "      ^", "I() needs an expression"),
    ("y ~ I(2)", "    ^^^^", "holds no predictor"),
    ("y ~ I(x - x)", "    ^^^^^^^^", "holds no predictor"),
    ("y ~ x:I(1/x)", "    ^^^^^^^^", "holds no predictor"),
    ("y ~ I(x +)", "         ^", "the expression ends too early"),
    ("y ~ I(1/0*x)", "        ^", "division by zero"),
    ("y ~ I(foo(x))", "      ^^^", "unknown function 'foo'"),
    ("y ~ I(x[1])", "       ^", "'[' does not fit here"),
    ("y ~ x + I(9**9**9*x)", "          ^^^^^^^", "too large"),
    ("y ~ I(x) + x", "           ^", "the same predictor as I(x)"),
    ("y ~ x:I(x) + I(x**2)", "    ^^^^^^", "the same predictor as I(x**2)"),
    ("y ~ pi + x", "    ^^", "pi is the name of a function or constant"),
    ("y ~ I(E*x) + E", "             ^", "E is the name of a function or constant"),
    ("y ~ I", "    ^", "I is the name of a function or constant"),
    # the response on the right
    ("y ~ x + y", "        ^", "the response y stands on the right-hand side too"),
    ("y ~ x:y", "      ^", "the response y stands on the right-hand side too"),
    ("y ~ I(x*y**2)", "        ^", "the response y stands on the right-hand side too"),
    ("y ~ (y | g)", "     ^", "the response y stands on the right-hand side too"),
    ("y ~ (1 | y)", "         ^", "the response y cannot be a grouping factor"),
    # bars
    ("y ~ (x | )", "         ^", "a grouping factor was expected"),
    ("y ~ (x | 1)", "         ^", "a grouping factor was expected"),
    ("y ~ (x | (g))", "         ^", "a grouping factor was expected"),
    ("y ~ (x | a:)", "           ^", "a grouping factor was expected"),
    ("y ~ (x ||| g)", "         ^", "a grouping factor was expected"),
    ("y ~ (1 | f(g))", "          ^", "'(' does not fit here"),
    ("y ~ ( | g)", "      ^", "an effect was expected before the bar"),
    ("y ~ (x + | g)", "         ^", "an effect was expected before the bar"),
    ("y ~ x | g", "      ^", "stands in parentheses"),
    ("y ~ x || g", "      ^^", "stands in parentheses"),
    ("y ~ x:z | g", "        ^", "stands in parentheses"),
    ("y ~ 1 + (x | g) | h", "                ^", "stands in parentheses"),
    ("y ~ (x | g | h)", "           ^", "one bar"),
    ("y ~ (1 | a + b)", "           ^", "write (1 | a) + (1 | b)"),
    ("y ~ (1 | a*b)", "          ^", "write (1 | a) + (1 | b)"),
    ("y ~ (1 | a/a)", "           ^", "the grouping factor a stands here twice"),
    ("y ~ (1 | a:b/a)", "             ^", "the grouping factor a stands here twice"),
    ("y ~ (0 | g)", "    ^^^^^^^", "has no effects"),
    ("y ~ (-1 | g)", "    ^^^^^^^^", "has no effects"),
    ("y ~ x + (x - x - 1 | g)", "        ^^^^^^^^^^^^^^^", "has no effects"),
    ("y ~ (x + (1|h) | g)", "         ^^^^^", "cannot stand inside another"),
    ("y ~ ((1|h) | g)", "     ^^^^^", "cannot stand inside another"),
    ("y ~ x - (1|g)", "        ^^^^^", "is added, not taken away"),
    ("y ~ x*(1|g)", "      ^^^^^", "is added, not multiplied"),
    ("y ~ (a + (1|g))^2", "         ^^^^^", "is added, not multiplied"),
    ("y ~ (1|g) + (1|g)", "            ^^^^^", "the random effect 1 of g is stated twice"),
    ("y ~ (1|g) + (x|g)", "            ^^^^^", "the random effect 1 of g is stated twice"),
    ("y ~ (0+x|g) + (0+I(x)|g)", "              ^^^^^^^^^^", "the random effect I(x) of g is stated twice"),
    ("y ~ (1|a:b) + (1|b:a)", "              ^^^^^^^", "the random effect 1 of b:a is stated twice"),
    ("y ~ (1|a) + (1|a/b)", "            ^^^^^^^", "the random effect 1 of a is stated twice"),
]


@pytest.mark.parametrize(("text", "caret", "message"), REFUSED)
def test_refused_at_its_place(text: str, caret: str, message: str) -> None:
    with pytest.raises(ReadingError) as caught:
        read_formula(text)
    assert caught.value.caret == caret
    assert message in caught.value.message
    assert caught.value.text == text
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("value", [None, 3, ["y ~ x"]])
def test_not_text(value: object) -> None:
    with pytest.raises(LeadtermsError, match="the formula was expected as text"):
        read_formula(value)  # type: ignore[arg-type]


def test_too_long() -> None:
    with pytest.raises(LeadtermsError, match="longer than 10000"):
        read_formula("y ~ x" + " + x" * 2500)


def test_a_long_sum_is_read() -> None:
    text = "y ~ " + " + ".join(f"x{index}" for index in range(900))
    assert len(read_formula(text).terms) == 901


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("yabI01~+-*/:^|()., \u03b2"), max_size=14).map("y ~ a".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    error = None
    try:
        formula = read_formula(text)
    except ReadingError as refusal:
        error = refusal
    else:
        assert formula.response == "y"
    assert error is None or 0 <= error.start <= len(text)
