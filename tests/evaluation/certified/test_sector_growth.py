"""How densities fall in a sector, against their logarithmic derivatives at random points by mpmath."""

from __future__ import annotations

from random import Random

import mpmath
import pytest
from flint import arb
from sympy import Expr, Rational, exp, lambdify, log

from leadterms.evaluation.certified.laws.sector_growth import S, SectorGrowth, elasticity, logarithm_of
from leadterms.evaluation.precision import ball_precision

DENSITIES = [
    3 / (1 + S) ** 4,
    exp(-(log(S) ** 2) / 2) / S,
    exp(-(S ** Rational(1, 2))) / S ** Rational(1, 2),
    exp(-1 / S) / S ** Rational(5, 2),
    S**2 / (1 + S ** Rational(3, 2)) ** 3 / (2 + 3 * S) ** 2,
    exp(-(log(S) ** 2) - log(S)),
]


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("side", [1, -1])
def test_rates_bound_the_logarithmic_derivative(density: Expr, side: int) -> None:
    logarithm = lambdify(S, logarithm_of(density), "mpmath")
    draw = Random(3)
    known = 0
    with ball_precision(64):
        found = SectorGrowth(elasticity(logarithm_of(density)), side)
        for width in (0.2, 0.7, 1.2):
            for start in (1.5, 4.0, 9.0):
                rate = found.rate(arb(start), arb(width))
                if not rate.is_finite():
                    continue
                known += 1
                for _ in range(20):
                    u, psi = side * (start + draw.expovariate(0.5)), draw.uniform(-width, width)
                    true = mpmath.diff(lambda one, psi=psi: mpmath.re(logarithm(mpmath.exp(one + 1j * psi))), u)
                    assert -side * true >= float(rate) - 1e-6 * (1 + abs(true))
    assert known >= 4


def test_what_has_another_form_is_not_known() -> None:
    with ball_precision(64):
        for density in (exp(-S) * (1 + exp(-S)), 1 / (1 + log(1 + S) ** 2) / (1 + S)):
            found = SectorGrowth(elasticity(logarithm_of(density)), 1)
            assert not found.is_known
            assert not found.rate(arb(4), arb(0.5)).is_finite()


def test_no_rate_where_a_density_turns_over() -> None:
    """The density e^{-s} grows beyond the angle pi/2, and e^s everywhere: elasticities -s and s."""
    with ball_precision(64):
        assert SectorGrowth(-S, 1).rate(arb(3), arb(1.5)) > 0
        assert not SectorGrowth(-S, 1).rate(arb(3), arb(1.6)).is_finite()
        assert not SectorGrowth(S, 1).rate(arb(3), arb(0.1)).is_finite()
