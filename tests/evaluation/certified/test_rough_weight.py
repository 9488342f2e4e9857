"""Rough values of weights against the formulas of the weights."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Integer, Rational

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.certified.weights.rough_weight import RoughWeight
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import LogisticWeight, PowerWeight


def test_between_a_pole_and_the_first_point_that_is_remembered() -> None:
    etas = np.array([1e-6, 0.01, 0.1, 0.24, 0.3, 7.0, 400.0])
    with ball_precision(64):
        found = RoughWeight(weight_balls(PowerWeight(Integer(1), Rational(-3, 2)))).logarithms(etas)
    # linear in between: rough by design
    assert found == pytest.approx(-1.5 * np.log(etas), abs=0.2)


def test_far_out() -> None:
    etas = np.array([-1e15, -3e7, -300.0, -256.0, -255.9, -3.1, 0.0, 2.6, 500.0, 1e12])
    with ball_precision(64):
        found = RoughWeight(weight_balls(LogisticWeight(Integer(1)))).logarithms(etas)
    assert found == pytest.approx(-np.abs(etas) - 2 * np.log1p(np.exp(-np.abs(etas))), abs=0.02, rel=1e-12)


@pytest.mark.parametrize("slope", ["1e-30", "1e-20"])
def test_a_slope_next_to_zero_and_a_small_intercept(slope: str) -> None:
    """The weight is eta^(-3/2)/4, as good as constant: phi E[x^2]/(w Var x) = 6/w, in double precision."""
    model = Model("y ~ x", family="inverse-gaussian", laws={"x": "Exponential(2)"})
    found = leading_terms(model)["1"].evaluate({"beta0": "0.1", "beta1": slope, "phi": "3"}, 15, method="balls")
    assert float(found) == pytest.approx(24 * 0.1**1.5, rel=1e-14)
