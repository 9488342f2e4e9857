from types import SimpleNamespace
from typing import Any

import mpmath
import pytest
import sympy.stats
from flint import acb, arb, fmpq
from sympy import Integer, Rational, Tuple, sqrt

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import (
    BernoulliLaw,
    BetaLaw,
    ExponentialLaw,
    FiniteLaw,
    GammaLaw,
    LaplaceLaw,
    Law,
    NormalLaw,
    PoissonLaw,
    StatsLaw,
    TriangularLaw,
    UniformLaw,
)
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

BITS = 120
SHIFT, SLOPE = fmpq(-34, 100), fmpq(7, 10)
EXPONENTS = ((0,), (1,), (2,))
WEIGHTS: list[Weight] = [
    LogisticWeight(Integer(1)),
    ProbitWeight(Integer(1)),
    CloglogWeight(Integer(1)),
    SaturatingWeight(Integer(1), Rational(1, 3)),
    ExponentialWeight(Integer(1), Integer(1)),
    ConstantWeight(Integer(4)),
    PowerWeight(Integer(1), Integer(-2)),
]


def stats(variable: Any) -> StatsLaw:
    return StatsLaw(variable.pspace.distribution)


def atoms(pairs: Any) -> Any:
    return lambda r: [(mpmath.mpf(x), mpmath.mpf(p)) for x, p in pairs()]


def smooth(density: Any, *ends: Any) -> Any:
    return lambda r: r.line(density, *ends)


def substituted(density: Any, root: int, *ends: Any) -> Any:
    return lambda r: [(t**root, m) for t, m in r.line(density, *ends)]


CASES: list[tuple[Law, Any]] = [
    (UniformLaw(-1, 2), smooth(lambda x: mpmath.mpf(1) / 3, -1, 2)),
    (TriangularLaw(-1, 1, 0), smooth(lambda x: 1 - abs(x), -1, 0, 1)),
    (BetaLaw(2, 3), smooth(lambda x: 12 * x * (1 - x) ** 2, 0, 1)),
    (BetaLaw(Rational(1, 3), 2), substituted(lambda t: (1 - t**3) * mpmath.mpf(4) / 3, 3, 0, 1)),
    (BernoulliLaw(Rational(3, 10)), atoms(lambda: [(0, mpmath.mpf(7) / 10), (1, mpmath.mpf(3) / 10)])),
    (
        FiniteLaw(Tuple(-1, Rational(1, 4)), Tuple(sqrt(2), Rational(3, 4))),
        atoms(lambda: [(-1, 0.25), (mpmath.sqrt(2), 0.75)]),
    ),
    (NormalLaw(Rational(1, 2), sqrt(2)), smooth(lambda x: mpmath.npdf(x, 0.5, mpmath.sqrt(2)), *range(-25, 27, 4))),
    (PoissonLaw(2), atoms(lambda: [(k, mpmath.exp(-2) * mpmath.mpf(2) ** k / mpmath.factorial(k)) for k in range(90)])),
    (
        GammaLaw(Rational(5, 2), Rational(1, 5)),
        substituted(lambda t: 2 * t**4 * mpmath.sqrt(5) ** 5 * mpmath.exp(-5 * t**2) / mpmath.gamma(2.5), 2, *range(7)),
    ),
    (
        GammaLaw(sqrt(2) / 2, Rational(1, 4)),
        # x = t^30: t^(30 k - 1) is smooth enough at zero for the panels near it
        substituted(
            lambda t: 30 * t ** (15 * mpmath.sqrt(2) - 1) * mpmath.exp(-4 * t**30)
            / (mpmath.gamma(mpmath.sqrt(2) / 2) * mpmath.mpf(4) ** (-mpmath.sqrt(2) / 2)),
            30, *(mpmath.mpf(i) / 25 for i in range(29)),
        ),
    ),
    (ExponentialLaw(3), smooth(lambda x: 3 * mpmath.exp(-3 * x), *range(0, 84, 4))),
    (LaplaceLaw(1, Rational(1, 4)), smooth(lambda x: 2 * mpmath.exp(-4 * abs(x - 1)), *range(-29, 32, 3))),
    (
        stats(sympy.stats.Geometric("x", Rational(2, 3))),
        atoms(lambda: [(k, 2 * mpmath.mpf(3) ** -k) for k in range(1, 400)]),
    ),
    (stats(sympy.stats.Arcsin("x", 0, 1)), lambda r: arcsine(r)),
]  # fmt: skip


def arcsine(references: SimpleNamespace) -> Any:
    """x = sin^2(v), v uniform on (0, pi/2)."""
    return [(mpmath.sin(v) ** 2, m) for v, m in references.line(lambda v: 2 / mpmath.pi, 0, mpmath.pi / 2)]


def planned(strand: Strand, bits: int) -> Plan:
    problem = Problem(strand)
    point = problem.at(())
    return plan(problem, *point, bits, *problem.rough_scales(*point))


def one_predictor(weight: Weight, law: Law) -> Strand:
    shift = fmpq(2) if isinstance(weight, PowerWeight) else SHIFT
    return Strand(weight, (law,), shift, (SLOPE,), (), EXPONENTS)


@pytest.mark.slow
@pytest.mark.parametrize(("law", "reference"), CASES, ids=lambda c: str(c) if isinstance(c, Law) else "")
def test_moments_against_mpmath(law: Law, reference: Any, references: SimpleNamespace) -> None:
    with mpmath.workdps(50):
        nodes = reference(references)
    for weight in WEIGHTS:
        system = one_predictor(weight, law)
        if isinstance(weight, PowerWeight) and law.support[0] < -2:
            continue
        with ball_precision(BITS + 30):
            rules = planned(system, BITS)
            found = rules.moments([rules.problem.at(())])[0]
        shift = mpmath.mpf(int(system.centre.p)) / int(system.centre.q)
        with mpmath.workdps(50):
            expected = references.moments(weight, [nodes], shift, [mpmath.mpf(7) / 10], EXPONENTS)
            for value, true in zip(found, expected, strict=True):
                # 50 digits of the reference, 36 of the ball
                assert value.contains(references.ball(true)), (
                    weight,
                    (value - references.ball(true)).str(),
                    value.rad(),
                )
                assert value.rad() < arb(2) ** (8 - BITS) * (1 + abs(value))


@pytest.mark.slow
def test_two_predictors_by_brute_force(references: SimpleNamespace) -> None:
    exponents = ((0, 0), (1, 1), (2, 0))
    laws = (UniformLaw(-1, 1), FiniteLaw(Tuple(-1, Rational(1, 4)), Tuple(2, Rational(3, 4))))
    for weight in WEIGHTS[:5]:
        system = Strand(weight, laws, SHIFT, (SLOPE, fmpq(-1, 2)), (), exponents)
        with ball_precision(90):
            rules = planned(system, 60)
            found = rules.moments([rules.problem.at(())])[0]
        lines = [references.line(lambda x: mpmath.mpf(1) / 2, -1, 1), [(-1, 0.25), (2, 0.75)]]
        slopes = [mpmath.mpf(7) / 10, mpmath.mpf(-1) / 2]
        expected = references.moments(weight, lines, mpmath.mpf(-34) / 100, slopes, exponents)
        for value, true in zip(found, expected, strict=True):
            assert value.contains(references.ball(true))
            assert value.rad() < arb(2) ** -54


@pytest.mark.slow
def test_complex_boxes_contain_the_moments(references: SimpleNamespace) -> None:
    for weight in WEIGHTS[:6]:
        system = one_predictor(weight, UniformLaw(-1, 1))
        with ball_precision(64):
            problem = Problem(system)
            box = acb(arb("0.3", 0.1), arb("0.9", 0.1))
            scale, sizes = problem.rough_scales(box, problem.slopes)
            rules = plan(problem, box, [acb(b) for b in problem.slopes], 12, scale, sizes)
            found = rules.moments([(box, [acb(b) for b in problem.slopes])])[0]
        nodes = references.line(lambda x: mpmath.mpf(1) / 2, -1, 1)
        for shift in (mpmath.mpc(0.21, 0.81), mpmath.mpc(0.39, 0.99), mpmath.mpc(0.3, 0.9)):
            expected = references.moments(weight, [nodes], shift, [mpmath.mpf(7) / 10], EXPONENTS)
            for value, true in zip(found, map(mpmath.mpc, expected), strict=True):
                assert value.contains(acb(references.ball(true.real), references.ball(true.imag)))


def test_a_false_bound_is_caught(monkeypatch: pytest.MonkeyPatch, references: SimpleNamespace) -> None:
    from leadterms.evaluation.certified.rules import line_rules

    # a remainder that is believed to be a billion times smaller than it is
    monkeypatch.setattr(line_rules, "remainder", lambda *a: arb(0))
    monkeypatch.setattr(line_rules, "points_needed", lambda *a: 6)
    system = one_predictor(LogisticWeight(Integer(1)), UniformLaw(-1, 2))
    with ball_precision(150):
        rules = planned(system, BITS)
        found = rules.moments([rules.problem.at(())])[0]
    nodes = references.line(lambda x: mpmath.mpf(1) / 3, -1, 2)
    expected = references.moments(system.weight, [nodes], mpmath.mpf(-34) / 100, [mpmath.mpf(7) / 10], EXPONENTS)
    assert not found[0].contains(references.ball(expected[0]))


@pytest.mark.parametrize(
    ("law", "weight", "reason"),
    [
        (NormalLaw(0, 1), PowerWeight(Integer(1), Integer(-2)), "not bounded"),
        (stats(sympy.stats.Cauchy("x", 0, 1)), SaturatingWeight(Integer(1), Integer(1)), "could not be bounded"),
        (stats(sympy.stats.StudentT("x", 2)), SaturatingWeight(Integer(1), Integer(1)), "could not be bounded"),
        (stats(sympy.stats.LogNormal("x", 0, 1)), ExponentialWeight(Integer(1), Integer(1)), "could not be bounded"),
        (
            stats(sympy.stats.ExGaussian("x", 0, 1, 1)),
            ExponentialWeight(Integer(1), Integer(2)),
            "could not be bounded",
        ),
        (UniformLaw(-5, 1), PowerWeight(Integer(1), Integer(-2)), "not bounded"),
        (ExponentialLaw(Rational(1, 2)), ExponentialWeight(Integer(1), Integer(1)), "could not be bounded in proof"),
    ],
)
def test_refusals(law: Law, weight: Weight, reason: str) -> None:
    with ball_precision(100), pytest.raises(EvaluationError, match=reason):
        planned(one_predictor(weight, law), 60)
