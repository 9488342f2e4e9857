"""Figures for planning a study: power by size, efficiency of allocations, sensitivity of a design.

They take numbers or functions, and no model: whoever calls them has derived what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

from leadterms.errors import LeadtermsError
from leadterms.inference.progress import Progress
from leadterms.publication.drawing import empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from leadterms.inference.design_record import Design

Curve = Callable[[Any], Any] | Sequence[float]
COLOURS = ("#2171b5", "#d94801", "#238b45", "#6a51a3", "#ae017e")
STYLES = ("-", "--", "-.", ":")
WIDTH, HEIGHT = 5.4, 3.6
"""Inches."""
PLACE = (0.13, 0.15, 0.83, 0.74)
"""Of the axes, as parts of the figure."""
POINTS, MAP = 801, 121
"""On the line of a sensitivity function, and along each side of a map."""


def power_figure(
    sizes: Sequence[float],
    curves: Mapping[str, Curve],
    *,
    target: float | None = None,
    size_name: str = "m",
    title: str = "",
    progress: Progress | None = None,
) -> Figure:
    """Return a figure of power against a sample size or an effect, one line for each way to compute it.

    Parameters
    ----------
    sizes
        Numbers of groups, or of observations in a group, increasing; or effects, of both signs too.
    curves
        By label, such as "one term" and "two terms": the powers at the sizes, or a function of one size. Between 0
        and 1.
    target
        The power that is planned for: a horizontal line, and a mark at the sizes where a curve reaches it, or has it
        last before it falls below.
    size_name
        Under the horizontal axis.
    title
        Over the picture.
    progress
        Called after each evaluation of a function with the number of those done and of all.

    Raises
    ------
    LeadtermsError
        If matplotlib is missing, there is no curve, or a power is no number between 0 and 1.

    """
    places = _increasing(sizes, "sizes")
    values = _values(places, curves, progress)
    for label, line in values.items():
        if not all(0 <= power <= 1 for power in line):
            raise LeadtermsError(
                f"the curve {label!r} has a value that is no power: powers lie between 0 and 1; leave out places "
                "without one (nan)"
            )
    if target is not None and not 0 < target < 1:
        raise LeadtermsError(f"the power planned for lies between 0 and 1, not {target}")
    figure, axes = _framed("power curves", title)
    for number, (label, line) in enumerate(values.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(places, line, color=colour, linestyle=STYLES[number % len(STYLES)], label=label)
        for place in () if target is None else _reached(line, target):
            axes.plot(places[place], line[place], "o", color=colour, markersize=5)
    if target is not None:
        axes.axhline(target, color="#888888", linewidth=0.8)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(size_name)
    axes.set_ylabel("power")
    # effects of both signs have their curves in every corner
    axes.legend(frameon=False, loc="best" if places[0] < 0 else "lower right")
    return figure


def efficiency_figure(
    allocations: Sequence[float],
    curves: Mapping[str, Curve],
    *,
    optima: Mapping[str, float] | None = None,
    allocation_name: str = "p",
    title: str = "",
    progress: Progress | None = None,
) -> Figure:
    """Return a figure of the efficiency of allocations relative to the optimal one.

    Parameters
    ----------
    allocations
        Probabilities of an arm, increasing, in (0, 1).
    curves
        By label: the efficiencies, or a function of one allocation. Between 0 and 1.
    optima
        By the label of a curve the optimal allocation, marked at efficiency one.
    allocation_name, title, progress
        As in `power_figure`.

    Raises
    ------
    LeadtermsError
        As `power_figure`.

    """
    places = _increasing(allocations, "allocations")
    values = _values(places, curves, progress)
    for label, line in values.items():
        if not all(0 <= value <= 1 + 1e-9 for value in line):
            raise LeadtermsError(f"the curve {label!r} has a value that is no efficiency: they lie between 0 and 1")
    unknown = sorted(set(optima or ()) - set(values))
    if unknown:
        raise LeadtermsError(f"there is no curve {', '.join(map(repr, unknown))}: there are {', '.join(values)}")
    figure, axes = _framed("efficiencies", title)
    for number, (label, line) in enumerate(values.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(places, line, color=colour, linestyle=STYLES[number % len(STYLES)], label=label)
        if optima is not None and label in optima:
            axes.plot(float(optima[label]), 1.0, "o", color=colour, markersize=5)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel(allocation_name)
    axes.set_ylabel("efficiency")
    axes.legend(frameon=False, loc="lower center")
    return figure


def sensitivity_figure(design: Design, *, title: str = "") -> Figure:
    """Return a figure of the sensitivity function of a design over its region, with its bound and support points.

    A line for one predictor, for two a map in colours; predictors with a few values have a line for each of them.

    Raises
    ------
    LeadtermsError
        If matplotlib is missing, or the region is no interval, or more than two predictors vary in intervals.

    """
    import numpy as np

    free = [k for k, axis in enumerate(design.region.axes) if axis.is_interval]
    few = [k for k in range(len(design.region.axes)) if k not in free]
    if len(free) not in (1, 2) or (len(free) == 2 and few):
        raise LeadtermsError(
            f"a sensitivity function is drawn over one interval, or over two and nothing else, not over {design.region}"
        )
    figure, axes = _framed("a sensitivity function", title)
    if len(free) == 2:
        _map(figure, axes, design)
        return figure
    line = design.region.axes[free[0]].line(POINTS)
    levels = _combinations([design.region.axes[k].values for k in few])
    for number, level in enumerate(levels):
        points = np.empty((POINTS, len(design.region.axes)))
        points[:, free[0]] = line
        points[:, few] = level
        name = ", ".join(f"{design.predictors[k]} = {value:g}" for k, value in zip(few, level, strict=True))
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(line, design.sensitivity(points), color=colour, label=name or "sensitivity")
        for point, weight in zip(design.points, design.weights, strict=True):
            if all(point[k] == value for k, value in zip(few, level, strict=True)):
                height = float(design.sensitivity(np.array([point]))[0])
                axes.plot(point[free[0]], height, "o", color=colour, markersize=3 + 7 * weight**0.5)
    axes.axhline(design.check.bound, color="#888888", linewidth=0.8, label="bound")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(design.predictors[free[0]])
    axes.set_ylabel(f"sensitivity ({design.criterion}-criterion)")
    axes.legend(frameon=False)
    return figure


def _map(figure: Figure, axes: Axes, design: Design) -> None:
    """Draw the sensitivity over two intervals, over its bound, and the support points."""
    import numpy as np

    lines = [axis.line(MAP) for axis in design.region.axes]
    grid = design.region.grid(MAP)
    values = design.sensitivity(grid).reshape(MAP, MAP) / design.check.bound
    picture = axes.pcolormesh(lines[0], lines[1], values.T, cmap="viridis", shading="gouraud")
    points = np.array(design.points)
    axes.scatter(points[:, 0], points[:, 1], s=20 + 200 * np.array(design.weights), color="#d94801", clip_on=False)
    axes.set_xlabel(design.predictors[0])
    axes.set_ylabel(design.predictors[1])
    figure.colorbar(picture, ax=axes, label=f"sensitivity over its bound ({design.criterion}-criterion)")


def _framed(what: str, title: str) -> tuple[Figure, Axes]:
    figure = empty_figure(what, WIDTH, HEIGHT)
    axes = figure.add_axes(PLACE)
    axes.set_title(title.replace("$", r"\$"), fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _reached(line: Sequence[float], target: float) -> list[int]:
    """Return where a curve passes a power, on the side that has it; the first place if it has it everywhere."""
    high = [i for i, power in enumerate(line) if power >= target]
    passed = [i for i in high if any(line[j] < target for j in (i - 1, i + 1) if 0 <= j < len(line))]
    return passed or high[:1]


def _increasing(numbers: Sequence[float], what: str) -> list[float]:
    places = [float(number) for number in numbers]
    if len(places) < 2 or any(not a < b for a, b in pairwise(places)):
        raise LeadtermsError(f"{what} are two or more increasing numbers, not {list(numbers)!r}")
    return places


def _values(places: Sequence[float], curves: Mapping[str, Curve], progress: Progress | None) -> dict[str, list[float]]:
    """Return the values of all curves; functions are asked at one place after the other."""
    if not curves:
        raise LeadtermsError("a figure needs a curve: give one by its label, such as {'two terms': powers}")
    total = len(places) * sum(callable(curve) for curve in curves.values())
    found: dict[str, list[float]] = {}
    done = 0
    for label, curve in curves.items():
        if not callable(curve):
            line = [float(value) for value in curve]
            if len(line) != len(places):
                raise LeadtermsError(
                    f"the curve {label!r} has {len(line)} values for {len(places)} places: give as many"
                )
            found[label] = line
            continue
        found[label] = []
        for place in places:
            found[label].append(float(curve(place)))
            done += 1
            if progress is not None:
                progress(done, total)
    return found


def _combinations(values: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
    return list(product(*values))
