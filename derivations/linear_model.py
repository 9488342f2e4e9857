"""Linear model with a random predictor: Asy.Var(beta1^) = sigma^2/{Var(X) n}, and 4/7 exactly for X ~ Gamma(7, 1)."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Symbol

from derivations.sources import DECK
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI
from leadterms.publication.statements import Outcome, Statement, compare_formula

SOURCE = f"{DECK}, slide 'Linear Model Asymptotic Variance Example'"
SHAPE, SCALE = Symbol("k", positive=True), Symbol("theta", positive=True)
GAMMA_VARIANCE = SHAPE * SCALE**2
"""Var(X) for X ~ Gamma(k, theta), shape and scale, as every table of distributions has it."""


@lru_cache
def derive(law: str) -> Expansion:
    """Return the leading terms for a law of X."""
    return leading_terms(Model("y ~ x", family="gaussian", laws={"x": law}))


def slope_variance(law: str) -> Expr:
    """Return the coefficient of 1/n in Asy.Var(beta1^) for a law of X."""
    return derive(law)["x"].coefficient


def _general() -> Outcome:
    """Compare for one law with two free parameters, whose variance is written down here."""
    return compare_formula(slope_variance("Gamma(k, theta)"), PHI / GAMMA_VARIANCE)


def _example() -> Outcome:
    value = slope_variance("Gamma(7, 1)").subs(PHI, 4)
    return Outcome(str(value), "agree" if str(value) == "4/7" else "disagree", "exact rational number")


def steps() -> Steps:
    """Return the derivation for X ~ Gamma(7, 1)."""
    return derive("Gamma(7, 1)").steps


STATEMENTS = (
    Statement("linear-slope", "slope of the linear model", SOURCE, "sigma^2/{Var(X) n}", _general, steps),
    Statement("linear-gamma", "X ~ Gamma(7, 1), sigma^2 = 4", SOURCE, "4/7", _example, steps),
)
