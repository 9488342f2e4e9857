"""The pattern of V against Z G Z' + R, built entry by entry."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

from leadterms import LeadtermsError, Model
from leadterms.publication.covariance_pattern import MOST_OBSERVATIONS, covariance_pattern

UNIFORM = {"x": "Uniform(-1, 1)"}
NESTED = Model("y ~ 1 + (1 | a/b)")
CROSSED = Model("y ~ 1 + (1 | a) + (1 | b)")


def random_model(draw):
    """Random intercepts in one to four groupings of one to three factors, some written with slashes."""
    names = "abc"[: draw.randint(1, 3)]
    if draw.random() < 0.2:
        return Model(f"y ~ 1 + (1 | {'/'.join(names)})")
    possible = [some for size in range(1, len(names) + 1) for some in combinations(names, size)]
    groupings = draw.sample(possible, min(len(possible), draw.randint(1, 4)))
    return Model("y ~ 1 + " + " + ".join(f"(1 | {':'.join(grouping)})" for grouping in groupings))


def brute_force(model, sizes, order):
    """V of random intercepts: sum of sigma2_g Z_g Z_g' and phi I, with powers of two for the components.

    The observations are told apart by nested loops in the given order; a level of a:b is a pair of levels.
    """
    count = {factor.label: sizes[str(factor.size)] for factor in model.layout.factors}
    rows = [dict(zip(order, levels, strict=True)) for levels in product(*(range(count[name]) for name in order))]
    values = {str(parameter): 2**k for k, parameter in enumerate((*model.variance_parameters, model.parameters[-1]))}
    v = values["phi"] * np.eye(len(rows), dtype=int)
    for effects in model.random_structure:
        own = [name for name in order if name != "units" and set(name.split(":")) <= set(effects.grouping)]
        levels = [tuple(row[name] for name in own) for row in rows]
        columns = sorted(set(levels))
        z = np.array([[int(level == column) for column in columns] for level in levels])
        v += values[str(effects.parameters[0])] * z @ z.T
    return v, values


@pytest.mark.parametrize("seed", range(60))
def test_the_legend_read_at_the_codes_is_z_g_z_plus_r(seed):
    draw = random.Random(seed)
    model = random_model(draw)
    sizes = {str(size): draw.randint(1, 3) for size in model.layout.sizes}
    order = [factor.label for factor in model.layout.factors]
    draw.shuffle(order)
    pattern = covariance_pattern(model, sizes, order)
    expected, values = brute_force(model, sizes, order)
    legend = {code: sum(values.get(name, 0) for name in text.split(" + ")) for code, text in pattern.legend.items()}
    assert (np.vectorize(legend.__getitem__)(pattern.codes) == expected).all()
    # distinct codes for distinct sets: the values are distinct powers of two
    assert len(set(legend.values())) == len(legend)
    assert pattern.order == tuple(order)


def test_the_slide_of_the_nested_case_is_block_diagonal():
    codes = covariance_pattern(NESTED, {"m_a": 3, "m_b": 2, "n": 2}).codes
    cell = np.array([[3, 2], [2, 3]])
    block = np.block([[cell, np.ones((2, 2))], [np.ones((2, 2)), cell]])
    assert (codes == np.kron(np.eye(3), block)).all()


def test_the_slide_of_the_crossed_case_has_blocks_and_stripes():
    pattern = covariance_pattern(CROSSED, {"m": 2, "m_prime": 3, "n": 1})
    stripes = np.eye(3) * 2
    block = np.ones((3, 3)) + 3 * np.eye(3)
    assert (pattern.codes == np.block([[block, stripes], [stripes, block]])).all()
    assert pattern.legend == {0: "0", 1: "sigma2_a", 2: "sigma2_b", 4: "sigma2_a + sigma2_b + phi"}


def test_sorting_by_the_second_factor_permutes_rows_and_columns():
    sizes = {"m": 2, "m_prime": 3, "n": 2}
    usual, other = (covariance_pattern(CROSSED, sizes, order) for order in (None, ("b",)))
    assert other.order == ("b", "a", "units")
    assert other.counts == (3, 2, 2)
    moved = np.arange(12).reshape(2, 3, 2).transpose(1, 0, 2).ravel()
    assert (other.codes == usual.codes[np.ix_(moved, moved)]).all()


def test_codes_mean_the_same_at_all_sizes():
    small, large = (covariance_pattern(NESTED, {"m_a": m, "m_b": m, "n": m}) for m in (1, 3))
    assert small.kinds == large.kinds
    assert small.legend == {3: large.legend[3]}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Model("y ~ x + (x | a) + (1 | b)", laws=UNIFORM), ["none", "a", "b", "a, b", "units"]),
        (Model("y ~ x + (0 + x | a) + (1 | b)", laws=UNIFORM), ["none", "a", "b", "a, b", "units"]),
        (Model("y ~ 1 + (1 | a/b)", family="poisson"), ["none", "a", "a, a:b", "units"]),
        (Model("y ~ 1 + (1 | a)", link="log"), ["none", "a", "units"]),
        (Model("y ~ 1 + (1 | a)"), ["0", "sigma2", "sigma2 + phi"]),
        (Model("y ~ x", laws=UNIFORM), ["0", "phi"]),
        (Model("y ~ x", laws=UNIFORM, family="poisson"), ["none", "units"]),
    ],
)
def test_groupings_are_named_where_the_entry_is_not_constant(model, expected):
    pattern = covariance_pattern(model, {str(size): 2 for size in model.layout.sizes})
    assert list(pattern.legend.values()) == expected


def test_the_pattern_is_symmetric_frozen_and_whole():
    pattern = covariance_pattern(CROSSED, {"m": 3, "m_prime": "2", "n": Fraction(4, 2)})
    assert pattern.codes.dtype == np.int64
    assert pattern.codes.shape == (12, 12)
    assert (pattern.codes == pattern.codes.T).all()
    with pytest.raises(ValueError, match="read-only"):
        pattern.codes[0, 0] = 1


def test_the_largest_pattern_is_built_and_a_larger_one_refused():
    model = Model("y ~ 1 + (1 | a)")
    assert len(covariance_pattern(model, {"m": MOST_OBSERVATIONS // 2, "n": 2}).codes) == MOST_OBSERVATIONS
    with pytest.raises(LeadtermsError) as refusal:
        covariance_pattern(model, {"m": 10**9, "n": 2})
    assert str(refusal.value) == (
        "a pattern of 2000000000 x 2000000000 entries was asked for (m = 1000000000 * n = 2): 2000 observations at "
        "most, give smaller sizes"
    )


@pytest.mark.parametrize(
    ("sizes", "order", "message"),
    [
        ({"m": 2, "m_prime": 2}, None, "a pattern needs a number for each size, and n is missing: give {'m': 3,"),
        ({"m": 2, "m_prime": 2, "n": 2, "k": 2}, None, "'k' is not a size of the layout: it has m, m_prime, n"),
        ({"m": 0, "m_prime": 2, "n": 2}, None, "the size m is a whole number, 1 or more, not 0"),
        ({"m": 2, "m_prime": 1.5, "n": 2}, None, "the size m_prime is a whole number, 1 or more, not 1.5"),
        ({"m": 2, "m_prime": True, "n": 2}, None, "the size m_prime is a whole number, 1 or more, not True"),
        ({"m": 2, "m_prime": 2, "n": "many"}, None, "the size n is a whole number, 1 or more, not 'many'"),
        ([2, 2, 2], None, "the sizes of a pattern are a mapping such as {'m': 3, 'm_prime': 3, 'n': 3}, not"),
        (None, ("c",), "'c' is not an index factor of the layout: sort by a, b, units"),
        (None, ("a", "a"), "the order names 'a' twice: name each index factor once"),
        (None, "ab", "the order is a list of index factors, such as ['a', 'b', 'units'], not 'ab'"),
    ],
)
def test_refusals_are_one_line(sizes, order, message):
    with pytest.raises(LeadtermsError) as refusal:
        covariance_pattern(CROSSED, sizes or {"m": 2, "m_prime": 2, "n": 2}, order)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
