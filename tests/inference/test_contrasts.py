"""Contrasts: every way of stating rows gives the same numbers; single combinations; what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sympy import Integer, Matrix, Rational, symbols

from leadterms import LeadtermsError, ModelError
from leadterms.inference.contrasts import combination_text, named_parameter, read_combination, read_rows, read_values

B0, B1, B2, S = symbols("beta0 beta1 beta2 sigma2")
NAMED = ((B0, "1"), (B1, "x"), (B2, "x:z"), (S, "sigma2"))
FIXED = 3


@pytest.mark.parametrize(
    "stated",
    [
        "x - beta2/2",
        "beta1 - beta2/2 = 0",
        {"x": 1, "x:z": "-1/2"},
        {B1: 1, "beta2": -0.5},
        [0, 1, -0.5],
        [[0, 1, "-1/2", 0]],
        np.array([0, 1, -0.5]),
        np.array([[0, 1, -0.5, 0]]),
        Matrix([[0, 1, Rational(-1, 2)]]),
        pd.DataFrame([[0, 1, -0.5]], columns=["1", "x", "x:z"]),
        pd.Series([0, 1, -0.5]),
    ],
)
def test_all_ways_state_the_same_row(stated):
    assert read_rows(NAMED, FIXED, stated) == [([0, 1, Rational(-1, 2), 0], 0)]
    assert read_combination(NAMED, FIXED, stated, "contrast") == {B1: 1, B2: Rational(-1, 2)}


def test_right_sides():
    assert read_rows(NAMED, FIXED, ["x = 1/2", "1"]) == [([0, 1, 0, 0], Rational(1, 2)), ([1, 0, 0, 0], 0)]
    for value in (["1/2", 0], np.array([0.5, 0]), pd.Series([0.5, 0]), Matrix([Rational(1, 2), 0])):
        assert read_values(value, 2) == [Rational(1, 2), 0]
    with pytest.raises(ModelError, match="has 2 rows, and 1 values are given for its right side: give one for each"):
        read_values(1, 2)


def test_names_of_parameters():
    assert [named_parameter(NAMED, name) for name in ("(Intercept)", "x:z", B1, "sigma2")] == [B0, B2, B1, S]
    with pytest.raises(
        ModelError, match="unknown name 'w': the known names are 1, beta0, x, beta1, x:z, beta2, sigma2"
    ):
        named_parameter(NAMED, "w")
    assert combination_text({B1: Integer(1), B2: Rational(-1, 2)}) == "beta1 - beta2/2"


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"x": 0}, "the contrast is zero: give a number that is not zero"),
        ({"x": 1, "beta1": 2}, "beta1 is given twice: give it once"),
        ("x = 1", "a contrast has no right side, and 1 is given: leave it out"),
        (["x", "1"], "one contrast is asked for, and 2 are given: give one row"),
        ("x:z - x", "or give numbers by name"),
        (np.ones((2, 2)), "a row of K has 2 entries: there are 3 fixed effects and 4 parameters in all"),
        (3, "a contrast is a text such as 'x', 'x1 - x2' or 'beta1', numbers by name, or a row of numbers, not 3"),
        ([3, "x"], "a row of a contrast is a text such as 'x', 'x1 - x2' or 'beta1', not 3"),
        ([], "the contrast has no rows: give a text such as 'x', 'x1 - x2' or 'beta1'$"),
        ("x + 1", "^the contrast 'x [+] 1' holds a number: leave numbers out, and write the intercept as beta0"),
        ({"x + 1": 1}, "holds a number: leave it out$"),
        ("x*sigma2", "the contrast 'x[*]sigma2' is not linear"),
        ("x +", "^the contrast ends too early"),
    ],
)
def test_refusals(stated, message):
    with pytest.raises(LeadtermsError, match=message):
        read_combination(NAMED, FIXED, stated, "contrast")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (3, "a hypothesis is a text such as 'x', 'x1 - x2', 'x1 - x2 = 1/2' or 'beta1 = 0', several, or a matrix"),
        ("x + 1", "^the left side of the hypothesis 'x [+] 1' holds a number: write numbers on the right of '='"),
        ({"x + 1": 1}, "holds a number: write numbers as the right side, value$"),
        ("x*sigma2 = 1", "the hypothesis 'x[*]sigma2 = 1' is not linear"),
    ],
)
def test_refusals_of_a_hypothesis_speak_of_its_right_side(stated, message):
    with pytest.raises(LeadtermsError, match=message):
        read_rows(NAMED, FIXED, stated)
