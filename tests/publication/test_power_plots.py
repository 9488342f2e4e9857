"""Figures for planning: their lines, marks and labels, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from leadterms import LeadtermsError, Model
from leadterms.inference.optimal_design import optimal_design
from leadterms.publication.power_plots import efficiency_figure, power_figure, sensitivity_figure

SIZES = [10, 20, 30, 40]


@pytest.fixture(scope="module")
def design():
    line = Model("y ~ x", laws={"x": "Uniform(-1, 1)"})
    return optimal_design(line, "beta0=0, beta1=0, phi=1", region={"x": (-1, 1)})


def lines_of(figure):
    return {line.get_label(): line for line in figure.axes[0].get_lines()}


def test_power_curves_from_numbers_and_functions():
    told = []
    figure = power_figure(
        SIZES,
        {"one term": [0.2, 0.5, 0.9, 0.95], "two terms": lambda m: m / 50},
        target=0.8,
        title="costs $5",
        progress=lambda *news: told.append(news),
    )
    (axes,) = figure.axes
    lines = lines_of(figure)
    assert lines["one term"].get_ydata().tolist() == [0.2, 0.5, 0.9, 0.95]
    assert lines["two terms"].get_ydata().tolist() == [0.2, 0.4, 0.6, 0.8]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.get_lines() if line.get_marker() == "o"]
    assert marks == [(30.0, 0.9), (40.0, 0.8)]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one term", "two terms"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("m", "power", r"costs \$5")


def test_a_target_out_of_reach_has_no_mark():
    figure = power_figure(SIZES, {"one": [0.1, 0.2, 0.3, 0.4]}, target=0.9)
    assert not [line for line in figure.axes[0].get_lines() if line.get_marker() == "o"]


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        # two sides: power falls to the level at no effect; one side, and the other; reached everywhere
        ([0.95, 0.85, 0.05, 0.85, 0.95], [-1, 1]),
        ([0.0, 0.01, 0.05, 0.85, 0.95], [1]),
        ([0.95, 0.85, 0.05, 0.01, 0.0], [-1]),
        ([0.81, 0.85, 0.9, 0.91, 0.95], [-2]),
    ],
)
def test_marks_are_where_a_curve_of_effects_passes_the_target(line, marked):
    figure = power_figure([-2, -1, 0, 1, 2], {"two terms": line}, target=0.8, size_name="effect")
    marks = [own.get_xdata()[0] for own in figure.axes[0].get_lines() if own.get_marker() == "o"]
    assert marks == marked


def test_efficiencies_with_their_optimum():
    figure = efficiency_figure([0.2, 0.5, 0.8], {"slope": [0.7, 1.0, 0.7]}, optima={"slope": 0.5})
    (mark,) = [line for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (0.5, 1.0)
    assert figure.axes[0].get_xlabel() == "p"


def test_sensitivity_of_a_straight_line(design):
    """One plus x squared, with both support points on the bound 2."""
    figure = sensitivity_figure(design, title="D")
    (axes,) = figure.axes
    lines = lines_of(figure)
    x, y = lines["sensitivity"].get_data()
    np.testing.assert_allclose(y, 1 + np.asarray(x) ** 2, rtol=1e-8)
    assert list(lines["bound"].get_ydata()) == pytest.approx([2, 2])
    marks = [line.get_xydata()[0] for line in axes.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(marks, [[-1, 2], [1, 2]], rtol=1e-8)


def test_sensitivity_with_an_arm_and_over_a_box():
    model = Model("y ~ x + arm", laws={"x": "Uniform(-1, 1)", "arm": "Bernoulli(1/2)"})
    at = "beta0=0, beta1=0, beta2=0, phi=1"
    arms = sensitivity_figure(optimal_design(model, at, region={"x": (-1, 1), "arm": {0, 1}}))
    assert {"arm = 0", "arm = 1", "bound"} <= lines_of(arms).keys()
    box = sensitivity_figure(optimal_design(model, at, region={"x": (-1, 1), "arm": (0, 1)}))
    assert len(box.axes) == 2
    assert (box.axes[0].get_xlabel(), box.axes[0].get_ylabel()) == ("x", "arm")
    box.draw_without_rendering()


def test_labels_are_inside_the_figure(design):
    for figure in (
        power_figure(SIZES, {"one": [0.1, 0.2, 0.3, 0.4]}),
        efficiency_figure([0.2, 0.8], {"one": [0.5, 0.5]}),
        sensitivity_figure(design, title="sensitivity"),
    ):
        figure.draw_without_rendering()
        axes = figure.axes[0]
        for part in (axes.title, axes.xaxis.label, axes.yaxis.label):
            box = part.get_window_extent()
            assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1


def test_figures_are_not_registered_with_pyplot(design):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    sensitivity_figure(design)
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: power_figure(SIZES, {}), "a figure needs a curve"),
        (lambda: power_figure(SIZES, {"one": [0.1]}), "has 1 values for 4 places"),
        (lambda: power_figure(SIZES, {"one": [0.1, 0.2, 0.3, 1.4]}), "a value that is no power"),
        (lambda: power_figure(SIZES, {"one": [0.1, 0.2, 0.3, float("nan")]}), "a value that is no power"),
        (lambda: power_figure(SIZES, {"one": lambda m: 0.1}, target=1), "the power planned for"),
        (lambda: power_figure([3, 2], {"one": lambda m: 0.1}), "sizes are two or more increasing numbers"),
        (lambda: efficiency_figure([0.1, 0.2], {"one": [0.1, 1.2]}), "a value that is no efficiency"),
        (lambda: efficiency_figure([0.1, 0.2], {"one": [0.1, 1]}, optima={"two": 0.1}), "there is no curve 'two'"),
    ],
)
def test_refusals_are_one_line(draw, message):
    with pytest.raises(LeadtermsError) as refusal:
        draw()
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_region_without_interval_is_not_drawn():
    arms = Model("y ~ x", laws={"x": "Bernoulli(1/2)"})
    design = optimal_design(arms, "beta0=0, beta1=0, phi=1", region={"x": {0, 1}})
    with pytest.raises(LeadtermsError, match="drawn over one interval, or over two"):
        sensitivity_figure(design)


def test_without_matplotlib_one_line_names_the_extra(monkeypatch, design):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(LeadtermsError, match=r"matplotlib is not installed \(pip install 'leadterms\[plots\]'\)"):
        sensitivity_figure(design)
