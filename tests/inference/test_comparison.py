"""Restrictions: they vanish on the small model's means and on nothing else, however the means are written."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms.errors import ModelError
from leadterms.inference.comparison import has_same_random_part, read_restriction, restriction
from leadterms.model.data_design import data_design


def data(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "y": rng.normal(size=40),
        "x": rng.normal(size=40) * 1e3,
        "a": list(rng.choice(["p", "q", "r"], 40)),
        "b": list(rng.choice(["u", "v"], 40)),
        "g": rng.integers(0, 5, 40),
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("large", "small", "rows"),
    [
        ("x*a", "x + a", 2),
        ("x*a", "1", 5),
        ("a*b", "a:b - 1", None),
        ("a*b", "a + b", 2),
        ("0 + a:b", "a", 3),
        ("0 + a", "1", 2),
        ("x + I(x^2)", "x", 1),
        ("x*a", "x:a", 2),
        ("x", "0 + x", 1),
    ],
)
def test_the_small_means_are_the_null_space(seed, large, small, rows):
    wide, narrow = data_design(f"y ~ {large}", data(seed)), data_design(f"y ~ {small}", data(seed))
    if rows is None:  # the same means, written in cells
        with pytest.raises(ModelError, match="the same mean"):
            restriction(wide, narrow)
        return
    L = restriction(wide, narrow)
    assert L.shape == (rows, wide.X.shape[1])
    np.testing.assert_allclose(L @ L.T, np.eye(rows), atol=1e-12)
    inside = np.linalg.lstsq(wide.X, narrow.X, rcond=None)[0]
    np.testing.assert_allclose(L @ inside / np.linalg.norm(inside, axis=0), 0, atol=1e-9)
    assert np.linalg.matrix_rank(inside) + rows == wide.X.shape[1]


def test_a_zero_mean_restricts_all():
    np.testing.assert_allclose(
        np.abs(restriction(data_design("y ~ x", data()), data_design("y ~ 0", data()))), np.eye(2), atol=1e-12
    )


def test_random_parts_are_compared_as_sets():
    first = data_design("y ~ x + (x | g) + (1 | a:b)", data())
    second = data_design("y ~ 1 + x + (1 | b:a) + (1 + x | g)", data())
    assert has_same_random_part(first, second)
    assert not has_same_random_part(first, data_design("y ~ x + (x || g) + (1 | a:b)", data()))


def test_a_matrix_is_taken_as_it_is():
    wide = data_design("y ~ x", data())
    L, hypothesis = read_restriction(wide, [0, 1], None)
    np.testing.assert_array_equal(L, [[0, 1]])
    assert hypothesis == "L beta = 0 in y ~ x"


def test_refusals():
    wide = data_design("y ~ x", data())
    with pytest.raises(ModelError, match="the large model lacks bv"):
        restriction(wide, data_design("y ~ b", data()))
    with pytest.raises(ModelError, match="different responses"):
        read_restriction(wide, "y ~ 1", data(1))
