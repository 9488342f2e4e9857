"""LaTeX of a model with several grouping factors: one index for each factor of the layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadterms.model.layout import IndexSet
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import M_PRIME, grouping_latex

if TYPE_CHECKING:
    from leadterms.model.random_structure import GroupingEffects
    from leadterms.model.statement import Model


def index_of(model: Model, chosen: IndexSet) -> str:
    """Return the indices of a set of factors: i and i' for two crossed ones, else i, k, l, ...; j for the units."""
    factors = model.layout.factors
    primed = len(factors) == 3 and factors[1].size == M_PRIME
    letters = ["i", r"i^{\prime}"] if primed else ["i", "k", "l", "h", "g", "f"]
    shown = [*letters[: len(factors) - 1], "j"]
    return "".join(shown[position] for position in sorted(chosen))


def ranges(model: Model) -> str:
    """Return the ranges of all indices."""
    factors = model.layout.factors
    parts = [rf"1\le {index_of(model, frozenset({i}))}\le {to_latex(f.size)}" for i, f in enumerate(factors)]
    return r",\ ".join(parts)


def predictor_index(model: Model, name: str) -> str:
    """Return the indices of a predictor: those of its level."""
    level = dict(model.levels).get(name)
    layout = model.layout
    return index_of(model, layout.everything if level is None else layout.index_set(level.split(":")))


def effect_name(model: Model, effects: GroupingEffects, position: int, chosen: IndexSet) -> str:
    """Return the name of a random effect: U, with its grouping above and its indices below."""
    number = str(position) if len(effects.indices) > 1 else ""
    above = grouping_latex("_".join(effects.grouping))
    return rf"U^{{({above})}}_{{{number}{index_of(model, chosen)}}}"


def centred_mean(model: Model, name: str, shown: str) -> str:
    """Return what is subtracted from a predictor that is centred within a grouping; nothing for others."""
    grouping = dict(model.centred).get(name)
    if grouping is None:
        return ""
    stem = shown.split("_{")[0]
    chosen = model.layout.index_set(grouping.split(":"))
    return rf" - \overline{{{stem}}}_{{{index_of(model, chosen)}\cdot}}"


def effects_by_term(model: Model) -> dict[int, list[str]]:
    """Return the random effects that each term carries."""
    found: dict[int, list[str]] = {}
    for effects, chosen in zip(model.random_structure, model.layout.groupings, strict=True):
        for position, index in enumerate(effects.indices):
            found.setdefault(index, []).append(effect_name(model, effects, position, chosen))
    return found


def effects_lines(model: Model, independent: str) -> list[str]:
    """Return the laws of the random effects, one line for each grouping."""
    lines = []
    for effects, chosen in zip(model.random_structure, model.layout.groupings, strict=True):
        names = [effect_name(model, effects, k, chosen) for k in range(len(effects.indices))]
        covariance = to_latex(effects.covariance if len(names) > 1 else effects.covariance[0, 0])
        rows = r"\\".join(names)
        stacked = names[0] if len(names) == 1 else rf"\begin{{bmatrix}}{rows}\end{{bmatrix}}"
        lines.append(rf"{stacked} &{independent} N\left(0, {covariance}\right)")
    return lines
