"""Functions of arrays: points per second and core, beside nested quadrature by scipy in the same run."""

import time

import numpy as np
import pytest

import leadterms as lt
from leadterms.evaluation.arrays import array_function

POINTS = 200_000
LIMITS = {1e-9: 1_000_000, 1e-12: 400_000}
"""Points per second and core that are aimed at, by accuracy."""


@pytest.fixture(scope="module")
def slope():
    model = lt.Model("y ~ x + (1 | group)", family="bernoulli", laws={"x": "Uniform(-1, 1)"})
    return lt.leading_terms(model)["x"].coefficient


def seconds(function, repeats):
    """Least processor time of some runs: other programs only add to it."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def nested_quadrature(beta0, beta1, sigma2):
    integrate = pytest.importorskip("scipy.integrate")
    s = np.sqrt(sigma2)

    def moment(k, u):
        return integrate.quad(lambda x: x**k / (8 * np.cosh((beta0 + u + beta1 * x) / 2) ** 2), -1, 1)[0]

    def integrand(z):
        return (moment(2, s * z) - moment(1, s * z) ** 2 / moment(0, s * z)) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    return 1 / integrate.quad(integrand, -9, 9, epsabs=0, epsrel=1e-9)[0]


@pytest.mark.parametrize("accuracy", LIMITS)
def test_logistic_random_intercept(benchmark, slope, accuracy):
    """Random parameters; a quadrature for each point is slower by a factor of hundreds at the least."""
    random = np.random.default_rng(0)
    arrays = {
        "beta0": random.uniform(-2, 2, POINTS),
        "beta1": random.uniform(-1.5, 1.5, POINTS),
        "sigma2": random.uniform(0.09, 2.25, POINTS),
    }
    function = array_function(slope, sorted(slope.free_symbols, key=str), accuracy=accuracy)
    values = benchmark.pedantic(function, kwargs=arrays, rounds=3, warmup_rounds=1)
    speed = POINTS / seconds(lambda: function(**arrays), 5)
    benchmark.extra_info.update({"points per second and core": round(speed), "aim": LIMITS[accuracy]})
    some = [{name: array[i] for name, array in arrays.items()} for i in range(3)]
    expected = [nested_quadrature(**point) for point in some]
    # scipy is asked for a relative 1e-9
    assert np.max(np.abs(values[:3] / expected - 1)) < 1e-8
    ratio = speed * seconds(lambda: [nested_quadrature(**point) for point in some], 1) / len(some)
    benchmark.extra_info["times as fast as nested quadrature"] = round(ratio)
    assert ratio > 300
