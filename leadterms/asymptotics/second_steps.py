"""The steps of the second terms, after those of the leading terms."""

from __future__ import annotations

from functools import partial

from sympy import Symbol

from leadterms.asymptotics.derivation import Step, several_lines
from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.parts import NestedParts
from leadterms.asymptotics.second_checks import SecondRoad, second_checks
from leadterms.asymptotics.sizes import SizeOrders
from leadterms.asymptotics.steps import leading_covariance, nested_steps, variance_line
from leadterms.asymptotics.term import Term, Terms, added_latex
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex

DERIVED = "derived: exact information of small groups tends to it (leadterms reproduce two-terms-blocks)"


def second_steps(model: Model, parts: NestedParts, terms: Terms, orders: SizeOrders) -> tuple[Step, ...]:
    """Return the steps of the leading terms, and how the second terms are made."""
    others = bool(parts.split.fixed_only)
    dispersion = to_latex(model.dispersion)
    road = _road(model, parts, terms, orders)
    formulas = [
        rf"\mathrm{{Cov}}(\widehat\theta) &= \frac{{1}}{{m}}T^{{-1}} + \frac{{{dispersion}}}{{mn}}" + _inner(others)
    ]
    if others:
        formulas.append(rf"\mathrm{{Cov}}(\widehat\theta, \widehat\beta_B) &= -\frac{{{dispersion}}}{{mn}}\,R G^{{-1}}")
    lines = [
        variance_line(pair, added_latex([term for term in found if term.order != PER_GROUP]))
        for pair, found in terms.items()
        if _is_second(road, pair, found)
    ]
    return (
        *nested_steps(model, parts, terms),
        Step(
            "Posterior covariance of the random effects",
            rf"\mathrm{{Cov}}(U \mid Y) = \frac{{{dispersion}}}{{n}} H_{{AA}}(U)^{{-1}} + o(n^{{-1}})",
            source=DERIVED,
        ),
        _seen_step(road),
        Step("Invert the information of a group in blocks", several_lines(formulas), source=DERIVED),
        Step("Second terms", several_lines(lines), partial(second_checks, road, terms)),
    )


def _seen_step(road: SecondRoad) -> Step:
    title = "What the estimator sees of the effects: the inverse of T times the derivative of the prior score"
    if road.model.effects_design.has_group_factors:
        return Step(title, r"W(u, z) = T^{-1}J(u, z), \quad J = \partial t/\partial u^T", source="definition")
    derivative = r"\frac{\partial}{\partial u^T}\left(u,\ \mathrm{vech}\,uu^T\right)"
    return Step(title, rf"W(u) = T^{{-1}}J(u) = {derivative}", road.effects_checks)


def _inner(others: bool) -> str:
    inverse = r"E_U\left\{W H_{AA}^{-1} W^T\right\}"
    if not others:
        return inverse
    return rf"\left[{inverse} + R G^{{-1}} R^T\right], \quad R = E_U\left\{{W H_{{AA}}^{{-1}} H_{{AB}}\right\}}"


def _road(model: Model, parts: NestedParts, terms: Terms, orders: SizeOrders) -> SecondRoad:
    theta = (*(model.fixed_effects[i] for i in parts.split.moved), *model.variance_parameters)
    others = tuple(model.fixed_effects[i] for i in parts.split.fixed_only)
    return SecondRoad(model, parts, theta, others, leading_covariance(theta, terms), orders)


def _is_second(road: SecondRoad, pair: tuple[Symbol, Symbol], found: tuple[Term, ...]) -> bool:
    """Tell whether a pair is one of those with a second term: not both in block B, nor the dispersion."""
    return any(parameter in road.theta for parameter in pair) and any(t.order != PER_GROUP for t in found)
