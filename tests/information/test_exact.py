"""Exact information of a group against published values, brute force over sequences, and its own error."""

from functools import cache
from itertools import product
from math import erfc, factorial, pi, sqrt

import numpy as np
import pytest

from leadterms.errors import EvaluationError, ExistenceError, LeadtermsError, ModelError
from leadterms.information.exact import exact_information
from leadterms.information.exact_excess import extrapolate, scaled_excess
from leadterms.model.statement import Model

HALF = {"x": "Bernoulli(1/2)"}
LOGISTIC = Model("y ~ x + (1 | g)", family="bernoulli", laws=HALF)
LOGISTIC_AT = "beta0=-0.4, beta1=0.9, sigma2=0.8"
PROBIT = Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws=HALF)
PROBIT_AT = "beta0=-0.4, beta1=0.9, sigma2=0.25"


def excesses(model, at, sizes, **options):
    return [scaled_excess(exact_information(model, at, n, **options)) for n in sizes]


def limit(found):
    return extrapolate([e.n for e in found], [e.matrix for e in found], [e.error for e in found])


def assert_covers(found, expected):
    """The estimate of one entry may vanish by accident, where a change turns sign: the largest ones are compared."""
    assert np.max(np.abs(found.value - expected)) <= np.max(found.error)


# ---- values of the two-term theory: the second-order coefficients L + C G^{-1} C' and so on, in closed integrals,
# and the Richardson extrapolation of first order from enumeration of balanced data at n/2 and n


@pytest.mark.parametrize(
    ("model", "at", "n", "printed"),
    [
        (LOGISTIC, LOGISTIC_AT, 640, (9.9647, -9.8313, -1.2440, 19.8467, 2.9457, 23.6287)),
        (PROBIT, PROBIT_AT, 320, (3.6563, -3.6752, -0.2687, 7.4745, 0.6200, 2.2623)),
    ],
    ids=["logit", "probit"],
)
def test_values_extrapolated_from_two_sizes(model, at, n, printed):
    found = limit(excesses(model, at, (n // 2, n)))
    assert found.value[np.triu_indices(3)] == pytest.approx(printed, abs=5.1e-5)


LIMITS = {
    "logit": (LOGISTIC, LOGISTIC_AT, (9.96560564, -9.83130021, -1.24317396, 19.84671698, 2.94500282, 23.64993312)),
    "probit": (PROBIT, PROBIT_AT, (3.6564, -3.6752, -0.2687, 7.4745, 0.6200, 2.2631)),
}
"""The coefficients as integrals, to all digits that are known of them."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_the_second_order_coefficients(name):
    model, at, expected = LIMITS[name]
    found = limit(excesses(model, at, (320, 640, 1280, 2560)))
    off = np.abs(found.value[np.triu_indices(3)] - expected)
    half_digit = 5e-9 if name == "logit" else 5e-5
    assert np.max(off) <= np.max(found.error) + half_digit
    assert np.max(off) < 2e-4


@pytest.mark.slow
def test_balanced_and_random_designs_have_one_limit():
    """The excess at n differs by some percent, its limit does not."""
    balanced = excesses(LOGISTIC, LOGISTIC_AT, (10, 20, 40, 80))
    random = excesses(LOGISTIC, LOGISTIC_AT, (10, 20, 40, 80), design="random")
    first, second = limit(balanced), limit(random)
    assert np.abs(balanced[0].matrix - random[0].matrix)[1, 1] > 0.5
    assert np.all(np.abs(first.value - second.value) <= first.error + second.error)
    fixed = (slice(0, 2), slice(0, 2))
    assert np.max(np.abs(first.value - second.value)[fixed]) < 0.005


def two_terms(kinds, covariance, directions):
    """The matrix of theory for logit by Gauss-Hermite quadrature, parameters means, variances, beta_B.

    T^{-1}(L + C G^{-1} C')T^{-1}, -T^{-1} C G^{-1}, G^{-1}, averages over U and over kinds of groups
    (probability, M, x_A, x_B, linear predictor at u = 0), rows with equal shares.
    """
    precision = np.linalg.inv(covariance)
    prior = between = cross = whole = 0
    for probability, means, random, fixed, base in kinds:
        for u, weight in zip(*normal_rule(covariance, 40), strict=True):
            p = logistic(base + random @ u)
            h = np.einsum("r,ri,rj->ij", p * (1 - p) / len(p), random, random)
            h_ab = np.einsum("r,ri,rj->ij", p * (1 - p) / len(p), random, fixed)
            h_bb = np.einsum("r,ri,rj->ij", p * (1 - p) / len(p), fixed, fixed)
            scaled = [precision @ d @ precision for d in directions]
            jacobian = np.vstack([means @ precision, *[(u @ s)[None] for s in scaled]])
            quadratic = [u @ s @ u - np.trace(precision @ d) for s, d in zip(scaled, directions, strict=True)]
            score = np.concatenate([means @ precision @ u, np.array(quadratic) / 2])
            mass = probability * weight
            prior = prior + mass * np.outer(score, score)
            between = between + mass * jacobian @ np.linalg.solve(h, jacobian.T)
            cross = cross + mass * jacobian @ np.linalg.solve(h, h_ab)
            whole = whole + mass * (h_bb - h_ab.T @ np.linalg.solve(h, h_ab))
    t, g = np.linalg.inv(prior), np.linalg.inv(whole)
    return np.block([[t @ (between + cross @ g @ cross.T) @ t, -t @ cross @ g], [-(t @ cross @ g).T, g]])


@pytest.mark.slow
def test_limit_with_random_intercept_and_slope():
    model = Model("y ~ x + (x | g)", family="bernoulli", laws=HALF)
    found = limit(excesses(model, "beta0=-0.4, beta1=0.9, Sigma11=0.1, Sigma12=0.02, Sigma22=0.08", (40, 80, 160, 320)))
    rows = np.array([[1.0, 0.0], [1.0, 1.0]])
    directions = [np.array(d) for d in ([[1, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 1]])]
    kinds = [(1.0, np.eye(2), rows, np.zeros((2, 0)), np.array([-0.4, 0.5]))]
    expected = two_terms(kinds, np.array([[0.1, 0.02], [0.02, 0.08]]), directions)
    assert_covers(found, expected)
    assert np.abs(found.value - expected).max() < 0.002 * np.abs(expected).max()


@pytest.mark.slow
def test_limit_of_poisson_slopes():
    """K_22 = e^{-beta0}{e^{S11/2}/(1-p) + e^{(S11+2 S12+S22)/2 - beta1}/p}, and K_11 its first term.

    Maestrini, Bhaskaran and Wand 2024, by way of the published table of sample sizes; here p = 1/2.
    """
    model = Model("y ~ x + (x | g)", family="poisson", laws=HALF)
    at = "beta0=0.5, beta1=0.3, Sigma11=0.05, Sigma12=0.01, Sigma22=0.02"
    found = limit(excesses(model, at, (6, 12, 24), tail=1e-10, tolerance=1e-7))
    first, second = 2 * np.exp(0.025 - 0.5), 2 * np.exp(0.045 - 0.8)
    expected = np.array([[first, -first], [-first, first + second]])
    assert found.value[:2, :2] == pytest.approx(expected, rel=2e-3)


ARMS = {"x": "Bernoulli(1/2)", "arm": "Bernoulli(1/2)"}


@pytest.mark.slow
@pytest.mark.parametrize("interaction", [False, True], ids=["main effect", "interaction"])
def test_limit_with_arms(interaction):
    """The arm moves the mean of the random intercept: theta holds its effect beside beta0."""
    formula = "y ~ x + arm + x:arm + (1 | g)" if interaction else "y ~ x + arm + (1 | g)"
    model = Model(formula, family="bernoulli", laws=ARMS, levels={"arm": "g"})
    at = {"beta0": "-0.4", "beta1": "0.9", "beta2": "0.5", "sigma2": "0.4"} | ({"beta3": "0.2"} if interaction else {})
    found = limit(excesses(model, at, (80, 160, 320, 640)))
    x, one = np.array([0.0, 1.0]), np.ones((2, 1))
    kinds = [
        (
            0.5,
            np.array([[1.0], [arm]]),
            one,
            np.column_stack([x, arm * x]) if interaction else x[:, None],
            -0.4 + 0.9 * x + 0.5 * arm + (0.2 * arm * x if interaction else 0),
        )
        for arm in (0.0, 1.0)
    ]
    # means beta0, beta2, then sigma2, beta1, beta3
    order = [0, 3, 1, 4, 2] if interaction else [0, 3, 1, 2]
    expected = two_terms(kinds, np.array([[0.4]]), [np.eye(1)])[np.ix_(order, order)]
    assert_covers(found, expected)
    assert np.abs(found.value - expected).max() < 2e-4 * np.abs(expected).max()


# ---- brute force: all sequences of responses (and of predictors), Gauss-Hermite quadrature, and differences of the
# marginal likelihood: no sums, no scores of the prior, no grid of the package


def normal_rule(covariance, count):
    """Gauss-Hermite nodes (a row each) and weights of a normal law."""
    factor = np.linalg.cholesky(covariance)
    points, weights = standard_rule(len(factor), count)
    return points @ factor.T, weights


@cache
def standard_rule(dimension, count):
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    shares = np.array(list(product(weights / sqrt(2 * pi), repeat=dimension)))
    return np.array(list(product(points, repeat=dimension))), np.prod(shares, axis=1)


def normal_cdf(x):
    return np.vectorize(lambda v: erfc(-v / sqrt(2)) / 2)(x)


def bernoulli(inverse):
    return lambda y, eta: inverse(eta) if y else 1 - inverse(eta)


def poisson(inverse):
    return lambda y, eta: np.exp(-inverse(eta)) * inverse(eta) ** y / factorial(y)


def likelihood(theta, ys, rows, random, covariance, law):
    """Marginal probability of one sequence of responses."""
    beta = np.array(theta[: rows.shape[1]])
    effects, weights = normal_rule(covariance(*theta[rows.shape[1] :]), 64 if len(random) == 1 else 32)
    given = np.ones(len(weights))
    for y, row in zip(ys, rows, strict=True):
        given = given * law(y, row @ beta + effects @ row[random])
    return given @ weights


def differences(function, theta, step=2e-3):
    """Gradient from central differences of the sixth order."""
    gradient = []
    for i in range(len(theta)):

        def moved(k, i=i):
            return function([t + k * step * (i == j) for j, t in enumerate(theta)])

        gradient.append((45 * (moved(1) - moved(-1)) - 9 * (moved(2) - moved(-2)) + moved(3) - moved(-3)) / (60 * step))
    return np.array(gradient)


def brute_force(theta, designs, random, covariance, law, values=(0, 1)):
    """Average over designs (probability, rows) of the information of a group."""
    total = np.zeros((len(theta), len(theta)))
    for probability, rows in designs:
        for ys in product(values, repeat=len(rows)):

            def marginal(t, ys=ys, rows=rows):
                return likelihood(t, ys, rows, random, covariance, law)

            gradient = differences(marginal, theta)
            total += probability * np.outer(gradient, gradient) / marginal(theta)
    return total


def intercept(variance):
    return np.array([[variance]])


def full(first, between, second):
    return np.array([[first, between], [between, second]])


def diagonal(first, second):
    return np.diag([first, second])


def two_points(*xs):
    return [(1.0, np.array([[1.0, x] for x in xs]))]


def all_of(n):
    return [(0.5**n, np.array([[1.0, x] for x in xs])) for xs in product((0, 1), repeat=n)]


def logistic(eta):
    return 1 / (1 + np.exp(-eta))


def complementary(eta):
    return -np.expm1(-np.exp(eta))


BRUTE = {
    "logit, balanced": (LOGISTIC, 4, "balanced", (-0.4, 0.9, 0.8), two_points(0, 0, 1, 1), [0], intercept, logistic),
    "logit, random": (LOGISTIC, 3, "random", (-0.4, 0.9, 0.8), all_of(3), [0], intercept, logistic),
    "probit": (PROBIT, 4, "balanced", (-0.4, 0.9, 0.25), two_points(0, 0, 1, 1), [0], intercept, normal_cdf),
    "cloglog, shares": (
        Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Finite({-1: 1/5, 2: 4/5})"}),
        5,
        "balanced",
        (-0.4, 0.3, 0.25),
        two_points(-1, 2, 2, 2, 2),
        [0],
        intercept,
        complementary,
    ),
    "random slope alone": (
        Model("y ~ x + (0 + x | g)", family="bernoulli", laws={"x": "Finite({-1: 1/2, 2: 1/2})"}),
        4,
        "balanced",
        (0.3, -0.2, 0.5),
        two_points(-1, -1, 2, 2),
        [1],
        intercept,
        logistic,
    ),
}
BRUTE["arms"] = (
    Model("y ~ x*arm + (1 | g)", family="bernoulli", laws=ARMS, levels={"arm": "g"}),
    4,
    "balanced",
    (-0.4, 0.9, 0.5, 0.2, 0.8),
    [(0.5, np.array([[1.0, x, arm, x * arm] for x in (0, 0, 1, 1)])) for arm in (0, 1)],
    [0],
    intercept,
    logistic,
)
BRUTE["arms, random slope"] = (
    Model("y ~ x + arm:x + arm + (0 + x | g)", family="bernoulli", laws=ARMS, levels={"arm": "g"}),
    4,
    "balanced",
    (-0.4, 0.9, 0.5, 0.2, 0.8),
    [(0.5, np.array([[1.0, x, arm, x * arm] for x in (0, 0, 1, 1)])) for arm in (0, 1)],
    [1],
    intercept,
    logistic,
)
SLOPES = {
    "intercept and slope": (
        Model("y ~ x + (x | g)", family="bernoulli", laws=HALF),
        4,
        "balanced",
        (-0.4, 0.9, 0.5, 0.1, 0.4),
        two_points(0, 0, 1, 1),
        [0, 1],
        full,
        logistic,
    ),
    "independent, random": (
        Model("y ~ x + (x || g)", family="bernoulli", laws=HALF),
        3,
        "random",
        (-0.4, 0.9, 0.5, 0.4),
        all_of(3),
        [0, 1],
        diagonal,
        logistic,
    ),
}


def compared(model, n, design, theta, designs, random, covariance, inverse):
    at = {parameter.name: str(value) for parameter, value in zip(model.parameters, theta, strict=True)}
    found = exact_information(model, at, n, design=design)
    expected = brute_force(theta, designs, random, covariance, bernoulli(inverse))
    assert np.max(np.abs(found.matrix - expected)) < 2e-9
    assert abs(found.missing) < 1e-13
    assert np.max(found.error) < 1e-9


@pytest.mark.parametrize("name", BRUTE)
def test_all_sequences(name):
    compared(*BRUTE[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOPES)
def test_all_sequences_with_two_effects(name):
    compared(*SLOPES[name])


def test_binomial_responses_are_sums_of_bernoulli_ones():
    """Three trials at each x in a balanced group of two are six responses in a balanced group of six."""
    sums = Model("y ~ x + (1 | g)", family="binomial(3)", link="cloglog", laws=HALF)
    single = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws=HALF)
    first, second = (exact_information(m, LOGISTIC_AT, n) for m, n in ((sums, 2), (single, 6)))
    assert first.matrix == pytest.approx(second.matrix, rel=1e-12)


@pytest.mark.parametrize(
    ("link", "inverse", "theta"), [("log", np.exp, (-0.5, 0.2)), ("sqrt", np.square, (0.8, 0.1))], ids=["log", "sqrt"]
)
def test_poisson_counts(link, inverse, theta):
    """Two responses, each up to 40, of which the mean is below 1: what lies beyond is below 1e-12."""
    model = Model("y ~ 1 + (1 | g)", family="poisson", link=link)
    found = exact_information(model, {"beta0": theta[0], "sigma2": theta[1]}, 2)
    designs = [(1.0, np.ones((2, 1)))]
    expected = brute_force(theta, designs, [0], intercept, poisson(inverse), range(26))
    assert np.max(np.abs(found.matrix - expected)) < 2e-8
    assert found.missing < 1e-13


@pytest.mark.parametrize("family", ["poisson", "negative-binomial(2)"])
@pytest.mark.parametrize("tail", [1e-2, 1e-4, 1e-7])
def test_the_error_covers_the_data_that_are_left_out(family, tail):
    model = Model("y ~ x + (1 | g)", family=family, laws=HALF)
    at = "beta0=0.1, beta1=0.4, sigma2=0.1"
    whole = exact_information(model, at, 4)
    part = exact_information(model, at, 4, tail=tail)
    off = np.abs(part.matrix - whole.matrix)
    assert 0 < part.missing < tail
    assert part.data < whole.data
    assert np.all(off <= part.error + whole.error)
    # information only grows by the data that come in
    assert np.min(np.linalg.eigvalsh(whole.matrix - part.matrix)) > -1e-9


@pytest.mark.parametrize("n", [6, 60])
def test_the_error_covers_a_coarse_rule(n):
    fine = exact_information(LOGISTIC, LOGISTIC_AT, n)
    coarse = exact_information(LOGISTIC, LOGISTIC_AT, n, tolerance=1e-3)
    assert np.all(np.abs(coarse.matrix - fine.matrix) <= coarse.error + fine.error)


def test_information_of_independent_rows_adds_up_where_effects_are_small():
    """With a variance near zero the information about beta is that of a logistic regression, n E[w X X']."""
    found = exact_information(LOGISTIC, "beta0=-0.4, beta1=0.9, sigma2=1e-4", 10)
    w = [logistic(e) * (1 - logistic(e)) for e in (-0.4, 0.5)]
    expected = 5 * np.array([[w[0] + w[1], w[1]], [w[1], w[1]]])
    assert found.matrix[:2, :2] == pytest.approx(expected, rel=1e-3)


def test_parameters_stand_in_the_order_of_the_model():
    """Block B before block A in the formula: the slope alone is random."""
    model = BRUTE["random slope alone"][0]
    found = exact_information(model, "beta0=0.3, beta1=-0.2, sigma2=0.5", 2)
    assert [str(p) for p in found.parameters] == ["beta0", "beta1", "sigma2"]
    assert np.diag(found.leading) == pytest.approx([0, 2, 2])


def test_laws_may_hold_parameters():
    model = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Bernoulli(p)"})
    found = exact_information(model, {"beta0": "-0.4", "beta1": "0.9", "sigma2": "0.8", "p": "1/2"}, 4)
    assert np.array_equal(found.matrix, exact_information(LOGISTIC, LOGISTIC_AT, 4).matrix)


@pytest.mark.parametrize(
    ("model", "at", "n", "options", "error", "message"),
    [
        (LOGISTIC, LOGISTIC_AT, 5, {}, EvaluationError, "counts that are not whole"),
        (LOGISTIC, LOGISTIC_AT, 0, {}, EvaluationError, "1 or more"),
        (LOGISTIC, LOGISTIC_AT, 4, {"design": "fixed"}, EvaluationError, "'balanced' or 'random'"),
        (LOGISTIC, "beta0=1, sigma2=1", 4, {}, EvaluationError, "no value is given for beta1"),
        (LOGISTIC, "beta0=1, beta1=1, sigma2=-1", 4, {}, EvaluationError, "sigma2 must be positive"),
        (LOGISTIC, [1, 2, 3], 4, {}, EvaluationError, "a mapping or a text"),
        (LOGISTIC, "beta0=1, beta7=1", 4, {}, EvaluationError, "'beta7' is not a parameter"),
        (LOGISTIC, LOGISTIC_AT, 200_000, {}, EvaluationError, "too many to enumerate.*lower n"),
        (LOGISTIC, LOGISTIC_AT, 2000, {"design": "random"}, EvaluationError, "take design='balanced'"),
        (
            Model("y ~ x + (x | g)", family="bernoulli", laws=HALF),
            "beta0=0, beta1=0, Sigma11=1, Sigma12=2, Sigma22=1",
            4,
            {},
            ExistenceError,
            "not positive definite",
        ),
        (
            Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Uniform(0, 1)"}),
            LOGISTIC_AT,
            4,
            {},
            ModelError,
            "infinitely many values",
        ),
        (Model("y ~ x + (1 | g)", laws=HALF), LOGISTIC_AT + ", phi=1", 4, {}, ModelError, "cannot be enumerated"),
        (Model("y ~ x", family="bernoulli", laws=HALF), "beta0=0, beta1=0", 4, {}, ModelError, "random effects"),
        (
            Model("y ~ 1 + (1 | g)", family="bernoulli"),
            {"beta0": None, "sigma2": 1},
            4,
            {},
            EvaluationError,
            "^the value of beta0 is not an exact number: .* not None",
        ),
        (
            Model("y ~ 1 + (1 | g)", family="poisson"),
            "beta0=20, sigma2=1",
            4,
            {},
            EvaluationError,
            "more than 1000000 values",
        ),
    ],
)
def test_refusals(model, at, n, options, error, message):
    with pytest.raises(error, match=message) as caught:
        exact_information(model, at, n, **options)
    assert isinstance(caught.value, LeadtermsError)
    assert "\n" not in str(caught.value)


def test_a_group_that_identifies_nothing_has_no_inverse():
    with pytest.raises(EvaluationError, match=r"singular.*raise n"):
        scaled_excess(exact_information(LOGISTIC, LOGISTIC_AT, 1, design="random"))


def test_extrapolation_is_exact_for_polynomials_and_knows_its_error():
    sizes = (40, 10, 20, 80)
    exact = extrapolate(sizes, [[7 + 3 / n - 5 / n**2 + 11 / n**3, 2.0] for n in sizes])
    assert exact.value == pytest.approx([7, 2], abs=1e-12)
    curved = extrapolate(sizes, [np.exp(3 / n) for n in sizes])
    assert 0 < abs(curved.value - 1) < curved.error
    noisy = extrapolate(sizes, [1.0] * 4, [1e-3] * 4)
    assert noisy.error > 1e-3
    for bad in ([10], [10, 10]):
        with pytest.raises(EvaluationError, match="two or more distinct"):
            extrapolate(bad, [1.0] * len(bad))
