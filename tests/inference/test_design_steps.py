"""Steps of the search: slopes of the sensitivity."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model
from leadterms.inference.design_candidates import Search, first_design
from leadterms.inference.design_information import normal_nodes
from leadterms.inference.design_problem import design_problem
from leadterms.inference.design_steps import slopes
from leadterms.inference.equivalence import Criterion

CUBIC = Model("y ~ x + I(x**2) + I(x**3)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
AT = "beta0=0.3, beta1=1, beta2=-0.5, beta3=0.2"


@pytest.fixture
def cubic():
    stated = design_problem(CUBIC, AT, {"x": (-2, 2)}, None, None, "leading")
    return Search(stated.numbers, Criterion("D"), stated.region, normal_nodes(stated.numbers.covariance, 1))


def test_slopes_are_derivatives_of_the_sensitivity(cubic):
    """Against differences of another order and step, at inner points and at both ends."""
    design = first_design(cubic.region)
    variance = cubic.variance(design)
    points = np.array([[-2.0], [-1.2], [0.3], [1.9995], [2.0]])
    step = 1e-6
    rise = cubic.relative(variance, points + step) - cubic.relative(variance, points - step)
    np.testing.assert_allclose(slopes(cubic, variance, points)[:, 0], rise / (2 * step), rtol=1e-5, atol=1e-7)
