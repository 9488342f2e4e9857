"""Groups of each arm: shares of the unrounded number, rounded up once."""

from __future__ import annotations

from flint import arb
from sympy import Rational

from leadterms import Model
from leadterms.inference.arms import groups_by_arm
from leadterms.inference.sample_size import sample_size

LAWS = {"x": "Bernoulli(1/2)", "arm": "Finite({0: 1/2, 1: p, 2: 1/2 - p})", "site": "Bernoulli(1/4)"}
MODEL = Model("y ~ arm + site + x + (1 | g)", laws=LAWS, levels={"arm": "g", "site": "g"})


def test_each_share_is_rounded_up():
    (p,) = MODEL.law_parameters
    found = groups_by_arm(MODEL, {p: Rational(1, 10)}, arb("40.2"))
    # 20.1, 4.02 and 16.08; 30.15 and 10.05
    assert found == {"arm": {"0": 21, "1": 5, "2": 17}, "site": {"0": 31, "1": 11}}


def test_predictors_of_observations_and_continuous_ones_have_no_arms():
    laws = {"w": "Normal(0, 1)", "x": "Bernoulli(1/2)"}
    assert groups_by_arm(Model("y ~ w + x + (1 | g)", laws=laws, levels={"w": "g"}), {}, arb(40)) == {}


def test_probabilities_without_value_give_no_arms():
    """The variance of the slope within groups does not depend on the allocation of groups."""
    assert set(groups_by_arm(MODEL, {}, arb(40))) == {"site"}
    model = Model("y ~ arm + x + (1 | g)", laws={"x": "Normal(0, 1)", "arm": "Bernoulli(p)"}, levels={"arm": "g"})
    assert sample_size(model, "x", "beta2=0.5, phi=4", n=5).arms == {}
