"""Strata of balanced layouts against V written out observation by observation."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np
import pytest

from leadterms.errors import ModelError
from leadterms.information.balanced import balanced_model
from leadterms.information.strata import strata_of
from leadterms.model.statement import Model
from tests.information.explicit_layouts import (
    Grid,
    component_information,
    covariance,
    number,
    numbers,
    residual_maker,
)

LAYOUTS = {
    "none": ("", (("units", 5),)),
    "one-way": ("a", (("a", 3), ("units", 4))),
    "a/b": ("a, a:b", (("a", 2), ("b", 3), ("units", 4))),
    "a/b/c": ("a, a:b, a:b:c", (("a", 2), ("b", 3), ("c", 2), ("units", 2))),
    "crossed": ("a, b", (("a", 3), ("b", 4), ("units", 2))),
    "interaction": ("a, b, a:b", (("a", 3), ("b", 2), ("units", 3))),
    "shared parent": ("a:b, a:c", (("a", 2), ("b", 3), ("c", 2), ("units", 2))),
    "b and c together": ("a, b:c", (("a", 3), ("b", 2), ("c", 2), ("units", 2))),
    "three with all": ("a, b, c, a:b, a:c, b:c, a:b:c", (("a", 2), ("b", 2), ("c", 3), ("units", 2))),
    "cells only": ("a:b", (("a", 2), ("b", 3), ("units", 2))),
    "one unit": ("a, b", (("a", 3), ("b", 4), ("units", 1))),
}


def random_layout(seed: int) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Return a random set of groupings over up to three factors, and sizes from two to four."""
    draw = Random(seed)
    every = [":".join(part) for size in (1, 2, 3) for part in combinations("abc", size)]
    chosen = draw.sample(every, draw.randint(1, 4))
    names = sorted({name for grouping in chosen for name in grouping.split(":")})
    shape = tuple((name, draw.randint(2, 3)) for name in names)
    return ", ".join(chosen), (*shape, ("units", draw.randint(2, 4)))


CASES = {**LAYOUTS, **{f"random {seed}": random_layout(seed) for seed in range(24)}}


def parts(case):
    text, shape = CASES[case]
    groupings = [tuple(grouping.split(":")) for grouping in text.split(", ") if grouping]
    stated = "".join(f" + (1 | {':'.join(grouping)})" for grouping in groupings)
    return Model(f"y ~ 1{stated}"), Grid(shape), groupings


@pytest.fixture(params=CASES)
def case(request):
    model, grid, groupings = parts(request.param)
    strata = strata_of(model)
    return model, strata, grid, covariance(grid, groupings, strata, seed=len(request.param))


def test_eigenvalues_with_multiplicity(case):
    _, strata, grid, v = case
    ranks = [number(stratum.rank, v.values) for stratum in strata]
    assert sum(ranks) == grid.total
    assert all(rank == int(rank) for rank in ranks)
    ours = sorted(
        number(s.eigenvalue, v.values) for s, rank in zip(strata, ranks, strict=True) for _ in range(int(rank))
    )
    assert ours == pytest.approx(np.linalg.eigvalsh(v.whole), rel=1e-12, abs=1e-13 * np.abs(v.whole).sum(axis=0).max())


def test_the_strata_have_names_and_eigenvalues_of_their_own(case):
    _, strata, _, _ = case
    assert len({stratum.name for stratum in strata}) == len({s.eigenvalue for s in strata}) == len(strata.strata)
    assert strata.mean_stratum is strata.strata[0]
    assert strata.strata[-1].name == "residual"
    assert all(strata[stratum.name] is stratum for stratum in strata)


def test_the_mean_has_the_eigenvalue_of_its_stratum(case):
    _, strata, grid, v = case
    ones = np.ones(grid.total)
    eigenvalue = number(strata.mean_stratum.eigenvalue, v.values)
    np.testing.assert_allclose(v.whole @ ones, eigenvalue * ones, rtol=1e-13)


def test_inverse_entry_by_entry(case):
    _, strata, grid, v = case
    found = np.zeros((grid.total, grid.total))
    for chosen, coefficient in strata.inverse.items():
        names = [name for i in chosen for name in (strata.layout.factors[i].names or ("units",))]
        found += number(coefficient, v.values) * grid.same(names)
    np.testing.assert_allclose(found, v.inverse, rtol=1e-12, atol=1e-13 * np.abs(v.inverse).max())


def test_log_determinant(case):
    _, strata, _, v = case
    sign, value = np.linalg.slogdet(v.whole)
    assert sign == 1
    assert number(strata.log_determinant, v.values) == pytest.approx(value, rel=1e-12, abs=1e-12)


def test_information_of_the_components(case):
    model, _, _, v = case
    expected = component_information(v.inverse, v.slopes)
    found = numbers(balanced_model(model).ml_information, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * expected.max())


def test_restricted_information_of_the_components_with_a_mean(case):
    model, _, grid, v = case
    expected = component_information(residual_maker(v.inverse, np.ones((grid.total, 1))), v.slopes)
    found = numbers(balanced_model(model).reml_information, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * expected.max())


def test_the_random_layouts_are_of_many_kinds():
    found = {frozenset(CASES[f"random {seed}"][0].split(", ")) for seed in range(24)}
    assert len(found) > 12
    assert {len(groupings) for groupings in found} == {1, 2, 3, 4}


def test_a_random_slope_is_refused():
    model = Model("y ~ x + (1 + x | a) + (1 | b)", laws={"x": "Normal(0, 1)"})
    with pytest.raises(ModelError, match=r"the random slope of x within a leaves the algebra of strata"):
        strata_of(model)


@pytest.mark.parametrize(("family", "link"), [("poisson", None), ("gaussian", "log"), ("bernoulli", "probit")])
def test_other_families_and_links_are_refused(family, link):
    model = Model("y ~ 1 + (1 | a)", family=family, link=link)
    with pytest.raises(ModelError, match=rf"need a Gaussian response with the identity link, not {family} with"):
        strata_of(model)


def test_an_unknown_stratum_is_named_with_the_known_ones():
    with pytest.raises(ModelError, match=r"no stratum 'c': there are 1, a, b, residual"):
        strata_of(Model("y ~ 1 + (1 | a) + (1 | b)"))["c"]
