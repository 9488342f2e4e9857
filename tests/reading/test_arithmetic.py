"""Trees to expressions: against Python's fractions, against sympy, and every guard at its place."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterms.errors import LeadtermsError, ReadingError
from leadterms.reading.arithmetic import CONSTANTS, FUNCTIONS, Scope, evaluate
from leadterms.reading.syntax import parse_expression

x, z = sympy.symbols("x z", real=True)
NAMES = {"x": x, "z": z}


def read_expression(text, names, unknown=None):
    """Read and evaluate in one step."""
    return evaluate(parse_expression(text), Scope(text, names, unknown))


numeric_texts = st.recursive(
    st.integers(0, 30).map(str),
    lambda inside: st.one_of(
        st.builds("{}{}{}".format, inside, st.sampled_from(["+", " - ", "*", " /"]), inside),
        st.builds("({})".format, inside),
        st.builds("-{}".format, inside),
        st.builds("({})**{}".format, inside, st.integers(-3, 3)),
    ),
    max_leaves=8,
)


@given(numeric_texts)
def test_arithmetic_agrees_with_python(text: str) -> None:
    """The same text, read by Python with every integer made a Fraction: another grammar, other arithmetic."""
    try:
        expected = eval(re.sub(r"\d+", r"Fraction(\g<0>)", text), {"Fraction": Fraction})
    except ZeroDivisionError:
        with pytest.raises(ReadingError, match="division by zero"):
            read_expression(text, {})
        return
    assert read_expression(text, {}) == sympy.Rational(expected.numerator, expected.denominator)
    assert read_expression(text.replace("**", "^"), {}) == read_expression(text, {})


atoms = st.one_of(
    st.sampled_from([x, z, sympy.pi, sympy.E]), st.fractions(-9, 9, max_denominator=9).map(sympy.Rational)
)
expressions = st.recursive(
    atoms,
    lambda inside: st.one_of(
        st.builds(sympy.Add, inside, inside),
        st.builds(sympy.Mul, inside, inside),
        st.builds(lambda e, n: e**n, inside, st.integers(0, 3)),
        st.builds(sympy.tanh, inside),
        st.builds(lambda f, e: f(sympy.tanh(e)), st.sampled_from([sympy.exp, sympy.cosh, sympy.sinh]), inside),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(expressions)
def test_what_sympy_prints_is_read_back(expression: sympy.Expr) -> None:
    assert sympy.expand(read_expression(str(expression), NAMES) - expression) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-x^2", -(x**2)),
        ("2^-x", 2 ** (-x)),
        ("x^2^3", x**8),
        ("2*-x", -2 * x),
        ("+-+x", -x),
        ("x - z - x", -z),
        ("x/2/z", x / (2 * z)),
        ("0.1 + 0.2", sympy.Rational(3, 10)),
        ("sqrt(1/2)", 1 / sympy.sqrt(2)),
        ("exp(-x)*sinh(z)/cosh(pi)", sympy.exp(-x) * sympy.sinh(z) / sympy.cosh(sympy.pi)),
        ("log(E)", sympy.Integer(1)),
        ("Abs(-3)", sympy.Integer(3)),
        ("sqrt(x**2)", sympy.Abs(x)),
        ("log(1 - exp(-14000))", sympy.log(1 - sympy.exp(-14000))),
        ("1e-299**(5/3)", sympy.Rational(1, 10**299) ** sympy.Rational(5, 3)),
        ("x" + "+x" * 4000, 4001 * x),
        ("exp(" * 40 + "x" + ")" * 40, sympy.Lambda(x, x)(x)),
    ],
    ids=lambda value: str(value)[:24],
)
def test_values(text: str, expected: sympy.Expr) -> None:
    if text.startswith("exp(exp"):
        for _ in range(40):
            expected = sympy.exp(expected)
    assert read_expression(text, NAMES) == expected


REFUSED = [
    ("1/0", "  ^", "division by zero"),
    ("x/(1-1)", "  ^^^^^", "division by zero"),
    ("x + 2/(z - z)*x", "      ^^^^^^^", "division by zero"),
    ("0**-1", "^^^^^", "division by zero"),
    ("2*0^(-1/2)", "  ^^^^^^^^", "division by zero"),
    ("1 + log(0)", "    ^^^^^^", "not finite"),
    ("sqrt(-1)", "^^^^^^^^", "not a real number"),
    ("(-8)**(1/3)", "^^^^^^^^^^^", "not a real number"),
    ("log(1-sqrt(2))", "^^^^^^^^^^^^^^", "not a real number"),
    ("9**9**9**9", "   ^^^^^^^", "too large"),
    ("2**10000000", "^^^^^^^^^^^", "too large"),
    ("2**-10000000", "^^^^^^^^^^^^", "too large"),
    ("sqrt(2)**10000000", "^^^^^^^^^^^^^^^^^", "too large"),
    ("(2*x)**10000000", "^^^^^^^^^^^^^^^", "too large"),
    ("x**100000", "^^^^^^^^^", "too large"),
    ("exp(10000000*log(2))", "^^^^^^^^^^^^^^^^^^^^", "too large"),
    ("exp(x + 20000*log(2*z))", "^^^^^^^^^^^^^^^^^^^^^^^", "too large"),
    ("E**(10000000*log(2))", "^^^^^^^^^^^^^^^^^^^^", "too large"),
    ("(1+pi)**(20000*log(3)/log(1+pi))", "^" * 32, "too large"),
    ("exp(1e3000)", "^^^^^^^^^^^", "too large"),
    ("exp(exp(exp(3)))", "^^^^^^^^^^^^^^^^", "too large"),
    ("2**exp(100)", "^^^^^^^^^^^", "too large"),
    ("1e3999*1e3999", "^^^^^^^^^^^^^", "too large"),
    ("sqrt(" + "7" * 400 + ")", "^" * 406, "too large for a root"),
    ("(" + "7" * 400 + "*x)^(1/3)", "^" * 410, "too large for a root"),
    ("1e999999999", "^^^^^^^^^^^", "more than 4000 digits"),
    ("y+1", "^", "unknown name 'y': the known names are x, z, pi and E"),
    ("1 + foo(1)", "    ^^^", "unknown function 'foo'"),
    ("abs(1)", "^^^", "unknown function 'abs': write Abs(...)"),
    ("x(2)", "^", "x is no function: write x*(...)"),
    ("2*exp", "  ^^^", "exp is a function: write exp(...)"),
    ("sqrt(1, 2)", "^^^^^^^^^^", "sqrt takes one argument, not 2"),
    ("x.__class__", "^^^^^^^^^^^", "unknown name"),
    ("((foo(1)))", "  ^^^", "unknown function"),
]


@pytest.mark.parametrize(("text", "caret", "message"), REFUSED, ids=[text[:20] for text, _, _ in REFUSED])
def test_refused_at_its_place(text: str, caret: str, message: str) -> None:
    with pytest.raises(ReadingError) as caught:
        read_expression(text, NAMES)
    assert caught.value.caret == caret
    assert message in caught.value.message
    assert caught.value.text == text


def test_order_of_meaning() -> None:
    """The caller's names come before the constants, the constants before the callback."""
    asked: list[str] = []

    def unknown(name: str) -> sympy.Expr | None:
        asked.append(name)
        return sympy.Symbol(name, positive=True) if name.islower() else None

    assert read_expression("pi + E", {"E": x}, unknown=unknown) == sympy.pi + x
    assert asked == []
    assert read_expression("p*exp(q)", {}, unknown=unknown).free_symbols == {
        sympy.Symbol("p", positive=True),
        sympy.Symbol("q", positive=True),
    }
    assert asked == ["p", "q"]
    with pytest.raises(ReadingError, match="unknown name 'Q': the known names are x, z, pi and E"):
        read_expression("Q", NAMES, unknown=unknown)


def test_long_lists_of_names_are_cut() -> None:
    names = {f"beta{index}": x for index in range(30)}
    with pytest.raises(ReadingError, match="known names are beta0, beta1") as caught:
        read_expression("gamma", names)
    assert caught.value.message.endswith("beta11 and 20 more")


def test_functions_and_constants_are_few() -> None:
    assert set(FUNCTIONS) == {"sqrt", "exp", "log", "sinh", "cosh", "tanh", "Abs"}
    assert set(CONSTANTS) == {"pi", "E"}


def test_evaluate_uses_the_text_of_its_scope() -> None:
    text = "1/(x - x)"
    with pytest.raises(LeadtermsError) as caught:
        evaluate(parse_expression(text), Scope(text, NAMES))
    assert str(caught.value) == "division by zero: write a divisor that is not zero\n  1/(x - x)\n    ^^^^^^^"
