"""Designs: the search beside the multiplicative algorithm, closed optima beside brackets; ratios in one run."""

from __future__ import annotations

import time

import numpy as np
import pytest

import leadterms as lt
from leadterms.inference.allocation import optimal_allocation
from leadterms.inference.cost_design import optimal_sizes
from leadterms.inference.optimal_design import optimal_design

LOGISTIC = lt.Model("y ~ x + I(x**2)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
MIXED = lt.Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
LAW = {"x": "Bernoulli(p)"}


def multiplicative(gap):
    """D-optimal weights for a quadratic logistic model on 801 points, until the sensitivity is within the gap."""
    x = np.linspace(-4, 4, 801)
    columns = np.stack([np.ones_like(x), x, x**2], axis=1)
    eta = columns @ np.array([0.3, 1.0, -0.2])
    rows = columns / np.sqrt(2 + 2 * np.cosh(eta))[:, None]
    weights = np.full(len(x), 1 / len(x))
    while True:
        information = rows.T @ (weights[:, None] * rows)
        relative = np.einsum("ij,jk,ik->i", rows, np.linalg.inv(information), rows) / 3
        if relative.max() < 1 + gap:
            return 1 / np.linalg.det(information)
        weights = weights * relative


def test_search_beside_the_multiplicative_algorithm(benchmark):
    """A gap of 1e-8 by the search, of 1e-4 on the grid by the classical algorithm: the search takes less time."""
    at = "beta0=0.3, beta1=1, beta2=-0.2"
    design = benchmark.pedantic(
        optimal_design, args=(LOGISTIC, at), kwargs={"region": {"x": (-4, 4)}}, rounds=3, warmup_rounds=1
    )
    start = time.perf_counter()
    value = multiplicative(1e-4)
    theirs = time.perf_counter() - start
    ours = benchmark.stats.stats.min
    print(f"\nsearch {ours:.3f} s (gap {design.check.gap:.1e}), multiplicative {theirs:.3f} s (gap 1e-4)")
    assert design.check.gap < 1e-7
    assert design.value == pytest.approx(value, rel=1e-3)
    assert ours < theirs


def test_random_intercept_costs_a_few_times_no_random_effects(benchmark):
    """Averages over 24 nodes do not cost 24 times as much."""
    fixed = lt.Model("y ~ x", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
    plain = {"region": {"x": (-4, 4)}, "coefficients": "x", "criterion": "c"}
    optimal_design(fixed, "beta0=-0.4, beta1=1", **plain)
    start = time.perf_counter()
    optimal_design(fixed, "beta0=-0.4, beta1=1", **plain)
    without = time.perf_counter() - start
    benchmark.pedantic(optimal_design, args=(MIXED, "beta0=-0.4, beta1=1, sigma2=1"), kwargs=plain, rounds=3)
    ratio = benchmark.stats.stats.min / without
    print(f"\nwith a random intercept {ratio:.1f} times the seconds without")
    assert ratio < 24


def test_a_closed_allocation_beside_a_bracket(benchmark):
    entry = lt.expansion(lt.Model("y ~ x + (1 + x | g)", family="poisson", laws=LAW))["x"]
    at = {"beta0": "-0.4", "beta1": "0.9", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.3"}
    closed = optimal_allocation(entry, n=12)
    bracket = optimal_allocation(entry, n=12, cost=(1, 4))
    assert bracket.optimum is None
    benchmark(closed.evaluate, at)
    start = time.perf_counter()
    bracket.evaluate(at)
    bracketed = time.perf_counter() - start
    ratio = bracketed / benchmark.stats.stats.median
    print(f"\na bracket takes {ratio:.0f} times the closed form")
    assert ratio > 2


def test_formulas_of_sizes_cost_less_than_the_expansion(benchmark):
    model = lt.Model("y ~ x + (1 + x | g)", family="poisson", laws=LAW)
    start = time.perf_counter()
    entry = lt.expansion(model)["x"]
    derived = time.perf_counter() - start
    design = benchmark(optimal_sizes, entry)
    print(f"\nexpansion {derived:.3f} s, sizes {1000 * benchmark.stats.stats.median:.2f} ms")
    assert design.status == "derived"
    assert benchmark.stats.stats.median < derived
