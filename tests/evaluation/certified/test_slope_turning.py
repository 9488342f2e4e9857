"""A random slope on a law of Student's, against sums in NumPy over x = sinh t and over log |slope|."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb
from scipy import stats

from leadterms import Model, UndecidedError, expansion, leading_terms
from leadterms.evaluation.certified.bounds.slope_turning import SlopeTurning
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.moment_system import Sector
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.test_falls import WEIGHTS

Array = Any
LAWS = {
    "Cauchy(1, 2)": stats.cauchy(1, 2),
    "Cauchy(0, 1)": stats.cauchy(),
    "StudentT(3/2)": stats.t(1.5),
    "StudentT(5)": stats.t(5),
}


@pytest.mark.parametrize(("law", "poles", "order"), [("Cauchy(1, 2)", 1 + 2j, 2), ("StudentT(2)", 2**0.5 * 1j, 3)])
def test_the_density_turns_and_grows_by_no_more_than_the_factor(law: str, poles: complex, order: float) -> None:
    """f(y/s)/s against f(y/|s|)/|s| over all y, a common turn apart."""
    line = line_of(read_law(law, ("x",)))
    turning = SlopeTurning(arb(0), arb(1), line, Sector(1, 2))  # type: ignore[arg-type]
    y = np.sinh(np.linspace(-9, 9, 4000))
    for s in (0.8, -2.5):
        for theta in (0.05, 0.2, 0.35):
            turned = s * np.exp(1j * theta)
            bound = float(turning.factor(((arb(s * np.cos(theta)),) * 2,), 0, arb(abs(s) * np.sin(theta))))
            found = -order / 2 * (np.log(1 - turned * poles / y) + np.log(1 - turned * np.conj(poles) / y))
            real = -order / 2 * (np.log(1 - s * poles / y) + np.log(1 - s * np.conj(poles) / y))
            # logarithms of y - s p but for that of y: 1 - s p/y stays off the real line
            angles = (found - real).imag
            angle, growth = (angles.max() - angles.min()) / 2, np.exp((found - real).real.max())
            true = growth / np.cos(angle) ** 2
            assert true <= bound <= 1.5 * np.exp(2 * order * theta)
            assert angle >= order * theta / 4


def test_a_slope_of_zero_has_no_factor() -> None:
    line = line_of(read_law("Cauchy(1, 2)", ("x",)))
    turning = SlopeTurning(arb(1), arb(1), line, Sector(1, 2))  # type: ignore[arg-type]
    assert not turning.factor(((arb(-2), arb(0)),), 0, arb("0.01")).is_finite()
    assert not turning.factor(((arb(0), arb(1)),), 0, arb(3)).is_finite()


def test_a_centre_that_may_be_one_of_many_gets_the_largest_factor() -> None:
    line = line_of(read_law("Cauchy(1, 2)", ("x",)))
    side = ((arb(0.8), arb(0.8)),)
    known = SlopeTurning(arb(0), arb(1), line, Sector(1, 2)).factor(side, 0, arb("0.1"))  # type: ignore[arg-type]
    line.centre = arb(1, 1.5)
    wider = SlopeTurning(arb(0), arb(1), line, Sector(1, 2)).factor(side, 0, arb("0.1"))  # type: ignore[arg-type]
    assert wider > known


def complement(link: str, law: str, constant: float, s: float) -> float:
    t = np.linspace(-16, 16, 8001)
    x = np.sinh(t)
    masses = LAWS[law].pdf(x) * np.cosh(t) * (t[1] - t[0])
    weights = masses * np.exp(WEIGHTS[link][1](np.clip(constant + s * x, -290, 290)))
    zero, one, two = (np.sum(weights * x**k) for k in range(3))
    return float(zero - one * one / two)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "law", "at"),
    [
        ("logit", "Cauchy(0, 1)", (-0.3, 0.7, 1.3)),
        ("probit", "StudentT(5)", (-0.6, 0.4, 0.5)),
        ("cloglog", "StudentT(3/2)", (0.2, 0.5, 0.9)),
    ],
)
def test_leading_terms(link: str, law: str, at: tuple[float, float, float]) -> None:
    """One over the average of E[w] - E[x w]^2/E[x^2 w]."""
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", link=link, laws={"x": law})
    found = leading_terms(model)["1"].evaluate("beta0={}, beta1={}, sigma2={}".format(*at), 3, method="balls")
    constant, slope, sd = at[0], at[1], at[2] ** 0.5
    ends = np.log([1e-5, abs(slope) + 6 * sd])
    nodes, masses = np.polynomial.legendre.leggauss(48)
    half = (ends[1] - ends[0]) / 2
    total = 0.0
    for v, mass in zip(ends[0] + half * (1 + nodes), half * masses, strict=True):
        for s in (np.exp(v), -np.exp(v)):
            total += mass * abs(s) * stats.norm.pdf(s, slope, sd) * complement(link, law, constant, s)
    assert abs(float(found.value) - 1 / total) <= float(found.error) + 1e-4 / total


def test_what_exists_beside_a_slope_of_zero() -> None:
    """Of a complement all values but that at zero are asked; of a column with the law itself the moment is."""
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", laws={"x": "Cauchy(0, 1)"})
    assert leading_terms(model).conditions == ()
    probit = Model("y ~ x + (0 + x | g)", family="bernoulli", link="probit", laws={"x": "Cauchy(0, 1)"})
    with pytest.raises(UndecidedError, match="a random slope stands at a law without a second moment"):
        expansion(probit)["x"].evaluate("beta0=0, beta1=1, sigma2=1", 3, order="1/(m*n)")
    square = Model("y ~ x + I(x**2) + (0 + x | g)", family="bernoulli", laws={"x": "Cauchy(0, 1)"})
    assert list(map(str, leading_terms(square).conditions)) == ["beta2 != 0"]
