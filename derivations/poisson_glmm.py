"""Poisson GLMM with a random intercept and X ~ Uniform(-1, 1): both orders, sigma^2, and a misprint.

The slide's value 2.0487282409 does not follow from its printed inputs: its own formula gives 0.48783367086934305711
there.  All printed digits are the formula's at sigma^2 = 3.79, and at every point with beta0 + sigma^2/2 = 0.435.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import exp, sinh

from derivations.sources import DECK
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.model.statement import Model
from leadterms.notation.symbols import SIGMA2, fixed_effect
from leadterms.publication.statements import Erratum, Outcome, Statement, compare_formula, compare_number

SOURCE = f"{DECK}, slide 'Generalized Linear Mixed Model Example' (June 2020)"
VARIATIONAL_SOURCE = f"{DECK}, slide 'Gaussian Variational Approximation Connection (continued)'"
B0, B1 = fixed_effect(0), fixed_effect(1)
PRINTED_SLOPE = B1**3 * sinh(B1) / (exp(B0 + SIGMA2 / 2) * (sinh(B1) ** 2 - B1**2))
PRINTED_INPUTS = {"beta0": "-1.46", "beta1": "2.11", "sigma2": "6.66"}
MISPRINT = Erratum(
    {**PRINTED_INPUTS, "sigma2": "3.79"},
    "the printed inputs and the printed value contradict each other; which of them the author meant is not known",
)


@lru_cache
def derive() -> Expansion:
    """Return the leading terms of the slide's model."""
    return leading_terms(Model("y ~ x + (1 | group)", family="poisson", laws={"x": "Uniform(-1, 1)"}))


def _intercept() -> Outcome:
    return compare_formula(derive()["1"].coefficient, SIGMA2)


def _slope() -> Outcome:
    return compare_formula(derive()["x"].coefficient, PRINTED_SLOPE)


def _variance() -> Outcome:
    return compare_formula(derive()["sigma2"].coefficient, 2 * SIGMA2**2)


def _intercept_value() -> Outcome:
    return compare_number(derive()["1"], PRINTED_INPUTS, "6.66")


def _slope_value() -> Outcome:
    return compare_number(derive()["x"], PRINTED_INPUTS, "2.0487282409", MISPRINT)


def steps() -> Steps:
    """Return the derivation."""
    return derive().steps


STATEMENTS = (
    Statement("poisson-glmm-intercept", "intercept, order 1/m", SOURCE, "sigma^2/m", _intercept, steps),
    Statement(
        "poisson-glmm-slope",
        "slope, order 1/(mn)",
        SOURCE,
        "beta1^3 sinh(beta1)/[exp(beta0 + sigma^2/2){sinh^2(beta1) - beta1^2} m n]",
        _slope,
        steps,
    ),
    Statement("poisson-glmm-sigma2", "variance component", VARIATIONAL_SOURCE, "2 sigma^4/m", _variance, steps),
    Statement("poisson-glmm-intercept-value", "at the printed inputs", SOURCE, "6.66", _intercept_value, steps),
    Statement(
        "poisson-glmm-slope-value",
        "at beta0 = -1.46, beta1 = 2.11, sigma^2 = 6.66",
        SOURCE,
        "2.0487282409...",
        _slope_value,
        steps,
    ),
)
