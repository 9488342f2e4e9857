"""Existence: decided by growth, and compared with partial integrals that converge or do not."""

import mpmath
import pytest
import sympy.stats as st
from mpmath import mpf
from sympy import (
    Abs,
    ImmutableMatrix,
    Integer,
    Interval,
    Ne,
    Rational,
    S,
    Symbol,
    Tuple,
    besseli,
    exp,
    false,
    gamma,
    lambdify,
    log,
    oo,
    sin,
    symbols,
    true,
)
from sympy.stats.crv_types import Pareto
from sympy.stats.drv_types import DiscreteRV, YuleSimon, Zeta

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.existence import (
    exponential_conditions,
    moment_conditions,
    opposed_conditions,
    polynomial_exponent_conditions,
    positive_predictor_conditions,
    tail_indices,
    tail_rates,
    weighted_conditions,
)
from leadterms.model.laws import (
    BernoulliLaw,
    ExponentialLaw,
    FiniteLaw,
    GammaLaw,
    JointNormalLaw,
    LaplaceLaw,
    NormalLaw,
    PoissonLaw,
    StatsLaw,
    UniformLaw,
)
from leadterms.model.weights import (
    CloglogWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
)

b, b0, b1, b2, b3 = symbols("b b0 b1 b2 b3", real=True)
s = Symbol("s", positive=True)
x, x1, x2 = symbols("x x1 x2", real=True)
ONE = Integer(1)


def other(variable):
    return StatsLaw(variable.pspace.distribution)


STUDENT = other(st.StudentT("X", 3))
CAUCHY = other(st.Cauchy("X", 0, 1))
PARETO = other(Pareto("X", 1, Rational(3, 2)))
LOGISTIC = other(st.Logistic("X", 0, 2))
HALF_NORMAL = other(st.Rayleigh("X", 1))

TAILS = [
    (UniformLaw(0, 1), (oo, oo), (oo, oo)),
    (NormalLaw(0, 1), (oo, oo), (oo, oo)),
    (GammaLaw(2, 3), (oo, Rational(1, 3)), (oo, oo)),
    (LaplaceLaw(0, 3), (Rational(1, 3), Rational(1, 3)), (oo, oo)),
    (LOGISTIC, (Rational(1, 2), Rational(1, 2)), (oo, oo)),
    (other(st.Geometric("X", Rational(1, 3))), (oo, -log(Rational(2, 3))), (oo, oo)),
    (other(st.NegativeBinomial("X", 3, Rational(1, 4))), (oo, -log(Rational(3, 4))), (oo, oo)),
    (HALF_NORMAL, (oo, oo), (oo, oo)),
    (other(st.Weibull("X", 2, 3)), (oo, oo), (oo, oo)),
    (STUDENT, (0, 0), (4, 4)),
    (CAUCHY, (0, 0), (2, 2)),
    (PARETO, (oo, 0), (oo, Rational(5, 2))),
    (other(Zeta("X", 4)), (oo, 0), (oo, 4)),
    (other(YuleSimon("X", 3)), (oo, 0), (oo, 4)),
    (other(st.LogNormal("X", 0, 1)), (oo, 0), (oo, oo)),
    (other(st.StudentT("X", s)), (0, 0), (s + 1, s + 1)),
]


@pytest.mark.parametrize(("law", "rates", "indices"), TAILS, ids=[str(law) for law, *_ in TAILS])
def test_tails(law, rates, indices):
    assert tail_rates(law) == rates
    assert tail_indices(law, "x") == indices


FAR = [law for law, *_ in TAILS if not law.free_symbols and law.exponential_rates != (oo, oo)]
"""Laws whose density far out is a number that does not underflow to nothing on a bounded support."""


@pytest.mark.parametrize("law", FAR, ids=str)
def test_tails_are_seen_in_the_density_far_out(law):
    """Slope of the log density at x = +-1e6 (or of the log probability), by finite differences."""
    density = lambdify(x, law.density(x), "mpmath")
    for side, end, rate in zip((-1, 1), law.support, tail_rates(law), strict=True):
        if end.is_finite is not False:
            continue
        far, step = mpf(10) ** 6, 1
        with mpmath.mp.workdps(30):
            slope = mpmath.log(density(side * far) / density(side * (far + step)))
        assert slope > 100 if rate == oo else abs(slope - mpmath.mpmathify(rate.evalf(20))) < mpf(10) ** -4


@pytest.mark.parametrize(
    ("law", "slope", "conditions"),
    [
        (UniformLaw(0, 1), b, ()),
        (NormalLaw(0, s), b, ()),
        (PoissonLaw(2), b, ()),
        (GammaLaw(2, s), b, (b < 1 / s,)),
        (GammaLaw(2, 3), Rational(1, 4), ()),
        (ExponentialLaw(s), 2 * b, (2 * b < s,)),
        (LaplaceLaw(0, s), b, (-b < 1 / s, b < 1 / s)),
        (LOGISTIC, b, (-b < Rational(1, 2), b < Rational(1, 2))),
        (other(st.Geometric("X", Rational(1, 3))), b, (b < -log(Rational(2, 3)),)),
        (HALF_NORMAL, b, ()),
        (PARETO, b, (b < 0,)),
        (other(st.LogNormal("X", 0, 1)), b, (b <= 0,)),
    ],
)
def test_exponential_conditions(law, slope, conditions):
    assert exponential_conditions(law, slope, "x") == conditions


@pytest.mark.parametrize(
    ("law", "slope"),
    [
        (GammaLaw(2, 3), Rational(1, 3)),
        (GammaLaw(2, 3), Integer(1)),
        (LaplaceLaw(0, 1), Integer(-1)),
        (STUDENT, b),
        (STUDENT, Integer(1)),
        (CAUCHY, b),
        (PARETO, Integer(1)),
    ],
)
def test_exponential_moments_that_are_infinite(law, slope):
    with pytest.raises(ExistenceError, match="is infinite for x ~"):
        exponential_conditions(law, slope, "x")


def test_a_tail_that_sympy_cannot_find_is_undecided():
    waves = st.ContinuousRV(x, Rational(2, 5) * exp(-x) * (2 + sin(x)), set=Interval(0, oo))
    with pytest.raises(UndecidedError, match=r"the tail of .*sin\(x\).* could not be decided"):
        exponential_conditions(other(waves), b, "x")
    # Skellam's law with both rates 1/2, stated by its probabilities
    stated = DiscreteRV(Symbol("X"), exp(-1) * besseli(Symbol("X"), 1), S.Integers)
    with pytest.raises(UndecidedError, match="the tail of DiscreteRV"):
        exponential_conditions(other(stated), b, "x")
    # which has all exponential moments
    assert exponential_conditions(other(st.Skellam("X", 1, 2)), b, "x") == ()


@pytest.mark.parametrize(
    ("law", "power", "exists"),
    [
        (STUDENT, 0, True),
        (STUDENT, 2, True),
        (STUDENT, 3, False),
        (CAUCHY, 1, False),
        (PARETO, 1, True),
        (PARETO, 2, False),
        (other(Zeta("X", 4)), 2, True),
        (other(Zeta("X", 4)), 3, False),
        (other(YuleSimon("X", 3)), 2, True),
        (other(YuleSimon("X", 3)), 3, False),
        (other(st.LogNormal("X", 0, 1)), 6, True),
        (LOGISTIC, 6, True),
    ],
)
def test_moments(law, power, exists):
    """Beyond the answer itself: a decade far out adds less than the one before exactly where it exists."""
    if exists:
        assert moment_conditions(law, power, "x") == ()
    else:
        with pytest.raises(ExistenceError, match=rf"E\[x\^{power}\] is infinite for x ~"):
            moment_conditions(law, power, "x")
    density = lambdify(x, law.density(x), "mpmath")
    before, after = (decade(lambda t: t**power * density(t), k) for k in (6, 7))
    assert (after < before / 2) is exists


def decade(function, k):
    """Integral from 10^k to 10^(k + 1)."""
    return mpmath.quad(lambda y: function(mpmath.exp(y)) * mpmath.exp(y), [k * mpmath.ln10, (k + 1) * mpmath.ln10])


@pytest.mark.parametrize("power", [0, 3, 12])
def test_named_laws_have_all_moments(power):
    for law in (NormalLaw(0, 1), GammaLaw(2, 1), PoissonLaw(1), UniformLaw(0, 1)):
        assert moment_conditions(law, power, "x") == ()


def test_moments_of_a_symbolic_tail_are_conditions():
    assert moment_conditions(other(st.StudentT("X", s)), 2, "x") == (s > 2,)


CASES = [
    (LogisticWeight(ONE), STUDENT, 2, ()),
    (LogisticWeight(ONE), CAUCHY, 2, (Ne(b, 0),)),
    (ProbitWeight(ONE), CAUCHY, 1, (Ne(b, 0),)),
    (CloglogWeight(ONE), PARETO, 2, (Ne(b, 0),)),
    (SaturatingWeight(ONE), PARETO, 2, (b < 0,)),
    (SaturatingWeight(ONE), PARETO, 1, ()),
    (PowerWeight(ONE, Integer(-2)), PARETO, 2, (Ne(b, 0),)),
    (PowerWeight(ONE, Rational(-3, 2)), PARETO, 2, (Ne(b, 0),)),
    (LogisticWeight(ONE), GammaLaw(2, 1), 4, ()),
]


@pytest.mark.parametrize(("weight", "law", "power", "conditions"), CASES)
def test_weights_that_tame_a_heavy_tail(weight, law, power, conditions):
    assert weighted_conditions(law, power, weight, (b,), "x") == conditions
    density, shape = lambdify(x, law.density(x), "mpmath"), SHAPES[type(weight)]
    exponent = weight.parameter
    slope = mpf("1e-6") if isinstance(weight, PowerWeight) else -mpf("1e-6")
    before, after = (decade(lambda t: t**power * shape(slope * t, exponent) * density(t), k) for k in (7, 8))
    assert after < before / 2
    if conditions:
        # and without the weight they do not
        before, after = (decade(lambda t: t**power * density(t), k) for k in (7, 8))
        assert after > before / 2


CURVED = [
    (LogisticWeight(ONE), STUDENT, 4, (b, b1), (Ne(b, 0) | Ne(b1, 0),)),
    (ProbitWeight(ONE), PARETO, 4, (Integer(0), b), (Ne(b, 0),)),
    (SaturatingWeight(ONE), STUDENT, 4, (b1, b), (b < 0,)),
    (SaturatingWeight(ONE), PARETO, 6, (b1, b1, b), (b < 0,)),
    (LogisticWeight(ONE), STUDENT, 2, (b, b1), ()),
    (SaturatingWeight(ONE), STUDENT, 4, (Integer(0), b), (b < 0,)),
]


@pytest.mark.parametrize(("weight", "law", "power", "coefficients", "conditions"), CURVED)
def test_weights_that_tame_a_heavy_tail_by_a_polynomial(weight, law, power, coefficients, conditions):
    assert set(weighted_conditions(law, power, weight, coefficients, "x")) == set(conditions)
    density, shape = lambdify(x, law.density(x), "mpmath"), SHAPES[type(weight)]
    eta = sum(c.subs({b: -Rational(1, 10**6), b1: -Rational(1, 10**6)}) * x**k for k, c in enumerate(coefficients, 1))
    eta = lambdify(x, eta, "mpmath")
    before, after = (decade(lambda t: t**power * shape(eta(t), weight.parameter) * density(t), k) for k in (7, 8))
    assert before > 0
    assert after < before / 2


@pytest.mark.parametrize(("exponent", "power", "tamed"), [(-2, 4, True), (-2, 5, True), (-2, 6, False), (-1, 4, False)])
def test_powers_of_a_polynomial_tame_a_heavy_tail(exponent, power, tamed):
    """1 + x + x^2 to a power, on a tail like x^-3."""
    weight, law = PowerWeight(ONE, Integer(exponent)), student(2)
    density = lambdify(x, law.density(x), "mpmath")
    before, after = (decade(lambda t: t**power * (1 + t + t**2) ** exponent * density(t), k) for k in (7, 8))
    if tamed:
        assert weighted_conditions(law, power, weight, (b, b1), "x") == (Ne(b1, 0),)
        assert after < before / 2
        return
    with pytest.raises(UndecidedError, match="not affine in x"):
        weighted_conditions(law, power, weight, (b, b1), "x")
    assert after > before / 2


@pytest.mark.parametrize(("index", "exists"), [(Rational(1, 5), False), (Rational(1, 3), True)])
def test_a_power_tames_several_tails_once(index, exists):
    """E[x z (1 + x + z)^(-3/2)] with tails like x^(-1 - index): per factor of x and z parts shrink, or do not."""
    laws, weight = [student(index)] * 2, PowerWeight(ONE, Rational(-3, 2))
    for law in laws:
        assert weighted_conditions(law, 1, weight, (ONE,), "x") == ()
    density = lambdify(x, laws[0].density(x), "mpmath")
    before, after = (t**2 * t**2 * density(t) ** 2 * (1 + 2 * t) ** mpf("-1.5") for t in (mpf(10) ** 9, mpf(10) ** 10))
    if exists:
        assert opposed_conditions(laws, (1, 1), weight, "xz") == ()
        assert after < before * mpf("0.9")
        return
    with pytest.raises(UndecidedError, match="the tails of x and z are too heavy where they are large together"):
        opposed_conditions(laws, (1, 1), weight, "xz")
    assert after > before


def test_a_polynomial_and_a_line_that_take_eta_back_to_zero_together():
    """With eta = z - x^2: per factor of x the part about zero shrinks, or does not."""
    for index, exists in ((Rational(3, 4), True), (Rational(1, 4), False)):
        laws = [student(3), student(index)]
        first, second = (lambdify(x, law.density(x), "mpmath") for law in laws)
        before, after = (t * first(t) * second(t**2) * t**6 for t in (mpf(10) ** 7, mpf(10) ** 8))
        if exists:
            assert opposed_conditions(laws, (2, 2), LogisticWeight(ONE), "xz", (2, 1)) == ()
            assert after < before * mpf("0.7")
        else:
            with pytest.raises(UndecidedError, match="the tails of x and z are too heavy"):
                opposed_conditions(laws, (2, 2), LogisticWeight(ONE), "xz", (2, 1))
            assert after > before * mpf("0.99")


def test_powers_of_several_counts_are_undecided():
    """With eta = x^2 - z^2 all points x = z stand at zero, as many as there are values."""
    laws = [other(Zeta("X", Rational(11, 5)))] * 2
    with pytest.raises(UndecidedError, match="powers of x and z, which are discrete with heavy tails"):
        opposed_conditions(laws, (4, 0), LogisticWeight(ONE), "xz", (2, 2))
    assert opposed_conditions([laws[0], student(3)], (4, 0), LogisticWeight(ONE), "xz", (2, 2)) == ()


def student(index):
    return other(st.StudentT("X", index))


TOGETHER = [
    (LogisticWeight(ONE), (Rational(1, 2), Rational(1, 2)), (2, 0), False),
    (ProbitWeight(ONE), (Rational(1, 2), Rational(3, 4)), (1, 1), True),
    (CloglogWeight(ONE), (Rational(1, 4), Rational(3, 4)), (2, 0), False),
    (LogisticWeight(ONE), (1, 1), (2, 0), True),
    (SaturatingWeight(ONE), (1, Rational(3, 2)), (2, 0), True),
    (SaturatingWeight(ONE), (1, Rational(3, 4)), (2, 0), False),
]


@pytest.mark.parametrize(("weight", "indices", "powers", "exists"), TOGETHER)
def test_heavy_tails_that_take_eta_back_to_zero_together(weight, indices, powers, exists):
    """With eta = z - x about zero, or where the weight stays away from zero, z >= x: per factor of x parts shrink."""
    laws = [student(index) for index in indices]
    first, second = (lambdify(x, law.density(x), "mpmath") for law in laws)
    if isinstance(weight, SaturatingWeight):

        def others(t):
            return mpmath.quad(lambda y: t * second(t * y) * (t * y) ** powers[1], [1, 10, mpmath.inf])
    else:

        def others(t):
            return t ** powers[1] * second(t)

    before, after = (t ** (powers[0] + 1) * first(t) * others(t) for t in (mpf(10) ** 7, mpf(10) ** 8))
    if exists:
        assert opposed_conditions(laws, powers, weight, "xz") == ()
        assert after < before * mpf("0.7")
    else:
        with pytest.raises(UndecidedError, match="the tails of x and z are too heavy"):
            opposed_conditions(laws, powers, weight, "xz")
        assert after > before * mpf("0.99")


def test_heavy_tails_of_unknown_indices_are_a_condition_together():
    laws = [student(s), student(Rational(1, 2)), NormalLaw(0, 1)]
    assert opposed_conditions(laws, (2, 0, 0), LogisticWeight(ONE), "xyz") == (s - Rational(3, 2) > -1,)
    assert opposed_conditions(laws, (2, 0, 0), PowerWeight(ONE, Integer(-2)), "xyz") == ()


SHAPES = {
    LogisticWeight: lambda eta, _: mpmath.sech(eta / 2) ** 2,
    ProbitWeight: lambda eta, _: mpmath.npdf(eta) ** 2 / mpmath.ncdf(eta),
    CloglogWeight: lambda eta, _: mpmath.exp(2 * eta) / mpmath.expm1(mpmath.exp(eta)),
    SaturatingWeight: lambda eta, alpha: 1 / (mpmath.exp(-eta) + alpha),
    PowerWeight: lambda eta, power: eta ** (mpf(power.p) / power.q),
}


@pytest.mark.parametrize(
    ("weight", "law", "power", "slope"),
    [
        (LogisticWeight(ONE), CAUCHY, 1, Integer(0)),
        (SaturatingWeight(ONE), CAUCHY, 1, b),
        (SaturatingWeight(ONE), PARETO, 2, Integer(1)),
        (PowerWeight(ONE, Rational(-3, 2)), other(Pareto("X", 1, Rational(1, 4))), 2, b),
    ],
)
def test_weights_that_do_not(weight, law, power, slope):
    with pytest.raises(ExistenceError, match="is infinite"):
        weighted_conditions(law, power, weight, (slope,), "x")


def test_exponents_of_second_degree():
    exponent = b1 * x + b2 * x**2
    assert polynomial_exponent_conditions(UniformLaw(0, 1), exponent, x) == ()
    assert polynomial_exponent_conditions(GammaLaw(2, 1), exponent, x) == (b2 < 0,)
    assert polynomial_exponent_conditions(LaplaceLaw(0, 1), exponent, x) == (b2 < 0,)
    assert polynomial_exponent_conditions(GammaLaw(2, 1), b1 * x - x**2, x) == ()
    assert polynomial_exponent_conditions(GammaLaw(2, 1), b3 * x**3, x) == (b3 < 0,)
    with pytest.raises(ExistenceError, match="grows with x on an unbounded side"):
        polynomial_exponent_conditions(GammaLaw(2, 1), b1 * x + x**2, x)
    with pytest.raises(ExistenceError, match="grows with x on an unbounded side"):
        polynomial_exponent_conditions(LaplaceLaw(0, 1), b3 * x**3, x)


LIGHT = [
    (HALF_NORMAL, 2, Rational(1, 2)),
    (HALF_NORMAL, 3, Integer(0)),
    (other(st.Rayleigh("X", 2)), 2, Rational(1, 8)),
    (other(st.Maxwell("X", 1)), 2, Rational(1, 2)),
    (other(st.Weibull("X", 2, 3)), 2, oo),
    (other(st.Weibull("X", 2, 3)), 3, Rational(1, 8)),
    (other(st.Weibull("X", 1, Rational(3, 2))), 2, Integer(0)),
    (PoissonLaw(2), 2, Integer(0)),
]


@pytest.mark.parametrize(("law", "degree", "borne"), LIGHT)
def test_light_tails_bear_exponents_that_grow(law, degree, borne):
    (condition,) = polynomial_exponent_conditions(law, b1 * x + b2 * x**degree, x) or (true,)
    assert condition == (b2 < borne if borne != oo else true)
    # by the last terms far out: those of E[exp(c x^degree)] vanish below what is borne, and grow above it
    if borne == oo:
        checks = [(Integer(1), True)]
    else:
        checks = [(borne - Rational(1, 20), True), (borne + Rational(1, 20), False)]
    for c, falls in checks:
        before, after = (log(law.density(t)).evalf() + c * t**degree for t in (Integer(3000), Integer(6000)))
        assert (after < before) == falls


def test_an_odd_exponent_on_a_line_with_light_tails():
    variable = st.ContinuousRV(x, 2 * exp(-(x**4)) / gamma(Rational(1, 4)), set=S.Reals)
    assert polynomial_exponent_conditions(other(variable), b3 * x**3, x) == ()
    variable = st.ContinuousRV(x, 3 * exp(-(Abs(x) ** 3)) / (2 * gamma(Rational(1, 3))), set=S.Reals)
    assert polynomial_exponent_conditions(other(variable), b3 * x**3, x) == (-b3 < 1, b3 < 1)
    with pytest.raises(ExistenceError, match="grows with x on an unbounded side"):
        polynomial_exponent_conditions(other(variable), b3 * x**5, x)


def bound(*pairs):
    return [Tuple(*pair) for pair in pairs]


@pytest.mark.parametrize(
    ("eta", "bindings", "conditions"),
    [
        (b0, bound((x, NormalLaw(0, 1))), {b0 > 0}),
        (b0 + b1 * x, bound((x, UniformLaw(-1, 2))), {b0 - b1 > 0, b0 + 2 * b1 > 0}),
        (b0 + b1 * x, bound((x, UniformLaw(0, s))), {b0 > 0, b0 + b1 * s > 0}),
        (b0 + b1 * x, bound((x, GammaLaw(2, 1))), {b0 > 0, b1 >= 0}),
        (b0 + b1 * x, bound((x, PoissonLaw(2))), {b0 > 0, b1 >= 0}),
        (b0 + b1 * x, bound((x, PARETO)), {b0 + b1 > 0, b1 >= 0}),
        (b0 + b1 * x + b2 * x**2, bound((x, BernoulliLaw(s))), {b0 > 0, b0 + b1 + b2 > 0}),
        (
            b0 + b1 * x + b2 * x**2,
            bound((x, FiniteLaw((-1, s), (0, s), (3, s)))),
            {b0 - b1 + b2 > 0, b0 > 0, b0 + 3 * b1 + 9 * b2 > 0},
        ),
        (
            b0 + b1 * x1 + b2 * x2 + b3 * x1 * x2,
            bound((x1, UniformLaw(0, 1)), (x2, UniformLaw(0, 1))),
            {b0 > 0, b0 + b1 > 0, b0 + b2 > 0, b0 + b1 + b2 + b3 > 0},
        ),
        (
            b0 + b1 * x1 + b2 * x2 + b3 * x1 * x2,
            bound((x1, GammaLaw(2, 1)), (x2, UniformLaw(0, 1))),
            {b0 > 0, b0 + b2 > 0, b1 >= 0, b1 + b3 >= 0},
        ),
        (
            b0 + b1 * x1 + b2 * x2 + b3 * x1 * x2,
            bound((x1, GammaLaw(2, 1)), (x2, PoissonLaw(1))),
            {b0 > 0, b1 >= 0, b2 >= 0, b3 >= 0},
        ),
        (3 + x, bound((x, UniformLaw(-1, 1))), set()),
    ],
)
def test_positive_predictors(eta, bindings, conditions):
    assert set(positive_predictor_conditions(eta, bindings, "inverse")) == conditions


def test_positive_predictors_by_brute_force():
    """At random coefficients the conditions hold exactly where eta is positive on a fine grid of the support."""
    from random import Random

    eta = b0 + b1 * x1 + b2 * x2 + b3 * x1 * x2
    bindings = bound((x1, UniformLaw(-1, 2)), (x2, GammaLaw(2, 1)))
    conditions = positive_predictor_conditions(eta, bindings, "inverse")
    function = lambdify((b0, b1, b2, b3, x1, x2), eta)
    grid = [(-1 + i * 3 / 12, j) for i in range(13) for j in (0, 0.3, 1, 5, 50, 10**4)]
    random, outcomes = Random(7), set()
    for _ in range(60):
        at = [random.randint(-3, 6) for _ in range(4)]
        positive = all(function(*at, *point) > 0 for point in grid)
        held = [condition.subs(dict(zip((b0, b1, b2, b3), at, strict=True))) for condition in conditions]
        assert all(h == true for h in held) is positive
        assert positive or false in held
        outcomes.add(positive)
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    ("eta", "bindings", "error", "message"),
    [
        (b0 + b1 * x, bound((x, NormalLaw(0, 1))), ExistenceError, "takes every real value"),
        (b0 + b1 * x, bound((x, LaplaceLaw(0, 1))), ExistenceError, "takes every real value"),
        (b0 + b1 * x, bound((x, STUDENT)), ExistenceError, "takes every real value"),
        (
            b0 + x1 + x2,
            bound((Tuple(x1, x2), JointNormalLaw((0, 0), ImmutableMatrix([[1, 0], [0, 1]])))),
            ExistenceError,
            "x1 ~ MultivariateNormal.* takes every real value",
        ),
        (b0 + b1 * x + b2 * x**3, bound((x, NormalLaw(0, 1))), ExistenceError, "takes every real value"),
        (1 + b1 - b1 + x - x**2, bound((x, UniformLaw(0, 2))), ExistenceError, "is not positive on the support"),
        (1 - 2 * x + x**2, bound((x, UniformLaw(0, 2))), UndecidedError, "is zero somewhere on the support"),
        (1 - x, bound((x, GammaLaw(2, 1))), ExistenceError, "is not positive on the support"),
        (1 - 2 * x, bound((x, BernoulliLaw(s))), ExistenceError, "is not positive on the support"),
        (b1 * x, bound((x, BernoulliLaw(s))), ExistenceError, "is not positive on the support"),
        (b1 * x, bound((x, GammaLaw(3, 1))), UndecidedError, "is zero at an end of the support"),
    ],
)
def test_predictors_that_are_not_positive(eta, bindings, error, message):
    with pytest.raises(error, match=message):
        positive_predictor_conditions(eta, bindings, "inverse")
