"""Certified digits beside the limits that were set for them, and beside what a researcher would reach for.

The problems: P1 logistic random intercept with X ~ Uniform(-1, 1); P2 the same with X ~ Normal(0, 1); P3 a random
intercept and slope on X1 and a fixed X2, both Uniform(-1, 1); P4 the Poisson sinh form; P5 a probit random slope on
X ~ Normal(0, 1).  Times are warm, the coefficient compiled, at parameter values that were not used before.  Limits in
seconds are shown, never asserted; ratios of times of one run are.
"""

import shutil
import subprocess
import time
from itertools import count

import mpmath
import pytest

import leadterms as lt
from leadterms.evaluation.certified.averages.cells import EffectsAverage
from leadterms.evaluation.certified.moments import fourier_plan, moments, planning
from leadterms.expectation import predictor_average

UNIT = "Uniform(-1, 1)"
PROBLEMS = {
    "P1": ("y ~ x + (1 | group)", "bernoulli", None, {"x": UNIT}, "x"),
    "P2": ("y ~ x + (1 | group)", "bernoulli", None, {"x": "Normal(0, 1)"}, "x"),
    "P3": ("y ~ x1 + x2 + (1 + x1 | group)", "bernoulli", None, {"x1": UNIT, "x2": UNIT}, "x2"),
    "P4": ("y ~ x + (1 | group)", "poisson", None, {"x": UNIT}, "x"),
    "P5": ("y ~ x + (0 + x | group)", "bernoulli", "probit", {"x": "Normal(0, 1)"}, "1"),
}
POINTS = {
    "P1": {"beta0": "-3/10", "beta1": "7/10", "sigma2": "13/10"},
    "P2": {"beta0": "-3/10", "beta1": "7/10", "sigma2": "13/10"},
    "P3": {"beta0": "-3/10", "beta1": "7/10", "beta2": "4/10", "Sigma11": "1/2", "Sigma12": "1/10", "Sigma22": "1/4"},
    "P4": {"beta0": "-1.46", "beta1": "2.11", "sigma2": "6.66"},
    "P5": {"beta0": "-3/10", "beta1": "7/10", "sigma2": "13/10"},
}
LIMITS = {
    ("P1", 15): None, ("P1", 30): None, ("P1", 50): 0.004, ("P1", 100): 0.005, ("P1", 200): None, ("P1", 500): None,
    ("P1", 1000): 1.5,
    ("P2", 15): None, ("P2", 30): None, ("P2", 50): None, ("P2", 100): 0.015, ("P2", 200): None, ("P2", 500): None,
    ("P2", 1000): 20.0,
    ("P3", 15): None, ("P3", 30): None, ("P3", 50): 0.15, ("P3", 100): 3.0,
    ("P4", 100): None, ("P4", 1000): None, ("P4", 10_000): 0.005,
    ("P5", 12): None,
}  # fmt: skip
"""Seconds, warm, by problem and digits; None where no limit was set."""
INTERCEPT, SLOPE, SECOND = "y ~ x + (1 | group)", "y ~ x + (0 + x | group)", "1/(m*n)"
FEW, BEYOND = "Finite({-1: 1/4, 0: 1/2, 2: 1/4})", "Uniform(1, 2)"
GENERAL = {
    "probit, a slope on a uniform predictor": (SLOPE, "bernoulli", "probit", UNIT, "1", None, 20),
    "cloglog, a slope on a normal predictor": (SLOPE, "bernoulli", "cloglog", "Normal(0, 1)", "1", None, 8),
    "second term, logit, an intercept": (INTERCEPT, "bernoulli", None, UNIT, "1", SECOND, 8),
    "second term, logit, a slope on a normal predictor": (SLOPE, "bernoulli", None, "Normal(0, 1)", "x", SECOND, 6),
    "second term, probit, an intercept": (INTERCEPT, "bernoulli", "probit", UNIT, "1", SECOND, 8),
    "second term, cloglog, a slope": (SLOPE, "bernoulli", "cloglog", UNIT, "x", SECOND, 5),
    "second term, cloglog, a slope on three values": (SLOPE, "bernoulli", "cloglog", FEW, "x", SECOND, 4),
    "second term, poisson, a slope": (SLOPE, "poisson", None, UNIT, "x", SECOND, 8),
    "second term, poisson, a slope on three values": (SLOPE, "poisson", None, FEW, "x", SECOND, 8),
    "poisson, a slope on a normal predictor": (SLOPE, "poisson", None, "Normal(0, 1)", "1", None, 8),
    "logit, a predictor and its reciprocal": ("y ~ x + I(1/x) + (1 | g)", "bernoulli", None, BEYOND, "x", None, 8),
    "logit, an exponential of a predictor": ("y ~ I(exp(-x)) + (1 | g)", "bernoulli", None, "Exponential(1)",
                                             "I(exp(-x))", None, 8),
    "second term, logit, a Cauchy predictor": (INTERCEPT, "bernoulli", None, "Cauchy(0, 1)", "1", SECOND, 5),
}  # fmt: skip
"""Formula, family, link, law of x, entry, order and digits on the general road."""
# 1/C of P1: nested quadrature by PARI/GP, and a double sum in mpmath
P1_INVERSE = "0.06117883467249954592275859536907336069265"
NESTED_RATIO = 1000
PARI_RATIO = 10
FURTHER_RATIO = 10
CLOSED_INNER = """
b0=-3/10;b1=7/10;s2=13/10;
gc(u)={if(abs(u)>3*TT,return(0.));my(c=b0+u,p=exp(c+b1),m=exp(c-b1),sp=p/(1+p),sm=m/(1+m),Lp=log(1+p),Lm=log(1+m));
 my(M0=(sp-sm)/(2*b1),M1=(sp+sm)/(2*b1)-(Lp-Lm)/(2*b1^2),
    M2=(sp-sm)/(2*b1)-(Lp+Lm)/b1^2+(real(polylog(2,-m))-real(polylog(2,-p)))/b1^3);
 (M2-M1^2/M0)*exp(-u^2/(2*s2));}
D=%d;localprec(D+8);default(realprecision,D+8);TT=sqrt(2*s2*D*log(10));
t0=getabstime();v=intnum(u=[-oo,1],[oo,1],gc(u))/sqrt(2*Pi*s2);t1=getabstime();print(t1-t0);
"""


@pytest.fixture(scope="module")
def entries():
    return {
        name: lt.leading_terms(lt.Model(formula, family=family, link=link, laws=laws))[term]
        for name, (formula, family, link, laws, term) in PROBLEMS.items()
    }


def fresh_points(name):
    """Points near the problem's, none of them twice."""
    for step in count(1):
        yield {**POINTS[name], "beta1": f"{700 + step}/1000"}


def seconds(call, *arguments):
    start = time.process_time()
    call(*arguments)
    return time.process_time() - start


def compare(benchmark, call, points, slower, than, rounds=1):
    """Measure a certified value, then one after ``slower()``, and assert that this takes longer."""
    number = benchmark.pedantic(call, setup=lambda: ((next(points),), {}), rounds=rounds)
    assert number.certified
    slower()
    slow = seconds(call, next(points))
    benchmark.extra_info[f"times as fast as {than}"] = slow / benchmark.stats.stats.median
    assert slow / benchmark.stats.stats.median > 1


@pytest.mark.parametrize(("name", "digits"), list(LIMITS), ids=lambda value: str(value))
def test_certified_digits(benchmark, entries, name, digits):
    entry, points = entries[name], fresh_points(name)
    assert entry.evaluate(next(points), digits, method="balls").certified
    rounds = 1 if (digits >= 500 and name != "P4") or name == "P5" else 5
    number = benchmark.pedantic(
        lambda point: entry.evaluate(point, digits, method="balls"),
        setup=lambda: ((next(points),), {}),
        rounds=rounds,
    )
    benchmark.extra_info["limit in seconds"] = LIMITS[name, digits]
    assert number.certified


@pytest.mark.parametrize("name", GENERAL)
def test_the_general_road(benchmark, name):
    formula, family, link, law, term, order, digits = GENERAL[name]
    model = lt.Model(formula, family=family, link=link, laws={"x": law})
    result = lt.expansion(model, terms=1 if order is None else 2)
    fixed = {"beta0": "-3/10", "beta2": "2/5", "sigma2": "2/5"}
    at = {symbol.name: fixed[symbol.name] for symbol in model.parameters if symbol.name in fixed}
    points = ({**at, "beta1": f"{700 + step}/1000"} for step in count())
    result[term].evaluate(next(points), digits, order=order, method="balls")
    number = benchmark.pedantic(
        lambda point: result[term].evaluate(point, digits, order=order, method="balls"),
        setup=lambda: ((next(points),), {}),
        rounds=1,
    )
    benchmark.extra_info["digits"] = digits
    assert number.certified


def test_many_predictors(benchmark, monkeypatch):
    """6 digits beside four densities: their transforms added, against rules for all of them together."""
    laws = {"x": "Uniform(0, 1)", "z": "Exponential(1)", "w": "Gamma(2, 1)", "v": "Uniform(-1, 2)"}
    entry = lt.leading_terms(lt.Model("y ~ x + z + w + v", family="bernoulli", laws=laws))["x"]
    at = {"beta0": "1/3", "beta2": "-3/4", "beta3": "2/5", "beta4": "1/4"}
    points = ({**at, "beta1": f"{500 + step}/1000"} for step in count())
    entry.evaluate(next(points), 6)
    compare(
        benchmark,
        lambda point: entry.evaluate(point, 6),
        points,
        lambda: monkeypatch.setattr(fourier_plan, "FEWEST", 9),
        "rules",
        rounds=3,
    )


def test_moments_in_double_words(benchmark, monkeypatch):
    """12 digits of a random intercept and slope beside a normal predictor, against moments in balls."""
    laws = {"x": "Normal(0, 1)", "z": UNIT}
    entry = lt.leading_terms(lt.Model("y ~ x + z + (x | g)", family="bernoulli", laws=laws))["z"]
    at = {"beta0": "-3/10", "beta2": "2/5", "Sigma11": "1/4", "Sigma12": "1/10", "Sigma22": "1/4"}
    points = ({**at, "beta1": f"{700 + step}/1000"} for step in count())

    def slower():
        monkeypatch.setattr(planning, "MOST_BITS", 0)
        monkeypatch.setattr(moments, "MOST_BITS", moments.FEW_BITS)

    compare(benchmark, lambda point: entry.evaluate(point, 12), points, slower, "balls")


def test_tables_beside_an_interaction(benchmark, monkeypatch):
    """10 digits of an interaction beside another predictor: what stays fixed in a table, against rules for all."""
    laws = {"x": "Uniform(-1, 1)", "z": "Normal(0, 1)", "w": UNIT}
    entry = lt.leading_terms(lt.Model("y ~ x*z + w + (1 | g)", family="bernoulli", laws=laws))["w"]
    at = {"beta0": "-3/10", "beta2": "2/5", "beta3": "1/5", "beta4": "-1/5", "sigma2": "1/4"}
    points = ({**at, "beta1": f"{700 + step}/1000"} for step in count())
    entry.evaluate(next(points), 10)
    compare(
        benchmark,
        lambda point: entry.evaluate(point, 10),
        points,
        lambda: monkeypatch.setattr(planning, "MOST_BITS", 0),
        "rules",
    )


def test_products_beside_a_random_slope(benchmark, monkeypatch):
    """6 digits beside a tail that is not normal: patches at the bits that cells need, against rules at bounded ones."""
    entry = lt.leading_terms(
        lt.Model("y ~ x*z + (x | g)", family="bernoulli", laws={"x": "Exponential(2)", "z": "Beta(2, 3)"})
    )["z"]
    at = {"beta0": "-2/5", "beta2": "-1/10", "beta3": "-7/10", "Sigma11": "1/2", "Sigma12": "0", "Sigma22": "1/4"}
    points = ({**at, "beta1": f"{300 + step}/1000"} for step in count())

    def slower():
        monkeypatch.setattr(planning, "FEW_NODES", 10**9)
        monkeypatch.setattr(EffectsAverage, "_learn", lambda average, surplus: None)

    compare(benchmark, lambda point: entry.evaluate(point, 6), points, slower, "rules at bounded bits")


def test_three_effects_on_factors(benchmark, monkeypatch):
    """4 digits under the probit link: the weight in a table that cells share, against balls one by one."""
    laws = {"x": "Bernoulli(1/2)", "z": "Bernoulli(1/3)"}
    entry = lt.leading_terms(lt.Model("y ~ x*z + (x + z | g)", family="bernoulli", link="probit", laws=laws))["x:z"]
    at = {"beta0": "-3/10", "beta2": "2/5", "beta3": "1/5", "Sigma11": "1/2", "Sigma12": "1/10", "Sigma13": "0",
          "Sigma22": "1/4", "Sigma23": "0", "Sigma33": "1/4"}  # fmt: skip
    points = ({**at, "beta1": f"{700 + step}/1000"} for step in count())
    compare(
        benchmark,
        lambda point: entry.evaluate(point, 4),
        points,
        lambda: monkeypatch.setattr(planning, "MOST_BITS", 0),
        "balls",
    )


def test_many_combinations_of_values(benchmark, monkeypatch):
    """Three factors and a normal predictor, derivation and value: held in one expectation, against a sum over all."""
    laws = {"a": "Bernoulli(1/2)", "b": "Bernoulli(1/3)", "c": "Bernoulli(1/4)", "x": "Normal(0, 1)"}
    at = {"beta1": "7/10", "beta2": "2/5", "beta3": "-1/5", "beta4": "3/10", "sigma2": "1/4"}
    points = ({**at, "beta0": f"{-300 - step}/1000"} for step in count())

    def whole(point):
        model = lt.Model("y ~ a + b + c + x + (1 | g)", family="bernoulli", laws=laws)
        return lt.leading_terms(model)["a"].evaluate(point, 8)

    compare(benchmark, whole, points, lambda: monkeypatch.setattr(predictor_average, "MOST_COMBINATIONS", 8), "the sum")


def test_further_entries_of_a_covariance(benchmark):
    """What entries share is averaged once."""
    model = lt.Model("y ~ x + z + (1 | g)", family="bernoulli", link="probit", laws={"x": UNIT, "z": "Poisson(1)"})
    result = lt.leading_terms(model)
    at = {"beta0": "-3/10", "beta1": "7/10", "beta2": "2/5", "sigma2": "2/5"}
    first = seconds(result["x"].evaluate, at, 6)
    number = benchmark.pedantic(lambda: result["x", "z"].evaluate(at, 6), rounds=1)
    assert number.certified
    benchmark.extra_info["ratio to the first"] = first / benchmark.stats.stats.min
    assert first / benchmark.stats.stats.min >= FURTHER_RATIO


def nested_quadrature():
    """What a researcher writes first: mpmath.quad inside mpmath.quad."""
    b0, b1, s2 = mpmath.mpf(-3) / 10, mpmath.mpf(7) / 10, mpmath.mpf(13) / 10

    def moment(k, u):
        return mpmath.quad(lambda x: x**k / (2 * (mpmath.cosh(b0 + u + b1 * x) + 1)) / 2, [-1, 1])

    def integrand(u):
        density = mpmath.exp(-u * u / (2 * s2)) / mpmath.sqrt(2 * mpmath.pi * s2)
        return (moment(2, u) - moment(1, u) ** 2 / moment(0, u)) * density

    return mpmath.quad(integrand, [-mpmath.inf, mpmath.inf])


def test_against_nested_mpmath_quad(benchmark, entries):
    """30 digits of P1."""
    start = time.process_time()
    with mpmath.workdps(35):
        reference = nested_quadrature()
        assert abs(reference - mpmath.mpf(P1_INVERSE)) < mpmath.mpf("1e-28")
    slow = time.process_time() - start
    points = fresh_points("P1")
    entries["P1"].evaluate(next(points), 30)
    benchmark.pedantic(lambda point: entries["P1"].evaluate(point, 30), setup=lambda: ((next(points),), {}), rounds=10)
    fast = benchmark.stats.stats.median
    benchmark.extra_info["nested mpmath.quad in seconds"] = slow
    benchmark.extra_info["times as fast"] = slow / fast
    assert slow / fast > NESTED_RATIO


def test_against_scipy_quadrature_in_double_precision(benchmark, entries):
    integrate = pytest.importorskip("scipy.integrate")
    from math import cosh, exp, pi, sqrt

    def moment(k, u):
        return integrate.quad(lambda x: x**k / (4 * (cosh(-0.3 + u + 0.7 * x) + 1)), -1, 1)[0]

    def value():
        def integrand(u):
            return (moment(2, u) - moment(1, u) ** 2 / moment(0, u)) * exp(-u * u / 2.6) / sqrt(2.6 * pi)

        return integrate.quad(integrand, -12, 12, epsabs=1e-13, epsrel=1e-13)[0]

    slow = min(seconds(value) for _ in range(3))
    assert abs(value() - float(P1_INVERSE)) < 1e-12
    points = fresh_points("P1")
    entries["P1"].evaluate(next(points), 15)
    benchmark.pedantic(lambda point: entries["P1"].evaluate(point, 15), setup=lambda: ((next(points),), {}), rounds=10)
    benchmark.extra_info["nested scipy quad in seconds"] = slow
    benchmark.extra_info["times as fast"] = slow / benchmark.stats.stats.median
    # fifteen proven digits in the time of an estimate of the same length
    assert slow / benchmark.stats.stats.median > 1


def test_against_pari(benchmark, entries):
    """100 digits of P1, PARI/GP with the inner expectations in closed form."""
    program = shutil.which("gp")
    if program is None:
        pytest.skip("PARI/GP is not installed")
    run = subprocess.run([program, "-q", "-f"], input=CLOSED_INNER % 100, capture_output=True, text=True, check=True)
    slow = float(run.stdout.split()[-1]) / 1000
    points = fresh_points("P1")
    entries["P1"].evaluate(next(points), 100)
    benchmark.pedantic(lambda point: entries["P1"].evaluate(point, 100), setup=lambda: ((next(points),), {}), rounds=10)
    benchmark.extra_info["PARI/GP in seconds"] = slow
    benchmark.extra_info["times as fast"] = slow / benchmark.stats.stats.median
    assert slow / benchmark.stats.stats.median > PARI_RATIO
