"""Quantiles and tails in balls: against scipy, and against their own definitions at two precisions."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from flint import arb
from scipy.stats import chi2, ncx2, norm
from sympy import Rational

from leadterms import EvaluationError
from leadterms.evaluation.precision import ball_precision
from leadterms.inference.quantiles import (
    BITS,
    chi_squared_critical,
    noncentral_tail,
    noncentrality_needed,
    normal_quantile,
    normal_tail,
)

LEVELS = ["1/2", "1/20", "1/40", "1/1000", "9/10", "1e-12"]


@pytest.mark.parametrize("level", LEVELS)
def test_normal_quantiles(level):
    upper = Rational(level)
    z = normal_quantile(upper)
    assert float(z) == pytest.approx(norm.isf(float(upper)), rel=1e-13, abs=1e-15)
    with ball_precision(BITS):
        assert normal_tail(z).contains(arb(int(upper.p)) / int(upper.q))
    assert z.rad() < 1e-25


@pytest.mark.parametrize("df", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("level", ["1/20", "1/1000", "1/2"])
def test_chi_squared_critical_values(df, level):
    found = chi_squared_critical(Rational(level), df)
    assert float(found) == pytest.approx(chi2.isf(float(Rational(level)), df), rel=1e-12)
    assert found.rad() < 1e-25


def test_noncentral_tails_at_random_places():
    generator = np.random.default_rng(4)
    for _ in range(40):
        df, c, noncentrality = int(generator.integers(1, 12)), generator.uniform(0.1, 60), generator.uniform(0, 80)
        found = noncentral_tail(arb(c), df, arb(noncentrality))
        assert float(found) == pytest.approx(ncx2.sf(c, df, noncentrality), rel=1e-9, abs=1e-13)
        assert found.rad() < 1e-25


def test_one_degree_of_freedom_is_the_square_of_a_normal_variable():
    z, shift = arb("1.7"), arb("2.3")
    squared = noncentral_tail(z**2, 1, shift**2)
    assert squared.overlaps(normal_tail(z - shift) + normal_tail(z + shift))


def test_large_noncentrality_is_a_sure_rejection():
    with ball_precision(BITS):
        assert noncentral_tail(arb(8), 3, arb(4000)) > 1 - arb("1e-30")


@pytest.mark.parametrize("df", [1, 2, 5])
@pytest.mark.parametrize(("level", "power"), [("1/20", "9/10"), ("1/100", "4/5"), ("1/10", "11/100")])
def test_the_noncentrality_gives_the_power(df, level, power):
    found = noncentrality_needed(Rational(level), Rational(power), df)
    assert found.rad() < 1e-20 * found
    critical = chi2.isf(float(Rational(level)), df)
    assert ncx2.sf(critical, df, float(found)) == pytest.approx(float(Rational(power)), rel=1e-10)


def test_a_power_below_the_level_is_refused():
    with pytest.raises(EvaluationError, match="a power of 1/100 is not above the level 1/20"):
        noncentrality_needed(Rational(1, 20), Rational(1, 100), 2)


@pytest.mark.parametrize(("df", "c", "noncentrality"), [(2, "5.5", "12.5"), (5, "0.25", "40"), (3, "60", "1.5")])
def test_the_radius_covers_what_is_cut_off(df, c, noncentrality):
    """The same sum in mpmath with 60 digits, where nothing of its first 45 is left."""
    context = mpmath.MPContext()
    context.dps = 60
    x, rate = context.mpf(c) / 2, context.mpf(noncentrality) / 2
    total = context.nsum(
        lambda j: (
            context.exp(-rate)
            * rate**j
            / context.factorial(j)
            * context.gammainc(context.mpf(df) / 2 + j, x, regularized=True)
        ),
        [0, 400],
    )
    with ball_precision(BITS):
        found = noncentral_tail(arb(c), df, arb(noncentrality))
        assert found.overlaps(arb(context.nstr(total, 50), "1e-45"))
        assert found.rad() > 1e-45
