"""The public readers of expressions, calls and families."""

from __future__ import annotations

import pytest
import sympy

from leadterms.errors import LeadtermsError, ReadingError
from leadterms.reading.expressions import Call, read_call, read_family_call, resolve

half, quarter = sympy.Rational(1, 2), sympy.Rational(1, 4)


def test_the_name_of_the_text_is_in_the_errors() -> None:
    for text, message in [
        ("", "the order is empty"),
        ("f", "the order ends too early"),
        ("f(m n)", "in the order"),
    ]:
        with pytest.raises(ReadingError, match=message):
            read_call(text, what="order")
    with pytest.raises(LeadtermsError, match="the order was expected as text"):
        read_call(3, what="order")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("Uniform(-1, 1)", "Uniform", [-1, 1]),
        ("Finite({-1: 1/4, 0: 1/2, 1: 1/4})", "Finite", [{-1: quarter, 0: half, 1: quarter}]),
        (
            "MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])",
            "MultivariateNormal",
            [[0, 0], [[1, half], [half, 1]]],
        ),
        ("Gamma(3, 1/5)", "Gamma", [3, sympy.Rational(1, 5)]),
        ("Normal(0, sqrt(1/2))", "Normal", [0, sympy.sqrt(half)]),
        ("Bernoulli(0.3)", "Bernoulli", [sympy.Rational(3, 10)]),
        ("f()", "f", []),
    ],
)
def test_calls(text: str, name: str, values: list[object]) -> None:
    call = read_call(text)
    assert call.name == name
    assert [resolve(argument) for argument in call.arguments] == values


def test_each_argument_has_its_own_meaning_of_names() -> None:
    call = read_call("Gamma(k, [k, theta/2])")
    positive = resolve(call.arguments[0], {}, lambda name: sympy.Symbol(name, positive=True))
    real = resolve(call.arguments[1], {"theta": sympy.pi}, lambda name: sympy.Symbol(name, real=True))
    assert positive == sympy.Symbol("k", positive=True)
    assert real == [sympy.Symbol("k", real=True), sympy.pi / 2]


@pytest.mark.parametrize(
    ("text", "caret", "message"),
    [
        ("f(1, p)", "     ^", "unknown name 'p': the known names are pi and E"),
        ("f([1, 1/0])", "        ^", "division by zero"),
        ("f({1: 2, 2/2: 3})", "         ^^^", "1 is given twice"),
        ("f({[1]: 2})", "   ^^^", "one expression"),
        ("f({p: 1})", "   ^", "unknown name 'p'"),
        ("f({1: p})", "      ^", "unknown name 'p'"),
    ],
)
def test_arguments_that_cannot_be_resolved(text: str, caret: str, message: str) -> None:
    (*_, argument) = read_call(text).arguments
    with pytest.raises(ReadingError) as caught:
        resolve(argument)
    assert caught.value.caret == caret
    assert message in caught.value.message


@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_name_argument_of_sympy_is_left_out(quote: str) -> None:
    with pytest.raises(ReadingError, match="leave out the name argument") as caught:
        read_call(f"Uniform({quote}x{quote}, -1, 1)", what="law")
    assert caught.value.caret == "        ^"


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("poisson", "poisson", []),
        ("  gamma ", "gamma", []),
        ("inverse-gaussian", "inverse-gaussian", []),
        ("inverse_gaussian", "inverse-gaussian", []),
        ("binomial(10)", "binomial", [10]),
        ("binomial ( 10 )", "binomial", [10]),
        ("negative-binomial(3/2)", "negative-binomial", [sympy.Rational(3, 2)]),
        ("negative_binomial(1.5)", "negative-binomial", [sympy.Rational(3, 2)]),
        ("f-g([1, {2: 3}])", "f-g", [[1, {2: 3}]]),
        ("poisson()", "poisson", []),
    ],
)
def test_families(text: str, name: str, values: list[object]) -> None:
    call = read_family_call(text)
    assert isinstance(call, Call)
    assert (call.name, call.text, text[call.start : call.end].replace("_", "-")) == (name, text, name)
    assert [resolve(argument) for argument in call.arguments] == values


@pytest.mark.parametrize(
    ("text", "caret", "message"),
    [
        ("", "^", "the family is empty"),
        ("negative binomial(2)", "         ^", "'b' does not fit here in the family"),
        ("-x", "^", "'-' does not fit"),
        ("x--y", " ^", "'-' does not fit"),
        ("gamma-", "     ^", "'-' does not fit"),
        ("gamma-(2)", "     ^", "'-' does not fit"),
        ("poisson)", "       ^", "')' does not fit"),
        ("binomial(10", "        ^", "never closed"),
        ("binomial(10) x", "             ^", "'x' does not fit here in the family"),
        ("negative-binomial(size=2)", "                  ^^^^^", "given by position"),
        ("negative-binomial(1//2)", "                    ^", "'/' does not fit"),
        ("3", "^", "'3' does not fit"),
    ],
)
def test_bad_families(text: str, caret: str, message: str) -> None:
    with pytest.raises(ReadingError) as caught:
        read_family_call(text)
    assert caught.value.caret == caret
    assert message in caught.value.message
    assert caught.value.text == text


def test_arguments_of_a_family_point_into_its_own_text() -> None:
    text = "negative-binomial(1/0)"
    with pytest.raises(ReadingError) as caught:
        resolve(read_family_call(text).arguments[0])
    assert caught.value.text == text
    assert caught.value.caret == " " * 20 + "^"
