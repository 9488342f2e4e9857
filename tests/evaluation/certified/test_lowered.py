"""Exponential weights with lowered slopes, against sums over both laws and closed moments integrated by mpmath."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer, Rational, Reals, Symbol, exp
from sympy.stats import ContinuousRV
from sympy.stats.drv_types import GeometricDistribution, NegativeBinomialDistribution

import leadterms as lt
from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.tilted import lowered
from leadterms.evaluation.certified.tilted.lowered import with_lower_slopes
from leadterms.evaluation.moment_system import Strand
from leadterms.model.laws import ExponentialLaw, GammaLaw, NormalLaw, PoissonLaw, StatsLaw, UniformLaw
from leadterms.model.weights import ExponentialWeight, LogisticWeight

UNIT = UniformLaw(0, 1)
Z = Symbol("z", real=True)
MONOMIALS = ((1, 0), (0, 1), (1, 1))
LAWS = [
    GammaLaw(2, 1),
    GammaLaw(Rational(5, 2), Rational(1, 3)),
    ExponentialLaw(Rational(3, 2)),
    PoissonLaw(2),
    StatsLaw(GeometricDistribution(Rational(3, 4))),
    StatsLaw(NegativeBinomialDistribution(Rational(5, 2), Rational(2, 3))),
]


def strand(law, rate=1, slopes=("-1/3", "1/5", "2/7")):
    weight = ExponentialWeight(Integer(1), Integer(rate))
    numbers = tuple(fmpq(*map(int, text.split("/"))) for text in slopes)
    return Strand(weight, (UNIT, law), fmpq(1, 4), numbers, (), ((0, 0), (1, 1), (0, 2)), MONOMIALS)


def masses(law):
    """Return points and masses of a law of z."""
    if isinstance(law, StatsLaw):
        at, numbers = np.arange(350), [float(argument) for argument in law.distribution.args]
        frozen = stats.geom(*numbers) if law.name == "Geometric" else stats.nbinom(*numbers)
        return at.astype(float), frozen.pmf(at)
    numbers = [float(argument) for argument in law.args]
    if isinstance(law, PoissonLaw):
        at = np.arange(200)
        return at.astype(float), stats.poisson(numbers[0]).pmf(at)
    frozen = (
        stats.gamma(numbers[0], scale=numbers[1]) if isinstance(law, GammaLaw) else stats.expon(scale=1 / numbers[0])
    )
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.linspace(0, 240, 161)
    half = np.diff(edges)[:, None] / 2
    at = (edges[:-1, None] + half * (1 + nodes)).ravel()
    return at, (half * weights).ravel() * frozen.pdf(at)


def moments(one):
    """Return the moments of a strand by a sum over x and z."""
    nodes, weights = np.polynomial.legendre.leggauss(30)
    x, p = (1 + nodes[:, None]) / 2, weights[:, None] / 2
    z, q = masses(one.laws[1])
    rate = float(one.weight.parameter)
    monomials = MONOMIALS if one.monomials is None else one.monomials
    eta = float(arb(one.centre).mid()) + sum(
        float(arb(slope).mid()) * x**i * z**j for slope, (i, j) in zip(one.slopes, monomials, strict=True)
    )
    return [float(np.sum(p * q * x**i * z**j * np.exp(rate * eta))) for i, j in one.moments]


@pytest.mark.parametrize("law", LAWS, ids=str)
@pytest.mark.parametrize("rate", [1, 2])
def test_moments_stay(law, rate):
    """The slope is at most 17/35: e^(2 * 17/35) < 3 and 4."""
    whole = strand(law, rate)
    (found,) = with_lower_slopes((whole,))
    assert found.laws[1] != law
    assert moments(found) == pytest.approx(moments(whole), rel=1e-10)
    # at no x does the weight grow with z
    slopes = dict(zip(found.monomials, found.slopes, strict=True))
    assert slopes[0, 1] <= 0
    assert slopes[0, 1] + slopes[1, 1] <= 0


def test_a_product_alone_and_a_negative_rate():
    """eta = x z, and e^(-eta) with a negative slope: as 1/mu in a model for the logarithm of a mean."""
    alone = Strand(ExponentialWeight(Integer(1), Integer(1)), (UNIT, GammaLaw(2, 1)), fmpq(0), (fmpq(1, 2),), (),
                   ((0, 0), (1, 1)), ((1, 1),))  # fmt: skip
    down = strand(GammaLaw(2, 1), -1, ("1/3", "-1/5", "-2/7"))
    for whole in (alone, down):
        (found,) = with_lower_slopes((whole,))
        assert found.laws[1] != whole.laws[1]
        assert moments(found) == pytest.approx(moments(whole), rel=1e-10)


def test_a_square_of_a_predictor_of_both_signs():
    """eta = x^2 z with x between -1 and 1: the slope is at most 1/2."""
    law = GammaLaw(2, 1)
    whole = Strand(ExponentialWeight(Integer(1), Integer(1)), (UniformLaw(-1, 1), law), fmpq(0), (fmpq(1, 2),), (),
                   ((0, 0),), ((2, 1),))  # fmt: skip
    (found,) = with_lower_slopes((whole,))
    assert found.laws[1] != law
    slopes = dict(zip(found.monomials, found.slopes, strict=True))
    assert -0.6 < float(slopes[0, 1].mid()) <= -0.5


def test_a_false_level_is_caught(monkeypatch):
    """K to a wrong power changes the moments."""
    true = lowered._lowering

    def false(law, wanted, rate):
        found = true(law, wanted, rate)
        return replace(found, level=found.level * arb("1.001"))

    monkeypatch.setattr(lowered, "_lowering", false)
    whole = strand(GammaLaw(2, 1))
    (found,) = with_lower_slopes((whole,))
    assert moments(found) != pytest.approx(moments(whole), rel=1e-6)


@pytest.mark.parametrize("law", LAWS[-2:], ids=str)
def test_beyond_the_rate_of_a_count(law):
    """Slopes up to 7/5, and e^(7/5) > 4."""
    whole = strand(law, slopes=("-1/3", "1/1", "2/5"))
    assert with_lower_slopes((whole,)) == (whole,)


def test_what_stays_as_it_is():
    """No product, a slope that is nowhere positive, one beyond the rate, a random slope, other laws and weights."""
    law = GammaLaw(2, 1)
    whole = strand(law)
    for one in (
        strand(law, slopes=("-1/3", "1/5", "0/1")).__class__(
            **{**whole.__dict__, "monomials": None, "slopes": whole.slopes[:2]}
        ),
        strand(law, slopes=("1/3", "-1/5", "-1/7")),
        strand(law, slopes=("1/3", "1/2", "2/3")),
        replace(whole, loadings=((fmpq(0), fmpq(0), fmpq(1), fmpq(0)),)),
        replace(whole, laws=(UNIT, NormalLaw(0, 1))),
        replace(whole, weight=LogisticWeight(Integer(1))),
    ):
        assert with_lower_slopes((one,)) == (one,)


@pytest.mark.parametrize(("family", "rate"), [("poisson", 1), ("gaussian", 2)])
@pytest.mark.parametrize("law", ["Gamma(2, 1/2)", "Exponential(3)", "Poisson(2)"])
def test_interactions_with_slopes_above_zero(law, family, rate):
    """Weights e^eta and e^(2 eta); the closed moments of z given x are integrated over x by mpmath."""
    result = lt.leading_terms(lt.Model("y ~ x*z", family=family, link="log", laws={"x": "Uniform(0, 1)", "z": law}))
    at = {"beta0": "1/3", "beta1": "-1/2", "beta2": "1/5", "beta3": "2/7"} | (
        {"phi": 1} if family == "gaussian" else {}
    )
    closed = {
        "Gamma(2, 1/2)": lambda t: (1 - t / 2) ** -2,
        "Exponential(3)": lambda t: 3 / (3 - t),
        "Poisson(2)": lambda t: mpmath.exp(2 * (mpmath.exp(t) - 1)),
    }[law]

    def entry(i, j):
        def at_x(v):
            slope = rate * (mpmath.mpf(1) / 5 + 2 * v / 7)
            return mpmath.exp(rate * (mpmath.mpf(1) / 3 - v / 2)) * v**i * mpmath.diff(closed, slope, j)

        return mpmath.quad(at_x, [0, 1])

    powers = [(0, 0), (1, 0), (0, 1), (1, 1)]
    with mpmath.workdps(25):
        table = {(i, j): entry(i, j) for i in range(3) for j in range(3)}
        matrix = mpmath.matrix([[table[i + k, j + m] for k, m in powers] for i, j in powers])
        expected = float((matrix**-1)[1, 1])
    value = result["x"].evaluate(at, digits=8, method="balls")
    assert float(value.value) == pytest.approx(expected, rel=1e-7)


def test_beside_a_random_intercept():
    """E e^u = e^(sigma2/2) multiplies the information."""
    laws = {"x": "Uniform(0, 1)", "z": "Gamma(2, 1/2)"}
    at = {"beta0": "1/3", "beta1": "-1/2", "beta2": "1/5", "beta3": "2/7"}
    mixed = lt.leading_terms(lt.Model("y ~ x*z + (1 | g)", family="poisson", laws=laws))
    value = mixed["x"].evaluate(at | {"sigma2": "1/2"}, digits=8, method="balls")
    fixed = lt.leading_terms(lt.Model("y ~ x*z", family="poisson", laws=laws))["x"].evaluate(at, digits=10)
    assert value.certified
    assert float(value.value) == pytest.approx(float(fixed.value) * np.exp(-0.25), rel=1e-7)


def test_a_law_of_two_tails_that_is_not_lowered_is_named():
    laws = {"x": "Uniform(0, 1)", "z": ContinuousRV(Z, exp(-2 * abs(Z)), set=Reals)}
    result = lt.leading_terms(lt.Model("y ~ x*z", family="poisson", laws=laws))
    at = {"beta0": 0, "beta1": "1/3", "beta2": "-1/3", "beta3": "1/4"}
    with pytest.raises(EvaluationError, match=r"no bound of the weight is known over ContinuousRV"):
        result["z"].evaluate(at, digits=5, method="balls")
