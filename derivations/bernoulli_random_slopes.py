"""Bernoulli GLMM with a random intercept and a random slope on X_1, X_2 fixed: C_2 as a bivariate integral.

The slide writes 1/C_2 with the weight 1/{cosh(eta) + 1} and the factor (4 pi)^{-1}, the logistic weight being
1/[2{cosh(eta) + 1}].  One text extraction of the slides reads C_2/m; the slide's later formulas need C_2/(mn).
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, ImmutableMatrix, Integer, Symbol, Tuple, cosh

from derivations.sources import DECK
from leadterms.algebra.canonical import is_equal
from leadterms.algebra.rational_field import inverse, lift
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.expectation.held import Expectation
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model
from leadterms.notation.symbols import M, effect_covariance
from leadterms.publication.statements import Outcome, Statement, compare_formula

SOURCE = f"{DECK}, slide 'Random Intercept and Slopes Extension'"
LAWS = {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"}


@lru_cache
def derive() -> Expansion:
    """Return the leading terms; the slide leaves the laws of X_1 and X_2 open."""
    return leading_terms(Model("y ~ x1 + x2 + (1 + x1 | group)", family="bernoulli", laws=LAWS))


def printed_integrand(model: Model) -> Expr:
    """The integrand of 1/C_2 as printed: (1/2) / ([E{X X'/(cosh(eta) + 1)}]^{-1})_33.

    The expectation is taken with the equal factor 2 w(eta) for 1/(cosh(eta) + 1), so that the same held
    expectations stand on both sides; ``weights_agree`` checks that factor.
    """
    weight = model.link.weight.at(model.linear_predictor)
    design = model.design
    entries = [2 * Expectation(x * y * weight, *model.bindings) for x in design for y in design]
    field, flat = lift(entries)
    corner = inverse([flat[3 * i : 3 * i + 3] for i in range(3)])[2][2]
    return Integer(1) / (2 * field.to_sympy(corner))


def weights_agree(model: Model) -> bool:
    """Whether 1/(cosh(eta) + 1) is twice the logistic weight."""
    eta = Symbol("eta", real=True)
    return is_equal(2 * model.link.weight.at(eta), 1 / (cosh(eta) + 1))


def _first_order(name: str, index: int) -> Outcome:
    return compare_formula(derive()[name].variance, effect_covariance(index, index) / M)


def _intercept() -> Outcome:
    return _first_order("1", 1)


def _slope() -> Outcome:
    return _first_order("x1", 2)


def _integral() -> Outcome:
    result = derive()
    entry = result["x2"]
    held = 1 / entry.coefficient
    effects = result.model.random_effects
    law = JointNormalLaw(Tuple(0, 0), ImmutableMatrix(result.model.effects_covariance))
    if not (isinstance(held, Expectation) and held.bindings == (Tuple(Tuple(*effects), law),)):
        return Outcome(str(entry.coefficient), "disagree", "C_2 is not one bivariate Gaussian integral")
    if not weights_agree(result.model):
        return Outcome(str(entry.coefficient), "disagree", "the printed weight is not twice the logistic weight")
    outcome = compare_formula(held.integrand, printed_integrand(result.model))
    recomputed = f"C_2/(m*n), 1/C_2 = E over ({', '.join(map(str, effects))}) of the Schur complement of X_2"
    return Outcome(recomputed, outcome.verdict, f"integrands {outcome.note}; order {entry.term.order_text}")


def steps() -> Steps:
    """Return the derivation."""
    return derive().steps


STATEMENTS = (
    Statement("bernoulli-slopes-intercept", "intercept", SOURCE, "Sigma_11/m", _intercept, steps),
    Statement("bernoulli-slopes-random-slope", "slope with a random effect", SOURCE, "Sigma_22/m", _slope, steps),
    Statement(
        "bernoulli-slopes-C2",
        "slope without a random effect",
        SOURCE,
        "C_2/(mn), 1/C_2 a bivariate integral",
        _integral,
        steps,
    ),
)
