"""The Hasse diagram of a layout: its factors from the universe to the units, with levels and degrees of freedom.

A node is a set of index factors, and a finer node has more of them. The diagram is closed under infima (the union of
two sets: crossed a and b have a:b below them) and suprema (the intersection: a:b and a:c have a above them), without
which subtraction does not give the degrees of freedom (Tjur 1984, "Analysis of variance models in orthogonal designs",
Int. Statist. Rev. 52; Bailey 2008, "Design of Comparative Experiments", chapter 10). In a/b there is no node b.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from sympy import Expr, Mul

from leadterms.errors import LeadtermsError
from leadterms.model.layout import UNITS, IndexSet, Layout
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text
from leadterms.publication.drawing import empty_figure, label_latex

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS, DOWN = 2.6, 1.4
"""Distances of nodes in a layer, at least, and of layers: centimetres in LaTeX, times ``INCHES`` in a figure."""
INCHES = 0.75
LETTER = 0.14
"""Width of a letter under a node."""
CAPTION = "below each factor: levels; degrees of freedom (random factors in parentheses)"
BRACKETS = "\nin brackets: predictors constant within the factor"


@dataclass(frozen=True)
class HasseNode:
    """A factor of the layout.

    Parameters
    ----------
    label
        "1" for the universe (the grand mean), "a:b" for the cells of a and b, "units" for the observations.
    levels
        Number of its levels, in the sizes of the layout.
    degrees_of_freedom
        Its levels minus the degrees of freedom of all coarser nodes, as a product.
    random
        Whether it carries random effects; the units do, of the response itself.
    predictors
        The predictors that are stated to be constant within it, and vary between its levels.
    layer
        Number of steps down from the universe.

    """

    label: str
    levels: Expr
    degrees_of_freedom: Expr
    random: bool
    predictors: tuple[str, ...]
    layer: int

    @property
    def shown(self) -> str:
        """The label, in parentheses if the factor is random."""
        return f"({self.label})" if self.random else self.label


@dataclass(frozen=True)
class HasseDiagram:
    """The factors of a balanced layout, ordered by nesting.

    Parameters
    ----------
    nodes
        By layer, the universe first and the units last.
    edges
        Positions of a node and of one directly below it, with nothing between them.

    """

    nodes: tuple[HasseNode, ...]
    edges: tuple[tuple[int, int], ...]

    def __getitem__(self, label: str) -> HasseNode:
        """Return the first node with a label.

        Raises
        ------
        LeadtermsError
            If there is none.

        """
        for node in self.nodes:
            if node.label == label:
                return node
        known = ", ".join(node.label for node in self.nodes)
        raise LeadtermsError(f"{label!r} is not a factor of the layout: it has {known}")

    def text(self) -> str:
        """Return one line for each node, indented by layer, with the nodes directly above it.

        Examples
        --------
        >>> print(hasse(Model("y ~ 1 + (1 | a) + (1 | b)")).text())
        factor          levels        degrees of freedom      within
        1               1             1
          (a)           m             m - 1                   1
          (b)           m_prime       m_prime - 1             1
            a:b         m*m_prime     (m - 1)*(m_prime - 1)   a, b
              (units)   m*m_prime*n   m*m_prime*(n - 1)       a:b

        """
        rows = [["factor", "levels", "degrees of freedom", "within", "predictors"]]
        for position, node in enumerate(self.nodes):
            above = ", ".join(self.nodes[coarser].label for coarser, finer in self.edges if finer == position)
            rows.append(
                [
                    "  " * node.layer + node.shown,
                    to_text(node.levels),
                    to_text(node.degrees_of_freedom),
                    above,
                    ", ".join(node.predictors),
                ]
            )
        if not any(node.predictors for node in self.nodes):
            rows = [row[:-1] for row in rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def latex(self) -> str:
        r"""Return a ``tikzpicture``, which needs the package tikz and none of its libraries.

        Under each label stand the number of levels and, after a semicolon, the degrees of freedom; predictors that
        are constant within a factor follow it in brackets.
        """
        lines = [r"\begin{tikzpicture}[every node/.style={align=center}]"]
        for position, (node, (x, y)) in enumerate(zip(self.nodes, self._places(), strict=True)):
            size = rf"$\scriptstyle {to_latex(node.levels)};\ {to_latex(node.degrees_of_freedom)}$"
            lines.append(rf"  \node (f{position}) at ({x:.2f}, {y:.2f}) {{${_name(node)}$\\ {size}}};")
        lines += [rf"  \draw (f{coarser}) -- (f{finer});" for coarser, finer in self.edges]
        return "\n".join([*lines, r"\end{tikzpicture}"])

    def figure(self) -> Figure:
        """Return the diagram as a matplotlib figure, as wide as its widest layer: six crossed factors have one of 20.

        Raises
        ------
        LeadtermsError
            If matplotlib is not installed.

        """
        places = self._places()
        depth = -min(y for _, y in places)
        width = max(2 * abs(x) + _width(node) for (x, _), node in zip(places, self.nodes, strict=True))
        width, height = max(width, 2.5 * ACROSS), depth + 1.6 * DOWN
        figure = empty_figure("a Hasse diagram", width * INCHES, height * INCHES)
        panel = figure.add_axes((0, 0, 1, 1))
        panel.set_axis_off()
        panel.set_xlim(-width / 2, width / 2)
        panel.set_ylim(-depth - 1.1 * DOWN, 0.5 * DOWN)
        caption = CAPTION + BRACKETS * any(node.predictors for node in self.nodes)
        panel.text(0, -depth - 0.9 * DOWN, caption, ha="center", va="center", fontsize=8, color="#444444")
        for coarser, finer in self.edges:
            (x0, y0), (x1, y1) = places[coarser], places[finer]
            panel.plot([x0, x1], [y0, y1], color="#666666", linewidth=0.9, zorder=1)
        for node, (x, y) in zip(self.nodes, places, strict=True):
            size = rf"${to_latex(node.levels)};\ {to_latex(node.degrees_of_freedom)}$"
            shown = f"${_name(node)}$\n{size}"
            panel.text(
                x, y, shown, ha="center", va="center", zorder=2, bbox={"facecolor": "white", "edgecolor": "none"}
            )
        return figure

    def _places(self) -> list[tuple[float, float]]:
        """Return coordinates: each layer centred, in the order of its nodes."""
        layers = [node.layer for node in self.nodes]
        across = max([ACROSS, *(_width(node) for node in self.nodes if layers.count(node.layer) > 1)])
        seen: dict[int, int] = {}
        places = []
        for layer in layers:
            position = seen[layer] = seen.get(layer, -1) + 1
            places.append(((position - (layers.count(layer) - 1) / 2) * across, -layer * DOWN))
        return places


def hasse(model: Model) -> HasseDiagram:
    """Return the Hasse diagram of the balanced layout of a model.

    Its nodes are the universe, the groupings of the random effects, the levels of the predictors, the units, and
    whatever infima and suprema of these are missing.

    Examples
    --------
    >>> diagram = hasse(Model("y ~ 1 + (1 | a/b)"))
    >>> [(node.shown, node.degrees_of_freedom) for node in diagram.nodes]
    [('1', 1), ('(a)', m_a - 1), ('(a:b)', m_a*(m_b - 1)), ('(units)', m_a*m_b*(n - 1))]

    """
    layout = model.layout
    predictors: dict[IndexSet, list[str]] = {}
    for name, grouping in model.levels:
        predictors.setdefault(layout.index_set(grouping.split(":")), []).append(name)
    sets = _closed({frozenset(), layout.everything, *layout.groupings, *predictors})
    layers: dict[IndexSet, int] = {}
    for own in sorted(sets, key=len):
        layers[own] = max((layers[other] + 1 for other in layers if other < own), default=0)
    ordered = sorted(sets, key=lambda own: (layers[own], sorted(own)))
    covers = {own: _covers(own, sets) for own in ordered}
    nodes = tuple(
        HasseNode(
            UNITS if own == layout.everything else layout.label(own),
            layout.size(own),
            _degrees_of_freedom(layout, own, covers[own]),
            own == layout.everything or own in layout.groupings,
            tuple(predictors.get(own, ())),
            layers[own],
        )
        for own in ordered
    )
    edges = tuple((i, j) for j, finer in enumerate(ordered) for i, own in enumerate(ordered) if own in covers[finer])
    return HasseDiagram(nodes, edges)


def _closed(sets: set[IndexSet]) -> set[IndexSet]:
    """Return the sets with all their unions and intersections."""
    while True:
        more = {found for first, second in combinations(sets, 2) for found in (first | second, first & second)} - sets
        if not more:
            return sets
        sets = sets | more


def _covers(own: IndexSet, sets: set[IndexSet]) -> list[IndexSet]:
    """Return the nodes directly above one: the largest of the smaller sets."""
    smaller = [other for other in sets if other < own]
    return [other for other in smaller if not any(other < between for between in smaller)]


def _degrees_of_freedom(layout: Layout, own: IndexSet, covers: Sequence[IndexSet]) -> Expr:
    """Return the levels of a node minus the degrees of freedom of all coarser ones.

    Write the node as S and the nodes directly above it as S - B_1, ..., S - B_k. The B_i are disjoint, since the
    union of two of the nodes above is a node and is S. Subtraction is Moebius inversion; in a distributive lattice
    the Moebius function is (-1)^r at the intersection of r of the nodes directly above, S minus r of the B_i, and
    zero elsewhere. With |T| the levels of T the sum is |S - B_1 - ... - B_k| (|B_1| - 1) ... (|B_k| - 1), which is
    the formula of Nelder (1965) where each B_i is a single index factor.
    """
    dropped = [own - cover for cover in covers]
    return Mul(layout.size(own.difference(*dropped)), *(layout.size(part) - 1 for part in dropped))


def _width(node: HasseNode) -> float:
    """Return about how wide a node is, by the letters of its lines."""
    size = re.sub(r"[*_ ]", "", to_text(node.levels) + to_text(node.degrees_of_freedom))
    return LETTER * (max(len(size), len(node.shown) + sum(len(name) + 2 for name in node.predictors)) + 4)


def _name(node: HasseNode) -> str:
    name = label_latex(node.label)
    shown = rf"\left({name}\right)" if node.random else name
    predictors = ",\\ ".join(map(label_latex, node.predictors))
    return rf"{shown}\ \left[{predictors}\right]" if predictors else shown
