"""Unbounded laws of sympy.stats: moments against double-exponential sums of the densities as textbooks give them."""

from __future__ import annotations

from itertools import cycle, pairwise
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy.stats as stats
from flint import arb, fmpq
from scipy.integrate import quad
from scipy.stats import cauchy, gennorm
from sympy import Integer, Interval, Piecewise, Rational, Symbol, besseli, exp, hyper, lambdify, log, oo
from sympy.stats.crv_types import ContinuousRV

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.tail_growth import TailGrowth, X, _larger
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import StatsLaw, UniformLaw
from leadterms.model.weights import (
    CloglogWeight,
    ExponentialWeight,
    LogisticWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

BITS = 60
EXPONENTS = ((0,), (1,), (2,))
ONE = Integer(1)
WEIGHTS: list[Weight] = [
    LogisticWeight(ONE), ProbitWeight(ONE), CloglogWeight(ONE), SaturatingWeight(ONE, Rational(1, 3)),
]  # fmt: skip


def law_of(variable: Any) -> StatsLaw:
    return StatsLaw(variable.pspace.distribution)


def t_density(nu: Any) -> Any:
    top = mpmath.gamma((nu + 1) / mpmath.mpf(2)) / mpmath.gamma(nu / mpmath.mpf(2)) / mpmath.sqrt(nu * mpmath.pi)
    return lambda x: top * (1 + x * x / nu) ** (-(nu + 1) / mpmath.mpf(2))


def lognormal(x: Any) -> Any:
    return mpmath.npdf(mpmath.log(x), 0.25, 0.5) / x


def exgaussian(x: Any) -> Any:
    """A normal law with mean 1/2 and sd 1/2, and an exponential one of rate 3, added."""
    z = (mpmath.mpf(1) / 2 - x + mpmath.mpf(3) / 4) * mpmath.sqrt(2)
    if z > 60:
        return 0
    return mpmath.mpf(3) / 2 * mpmath.exp(3 * (mpmath.mpf(1) / 2 - x) + mpmath.mpf(9) / 8) * mpmath.erfc(z)


def frechet(x: Any) -> Any:
    """Shape 11/2, scale 2, least value -1."""
    z = (x + 1) / 2
    if z < 0.02:
        # below exp(-10^9)
        return 0
    return mpmath.mpf(11) / 4 * z ** (-mpmath.mpf(13) / 2) * mpmath.exp(-(z ** (-mpmath.mpf(11) / 2)))


def benini(x: Any) -> Any:
    """Shapes 1/2 and 2, least value 3/2."""
    level = mpmath.log(2 * x / 3)
    if level < 0:
        return 0
    return mpmath.exp(-level / 2 - 2 * level**2) * (mpmath.mpf(1) / 2 + 4 * level) / x


def fisher(x: Any) -> Any:
    """Half the logarithm of an F variable with 3 and 5 degrees of freedom."""
    if abs(x) > 60:
        return 0
    top = 2 * mpmath.sqrt(3**3 * 5**5) / mpmath.beta(mpmath.mpf(3) / 2, mpmath.mpf(5) / 2)
    return top * mpmath.exp(3 * x) / (3 * mpmath.exp(2 * x) + 5) ** 4


def shifted_gompertz(x: Any) -> Any:
    """Scale 3/2, shape 2."""
    fall = mpmath.exp(-3 * x / 2)
    return mpmath.mpf(3) / 2 * fall * mpmath.exp(-2 * fall) * (3 - 2 * fall)


def exponential_power(power: Any) -> Any:
    """Centre 1/3, scale 2."""

    def value(x: Any) -> Any:
        top = power / (4 * mpmath.gamma(1 / power))
        return top * mpmath.exp(-((abs(x - mpmath.mpf(1) / 3) / 2) ** power))

    return value


def noncentral_chi(x: Any) -> Any:
    """Three degrees of freedom, shift 2: the length of a normal vector in space."""
    return x / (2 * mpmath.sqrt(2 * mpmath.pi)) * (mpmath.exp(-((x - 2) ** 2) / 2) - mpmath.exp(-((x + 2) ** 2) / 2))


def davis(x: Any) -> Any:
    """1/(X - 1/2) has the density y^5/(e^y - 1) over Gamma(6) zeta(6)."""
    s = mpmath.mpf(x) - mpmath.mpf(1) / 2
    return s**-7 / mpmath.expm1(1 / s) / (mpmath.factorial(5) * mpmath.zeta(6)) if s > 10**-5 else 0


HALF = Rational(1, 2)
CASES = [
    (stats.StudentT("x", 5), None, t_density(5)),
    (stats.StudentT("x", Rational(7, 2)), None, t_density(mpmath.mpf(7) / 2)),
    (stats.LogNormal("x", Rational(1, 4), HALF), 0, lognormal),
    (stats.Pareto("x", 2, 5), 2, lambda x: 160 / x**6),
    (stats.Logistic("x", 1, HALF), None, lambda x: mpmath.sech(x - 1) ** 2 / 2),
    (stats.Weibull("x", 2, 3), 0, lambda x: 3 * x * x / 8 * mpmath.exp(-(x**3) / 8)),
    (stats.Weibull("x", 1, HALF), 0, lambda x: mpmath.exp(-mpmath.sqrt(x)) / (2 * mpmath.sqrt(x))),
    (stats.ChiSquared("x", 3), 0, lambda x: mpmath.sqrt(x / (2 * mpmath.pi)) * mpmath.exp(-x / 2)),
    (stats.Rayleigh("x", 1), 0, lambda x: x * mpmath.exp(-x * x / 2)),
    (stats.Gumbel("x", 1, 1), None, lambda x: mpmath.exp(-(x - 1) - mpmath.exp(-(x - 1))) if x > -50 else 0),
    (stats.BetaPrime("x", 3, 6), 0, lambda x: x * x / (1 + x) ** 9 / mpmath.beta(3, 6)),
    (stats.Gompertz("x", 1, 1), 0, lambda x: mpmath.exp(x + 1 - mpmath.exp(x)) if x < 50 else 0),
    (stats.ExGaussian("x", HALF, HALF, 3), None, exgaussian),
    (stats.Frechet("x", Rational(11, 2), 2, -1), -1, frechet),
    (stats.Benini("x", HALF, 2, Rational(3, 2)), Rational(3, 2), benini),
    (stats.FisherZ("x", 3, 5), None, fisher),
    (stats.ShiftedGompertz("x", Rational(3, 2), 2), 0, shifted_gompertz),
    (stats.ExponentialPower("x", Rational(1, 3), 2, 3), (Rational(1, 3),), exponential_power(mpmath.mpf(3))),
    (
        stats.ExponentialPower("x", Rational(1, 3), 2, Rational(5, 4)),
        (Rational(1, 3),),
        exponential_power(mpmath.mpf("1.25")),
    ),
    (stats.GammaInverse("x", 6, 2), 0, lambda x: 64 / mpmath.factorial(5) * x**-7 * mpmath.exp(-2 / x)),
    (stats.ChiNoncentral("x", 3, 2), 0, noncentral_chi),
    (stats.Davis("x", 1, 6, HALF), HALF, davis),
]


def double_exponential(density: Any, start: Any) -> list[tuple[Any, Any]]:
    """x = sinh(sinh(2t)), or start + e^(2 sinh 2t), by the trapezoidal rule, at points where anything is left.

    A density with a kink has it in a tuple: it is summed on either side.
    """
    if isinstance(start, tuple):
        (kink,) = start
        kink = mpmath.mpf(kink.p) / kink.q
        left = double_exponential(lambda x: density(2 * kink - x), kink)
        return [*double_exponential(density, kink), *((2 * kink - x, m) for x, m in left)]
    start = None if start is None else mpmath.mpmathify(start)
    step, nodes = mpmath.mpf(1) / 96, []
    for k in range(-210, 211):
        inner = mpmath.sinh(2 * k * step)
        slope = 2 * mpmath.cosh(2 * k * step)
        if start is None:
            x, slope = mpmath.sinh(inner), slope * mpmath.cosh(inner)
        else:
            x, slope = start + mpmath.exp(2 * inner), 2 * slope * mpmath.exp(2 * inner)
        mass = step * slope * density(x)
        if abs(x) < 10**60 and mass * (1 + x * x) > mpmath.mpf(10) ** -40:
            nodes.append((x, mass))
    return nodes


def safe(weight: Weight, references: SimpleNamespace) -> Any:
    """Return the moments; weights are zero where a power overflows."""

    def value(eta: Any) -> Any:
        if abs(eta) > 10**3:
            return mpmath.mpf(3) if isinstance(weight, SaturatingWeight) and eta > 0 else mpmath.mpf(0)
        return references.weight_value(weight, eta)

    return value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "slope"),
    [
        pytest.param(case, slope, id=f"{law_of(case[0])} {slope}")
        for case, slope in zip(CASES, cycle([fmpq(7, 10), fmpq(-3)]), strict=False)
    ],
)
def test_moments_against_double_exponential_sums(case: Any, slope: fmpq, references: SimpleNamespace) -> None:
    variable, start, density = case
    with mpmath.workdps(50):
        nodes = double_exponential(density, start)
        assert abs(mpmath.fsum(m for _, m in nodes) - 1) < mpmath.mpf(10) ** -16
    for weight in WEIGHTS:
        strand = Strand(weight, (law_of(variable),), fmpq(-34, 100), (slope,), (), EXPONENTS)
        with ball_precision(BITS + 40):
            problem = Problem(strand)
            point = problem.at(())
            found = plan(problem, *point, BITS, *problem.rough_scales(*point)).moments([point])[0]
        with mpmath.workdps(50):
            value = safe(weight, references)
            etas = [(x, m * value(-mpmath.mpf(34) / 100 + x * int(slope.p) / int(slope.q))) for x, m in nodes]
            for k, ball in enumerate(found):
                true = mpmath.fsum(x**k * m for x, m in etas)
                away = mpmath.mpf(abs(ball - references.ball(true)).abs_lower().str(30, radius=False))
                assert away < mpmath.mpf(10) ** -15 * (1 + abs(true)), (weight, k)
                assert ball.rad() < arb(2) ** (12 - BITS) * (1 + abs(ball))


def beyond(density: Any, power: int, low: Any, high: Any, start: Any) -> Any:
    """Return E|X|^power outside an interval, by mpmath's quadrature on panels that grow."""
    panels = [0, *(mpmath.mpf(2) ** k for k in range(-8, 60, 2))]
    total = mpmath.quad(lambda x: x**power * density(x), [high + width for width in panels])
    if start is None or isinstance(start, tuple):
        total += mpmath.quad(lambda x: x**power * density(-x), [width - low for width in panels])
    elif low > float(start):
        total += mpmath.quad(lambda x: abs(x) ** power * density(x), mpmath.linspace(start, low, 20))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(law_of(case[0])))
def test_tails_and_absolute_moments_are_bounds(case: Any) -> None:
    """Beyond near cuts, where a bound that is too small by a factor would show."""
    variable, start, density = case
    with mpmath.workdps(20):
        nodes = double_exponential(density, start)
        true_moments = [float(mpmath.fsum(abs(x) ** power * m for x, m in nodes)) for power in (0, 1, 2)]
    with ball_precision(64):
        line = line_of(law_of(variable))
        for spreads in (2.2, 4.0):
            low, high = line.reach(spreads)
            for power in (0, 1, 2):
                bound = line.tail(low, high, power, arb(0))
                if bound.is_finite():
                    if bound < 1e-300:
                        continue
                    true = beyond(density, power, mpmath.mpf(float(low)), mpmath.mpf(float(high)), start)
                    assert true <= float(bound.upper()) * (1 + 1e-6)
                    assert float(bound) < 40 * true + 1e-9
        for power in (1, 2):
            found = float(line.absolute(power))
            assert true_moments[power] * (1 - 1e-12) <= found < 2 * true_moments[power]


INFINITE = [
    (stats.Cauchy("x", HALF, 1), None, lambda x: 1 / (mpmath.pi * (1 + (x - mpmath.mpf(1) / 2) ** 2))),
    (stats.StudentT("x", 2), None, t_density(2)),
    (stats.Pareto("x", 1, Rational(3, 2)), 1, lambda x: mpmath.mpf(3) / 2 * x ** -mpmath.mpf("2.5")),
]


@pytest.mark.parametrize("case", INFINITE, ids=lambda case: str(law_of(case[0])))
def test_laws_without_a_second_moment_under_weights_that_fall(case: Any, references: SimpleNamespace) -> None:
    variable, start, density = case
    with mpmath.workdps(40):
        nodes = double_exponential(density, start)
    for weight in WEIGHTS[:3]:
        strand = Strand(weight, (law_of(variable),), fmpq(-34, 100), (fmpq(-7, 10),), (), EXPONENTS)
        with ball_precision(BITS + 40):
            problem = Problem(strand)
            assert problem.has_moments == [False]
            point = problem.at(())
            found = plan(problem, *point, BITS, *problem.rough_scales(*point)).moments([point])[0]
        with mpmath.workdps(40):
            value = safe(weight, references)
            etas = [(x, m * value(-mpmath.mpf(34) / 100 - x * 7 / 10)) for x, m in nodes if abs(x) < 2000]
            for k, ball in enumerate(found):
                true = mpmath.fsum(x**k * m for x, m in etas)
                assert abs(ball - references.ball(true)).abs_lower() < arb(10) ** -15 * (1 + abs(ball))
                assert ball.rad() < arb(2) ** (12 - BITS) * (1 + abs(ball))


def test_an_infinite_moment_is_refused_where_the_weight_does_not_fall() -> None:
    law = law_of(INFINITE[0][0])
    for weight, slope in ((WEIGHTS[3], fmpq(1)), (WEIGHTS[0], fmpq(0))):
        problem = Problem(Strand(weight, (law,), fmpq(0), (slope,), (), EXPONENTS))
        point = problem.at(())
        with pytest.raises(EvaluationError, match="could not be bounded in proof"):
            plan(problem, *point, BITS, *problem.rough_scales(*point))


def test_a_fall_holds_on_the_side_that_is_cut(references: SimpleNamespace) -> None:
    """A law far to the right: its first cuts to the left are right of zero, where nothing has fallen yet."""
    # few digits are asked for: then a fall from the wrong point on would be enough
    law = law_of(stats.Cauchy("x", 30, 1))
    problem = Problem(Strand(WEIGHTS[0], (law,), fmpq(0), (fmpq(3),), (), EXPONENTS))
    point = problem.at(())
    found = plan(problem, *point, 20, *problem.rough_scales(*point)).moments([point])[0]
    with mpmath.workdps(25):
        # nearly all of E[w] is near zero
        for k, ball in enumerate(found):
            true = mpmath.quad(
                lambda x, k=k: x**k / (4 * mpmath.cosh(1.5 * x) ** 2 * mpmath.pi * (1 + (x - 30) ** 2)),
                [-40, -10, -3, -1, 0, 1, 3, 10, 29, 30, 31, 60],
            )
            assert abs(ball - references.ball(true)).abs_lower() < arb("1e-12") * abs(ball)
            assert ball.rad() < arb("1e-6") * abs(ball)


def test_tails_that_are_not_known_are_counted_by_rules_and_bounded_nowhere_else(references: SimpleNamespace) -> None:
    """Dagum's law P(X <= x) = 1/(1 + x^-(13/2)): its elasticity is neither rational nor a sum of simple terms."""

    def eta(odds: Any) -> Any:
        return (7 * odds ** (mpmath.mpf(2) / 13) - mpmath.mpf("3.4")) / 10

    law = law_of(stats.Dagum("x", 1, Rational(13, 2), 1))
    line = line_of(law)
    low, high = line.reach(3.0)
    # P(X > 8) is about 1e-6
    assert not line.tail(low, high, 0, arb(0)).is_finite()
    problem = Problem(Strand(WEIGHTS[0], (law,), fmpq(-34, 100), (fmpq(7, 10),), (), ((0,),)))
    point = problem.at(())
    ((found,),) = plan(problem, *point, 40, *problem.rough_scales(*point)).moments([point])
    with mpmath.workdps(20):
        true = mpmath.quad(lambda p: references.weight_value(WEIGHTS[0], eta(p / (1 - p))), [0, 0.5, 1])
        assert abs(found - references.ball(true)).abs_lower() < arb("1e-12")
    assert found.rad() < arb("1e-11")


def test_a_negative_rate_on_a_positive_law(references: SimpleNamespace) -> None:
    """E[x^k e^(-x)] factorises; E[e^-x] of a lognormal law has no closed form."""
    strand = Strand(ExponentialWeight(ONE, ONE), (law_of(CASES[2][0]),), fmpq(0), (fmpq(-1),), (), EXPONENTS)
    with ball_precision(BITS + 40):
        problem = Problem(strand)
        point = problem.at(())
        found = plan(problem, *point, BITS, *problem.rough_scales(*point)).moments([point])[0]
    with mpmath.workdps(40):
        nodes = double_exponential(lognormal, 0)
        for k, ball in enumerate(found):
            true = mpmath.fsum(x**k * m * mpmath.exp(-x) for x, m in nodes)
            assert abs(ball - references.ball(true)).abs_lower() < arb("1e-28")
            assert ball.rad() < arb(2) ** (12 - BITS)


def test_elasticities() -> None:
    assert TailGrowth(exp(-(X**3)) * X).is_known
    assert TailGrowth(1 / (1 + X**2)).is_known
    assert not TailGrowth(exp(-exp(X**2))).is_known
    with ball_precision(64):
        # the integral of x^-4 beyond 10 is 1/3000, of e^-x x beyond 10 it is 11 e^-10
        power = TailGrowth(X**-4).tail(arb(10), arb(10) ** -4, 0, arb(0))
        assert power.contains(arb(1) / 3000) or arb(1) / 3000 <= power < arb("0.00034")
        growing = TailGrowth(exp(-X) * X).tail(arb(10), 10 * arb(-10).exp(), 0, arb(0))
        assert 11 * arb(-10).exp() <= growing < 13 * arb(-10).exp()
        assert not TailGrowth(exp(-X)).tail(arb(10), arb(-10).exp(), 0, arb(2)).is_finite()
        # rational in e^x, the integral beyond 10 is 1/(1 + e^10)
        q = arb(-10).exp()
        logistic = TailGrowth(exp(X) / (1 + exp(X)) ** 2)
        assert q / (1 + q) <= logistic.tail(arb(10), q / (1 + q) ** 2, 0, arb(0)) < q * arb("1.12")
        # with a rate of 1/2 the integrand is at most e^(-x/2), and at least that over (1 + e^-10)^2
        half = logistic.tail(arb(10), q / (1 + q) ** 2, 0, arb(1) / 2)
        assert 2 * arb(-5).exp() / (1 + q) ** 2 <= half < 3 * arb(-5).exp()
        assert not logistic.tail(arb(10), q / (1 + q) ** 2, 0, arb(1)).is_finite()
        # rational in log x, with t = log x: the integral of (1 + 2t) e^(-t - t^2) beyond 3 is e^-12
        in_log = TailGrowth((1 + 2 * log(X)) * exp(-(log(X) ** 2)) / X**2)
        assert arb(-12).exp() <= in_log.tail(arb(3).exp(), 7 * arb(-15).exp(), 0, arb(0)) < 2 * arb(-12).exp()
        assert not TailGrowth(X**-2).tail(arb(10), arb(1) / 100, 1, arb(0)).is_finite()


def test_a_law_without_moments_beside_a_bounded_one(references: SimpleNamespace) -> None:
    """E[x z w] and E[z^2 w]: the Cauchy law is cut off first, the rule of the other follows."""
    law, exponents = law_of(INFINITE[0][0]), ((0, 0), (1, 1), (2, 0), (0, 2))
    strand = Strand(WEIGHTS[0], (law, UniformLaw(-1, 1)), fmpq(1, 5), (fmpq(3, 2), fmpq(1)), (), exponents)
    with ball_precision(BITS):
        problem = Problem(strand)
        point = problem.at(())
        found = plan(problem, *point, 40, *problem.rough_scales(*point)).moments([point])[0]
    with mpmath.workdps(20):
        cauchy = [(x, m) for x, m in double_exponential(INFINITE[0][2], None) if abs(x) < 60]
        rule = mpmath.calculus.quadrature.GaussLegendre(mpmath.mp).calc_nodes(3, mpmath.mp.prec)
        uniform = [(x, w / 2) for x, w in rule]
        true = references.moments(WEIGHTS[0], [cauchy, uniform], mpmath.mpf("0.2"), [mpmath.mpf("1.5"), 1], exponents)
    for ball, value in zip(found, true, strict=True):
        assert abs(ball - references.ball(value)).abs_lower() < arb("1e-12")
        assert ball.rad() < arb("1e-9")


def by_scipy(density: Any, shift: float, slope: float, power: int, ends: list[float]) -> float:
    """Return E[X^power w(shift + slope X)] of the logistic weight."""

    def integrand(x: float) -> float:
        return x**power * density(x) / (2 + 2 * np.cosh(np.clip(shift + slope * x, -300, 300)))

    return sum(quad(integrand, a, b, epsabs=0, epsrel=1e-11, limit=200)[0] for a, b in pairwise(ends))


@pytest.mark.slow
def test_random_exponential_powers_and_cauchy_laws_against_scipy() -> None:
    rng = np.random.default_rng(20261129)
    for _ in range(2):
        centre, scale, power = (Rational(int(v), 16) for v in rng.integers(4, 40, 3))
        shift, slope = (Rational(int(v), 16) + Rational(1, 32) for v in rng.integers(-40, 40, 2))
        c, s, a, b = (float(v) for v in (centre, scale, shift, slope))
        for law, density, middle in (
            (stats.ExponentialPower("x", centre, scale, power), gennorm(float(power), c, s).pdf, c),
            (stats.Cauchy("x", centre, scale), cauchy(c, s).pdf, -a / b),
        ):
            numbers = [fmpq(int(v.p), int(v.q)) for v in (shift, slope)]
            problem = Problem(Strand(WEIGHTS[0], (law_of(law),), numbers[0], (numbers[1],), (), EXPONENTS))
            point = problem.at(())
            found = plan(problem, *point, 40, *problem.rough_scales(*point)).moments([point])[0]
            far = 40 * max(1.0, s, 1 / abs(b))
            ends = [middle + far * side for side in (-1, -0.1, -0.01, 0, 0.01, 0.1, 1)]
            for k, ball in enumerate(found):
                true = by_scipy(density, a, b, k, ends)
                assert abs(float(ball) - true) < 1e-8 * (1 + abs(true))
                assert ball.rad() < arb("1e-8") * (1 + abs(ball))


@pytest.mark.parametrize(
    "density",
    [
        besseli(Rational(1, 3), 2 * X),
        besseli(-Rational(1, 2), X),
        hyper((Rational(7, 2), 2), (1, Rational(1, 3), 3), 2 * X**2),
        hyper((), (HALF,), 3 * X),
        1 / (exp(2 * X) - 1),
        1 / (exp(2 / X) - 1),
    ],
)
def test_what_replaces_a_special_function_grows_faster(density: Any) -> None:
    def elasticity(function: Any, x: Any) -> Any:
        value = lambdify(X, function, "mpmath")
        return x * mpmath.diff(lambda y: mpmath.log(value(y)), x)

    replaced = _larger(density)
    assert replaced != density
    # where a factor stands in a denominator, or in a sum, nothing is replaced
    assert _larger(1 + density) == 1 + density
    with mpmath.workdps(25):
        for x in map(mpmath.mpf, ("0.1", "1", "2.9", "17")):
            assert elasticity(density, x) <= elasticity(replaced, x) + mpmath.mpf(10) ** -15


def test_a_density_line_has_the_density_of_the_part_that_a_point_is_in() -> None:
    x = Symbol("x", real=True)
    density = Piecewise((Rational(1, 2), x < 1), (exp(1 - x) / 2, True))
    line = line_of(law_of(ContinuousRV(x, density, Interval(0, oo))))
    assert abs(line.density(arb(0.5)) - 0.5).abs_upper() < 1e-14
    assert abs(line.density(arb(3)) - arb(-2).exp() / 2).abs_upper() < 1e-14
    # the left part has no tail, and the right one falls like e^-x
    bound = line.tail(arb(0), arb(9), 1, arb(0))
    assert 10 * np.exp(-8) / 2 <= float(bound) < 20 * np.exp(-8) / 2
