"""What a grid of powers is given: numbers as the exact reader gives them, and refusals that name what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Rational, Symbol, sqrt

from leadterms import EvaluationError, ExistenceError, LeadtermsError
from leadterms.inference.grid_input import as_array, common_shape, grid_sizes, grid_values, inside
from leadterms.reading.numbers import exact_number
from tests.inference.planning_models import derived


@pytest.mark.parametrize("value", ["1/3", 0.1, 7, Rational(2, 7), np.float64(0.3), np.array(2), sqrt(2) / 5])
def test_a_number_is_at_its_nearest_double(value):
    found = as_array("beta1", value)
    assert found.shape == ()
    assert float(found) == float(value if not isinstance(value, str) else exact_number(value))


def test_arrays_of_any_kind():
    expected = [[0.5, 1 / 3], [2.0, -1.0]]
    for given in (expected, np.array(expected), [["0.5", "1/3"], [2, "-1"]], ((Rational(1, 2), "1/3"), (2, -1))):
        assert as_array("beta1", given).tolist() == expected
    assert as_array("m", range(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1], [2, 3]], "the rows of beta1 have unequal lengths"),
        (["0.5", "a"], "the value 'a' of beta1 is not an exact number"),
        ([1, None], "^the value of beta1 is not an exact number: a number was expected .*, not None"),
        ("abc", "the value 'abc' of beta1 is not an exact number"),
        (1j, "^the value of beta1 is not an exact number: .* not 1j"),
        ([1j], "beta1 is a number or an array of numbers, not an array of complex128"),
        ([True], "not an array of bool"),
        ({1, 2}, "of beta1 is not an exact number"),
    ],
)
def test_what_is_no_number(value, message):
    with pytest.raises(EvaluationError, match=message) as caught:
        as_array("beta1", value)
    assert len(str(caught.value).splitlines()) == 1


def test_shapes_that_do_not_broadcast_are_named():
    fitting = [("a", np.zeros((3, 1))), ("b", np.zeros(4)), ("c", np.zeros(()))]
    assert common_shape(fitting) == (3, 4)
    with pytest.raises(EvaluationError, match=r"the arrays of b and d have the shapes \(4,\) and \(2,\)"):
        common_shape([*fitting, ("d", np.zeros(2))])


@pytest.mark.parametrize(
    ("at", "error", "message"),
    [
        ({"beta9": 1}, EvaluationError, "'beta9' in at is not a parameter of the model: it has beta0"),
        ({"beta9": [1, 2]}, EvaluationError, "'beta9' in at"),
        ({"Sigma22": -1}, EvaluationError, "Sigma22 must be positive"),
        ({"Sigma11": 1, "Sigma12": 2, "Sigma22": 1}, ExistenceError, "the condition Sigma11"),
        ({Symbol("beta1"): 1, "beta1": 2}, EvaluationError, "beta1 is given twice"),
        ([1, 2], EvaluationError, "at holds values by name: a mapping, or a text such as"),
        (None, EvaluationError, "at holds values by name"),
        ("beta1", LeadtermsError, "'=' was expected"),
    ],
)
def test_parameters_that_are_refused(at, error, message):
    space = derived("poisson slopes")[0].space
    with pytest.raises(error, match=message):
        grid_values(space, at)


def test_a_text_says_the_same_as_a_mapping():
    result, at, sizes = derived("poisson slopes")
    text = ", ".join(f"{name}={value}" for name, value in at.items())
    assert grid_values(result.space, text) == grid_values(result.space, at)
    assert grid_sizes(result, "m=130, n=20") == grid_sizes(result, sizes)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"k": 3}, "'k' is not a size: there are m, n"),
        ({"m": [3, 0]}, "the size m is positive at every point"),
        ({"m": np.array([3, np.inf])}, "and finite"),
        ({"m": np.array([3, np.nan])}, "the size m is positive"),
        ({"m": [1, 2], "n": [1, 2, 3]}, "the arrays of m and n have the shapes"),
        ({"m": "many"}, "the value 'many' of m"),
        (30, "sizes holds values by name"),
    ],
)
def test_sizes_that_are_refused(sizes, message):
    with pytest.raises(EvaluationError, match=message):
        grid_sizes(derived("poisson slopes")[0], sizes)


def test_inside_is_where_domains_and_conditions_hold():
    space = derived("poisson slopes")[0].space
    values = {
        "beta0": np.array([0, 0, 0, np.nan]),
        "Sigma11": np.array([1.0, -1, 1, 1]),
        "Sigma22": np.array(1.0),
        "Sigma12": np.array([0, 0, 2.0, 0]),
    }
    assert inside(space.symbols, space.conditions, values).tolist() == [True, False, False, False]
    # a condition on what has no value is left out
    del values["Sigma22"]
    assert inside(space.symbols, space.conditions, values).tolist() == [True, False, True, False]
    assert bool(inside(space.symbols, space.conditions, {}))
