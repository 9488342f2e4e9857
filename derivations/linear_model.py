"""Linear model with a random predictor: Asy.Var(beta1^) = sigma^2/{Var(X) n}, and 4/7 exactly for X ~ Gamma(7, 1)."""

from __future__ import annotations

from sympy import Expr

from derivations.sources import DECK
from leadterms.asymptotics.leading import leading_terms
from leadterms.asymptotics.result import Step
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI
from leadterms.publication.statements import Outcome, Statement, compare_formula

SOURCE = f"{DECK}, slide 'Linear Model Asymptotic Variance Example'"


def slope_variance(law: str) -> Expr:
    """Return the coefficient of 1/n in Asy.Var(beta1^) for a law of X."""
    return leading_terms(Model("y ~ x", family="gaussian", laws={"x": law}))["x"].coefficient


def _general() -> Outcome:
    model = Model("y ~ x", family="gaussian", laws={"x": "Gamma(k, theta)"})
    law = model.bindings[0][1]
    variance = law.raw_moment(2) - law.raw_moment(1) ** 2
    return compare_formula(leading_terms(model)["x"].coefficient, PHI / variance)


def _example() -> Outcome:
    value = slope_variance("Gamma(7, 1)").subs(PHI, 4)
    return Outcome(str(value), "agree" if str(value) == "4/7" else "disagree", "exact rational number")


def steps() -> tuple[Step, ...]:
    """Return the derivation for X ~ Gamma(7, 1)."""
    return leading_terms(Model("y ~ x", family="gaussian", laws={"x": "Gamma(7, 1)"})).steps


STATEMENTS = (
    Statement("linear-slope", "slope of the linear model", SOURCE, "sigma^2/{Var(X) n}", _general, steps),
    Statement("linear-gamma", "X ~ Gamma(7, 1), sigma^2 = 4", SOURCE, "4/7", _example, steps),
)
