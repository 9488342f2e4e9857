"""LaTeX of a model statement, in the notation of the papers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sympy import Symbol

from leadterms.model.laws import JointNormalLaw
from leadterms.model.layout_latex import (
    centred_mean,
    effects_by_term,
    effects_lines,
    index_of,
    predictor_index,
    ranges,
)
from leadterms.notation.latex import escaped, to_latex

if TYPE_CHECKING:
    from leadterms.model.statement import Model

INVERSE_LINKS = {
    "identity": "%s",
    "log": r"\exp\left(%s\right)",
    "logit": r"\mathrm{expit}\left(%s\right)",
    "probit": r"\Phi\left(%s\right)",
    "cloglog": r"1-\exp\left\{-\exp\left(%s\right)\right\}",
    "sqrt": r"\left(%s\right)^2",
    "inverse": r"\left(%s\right)^{-1}",
    "1/mu^2": r"\left(%s\right)^{-1/2}",
}
INDEPENDENT = r"\stackrel{\mathrm{ind.}}{\sim}"


def model_latex(model: Model) -> str:
    """Return the response, the predictors and the random effects with their laws, one line each."""
    own = _LayoutNames(model) if len(model.groupings) > 1 or model.centred else _GroupNames(model)
    predictors = {name: _predictor(name, own.index_of(name)) for name in model.formula.variables}
    given = [*predictors.values(), *own.effects]
    shown = {name: text + own.subtracted(name, text) for name, text in predictors.items()}
    mean = INVERSE_LINKS[model.link.name] % _linear_predictor(model, shown, own.effects_of)
    bar = r" \mid " + ", ".join(given) if given else ""
    lines = [rf"Y_{{{own.index}}}{bar} &{INDEPENDENT} {model.family.latex % mean}, \quad {own.ranges}"]
    for first, law in model.bindings:
        if isinstance(law, JointNormalLaw):
            name = r"\begin{bmatrix}" + r"\\".join(predictors[x.name] for x in first) + r"\end{bmatrix}"
        else:
            name = predictors[first.name]
        lines.append(rf"{name} &{INDEPENDENT} {to_latex(law)}")
    return r"\begin{aligned}" + r", \\ ".join([*lines, *own.laws]) + r".\end{aligned}"


class _GroupNames:
    """Indices and effects of a model with one grouping factor at most: i for groups, j within them."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.index = "ij" if model.is_mixed else "i"
        self.effects = [_effect(model, k) for k in range(len(model.random_effects))]
        self.effects_of = {index: [_effect(model, k)] for k, index in enumerate(model.random_indices)}
        self.ranges = r"1\le i\le m,\ 1\le j\le n" if model.is_mixed else r"1\le i\le n"
        self.laws = [_effects(model)] if model.is_mixed else []
        self._constant = {symbol.name for symbol in model.group_level}

    def index_of(self, name: str) -> str:
        return "i" if name in self._constant else self.index

    def subtracted(self, name: str, shown: str) -> str:
        return ""


class _LayoutNames:
    """Indices and effects of a model with several grouping factors."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.index = index_of(model, model.layout.everything)
        self.effects_of = effects_by_term(model)
        self.effects = [name for names in self.effects_of.values() for name in names]
        self.ranges = ranges(model)
        self.laws = effects_lines(model, INDEPENDENT)

    def index_of(self, name: str) -> str:
        return predictor_index(self._model, name)

    def subtracted(self, name: str, shown: str) -> str:
        return centred_mean(self._model, name, shown)


def _predictor(name: str, index: str) -> str:
    match = re.fullmatch(r"([A-Za-z])(\d*)", name)
    if match:
        return f"{match[1].upper()}_{{{match[2]}{index}}}"
    return rf"\mathrm{{{escaped(name)}}}_{{{index}}}"


def _effect(model: Model, position: int) -> str:
    return "U_i" if len(model.random_effects) == 1 else f"U_{{{position}i}}"


def _linear_predictor(model: Model, predictors: dict[str, str], effects: dict[int, list[str]]) -> str:
    centred = dict(model.centred)
    names = {
        Symbol(name, real=True): rf"\left({shown}\right)" if name in centred else shown
        for name, shown in predictors.items()
    }
    parts = []
    for index, (coefficient, term) in enumerate(zip(model.fixed_effects, model.design, strict=True)):
        shown = " + ".join([to_latex(coefficient), *effects.get(index, [])])
        if index in effects and term != 1:
            shown = rf"\left({shown}\right)"
        parts.append(shown if term == 1 else rf"{shown}\,{to_latex(term, names)}")
    return " + ".join(parts)


def _effects(model: Model) -> str:
    covariance = to_latex(model.effects_covariance)
    if len(model.random_effects) == 1:
        return rf"U_i &{INDEPENDENT} N\left(0, {to_latex(model.effects_covariance[0, 0])}\right)"
    stacked = r"\\".join(_effect(model, k) for k in range(len(model.random_effects)))
    return rf"\begin{{bmatrix}}{stacked}\end{{bmatrix}} &{INDEPENDENT} N\left(0, {covariance}\right)"
