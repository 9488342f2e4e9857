"""Generalized linear models: families, links and laws of one predictor, then of two."""

from __future__ import annotations

from derivations.atlas.citations import INFORMATION
from derivations.sources import DECK
from leadterms.publication.atlas import references_of

LINE = {"beta0": "-0.3", "beta1": "0.7"}
PLANE = {**LINE, "beta2": "0.4"}
POSITIVE = {"beta0": "2", "beta1": "0.7", "phi": "0.5"}
UNIFORM = {"x": "Uniform(-1, 1)"}
NORMAL = {"x": "Normal(0, 1)"}
ARMS = {"x": "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"}
POISSON_SLIDE = f"{DECK}, slide 'Generalized Linear Model Example'"
LINEAR_SLIDE = f"{DECK}, slide 'Linear Model Asymptotic Variance Example'"

POISSON = (
    references_of(
        "glm-poisson-uniform", "y ~ x", "poisson", UNIFORM, {"beta0": "0.34", "beta1": "0.82"},
        ["1", "x", ("1", "x")], POISSON_SLIDE,
    ),
    references_of(
        "glm-poisson-normal", "y ~ x", "poisson", {"x": "Normal(mu, s)"}, {**LINE, "mu": "0.5", "s": "1.2"}, ["x"],
        INFORMATION,
    ),
    references_of(
        "glm-poisson-gamma", "y ~ x", "poisson", {"x": "Gamma(k, theta)"},
        {**LINE, "k": "2.5", "theta": "0.3"}, ["x"], INFORMATION,
    ),
    references_of("glm-poisson-exponential", "y ~ x", "poisson", {"x": "Exponential(2)"}, LINE, ["x"], INFORMATION),
    references_of("glm-poisson-laplace", "y ~ x", "poisson", {"x": "Laplace(0, 1/3)"}, LINE, ["x"], INFORMATION),
    references_of(
        "glm-poisson-bernoulli", "y ~ x", "poisson", {"x": "Bernoulli(p)"}, {**LINE, "p": "0.3"}, ["1", "x"],
        INFORMATION,
    ),
    references_of("glm-poisson-poisson", "y ~ x", "poisson", {"x": "Poisson(3/2)"}, LINE, ["x"], INFORMATION),
    references_of(
        "glm-poisson-triangular", "y ~ x", "poisson", {"x": "Triangular(-1, 1, 0)"}, LINE, ["x"], INFORMATION
    ),
    references_of("glm-poisson-beta", "y ~ x", "poisson", {"x": "Beta(2, 3)"}, LINE, ["x"], INFORMATION),
    references_of("glm-poisson-arms", "y ~ x", "poisson", ARMS, LINE, ["x"], INFORMATION),
    references_of(
        "glm-poisson-sqrt-uniform", "y ~ x", "poisson", UNIFORM, {"beta0": "2", "beta1": "0.7"}, ["x"], INFORMATION,
        "sqrt",
    ),
    references_of(
        "glm-poisson-two-uniforms", "y ~ x1 + x2", "poisson", {"x1": "Uniform(-1, 1)", "x2": "Uniform(0, 1)"}, PLANE,
        ["x1", "x2"], INFORMATION,
    ),
    references_of(
        "glm-poisson-joint-normal", "y ~ x1 + x2", "poisson",
        {"x1,x2": "MultivariateNormal([0, 1/2], [[1, 1/3], [1/3, 1/2]])"}, PLANE, ["x2", ("x1", "x2")], INFORMATION,
    ),
)  # fmt: skip

BINARY = (
    references_of("glm-logistic-uniform", "y ~ x", "bernoulli", UNIFORM, LINE, ["1", "x"], INFORMATION),
    references_of("glm-logistic-normal", "y ~ x", "bernoulli", NORMAL, LINE, ["1", "x", ("1", "x")], INFORMATION),
    references_of("glm-logistic-gamma", "y ~ x", "bernoulli", {"x": "Gamma(2, 1/2)"}, LINE, ["x"], INFORMATION),
    references_of(
        "glm-logistic-exponential", "y ~ x", "bernoulli", {"x": "Exponential(2)"}, LINE, ["x"], INFORMATION
    ),
    references_of(
        "glm-logistic-bernoulli", "y ~ x", "bernoulli", {"x": "Bernoulli(p)"}, {**LINE, "p": "0.3"}, ["x"],
        INFORMATION,
    ),
    references_of(
        "glm-logistic-triangular", "y ~ x", "bernoulli", {"x": "Triangular(-1, 1, 0)"}, LINE, ["x"], INFORMATION
    ),
    references_of("glm-logistic-beta", "y ~ x", "bernoulli", {"x": "Beta(2, 3)"}, LINE, ["x"], INFORMATION),
    references_of("glm-binomial-uniform", "y ~ x", "binomial(7)", {"x": "Uniform(0, 1)"}, LINE, ["x"], INFORMATION),
    references_of("glm-probit-arms", "y ~ x", "bernoulli", ARMS, LINE, ["x"], INFORMATION, "probit"),
    references_of("glm-probit-uniform", "y ~ x", "bernoulli", UNIFORM, LINE, ["x"], INFORMATION, "probit"),
    references_of("glm-probit-normal", "y ~ x", "bernoulli", NORMAL, LINE, ["x"], INFORMATION, "probit"),
    references_of("glm-cloglog-arms", "y ~ x", "bernoulli", ARMS, LINE, ["x"], INFORMATION, "cloglog"),
    references_of("glm-cloglog-uniform", "y ~ x", "bernoulli", UNIFORM, LINE, ["x"], INFORMATION, "cloglog"),
)  # fmt: skip

OTHER = (
    references_of(
        "glm-negative-binomial-bernoulli", "y ~ x", "negative-binomial(size)", {"x": "Bernoulli(p)"},
        {**LINE, "p": "0.3", "size": "2"}, ["x"], INFORMATION,
    ),
    references_of(
        "glm-negative-binomial-uniform", "y ~ x", "negative-binomial(3)", UNIFORM, LINE, ["x"], INFORMATION
    ),
    references_of("glm-negative-binomial-normal", "y ~ x", "negative-binomial(3)", NORMAL, LINE, ["x"], INFORMATION),
    references_of("glm-gamma-inverse-uniform", "y ~ x", "gamma", UNIFORM, POSITIVE, ["x", "phi"], INFORMATION),
    references_of(
        "glm-gamma-inverse-exponential", "y ~ x", "gamma", {"x": "Exponential(2)"}, POSITIVE, ["x"], INFORMATION
    ),
    references_of("glm-gamma-log-beta", "y ~ x", "gamma", {"x": "Beta(2, 3)"}, POSITIVE, ["x"], INFORMATION, "log"),
    references_of("glm-inverse-gaussian-uniform", "y ~ x", "inverse-gaussian", UNIFORM, POSITIVE, ["x"], INFORMATION),
    references_of(
        "glm-inverse-gaussian-log-uniform", "y ~ x", "inverse-gaussian", UNIFORM, POSITIVE, ["x"], INFORMATION, "log"
    ),
    references_of(
        "glm-gaussian-gamma", "y ~ x", "gaussian", {"x": "Gamma(7, 1)"},
        {"beta0": "1", "beta1": "1", "phi": "4"}, ["x", "phi"], LINEAR_SLIDE,
    ),
    references_of("glm-gaussian-log-uniform", "y ~ x", "gaussian", UNIFORM, POSITIVE, ["x"], INFORMATION, "log"),
)  # fmt: skip

REFERENCES = POISSON + BINARY + OTHER
