"""JSON of a derivation: the layout that other programs parse."""

from __future__ import annotations

import json

import mpmath
import pytest
from sympy import Symbol, sympify

from leadterms import Model, leading_terms
from leadterms.evaluation.wanted import Wanted
from leadterms.publication.json import SCHEMA, derive_record, model_record
from leadterms.reading.numbers import exact_number

LAWS = {"x": "Uniform(-1, 1)"}
GLMM = leading_terms(Model("y ~ x + (1 | group)", family="poisson", laws=LAWS))
LOGISTIC = leading_terms(Model("y ~ x + (1 | group)", family="bernoulli", laws=LAWS))
POINT = "beta0=-1.46, beta1=2.11, sigma2=3.79"
KEYS = {"parameters", "names", "order", "coefficient", "latex", "closed_form", "status", "exists", "condition",
        "condition_is_exact", "value", "error", "certified"}  # fmt: skip


def record(result, values=None, digits=15):
    return json.loads(json.dumps(derive_record(result, result.entries, values, Wanted(digits))))


def test_the_layout_is_the_contract():
    found = record(GLMM)
    assert list(found) == ["schema", "model", "regime", "conditions", "terms"]
    assert found["schema"] == SCHEMA == 1
    assert found["regime"] == "m, n -> oo with n/m -> 0"
    assert found["conditions"] == []
    assert all(set(term) == KEYS for term in found["terms"])


def test_each_unordered_pair_is_listed_once_and_zeros_are_left_out():
    found = record(GLMM)
    assert [term["parameters"] for term in found["terms"]] == [
        ["beta0", "beta0"],
        ["beta1", "beta1"],
        ["sigma2", "sigma2"],
    ]
    assert [term["names"] for term in found["terms"]] == [["1", "1"], ["x", "x"], ["sigma2", "sigma2"]]
    assert [term["order"] for term in found["terms"]] == ["1/m", "1/(m*n)", "1/m"]


def test_structural_zeros_asked_for_are_left_out_too():
    assert derive_record(GLMM, (GLMM["x", "sigma2"],))["terms"] == []


def test_without_a_point_value_and_error_are_null():
    for term in record(GLMM)["terms"]:
        assert (term["value"], term["error"], term["certified"]) == (None, None, False)
        assert (term["exists"], term["condition"], term["status"]) == (True, None, "theorem")


@pytest.mark.parametrize("digits", [1, 11, 50])
def test_values_have_the_digits_asked_for_and_errors_bound_the_printed_value(digits):
    term = record(GLMM, POINT, digits)["terms"][1]
    with mpmath.workdps(100):
        b = mpmath.mpf(211) / 100
        level = mpmath.exp(mpmath.mpf(-146) / 100 + mpmath.mpf(379) / 200)
        truth = b**3 * mpmath.sinh(b) / (level * (mpmath.sinh(b) ** 2 - b**2))
        assert len(term["value"].replace(".", "")) == digits
        assert abs(truth - mpmath.mpf(term["value"])) <= mpmath.mpf(term["error"])
        assert mpmath.mpf(term["error"]) <= mpmath.mpf(10) ** (1 - digits)
    assert term["certified"] is True


def test_tiny_values_are_decimal_text():
    term = record(GLMM, "beta0=0, beta1=1, sigma2=1e-400", 5)["terms"][0]
    assert term["value"] == "1.0000e-400"
    assert exact_number(term["value"]) == exact_number("1e-400")


def test_coefficients_can_be_read_back():
    names = {name: Symbol(name, real=True) for name in ("beta0", "beta1")} | {"sigma2": Symbol("sigma2", positive=True)}
    for entry, term in zip(GLMM, record(GLMM)["terms"], strict=True):
        assert sympify(term["coefficient"], locals=names) == entry.coefficient
        assert term["latex"]


def test_closed_form_is_told_from_held_integral():
    assert [term["closed_form"] for term in record(LOGISTIC)["terms"]] == [True, False, True]
    assert record(LOGISTIC)["terms"][1]["coefficient"].startswith("1/E[")


def test_the_model_is_plain_data():
    model = Model(
        "y ~ x + z + w",
        family="negative-binomial(3/2)",
        laws={"x": "Bernoulli(p)", "z,w": "MultivariateNormal([0, 0], [[1, 0], [0, 1]])"},
    )
    found = json.loads(json.dumps(model_record(model)))
    assert found["formula"] == "y ~ x + z + w"
    assert (found["family"], found["link"]) == ("negative-binomial(3/2)", "log")
    assert set(found["laws"]) == {"x", "z,w"}
    assert found["laws"]["x"] == "Bernoulli(p)"
    assert found["parameters"] == ["beta0", "beta1", "beta2", "beta3"]
    assert found["given"] == ["p"]
    assert found["latex"].startswith(r"\begin{aligned}")


def test_conditions_are_text():
    result = leading_terms(Model("y ~ x", family="poisson", laws={"x": "Exponential(2)"}))
    assert record(result)["conditions"] == ["beta1 < 2"]
