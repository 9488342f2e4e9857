"""Sizes of a layout under a cost: against formulas for two crossed factors, and enumeration."""

from __future__ import annotations

import sys
from itertools import product

import pytest

from leadterms import EvaluationError, LeadtermsError, Model, ModelError, leading_terms
from leadterms.inference.layout_cost import LayoutSizes, optimal_layout_sizes

CROSSED = leading_terms(Model("y ~ 1 + (1 | a) + (1 | b)"))
NESTED = leading_terms(Model("y ~ 1 + (1 | a/b)"))
AT = {"beta0": 0, "sigma2_a": "2", "sigma2_b": "0.5", "phi": 1}
NESTED_AT = {"beta0": 0, "sigma2_a": "2", "sigma2_a_b": "0.5", "phi": 1}


def test_two_crossed_factors_by_the_square_root_rule():
    """Var = a/m + b/m', cost c m + d m': m = C sqrt(a/c)/{sqrt(a c) + sqrt(b d)} (Cauchy and Schwarz)."""
    found = optimal_layout_sizes(CROSSED["1"], "3*m + 5*m_prime", budget=1000, at=AT)
    root = (2 * 3) ** 0.5 + (0.5 * 5) ** 0.5
    assert found.names == ("m", "m_prime")
    assert found.relaxed[0] == pytest.approx(1000 * (2 / 3) ** 0.5 / root, rel=1e-5)
    assert found.relaxed[1] == pytest.approx(1000 * (0.5 / 5) ** 0.5 / root, rel=1e-5)
    assert found.bound == pytest.approx(root**2 / 1000, rel=1e-9)
    assert 0 <= found.gap < 1e-3
    assert found.cost <= 1000


@pytest.mark.parametrize(("cost", "budget"), [("m*m_prime + 4*m", 90), ("m + m_prime + m*m_prime", 60)])
def test_whole_sizes_by_enumeration(cost, budget):
    found = optimal_layout_sizes(CROSSED["1"], cost, budget=budget, at=AT)
    price = {
        "m*m_prime + 4*m": lambda m, k: m * k + 4 * m,
        "m + m_prime + m*m_prime": lambda m, k: m + k + m * k,
    }[cost]
    best = min(2 / m + 0.5 / k for m, k in product(range(1, 91), repeat=2) if price(m, k) <= budget)
    assert found.bound <= best
    assert found.variance == pytest.approx(best, rel=1e-12)


def test_three_stages_of_a_nested_layout():
    """The variance of the mean is of order 1/m_a: the budget is spent on clusters, the other sizes stay at one."""
    found = optimal_layout_sizes(NESTED["1"], "m_a + m_a*m_b*n", budget=100, at=NESTED_AT)
    assert dict(zip(found.names, found.whole, strict=True)) == {"m_a": 50, "m_b": 1, "n": 1}
    assert "at the cost 100" in str(found)


@pytest.mark.parametrize(
    ("cost", "budget", "error", "message"),
    [
        ("m", 10, ModelError, "falls with m_prime, which costs nothing: put every size into the cost"),
        ("m - m_prime", 10, ModelError, "every price in the cost"),
        ("m/m_prime", 10, ModelError, "is not a sum of prices times products of sizes"),
        ("3", 10, ModelError, "is not a sum of prices"),
        ("k*m", 10, ModelError, "cannot be read"),
        ("m, m_prime", 10, ModelError, "is not one expression"),
        ("m + m_prime", 1, EvaluationError, "does not pay sizes of one: they cost 2"),
    ],
)
def test_refusals(cost, budget, error, message):
    with pytest.raises(error, match=message) as refusal:
        optimal_layout_sizes(CROSSED["1"], cost, budget=budget, at=AT)
    assert "\n" not in str(refusal.value)


def test_without_scipy_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(LeadtermsError) as refusal:
        optimal_layout_sizes(CROSSED["1"], "m + m_prime", budget=10, at=AT)
    expected = "cannot optimise sizes: scipy is not installed (pip install 'leadterms[design]')"
    assert str(refusal.value) == expected


def test_a_gap_of_rounding_is_no_gap():
    exact = LayoutSizes(("m",), (20.0,), 0.3, (20,), 0.1 + 0.2 - 1e-15, 120.0)
    assert exact.variance < exact.bound
    assert exact.gap == 0
    assert "at most 0.00 % above" in str(exact)
