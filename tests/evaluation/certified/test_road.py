from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import mpmath
import pytest
import sympy.stats
from flint import arb, fmpq
from sympy import Integer, Rational, Tuple

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.averages import cells
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.weights.elementary_weights import LogisticBalls
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import BetaLaw, FiniteLaw, Law, NormalLaw, PoissonLaw, StatsLaw, TriangularLaw, UniformLaw
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

ONE = Integer(1)
HALF = mpmath.mpf(1) / 2
LINK = [LogisticWeight(ONE), ProbitWeight(ONE), CloglogWeight(ONE), SaturatingWeight(ONE, Rational(1, 3))]
MIXED = [*LINK, ExponentialWeight(ONE, Rational(1, 2)), ConstantWeight(Integer(4))]


def schur(m: Any) -> Any:
    """Residual information of the slope given the intercept."""
    return m[2] - m[1] ** 2 / m[0]


def intercept_system(weight: Weight, law: Law, centre: Any, slope: Any, load: Any) -> NumericSystem:
    strand = Strand(weight, (law,), centre, (slope,), ((load, fmpq(0)),), ((0,), (1,), (2,)))
    return NumericSystem((strand,), schur, (Ceiling(fmpq(1), 0, (2,)),))


def exact(number: Any) -> Any:
    return mpmath.mpf(int(number.p)) / int(number.q)


def by_mpmath(references: SimpleNamespace, system: NumericSystem, line: Any, reach: float, step: Any) -> Any:
    """The same average by Gauss-Legendre inside and the trapezoidal rule outside, with 30 digits."""
    (strand,) = system.strands
    centre, slope, load = exact(strand.centre), exact(strand.slopes[0]), exact(strand.loadings[0][0])

    def value(u: Any) -> Any:
        return schur(references.moments(strand.weight, [line], centre + load * u, [slope], strand.moments))

    return references.effects_average(value, reach, step)


@pytest.mark.slow
@pytest.mark.parametrize("weight", MIXED, ids=lambda w: type(w).__name__)
def test_random_intercept_with_a_uniform_predictor(weight: Weight, references: SimpleNamespace) -> None:
    system = intercept_system(weight, UniformLaw(-1, 1), fmpq(-1, 3), fmpq(7, 10), fmpq(4, 5))
    ball = certified_average(system, 50)
    with mpmath.workdps(30):
        rule = mpmath.calculus.quadrature.GaussLegendre(mpmath.mp).calc_nodes(4, mpmath.mp.prec)
        line = [(x, w / 2) for x, w in rule]
        expected = by_mpmath(references, system, line, 13, mpmath.mpf(1) / 8)
        # 24 nodes inside, step 1/8 outside: some 25 digits; the ball has 15
        assert ball.contains(references.ball(expected))
    assert ball.rel_accuracy_bits() >= 50


@pytest.mark.slow
@pytest.mark.parametrize("weight", LINK, ids=lambda w: type(w).__name__)
@pytest.mark.parametrize(
    ("centre", "slope", "load"),
    [
        (fmpq(-12), fmpq(1), fmpq(1)),
        (fmpq(1, 2), fmpq(2), fmpq(1, 10**4)),
        (fmpq(1, 2), fmpq(2), fmpq(3)),
        (fmpq(1, 2), fmpq(0), fmpq(1)),
        (fmpq(1, 2), fmpq(1, 10**30), fmpq(1)),
    ],
)
def test_extreme_parameters(weight: Weight, centre: Any, slope: Any, load: Any, references: SimpleNamespace) -> None:
    law = FiniteLaw(Tuple(-1, Rational(1, 4)), Tuple(1, Rational(3, 4)))
    system = intercept_system(weight, law, centre, slope, load)
    ball = certified_average(system, 40)
    with mpmath.workdps(30):
        line = [(mpmath.mpf(-1), mpmath.mpf(1) / 4), (mpmath.mpf(1), mpmath.mpf(3) / 4)]
        step = mpmath.mpf(1) / (8 if load < 2 else 96)
        expected = by_mpmath(references, system, line, 14, step)
        assert ball.contains(references.ball(expected))
    assert ball.rel_accuracy_bits() >= 40


def test_far_centre_of_the_logistic_weight() -> None:
    # w ~ e^eta: the value is about e^(-50 + 1/2) times the residual variance of the tilted law
    system = intercept_system(LogisticWeight(ONE), UniformLaw(-1, 1), fmpq(-50), fmpq(1), fmpq(1))
    ball = certified_average(system, 60)
    assert ball.rel_accuracy_bits() >= 60
    # tilted by e^x on (-1, 1): E e^x = sinh 1, and sinh 1 - 1/sinh 1 = E[x^2 e^x] - E[x e^x]^2/E[e^x]
    with ball_precision(150):
        leading = (arb(1).sinh() - 1 / arb(1).sinh()) * arb("-49.5").exp()
        assert abs(ball / leading - 1) < 10 * arb("-47").exp()


@pytest.mark.slow
def test_other_laws_agree_with_mpmath(references: SimpleNamespace) -> None:
    cases = [
        (TriangularLaw(-1, 1, 0), lambda r: r.line(lambda x: 1 - abs(x), -1, 0, 1)),
        (BetaLaw(2, 2), lambda r: r.line(lambda x: 6 * x * (1 - x), 0, 1)),
        (PoissonLaw(1), lambda r: [(k, mpmath.exp(-1) / mpmath.factorial(k)) for k in range(40)]),
        (NormalLaw(0, HALF_LAW), lambda r: [(i / mpmath.mpf(16), mpmath.npdf(i / 8) / 8) for i in range(-100, 101)]),
    ]
    for law, nodes in cases:
        system = intercept_system(LogisticWeight(ONE), law, fmpq(1, 5), fmpq(1), fmpq(1))
        ball = certified_average(system, 40)
        with mpmath.workdps(30):
            expected = by_mpmath(references, system, nodes(references)[::1], 12, mpmath.mpf(1) / 4)
            assert ball.contains(references.ball(expected))
        assert ball.rel_accuracy_bits() >= 40


HALF_LAW = Rational(1, 2)


@pytest.mark.parametrize("weight", [LogisticWeight(ONE), ProbitWeight(ONE), CloglogWeight(ONE)])
def test_more_bits_stay_inside_fewer(weight: Weight) -> None:
    law = FiniteLaw(Tuple(0, Rational(1, 2)), Tuple(1, Rational(1, 2)))
    system = intercept_system(weight, law, fmpq(1, 7), fmpq(3, 2), fmpq(1))
    coarse, fine = certified_average(system, 40), certified_average(system, 120)
    assert fine.rel_accuracy_bits() >= 120
    assert coarse.contains(fine)


def test_finite_predictors_as_strands() -> None:
    """Two points of the design, once as a law and once as two strands of weights without predictors."""
    law = FiniteLaw(Tuple(0, Rational(2, 3)), Tuple(1, Rational(1, 3)))
    for weight in MIXED[:3]:
        system = intercept_system(weight, law, fmpq(1, 7), fmpq(3, 2), fmpq(1))
        load = ((fmpq(1),),)
        at = [Strand(weight, (), centre, (), load, ((),)) for centre in (fmpq(1, 7), fmpq(1, 7) + fmpq(3, 2))]
        # p q w0 w1/(p w0 + q w1), at most p w0
        ratio = NumericSystem(
            tuple(at), lambda m: 2 * m[0] * m[1] / (6 * m[0] + 3 * m[1]), (Ceiling(fmpq(2, 3), 0, ()),)
        )
        first, second = certified_average(system, 60), certified_average(ratio, 60)
        assert first.overlaps(second)
        assert min(first.rel_accuracy_bits(), second.rel_accuracy_bits()) >= 60


@pytest.mark.slow
def test_without_effects(references: SimpleNamespace) -> None:
    for weight in [*MIXED, PowerWeight(ONE, Rational(-3, 2))]:
        strand = Strand(weight, (UniformLaw(0, 1),), fmpq(1), (fmpq(2),), (), ((0,), (1,), (2,)))
        system = NumericSystem((strand,), schur)
        ball = certified_average(system, 166)
        assert ball.rel_accuracy_bits() >= 166
        with mpmath.workdps(100):
            nodes = references.line(lambda x: 1, 0, 1)
            expected = schur(references.moments(weight, [nodes], 1, [2], strand.moments))
            assert ball.contains(references.ball(expected))


@pytest.mark.slow
def test_random_intercept_and_slope(references: SimpleNamespace) -> None:
    # block A = (1, x1) with random effects, block B = x2
    law = FiniteLaw(Tuple(-1, Rational(1, 2)), Tuple(1, Rational(1, 2)))
    moments = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))

    def integrand(m: Any) -> Any:
        m0, m1, m2, c0, c1, d = m
        determinant = m0 * m2 - m1 * m1
        return d - (m2 * c0 * c0 - 2 * m1 * c0 * c1 + m0 * c1 * c1) / determinant

    loadings = ((fmpq(1, 2), fmpq(0), fmpq(0)), (fmpq(1, 10), fmpq(1, 10), fmpq(0)))
    strand = Strand(LogisticWeight(ONE), (law, law), fmpq(1, 5), (fmpq(1, 2), fmpq(1)), loadings, moments)
    system = NumericSystem((strand,), integrand, (Ceiling(fmpq(1), 0, (0, 2)),))
    ball = certified_average(system, 30)
    assert ball.rel_accuracy_bits() >= 30
    with mpmath.workdps(20):
        line = [(mpmath.mpf(-1), HALF), (mpmath.mpf(1), HALF)]

        def value(u: Any, v: Any) -> Any:
            shift = mpmath.mpf(1) / 5 + u / 2 + v / 10
            slopes = [HALF + v / 10, mpmath.mpf(1)]
            return integrand(references.moments(strand.weight, [line, line], shift, slopes, moments))

        step = mpmath.mpf(1) / 2
        expected = references.effects_average(
            lambda v: references.effects_average(lambda u: value(u, v), 8, step), 8, step
        )
        assert ball.contains(references.ball(expected))


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    system = intercept_system(LogisticWeight(ONE), UniformLaw(-1, 1), fmpq(-1, 3), fmpq(7, 10), fmpq(4, 5))
    true = certified_average(system, 60)
    # planted: four points to a cell, said to be enough
    monkeypatch.setattr(cells, "points_needed", lambda *a: 4)
    monkeypatch.setattr(cells, "remainder", lambda *a: arb(0))
    assert not certified_average(system, 60).overlaps(true)


CAUCHY = StatsLaw(sympy.stats.Cauchy("x", 0, 1).pspace.distribution)


@pytest.mark.slow
def test_a_law_without_moments(references: SimpleNamespace) -> None:
    """E[x^2 w] is finite under the logistic weight where the slope is not zero."""
    system = intercept_system(LogisticWeight(ONE), CAUCHY, fmpq(-1, 3), fmpq(7, 10), fmpq(4, 5))
    ball = certified_average(system, 50)
    assert ball.rel_accuracy_bits() >= 50
    with mpmath.workdps(25):
        # x = sinh t, so that the density is sech(t)/pi; beyond |x| = 150 the weight is below e^-100
        step = mpmath.mpf(1) / 40
        line = [(mpmath.sinh(k * step), step * mpmath.sech(k * step) / mpmath.pi) for k in range(-228, 229)]
        expected = by_mpmath(references, system, line, 9, mpmath.mpf(1) / 2)
        assert abs(ball - references.ball(expected)).abs_lower() < arb("1e-14")


def test_a_false_fall_of_the_weight_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    system = intercept_system(LogisticWeight(ONE), CAUCHY, fmpq(-1, 3), fmpq(7, 10), fmpq(4, 5))
    true = certified_average(system, 50)
    monkeypatch.setattr(LogisticBalls, "decay", lambda self, height: arb("1e-40"))
    assert not certified_average(system, 50).overlaps(true)


@pytest.mark.parametrize(
    ("weight", "slope", "row"),
    [
        (SaturatingWeight(ONE, ONE), fmpq(1), (fmpq(1), fmpq(0))),
        (LogisticWeight(ONE), fmpq(0), (fmpq(1), fmpq(0))),
    ],
)
def test_a_law_without_moments_is_refused_where_the_weight_does_not_fall(weight: Weight, slope: Any, row: Any) -> None:
    strand = Strand(weight, (CAUCHY,), fmpq(0), (slope,), (row,), ((0,), (1,), (2,)))
    with pytest.raises(EvaluationError, match=r"Cauchy\(0, 1\): without a moment of order 2 it needs a fixed slope"):
        certified_average(NumericSystem((strand,), schur, (Ceiling(fmpq(1), 0, (2,)),)), 40)


def test_refusals() -> None:
    known = intercept_system(LogisticWeight(ONE), UniformLaw(-1, 1), fmpq(1), fmpq(1), fmpq(1))
    without = replace(known, ceiling=())
    with pytest.raises(EvaluationError, match="needs a ceiling"):
        certified_average(without, 50)
    strand = Strand(LogisticWeight(ONE), (NormalLaw(0, 1),), fmpq(0), (fmpq(1),), ((fmpq(0), fmpq(1)),), ((2,),))
    slope = NumericSystem((strand,), lambda m: m[0], (Ceiling(fmpq(1), 0, (2,)),))
    with pytest.raises(EvaluationError):
        certified_average(slope, 30)
    strand = Strand(ConstantWeight(ONE), (UniformLaw(-1, 1),), fmpq(0), (fmpq(1),), (), ((0,), (1,)))
    zero = NumericSystem((strand,), lambda m: m[0] / m[1])
    with pytest.raises(EvaluationError, match="denominator may be zero"):
        certified_average(zero, 50)
