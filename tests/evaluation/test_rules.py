"""Node rules: every law against its moments, and the sums themselves against independent roads."""

import mpmath
import pytest
import sympy.stats
from sympy import Rational, Symbol, Tuple, exp, log, sqrt, symbols

from leadterms.errors import EvaluationError
from leadterms.evaluation.gauss_legendre import gauss_legendre
from leadterms.evaluation.number import evaluate
from leadterms.expectation.held import Expectation
from leadterms.model.laws import (
    BernoulliLaw,
    BetaLaw,
    ExponentialLaw,
    FiniteLaw,
    GammaLaw,
    JointNormalLaw,
    LaplaceLaw,
    NormalLaw,
    PoissonLaw,
    StatsLaw,
    TriangularLaw,
    UniformLaw,
)

X = Symbol("x", real=True)
HALF = Rational(1, 2)
LAWS = [
    UniformLaw(Rational(-1, 3), 2),
    TriangularLaw(-1, 2, HALF),
    TriangularLaw(0, 1, 0),
    BetaLaw(2, 3),
    BetaLaw(HALF, 3 * HALF),
    BetaLaw(5 * HALF, HALF),
    NormalLaw(Rational(1, 3), sqrt(2)),
    NormalLaw(-100, 10),
    GammaLaw(3, Rational(1, 5)),
    GammaLaw(HALF, 2),
    ExponentialLaw(3),
    LaplaceLaw(HALF, Rational(1, 4)),
    PoissonLaw(7 * HALF),
    PoissonLaw(200),
    FiniteLaw(Tuple(-1, Rational(1, 4)), Tuple(0, HALF), Tuple(2, Rational(1, 4))),
    BernoulliLaw(Rational(3, 10)),
]


def bounded(number, reference):
    return abs(number.value.evalf(60) - reference) <= number.error


@pytest.mark.parametrize("law", LAWS, ids=str)
@pytest.mark.parametrize("k", [1, 4])
def test_moments(law, k):
    assert bounded(evaluate(Expectation(X**k, (X, law)), {}, 30), law.raw_moment(k).evalf(60))


@pytest.mark.parametrize("law", [law for law in LAWS if law.tilted_moment(0, HALF) is not None], ids=str)
@pytest.mark.parametrize("k", [0, 2])
def test_tilted_moments(law, k):
    t = Rational(1, 3)
    number = evaluate(Expectation(X**k * exp(t * X), (X, law)), {}, 30)
    assert bounded(number, evaluate(law.tilted_moment(k, t), {}, 45).value)


@pytest.mark.parametrize(
    ("function", "law", "value"),
    [
        (log(X) ** 2, UniformLaw(0, 1), 2),
        (1 / X, BetaLaw(2, 3), 4),
        (sqrt(X), TriangularLaw(0, 1, 0), Rational(8, 15)),
        (X**2 * log(X), UniformLaw(0, 1), Rational(-1, 9)),
    ],
)
def test_functions_that_are_rough_at_an_end(function, law, value):
    assert bounded(evaluate(Expectation(function, (X, law)), {}, 25, method="mpmath"), value)


@pytest.mark.parametrize("law", [UniformLaw(-1, 2), TriangularLaw(-1, 2, HALF)], ids=str)
def test_pieces_against_mpmath_quad(law):
    number = evaluate(Expectation(exp(X / 3) / (X + 3), (X, law)), {}, 30)
    total = 0
    with mpmath.workdps(45):
        for lower, upper, density in law.pieces(X):
            slope, start = density.diff(X), density.subs(X, 0)
            line = [mpmath.mpf(c.p) / c.q for c in (start, slope, lower, upper)]

            def integrand(x, line=line):
                return (line[0] + line[1] * x) * mpmath.exp(x / 3) / (x + 3)

            total += mpmath.quad(integrand, line[2:])
        assert bounded(number, total)


# variances as in sympy.stats' documentation of each distribution
@pytest.mark.parametrize(
    ("variable", "second"),
    [
        (sympy.stats.Logistic("x", 0, 1), sympy.pi**2 / 3),
        (sympy.stats.Logistic("x", 1000, 1), sympy.pi**2 / 3 + 10**6),
        (sympy.stats.StudentT("x", 5), Rational(5, 3)),
        (sympy.stats.LogNormal("x", 0, HALF), exp(HALF)),
        (sympy.stats.Rayleigh("x", 2), 8),
        (sympy.stats.Pareto("x", 1, 5), Rational(5, 3)),
        (sympy.stats.Geometric("x", Rational(1, 3)), 15),
    ],
    ids=str,
)
def test_laws_known_by_their_density(variable, second):
    law = StatsLaw(variable.pspace.distribution)
    assert bounded(evaluate(Expectation(X**2, (X, law)), {}, 20), sympy.sympify(second).evalf(40))


def test_mass_far_out_of_the_bulk():
    number = evaluate(Expectation(exp(40 * X), (X, NormalLaw(0, 1))), {}, 20)
    assert bounded(number, exp(800).evalf(60))


def test_poles_near_the_interval():
    number = evaluate(Expectation(1 / (X**2 + Rational(1, 10**4)), (X, UniformLaw(-1, 1))), {}, 15)
    assert bounded(number, (100 * sympy.atan(100)).evalf(40))


def test_cancellation_between_expectations():
    law = NormalLaw(10**12, 1)
    variance = Expectation(X**2, (X, law)) - Expectation(X, (X, law)) ** 2
    assert str(evaluate(variance, {}, 15)) == "1.00000000000000"


def test_missing_moment_is_refused():
    cauchy = StatsLaw(sympy.stats.Cauchy("x", 0, 1).pspace.distribution)
    with pytest.raises(EvaluationError, match="does not end"):
        evaluate(Expectation(X, (X, cauchy)), {}, 10)


def test_indefinite_covariance_is_refused():
    u, v = symbols("u v", real=True)
    law = JointNormalLaw((0, 0), sympy.ImmutableMatrix([[1, 2], [2, 1]]))
    with pytest.raises(EvaluationError, match="not positive definite"):
        evaluate(Expectation(u * v, (Tuple(u, v), law)), {}, 10)


def test_law_with_a_bound_parameter_is_refused():
    u = Symbol("u", real=True)
    inner = Expectation(X**2, (X, NormalLaw(u, 1)))
    with pytest.raises(EvaluationError, match="depends on"):
        evaluate(Expectation(inner, (u, NormalLaw(0, 1))), {}, 10)


def test_shadowed_variables():
    # E over x of (x + E over the other x of x^2) = 0 + 1
    inner = Expectation(X**2, (X, NormalLaw(0, 1)))
    assert str(evaluate(Expectation(X + inner, (X, NormalLaw(0, 1))), {}, 12)) == "1.00000000000"


def test_bound_variable_keeps_its_name_apart_from_a_parameter():
    b = Symbol("b", real=True)
    assert str(evaluate(b + Expectation(b**2, (b, NormalLaw(0, 1))), {b: 2}, 6)) == "3.00000"


@pytest.mark.parametrize(("count", "bits"), [(2, 60), (12, 80), (40, 200), (64, 700)])
def test_gauss_legendre_integrates_polynomials_of_degree_2n_minus_1(count, bits):
    scale = mpmath.mpf(2) ** -bits
    with mpmath.workprec(bits + 20):
        for degree in (0, 2, 2 * count - 2):
            total = 2 * sum(w * scale * (x * scale) ** degree for x, w in gauss_legendre(count, bits))
            assert abs(total - mpmath.mpf(2) / (degree + 1)) < 4 * count * scale
