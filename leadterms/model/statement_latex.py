"""LaTeX of a model statement, in the notation of the papers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sympy import Symbol

from leadterms.model.laws import JointNormalLaw
from leadterms.notation.latex import to_latex

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
    index = "ij" if model.is_mixed else "i"
    constant = {symbol.name for symbol in model.group_level}
    predictors = {name: _predictor(name, "i" if name in constant else index) for name in model.formula.variables}
    given = list(predictors.values()) + [_effect(model, k) for k in range(len(model.random_effects))]
    mean = INVERSE_LINKS[model.link.name] % _linear_predictor(model, predictors)
    bar = r" \mid " + ", ".join(given) if given else ""
    ranges = r"1\le i\le m,\ 1\le j\le n" if model.is_mixed else r"1\le i\le n"
    lines = [rf"Y_{{{index}}}{bar} &{INDEPENDENT} {model.family.latex % mean}, \quad {ranges}"]
    for first, law in model.bindings:
        if isinstance(law, JointNormalLaw):
            shown = r"\begin{bmatrix}" + r"\\".join(predictors[x.name] for x in first) + r"\end{bmatrix}"
        else:
            shown = predictors[first.name]
        lines.append(rf"{shown} &{INDEPENDENT} {to_latex(law)}")
    if model.is_mixed:
        lines.append(_effects(model))
    return r"\begin{aligned}" + r", \\ ".join(lines) + r".\end{aligned}"


def _predictor(name: str, index: str) -> str:
    match = re.fullmatch(r"([A-Za-z])(\d*)", name)
    if match:
        return f"{match[1].upper()}_{{{match[2]}{index}}}"
    return rf"\mathrm{{{_escaped(name)}}}_{{{index}}}"


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


def _effect(model: Model, position: int) -> str:
    return "U_i" if len(model.random_effects) == 1 else f"U_{{{position}i}}"


def _linear_predictor(model: Model, predictors: dict[str, str]) -> str:
    names = {Symbol(name, real=True): shown for name, shown in predictors.items()}
    parts = []
    for index, (coefficient, term) in enumerate(zip(model.fixed_effects, model.design, strict=True)):
        shown = to_latex(coefficient)
        if index in model.random_indices:
            effect = _effect(model, model.random_indices.index(index))
            shown = f"{shown} + {effect}"
            if term != 1:
                shown = rf"\left({shown}\right)"
        parts.append(shown if term == 1 else rf"{shown}\,{to_latex(term, names)}")
    return " + ".join(parts)


def _effects(model: Model) -> str:
    covariance = to_latex(model.effects_covariance)
    if len(model.random_effects) == 1:
        return rf"U_i &{INDEPENDENT} N\left(0, {to_latex(model.effects_covariance[0, 0])}\right)"
    stacked = r"\\".join(_effect(model, k) for k in range(len(model.random_effects)))
    return rf"\begin{{bmatrix}}{stacked}\end{{bmatrix}} &{INDEPENDENT} N\left(0, {covariance}\right)"
