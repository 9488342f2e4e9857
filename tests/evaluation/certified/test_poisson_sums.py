"""Sums of multiples of Poisson variables: probabilities and tails beside those of scipy."""

import numpy as np
import pytest
import scipy.stats
from flint import arb

from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.model.law_reading import read_law
from leadterms.model.laws import PoissonLaw

K = np.arange(-300, 301)


def hermite(a, b):
    # of N + 2M, by convolution
    doubled = np.zeros(301)
    doubled[::2] = scipy.stats.poisson(b).pmf(np.arange(151))
    found = np.convolve(scipy.stats.poisson(a).pmf(np.arange(301)), doubled)[:301]
    return np.concatenate([np.zeros(300), found])


MASSES = {
    "Skellam(2, 1)": scipy.stats.skellam(2, 1).pmf(K),
    "Skellam(1/2, 3)": scipy.stats.skellam(0.5, 3).pmf(K),
    "Hermite(1, 1/2)": hermite(1, 0.5),
}


@pytest.mark.parametrize("text", MASSES)
def test_probabilities_and_moments(text):
    law = read_law(text, ("x",))
    line = line_of(law)
    for x, p in line.atoms(*line.reach(3.0)):
        assert abs(float(p) - MASSES[text][int(float(x)) + 300]) < 1e-13
    for k in range(5):
        assert float(law.raw_moment(k)) == pytest.approx(np.sum(MASSES[text] * K.astype(float) ** k))
    tilted = np.sum(MASSES[text] * K**2 * np.exp(0.3 * K))
    assert float(law.tilted_moment(2, law.raw_moment(0) * 3 / 10)) == pytest.approx(tilted)


@pytest.mark.parametrize("text", MASSES)
@pytest.mark.parametrize(("power", "rate"), [(0, 0.0), (2, 0.0), (1, 0.4), (3, -0.4)])
def test_tails_are_bounds(text, power, rate):
    line = line_of(read_law(text, ("x",)))
    for spreads in (2.0, 4.0):
        low, high = line.reach(spreads)
        outside = (float(low) > K) | (float(high) < K)
        true = np.sum((MASSES[text] * np.abs(K) ** float(power) * np.exp(rate * K))[outside])
        bound = float(line.tail(low, high, power, arb(rate)))
        # and not a wild one
        assert true <= bound < max(1e4 * true, 1e-12)


def test_one_poisson_variable_is_a_poisson_law():
    assert read_law("Skellam(2, 0)", ("x",)) == PoissonLaw(2) == read_law("Hermite(2, 0)", ("x",))
