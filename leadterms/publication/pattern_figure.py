"""The picture of V: a matrix plot of the pattern of shared random effects, of one model or of several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from colorsys import hsv_to_rgb
from math import ceil
from textwrap import fill
from typing import TYPE_CHECKING

from leadterms.errors import ModelError
from leadterms.model.statement import Model
from leadterms.publication.covariance_pattern import CovariancePattern, SharedEffects, covariance_pattern, size_names
from leadterms.publication.drawing import empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOTHING, DIAGONAL = "#ffffff", "#1b1b1b"
ONE = ("#9ecae1", "#fdc086", "#d4b9da", "#f6e58d", "#c7e9c0")
SEVERAL = ("#2171b5", "#238b45", "#d94801", "#6a51a3", "#ae017e")
"""Light colours for a single shared grouping, dark ones for several; further ones are made from hues."""
MOST_TICKS = 12
"""With more levels than this the ticks count observations instead."""
PANEL, LEFT, RIGHT, UNDER = 4.0, 0.8, 0.2, 0.7
"""Inches: a panel's side, the axis labels' room beside it and below it, and what separates it from the next."""
LINE = 0.24
"""Inches of a line of the legend or the title."""
LONG_ENTRY = 32
"""Characters of an entry of the legend that leave no room for a second one beside it."""
PANEL_ENTRY = 56
"""Characters of a line of an entry that fit below a panel."""
TITLE_WIDTH = 46
"""Characters of a title that fit over a panel."""

Sizes = Mapping[str, object]
Kind = tuple[tuple[str, ...], bool]


def pattern_figure(
    models: Model | Sequence[Model],
    sizes: Sizes | Sequence[Sizes],
    *,
    order: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Return a matplotlib figure of the pattern of V, one panel for each model.

    White is zero, black the diagonal, and each set of shared groupings has a colour, the same one in each panel.

    Parameters
    ----------
    models
        A model, or several, drawn from left to right.
    sizes
        Numbers by the names of the sizes; for several models one mapping that has the names of all, or one for each.
    order
        The index factors by which the observations are sorted, as in ``covariance_pattern``; in each model those of
        its own.
    titles
        One for each model; their formulas by default.

    Raises
    ------
    LeadtermsError
        If matplotlib is missing, there is no model, the numbers of models, sizes and titles differ, or a pattern is
        refused.

    """
    several = [models] if isinstance(models, Model) else list(models)
    if not several:
        raise ModelError("a figure of the pattern of V needs a model: give one, or a list of them")
    shown = [model.formula.text for model in several] if titles is None else list(titles)
    if len(shown) != len(several):
        raise ModelError(f"{len(shown)} titles are given for {len(several)} models: give one for each")
    own = _sizes_of_each(several, sizes)
    patterns = [
        covariance_pattern(model, numbers, _own_order(several, model, order))
        for model, numbers in zip(several, own, strict=True)
    ]
    colours = _colours(patterns)
    headings = [fill(title.replace("$", r"\$"), TITLE_WIDTH) for title in shown]
    head = LINE * (1 + max(heading.count("\n") + 1 for heading in headings))
    names = [fill(_sorting(pattern), TITLE_WIDTH) for pattern in patterns]
    under = UNDER + LINE * max(name.count("\n") for name in names)
    foot = under + LINE * (1 + max(ceil(_legend_lines(pattern) / _columns(pattern)) for pattern in patterns))
    step, height = LEFT + PANEL + RIGHT, head + PANEL + foot
    figure = empty_figure("the pattern of V", step * len(several), height)
    for position, (pattern, heading, name) in enumerate(zip(patterns, headings, names, strict=True)):
        left = (position * step + LEFT) / (step * len(several))
        panel = figure.add_axes((left, foot / height, PANEL / (step * len(several)), PANEL / height))
        _draw(panel, pattern, colours)
        panel.set_title(heading, fontsize=10)
        panel.set_xlabel(name)
        panel.set_ylabel(f"level of {pattern.order[0]}" if _by_level(pattern) else "observation")
        _legend(panel, pattern, colours, under / PANEL)
    return figure


def _sizes_of_each(models: Sequence[Model], sizes: Sizes | Sequence[Sizes]) -> list[Sizes]:
    if not isinstance(sizes, Mapping):
        if isinstance(sizes, str) or not isinstance(sizes, Sequence):
            raise ModelError(f"sizes are a mapping such as {{'m': 3, 'n': 2}}, or one for each model, not {sizes!r}")
        if len(sizes) != len(models):
            raise ModelError(f"{len(sizes)} mappings of sizes are given for {len(models)} models: give one for each")
        return list(sizes)
    if len(models) == 1:
        return [sizes]
    known = {name: None for model in models for name in size_names(model)}
    for key in sizes:
        if str(key) not in known:
            raise ModelError(f"{str(key)!r} is not a size of any of the layouts: they have {', '.join(known)}")
    return [{key: value for key, value in sizes.items() if str(key) in size_names(model)} for model in models]


def _own_order(models: Sequence[Model], model: Model, order: Sequence[str] | None) -> Sequence[str] | None:
    """Return the part of an order that is about a model, if others have the rest."""
    if order is None or isinstance(order, str):
        return order
    elsewhere = {factor.label for other in models for factor in other.layout.factors}
    here = {factor.label for factor in model.layout.factors}
    return [name for name in order if name in here or name not in elsewhere]


def _colours(patterns: Sequence[CovariancePattern]) -> dict[Kind, str]:
    found: dict[Kind, str] = {}
    given = {False: 0, True: 0}
    for pattern in patterns:
        for code in pattern.legend:
            kind = _key(pattern.kinds[code])
            groupings, same = kind
            if same or not groupings:
                found[kind] = DIAGONAL if same else NOTHING
            elif kind not in found:
                several = len(groupings) > 1
                found[kind] = _colour(given[several], several)
                given[several] += 1
    return found


def _colour(number: int, several: bool) -> str:
    """Return a colour that no smaller number has; hues by the golden section come close late."""
    listed = SEVERAL if several else ONE
    if number < len(listed):
        return listed[number]
    parts = hsv_to_rgb((0.1 + 0.618034 * number) % 1, 0.8 if several else 0.45, 0.6 if several else 0.95)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _key(kind: SharedEffects) -> Kind:
    """Return what has a colour of its own, in whatever model it is."""
    return kind.groupings, kind.same


def _by_level(pattern: CovariancePattern) -> bool:
    """Whether the ticks are levels of the factor that varies slowest, not observations."""
    return 1 < pattern.counts[0] <= MOST_TICKS and len(pattern.codes) > pattern.counts[0]


def _sorting(pattern: CovariancePattern) -> str:
    outer, *inner = pattern.order
    if _by_level(pattern):
        return f"level of {outer} (within it: {', '.join(inner)})"
    return f"observation (sorted by {', '.join(pattern.order)})"


def _printed(text: str) -> str:
    """Return about the letters that are printed: a variance is a sigma with a small subscript."""
    return text.replace("sigma2_", "s")


def _columns(pattern: CovariancePattern) -> int:
    return 2 if max(len(_printed(text)) for text in pattern.legend.values()) < LONG_ENTRY else 1


def _entry(kind: SharedEffects) -> str:
    """Return an entry of the legend, in several lines if it is too long for the panel."""
    lines: list[str] = []
    room = 0
    for text, latex in kind.parts:
        needed = len(_printed(text)) + len(kind.joint)
        if lines and needed <= room:
            lines[-1] += f"{kind.joint}${latex}$"
            room -= needed
        else:
            lines.append(f"${latex}$")
            room = PANEL_ENTRY - needed
    return f"{kind.joint.rstrip()}\n".join(lines)


def _legend_lines(pattern: CovariancePattern) -> int:
    return sum(_entry(pattern.kinds[code]).count("\n") + 1 for code in pattern.legend)


def _draw(panel: Axes, pattern: CovariancePattern, colours: Mapping[Kind, str]) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.ticker import MaxNLocator

    total = len(pattern.codes)
    palette = ListedColormap([colours.get(_key(kind), NOTHING) for kind in pattern.kinds])
    edges = [code - 0.5 for code in range(len(pattern.kinds) + 1)]
    panel.imshow(
        pattern.codes,
        cmap=palette,
        norm=BoundaryNorm(edges, palette.N),
        interpolation="nearest",
        extent=(0.5, total + 0.5, total + 0.5, 0.5),
    )
    if not _by_level(pattern):
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(MaxNLocator(8, integer=True))
        return
    count = pattern.counts[0]
    inside = total // count
    for axis in (panel.xaxis, panel.yaxis):
        places = [inside * (level + 0.5) + 0.5 for level in range(count)]
        axis.set_ticks(places, labels=[str(level + 1) for level in range(count)])
    panel.tick_params(length=0)
    for level in range(1, count):
        panel.axhline(inside * level + 0.5, color="#bbbbbb", linewidth=0.4)
        panel.axvline(inside * level + 0.5, color="#bbbbbb", linewidth=0.4)


def _legend(panel: Axes, pattern: CovariancePattern, colours: Mapping[Kind, str], below: float) -> None:
    from matplotlib.patches import Patch

    present = [pattern.kinds[code] for code in pattern.legend]
    panel.legend(
        handles=[
            Patch(facecolor=colours[_key(kind)], edgecolor="#888888", linewidth=0.5, label=_entry(kind))
            for kind in present
        ],
        loc="upper center",
        bbox_to_anchor=(0.5, -below),
        ncols=_columns(pattern),
        borderaxespad=0,
        frameon=False,
        fontsize=9,
    )
