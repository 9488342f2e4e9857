"""Generalized linear mixed models with a random intercept and a random slope."""

from __future__ import annotations

from derivations.atlas.citations import DISPERSION, LEADING_TERMS
from derivations.sources import DECK
from leadterms.publication.atlas import references_of

FORMULA = "y ~ x1 + x2 + (1 + x1 | group)"
POINT = {
    "beta0": "-0.3", "beta1": "0.7", "beta2": "0.4", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.25",
}  # fmt: skip
UNIFORMS = {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"}
BERNOULLI_SLIDE = f"{DECK}, slide 'Random Intercept and Slopes Extension'"
GENERAL_SLIDE = f"{DECK}, slide 'Our Most General GLMM Leading Term Result'"

REFERENCES = (
    references_of(
        "glmm-logistic-slope-uniform", FORMULA, "bernoulli", UNIFORMS, POINT, ["1", "x1", ("1", "x1"), "x2"],
        BERNOULLI_SLIDE,
    ),
    references_of(
        "glmm-logistic-slope-bernoulli", FORMULA, "bernoulli", {"x1": "Bernoulli(0.5)", "x2": "Bernoulli(0.3)"}, POINT,
        ["x2"], LEADING_TERMS,
    ),
    references_of(
        "glmm-poisson-slope-normal", FORMULA, "poisson", {"x1": "Normal(0, 1)", "x2": "Normal(0, 1)"}, POINT,
        ["x2"], LEADING_TERMS,
    ),
    references_of("glmm-poisson-slope-uniform", FORMULA, "poisson", UNIFORMS, POINT, ["x2"], LEADING_TERMS),
    references_of(
        "glmm-poisson-slope-bernoulli", "y ~ x1 + x2 + x3 + (1 + x1 | group)", "poisson",
        {"x1": "Bernoulli(1/2)", "x2": "Normal(0, 1)", "x3": "Normal(0, 1)"}, {**POINT, "beta3": "-0.2"},
        ["x2", "Sigma11", "Sigma12", "Sigma22", ("Sigma11", "Sigma22"), ("Sigma12", "Sigma22")], GENERAL_SLIDE,
    ),
    references_of(
        "glmm-gaussian-slope-uniform", FORMULA, "gaussian", UNIFORMS, {**POINT, "phi": "0.5"}, ["x1", "x2", "phi"],
        DISPERSION,
    ),
)  # fmt: skip
