"""The errors: what a message repeats of a long text, and where its caret stands."""

from __future__ import annotations

import pickle

import pytest

from leadterms import LeadtermsError, Model, ModelError
from leadterms.errors import NAME, WINDOW, ReadingError


@pytest.mark.parametrize("length", [1, 50, WINDOW - 1, WINDOW, WINDOW + 1, 150, 10_000])
def test_the_caret_stands_below_its_place_in_any_text(length):
    # letters in an order that does not repeat within a window
    text = "".join(chr(0x4E00 + place) for place in range(length))
    for start in {0, 1, 30, length // 2, length - 1} & set(range(length)):
        for end in (start + 1, start + 20, length):
            error = ReadingError("no", text, start, end)
            _, shown, caret = (line.removeprefix("  ") for line in str(error).split("\n"))
            column = caret.index("^")
            assert shown[column] == text[start]
            pointed = shown[column : len(caret)]
            assert text[start:].startswith(pointed)
            assert len(pointed) == min(len(text[start:end]), len(shown.rstrip(".")) - column)
            assert len(shown) <= WINDOW + 6
            assert shown.startswith("...") == (shown.strip(".")[0] != text[0])
            assert shown.endswith("...") == (shown.strip(".")[-1] != text[-1])


@pytest.mark.parametrize("length", [0, 40, WINDOW, 10_000])
def test_the_end_of_a_text_has_a_caret(length):
    error = ReadingError("it ends", "x" * length, length)
    shown, caret = error.excerpt
    assert caret == " " * len(shown) + "^"
    assert str(error) == f"it ends\n  {shown}\n  {caret}"


def test_short_texts_are_whole():
    error = ReadingError("no", "a\tb + c", 2, 5)
    assert str(error) == "no\n  a b + c\n    ^^^"


def test_long_names_are_cut():
    name = "b" * 5000
    for kind in (LeadtermsError, ModelError):
        assert str(kind(f"unknown name {name}: the model has {name[:NAME]}")) == (
            f"unknown name {name[: NAME - 3]}...: the model has {name[:NAME]}"
        )
    assert str(ReadingError(f"unknown {name}", name, 0)).count("b") == NAME - 3 + WINDOW
    assert str(LeadtermsError(f"no {name!r}: it has x")) == f"no '{name[: NAME - 3]}...': it has x"
    # an excerpt that is repeated keeps its caret in its column
    inner = str(ReadingError("no", name, 70))
    assert str(LeadtermsError(f"in the law: {inner}")) == f"in the law: {inner}"
    # digits are no name, and neither is a path
    assert str(LeadtermsError("0." + "1" * 100)) == "0." + "1" * 100
    assert len(str(LeadtermsError(f"{'a + ' * 200!r} is not read"))) == 120 + 2 + len(" is not read")
    assert str(LeadtermsError(f"'a' {'and ' * 50} 'b'")) == f"'a' {'and ' * 50} 'b'"


def test_a_refused_model_repeats_no_long_name():
    with pytest.raises(LeadtermsError) as caught:
        Model(f"y ~ {'x' * 5000}", family="poisson")
    assert len(str(caught.value)) < 400
    assert len(str(caught.value).splitlines()) == 1


def test_errors_survive_copying():
    error = pickle.loads(pickle.dumps(LeadtermsError("no")))
    assert str(error) == "no"
