"""Coverage and power by real fits: one-term intervals fall short, two-term ones and sample sizes do what they say.

The fits are those of `agq_fit`; data, likelihood and fit share no algebra with the covariance formulas.
"""

from __future__ import annotations

import importlib.util
import sys
from math import sqrt
from pathlib import Path

import pytest
from scipy.special import ndtr, ndtri

from leadterms import Model, expansion
from leadterms.inference.sample_size import sample_size

spec = importlib.util.spec_from_file_location("wald_simulation", Path(__file__).with_name("wald_simulation.py"))
simulation = importlib.util.module_from_spec(spec)
sys.modules["wald_simulation"] = simulation
spec.loader.exec_module(simulation)
Setting = simulation.Setting


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "name"),
    [
        # a random slope, and a random intercept: parameters of order 1/m
        (Setting("poisson", (0.0, 0.3), simulation.SIGMA, 80, 15), "x"),
        (Setting("bernoulli", (-0.4, 0.9), ((0.8,),), 100, 10), "1"),
    ],
)
def test_one_term_intervals_fall_short_and_two_term_ones_cover(setting, name):
    """The deck's message on parameters of order 1/m, at the level 0.95, within three Monte-Carlo errors."""
    one, two, error = simulation.coverage(simulation.replicates(setting, 150, 1), setting, name)
    assert one < 0.95 - 3 * error
    assert two == pytest.approx(0.95, abs=3 * error)


@pytest.mark.slow
def test_a_parameter_of_order_1_mn_is_covered_by_one_term():
    """The slope without a random slope: its leading term is all there is through 1/(mn)."""
    setting = Setting("bernoulli", (-0.4, 0.9), ((0.8,),), 100, 10)
    one, two, error = simulation.coverage(simulation.replicates(setting, 150, 1), setting, "x")
    assert one == two == pytest.approx(0.95, abs=3 * error)


POWER, QUANTILE = 0.8, float(ndtri(0.975))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "at", "n", "replicates"),
    [
        # arms of a cluster-randomised trial with a binary response
        (
            Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Bernoulli(1/2)"}, levels={"x": "g"}),
            {"beta0": "-0.4", "beta1": "0.6", "sigma2": "0.6"},
            10,
            300,
        ),
        # a slope that varies between groups, with counts
        (
            Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(1/2)"}),
            {"beta0": "0", "beta1": "0.3", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.25"},
            10,
            120,
        ),
    ],
)
def test_the_two_term_number_of_groups_has_the_power_that_it_was_chosen_for(model, at, n, replicates):
    """Two-sided level 0.05, power 0.8; with the one-term number of groups it falls short by more than the error."""
    beta, sigma = simulation_values(at)
    shares = []
    for terms, seed in ((2, 3), (1, 4)):
        m = sample_size(model, "x", at, n=n, power=str(POWER), terms=terms).value
        setting = Setting(model.family.name, beta, sigma, m, n, arms=bool(model.levels))
        fits = simulation.replicates(setting, replicates if terms == 2 else replicates // 3, seed)
        shares.append(simulation.rejections(fits, "x", QUANTILE))
    error = sqrt(POWER * (1 - POWER) / replicates)
    assert shares[0] == pytest.approx(POWER, abs=3 * error)
    assert shares[1] < POWER - 3 * error


def simulation_values(at):
    """Return beta and Sigma as numbers."""
    number = {name: float(value) for name, value in at.items()}
    if "sigma2" in number:
        return (number["beta0"], number["beta1"]), ((number["sigma2"],),)
    rows = ((number["Sigma11"], number["Sigma12"]), (number["Sigma12"], number["Sigma22"]))
    return (number["beta0"], number["beta1"]), rows


@pytest.mark.slow
def test_the_published_power_of_a_test_of_the_slope():
    """A cell with beta0 = 0.5 of the published table, Poisson reading: within three errors of both simulations."""
    _, printed, (low, high) = simulation.PUBLISHED[2]
    found, error = simulation.published_power(2, 200, 31)
    of_print = (high - low) / (2 * QUANTILE)
    assert found == pytest.approx(printed, abs=3 * sqrt(error**2 + of_print**2))


@pytest.mark.parametrize(("setting", "printed", "ends"), simulation.PUBLISHED)
def test_the_printed_intervals_are_those_of_1000_replicates(setting, printed, ends):
    """Normal intervals around the printed shares: 1000 replicates, read off their widths."""
    share = printed / 100
    reach = 100 * QUANTILE * sqrt(share * (1 - share) / 1000)
    assert ends == pytest.approx((printed - reach, printed + reach), abs=0.051)


@pytest.mark.parametrize("index", range(4))
def test_the_two_term_variance_foretells_the_published_power(index):
    """Phi(beta/s.e. - z) with two terms; within the printed interval, twice as wide for what is neglected."""
    setting, printed, (low, high) = simulation.PUBLISHED[index]
    slope = expansion(Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(1/2)"}))["x"]
    at = {name: str(value) for name, value in setting.truth.items()}
    error = sqrt(float(slope.evaluate_variance(at, {"m": setting.m, "n": setting.n})))
    foretold = 100 * ndtr(setting.beta[1] / error - simulation.ONE_SIDED)
    assert foretold == pytest.approx(printed, abs=high - low)
