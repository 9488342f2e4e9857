"""Residual information is recognised in integrands that were built from matrices, and in nothing else."""

from __future__ import annotations

import pytest
from sympy import Expr, Integer, Matrix, Rational, Symbol, eye, symbols

from leadterms.evaluation.held_plan import Average, Effects
from leadterms.evaluation.residual_information import residual_information
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import ProbitWeight

ZERO, ONE = Integer(0), Integer(1)
BETA = symbols("beta0:3", real=True)
U = symbols("u0:2", real=True)
X = Symbol("x", real=True)
ARMS = {-1: Rational(1, 8), 0: Rational(1, 2), 2: Rational(3, 8)}


def average(tilt: Expr = ZERO) -> Average:
    """The information on beta2 given 1 and the arm a, x uniform: on each arm the effects move eta alike."""
    inner, whole = {}, Matrix.zeros(3, 3)
    for a, chance in ARMS.items():
        eta = BETA[0] + BETA[1] * a + BETA[2] * X + U[0] + U[1] * a
        powers = symbols(f"h{a + 1}_0:3")
        for k, symbol in enumerate(powers):
            inner[symbol] = WeightedMoment(ProbitWeight(ONE), eta, (X,), (UniformLaw(-1, 1),), (((k,), ONE),))
        rows = [(1, 0), (a, 0), (1, 1)]
        whole += chance * Matrix([[c * d * powers[i + j] for d, j in rows] for c, i in rows])
    integrand = (whole.det() / whole[:2, :2].det() + tilt * powers[2]).together()
    return Average(Effects(U, (ZERO,) * 2, eye(2).as_immutable()), integrand, inner)


def test_probabilities_of_strands_on_which_the_effects_are_dependent() -> None:
    found = residual_information(average())
    assert found is not None
    # up to a common factor, which the factor of the whole makes good
    chances = list(ARMS.values())
    assert [p / found.probabilities[0] for p in found.probabilities] == [p / chances[0] for p in chances]
    assert found.factor * found.probabilities[0] == chances[0]
    assert found.first == found.second == ({(1,): 1},) * 3


@pytest.mark.parametrize("tilt", [Rational(1, 1000), Symbol("beta2", real=True)])
def test_what_is_not_residual_information_is_not_taken_for_it(tilt: Expr) -> None:
    assert residual_information(average(tilt)) is None


def beside_a_still_arm(tilt: Expr = ZERO) -> Average:
    """The information on beta2 x given the random slope on the arm, which no effect moves where it is 0."""
    inner, whole = {}, Matrix.zeros(2, 2)
    for a, chance in ARMS.items():
        eta = BETA[0] + BETA[1] * a + BETA[2] * X + U[0] * a
        powers = symbols(f"h{a + 1}_0:3")
        for k, symbol in enumerate(powers):
            inner[symbol] = WeightedMoment(ProbitWeight(ONE), eta, (X,), (UniformLaw(-1, 1),), (((k,), ONE),))
        rows = [(a, 0), (1, 1)]
        whole += chance * Matrix([[c * d * powers[i + j] for d, j in rows] for c, i in rows])
    integrand = (whole.det() / whole[0, 0] + tilt * Symbol("h1_1")).together()
    return Average(Effects(U[:1], (ZERO,), eye(1).as_immutable()), integrand, inner)


def test_the_probability_of_an_arm_that_no_effect_moves() -> None:
    found = residual_information(beside_a_still_arm())
    assert found is not None
    by_eta = {eta: Rational(p) for eta, p in zip(found.symbols, found.probabilities, strict=True)}
    total = sum(by_eta.values())
    assert sorted(p / total for p in by_eta.values()) == sorted(ARMS.values())
    assert found.factor * total == ONE
    assert found.first == found.second == ({(1,): 1},) * 3
    assert residual_information(beside_a_still_arm(Rational(1, 1000))) is None
