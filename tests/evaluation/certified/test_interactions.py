"""Logistic models with an interaction of predictors beside random effects: certified values against sums."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from leadterms import Model, leading_terms
from tests.evaluation.certified.second_terms import both_terms, normal, uniform

UNIT, NORMAL = "Uniform(-1, 1)", "Normal(0, 1)"
POINTS = {UNIT: uniform(-1, 1, 14), NORMAL: normal(60)}
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("random_part", "laws", "name"),
    [
        ("(1 | g)", (UNIT, NORMAL), "x"),
        ("(0 + x | g)", (UNIT, UNIT), "x:z"),
        pytest.param("(0 + z | g)", (UNIT, NORMAL), "x", marks=SLOW),
        pytest.param("(x | g)", (UNIT, UNIT), "z", marks=SLOW),
    ],
    ids=str,
)
def test_against_sums(random_part, laws, name):
    draw = random.Random(f"{random_part}{laws}{name}")
    model = Model(f"y ~ x*z + {random_part}", family="bernoulli", laws=dict(zip("xz", laws, strict=True)))
    at = {f"beta{k}": f"{draw.randint(-30, 30)}/20" for k in range(4)}
    moved = {"(1 | g)": [0], "(0 + x | g)": [1], "(0 + z | g)": [2], "(x | g)": [0, 1]}[random_part]
    matrix = {"sigma2": "4/5"} if len(moved) == 1 else {"Sigma11": "3/4", "Sigma12": "-1/5", "Sigma22": "1/2"}
    place = ["1", "x", "z", "x:z"].index(name)
    value = leading_terms(model)[name].evaluate(at | matrix, 3, method="balls")
    (x, p), (z, q) = (POINTS[law] for law in laws)
    x, z = (column.ravel() for column in np.meshgrid(x, z, indexing="ij"))
    beta = [float(Fraction(at[f"beta{k}"])) for k in range(4)]
    covariance = [[0.8]] if len(moved) == 1 else [[0.75, -0.2], [-0.2, 0.5]]
    leading, _ = both_terms(
        lambda eta: 1 / (2 + 2 * np.cosh(eta)),
        (np.stack([np.ones_like(x), x, z, x * z]), np.outer(p, q).ravel()),
        moved,
        beta,
        covariance,
        0.25 if len(moved) == 1 else 0.5,
        8.0,
    )
    fixed = [k for k in range(4) if k not in moved]
    here = fixed.index(place)
    assert float(value) == pytest.approx(leading[here, here], rel=2e-3)
