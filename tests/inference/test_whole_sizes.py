"""Whole sizes: against enumeration of all m and n, at random coefficients."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from sympy import Rational

from leadterms import EvaluationError
from leadterms.inference.whole_sizes import least_cost, least_variance


def random_problem(seed):
    rng = np.random.default_rng(seed)
    a, b, c1, c2 = (Rational(int(k), 10) for k in rng.integers(1, 200, 4))
    return a, b, c1, c2, rng


@pytest.mark.parametrize("seed", range(40))
def test_least_variance_by_enumeration(seed):
    a, b, c1, c2, rng = random_problem(seed)
    budget = (c1 + c2) * int(rng.integers(1, 60)) + Rational(1, 3)
    everything = [
        ((a + b / n) / m, m * (c1 + c2 * n))
        for n in range(1, int(budget / c2) + 1)
        for m in range(1, int(budget / (c1 + c2 * n)) + 1)
    ]
    best = min(everything)
    found = least_variance(a, b, c1, c2, budget)
    assert (a + b / found.n) / found.m == best[0]
    assert found.m * (c1 + c2 * found.n) == best[1]
    assert found.variance == float(Fraction(int(best[0].p), int(best[0].q)))


@pytest.mark.parametrize("seed", range(40))
def test_least_cost_by_enumeration(seed):
    a, b, c1, c2, rng = random_problem(seed + 100)
    variance = (a + b) / int(rng.integers(1, 80))
    most = int((a + b) / variance) + 1
    x, y, k, l, limit = (Fraction(int(q.p), int(q.q)) for q in (a, b, c1, c2, variance))
    reached = {n: ceil((x + y / n) / limit) for n in range(1, 4000)}
    best = min((m * (k + l * n), (x + y / n) / m) for n, m in reached.items())
    found = least_cost(a, b, c1, c2, variance)
    assert found.m <= most
    assert found.m * (k + l * found.n) == best[0]
    assert (x + y / found.n) / found.m == best[1] <= limit


def test_a_budget_below_one_observation_is_refused():
    with pytest.raises(EvaluationError, match="does not pay one group of one observation, which costs 11"):
        least_variance(Rational(1), Rational(1), Rational(10), Rational(1), Rational(10))


def test_a_search_that_would_take_too_long_is_refused():
    """The relaxed n is 1e9, and a budget of 1e7 pays only n up to 1e7: each n from there down is looked at."""
    with pytest.raises(EvaluationError, match="too flat to be searched"):
        least_variance(Rational(1), Rational(10) ** 18, Rational(1), Rational(1), Rational(10) ** 7)
