"""Existence of averages of the inverse information under the complementary log-log link, against its growth."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement, product

import mpmath
import numpy as np
import pytest
from scipy.special import logsumexp
from sympy import ImmutableMatrix, Integer, Rational, Symbol, Tuple, exp, log, sqrt, symbols

from leadterms import Model, expansion
from leadterms.expectation.cloglog_existence import cloglog_inverse_exists
from leadterms.model.laws import FiniteLaw, JointNormalLaw, NormalLaw, UniformLaw
from leadterms.model.weights import CloglogWeight
from tests.evaluation.certified.complex_weights import log_cloglog
from tests.expectation.inverse_cases import SECOND, SLOPE, X, block, second

CLOGLOG = CloglogWeight(Integer(1))


@pytest.mark.parametrize(
    ("law", "exists", "condition"),
    [
        ("Uniform(0, 1)", False, "infinite: 1/w grows like exp(exp(eta)) and no unbounded predictor outweighs it"),
        ("Normal(1, 2)", True, "sigma2 < 4*beta1**2"),
    ],
)
def test_a_random_intercept_under_cloglog(law, exists, condition):
    term = second(law, link="cloglog")
    assert (term.exists, term.condition) == (exists, condition)


@pytest.mark.parametrize(
    ("law", "exists"),
    [
        ("Uniform(-1, 3)", True),
        ("Normal(2, 1)", True),
        pytest.param("Finite({-1: 1/4, 0: 1/2, 2: 1/4})", True, marks=pytest.mark.slow),
        ("Uniform(1, 2)", False),
        ("Uniform(-3, -1)", False),
        ("Finite({1: 1/2, 2: 1/2})", False),
        ("Bernoulli(p)", False),
        # eta is bounded near zero alone: the inverse grows like a power
        ("Uniform(0, 1)", True),
        ("Gamma(1/2, 1)", True),
        ("Weibull(1, 2)", True),
        # the whole numbers from 1 on
        ("Poisson(2)", False),
        ("Uniform(a, a + 1)", "undecided"),
    ],
)
def test_a_random_slope_under_cloglog(law, exists):
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", link="cloglog", laws={"x": law})
    assert expansion(model)["x"].of_order(SECOND).exists == exists


@pytest.mark.parametrize(
    ("function", "exists"), [("sqrt(x)", False), ("log(x + 1)", False), ("1/(x + 1)", "undecided")]
)
def test_a_random_slope_on_a_function_of_counts_under_cloglog(function, exists):
    """Roots of counts keep away from zero, reciprocals do not: there the inverse grows like |u|^|u| alone."""
    formula = f"y ~ I({function}) + (0 + I({function}) | g)"
    model = Model(formula, family="bernoulli", link="cloglog", laws={"x": "Poisson(2)"})
    term = expansion(model)["beta1"].of_order(SECOND)
    assert term.exists == exists


@pytest.mark.parametrize(("points", "exists"), [([-1, 0, 2], True), ([1, 2], False), ([-3, -1], False)])
def test_the_inverse_under_cloglog_grows_as_it_is_said_to(points, exists):
    """log 1/H(u) against u^2/2, for x at these points and eta = (1 + u) x."""
    ratios = []
    for size in (5.0, 10.0, 20.0):
        logs = []
        for u in (-size, size):
            eta = np.array([(1 + u) * x for x in points if x])
            q = np.exp(eta)
            logs.append(-logsumexp(2 * eta - q - np.log(-np.expm1(-q))))
        ratios.append(max(logs) / (size**2 / 2))
    # at most exponential where it is finite; where it is not it outgrows the density
    assert (ratios[0] > ratios[1] > ratios[2] and ratios[2] < 1) if exists else ratios[2] > 1000


@pytest.mark.parametrize(
    ("formula", "law", "exists"),
    [
        ("y ~ x + (1 | g)", "Weibull(1, 3)", "undecided"),
        ("y ~ I(log(x)) + (1 | g)", "Uniform(1, 2)", False),
    ],
)
def test_tails_that_are_not_known(formula, law, exists):
    assert second(law, formula, link="cloglog").exists == exists


def test_a_product_of_both_signs_is_finite_under_cloglog():
    other, normal = symbols("z w", real=True)
    two = FiniteLaw((Integer(-1), Rational(1, 2)), (Integer(1), Rational(1, 2)))
    bindings = ((X, two), (other, two), (normal, NormalLaw(0, 1)))
    found = cloglog_inverse_exists(block((X * other,), *bindings, weight=CLOGLOG, besides=normal))
    assert (found.verdict, found.conditions) == (True, ())


def test_a_joint_normal_predictor_widens_as_independent_ones_do():
    first, second, slope = (Symbol(name, real=True) for name in ("x1", "x2", "beta"))
    rows, joint = (Integer(1), first), JointNormalLaw(Tuple(0, 0), ImmutableMatrix.eye(2))
    independent = ((first, NormalLaw(0, 1)), (second, NormalLaw(0, 1)))
    found = [
        cloglog_inverse_exists(block(rows, *bindings, weight=CLOGLOG, besides=slope * second)).verdict
        for bindings in (((Tuple(first, second), joint),), independent)
    ]
    assert found == ["undecided", True]


ROWS = {
    "exp": (exp(X), np.exp),
    "square": (X**2, np.square),
    "root": (sqrt(X), np.sqrt),
    "reciprocal": (1 / X, np.reciprocal),
    "logarithm": (log(X), np.log),
    "difference": (X - 1 / X, lambda x: x - 1 / x),
}


@pytest.mark.parametrize(
    ("name", "ends", "verdict"),
    [
        ("exp", (1, 2), False),
        ("exp", (-1, 1), False),
        ("square", (1, 2), False),
        ("square", (-2, -1), False),
        ("root", (1, 2), False),
        ("reciprocal", (1, 2), False),
        ("reciprocal", (-2, -1), False),
        ("logarithm", (2, 3), False),
        ("logarithm", (Rational(1, 2), 2), True),
        ("difference", (Rational(1, 2), 2), True),
        ("square", (-1, 1), True),
        # zero at an end
        ("logarithm", (1, 2), "undecided"),
        ("difference", (1, 2), "undecided"),
        ("root", (0, 1), "undecided"),
    ],
)
def test_a_function_of_a_bounded_predictor(name, ends, verdict):
    """Against the growth of log 1/H(u) over u^2/2, eta = (1 + u) f(x)."""
    row, function = ROWS[name]
    law = UniformLaw(*ends)
    assert cloglog_inverse_exists(block((row,), (X, law), weight=CLOGLOG)).verdict == verdict
    if verdict == "undecided":
        return
    low, high = map(float, ends)
    f = function(low + (high - low) * (np.arange(4000) + 0.5) / 4000)
    ratios = []
    for size in (8.0, 16.0, 32.0):
        logs = [-logsumexp(log_cloglog((1 + u) * f), b=f**2 / 4000) for u in (-size, size)]
        ratios.append(max(logs) / (size**2 / 2))
    assert ratios[0] > ratios[1] > ratios[2] if verdict else ratios[2] > ratios[1] > ratios[0]


def test_of_a_covariance_nothing_is_said_beside_other_rows():
    z = Symbol("z", real=True)
    cases = [
        ((Integer(1), X), ((X, UniformLaw(-1, 1)),), True),
        ((Integer(1), exp(X)), ((X, UniformLaw(-1, 1)),), True),
        ((X, Integer(1)), ((X, FiniteLaw((Integer(0), Rational(1, 2)), (Integer(1), Rational(1, 2)))),), True),
        ((Integer(1), X), ((X, NormalLaw(0, 1)),), False),
        ((Integer(1), X, z), ((X, UniformLaw(-1, 1)), (z, UniformLaw(-1, 1))), False),
        # both rows move
        ((exp(X), X), ((X, UniformLaw(-1, 1)),), False),
    ]
    for rows, bindings, known in cases:
        found = cloglog_inverse_exists(block(rows, *bindings, weight=CLOGLOG))
        assert (found.verdict, found.of_pairs) == (False, known)


def test_covariances_of_an_intercept_and_a_slope_do_not_exist():
    result = expansion(Model(SLOPE, family="bernoulli", link="cloglog", laws={"x": "Uniform(-1, 1)"}))
    names = ("beta0", "beta1", "Sigma11", "Sigma12", "Sigma22")
    for first, second_name in combinations(names, 2):
        assert result[first, second_name].of_order(SECOND).exists is False


def log_w(eta):
    """Of mpmath: the quotient's logarithm where it underflows in double precision."""
    q = mpmath.exp(eta)
    return 2 * eta - q - mpmath.log(-mpmath.expm1(-q))


@pytest.mark.parametrize("seed", range(4))
def test_the_integrand_of_a_covariance_keeps_its_sign_where_it_outgrows_every_density(seed):
    """v'H^{-1}w for v, w out of e_k and u_k e_l + u_l e_k at random three-point laws, by a sum over pairs of points."""
    rng = np.random.default_rng(seed)
    points, chances = np.sort(rng.uniform(-1.5, 1.5, 3)), rng.dirichlet((2, 2, 2))
    fixed = rng.uniform(-0.5, 0.5, 2)
    # to the end that is farther from 0: where eta is least
    sign = 1 if abs(points[0]) > abs(points[2]) else -1
    values = {pair: [] for pair in combinations_with_replacement(range(5), 2)}
    with mpmath.workdps(40):
        for t in (6.0, 8.0, 10.0):
            for s in (3.0, 3.5, 4.0):
                u = (t, sign * s)
                w = [
                    mpmath.exp(log_w(fixed[0] + t + x * (fixed[1] + u[1]))) * p
                    for x, p in zip(points, chances, strict=True)
                ]
                h = mpmath.matrix(2, 2)
                for j, k in product(range(2), repeat=2):
                    h[j, k] = mpmath.fsum(one * x ** (j + k) for one, x in zip(w, points, strict=True))
                # by Cauchy and Binet
                det = mpmath.fsum(w[j] * w[k] * (points[j] - points[k]) ** 2 for j, k in combinations(range(3), 2))
                rows = [(1, 0), (0, 1), (2 * u[0], 0), (u[1], u[0]), (0, 2 * u[1])]
                for (i, j), found in values.items():
                    v, one = rows[i], rows[j]
                    above = (
                        v[0] * one[0] * h[1, 1] - (v[0] * one[1] + v[1] * one[0]) * h[0, 1] + v[1] * one[1] * h[0, 0]
                    )
                    found.append((t, above / det))
    for found in values.values():
        assert len({mpmath.sign(value) for _, value in found}) == 1
        least = [min(mpmath.log(abs(value)) for at, value in found if at == t) for t in (6.0, 8.0, 10.0)]
        assert least[1] > 2 * least[0] > 0
        assert least[2] > 2 * least[1]
