"""Normal predictors taken together: against sums over each of them."""

from itertools import product
from math import prod

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer, Rational, sqrt

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.moments import joining
from leadterms.evaluation.certified.moments.joining import joined
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import NumericSystem, Strand
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight, Weight
from tests.evaluation.certified.complex_weights import cloglog, probit

NODES, MASSES = np.polynomial.hermite_e.hermegauss(64)
MASSES = MASSES / MASSES.sum()
LEGENDRE = np.polynomial.legendre.leggauss(30)
MOMENTS = ((0, 0, 0), (1, 0, 0), (0, 1, 1), (2, 1, 2), (1, 1, 1), (0, 0, 4))
VALUES = {ProbitWeight: probit, CloglogWeight: cloglog}


def system_of(weight: Weight, slope: object, integrand: object = lambda m: m[3]) -> NumericSystem:
    """x1 ~ N(1/2, sqrt 2), x2 ~ U(-1, 1), x3 ~ N(0, 2/3), eta = -1/3 + z + slope x1 + 7/10 x2 - 2/5 x3."""
    laws = (NormalLaw(Rational(1, 2), sqrt(2)), UniformLaw(-1, 1), NormalLaw(Integer(0), Rational(2, 3)))
    row = (fmpq(1), fmpq(0), fmpq(0), fmpq(0))
    strand = Strand(weight, laws, fmpq(-1, 3), (slope, fmpq(7, 10), fmpq(-2, 5)), (row,), MOMENTS)
    return NumericSystem((strand,), integrand)  # type: ignore[arg-type]


def expected(weight: Weight, slope: float, z: float) -> list[float]:
    points = ((0.5 + np.sqrt(2) * NODES, MASSES), (LEGENDRE[0], LEGENDRE[1] / 2), (2 / 3 * NODES, MASSES))
    x = np.meshgrid(*(one for one, _ in points), indexing="ij")
    mass = prod(np.meshgrid(*(m for _, m in points), indexing="ij"))
    values = VALUES[type(weight)](-1 / 3 + z + slope * x[0] + 0.7 * x[1] - 0.4 * x[2] + 0j).real * mass
    return [float((values * prod(one**k for one, k in zip(x, e, strict=True))).sum()) for e in MOMENTS]


@pytest.mark.parametrize("weight", [ProbitWeight(Integer(1)), CloglogWeight(Integer(1))])
@pytest.mark.parametrize(("slope", "number"), [(fmpq(3, 5), 0.6), (arb(2).sqrt() / 3, 2**0.5 / 3)])
def test_moments_are_those_of_all_predictors(weight: Weight, slope: object, number: float) -> None:
    together = joined(system_of(weight, slope, lambda m: list(m)))
    assert len(together.strands[0].laws) == 2
    strands = Strands(together)
    for z in (-0.7, 0.4):
        point = strands.at((arb(z),))
        rules = strands.plan(point, 50, strands.least_scales([point]))
        found = together.integrand(rules.moments([point])[0])
        np.testing.assert_allclose([float(v) for v in found], expected(weight, number, z), rtol=1e-9, atol=1e-13)


def test_a_wrong_covariance_of_residuals_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = joining._Together._of_residuals
    monkeypatch.setattr(joining._Together, "_of_residuals", lambda self, e: right(self, e) * (2 if any(e) else 1))
    with pytest.raises(AssertionError):
        test_moments_are_those_of_all_predictors(ProbitWeight(Integer(1)), fmpq(3, 5), 0.6)


def test_without_effects_the_predictors_are_one_as_well() -> None:
    system = system_of(ProbitWeight(Integer(1)), fmpq(3, 5))
    strand = system.strands[0]
    given = NumericSystem(
        (Strand(strand.weight, strand.laws, strand.centre, strand.slopes, (), MOMENTS),), lambda m: m[3]
    )
    np.testing.assert_allclose(float(certified_average(given, 60)), expected(strand.weight, 0.6, 0)[3], rtol=1e-11)


@pytest.mark.parametrize(
    ("slopes", "laws"),
    [
        ((fmpq(0), fmpq(1)), (NormalLaw(0, 1), NormalLaw(0, 1))),
        ((arb(0, 0.1), fmpq(1)), (NormalLaw(0, 1), NormalLaw(0, 1))),
        ((fmpq(1), fmpq(1)), (NormalLaw(0, 1), UniformLaw(0, 1))),
    ],
)
def test_a_slope_that_may_be_zero_and_other_laws_stay(slopes: tuple[object, ...], laws: tuple[object, ...]) -> None:
    strand = Strand(ProbitWeight(Integer(1)), laws, fmpq(0), slopes, (), ((1, 1),))  # type: ignore[arg-type]
    system = NumericSystem((strand,), lambda m: m[0])
    assert joined(system) is system


def test_random_slopes_stay() -> None:
    rows = ((fmpq(1), fmpq(1), fmpq(0)),)
    strand = Strand(ProbitWeight(Integer(1)), (NormalLaw(0, 1),) * 2, fmpq(0), (fmpq(1), fmpq(1)), rows, ((1, 1),))
    system = NumericSystem((strand,), lambda m: m[0])
    assert joined(system) is system


def test_beside_a_strand_with_a_random_slope_both_stay() -> None:
    """What is cut off needs the columns of the design."""
    weight, laws, slopes = ProbitWeight(Integer(1)), (NormalLaw(0, 1),) * 2, (fmpq(1), fmpq(1))
    rows = [((fmpq(1), fmpq(k), fmpq(0)),) for k in (0, 1)]
    strands = tuple(Strand(weight, laws, fmpq(0), slopes, row, ((1, 1),)) for row in rows)
    system = NumericSystem(strands, lambda m: m[0] + m[1], shares=(fmpq(1), fmpq(1)))
    assert joined(system) is system


@pytest.mark.slow
@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_three_normal_predictors(link: str) -> None:
    """The covariance of the fixed effects as the inverse of the mean information, summed over a grid of all four."""
    laws = {"x": "Normal(1/2, 1)", "z": "Normal(0, 2)", "v": "Normal(0, 1)"}
    at = {"beta0": "-0.3", "beta1": "0.7", "beta2": "-0.4", "beta3": "0.2", "sigma2": "0.8"}
    found = leading_terms(Model("y ~ x + z + v + (1 | g)", family="bernoulli", link=link, laws=laws))
    nodes, masses = np.polynomial.hermite_e.hermegauss(24)
    masses = masses / masses.sum()
    grid = np.array(list(product(*[nodes] * 3))) * (1, 2, 1) + (0.5, 0, 0)
    mass = np.array([prod(m) for m in product(*[masses] * 3)])
    design = np.column_stack([np.ones(len(grid)), grid])
    information = np.zeros((3, 3))
    for u, p in zip(nodes, masses, strict=True):
        eta = -0.3 + np.sqrt(0.8) * u + grid @ (0.7, -0.4, 0.2)
        weights = (probit if link == "probit" else cloglog)(np.minimum(eta, 5.5) + 0j).real * (eta < 5.5) * mass
        h = design.T @ (weights[:, None] * design)
        information += p * (h[1:, 1:] - np.outer(h[1:, 0], h[0, 1:]) / h[0, 0])
    covariance = np.linalg.inv(information)
    value = found["x"].evaluate(at, digits=5, method="balls")
    np.testing.assert_allclose(float(value), covariance[0, 0], rtol=2e-4)
