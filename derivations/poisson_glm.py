"""Poisson GLM with X ~ Uniform(-1, 1): the sinh formula and its value."""

from __future__ import annotations

from functools import lru_cache

from sympy import exp, sinh

from derivations.sources import DECK
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.model.statement import Model
from leadterms.notation.symbols import fixed_effect
from leadterms.publication.statements import Outcome, Statement, compare_formula, compare_number

SOURCE = f"{DECK}, slide 'Generalized Linear Model Example'"
B0, B1 = fixed_effect(0), fixed_effect(1)
PRINTED_SLOPE = B1**3 * sinh(B1) / (exp(B0) * (sinh(B1) ** 2 - B1**2))


@lru_cache
def derive() -> Expansion:
    """Return the leading terms of the slide's model."""
    return leading_terms(Model("y ~ x", family="poisson", laws={"x": "Uniform(-1, 1)"}))


def _formula() -> Outcome:
    return compare_formula(derive()["x"].coefficient, PRINTED_SLOPE)


def _value() -> Outcome:
    return compare_number(derive()["x"], {"beta0": "0.34", "beta1": "0.82"}, "2.1778665681")


def steps() -> Steps:
    """Return the derivation."""
    return derive().steps


STATEMENTS = (
    Statement(
        "poisson-glm-slope",
        "slope of the Poisson GLM",
        SOURCE,
        "beta1^3 sinh(beta1)/[exp(beta0){sinh^2(beta1) - beta1^2} n]",
        _formula,
        steps,
    ),
    Statement("poisson-glm-value", "at beta0 = 0.34, beta1 = 0.82", SOURCE, "2.1778665681...", _value, steps),
)
