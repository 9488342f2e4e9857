"""The inside of ``I(...)``."""

from __future__ import annotations

import pytest
import sympy

from leadterms.errors import ReadingError
from leadterms.reading.identity import RESERVED, read_identity, uncovered_call

x1, x2 = sympy.symbols("x1 x2", real=True)


@pytest.mark.parametrize(
    ("inner", "name", "expression", "mentions"),
    [
        ("x1**2", "I(x1**2)", x1**2, (("x1", 6),)),
        (" x1 ^ 2\n", "I(x1**2)", x1**2, (("x1", 7),)),
        ("x2*x1 + x2", "I(x2*x1+x2)", x1 * x2 + x2, (("x2", 6), ("x1", 9), ("x2", 14))),
        ("exp(x1)/E", "I(exp(x1)/E)", sympy.exp(x1) / sympy.E, (("x1", 10),)),
        ("0.5*x.1", "I(0.5*x.1)", sympy.Symbol("x.1", real=True) / 2, (("x.1", 10),)),
        ("pi", "I(pi)", sympy.pi, ()),
    ],
)
def test_read(inner: str, name: str, expression: sympy.Expr, mentions: tuple[tuple[str, int], ...]) -> None:
    text = f"y ~ I({inner}) + z"
    identity = read_identity(text, 6, 6 + len(inner))
    assert (identity.name, identity.expression, identity.mentions) == (name, expression, mentions)


@pytest.mark.parametrize(
    ("inner", "caret"),
    [
        ("", "      ^"),
        ("  ", "      ^"),
        ("x +", "         ^"),
        ("1/0", "        ^"),
        ("f(x)", "      ^"),
        ("exp", "      ^^^"),
    ],
)
def test_errors_point_into_the_formula(inner: str, caret: str) -> None:
    text = f"y ~ I({inner}) + z"
    with pytest.raises(ReadingError) as caught:
        read_identity(text, 6, 6 + len(inner))
    assert (caught.value.text, caught.value.caret) == (text, caret)


def test_reserved_names() -> None:
    assert {"I", "E", "pi", "exp", "log"} <= RESERVED


def test_uncovered_calls() -> None:
    assert "write I(log(x + 1))" in uncovered_call("log", " x + 1 ")
    assert uncovered_call("offset", "x") == "offset() is not covered"
    assert "poly() is not covered" in uncovered_call("poly", "x, 2")
