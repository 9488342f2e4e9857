"""Scales of variance components: against NumPy's Cholesky factor, and derivatives against finite differences."""

from __future__ import annotations

from math import atanh, log, sqrt

import numpy as np
import pytest
from sympy import Float, ImmutableMatrix, Matrix, Symbol, zeros

from leadterms import EvaluationError
from leadterms.inference.scales import SCALES, interval, scaled_parameters, values_and_jacobian
from leadterms.notation.symbols import PHI, effect_covariance, fixed_effect, variance_component


def block(first: int, size: int) -> ImmutableMatrix:
    return ImmutableMatrix(size, size, lambda i, j: effect_covariance(first + int(i), first + int(j)))


def free(blocks) -> list[Symbol]:
    return [b[i, j] for b in blocks for j in range(b.cols) for i in range(j, b.rows)]


def random_covariance(rng, size):
    root = rng.standard_normal((size, size + 2))
    return root @ root.T / size


def case(rng, sizes):
    """Return parameters, blocks and values: an intercept, blocks of random covariance matrices, and phi."""
    starts = np.cumsum([1, *sizes[:-1]])
    blocks = [block(int(start), size) for start, size in zip(starts, sizes, strict=True)]
    values = {fixed_effect(0): 0.3}
    for b in blocks:
        matrix = random_covariance(rng, b.rows)
        values |= {b[i, j]: float(matrix[i, j]) for j in range(b.cols) for i in range(j, b.rows)}
    return blocks, values | {PHI: 0.7}


@pytest.mark.parametrize("sizes", [[2], [3], [1, 2]])
@pytest.mark.parametrize("scale", SCALES)
def test_derivatives_are_those_of_finite_differences(scale, sizes):
    blocks, values = case(np.random.default_rng(len(sizes) + sizes[0]), sizes)
    scaled = scaled_parameters(tuple(values), blocks, scale)

    def at(numbers):
        return values_and_jacobian(scaled, dict(zip(values, map(Float, numbers), strict=True)))

    centre = np.array(list(values.values()))
    found = at(centre)[1]
    for column, direction in enumerate(np.eye(len(centre)) * 1e-5):
        slope = (at(centre + direction)[0] - at(centre - direction)[0]) / 2e-5
        assert found[:, column] == pytest.approx(slope, abs=1e-7, rel=1e-7)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_values_on_every_scale(size):
    rng = np.random.default_rng(40 + size)
    matrix = random_covariance(rng, size)
    own = block(1, size)
    values = {own[i, j]: Float(matrix[i, j]) for j in range(size) for i in range(j, size)}

    def on(scale):
        scaled = scaled_parameters(tuple(values), [own], scale)
        return dict(zip([one.name for one in scaled], values_and_jacobian(scaled, values)[0], strict=True))

    lower = np.linalg.cholesky(matrix)
    for j in range(size):
        k = j + 1
        assert on("sd")[f"sd(Sigma{k}{k})"] == pytest.approx(sqrt(matrix[j, j]))
        assert on("log-Cholesky")[f"log(L{k}{k})"] == pytest.approx(log(lower[j, j]))
        assert on("variance")[f"Sigma{k}{k}"] == pytest.approx(matrix[j, j])
        assert on("log")[f"log(Sigma{k}{k})"] == pytest.approx(log(matrix[j, j]))
        for i in range(j + 1, size):
            correlation = matrix[i, j] / sqrt(matrix[i, i] * matrix[j, j])
            assert on("correlation")[f"cor(Sigma{k}{i + 1})"] == pytest.approx(correlation)
            assert on("log-Cholesky")[f"L{i + 1}{k}"] == pytest.approx(lower[i, j])


def test_names_of_single_variances_of_several_groupings():
    symbols = [variance_component(("a",)), variance_component(("b",))]
    scaled = scaled_parameters(tuple(symbols), [Matrix([[s]]) for s in symbols], "log-Cholesky")
    assert [one.name for one in scaled] == ["log(L_a)", "log(L_b)"]


@pytest.mark.parametrize(
    ("scale", "gaussian", "name"),
    [
        ("variance", True, "phi"),
        ("sd", True, "sd(phi)"),
        ("sd", False, "phi"),
        ("correlation", True, "sd(phi)"),
        ("log-Cholesky", False, "log(phi)"),
        ("log", True, "log(phi)"),
        ("log", False, "log(phi)"),
    ],
)
def test_only_an_error_variance_has_a_standard_deviation(scale, gaussian, name):
    (found,) = scaled_parameters((PHI,), [], scale, gaussian)
    assert found.name == name
    assert not found.testable


def test_intervals_are_formed_on_the_working_scale():
    low, high = interval(0.4, 0.3, 1.96, "log")
    assert (log(low), log(high)) == pytest.approx((log(0.4) - 1.96 * 0.75, log(0.4) + 1.96 * 0.75))
    low, high = interval(-0.6, 0.2, 1.96, "Fisher z")
    reach = 1.96 * 0.2 / (1 - 0.36)
    assert (atanh(low), atanh(high)) == pytest.approx((atanh(-0.6) - reach, atanh(-0.6) + reach))
    assert interval(1.0, 0.5, 2.0, "plain") == (0.0, 2.0)


def test_fisher_s_z_has_no_use_for_the_correlation_in_its_own_error():
    """Of n normal draws a correlation has asymptotic variance (1 - r^2)^2/n, Fisher's z 1/n (Fisher 1921)."""
    own = block(1, 2)
    values = {own[0, 0]: Float(2), own[1, 0]: Float("0.6"), own[1, 1]: Float("0.5")}
    scaled = scaled_parameters(tuple(values), [own], "correlation")
    jacobian = values_and_jacobian(scaled, values)[1]
    a, c, b = (float(value) for value in values.values())
    # covariances of the entries of a sample covariance matrix, times n (Wishart; Anderson 1958, section 3.2)
    wishart = np.array([[2 * a * a, 2 * a * c, 2 * c * c], [2 * a * c, a * b + c * c, 2 * b * c],
                        [2 * c * c, 2 * b * c, 2 * b * b]])  # fmt: skip
    r = c / sqrt(a * b)
    assert (jacobian @ wishart @ jacobian.T)[1, 1] == pytest.approx((1 - r * r) ** 2)


def test_an_unknown_scale_is_refused():
    with pytest.raises(EvaluationError, match=r"the scale 'precision' is not known: choose one of 'variance', 'log'"):
        scaled_parameters((PHI,), [zeros(0, 0)], "precision")
