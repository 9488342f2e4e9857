"""Efficiencies of laws: known ones, a finite law in place of a continuous one, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model, ModelError
from leadterms.inference.design_efficiency import efficiency
from leadterms.inference.optimal_design import design_of, optimal_design

LINE = Model("y ~ x", laws={"x": "Uniform(-1, 1)"})
LINE_AT = "beta0=0, beta1=0, phi=2"
MIXED = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
MIXED_AT = "beta0=-0.4, beta1=1, sigma2=1"


@pytest.mark.parametrize(
    ("law", "expected"),
    [("Uniform(-1, 1)", 1 / 3), ("Bernoulli(1/2)", 1 / 4), ("Finite({-1: 1/2, 1: 1/2})", 1)],
)
def test_efficiency_of_a_law_for_a_straight_line(law, expected):
    """Var X over the largest variance on [-1, 1], which is one."""
    model = Model("y ~ x", laws={"x": law})
    found = efficiency(model, LINE_AT, region={"x": (-1, 1)}, criterion="c", coefficients="x")
    assert found == pytest.approx(expected, rel=1e-9)


def test_efficiency_of_a_uniform_law_in_a_mixed_model():
    """D for the slope; a fine finite law stands in for the uniform one on the second road."""
    model = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Uniform(-4, 4)"})
    best = optimal_design(model, MIXED_AT, region={"x": (-4, 4)})
    found = efficiency(model, MIXED_AT, region={"x": (-4, 4)}, optimum=best)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    fine = design_of(MIXED, MIXED_AT, 4 * nodes, weights, region={"x": (-4, 4)})
    assert found == pytest.approx(best.value / fine.value, rel=1e-8)
    assert fine.efficiency_bound <= found < 1


def test_an_optimum_for_something_else_is_refused():
    best = optimal_design(LINE, LINE_AT, region={"x": (-1, 1)})
    with pytest.raises(ModelError, match="the optimum given is for another criterion"):
        efficiency(LINE, LINE_AT, region={"x": (-1, 1)}, optimum=best, criterion="A")


@pytest.mark.parametrize(
    ("law", "region"), [("Normal(0, 1)", (-1, 1)), ("Uniform(-2, 2)", (-1, 1)), ("Gamma(2, 1)", (0, 5))]
)
def test_a_law_outside_the_region_has_no_efficiency(law, region):
    with pytest.raises(ModelError, match="is not one on x in"):
        efficiency(Model("y ~ x", laws={"x": law}), LINE_AT, region={"x": region})
