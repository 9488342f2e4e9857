"""The equivalence theorem: the bound of the efficiency against true efficiencies of random designs."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model, ModelError
from leadterms.inference.equivalence import Criterion, check_criterion
from leadterms.inference.optimal_design import design_of, optimal_design

QUADRATIC = Model("y ~ x + I(x**2)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
AT = "beta0=0.3, beta1=1, beta2=-1"
MIXED = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
MIXED_AT = "beta0=-0.4, beta1=1, sigma2=1"
REGION = {"x": (-2, 2)}


@pytest.mark.parametrize(
    ("model", "at", "options"),
    [
        (QUADRATIC, AT, {"criterion": "D"}),
        (QUADRATIC, AT, {"criterion": "D", "coefficients": ["x", "I(x**2)"]}),
        (QUADRATIC, AT, {"criterion": "A"}),
        (QUADRATIC, AT, {"criterion": "c", "contrast": {"1": 1, "x": "0.5"}}),
        (MIXED, MIXED_AT, {"criterion": "c", "coefficients": "x"}),
        (MIXED, MIXED_AT, {"criterion": "A", "target": "second"}),
    ],
)
def test_the_bound_is_below_the_true_efficiency(model, at, options):
    best = optimal_design(model, at, region=REGION, **options)
    assert best.is_optimal
    rng = np.random.default_rng(4)
    for _ in range(8):
        points, weights = rng.uniform(-2, 2, 4), rng.dirichlet(np.ones(4))
        design = design_of(model, at, points, weights, region=REGION, **options)
        root = len(design.contrasts) if options["criterion"] == "D" else 1
        true = (best.value / design.value) ** (1 / root)
        assert design.efficiency_bound <= true + 1e-9 <= 1 + 1e-8
        assert not design.is_optimal
        # the maximum on a grid that is not the check's own
        other = design.sensitivity(np.linspace(-2, 2, 3457)).max()
        assert other <= design.check.largest * (1 + 1e-9)


def test_the_maximum_lies_between_the_points_of_the_grid():
    design = design_of(QUADRATIC, AT, [-1.9, 0.1, 1.3], [1, 1, 1], region=REGION)
    near = design.check.where[0] + np.linspace(-1e-3, 1e-3, 2001)
    assert design.check.largest >= design.sensitivity(np.clip(near, -2, 2)).max() * (1 - 1e-13)


def test_d_over_second_terms_is_called_necessary_only():
    best = optimal_design(MIXED, MIXED_AT, region=REGION, target="second")
    assert best.contrasts == ("1", "x")
    assert not best.check.sufficient
    assert not best.is_optimal
    assert "the criterion is not known to be convex" in repr(best)


def test_criteria_that_are_refused():
    with pytest.raises(ModelError, match="one of c, A, D, not 'E'"):
        check_criterion("E", 1)
    with pytest.raises(ModelError, match="one coefficient or contrast, and 2 are asked for"):
        check_criterion("c", 2)


def test_values_of_the_criteria():
    design = design_of(QUADRATIC, AT, [-1, 0, 1], [1, 2, 1], region=REGION)
    matrix = np.array(design.covariance)
    assert design.value == pytest.approx(np.linalg.det(matrix))
    assert Criterion("A").value(design._variance) == pytest.approx(np.trace(matrix))
    assert Criterion("D").bound(design._variance) == 3
