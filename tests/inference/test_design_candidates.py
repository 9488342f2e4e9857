"""Designs during a search: merged points, rounded points."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model
from leadterms.inference.design_candidates import Found, Search, merged, ordered
from leadterms.inference.design_information import normal_nodes
from leadterms.inference.design_problem import design_problem
from leadterms.inference.equivalence import Criterion

CUBIC = Model("y ~ x + I(x**2) + I(x**3)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
AT = "beta0=0.3, beta1=1, beta2=-0.5, beta3=0.2"


@pytest.fixture
def cubic():
    stated = design_problem(CUBIC, AT, {"x": (-2, 2)}, None, None, "leading")
    return Search(stated.numbers, Criterion("D"), stated.region, normal_nodes(stated.numbers.covariance, 1))


def test_near_points_are_merged_by_weight(cubic):
    design = Found(np.array([[-2.0], [-1.0], [-0.99], [0.5], [2.0]]), np.array([0.2, 0.3, 0.1, 0.2, 0.2]))
    fewer = merged(cubic, design, 0.01)
    order = np.argsort(fewer.points[:, 0])
    np.testing.assert_allclose(fewer.points[order, 0], [-2, -0.9975, 0.5, 2])
    np.testing.assert_allclose(fewer.weights[order], [0.2, 0.4, 0.2, 0.2])
    # merging into fewer points than effects would lose the information
    assert len(merged(cubic, design, 0.6).points) == 5


def test_rounding_sorts_and_adds_equal_points(cubic):
    design = Found(np.array([[1.0], [-1.0], [1.0 + 1e-12], [0.25]]), np.array([0.2, 0.3, 0.1, 0.4]))
    found = ordered(cubic, design)
    assert found.points[:, 0].tolist() == [-1.0, 0.25, 1.0]
    np.testing.assert_allclose(found.weights, [0.3, 0.4, 0.3])
