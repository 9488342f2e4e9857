"""V of a design and its derivative: against the engine's coefficients, plain numpy, and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model, expansion
from leadterms.inference.design_information import design_variance, normal_nodes
from leadterms.inference.design_problem import design_problem

REGION = {"x": (-2, 2)}
RANDOM = [
    # formula, family, link, point
    ("y ~ x", "bernoulli", "logit", "beta0=-0.4, beta1=0.9"),
    ("y ~ x + I(x**2)", "poisson", "log", "beta0=0.2, beta1=-0.5, beta2=0.3"),
    ("y ~ x + I(x**2)", "gamma", "log", "beta0=0.2, beta1=-0.5, beta2=0.3, phi=0.7"),
    ("y ~ x + (1 | g)", "bernoulli", "logit", "beta0=-0.4, beta1=0.9, sigma2=0.8"),
    ("y ~ x + (1 | g)", "bernoulli", "probit", "beta0=-0.4, beta1=0.9, sigma2=0.25"),
    ("y ~ x + (1 | g)", "poisson", "log", "beta0=0.1, beta1=0.6, sigma2=0.5"),
    ("y ~ x + I(x**2) + (1 + x | g)", "poisson", "log",
     "beta0=0.1, beta1=0.4, beta2=-0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.2"),
    ("y ~ x + (0 + x | g)", "gaussian", "identity", "beta0=0, beta1=1, sigma2=2, phi=1.7"),
]  # fmt: skip


def stated(formula, family, link, law="Uniform(-2, 2)"):
    return Model(formula, family=family, link=link, laws={"x": law})


def numbers_of(case, target=None, **options):
    formula, family, link, at = case
    model = stated(formula, family, link)
    wanted = target or ("second" if model.is_mixed else "leading")
    return design_problem(model, at, REGION, options.get("coefficients"), options.get("contrast"), wanted).numbers


@pytest.mark.slow
@pytest.mark.parametrize("case", RANDOM)
def test_against_the_engine_at_the_same_finite_law(case):
    """Every entry of phi K, by an expansion whose law has the design's points: no code is shared beyond the model."""
    formula, family, link, at = case
    points, weights = ["-1.5", "0.25", "1"], ["0.2", "0.5", "0.3"]
    inside = ", ".join(f"{x}: {w}" for x, w in zip(points, weights, strict=True))
    model = stated(formula, family, link, f"Finite({{{inside}}})")
    result = expansion(model, terms=2 if model.is_mixed else 1)
    order = "1/(m*n)" if model.is_mixed else "1/n"
    effects = model.fixed_effects
    size = len(effects)
    expected = np.zeros((size, size))
    for i in range(size):
        for j in range(i, size):
            entry = result[effects[i], effects[j]]
            if any(term.order_text == order for term in entry.terms):
                expected[i, j] = expected[j, i] = float(entry.evaluate(at, 12, order=order))
    numbers = numbers_of(case)
    nodes = normal_nodes(numbers.covariance, 60)
    found = design_variance(numbers, np.array(points, float)[:, None], np.array(weights, float), nodes).matrix
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", RANDOM)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_derivative_is_the_limit_of_differences(case, seed):
    """d/de tr(V C C') along xi + e (delta_x - xi) is tr(V C C') - gradient(x)."""
    rng = np.random.default_rng(seed)
    numbers = numbers_of(case)
    nodes = normal_nodes(numbers.covariance, 12)
    points, weights = rng.uniform(-2, 2, (4, 1)), rng.dirichlet(np.ones(4))
    factor = rng.normal(size=(numbers.contrasts.shape[1], 2))
    x = rng.uniform(-2, 2, (1, 1))

    def value(share):
        moved = np.append((1 - share) * weights, share)
        matrix = design_variance(numbers, np.vstack([points, x]), moved, nodes).matrix
        return np.trace(factor.T @ matrix @ factor)

    base = design_variance(numbers, points, weights, nodes)
    step = 1e-5
    slope = (value(step) - value(-step)) / (2 * step)
    expected = value(0.0) - base.gradient(x, factor)[0]
    assert slope == pytest.approx(expected, rel=1e-6, abs=1e-6 * value(0.0))
    # and the gradient averages to the value over the design
    assert weights @ base.gradient(points, factor) == pytest.approx(value(0.0), rel=1e-11)


@pytest.mark.parametrize("case", RANDOM)
def test_variances_are_convex_and_homogeneous_in_the_design(case):
    """At random pairs of designs: V at the mixture is at most the mixture of V, as a matrix."""
    rng = np.random.default_rng(3)
    numbers = numbers_of(case)
    nodes = normal_nodes(numbers.covariance, 12)
    points = np.linspace(-2, 2, 6)[:, None]
    for _ in range(20):
        first, second = rng.dirichlet(np.full(6, 0.6)), rng.dirichlet(np.full(6, 0.6))
        share = rng.uniform()
        v = [
            design_variance(numbers, points, w, nodes).matrix
            for w in (first, second, share * first + (1 - share) * second)
        ]
        mixed = share * v[0] + (1 - share) * v[1] - v[2]
        assert np.linalg.eigvalsh(mixed).min() > -1e-9 * np.trace(v[2])
        assert np.allclose(design_variance(numbers, points, 3 * first, nodes).matrix, v[0] / 3, rtol=1e-10)


def test_without_random_effects_it_is_the_inverse_of_the_weighted_cross_product():
    numbers = numbers_of(RANDOM[1])
    x, weights = np.array([-2.0, -0.3, 0.4, 1.9]), np.array([0.1, 0.2, 0.3, 0.4])
    design = np.stack([np.ones(4), x, x**2], axis=1)
    masses = weights * np.exp(design @ [0.2, -0.5, 0.3])
    expected = np.linalg.inv(design.T @ (masses[:, None] * design))
    found = design_variance(numbers, x[:, None], weights, normal_nodes(numbers.covariance, 1)).matrix
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_nodes_have_the_moments_of_the_normal_law():
    covariance = np.array([[0.5, 0.1], [0.1, 0.3]])
    nodes = normal_nodes(covariance, 7)
    assert nodes.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(nodes.points.T @ (nodes.weights[:, None] * nodes.points), covariance, rtol=1e-12)
    # E exp(t'U) = exp(t'Sigma t/2)
    t = np.array([0.7, -0.4])
    mean = nodes.weights @ np.exp(nodes.points @ t)
    assert mean == pytest.approx(np.exp(t @ covariance @ t / 2), rel=1e-9)
