"""Nested models: Sigma/m, the variance components and C_B, against matrices and integrals assembled by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement, product

import mpmath
import numpy as np
import pytest
from mpmath import mp
from sympy import Matrix, Rational, polygamma, simplify

from leadterms import Model, leading_terms
from leadterms.asymptotics.nested import duplication_matrix
from leadterms.notation.symbols import PHI

UNIFORM = "Uniform(-1, 1)"


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    with mpmath.workdps(30):
        yield


def poisson(random_part: str, predictors: int):
    names = [f"x{i}" for i in range(1, predictors + 1)]
    fixed = " + ".join(["1", *names])
    return leading_terms(
        Model(f"y ~ {fixed} + {random_part}", family="poisson", laws=dict.fromkeys(names, UNIFORM))
    )  # fmt: skip


def spd(size: int, seed: int) -> dict[str, Fraction]:
    """Entries of a random positive definite matrix A A' + 1, exact, by the names of its lower triangle."""
    source = random.Random(seed)
    a = [[Fraction(source.randint(-4, 4), 3) for _ in range(size)] for _ in range(size)]
    return {
        f"Sigma{i + 1}{j + 1}": sum(x * y for x, y in zip(a[i], a[j], strict=True)) + (i == j)
        for i, j in combinations_with_replacement(range(size), 2)
    }


def as_array(entries: dict[str, Fraction], size: int) -> np.ndarray:
    return np.array([[float(entries.get(f"Sigma{min(i, j)}{max(i, j)}", 0)) for j in range(1, size + 1)]
                     for i in range(1, size + 1)])  # fmt: skip


def coefficients(result, names: list[str], values: dict) -> list[list[float]]:
    """The coefficients of 1/m at a point, zero where there is no term."""
    return [
        [float(result[a, b].evaluate(values)) if result[a, b].terms else 0.0 for b in names] for a in names
    ]  # fmt: skip


def inverse_information(sigma: np.ndarray, free: list[tuple[int, int]]) -> np.ndarray:
    """The inverse of (1/2) tr(Sigma^{-1} E_a Sigma^{-1} E_b), E_a the derivative in a free entry of Sigma."""
    derivatives = []
    for i, j in free:
        e = np.zeros_like(sigma)
        e[i, j] = e[j, i] = 1.0
        derivatives.append(np.linalg.solve(sigma, e))
    return np.linalg.inv([[np.trace(a @ b) / 2 for b in derivatives] for a in derivatives])


def brute_duplication(size: int) -> np.ndarray:
    """D column by column from its definition vec S = D vech S, S running through the symmetric unit matrices."""
    columns = []
    for j in range(size):
        for i in range(j, size):
            s = np.zeros((size, size))
            s[i, j] = s[j, i] = 1.0
            columns.append(s.flatten(order="F"))
    return np.array(columns).T


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_duplication_matrix_is_the_one_of_its_definition(size):
    assert np.array_equal(np.array(duplication_matrix(size).tolist(), dtype=float), brute_duplication(size))


SIZES = {2: "(1 + x1 | g)", 3: "(1 + x1 + x2 | g)"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_variance_components_by_duplication_matrix_and_by_information(size, seed):
    result = poisson(SIZES[size], size)
    values = spd(size, seed)
    sigma = as_array(values, size)
    names = [f"Sigma{j + 1}{i + 1}" for j in range(size) for i in range(j, size)]
    assert [str(s) for s in result.model.variance_parameters] == names
    found = np.array(coefficients(result, names, values))
    pseudo = np.linalg.pinv(brute_duplication(size))
    assert np.allclose(found, 2 * pseudo @ np.kron(sigma, sigma) @ pseudo.T, rtol=1e-12)
    free = [(i, j) for j in range(size) for i in range(j, size)]
    assert np.allclose(found, inverse_information(sigma, free), rtol=1e-9)


@pytest.mark.parametrize("random_part", ["(x1 || g)", "(1 | g) + (0 + x1 | g)"])
def test_independent_effects_have_independent_variance_components(random_part):
    result = poisson(random_part, 2)
    assert [str(s) for s in result.model.variance_parameters] == ["Sigma11", "Sigma22"]
    values = {"Sigma11": Fraction(3, 4), "Sigma22": Fraction(5, 3)}
    expected = inverse_information(np.diag([0.75, 5 / 3]), [(0, 0), (1, 1)])
    assert np.allclose(coefficients(result, list(values), values), expected)
    assert result["1", "x1"].terms == ()
    assert result["1"].term.status == result["x2"].term.status == "derived"


def test_mixed_blocks_keep_their_own_correlations():
    result = poisson("(1 + x1 | g) + (0 + x2 | g)", 3)
    assert [str(s) for s in result.model.variance_parameters] == ["Sigma11", "Sigma12", "Sigma22", "Sigma33"]
    sigma = np.array([[1.5, 0.25, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 2.0]])
    expected = inverse_information(sigma, [(0, 0), (1, 0), (1, 1), (2, 2)])
    point = {"Sigma11": "3/2", "Sigma12": "1/4", "Sigma22": "3/4", "Sigma33": 2}
    assert np.allclose(coefficients(result, list(point), point), expected)


@pytest.mark.parametrize(
    ("random_part", "predictors", "names"),
    [
        ("(1 | g)", 0, ["beta0", "sigma2"]),
        ("(1 | g)", 2, ["beta0", "beta1", "beta2", "sigma2"]),
        ("(0 + x1 | g)", 1, ["beta0", "beta1", "sigma2"]),
        ("(1 + x1 | g)", 1, ["beta0", "beta1", "Sigma11", "Sigma12", "Sigma22"]),
        ("(x2 | g)", 2, ["beta0", "beta1", "beta2", "Sigma11", "Sigma12", "Sigma22"]),
        ("(x1 + x2 | g)", 2, ["beta0", "beta1", "beta2", "Sigma11", "Sigma12", "Sigma13", "Sigma22", "Sigma23",
                              "Sigma33"]),
    ],
)  # fmt: skip
def test_parameters_are_named_and_ordered(random_part, predictors, names):
    result = poisson(random_part, predictors)
    assert [str(s) for s in result.model.parameters] == names
    assert result.covariance.shape == (len(names), len(names))


@pytest.mark.parametrize(("random_part", "predictors"), [("(1 | g)", 1), ("(1 + x1 | g)", 2), ("(x1 + x2 | g)", 2)])
def test_fixed_effects_with_random_effects_have_the_covariance_sigma(random_part, predictors):
    result = poisson(random_part, predictors)
    model = result.model
    sigma = model.effects_covariance
    for (i, a), (j, b) in product(enumerate(model.random_indices), repeat=2):
        entry = result[model.fixed_effects[a], model.fixed_effects[b]]
        assert (entry.coefficient, entry.term.order_text) == (sigma[i, j], "1/m")


def test_a_random_slope_without_random_intercept_takes_its_own_place():
    result = poisson("(0 + x1 | g)", 1)
    assert result["x1"].term.order_text == "1/m"
    assert result["1"].term.order_text == "1/(m*n)"


def test_blocks_are_uncorrelated():
    result = leading_terms(
        Model("y ~ x1 + x2 + (1 + x1 | g)", family="gamma", link="log", laws={"x1": UNIFORM, "x2": "Normal(0, 1)"})
    )
    groups = [["beta0", "beta1"], ["beta2"], ["Sigma11", "Sigma12", "Sigma22"], ["phi"]]
    for first, second in combinations_with_replacement(range(4), 2):
        for a, b in product(groups[first], groups[second]):
            assert bool(result[a, b].terms) == (first == second), (a, b)


# ---- the dispersion --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "link", "expected", "order"),
    [
        ("gaussian", "identity", 2 * PHI**2, "1/(m*n)"),
        ("gaussian", "log", 2 * PHI**2, "1/(m*n)"),
        ("inverse-gaussian", "log", 2 * PHI**2, "1/(m*n)"),
        ("gamma", "log", PHI**4 / (polygamma(1, 1 / PHI) - PHI), "1/(m*n)"),
    ],
)
def test_the_dispersion_has_its_own_entry(family, link, expected, order):
    result = leading_terms(Model("y ~ x + (1 | g)", family=family, link=link, laws={"x": UNIFORM}))
    assert result.model.parameters[-1] == PHI
    assert simplify(result["phi"].coefficient - expected) == 0
    assert result["phi"].term.order_text == order
    canonical = (family, link) == ("gaussian", "identity")
    assert result["phi"].term.status == ("theorem" if canonical else "derived")


# ---- C_B for the Gaussian response, exactly --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("random_part", "block_b"), [("(1 | g)", [1, 2, 3]), ("(1 + x1 | g)", [2, 3]), ("(1 + x1 + x2 | g)", [3])]
)
def test_the_gaussian_response_has_the_block_of_the_inverse_moment_matrix(random_part, block_b):
    laws = {"x1": "Gamma(2, 3)", "x2": "Beta(2, 3)", "x3": "Bernoulli(1/3)"}
    result = leading_terms(Model(f"y ~ x1 + x2 + x3 + {random_part}", family="gaussian", laws=laws))
    mean = Matrix([1, 6, Rational(2, 5), Rational(1, 3)])
    variances = [0, 18, Rational(1, 25), Rational(2, 9)]
    inverse = (mean * mean.T + Matrix.diag(*variances)).inv()
    for i, j in product(block_b, repeat=2):
        entry = result[f"beta{i}", f"beta{j}"]
        found = entry.coefficient if entry.terms else 0
        assert found == PHI * inverse[i, j]


# ---- C_B by quadrature over the random effects -----------------------------------------------------------------


def gauss_legendre() -> list[tuple[mpmath.mpf, mpmath.mpf]]:
    """Nodes of the uniform law on (-1, 1)."""
    return [(x, w / 2) for x, w in mpmath.calculus.quadrature.GaussLegendre(mp).calc_nodes(4, mp.prec)]


def gauss_line(step="0.25", reach=11) -> list[tuple[mpmath.mpf, mpmath.mpf]]:
    """Trapezoid nodes of the standard normal law."""
    h = mpmath.mpf(step)
    count = int(reach / h)
    nodes = [h * (k + mpmath.mpf(1) / 2) for k in range(-count, count)]
    return [(z, h * mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mp.pi)) for z in nodes]


def logistic(eta):
    return 1 / (2 + mpmath.exp(eta) + mpmath.exp(-eta))


INTERCEPT = "y ~ x + (1 | g)"
AT = {"beta0": "-3/10", "beta1": "7/10", "sigma2": "13/10"}


@pytest.mark.parametrize(
    ("law", "printed"),
    [
        # computed apart from leadterms, by ball arithmetic
        (UNIFORM, "0.06117883467249954592275859536907336069265449504508"),
        ("Normal(0, 1)", "0.15341397778461776095228158455983169803"),
    ],
)
def test_logistic_random_intercept_values(law, printed):
    result = leading_terms(Model(INTERCEPT, family="bernoulli", laws={"x": law}))
    found = result["x"].evaluate(AT, 20)
    assert abs(1 / mpmath.mpf(str(found)) - mpmath.mpf(printed)) < mpmath.mpf("1e-19")
    assert not result["x"].term.is_closed_form


def test_logistic_random_intercept_by_a_double_sum():
    result = leading_terms(Model(INTERCEPT, family="bernoulli", laws={"x": UNIFORM}))
    total = mp.zero
    x_nodes = gauss_legendre()
    b0, b1, sd = mpmath.mpf("-0.3"), mpmath.mpf("0.7"), mpmath.sqrt(mpmath.mpf("1.3"))
    for z, mass in gauss_line():
        shares = [(x, w * logistic(b0 + b1 * x + sd * z)) for x, w in x_nodes]
        h = [mpmath.fsum(w * x**k for x, w in shares) for k in range(3)]
        total += mass * (h[2] - h[1] ** 2 / h[0])
    found = mpmath.mpf(str(result["x"].evaluate(AT, 20)))
    assert abs(found * total - 1) < mpmath.mpf("1e-17")


SLOPES = {"beta0": "-3/10", "beta1": "7/10", "beta2": "4/10", "Sigma11": "1/2", "Sigma12": "1/10", "Sigma22": "1/4"}


@pytest.mark.slow
def test_logistic_random_slopes():
    result = leading_terms(Model("y ~ x1 + x2 + (1 + x1 | g)", family="bernoulli", laws={"x1": UNIFORM, "x2": UNIFORM}))
    # 1/C_2 computed apart from leadterms, by ball arithmetic
    printed = mpmath.mpf("0.06902262198297011893")
    found = mpmath.mpf(str(result["x2"].evaluate(SLOPES, 12)))
    assert abs(found * printed - 1) < mpmath.mpf("1e-11")


@pytest.mark.slow
def test_a_discrete_design_with_random_slopes_by_a_double_sum():
    """Logit, two arms with a random slope, a binary fixed predictor: every sum is laid by hand."""
    arms = {-1: 0.25, 1: 0.75}
    result = leading_terms(
        Model("y ~ arm + z + (1 + arm | g)", family="bernoulli",
              laws={"arm": "Finite({-1: 1/4, 1: 3/4})", "z": "Bernoulli(1/4)"})
    )  # fmt: skip
    sigma = np.array([[0.5, 0.1], [0.1, 0.25]])
    root = np.linalg.cholesky(sigma)
    rows = np.array([[1.0, a, z] for a in arms for z in (0, 1)])
    mass = np.array([p * q for p in arms.values() for q in (0.75, 0.25)])
    z, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    total = 0.0
    for (z0, w0), (z1, w1) in product(zip(z, w, strict=True), repeat=2):
        u = root @ np.array([z0, z1])
        eta = rows @ np.array([-0.3 + u[0], 0.7 + u[1], 0.4])
        share = mass / (2 + np.exp(eta) + np.exp(-eta))
        h = rows.T @ (share[:, None] * rows)
        total += w0 * w1 / np.linalg.inv(h)[2, 2]
    found = float(result["z"].evaluate(SLOPES, 10))
    assert found * total == pytest.approx(1, rel=1e-9)


@pytest.mark.slow
def test_two_fixed_only_predictors_by_a_double_sum():
    """The whole block C_B for d_B = 2: off-diagonal entry included."""
    result = leading_terms(
        Model("y ~ x1 + x2 + (1 | g)", family="negative-binomial(2)",
              laws={"x1": "Bernoulli(1/3)", "x2": "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"})
    )  # fmt: skip
    mp.dps = 22
    cells = [((1, a, b), p * q) for a, p in ((0, mp.one * 2 / 3), (1, mp.one / 3))
             for b, q in ((-1, mp.one / 4), (0, mp.one / 2), (1, mp.one / 4))]  # fmt: skip
    beta = [mpmath.mpf(v) for v in ("0.2", "-0.5", "0.4")]
    total = mpmath.zeros(2)
    for z, mass in gauss_line("0.2"):
        h = mpmath.zeros(3)
        for row, p in cells:
            mean = mpmath.exp(mpmath.fdot(beta, row) + mpmath.sqrt(mpmath.mpf("0.3")) * z)
            share = p * mean / (1 + mean / 2)
            for i, j in product(range(3), repeat=2):
                h[i, j] += share * row[i] * row[j]
        total += mass * mpmath.matrix(
            [[h[i, j] - h[0, i] * h[0, j] / h[0, 0] for j in (1, 2)] for i in (1, 2)]
        )  # fmt: skip
    inverse = total**-1
    for i, j in combinations_with_replacement((0, 1), 2):
        point = {"beta0": "0.2", "beta1": "-0.5", "beta2": "0.4", "sigma2": "0.3"}
        found = mpmath.mpf(str(result[f"x{i + 1}", f"x{j + 1}"].evaluate(point, 14)))
        assert abs(found - inverse[i, j]) < mpmath.mpf("1e-12") * abs(inverse[i, i])


@pytest.mark.slow
def test_a_factorial_of_three_factors_against_matrices():
    """Seven fixed effects in twenty-eight entries, the inverse of which is not written out."""
    values = [-1 / 2, 1 / 3, 1 / 4, 1 / 5, -1 / 6, 1 / 7, 1 / 8, -1 / 9]
    names = ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]
    result = leading_terms(
        Model("y ~ a*b*c + (1 | g)", family="bernoulli", laws=dict.fromkeys("abc", "Bernoulli(1/2)"))
    )
    cells = np.array(list(product((0, 1), repeat=3)))
    a, b, c = cells.T
    rows = np.stack([a**0, a, b, c, a * b, a * c, b * c, a * b * c], axis=1)
    z, mass = np.polynomial.hermite_e.hermegauss(80)
    total = 0
    for node, share in zip(z, mass / mass.sum(), strict=True):
        eta = rows @ np.array(values) + 0.5**0.5 * node
        h = rows.T @ (rows / (8 * (2 + np.exp(eta) + np.exp(-eta)))[:, None])
        total = total + share * (h[1:, 1:] - np.outer(h[1:, 0], h[0, 1:]) / h[0, 0])
    inverse = np.linalg.inv(total)
    exact = ["-1/2", "1/3", "1/4", "1/5", "-1/6", "1/7", "1/8", "-1/9"]
    point = {f"beta{i}": value for i, value in enumerate(exact)} | {"sigma2": "1/2"}
    for i, j in ((0, 0), (4, 4), (6, 6), (0, 5), (2, 6)):
        found = result[names[i], names[j]].evaluate(point, 8, method="balls")
        assert float(found) == pytest.approx(inverse[i, j], rel=1e-7, abs=1e-7)
