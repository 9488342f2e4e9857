"""Coefficients over arrays: against single certified values at random points, and each point once."""

from __future__ import annotations

import random

import numpy as np
import pytest

from leadterms import EvaluationError, ExistenceError, Model, expansion, leading_terms
from leadterms.errors import NoRuleError
from leadterms.inference import grid_entries
from leadterms.inference.grid_entries import check_accuracy, entry_over
from leadterms.inference.grid_input import grid_values

ACCURACY = 1e-10


def variance_of(result, term):
    """The entry of m times the variance: sizes at one."""
    return result[term], {"m": np.asarray(1.0), "n": np.asarray(1.0)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "link", "law"),
    [
        ("bernoulli", "logit", "Bernoulli(1/3)"),
        ("bernoulli", "probit", "Bernoulli(1/2)"),
        ("negative-binomial(3)", "log", "Bernoulli(p)"),
        ("negative-binomial(1/2)", "log", "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"),
    ],
)
def test_random_points(family, link, law):
    result = expansion(Model("y ~ x + (1 | g)", family=family, link=link, laws={"x": law}))
    draw = random.Random(f"{family}{link}").uniform
    at = {"beta0": [draw(-2, 2) for _ in range(3)], "beta1": draw(-2, 2), "sigma2": draw(0.1, 0.4), "p": draw(0.1, 0.9)}
    at = {symbol.name: at[symbol.name] for symbol in result.space.symbols}
    for term in ("1", "x"):
        entry, sizes = variance_of(result, term)
        found = entry_over(entry, grid_values(result.space, at) | sizes, ACCURACY)
        assert found.shape == (3,)
        expected = entry.evaluate_variance(at | {"beta0": at["beta0"][1]}, {"m": 1, "n": 1}, 12)
        assert found[1] == pytest.approx(float(expected), rel=2 * ACCURACY)


def test_without_a_function_of_arrays_each_point_is_asked_once(monkeypatch):
    model = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Exponential(2)"})
    entry, sizes = variance_of(expansion(model), "x")
    seen = []
    monkeypatch.setattr(grid_entries, "_array_function", lambda *asked: None)
    values = {
        "beta0": np.array([[0.1], [0.2]]),
        # the moment generating function of Exponential(2) ends at 2
        "beta1": np.array([0.3, -0.4, 0.3, 5.0]),
        "sigma2": np.array(0.5),
    }
    found = entry_over(entry, values | sizes, ACCURACY, lambda done, total: seen.append((done, total)))
    assert found.shape == (2, 4)
    assert np.array_equal(found[:, 0], found[:, 2])
    assert np.isnan(found).tolist() == [[False, False, False, True]] * 2
    # two intercepts with the two slopes inside the condition
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    expected = entry.evaluate_variance({"beta0": 0.2, "beta1": -0.4, "sigma2": 0.5}, {"m": 1, "n": 1})
    assert found[1, 1] == pytest.approx(float(expected), rel=ACCURACY)


def test_only_what_has_no_rule_is_left_to_single_values():
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Gamma(2, 1)"})
    entry = leading_terms(model)["x"]
    with pytest.raises(NoRuleError, match="no rule"):
        entry.array_function()
    assert grid_entries._array_function(entry, entry.order, ACCURACY, 0.0) is None
    with pytest.raises(EvaluationError, match="an accuracy from"):
        grid_entries._array_function(entry, entry.order, 0.5, 0.0)


def test_what_does_not_exist_is_refused_with_what_to_do():
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Uniform(-1, 1)"})
    entry, sizes = variance_of(expansion(model), "1")
    with pytest.raises(ExistenceError, match=r"does not exist: .*ask for one term, terms=1 [(]--terms 1[)]$"):
        entry_over(entry, {"sigma2": np.asarray(1.0)} | sizes, ACCURACY)


@pytest.mark.parametrize("accuracy", ["1e-9", 0, 1e-15, 0.1, True, None])
def test_accuracies_that_are_refused(accuracy):
    with pytest.raises(EvaluationError, match=r"accuracy is a number from 1e-13 to 0\.01"):
        check_accuracy(accuracy)
