"""Intervals for mean squares: scipy's quantiles, and coverage in a simulation with its Monte-Carlo error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from leadterms import EvaluationError
from leadterms.inference.variance_intervals import variance_interval


@pytest.mark.parametrize("degrees", [1, 2.5, 7, 79, 5000])
@pytest.mark.parametrize("level", ["0.5", "0.95", 0.999])
def test_the_ends_are_quotients_of_quantiles(degrees, level):
    tail = (1 - float(level)) / 2
    expected = [3.7 * degrees / chi2.ppf(p, degrees) for p in (1 - tail, tail)]
    assert variance_interval(3.7, degrees, level) == pytest.approx(expected, rel=1e-9)


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(14)
    degrees, truth, count = 6, 2.3, 2000
    factors = np.array(variance_interval(1, degrees, "0.9"))
    draws = truth * rng.chisquare(degrees, count) / degrees
    covered = np.mean((draws * factors[0] <= truth) & (truth <= draws * factors[1]))
    assert covered == pytest.approx(0.9, abs=4 * (0.9 * 0.1 / count) ** 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 3), "a mean square is a finite number that is not negative"),
        ((1, 0), "degrees of freedom are positive"),
        ((1, 3, "1.5"), "a level lies between 0 and 1"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(EvaluationError, match=message):
        variance_interval(*arguments)


def test_many_degrees_of_freedom_are_no_limit():
    low, high = variance_interval(2.0, 1e6)
    expected = [2.0 * 1e6 / chi2.ppf(p, 1e6) for p in (0.975, 0.025)]
    assert (low, high) == pytest.approx(expected, rel=1e-9)


def test_text_is_no_mean_square():
    with pytest.raises(EvaluationError, match="a mean square is a number, not 'x'"):
        variance_interval("x", 2)
