"""A gallery of closed forms: every entry of every covariance matrix against quadrature.

The second road shares no algebra with the engine: nodes and weights of each law are laid by hand below, the
information matrix is a weighted sum of x x' over them, with the weights of McCullagh and Nelder (1989), section
2.5, and it is inverted numerically.  Mixed models add a sum over the random effects around the Schur complement.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import product

import mpmath
import pytest
from mpmath import mp

from leadterms import ExistenceError, Model, leading_terms

DIGITS = 28
TOLERANCE = mpmath.mpf(10) ** -25
Rule = list[tuple[mpmath.mpf, mpmath.mpf]]
Point = dict[str, mpmath.mpf]


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    with mpmath.workdps(42):
        yield


# ---- nodes and weights of the laws -----------------------------------------------------------------------------


def legendre(a, b, density) -> Rule:
    """48 Gauss-Legendre nodes: 40 digits and more where poles keep a distance of 1.5 half lengths."""
    centre, half = (a + b) / 2, (b - a) / 2
    return [(centre + half * x, half * w * density(centre + half * x)) for x, w in _legendre_nodes(mp.prec)]


@cache
def _legendre_nodes(bits) -> Rule:
    return mpmath.calculus.quadrature.GaussLegendre(mp).calc_nodes(5, bits)


def uniform(a, b) -> Rule:
    return legendre(a, b, lambda x: 1 / (b - a))


def beta23() -> Rule:
    return legendre(mpmath.mpf(0), mpmath.mpf(1), lambda x: 12 * x * (1 - x) ** 2)


def triangular() -> Rule:
    return legendre(mpmath.mpf(-1), mpmath.mpf(0), lambda x: 1 + x) + legendre(
        mpmath.mpf(0), mpmath.mpf(1), lambda x: 1 - x
    )


def normal(mu, s, reach=16, step=Fraction(1, 5)) -> Rule:
    """Trapezoid on the line: the error falls like exp(-2 pi^2/step^2)."""
    h = mpmath.mpf(step.numerator) / step.denominator
    count = int(reach / step)
    return [
        (mu + s * z, h * mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mp.pi))
        for z in (h * k for k in range(-count, count + 1))
    ]


def coarse_normal() -> Rule:
    """Standard normal nodes, enough for exponentials."""
    return normal(mp.zero, mp.one, 14, Fraction(2, 5))


def half_line(density, step=Fraction(1, 24)) -> Rule:
    """Trapezoid in t with x = exp(t - exp(-t)), for densities that decay exponentially."""
    h = mpmath.mpf(step.numerator) / step.denominator
    rule = []
    for k in range(-int(5 / step), int(Fraction(13, 2) / step)):
        t = h * k
        x = mpmath.exp(t - mpmath.exp(-t))
        rule.append((x, h * x * (1 + mpmath.exp(-t)) * density(x)))
    return rule


def exponential(rate) -> Rule:
    return half_line(lambda x: rate * mpmath.exp(-rate * x))


def gamma(shape, scale) -> Rule:
    return half_line(lambda x: x ** (shape - 1) * mpmath.exp(-x / scale) / (mpmath.gamma(shape) * scale**shape))


def laplace(scale) -> Rule:
    right = half_line(lambda x: mpmath.exp(-x / scale) / (2 * scale))
    return right + [(-x, w) for x, w in right]


def finite(atoms) -> Rule:
    return [(mpmath.mpf(x), w) for x, w in atoms.items()]


def bernoulli(p) -> Rule:
    return finite({0: 1 - p, 1: p})


def poisson_law(rate) -> Rule:
    return [(mpmath.mpf(k), mpmath.exp(-rate) * rate**k / mpmath.factorial(k)) for k in range(140)]


def together(*rules: Rule) -> list[tuple[tuple, mpmath.mpf]]:
    return [
        (tuple(x for x, _ in cell), mpmath.fprod(w for _, w in cell)) for cell in product(*rules)
    ]  # independent predictors


def correlated(first: Rule, second: Rule, slope, spread) -> list[tuple[tuple, mpmath.mpf]]:
    """(x, slope x + spread z) with x from the first rule and z from the second."""
    return [((x, slope * x + spread * z), v * w) for x, v in first for z, w in second]


# ---- weights: (dmu/deta)^2/V(mu), written out ------------------------------------------------------------------


def logit(eta):
    return 1 / (2 + mpmath.exp(eta) + mpmath.exp(-eta))


def negative_binomial(size):
    return lambda eta: mpmath.exp(eta) / (1 + mpmath.exp(eta) / size)


def probit(eta):
    return mpmath.npdf(eta) ** 2 / (mpmath.ncdf(eta) * mpmath.ncdf(-eta))


def cloglog(eta):
    fails = mpmath.exp(-mpmath.exp(eta))
    slope = mpmath.exp(eta) * fails
    return slope**2 / (fails * -mpmath.expm1(-mpmath.exp(eta)))


# ---- cases -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A model without random effects: its statement, and by hand its design, weight and law."""

    name: str
    family: str
    laws: dict[str, str]
    cells: Callable[[Point], list[tuple[tuple, mpmath.mpf]]]
    weight: Callable[[Point], Callable]
    domain: dict[str, tuple[str, str]]
    formula: str = "y ~ x"
    link: str | None = None
    design: Callable[..., tuple] = lambda x: (1, x)
    extra: list[dict[str, str]] = field(default_factory=list)
    slow: bool = False


def exponential_weight(rate=1):
    return lambda point: lambda eta: mpmath.exp(rate * eta)


def fixed_weight(weight):
    return lambda point: weight


LINE = {"beta0": ("-1", "1"), "beta1": ("-2", "2")}
PLANE = {**LINE, "beta2": ("-1", "1")}
AT_ZERO = [{"beta0": "2/7", "beta1": "0"}, {"beta0": "2/7", "beta1": "1e-30"}]
POSITIVE_LINE = {"beta0": ("2", "3"), "beta1": ("-1", "1"), "phi": ("1/3", "2")}
POSITIVE_ZERO = [{"beta0": "2", "beta1": "0", "phi": "3/2"}, {"beta0": "2", "beta1": "1e-30", "phi": "3/2"}]


def one(rule):
    return lambda point: together(rule(point))


ARMS = {-1: Fraction(1, 4), 0: Fraction(1, 2), 1: Fraction(1, 4)}
ARM_RULE = {x: mpmath.mpf(w.numerator) / w.denominator for x, w in ARMS.items()}
ARM_TEXT = "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"

CASES = [
    Case("poisson-uniform", "poisson", {"x": "Uniform(-1, 1)"}, one(lambda p: uniform(-mp.one, mp.one)),
         exponential_weight(), LINE, extra=AT_ZERO),
    Case("poisson-unit-interval", "poisson", {"x": "Uniform(0, 1)"}, one(lambda p: uniform(mp.zero, mp.one)),
         exponential_weight(), LINE, extra=AT_ZERO),
    Case("poisson-normal", "poisson", {"x": "Normal(mu, s)"}, one(lambda p: normal(p["mu"], p["s"])),
         exponential_weight(), {**LINE, "mu": ("-1", "1"), "s": ("1/4", "1")}),
    Case("poisson-gamma", "poisson", {"x": "Gamma(k, theta)"}, one(lambda p: gamma(p["k"], p["theta"])),
         exponential_weight(), {**LINE, "beta1": ("-2", "1"), "k": ("1", "3"), "theta": ("1/4", "2/3")}),
    Case("poisson-exponential", "poisson", {"x": "Exponential(lam)"}, one(lambda p: exponential(p["lam"])),
         exponential_weight(), {**LINE, "beta1": ("-2", "1"), "lam": ("3/2", "3")}),
    Case("poisson-bernoulli", "poisson", {"x": "Bernoulli(p)"}, one(lambda p: bernoulli(p["p"])),
         exponential_weight(), {**LINE, "p": ("1/10", "9/10")}),
    Case("poisson-poisson", "poisson", {"x": "Poisson(lam)"}, one(lambda p: poisson_law(p["lam"])),
         exponential_weight(), {**LINE, "beta1": ("-1", "1"), "lam": ("1/2", "3")}),
    Case("poisson-triangular", "poisson", {"x": "Triangular(-1, 1, 0)"}, one(lambda p: triangular()),
         exponential_weight(), LINE, extra=AT_ZERO),
    Case("poisson-laplace", "poisson", {"x": "Laplace(0, s)"}, one(lambda p: laplace(p["s"])),
         exponential_weight(), {"beta0": ("-1", "1"), "beta1": ("-1", "1"), "s": ("1/4", "2/3")}),
    Case("poisson-beta", "poisson", {"x": "Beta(2, 3)"}, one(lambda p: beta23()),
         exponential_weight(), LINE, extra=AT_ZERO),
    Case("poisson-arms", "poisson", {"x": ARM_TEXT}, one(lambda p: finite(ARM_RULE)), exponential_weight(), LINE,
         extra=AT_ZERO),
    Case("poisson-two-uniforms", "poisson", {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"},
         lambda p: together(uniform(-mp.one, mp.one), uniform(-mp.one, mp.one)), exponential_weight(), PLANE,
         formula="y ~ x1 + x2", design=lambda x, z: (1, x, z)),
    Case("poisson-uniform-bernoulli", "poisson", {"x1": "Uniform(0, 1)", "x2": "Bernoulli(p)"},
         lambda p: together(uniform(mp.zero, mp.one), bernoulli(p["p"])), exponential_weight(),
         {**PLANE, "p": ("1/10", "9/10")}, formula="y ~ x1 + x2", design=lambda x, z: (1, x, z)),
    Case("poisson-square", "poisson", {"x": "Normal(0, s)"}, one(lambda p: normal(mp.zero, p["s"], 36)),
         exponential_weight(), {"beta0": ("-1", "1"), "beta1": ("-1", "1"), "beta2": ("-1", "1/3"), "s": ("1/4", "1")},
         formula="y ~ x + I(x**2)", design=lambda x: (1, x, x**2)),
    Case("poisson-joint-normal", "poisson", {"x1,x2": "MultivariateNormal([0, 1/2], [[1, 1/3], [1/3, 1/2]])"},
         lambda p: [((x, z + mp.one / 2), w) for (x, z), w in correlated(
             coarse_normal(), coarse_normal(), mp.one / 3, mpmath.sqrt(mp.one / 2 - mp.one / 9))],
         exponential_weight(), {**LINE, "beta1": ("-1", "1"), "beta2": ("-1", "1")}, formula="y ~ x1 + x2",
         design=lambda x, z: (1, x, z)),
    Case("poisson-trial", "poisson", {"arm": ARM_TEXT, "x": "Uniform(-1, 1)"},
         lambda p: together(finite(ARM_RULE), uniform(-mp.one, mp.one)), exponential_weight(),
         {**PLANE, "beta3": ("1/10", "1/2")}, formula="y ~ arm*x", design=lambda a, x: (1, a, x, a * x), slow=True),
    Case("logit-trial", "bernoulli", {"arm": ARM_TEXT, "z": "Bernoulli(p)"},
         lambda p: together(finite(ARM_RULE), bernoulli(p["p"])), fixed_weight(logit),
         {**PLANE, "beta3": ("-1", "1"), "p": ("1/10", "9/10")}, formula="y ~ arm*z",
         design=lambda a, z: (1, a, z, a * z), slow=True),
    Case("logit-bernoulli", "bernoulli", {"x": "Bernoulli(p)"}, one(lambda p: bernoulli(p["p"])),
         fixed_weight(logit), {**LINE, "p": ("1/10", "9/10")}),
    Case("logit-uniform", "bernoulli", {"x": "Uniform(-1, 1)"}, one(lambda p: uniform(-mp.one, mp.one)),
         fixed_weight(logit), LINE, extra=AT_ZERO, slow=True),
    Case("logit-triangular", "bernoulli", {"x": "Triangular(-1, 1, 0)"}, one(lambda p: triangular()),
         fixed_weight(logit), LINE),
    Case("binomial-uniform", "binomial(7)", {"x": "Uniform(0, 1)"}, one(lambda p: uniform(mp.zero, mp.one)),
         lambda p: lambda eta: 7 * logit(eta), LINE),
    Case("negative-binomial-bernoulli", "negative-binomial(size)", {"x": "Bernoulli(p)"},
         one(lambda p: bernoulli(p["p"])), lambda p: negative_binomial(p["size"]),
         {**LINE, "p": ("1/10", "9/10"), "size": ("1/2", "5")}),
    Case("negative-binomial-uniform", "negative-binomial(3)", {"x": "Uniform(-1, 1)"},
         one(lambda p: uniform(-mp.one, mp.one)), lambda p: negative_binomial(mpmath.mpf(3)), LINE,
         extra=AT_ZERO, slow=True),
    Case("probit-arms", "bernoulli", {"x": ARM_TEXT}, one(lambda p: finite(ARM_RULE)), fixed_weight(probit), LINE,
         link="probit"),
    Case("cloglog-arms", "bernoulli", {"x": ARM_TEXT}, one(lambda p: finite(ARM_RULE)), fixed_weight(cloglog), LINE,
         link="cloglog"),
    Case("gamma-inverse-uniform", "gamma", {"x": "Uniform(-1, 1)"}, one(lambda p: uniform(-mp.one, mp.one)),
         fixed_weight(lambda eta: 1 / eta**2), POSITIVE_LINE, extra=POSITIVE_ZERO),
    Case("gamma-inverse-exponential", "gamma", {"x": "Exponential(lam)"}, one(lambda p: exponential(p["lam"])),
         fixed_weight(lambda eta: 1 / eta**2),
         {"beta0": ("1/2", "2"), "beta1": ("1/4", "2"), "phi": ("1/3", "2"), "lam": ("1/2", "2")}),
    Case("gamma-inverse-gamma", "gamma", {"x": "Gamma(2, theta)"}, one(lambda p: gamma(mpmath.mpf(2), p["theta"])),
         fixed_weight(lambda eta: 1 / eta**2),
         {"beta0": ("1/2", "2"), "beta1": ("1/4", "2"), "phi": ("1/3", "2"), "theta": ("1/2", "2")}),
    Case("gamma-log", "gamma", {"x": "Beta(2, 3)"}, one(lambda p: beta23()), fixed_weight(lambda eta: mp.one),
         {**LINE, "phi": ("1/3", "2")}, link="log"),
    Case("inverse-gaussian-uniform", "inverse-gaussian", {"x": "Uniform(-1, 1)"},
         one(lambda p: uniform(-mp.one, mp.one)), fixed_weight(lambda eta: eta ** mpmath.mpf("-1.5") / 4),
         POSITIVE_LINE, extra=POSITIVE_ZERO),
    Case("inverse-gaussian-log", "inverse-gaussian", {"x": "Uniform(-1, 1)"},
         one(lambda p: uniform(-mp.one, mp.one)), exponential_weight(-1), {**LINE, "phi": ("1/3", "2")}, link="log"),
    Case("gaussian-log", "gaussian", {"x": "Uniform(-1, 1)"}, one(lambda p: uniform(-mp.one, mp.one)),
         exponential_weight(2), {**LINE, "phi": ("1/3", "2")}, link="log",
         extra=[{"beta0": "1", "beta1": "0", "phi": "2"}]),
    Case("gaussian-identity", "gaussian", {"x": "Gamma(7, 1)"}, one(lambda p: gamma(mpmath.mpf(7), mp.one)),
         fixed_weight(lambda eta: mp.one), {**LINE, "phi": ("1/3", "2")}),
    Case("poisson-sqrt", "poisson", {"x": "Triangular(-1, 1, 0)"}, one(lambda p: triangular()),
         fixed_weight(lambda eta: mpmath.mpf(4)), LINE, link="sqrt"),
]  # fmt: skip


SLOWLY = [pytest.param(case, marks=pytest.mark.slow) if case.slow else case for case in CASES]


def random_points(domain: dict[str, tuple[str, str]], seed: str, count: int = 2) -> list[dict[str, str]]:
    """Exact points with the denominator 97 inside the box."""
    source = random.Random(seed)
    points = []
    for _ in range(count):
        point = {}
        for name, (low, high) in domain.items():
            ends = [round(Fraction(end) * 97) for end in (low, high)]
            point[name] = f"{source.randint(ends[0] + 1, ends[1] - 1)}/97"
        points.append(point)
    return points


def numeric(point: dict[str, str]) -> Point:
    exact = {name: Fraction(text) for name, text in point.items()}
    return {name: mpmath.mpf(value.numerator) / value.denominator for name, value in exact.items()}


def information(case: Case, point: Point) -> mpmath.matrix:
    """The sum of probability * w(eta) x x' over the nodes."""
    coefficients = [point[f"beta{i}"] for i in range(sum(name.startswith("beta") for name in point))]
    weight = case.weight(point)
    size = len(coefficients)
    total = mpmath.zeros(size)
    for cell, probability in case.cells(point):
        row = case.design(*cell)
        share = probability * weight(mpmath.fdot(coefficients, row))
        for i in range(size):
            for j in range(i, size):
                total[i, j] += share * row[i] * row[j]
    for i in range(size):
        for j in range(i):
            total[i, j] = total[j, i]
    return total


def close(found, expected, scale=1) -> bool:
    return abs(mpmath.mpf(str(found)) - expected) <= TOLERANCE * max(abs(expected), abs(scale))


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOWLY, ids=lambda case: case.name)
def test_every_coefficient_of_a_glm_is_closed_and_the_inverse_information(case):
    model = Model(case.formula, family=case.family, link=case.link, laws=case.laws)
    result = leading_terms(model)
    assert all(entry.term.is_closed_form for entry in result)
    names = [symbol.name for symbol in model.fixed_effects]
    for point in random_points(case.domain, case.name) + case.extra:
        at = numeric(point)
        inverse = information(case, at) ** -1 * at.get("phi", mp.one)
        for i, first in enumerate(names):
            for j, second in enumerate(names[i:], i):
                entry = result[first, second]
                scale = mpmath.sqrt(inverse[i, i] * inverse[j, j])
                assert entry.terms or abs(inverse[i, j]) < TOLERANCE * scale, (first, second, point)
                if abs(inverse[i, j]) > TOLERANCE * scale:
                    assert close(entry.evaluate(point, DIGITS), inverse[i, j], scale), (first, second, point)


# ---- random intercepts: a double quadrature --------------------------------------------------------------------


@dataclass(frozen=True)
class Mixed:
    """A random-intercept model; only C_B needs the second road, the other blocks have their own tests."""

    name: str
    family: str
    laws: dict[str, str]
    cells: Callable[[Point], list[tuple[tuple, mpmath.mpf]]]
    weight: Callable[[Point], Callable]
    domain: dict[str, tuple[str, str]]
    formula: str = "y ~ x + (1 | g)"
    link: str | None = None
    design: Callable[..., tuple] = lambda x: (1, x)


WITH_VARIANCE = {**LINE, "beta1": ("-1", "1"), "sigma2": ("1/4", "1")}
MIXED = [
    Mixed("poisson-uniform", "poisson", {"x": "Uniform(-1, 1)"}, one(lambda p: uniform(-mp.one, mp.one)),
          exponential_weight(), {**WITH_VARIANCE, "sigma2": ("1/4", "5")}),
    Mixed("poisson-normal", "poisson", {"x": "Normal(mu, 1/2)"}, one(lambda p: normal(p["mu"], mp.one / 2)),
          exponential_weight(), {**WITH_VARIANCE, "mu": ("-1", "1")}),
    Mixed("poisson-trial", "poisson", {"arm": ARM_TEXT, "z": "Bernoulli(1/3)"},
          lambda p: together(finite(ARM_RULE), bernoulli(mp.one / 3)), exponential_weight(),
          {**WITH_VARIANCE, "beta2": ("-1", "1"), "beta3": ("-1", "1")}, formula="y ~ arm*z + (1 | g)",
          design=lambda a, z: (1, a, z, a * z)),
    Mixed("gaussian-log", "gaussian", {"x": "Uniform(-1, 1)"}, one(lambda p: uniform(-mp.one, mp.one)),
          exponential_weight(2), {**WITH_VARIANCE, "phi": ("1/3", "2")}, link="log"),
    Mixed("gamma-log", "gamma", {"x": "Beta(2, 3)"}, one(lambda p: beta23()), fixed_weight(lambda eta: mp.one),
          {**WITH_VARIANCE, "phi": ("1/3", "2")}, link="log"),
    Mixed("logit-bernoulli", "bernoulli", {"x": "Bernoulli(p)"}, one(lambda p: bernoulli(p["p"])),
          fixed_weight(logit), {**WITH_VARIANCE, "p": ("1/10", "9/10")}),
    Mixed("negative-binomial-bernoulli", "negative-binomial(3)", {"x": "Bernoulli(1/3)"},
          one(lambda p: bernoulli(mp.one / 3)), lambda p: negative_binomial(mpmath.mpf(3)), WITH_VARIANCE),
    Mixed("probit-bernoulli", "bernoulli", {"x": "Bernoulli(1/3)"}, one(lambda p: bernoulli(mp.one / 3)),
          fixed_weight(probit), {**WITH_VARIANCE, "sigma2": ("1/8", "1/4")}, link="probit"),
    Mixed("cloglog-arms", "bernoulli", {"x": ARM_TEXT}, one(lambda p: finite(ARM_RULE)), fixed_weight(cloglog),
          {**WITH_VARIANCE, "sigma2": ("1/8", "1/4")}, link="cloglog"),
]  # fmt: skip


def schur_over_intercept(case: Mixed, point: Point) -> mpmath.matrix:
    """G: the sum over u of the Schur complement of the intercept in the information given u."""
    sd = mpmath.sqrt(point["sigma2"])
    weight = case.weight(point)
    coefficients = [point[f"beta{i}"] for i in range(sum(name.startswith("beta") for name in point))]
    size = len(coefficients)
    rows = [(case.design(*cell), probability) for cell, probability in case.cells(point)]
    etas = [(row, mpmath.fdot(coefficients, row), probability) for row, probability in rows]
    total = mpmath.zeros(size - 1)
    for u, mass in normal(mp.zero, sd, 17, Fraction(1, 6)):
        h = mpmath.zeros(size)
        for row, eta, probability in etas:
            share = probability * weight(eta + u)
            for i in range(size):
                for j in range(i, size):
                    h[i, j] += share * row[i] * row[j]
        for i in range(1, size):
            for j in range(i, size):
                total[i - 1, j - 1] += mass * (h[i, j] - h[0, i] * h[0, j] / h[0, 0])
    for i in range(size - 1):
        for j in range(i):
            total[i, j] = total[j, i]
    return total


@pytest.mark.slow
@pytest.mark.parametrize("case", MIXED, ids=lambda case: case.name)
def test_every_slope_of_a_random_intercept_model_is_the_averaged_schur_complement(case):
    model = Model(case.formula, family=case.family, link=case.link, laws=case.laws)
    result = leading_terms(model)
    names = [symbol.name for symbol in model.fixed_effects][1:]
    for point in random_points(case.domain, case.name, 1):
        at = numeric(point)
        inverse = schur_over_intercept(case, at) ** -1 * at.get("phi", mp.one)
        for i, first in enumerate(names):
            for j, second in enumerate(names[i:], i):
                scale = mpmath.sqrt(inverse[i, i] * inverse[j, j])
                entry = result[first, second]
                if not entry.terms:
                    assert abs(inverse[i, j]) < TOLERANCE * scale
                    continue
                assert str(entry.order) == "1/(m*n)"
                assert close(entry.evaluate(point, DIGITS), inverse[i, j], scale), (first, second, point)


# ---- random slope on a normal predictor ------------------------------------------------------------------------

SLOPES = Model(
    "y ~ x1 + x2 + (1 + x1 | g)", family="poisson", laws={"x1": "Normal(0, s)", "x2": "Normal(0, tau)"}
)  # fmt: skip


@pytest.mark.slow
def test_a_random_slope_on_a_normal_predictor_has_a_closed_form_and_a_condition():
    result = leading_terms(SLOPES)
    entry = result["x2"]
    assert entry.term.is_closed_form
    domain = {"beta0": ("-1", "1"), "beta1": ("-1", "1"), "beta2": ("-1", "1"), "s": ("1/4", "1"), "tau": ("1/4", "1")}
    (point,) = random_points(domain, "slopes", 1)
    point |= {"Sigma11": "1/2", "Sigma12": "1/10", "Sigma22": "1/4"}
    p = numeric(point)
    step = Fraction(1, 4)
    tilted = [mpmath.fsum(w * x**k * mpmath.exp(p["beta2"] * x) for x, w in normal(0, p["tau"])) for k in range(3)]
    intercepts = normal(0, mpmath.sqrt(p["Sigma11"] - p["Sigma12"] ** 2 / p["Sigma22"]))
    level = mpmath.fsum(w * mpmath.exp(p["beta0"] + z) for z, w in intercepts)
    total = mp.zero
    for u1, mass in normal(0, mpmath.sqrt(p["Sigma22"]), 20, step):
        m = [mp.zero] * 3
        for x, w in normal(0, p["s"], 22, step):
            share = w * mpmath.exp((p["beta1"] + u1) * x)
            m = [m[0] + share, m[1] + share * x, m[2] + share * x * x]
        h = mpmath.matrix(
            [
                [m[0] * tilted[0], m[1] * tilted[0], m[0] * tilted[1]],
                [m[1] * tilted[0], m[2] * tilted[0], m[1] * tilted[1]],
                [m[0] * tilted[1], m[1] * tilted[1], m[0] * tilted[2]],
            ]
        )
        total += mass * mpmath.exp(p["Sigma12"] / p["Sigma22"] * u1) * level / (h**-1)[2, 2]
    assert close(entry.evaluate(point, DIGITS), 1 / total)
    with pytest.raises(ExistenceError, match=r"s\*\*2|Sigma22"):
        entry.evaluate(point | {"s": "2", "Sigma22": "1/4"})
