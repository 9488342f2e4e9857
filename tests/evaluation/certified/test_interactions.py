"""Models with an interaction of predictors beside random effects: certified values against sums."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from leadterms import Model, expansion, leading_terms
from tests.evaluation.certified.second_terms import both_terms, normal, uniform

UNIT, FEW, NORMAL = "Uniform(-1, 1)", "Finite({-1: 1/4, 0: 1/2, 2: 1/4})", "Normal(0, 1)"
POINTS = {UNIT: uniform(-1, 1, 14), FEW: (np.array([-1.0, 0, 2]), np.array([0.25, 0.5, 0.25])), NORMAL: normal(160)}
WEIGHTS = {"bernoulli": lambda eta: 1 / (2 + 2 * np.cosh(eta)), "poisson": np.exp}
MOVED = {"(1 | g)": [0], "(0 + x | g)": [1], "(0 + z | g)": [2], "(x | g)": [0, 1], "(z | g)": [0, 2]}
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("family", "random_part", "laws", "name"),
    [
        ("bernoulli", "(1 | g)", (UNIT, NORMAL), "x"),
        pytest.param("bernoulli", "(x | g)", (UNIT, UNIT), "z", marks=SLOW),
        ("poisson", "(0 + z | g)", (UNIT, NORMAL), "x:z"),
        pytest.param("poisson", "(z | g)", (FEW, NORMAL), "x", marks=SLOW),
        ("poisson", "(0 + x | g)", (UNIT, NORMAL), "x"),
        ("poisson", "(0 + x | g)", (NORMAL, NORMAL), "x:z"),
    ],
    ids=str,
)
def test_against_sums(family, random_part, laws, name):
    draw = random.Random(f"{random_part}{laws}{name}")
    model = Model(f"y ~ x*z + {random_part}", family=family, laws=dict(zip("xz", laws, strict=True)))
    wide = 30 if family == "bernoulli" else 10
    at = {f"beta{k}": f"{draw.randint(-wide, wide)}/20" for k in range(4)}
    if laws == (NORMAL, NORMAL):
        at["beta3"] = "1/5"
    moved, place = MOVED[random_part], ["1", "x", "z", "x:z"].index(name)
    matrix = {"sigma2": "2/5"} if len(moved) == 1 else {"Sigma11": "3/4", "Sigma12": "-1/5", "Sigma22": "1/2"}
    result = expansion(model) if place in moved else leading_terms(model)
    order = {"order": "1/(m*n)"} if place in moved else {}
    value = result[name].evaluate(at | matrix, 3, method="balls", **order)
    (x, p), (z, q) = (POINTS[law] for law in laws)
    x, z = (column.ravel() for column in np.meshgrid(x, z, indexing="ij"))
    leading, second = both_terms(
        WEIGHTS[family],
        (np.stack([np.ones_like(x), x, z, x * z]), np.outer(p, q).ravel()),
        moved,
        [float(Fraction(at[f"beta{k}"])) for k in range(4)],
        [[0.4]] if len(moved) == 1 else [[0.75, -0.2], [-0.2, 0.5]],
        0.25 if len(moved) == 1 else 0.5,
        10.0 if family == "poisson" else 8.0,
    )
    fixed = [k for k in range(4) if k not in moved]
    expected = np.diag(second)[moved.index(place)] if place in moved else np.diag(leading)[fixed.index(place)]
    assert float(str(value)) == pytest.approx(expected, rel=1e-6, abs=float(value.error))
