"""The picture of V: its panels, colours, labels and room, and the pixels of the file."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from leadterms import LeadtermsError, Model
from leadterms.publication.covariance_pattern import covariance_pattern
from leadterms.publication.pattern_figure import DIAGONAL, NOTHING, pattern_figure

NESTED = Model("y ~ 1 + (1 | a/b)")
CROSSED = Model("y ~ 1 + (1 | a) + (1 | b)")
SIZES = {"m_a": 4, "m_b": 3, "m": 4, "m_prime": 3, "n": 2}


def shown_colours(panel):
    """The colour of each cell, as matplotlib draws it."""
    image = panel.get_images()[0]
    data = image.get_array()
    colours = image.cmap(image.norm(data))
    return np.array([[to_hex(cell) for cell in row] for row in colours])


def legend_of(panel):
    legend = panel.get_legend()
    patches = legend.get_patches()
    return {
        text.get_text(): to_hex(patch.get_facecolor()) for text, patch in zip(legend.get_texts(), patches, strict=True)
    }


@pytest.mark.slow
def test_the_two_pictures_of_the_deck_stand_side_by_side(tmp_path):
    figure = pattern_figure([NESTED, CROSSED], SIZES)
    nested, crossed = figure.axes
    for panel, model, names in ((nested, NESTED, ("m_a", "m_b", "n")), (crossed, CROSSED, ("m", "m_prime", "n"))):
        pattern = covariance_pattern(model, {name: SIZES[name] for name in names})
        assert (panel.get_images()[0].get_array() == pattern.codes).all()
        colours = shown_colours(panel)
        assert (np.diag(colours) == DIAGONAL).all()
        assert ((colours == NOTHING) == (pattern.codes == 0)).all()
        assert panel.get_title() == model.formula.text
        assert panel.get_xlabel() == "level of a (within it: b, units)"
        assert panel.get_ylabel() == "level of a"
        assert [label.get_text() for label in panel.get_xticklabels()] == ["1", "2", "3", "4"]
    # outside the blocks of a the nested picture is white, and the crossed one has stripes
    assert set(shown_colours(nested)[:6, 6:].flat) == {NOTHING}
    assert len(set(shown_colours(crossed)[:6, 6:].flat)) == 2
    figure.savefig(tmp_path / "v.png", dpi=100)
    pixels = imread(tmp_path / "v.png")
    assert pixels.shape[:2] == tuple(int(100 * inches) for inches in reversed(figure.get_size_inches()))
    drawn = {to_hex(colour) for colour in np.unique(pixels.reshape(-1, 4), axis=0)}
    assert {*legend_of(nested).values(), *legend_of(crossed).values()} <= drawn


def test_the_legend_names_the_colours_and_the_same_set_has_the_same_colour():
    nested, crossed = (legend_of(panel) for panel in pattern_figure([NESTED, CROSSED], SIZES).axes)
    assert list(nested) == [
        "$0$",
        r"$\sigma^2_{a}$",
        r"$\sigma^2_{a}$ + $\sigma^2_{ab}$",
        r"$\sigma^2_{a}$ + $\sigma^2_{ab}$ + $\phi$",
    ]
    assert nested[r"$\sigma^2_{a}$"] == crossed[r"$\sigma^2_{a}$"]
    assert len({*nested.values(), *crossed.values()}) == 6


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        (CROSSED, {"m": 3, "m_prime": 3, "n": 2}),
        (Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c) + (1 | d)"), {"m_a": 2, "m_b": 2, "m_c": 2, "m_d": 2, "n": 2}),
        (Model("y ~ 1 + (1 | clinic/ward_no)", family="poisson"), {"m_clinic": 3, "m_ward_no": 2, "n": 2}),
        (
            Model("y ~ 1 + (1 | hospital_of_the_region/ward_of_the_hospital/patient)"),
            {"m_hospital_of_the_region": 2, "m_ward_of_the_hospital": 2, "m_patient": 2, "n": 2},
        ),
    ],
)
def test_titles_labels_and_legends_are_inside_the_figure(model, sizes):
    figure = pattern_figure(model, sizes)
    figure.draw_without_rendering()
    (panel,) = figure.axes
    room = figure.bbox
    parts = [panel.title, panel.xaxis.label, panel.yaxis.label, panel.get_legend()]
    boxes = [part.get_window_extent() for part in parts]
    for box in boxes:
        assert room.x0 <= box.x0 < box.x1 <= room.x1
        assert room.y0 <= box.y0 < box.y1 <= room.y1
    # the legend is below the labels, which are outside the picture
    assert boxes[3].y1 < boxes[1].y0 < panel.get_window_extent().y0


def test_every_kind_of_four_crossed_factors_has_a_colour_of_its_own():
    model = Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c) + (1 | d)")
    figure = pattern_figure(model, {"m_a": 2, "m_b": 2, "m_c": 2, "m_d": 2, "n": 2})
    colours = legend_of(figure.axes[0])
    assert len(colours) == len(set(colours.values())) == 2**4 + 1


def test_many_levels_are_counted_by_observation():
    (panel,) = pattern_figure(Model("y ~ 1 + (1 | a)"), {"m": 30, "n": 2}).axes
    assert panel.get_xlabel() == "observation (sorted by a, units)"
    assert panel.get_xlim() == (0.5, 60.5)
    assert all(float(tick).is_integer() for tick in panel.get_xticks())


def test_order_sizes_and_titles_for_each_model():
    figure = pattern_figure(
        [NESTED, CROSSED],
        [{"m_a": 2, "m_b": 2, "n": 1}, {"m": 2, "m_prime": 5, "n": 1}],
        order=["b"],
        titles=["nested", "costs $5"],
    )
    nested, crossed = figure.axes
    assert len(nested.get_images()[0].get_array()) == 4
    assert crossed.get_xlabel().startswith("level of b")
    assert (nested.get_title(), crossed.get_title()) == ("nested", r"costs \$5")


def test_an_order_may_name_factors_that_only_one_of_the_models_has():
    third = Model("y ~ 1 + (1 | a) + (1 | c)")
    first, second = pattern_figure([CROSSED, third], {"m": 2, "m_prime": 2, "n": 2}, order=["c", "b"]).axes
    assert first.get_xlabel().startswith("level of b (within it: a")
    assert second.get_xlabel().startswith("level of c (within it: a")


@pytest.mark.parametrize(
    ("models", "sizes", "options", "message"),
    [
        ([], {}, {}, "a figure of the pattern of V needs a model: give one, or a list of them"),
        (CROSSED, SIZES, {}, "'m_a' is not a size of the layout: it has m, m_prime, n"),
        (
            [NESTED, CROSSED],
            {**SIZES, "k": 1},
            {},
            "'k' is not a size of any of the layouts: they have m_a, m_b, n, m,",
        ),
        ([NESTED, CROSSED], [SIZES], {}, "1 mappings of sizes are given for 2 models: give one for each"),
        ([NESTED, CROSSED], 3, {}, "sizes are a mapping such as {'m': 3, 'n': 2}, or one for each model, not 3"),
        ([NESTED, CROSSED], SIZES, {"titles": ["one"]}, "1 titles are given for 2 models: give one for each"),
        ([NESTED, CROSSED], SIZES, {"order": ["c"]}, "'c' is not an index factor of the layout"),
        ([NESTED, CROSSED], SIZES, {"order": "b"}, "the order is a list of index factors"),
    ],
)
def test_refusals_are_one_line(models, sizes, options, message):
    with pytest.raises(LeadtermsError) as refusal:
        pattern_figure(models, sizes, **options)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
