"""Designs from data: columns, names of covariances, and the kinds of groups that group-level predictors make."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model, ModelError
from leadterms.inference.observed_design import observed_design
from leadterms.model.formula import read_formula

RNG = np.random.default_rng(11)
M, SIZE = 12, 6
GROUP = np.repeat(np.arange(M), SIZE)
DATA = {
    "x": RNG.standard_normal(M * SIZE),
    "w": RNG.integers(0, 3, M * SIZE),
    "arm": (GROUP % 2).astype(float),
    "site": np.array(["north", "south", "west"])[GROUP % 3],
    "g": [f"g{i}" for i in GROUP],
}


def design(formula, data=DATA):
    return observed_design(read_formula(formula), data)


@pytest.mark.parametrize(
    "formula", ["y ~ x + (1 | g)", "y ~ x*w + (1 + x | g)", "y ~ x + w + (1 + x || g)", "y ~ x + w + (x + w | g)"]
)
def test_names_are_those_of_the_model_statement(formula):
    found = design(formula)
    model = Model(formula, family="poisson", laws={n: "Normal(0, 1)" for n in ("x", "w") if n in formula})
    assert found.names == model.term_names
    assert found.variance_parameters == model.variance_parameters
    assert found.within == model.random_indices
    assert found.fixed_only == model.effects_design.fixed_only
    assert found.sizes.tolist() == [SIZE] * M
    assert found.kind.tolist() == [0] * M


def test_a_group_level_predictor_moves_the_coefficient_that_it_multiplies():
    found = design("y ~ x + arm + arm:x + w + (1 + x | g)")
    assert found.names == ("1", "x", "arm", "w", "x:arm") or found.names == ("1", "x", "arm", "w", "arm:x")
    assert found.moved == (0, 1, 2, 4)
    assert found.effect == (0, 1, 0, 1)
    assert found.fixed_only == (3,)
    assert found.factor[:, 2].tolist() == found.factor[:, 3].tolist() == [0, 1] * 6
    assert (found.kind[::2] == found.kind[0]).all()
    assert (found.kind[1::2] == found.kind[1]).all()
    assert found.kind[0] != found.kind[1]


def test_it_is_the_split_of_the_model_statement():
    stated = Model(
        "y ~ x + arm + arm:x + w + (1 + x | g)",
        family="poisson",
        laws={"x": "Normal(0, 1)", "w": "Poisson(1)", "arm": "Bernoulli(1/2)"},
        levels={"arm": "g"},
    ).effects_design
    found = design("y ~ x + arm + arm:x + w + (1 + x | g)")
    assert (found.moved, found.effect, found.fixed_only) == (stated.moved, stated.effect, stated.fixed_only)


def test_a_text_column_has_one_column_for_each_level_but_the_first():
    found = design("y ~ x + site + (1 | g)")
    assert found.names == ("1", "x", "sitesouth", "sitewest")
    assert found.moved == (0, 2, 3)
    assert len(set(found.kind)) == 3


def test_kinds_are_found_where_the_intercept_is_not_random():
    found = design("y ~ x + arm + (0 + x | g)")
    assert found.fixed_only == (0, 2)
    assert len(set(found.kind)) == 2


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ x + (1 | g) + (1 | site)", "covered for one grouping factor, not for g, site"),
        ("y ~ 1", "neither predictors nor groups"),
        ("y ~ 0 + x + (1 | g)", "the random effect of intercept has no fixed effect of that name"),
        ("y ~ x + z + (1 | g)", "the data have no column 'z'"),
        ("y ~ arm + site + arm:site + I(2*arm) + (1 | g)", "linear combination"),
    ],
)
def test_what_is_not_covered_is_refused(formula, message):
    with pytest.raises(ModelError, match=message):
        design(formula)


def test_a_continuous_group_level_predictor_is_refused():
    age = np.round(np.linspace(20, 60, M), 1)[GROUP]
    with pytest.raises(ModelError, match="take 12 combinations of values in 12 groups"):
        design("y ~ x + age + (1 | g)", {**DATA, "age": age})
