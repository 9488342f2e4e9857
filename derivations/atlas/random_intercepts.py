"""Generalized linear mixed models with a random intercept."""

from __future__ import annotations

from derivations.atlas.citations import (
    BY_THE_SAME_ARGUMENT,
    DISPERSED_BY_THE_SAME_ARGUMENT,
    DISPERSION,
    LEADING_TERMS,
)
from derivations.sources import DECK
from leadterms.publication.atlas import references_of

FORMULA = "y ~ x + (1 | group)"
LINE = {"beta0": "-0.3", "beta1": "0.7", "sigma2": "1.3"}
DISPERSED = {**LINE, "phi": "0.5"}
UNIFORM = {"x": "Uniform(-1, 1)"}
NORMAL = {"x": "Normal(0, 1)"}
BERNOULLI = {"x": "Bernoulli(0.3)"}
TWO_POINT = {"x": "Finite({-1: 1/2, 1: 1/2})"}
POISSON_SLIDE = f"{DECK}, slide 'Generalized Linear Mixed Model Example' (June 2020)"
POISSON_POINT = {"beta0": "-1.46", "beta1": "2.11", "sigma2": "6.66"}
BERNOULLI_SLIDE = f"{DECK}, slide 'The Simpler Random Intercepts-Only Model'"

POISSON = (
    references_of(
        "glmm-poisson-intercept-uniform", FORMULA, "poisson", UNIFORM, POISSON_POINT, ["1", "x", "sigma2"],
        POISSON_SLIDE,
    ),
    references_of(
        "glmm-poisson-intercept-uniform-smaller-variance", FORMULA, "poisson", UNIFORM,
        {**POISSON_POINT, "sigma2": "3.79"}, ["x"], POISSON_SLIDE,
    ),
    references_of("glmm-poisson-intercept-normal", FORMULA, "poisson", NORMAL, LINE, ["x"], LEADING_TERMS),
    references_of(
        "glmm-poisson-intercept-exponential", FORMULA, "poisson", {"x": "Exponential(2)"}, LINE, ["x"], LEADING_TERMS
    ),
    references_of("glmm-poisson-intercept-two-point", FORMULA, "poisson", TWO_POINT, LINE, ["x"], LEADING_TERMS),
    references_of(
        "glmm-poisson-intercept-two-predictors", "y ~ x1 + x2 + (1 | group)", "poisson",
        {"x1": "Uniform(-1, 1)", "x2": "Bernoulli(0.3)"}, {**LINE, "beta2": "0.4"}, ["x1", "x2"], LEADING_TERMS,
    ),
)  # fmt: skip

BINARY = (
    references_of(
        "glmm-logistic-intercept-uniform", FORMULA, "bernoulli", UNIFORM, LINE, ["1", "x", "sigma2"], BERNOULLI_SLIDE
    ),
    references_of("glmm-logistic-intercept-normal", FORMULA, "bernoulli", NORMAL, LINE, ["x"], LEADING_TERMS),
    references_of("glmm-logistic-intercept-bernoulli", FORMULA, "bernoulli", BERNOULLI, LINE, ["x"], LEADING_TERMS),
    references_of("glmm-logistic-intercept-two-point", FORMULA, "bernoulli", TWO_POINT, LINE, ["x"], LEADING_TERMS),
    references_of("glmm-binomial-intercept-uniform", FORMULA, "binomial(5)", UNIFORM, LINE, ["x"], LEADING_TERMS),
    references_of(
        "glmm-probit-intercept-bernoulli", FORMULA, "bernoulli", BERNOULLI, LINE, ["x"], BY_THE_SAME_ARGUMENT,
        "probit",
    ),
    references_of(
        "glmm-cloglog-intercept-bernoulli", FORMULA, "bernoulli", BERNOULLI, LINE, ["x"], BY_THE_SAME_ARGUMENT,
        "cloglog",
    ),
)  # fmt: skip

OTHER = (
    references_of(
        "glmm-negative-binomial-intercept-bernoulli", FORMULA, "negative-binomial(3)", BERNOULLI, LINE, ["x"],
        BY_THE_SAME_ARGUMENT,
    ),
    references_of(
        "glmm-gaussian-intercept-uniform", FORMULA, "gaussian", UNIFORM, DISPERSED, ["1", "x", "sigma2", "phi"],
        DISPERSION,
    ),
    references_of(
        "glmm-gaussian-log-intercept-uniform", FORMULA, "gaussian", UNIFORM, DISPERSED, ["x"],
        DISPERSED_BY_THE_SAME_ARGUMENT, "log",
    ),
    references_of(
        "glmm-gamma-log-intercept-beta", FORMULA, "gamma", {"x": "Beta(2, 3)"}, DISPERSED, ["x", "phi"],
        DISPERSED_BY_THE_SAME_ARGUMENT, "log",
    ),
    references_of(
        "glmm-inverse-gaussian-log-intercept-uniform", FORMULA, "inverse-gaussian", UNIFORM, DISPERSED, ["x", "phi"],
        DISPERSED_BY_THE_SAME_ARGUMENT, "log",
    ),
)  # fmt: skip

REFERENCES = POISSON + BINARY + OTHER
