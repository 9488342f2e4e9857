"""Values: closed forms to many digits, held integrals of one and two random effects."""

import pytest

import leadterms as lt

POISSON = ("y ~ x + (1 | group)", "poisson", {"x": "Uniform(-1, 1)"})
LOGISTIC = ("y ~ x + (1 | group)", "bernoulli", {"x": "Uniform(-1, 1)"})
SLOPES = ("y ~ x1 + x2 + (1 + x1 | group)", "bernoulli", {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"})
SLOPES_POINT = "beta0=-3/10, beta1=7/10, beta2=4/10, Sigma11=1/2, Sigma12=1/10, Sigma22=1/4"
POINT = "beta0=-3/10, beta1=7/10, sigma2=13/10"


def entry(statement, name):
    formula, family, laws = statement
    return lt.leading_terms(lt.Model(formula, family=family, laws=laws))[name]


@pytest.mark.parametrize("digits", [15, 100, 1000, 10_000])
def test_closed_form(benchmark, digits):
    slope = entry(POISSON, "x")
    number = benchmark.pedantic(slope.evaluate, args=(POINT, digits), rounds=3, warmup_rounds=1)
    assert number.digits == digits


@pytest.mark.parametrize("digits", [15, 30, 50])
def test_random_intercept_integral(benchmark, digits):
    slope = entry(LOGISTIC, "x")
    number = benchmark.pedantic(slope.evaluate, args=(POINT, digits), rounds=1)
    assert number.digits == digits


def test_random_slopes_integral(benchmark):
    """Twelve digits of a double integral over double integrals, within two minutes."""
    slope = entry(SLOPES, "x2")
    number = benchmark.pedantic(slope.evaluate, args=(SLOPES_POINT, 12), rounds=1)
    # 1/0.0690226219829701189324561401788175859682, an independent quadrature by ball arithmetic
    assert abs(float(number) - 14.4880036612740) < 1e-10
    assert benchmark.stats.stats.max < 120
