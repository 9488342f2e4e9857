"""Completing the square against quadrature of the density, and positive definiteness against eigenvalues."""

from itertools import product
from random import Random

import mpmath
import pytest
from mpmath import inf, mp, mpf
from sympy import (
    ImmutableMatrix,
    Integer,
    Matrix,
    Rational,
    Symbol,
    cos,
    diag,
    exp,
    false,
    lambdify,
    symbols,
    true,
)

from leadterms.errors import ExistenceError
from leadterms.expectation.gaussian import normal_moment, normal_polynomial_moment, quadratic_parts, tilt

u, v, z = symbols("u v z", real=True)
c, l1, l2, q11, q12, q22 = symbols("c l1 l2 q11 q12 q22", real=True)
TOLERANCE = mpf(10) ** -20


def expectation_1d(function, mean, variance):
    std = mpmath.sqrt(variance)
    places = [-inf, *(mean + k * std for k in (-6, -2, 0, 2, 6)), inf]
    return mpmath.quad(lambda x: function(x) * mpmath.npdf(x, mean, std), places)


def expectation_2d(function, mean, covariance, nodes=110, reach=14):
    """Trapezoid over two independent standard normals: exponentially convergent for entire integrands."""
    root = mpmath.cholesky(mpmath.matrix(covariance.tolist()))
    step = mpf(2 * reach) / nodes
    grid = [(-reach + step * (k + mpf(1) / 2)) for k in range(nodes)]
    weights = [step * mpmath.npdf(t) for t in grid]
    total = mpf(0)
    for s, ws in zip(grid, weights, strict=True):
        first = mean[0] + root[0, 0] * s
        base = mean[1] + root[1, 0] * s
        for t, wt in zip(grid, weights, strict=True):
            total += ws * wt * function(first, base + root[1, 1] * t)
    return total


def rational(random, low, high):
    return Rational(random.randint(low * 10, high * 10), 10)


@pytest.mark.parametrize("seed", range(4))
def test_tilt_in_one_dimension(seed):
    random = Random(seed)
    mean, variance = rational(random, -1, 1), Rational(random.randint(2, 12), 10)
    quadratic = Rational(random.randint(-20, 8), 20) / variance
    exponent = rational(random, -1, 1) + rational(random, -1, 1) * u + quadratic * u**2 / 2
    square = tilt(exponent, [u], [mean], Matrix([[variance]]))
    polynomial = 1 + u - 3 * u**3 + u**4
    closed = square.factor * normal_polynomial_moment(polynomial, [u], square.mean, square.covariance)
    with mp.workdps(30):
        integrand = lambdify(u, polynomial * exp(exponent), "mpmath")
        expected = expectation_1d(integrand, mpf(mean.p) / mean.q, mpf(variance.p) / variance.q)
        assert abs(mpf(closed.evalf(30)) / expected - 1) < TOLERANCE


@pytest.mark.parametrize("seed", range(3))
def test_tilt_in_two_dimensions_with_matrices_that_do_not_commute(seed):
    random = Random(100 + seed)
    sigma = Matrix([[Rational(13, 10), Rational(2, 5)], [Rational(2, 5), Rational(1, 2)]])
    hessian = Matrix([[rational(random, -1, 0), Rational(1, 4)], [Rational(1, 4), Rational(random.randint(1, 4), 10)]])
    assert sigma * hessian != hessian * sigma
    mean = [rational(random, -1, 1), rational(random, -1, 1)]
    vector = Matrix([u, v])
    exponent = (
        rational(random, -1, 1) * u + rational(random, -1, 1) * v + (vector.T * hessian * vector)[0] / 2
    ).expand()
    square = tilt(exponent, [u, v], mean, sigma)
    assert square.conditions == ()
    polynomial = 1 + u * v - v**3
    closed = square.factor * normal_polynomial_moment(polynomial, [u, v], square.mean, square.covariance)
    with mp.workdps(30):
        integrand = lambdify((u, v), polynomial * exp(exponent), "mpmath")
        expected = expectation_2d(integrand, [mpf(m.p) / m.q for m in mean], sigma.applyfunc(lambda e: mpf(e.p) / e.q))
        assert abs(mpf(closed.evalf(30)) / expected - 1) < TOLERANCE


@pytest.mark.slow
def test_symbolic_tilt_agrees_with_the_numeric_one():
    s11, s12, s22 = Symbol("s11", positive=True), Symbol("s12", real=True), Symbol("s22", positive=True)
    exponent = c + l1 * u + l2 * v + q11 * u**2 / 2 + q12 * u * v + q22 * v**2 / 2
    sigma = Matrix([[s11, s12], [s12, s22]])
    at = dict(
        zip(
            (c, l1, l2, q11, q12, q22, s11, s12, s22),
            map(Rational, ("1/3", "-1/2", "1/5", "1/4", "-1/3", "-2", "3/5", "1/7", "1")),
            strict=True,
        )
    )
    symbolic = tilt(exponent, [u, v], [Integer(0), Integer(0)], sigma)
    numeric = tilt(exponent.subs(at), [u, v], [Integer(0), Integer(0)], sigma.subs(at))
    assert abs((symbolic.factor.subs(at) / numeric.factor).evalf(40) - 1) < Rational(1, 10**35)
    assert [m.subs(at) - n for m, n in zip(symbolic.mean, numeric.mean, strict=True)] == [0, 0]
    assert (symbolic.covariance.subs(at) - numeric.covariance).is_zero_matrix
    assert all(condition.subs(at) == true for condition in symbolic.conditions)


def test_without_a_quadratic_part_nothing_is_asked():
    square = tilt(l1 * u + l2 * v, [u, v], [0, 0], diag(c, 1))
    assert square.conditions == ()
    assert square.covariance == ImmutableMatrix(diag(c, 1))
    assert square.mean == (c * l1, l2)


@pytest.mark.parametrize(
    ("sigma", "hessian"),
    [
        (Matrix([[1]]), Matrix([[1]])),
        (Matrix([[2]]), Matrix([[Rational(51, 100)]])),
        # both eigenvalues of I - Sigma Q negative: the determinant is positive all the same
        (Matrix([[1, 0], [0, 1]]), Matrix([[2, 0], [0, 3]])),
        (Matrix([[1, Rational(1, 2)], [Rational(1, 2), 1]]), Matrix([[3, Rational(1, 4)], [Rational(1, 4), 5]])),
        (Matrix([[3, 1], [1, 1]]), Matrix([[2, 1], [1, 2]])),
        (Matrix([[1, 0], [0, 1]]), Matrix([[0, 2], [2, 0]])),
        (diag(1, 1, 1), diag(2, 2, -1)),
    ],
)
def test_refused_where_the_integral_diverges(sigma, hessian):
    size = sigma.rows
    effects = [u, v, z][:size]
    vector = Matrix(effects)
    exponent = (vector.T * hessian * vector)[0].expand() / 2
    assert not (sigma.inv() - hessian).is_positive_definite
    with pytest.raises(ExistenceError, match=r"Sigma\^\{-1\} - Q positive definite"):
        tilt(exponent, effects, [0] * size, sigma)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_conditions_hold_exactly_where_the_matrix_is_positive_definite(size):
    """Random matrices; the eigenvalues of Sigma^{-1} - Q decide."""
    random = Random(size)
    effects = [u, v, z][:size]
    names = symbols("h0:6", real=True)
    positions = [(i, j) for i in range(size) for j in range(i, size)]
    hessian = Matrix(size, size, lambda i, j: names[positions.index((min(i, j), max(i, j)))])
    factor = Matrix(size, size, lambda i, j: random.randint(1, 4) if i == j else random.randint(-2, 2))
    sigma = factor * factor.T / 8
    vector = Matrix(effects)
    conditions = tilt((vector.T * hessian * vector)[0].expand() / 2, effects, [0] * size, sigma).conditions
    outcomes = set()
    for _ in range(15):
        at = {name: Rational(random.randint(-20, 20), 10 if size > 1 else 1) for name in names}
        with mp.workdps(20):
            matrix = (sigma.inv() - hessian.subs(at)).evalf(20)
            smallest = min(mpmath.eigsy(mpmath.matrix(matrix.tolist()), eigvals_only=True))
        definite = smallest > 0
        assert all(condition.subs(at) == true for condition in conditions) is definite
        assert definite or any(condition.subs(at) == false for condition in conditions)
        outcomes.add(bool(definite))
    assert outcomes == {True, False}


def test_rank_one_needs_one_condition_only():
    s11, s12, s22 = Symbol("s11", positive=True), Symbol("s12", real=True), Symbol("s22", positive=True)
    a, b = symbols("a b", real=True)
    square = tilt(((a * u + b * v) ** 2 / 2).expand(), [u, v], [0, 0], Matrix([[s11, s12], [s12, s22]]))
    (condition,) = square.conditions
    assert (condition.lhs - (1 - a**2 * s11 - 2 * a * b * s12 - b**2 * s22)).expand() == 0


def test_exponents_of_higher_degree_are_not_answered():
    assert tilt(u**3, [u], [0], Matrix([[1]])) is None
    assert tilt(u**2 * v, [u, v], [0, 0], diag(1, 1)) is None
    assert tilt(cos(u), [u], [0], Matrix([[1]])) is None


def test_quadratic_parts_put_the_exponent_together_again():
    exponent = 3 - u + 2 * v + c * u**2 - 5 * u * v + v**2 / 7
    constant, linear, hessian = quadratic_parts(exponent, [u, v])
    vector = Matrix([u, v])
    again = constant + (Matrix(linear).T * vector)[0] + (vector.T * hessian * vector)[0] / 2
    assert (again - exponent).expand() == 0


@pytest.mark.parametrize("powers", [p for p in product(range(4), repeat=2) if sum(p) <= 5])
def test_normal_moments_against_quadrature(powers):
    mean, sigma = [Rational(1, 3), Rational(-1, 2)], Matrix([[1, Rational(1, 3)], [Rational(1, 3), Rational(1, 2)]])
    moment = normal_moment(powers, mean, sigma)
    with mp.workdps(26):
        expected = expectation_2d(
            lambda x, y: x ** powers[0] * y ** powers[1],
            [mpf(1) / 3, mpf(-1) / 2],
            sigma.applyfunc(lambda e: mpf(e.p) / e.q),
            nodes=64,
            reach=12,
        )
        assert abs(mpf(moment.p) / moment.q - expected) < TOLERANCE * (1 + abs(expected))


def test_normal_moments_of_three_variables_by_isserlis():
    """E[V1 V2 V3 V4'] over pairings, summed here by brute force (Isserlis 1918)."""
    sigma = Matrix(3, 3, symbols("w0:9"))
    sigma = sigma + sigma.T
    indices = [0, 0, 1, 2, 2, 1]

    def pairings(rest):
        if not rest:
            return Integer(1)
        first, *others = rest
        return sum(
            sigma[first, other] * pairings(others[:position] + others[position + 1 :])
            for position, other in enumerate(others)
        )

    assert (normal_moment([2, 2, 2], [0, 0, 0], sigma) - pairings(indices)).expand() == 0
    assert normal_moment([1, 2, 2], [0, 0, 0], sigma) == 0
