"""Second terms against the exact information of a group, by enumeration of all data and extrapolation in 1/n."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms import Model, expansion
from leadterms.information.exact import exact_information
from leadterms.information.exact_excess import extrapolate, scaled_excess

pytestmark = pytest.mark.slow


def limit(model: Model, at: str, sizes: list[int]) -> tuple[np.ndarray, float]:
    """n (inverse information - leading block) as n -> oo, and the largest error."""
    found = [scaled_excess(exact_information(model, at, n)) for n in sizes]
    end = extrapolate(sizes, [one.matrix for one in found], [one.error for one in found])
    return end.value, float(np.max(end.error))


def derived(model: Model, at: str) -> np.ndarray:
    """The coefficients of 1/(mn), zero where there is none."""
    result = expansion(model)
    parameters = model.parameters
    values = np.zeros((len(parameters),) * 2)
    for i, first in enumerate(parameters):
        for j, second in enumerate(parameters[: i + 1]):
            entry = result[first, second]
            if any(term.order_text == "1/(m*n)" for term in entry.terms):
                values[i, j] = values[j, i] = float(entry.evaluate(at, 8, order="1/(m*n)"))
    return values


HALF = {"x": "Bernoulli(1/2)"}
ARMS = {"x": "Bernoulli(1/2)", "arm": "Bernoulli(1/2)"}


@pytest.mark.parametrize(
    ("model", "at", "sizes"),
    [
        (Model("y ~ x + (1 | g)", family="bernoulli", laws=HALF), "beta0=-0.4, beta1=0.9, sigma2=0.8",
         [80, 160, 320, 640]),
        (Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws=HALF),
         "beta0=-0.4, beta1=0.9, sigma2=0.25", [80, 160, 320]),
        (Model("y ~ x + (1 | g)", family="poisson", laws=HALF), "beta0=0.3, beta1=-0.5, sigma2=0.2", [16, 32, 64, 128]),
        (Model("y ~ x + (0 + x | g)", family="bernoulli", laws={"x": "Finite({1: 1/2, 2: 1/2})"}),
         "beta0=0.2, beta1=-0.4, sigma2=0.2", [80, 160, 320]),
        (Model("y ~ arm + x + (1 | g)", family="bernoulli", laws=ARMS, levels={"arm": "g"}),
         "beta0=-0.4, beta1=0.7, beta2=0.5, sigma2=0.5", [80, 160, 320, 640]),
        (Model("y ~ arm*x + (1 | g)", family="bernoulli", laws=ARMS, levels={"arm": "g"}),
         "beta0=0.1, beta1=0.4, beta2=0.5, beta3=-0.3, sigma2=0.4", [80, 160, 320]),
        # no random effect on the term that the arm moves: informed within groups, G is not singular
        (Model("y ~ arm + x + (0 + x | g)", family="bernoulli", laws=ARMS, levels={"arm": "g"}),
         "beta0=0.1, beta1=0.4, beta2=0.5, sigma2=0.3", [160, 320, 640, 1280]),
    ],
    ids=["logit", "probit", "log", "slope", "arm", "arm-interaction", "arm-in-block-B"],
)  # fmt: skip
def test_exact_information_tends_to_the_second_terms(model, at, sizes):
    exact, error = limit(model, at, sizes)
    values = derived(model, at)
    size = float(np.max(np.abs(values)))
    assert np.max(np.abs(values - exact)) < 3 * error + 1e-9 * size
    assert error < 5e-3 * size


def test_where_the_intercept_has_no_second_term_the_slope_has_its_leading_one():
    # cloglog: E[1/H_AA] is infinite, G is not
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Bernoulli(1/4)"})
    at = "beta0=-0.6, beta1=0.5, sigma2=0.1"
    exact, _ = limit(model, at, [80, 160, 320])
    found = expansion(model)
    assert found["1"].of_order("1/(m*n)").exists is False
    assert float(found["x"].evaluate(at, 8)) == pytest.approx(exact[1, 1], rel=2e-3)


def test_unequal_groups_tend_to_their_own_terms():
    # half the groups with 20b observations, half with 60b; over b, extrapolated: 1/n_h and m/N are kept apart
    model, at = Model("y ~ x + (1 | g)", family="bernoulli", laws=HALF), "beta0=-0.4, beta1=0.9, sigma2=0.8"
    excesses, scales = [], [1, 2, 4, 8]
    for b in scales:
        both = [exact_information(model, at, size * b) for size in (20, 60)]
        mean = (both[0].matrix + both[1].matrix) / 2
        excess = np.linalg.inv(mean)
        known = np.flatnonzero(np.diag(both[0].leading))
        excess[np.ix_(known, known)] -= np.linalg.inv(both[0].leading[np.ix_(known, known)])
        excesses.append(b * excess)
    end = extrapolate(scales, excesses)
    result = expansion(model, group_sizes="unequal")
    leading = {("1", "1"): 0.8, ("sigma2", "sigma2"): 1.28}
    names = [result.names[parameter] for parameter in model.parameters]
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            value = 2 * float(result[first, second].evaluate_variance(at, [20, 60])) - leading.get((first, second), 0)
            assert value == pytest.approx(end.value[i, j], abs=3 * float(np.max(end.error)))
    assert float(np.max(end.error)) < 2e-2
