"""Columns: what counts as numbers and as text, and expressions row by row."""

from __future__ import annotations

from datetime import date
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
        [Decimal(1), Decimal("2.5"), 1],
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
    with pytest.raises(ModelError, match="'x' holds a date in row 2: give numbers, text or categories"):
        read_columns({"x": [1, date(2020, 1, 1)]}, ["x"])
    with pytest.raises(ModelError, match="'x' misses its value in row 2"):
        read_columns({"x": [1, Decimal("NaN")]}, ["x"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 10**400], "'x' holds a number beyond double precision: rescale it"),
        (np.array(5), "'x' is a sequence of numbers, of text or of categories, not ndarray"),
        (np.ones((2, 2)), "'x' holds a list in row 1"),
        (np.array([1.0, np.nan]), "'x' misses its value in row 2"),
        ([1.0, float("inf")], "'x' is infinite in row 2"),
        (["a", None], "'x' misses its value in row 2"),
        (["a", 1], "'x' mixes numbers and text"),
    ],
)
def test_columns_that_are_refused(given, message):
    with pytest.raises(ModelError, match=message):
        read_columns({"x": given}, ["x"])


@pytest.mark.parametrize(
    ("values", "categories", "levels"),
    [
        (list("abca"), ["d", "c", "b", "a"], ("c", "b", "a")),
        ([3, 1, 2, 3], [3, 1, 2], (3, 1, 2)),
        ([True, False], [True, False], (True, False)),
    ],
)
def test_categories_keep_their_order_and_those_without_rows_are_left_out(values, categories, levels):
    given = pd.Categorical(values, categories=categories)
    for own in (given, pd.Series(given), pd.Series(given.as_ordered()), pd.CategoricalIndex(given)):
        column = read_columns({"x": own}, ["x"])["x"]
        assert (column.numbers, column.values, column.levels) == (None, tuple(values), levels)
        assert [column.levels[code] for code in column.codes] == values


def test_intervals_are_categories():
    column = read_columns({"x": pd.cut([30, 70, 35], [0, 40, 80])}, ["x"])["x"]
    assert [str(level) for level in column.levels] == ["(0, 40]", "(40, 80]"]


def test_categories_that_read_alike_are_refused():
    with pytest.raises(ModelError, match="different categories that read '1': give them different names"):
        read_columns({"x": pd.Categorical([1, "1"], categories=[1, "1"])}, ["x"])


@pytest.mark.parametrize("given", [[True, False], np.array([True, False]), pd.array([True, False], dtype="boolean")])
def test_truth_values_are_numbers_and_levels(given):
    column = read_columns({"x": given}, ["x"])["x"]
    assert (column.levels, column.numbers.tolist(), column.is_factor) == ((False, True), [1, 0], True)


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
