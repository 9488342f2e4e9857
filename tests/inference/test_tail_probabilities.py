"""Tails: scipy in double precision, mpmath's quadrature far out, and refusals."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy import stats

from leadterms.errors import EvaluationError
from leadterms.inference.tail_probabilities import chi_squared_tail, f_tail


@pytest.mark.parametrize("seed", range(30))
def test_f_as_scipy(seed):
    rng = np.random.default_rng(seed)
    ndf, ddf, statistic = int(rng.integers(1, 30)), float(rng.uniform(0.5, 500)), float(rng.exponential(3))
    assert f_tail(statistic, ndf, ddf) == pytest.approx(stats.f.sf(statistic, ndf, ddf), rel=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_chi_squared_as_scipy(seed):
    rng = np.random.default_rng(seed)
    df, statistic = int(rng.integers(1, 40)), float(rng.exponential(30))
    assert chi_squared_tail(statistic, df) == pytest.approx(stats.chi2.sf(statistic, df), rel=1e-10)


@pytest.mark.parametrize(("ndf", "ddf", "statistic"), [(1, 79, 400), (3, 20.5, 1e5), (25, 79, 60)])
def test_small_tails_keep_their_digits(ndf, ddf, statistic):
    """The density of F by quadrature over t = 1/f, 40 digits."""
    with mpmath.workdps(40):
        a, b = mpmath.mpf(ndf) / 2, mpmath.mpf(ddf) / 2

        def density(f):
            return (ndf / ddf) ** a * f ** (a - 1) * (1 + ndf * f / mpmath.mpf(ddf)) ** (-a - b) / mpmath.beta(a, b)

        (ndf, ddf) = (mpmath.mpf(ndf), mpmath.mpf(ddf))
        ends = [0, mpmath.mpf(1) / (100 * statistic), mpmath.mpf(1) / (4 * statistic), mpmath.mpf(1) / statistic]
        expected = mpmath.quad(lambda t: density(1 / t) / t**2, ends)
    found = f_tail(statistic, int(ndf), float(ddf))
    assert found < 1e-20
    assert found == pytest.approx(float(expected), rel=1e-12)


def test_limits():
    assert f_tail(0, 3, 7) == 1
    assert f_tail(2.5, 4, math.inf) == pytest.approx(chi_squared_tail(10, 4), rel=1e-14)
    assert (chi_squared_tail(0, 0), chi_squared_tail(1e-9, 0)) == (1, 0)
    assert chi_squared_tail(0, 5) == 1


@pytest.mark.parametrize(
    ("arguments", "message"), [((-1, 1, 1), "not negative"), ((math.nan, 1, 1), "finite"), ((1, 0, 1), "positive")]
)
def test_refusals(arguments, message):
    with pytest.raises(EvaluationError, match=message):
        f_tail(*arguments)


def test_no_global_precision_is_changed():
    before = mpmath.mp.dps
    f_tail(3, 2, 5)
    assert mpmath.mp.dps == before
