"""The steps of a derivation: titled equations from the model to its leading terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Symbol

from leadterms.asymptotics.result import Step
from leadterms.information.conditional import ConditionalInformation
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex

if TYPE_CHECKING:
    from leadterms.asymptotics.nested import FixedOnlyInformation

ETA = Symbol("eta", real=True)


def fixed_effects_steps(model: Model, information: ConditionalInformation) -> tuple[Step, ...]:
    """Return model, weight, information and its inverse."""
    return (*_common(model, information, "H"), Step("Invert the information", r"\frac{\phi}{n}\,H^{-1}"))


def nested_steps(model: Model, information: ConditionalInformation, averaged: FixedOnlyInformation) -> tuple[Step, ...]:
    """Return model, weight, conditional information, its Schur complement averaged over the random effects."""
    if not averaged.matrix:
        return (Step("Model", model.latex()),)
    return (
        *_common(model, information, "H(u)"),
        Step(
            "Average the Schur complement of the terms with random effects",
            r"G = E_U\left\{H_{BB} - H_{BA}H_{AA}^{-1}H_{AB}\right\} = " + _matrix(averaged.matrix),
        ),
        Step("Invert", r"C_B = G^{-1}"),
    )


def _common(model: Model, information: ConditionalInformation, name: str) -> tuple[Step, ...]:
    return (
        Step("Model", model.latex()),
        Step("Weight of the family and link", rf"w(\eta) = {to_latex(model.link.weight.at(ETA))}"),
        Step("Information of one observation, times the dispersion", f"{name} = " + _matrix(information.matrix)),
    )


def _matrix(rows: tuple[tuple[object, ...], ...]) -> str:
    body = r" \\ ".join(" & ".join(to_latex(entry) for entry in row) for row in rows)
    return rf"\begin{{bmatrix}}{body}\end{{bmatrix}}"
