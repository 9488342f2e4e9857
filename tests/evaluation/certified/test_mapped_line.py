"""Laws of functions of a predictor: tails above the truth, and values against sums over quantiles (scipy)."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st
from flint import arb
from scipy.special import expit, log_ndtr
from sympy import Rational, Symbol, exp, lambdify, log, sin, sqrt

from leadterms import Model, expansion, leading_terms
from leadterms.evaluation.certified.laws import image_end, tail_growth
from leadterms.evaluation.certified.laws.tail_growth import TailGrowth
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.expectation.mapped_law import image_law
from leadterms.model.law_reading import read_law

X = Symbol("x", real=True)
LAWS = {
    "LogNormal(0, 1)": st.lognorm(1),
    "Gamma(3/2, 1)": st.gamma(1.5),
    "Gamma(3, 1/2)": st.gamma(3, scale=0.5),
    "Exponential(2)": st.expon(scale=0.5),
    "Uniform(0, 1)": st.uniform(0, 1),
    "Weibull(1, 3)": st.weibull_min(3),
    "Pareto(1, 7)": st.pareto(7),
    "Beta(2, 3)": st.beta(2, 3),
    "Beta(1/2, 1/3)": st.beta(1 / 2, 1 / 3),
    "Triangular(0, 2, 1)": st.triang(0.5, 0, 2),
}
FUNCTIONS = {
    "x": np.asarray,
    "log(x)": np.log,
    "sqrt(x)": np.sqrt,
    "1/x": lambda x: 1 / x,
    "exp(-x)": lambda x: np.exp(-x),
    "log(x + 1)": np.log1p,
}
WEIGHTS = {
    "logit": lambda eta: 1 / (2 + 2 * np.cosh(eta)),
    "probit": lambda eta: np.exp(-eta * eta - np.log(2 * np.pi) - log_ndtr(eta) - log_ndtr(-eta)),
    "cloglog": lambda eta: np.exp(2 * eta - np.exp(eta)) / -np.expm1(-np.exp(eta)),
    "negative-binomial(2)": lambda eta: 1 / (np.exp(-eta) + 1 / 2),
    "poisson": np.exp,
    "gaussian": np.ones_like,
}
POINT = {"beta0": "-0.3", "beta1": "-0.7", "beta2": "0.4", "sigma2": "0.3", "phi": "1"}


def nodes(law: str, function: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and masses: double-exponential nodes for the probability, through the quantiles."""
    t, step = np.linspace(-4.3, 4.3, 1201, retstep=True)
    s = np.pi / 2 * np.sinh(t)
    below, above = expit(2 * s), expit(-2 * s)
    x = np.where(below < 0.5, LAWS[law].ppf(np.minimum(below, 0.5)), LAWS[law].isf(np.minimum(above, 0.5)))
    masses = 2 * below * above * np.pi / 2 * np.cosh(t) * step
    with np.errstate(divide="ignore"):
        values = FUNCTIONS[function](x)
    # where quantiles underflow nothing is left but rounding
    known = np.isfinite(values) & (masses > 1e-300)
    return values[known], masses[known]


def information(weight: str, law: str, function: str, arms: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects, their masses, and H(u) for the columns 1, g(x), z of a random intercept; z in {0, 1}."""
    g, masses = nodes(law, function)
    u, step = np.linspace(-7.5, 7.5, 601, retstep=True)
    whole = np.zeros((len(u), 1 + arms, 1 + arms))
    for z in range(arms):
        eta = -0.3 - 0.7 * g[None, :] + 0.4 * z + u[:, None]
        with np.errstate(over="ignore", under="ignore"):
            own = np.nan_to_num(WEIGHTS[weight](np.clip(eta, -600, 600))) * masses / arms
        columns = np.stack([np.ones_like(g), g, z + 0 * g][: 1 + arms])
        whole += np.einsum("un,in,jn->uij", own, columns, columns)
    return u, step * np.exp(-u * u / 0.6) / np.sqrt(0.6 * np.pi), whole


def terms(weight: str, law: str, function: str, arms: int = 1) -> tuple[np.ndarray, float]:
    """C_B, and the second term of the intercept, from their definitions."""
    _, density, h = information(weight, law, function, arms)
    # far out all weights are zero in double precision, and so are the averages there
    some = h[:, 0, 0] > 1e-290
    density, h = density[some], h[some]
    inner = h[:, 1:, 1:] - h[:, 1:, :1] * h[:, :1, 1:] / h[:, :1, :1]
    inverse = np.linalg.inv(np.einsum("u,uij->ij", density, inner))
    mean = density @ (h[:, 0, 1:] / h[:, :1, 0])
    return inverse, float(density @ (1 / h[:, 0, 0]) + mean @ inverse @ mean)


def model(weight: str, law: str, function: str, more: str = "") -> Model:
    link = weight if weight in ("probit", "cloglog") else None
    family = "bernoulli" if weight in ("logit", "probit", "cloglog") else weight
    laws = {"x": law, "z": "Bernoulli(1/2)"} if more else {"x": law}
    return Model(f"y ~ I({function}){more} + (1 | g)", family=family, link=link, laws=laws)


def point(stated: Model) -> dict[str, str]:
    return {symbol.name: POINT[symbol.name] for symbol in stated.parameters}


@pytest.mark.parametrize(
    ("weight", "law", "function"),
    [
        ("logit", "Exponential(2)", "log(x)"),
        ("logit", "Beta(1/2, 1/3)", "sqrt(x)"),
        ("logit", "LogNormal(0, 1)", "exp(-x)"),
        ("logit", "Gamma(3/2, 1)", "1/x"),
        ("probit", "Beta(2, 3)", "log(x)"),
        ("logit", "Gamma(3/2, 1)", "log(x + 1)"),
        ("cloglog", "Pareto(1, 7)", "exp(-x)"),
        ("cloglog", "Uniform(0, 1)", "log(x)"),
        ("negative-binomial(2)", "Triangular(0, 2, 1)", "log(x)"),
        ("negative-binomial(2)", "Uniform(0, 1)", "1/x"),
        ("poisson", "Exponential(2)", "log(x)"),
        ("poisson", "Beta(2, 3)", "1/x"),
        ("poisson", "Pareto(1, 7)", "log(x)"),
        ("gaussian", "Weibull(1, 3)", "log(x)"),
        ("gaussian", "Gamma(3, 1/2)", "sqrt(x)"),
    ],
)
def test_leading_terms_are_those_of_the_definition(weight, law, function):
    stated = model(weight, law, function)
    number = leading_terms(stated)["beta1"].evaluate(point(stated), 5, method="balls")
    assert number.certified
    assert float(number) == pytest.approx(terms(weight, law, function)[0][0, 0], rel=6e-5)


@pytest.mark.parametrize(
    ("weight", "law", "function"),
    [
        ("logit", "Beta(2, 3)", "sqrt(x)"),
        ("probit", "Uniform(0, 1)", "exp(-x)"),
        ("negative-binomial(2)", "Pareto(1, 7)", "log(x)"),
        ("poisson", "Uniform(0, 1)", "log(x)"),
    ],
)
def test_second_terms_are_those_of_the_definition(weight, law, function):
    stated = model(weight, law, function)
    entry = expansion(stated, terms=2)["1"]
    number = entry.evaluate(point(stated), 4, method="balls", order="1/(m*n)")
    assert number.certified
    assert float(number) == pytest.approx(terms(weight, law, function)[1], rel=6e-4)


@pytest.mark.parametrize(
    ("weight", "law", "functions"),
    [
        ("logit", "Uniform(0, 1)", ("x", "log(x)")),
        ("negative-binomial(2)", "Pareto(1, 7)", ("x", "1/x")),
        ("gaussian", "Gamma(3, 1/2)", ("x", "log(x)")),
    ],
)
def test_several_functions_of_one_predictor(weight, law, functions):
    stated = Model(
        f"y ~ I({functions[0]}) + I({functions[1]}) + (1 | g)",
        family="bernoulli" if weight == "logit" else weight,
        laws={"x": law},
    )
    x, masses = nodes(law, "x")
    columns = np.stack([np.ones_like(x), x, FUNCTIONS[functions[1]](x)])
    u, step = np.linspace(-7.5, 7.5, 601, retstep=True)
    eta = (-0.3 - 0.7 * columns[1] + 0.4 * columns[2])[None, :] + u[:, None]
    h = np.einsum("un,in,jn->uij", WEIGHTS[weight](np.clip(eta, -600, 600)) * masses, columns, columns)
    inner = h[:, 1:, 1:] - h[:, 1:, :1] * h[:, :1, 1:] / h[:, :1, :1]
    density = step * np.exp(-u * u / 0.6) / np.sqrt(0.6 * np.pi)
    expected = np.linalg.inv(np.einsum("u,uij->ij", density, inner))[1, 1]
    number = leading_terms(stated)["beta2"].evaluate(point(stated), 4, method="balls")
    assert float(number) == pytest.approx(expected, rel=6e-4)


@pytest.mark.slow
def test_beside_another_predictor():
    stated = model("logit", "Gamma(3, 1/2)", "log(x)", " + z")
    found = leading_terms(stated)
    expected, _ = terms("logit", "Gamma(3, 1/2)", "log(x)", arms=2)
    for i, name in enumerate(("beta1", "beta2")):
        number = found[name].evaluate(point(stated), 4, method="balls")
        assert float(number) == pytest.approx(expected[i, i], rel=6e-4)


@pytest.mark.slow
def test_a_random_slope_on_a_logarithm():
    stated = Model(
        "y ~ I(log(x)) + z + (0 + I(log(x)) | g)",
        family="bernoulli",
        laws={"x": "Pareto(1, 7)", "z": "Bernoulli(1/2)"},
    )
    g, masses = nodes("Pareto(1, 7)", "log(x)")
    u, step = np.linspace(-7, 7, 601, retstep=True)
    h = np.zeros((len(u), 3, 3))
    for z in (0, 1):
        own = WEIGHTS["logit"](np.clip(-0.3 + (u[:, None] - 0.7) * g + 0.4 * z, -600, 600)) * masses / 2
        columns = np.stack([g, np.ones_like(g), z + 0 * g])
        h += np.einsum("un,in,jn->uij", own, columns, columns)
    density = step * np.exp(-u * u / 0.6) / np.sqrt(0.6 * np.pi)
    inner = h[:, 1:, 1:] - h[:, 1:, :1] * h[:, :1, 1:] / h[:, :1, :1]
    inverse = np.linalg.inv(np.einsum("u,uij->ij", density, inner))
    mean = density @ (h[:, 0, 1:] / h[:, :1, 0])
    found = expansion(stated, terms=2)
    at = {**point(stated)}
    assert float(found["z"].evaluate(at, 3, method="balls")) == pytest.approx(inverse[1, 1], rel=6e-3)
    second = found["beta1"].evaluate(at, 3, method="balls", order="1/(m*n)")
    assert float(second) == pytest.approx(density @ (1 / h[:, 0, 0]) + mean @ inverse @ mean, rel=6e-3)


IMAGES = [
    ("Gamma(3/2, 1)", log(X), 4.0),
    ("Weibull(1, 3)", log(X), 3.0),
    ("Beta(1/2, 1/3)", log(X), 4.0),
    ("Triangular(0, 2, 1)", log(X), 4.0),
    ("Weibull(1, 3)", sqrt(X), 3.0),
    ("Gamma(3, 1/2)", 1 / X, 3.0),
    ("Gamma(3, 1/2)", exp(-X), 3.0),
    ("Pareto(1, 7)", X ** Rational(1, 3), 2.0),
    ("Pareto(1, 7)", log(X - Rational(9, 10)), 2.0),
]


def looseness(law: str, function, spreads: float, power: int, rate: float) -> float:
    """The bound of what is left out beyond a reach, over the truth; one at least."""
    line = line_of(image_law(read_law(law, ("x",)), function, X))
    low, high = line.reach(spreads)
    bound = line.tail(low, high, power, arb(rate))
    t, step = np.linspace(-4.3, 4.3, 40001, retstep=True)
    s = np.pi / 2 * np.sinh(t)
    below, above = expit(2 * s), expit(-2 * s)
    x = np.where(below < 0.5, LAWS[law].ppf(np.minimum(below, 0.5)), LAWS[law].isf(np.minimum(above, 0.5)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        u = np.asarray(lambdify(X, function)(x))
        value = 2 * below * above * np.pi / 2 * np.cosh(t) * step * np.abs(u) ** power * np.exp(rate * u)
    outside = (u < float(low)) | (u > float(high))
    return float(bound) / float(np.nansum(np.where(outside & np.isfinite(value), value, 0)))


@pytest.mark.parametrize(("law", "function", "spreads"), IMAGES)
@pytest.mark.parametrize(("power", "rate"), [(0, 0.0), (2, 0.0), (1, -0.25)])
def test_what_is_left_out_is_bounded(law, function, spreads, power, rate):
    assert 0.999 < looseness(law, function, spreads, power, rate) < 50


def test_a_density_of_another_kind_has_no_bound():
    growth = TailGrowth(exp(-tail_growth.X) * (2 + sin(tail_growth.X)))
    assert not growth.is_known
    assert not growth.tail(arb(5), arb(1), 0, arb(-1)).is_finite()


def test_a_false_bound_would_be_seen(monkeypatch):
    true = image_end.ImageEnd.tail
    monkeypatch.setattr(image_end.ImageEnd, "tail", lambda self, *given: true(self, *given) / 50)
    assert looseness("Gamma(3, 1/2)", 1 / X, 3.0, 2, 0.0) < 0.999
