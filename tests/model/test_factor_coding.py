"""Coding: models that hold their margins have independent columns and span their cells; the rule, term by term."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import patsy
import pytest

from leadterms import ModelError
from leadterms.model.data_columns import read_columns
from leadterms.model.factor_coding import coded_columns
from leadterms.model.formula import read_formula

CELLS = list(product("pqr", "uv", "st"))


def columns(right):
    """All cells of three factors, four times, with a covariate."""
    rows = CELLS * 4
    data = {name: [row[place] for row in rows] for place, name in enumerate("abc")}
    data["x"] = list(np.random.default_rng(0).normal(size=len(rows)))
    return coded_columns(read_formula(f"y ~ {right}").terms, read_columns(data, ["a", "b", "c", "x"]))


@pytest.mark.parametrize(
    ("right", "dimension"),
    [
        ("a*b*c", 12),
        ("0 + a*b*c", 12),
        ("0 + a:b:c", 12),
        ("a/b/c", 12),
        ("a*b + b*c", 8),
        ("(a + b + c)^2", 10),
        ("x*a*b", 12),
        ("0 + x*a", 6),
        ("x + x:a", 4),
        ("0 + x:a", 3),
        ("a + x:a", 6),
        ("a + a:b + a:b:x", 12),
    ],
)
def test_columns_are_independent_and_as_many_as_the_model_has_dimensions(right, dimension):
    X = np.hstack([matrix for _, matrix in columns(right)])
    assert X.shape[1] == np.linalg.matrix_rank(X) == dimension


def test_names_and_columns_go_together():
    for names, matrix in columns("x*a*b + c"):
        assert len(names) == matrix.shape[1]
    names, matrix = columns("a:b")[1]
    assert names == ("ap:bu", "aq:bu", "ar:bu", "ap:bv", "aq:bv", "ar:bv")
    np.testing.assert_array_equal(matrix.sum(axis=1), np.ones(48))


ORDERED = {
    "z": pd.Categorical(list("aabbcc") * 20 + list("cc") * 10, categories=list("dcba")),
    "k": pd.Categorical([3, 1, 2, 1, 2, 3, 3] * 20, categories=[3, 1, 2]),
    "b": np.arange(140) % 4 == 0,
    "x": np.random.default_rng(1).normal(size=140),
}


@pytest.mark.parametrize("frame", [True, False])
@pytest.mark.parametrize("right", ["z", "0 + z", "z*k", "b", "0 + b", "x*b", "z + k:x", "0 + k:x", "z*b*k"])
def test_columns_and_names_are_those_of_patsy(right, frame):
    """Patsy knows the categories and truth values of pandas; its names write a level as [c] or [T.c]."""
    data = pd.DataFrame(ORDERED) if frame else ORDERED
    known = pd.DataFrame(ORDERED)
    known["z"] = known["z"].cat.remove_unused_categories()
    expected = patsy.dmatrix(right, known, return_type="dataframe")
    coded = coded_columns(read_formula(f"y ~ {right}").terms, read_columns(data, list(ORDERED)))
    found = {name: column for names, matrix in coded for name, column in zip(names, matrix.T, strict=True)}
    names = expected.columns.str.replace(r"\[(T\.)?(.*?)\]", r"\2", regex=True).str.replace("Intercept", "1")
    assert sorted(found) == sorted(names)
    for name, column in zip(names, expected.to_numpy().T, strict=True):
        np.testing.assert_array_equal(found[name], column)


def test_the_reference_is_the_first_category():
    names, matrix = coded_columns(read_formula("y ~ z").terms, read_columns(ORDERED, ["z"]))[1]
    assert names == ("zb", "za")
    assert matrix.sum(axis=0).tolist() == [40, 40]


def test_what_can_be_calculated_with():
    columns = read_columns(ORDERED, list(ORDERED))
    ((_, matrix),) = coded_columns(read_formula("y ~ 0 + I(2*b)").terms, columns)
    assert set(matrix.ravel()) == {0, 2}
    with pytest.raises(ModelError, match="the column 'k' is categorical and cannot be calculated with in I"):
        coded_columns(read_formula("y ~ I(k**2)").terms, columns)
    with pytest.raises(ModelError, match="the column 'b' has a single value, True: leave it out"):
        coded_columns(read_formula("y ~ b").terms, read_columns({"b": [True, True]}, ["b"]))
