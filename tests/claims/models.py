"""Models whose notation the tests of claims use, each with its scope worked out once."""

from __future__ import annotations

from functools import cache

from leadterms.claims.scope import ClaimScope, claim_scope
from leadterms.model.statement import Model

STATEMENTS = {
    "poisson mixed": ("y ~ x + (1 | group)", "poisson", {"x": "Uniform(-1, 1)"}),
    "poisson": ("y ~ x", "poisson", {"x": "Uniform(-1, 1)"}),
    "poisson gamma": ("y ~ x", "poisson", {"x": "Gamma(3, 1/5)"}),
    "poisson beta": ("y ~ x", "poisson", {"x": "Beta(1/2, 3/2)"}),
    "poisson beta named": ("y ~ x", "poisson", {"x": "Beta(a, b)"}),
    "gaussian": ("y ~ x", "gaussian", {"x": "Gamma(7, 1)"}),
    "gaussian mixed": ("y ~ x + (1 | g)", "gaussian", {"x": "Normal(mu, s)"}),
    "crossed": ("y ~ x + (1 | a) + (1 | b)", "gaussian", {"x": "Normal(mu, s)"}),
    "nested": ("y ~ x + (1 | a/b)", "gaussian", {"x": "Uniform(-1, 1)"}),
    "slopes": ("y ~ x1 + x2 + (1 + x1 | g)", "poisson", {"x1": "Bernoulli(1/2)", "x2": "Uniform(-1, 1)"}),
    "clinics": (
        "y ~ x1 + x2 + (1 + x1 | clinic) + (1 | b)",
        "gaussian",
        {"x1,x2": "MultivariateNormal([0, 0], [[1, rho], [rho, 1]])"},
    ),
    "logistic": ("y ~ x", "bernoulli", {"x": "Uniform(-1, 1)"}),
    "logistic normal": ("y ~ x", "bernoulli", {"x": "Normal(0, 1)"}),
    "logistic two-point": ("y ~ arm", "bernoulli", {"arm": "Bernoulli(p)"}),
    "logistic mixed": ("y ~ x + (1 | g)", "bernoulli", {"x": "Normal(0, 1)"}),
    "logistic slopes": ("y ~ x1 + x2 + (1 + x1 | g)", "bernoulli", {"x1": "Normal(0, 1)", "x2": "Uniform(0, 1)"}),
    "gamma": ("y ~ x", "gamma", {"x": "Uniform(1, 2)"}),
    "inverse gaussian": ("y ~ x", "inverse-gaussian", {"x": "Uniform(1, 2)"}),
    "negative binomial": ("y ~ x", "negative-binomial(3/2)", {"x": "Uniform(-1, 1)"}),
    "clash": ("y ~ x + (1 | g)", "poisson", {"x": "Normal(0, sigma)"}),
}


@cache
def model(name: str) -> Model:
    formula, family, laws = STATEMENTS[name]
    return Model(formula, family=family, laws=laws)


@cache
def scope(name: str) -> ClaimScope:
    return claim_scope(model(name))
