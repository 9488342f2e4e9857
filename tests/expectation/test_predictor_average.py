"""E[P(X) w(eta(X))] over several predictors against sums and product quadrature over all of them."""

from itertools import product
from random import Random

import mpmath
import pytest
import sympy.stats as st
from mpmath import mp, mpf
from numpy.polynomial.hermite import hermgauss
from sympy import (
    Abs,
    ImmutableMatrix,
    Integer,
    Ne,
    Rational,
    Symbol,
    Tuple,
    cosh,
    exp,
    lambdify,
    log,
    sqrt,
    symbols,
)

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.evaluation.number import evaluate
from leadterms.expectation.held import Expectation, revealed, variables_of
from leadterms.expectation.predictor_average import PredictorAverage
from leadterms.expectation.predictor_moments import closed_moment
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
from leadterms.notation.conditions import shown
from leadterms.notation.functions import MPMATH_FUNCTIONS

b0, b1, b2, b3, b4 = betas = symbols("b0:5", real=True)
u0, u1 = effects = symbols("u0 u1", real=True)
x, y, z = symbols("x y z", real=True)
s = Symbol("s", positive=True)
ONE, HALF = Integer(1), Rational(1, 2)


def number(value):
    return mpf(value.p) / value.q if value.is_Rational else mpmath.mpmathify(value.evalf(mp.dps + 5))


def nodes(law):
    """Points and weights of one law: double-exponential, trapezoidal, or the points themselves."""
    if isinstance(law, JointNormalLaw):
        root = mpmath.cholesky(mpmath.matrix(law.covariance.applyfunc(number).tolist()))
        grid = [[(t[0], w) for t, w in nodes(NormalLaw(0, 1))] for _ in range(law.dimension)]
        for corner in product(*grid):
            t = mpmath.matrix([point for point, _ in corner])
            shift = root * t
            yield [number(m) + shift[i] for i, m in enumerate(law.mean)], mpmath.fprod(w for _, w in corner)
        return
    if law.atoms_with_probability is not None:
        yield from (([number(v)], number(p)) for v, p in law.atoms_with_probability)
        return
    if law.is_discrete:
        density = lambdify(x, law.density(x), "mpmath")
        yield from (([mpf(k)], density(mpf(k))) for k in range(90))
        return
    if isinstance(law, NormalLaw):
        mean, std = map(number, law.args)
        step = mpf("0.4")
        for k in range(-30, 30):
            t = (k + HALF_STEP) * step
            yield [mean + std * t], step * mpmath.npdf(t)
        return
    density = lambdify(x, law.density(x), "mpmath")
    lower, upper = law.support
    step = mpf("0.09")
    for k in range(-40, 41):
        t = k * step
        if upper.is_finite:
            a, b = number(lower), number(upper)
            bend = mpmath.pi / 2 * mpmath.sinh(t)
            point = (a + b) / 2 + (b - a) / 2 * mpmath.tanh(bend)
            jacobian = (b - a) / 2 * mpmath.pi / 2 * mpmath.cosh(t) / mpmath.cosh(bend) ** 2
        else:
            point = mpmath.exp(t - mpmath.exp(-t))
            jacobian = point * (1 + mpmath.exp(-t))
        yield [point], step * jacobian * density(point)


HALF_STEP = mpf("0.5")


def integral(expression, bindings, at):
    """Average an expression over its bindings, all together, by brute force."""
    variables = [v for binding in bindings for v in variables_of(binding)]
    function = lambdify(variables, expression.subs(at), modules=[MPMATH_FUNCTIONS, "mpmath"])
    grids = [list(nodes(binding[1].subs(at))) for binding in bindings]
    return mpmath.fsum(
        function(*(v for point, _ in corner for v in point)) * mpmath.fprod(w for _, w in corner)
        for corner in product(*grids)
    )


def value(expression, at):
    """The value of an expression with held expectations, each by brute force on its own."""
    held = {node: Symbol(f"held{k}") for k, node in enumerate(expression.atoms(Expectation))}
    outside = lambdify(list(held.values()), expression.xreplace(held).subs(at), modules=[MPMATH_FUNCTIONS, "mpmath"])
    return outside(*(integral(node.integrand, node.bindings, at) for node in held))


def bound(**laws):
    return tuple(Tuple(Symbol(name, real=True), law) for name, law in laws.items())


UNIFORM, NORMAL, TERNARY = (
    UniformLaw(-1, HALF),
    NormalLaw(Rational(1, 4), HALF),
    FiniteLaw((-1, s), (0, s), (1, 1 - 2 * s)),
)
JOINT = JointNormalLaw((0, HALF), ImmutableMatrix([[HALF, Rational(1, 5)], [Rational(1, 5), Rational(1, 3)]]))
LOG, LOGIT = ExponentialWeight(ONE), LogisticWeight(Integer(2))
LINE = b0 + b1 * x + b2 * y

# weight, factor, linear predictor, bindings, number of held expectations and of requests for closed forms
CASES = {
    "constant weight": (ConstantWeight(Integer(4)), x**2 * y, LINE, bound(x=UNIFORM, y=NORMAL), 0, 0),
    "constant weight, function": (ConstantWeight(ONE), y * exp(x), LINE, bound(x=UNIFORM, y=NORMAL), 1, 0),
    "constant weight, coupled": (ConstantWeight(ONE), y + exp(x * y), LINE, bound(x=UNIFORM, y=UniformLaw(0, 1)), 1, 0),
    "constant weight, points": (ConstantWeight(ONE), exp(x * y), LINE, bound(x=TERNARY, y=UniformLaw(0, 1)), 2, 0),
    "constant weight, joint": (
        ConstantWeight(ONE),
        x**2 * y + z * x,
        LINE,
        (Tuple(Tuple(x, y), JOINT), *bound(z=BernoulliLaw(s))),
        0,
        0,
    ),
    "log, product of laws": (LOG, x * y**2, LINE, bound(x=UNIFORM, y=GammaLaw(2, Rational(1, 3))), 2, 2),
    "log, normal": (LOG, x**2, LINE + b3 * x**2, bound(x=NormalLaw(0, Rational(1, 3)), y=NORMAL), 0, 0),
    "log, product of normals": (LOG, 1 + x * y, LINE + b3 * x * y, bound(x=NormalLaw(0, HALF), y=NORMAL), 0, 0),
    "log, joint normal": (LOG, x * y, LINE + b3 * z, (Tuple(Tuple(x, y), JOINT), *bound(z=BernoulliLaw(s))), 0, 0),
    "log, points and normal": (LOG, x * y, LINE + b3 * x * y, bound(x=TERNARY, y=NORMAL), 0, 0),
    "log, bounded and normal": (LOG, x * y, LINE + b3 * x * y, bound(x=UNIFORM, y=NORMAL), 1, 0),
    "log, two bounded": (LOG, y, LINE + b3 * x * y, bound(x=UNIFORM, y=UniformLaw(0, 1)), 1, 0),
    "log, square": (LOG, x, b0 + b1 * x - s * x**2, bound(x=UNIFORM), 1, 0),
    "log, function": (LOG, cosh(x), b0 + b1 * cosh(x) + b2 * y, bound(x=UNIFORM, y=NORMAL), 1, 0),
    "log, factor that couples": (LOG, exp(x * y), b0 + b1 * x + b2 * y, bound(x=UNIFORM, y=UniformLaw(0, 1)), 1, 0),
    "log, predictor outside eta": (LOG, x * y**2, b0 + b1 * x, bound(x=UNIFORM, y=NORMAL), 1, 1),
    "logit, one": (LOGIT, x**2, b0 + b1 * x + u0, bound(x=NORMAL), 1, 1),
    "logit, two": (LOGIT, x * y, LINE + b3 * x * y + u1 * x, bound(x=UNIFORM, y=NORMAL), 1, 0),
    "logit, points": (LOGIT, x * y, LINE + b3 * x**2, bound(x=TERNARY, y=UNIFORM), 2, 2),
    "logit, points only": (LOGIT, x * y, LINE + b3 * x * y, bound(x=TERNARY, y=BernoulliLaw(s)), 0, 0),
    "logit, joint": (LOGIT, y, LINE, (Tuple(Tuple(x, y), JOINT),), 1, 0),
    "logit, outside eta": (LOGIT, x * y**2, b0 + b1 * x, bound(x=UNIFORM, y=NORMAL), 1, 1),
    "logit, nothing in eta": (LOGIT, x * y**2, b0, bound(x=UNIFORM, y=NORMAL), 0, 0),
    "logit, logarithm": (LOGIT, log(x) * y, b0 + b1 * log(x) + b2 * y, bound(x=UniformLaw(1, 2), y=UNIFORM), 1, 0),
    "logit, coupled logarithm": (LOGIT, log(x * y + 2), LINE, bound(x=UNIFORM, y=UniformLaw(0, 1)), 1, 0),
    "probit": (ProbitWeight(ONE), x, b0 + b1 * x, bound(x=UNIFORM), 1, 1),
    "cloglog": (CloglogWeight(ONE), x * y, LINE, bound(x=UNIFORM, y=BernoulliLaw(s)), 1, 1),
    "negative binomial": (SaturatingWeight(ONE, s), x, b0 + b1 * x, bound(x=NORMAL), 1, 1),
    "inverse": (PowerWeight(ONE, Integer(-2)), x * y, 9 + LINE, bound(x=UNIFORM, y=UniformLaw(0, 1)), 1, 0),
    "gaussian log": (ExponentialWeight(ONE, Integer(2)), x, LINE, bound(x=NORMAL, y=BernoulliLaw(s)), 0, 0),
    "inverse gaussian log": (ExponentialWeight(ONE, Integer(-1)), x, LINE, bound(x=GammaLaw(2, HALF), y=NORMAL), 1, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_average_against_brute_force(name):
    weight, factor, eta, bindings, held, requests = CASES[name]
    average = PredictorAverage(weight, eta, bindings, effects)
    result = average.of(factor)
    result = revealed(result)
    assert len(result.atoms(Expectation)) == held
    assert len(average.requests) == requests
    assert not result.free_symbols & {v for binding in bindings for v in variables_of(binding)}
    random = Random(name)
    with mp.workdps(25):
        for _ in range(2 if len(bindings) == 1 else 1):
            at = {symbol: Rational(random.randint(-9, 9), 10) for symbol in (*betas, *effects)} | {s: Rational(1, 5)}
            assert all(condition.subs(at) == True for condition in average.conditions)  # noqa: E712
            expected = integral(factor * weight.at(eta), bindings, at)
            assert abs(value(result, at) - expected) < mpf(10) ** -20 * (1 + abs(expected))


def test_requests_are_answered_by_closed_forms():
    average = PredictorAverage(LOG, LINE, bound(x=UNIFORM, y=GammaLaw(2, Rational(1, 3))))
    result = average.of(x * y)
    at = dict(zip(betas, (HALF, ONE, -ONE, ONE, ONE), strict=True))
    with mp.workdps(30):
        for held, request in average.requests.items():
            closed = closed_moment(request).value
            assert abs(value(closed, at) / value(held, at) - 1) < mpf(10) ** -20
    assert set(average.requests) == result.atoms(Expectation)


def test_conditions_are_collected():
    average = PredictorAverage(LOG, LINE + b3 * x**2, bound(x=NormalLaw(0, 1), y=GammaLaw(2, 3)))
    average.of(ONE)
    assert set(average.conditions) == {1 - 2 * b3 > 0, b2 < Rational(1, 3)}


def other(variable):
    return StatsLaw(variable.pspace.distribution)


STUDENT, CAUCHY, RAYLEIGH = other(st.StudentT("X", 2)), other(st.Cauchy("X", 0, 1)), other(st.Rayleigh("X", 1))
REFUSED = {
    "moment of a Cauchy": (ConstantWeight(ONE), x, b0, bound(x=CAUCHY), ExistenceError, "E.x.1. is infinite"),
    "square of a Student": (ConstantWeight(ONE), x**2, b0, bound(x=STUDENT), ExistenceError, "E.x.2. is infinite"),
    "generating function of a Student": (LOG, ONE, b0 + b1 * x, bound(x=STUDENT), ExistenceError, "is infinite"),
    "random slope on a gamma": (
        LOG,
        ONE,
        b0 + (b1 + u1) * x,
        bound(x=GammaLaw(2, 1)),
        ExistenceError,
        "a random slope on x needs a bounded or normal x",
    ),
    "random slope on a Laplace": (
        LOG,
        ONE,
        b0 + u1 * x,
        bound(x=LaplaceLaw(0, 1)),
        ExistenceError,
        "random slope on x",
    ),
    "random slope on a Poisson": (LOG, ONE, b0 + u1 * x, bound(x=PoissonLaw(2)), ExistenceError, "random slope on x"),
    "random slope on a Rayleigh": (LOG, ONE, b0 + u1 * x, bound(x=RAYLEIGH), UndecidedError, "could not be decided"),
    "random slope on a square": (
        LOG,
        ONE,
        b0 + u1 * x**2,
        bound(x=NORMAL),
        ExistenceError,
        "fails with positive probability because the random effects are normal",
    ),
    "cube of a normal": (
        LOG,
        ONE,
        b0 + b1 * x**3,
        bound(x=NORMAL),
        ExistenceError,
        "grows with x on an unbounded side",
    ),
    "products of unbounded predictors": (
        LOG,
        ONE,
        b0 + b1 * x * y,
        bound(**dict.fromkeys("xy", StatsLaw(st.Rayleigh("X", 1).pspace.distribution))),
        UndecidedError,
        "outweigh the exponential of their product is not known",
    ),
    "two functions of a normal": (
        LOG,
        exp(x),
        b0 + b1 * exp(x) + b2 * x,
        bound(x=NORMAL),
        UndecidedError,
        "use a bounded law",
    ),
    "square of a heavy tail": (
        PowerWeight(ONE, Integer(-2)),
        x**8,
        b0 + b1 * x**2,
        bound(x=STUDENT),
        UndecidedError,
        "not affine in x",
    ),
    "powers of counts with heavy tails": (
        LOGIT,
        x**4,
        b0 + b1 * x**2 + b2 * y**2,
        bound(
            x=StatsLaw(st.Zeta("X", Rational(11, 5)).pspace.distribution),
            y=StatsLaw(st.Zeta("Y", 3).pspace.distribution),
        ),
        UndecidedError,
        "powers of x and y, which are discrete",
    ),
    "heavy tails in a product": (
        LOGIT,
        x**4,
        b0 + b1 * x**2 + b2 * x * y,
        bound(x=STUDENT, y=STUDENT),
        UndecidedError,
        "y, whose tail is heavy, multiplies powers of x",
    ),
    "logarithm of a normal, raw": (ConstantWeight(ONE), log(x), b0, bound(x=NORMAL), UndecidedError, "enters as no"),
    "logarithm through zero": (LOGIT, ONE, b0 + b1 * log(x), bound(x=UNIFORM), UndecidedError, "x stays positive"),
    "coupled logarithm through zero": (
        LOG,
        ONE,
        b0 + b1 * y * log(x),
        bound(x=UNIFORM, y=UNIFORM),
        UndecidedError,
        "x stays positive",
    ),
    "reciprocal that is infinite": (
        ConstantWeight(ONE),
        1 / x,
        b0,
        bound(x=UniformLaw(0, 1)),
        ExistenceError,
        r"E\[\(1/x\)\^1\] is infinite",
    ),
    "moment at the edge of what exists": (
        ConstantWeight(ONE),
        exp(x),
        b0,
        bound(x=GammaLaw(2, 1)),
        UndecidedError,
        "at the edge of those that do",
    ),
    "random slope on a logarithm": (
        LOG,
        ONE,
        b0 + (b1 + u1) * log(x),
        bound(x=GammaLaw(2, 1)),
        ExistenceError,
        "a random slope on",
    ),
    "pole": (ConstantWeight(ONE), 1 / x, b0, bound(x=UNIFORM), UndecidedError, "x keeps its sign"),
    "kink": (LOG, ONE, b0 + b1 * Abs(x), bound(x=UNIFORM), UndecidedError, "x keeps its sign"),
    "pole at a point": (
        LOGIT,
        1 / x,
        b0 + b1 / x,
        bound(x=BernoulliLaw(HALF)),
        ExistenceError,
        "1/x is not a finite real number at x = 0",
    ),
    "logarithm of a negative point": (
        LOGIT,
        ONE,
        b0 + b1 * log(x),
        bound(x=FiniteLaw((-1, HALF), (1, HALF))),
        ExistenceError,
        r"log\(x\) is not a finite real number at x = -1",
    ),
    "heavy tail with an interaction": (
        LOGIT,
        x**2,
        LINE + b3 * x * y,
        bound(x=STUDENT, y=UNIFORM),
        UndecidedError,
        "holds on the whole support could not be decided",
    ),
    "heavy tail with a random slope": (
        LOGIT,
        x**2,
        b0 + (b1 + u1) * x,
        bound(x=CAUCHY),
        UndecidedError,
        "whether its average over them exists could not be decided",
    ),
    "quadratic form that depends on a predictor": (
        LOG,
        ONE,
        b0 + b1 * y * x**2,
        bound(x=NORMAL, y=GammaLaw(2, 1)),
        UndecidedError,
        "holds on the whole support could not be decided",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    weight, factor, eta, bindings, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        PredictorAverage(weight, eta, bindings, effects).of(factor)


def test_heavy_tails_are_admitted_where_the_weight_tames_them():
    average = PredictorAverage(LOGIT, b0 + b1 * x, bound(x=CAUCHY), effects)
    average.of(x**2)
    assert set(average.conditions) == {Ne(b1, 0)}


@pytest.mark.parametrize(
    ("weight", "factor", "eta", "law", "known"),
    [
        (LogisticWeight(ONE), exp(2 * x), b0 + b1 * x + b2 * exp(x) + u0, NormalLaw(0, 1), True),
        (ProbitWeight(ONE), x * exp(-x), b0 + b1 * exp(-x) + u0, GammaLaw(2, 1), True),
        (CloglogWeight(ONE), x**2, b0 + b1 * exp(x) + u0, GammaLaw(2, HALF), True),
        (LogisticWeight(ONE), exp(x), b0 + (b1 + u0) * exp(x), NormalLaw(0, 1), True),
        # infinite without the weight, of which nothing is asked
        (LogisticWeight(ONE), exp(x), b0 + b1 * exp(x) + b2 * x, GammaLaw(2, 1), False),
        (LogisticWeight(ONE), exp(x), b0 + b1 * exp(x) + b2 * x, GammaLaw(2, s), False),
        (LogisticWeight(ONE), log(1 + x**2), b0 + b1 * x, NormalLaw(0, 1), False),
    ],
)
def test_powers_times_exponentials_under_bounded_weights(weight, factor, eta, law, known):
    average = PredictorAverage(weight, eta, bound(x=law), effects)
    if known:
        assert average.of(factor) == Expectation(factor * weight.at(eta), *bound(x=law))
        assert not average.conditions
    else:
        with pytest.raises(UndecidedError, match="could not be decided"):
            average.of(factor)


@pytest.mark.parametrize(
    ("weight", "factor", "eta", "law", "conditions"),
    [
        (LOGIT, log(x) ** 2, b0 + (b1 + u0) * log(x), GammaLaw(s, 1), []),
        (LOGIT, sqrt(x), b0 + b1 * sqrt(x), UniformLaw(0, 1), []),
        (LOGIT, x**-2, b0 + b1 / x, ExponentialLaw(1), ["b1 != 0"]),
        (LOGIT, x**-2, b0 + b1 / x, GammaLaw(s, 1), ["(b1 != 0) or (s > 2)"]),
        (LOGIT, exp(x), b0 + b1 * exp(x), GammaLaw(2, 1), ["b1 != 0"]),
        (LOG, log(x), b0 + b1 * log(x), GammaLaw(s, 1), ["-b1 < s"]),
        (LOG, log(x), b0 + b1 * log(x), other(st.Pareto("X", 1, s)), ["b1 < s"]),
        (LOG, exp(x), b0 + b1 * exp(x), NormalLaw(0, 1), ["b1 <= 0"]),
        (LOG, ONE, b0 + (b1 + u0) * exp(-x), GammaLaw(2, 1), []),
        (ConstantWeight(ONE), log(x) ** 2, b0, BetaLaw(s, 2), []),
        (ConstantWeight(ONE), 1 / x, b0, GammaLaw(s, 1), ["s > 1"]),
    ],
)
def test_one_function_of_a_predictor_is_decided_by_its_image(weight, factor, eta, law, conditions):
    average = PredictorAverage(weight, eta, bound(x=law), effects)
    front = exp(b0) if weight == LOG else ONE
    weighted = factor if isinstance(weight, ConstantWeight) else factor * weight.at(eta - b0 if weight == LOG else eta)
    assert average.of(factor) == front * Expectation(weighted, *bound(x=law))
    assert [shown(condition) for condition in average.conditions] == conditions


def test_functions_that_keep_their_sign_are_smooth():
    average = PredictorAverage(LOG, b0 + b1 * Abs(x) + b2 / (x - 3), bound(x=UniformLaw(-2, -1)))
    result = average.of(sqrt(-x))
    at = dict(zip(betas, (HALF, ONE, -ONE, ONE, ONE), strict=True))
    with mp.workdps(30):
        expected = integral(sqrt(-x) * exp(b0 - b1 * x + b2 / (x - 3)), bound(x=UniformLaw(-2, -1)), at)
        assert abs(value(result, at) / expected - 1) < mpf(10) ** -20


def test_moments_that_only_a_density_knows_stay_held():
    law = other(st.Logistic("X", 0, 1))
    average = PredictorAverage(ConstantWeight(ONE), b0 + b1 * x, bound(x=law))
    assert average.of(3 * x**2) == 3 * Expectation(x**2, (x, law))


FACTORS = symbols("f1:5", real=True)
COINS = tuple(Tuple(f, BernoulliLaw(Rational(1, k + 2))) for k, f in enumerate(FACTORS))


def bound_in(value):
    """The predictors of each held expectation."""
    return {frozenset(node.bound_symbols) for node in value.atoms(Expectation)}


@pytest.mark.parametrize("weight", [LogisticWeight(ONE), ProbitWeight(ONE), CloglogWeight(ONE)], ids=str)
def test_many_combinations_of_values_are_held_in_one_expectation(weight):
    normal = Tuple(x, NormalLaw(0, 1))
    f, g, h, _ = FACTORS
    few = PredictorAverage(weight, b0 + b1 * f + b2 * g + b3 * x, (*COINS[:2], normal)).of(x)
    assert bound_in(few) == {frozenset({x})}
    many = PredictorAverage(weight, b0 + b1 * f + b2 * g + b4 * h + (b3 + u0) * x, (*COINS[:3], normal), [u0]).of(f * x)
    assert bound_in(many) == {frozenset({f, g, h, x})}


def test_sums_that_may_have_closed_forms_and_products_of_values_stay_sums():
    f, g, h, k = FACTORS
    uniform = Tuple(x, UniformLaw(-1, 1))
    line = b0 + b1 * (f + g + h) + b2 * x
    closed = PredictorAverage(LogisticWeight(ONE), line, (*COINS[:3], uniform)).of(f)
    assert bound_in(closed) == {frozenset({x})}
    # the probit weight has no antiderivative in elementary functions
    assert bound_in(PredictorAverage(ProbitWeight(ONE), line, (*COINS[:3], uniform)).of(f)) == {frozenset({f, g, h, x})}
    crossed = PredictorAverage(
        LogisticWeight(ONE), b0 + b1 * f * g + b2 * (h + k) + b3 * x, (*COINS, Tuple(x, NormalLaw(0, 1)))
    ).of(h)
    assert bound_in(crossed) == {frozenset({h, k, x})}
    # without others there is nothing to hold
    assert bound_in(PredictorAverage(LogisticWeight(ONE), line.xreplace({x: k}), COINS).of(f)) == {frozenset()}


def test_laws_with_parameters_and_two_values_with_a_random_slope_are_summed_over():
    f, g, h, _ = FACTORS
    p = Symbol("p", positive=True)
    line, normal = b0 + b1 * (f + g + h) + b2 * x, Tuple(x, NormalLaw(0, 1))
    unknown = Tuple(f, BernoulliLaw(p))
    with_parameter = PredictorAverage(LogisticWeight(ONE), line, (unknown, *COINS[1:3], normal)).of(g)
    assert bound_in(with_parameter) == {frozenset({g, h, x})}
    steep = PredictorAverage(LogisticWeight(ONE), line + u0 * f, (*COINS[:3], normal), [u0]).of(g)
    assert bound_in(steep) == {frozenset({g, h, x})}
    three = Tuple(f, FiniteLaw((0, HALF), (1, Rational(1, 4)), (2, Rational(1, 4))))
    several = PredictorAverage(LogisticWeight(ONE), line + u0 * f, (three, *COINS[1:3], normal), [u0]).of(g)
    assert bound_in(several) == {frozenset({f, g, h, x})}


@pytest.mark.parametrize("crossed", [False, True])
def test_held_combinations_are_the_sum_over_them(crossed):
    draw = Random(7)
    f, g, h, k = FACTORS
    slopes = [Rational(draw.randint(-9, 9), 8) for _ in range(6)]
    eta = sum((c * v for c, v in zip(slopes, (ONE, f, g, h, k, x), strict=True)), Integer(0)) + (
        f * g if crossed else 0
    )
    value = PredictorAverage(LogisticWeight(ONE), eta, (*COINS, Tuple(x, NormalLaw(0, 1)))).of(f * x)
    nodes = [(mpf(p) * sqrt(2).n(), mpf(m)) for p, m in zip(*hermgauss(60), strict=True)]
    function = lambdify((*FACTORS, x), f * x * LogisticWeight(ONE).at(eta), "mpmath")
    total = mpf(0)
    for values in product((0, 1), repeat=4):
        chance = mpmath.fprod(mpf(1) / (i + 2) if v else 1 - mpf(1) / (i + 2) for i, v in enumerate(values))
        total += chance * mpmath.fsum(m * function(*values, p) for p, m in nodes) / mpmath.sqrt(mpmath.pi)
    numbers = {node: evaluate(node, {}, 12) for node in value.atoms(Expectation)}
    assert float(value.xreplace(numbers)) == pytest.approx(float(total), abs=1e-9)
