"""Regions: intervals and values, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import ModelError
from leadterms.inference.design_region import read_region


def test_a_grid_is_the_product_of_the_axes():
    region = read_region({"arm": {1, 0}, "x": ("-0.5", 2)}, ["x", "arm"])
    assert region.names == ("x", "arm")
    grid = region.grid(6)
    assert grid.shape == (12, 2)
    assert set(grid[:, 1]) == {0.0, 1.0}
    np.testing.assert_allclose(np.unique(grid[:, 0]), np.linspace(-0.5, 2, 6))


def test_points_are_rounded_and_stay_in_the_region():
    region = read_region({"x": (-1, 3)}, ["x"])
    rounded = region.rounded(np.array([[-1.0 - 1e-12], [3.0], [1 + 1e-13], [0.123456789012345]]))
    assert rounded[:, 0].tolist() == [-1.0, 3.0, 1.0, 0.123456788]


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({}, "the predictor 'x' has no region: give one, such as {'x': (-1, 1)}"),
        ({"x": (-1, 1), "z": (0, 1)}, "'z' in the region is not a predictor of the model: it has x"),
        ({"x": (1, -1)}, "an interval for x has two ends, the lower one first"),
        ({"x": (1, 1)}, "an interval for x has two ends"),
        ({"x": (1, 2, 3)}, "an interval for x has two ends"),
        ({"x": set()}, "the region of x is empty"),
        ({"x": "(-1, 1)"}, "the region of x is a pair of numbers"),
        ({"x": ("a", 1)}, "the region of x is ('a', 1): a number was expected"),
        ({"x": (float("inf"), 1)}, "the region of x is (inf, 1): a finite number was expected"),
        (3, "a region is a mapping such as {'x': (-1, 1)}, not 3"),
    ],
)
def test_refusals(region, message):
    with pytest.raises(ModelError) as refusal:
        read_region(region, ["x"])
    assert str(refusal.value).startswith(message)


def test_four_predictors_are_too_many():
    names = ["a", "b", "c", "d"]
    with pytest.raises(ModelError, match="one to 3 predictors, and the model has 4"):
        read_region(dict.fromkeys(names, (0, 1)), names)
