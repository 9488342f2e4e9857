"""A predictor beside a function of itself: certified values against sums in double precision from the definition."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from flint import acb, arb
from scipy.special import expit
from sympy import Integer, Rational, Symbol, exp, lambdify, log, tanh

from leadterms import Model, expansion, leading_terms
from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.curve_line import CurveLine
from leadterms.evaluation.certified.laws.tilted_curve import TiltedCurve
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import interval
from leadterms.evaluation.curve_law import on_curve
from leadterms.evaluation.moment_system import Strand
from leadterms.expectation.mapped_law import image_law
from leadterms.model.law_reading import read_law
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import LogisticWeight
from tests.evaluation.certified.complex_weights import cloglog, log_probit

X, B = Symbol("x", real=True), Symbol("b", real=True)
AT = {"beta0": "-0.3", "beta1": "0.7", "beta2": "0.2", "beta3": "0.1", "sigma2": "0.4"}
NODES, MASSES = np.polynomial.legendre.leggauss(80)
NODES, MASSES = (NODES + 3) / 2, MASSES / 2  # Uniform(1, 2)


@pytest.mark.parametrize(
    ("eta", "factor", "expected"),
    [
        (X + B * exp(X), X * exp(X) + 3 * exp(2 * X), (X**2 + B * X**3, X**5 + 3 * X**6)),
        (X + 1 / X, 1 + X**-2, (X**2 + X**3, 1 + X**4)),
        (X + log(X) + B * exp(X), X * log(X) + 2, (X**2 + B * X**3 + X**7, X**9 + 2)),
        (exp(X) + exp(-X), exp(2 * X) + 1, (X**2 + X**3, X**6 + 1)),
        (X * exp(X), X**2 * exp(X) ** 2, (X**2, X**4)),
        (X + tanh(X), tanh(X) ** 2, (X**2 + X**3, X**6)),
        (Integer(0), exp(X) + log(X), (Integer(0), X**2 + X**3)),
    ],
)
def test_functions_by_the_names_of_powers(eta, factor, expected):
    """And back: the powers stand for what was written."""
    found = on_curve(X, UniformLaw(1, 2), eta, factor)
    assert (found.eta, found.factor) == expected
    for written, meant in ((found.eta, eta), (found.factor, factor)):
        assert written.replace(lambda p: p.is_Pow and p.base == X, lambda p: found.law.powers[int(p.exp)]) == meant


@pytest.mark.parametrize(
    ("law", "eta", "factor"),
    [
        (NormalLaw(0, 1), X + log(X**2 + 1), X),
        (UniformLaw(0, 1), X + log(X), X),
        (UniformLaw(1, 2), X + exp(B * X), X),
        (UniformLaw(1, 2), X + abs(X - Rational(3, 2)), X),
    ],
)
def test_what_is_no_analytic_function_on_a_bounded_support_is_left_alone(law, eta, factor):
    assert on_curve(X, law, eta, factor) is None


def logit(eta):
    return 1 / (2 + 2 * np.cosh(eta))


def probit(eta):
    return np.exp(log_probit(eta))


def identity(x):
    return x


def reciprocal(x):
    return 1 / x


def variances(weight, functions, effects: list[int], second=False) -> np.ndarray:
    """The diagonal of phi C_B, from E_U[H_BB - H_BA H_AA^-1 H_AB] with columns 1 and functions of x.

    Or that of the second terms of block A, E_U[H_AA^-1] + R (phi C_B) R', R = E_U[H_AA^-1 H_AB].
    """
    design = np.stack([np.ones_like(NODES), *(f(NODES) for f in functions)])
    u, step = np.linspace(-6, 6, 801, retstep=True)
    density = np.exp(-u * u / 0.8) / np.sqrt(0.8 * np.pi) * step if effects else np.array([1.0])
    u = u if effects else np.array([0.0])
    beta = np.array([-0.3, 0.7, 0.2, 0.1])[: len(design)]
    eta = beta @ design + (u[:, None] * design[effects[0]] if effects else 0 * u[:, None])
    h = np.einsum("uk,ik,jk->uij", weight(eta) * MASSES, design, design)
    fixed = [i for i in range(len(design)) if i not in effects]
    g = h[:, fixed][:, :, fixed]
    if not effects:
        return np.diag(np.linalg.inv(np.einsum("u,uij->ij", density, g)))
    cross, inverse = h[:, fixed][:, :, effects], np.linalg.inv(h[:, effects][:, :, effects])
    g = g - cross @ inverse @ cross.transpose(0, 2, 1)
    first = np.linalg.inv(np.einsum("u,uij->ij", density, g))
    r = np.einsum("u,uij->ij", density, inverse @ cross.transpose(0, 2, 1))
    return np.diag(np.einsum("u,uij->ij", density, inverse) + r @ first @ r.T) if second else np.diag(first)


CASES = [
    ("y ~ x + I(exp(x)) + (1 | g)", "logit", logit, [identity, np.exp], [0], "x", 0),
    ("y ~ x + I(log(x)) + (1 | g)", "logit", logit, [identity, np.log], [0], "I(log(x))", 1),
    ("y ~ x + I(exp(x))", "probit", probit, [identity, np.exp], [], "x", 1),
    ("y ~ x + I(1/x)", "cloglog", cloglog, [identity, reciprocal], [], "x", 1),
    ("y ~ x + I(exp(x)) + (0 + x | g)", "logit", logit, [identity, np.exp], [1], "I(exp(x))", 1),
    ("y ~ x + I(1/x) + (1 | g)", "logit", logit, [identity, reciprocal], [0], "I(1/x)", 1),
    ("y ~ I(exp(x)) + I(log(x)) + (1 | g)", "logit", logit, [np.exp, np.log], [0], "I(exp(x))", 0),
    ("y ~ x + I(exp(x)) + I(log(x))", "probit", probit, [identity, np.exp, np.log], [], "I(log(x))", 3),
    ("y ~ I(tanh(x)) + (1 | g)", "logit", logit, [np.tanh], [0], "I(tanh(x))", 0),
    ("y ~ x + I(1/(x - 3)) + (1 | g)", "logit", logit, [identity, lambda x: 1 / (x - 3)], [0], "x", 0),
    ("y ~ x + I(exp(x)) + (0 + x | g)", "probit", probit, [identity, np.exp], [1], "I(exp(x))", 1),
]


@pytest.mark.parametrize(("formula", "link", "weight", "functions", "effects", "term", "place"), CASES)
def test_certified_values_against_the_definition(formula, link, weight, functions, effects, term, place):
    model = Model(formula, family="bernoulli", link=link, laws={"x": "Uniform(1, 2)"})
    entry = leading_terms(model)[term]
    point = {symbol.name: AT[symbol.name] for symbol in entry.coefficient.free_symbols}
    digits = 5 if link == "probit" and effects else 9
    number = entry.evaluate(point, digits=digits, method="balls")
    assert number.certified
    assert float(number) == pytest.approx(variances(weight, functions, effects)[place], rel=20 * 10**-digits)


def test_a_function_beside_a_predictor_in_some_strands_only():
    """As in d:I(exp(x)): the other strands have its powers too."""
    laws = {"x": "Uniform(1, 2)", "d": "Bernoulli(1/3)"}
    entry = leading_terms(Model("y ~ x + d:I(exp(x)) + (1 | g)", family="bernoulli", laws=laws))["x"]
    number = entry.evaluate({name: value for name, value in AT.items() if name != "beta3"}, digits=8, method="balls")
    u, step = np.linspace(-6, 6, 801, retstep=True)
    h = 0
    for d, chance in ((0, 2 / 3), (1, 1 / 3)):
        design = np.stack([np.ones_like(NODES), NODES, d * np.exp(NODES)])
        eta = np.array([-0.3, 0.7, 0.2]) @ design + u[:, None]
        h = h + chance * np.einsum("uk,ik,jk->uij", logit(eta) * MASSES, design, design)
    g = h[:, 1:, 1:] - h[:, 1:, :1] @ h[:, :1, 1:] / h[:, :1, :1]
    g = np.einsum("u,uij->ij", np.exp(-u * u / 0.8) / np.sqrt(0.8 * np.pi) * step, g)
    assert float(number) == pytest.approx(np.linalg.inv(g)[0, 0], rel=1e-7)


def on_parts(low: float, high: float, density, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and masses by Gauss' rule on equal parts."""
    width = (high - low) / parts
    x = np.concatenate([low + width * (k + NODES - 1) for k in range(parts)])
    return x, np.tile(MASSES, parts) * width * density(x)


@pytest.mark.parametrize(
    ("term", "law", "ends", "density"),
    [
        ("I(exp(-x))", "Exponential(1)", (0, 60), lambda x: np.exp(-x)),
        ("I(exp(x))", "Normal(0, 1/2)", (-6, 6), lambda x: np.exp(-2 * x * x) / np.sqrt(np.pi / 2)),
    ],
)
def test_powers_and_exponentials_on_unbounded_laws(term, law, ends, density):
    """Against Gauss' rule on 20 parts of the line."""
    x, masses = on_parts(*ends, density, 20)
    design = np.stack([np.ones_like(x), x, np.exp(-x if "-" in term else x)])
    u, step = np.linspace(-5, 5, 101, retstep=True)
    h = 0
    for v in u:
        weights = logit(np.array([-0.3, 0.7, 0.2]) @ design + v) * masses
        h = h + np.exp(-v * v / 0.8) / np.sqrt(0.8 * np.pi) * step * reduced(weights, design)
    entry = leading_terms(Model(f"y ~ x + {term} + (1 | g)", family="bernoulli", laws={"x": law}))[term]
    number = entry.evaluate({name: AT[name] for name in AT if name != "beta3"}, digits=6, method="balls")
    assert float(number) == pytest.approx(np.linalg.inv(h)[1, 1], rel=5e-6)


def reduced(weights: np.ndarray, design: np.ndarray) -> np.ndarray:
    """H_BB - H_BA H_AA^-1 H_AB, block A the first column."""
    h = (design * weights) @ design.T
    return h[1:, 1:] - np.outer(h[1:, 0], h[0, 1:]) / h[0, 0]


def test_tails_of_powers_and_exponentials_against_their_integrals():
    law = on_curve(X, NormalLaw(0, 1), X + exp(X), X).law
    line = CurveLine(law, line_of(law.base))
    for exponent, function in law.powers.items():
        exact = 0.0
        for side in (1, -1):
            t, step = np.linspace(4, 20, 40001, retstep=True)
            values = lambdify(X, function.xreplace({law.variable: X}), "numpy")(side * t) * np.ones_like(t)
            exact += float(np.abs(values * np.exp(-t * t / 2)).sum() * step / np.sqrt(2 * np.pi))
        bound = float(line.tail(arb(-4), arb(4), exponent, arb(0)))
        assert exact <= bound * (1 + 1e-3) <= 3 * exact
        assert float(line.absolute(exponent)) >= exact


def on_quantiles(law) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and masses by a double-exponential sum over the probability."""
    t, step = np.linspace(-4.3, 4.3, 1201, retstep=True)
    below, above = expit(np.pi * np.sinh(t)), expit(-np.pi * np.sinh(t))
    x = np.where(below < 0.5, law.ppf(np.minimum(below, 0.5)), law.isf(np.minimum(above, 0.5)))
    masses = np.pi * below * above * np.cosh(t) * step
    known = (x > 0) & np.isfinite(x)
    return x[known], masses[known]


QUANTILES = {
    "Exponential(1)": scipy.stats.expon(),
    "Uniform(0, 1)": scipy.stats.uniform(0, 1),
    "Weibull(1, 2)": scipy.stats.weibull_min(2),
    "Gamma(2, 1/4)": scipy.stats.gamma(2, scale=0.25),
}


@pytest.mark.parametrize(
    ("law", "formula", "functions", "link", "weight", "digits"),
    [
        ("Uniform(0, 1)", "y ~ I(exp(x)) + I(log(x)) + (1 | g)", [np.exp, np.log], "logit", logit, 5),
        ("Weibull(1, 2)", "y ~ I(exp(x)) + I(log(x))", [np.exp, np.log], "probit", probit, 5),
        ("Weibull(1, 2)", "y ~ I(exp(x)) + I(sqrt(x)) + x", [np.exp, np.sqrt, identity], "logit", logit, 5),
        ("Gamma(2, 1/4)", "y ~ I(exp(x)) + I(log(x))", [np.exp, np.log], "cloglog", cloglog, 5),
    ],
)
def test_exponentials_beside_logarithms_on_laws_that_touch_zero(law, formula, functions, link, weight, digits):
    """Against double-exponential sums over quantiles."""
    x, masses = on_quantiles(QUANTILES[law])
    design = np.stack([np.ones_like(x), *(f(x) for f in functions)])
    beta = np.array([-0.3, 0.7, 0.2, 0.1])[: len(design)]
    # a random intercept of variance 0.4, or none
    z, chances = np.polynomial.hermite_e.hermegauss(50) if "|" in formula else (np.zeros(1), np.ones(1))
    h = 0
    for v, chance in zip(z * np.sqrt(0.4), chances / chances.sum(), strict=True):
        eta = np.clip(beta @ design + v, -600, 6.5 if link == "cloglog" else 600)
        h = h + chance * reduced(np.nan_to_num(weight(eta)) * masses, design)
    entry = leading_terms(Model(formula, family="bernoulli", link=link, laws={"x": law}))["I(exp(x))"]
    point = {symbol.name: AT[symbol.name] for symbol in entry.coefficient.free_symbols}
    number = entry.evaluate(point, digits=digits, method="balls")
    assert float(number) == pytest.approx(np.linalg.inv(h)[0, 0], rel=6 * 10**-digits)


@pytest.mark.parametrize(
    ("law", "formula", "functions"),
    [
        ("Exponential(1)", "y ~ I(log(x)) + x + (1 | g)", [np.log, identity]),
        ("Gamma(2, 1/4)", "y ~ I(log(x)) + x", [np.log, identity]),
        ("Uniform(0, 1)", "y ~ I(log(x)) + x + (1 | g)", [np.log, identity]),
        ("Exponential(1)", "y ~ I(exp(-x)) + x", [lambda x: np.exp(-x), identity]),
        ("Weibull(1, 2)", "y ~ I(exp(-x)) + I(log(x)) + x", [lambda x: np.exp(-x), np.log, identity]),
    ],
)
def test_exponential_weights_of_several_functions(law, formula, functions):
    """Under the log link the intercept's average is E e^U, so that one information is enough."""
    x, masses = on_quantiles(QUANTILES[law])
    design = np.stack([np.ones_like(x), *(f(x) for f in functions)])
    beta = np.array([-0.3, 0.7, 0.2, 0.1])[: len(design)]
    expected = np.linalg.inv((design * masses * np.exp(beta @ design)) @ design.T)[1, 1]
    model = Model(formula, family="poisson", laws={"x": law})
    entry = leading_terms(model)[formula.split()[2]]
    point = {symbol.name: AT[symbol.name] for symbol in entry.coefficient.free_symbols}
    number = entry.evaluate(point, digits=6, method="balls")
    level = np.exp(0.2) if "|" in formula else 1
    assert float(number) == pytest.approx(expected / level, rel=6e-6)


@pytest.mark.parametrize("terms", [{2: arb(0.5)}, {2: arb(-0.4), 3: arb(0.75)}, {3: arb(-2)}])
def test_tails_under_an_exponential_weight(terms):
    base = image_law(read_law("Gamma(2, 1/4)", ("x",)), log(X), X)
    curve = on_curve(X, base, X + 2 * exp(X), X).law
    assert (curve.powers[2], curve.powers[3]) in {(X, exp(X)), (exp(X), X)}
    coefficients = {curve.powers[k]: float(b) for k, b in terms.items()}
    line = TiltedCurve(CurveLine(curve, line_of(base)), terms)
    low, high = arb(-3), arb(1)
    x = np.concatenate([np.linspace(1e-9, np.exp(-3), 20001), np.linspace(np.e, 40, 40001)])
    weights = np.exp(coefficients.get(X, 0) * np.log(x) + coefficients.get(exp(X), 0) * x) * FALLS["Gamma(2, 1/4)"](x)
    for exponent, function in curve.powers.items():
        found = np.abs(lambdify(X, function, "numpy")(np.log(x)) * np.ones_like(x)) * weights
        exact = sum(np.trapezoid(found[part], x[part]) for part in (slice(0, 20001), slice(20001, None)))
        assert exact <= float(line.tail(low, high, exponent, arb(0))) * (1 + 1e-3) < np.inf


def test_an_exponential_weight_that_outgrows_a_law_has_no_tail():
    base = image_law(read_law("Gamma(2, 1/4)", ("x",)), log(X), X)
    curve = on_curve(X, base, X + exp(X), X).law
    place = next(k for k, function in curve.powers.items() if function == exp(X))
    for slope in (4, 5):
        line = TiltedCurve(CurveLine(curve, line_of(base)), {place: arb(slope)})
        assert not line.tail(arb(-3), arb(1), 0, arb(0)).is_finite()


FALLS = {"Weibull(1, 2)": lambda x: 2 * x * np.exp(-x * x), "Gamma(2, 1/4)": lambda x: 16 * x * np.exp(-4 * x)}


@pytest.mark.parametrize("law", FALLS)
def test_tails_of_exponentials_of_exponentials(law):
    base = image_law(read_law(law, ("x",)), log(X), X)
    curve = on_curve(X, base, exp(exp(X)) + X + exp(X / 2), X).law
    line = CurveLine(curve, line_of(base))
    low, high = arb(-3), arb(1)
    for exponent, function in curve.powers.items():
        if not line.tail(low, high, exponent, arb(0)).is_finite():
            continue
        value = lambdify(X, function, "numpy")
        x = np.concatenate([np.linspace(1e-9, np.exp(-3), 20001), np.linspace(np.e, 30, 40001)])
        found = np.abs(value(np.log(x)) * np.ones_like(x)) * FALLS[law](x)
        exact = sum(np.trapezoid(found[part], x[part]) for part in (slice(0, 20001), slice(20001, None)))
        assert exact <= float(line.tail(low, high, exponent, arb(0))) * (1 + 1e-3)
    # E e^(4 X) has no bound where the density falls like e^(-4 x)
    four = on_curve(X, base, exp(2 * exp(X)), X).law
    square = next(k for k, function in four.powers.items() if function == exp(4 * exp(X)))
    assert CurveLine(four, line_of(base)).tail(low, high, square, arb(0)).is_finite() == (law != "Gamma(2, 1/4)")


SECOND = [
    ("y ~ x + I(1/x) + (1 | g)", "logit", logit, [identity, reciprocal], [0], "1"),
    pytest.param(
        "y ~ x + I(log(x)) + (0 + x | g)", "probit", probit, [identity, np.log], [1], "x", marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize(("formula", "link", "weight", "functions", "effects", "term"), SECOND)
def test_second_terms_against_the_definition(formula, link, weight, functions, effects, term):
    model = Model(formula, family="bernoulli", link=link, laws={"x": "Uniform(1, 2)"})
    point = {name: value for name, value in AT.items() if name != "beta3"}
    number = expansion(model, terms=2)[term].evaluate(point, digits=4, method="balls", order="1/(m*n)")
    assert number.certified
    assert float(number) == pytest.approx(variances(weight, functions, effects, second=True)[0], rel=2e-3)


def test_a_false_power_is_caught(monkeypatch):
    """Planted: the function's square said to be a tenth of itself where errors are bounded and nodes are summed."""
    formula, link, weight, functions, effects, term, place = CASES[2]
    entry = leading_terms(Model(formula, family="bernoulli", link=link, laws={"x": "Uniform(1, 2)"}))[term]
    right = CurveLine.power
    monkeypatch.setattr(CurveLine, "power", lambda self, x, k: right(self, x, k) / (10 if k == 6 else 1))
    point = {name: AT[name] for name in ("beta0", "beta1", "beta2")}
    number = entry.evaluate(point, digits=9, method="balls")
    assert float(number) != pytest.approx(variances(weight, functions, effects)[place], rel=1e-3)


def test_a_power_that_stands_for_no_product_of_two_columns_is_refused():
    law = on_curve(X, UniformLaw(1, 2), X + exp(X), X).law
    nothing = Strand(LogisticWeight(Integer(1)), (law,), arb(0), (arb(1), arb(1)), (), ((8,),), ((2,), (3,)))
    with pytest.raises(EvaluationError, match="not one of two columns"):
        Problem(nothing)
    assert not CurveLine(law, line_of(law.base)).absolute(8).is_finite()


@pytest.mark.parametrize("function", [log(X) ** 2, log(X + Rational(1, 3)) ** 3, (X + 1) ** -2, X * log(X) ** 4])
def test_functions_on_intervals_hold_their_values_inside(function):
    """Even powers of logarithms turn where these are zero."""
    law = on_curve(X, UniformLaw(Rational(1, 10), 10), X + function, X).law
    line, rng = CurveLine(law, line_of(law.base)), np.random.default_rng(20261129)
    for low, high in np.sort(rng.uniform(0.1, 4, (30, 2))):
        x = np.linspace(low, high, 50)
        for exponent, own in law.powers.items():
            box = line.power(interval(arb(low), arb(high)), exponent)
            values = lambdify(X, own, "numpy")(x) * np.ones(50)
            assert float(box.lower()) <= values.min() + 1e-12
            assert values.max() - 1e-12 <= float(box.upper()) < np.inf


@pytest.mark.parametrize(("link", "weight"), [("logit", lambda e: 1 / (2 + 2 * np.cosh(e))), ("log", np.exp)])
def test_a_narrow_peak_where_a_square_turns(link, weight):
    """All weight lies next to x = 1, where log(x)^2 is zero: not between its values at the ends of a panel."""
    at = {"beta0": "-100", "beta1": "100", "beta2": "-250"}
    family = "poisson" if link == "log" else "bernoulli"
    model = Model("y ~ x + I(log(x)**2)", family=family, link=link, laws={"x": "Uniform(1/10, 10)"})
    number = leading_terms(model)["x"].evaluate(at, digits=6, method="balls")
    x, step = np.linspace(0.1, 10, 2_000_001, retstep=True)
    design = np.stack([np.ones_like(x), x, np.log(x) ** 2])
    w = weight(np.clip(np.array([-100, 100, -250]) @ design, -300, 300)) * step / 9.9
    assert float(number) == pytest.approx(np.linalg.inv((design * w) @ design.T)[1, 1], rel=1e-4)


def test_what_is_not_analytic_on_a_box_is_not_finite():
    law = on_curve(X, UniformLaw(1, 2), X + log(X), X).law
    line = CurveLine(law, line_of(law.base))
    box = acb(interval(arb(-1), arb(1)), arb(0, 0.1))
    assert not line.power(box, 2 if law.powers[2] == log(X) else 3).is_finite()


UNIFORM = "Uniform(1, 2)", NODES, MASSES
EXPONENTIAL = "Exponential(1)", *on_parts(0, 60, lambda x: np.exp(-x), 10)
NORMAL = "Normal(0, 1)", *on_parts(-9, 9, lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi), 2)
TWO = "Finite({-1: 1/2, 2: 1/2})", np.array([-1, 2]), np.array([0.5, 0.5])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "weight", "terms", "law", "other", "digits", "sigma2"),
    [
        ("logit", logit, {"I(exp(-x))": lambda x: np.exp(-x)}, UNIFORM, NORMAL, 5, 0.4),
        ("probit", probit, {"I(exp(-x))": lambda x: np.exp(-x)}, EXPONENTIAL, TWO, 3, 0.4),
        ("cloglog", cloglog, {"I(x*exp(-x))": lambda x: x * np.exp(-x)}, EXPONENTIAL, TWO, 3, 0.1),
    ],
)
def test_an_effect_on_another_predictor(link, weight, terms, law, other, digits, sigma2):
    formula = f"y ~ {' + '.join(terms)} + z + (0 + z | g)"
    model = Model(formula, family="bernoulli", link=link, laws={"x": law[0], "z": other[0]})
    at = {name: value for name, value in AT.items() if name == "sigma2" or int(name[4:]) <= len(terms) + 1}
    number = leading_terms(model)[next(iter(terms))].evaluate(at | {"sigma2": sigma2}, digits=digits, method="balls")
    g, _, _ = averages(weight, list(terms.values()), law, other, sigma2)
    assert float(number) == pytest.approx(np.linalg.inv(g)[1, 1], rel=2 * 10**-digits)


@pytest.mark.slow
def test_second_terms_of_an_effect_on_another_predictor():
    model = Model(
        "y ~ I(exp(-x)) + z + (0 + z | g)", family="bernoulli", laws={"x": EXPONENTIAL[0], "z": "Uniform(1, 2)"}
    )
    at = {name: value for name, value in AT.items() if name != "beta3"}
    number = expansion(model, terms=2)["z"].evaluate(at, digits=3, method="balls", order="1/(m*n)")
    g, inverse, r = averages(logit, [lambda x: np.exp(-x)], EXPONENTIAL, UNIFORM)
    assert float(number) == pytest.approx(inverse + r @ np.linalg.inv(g) @ r, rel=2e-3)


def averages(weight, functions, law, other, sigma2=0.4) -> tuple[np.ndarray, float, np.ndarray]:
    """E_U[H_BB - H_BA H_AA^-1 H_AB], E_U[H_AA^-1] and E_U[H_BA H_AA^-1], an effect on another predictor z."""
    x, z = (grid.ravel() for grid in np.meshgrid(law[1], other[1], indexing="ij"))
    fixed = np.stack([np.ones_like(x), *(f(x) for f in functions)])
    design = np.vstack([fixed, z])
    eta, masses = np.array([-0.3, 0.7, 0.2, 0.1])[: len(design)] @ design, np.outer(law[2], other[2]).ravel()
    u, step = np.linspace(-5, 5, 251, retstep=True)
    g, inverse, r = 0, 0, 0
    for v, density in zip(u, np.exp(-u * u / (2 * sigma2)) / np.sqrt(2 * np.pi * sigma2) * step, strict=True):
        h = (design * weight(eta + v * z) * masses) @ design.T
        g = g + density * (h[:-1, :-1] - np.outer(h[:-1, -1], h[-1, :-1]) / h[-1, -1])
        inverse, r = inverse + density / h[-1, -1], r + density * h[:-1, -1] / h[-1, -1]
    return g, inverse, r


def test_random_points():
    rng = np.random.default_rng(20261128)
    entry = leading_terms(Model("y ~ x + I(exp(x))", family="bernoulli", laws={"x": "Uniform(1, 2)"}))["x"]
    for _ in range(3):
        b = [Rational(int(v), 100) for v in rng.integers(-200, 200, 3)]
        number = entry.evaluate(dict(zip(("beta0", "beta1", "beta2"), b, strict=True)), digits=9, method="balls")
        design = np.stack([np.ones_like(NODES), NODES, np.exp(NODES)])
        h = np.einsum("k,ik,jk->ij", logit(np.array(b, dtype=float) @ design) * MASSES, design, design)
        assert float(number) == pytest.approx(np.linalg.inv(h)[1, 1], rel=1e-8)
