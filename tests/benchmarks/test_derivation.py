"""Warm derivations, beside the route through sympy.stats in the same run."""

import time

import pytest
from sympy import Symbol, exp, simplify
from sympy.stats import E, Uniform

import leadterms as lt

STATEMENTS = {
    "Poisson GLM": ("y ~ x", "poisson"),
    "Poisson random intercept": ("y ~ x + (1 | group)", "poisson"),
    "logistic random intercept": ("y ~ x + (1 | group)", "bernoulli"),
    "logistic GLM": ("y ~ x", "bernoulli"),
}
WARM_SECONDS = 0.050


def derive(formula, family):
    return lt.leading_terms(lt.Model(formula, family=family, laws={"x": "Uniform(-1, 1)"}))


@pytest.mark.parametrize("name", STATEMENTS)
def test_warm_derivation(benchmark, name):
    result = benchmark.pedantic(derive, args=STATEMENTS[name], rounds=20, warmup_rounds=2)
    assert result["x"].coefficient != 0


def test_poisson_random_intercept_is_quick(benchmark):
    benchmark.pedantic(derive, args=STATEMENTS["Poisson random intercept"], rounds=20, warmup_rounds=2)
    assert benchmark.stats.stats.min < WARM_SECONDS


def slope_by_sympy_stats():
    """The same slope variance by sympy.stats.E and simplify: what one would try without leadterms."""
    x, b0, b1 = Uniform("x", -1, 1), Symbol("beta0", real=True), Symbol("beta1", real=True)
    moments = [E(x**k * exp(b0 + b1 * x)) for k in range(3)]
    return simplify(1 / (moments[2] - moments[1] ** 2 / moments[0]))


def test_beside_sympy_stats(benchmark):
    start = time.perf_counter()
    theirs = benchmark.pedantic(slope_by_sympy_stats, rounds=1)
    their_seconds = time.perf_counter() - start
    start = time.perf_counter()
    ours = derive(*STATEMENTS["Poisson GLM"])["x"].coefficient
    our_seconds = time.perf_counter() - start
    print(
        f"\nsympy.stats {their_seconds:.1f} s, leadterms {our_seconds:.3f} s: ratio {their_seconds / our_seconds:.0f}"
    )
    point = {Symbol("beta0", real=True): 1, Symbol("beta1", real=True): 2}
    assert abs(theirs.subs(point).evalf(20) - ours.subs(point).evalf(20)) < 1e-18
    assert our_seconds < their_seconds


TWO_TERMS = {
    # limit in seconds, warm
    "Poisson random intercept": ("y ~ x + (1 | group)", "poisson", {"x": "Uniform(-1, 1)"}, 0.5),
    "Poisson, two random and two other effects": (
        "y ~ x1 + x2 + x3 + (1 + x1 | group)",
        "poisson",
        {"x1": "Normal(0, 1)", "x2": "Uniform(-1, 1)", "x3": "Normal(0, 1)"},
        5.0,
    ),
    "logistic random intercept": ("y ~ x + (1 | group)", "bernoulli", {"x": "Uniform(-1, 1)"}, None),
    "logistic, a trial at five times": (
        "y ~ arm*time + (1 + time | group)",
        "bernoulli",
        {"arm": "Bernoulli(1/2)", "time": "Finite({0: 1/5, 1: 1/5, 2: 1/5, 3: 1/5, 4: 1/5})"},
        None,
    ),
}


@pytest.mark.parametrize("name", TWO_TERMS)
def test_warm_two_term_derivation(benchmark, name):
    formula, family, laws, limit = TWO_TERMS[name]

    def derived():
        return lt.expansion(lt.Model(formula, family=family, laws=laws), terms=2)

    result = benchmark.pedantic(derived, rounds=3, warmup_rounds=1)
    benchmark.extra_info["limit"] = limit
    print(f"\n{name}: {benchmark.stats.stats.min:.2f} s" + (f", limit {limit} s" if limit else ""))
    assert len(result["1"].terms) == 2
    assert limit is None or benchmark.stats.stats.min < limit
