"""A predictor beside a function of itself: certified values against sums in double precision from the definition."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Rational, Symbol, exp, log

from leadterms import Model, UncertifiedError, expansion, leading_terms
from leadterms.evaluation.certified.curve_line import CurveLine
from leadterms.evaluation.curve_law import paired
from leadterms.model.laws import NormalLaw, UniformLaw
from tests.evaluation.certified.complex_weights import cloglog, log_probit

X, B = Symbol("x", real=True), Symbol("b", real=True)
AT = {"beta0": "-0.3", "beta1": "0.7", "beta2": "0.2", "sigma2": "0.4"}
NODES, MASSES = np.polynomial.legendre.leggauss(80)
NODES, MASSES = (NODES + 3) / 2, MASSES / 2  # Uniform(1, 2)


@pytest.mark.parametrize(
    ("eta", "factor", "expected"),
    [
        (X + B * exp(X), X * exp(2 * X), (X + B * X**3, X**7)),
        (X**2 + exp(-X / 2), X**3 * exp(-X), (X**2 + X**5, X**13)),
        (X + log(X), X * log(X) + 2, (X + X**3, X**4 + 2)),
        (X + 1 / X, X**-4, (X + X**3, X**12)),
        (X * exp(X), exp(X) ** 2, (X**4, X**6)),
    ],
)
def test_a_pair_in_powers(eta, factor, expected):
    found = paired(X, UniformLaw(1, 2), eta, factor)
    assert (found.eta, found.factor) == expected


@pytest.mark.parametrize(
    ("law", "eta", "factor"),
    [
        (NormalLaw(0, 1), X + exp(X), X),
        (UniformLaw(0, 1), X + log(X), X),
        (UniformLaw(1, 2), X + exp(X) + log(X), X),
        (UniformLaw(1, 2), exp(X), X),
        (UniformLaw(1, 2), X + exp(X), X**3),
        (UniformLaw(1, 2), X + exp(X**2), X),
    ],
)
def test_what_is_no_such_pair_is_left_alone(law, eta, factor):
    assert paired(X, law, eta, factor) is None


def logit(eta):
    return 1 / (2 + 2 * np.cosh(eta))


def probit(eta):
    return np.exp(log_probit(eta))


def variances(weight, function, effects: list[int]) -> np.ndarray:
    """The diagonal of phi C_B, from E_U[H_BB - H_BA H_AA^-1 H_AB] with columns 1, x and g(x)."""
    design = np.stack([np.ones_like(NODES), NODES, function(NODES)])
    u, step = np.linspace(-6, 6, 801, retstep=True)
    density = np.exp(-u * u / 0.8) / np.sqrt(0.8 * np.pi) * step if effects else np.array([1.0])
    u = u if effects else np.array([0.0])
    eta = np.array([-0.3, 0.7, 0.2]) @ design + (u[:, None] * design[effects[0]] if effects else 0 * u[:, None])
    h = np.einsum("uk,ik,jk->uij", weight(eta) * MASSES, design, design)
    fixed = [i for i in range(3) if i not in effects]
    g = h[:, fixed][:, :, fixed]
    if effects:
        cross = h[:, fixed][:, :, effects]
        g = g - cross @ np.linalg.solve(h[:, effects][:, :, effects], cross.transpose(0, 2, 1))
    return np.diag(np.linalg.inv(np.einsum("u,uij->ij", density, g)))


CASES = [
    ("y ~ x + I(exp(x)) + (1 | g)", "logit", logit, np.exp, [0], "x", 0),
    ("y ~ x + I(log(x)) + (1 | g)", "logit", logit, np.log, [0], "I(log(x))", 1),
    ("y ~ x + I(exp(x))", "probit", probit, np.exp, [], "x", 1),
    ("y ~ x + I(1/x)", "cloglog", cloglog, lambda x: 1 / x, [], "x", 1),
    ("y ~ x + I(exp(x)) + (0 + x | g)", "logit", logit, np.exp, [1], "I(exp(x))", 1),
]


@pytest.mark.parametrize(("formula", "link", "weight", "function", "effects", "term", "place"), CASES)
def test_certified_values_against_the_definition(formula, link, weight, function, effects, term, place):
    model = Model(formula, family="bernoulli", link=link, laws={"x": "Uniform(1, 2)"})
    entry = leading_terms(model)[term]
    point = {symbol.name: AT[symbol.name] for symbol in entry.coefficient.free_symbols}
    number = entry.evaluate(point, digits=9, method="balls")
    assert number.certified
    assert float(number) == pytest.approx(variances(weight, function, effects)[place], rel=2e-8)


def test_a_false_power_is_caught(monkeypatch):
    """Planted: the function's square said to be a tenth of itself where errors are bounded and nodes are summed."""
    formula, link, weight, function, effects, term, place = CASES[3]
    entry = leading_terms(Model(formula, family="bernoulli", link=link, laws={"x": "Uniform(1, 2)"}))[term]
    right = CurveLine.power
    monkeypatch.setattr(CurveLine, "power", lambda self, x, k: right(self, x, k) / (10 if k == 6 else 1))
    point = {name: value for name, value in AT.items() if name != "sigma2"}
    number = entry.evaluate(point, digits=9, method="balls")
    assert float(number) != pytest.approx(variances(weight, function, effects)[place], rel=1e-3)


def test_what_has_no_proof_is_refused():
    laws = {"x": "Uniform(1, 2)"}
    slope = Model("y ~ x + I(exp(x)) + (0 + x | g)", family="bernoulli", link="probit", laws=laws)
    with pytest.raises(UncertifiedError, match="beside a function of itself is certified under random slopes"):
        leading_terms(slope)["1"].evaluate(AT, digits=5, method="balls")
    second = Model("y ~ x + I(exp(x)) + (1 | g)", family="bernoulli", laws=laws)
    with pytest.raises(UncertifiedError, match="not recognised as residual information"):
        expansion(second, terms=2)["1"].evaluate(AT, digits=5, method="balls", order="1/(m*n)")


@pytest.mark.slow
def test_an_effect_on_another_predictor_that_takes_few_values():
    """The panels that bound turned weights know powers of x alone: such pairs are bounded in boxes."""
    model = Model(
        "y ~ x + I(exp(x)) + d + (0 + d | g)",
        family="bernoulli", link="probit", laws={"x": "Uniform(1, 2)", "d": "Finite({-1: 1/2, 2: 1/2})"},
    )  # fmt: skip
    at = AT | {"beta3": "0.3"}
    number = leading_terms(model)["x"].evaluate(at, digits=5, method="balls")
    u, step = np.linspace(-6, 6, 801, retstep=True)
    h = 0
    for d in (-1, 2):
        design = np.stack([np.ones_like(NODES), NODES, np.exp(NODES), d * np.ones_like(NODES)])
        eta = np.array([-0.3, 0.7, 0.2, 0.3]) @ design + d * u[:, None]
        h = h + np.einsum("uk,ik,jk->uij", probit(eta) * MASSES / 2, design, design)
    cross = h[:, :3, 3:]
    g = h[:, :3, :3] - cross @ cross.transpose(0, 2, 1) / h[:, 3:, 3:]
    g = np.einsum("u,uij->ij", np.exp(-u * u / 0.8) / np.sqrt(0.8 * np.pi) * step, g)
    assert float(number) == pytest.approx(np.linalg.inv(g)[1, 1], rel=2e-5)


def test_random_points():
    rng = np.random.default_rng(20261128)
    entry = leading_terms(Model("y ~ x + I(exp(x))", family="bernoulli", laws={"x": "Uniform(1, 2)"}))["x"]
    for _ in range(3):
        b = [Rational(int(v), 100) for v in rng.integers(-200, 200, 3)]
        number = entry.evaluate(dict(zip(("beta0", "beta1", "beta2"), b, strict=True)), digits=9, method="balls")
        design = np.stack([np.ones_like(NODES), NODES, np.exp(NODES)])
        h = np.einsum("k,ik,jk->ij", logit(np.array(b, dtype=float) @ design) * MASSES, design, design)
        assert float(number) == pytest.approx(np.linalg.inv(h)[1, 1], rel=1e-8)
