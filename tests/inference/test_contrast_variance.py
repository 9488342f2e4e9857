"""K Cov K' by terms: against numpy with the printed covariance matrix, at random hypotheses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import arb
from sympy import Integer, Matrix, Rational

from leadterms import ExistenceError, Model, ModelError, expansion, leading_terms
from leadterms.asymptotics.sizes import size_values
from leadterms.inference.contrast_variance import VarianceAt, contrast_variance
from leadterms.inference.hypothesis import hypothesis
from tests.inference.planning_models import STUDIES, covariance, derived, theta


def sized(result, sizes):
    return size_values(sizes, result.space.sizes)


def random_rows(generator, result, rows):
    while True:
        K = Matrix(rows, len(result.model.parameters), lambda i, j: Rational(int(generator.integers(-3, 4)), 2))
        if K.rank() == rows:
            return K


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("name", STUDIES)
def test_random_hypotheses(name, rows):
    result, at, sizes = derived(name)
    generator = np.random.default_rng(len(name) + rows)
    whole = covariance(result, at, sizes)
    for _ in range(3):
        K = random_rows(generator, result, rows)
        known = VarianceAt(contrast_variance(result, hypothesis(result.model, K), result.terms), at)
        ours = np.array([[float(v) for v in row] for row in known.matrix(sized(result, sizes))])
        left = np.array(K, dtype=float)
        expected = left @ whole @ left.T
        assert ours == pytest.approx(expected, rel=1e-9, abs=1e-12 * np.max(np.abs(expected)))


@pytest.mark.parametrize("name", ["poisson slopes", "logistic intercept", "gamma with dispersion", "arms"])
def test_one_term_is_the_leading_matrix(name):
    result, at, sizes = derived(name)
    leading = covariance(leading_terms(result.model), at, sizes)
    K = random_rows(np.random.default_rng(5), result, 2)
    known = VarianceAt(contrast_variance(result, hypothesis(result.model, K), 1), at)
    ours = np.array([[float(v) for v in row] for row in known.matrix(sized(result, sizes))])
    left = np.array(K, dtype=float)
    assert ours == pytest.approx(left @ leading @ left.T, rel=1e-9)


def test_information_is_a_quadratic_form():
    result, at, sizes = derived("poisson slopes")
    tested = hypothesis(result.model, ["x - beta0 = 1", "Sigma12 = 1/20"])
    known = VarianceAt(contrast_variance(result, tested, 2), at)
    point = result.space.point(at)
    ours = float(known.information(tested.effect(point), sized(result, sizes)))
    K = np.array(tested.K, dtype=float)
    d = K @ theta(result, at) - np.array(tested.b, dtype=float).ravel()
    expected = d @ np.linalg.solve(K @ covariance(result, at, sizes) @ K.T, d)
    assert ours == pytest.approx(expected, rel=1e-10)
    assert known.certified


def test_orders_and_status():
    result, _, _ = derived("poisson slopes")
    two = contrast_variance(result, hypothesis(result.model, "x"), 2)
    assert [str(order) for order in two.orders] == ["1/m", "1/(m*n)"]
    assert two.variance == result["x"].variance
    assert contrast_variance(result, hypothesis(result.model, "x"), 1).variance == result["x"].terms[0].variance
    assert two.status == "derived"


def test_a_second_term_that_does_not_exist_is_refused_with_the_remedy():
    """theory.md: probit with a random intercept and bounded predictors has one where sigma2 < 1."""
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Bernoulli(1/2)"})
    result = expansion(model)
    known = VarianceAt(contrast_variance(result, hypothesis(model, "1"), 2), "beta0=1/2, beta1=1, sigma2=1.2")
    with pytest.raises(ExistenceError, match=r"sigma2 < 1 fails; ask for one term, terms=1 [(]--terms 1[)]$"):
        known.matrix(sized(result, {"m": 10, "n": 10}))
    one = VarianceAt(contrast_variance(result, hypothesis(model, "1"), 1), "beta0=1/2, beta1=1, sigma2=1.2")
    assert one.matrix(sized(result, {"m": 10, "n": 10}))[0][0].overlaps(arb("0.12"))


def test_an_exact_cancellation_is_refused():
    """Two estimators with the same leading terms, made by hand: nothing is known of their difference."""
    result, _, _ = derived("no groups")
    x, z = (result["x"].parameters[0], result["z"].parameters[0])
    same = [replace(result["x"], parameters=pair) for pair in ((x, x), (x, z), (z, z))]
    with pytest.raises(ModelError, match="the leading terms of order 1/n cancel in x - z = 0"):
        contrast_variance(replace(result, entries=tuple(same)), hypothesis(result.model, "x - z"), 1)


def test_covariances_of_smaller_order_are_left_out_of_one_term():
    result, _, _ = derived("logistic intercept")
    both = hypothesis(result.model, ["1", "x"])
    assert contrast_variance(result, both, 1).entries[0][1].variance == Integer(0)
    assert contrast_variance(result, both, 2).entries[0][1].variance != 0
