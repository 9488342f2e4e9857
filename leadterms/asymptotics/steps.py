"""The steps of a derivation: titled equations from the model to its leading terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sympy import Expr, Symbol

from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.result import Step
from leadterms.expectation.held import Expectation, revealed
from leadterms.information.conditional import ConditionalInformation
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex

if TYPE_CHECKING:
    from leadterms.asymptotics.nested import FixedOnlyInformation

ETA = Symbol("eta", real=True)
Rows = Sequence[Sequence[Expr]]


def fixed_effects_steps(model: Model, information: ConditionalInformation) -> tuple[Step, ...]:
    """Return model, weight, information, the expectations in it that are closed, and its inverse."""
    return (
        *_common(model, information, "H"),
        *_closed(information, information.matrix),
        Step("Invert the information", rf"\frac{{{_dispersion(model)}}}{{n}}\,H^{{-1}}"),
    )


def nested_steps(model: Model, information: ConditionalInformation, averaged: FixedOnlyInformation) -> tuple[Step, ...]:
    """Return model, the blocks of the random effects, and how the block without them is averaged."""
    sigma = to_latex(model.effects_covariance)
    effects = (
        Step("Fixed effects that carry a random effect", rf"\frac{{1}}{{m}}\,\Sigma, \quad \Sigma = {sigma}"),
        Step("Variance components", r"\frac{2}{m}\,D^{+}(\Sigma\otimes\Sigma)D^{+T}"),
    )
    if not averaged.matrix:
        return (Step("Model", model.latex()), *effects)
    return (
        *_common(model, information, "H(u)"),
        Step(
            "Average the Schur complement of the terms with random effects",
            r"G = E_U\left\{H_{BB} - H_{BA}H_{AA}^{-1}H_{AB}\right\} = " + _matrix(averaged.matrix),
        ),
        *_closed(information, averaged.matrix),
        Step("Fixed effects without a random effect", rf"\frac{{{_dispersion(model)}}}{{mn}}\,G^{{-1}}"),
        *effects,
    )


def second_steps(model: Model, information: ConditionalInformation, averaged: FixedOnlyInformation) -> tuple[Step, ...]:
    """Return the steps of the leading terms, and how the second terms are made."""
    dispersion = _dispersion(model)
    inverse = r"E_U\left\{W(U) H_{AA}(U)^{-1} W(U)^T\right\}"
    steps = [
        *nested_steps(model, information, averaged),
        Step(
            "Posterior covariance of the random effects",
            rf"\mathrm{{Cov}}(U \mid Y) = \frac{{{dispersion}}}{{n}} H_{{AA}}(U)^{{-1}} + o(n^{{-1}})",
        ),
        Step(
            "What the estimator sees of the effects: T^{-1} times the derivative of the prior score",
            r"W(u) = T^{-1}J(u) = \frac{\partial}{\partial u^T}\left(u,\ \mathrm{vech}\,uu^T\right)",
        ),
    ]
    if not averaged.matrix:
        return (*steps, Step("Second term", rf"\frac{{{dispersion}}}{{mn}}\,{inverse}"))
    regression = r"R = E_U\left\{W(U) H_{AA}(U)^{-1} H_{AB}(U)\right\}"
    return (
        *steps,
        Step("Regression of the fixed-only terms on the random ones", regression),
        Step(
            "Second term, by inverting the information of a group in blocks",
            rf"\frac{{{dispersion}}}{{mn}}\left[{inverse} + R G^{{-1}} R^T\right]",
        ),
        Step("Covariance with the fixed effects without a random effect", rf"-\frac{{{dispersion}}}{{mn}}\,R G^{{-1}}"),
    )


def _common(model: Model, information: ConditionalInformation, name: str) -> tuple[Step, ...]:
    return (
        Step("Model", model.latex()),
        Step("Weight of the family and link", rf"w(\eta) = {to_latex(model.link.weight.at(ETA))}"),
        Step("Information of one observation, times the dispersion", f"{name} = " + _matrix(information.matrix)),
    )


def _closed(information: ConditionalInformation, rows: Rows) -> tuple[Step, ...]:
    """Return one step with the held expectations in a matrix that a rule closes, each with its value."""
    held = dict.fromkeys(node for row in rows for entry in row for node in revealed(entry).atoms(Expectation))
    pairs = [
        (node, information.close(node).expression)
        for node in sorted(held, key=lambda node: (len(str(node)), str(node)))
    ]
    lines = [f"{to_latex(node)} &= {to_latex(canonical(value))}" for node, value in pairs if value != node]
    if not lines:
        return ()
    return (Step("Expectations in closed form", r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"),)


def _dispersion(model: Model) -> str:
    return r"\phi" if model.family.has_dispersion else "1"


def _matrix(rows: Rows) -> str:
    body = r" \\ ".join(" & ".join(to_latex(revealed(entry)) for entry in row) for row in rows)
    return rf"\begin{{bmatrix}}{body}\end{{bmatrix}}"
