"""Functions of counts without end, and of a x + d beside x: certified values against sums from the definition."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st

from leadterms import Model, expansion, leading_terms
from leadterms.errors import UncertifiedError
from leadterms.evaluation.certified.laws import curve_line, mapped_line
from leadterms.evaluation.certified.laws.slow_tails import Power
from tests.evaluation.certified.complex_weights import cloglog, log_probit

AT = {"beta0": "-0.3", "beta1": "0.7", "beta2": "-0.4", "beta3": "0.3", "sigma2": "0.4"}
BETA = np.array([-0.3, 0.7, -0.4, 0.3])
X = np.arange(1, 300)
EXPONENTIAL, MASSES = np.polynomial.legendre.leggauss(60)
EXPONENTIAL = np.concatenate([k + (EXPONENTIAL + 1) / 2 for k in range(45)])
"""Gauss' rule on unit intervals up to 45, where e^-45 is left."""
LAWS = {
    "Poisson(2)": (np.arange(300), st.poisson(2).pmf(np.arange(300))),
    "Geometric(1/3)": (X, st.geom(1 / 3).pmf(X)),
    "NegativeBinomial(3, 1/2)": (np.arange(300), st.nbinom(3, 0.5).pmf(np.arange(300))),
    "Exponential(1)": (EXPONENTIAL, np.tile(MASSES, 45) / 2 * np.exp(-EXPONENTIAL)),
    "Gamma(2, 1/2)": (EXPONENTIAL, np.tile(MASSES, 45) * 2 * EXPONENTIAL * np.exp(-2 * EXPONENTIAL)),
}
WEIGHTS = {
    "logit": lambda eta: 1 / (2 + 2 * np.cosh(eta)),
    "probit": lambda eta: np.exp(log_probit(eta)),
    "cloglog": cloglog,
    "log": np.exp,
    "negative-binomial(2)": lambda eta: 1 / (np.exp(-eta) + 1 / 2),
    "identity": np.ones_like,
}
FUNCTIONS = {
    "x": lambda x: x,
    "I(sqrt(x))": np.sqrt,
    "I(log(x+1))": np.log1p,
    "I(log(x))": np.log,
    "I(1/(x+1))": lambda x: 1 / (x + 1),
    "I(1/(2*x+3))": lambda x: 1 / (2 * x + 3),
    "I(exp(-x))": lambda x: np.exp(-x),
    "I(sqrt(x+1))": lambda x: np.sqrt(x + 1),
}
FAMILIES = {"log": "poisson", "negative-binomial(2)": "negative-binomial(2)", "identity": "gaussian"}
OTHERS = {
    "": (np.zeros(1), np.ones(1)),
    "Bernoulli(1/3)": (np.array([0, 1]), np.array([2 / 3, 1 / 3])),
    "Uniform(0, 1)": ((np.polynomial.legendre.leggauss(30)[0] + 1) / 2, np.polynomial.legendre.leggauss(30)[1] / 2),
}


def averages(link: str, law: str, terms: list[str], effect: int | None = None, other: str = ""):
    """E_U[H_BB - H_BA H_AA^-1 H_AB], E_U[H_AA^-1] and E_U[H_BA H_AA^-1] for the effect on one column, or on none."""
    (x, masses), (z, chances) = LAWS[law], OTHERS[other]
    x, z = (grid.ravel() for grid in np.meshgrid(x.astype(float), z, indexing="ij"))
    masses = np.outer(masses, chances).ravel()
    design = np.stack([np.ones_like(x), *(FUNCTIONS[term](x) for term in terms), *([z] if other else [])])
    u, density = np.polynomial.hermite_e.hermegauss(60) if effect is not None else (np.zeros(1), np.ones(1))
    g, inverse, r = 0, 0, 0
    for v, chance in zip(u * np.sqrt(0.4), density / density.sum(), strict=True):
        eta = BETA[: len(design)] @ design + (0 if effect is None else v * design[effect])
        with np.errstate(over="ignore", under="ignore"):
            top = {"cloglog": 6.5}.get(link, 600)
            h = (design * np.nan_to_num(WEIGHTS[link](np.clip(eta, -600, top))) * masses) @ design.T
        if effect is None:
            return h, None, None
        fixed = [i for i in range(len(design)) if i != effect]
        g = g + chance * (h[np.ix_(fixed, fixed)] - np.outer(h[fixed, effect], h[effect, fixed]) / h[effect, effect])
        inverse, r = inverse + chance / h[effect, effect], r + chance * h[fixed, effect] / h[effect, effect]
    return g, inverse, r


def certified(formula: str, link: str, laws: dict[str, str], term: str, digits: int, **kind):
    family = FAMILIES.get(link, "bernoulli")
    model = Model(formula, family=family, link="log" if family.startswith("neg") else link, laws=laws)
    entry = leading_terms(model)[term]
    names = {symbol.name for symbol in entry.coefficient.free_symbols}
    point = {name: value for name, value in {**AT, "phi": "1"}.items() if name in names}
    number = entry.evaluate(point, digits=digits, method="balls", **kind)
    assert number.certified
    return float(number)


@pytest.mark.parametrize(
    ("link", "law", "terms"),
    [
        ("logit", "Poisson(2)", ["I(sqrt(x))"]),
        ("log", "Poisson(2)", ["I(sqrt(x))"]),
        ("probit", "Geometric(1/3)", ["I(log(x))"]),
        ("log", "Geometric(1/3)", ["I(log(x))"]),
        ("cloglog", "NegativeBinomial(3, 1/2)", ["I(1/(x+1))"]),
        ("identity", "NegativeBinomial(3, 1/2)", ["I(log(x+1))"]),
        ("logit", "Poisson(2)", ["x", "I(sqrt(x))"]),
        ("log", "Poisson(2)", ["x", "I(sqrt(x))"]),
        ("identity", "Poisson(2)", ["x", "I(sqrt(x))"]),
        ("cloglog", "NegativeBinomial(3, 1/2)", ["x", "I(1/(2*x+3))"]),
        ("negative-binomial(2)", "Poisson(2)", ["I(sqrt(x))", "I(log(x+1))", "I(exp(-x))"]),
        ("probit", "Exponential(1)", ["x", "I(log(x+1))"]),
        ("log", "Gamma(2, 1/2)", ["x", "I(log(x+1))"]),
        ("log", "Gamma(2, 1/2)", ["x", "I(1/(x+1))"]),
        ("logit", "Gamma(2, 1/2)", ["x", "I(1/(x+1))"]),
        ("logit", "Gamma(2, 1/2)", ["I(log(x+1))", "I(sqrt(x+1))"]),
    ],
)
def test_fixed_effects_under_every_link(link, law, terms):
    h, _, _ = averages(link, law, terms)
    found = certified("y ~ " + " + ".join(terms), link, {"x": law}, terms[0], 11)
    assert found == pytest.approx(np.linalg.inv(h)[1, 1], rel=1e-8)


@pytest.mark.parametrize(
    ("link", "law", "terms", "other"),
    [
        ("logit", "Poisson(2)", ["I(sqrt(x))"], "Uniform(0, 1)"),
        pytest.param("probit", "Geometric(1/3)", ["I(log(x+1))"], "", marks=pytest.mark.slow),
        ("log", "Poisson(2)", ["x", "I(sqrt(x))"], "Uniform(0, 1)"),
        pytest.param("logit", "Poisson(2)", ["x", "I(sqrt(x))"], "Bernoulli(1/3)", marks=pytest.mark.slow),
        pytest.param("cloglog", "Poisson(2)", ["I(1/(x+1))"], "Bernoulli(1/3)", marks=pytest.mark.slow),
        pytest.param("logit", "Exponential(1)", ["x", "I(log(x+1))"], "", marks=pytest.mark.slow),
    ],
)
def test_beside_a_random_intercept(link, law, terms, other):
    g, _, _ = averages(link, law, terms, 0, other)
    laws = {"x": law, **({"z": other} if other else {})}
    formula = "y ~ " + " + ".join([*terms, *(["z"] if other else []), "(1 | g)"])
    assert certified(formula, link, laws, terms[0], 6) == pytest.approx(np.linalg.inv(g)[0, 0], rel=5e-6)


@pytest.mark.parametrize(
    ("link", "law", "term", "other", "digits"),
    [
        ("logit", "Poisson(2)", "I(sqrt(x))", "", 5),
        ("logit", "Geometric(1/3)", "I(1/(x+1))", "Uniform(0, 1)", 5),
        ("probit", "Poisson(2)", "I(log(x+1))", "Bernoulli(1/3)", 4),
    ],
)
def test_a_random_slope_on_a_function(link, law, term, other, digits):
    g, _, _ = averages(link, law, [term], 1, other)
    laws = {"x": law, **({"z": other} if other else {})}
    formula = f"y ~ {term}{' + z' if other else ''} + (0 + {term} | g)"
    found = certified(formula, link, laws, "1", digits)
    assert found == pytest.approx(np.linalg.inv(g)[0, 0], rel=3 * 10**-digits)


@pytest.mark.parametrize(
    ("link", "term", "effect"), [("logit", "I(sqrt(x))", 0), ("probit", "I(sqrt(x))", 0), ("logit", "I(log(x+1))", 1)]
)
def test_second_terms(link, term, effect):
    formula = f"y ~ {term} + ({'1' if effect == 0 else f'0 + {term}'} | g)"
    entry = expansion(Model(formula, family="bernoulli", link=link, laws={"x": "Poisson(2)"}), terms=2)
    at = {name: AT[name] for name in ("beta0", "beta1", "sigma2")}
    number = entry["1" if effect == 0 else term].evaluate(at, digits=4, method="balls", order="1/(m*n)")
    g, inverse, r = averages(link, "Poisson(2)", [term], effect)
    assert float(number) == pytest.approx(inverse + r @ np.linalg.inv(g) @ r, rel=3e-4)


def test_random_points():
    rng = np.random.default_rng(20261130)
    entry = leading_terms(Model("y ~ x + I(sqrt(x))", family="bernoulli", laws={"x": "Poisson(2)"}))["x"]
    x, masses = LAWS["Poisson(2)"]
    design = np.stack([np.ones(len(x)), x, np.sqrt(x)])
    for _ in range(3):
        b = rng.integers(-150, 150, 3)
        point = {f"beta{i}": f"{v}/100" for i, v in enumerate(b)}
        h = (design * WEIGHTS["logit"](np.clip(b / 100 @ design, -300, 300)) * masses) @ design.T
        number = entry.evaluate(point, digits=12, method="balls")
        assert float(number) == pytest.approx(np.linalg.inv(h)[1, 1], rel=1e-9)


@pytest.mark.parametrize(("module", "formula"), [(curve_line, "y ~ x + I(sqrt(x))"), (mapped_line, "y ~ I(sqrt(x))")])
def test_a_false_bound_is_caught(monkeypatch, module, formula):
    """Tails said to be nothing: the law is cut off too early, and the value is seen to be wrong."""
    if module is curve_line:
        monkeypatch.setattr(curve_line, "by_power", lambda factors, x, start: Power(start * 0, 0))
        monkeypatch.setattr(curve_line.CurveLine, "_of_quick", lambda self, low, *rest: low * 0)
    else:
        monkeypatch.setattr(mapped_line, "image_bound", lambda f, x, start, k, rate: (Power(start * 0, 0), rate * 0))
    # heavy enough that a cut at a few spreads is too early
    terms = formula[4:].split(" + ")
    h, _, _ = averages("logit", "NegativeBinomial(3, 1/2)", terms)
    found = certified(formula, "logit", {"x": "NegativeBinomial(3, 1/2)"}, terms[0], 9)
    assert found != pytest.approx(np.linalg.inv(h)[1, 1], rel=1e-7)


def test_a_logarithm_of_counts_with_a_heavy_tail_is_refused_in_one_line():
    entry = leading_terms(Model("y ~ I(log(x)) + (1 | g)", family="bernoulli", laws={"x": "Zeta(3)"}))["I(log(x))"]
    with pytest.raises(UncertifiedError, match="ask for fewer digits"):
        entry.evaluate({name: AT[name] for name in ("beta0", "beta1", "sigma2")}, digits=6, method="balls")
