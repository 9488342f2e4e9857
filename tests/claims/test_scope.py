"""Written symbols mean what the model has, and nothing else."""

import pytest
from sympy import sqrt

from leadterms.claims.scope import claim_scope, predictor_label, unlabelled, written
from leadterms.model.statement import Model
from leadterms.notation.symbols import HARMONIC, M_PRIME, PHI, SIGMA2, TOTAL, M, N, effect_covariance
from leadterms.notation.symbols import variance_component as component
from tests.claims.models import STATEMENTS, model, scope

S = r"\sigma"


def test_fixed_effects_have_their_index_and_their_term():
    names = scope("slopes").names
    assert names[r"\beta", "2", 0] == names[r"\beta", "x2", 0] == model("slopes").fixed_effects[2]
    assert (r"\beta", "3", 0) not in names
    assert (r"\beta", "", 0) not in names


def test_one_variance():
    names = scope("poisson mixed").names
    assert names[S, "", 0] == names[S, "u", 0] == names[S, "group", 0] == sqrt(SIGMA2)
    assert names[r"\Sigma", "11", 0] == SIGMA2
    assert not {(S, "", 1), (S, "e", 0), (r"\phi", "", 0)} & names.keys()


def test_two_crossed_variances():
    names = scope("crossed").names
    assert names[S, "", 0] == names[S, "a", 0] == names[S, "1", 0] == sqrt(component(["a"]))
    assert names[S, "", 1] == names[S, "b", 0] == names[S, "2", 0] == sqrt(component(["b"]))
    assert names[S, r"\varepsilon", 0] == sqrt(PHI)
    assert names["m", "", 1] == M_PRIME


def test_nested_variances_have_no_plain_sigma():
    names = scope("nested").names
    assert names[S, "ab", 0] == names[S, "a:b", 0] == sqrt(component(["a", "b"]))
    assert not {(S, "", 0), (S, "", 1), (S, "b", 0)} & names.keys()
    assert ("m", "", 0) not in names


def test_error_variance_is_plain_sigma_where_no_effect_has_it():
    assert scope("gaussian").names[S, "", 0] == sqrt(PHI)
    assert scope("gaussian mixed").names[S, "", 0] == sqrt(SIGMA2)
    assert "random effect" in scope("gaussian mixed").remarks[S, "", 0]
    assert "error variance" in scope("gaussian").remarks[S, "", 0]
    assert (S, "", 0) not in scope("slopes").names


def test_covariances():
    names = scope("clinics").names
    own = effect_covariance(1, 2, ["clinic"])
    assert names[r"\Sigma", "12", 0] == names[r"\Sigma", "clinic,21", 0] == names[r"\Sigma", "1,2", 0] == own
    assert names[S, "", 1] == sqrt(component(["b"]))
    assert (S, "", 0) not in names


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name != "clash"])
def test_sizes_and_parameters(name):
    found = scope(name)
    assert found.parameters == model(name).parameters
    assert set(model(name).layout.sizes) <= set(found.sizes)
    assert ({TOTAL, HARMONIC} <= set(found.sizes)) == (model(name).layout.sizes == (M, N))
    reached = {s for value in found.names.values() for s in value.free_symbols}
    assert set(found.parameters) <= reached


def test_clash():
    assert scope("clash").clashes == {(S, "", 0)}


def test_laws_bring_their_parameters_and_predictors():
    found = scope("crossed")
    assert str(found.names[r"\mu", "", 0]) == "mu"
    assert set(found.predictors) == {("x", "", 0), ("X", "", 0)}
    assert scope("logistic two-point").words == {"arm", "ARM", "Arm"}


def test_letters_that_differ_in_case_only_are_kept_apart():
    found = claim_scope(
        Model("y ~ x + X + u + (1 | g)", laws={"x": "Normal(0, U)", "X": "Normal(0, 1)", "u": "Beta(1, 2)"})
    )
    assert {key[0]: str(x) for key, x in found.predictors.items()} == {"x": "x", "X": "X", "u": "u"}
    assert {key[:2] for key in found.effects} == {("u", "0"), ("U", "0"), ("u", "i"), ("U", "i")}


def test_labels():
    assert unlabelled(r"{\mathrm{clinic},\,11}".replace(r"\,", " ")) == "clinic,11"
    assert [predictor_label(label) for label in ("1ij", "ij", "2", "i", "k", "")] == ["1", "", "2", "", "k", ""]
    assert written("Sigma") == (r"\Sigma", "", 0)
