"""Crossed random intercepts with a Gaussian response: the deck's two variances, unknown until 2022, and its components.

The strata of V are exact for symbolic sizes; the statements are limits of the exact information. With an interaction
of the two factors the number n of replicates in a cell decides: for fixed n the interaction's variance and that of the
error are estimated at the same rate 1/(m m'), the printed forms need n -> oo as well, and n = 1 identifies neither.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Symbol

from derivations.sources import DECK, STRATA
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.errors import ModelError
from leadterms.model.statement import Model
from leadterms.notation.symbols import M_PRIME, PHI, M, N, variance_component
from leadterms.publication.statements import Outcome, Statement, compare_formula

SOURCE = f"{DECK}, slide 'Crossed Linear Mixed Model Example' (May 2022)"
THEOREM = f"{DECK}, slide 'A Very General and NEW Crossed Random Effects Leading Terms Result'"
SHAPE, SCALE = Symbol("k", positive=True), Symbol("theta", positive=True)
GAMMA_VARIANCE = SHAPE * SCALE**2
"""Var(X) for X ~ Gamma(k, theta), shape and scale, as every table of distributions has it."""
A, B, AB = variance_component(["a"]), variance_component(["b"]), variance_component(["a", "b"])
LIMIT, FIXED_N = "m, m_prime, n -> oo", "m, m_prime -> oo, n fixed"


@lru_cache
def derive(regime: str = LIMIT, interaction: bool = False) -> Expansion:
    """Return the leading terms of the slide's model, with an interaction of the two factors or without."""
    formula = "y ~ x + (1 | a) + (1 | b)" + (" + (1 | a:b)" if interaction else "")
    return leading_terms(Model(formula, family="gaussian", laws={"x": "Gamma(k, theta)"}), regime)


def _intercept() -> Outcome:
    return compare_formula(derive()["1"].variance, A / M + B / M_PRIME)


def _slope() -> Outcome:
    return compare_formula(derive()["x"].variance, PHI / (M * M_PRIME * N * GAMMA_VARIANCE))


def _first() -> Outcome:
    return compare_formula(derive()["sigma2_a"].variance, 2 * A**2 / M)


def _second() -> Outcome:
    return compare_formula(derive()["sigma2_b"].variance, 2 * B**2 / M_PRIME)


def _error() -> Outcome:
    return compare_formula(derive()["phi"].variance, 2 * PHI**2 / (M * M_PRIME * N))


def _interaction_fixed() -> Outcome:
    printed = 2 / (M * M_PRIME) * ((AB + PHI / N) ** 2 + PHI**2 / (N**2 * (N - 1)))
    return compare_formula(derive(FIXED_N, True)["sigma2_a_b"].variance, printed)


def _error_fixed() -> Outcome:
    return compare_formula(derive(FIXED_N, True)["phi"].variance, 2 * PHI**2 / (M * M_PRIME * (N - 1)))


def _slope_fixed() -> Outcome:
    information = M * M_PRIME * GAMMA_VARIANCE * ((N - 1) / PHI + 1 / (PHI + N * AB))
    return compare_formula(derive(FIXED_N, True)["x"].variance, 1 / information)


def _interaction_limit() -> Outcome:
    return compare_formula(derive(LIMIT, True)["sigma2_a_b"].variance, 2 * AB**2 / (M * M_PRIME))


def _not_identified() -> Outcome:
    """One replicate in a cell: interaction and error add up, and the engine refuses."""
    try:
        derive("m, m_prime -> oo, n = 1", True)
    except ModelError as error:
        return Outcome("refused", "agree", str(error))
    return Outcome("derived", "disagree", "the engine gives a value although only the sum is identified")


def steps() -> Steps:
    """Return the derivation without interaction."""
    return derive().steps


def interaction_steps() -> Steps:
    """Return the derivation with an interaction and n fixed."""
    return derive(FIXED_N, True).steps


STATEMENTS = (
    Statement("crossed-lmm-intercept", "intercept, two rates", SOURCE, "sigma^2/m + sigma'^2/m'", _intercept, steps),
    Statement("crossed-lmm-slope", "slope", SOURCE, "sigma_e^2/{m m' n Var(X)}", _slope, steps),
    Statement("crossed-lmm-first", "first variance component", THEOREM, "2 sigma^4/m", _first, steps),
    Statement("crossed-lmm-second", "second variance component", THEOREM, "2 sigma'^4/m'", _second, steps),
    Statement("crossed-lmm-error", "error variance", THEOREM, "2 sigma_e^4/(m m' n)", _error, steps),
    Statement(
        "crossed-interaction-fixed",
        "interaction component, n fixed",
        STRATA,
        "(2/(m m')){(s + sigma_e^2/n)^2 + sigma_e^4/(n^2(n-1))}",
        _interaction_fixed,
        interaction_steps,
    ),
    Statement(
        "crossed-interaction-error",
        "error variance, n fixed",
        STRATA,
        "2 sigma_e^4/(m m'(n-1))",
        _error_fixed,
        interaction_steps,
    ),
    Statement(
        "crossed-interaction-slope",
        "slope with an interaction, n fixed",
        STRATA,
        "1/[m m' Var(X) {(n-1)/sigma_e^2 + 1/(sigma_e^2 + n s)}]",
        _slope_fixed,
        interaction_steps,
    ),
    Statement(
        "crossed-interaction-limit", "interaction component, n -> oo", STRATA, "2 s^2/(m m')", _interaction_limit, steps
    ),
    Statement(
        "crossed-interaction-single",
        "n = 1 does not identify it",
        STRATA,
        "refused",
        _not_identified,
        interaction_steps,
    ),
)
