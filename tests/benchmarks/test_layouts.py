"""Balanced layouts derived completely: strata, information, estimators and limits, beside their limits in seconds.

The same limits by exact inversion and sympy.limit stand beside them where that ends in reasonable time.
"""

from __future__ import annotations

import time

import pytest
from sympy import limit, oo

import leadterms as lt
from leadterms.information.balanced import balanced_model

LAYOUTS = {
    # name: formula, limit in seconds
    "two crossed factors, interaction, error": ("y ~ x + (1 | a) + (1 | b) + (1 | a:b)", 5),
    "three crossed factors, all interactions": (
        "y ~ x + (1 | a) + (1 | b) + (1 | c) + (1 | a:b) + (1 | a:c) + (1 | b:c) + (1 | a:b:c)",
        60,
    ),
}
LAWS = {"x": "Normal(mu, s)"}


def complete(formula):
    """Derive everything anew: nothing is remembered from an earlier call."""
    balanced_model.cache_clear()
    model = lt.Model(formula, laws=LAWS)
    balanced = lt.balanced_model(model)
    exact = (
        balanced.fixed_covariance,
        balanced.ml_information,
        balanced.strata.log_determinant,
        balanced.strata.inverse,
    )
    classical = (balanced.mean_squares, balanced.estimators(), balanced.variance_tests)
    sizes = [size.name for size in model.layout.sizes]
    regimes = [", ".join(sizes) + " -> oo", ", ".join(sizes[:-1]) + " -> oo, n fixed"]
    return exact, classical, [lt.leading_terms(model, regime).covariance for regime in regimes]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_derived_completely(benchmark, name):
    formula, most = LAYOUTS[name]
    _, _, limits = benchmark.pedantic(complete, args=[formula], rounds=3)
    benchmark.extra_info["limit in seconds"] = most
    print(f"\n{name}: {benchmark.stats.stats.min:.2f} s, limit {most} s")
    assert all(matrix[1, 1] != 0 for matrix in limits)
    assert benchmark.stats.stats.min < most


def test_beside_inversion_and_sympy_limit(benchmark):
    """Two crossed factors: the slope's variance by sympy's limits of the exact inverse, taken one after the other."""
    model = lt.Model("y ~ x + (1 | a) + (1 | b)", laws=LAWS)
    m, m_prime, n = model.layout.sizes

    def theirs():
        exact = lt.balanced_model(model).fixed_information.inv()[1, 1] * m * m_prime * n
        return limit(limit(limit(exact, n, oo), m, oo), m_prime, oo)

    start = time.perf_counter()
    slow = benchmark.pedantic(theirs, rounds=1)
    their_seconds = time.perf_counter() - start
    start = time.perf_counter()
    quick = lt.leading_terms(model)["x"].coefficient
    our_seconds = time.perf_counter() - start
    print(
        f"\nsympy.limit {their_seconds:.2f} s, leadterms {our_seconds:.3f} s: ratio {their_seconds / our_seconds:.1f}"
    )
    assert (slow - quick).simplify() == 0
