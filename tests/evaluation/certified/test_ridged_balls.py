"""Weights with a ridge: arguments and moduli off the real line, against values from the definitions of the links."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import acb, arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.certified.weights import ridged_balls
from leadterms.evaluation.certified.weights.bounded_arrays import Scaled
from leadterms.evaluation.certified.weights.ridged_balls import RidgedBalls
from leadterms.evaluation.ridged_weight import RidgedWeight
from tests.evaluation.certified.residual import VALUES, WEIGHTS

X = np.linspace(-14, 4.5, 3000)


def ridged(link: str, bits: int) -> RidgedBalls:
    balls = weight_balls(RidgedWeight(Integer(1), Integer(1), base=WEIGHTS[link], ridge=fmpq(1, 2**bits)))
    assert isinstance(balls, RidgedBalls)
    return balls


def worst(link: str, bits: int, height: float) -> tuple[float, float]:
    """The largest |arg v|, and |v(x + iy)|/v(x), on a line."""
    v = VALUES[link](X + 1j * height) + 2.0**-bits
    return float(np.abs(np.angle(v)).max()), float((np.abs(v) / (np.abs(VALUES[link](X)) + 2.0**-bits)).max())


@pytest.mark.parametrize("link", WEIGHTS)
@pytest.mark.parametrize("bits", [12, 25])
@pytest.mark.parametrize("height", [0.01, 0.04])
def test_arguments_and_moduli_are_below_their_bounds(link: str, bits: int, height: float) -> None:
    angle, gain = worst(link, bits, height)
    balls = ridged(link, bits)
    assert angle <= float(balls.angle(arb(height))) < 1.5 * angle
    assert gain <= float(balls.gain(arb(height))) < 1.5 * gain


@pytest.mark.parametrize("link", WEIGHTS)
def test_far_off_the_line_nothing_is_known(link: str) -> None:
    assert not ridged(link, 25).angle(arb(1)).is_finite()


@pytest.mark.parametrize("link", WEIGHTS)
def test_values_and_enclosures_have_the_ridge(link: str) -> None:
    balls = ridged(link, 8)
    for x in (-3.0, 0.25, 1.5):
        value = float(VALUES[link](np.array([x + 0j]))[0].real) + 2.0**-8
        assert abs(float(balls.at(arb(x))) - value) < 1e-12
        assert abs(float(balls.of_exponential(arb(x).exp())) - value) < 1e-12 if link == "cloglog" else True
        assert float(balls.least(arb(x - 1), arb(x + 1))) <= value
        assert value <= float(balls.modulus(arb(x - 1), arb(x), arb(0))) + 1e-12
        box = balls.on(acb(arb(x, 0.01), arb(0, 0.01)))
        assert box.contains(acb(value))
        # |v'/v| by a difference
        slope = abs(float((balls.at(arb(x + 1e-6)) - balls.at(arb(x - 1e-6))).mid())) / 2e-6 / value
        assert slope <= float(balls.steepness(acb(arb(x, 0.01), arb(0, 0.01)))) + 1e-6


def test_doubles_are_on_their_side_of_what_they_stand_for() -> None:
    """Where doubles lose digits, or all of them, too."""
    mantissas, exponents = np.array([0.75, 0.6, 0.9, 0.7, 0.0]), np.array([-1, -40, -1050, -5000, 0])
    scaled = Scaled(mantissas, exponents)
    above, below = ridged_balls._above(scaled), ridged_balls._below(scaled)
    for high, low, mantissa, exponent in zip(above, below, mantissas, exponents, strict=True):
        exact = Fraction(float(mantissa)) * Fraction(2) ** int(exponent)
        assert 0 <= Fraction(float(low)) <= exact <= Fraction(float(high))
        assert high - low <= 1e-299


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ridged_balls.BoundedArrays.rests

    def half(self: Any, *args: Any) -> Any:
        found = real(self, *args)
        return type(found)(found.middles / 2, found.halves / 2, found.across)

    monkeypatch.setattr(ridged_balls.BoundedArrays, "rests", half)
    ridged_balls._turned.cache_clear()
    try:
        assert float(ridged("cloglog", 25).angle(arb(0.04))) < worst("cloglog", 25, 0.04)[0]
    finally:
        ridged_balls._turned.cache_clear()
