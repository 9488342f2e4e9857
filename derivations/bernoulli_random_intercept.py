"""Bernoulli GLMM with a random intercept only: C_1 and C_2 need univariate quadrature."""

from __future__ import annotations

from functools import lru_cache

from derivations.sources import DECK
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.expectation.held import Expectation
from leadterms.model.statement import Model
from leadterms.notation.symbols import SIGMA2, M
from leadterms.publication.statements import Outcome, Statement, compare_formula

SOURCE = f"{DECK}, slide 'The Simpler Random Intercepts-Only Model'"
LAWS = {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"}


@lru_cache
def derive() -> Expansion:
    """Return the leading terms; the slide leaves the laws of X_1 and X_2 open."""
    return leading_terms(Model("y ~ x1 + x2 + (1 | group)", family="bernoulli", laws=LAWS))


def integral_dimensions(result: Expansion, name: str) -> set[int]:
    """Dimensions of the integrals over the random effects in a coefficient."""
    effects = set(result.model.random_effects)
    held = result[name].coefficient.atoms(Expectation)
    return {len(effects & set(node.bound_symbols)) for node in held if effects & set(node.bound_symbols)}


def _intercept() -> Outcome:
    return compare_formula(derive()["1"].variance, SIGMA2 / M)


def _univariate(name: str) -> Outcome:
    result = derive()
    dimensions = integral_dimensions(result, name)
    order = result[name].term.order_text
    agrees = dimensions == {1} and order == "1/(m*n)"
    shown = ", ".join(map(str, sorted(dimensions)))
    return Outcome(
        f"order {order}, integrals over the random effects of dimension {shown}",
        "agree" if agrees else "disagree",
    )


def _first() -> Outcome:
    return _univariate("x1")


def _second() -> Outcome:
    return _univariate("x2")


def steps() -> Steps:
    """Return the derivation."""
    return derive().steps


STATEMENTS = (
    Statement("bernoulli-intercept", "intercept", SOURCE, "Sigma_11/m", _intercept, steps),
    Statement("bernoulli-intercept-C1", "slope on X_1", SOURCE, "C_1/(mn), univariate quadrature", _first, steps),
    Statement("bernoulli-intercept-C2", "slope on X_2", SOURCE, "C_2/(mn), univariate quadrature", _second, steps),
)
