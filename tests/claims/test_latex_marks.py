"""What only changes the looks of LaTeX is blanked, and every character stays in its place."""

import pytest

from leadterms.claims.latex_marks import without_looks
from leadterms.errors import ReadingError

BLANKED = [
    (r"\left( m \right)", "( m )"),
    (r"\left. m \right.", "m"),
    (r"\big\{ m \Bigr\}", r"\{ m \}"),
    (r"$$ m\,n\;\!\quad~ $$.", "m n"),
    (r"\begin{align*} & m \\ & + n \label{eq:1} \tag{2} \nonumber \end{align*}", "m + n"),
    (r"\begin{array}{rcl} m \end{array}", "m"),
    (r"m % a comment", "m"),
    (r"\displaystyle {\bf m} \boldsymbol{\beta} \textcolor{red}{n}", r"{ m} {\beta} {n}"),
    (r"\implies m ,", "m"),
    (r"m \\[2pt] = n", "m = n"),
    (r"m + \\ n", "m + n"),
    (r"\\ m \\", "m"),
    (r"\bigl[ m \bigr] \biggm n", "[ m ] n"),
]


@pytest.mark.parametrize(("text", "expected"), BLANKED)
def test_looks_are_blanked(text, expected):
    shown = without_looks(text)
    assert len(shown) == len(text)
    assert shown.split() == expected.split()
    assert all(b in (" ", a) for a, b in zip(text, shown, strict=True))


@pytest.mark.parametrize("text", [r"\leftarrow", r"\bigcup", r"\bfseries", r"\rightarrow", r"\mathrm{m}"])
def test_longer_commands_stay(text):
    assert without_looks(text) == text


@pytest.mark.parametrize("text", [r"m \\ n", "\\beta \\\\ \\beta", r"m \\ & (n)"])
def test_two_lines_are_refused(text):
    with pytest.raises(ReadingError, match="two lines"):
        without_looks(text)


@pytest.mark.parametrize("text", ["\frac12", "\beta", "\alpha", "\varphi", "\tfrac12", "\text{a}", "m\right)"])
def test_lost_backslashes_are_named(text):
    with pytest.raises(ReadingError, match="raw string"):
        without_looks(text)
