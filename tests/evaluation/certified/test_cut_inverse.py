"""An inverse information under a random slope on an unbounded predictor, by sums in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer, Rational

from leadterms import Model, expansion
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
from leadterms.evaluation.certified.cuts import cut_road
from leadterms.evaluation.certified.cuts.cut_inverse import InverseLoss
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws
from leadterms.evaluation.moment_system import InverseForm, NumeratorTerm, NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw
from leadterms.model.weights import LogisticWeight, ProbitWeight, SaturatingWeight
from tests.evaluation.certified.complex_weights import log_probit
from tests.evaluation.certified.second_terms import normal, second_term, uniform

Array = Any
WEIGHTS = {
    "logit": LogisticWeight(Integer(1)),
    "saturating": SaturatingWeight(Integer(1), Rational(1, 2)),
    "probit": ProbitWeight(Integer(1)),
}
CENTRE, SLOPE, LOAD = fmpq(-3, 10), fmpq(7, 10), fmpq(3, 5)


def weight(kind: str, eta: Array) -> Array:
    if kind == "probit":
        return np.exp(log_probit(eta))
    if kind == "logit":
        return 1 / (2 * np.cosh(eta) + 2)
    return 1 / (0.5 + np.exp(-eta))


def system(kind: str) -> NumericSystem:
    """u^2/E[x^2 w], u = 3/5 z, eta = -3/10 + (7/10 + u) x, x standard normal."""
    strand = Strand(WEIGHTS[kind], (NormalLaw(0, 1),), CENTRE, (SLOPE,), ((fmpq(0), LOAD),), ((2,),))
    form = InverseForm(
        arb(1), (arb(1),), (NumeratorTerm(arb(1), (), (2,)),), (arb(0),), ((arb(LOAD),),)
    )  # fmt: skip
    ceiling, sector = inverse_ceiling((strand,), form)

    def integrand(values: Any) -> Any:
        u = arb(LOAD) * values[1]
        return u * u / values[0]

    return NumericSystem((strand,), integrand, (ceiling,), sector, with_effects=True, inverse=form)


def values(kind: str, z: Array, low: float = -14, high: float = 14) -> Array:
    x, dx = np.polynomial.legendre.leggauss(40)
    ends = np.linspace(low, high, 30)
    half = (high - low) / 58
    x, dx = (ends[:-1, None] + half * (1 + x)).ravel(), np.tile(half * dx, 29)
    masses = dx * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    u = 0.6 * z
    return u**2 / (masses * x**2 * weight(kind, -0.3 + (0.7 + u[:, None]) * x)).sum(-1)


Z = np.arange(-1300, 1301) * 0.01
DENSITY = np.exp(-Z * Z / 2) / np.sqrt(2 * np.pi) * 0.01


@pytest.mark.parametrize("kind", WEIGHTS)
def test_what_is_cut_off_is_bounded_by_the_loss(kind: str) -> None:
    whole = system(kind)
    with ball_precision(64):
        laws = CutLaws(whole.strands, everywhere=True)
        assert whole.inverse is not None
        cut, bound = cut_road._cut(laws, InverseLoss(whole, whole.inverse, laws), arb("1e-3"))
    ((low, high),) = cut.strands[0].cuts
    lost = DENSITY @ abs(values(kind, Z) - values(kind, Z, float(low), float(high)))
    assert 0 < lost <= float(bound) <= 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "bits"), [("logit", 30), ("saturating", 24), ("probit", 12)])
def test_averages(kind: str, bits: int) -> None:
    ball = certified_average(system(kind), bits)
    assert ball.rel_accuracy_bits() >= bits
    assert abs(float(ball.mid()) - DENSITY @ values(kind, Z)) <= float(ball.rad()) + 1e-11


def test_a_planted_false_loss_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing beyond the cut it is far too near."""
    nothing = {(0, side): arb("1e-300") for side in (0, 1)}
    monkeypatch.setattr(CutLaws, "beyond", lambda *_: nothing)
    ball = certified_average(system("logit"), 30)
    assert abs(float(ball.mid()) - DENSITY @ values("logit", Z)) > float(ball.rad()) + 1e-9


@pytest.mark.slow
def test_from_the_model_to_the_digits() -> None:
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", laws={"x": "Normal(0, 1)"})
    # the bias of the slope's random effect adds E[h_x1/h_xx]^2/(residual information of the intercept)
    found = expansion(model)["sigma2"].evaluate(
        "beta0=-0.3, beta1=0.7, sigma2=0.36", 8, order="1/(m*n)", method="balls"
    )
    assert found.certified
    x = np.arange(-120, 121) * 0.1
    masses = np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * 0.1
    u = 0.6 * Z[::10]
    w = masses * weight("logit", -0.3 + (0.7 + u[:, None]) * x)
    h, hx, hxx = (w.sum(-1), (w * x).sum(-1), (w * x * x).sum(-1))
    p = DENSITY[::10] * 10
    exact = 4 * p @ (u * u / hxx) + 4 * (p @ (u * hx / hxx)) ** 2 / (p @ (h - hx * hx / hxx))
    # eight digits are asked for
    assert float(found) == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize(("link", "variance"), [("logit", 0.5), ("probit", 0.3)])
def test_second_terms_of_a_slope_on_counts(link: str, variance: float) -> None:
    """Where the weights are small at all points but zero, whose square is nothing, moments are done at more bits."""
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", link=link, laws={"x": "Poisson(2)"})
    at = f"beta0=-0.3, beta1=0.7, sigma2={variance}"
    found = expansion(model)["x"].evaluate(at, 3, order="1/(m*n)", method="balls")
    x = np.arange(60.0 if link == "logit" else 40.0)
    exact = second_term(lambda eta: weight(link, eta), (x, stats.poisson(2).pmf(x)), [1], (-0.3, 0.7), [[variance]], 0)
    assert float(found) == pytest.approx(exact, rel=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "law"),
    [("logit", "Normal(0, 1)"), ("logit", "Exponential(1)"), ("probit", "Poisson(2)")],
)
def test_second_terms_of_an_intercept_and_a_slope(link: str, law: str) -> None:
    model = Model("y ~ x + (x | g)", family="bernoulli", link=link, laws={"x": law})
    variances = (0.3, 0.1, 0.25) if link == "logit" else (0.025, 0.00625, 0.0125)
    at = "beta0=-0.3, beta1=0.7, Sigma11={}, Sigma12={}, Sigma22={}".format(*variances)
    found = expansion(model)["x"].evaluate(at, 2, order="1/(m*n)", method="balls")
    points: dict[str, tuple[Array, Array]] = {
        "Normal(0, 1)": normal(),
        "Exponential(1)": with_density(stats.expon.pdf, 0, 60),
        "Poisson(2)": (np.arange(60.0), stats.poisson(2).pmf(np.arange(60))),
    }
    first, both, second = variances
    covariance = [[first, both], [both, second]]
    exact = second_term(lambda e: weight(link, e), points[law], [0, 1], (-0.3, 0.7), covariance, 1)
    assert abs(float(found.value) - exact) <= float(found.error) + 1e-6 * exact


def with_density(density: Any, low: float, high: float) -> tuple[Array, Array]:
    x, masses = uniform(low, high, 300)
    return x, (high - low) * masses * density(x)
