"""What a plan says besides its numbers: which terms it used, and what they leave out."""

from __future__ import annotations

from math import ceil

import pytest
from scipy.stats import norm

from leadterms import Model, balanced_model
from leadterms.inference.sample_size import sample_size
from tests.inference.planning_models import derived

NESTED = Model("y ~ x + (1 | a/b)", laws={"x": "Normal(0, s)"})
AT = "beta0=0.5, beta1=0.2, sigma2_a=1, sigma2_a_b=0.5, phi=2, s=1"
REGIME_NOTE = "leading terms alone: those with n count too where it stays fixed, with regime='m_a, m_b -> oo, n fixed'"


def test_the_orders_are_said():
    result, at, _ = derived("logistic intercept")
    assert sample_size(result, "x", at, n=12).notes[0].startswith("the leading term is of order 1/(m*n)")
    assert sample_size(result, "1", at, n=20).notes == ()
    assert sample_size(result, "1", at, n=20, terms=1).notes[0].startswith("one term of order 1/m does not see")


def test_in_layouts_the_regime_that_keeps_smaller_terms_is_said():
    assert sample_size(NESTED, "1", AT, sizes={"m_b": 4, "n": 3}).notes == (REGIME_NOTE,)
    fixed = sample_size(NESTED, "1", AT, sizes={"m_b": 4, "n": 3}, regime="m_a -> oo, m_b fixed, n fixed")
    assert fixed.notes == ()


def test_in_that_regime_the_size_is_that_of_the_exact_variance():
    """`balanced_model` has the covariance at any size; scipy the quantiles."""
    exact = balanced_model(NESTED).fixed_covariance[0, 0]
    values = {"sigma2_a": 1, "sigma2_a_b": 0.5, "phi": 2, "m_b": 4, "n": 3, "m_a": 1, "s": 1}
    variance = float(exact.subs({symbol: values[symbol.name] for symbol in exact.free_symbols}))
    needed = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2 * variance / 0.25
    plan = sample_size(NESTED, "1", AT, sizes={"m_b": 4, "n": 3}, regime="m_a -> oo, m_b fixed, n fixed")
    assert (plan.value, plan.solve) == (ceil(needed), "m_a")
    assert float(plan.unrounded) == pytest.approx(needed, rel=1e-9)


def test_random_slopes_have_limits_only():
    laws = {"x": "Normal(0, 1)"}
    slopes = Model("y ~ x + (1 + x | a) + (1 + x | b)", laws=laws)
    names = ("Sigma11_a", "Sigma12_a", "Sigma22_a", "Sigma11_b", "Sigma12_b", "Sigma22_b", "phi", "beta1")
    at = dict(zip(names, ("1", "0.1", "0.5", "1", "0.1", "0.5", "2", "0.4"), strict=True))
    plan = sample_size(slopes, "x", at, sizes={"m_prime": 70, "n": 3})
    z2 = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    assert plan.value == ceil(0.5 / (0.16 / z2 - 0.5 / 70))
    assert plan.notes == ("leading terms alone: smaller ones are left out",)


def test_a_model_may_have_predictors_of_groups_without_arms():
    """(sigma2 + phi/n)/m for a group-level predictor of variance 1, where n stays fixed."""
    model = Model("y ~ w + (1 | g)", laws={"w": "Normal(0, 1)"}, levels={"w": "g"})
    at = "beta1=0.5, sigma2=1, phi=4"
    z2 = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    assert sample_size(model, "w", at, n=10).value == ceil(z2 / 0.25)
    assert sample_size(model, "w", at, n=10, regime="m -> oo, n fixed").value == ceil(z2 * 1.4 / 0.25)
