"""Grids of powers: against the certified power at single points, and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, ncx2, norm

from leadterms import EvaluationError, ExistenceError, Model, ModelError, expansion, leading_terms
from leadterms.inference.power_grid import power_grid
from leadterms.inference.sample_size import sample_size
from tests.inference.planning_models import STUDIES, derived


@pytest.mark.parametrize(
    ("name", "stated", "sides"),
    [
        ("poisson slopes", "x", 1),
        ("poisson slopes", "Sigma12", 2),
        ("poisson slopes", ["x = 0.1", "beta0 = -1.3"], 2),
        ("logistic intercept", "x = 0.4", 2),
        ("arms", ["arm", "x"], 2),
        ("gamma with dispersion", "phi = 1", 2),
        ("no groups", "x - z = 0.2", 2),
    ],
)
def test_single_points(name, stated, sides):
    result, at, sizes = derived(name)
    slopes = np.linspace(0.15, 0.6, 5)
    grown = "m" if "m" in sizes else "n"
    sized = sizes | {grown: np.array([sizes[grown], 2 * sizes[grown]])}
    grid = power_grid(result, stated, at | {"beta1": slopes[:, None]}, sized, sides=sides)
    assert grid.shape == (5, 2)
    for i, j in ((0, 1), (3, 0), (4, 1)):
        here = {key: int(np.broadcast_to(value, 2)[j]) for key, value in sized.items()}
        there = at | {"beta1": repr(float(slopes[i]))}
        plan = sample_size(result, stated, there, sizes=here, sides=sides, solve="power")
        assert grid[i, j] == pytest.approx(float(plan.value), abs=1e-9)


def test_effects_of_their_own():
    result, at, sizes = derived("poisson slopes")
    effects = np.linspace(-0.5, 0.5, 11)
    grid = power_grid(result, "x", at, sizes, effect=effects, alpha="0.01")
    delta = effects / np.sqrt(float(result["x"].evaluate_variance(at, sizes)))
    z = norm.isf(0.005)
    assert grid == pytest.approx(norm.sf(z - delta) + norm.sf(z + delta), abs=1e-12)
    # no effect has the level
    assert grid[5] == pytest.approx(0.01, abs=1e-14)


def test_one_side_has_one_direction():
    result, at, sizes = derived("poisson slopes")
    effects = np.linspace(-0.5, 0.5, 11)
    delta = effects / np.sqrt(float(result["x"].evaluate_variance(at, sizes)))
    greater, less = (
        power_grid(result, "x", at, sizes, effect=effects, sides=1, alternative=own) for own in ("greater", "less")
    )
    # P(Z > z - delta), of a test that rejects for large estimates; and for small ones
    assert greater == pytest.approx(norm.sf(norm.isf(0.05) - delta), abs=1e-12)
    assert less == pytest.approx(norm.sf(norm.isf(0.05) + delta), abs=1e-12)
    assert (greater[:5] < 0.05).all()
    assert greater[5] == pytest.approx(0.05, abs=1e-14)


@pytest.mark.parametrize("slope", ["0.3", "-0.3"])
def test_one_side_is_that_of_the_effect_as_for_single_answers(slope):
    result, at, sizes = derived("poisson slopes")
    there = at | {"beta1": slope}
    plan = sample_size(result, "x", there, sizes=sizes, sides=1, solve="power")
    found = float(power_grid(result, "x", there, sizes, sides=1))
    assert found == pytest.approx(float(plan.value), abs=1e-9)
    own = "greater" if slope == "0.3" else "less"
    assert found == float(power_grid(result, "x", there, sizes, sides=1, alternative=own))


def test_texts_and_points_outside():
    result, at, sizes = derived("poisson slopes")
    text = ", ".join(f"{name}={value}" for name, value in at.items())
    assert float(power_grid(result, "x", text, "m=130, n=20")) == float(power_grid(result, "x", at, sizes))
    # Sigma11 is in no leading term of the slope
    moved = at | {"Sigma11": [0.5, -0.5, 0.03]}
    assert np.isnan(power_grid(result, "x", moved, sizes, terms=1)).tolist() == [False, True, True]


def test_one_term_of_an_expansion_with_two_is_that_of_the_leading_terms():
    result, at, sizes = derived("poisson slopes")
    assert result.terms == 2
    one = power_grid(leading_terms(result.model), "x", at, sizes)
    assert power_grid(result, "x", at, sizes, terms=1) == pytest.approx(one, rel=1e-12)
    assert float(power_grid(result, "x", at, sizes)) < 0.9 * float(one)


def test_large_and_no_noncentrality():
    result, at, _ = derived("no groups")
    n = np.array([1.0, 50, 1e3, 1e5, 1e8])
    grid = power_grid(result, ["x", "z"], at, {"n": n})
    d = np.array([0.25, -0.2])
    V = np.array([[float(result["x"].evaluate(at)), 0], [0, float(result["z"].evaluate(at))]])
    V[0, 1] = V[1, 0] = float(result["x", "z"].evaluate(at)) if result["x", "z"].terms else 0.0
    expected = ncx2.sf(chi2.isf(0.05, 2), 2, np.minimum(n * (d @ np.linalg.solve(V, d)), 1000))
    assert grid == pytest.approx(expected, abs=1e-10)
    assert grid[-1] == 1
    none = power_grid(result, ["x = 1/4", "z = -1/5"], at, {"n": 100})
    assert none == pytest.approx(0.05, abs=1e-12)


def test_what_does_not_depend_on_an_array_has_its_shape_all_the_same():
    result, at, _ = derived("poisson slopes")
    moved = at | {"Sigma22": np.array([0.3, 0.4, 0.5])[:, None]}
    grid = power_grid(result, "1 = -1", moved, {"m": [30, 60], "n": 20}, terms=1)
    assert grid.shape == (3, 2)
    assert np.ptp(grid, axis=0) == pytest.approx([0, 0])


def test_points_without_value_are_nan():
    result, at, sizes = derived("poisson slopes")
    # Sigma11 Sigma22 > Sigma12^2 fails at the first
    grid = power_grid(result, "x", at | {"Sigma12": np.array([0.5, 0.1])}, sizes)
    assert np.isnan(grid).tolist() == [True, False]
    both = power_grid(result, ["x", "1"], at | {"Sigma12": np.array([0.5, 0.1])}, sizes)
    assert np.isnan(both).tolist() == [True, False]


def test_one_term_and_two():
    result, at, sizes = derived("poisson slopes")
    one, two = (float(power_grid(result, "x", at, sizes, terms=count)) for count in (1, 2))
    plan = sample_size(result, "x", at, sizes=sizes, solve="power")
    assert (one, two) == (pytest.approx(float(plan.one_term)), pytest.approx(float(plan.two_terms)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"result": STUDIES["poisson slopes"][0]},
            ModelError,
            "needs an Expansion, not Model: derive it with expansion",
        ),
        ({"sizes": {"m": 30}}, EvaluationError, "no value is given for n: give it in at, or a size in sizes"),
        ({"sizes": {"m": [30, 0], "n": 20}}, EvaluationError, "the size m is positive at every point"),
        ({"sizes": {"m": 30, "k": 2}}, EvaluationError, "'k' is not a size"),
        ({"at": {"beta1": 0.3}}, EvaluationError, "no value is given for Sigma22"),
        ({"at": {}}, EvaluationError, "the effect needs a value of beta1"),
        ({"terms": 3}, EvaluationError, "terms is 1 or 2"),
        ({"stated": ["x", "1"], "effect": 0.2}, EvaluationError, "an effect is given for one row"),
        ({"stated": "Sigma11"}, ModelError, "on the boundary"),
        ({"effect": [0.1, -0.1], "sides": 1}, EvaluationError, "have both signs: give alternative='greater'"),
        ({"alternative": "greater"}, EvaluationError, "alternative='greater' has one side: give sides=1"),
        ({"alternative": "up", "sides": 1}, EvaluationError, "alternative is 'greater' or 'less', or None, not 'up'"),
        ({"effect": [0.1, 0.2], "sizes": {"m": [1, 2, 3], "n": 2}}, EvaluationError, "the arrays of m and effect have"),
    ],
)
def test_what_is_refused(change, error, message):
    _, at, sizes = STUDIES["poisson slopes"]
    asked = {"result": expansion(STUDIES["poisson slopes"][0]), "stated": "x", "at": at, "sizes": sizes} | change
    with pytest.raises(error, match=message):
        power_grid(asked.pop("result"), asked.pop("stated"), asked.pop("at"), asked.pop("sizes"), **asked)


def test_a_term_that_does_not_exist_is_refused():
    model = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Uniform(-1, 1)"})
    at = {"beta0": "0.4", "beta1": "1", "sigma2": "1/2"}
    with pytest.raises(ExistenceError, match="does not exist"):
        power_grid(expansion(model), "1", at, {"m": 20, "n": 10})
    assert 0 < float(power_grid(expansion(model), "1", at, {"m": 20, "n": 10}, terms=1)) < 1


def test_a_covariance_that_passes_through_zero_has_a_value():
    """Logit with a symmetric predictor: at beta0 = 0 intercept and slope are uncorrelated by symmetry."""
    result, at, sizes = derived("logistic intercept")
    middle = np.array([-1e-3, 0.0, 1e-3])
    grid = power_grid(result, ["1 = 1/2", "x = 0.3"], at | {"beta0": middle}, sizes)
    assert grid[1] == pytest.approx((grid[0] + grid[2]) / 2, rel=1e-4)
