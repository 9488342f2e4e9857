"""Values where the weight is next to nothing, by integrals in the variable in which it falls."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from leadterms import Model, leading_terms
from leadterms.errors import OutOfRangeError


def entry(random: str, link: str = "cloglog"):
    return leading_terms(Model(f"y ~ x{random}", family="bernoulli", link=link, laws={"x": "Uniform(0, 1)"}))["x"]


def near_an_end(beta0: int, slope: mpf) -> mpf:
    """1/(M_2 - M_1^2/M_0) with q = e^eta = q_0 + s, q_0 the least: w = q^2 e^-q (1 + next to nothing)."""
    with mpmath.workdps(60):
        start = mpmath.exp(beta0 + min(slope, mpf(0)))
        moments = []
        for k in range(3):

            def part(s: mpf, k: int = k) -> mpf:
                x = mpmath.log1p(s / start) / abs(slope)
                return (start + s) * mpmath.exp(-s) * x**k

            moments.append(mpmath.quad(part, [0, 1, 5, 20, 60, 140]))
        return mpmath.exp(start) * abs(slope) / (moments[2] - moments[1] ** 2 / moments[0])


@pytest.mark.parametrize(("beta0", "slope"), [(10, "7/10"), (20, "7/10"), (20, "-3/10")])
def test_without_random_effects(beta0: int, slope: str) -> None:
    above, below = slope.split("/")
    number = entry("").evaluate({"beta0": beta0, "beta1": slope}, digits=8)
    assert number.certified
    with mpmath.workdps(40):
        wanted = near_an_end(beta0, mpf(int(above)) / int(below))
        assert abs(mpf(str(number)) / wanted - 1) < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize("beta0", [20, 30, -50, -300])
def test_beside_a_random_intercept(beta0: int) -> None:
    number = entry(" + (1 | g)").evaluate({"beta0": beta0, "beta1": "7/10", "sigma2": "4/5"}, digits=8)
    assert number.certified
    assert float(str(number)) == pytest.approx(by_sums(beta0), rel=1e-7)


def by_sums(beta0: int) -> float:
    u = np.linspace(-38, 12, 2001)
    x, dx = np.polynomial.legendre.leggauss(40)
    x, dx = (1 + x) / 2, dx / 2
    eta = beta0 + np.sqrt(0.8) * u[:, None] + 0.7 * x
    q = np.exp(np.minimum(eta, 5))
    w = dx * np.where(eta < 5, q * q / np.expm1(q), 0)
    below = w.sum(axis=1)
    first = (w * x).sum(axis=1)
    inside = (w * x * x).sum(axis=1) - np.divide(first**2, below, out=np.zeros_like(first), where=below > 0)
    return float(1 / np.sum(inside * np.exp(-u * u / 2) / np.sqrt(2 * np.pi) * (u[1] - u[0])))


@pytest.mark.parametrize("beta0", [30, 50])
def test_beyond_all_places_it_is_refused(beta0: int) -> None:
    with pytest.raises(OutOfRangeError, match=r"less than 10\^-1000000000 for all values"):
        entry("").evaluate({"beta0": beta0, "beta1": "7/10"}, digits=4)
