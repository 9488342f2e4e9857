"""Detectable effects: closed solutions by hand, scipy's root finder, and the power at the effect."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm
from sympy import sqrt

from leadterms import EvaluationError, Model, leading_terms
from leadterms.inference.sample_size import sample_size
from tests.inference.planning_models import derived

Z = norm.ppf(0.975) + norm.ppf(0.9)


def test_a_variance_component_by_hand():
    """One term: sigma2 - b = z sigma2 sqrt(2/m), so sigma2 = b/(1 -+ z sqrt(2/m))."""
    model = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Normal(0, 1)"})
    at, m, b = {"beta0": "0", "beta1": "0"}, 60, 0.5
    up = sample_size(model, "sigma2 = 1/2", at, m=m, n=10, solve="effect", terms=1)
    share = Z * np.sqrt(2 / m)
    assert float(up.value) == pytest.approx(b / (1 - share) - b, rel=1e-9)
    down = sample_size(model, "sigma2 = 1/2", at | {"sigma2": "0.4"}, m=m, n=10, solve="effect", terms=1)
    assert float(down.value) == pytest.approx(b - b / (1 + share), rel=1e-9)
    assert "towards smaller values" in str(down)
    assert "towards smaller values" not in str(up)
    with pytest.raises(EvaluationError, match=r"no effect up to .* has the power: its variance grows"):
        sample_size(model, "sigma2 = 1/2", at, m=20, n=10, solve="effect", terms=1)
    assert Z * np.sqrt(2 / 20) > 1


@pytest.mark.parametrize(("name", "sign"), [("poisson slopes", 1), ("poisson slopes", -1), ("no groups", 1)])
def test_the_root_is_that_of_scipy(name, sign):
    result, at, sizes = derived(name)
    at = at | {"beta1": str(0.3 * sign)}
    plan = sample_size(result, "x = 1/10", at, sizes=sizes, solve="effect")

    def excess(size):
        here = at | {"beta1": repr(0.1 + sign * size)}
        return size - Z * np.sqrt(float(result["x"].evaluate_variance(here, sizes)))

    # at the power of the usual formula, without the wrong side
    assert float(plan.value) == pytest.approx(brentq(excess, 1e-3, 3, xtol=1e-13), rel=1e-9)
    assert float(plan.power) == pytest.approx(0.9, abs=1e-6)


@pytest.mark.slow
def test_where_the_variance_outgrows_every_effect_the_most_is_said():
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Bernoulli(1/2)"})
    at = {"beta0": "0.2", "beta1": "0.5", "sigma2": "0.4"}
    with pytest.raises(EvaluationError, match=r"no effect up to .* at d = .*: give sizes that lower V more") as refused:
        sample_size(model, "x", at, m=4, n=3, solve="effect")
    text = str(refused.value)
    share, place = (float(re.search(before + r" ([\d.]+)", text)[1]) for before in ("reaches", "at d ="))
    result = leading_terms(model)

    def information(d):
        return d**2 / float(result["x"].evaluate_variance(at | {"beta1": repr(d)}, {"m": 4, "n": 3}))

    reached = [information(place * factor) for factor in (0.8, 1, 1.25)]
    assert reached[1] == max(reached)
    # two printed digits
    assert reached[1] / Z**2 == pytest.approx(share, rel=0.05)


def test_the_size_found_for_the_effect_is_the_size_given():
    result, at, sizes = derived("poisson slopes")
    effect = sample_size(result, "x", at, sizes=sizes, solve="effect").value
    # a hair above the effect, the sizes given are enough
    there = at | {"beta1": repr(float(effect) * (1 + 1e-8))}
    assert sample_size(result, "x", there, n=sizes["n"]).value == sizes["m"]
    assert (
        sample_size(result, "x", at | {"beta1": repr(float(effect) * (1 - 1e-8))}, n=sizes["n"]).value == sizes["m"] + 1
    )


def test_a_held_variance_is_one_square_root():
    result, at, sizes = derived("logistic intercept")
    variance = float(result["x"].evaluate_variance(at, sizes))
    plan = sample_size(result, "x", at, sizes=sizes, solve="effect", variance="fixed", sides=1)
    assert float(plan.value) == pytest.approx((norm.ppf(0.95) + norm.ppf(0.9)) * np.sqrt(variance), rel=1e-9)


def test_a_contrast_has_the_variance_at_the_point():
    result, at, sizes = derived("no groups")
    plan = sample_size(result, "x - z", at, sizes=sizes, solve="effect")
    assert plan.value == sample_size(result, "x - z", at, sizes=sizes, solve="effect", variance="fixed").value


def test_a_variance_without_the_parameter_needs_no_root():
    model = Model("y ~ x", laws={"x": "Normal(0, s)"})
    plan = sample_size(leading_terms(model), "x", "phi=2, s=3", n=50, solve="effect")
    assert float(plan.value) == pytest.approx(Z * np.sqrt(2 / 9 / 50), rel=1e-9)
    assert plan.effect == ()


def test_a_scaled_parameter_has_a_scaled_effect():
    result, at, sizes = derived("no groups")
    one = sample_size(result, "x = 1/10", at, sizes=sizes, solve="effect")
    three = sample_size(result, "-3*x = -3/10", at, sizes=sizes, solve="effect")
    assert float(three.value) == pytest.approx(3 * float(one.value), rel=1e-9)


def test_exact_numbers_that_are_not_rational():
    """A null value and a point with roots: the same as at their decimals."""
    result, at, sizes = derived("no groups")
    surd = sample_size(result, "x = sqrt(2)/10", at | {"beta1": sqrt(2) / 5}, sizes=sizes, solve="effect")
    decimal = sample_size(result, "x = 0.14142135623731", at, sizes=sizes, solve="effect")
    assert float(surd.value) == pytest.approx(float(decimal.value), rel=1e-9)
    component = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Normal(0, 1)"})
    at = {"beta0": "0", "beta1": "0", "sigma2": "0.4"}
    down = sample_size(component, "sigma2 = sqrt(2)/2", at, m=60, n=10, solve="effect", terms=1)
    share = Z * np.sqrt(2 / 60)
    assert float(down.value) == pytest.approx(np.sqrt(0.5) * (1 - 1 / (1 + share)), rel=1e-9)


def test_the_search_starts_where_the_parameter_is_positive():
    model = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Bernoulli(1/2)"})
    at = {"beta0": "0.2", "beta1": "0.5", "sigma2": "0.0024"}
    # an effect near the edge of the range is found, and has the power
    size = float(sample_size(model, "sigma2 = 0.04852", at, m=10, n=5, solve="effect").value)
    there = at | {"sigma2": repr(0.04852 - size)}
    reached = sample_size(model, "sigma2 = 0.04852", there, m=10, n=5, solve="power")
    assert float(reached.value) == pytest.approx(0.9, abs=1e-6)
    with pytest.raises(EvaluationError, match="the parameter stays positive") as refused:
        sample_size(model, "sigma2 = 0.005", at, m=16, n=5, solve="effect")
    share = float(re.search(r"reaches ([\d.e-]+)", str(refused.value))[1])
    assert 1e-6 < share < 1
