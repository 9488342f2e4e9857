"""Balanced models: ranks, restricted information and separation, against the matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Matrix, eye

from leadterms.errors import ModelError
from leadterms.information.balanced import balanced_model
from leadterms.information.blockwise import inverted
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, SIGMA2, M, N
from tests.information.explicit_layouts import (
    Grid,
    component_information,
    covariance,
    number,
    numbers,
    residual_maker,
)

FINITE = "Finite({1: 1/2, 2: 1/4, 5: 1/4})"
DOSES, ARMS = np.array([1.0, 2.0, 1.0, 5.0]), np.array([0.0, 1.0, 1.0, 0.0])
NORMAL = "Normal(1, 2)"


def normal(grid, over, seed):
    """Return a predictor drawn for each level of some factors."""
    _, place = np.unique(np.stack([grid.levels(name) for name in over]), axis=1, return_inverse=True)
    return np.random.default_rng(seed).normal(1, 2, size=int(place.max()) + 1)[place.ravel()]


def centred(grid, x, within):
    return x - grid.mean_within(within) @ x


def one_way_design(grid):
    x, z = DOSES[grid.levels("units")], ARMS[grid.levels("a")]
    return np.column_stack([np.ones(grid.total), x, z, x * z])


def one_way_centred(grid):
    x, z = centred(grid, normal(grid, ("a", "units"), 1), ("a",)), normal(grid, ("a",), 2)
    return np.column_stack([np.ones(grid.total), x, z, x * z])


def crossed_levels(grid):
    return np.column_stack([np.ones(grid.total), normal(grid, ("a",), 3), normal(grid, ("b",), 4)])


def split_plot(grid):
    t, x = ARMS[grid.levels("b")], DOSES[grid.levels("units")]
    return np.column_stack([np.ones(grid.total), t, x, t * x])


def nested_levels(grid):
    w = centred(grid, normal(grid, ("a", "b"), 5), ("a",))
    x = centred(grid, normal(grid, ("a", "b", "units"), 6), ("a", "b"))
    return np.column_stack([np.ones(grid.total), normal(grid, ("a",), 7), w, x])


def regression(grid):
    return np.column_stack([np.ones(grid.total), normal(grid, ("units",), 8)])


GRIDS = {
    "a": (("a", 4), ("units", 4)),
    "a, b": (("a", 4), ("b", 3), ("units", 2)),
    "a, a:b": (("a", 3), ("b", 4), ("units", 4)),
    "": (("units", 6),),
}
CASES = {
    "one-way, designed": (
        Model("y ~ x*z + (1 | a)", laws={"x": FINITE, "z": "Bernoulli(1/2)"}, levels={"z": "a"}, designed=["x", "z"]),
        "a",
        one_way_design,
    ),
    "one-way, centred": (
        Model("y ~ x*z + (1 | a)", laws={"x": NORMAL, "z": NORMAL}, levels={"z": "a"}, centred={"x": "a"}),
        "a",
        one_way_centred,
    ),
    "crossed, drawn for the levels": (
        Model("y ~ x + z + (1 | a) + (1 | b)", laws={"x": NORMAL, "z": NORMAL}, levels={"x": "a", "z": "b"}),
        "a, b",
        crossed_levels,
    ),
    "split plot": (
        Model(
            "y ~ t*x + (1 | a) + (1 | a:b)",
            laws={"t": "Bernoulli(1/2)", "x": FINITE},
            levels={"t": "b"},
            designed=["t", "x"],
        ),
        "a, a:b",
        split_plot,
    ),
    "nested, centred": (
        Model(
            "y ~ z + w + x + (1 | a/b)",
            laws={"z": NORMAL, "w": NORMAL, "x": NORMAL},
            levels={"z": "a", "w": "a:b"},
            centred={"w": "a", "x": "a:b"},
        ),
        "a, a:b",
        nested_levels,
    ),
    "regression": (Model("y ~ x", laws={"x": NORMAL}), "", regression),
}


@pytest.fixture(params=CASES)
def case(request):
    model, random, design = CASES[request.param]
    grid = Grid(GRIDS[random])
    groupings = [tuple(grouping.split(":")) for grouping in random.split(", ") if grouping]
    balanced = balanced_model(model)
    return balanced, covariance(grid, groupings, balanced.strata, seed=11), design(grid)


def projectors(balanced, v):
    """Return the projectors on the eigenspaces of V, in the order of the strata."""
    values, vectors = np.linalg.eigh(v.whole)
    found = []
    for stratum in balanced.strata:
        own = np.isclose(values, number(stratum.eigenvalue, v.values), rtol=1e-9)
        found.append(vectors[:, own] @ vectors[:, own].T)
    return found


def test_ranks_of_the_fixed_effects_and_of_the_residuals(case):
    balanced, v, x = case
    maker = np.eye(len(x)) - x @ np.linalg.pinv(x)
    for p, fixed, rest in zip(projectors(balanced, v), balanced.fixed_ranks, balanced.residual_ranks, strict=True):
        assert np.linalg.matrix_rank(p @ x, tol=1e-9) == fixed
        assert np.linalg.matrix_rank(maker @ p @ maker, tol=1e-9) == number(rest, v.values)


def test_restricted_information(case):
    balanced, v, x = case
    expected = component_information(residual_maker(v.inverse, x), v.slopes)
    found = numbers(balanced.reml_information, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * expected.max())


def test_least_squares_are_efficient_where_terms_separate(case):
    balanced, v, x = case
    assert balanced.separates
    least = np.linalg.pinv(x)
    np.testing.assert_allclose(least @ v.whole @ least.T, np.linalg.inv(x.T @ v.inverse @ x), rtol=1e-9, atol=1e-11)


def test_terms_are_named_by_stratum():
    balanced = balanced_model(CASES["split plot"][0])
    named = {stratum.name: balanced.terms_in(stratum) for stratum in balanced.strata}
    assert named == {"a": ("1",), "a:b": ("t", "t:x"), "residual": ("x", "t:x")}


@pytest.mark.parametrize(
    ("formula", "laws", "levels"),
    [
        ("y ~ x + (1 | a)", {"x": NORMAL}, {}),
        ("y ~ w + (1 | a/b)", {"w": NORMAL}, {"w": "a:b"}),
        ("y ~ w + (1 | a) + (1 | b) + (1 | a:b)", {"w": NORMAL}, {"w": "a:b"}),
    ],
)
def test_a_term_in_several_strata_is_refused_where_it_matters(formula, laws, levels):
    balanced = balanced_model(Model(formula, laws=laws, levels=levels))
    assert not balanced.separates
    name = balanced.model.term_names[1]
    message = rf"the restricted information is exact only where .* one stratum: {name} has a part in several"
    with pytest.raises(ModelError, match=message):
        _ = balanced.reml_information


@pytest.mark.parametrize("term", ["I(2*x)", "I(1 - x)"])
@pytest.mark.parametrize("random", ["", " + (1 | a)", " + (1 | a) + (1 | b)"])
def test_a_singular_design_is_refused(term, random):
    """A column that repeats others: without the refusal its ranks would pass for those of separate terms."""
    model = Model(f"y ~ x + {term}{random}", laws={"x": NORMAL})
    with pytest.raises(ModelError, match=r"the information of the fixed effects is singular in this layout"):
        balanced_model(model)


def test_designed_values_of_a_coin_have_no_square_of_their_own():
    with pytest.raises(ModelError, match="singular in this layout"):
        balanced_model(Model("y ~ x + I(x^2) + (1 | a)", laws={"x": "Bernoulli(1/2)"}, designed=["x"]))


def test_inverse_by_blocks_and_its_refusal():
    m = Matrix([[M, 0, 0], [0, PHI + 1, SIGMA2], [0, SIGMA2, PHI]])
    assert (m * inverted(m) - eye(3)).applyfunc(lambda entry: entry.cancel()).is_zero_matrix
    for singular in (Matrix([[N, 0], [0, 0]]), Matrix([[N, N], [N, N]])):
        with pytest.raises(ModelError, match="singular in this layout"):
            inverted(singular)


def test_one_way_information_of_the_mean_by_hand():
    """m n/(phi + n sigma2): the variance of the mean of m group means (Searle, Casella and McCulloch, ch. 3)."""
    balanced = balanced_model(Model("y ~ 1 + (1 | a)"))
    assert (balanced.fixed_information[0, 0] - M * N / (PHI + N * SIGMA2)).cancel() == 0
    assert (balanced.fixed_covariance[0, 0] - SIGMA2 / M - PHI / (M * N)).cancel() == 0
