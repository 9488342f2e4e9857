"""The search: merged points, singular optima, and the share of the mass that is kept aside for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leadterms import Model
from leadterms.inference.design_candidates import SPARED, Found, Search, SingularOptimumError, base_design
from leadterms.inference.design_information import normal_nodes
from leadterms.inference.design_problem import design_problem
from leadterms.inference.design_search import search
from leadterms.inference.equivalence import Criterion, equivalence
from leadterms.inference.optimal_design import optimal_design

CUBIC = Model("y ~ x + I(x**2) + I(x**3)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
AT = "beta0=0.3, beta1=1, beta2=-0.5, beta3=0.2"


def problem(criterion="D", **wish):
    stated = design_problem(CUBIC, AT, {"x": (-2, 2)}, None, wish.get("contrast"), "leading")
    return Search(stated.numbers, Criterion(criterion), stated.region, normal_nodes(stated.numbers.covariance, 1))


def test_the_base_keeps_the_information_regular():
    """One point cannot estimate a cubic; with the base it can, and has the variance 1/w there but for a millionth."""
    at_point = {"1": 1, "x": "0.5", "I(x**2)": "0.25", "I(x**3)": "0.125"}
    plain = problem("c", contrast=at_point)
    kept = replace(plain, base=base_design(plain))
    assert len(kept.base.weights) == 4
    eta = 0.3 + 0.5 - 0.125 + 0.025
    variance = kept.variance(Found(np.array([[0.5]]), np.ones(1))).matrix[0, 0]
    assert variance == pytest.approx(2 + 2 * np.cosh(eta), rel=1e-5)
    with pytest.raises(SingularOptimumError):
        search(plain, 1e-8)


def test_a_singular_optimum_is_found_within_a_few_millionths():
    """The variance of the linear predictor at x = 0.5 is least where all observations are made there.

    It is 1/w(eta) then, and no design has less: an observation of information w about eta at that point alone.
    """
    contrast = {"1": 1, "x": "0.5", "I(x**2)": "0.25", "I(x**3)": "0.125"}
    best = optimal_design(CUBIC, AT, region={"x": (-2, 2)}, criterion="c", contrast=contrast)
    assert best.points[int(np.argmax(best.weights))][0] == pytest.approx(0.5, abs=1e-4)
    assert max(best.weights) >= 1 - 10 * SPARED
    assert best.efficiency_bound > 1 - 1e-4


def test_the_search_does_not_depend_on_its_start():
    search_ = problem()
    rng = np.random.default_rng(6)
    values = []
    for _ in range(3):
        points = np.sort(rng.uniform(-2, 2, 7))[:, None]
        found = search(search_, 1e-8, start=Found(points, np.full(7, 1 / 7)))
        variance = search_.variance(found)
        assert equivalence(search_.criterion, variance, search_.region).gap < 1e-7
        values.append(search_.criterion.logarithm(variance))
    assert np.ptp(values) < 1e-10
