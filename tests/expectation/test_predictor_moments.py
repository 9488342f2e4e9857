"""E[X^k w(a + bX)] in closed form against quadrature of the density times the weight, over the whole grid.

The oracle knows the weights from the inverse links and the laws from their densities, both written here with
mpmath only.
"""

from random import Random

import mpmath
import pytest
import sympy.stats as st
from mpmath import inf, mp, mpf
from sympy import Integer, Rational, Symbol, lambdify, symbols

from leadterms.expectation.predictor_moments import RULES, MomentRequest, closed_moment, upper_gamma
from leadterms.model.laws import (
    BernoulliLaw,
    BetaLaw,
    ExponentialLaw,
    FiniteLaw,
    GammaLaw,
    LaplaceLaw,
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
)
from leadterms.notation.functions import MPMATH_FUNCTIONS

A, B, X = Symbol("a", real=True), Symbol("b", real=True), Symbol("x", real=True)
ONE, HALF = Integer(1), Rational(1, 2)
TOLERANCE = mpf(10) ** -20


def gamma_density(shape, scale):
    return lambda x: x ** (shape - 1) * mpmath.exp(-x / scale) / (mpmath.gamma(shape) * scale**shape)


def beta_density(a, b):
    return lambda x: x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b)


# law, density or probabilities, break points (or points), whether it lives on points
LAWS = {
    "Uniform": (UniformLaw(-1, Rational(3, 2)), lambda x: mpf(2) / 5, [-1, mpf(3) / 2], False),
    "Triangular": (
        TriangularLaw(-1, 2, HALF),
        lambda x: 2 * (x + 1) / mpf("4.5") if x < 0.5 else 2 * (2 - x) / mpf("4.5"),
        [-1, mpf("0.5"), 2],
        False,
    ),
    "Beta": (BetaLaw(2, 3), beta_density(2, 3), [0, 1], False),
    "Beta, broken": (
        BetaLaw(Rational(5, 2), Rational(7, 2)),
        beta_density(mpf("2.5"), mpf("3.5")),
        [0, HALF, 1],
        False,
    ),
    "Normal": (
        NormalLaw(Rational(1, 3), HALF),
        lambda x: mpmath.npdf(x, mpf(1) / 3, mpf("0.5")),
        [-inf, -3, -1, 0, 1, 3, inf],
        False,
    ),
    "Gamma": (GammaLaw(3, HALF), gamma_density(3, mpf("0.5")), [0, 1, 4, 10, inf], False),
    "Gamma, broken": (GammaLaw(Rational(5, 2), HALF), gamma_density(mpf("2.5"), mpf("0.5")), [0, 1, 4, 10, inf], False),
    "Exponential": (ExponentialLaw(2), lambda x: 2 * mpmath.exp(-2 * x), [0, 1, 4, 10, inf], False),
    "Laplace": (
        LaplaceLaw(Rational(1, 4), HALF),
        lambda x: mpmath.exp(-2 * abs(x - mpf("0.25"))),
        [-inf, -8, -2, mpf("0.25"), 2, 8, inf],
        False,
    ),
    "Bernoulli": (BernoulliLaw(Rational(1, 4)), {0: mpf("0.75"), 1: mpf("0.25")}, None, True),
    "Finite": (
        FiniteLaw((-1, Rational(1, 4)), (0, Rational(1, 4)), (2, HALF)),
        {-1: mpf("0.25"), 0: mpf("0.25"), 2: mpf("0.5")},
        None,
        True,
    ),
    "Poisson": (PoissonLaw(2), lambda x: mpmath.exp(-2) * mpf(2) ** x / mpmath.factorial(x), 120, True),
    "StudentT": (StatsLaw(st.StudentT("X", 9).pspace.distribution), None, None, False),
}
WEIGHTS = {
    "identity": (ConstantWeight(ONE), lambda eta: mpf(1)),
    "sqrt": (ConstantWeight(Integer(4)), lambda eta: mpf(4)),
    "log": (ExponentialWeight(ONE), mpmath.exp),
    "gaussian-log": (ExponentialWeight(ONE, Integer(2)), lambda eta: mpmath.exp(eta) ** 2),
    "inverse-gaussian-log": (ExponentialWeight(ONE, Integer(-1)), lambda eta: 1 / mpmath.exp(eta)),
    "logit": (LogisticWeight(Integer(3)), lambda eta: 3 * mpmath.sech(eta / 2) ** 2 / 4),
    "negative-binomial": (SaturatingWeight(ONE, Rational(2, 5)), lambda eta: 1 / (mpmath.exp(-eta) + mpf("0.4"))),
    "probit": (ProbitWeight(ONE), lambda eta: mpmath.npdf(eta) ** 2 / (mpmath.ncdf(eta) * mpmath.ncdf(-eta))),
    "cloglog": (CloglogWeight(ONE), lambda eta: mpmath.exp(2 * eta) / mpmath.expm1(mpmath.exp(eta))),
    "inverse": (PowerWeight(ONE, Integer(-2)), lambda eta: eta**-2),
    "1/mu^2": (PowerWeight(Rational(1, 4), Rational(-3, 2)), lambda eta: eta ** mpf("-1.5") / 4),
}

# The rule that answers each cell; a dot for a cell that stays held.  c: constant predictor, s: finite sum,
# g: moment generating function, p: integration by parts, i: incomplete gamma function.
NAMES = {
    "c": "constant predictor",
    "s": "finite sum",
    "g": "moment generating function",
    "p": "integration by parts",
    "i": "incomplete gamma function",
    ".": None,
}
TABLE = {
    "Uniform": "c c p p p p p . . p p",
    "Triangular": "c c p p p p p . . p p",
    "Beta": "c c p p p p p . . p p",
    "Beta, broken": "c c g g g . . . . . .",
    "Normal": "c c g g g . . . . . .",
    "Gamma": "c c g g g . . . . i i",
    "Gamma, broken": "c c g g g . . . . . .",
    "Exponential": "c c g g g . . . . i i",
    "Laplace": "c c g g g . . . . . .",
    "Bernoulli": "c c s s s s s s s s s",
    "Finite": "c c s s s s s s s s s",
    "Poisson": "c c g g g . . . . . .",
    "StudentT": ". . . . . . . . . . .",
}
GRID = {
    (weight, law): NAMES[mark]
    for law, marks in TABLE.items()
    for weight, mark in zip(WEIGHTS, marks.split(), strict=True)
}
CLOSED = [cell for cell, rule in GRID.items() if rule is not None]


def quadrature(weight, law, power, a, b):
    _, density, places, discrete = LAWS[law]
    shape = WEIGHTS[weight][1]
    if law == "Poisson":
        return mpmath.fsum(mpf(x) ** power * shape(a + b * x) * density(x) for x in range(places))
    if discrete:
        return mpmath.fsum(mpf(x) ** power * shape(a + b * x) * p for x, p in density.items())
    return mpmath.quad(lambda x: x**power * shape(a + b * x) * density(x), places)


def points(weight, law, power, count):
    """Random exact (a, b), positive predictors where the link asks for them, inside the range of the mgf."""
    random = Random(f"{weight} {law} {power}")
    for _ in range(count):
        if weight in ("inverse", "1/mu^2"):
            yield Rational(random.randint(60, 120), 20), Rational(random.randint(10, 50), 40)
        else:
            # the gamma, exponential and Laplace laws have rates 2; gaussian-log doubles the slope
            sign = random.choice([-1, 1])
            yield Rational(random.randint(-40, 40), 20), Rational(sign * random.randint(5, 32), 40)


def value(expression, a, b):
    with mp.workdps(70):
        return lambdify((A, B), expression, modules=[MPMATH_FUNCTIONS, "mpmath"])(_mpf(a), _mpf(b))


def _mpf(number):
    return mpf(number.p) / number.q


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_rule_of_every_cell(weight, law):
    for power in (1, 2):
        answer = closed_moment(MomentRequest(power, WEIGHTS[weight][0], A, B, LAWS[law][0]))
        assert (answer and answer.rule) == GRID[weight, law]


def test_every_rule_answers_some_cell():
    assert {rule for rule in GRID.values() if rule} == {name for name, _ in RULES}


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "law"), CLOSED, ids=["-".join(cell) for cell in CLOSED])
def test_closed_forms_against_quadrature(weight, law):
    powers = (0, 1, 2, 3, 4) if (weight, law) in DEEP else (0, 1, 2)
    with mp.workdps(26):
        for power in powers:
            answer = closed_moment(MomentRequest(power, WEIGHTS[weight][0], A, B, LAWS[law][0]))
            for a, b in points(weight, law, power, 2):
                expected = quadrature(weight, law, power, _mpf(a), _mpf(b))
                assert abs(value(answer.value, a, b) - expected) < TOLERANCE * abs(expected)


DEEP = {("logit", "Triangular"), ("log", "Laplace"), ("inverse", "Gamma"), ("1/mu^2", "Uniform"), ("log", "Normal")}


@pytest.mark.parametrize("law", [law for law in LAWS if law != "StudentT"])
@pytest.mark.parametrize("weight", ["log", "logit", "cloglog", "1/mu^2"])
def test_a_slope_of_zero_has_its_own_rule(weight, law):
    a = Rational(7, 5)
    with mp.workdps(26):
        for power in (0, 1, 2):
            answer = closed_moment(MomentRequest(power, WEIGHTS[weight][0], A, Integer(0), LAWS[law][0]))
            assert answer.rule == "constant predictor"
            expected = quadrature(weight, law, power, _mpf(a), mpf(0))
            assert abs(value(answer.value, a, Integer(0)) - expected) < TOLERANCE * abs(expected)


@pytest.mark.parametrize("weight", ["inverse", "1/mu^2", "logit", "log"])
def test_bounded_laws_with_a_falling_predictor(weight):
    a, b = Rational(5), Rational(-9, 4)
    with mp.workdps(30):
        for law in ("Uniform", "Triangular", "Beta"):
            answer = closed_moment(MomentRequest(1, WEIGHTS[weight][0], A, B, LAWS[law][0]))
            expected = quadrature(weight, law, 1, _mpf(a), _mpf(b))
            assert abs(value(answer.value, a, b) / expected - 1) < TOLERANCE


def test_small_slopes_come_close_to_the_slope_of_zero():
    """Closed forms have a removable singularity at b = 0, and are right on both sides of it."""
    for weight, law in CLOSED:
        answer = closed_moment(MomentRequest(1, WEIGHTS[weight][0], A, B, LAWS[law][0]))
        limit = closed_moment(MomentRequest(1, WEIGHTS[weight][0], A, Integer(0), LAWS[law][0]))
        a, b = Rational(3, 2), Rational(1, 10**9)
        assert abs(value(answer.value, a, b) / value(limit.value, a, Integer(0)) - 1) < mpf(10) ** -7


def test_symbolic_parameters_of_the_law_are_allowed():
    low, high, t, k = symbols("low high t k", positive=True)
    cases = {
        UniformLaw(low, high): {low: Integer(-1), high: Rational(3, 2)},
        TriangularLaw(low, high, t): {low: Integer(-1), high: Integer(2), t: HALF},
        GammaLaw(3, t): {t: HALF},
        GammaLaw(k, t): {k: Integer(3), t: HALF},
        NormalLaw(low, t): {low: Rational(1, 3), t: HALF},
        FiniteLaw((-1, t), (low, t), (2, 1 - 2 * t)): {t: Rational(1, 4), low: Integer(0)},
    }
    a, b = Rational(3, 5), Rational(2, 5)
    for law, at in cases.items():
        for weight in (ExponentialWeight(ONE), LogisticWeight(ONE), PowerWeight(ONE, Integer(-2))):
            symbolic = closed_moment(MomentRequest(1, weight, A, B, law))
            numeric = closed_moment(MomentRequest(1, weight, A, B, law.xreplace(at)))
            if symbolic is None:
                continue
            assert abs(value(symbolic.value.subs(at), a + 2, b) / value(numeric.value, a + 2, b) - 1) < mpf(10) ** -40


def test_power_weights_leave_logarithms_of_ratios_only():
    from sympy import log

    answer = closed_moment(MomentRequest(1, WEIGHTS["inverse"][0], A, B, UniformLaw(0, 1)))
    (logarithm,) = answer.value.atoms(log)
    assert (logarithm.args[0] * (A + B) / A).cancel() == 1


def test_gamma_laws_of_large_shape_stay_held():
    weight = WEIGHTS["inverse"][0]
    assert closed_moment(MomentRequest(0, weight, A, B, GammaLaw(40, 1))) is not None
    assert closed_moment(MomentRequest(0, weight, A, B, GammaLaw(41, 1))) is None


def test_the_held_form_of_a_request():
    request = MomentRequest(2, ExponentialWeight(ONE), A, B, NormalLaw(0, 1))
    held = request.held(X)
    assert str(held) == "E[x**2*exp(a + b*x); x ~ Normal(0, 1)]"
    assert held.free_symbols == {A, B}


@pytest.mark.parametrize(
    "s", [Integer(-3), Integer(-1), Integer(0), Integer(1), Integer(4), HALF, -HALF, Rational(-7, 2)]
)
def test_upper_gamma_is_the_incomplete_gamma_integral(s):
    z = Symbol("z", positive=True)
    function = lambdify(z, upper_gamma(s, z), "mpmath")
    for at in (mpf("0.3"), mpf("4.5")):
        with mp.workdps(30):
            integral = mpmath.quad(lambda t: t ** (_mpf(s) - 1) * mpmath.exp(-t), [at, at + 1, at + 6, at + 30, inf])
        with mp.workdps(60):
            assert abs(function(at) / integral - 1) < TOLERANCE


def test_what_a_closed_form_divides_by():
    low, high, mode = symbols("low high mode", real=True)
    for weight, law, divisors in (
        ("logit", UniformLaw(0, 1), {B}),
        ("logit", UniformLaw(low, high), {B, high - low}),
        ("log", TriangularLaw(low, high, mode), {B, mode - low, high - mode}),
        ("inverse", GammaLaw(2, 1), {B}),
        ("log", NormalLaw(0, 1), set()),
        ("logit", BernoulliLaw(HALF), set()),
    ):
        answer = closed_moment(MomentRequest(1, WEIGHTS[weight][0], A, B, law))
        assert set(answer.nonzero) == divisors


def test_a_request_at_a_point_may_be_answered_by_another_rule():
    mode = Symbol("mode", real=True)
    request = MomentRequest(1, WEIGHTS["logit"][0], A, B, TriangularLaw(-1, 2, mode))
    at = {A: HALF, B: Rational(3, 5), mode: Integer(-1)}
    with mp.workdps(26):
        expected = mpmath.quad(
            lambda x: x * WEIGHTS["logit"][1](mpf("0.5") + mpf("0.6") * x) * 2 * (2 - x) / 9, [-1, 2]
        )
        assert abs(value(closed_moment(request.at(at)).value, HALF, HALF) / expected - 1) < TOLERANCE
    assert closed_moment(request.at(at | {B: Integer(0)})).rule == "constant predictor"
