"""Polynomials in the predictors against their values at points, and means against sums over three-point laws."""

from __future__ import annotations

from itertools import product

import pytest
from flint import arb, fmpq
from sympy import Integer, Rational, Tuple

from leadterms.evaluation.certified.moments.polynomials import (
    Polynomial,
    added,
    columns,
    mean,
    mean_of_absolute,
    supremum,
    times,
    without_effects,
)
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.model.laws import FiniteLaw, NormalLaw
from leadterms.model.weights import LogisticWeight

THREE = FiniteLaw(Tuple(-2, Rational(1, 2)), Tuple(0, Rational(1, 4)), Tuple(1, Rational(1, 4)))
ATOMS = ((-2, 0.5), (0, 0.25), (1, 0.25))
MONOMIALS = ((1, 0), (0, 1), (2, 1))


def problem(*laws: FiniteLaw | NormalLaw) -> Problem:
    """Eta = -1 + x/2 - 3y + x^2 y + u (2 - x + 3 x^2 y)."""
    loadings = ((fmpq(2), fmpq(-1), fmpq(0), fmpq(3)),)
    slopes = (fmpq(1, 2), fmpq(-3), fmpq(1))
    return Problem(Strand(LogisticWeight(Integer(1)), laws, fmpq(-1), slopes, loadings, (), monomials=MONOMIALS))


def at(polynomial: Polynomial, x: float, y: float) -> float:
    return sum(float(c) * x**i * y**j for (i, j), c in polynomial.items())


def test_products_sums_and_means() -> None:
    own = problem(THREE, THREE)
    (a,) = columns(own)
    fixed = without_effects(own)
    assert set(a) == {(0, 0), (1, 0), (2, 1)}
    points = [(x, y, p * q) for (x, p), (y, q) in product(ATOMS, ATOMS)]
    for x, y, _ in points:
        assert at(a, x, y) == 2 - x + 3 * x * x * y
        assert at(times(a, a), x, y) == pytest.approx((2 - x + 3 * x * x * y) ** 2)
        assert at(added(a, fixed), x, y) == pytest.approx(at(a, x, y) + at(fixed, x, y))
        # |-1 + x/2 - 3y + x^2 y| at most
        assert at(fixed, abs(x), abs(y)) >= abs(-1 + x / 2 - 3 * y + x * x * y)
    assert float(mean(own, times(a, a))) == pytest.approx(sum(p * at(a, x, y) ** 2 for x, y, p in points))
    absolute = sum(p * at(fixed, abs(x), abs(y)) for x, y, p in points)
    # on a bounded support E|x|^k is bounded by its largest value
    assert absolute <= float(mean_of_absolute(own, fixed)) <= at(fixed, 2, 2) * (1 + 1e-12)
    assert float(supremum(own, fixed)) == pytest.approx(at(fixed, 2, 2))


def test_means_under_an_unbounded_law() -> None:
    own = problem(NormalLaw(0, 1), THREE)
    # E[x^4] = 3, E[y^2] = 4/2 + 1/4
    assert float(mean(own, {(4, 2): arb(2)})) == pytest.approx(2 * 3 * 2.25)
    assert not supremum(own, {(1, 0): arb(1)}).is_finite()
