"""E[X'V^{-1}X] for random, designed and centred predictors, against sums over all pairs of observations."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from sympy import Integer

from leadterms.errors import ExistenceError, ModelError
from leadterms.information.balanced import balanced_model
from leadterms.information.layout_moments import check_design_sizes, layout_moments, placements
from leadterms.information.strata import strata_of
from leadterms.model.statement import Model
from tests.information.explicit_layouts import (
    Designed,
    Drawn,
    Grid,
    covariance,
    expected_information,
    finite_power,
    normal_power,
    number,
    numbers,
)

SKEW = ("Finite({-1: 1/4, 0: 1/4, 2: 1/2})", finite_power({-1: 0.25, 0: 0.25, 2: 0.5}))
COIN = ("Bernoulli(1/3)", finite_power({0: 2 / 3, 1: 1 / 3}))
BELL = ("Normal(1, 2)", normal_power(1, 2))
DOSES = ("Finite({1: 1/2, 2: 1/4, 5: 1/4})", (1.0, 2.0, 1.0, 5.0))
ARMS = ("Bernoulli(1/2)", (0.0, 1.0))
ONE_WAY = (("a", 3), ("units", 4))
NESTED = (("a", 2), ("b", 3), ("units", 4))
CROSSED = (("a", 3), ("b", 2), ("units", 4))
A, AB, CELLS, OBSERVATIONS = ("a",), ("a", "b"), ("b", "units"), ("a", "b", "units")


def drawn(law, over, centred=None):
    return law[0], Drawn(over, law[1], centred)


def designed(law, over):
    return law[0], Designed(over, law[1])


CASES = {
    "no random effects": ("x", "", (("units", 5),), {"x": drawn(SKEW, ("units",))}, [[0], [1]]),
    "observation level": ("x", "a", ONE_WAY, {"x": drawn(SKEW, ("a", "units"))}, [[0], [1]]),
    "powers": ("x + I(x^2)", "a", ONE_WAY, {"x": drawn(BELL, ("a", "units"))}, [[0], [1], [2]]),
    "group level": ("x", "a", ONE_WAY, {"x": drawn(SKEW, A)}, [[0], [1]]),
    "both levels": (
        "x*z",
        "a",
        ONE_WAY,
        {"x": drawn(BELL, ("a", "units")), "z": drawn(COIN, A)},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "centred": ("x", "a", ONE_WAY, {"x": drawn(SKEW, ("a", "units"), A)}, [[0], [1]]),
    "centred times group level": (
        "x*z",
        "a",
        ONE_WAY,
        {"x": drawn(SKEW, ("a", "units"), A), "z": drawn(COIN, A)},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "designed": ("x", "a", ONE_WAY, {"x": designed(DOSES, "units")}, [[0], [1]]),
    "designed at both levels": (
        "x*z",
        "a",
        (("a", 2), ("units", 4)),
        {"x": designed(DOSES, "units"), "z": designed(ARMS, "a")},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "designed times group level": (
        "x*z",
        "a",
        ONE_WAY,
        {"x": designed(DOSES, "units"), "z": drawn(COIN, A)},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "designed times observation level": (
        "x*z",
        "a",
        ONE_WAY,
        {"x": designed(DOSES, "units"), "z": drawn(BELL, ("a", "units"))},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "nested, all levels": (
        "x + w + z + x:w + x:z",
        "a, a:b",
        NESTED,
        {"x": drawn(SKEW, OBSERVATIONS), "w": drawn(BELL, AB), "z": drawn(COIN, A)},
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1]],
    ),
    "nested, centred in the outer": (
        "w*z",
        "a, a:b",
        NESTED,
        {"w": drawn(SKEW, AB, A), "z": drawn(COIN, A)},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "nested, observations centred in the outer": (
        "x",
        "a, a:b",
        NESTED,
        {"x": drawn(BELL, OBSERVATIONS, A)},
        [[0], [1]],
    ),
    "nested, observations centred in the inner": (
        "x",
        "a, a:b",
        NESTED,
        {"x": drawn(BELL, OBSERVATIONS, AB)},
        [[0], [1]],
    ),
    "crossed, one level each": (
        "x*z",
        "a, b",
        CROSSED,
        {"x": drawn(BELL, A), "z": drawn(COIN, ("b",))},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "crossed, centred in the other": (
        "x*z",
        "a, b",
        CROSSED,
        {"x": drawn(SKEW, ("b",), A), "z": drawn(COIN, A)},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "crossed, treatment by design": (
        "t*x",
        "a, b, a:b",
        CROSSED,
        {"t": designed(ARMS, "b"), "x": drawn(SKEW, OBSERVATIONS)},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
    "crossed, cells": ("w", "a, b, a:b", CROSSED, {"w": drawn(SKEW, AB)}, [[0], [1]]),
    "split plot": (
        "t*x",
        "a, a:b",
        (("a", 3), ("b", 2), ("units", 4)),
        {"t": designed(ARMS, "b"), "x": designed(DOSES, "units")},
        [[0, 0], [1, 0], [0, 1], [1, 1]],
    ),
}
UNITS_OF = {"units"}


def parts(name):
    fixed, random, shape, predictors, terms = CASES[name]
    grid = Grid(shape)
    groupings = [tuple(grouping.split(":")) for grouping in random.split(", ") if grouping]
    bars = "".join(f" + (1 | {':'.join(grouping)})" for grouping in groupings)
    levels, centred, by_design = {}, {}, []
    for x, (_, own) in predictors.items():
        over = (own.over,) if isinstance(own, Designed) else own.over
        if UNITS_OF.isdisjoint(over):
            levels[x] = ":".join(over)
        if isinstance(own, Designed):
            by_design.append(x)
        elif own.centred:
            centred[x] = ":".join(own.centred)
    laws = {x: law for x, (law, _) in predictors.items()}
    model = Model(f"y ~ {fixed}{bars}", laws=laws, levels=levels, centred=centred, designed=by_design)
    v = covariance(grid, groupings, strata_of(model), seed=7)
    return model, grid, v, [own for _, own in predictors.values()], terms


@pytest.fixture(params=CASES)
def case(request):
    return parts(request.param)


def test_expected_information(case):
    model, grid, v, predictors, terms = case
    expected = expected_information(grid, v.inverse, predictors, terms)
    found = numbers(balanced_model(model).fixed_information, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())


def test_covariance_is_the_inverse_of_the_expected_information(case):
    model, grid, v, predictors, terms = case
    expected = np.linalg.inv(expected_information(grid, v.inverse, predictors, terms))
    found = numbers(balanced_model(model).fixed_covariance, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11 * np.abs(expected).max())


DESIGNS = [name for name in CASES if all(isinstance(own, Designed) for _, own in CASES[name][3].values())]


@pytest.mark.parametrize("name", DESIGNS)
def test_designed_predictors_give_the_covariance_of_the_estimators_itself(name):
    model, grid, v, predictors, terms = parts(name)
    x = np.column_stack(
        [np.prod([p.column(grid) ** k for p, k in zip(predictors, term, strict=True)], 0) for term in terms]
    )
    expected = np.linalg.inv(x.T @ np.linalg.solve(v.whole, x))
    found = numbers(balanced_model(model).fixed_covariance, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * np.abs(expected).max())


def test_there_are_designs_of_several_layouts():
    assert len({CASES[name][1] for name in DESIGNS}) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["both levels", "centred times group level", "nested, all levels"])
def test_expected_information_by_simulation(name):
    """Four thousand draws of X; every entry within five Monte-Carlo standard errors."""
    model, grid, v, predictors, terms = parts(name)
    generator = np.random.default_rng(20240315)
    samplers = {
        SKEW[0]: lambda k: generator.choice([-1.0, 0.0, 2.0], size=k, p=[0.25, 0.25, 0.5]),
        COIN[0]: lambda k: generator.binomial(1, 1 / 3, size=k).astype(float),
        BELL[0]: lambda k: generator.normal(1, 2, size=k),
    }
    draws = [samplers[law] for law, _ in CASES[name][3].values()]
    inverse, found = v.inverse, []
    for _ in range(4000):
        columns = [p.sample(grid, draw) for p, draw in zip(predictors, draws, strict=True)]
        x = np.column_stack(
            [np.prod([column**k for column, k in zip(columns, term, strict=True)], axis=0) for term in terms]
        )
        found.append(x.T @ inverse @ x)
    error = np.std(found, axis=0) / np.sqrt(len(found))
    ours = numbers(balanced_model(model).fixed_information, v.values)
    assert np.all(np.abs(np.mean(found, axis=0) - ours) <= 5 * error + 1e-10)
    assert np.all(error < 0.1 * np.abs(ours).max())


def test_joint_laws_at_one_place():
    """Two predictors with covariance 1/2, each observation anew: [1, mu'] and the covariance, by hand."""
    model = Model("y ~ x + w + (1 | a)", laws={"x, w": "MultivariateNormal([1, 2], [[1, 1/2], [1/2, 3]])"})
    grid = Grid(ONE_WAY)
    v = covariance(grid, [A], strata_of(model), seed=3)
    mean, spread = np.array([1.0, 1, 2]), np.array([[0, 0, 0], [0, 1, 0.5], [0, 0.5, 3]])
    expected = np.outer(mean, mean) * v.inverse.sum() + spread * np.trace(v.inverse)
    found = numbers(balanced_model(model).fixed_information, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_means_of_products():
    model = Model("y ~ x*z + (1 | a)", laws={"x": "Normal(3, 1)", "z": "Bernoulli(1/4)"}, levels={"z": "a"})
    assert [str(value) for value in layout_moments(model).mean] == ["1", "3", "1/4", "3/4"]


def test_a_designed_predictor_lies_in_its_own_factor_alone():
    model = Model("y ~ x + (1 | a)", laws={"x": "Bernoulli(1/2)"}, designed=["x"])
    (part,) = layout_moments(model).parts
    assert (part.random, part.designed) == (frozenset(), frozenset({1}))


LAW = {"x": "Normal(0, 1)", "w": "Normal(0, 1)"}
JOINT = {"x, w": "MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])"}


def test_two_centred_predictors_in_one_product_are_refused():
    """The product of two deviations has a group mean, their sample covariance, so that centring is no projection."""
    model = Model("y ~ x*w + (1 | a)", laws=LAW, centred={"x": "a", "w": "a"})
    with pytest.raises(ModelError, match="varies within it: its products need predictors that are constant within"):
        layout_moments(model)
    grid = Grid(ONE_WAY)
    generator = np.random.default_rng(5)
    x, w = (Drawn(("a", "units"), BELL[1], A).sample(grid, lambda k: generator.normal(size=k)) for _ in "xw")
    assert np.abs(grid.mean_within(A) @ (x * w)).max() > 0.1


def test_two_centred_predictors_in_terms_of_their_own_are_covered():
    model = Model("y ~ x + w + (1 | a)", laws=LAW, centred={"x": "a", "w": "a"})
    grid = Grid(ONE_WAY)
    v = covariance(grid, [A], strata_of(model), seed=3)
    both = [Drawn(("a", "units"), normal_power(0, 1), A)] * 2
    expected = expected_information(grid, v.inverse, both, [[0, 0], [1, 0], [0, 1]])
    np.testing.assert_allclose(
        numbers(balanced_model(model).fixed_information, v.values), expected, rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(
    ("formula", "laws", "extra", "message"),
    [
        ("y ~ I(exp(x + w)) + I(exp(x*w)) + (1 | a)", LAW, {}, r"mixes predictors in one function"),
        (
            "y ~ I(x^2) + (1 | a)",
            {"x": LAW["x"]},
            {"centred": {"x": "a"}},
            r"is not linear in a predictor that is centred",
        ),
        ("y ~ x*w + (1 | a)", LAW, {"centred": {"x": "a"}}, r"multiplied by w, which varies within it"),
        ("y ~ x*w + (1 | a)", LAW, {"centred": {"x": "a"}, "designed": ["w"]}, r"multiplied by w, which varies within"),
        ("y ~ x + w + (1 | a)", JOINT, {"levels": {"x": "a"}}, r"have a joint law but live at different places"),
        ("y ~ x + w + (1 | a)", JOINT, {"centred": {"x": "a"}}, r"have a joint law but live at different places"),
        ("y ~ x + w + (1 | a)", JOINT, {"designed": ["w"]}, r"have a joint law but live at different places"),
    ],
)
def test_refusals(formula, laws, extra, message):
    with pytest.raises(ModelError, match=message):
        layout_moments(Model(formula, laws=laws, **extra))


def test_centring_where_nothing_is_left_is_refused():
    with pytest.raises(ModelError, match=r"x is constant within a: centred there nothing is left of it"):
        placements(Model("y ~ x + (1 | a)", laws={"x": "Normal(0, 1)"}, levels={"x": "a"}, centred={"x": "a"}))


@pytest.mark.parametrize("extra", [{"levels": {"x": "b"}}, {"levels": {"x": "b:c"}}, {"centred": {"x": "b"}}])
def test_a_nested_factor_without_its_parent_is_no_level(extra):
    """Room 1 of two schools is two rooms: a predictor drawn for "b" of a/b would be shared by them."""
    with pytest.raises(ModelError, match=r"b is nested in a, so that b(:c)? is no grouping for x: write a:b"):
        Model("y ~ x + (1 | a/b) + (1 | c)", laws={"x": LAW["x"]}, **extra)
    crossed = Model("y ~ x + (1 | a) + (1 | a:b) + (1 | c)", laws={"x": LAW["x"]}, **extra)
    assert len(placements(crossed)) == 1


def test_a_nested_and_a_crossed_reading_are_different_models():
    """What a slash says is part of the statement: nothing remembered of one is given for the other."""
    nested, crossed = (Model(f"y ~ 1 + {random}") for random in ("(1 | a/b)", "(1 | a) + (1 | a:b)"))
    assert nested != crossed
    assert nested.layout == crossed.layout


def test_a_treatment_by_design_may_be_named_without_the_parent():
    """The same values in every parent: over b, whichever way the level is written."""
    stated = {"laws": {"x": "Bernoulli(1/2)"}, "designed": ["x"]}
    short, long = (Model("y ~ x + (1 | a/b)", levels={"x": level}, **stated) for level in ("b", "a:b"))
    assert placements(short)[0].designed == placements(long)[0].designed == {1}


def test_an_infinite_second_moment_is_refused():
    with pytest.raises(ExistenceError, match=r"E\[x\^2\] is infinite for x ~ StudentT\(2\)"):
        layout_moments(Model("y ~ x + (1 | a)", laws={"x": "StudentT(2)"}))


def test_sizes_enter_the_share_of_a_stratum():
    """x drawn for each of m n observations: (m n - m)/(m n) of its sum of squares within groups."""
    model = Model("y ~ x + (1 | a)", laws={"x": "Normal(0, 1)"})
    within = balanced_model(model).spread[1][1, 1]
    values = {symbol: 5 + place for place, symbol in enumerate(sorted(within.free_symbols, key=str))}
    n = next(value for symbol, value in values.items() if symbol.name == "n")
    assert number(within, values) == pytest.approx((n - 1) / n, rel=1e-15)


FACTORIAL = {"x": (0.0, 1.0, 0.0, 1.0), "w": (0.0, 0.0, 1.0, 1.0)}
"""Two designed predictors over four units: every combination once."""


def random_case(seed):
    """Return a random layout with two predictors at random places, each drawn, drawn and centred, or designed."""
    draw = Random(seed)
    every = ["a", "b", "a:b", "c", "a:c", "b:c", "a:b:c"]
    groupings = [tuple(g.split(":")) for g in draw.sample(every, draw.randint(1, 3))]
    names = sorted({name for grouping in groupings for name in grouping})
    grid = Grid((*((name, draw.randint(2, 3)) for name in names), ("units", 4)))
    levels, centred, by_design, laws, predictors = {}, {}, [], {}, []
    for name in ("x", "w"):
        law = draw.choice([SKEW, COIN, BELL])
        over = draw.choice([*groupings, grid.everything])
        within = draw.choice([None, *groupings])
        if draw.random() < 0.25:
            laws[name], own = designed(("Bernoulli(1/2)", FACTORIAL[name]), "units")
            by_design.append(name)
        elif within is None or set(over) <= set(within):
            laws[name], own = drawn(law, over)
        else:
            laws[name], own = drawn(law, over, within)
            centred[name] = ":".join(within)
        if isinstance(own, Drawn) and "units" not in over:
            levels[name] = ":".join(over)
        predictors.append(own)
    bars = "".join(f" + (1 | {':'.join(grouping)})" for grouping in groupings)
    stated = {"laws": laws, "levels": levels, "centred": centred, "designed": by_design}
    return groupings, grid, bars, stated, predictors


def product_is_refused(predictors):
    """A product with a centred predictor needs the other one constant within its grouping."""
    for own, other in (predictors, predictors[::-1]):
        if isinstance(own, Drawn) and own.centred:
            varies = isinstance(other, Designed) or not set(other.over) <= set(own.centred)
            if varies:
                return True
    return False


@pytest.mark.parametrize("seed", range(60))
def test_random_layouts_with_predictors_at_random_places(seed):
    groupings, grid, bars, stated, predictors = random_case(seed)
    fixed, terms = "x*w", [[0, 0], [1, 0], [0, 1], [1, 1]]
    if product_is_refused(predictors):
        with pytest.raises(ModelError, match="its products need predictors that are constant within the grouping"):
            layout_moments(Model(f"y ~ x*w{bars}", **stated))
        fixed, terms = "x + w", terms[:3]
    balanced = balanced_model(Model(f"y ~ {fixed}{bars}", **stated))
    v = covariance(grid, groupings, balanced.strata, seed=seed)
    expected = expected_information(grid, v.inverse, predictors, terms)
    found = numbers(balanced.fixed_information, v.values)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * np.abs(expected).max())


def test_the_random_cases_are_of_every_kind():
    cases = [random_case(seed)[3:] for seed in range(60)]
    refused = [product_is_refused(predictors) for _, predictors in cases]
    assert 10 < sum(refused) < 50
    assert sum(bool(stated["designed"]) for stated, _ in cases) > 10
    assert sum(bool(stated["centred"]) and not no for (stated, _), no in zip(cases, refused, strict=True)) >= 3


def test_a_level_may_be_written_in_any_order():
    stated = {"laws": {"x": "Bernoulli(1/2)"}, "designed": ["x"]}
    one, other = (Model("y ~ x + (1 | a/b)", levels={"x": level}, **stated) for level in ("a:b", "b:a"))
    assert placements(one)[0].designed == placements(other)[0].designed


@pytest.mark.parametrize(("size", "allowed"), [(4, True), (3, False), (2, True)])
def test_a_design_needs_sizes_that_allow_its_frequencies(size, allowed):
    model = Model("y ~ x + (1 | g)", laws={"x": "Finite({-1: 1/2, 1: 1/2})"}, designed=["x"])
    sizes = {model.layout.sizes[-1]: Integer(size)}
    if allowed:
        check_design_sizes(model, sizes)
    else:
        with pytest.raises(ModelError, match="which n = 3 does not allow: give a multiple of 2"):
            check_design_sizes(model, sizes)
