"""Averages of an inverse information: proven bounds of the integrand, and values beside numpy's from the definition."""

from __future__ import annotations

import random

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer, Rational

from leadterms import EvaluationError, Model, expansion
from leadterms.evaluation.certified.averages.sector import SectorAverage
from leadterms.evaluation.certified.bounds import inverse_ceiling as module
from leadterms.evaluation.certified.bounds.inverse_ceiling import InverseForm, NumeratorTerm, inverse_ceiling
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import LogisticWeight, PowerWeight, SaturatingWeight
from tests.evaluation.certified.second_terms import second_term, uniform

NODES, MASSES = np.polynomial.legendre.leggauss(60)


def weight_of(kind, eta):
    return np.exp(eta) / (1 + np.exp(eta)) ** 2 if kind is LogisticWeight else np.exp(eta) / (1 + np.exp(eta) / 2)


def strand(kind, slope: bool) -> Strand:
    weight = LogisticWeight(Integer(1)) if kind is LogisticWeight else SaturatingWeight(Integer(1), Rational(1, 2))
    loadings = ((fmpq(3, 4), fmpq(0)), (fmpq(1, 5), fmpq(2, 3))) if slope else ((fmpq(3, 4), fmpq(0)),)
    return Strand(weight, (UniformLaw(-1, 2),), fmpq(-2, 5), (fmpq(4, 5),), loadings, ((0,), (1,), (2,)))


def form(slope: bool, powers: tuple[int, ...]) -> InverseForm:
    """u^powers m_0/det H_AA, or u^powers/m_0, u being the standard effects."""
    if slope:
        # det in the standard effects is 1/4 of that in intercept and slope: the form is in the latter
        root = ((arb(fmpq(3, 4)), arb(fmpq(1, 5))), (arb(0), arb(fmpq(2, 3))))
        return InverseForm(arb(1), (arb(1),), (NumeratorTerm(arb(1), ((0, (0,)),), powers),), (arb(0), arb(0)), root)
    return InverseForm(arb(1), (arb(1),), (NumeratorTerm(arb(1), (), powers),), (arb(0),), ((arb(fmpq(3, 4)),),))


def complex_truth(kind, slope: bool, powers: tuple[int, ...], z: np.ndarray) -> complex:
    x, mass = 1.5 * NODES + 0.5, MASSES / 2
    u = np.array([0.75 * z[0] + 0.2 * z[1], 2 / 3 * z[1]]) if slope else np.array([0.75 * z[0]])
    eta = -0.4 + 0.8 * x + u[0] + (u[1] * x if slope else 0)
    m = [np.sum(mass * weight_of(kind, eta) * x**k) for k in range(3)]
    value = m[0] / (m[0] * m[2] - m[1] ** 2) if slope else 1 / m[0]
    return complex(np.prod(u**powers) * value)


def truth(kind, slope: bool, powers: tuple[int, ...], z: np.ndarray) -> float:
    return complex_truth(kind, slope, powers, z).real


@pytest.mark.parametrize("kind", [LogisticWeight, SaturatingWeight])
@pytest.mark.parametrize(("slope", "powers"), [(False, (0,)), (False, (2,)), (True, (0, 0)), (True, (1, 1))])
def test_the_ceiling_is_above_the_integrand(kind, slope, powers):
    ceiling, sector = inverse_ceiling([strand(kind, slope)], form(slope, powers))
    draw = random.Random(len(powers))
    for _ in range(300):
        z = np.array([draw.uniform(-9, 9) for _ in powers])
        bound = float(ceiling.level) * np.exp(
            sum(float(g) * abs(one) for g, one in zip(ceiling.growth, z, strict=True))
        )
        assert abs(truth(kind, slope, powers, z)) <= bound
    assert (sector.multiple, sector.power) == (1, len(powers))


@pytest.mark.parametrize("kind", [LogisticWeight, SaturatingWeight])
@pytest.mark.parametrize(("slope", "powers"), [(False, (2,)), (True, (1, 1))])
def test_the_sector_bounds_the_integrand_off_the_real_line(kind, slope, powers):
    one = strand(kind, slope)
    ceiling, sector = inverse_ceiling([one], form(slope, powers))
    with ball_precision(64):
        problem = Problem(one)
        reach = [float(Strands(NumericSystem((one,), sum)).reach(j)) for j in range(len(powers))]
    draw = random.Random(11)
    for _ in range(200):
        j, z = draw.randrange(len(powers)), np.array([draw.uniform(-6, 6) for _ in powers], dtype=complex)
        height = draw.uniform(0, 1.4) / reach[j]
        z[j] += 1j * height
        turned = float(problem.weight.angle(arb(height * reach[j])))
        gain = float(problem.weight.gain(arb(height * reach[j])))
        loss = gain**sector.gains / np.cos(turned) ** sector.power * np.exp(height * float(sector.growth[j]))
        growth = sum(float(g) * abs(one.real) for g, one in zip(ceiling.growth, z, strict=True))
        assert abs(complex_truth(kind, slope, powers, z)) <= loss * float(ceiling.level) * np.exp(growth)


@pytest.mark.parametrize("kind", [LogisticWeight, SaturatingWeight])
def test_the_ceiling_of_a_positive_sum_is_above_the_integrand(kind):
    # u0 u1/(m_2 m_0 + 2 m_0), by its term m_2 m_0
    root = ((arb(fmpq(3, 4)), arb(fmpq(1, 5))), (arb(0), arb(fmpq(2, 3))))
    terms = (NumeratorTerm(arb(1), (), (1, 1)),)
    below = InverseForm(arb(1), (), terms, (arb(0), arb(0)), root, ((0, (2,)), (0, (0,))), 2)
    ceiling, sector = inverse_ceiling([strand(kind, True)], below)
    assert (sector.multiple, sector.power) == (2, 3)
    draw = random.Random(7)
    for _ in range(300):
        z = np.array([draw.uniform(-9, 9) for _ in range(2)])
        x, mass = 1.5 * NODES + 0.5, MASSES / 2
        u = np.array([0.75 * z[0] + 0.2 * z[1], 2 / 3 * z[1]])
        m = [np.sum(mass * weight_of(kind, -0.4 + 0.8 * x + u[0] + u[1] * x) * x**k) for k in range(3)]
        growth = sum(float(g) * abs(one) for g, one in zip(ceiling.growth, z, strict=True))
        assert abs(u[0] * u[1] / (m[2] * m[0] + 2 * m[0])) <= float(ceiling.level) * np.exp(growth)


@pytest.mark.parametrize("kind", [LogisticWeight, SaturatingWeight])
@pytest.mark.parametrize("powers", [(0,), (2,)])
def test_the_average_is_in_its_ball(kind, powers):
    one = strand(kind, slope=False)
    ceiling, sector = inverse_ceiling([one], form(False, powers))

    def integrand(values):
        return (values[3] * arb(3) / 4) ** powers[0] / values[0]

    system = NumericSystem((one,), integrand, (ceiling,), sector, with_effects=True)
    ball = SectorAverage(system, sector, 60).value()
    z, step = np.linspace(-12, 12, 4001, retstep=True)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    total = step * sum(d * truth(kind, False, powers, np.array([one])) for d, one in zip(density, z, strict=True))
    assert float(ball.mid()) == pytest.approx(total, rel=1e-12)
    assert ball.rel_accuracy_bits() >= 55


def test_a_false_bound_is_seen():
    """With a growth that is too small the rule is cut off early: the ball no longer holds the value."""
    one = strand(LogisticWeight, slope=False)
    ceiling, sector = inverse_ceiling([one], form(False, (2,)))

    def value(above, what):
        def integrand(values):
            return (values[3] * arb(3) / 4) ** 2 / values[0]

        return SectorAverage(NumericSystem((one,), integrand, (above,), what, with_effects=True), what, 60).value()

    true = value(ceiling, sector)
    tiny = module.ExponentialCeiling(ceiling.level * arb("1e-12"), (arb(0),))
    false = value(tiny, sector)
    with ball_precision(200):
        assert not false.overlaps(true)


def test_a_weight_without_a_lower_bound_is_refused():
    square = Strand(PowerWeight(Integer(1), Integer(2)), (), fmpq(0), (), ((fmpq(1, 2),),), ((),))
    with pytest.raises(EvaluationError, match="no lower bound of the weight is known"):
        inverse_ceiling([square], form(False, (0,)))


@pytest.mark.parametrize(
    ("formula", "law", "points", "random", "entry"),
    [
        ("y ~ x + (0 + x | g)", "Uniform(-1, 2)", uniform(-1, 2), [1], 0),
        ("y ~ x + (0 + x | g)", "Uniform(1, 2)", uniform(1, 2), [1], 0),
        ("y ~ x + (1 + x | g)", "Uniform(0, 1)", uniform(0, 1), [0, 1], 0),
        ("y ~ x + (1 + x | g)", "Uniform(-1, 1)", uniform(-1, 1), [0, 1], 1),
    ],
)
def test_second_terms_under_the_exponential_weight(formula, law, points, random, entry):
    """The random intercept is a factor that is taken out: with it block A keeps a column of ones."""
    model = Model(formula, family="poisson", laws={"x": law})
    covariance = [[0.5]] if len(random) == 1 else [[0.5, -0.1], [-0.1, 0.4]]
    at = "sigma2=0.5" if len(random) == 1 else "Sigma11=0.5, Sigma12=-0.1, Sigma22=0.4"
    name = ("1", "x")[random[entry]]
    found = expansion(model)[name].evaluate(f"beta0=0.2, beta1=-0.7, {at}", 8, order="1/(m*n)", method="balls")
    exact = second_term(np.exp, points, random, (0.2, -0.7), covariance, entry)
    assert float(found) == pytest.approx(exact, rel=1e-7)


@pytest.mark.slow
def test_second_terms_of_a_probit_model_are_certified():
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Bernoulli(1/2)"})
    result = expansion(model)
    for pair in (("1", "1"), ("sigma2", "sigma2"), ("x", "sigma2")):
        proven = result[pair].evaluate("beta0=-0.4, beta1=0.9, sigma2=0.25", 9, order="1/(m*n)", method="balls")
        estimate = result[pair].evaluate("beta0=-0.4, beta1=0.9, sigma2=0.25", 8, order="1/(m*n)", method="mpmath")
        assert proven.certified
        assert abs(proven.value - estimate.value) <= proven.error + estimate.error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "family", "laws", "at"),
    [
        ("y ~ x + (1 | g)", "bernoulli", {"x": "Uniform(-1, 1)"}, "beta0=-0.4, beta1=0.9, sigma2=0.8"),
        pytest.param(
            "y ~ x + (1 | g)",
            "bernoulli",
            {"x": "Normal(1/2, 2)"},
            "beta0=1.4, beta1=-0.7, sigma2=1.9",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "y ~ x + (1 | g)",
            "bernoulli",
            {"x": "Exponential(2)"},
            "beta0=0.3, beta1=1.1, sigma2=0.4",
            marks=pytest.mark.slow,
        ),
        ("y ~ x + (1 | g)", "bernoulli", {"x": "Finite({-1: 1/4, 0: 1/4, 2: 1/2})"}, "beta0=-1, beta1=1, sigma2=2"),
        ("y ~ x + (1 | g)", "negative-binomial(3)", {"x": "Uniform(0, 1)"}, "beta0=0.2, beta1=0.5, sigma2=0.6"),
    ],
)
def test_second_terms_are_certified_and_agree_with_the_second_road(formula, family, laws, at):
    result = expansion(Model(formula, family=family, laws=laws))
    for pair in (("1", "1"), ("1", "x"), ("1", "sigma2"), ("sigma2", "x"), ("sigma2", "sigma2")):
        entry = result[pair]
        proven = entry.evaluate(at, 12, order="1/(m*n)", method="balls")
        estimate = entry.evaluate(at, 6, order="1/(m*n)", method="mpmath")
        assert proven.certified
        assert abs(proven.value - estimate.value) <= proven.error + estimate.error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("laws", "pair"),
    [
        ({"x": "Uniform(-1, 1)", "z": "Uniform(0, 1)"}, ("1", "z")),
        ({"x": "Bernoulli(1/2)", "z": "Bernoulli(1/3)"}, ("Sigma11", "Sigma22")),
    ],
)
def test_a_random_slope_is_certified_too(laws, pair):
    result = expansion(Model("y ~ x + z + (1 + x | g)", family="bernoulli", laws=laws))
    at = "beta0=-0.4, beta1=0.9, beta2=0.3, Sigma11=0.8, Sigma12=0.1, Sigma22=0.4"
    proven = result[pair].evaluate(at, 5, order="1/(m*n)", method="balls")
    estimate = result[pair].evaluate(at, 3, order="1/(m*n)", method="mpmath")
    assert abs(proven.value - estimate.value) <= proven.error + estimate.error
