"""Strata: Nelder's for crossed and nested layouts, by their dimensions and variances; none where nothing commutes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from leadterms.errors import ModelError
from leadterms.inference import strata as module
from leadterms.inference.strata import strata
from leadterms.information.effect_blocks import EffectBlock, covariance_derivatives
from leadterms.information.general_linear import linear_covariance
from leadterms.model.data_design import data_design


def layout(*sizes, names="abcde"):
    cells = list(product(*map(range, sizes)))
    columns = {name: list(values) for name, values in zip(names, zip(*cells, strict=True), strict=False)}
    return columns | {"y": np.random.default_rng(0).normal(size=len(cells)), "x": np.arange(len(cells), dtype=float)}


# Dimension and variance of every stratum, by Nelder's rules: a, b levels, n replicates.
NELDER = [
    ((5, 4), "y ~ 1 + (1 | a)", {"phi + 4 sigma2": 5, "phi": 15}),
    (
        (5, 4, 3),
        "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)",
        {
            "phi + 12 sigma2_a + 15 sigma2_b + 3 sigma2_a_b": 1,
            "phi + 12 sigma2_a + 3 sigma2_a_b": 4,
            "phi + 15 sigma2_b + 3 sigma2_a_b": 3,
            "phi + 3 sigma2_a_b": 12,
            "phi": 40,
        },
    ),
    (
        (5, 4, 3),
        "y ~ 1 + (1 | a/b)",
        {"phi + 12 sigma2_a + 3 sigma2_a_b": 5, "phi + 3 sigma2_a_b": 15, "phi": 40},
    ),
    ((4, 3), "y ~ 1 + (1 | a) + (1 | b)", {"phi + 3 sigma2_a + 4 sigma2_b": 1, "phi + 3 sigma2_a": 3,
                                          "phi + 4 sigma2_b": 2, "phi": 6}),
]  # fmt: skip


@pytest.mark.parametrize(("sizes", "formula", "expected"), NELDER)
def test_balanced_layouts(sizes, formula, expected):
    found = strata(data_design(formula, layout(*sizes)))
    assert {stratum.name: stratum.basis.shape[1] for stratum in found} == expected
    assert found[-1].name == "phi"


@pytest.mark.parametrize(("sizes", "formula", "expected"), NELDER)
def test_v_is_a_multiple_of_the_identity_on_each(sizes, formula, expected):
    design = data_design(formula, layout(*sizes))
    derivatives = covariance_derivatives([EffectBlock(random.designs) for random in design.random], len(design.y))
    theta = np.random.default_rng(1).uniform(0.5, 2, len(derivatives))
    V = linear_covariance(theta, derivatives)
    for stratum in strata(design):
        np.testing.assert_allclose(V @ stratum.basis, np.dot(stratum.weights, theta) * stratum.basis, atol=1e-10)
    assert sum(expected.values()) == len(design.y)


def test_unequal_groups_have_a_stratum_for_each_size():
    data = {"y": [1.0, 2, 4, 3, 5, 6, 7], "g": list("aabbccc")}
    found = strata(data_design("y ~ 1 + (1 | g)", data))
    shown = {stratum.name: stratum.basis.shape[1] for stratum in found}
    assert shown == {"phi + 2 sigma2": 2, "phi + 3 sigma2": 1, "phi": 4}


def test_unbalanced_crossing_has_none():
    data = layout(4, 3)
    data = {name: list(column)[:-1] for name, column in data.items()}
    assert strata(data_design("y ~ 1 + (1 | a) + (1 | b)", data)) is None


def test_random_slopes_have_none():
    assert strata(data_design("y ~ x + (x | a)", layout(4, 3))) is None


def test_too_many_observations_are_refused(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 11)
    with pytest.raises(ModelError, match="12 observations"):
        strata(data_design("y ~ 1 + (1 | a)", layout(4, 3)))
