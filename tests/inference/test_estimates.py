"""Estimates: names of R and patsy beside those of parameters and terms, and what is refused in one line."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sympy import Symbol, symbols

from leadterms import EvaluationError
from leadterms.inference.estimates import parameter_values, require_estimates

B0, B1, B2, B3, S = symbols("beta0 beta1 beta2 beta3 sigma2")
LABELS = {"1": B0, "zb": B1, "armTrue": B2, "zb:armTrue": B3, "sigma2": S}


@pytest.mark.parametrize(
    "names",
    [
        ("beta0", "beta1", "beta2", "beta3"),
        ("1", "zb", "armTrue", "zb:armTrue"),
        ("(Intercept)", "zb", "armTRUE", "zb:armTRUE"),  # R
        ("Intercept", "z[T.b]", "arm[T.True]", "z[T.b]:arm[T.True]"),  # patsy
        ("Intercept", "C(z)[T.b]", "arm", "C(z)[T.b]:arm[T.True]"),
        (B0, B1, B2, B3),
    ],
)
def test_names_of_parameters_terms_and_other_software(names):
    given = dict(zip(names, (1, 2, 3, 4), strict=True))
    expected = {"beta0": 1, "beta1": 2, "beta2": 3, "beta3": 4}
    assert parameter_values(LABELS, given) == expected
    if isinstance(names[0], str):
        assert parameter_values(LABELS, pd.Series(given)) == expected


def test_a_name_of_the_model_is_taken_first():
    """A column of the name Intercept, and text levels TRUE, are terms of their own."""
    labels = {"1": B0, "Intercept": B1, "armTRUE": B2}
    assert parameter_values(labels, {"Intercept": 1, "armTRUE": 2}) == {"beta1": 1, "beta2": 2}


@pytest.mark.parametrize("value", [0.3, "0.3", np.float32(0.3), np.array(0.3), np.array([[0.3]]), Decimal("0.3")])
def test_numbers_of_any_type(value):
    from leadterms.reading.numbers import exact_number

    assert exact_number(parameter_values(LABELS, {"zb": value})["beta1"]) == exact_number("3/10")


@pytest.mark.parametrize(
    ("estimates", "message"),
    [
        ({"zc": 1}, r"'zc' is not a parameter of the model: it has beta0 \[1\], beta1 \[zb\], .*, sigma2, p"),
        ({"zb": 1, "beta1": 1}, "beta1 is given twice: give it once"),
        (pd.Series([1, 2], index=["zb", "zb"]), "beta1 is given twice"),
        ({"zb": np.arange(1000)}, "the value of zb is not an exact number: a number was expected .* not a ndarray"),
        ({"zb": pd.NA}, "the value of zb is not an exact number"),
        ({"zb": "one"}, "the value 'one' of zb is not an exact number"),
        (np.arange(3), "a ndarray has no names of parameters: give a mapping"),
        (pd.DataFrame({"zb": [1]}), "a DataFrame has no names of parameters: give a mapping"),
    ],
)
def test_refusals(estimates, message):
    with pytest.raises(EvaluationError, match=message) as refusal:
        parameter_values(LABELS, estimates, [Symbol("p")])
    assert "\n" not in str(refusal.value)


def test_what_is_missing_is_named_with_its_term():
    with pytest.raises(
        EvaluationError, match=r"no estimate is given for beta1 \[zb\], sigma2: add it to the estimates"
    ):
        require_estimates(LABELS, [B1, S])
