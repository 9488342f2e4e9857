"""Matrices of formulas for data: formulae and patsy as independent readers, R's columns by hand, and the refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from leadterms.errors import ModelError, ReadingError
from leadterms.model.data_design import data_design

ROWS = 60


def frame(seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=ROWS),
            "x": rng.uniform(1, 2, size=ROWS),
            "z": rng.normal(size=ROWS),
            "a": rng.choice(["p", "q", "r"], ROWS),
            "b": rng.choice(["u", "v"], ROWS),
            "g": rng.integers(1, 7, ROWS),
        }
    )


def random_right_hand_side(rng):
    pool = ["x", "z", "a", "b", "x:a", "x:z", "a:b", "b:z", "x:b", "x:a:b", "a*b", "x*a", "a/b", "x*a*b", "x/b"]
    terms = list(rng.choice(pool, int(rng.integers(1, 5)), replace=False))
    return ("0 + " if rng.random() < 0.3 else "") + " + ".join(terms)


def span_projector(matrix):
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    basis = left[:, values > 1e-9 * values[0]]
    return basis @ basis.T


@pytest.mark.parametrize("seed", range(60))
def test_the_columns_span_what_formulae_and_patsy_span(seed):
    """The columns differ where those packages code as few columns as span the same; the spans do not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from formulae import design_matrices
        from patsy import dmatrix
    data, right = frame(seed), random_right_hand_side(np.random.default_rng(seed))
    spans = span_projector(data_design(f"y ~ {right}", data).X)
    np.testing.assert_allclose(spans, span_projector(np.asarray(dmatrix(right, data))), atol=1e-8, err_msg=right)
    try:
        other = np.asarray(design_matrices(f"y ~ {right}", data).common)
    except IndexError:  # formulae 0.9 fails on an interaction of factors without main effects; patsy was compared
        assert ":" in right or "/" in right
        return
    np.testing.assert_allclose(spans, span_projector(other), atol=1e-8, err_msg=right)


# What R's colnames(model.matrix(~ ..., contrasts: treatment)) gives, "(Intercept)" written 1.
IN_R = [
    ("x", "1 x"),
    ("a", "1 aq ar"),
    ("0 + a", "ap aq ar"),
    ("0 + a + b", "ap aq ar bv"),
    ("0 + x + a", "x ap aq ar"),
    ("a*b", "1 aq ar bv aq:bv ar:bv"),
    ("x*a", "1 x aq ar x:aq x:ar"),
    ("x:a", "1 x:ap x:aq x:ar"),
    ("x + x:a", "1 x x:aq x:ar"),
    ("a + a:b", "1 aq ar ap:bv aq:bv ar:bv"),
    ("a:b", "1 ap:bu aq:bu ar:bu ap:bv aq:bv ar:bv"),
    ("b + a:b", "1 bv bu:aq bv:aq bu:ar bv:ar"),
    ("0 + a:b", "ap:bu aq:bu ar:bu ap:bv aq:bv ar:bv"),
    ("a/x", "1 aq ar ap:x aq:x ar:x"),
    ("I(x^2) + x", "1 I(x**2) x"),
    ("x*z", "1 x z x:z"),
]


@pytest.mark.parametrize(("right", "columns"), IN_R)
def test_the_columns_are_those_of_r(right, columns):
    assert data_design(f"y ~ {right}", frame()).names == tuple(columns.split())


def test_columns_follow_their_names():
    data = frame()
    design = data_design("y ~ x*a + I(x^2):z + I(exp(z)/2)", data)
    column = dict(zip(design.names, design.X.T, strict=True))
    np.testing.assert_array_equal(column["1"], np.ones(ROWS))
    np.testing.assert_array_equal(column["x:aq"], data["x"] * (data["a"] == "q"))
    np.testing.assert_allclose(column["I(x**2):z"], data["x"] ** 2 * data["z"], rtol=1e-14)
    np.testing.assert_allclose(column["I(exp(z)/2)"], np.exp(data["z"]) / 2, rtol=1e-14)
    np.testing.assert_array_equal(design.y, data["y"])


def test_cases_in_which_columns_of_r_are_dependent_or_too_few():
    """R codes f in full in ``0 + x + x:f``, although x is there, and b by contrasts in ``x:a + a:b``."""
    data = frame()
    assert data_design("y ~ 0 + x + x:a", data).names == ("x", "x:aq", "x:ar")
    assert len(data_design("y ~ x:a + a:b", data).names) == 1 + 3 + 6


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ x + (1 | g)", "sigma2 phi"),
        ("y ~ x + (x | g)", "Sigma11 Sigma12 Sigma22 phi"),
        ("y ~ x + (x || g)", "Sigma11 Sigma22 phi"),
        ("y ~ x + z + (x + z | g)", "Sigma11 Sigma12 Sigma13 Sigma22 Sigma23 Sigma33 phi"),
        ("y ~ x + (1 | a) + (1 | a:b)", "sigma2_a sigma2_a_b phi"),
        ("y ~ x + (1 | a/b)", "sigma2_a sigma2_a_b phi"),
        ("y ~ x + (x | g) + (1 | a)", "Sigma11_g Sigma12_g Sigma22_g sigma2_a phi"),
        ("y ~ x + (1 | g) + (0 + x | g)", "Sigma11 Sigma22 phi"),
        ("y ~ x + (0 + x | g)", "sigma2 phi"),
        ("y ~ a + (a | g)", "Sigma11 Sigma12 Sigma13 Sigma22 Sigma23 Sigma33 phi"),
    ],
)
def test_names_of_variance_parameters(formula, names):
    assert data_design(formula, frame()).variance_names == tuple(names.split())


def test_random_designs():
    data = frame()
    intercepts, cells = data_design("y ~ x + (1 + x | g) + (1 | a:b)", data).random
    assert intercepts.effects == ("1", "x")
    assert [level for (level,) in intercepts.levels] == sorted(set(data["g"]))
    ones, slopes = intercepts.designs
    for column, (level,) in enumerate(intercepts.levels):
        np.testing.assert_array_equal(ones[:, column], data["g"] == level)
        np.testing.assert_array_equal(slopes[:, column], data["x"] * (data["g"] == level))
    assert cells.levels == tuple(sorted(set(zip(data["a"], data["b"], strict=True))))
    assert cells.designs[0].sum(axis=1).tolist() == [1] * ROWS


def test_a_mapping_of_lists_is_as_good_as_a_frame():
    data = frame()
    plain = {name: list(data[name]) for name in data}
    first, second = (data_design("y ~ x*a + (x | g)", given) for given in (data, plain))
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.random[0].designs, second.random[0].designs)


def test_random_effects_need_their_fixed_effect_in_the_span_of_x():
    data = frame()
    assert data_design("y ~ x:b + (x | g)", data).random[0].effects == ("1", "x")  # x = x:bu + x:bv
    assert data_design("y ~ 0 + b + (1 | g)", data).random[0].effects == ("1",)
    for formula, shown in (
        ("y ~ z + (x | g)", "random effect of x within g"),
        ("y ~ 0 + x + (1 | g)", "random effect of intercept within g"),
        ("y ~ x + (b | a)", "random effect of bv within a has no fixed effect: add b to"),
    ):
        with pytest.raises(ModelError, match=shown):
            data_design(formula, data)
        assert data_design(formula, data, null=True).random  # a hypothesis within a larger model


def changed(**columns):
    return {**{name: list(frame()[name]) for name in ("y", "x", "a", "g")}, **columns}


@pytest.mark.parametrize(
    ("formula", "data", "message"),
    [
        ("y ~ w", changed(), "no column 'w': they have y, x, a, g"),
        ("y ~ x", changed(x=[1.0, 2.0]), "'y' and 'x' have 60 and 2 rows"),
        ("y ~ x", changed(x=[1.0] * 59 + [float("nan")]), "'x' misses its value in row 60"),
        ("y ~ x", changed(x=[1.0, None] * 30), "'x' misses its value in row 2"),
        ("y ~ x", changed(x=[1.0, pd.NA] * 30), "'x' misses its value in row 2"),
        ("y ~ x", changed(x=[1.0, "b"] * 30), r"'x' mixes numbers and text \(row 2\)"),
        ("y ~ x", changed(x=[1.0, float("inf")] * 30), "'x' is infinite in row 2"),
        ("y ~ x", changed(x=[1.0, 1j] * 30), "'x' holds a complex in row 2"),
        ("y ~ x", changed(x="abc"), "'x' is a sequence of numbers, of text or of categories, not str"),
        ("y ~ x", changed(x=[]), "'x' has no rows"),
        ("y ~ x", changed(y=["a"] * 60), "response 'y' holds text"),
        ("y ~ b", changed(b=["u"] * 60), "'b' has a single value, 'u'"),
        ("y ~ I(x*a)", changed(), r"'a' holds text and cannot be calculated with in I\(x\*a\)"),
        ("y ~ I(log(x))", changed(x=[1.0, -1.0] * 30), r"I\(log\(x\)\) has no finite real value in row 2"),
        ("y ~ x", [1, 2, 3], "the data are a mapping of column names"),
    ],
)
def test_refusals(formula, data, message):
    with pytest.raises(ModelError, match=message):
        data_design(formula, data)


def test_a_formula_that_cannot_be_read_points_at_the_place():
    with pytest.raises(ReadingError):
        data_design("y ~ x +", frame())
