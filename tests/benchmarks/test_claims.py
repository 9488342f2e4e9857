"""Verified steps and checked claims, beside the derivation itself in the same run."""

import time

import leadterms as lt

POISSON = lt.Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"})
SINH = (
    r"\mathsf{Asy.Var}(\widehat{\beta}_1) = \frac{\beta_1^3\sinh(\beta_1)}"
    r"{e^{\beta_0+\sigma^2/2}\{\sinh^2(\beta_1)-\beta_1^2\}mn}"
)


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def test_verified_steps(benchmark):
    derived = min(seconds(lambda: lt.expansion(POISSON, terms=2)) for _ in range(5))
    verdict = benchmark.pedantic(lambda: lt.expansion(POISSON, terms=2).steps.verdict, rounds=3, warmup_rounds=1)
    assert verdict == "verified"
    print(f"\nderivation with every step verified over derivation alone: {benchmark.stats.stats.min / derived:.1f}")


def test_a_formula(benchmark):
    derived = min(seconds(lambda: lt.leading_terms(POISSON)) for _ in range(5))
    found = benchmark.pedantic(lambda: lt.check(POISSON, "x", formula=SINH), rounds=5, warmup_rounds=1)
    assert found.verdict == "agree"
    print(f"\ncheck of a formula over derivation alone: {benchmark.stats.stats.min / derived:.1f}")


def test_a_number_with_its_repairs(benchmark):
    at = "beta0=-1.46, beta1=2.11, sigma2=6.66"
    derived = min(seconds(lambda: lt.leading_terms(POISSON)) for _ in range(5))
    found = benchmark.pedantic(
        lambda: lt.check(POISSON, "x", value="2.0487282409...", at=at), rounds=3, warmup_rounds=1
    )
    assert found.repairs[0].changes[0][0] == "sigma2"
    print(f"\ncheck of a number, with repairs, over derivation alone: {benchmark.stats.stats.min / derived:.1f}")
