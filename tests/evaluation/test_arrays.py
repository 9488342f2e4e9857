"""Functions of arrays against values to many digits, at random, singular and extreme points."""

import math
import pickle
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from scipy.special import log_ndtr
from sympy import Rational, Symbol, cosh, erfc, exp, lambdify, log, sqrt, symbols
from sympy import gamma as sympy_gamma

import leadterms as lt
from leadterms.errors import EvaluationError, NoRuleError
from leadterms.evaluation.arrays import array_function, held, ufuncs
from leadterms.evaluation.arrays.plans import Judge, Tolerance
from leadterms.evaluation.arrays.program import Program
from leadterms.evaluation.arrays.rounding import with_rounding
from leadterms.evaluation.arrays.sizing import legendre_count, strip_of, trapezoid_shape
from leadterms.evaluation.number import evaluate
from leadterms.expectation.held import Expectation
from leadterms.model.laws import GammaLaw, NormalLaw, UniformLaw

INTERCEPT = {"beta0": (-2, 2), "beta1": (-1.5, 1.5), "sigma2": (0.09, 2.25)}
SMALL = {"beta0": (-1, 1), "beta1": (-1, 1), "sigma2": (0.09, 0.9)}
CASES = {
    "logistic, uniform": ("y ~ x + (1 | g)", "bernoulli", None, "Uniform(-1, 1)", INTERCEPT),
    "logistic, normal": ("y ~ x + (1 | g)", "bernoulli", None, "Normal(0, 1)", INTERCEPT),
    "logistic, two points": ("y ~ x + (1 | g)", "bernoulli", None, "Bernoulli(1/3)", INTERCEPT),
    "logistic, triangular": ("y ~ x + (1 | g)", "bernoulli", None, "Triangular(-1, 2, 0)", SMALL),
    "Poisson": ("y ~ x + (1 | g)", "poisson", None, "Uniform(-1, 1)", INTERCEPT | {"sigma2": (0.09, 7)}),
    "negative binomial": ("y ~ x + (1 | g)", "negative-binomial(2)", None, "Uniform(-1, 1)", SMALL),
    "probit": ("y ~ x + (1 | g)", "bernoulli", "probit", "Uniform(-1, 1)", SMALL),
    "cloglog": ("y ~ x + (1 | g)", "bernoulli", "cloglog", "Uniform(-1, 1)", SMALL),
    "logistic regression": ("y ~ x", "bernoulli", None, "Normal(0, 1)", {k: SMALL[k] for k in ("beta0", "beta1")}),
}


def entry(case):
    formula, family, link, law, _ = CASES[case]
    return lt.leading_terms(lt.Model(formula, family=family, link=link, laws={"x": law}))["x"]


def function_of(result, **options):
    return result.array_function(**options)


def reference(result, function, values):
    point = {s: Rational(repr(float(v))) for s, v in zip(function.parameters, values, strict=True)}
    alternatives = () if result.term.unclosed is None else (result.term.unclosed,)
    return Rational(str(evaluate(result.term.coefficient, point, 20, alternatives=alternatives)))


def relative_error(value, exact):
    return abs(float(Rational(float(value)) / exact - 1))


@pytest.mark.slow
@pytest.mark.parametrize("accuracy", [1e-9, 1e-12])
@pytest.mark.parametrize("case", CASES)
def test_accuracy_over_a_box(case, accuracy):
    """Values at random points of a large sweep, where rules are shared, against balls."""
    result = entry(case)
    function = function_of(result, accuracy=accuracy)
    box = CASES[case][-1]
    random = np.random.default_rng(20)
    arrays = {name: np.round(random.uniform(*ends, 6000), 6) for name, ends in box.items()}
    values = function(**arrays)
    assert np.isfinite(values).all()
    for i in (0, 1, 2) if case not in ("cloglog", "probit") else (0,):
        exact = reference(result, function, [arrays[s.name][i] for s in function.parameters])
        assert relative_error(values[i], exact) < accuracy


@pytest.mark.parametrize("case", CASES)
def test_every_point_of_a_sweep(case):
    """A group of points is no worse than each of them alone with the finest rules: nothing hides between samples."""
    result = entry(case)
    random = np.random.default_rng(21)
    arrays = {name: random.uniform(*ends, 4000) for name, ends in CASES[case][-1].items()}
    coarse, fine = (function_of(result, accuracy=accuracy)(**arrays) for accuracy in (1e-10, 1e-13))
    assert np.max(np.abs(coarse / fine - 1)) < 1e-10


@pytest.mark.parametrize("case", ["logistic, uniform", "logistic, normal", "probit"])
def test_trapezoid_and_gauss_by_hand(case):
    """The same integral by a plain double loop that shares no code: 400 x 400 nodes in physical coordinates."""
    value = function_of(entry(case))(beta0=-0.3, beta1=0.7, sigma2=0.8)
    z, step = np.linspace(-12, 12, 401, retstep=True)
    normal = step * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    x, weights = (z, normal) if "normal" in case else np.polynomial.legendre.leggauss(60)
    weights = weights / weights.sum()
    eta = -0.3 + 0.7 * x[None, :] + math.sqrt(0.8) * z[:, None]
    if case == "probit":
        lower, upper = (np.vectorize(math.erfc)(s * eta / math.sqrt(2)) / 2 for s in (1, -1))
        w = np.exp(-eta * eta) / (2 * math.pi * lower * upper)
    else:
        w = 1 / (4 * np.cosh(eta / 2) ** 2)
    m0, m1, m2 = (w @ (weights * x**k) for k in range(3))
    assert abs(value * (normal @ (m2 - m1**2 / m0)) - 1) < 1e-12


def test_random_slopes():
    model = lt.Model(
        "y ~ x1 + x2 + (1 + x1 | g)", family="bernoulli", laws={"x1": "Uniform(-1, 1)", "x2": "Uniform(-1, 1)"}
    )
    function = function_of(lt.leading_terms(model)["x2"])
    point = {"beta0": -0.3, "beta1": 0.7, "beta2": 0.4, "Sigma11": 0.5, "Sigma22": 0.25}
    # ball arithmetic on a rotated lattice with trilogarithms, two strip widths agreeing to 7e-57
    exact = 1 / 0.0690226219829701189324561401788175859682007757
    values = function(**point, Sigma12=[0.1, 0.36])
    assert abs(values[0] / exact - 1) < 1e-12
    # 0.36^2 > 0.5 * 0.25: no covariance matrix
    assert np.isnan(values[1])


@pytest.mark.parametrize("slope", [0, 1e-300, 1e-30, 1e-8, 1e-5, 1e-3, 0.01, 0.02, 0.05, 0.1, 1, 20, 300, 600])
def test_removable_singularity_and_range(slope):
    """The closed form is 0/0 at zero, loses all digits before, and overflows far away."""
    result = entry("Poisson")
    function = function_of(result)
    value = function(beta0=-1.46, beta1=slope, sigma2=6.66)
    assert relative_error(value, reference(result, function, (-1.46, slope, 6.66))) < 1e-12


def test_a_probability_is_a_parameter_and_conditions_leave_no_value():
    result = lt.leading_terms(lt.Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Bernoulli(p)"}))["x"]
    function = result.array_function()
    values = function(beta0=0.2, beta1=1, sigma2=1, p=[0.3, 0.5, 1.2])
    for p, value in zip((0.3, 0.5), values[:2], strict=True):
        exact = Rational(str(result.evaluate({"beta0": "0.2", "beta1": 1, "sigma2": 1, "p": p}, 20)))
        assert relative_error(value, exact) < 1e-12
    assert np.isnan(values[2])


@pytest.mark.parametrize("case", ["logistic, uniform", "logistic, normal"])
def test_a_point_beyond_every_rule_does_not_spoil_the_others(case):
    function = function_of(entry(case))
    values = function(beta0=0, beta1=[0.7, 1e100, 1e300], sigma2=1)
    assert np.isnan(values).tolist() == [False, True, True]
    assert values[0] == function(beta0=0, beta1=0.7, sigma2=1)


def test_an_unknown_name_in_the_box_is_refused():
    with pytest.raises(EvaluationError, match="q in the box is no parameter: there are beta0, beta1, sigma2"):
        entry("Poisson").array_function(box={"q": (0, 1)})


def test_a_closed_form_alone_gives_no_wrong_digits():
    """Without the held form there is nothing to put in the place of lost digits."""
    coefficient = entry("Poisson").coefficient
    function = array_function(coefficient, sorted(coefficient.free_symbols, key=str))
    values = function(beta0=0, beta1=[1.0, 1e-7, 0.0], sigma2=1)
    assert np.isnan(values).tolist() == [False, True, True]


@pytest.mark.parametrize("law", ["Uniform(0, 1)", "Uniform(1, 2)", "Uniform(-1, 2)"])
@pytest.mark.parametrize("accuracy", [1e-12, 1e-6])
def test_a_logarithm_that_is_nothing_but_rounding(law, accuracy):
    """log(b0/(b0 + b1)) is zero in doubles for slopes below 1e-16: no value there, and right ones elsewhere."""
    found = lt.leading_terms(lt.Model("y ~ x", family="gamma", laws={"x": law}))["x"]
    function = found.array_function(accuracy=accuracy)
    slopes = [*(s * 10.0**-k for k in (1, 2, 3, 5, 8, 12, 15, 16, 17, 20, 30, 60, 100) for s in (1, -1, 0.37)), 0.3]
    values = function(beta0=3.0, beta1=np.array(slopes), phi=0.3)
    assert np.isfinite(values[0])
    for slope, value in zip(slopes, values, strict=True):
        if np.isfinite(value):
            exact = float(found.evaluate({"beta0": 3, "beta1": slope, "phi": "3/10"}, 15))
            assert value == pytest.approx(exact, rel=accuracy), slope


def test_products_of_what_is_nothing_but_rounding():
    a, b = symbols("a b", positive=True)
    pairs = [("1", "1e-30"), ("3", "1e-18")]
    points = {symbol: np.array([float(pair[i]) for pair in pairs]) for i, symbol in enumerate((a, b))}
    for expression in (log((a + b) / a) ** 2, log((a + b) / a) * log(a / (a + b)), log((a + b) / a) ** 4):
        value, error = with_rounding(Program([expression]), points)
        exact = [float(expression.subs({a: Rational(one), b: Rational(other)}).evalf(20)) for one, other in pairs]
        assert (np.abs(value - exact) <= error).all()
        assert (error > 0).all()


@pytest.mark.parametrize(
    "point", [(0, 0, 1), (0, 1e-30, 1), (-200, 0.7, 1.3), (300, 0.7, 1.3), (-500, 0.7, 1.3), (0.3, 0.7, 1e-12),
              (0.3, 0.7, 400), (0.3, 20, 1.3)]
)  # fmt: skip
def test_extreme_points(point):
    """Predictors of several hundred, where weights or their products leave the range of double precision."""
    result = entry("logistic, uniform")
    function = function_of(result)
    value = function(*point)
    if abs(point[0]) > 340 and np.finfo(np.longdouble).maxexp == np.finfo(np.float64).maxexp:
        assert math.isnan(value)
    else:
        assert relative_error(value, reference(result, function, point)) < 1e-12


def test_values_beyond_the_range_are_not_zero_or_infinite():
    poisson = function_of(entry("Poisson"))
    assert np.isnan(poisson(beta0=[800, -800], beta1=0.5, sigma2=1)).all()
    assert math.isnan(function_of(entry("logistic, uniform"))(-1500, 1, 1))


@pytest.mark.parametrize("wrong", ["a", 1j, [1.0, "b"]])
def test_what_is_no_number_is_named(wrong):
    b, c = symbols("b c", real=True)
    function = array_function(cosh(b) + c, [b, c])
    with pytest.raises(TypeError, match=r"^c takes real numbers, not "):
        function(b=0.5, c=wrong)
    with pytest.raises(ValueError, match=r"their shapes are b \(2,\), c \(3,\)$"):
        function(b=[0, 1], c=[0, 1, 2])


def test_broadcasting_and_scalars():
    function = function_of(entry("Poisson"))
    assert [s.name for s in function.parameters] == ["beta0", "beta1", "sigma2"]
    assert type(function(0.1, 0.2, 0.3)) is float
    grid = function(np.linspace(-1, 1, 3)[:, None], np.linspace(0.1, 1, 4), sigma2=0.5)
    assert grid.shape == (3, 4)
    assert grid[1, 2] == function(beta0=0, beta1=np.linspace(0.1, 1, 4)[2], sigma2=0.5)
    assert function(np.zeros((0, 2)), 1, 1).shape == (0, 2)
    assert function([1, 2], 1, 1).dtype == np.float64


@pytest.mark.parametrize(
    ("arrays", "named"), [((1, 2), {}), ((1, 2, 3, 4), {}), ((1, 2, 3), {"beta0": 1}), ((1, 2), {"rho": 3})]
)
def test_arguments_that_do_not_match(arrays, named):
    with pytest.raises(TypeError, match="one array for each of beta0, beta1, sigma2"):
        function_of(entry("Poisson"))(*arrays, **named)


def test_points_outside_have_no_value():
    function = function_of(entry("Poisson"), box={"beta1": (-1, 1)})
    values = function(0, [0.5, 1.5, np.nan, np.inf, 0.5], [1, 1, 1, 1, -1])
    assert np.isnan(values).tolist() == [False, True, True, True, True]
    b = Symbol("b", real=True)
    assert np.isnan(array_function(cosh(b), [b], conditions=(b > -0.5,))([0.7, -0.7])).tolist() == [False, True]


def test_a_bad_point_does_not_spoil_its_neighbours():
    function = function_of(entry("logistic, uniform"))
    alone = function(0.1, 0.5, 1.0)
    values = function([0.1, np.nan, 0.1, 0.1, 1e5], [0.5, 0.5, 0.5, 1e8, 0.5], [1, 1, -1, 1, 1])
    assert abs(values[0] / alone - 1) < 1e-12
    assert np.isnan(values[1:]).all()


def test_rules_that_are_too_coarse_are_found_out(monkeypatch):
    """Plant rules of a fraction of their nodes: the comparison with finer ones refuses the values."""
    from leadterms.evaluation.arrays import axes

    def planted(step, half):
        line, weights = original(step, half)
        return type(line)(line.nodes[::9], None), 9 * weights[::9]

    original = axes.trapezoid
    monkeypatch.setattr(axes, "trapezoid", planted)
    axes.Axis.rule.cache_clear()
    try:
        assert np.isnan(function_of(entry("logistic, uniform"))(0.1, 0.5, [1.0, 2.0])).all()
    finally:
        axes.Axis.rule.cache_clear()


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"accuracy": "fine"}, "an accuracy from"), ({"box": {"beta1": (1, 0)}}, "lower end first")],
)
def test_what_is_asked_of_a_function_of_arrays_is_checked(asked, message):
    found = lt.leading_terms(lt.Model("y ~ x", family="bernoulli", laws={"x": "Uniform(0, 1)"}))["x"]
    with pytest.raises(EvaluationError, match=message):
        found.array_function(**asked)


def test_a_covariance_through_zero():
    """Relative digits of a value near zero are lost; an absolute error is what can be asked for."""
    b = Symbol("b", real=True)
    x, s = symbols("x s", real=True)
    odd = Expectation(x * exp(b * x), (x, UniformLaw(-1, 1)))
    values = array_function(odd, [b], absolute=1e-14)(b=[0.0, 1e-6])
    assert np.abs(values - [0, 1e-6 / 3]).max() < 1e-14
    assert array_function(Expectation(s, (s, NormalLaw(b, 1))), [b])(b=2.5) == pytest.approx(2.5, rel=1e-12)


def test_a_zero_that_is_exact():
    """Sigma12 = 0 is a value; exp(-800) = 0 is underflow."""
    a, b = symbols("a b", real=True)
    assert array_function(3 * a * b, [a, b])(0, [0, 2.5]).tolist() == [0, 0]
    assert math.isnan(array_function(exp(-a), [a])(800))


def test_parameters_inside_laws():
    x, a, b = symbols("x a b", real=True)
    mean = array_function(Expectation(exp(x), (x, UniformLaw(a, b))), [a, b])
    a_, b_ = np.array([-1.0, 0.5, 3.0]), np.array([0.5, 0.75, 8.0])
    assert np.max(np.abs(mean(a_, b_) / ((np.exp(b_) - np.exp(a_)) / (b_ - a_)) - 1)) < 1e-12


def test_refusals():
    x, b = symbols("x b", real=True)
    with pytest.raises(NoRuleError, match="no rule with fixed nodes for Gamma"):
        array_function(Expectation(exp(-b * x), (x, GammaLaw(2, 1))), [b])
    with pytest.raises(NoRuleError, match="no elementwise rule for gamma"):
        array_function(sympy_gamma(b), [b])
    with pytest.raises(EvaluationError, match="must be among the parameters"):
        array_function(b + x, [b])
    with pytest.raises(EvaluationError, match="an accuracy from"):
        array_function(b, [b], accuracy=1e-16)
    with pytest.raises(NoRuleError, match="is averaged"):
        array_function(Expectation(log(3 + b + x), (x, UniformLaw(-1, 1))), [b])
    with pytest.raises(NoRuleError, match="divided by"):
        array_function(Expectation(1 / (3 + b + x), (x, UniformLaw(-1, 1))), [b])


def test_an_alternative_takes_the_place_of_what_has_no_rule():
    b = Symbol("b", real=True)
    function = array_function(sympy_gamma(b), [b], alternatives=(cosh(b),))
    assert function.expressions == (cosh(b),)
    assert function(0.0) == 1


def test_erfc_against_the_standard_library():
    """math.erfc is another implementation; relative errors grow with the exponent's as stated."""
    x = np.concatenate([np.linspace(-6, 26, 3001), [0.0, 1e-300, -1e-9]])
    exact = np.array([math.erfc(v) for v in x])
    assert np.all(np.abs(ufuncs.erfc(x) - exact) <= (8 + 2 * x * x) * 2.3e-16 * exact)
    y = np.array([-2.0, -0.3, 0.0, 1e-12, 0.49, 0.51, 3.0])
    assert np.allclose(ufuncs.erf(y), [math.erf(v) for v in y], rtol=1e-15, atol=0)


def test_strips_from_positive_exponentials():
    """1 + 2 e^x + e^(3x/2) has no zero for |Im x| < pi/(3/2): the widest difference of exponents decides."""
    x = Symbol("x", real=True)
    strip = strip_of([1 / (1 + 2 * exp(x) + exp(3 * x / 2))], [x])
    slopes = [p.diff(x) for p in strip.predictors]
    roots = np.roots([1, 2, 0, 1])  # in e^(x/2): t^3 + 2 t^2 + 1
    nearest = min(abs(2 * np.angle(t)) for t in roots)
    assert strip.height / max(map(abs, slopes)) <= nearest


def test_strips_of_sums_of_weights():
    """Half of the height of the poles lies below the first zero of a sum of two logistic weights."""
    x = Symbol("x", real=True)
    weights = [exp(x + b) / (1 + exp(x + b)) ** 2 for b in (-1, 1)]
    strip = strip_of([1 / sum(weights)], [x])
    assert strip.height == pytest.approx(math.pi / 2)
    # w(x - 1) + w(x + 1) is (cosh(x - 1) + cosh(x + 1) + 2) over a product: 1 + cosh(1) cosh(x) = 0 at x = iy
    assert strip.height <= math.acos(-1 / math.cosh(1))
    with pytest.raises(EvaluationError, match="no rule for arrays where an integrand is divided by"):
        strip_of([1 / (1 / (1 + exp(x)) - 1 / (2 + exp(x)))], [x])


def test_the_strip_of_a_sum_of_probit_weights_is_a_guess_that_comparison_decides():
    """Zeros of w(x) + w(x + 5) lie at half of the height of the poles: values there are right, or there are none."""
    x = Symbol("x", real=True)
    sides = [erfc(sign * (x + b) / sqrt(2)) for b in (0, 5) for sign in (1, -1)]
    weights = [exp(-(x**2)) / (sides[0] * sides[1]), exp(-((x + 5) ** 2)) / (sides[2] * sides[3])]
    strip = strip_of([1 / sum(weights)], [x])
    zero = mpmath.findroot(lambdify(x, sum(weights), "mpmath"), mpmath.mpc(-2.5, math.pi / 5))
    # 0.7170 and 2.8164/2
    assert zero.imag < 0.6 * strip.height
    model = lt.Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Bernoulli(1/2)"})
    slopes = np.array([0.5, 3, 5])
    values = lt.leading_terms(model)["x"].array_function(accuracy=1e-9)(beta0=-0.5, beta1=slopes, sigma2=1.5)
    # E[w0 w1/(2 (w0 + w1))] by the trapezoidal rule with steps of 1/40, by the logarithms of scipy
    u = np.arange(-400, 401) / 40
    eta = np.stack([-0.5 + math.sqrt(1.5) * u + value * slopes[:, None] for value in (0, 1)])
    logs = -(eta**2) - math.log(2 * math.pi) - log_ndtr(eta) - log_ndtr(-eta)
    inner = np.exp(logs.sum(0) - np.logaddexp(*logs)) / 2
    expected = 1 / (inner @ np.exp(-u * u / 2) / math.sqrt(2 * math.pi) / 40)
    known = np.isfinite(values)
    assert known[:2].all()
    assert values[known] == pytest.approx(expected[known], rel=1e-9)


def test_nodes_grow_with_reach_and_accuracy():
    strip = strip_of([exp(Symbol("x")) / (1 + exp(Symbol("x"))) ** 2], [Symbol("x")])
    counts = [legendre_count(reach, 30.0, strip) for reach in (0.1, 1.0, 5.0)]
    assert counts == sorted(counts)
    assert trapezoid_shape(2.0, 30.0, strip, 1.0)[1] > trapezoid_shape(2.0, 20.0, strip, 1.0)[1]
    assert held.Held(Expectation(exp(Symbol("x")), (Symbol("x"), NormalLaw(0, 1))))


@pytest.mark.parametrize("case", ["logistic, uniform", "Poisson"])
def test_a_function_goes_through_pickle(case):
    """A pool of processes sends it; what it has compiled stays behind, what it was made of does not."""
    function = function_of(entry(case), accuracy=1e-9, box=CASES[case][-1])
    point = {"beta0": np.array([0.1, -1, 3]), "beta1": 0.7, "sigma2": 1.3}
    values = function(**point)
    copy = pickle.loads(pickle.dumps(function))
    assert np.array_equal(copy(**point), values, equal_nan=True)
    assert math.isnan(values[2])
    assert (copy.parameters, copy.accuracy, copy.box) == (function.parameters, function.accuracy, function.box)


def test_sums_of_complementary_log_log_weights_have_no_rule():
    """w(z) + w(z + b) is zero near Im z = arctan(pi/(2 b)), as e^z (e^b - 1) = 2 b + i pi there."""
    model = lt.Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Bernoulli(1/2)"})
    with pytest.raises(NoRuleError, match="no rule for arrays"):
        lt.leading_terms(model)["x"].array_function()


def test_a_rule_is_not_right_because_the_finer_one_has_no_value():
    """Overflow in the finest rules once let every coarser one pass, and values were wrong by 0.4 percent."""
    plan = SimpleNamespace(tolerance=Tolerance(1e-12), nats=lambda more: (30.0 + more,))
    judge = Judge(plan, lambda nats: np.array([1.0 if nats[0] < 25 else math.nan]))
    assert judge.least((10.0,)) is None
    assert judge.least((30.0,)) is None
    # a point without value by both does not spoil another one
    beside = Judge(plan, lambda nats: np.array([1.0 if nats[0] < 25 else math.nan, 2.0]))
    assert beside.least((10.0,)) is None
    assert beside.least((30.0,)) == (30.0,)
