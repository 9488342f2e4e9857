"""Parameter values as text."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from leadterms.errors import LeadtermsError, ReadingError
from leadterms.reading.assignments import read_assignments

blanks = st.text(st.sampled_from(" \t\n"), max_size=2)
names = st.builds("{}{}".format, st.sampled_from("aZ_"), st.text(st.sampled_from("bY_07"), max_size=4))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" \n", {}),
        (
            "beta0=-1.46, beta1=2.11, sigma2=3.79",
            {"beta0": Fraction(-73, 50), "beta1": Fraction(211, 100), "sigma2": Fraction(379, 100)},
        ),
        ("a=1,", {"a": 1}),
        ("a=1 , ", {"a": 1}),
        ("a = +.5 ,b=-3/7", {"a": Fraction(1, 2), "b": Fraction(-3, 7)}),
        ("phi=1e-30", {"phi": Fraction(1, 10**30)}),
    ],
)
def test_values(text: str, expected: dict[str, Fraction]) -> None:
    assert read_assignments(text) == {name: sympy.Rational(value) for name, value in expected.items()}


@pytest.mark.slow
@given(st.dictionaries(names, st.fractions(), max_size=5), blanks, st.sampled_from(["", ","]))
def test_round_trip(values: dict[str, Fraction], blank: str, last: str) -> None:
    pairs = f",{blank}".join(f"{name}{blank}={blank}{value}{blank}" for name, value in values.items())
    found = read_assignments(pairs + (last if values else ""))
    assert found == {name: sympy.Rational(value.numerator, value.denominator) for name, value in values.items()}
    assert list(found) == list(values)


BAD = [
    ("a", " ^", "'=' was expected after a"),
    ("a  ", " ^", "'=' was expected after a"),
    ("a 1", "  ^", "'=' was expected after a"),
    ("a=", "  ^", "a number was expected as the value of a"),
    ("a=  ", "  ^", "a number was expected as the value of a"),
    ("a=,b=1", "  ^", "a number was expected as the value of a"),
    ("a=x", "  ^", "the value of a is no number"),
    ("a= sqrt(2) ,b=1", "   ^^^^^^^", "the value of a is no number"),
    ("a==1", "  ^^", "the value of a is no number"),
    ("a=--1", "  ^^^", "the value of a is no number"),
    ("a=\u0663", "  ^", "the value of a is no number"),
    ("a=1 b=2", "    ^", "',' was expected"),
    ("a=1;b=2", "   ^", "',' was expected"),
    ("a=1_000", "   ^", "',' was expected"),
    ("a=1\u0663", "   ^", "U+0663"),
    ("a=1/2/3", "     ^", "',' was expected"),
    ("a=1,,b=2", "    ^", "a name was expected"),
    (",a=1", "^", "a name was expected"),
    ("=1", "^", "a name was expected"),
    ("1=2", "^", "a name was expected"),
    ("\u03b2=1", "^", "U+03B2"),
    ("a=1, b=2, a=3", "          ^", "a is given twice"),
    ("beta0=1, beta0=1", "         ^^^^^", "beta0 is given twice"),
    ("a=1/0", "    ^", "division by zero"),
    ("a=1e999999999", "  ^^^^^^^^^^^", "more than 4000 digits"),
]


@pytest.mark.parametrize(("text", "caret", "message"), BAD)
def test_refused(text: str, caret: str, message: str) -> None:
    with pytest.raises(ReadingError) as caught:
        read_assignments(text)
    assert caught.value.caret == caret
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("value", [None, {"a": 1}, 3])
def test_not_text(value: object) -> None:
    with pytest.raises(LeadtermsError, match="expected as text"):
        read_assignments(value)  # type: ignore[arg-type]


@given(st.text(st.sampled_from("ab1.,=/- e+"), max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        values = read_assignments(text)
    except ReadingError as refusal:
        error = refusal
    else:
        assert all(isinstance(value, sympy.Rational) for value in values.values())
        return
    assert 0 <= error.start <= len(text)
