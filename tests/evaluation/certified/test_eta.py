"""Linear predictors that are parabolas in unbounded predictors: their range, and values under the log link."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import acb, arb
from scipy import stats
from scipy.integrate import quad

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.rules.eta import Predictor

LAWS = {
    "Gamma(2, 1)": stats.gamma(2),
    "LogNormal(0, 1/2)": stats.lognorm(0.5),
    "Laplace(1, 2)": stats.laplace(1, 2),
    "Uniform(-1, 2)": stats.uniform(-1, 3),
    "Beta(2, 3)": stats.beta(2, 3),
    "Triangular(-1, 1, 0)": stats.triang(0.5, -1, 2),
}


@pytest.mark.parametrize("slopes", [(0.7, -0.4, 1.5), (-2.0, -0.1, 0.0), (0.5, 3.0, -1.0)])
def test_the_range_of_a_parabola_and_a_bounded_predictor(slopes: tuple[float, ...]) -> None:
    predictor = Predictor(2, [(1, 0), (2, 0), (0, 1)])
    ends = ((None, None), (arb(-1), arb(2)))
    low, high, height = predictor.range(arb(0.25), [arb(slope) for slope in slopes], ends)
    x, z = np.meshgrid(np.linspace(-20, 20, 4001), np.linspace(-1, 2, 31))
    eta = 0.25 + slopes[0] * x + slopes[1] * x**2 + slopes[2] * z
    assert height == 0
    if slopes[1] < 0:
        assert low is None
        assert eta.max() <= float(high) <= eta.max() + 2.1 * abs(slopes[2])
    else:
        assert high is None
        assert eta.min() - 2.1 * abs(slopes[2]) <= float(low) <= eta.min()


def test_no_range_where_a_square_may_be_either_or_stands_in_a_product() -> None:
    ends = ((arb(0), None), (arb(-1), arb(2)))
    assert Predictor(2, [(2, 0)]).range(arb(0), [arb(0, 1)], ends)[:2] == (None, None)
    assert Predictor(2, [(2, 1)]).range(arb(0), [arb(-1)], ends)[:2] == (None, None)
    assert Predictor(2, [(3, 0)]).range(arb(0), [arb(-1)], ((None, None), ends[1]))[:2] == (None, None)
    # on one side of zero a cube has a top
    assert Predictor(2, [(3, 0)]).range(arb(0), [arb(-1)], ends)[:2] == (None, 0)


def test_products_of_unbounded_predictors_end_at_zero_on_one_side() -> None:
    """Against random points of the supports, x >= 1/2, z <= 0, v of both signs."""
    draw = np.random.default_rng(7)
    ends = ((arb(0.5), None), (None, arb(0)), (None, None))
    x, z, v = 0.5 + draw.exponential(9, 4000), -draw.exponential(9, 4000), draw.normal(0, 9, 4000)
    for monomial, slope, sign in [
        ((1, 1, 0), 2.0, -1),
        ((1, 1, 0), -2.0, 1),
        ((1, 2, 0), 2.0, 1),
        ((1, 0, 2), -2.0, -1),
        ((1, 3, 4), -2.0, 1),
        ((1, 0, 1), 2.0, 0),
        ((0, 1, 3), -2.0, 0),
    ]:
        low, high, height = Predictor(3, [monomial]).range(arb(1), [arb(slope)], ends)
        eta = 1 + slope * x ** monomial[0] * z ** monomial[1] * v ** monomial[2]
        assert height == 0
        assert (low, high) == ((1, None) if sign > 0 else (None, 1) if sign < 0 else (None, None))
        assert low is None or eta.min() >= 1
        assert high is None or eta.max() <= 1
    # a slope of no known sign, and functions in place of powers, whose signs are not those of powers
    assert Predictor(3, [(1, 1, 0)]).range(arb(1), [arb(0, 1)], ends)[:2] == (None, None)
    functions = Predictor(3, [(1, 2, 0)], [lambda value, k: -value] * 3)
    assert functions.range(arb(1), [arb(1)], ends)[:2] == (None, None)


@pytest.mark.parametrize("monomials", [[(1, 1), (0, 1)], [(0, 1), (1, 1)], [(0, 1), (2, 0), (1, 0)]])
def test_imaginary_parts_of_all_monomials_count(monomials: list[tuple[int, int]]) -> None:
    """With 3i z, |z| at most 2, beside real slopes of what is unbounded."""
    slopes = [acb(0, 3) if m == (0, 1) else acb(1) for m in monomials]
    ends = ((arb(0), None), (arb(-1), arb(2)))
    height = Predictor(2, monomials).range(acb(0), slopes, ends)[2]
    assert 6 <= float(height) <= 6.001


@pytest.mark.parametrize("law", LAWS)
def test_leading_terms_with_a_square_under_the_log_link(law: str) -> None:
    entry = leading_terms(Model("y ~ x + I(x**2) + (1 | g)", family="poisson", laws={"x": law}))["x"]
    found = entry.evaluate("beta0=-0.3, beta1=0.7, beta2=-0.4, sigma2=0.4", 6, method="balls")

    def moment(k: int) -> Any:
        low, high = max(LAWS[law].support()[0], -60), min(LAWS[law].support()[1], 60)
        points = [one for one in (0, 1, 3) if low < one < high]
        return quad(lambda x: x**k * np.exp(0.7 * x - 0.4 * x * x) * LAWS[law].pdf(x), low, high, points=points)[0]

    m = np.array([[moment(j + k) for k in range(3)] for j in range(3)]) * np.exp(-0.3 + 0.4 / 2)
    exact = np.linalg.inv(m)[1, 1]
    assert abs(float(found.value) - exact) <= float(found.error) + 1e-5 * exact


def test_even_polynomials_of_a_normal_predictor_under_an_exponential_weight() -> None:
    """Which is bounded by their tops: against a sum."""
    model = Model("y ~ x + I(x**3) + I(x**4)", family="poisson", laws={"x": "Normal(0, 1)"})
    at = "beta0=-1/2, beta1=1/2, beta2=1/5, beta3=-3/10"
    found = float(leading_terms(model)["I(x**4)"].evaluate(at, 6, method="balls"))
    x = np.linspace(-9, 9, 20_001)
    rows = np.stack([x**0, x, x**3, x**4])
    weights = np.exp(-x * x / 2 - 0.5 + 0.5 * x + 0.2 * x**3 - 0.3 * x**4) * (x[1] - x[0]) / np.sqrt(2 * np.pi)
    assert found == pytest.approx(float(np.linalg.inv((rows * weights) @ rows.T)[3, 3]), rel=2e-6)


SIDES = [(arb(-1), arb(1)), (arb(0), arb(1)), (arb(0), None), (None, None), (None, arb(2))]


@pytest.mark.parametrize("seed", range(40))
def test_ranges_hold_all_values(seed: int) -> None:
    """Polynomials with bounded and unbounded predictors at random values, some of them at the ends."""
    draw = np.random.default_rng(seed)
    size = int(draw.integers(2, 4))
    monomials = [tuple(map(int, draw.integers(0, 3, size))) for _ in range(4)]
    monomials = list(dict.fromkeys(e for e in monomials if any(e)))
    slopes = [float(v) for v in draw.normal(size=len(monomials)).round(2)]
    ends = [SIDES[k] for k in draw.integers(0, len(SIDES), size)]
    low, high, height = Predictor(size, monomials).range(arb(0.25), [arb(v) for v in slopes], ends)
    assert height == 0
    for _ in range(300):
        x = [
            float(draw.choice([float(a), float(b), draw.uniform(float(a), float(b))]))
            if a is not None and b is not None
            else (float(a) + draw.exponential(5) if a is not None else
                  float(b) - draw.exponential(5) if b is not None else 5 * draw.normal())
            for a, b in ends
        ]  # fmt: skip
        eta = 0.25 + sum(s * np.prod(np.power(x, e)) for s, e in zip(slopes, monomials, strict=True))
        assert low is None or eta >= float(low) - 1e-9
        assert high is None or eta <= float(high) + 1e-9


@pytest.mark.parametrize(
    ("slopes", "top"),
    [((0.2, 0, -1), 0.2), ((0.2, -1, 1), 0.2), ((0.2, 0.5, -0.9), None), ((0, -0.5, -0.5), 0), ((0, 0.1, 0), None)],
)
def test_slopes_that_oppose_each_other(slopes: tuple[float, ...], top: float | None) -> None:
    """eta = a x + b z + c x z, x from 0 to 1, z from 0 on: at most a where neither b nor b + c is positive."""
    ends = [(arb(0), arb(1)), (arb(0), None)]
    high = Predictor(2, [(1, 0), (0, 1), (1, 1)]).range(arb(0), [arb(v) for v in slopes], ends)[1]
    assert (high is None) if top is None else float(high) == pytest.approx(top)
