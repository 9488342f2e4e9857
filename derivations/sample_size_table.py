"""The published sample-size table: minimum m for power 0.9 at one-sided level 0.05, n = 20, by one term and by two.

m = ceil{(z_0.95 + z_0.90)^2 v/beta1^2}, v = Sigma22 with one term, Sigma22 + K_22/n with two.  All eighteen integers
come out for a Poisson response with X ~ Bernoulli(1/2), random intercept and slope.  Two errata: the slide's caption
says "logistic mixed model", which the integers do not fit (the family is inferred from the numbers); and elsewhere
the slides write Sigma11/m where the integers need the slope's variance Sigma22/m.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from statistics import NormalDist

from sympy import exp

from derivations.sources import TABLE
from leadterms.asymptotics.expansion import expansion
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.inference.sample_size import sample_size
from leadterms.model.statement import Model
from leadterms.notation.symbols import effect_covariance, fixed_effect
from leadterms.publication.statements import Outcome, Statement, compare_formula

N_OBSERVATIONS = 20
QUANTILES = (NormalDist().inv_cdf(0.95) + NormalDist().inv_cdf(0.90)) ** 2
"""(z_0.95 + z_0.90)^2, for what the slide's other variance would give."""
CELLS = (
    (("-1.5", "0.3", "0.5", "0.1", "0.25"), (24, 130)),
    (("-0.5", "0.3", "0.5", "0.1", "0.25"), (24, 63)),
    (("0.5", "0.3", "0.5", "0.1", "0.25"), (24, 39)),
    (("-1.5", "0.2", "0.5", "0.1", "0.25"), (54, 304)),
    (("-1.5", "0.4", "0.5", "0.1", "0.25"), (14, 71)),
    (("-1.5", "0.5", "0.5", "0.1", "0.25"), (9, 44)),
    (("-1.5", "0.3", "0.5", "-0.1", "0.25"), (24, 121)),
    (("-1.5", "0.3", "1", "0.2", "0.5"), (48, 200)),
    (("-1.5", "0.3", "1", "-0.2", "0.5"), (48, 173)),
)
"""(beta0, beta1, Sigma11, Sigma12, Sigma22) and the printed integers, one term and two terms."""
NAMES = ("beta0", "beta1", "Sigma11", "Sigma12", "Sigma22")
B0, B1 = fixed_effect(0), fixed_effect(1)
S11, S12, S22 = effect_covariance(1, 1), effect_covariance(1, 2), effect_covariance(2, 2)


@lru_cache
def derive(family: str = "poisson") -> Expansion:
    """Return two terms of the model with random intercept and slope."""
    return expansion(Model("y ~ x + (1 + x | group)", family=family, laws={"x": "Bernoulli(1/2)"}))


@lru_cache
def general() -> Expansion:
    """Return two terms for X ~ Bernoulli(p)."""
    return expansion(Model("y ~ x + (1 + x | group)", family="poisson", laws={"x": "Bernoulli(p)"}))


def least_groups(cell: tuple[str, ...], family: str = "poisson") -> tuple[int, int]:
    """Return the smallest m by one term and by two."""
    at = dict(zip(NAMES, cell, strict=True))
    plan = sample_size(derive(family), "x", at, n=N_OBSERVATIONS, power="0.9", alpha="0.05", sides=1)
    assert isinstance(plan.one_term, int)
    assert isinstance(plan.two_terms, int)
    return plan.one_term, plan.two_terms


def _formula() -> Outcome:
    slope = general()["x"].of_order("1/(m*n)").coefficient
    (p,) = general().model.law_parameters
    printed = exp(-B0) * (exp(S11 / 2) / (1 - p) + exp((S11 + 2 * S12 + S22) / 2 - B1) / p)
    return compare_formula(slope, printed)


def _table() -> Outcome:
    found = [least_groups(cell) for cell, _ in CELLS]
    printed = [integers for _, integers in CELLS]
    shown = "; ".join(f"{one} {two}" for one, two in found)
    return Outcome(shown, "agree" if found == printed else "disagree", "all eighteen integers, for a Poisson response")


def _caption() -> Outcome:
    """The caption's family does not give the integers; Poisson does."""
    logistic = [least_groups(cell, "bernoulli") for cell, _ in CELLS]
    printed = [integers for _, integers in CELLS]
    matches = sum(pair == expected for pair, expected in zip(logistic, printed, strict=True))
    if matches or _table().verdict != "agree":
        return Outcome(f"{matches} of 9 cells", "disagree", "the recorded erratum is wrong")
    first = " and ".join(map(str, logistic[0]))
    note = (
        f"a logistic model gives {first} in the first cell and none of the nine cells; Poisson with X ~ Bernoulli(1/2) "
        "gives all; the family is inferred from the numbers"
    )
    return Outcome("Poisson", "erratum", note)


def _slope_variance() -> Outcome:
    """With Sigma11 in place of Sigma22 the one-term integers differ."""
    wrong = [ceil(QUANTILES * float(cell[2]) / float(cell[1]) ** 2) for cell, _ in CELLS]
    printed = [one for _, (one, _) in CELLS]
    if any(a == b for a, b in zip(wrong, printed, strict=True)):
        return Outcome("", "disagree", "the recorded erratum is wrong")
    note = f"Sigma11/m would give {wrong[0]} in the first cell where {printed[0]} is printed; the slope has Sigma22/m"
    return Outcome("Sigma22/m", "erratum", note)


def steps() -> Steps:
    """Return the derivation."""
    return general().steps


SLIDE = f"{TABLE}, slide 'The Clincher'"
STATEMENTS = (
    Statement(
        "table-K22",
        "second term of the slope, X ~ Bernoulli(p)",
        SLIDE,
        "e^{-beta0}{e^{S11/2}/(1-p) + e^{(S11 + 2 S12 + S22)/2 - beta1}/p}",
        _formula,
        steps,
    ),
    Statement("table-m", "minimum m, one term and two, nine cells", SLIDE, "24 130; 24 63; 24 39; ...", _table, steps),
    Statement("table-caption", "family in the caption", SLIDE, "logistic mixed model", _caption, steps),
    Statement("table-variance", "leading variance of the slope", SLIDE, "Sigma11/m", _slope_variance, steps),
)
