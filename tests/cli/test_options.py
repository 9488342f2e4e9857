"""Options that commands share: names and laws are taken apart, and nothing is guessed."""

from __future__ import annotations

import click
import pytest

from leadterms import LeadtermsError, ModelError
from leadterms.cli.derive import derive
from leadterms.cli.options import read_model


def model(*laws, levels=(), formula="y ~ x + z + (1 | g)"):
    return read_model(formula, "poisson", None, laws, levels)


def test_laws_come_in_any_order():
    found = model("z=Bernoulli(1/2)", "x=Uniform(0, 1)")
    assert {str(first): str(law) for first, law in found.bindings} == {"z": "Bernoulli(1/2)", "x": "Uniform(0, 1)"}


@pytest.mark.parametrize("name", ["x,z", "x, z", " x ,z "])
def test_a_joint_law_names_several_predictors(name):
    found = model(f"{name}=MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])")
    ((names, _),) = found.bindings
    assert [symbol.name for symbol in names] == ["x", "z"]


def test_an_equals_sign_inside_a_law_belongs_to_the_law():
    with pytest.raises(LeadtermsError) as caught:
        model("x=Uniform(left=0, right=1)", "z=Bernoulli(1/2)")
    assert "Uniform(left=0, right=1)" in str(caught.value)


@pytest.mark.parametrize("text", ["x", "=Uniform(0, 1)", "x=", "x= ", "", "="])
def test_what_is_not_a_pair_is_wrong_usage(text):
    with pytest.raises(click.UsageError, match="not of the form NAME=VALUE"):
        model(text)
    with pytest.raises(click.UsageError, match="write --level 'arm=group'"):
        model("x=Uniform(0, 1)", "z=Uniform(0, 1)", levels=(text,))


def test_a_name_is_given_once():
    with pytest.raises(click.UsageError, match="--law is given twice for 'x'"):
        model("x=Uniform(0, 1)", " x = Normal(0, 1)", "z=Bernoulli(1/2)")


def test_levels_reach_the_model():
    found = model("x=Uniform(0, 1)", "z=Bernoulli(1/2)", levels=("z=g",))
    assert found.levels == (("z", "g"),)
    with pytest.raises(ModelError, match="not a grouping factor"):
        model("x=Uniform(0, 1)", "z=Bernoulli(1/2)", levels=("z=h",))


def test_the_model_options_are_those_of_the_contract():
    names = {option for parameter in derive.params for option in parameter.opts}
    assert {"formula", "--family", "--link", "--law", "--level"} <= names
    assert {"--terms", "--parameter", "--at", "--digits", "--format"} <= names
    assert all(parameter.help for parameter in derive.params if isinstance(parameter, click.Option))
