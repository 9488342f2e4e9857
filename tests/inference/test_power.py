"""Power of Wald tests: against scipy, and against simulated statistics with the stated covariance."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb
from scipy.stats import chi2, ncx2, norm
from sympy import Rational

from leadterms import EvaluationError, LeadtermsError
from leadterms.inference.power import ball_number, probability, wald_level
from leadterms.inference.sample_size import sample_size
from tests.inference.planning_models import STUDIES, covariance, derived, theta

ALPHAS = ["0.05", "1/100", "0.3"]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("information", [0.0, 0.4, 3.7, 11.0, 60.0])
def test_normal_power(alpha, information):
    level, delta = float(Rational(alpha)), np.sqrt(information)
    one = float(wald_level(alpha, 1, 1).power(arb(information)))
    two = float(wald_level(alpha, 2, 1).power(arb(information)))
    assert one == pytest.approx(norm.cdf(delta - norm.isf(level)), rel=1e-13)
    z = norm.isf(level / 2)
    assert two == pytest.approx(norm.cdf(delta - z) + norm.cdf(-delta - z), rel=1e-13)
    assert two == pytest.approx(ncx2.sf(chi2.isf(level, 1), 1, information), rel=1e-9)


@pytest.mark.parametrize("rows", [2, 3, 8])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_power_of_several_rows(alpha, rows):
    for information in (0.3, 5.0, 21.0):
        expected = ncx2.sf(chi2.isf(float(Rational(alpha)), rows), rows, information)
        assert float(wald_level(alpha, 2, rows).power(arb(information))) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("power", ["0.5", "0.8", "0.999"])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_what_is_needed_has_the_power(alpha, power, rows):
    level = wald_level(alpha, 2, rows)
    reached = float(level.power(level.needed(Rational(power))))
    # for one row the wrong side is left out: at most alpha/2 more
    neglected = (
        norm.sf(2 * norm.isf(float(Rational(alpha)) / 2) + norm.ppf(float(Rational(power)))) if rows == 1 else 0.0
    )
    assert reached == pytest.approx(float(Rational(power)) + neglected, abs=1e-13)
    assert neglected < float(Rational(alpha)) / 2


@pytest.mark.parametrize(
    ("name", "stated", "sides"),
    [
        ("poisson slopes", "x", 1),
        ("poisson slopes", "x", 2),
        ("poisson slopes", ["x", "beta0 = -1.4", "Sigma12 = 1/5"], 2),
        ("logistic intercept", "beta0 + x = 1/10", 2),
        ("logistic intercept", ["x = 0.6", "1 = -1/5"], 2),
        ("arms", "arm = 1/10", 1),
        ("gamma with dispersion", ["sigma2 = 1/5", "phi = 1/2"], 2),
        ("no groups", ["x = 0.1", "z = -0.1"], 2),
    ],
)
def test_simulated_wald_statistics(name, stated, sides):
    """Estimates from the normal limit, their statistic from numpy: the share of rejections is the power."""
    result, at, sizes = derived(name)
    plan = sample_size(result, stated, at, sizes=sizes, sides=sides, solve="power")
    tested, draws = plan.hypothesis, 40_000
    K, b = np.array(tested.K, dtype=float), np.array(tested.b, dtype=float).ravel()
    generator = np.random.default_rng(7)
    V = covariance(result, at, sizes)
    estimates = generator.multivariate_normal(theta(result, at), V, size=draws)
    d = estimates @ K.T - b
    spread = K @ V @ K.T
    if tested.rows == 1:
        z = d[:, 0] / np.sqrt(spread[0, 0]) * np.sign(float(plan.effect[0]))
        rejected = z > norm.isf(0.05) if sides == 1 else np.abs(z) > norm.isf(0.025)
    else:
        rejected = np.einsum("ij,jk,ik->i", d, np.linalg.inv(spread), d) > chi2.isf(0.05, tested.rows)
    power = float(plan.value)
    assert 0.1 < power < 0.999
    assert np.mean(rejected) == pytest.approx(power, abs=4 * np.sqrt(power * (1 - power) / draws))


def test_every_study_is_simulated_or_named():
    assert set(STUDIES) == {"poisson slopes", "logistic intercept", "arms", "gamma with dispersion", "no groups"}


@pytest.mark.parametrize("value", ["0", "1", "-0.1", "1.5", 2])
def test_probabilities_lie_between_zero_and_one(value):
    with pytest.raises(EvaluationError, match="alpha lies between 0 and 1"):
        probability(value, "alpha")


def test_a_probability_that_is_no_number():
    with pytest.raises(LeadtermsError, match="a number was expected"):
        probability("often", "power")


@pytest.mark.parametrize("sides", [0, 3, True, "2"])
def test_sides_are_one_or_two(sides):
    with pytest.raises(EvaluationError, match="sides is 1 or 2"):
        wald_level("0.05", sides, 1)


def test_several_rows_have_no_sides():
    with pytest.raises(EvaluationError, match="a test of 3 rows together has no sides"):
        wald_level("0.05", 1, 3)


@pytest.mark.parametrize(("sides", "power"), [(1, "0.05"), (2, "0.025"), (2, "0.01")])
def test_a_power_that_every_size_has_is_refused(sides, power):
    with pytest.raises(EvaluationError, match="any size has it"):
        wald_level("0.05", sides, 1).needed(Rational(power))


def test_a_wide_ball_is_no_number():
    with pytest.raises(EvaluationError, match="is not known to 10 digits"):
        ball_number(arb(1, "1e-4"), 10, True)
    assert str(ball_number(arb(0, "1e-4"), 10, True)) in ("0", "0.0000000000", "0.000000000")
