"""Columns: what counts as numbers and as text, and expressions row by row."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import sympy

from leadterms.errors import ModelError
from leadterms.model.data_columns import evaluate_columns, read_columns

x, z = sympy.symbols("x z", real=True)


@pytest.mark.parametrize(
    "given",
    [
        [1, 2.5, True],
        (np.int64(1), np.float32(2.5), np.bool_(True)),
        np.array([1, 2.5, 1]),
        pd.Series([1, 2.5, 1], index=[7, 8, 9]),
        [Fraction(1), Fraction(5, 2), 1],
    ],
)
def test_numbers_of_any_type(given):
    column = read_columns({"x": given}, ["x"])["x"]
    np.testing.assert_array_equal(column.numbers, [1, 2.5, 1])
    assert column.levels == (1.0, 2.5)


@pytest.mark.parametrize(
    "given", [["b", "a", "b"], np.array(["b", "a", "b"]), pd.Series(list("bab"), dtype="category")]
)
def test_text_of_any_type(given):
    column = read_columns({"x": given}, ["x"])["x"]
    assert (column.numbers, column.values, column.levels) == (None, ("b", "a", "b"), ("a", "b"))


def test_only_the_columns_that_are_wanted_are_read():
    assert list(read_columns({"x": [1], "broken": [None, 2]}, ["x", "x"])) == ["x"]
    assert read_columns({"x": [1]}, []) == {}


def test_what_is_no_number_is_refused():
    with pytest.raises(ModelError, match="'x' holds a Decimal in row 2"):
        read_columns({"x": [1, Decimal(1)]}, ["x"])


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (x, [1.0, 2, 4]),
        (sympy.Integer(3), [3.0, 3, 3]),
        (x**2 * z, [0.5, -4, 32]),
        (sympy.exp(z) / 2 + sympy.sqrt(x), np.exp([0.5, -1, 2]) / 2 + np.sqrt([1, 2, 4])),
        (sympy.Rational(1, 3) * x, np.array([1, 2, 4]) / 3),
        (sympy.Max(x, z) + sympy.tanh(z), np.array([1, 2, 4]) + np.tanh([0.5, -1, 2])),
    ],
)
def test_expressions_row_by_row(expression, values):
    columns = read_columns({"x": [1, 2, 4], "z": [0.5, -1, 2]}, ["x", "z"])
    np.testing.assert_allclose(evaluate_columns(expression, columns, "shown"), values, rtol=1e-14)


def test_a_result_is_no_view_of_the_data():
    columns = read_columns({"x": [1, 2, 4]}, ["x"])
    evaluate_columns(x, columns, "x")[:] = 0
    np.testing.assert_array_equal(columns["x"].numbers, [1, 2, 4])


@pytest.mark.parametrize("expression", [sympy.log(z), sympy.sqrt(z), 1 / (z + 1)])
def test_a_row_without_a_real_value_is_named(expression):
    columns = read_columns({"z": [0.5, -1, 2]}, ["z"])
    with pytest.raises(ModelError, match="I has no finite real value in row 2 of the data"):
        evaluate_columns(expression, columns, "I")
