"""The dispersion parameter: 1/{2 d'(phi)/phi + d''(phi)} over mn, for Gaussian and Gamma responses."""

from __future__ import annotations

from functools import lru_cache

from sympy import polygamma

from derivations.sources import DECK
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, M, N
from leadterms.publication.statements import Outcome, Statement, compare_formula

SOURCE = f"{DECK}, slide 'Our Most General GLMM Leading Term Result'; Bhaskaran and Wand (2023)"
GAUSSIAN = 2 * PHI**2
"""Variance of the maximum likelihood estimator of a normal variance, times the number of observations."""
GAMMA = PHI**4 / (polygamma(1, 1 / PHI) - PHI)
"""By the delta method from the shape k = 1/phi, whose information is psi'(k) - 1/k."""


@lru_cache
def derive(family: str, link: str) -> Expansion:
    """Return the leading terms with a random intercept."""
    return leading_terms(Model("y ~ x + (1 | group)", family=family, link=link, laws={"x": "Uniform(-1, 1)"}))


def _gaussian() -> Outcome:
    return compare_formula(derive("gaussian", "identity")["phi"].variance, GAUSSIAN / (M * N))


def _gamma() -> Outcome:
    return compare_formula(derive("gamma", "log")["phi"].variance, GAMMA / (M * N))


def steps() -> Steps:
    """Return the derivation for a Gaussian response."""
    return derive("gaussian", "identity").steps


STATEMENTS = (
    Statement("dispersion-gaussian", "Gaussian response", SOURCE, "2 phi^2/(mn)", _gaussian, steps),
    Statement("dispersion-gamma", "Gamma response", SOURCE, "phi^4/{psi'(1/phi) - phi}/(mn)", _gamma, steps),
)
