"""Mean squares and closed estimators: against traces, numerical maxima and simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize
from sympy import Matrix, Rational, Symbol

from leadterms.errors import ModelError
from leadterms.information.balanced import balanced_model
from leadterms.information.mean_squares import estimators, mean_squares
from leadterms.information.stratum_tests import contrast_weights
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, SIGMA2, M, N
from tests.information.balanced_cases import CASES, EXACT, MEAN, parts, projectors
from tests.information.explicit_layouts import number, residual_maker


@pytest.fixture(params=CASES)
def case(request):
    return parts(request.param)


def test_expected_mean_squares_and_degrees(case):
    balanced, _, v, x = case
    for row, p in zip(mean_squares(balanced), projectors(balanced, v, x), strict=True):
        degrees = number(row.degrees, v.values)
        np.testing.assert_allclose(p @ p, p, atol=1e-12)
        assert np.trace(p) == pytest.approx(degrees, rel=1e-12)
        assert np.trace(p @ v.whole) / degrees == pytest.approx(number(row.expectation, v.values), rel=1e-12)
        np.testing.assert_allclose(p @ x, 0, atol=1e-11)


def test_mean_squares_are_independent(case):
    balanced, _, v, x = case
    own = projectors(balanced, v, x)
    for first, second in pairwise(own):
        np.testing.assert_allclose(first @ v.whole @ second, 0, atol=1e-11)


@pytest.mark.parametrize("name", ["one-way", "a/b", "a/b/c", "crossed", "visits", "treatment"])
def test_anova_estimators_are_unbiased(name):
    balanced, _, v, _ = parts(name)
    expectations = {row.symbol: row.expectation for row in mean_squares(balanced)}
    for parameter, estimator in estimators(balanced).items():
        assert (estimator.xreplace(expectations) - parameter).expand() == 0
    assert number(PHI, v.values) > 0


def simulated(balanced, v, x, seed):
    """Return data whose solution of the likelihood equations is inside the parameter space."""
    generator = np.random.default_rng(seed)
    root = np.linalg.cholesky(v.whole)
    own = projectors(balanced, v, x)
    rows = mean_squares(balanced)
    while True:
        y = x @ generator.normal(size=x.shape[1]) + root @ generator.normal(size=len(x))
        values = {row.symbol: y @ p @ y / number(row.degrees, v.values) for row, p in zip(rows, own, strict=True)}
        if all(solved(estimators(balanced, "REML"), values, v) > 0.2):
            return y, values


def solved(found, squares, v):
    values = {**v.values, **{symbol: Rational(float(value)) for symbol, value in squares.items()}}
    return np.array([number(estimator, values) for estimator in found.values()])


def criterion(v, x, y, restricted):
    """Return minus twice the log-likelihood without its constant, as a function of log components."""

    def function(logs):
        whole = sum(np.exp(log) * slope for log, slope in zip(logs, v.slopes, strict=True))
        inverse = np.linalg.inv(whole)
        maker = residual_maker(inverse, x)
        value = np.linalg.slogdet(whole)[1] + y @ maker @ y
        return value + np.linalg.slogdet(x.T @ inverse @ x)[1] if restricted else value

    return function


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, "REML") for name in EXACT] + [(name, "ML") for name in ("one-way", "a/b", "a/b/c", "visits", "treatment")],
)
def test_closed_estimators_are_the_maxima_of_the_explicit_likelihood(name, method):
    balanced, _, v, x = parts(name)
    y, squares = simulated(balanced, v, x, seed=100 + len(name))
    ours = solved(estimators(balanced, method), squares, v)
    if not np.all(ours > 0):
        pytest.fail("choose another seed: the ML solution is outside")
    function = criterion(v, x, y, method == "REML")
    found = optimize.minimize(function, np.log(ours) + 0.3, method="BFGS", options={"gtol": 1e-9})
    found = optimize.minimize(function, found.x, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
    np.testing.assert_allclose(np.exp(found.x), ours, rtol=2e-5)
    assert function(np.log(ours)) <= found.fun + 1e-9


def test_one_way_estimators_by_hand():
    """(MSA - MSE)/n, and with (m-1)/m of MSA by ML (Searle, Casella and McCulloch, ch. 3)."""
    balanced = balanced_model(Model(f"{MEAN} + (1 | g)"))
    above, below = Symbol("MS_g", positive=True), Symbol("MS_residual", positive=True)
    assert estimators(balanced, "REML") == estimators(balanced) == {SIGMA2: (above - below) / N, PHI: below}
    by_ml = estimators(balanced, "ML")
    assert (by_ml[SIGMA2] - (above * (M - 1) / M - below) / N).expand() == 0
    assert by_ml[PHI] == below


@pytest.mark.parametrize(
    ("formula", "method", "message"),
    [
        (
            f"{MEAN} + (1 | a) + (1 | b)",
            "ML",
            r"no closed form of ML is known here: the stratum of the mean",
        ),
        (f"{MEAN} + (1 | a:b) + (1 | a:c)", "ML", r"there are 4 mean squares for 3 variance components"),
        (f"{MEAN} + (1 | a:b) + (1 | a:c)", "REML", r"there are 4 mean squares for 3 variance components"),
        (f"{MEAN} + (1 | a)", "MINQUE", r"the method is 'ANOVA', 'REML' or 'ML', not 'MINQUE'"),
    ],
)
def test_estimators_that_have_no_closed_form(formula, method, message):
    with pytest.raises(ModelError, match=message):
        estimators(balanced_model(Model(formula)), method)


def test_likelihood_estimators_need_terms_that_separate():
    balanced = balanced_model(Model("y ~ x + (1 | a)", laws={"x": "Normal(0, 1)"}))
    with pytest.raises(
        ModelError, match=r"the REML estimator in closed form is exact only where every term lies in one"
    ):
        estimators(balanced, "REML")
    with pytest.raises(ModelError, match=r"the covariance of the estimators at finite sizes is exact only where"):
        contrast_weights(balanced, Matrix([[0, 1]]))
