"""Coding: models that hold their margins have independent columns and span their cells; the rule, term by term."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

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
