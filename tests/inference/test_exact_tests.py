"""Exact F tests: least squares in numpy, invariance to what the hypothesis leaves free, simulation, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from leadterms.errors import ModelError
from leadterms.inference import exact_tests
from leadterms.inference.exact_tests import exact_f, exact_f_variance
from leadterms.inference.linear_fit import fit_linear
from leadterms.model.data_design import data_design


def rss(y, *blocks):
    """Residual sum of squares and rank, by numpy's least squares with minimal norm."""
    X = np.column_stack(blocks)
    beta, _, rank, _ = np.linalg.lstsq(X, y, rcond=1e-10)
    return float(np.sum((y - X @ beta) ** 2)), int(rank)


def unbalanced(seed, rows=45):
    rng = np.random.default_rng(seed)
    return {
        "y": rng.normal(size=rows),
        "x": rng.normal(size=rows),
        "t": list(rng.choice(["p", "q", "r"], rows)),
        "g": rng.integers(0, 6, rows),
        "h": rng.integers(0, 5, rows),
    }


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("component", ["sigma2_g", "sigma2_h"])
def test_a_variance_component_as_least_squares(seed, component):
    data = unbalanced(seed)
    design = data_design("y ~ x + t + (1 | g) + (1 | h)", data)
    Z = {"sigma2_g": design.random[0].designs[0], "sigma2_h": design.random[1].designs[0]}
    other = Z["sigma2_h" if component == "sigma2_g" else "sigma2_g"]
    without, r = rss(data["y"], design.X, other)
    full, s = rss(data["y"], design.X, *Z.values())
    test = exact_f_variance("y ~ x + t + (1 | g) + (1 | h)", component, data)
    assert (test.ndf, test.ddf) == (s - r, 45 - s)
    assert test.statistic == pytest.approx((without - full) / (s - r) / (full / (45 - s)), rel=1e-9)
    assert test.p_value == pytest.approx(stats.f.sf(test.statistic, s - r, 45 - s), rel=1e-9)
    assert test.exact


@pytest.mark.parametrize("seed", range(5))
def test_the_statistic_does_not_see_the_other_effects(seed):
    """Adding any X b + Z_2 v leaves it alone: its null distribution is free of beta and of the other variance."""
    data, rng = unbalanced(seed), np.random.default_rng(seed + 50)
    formula = "y ~ x + t + (1 | g) + (1 | h)"
    design = data_design(formula, data)
    shift = design.X @ rng.normal(size=4) * 10 + design.random[1].designs[0] @ rng.normal(size=5) * 10
    first = exact_f_variance(formula, "sigma2_g", data)
    moved = exact_f_variance(formula, "sigma2_g", data | {"y": data["y"] + shift})
    assert moved.statistic == pytest.approx(first.statistic, rel=1e-8)
    assert exact_f_variance(formula, "sigma2_h", data | {"y": data["y"] + shift}).statistic > 10


@pytest.mark.slow
def test_null_distribution_by_simulation():
    """400 seeded data sets with a large second variance: uniform p-values by Kolmogorov and Smirnov."""
    data, rng = unbalanced(3), np.random.default_rng(0)
    formula = "y ~ x + (1 | g) + (1 | h)"
    p_values = []
    for _ in range(400):
        y = 3 * rng.normal(size=5)[data["h"]] + rng.normal(size=45)
        p_values.append(exact_f_variance(formula, "sigma2_g", data | {"y": y}).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_the_variance_of_a_correlated_slope():
    """Its columns beyond those of the intercepts; the covariance vanishes with it."""
    data = unbalanced(1)
    formula = "y ~ x + (x | g)"
    design = data_design(formula, data)
    ones, slopes = design.random[0].designs
    without, r = rss(data["y"], design.X, ones)
    full, s = rss(data["y"], design.X, ones, slopes)
    test = exact_f_variance(fit_linear(formula, data), "Sigma22")
    assert (test.ndf, test.ddf) == (s - r, 45 - s)
    assert test.statistic == pytest.approx((without - full) / (s - r) / (full / (45 - s)), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("large", "small"), [("x + t", "x"), ("x*t", "x + t"), ("x", "1"), ("t", "1")])
def test_without_random_effects_it_is_least_squares(seed, large, small):
    data = unbalanced(seed)
    wide, narrow = data_design(f"y ~ {large}", data), data_design(f"y ~ {small}", data)
    (full, s), (without, r) = rss(data["y"], wide.X), rss(data["y"], narrow.X)
    test = exact_f(wide, narrow)
    assert (test.ndf, test.ddf) == (s - r, 45 - s)
    assert test.statistic == pytest.approx((without - full) / (s - r) / (full / (45 - s)), rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("large", "small"), [("x*t", "x + t"), ("x + t", "t"), ("x + t", "x")])
def test_unbalanced_crossed_within_levels(seed, large, small):
    """Residual sums of squares given all Z; any effects of the groupings leave the statistic alone."""
    data, rng = unbalanced(seed), np.random.default_rng(seed)
    random = " + (1 | g) + (1 | h)"
    wide, narrow = data_design(f"y ~ {large}{random}", data), data_design(f"y ~ {small}{random}", data)
    Z = [block.designs[0] for block in wide.random]
    (full, s), (without, r) = rss(data["y"], wide.X, *Z), rss(data["y"], narrow.X, *Z)
    test = exact_f(wide, narrow)
    assert (test.ndf, test.ddf) == (s - r, 45 - s)
    assert test.statistic == pytest.approx((without - full) / (s - r) / (full / (45 - s)), rel=1e-9)
    shift = 20 * (Z[0] @ rng.normal(size=6) + Z[1] @ rng.normal(size=5)) + narrow.X @ np.ones(narrow.X.shape[1])
    again = exact_f(f"y ~ {large}{random}", f"y ~ {small}{random}", data | {"y": data["y"] + shift})
    assert again.statistic == pytest.approx(test.statistic, rel=1e-7)


def split_plot(seed, blocks=6, plots=3, units=4):
    """Treatment A on whole plots, B on units within them."""
    rng = np.random.default_rng(seed)
    i, j, k = (index.ravel() for index in np.indices((blocks, plots, units)))
    y = rng.normal(size=blocks)[i] + rng.normal(size=(blocks, plots))[i, j] + rng.normal(size=i.size)
    return {
        "y": y,
        "block": i,
        "plot": i * plots + j,
        "A": [f"a{v}" for v in j],
        "B": [f"b{v}" for v in k],
    }


RANDOM = " + (1 | block) + (1 | plot)"


@pytest.mark.parametrize("seed", range(3))
def test_split_plot_by_hand(seed):
    """A against whole plots: (a - 1) and (r - 1)(a - 1); B and A:B against units: (b - 1) and a(r - 1)(b - 1)."""
    data = split_plot(seed)
    table = data["y"].reshape(6, 3, 4)
    plot, block, a, mean = table.mean(2), table.mean((1, 2)), table.mean((0, 2)), table.mean()
    whole = 4 * np.sum((plot - block[:, None] - a[None] + mean) ** 2) / (5 * 2)
    F = 6 * 4 * np.sum((a - mean) ** 2) / 2 / whole
    test = exact_f("y ~ A + B" + RANDOM, "y ~ B" + RANDOM, data)
    assert (test.ndf, test.ddf) == (2, 10)
    assert test.statistic == pytest.approx(F, rel=1e-9)
    assert "phi + 4 sigma2_plot" in test.notes[0]
    unit = exact_f("y ~ A*B" + RANDOM, "y ~ A + B" + RANDOM, data)
    cells = table.mean(0)
    rest = table - plot[:, :, None] - cells[None] + a[None, :, None]
    b = table.mean((0, 1))
    interaction = 6 * np.sum((cells - a[:, None] - b[None] + mean) ** 2) / 6
    assert (unit.ndf, unit.ddf) == (6, 3 * 5 * 3)
    assert unit.statistic == pytest.approx(interaction / (np.sum(rest**2) / 45), rel=1e-9)


@pytest.mark.slow
def test_null_distribution_in_a_stratum_by_simulation():
    p_values = [exact_f("y ~ A + B" + RANDOM, "y ~ B" + RANDOM, split_plot(seed)).p_value for seed in range(200)]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_a_hypothesis_in_two_strata_is_refused():
    data = split_plot(0)
    with pytest.raises(ModelError, match=r"no single stratum.*kenward_roger"):
        exact_f("y ~ A + B" + RANDOM, "y ~ 1" + RANDOM, data)


def test_beyond_the_largest_layout_only_levels_are_looked_into(monkeypatch):
    monkeypatch.setattr(exact_tests, "LARGEST", 71)
    data = split_plot(0)
    within = exact_f("y ~ A*B" + RANDOM, "y ~ A + B" + RANDOM, data)
    assert (within.ndf, within.ddf) == (6, 45)
    with pytest.raises(ModelError, match="was not looked for in strata of more than 71 observations"):
        exact_f("y ~ A + B" + RANDOM, "y ~ B" + RANDOM, data)


@pytest.mark.parametrize(
    ("formula", "component", "message"),
    [
        ("y ~ t + (1 | g)", "sigma2_g", "'sigma2_g' is no variance of a random effect .* choose sigma2"),
        ("y ~ x + (x | g)", "Sigma12", "choose Sigma11, Sigma22"),
        ("y ~ x", "sigma2", "choose none, there are no random effects"),
        ("y ~ t + (1 | t)", "sigma2", r"r1 = 0"),
        ("y ~ x + (1 | row)", "sigma2", r"r2 = 0"),
    ],
)
def test_variance_refusals(formula, component, message):
    with pytest.raises(ModelError, match=message):
        exact_f_variance(formula, component, unbalanced(0) | {"row": list(range(45))})


@pytest.mark.parametrize(
    ("large", "small", "message"),
    [
        ("y ~ x + (1 | g)", "y ~ 1", "different random effects"),
        ("y ~ 1 + (1 | g)", "y ~ x + (1 | g)", "the large model lacks x"),
        ("y ~ x + (1 | g)", "y ~ x + (1 | g)", "the same mean"),
        ("y ~ x", "x ~ 1", "different responses"),
    ],
)
def test_refusals(large, small, message):
    with pytest.raises(ModelError, match=message):
        exact_f(large, small, unbalanced(0))


def test_formulas_need_data():
    with pytest.raises(ModelError, match="comes without data"):
        exact_f("y ~ x", "y ~ 1")


def test_the_outer_factor_of_a_nested_layout_is_tested_between_strata():
    """MSA/MSAB by sums of squares of means, written out."""
    rng = np.random.default_rng(4)
    a, b, n = 5, 3, 2
    y = rng.normal(0, 1, a)[:, None, None] + rng.normal(0, 0.7, (a, b))[:, :, None] + rng.normal(size=(a, b, n))
    labels = np.indices((a, b, n)).reshape(3, -1)
    data = {"y": y.ravel(), "a": labels[0], "b": labels[1]}
    found = exact_f_variance("y ~ 1 + (1 | a/b)", "sigma2_a", data)
    means, cells = y.mean((1, 2)), y.mean(2)
    upper = b * n * ((means - y.mean()) ** 2).sum() / (a - 1)
    lower = n * ((cells - means[:, None]) ** 2).sum() / (a * (b - 1))
    assert (found.ndf, found.ddf, found.exact) == (a - 1, a * (b - 1), True)
    assert found.statistic == pytest.approx(upper / lower, rel=1e-10)


def test_a_component_that_no_strata_tell_apart_is_refused():
    rng = np.random.default_rng(2)
    labels = np.indices((2, 3, 2, 2)).reshape(4, -1)
    data = {"y": rng.normal(size=24), "a": labels[0], "b": labels[1], "c": labels[2]}
    formula = "y ~ 1 + (1|a) + (1|b) + (1|c) + (1|a:b) + (1|a:c) + (1|b:c)"
    with pytest.raises(ModelError, match="no exact test of sigma2_a is known here"):
        exact_f_variance(formula, "sigma2_a", data)
