"""Figures without pyplot, the refusal without matplotlib, and names as mathematics."""

from __future__ import annotations

import sys

import pytest

from leadterms import LeadtermsError, Model
from leadterms.publication.drawing import empty_figure, label_latex
from leadterms.publication.hasse_diagram import hasse
from leadterms.publication.pattern_figure import pattern_figure


def test_a_figure_has_its_size_and_is_not_registered():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    figure = empty_figure("nothing", 3, 2)
    assert tuple(figure.get_size_inches()) == (3, 2)
    assert not figure.axes
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (lambda: empty_figure("this", 1, 1), "this"),
        (lambda: pattern_figure(Model("y ~ 1 + (1 | a)"), {"m": 2, "n": 2}), "the pattern of V"),
        (lambda: hasse(Model("y ~ 1 + (1 | a)")).figure(), "a Hasse diagram"),
    ],
)
def test_without_matplotlib_one_line_names_the_extra(monkeypatch, draw, what):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(LeadtermsError) as refusal:
        draw()
    expected = f"cannot draw {what}: matplotlib is not installed (pip install 'leadterms[plots]')"
    assert str(refusal.value) == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("1", r"\mathrm{1}"),
        ("a", "a"),
        ("a:b:c", "a{:}b{:}c"),
        ("clinic:a", r"\mathrm{clinic}{:}a"),
        ("day_1", r"\mathrm{day\_1}"),
        ("ward.no", r"\mathrm{ward.no}"),
    ],
)
def test_letters_are_italic_and_words_upright(label, expected):
    from matplotlib.mathtext import MathTextParser

    assert label_latex(label) == expected
    MathTextParser("agg").parse(f"${expected}$")
