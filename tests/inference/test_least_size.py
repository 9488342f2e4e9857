"""Rounding up, once and surely."""

from __future__ import annotations

import pytest
from flint import arb
from sympy import Rational

from leadterms import Model, UndecidedError, leading_terms
from leadterms.inference.contrast_variance import VarianceAt, contrast_variance
from leadterms.inference.hypothesis import hypothesis
from leadterms.inference.least_size import least_size, rounded_up
from leadterms.inference.planned_sizes import planned_sizes
from leadterms.notation.symbols import M


@pytest.mark.parametrize(
    ("number", "step", "expected"), [("24.0001", 1, 25), ("24", 1, 24), ("0.2", 1, 1), ("24.5", 3, 27), ("0.1", 4, 4)]
)
def test_rounding_up(number, step, expected):
    assert rounded_up(arb(number), step) == expected


@pytest.mark.parametrize("step", [1, 5])
def test_a_ball_around_a_whole_number_is_undecided(step):
    with pytest.raises(UndecidedError, match="too near to a whole number to be rounded up surely"):
        rounded_up(arb(25, "1e-15"), step)


def test_one_quotient_and_the_search_agree():
    """Random intercepts: sigma2/m at a whole requirement, 16 sigma2 = 8."""
    model = Model("y ~ 1 + (1 | a) + (1 | b)")
    result = leading_terms(model)
    at = "beta0=1, sigma2_a=1/2, sigma2_b=1e-9, phi=1"
    known = VarianceAt(contrast_variance(result, hypothesis(model, "1"), 1), at)
    sizes = planned_sizes(result, None, 2, {"m_prime": 10**6})
    # 1/(1/(2m) + 1e-15) >= 15.9: m = 8, and 15.5/2 < 8
    found = least_size(known, (Rational(1),), sizes, M, arb("15.9"))
    assert (found.value, found.unrounded) == (8, None)
    assert least_size(known, (Rational(1),), sizes, M, arb("16.1")).value == 9
    assert least_size(known, (Rational(1),), sizes, M, arb("16.1"), step=4).value == 12


def test_a_comparison_that_is_too_near_is_undecided():
    model = Model("y ~ 1 + (1 | a) + (1 | b)")
    result = leading_terms(model)
    at = "beta0=1, sigma2_a=1/2, sigma2_b=1/2, phi=1"
    known = VarianceAt(contrast_variance(result, hypothesis(model, "1"), 1), at)
    sizes = planned_sizes(result, None, 2, {"m_prime": 64})
    # 1/(1/2m + 1/128) = 128/9 at m = 8
    with pytest.raises(UndecidedError, match="whether m = 8 is enough is too near to be decided"):
        least_size(known, (Rational(1),), sizes, M, arb(128) / 9 + arb(0, "1e-20"))
