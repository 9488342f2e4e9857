"""Optimal designs: known ones, other algorithms, the engine's values at them, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.optimize import brentq, linprog

from leadterms import (
    EvaluationError,
    ExistenceError,
    LeadtermsError,
    Model,
    ModelError,
    expansion,
    leading_terms,
)
from leadterms.inference.optimal_design import design_of, optimal_design

LINE = Model("y ~ x", laws={"x": "Uniform(-1, 1)"})
LINE_AT = "beta0=0, beta1=0, phi=2"
QUADRATIC = Model("y ~ x + I(x**2)", laws={"x": "Uniform(-1, 1)"})
QUADRATIC_AT = "beta0=0, beta1=0, beta2=0, phi=1"
LOGISTIC = Model("y ~ x", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
POISSON = Model("y ~ x", family="poisson", laws={"x": "Uniform(-1, 1)"})
MIXED = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
MIXED_AT = "beta0=-0.4, beta1=1, sigma2=1"
SLOPES = Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Uniform(-1, 1)"})
SLOPES_AT = "beta0=-0.4, beta1=0.7, Sigma11=0.5, Sigma12=0.1, Sigma22=0.3"


def support(design):
    return [point[0] for point in design.points]


def test_straight_line():
    """Silvey (1980), section 1: half of the observations at each end, for D and for the slope."""
    for options in ({"criterion": "D"}, {"criterion": "c", "coefficients": "x"}):
        design = optimal_design(LINE, LINE_AT, region={"x": (-1, 1)}, **options)
        assert design.law == "Finite({-1.0: 1/2, 1.0: 1/2})"
        assert design.is_optimal
    assert design.value == pytest.approx(2)


def test_quadratic_regression():
    """Fedorov (1972), section 2: thirds at -1, 0, 1 for D; quarters at the ends and half in the middle for A."""
    best = optimal_design(QUADRATIC, QUADRATIC_AT, region={"x": (-1, 1)})
    assert best.law == "Finite({-1.0: 1/3, 0.0: 1/3, 1.0: 1/3})"
    assert best.value == pytest.approx(27 / 4)
    average = optimal_design(QUADRATIC, QUADRATIC_AT, region={"x": (-1, 1)}, criterion="A")
    assert average.law == "Finite({-1.0: 1/4, 0.0: 1/2, 1.0: 1/4})"
    assert average.value == pytest.approx(8)


def test_cubic_regression():
    """Fedorov (1972): D-optimal polynomials of degree d have their points at the zeros of (1 - x^2)P_d'(x)."""
    cubic = Model("y ~ x + I(x**2) + I(x**3)", laws={"x": "Uniform(-1, 1)"})
    best = optimal_design(cubic, "beta0=0, beta1=0, beta2=0, beta3=0, phi=1", region={"x": (-1, 1)})
    np.testing.assert_allclose(support(best), [-1, -np.sqrt(1 / 5), np.sqrt(1 / 5), 1], atol=1e-8)
    np.testing.assert_allclose(best.weights, 0.25, atol=1e-8)


@pytest.mark.parametrize(("beta0", "beta1"), [("0", "1"), ("0.7", "-1.3")])
def test_logistic_regression(beta0, beta1):
    """Abdelbasit and Plackett (1983), JASA 78: D-optimal at eta = +-1.5434, the root of eta tanh(eta/2) = 1."""
    root = brentq(lambda eta: eta * np.tanh(eta / 2) - 1, 1, 2, xtol=1e-14)
    assert round(root, 4) == 1.5434
    best = optimal_design(LOGISTIC, {"beta0": beta0, "beta1": beta1}, region={"x": (-5, 5)})
    eta = np.sort([float(beta0) + float(beta1) * x for x in support(best)])
    np.testing.assert_allclose(eta, [-root, root], atol=3e-8)
    np.testing.assert_allclose(best.weights, 0.5, atol=1e-8)


@pytest.mark.parametrize("slope", [2.0, 0.9])
def test_poisson_regression(slope):
    """Half at the upper end and half 2/slope below it (Ford, Torsney and Wu 1992, JRSS B 54)."""
    best = optimal_design(POISSON, {"beta0": 0.3, "beta1": slope}, region={"x": (-5, 1)})
    np.testing.assert_allclose(support(best), [1 - 2 / slope, 1], atol=2e-8)
    np.testing.assert_allclose(best.weights, 0.5, atol=1e-8)


@pytest.mark.parametrize("contrast", [{"x": 1}, {"1": 1, "x": "0.3"}, {"1": 1, "x": -3}])
@pytest.mark.parametrize(("model", "at"), [(LOGISTIC, (0.3, 1.0)), (POISSON, (0.1, -0.8))])
def test_c_optimal_designs_by_elfving_and_linear_programming(contrast, model, at):
    """Elfving (1952): the least variance is rho^2, rho the least sum |z_i| with sum z_i sqrt(w_i) f(x_i) = c."""
    c = np.array([float(contrast.get("1", 0)), float(contrast.get("x", 0))])
    x = np.linspace(-3, 3, 6001)
    eta = at[0] + at[1] * x
    weight = np.exp(eta) / (1 + np.exp(eta)) ** 2 if model is LOGISTIC else np.exp(eta)
    rows = np.sqrt(weight) * np.array([np.ones_like(x), x])
    answer = linprog(np.ones(2 * len(x)), A_eq=np.hstack([rows, -rows]), b_eq=c, bounds=(0, None))
    best = optimal_design(
        model, dict(zip(("beta0", "beta1"), at, strict=True)), region={"x": (-3, 3)}, criterion="c", contrast=contrast
    )
    # the grid is of spacing 0.001: its optimum is a little above the true one; some of these optima are singular, and
    # the design keeps a millionth of its mass elsewhere
    # HiGHS is asked for a feasibility of 1e-7
    assert best.value * best.efficiency_bound <= answer.fun**2 * (1 + 1e-7)
    assert best.value <= answer.fun**2 / best.efficiency_bound * (1 + 1e-7)
    assert best.efficiency_bound > 1 - 1e-5


def multiplicative(columns, weight, effects, sigma, steps):
    """D-optimal weights on a grid for G of a random intercept, by Silvey, Titterington and Torsney's algorithm."""
    line, mass = np.polynomial.hermite.hermgauss(40)
    mass = mass / mass.sum()
    eta = (columns @ effects)[None, :] + np.sqrt(2 * sigma) * line[:, None]
    w = weight(eta)
    share = np.full(columns.shape[0], 1 / columns.shape[0])
    others = columns[:, 1:]
    for _ in range(steps):
        total = (w * share).sum(axis=1)
        mean = (w * share) @ others / total[:, None]
        residual = others[None, :, :] - mean[:, None, :]
        each = np.einsum("q,qi,qij,qik->ijk", mass, w, residual, residual)
        information = np.einsum("i,ijk->jk", share, each)
        share = share * np.einsum("jk,ikj->i", np.linalg.inv(information), each) / others.shape[1]
    return share, np.linalg.det(np.linalg.inv(information))


@pytest.mark.parametrize("quadratic", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_mixed_logistic_by_the_multiplicative_algorithm_on_a_grid(quadratic):
    """Two roads: centring by weighted means at each u and multiplication of weights, against blocks and SLSQP."""
    x = np.linspace(-4, 4, 161)
    columns = np.stack([np.ones_like(x), x, x**2] if quadratic else [np.ones_like(x), x], axis=1)
    effects = np.array([-0.4, 1.0, -0.2])[: columns.shape[1]]
    _, value = multiplicative(columns, lambda eta: 1 / (2 + 2 * np.cosh(eta)), effects, 1.0, 4000)
    model = Model("y ~ x + I(x**2) + (1 | g)", family="bernoulli", laws={"x": "Uniform(-1, 1)"}) if quadratic else MIXED
    at = MIXED_AT + (", beta2=-0.2" if quadratic else "")
    best = optimal_design(model, at, region={"x": (-4, 4)})
    assert best.is_optimal
    # the grid of spacing 0.05 costs a little, and multiplication converges slowly from above
    assert best.value <= value * (1 + 1e-9)
    assert best.value >= value * (1 - 2e-3)


@pytest.mark.parametrize(
    ("model", "at", "options"),
    [
        (LOGISTIC, "beta0=0.2, beta1=-0.7", {"criterion": "c", "coefficients": "x"}),
        (MIXED, MIXED_AT, {"criterion": "c", "coefficients": "x"}),
        (MIXED, MIXED_AT, {"criterion": "A", "coefficients": ["1", "x"], "target": "second"}),
        pytest.param(
            SLOPES, SLOPES_AT, {"criterion": "c", "coefficients": "x", "target": "second"}, marks=pytest.mark.slow
        ),
    ],
)
def test_the_engine_has_the_same_value_at_the_design(model, at, options):
    """At the design with its points rounded: long decimals in exponentials are slow in exact algebra."""
    best = optimal_design(model, at, region={"x": (-2, 2)}, **options)
    points, weights = np.round(support(best), 1), np.round(best.weights, 2)
    near = design_of(model, at, points, weights, region={"x": (-2, 2)}, **options)
    again = Model(model.formula.text, family=model.family.name, laws={"x": near.law})
    result = expansion(again) if options.get("target") == "second" else leading_terms(again)
    names = options["coefficients"]
    numbers = [
        result[name].evaluate(at, 10, order=best.order, method="mpmath")
        for name in ([names] if isinstance(names, str) else names)
    ]
    assert near.value == pytest.approx(sum(map(float, numbers)), rel=1e-8)
    assert best.value <= near.value <= best.value / near.efficiency_bound * (1 + 1e-9)


@pytest.mark.slow
def test_no_neighbour_is_better():
    """Random changes of points and weights of an optimal design for second terms, evaluated as designs of their own."""
    options = {"region": {"x": (-2, 2)}, "criterion": "A", "target": "second"}
    best = optimal_design(SLOPES, SLOPES_AT, **options)
    rng = np.random.default_rng(5)
    for scale in (1e-1, 1e-2, 1e-3):
        for _ in range(4):
            points = np.clip(np.array(support(best)) + scale * rng.normal(size=len(best.points)), -2, 2)
            weights = np.array(best.weights) * np.exp(scale * rng.normal(size=len(best.weights)))
            assert design_of(SLOPES, SLOPES_AT, points, weights, **options).value >= best.value * (1 - 1e-10)


def test_two_arms_are_allocated_by_the_roots_of_the_weights():
    """Within groups, without random effects: shares proportional to 1/sqrt(w), by the variance 1/(q w0) + 1/(p w1)."""
    best = optimal_design(LOGISTIC, "beta0=0.4, beta1=1.5", region={"x": {0, 1}}, criterion="c", coefficients="x")
    w = [np.exp(eta) / (1 + np.exp(eta)) ** 2 for eta in (0.4, 1.9)]
    expected = np.array([w[0] ** -0.5, w[1] ** -0.5])
    np.testing.assert_allclose(best.weights, expected / expected.sum(), atol=1e-8)
    assert best.points == ((0.0,), (1.0,))


def test_a_box_of_two_predictors_has_the_corners_for_a_linear_model():
    """The 2^2 factorial is D-optimal for main effects and their interaction."""
    factorial = Model("y ~ a*b", laws={"a": "Uniform(-1, 1)", "b": "Uniform(-1, 1)"})
    at = "beta0=0, beta1=0, beta2=0, beta3=0, phi=1"
    best = optimal_design(factorial, at, region={"a": (-1, 1), "b": (-1, 1)})
    assert set(best.points) == {(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)}
    np.testing.assert_allclose(best.weights, 0.25, atol=1e-8)
    with pytest.raises(LeadtermsError, match="no product of laws"):
        _ = best.law


@pytest.mark.slow
def test_three_predictors_and_mixed_axes():
    model = Model("y ~ a + b + arm", family="bernoulli", laws=dict.fromkeys(("a", "b", "arm"), "Uniform(-1, 1)"))
    at = "beta0=0.2, beta1=1, beta2=-0.5, beta3=0.6"
    best = optimal_design(model, at, region={"a": (-1, 1), "b": (-1, 1), "arm": {0, 1}})
    assert best.is_optimal
    assert {point[2] for point in best.points} == {0.0, 1.0}


def test_weights_that_vanish_far_out_in_the_law_of_the_effects():
    """Cloglog weights are below the least double there; by quadrature of its own, the two points and shares given."""
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Uniform(-1, 1)"})
    best = optimal_design(model, "beta0=0.3, beta1=1, sigma2=0.5", region={"x": (-2, 2)})
    u = np.linspace(-7, 7, 20001)
    mass = np.exp(-(u**2)) / np.exp(-(u**2)).sum()
    eta = 0.3 + u[:, None] + np.array(support(best))
    w = np.exp(2 * eta) / np.expm1(np.exp(np.minimum(eta, 6))) * np.array(best.weights)
    centre = (w * np.array(support(best))).sum(axis=1) / w.sum(axis=1)
    information = mass @ (w * (np.array(support(best)) - centre[:, None]) ** 2).sum(axis=1)
    assert best.value == pytest.approx(1 / information, rel=1e-7)


def test_progress_is_told():
    told = []
    optimal_design(LOGISTIC, "beta0=0, beta1=1", region={"x": (-5, 5)}, progress=lambda *news: told.append(news))
    assert told[-1][1] <= 1e-8
    assert [turn for turn, _ in told] == list(range(1, len(told) + 1))


REFUSED = [
    (MIXED, MIXED_AT, {"coefficients": "1"}, ModelError, "of order 1/m and the same for every design .*'second'"),
    (SLOPES, SLOPES_AT, {}, ModelError, "the leading term of the fixed effects is of order 1/m"),
    (LINE, LINE_AT, {"target": "second"}, ModelError, "second terms need random effects"),
    (LINE, LINE_AT, {"target": "third"}, ModelError, "'leading' or 'second', not 'third'"),
    (LINE, LINE_AT, {"criterion": "c"}, ModelError, "one coefficient or contrast, and 2"),
    (LINE, LINE_AT, {"contrast": {"x": 0}}, ModelError, "the contrast is zero"),
    (LINE, LINE_AT, {"contrast": {"x": 1}, "coefficients": "x"}, ModelError, "not both"),
    (LINE, LINE_AT, {"coefficients": "z"}, ModelError, "unknown name 'z': the known names are 1, beta0, x, beta1"),
    (LINE, LINE_AT, {"contrast": {"x": 1, "beta1": 2}}, ModelError, "beta1 is given twice"),
    (LINE, "beta0=0, beta1=0", {}, EvaluationError, "no value is given for phi"),
    (LOGISTIC, "beta0=0", {}, EvaluationError, "no value is given for beta1"),
    (LINE, LINE_AT, {"region": {"x": {1}}}, ModelError, "the terms 1, x are linearly dependent on x in"),
    (Model("y ~ x", family="gamma", laws={"x": "Uniform(1, 2)"}), "beta0=1, beta1=1, phi=1", {}, EvaluationError,
     "needs a positive linear predictor, and it is -1"),
    (Model("y ~ I(log(x))", laws={"x": "Uniform(1, 2)"}), LINE_AT, {}, EvaluationError, "is not finite somewhere"),
    (Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Uniform(1, 2)"}), "", {}, ModelError, "the formula has several"),
    (Model("y ~ x + (1 | g)", laws={"x": "Bernoulli(1/2)"}, levels={"x": "g"}), "", {}, ModelError,
     "x is constant in them: optimise its probabilities by optimal_allocation"),
    (Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Uniform(-1, 1)"}),
     "beta0=0, beta1=1, sigma2=1.2", {"target": "second"}, ExistenceError, "does not exist: infinite"),
    (Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Uniform(-1, 1)"}),
     "beta0=0, beta1=1, sigma2=0.1", {"target": "second"}, ExistenceError, "does not exist"),
    (MIXED, "beta0=0, beta1=1, sigma2=400", {}, EvaluationError, "does not settle in double precision"),
    (MIXED, "beta0=0, beta1=1, sigma2=-1", {}, EvaluationError, "sigma2 must be positive"),
    (SLOPES, "beta0=0, beta1=1, Sigma11=1, Sigma12=2, Sigma22=1", {"target": "second"}, ExistenceError,
     "the condition .* fails"),
    ("y ~ x", "", {}, ModelError, "a Model is needed, not str"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "at", "options", "error", "message"), REFUSED)
def test_refusals_are_one_line(model, at, options, error, message):
    with pytest.raises(error, match=message) as refusal:
        optimal_design(model, at, **{"region": {"x": (-2, 2)}, **options})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("points", "weights", "message"),
    [
        ([-3, 1], [1, 1], "a point of the design lies outside the region"),
        ([-1, 1], [1], "one weight for each of them"),
        ([-1, 1], [1, -1], "the weights of a design are positive"),
        ([[-1, 1]], [1], "rows of 1 numbers"),
        ([1], [1], "the information of the design is singular"),
    ],
)
def test_designs_that_are_refused(points, weights, message):
    with pytest.raises(LeadtermsError, match=message):
        design_of(LINE, LINE_AT, points, weights, region={"x": (-1, 1)})


def test_without_scipy_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(LeadtermsError) as refusal:
        optimal_design(LINE, LINE_AT, region={"x": (-1, 1)})
    expected = "cannot optimise a design: scipy is not installed (pip install 'leadterms[design]')"
    assert str(refusal.value) == expected
