"""From a model to its leading terms: the slides' forms and numbers, conditions, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sympy import Symbol, exp, sinh

from leadterms import ExistenceError, Model, ModelError, UndecidedError, leading_terms

B0, B1 = Symbol("beta0", real=True), Symbol("beta1", real=True)
SIGMA2 = Symbol("sigma2", positive=True)
LAWS = {"x": "Uniform(-1, 1)"}
GLM = leading_terms(Model("y ~ x", family="poisson", laws=LAWS))
GLMM = leading_terms(Model("y ~ x + (1 | group)", family="poisson", laws=LAWS))


# ---- the slides ------------------------------------------------------------------------------------------------


def test_the_poisson_glm_is_the_slide_structurally():
    # slide "Generalized Linear Model Example"
    assert GLM["x"].coefficient == B1**3 * sinh(B1) / (exp(B0) * (sinh(B1) ** 2 - B1**2))
    assert GLM["x"].term.order_text == "1/n"


def test_the_poisson_glmm_is_the_slide_structurally():
    # slide "Generalized Linear Mixed Model Example"
    slide = B1**3 * sinh(B1) / (exp(B0 + SIGMA2 / 2) * (sinh(B1) ** 2 - B1**2))
    assert GLMM["x"].coefficient == slide
    assert GLMM["1"].coefficient == SIGMA2
    assert GLMM["sigma2"].coefficient == 2 * SIGMA2**2
    assert [entry.term.order_text for entry in GLMM] == ["1/m", "1/(m*n)", "1/m"]


@pytest.mark.parametrize(
    ("result", "point", "digits"),
    [
        # printed to 11 digits on the slide; further digits computed apart by ball arithmetic
        (GLM, "beta0=0.34, beta1=0.82", "2.1778665681126274927106677668811910573088686582944"),
        (GLMM, "beta0=-1.46, beta1=2.11, sigma2=6.66", "0.4878336708693430571129923974595"),
        # the slide's misprinted value, at the variance where its own formula gives it
        (GLMM, "beta0=-1.46, beta1=2.11, sigma2=3.79", "2.0487282409851273475700889813"),
    ],
)
def test_the_numbers_of_the_slides(result, point, digits):
    found = str(result["x"].evaluate(point, len(digits) + 5))
    assert found.startswith(digits[:-1])
    rounded = str(result["x"].evaluate(point, len(digits) - digits.index(".") - (digits[0] == "0")))
    assert abs(int(rounded.replace(".", "")) - int(digits.replace(".", ""))) <= 1


def test_all_points_with_one_level_share_the_misprinted_value():
    # beta0 + sigma2/2 = 0.435 is all that the formula sees
    for beta0, sigma2 in (("-1.46", "3.79"), ("0.185", "0.5"), ("0.235", "0.4")):
        assert str(GLMM["x"].evaluate({"beta0": beta0, "beta1": "2.11", "sigma2": sigma2}, 11)) == "2.0487282410"


def test_gamma_predictors_of_the_linear_model_give_four_sevenths():
    result = leading_terms(Model("y ~ x", family="gaussian", laws={"x": "Gamma(7, 1)"}))
    assert str(result["x"].coefficient.subs(Symbol("phi", positive=True), 4)) == "4/7"


def test_the_slope_at_zero_and_near_zero():
    # the limit of the sinh form at b = 0 is 3 exp(-b0)
    for slope in ("0", "1e-30", "-1e-30"):
        assert str(GLM["x"].evaluate({"beta0": 0, "beta1": slope}, 30)) == "3." + "0" * 29


# ---- conditions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "family", "laws", "expected"),
    [
        ("y ~ x", "poisson", {"x": "Exponential(lam)"}, ["beta1 < lam"]),
        ("y ~ x", "gamma", {"x": "Uniform(0, 2)"}, ["beta0 > 0", "beta0 + 2*beta1 > 0"]),
        ("y ~ x + (1 + x | g)", "poisson", LAWS, ["Sigma11*Sigma22 - Sigma12**2 > 0"]),
        ("y ~ x + (1 | g)", "poisson", LAWS, []),
        ("y ~ x", "poisson", {"x": "Bernoulli(p)"}, ["p < 1"]),
    ],
)
def test_conditions_are_stated(formula, family, laws, expected):
    assert sorted(leading_terms(Model(formula, family=family, laws=laws)).conditions) == sorted(expected)


def test_three_correlated_effects_need_all_leading_minors():
    laws = {"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"}
    result = leading_terms(Model("y ~ x1 + x2 + (x1 + x2 | g)", family="poisson", laws=laws))
    assert len(result.conditions) == 2
    point = {"Sigma11": 1, "Sigma22": 1, "Sigma33": 1, "Sigma12": "0.9", "Sigma13": "0.9", "Sigma23": "-0.9"}
    with pytest.raises(ExistenceError, match="fails"):
        result["1"].evaluate(point)


def test_a_random_slope_on_a_normal_predictor_states_its_condition():
    model = Model(
        "y ~ x1 + x2 + (1 + x1 | g)", family="poisson", laws={"x1": "Normal(0, s)", "x2": "Normal(0, 1)"}
    )  # fmt: skip
    result = leading_terms(model)
    assert any("s**2" in condition and "Sigma22" in condition for condition in result.conditions)
    values = {"beta0": 0, "beta1": 0, "beta2": 0, "Sigma11": 1, "Sigma12": 0, "s": 1}
    result["x2"].evaluate(values | {"Sigma22": "0.99"})
    for variance in ("1", "1.01"):
        with pytest.raises(ExistenceError, match="fails"):
            result["x2"].evaluate(values | {"Sigma22": variance})


# ---- status ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "family", "link", "status"),
    [
        ("y ~ x", "bernoulli", "probit", "theorem"),
        ("y ~ x + (1 | g)", "bernoulli", "logit", "theorem"),
        ("y ~ x + (1 | g)", "bernoulli", "probit", "derived"),
        ("y ~ x + (x || g)", "poisson", "log", "derived"),
    ],
)
def test_status_says_what_is_published(formula, family, link, status):
    assert leading_terms(Model(formula, family=family, link=link, laws=LAWS)).status == status


# ---- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y ~ x + (1 | g) + (1 | h)", {}, ModelError, r"several grouping factors \(g, h\)"),
        ("y ~ x + (1 | a/b)", {}, ModelError, "several grouping factors"),
        ("y ~ x + (1 | g)", {"levels": {"x": "g"}}, ModelError, "x has the law Uniform.* with infinitely many values"),
        ("y ~ x + (1 | g)", {"family": "gamma"}, ModelError, "use the log link"),
        ("y ~ x + (1 | g)", {"family": "inverse-gaussian"}, ModelError, "positive linear predictor"),
        ("y ~ 0", {"laws": {}}, ModelError, "no terms"),
        ("y ~ x + I(2*x)", {}, ModelError, r"x, I\(2\*x\) are linearly dependent"),
        ("y ~ x + I(x**2)", {"laws": {"x": "Bernoulli(1/2)"}}, ModelError, "collinear"),
        ("y ~ x", {"family": "gamma", "laws": {"x": "Normal(0, 1)"}}, ExistenceError, "pole"),
        ("y ~ x", {"family": "gaussian", "laws": {"x": "Cauchy(0, 1)"}}, ExistenceError, "infinite"),
        ("y ~ x + I(x**3)", {"laws": {"x": "Normal(0, 1)"}}, ExistenceError,
         "the exponent grows with x on an unbounded side"),
        ("y ~ x + z + (1 + x | g)", {"laws": {"x": "Gamma(2, 1)", "z": "Normal(0, 1)"}}, ExistenceError,
         "random slope on x needs a bounded or normal x"),
    ],
)  # fmt: skip
def test_what_is_not_covered_is_refused_in_one_line(formula, options, error, message):
    with pytest.raises(error, match=message) as caught:
        leading_terms(Model(formula, **({"family": "poisson", "laws": LAWS} | options)))
    assert "\n" not in str(caught.value)


def test_an_undecided_question_is_not_an_answer():
    model = Model("y ~ I(1/x)", family="bernoulli", laws={"x": "Normal(0, 1)"})
    with pytest.raises(UndecidedError, match="could not be decided"):
        leading_terms(model)


# ---- finite designs --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_arms_under_probit_with_a_random_intercept():
    """Every entry of C_B for two finite predictors: sums over the six cells, a trapezoid over the random intercept."""
    laws = {"a": "Bernoulli(1/2)", "b": "Finite({-1: 1/3, 0: 1/3, 1: 1/3})"}
    result = leading_terms(Model("y ~ a + b + (1 | g)", family="bernoulli", link="probit", laws=laws))
    beta, sigma2 = (-0.4, 0.7, 0.3), 0.8
    cells = np.array([[1.0, a, b] for a in (0, 1) for b in (-1, 0, 1)]).T
    z, step = np.linspace(-9, 9, 361, retstep=True)
    information = np.zeros((2, 2))
    for point in z:
        eta = np.array(beta) @ cells + math.sqrt(sigma2) * point
        density = np.exp(-(eta**2) / 2) / math.sqrt(2 * math.pi)
        tails = [[math.erfc(sign * e / math.sqrt(2)) / 2 for e in eta] for sign in (-1, 1)]
        h = (cells * density**2 / np.prod(tails, axis=0) / 6) @ cells.T
        complement = h[1:, 1:] - np.outer(h[1:, 0], h[0, 1:]) / h[0, 0]
        information += step * math.exp(-(point**2) / 2) / math.sqrt(2 * math.pi) * complement
    expected = np.linalg.inv(information)
    at = {"beta0": "-0.4", "beta1": "0.7", "beta2": "0.3", "sigma2": "0.8"}
    for i, first in enumerate("ab"):
        for j, second in enumerate("ab"):
            assert float(result[first, second].evaluate(at, 12)) == pytest.approx(expected[i, j], rel=1e-9)
