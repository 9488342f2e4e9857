"""Layouts with designs, written out observation by observation, for the tests of mean squares and of exact tests."""

from __future__ import annotations

import numpy as np

from leadterms.information.balanced import balanced_model
from leadterms.information.mean_squares import mean_squares
from leadterms.model.statement import Model
from tests.information.explicit_layouts import Grid, covariance, number

ARMS, AGES = np.array([0.0, 1.0, 1.0, 0.0]), np.array([8.0, 10.0, 12.0, 14.0])
AGE = "Finite({8: 1/4, 10: 1/4, 12: 1/4, 14: 1/4})"


def ones(grid):
    return np.ones((grid.total, 1))


def visits(grid):
    x, z = AGES[grid.levels("units")], ARMS[grid.levels("a")]
    return np.column_stack([np.ones(grid.total), x, z, x * z])


def treatment(grid):
    return np.column_stack([np.ones(grid.total), ARMS[grid.levels("b")]])


def drawn_for_levels(grid):
    generator = np.random.default_rng(12)
    x, z = generator.normal(1, 2, size=4), generator.normal(0, 1, size=3)
    return np.column_stack([np.ones(grid.total), x[grid.levels("a")], z[grid.levels("b")]])


MEAN = "y ~ 1"
CASES = {
    "one-way": (Model(f"{MEAN} + (1 | a)"), "a", (("a", 4), ("units", 3)), ones),
    "a/b": (Model(f"{MEAN} + (1 | a/b)"), "a, a:b", (("a", 3), ("b", 3), ("units", 2)), ones),
    "a/b/c": (
        Model(f"{MEAN} + (1 | a/b/c)"),
        "a, a:b, a:b:c",
        (("a", 3), ("b", 2), ("c", 2), ("units", 2)),
        ones,
    ),
    "crossed": (Model(f"{MEAN} + (1 | a) + (1 | b)"), "a, b", (("a", 4), ("b", 3), ("units", 2)), ones),
    "interaction": (
        Model(f"{MEAN} + (1 | a) + (1 | b) + (1 | a:b)"),
        "a, b, a:b",
        (("a", 3), ("b", 4), ("units", 2)),
        ones,
    ),
    "visits": (
        Model("y ~ x*z + (1 | a)", laws={"x": AGE, "z": "Bernoulli(1/2)"}, levels={"z": "a"}, designed=["x", "z"]),
        "a",
        (("a", 4), ("units", 4)),
        visits,
    ),
    "treatment": (
        Model("y ~ t + (1 | a) + (1 | a:b)", laws={"t": "Bernoulli(1/2)"}, levels={"t": "b"}, designed=["t"]),
        "a, a:b",
        (("a", 3), ("b", 4), ("units", 2)),
        treatment,
    ),
    "drawn for levels": (
        Model(
            "y ~ x + z + (1 | a) + (1 | b)",
            laws={"x": "Normal(1, 2)", "z": "Normal(0, 1)"},
            levels={"x": "a", "z": "b"},
        ),
        "a, b",
        (("a", 4), ("b", 3), ("units", 2)),
        drawn_for_levels,
    ),
}
EXACT = [name for name in CASES if name != "drawn for levels"]


def parts(name):
    model, random, shape, design = CASES[name]
    grid = Grid(shape)
    balanced = balanced_model(model)
    v = covariance(grid, [tuple(g.split(":")) for g in random.split(", ")], balanced.strata, seed=len(name))
    return balanced, grid, v, design(grid)


def projectors(balanced, v, x):
    """Return for every row of the table the projector on its residuals within an eigenspace of V."""
    values, vectors = np.linalg.eigh(v.whole)
    maker = np.eye(len(x)) - x @ np.linalg.pinv(x)
    found = []
    for row in mean_squares(balanced):
        own = vectors[:, np.isclose(values, number(row.stratum.eigenvalue, v.values), rtol=1e-9)]
        found.append(maker @ own @ own.T @ maker)
    return found
