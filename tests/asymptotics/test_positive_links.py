"""Leading terms under links with a pole at zero, where the linear predictor is no line in a predictor."""

import json
from itertools import pairwise, product
from random import Random

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from leadterms import Model, array_function, leading_terms
from leadterms.errors import ExistenceError, UndecidedError
from leadterms.notation.latex import to_latex
from leadterms.publication.json import derive_record

LINKS = {("gamma", "inverse"): lambda eta: eta**-2.0, ("inverse-gaussian", "1/mu^2"): lambda eta: eta**-1.5 / 4}
"""Weights (dmu/deta)^2/V(mu): mu = 1/eta with V = mu^2, mu = eta^(-1/2) with V = mu^3."""
LAWS = {
    "Uniform(1, 2)": stats.uniform(1, 1),
    "Uniform(0, 1)": stats.uniform(0, 1),
    "Normal(0, 1)": stats.norm(),
    "Gamma(2, 1)": stats.gamma(2),
    "Poisson(2)": stats.poisson(2),
}


def average(function, law):
    """Return the expectation by scipy's quadrature, by a sum for counts."""
    frozen = LAWS[law]
    if law == "Poisson(2)":
        at = np.arange(80)
        return float(np.sum(function(at.astype(float)) * frozen.pmf(at)))
    ends = frozen.support()
    inner = [end for end in (-3, 0, 3, 10) if ends[0] < end < ends[1]]
    cuts = [ends[0], *inner, ends[1]]
    value = sum(
        quad(lambda t: function(t) * frozen.pdf(t), a, b, epsabs=0, epsrel=1e-11, limit=200)[0]
        for a, b in pairwise(cuts)
    )
    return float(value)


def slope_variance(terms, beta, weight, law):
    """Return the entry of the inverse of E[w X X'] that belongs to the second term."""
    eta = lambda t: sum(b * term(t) for b, term in zip(beta, terms, strict=True))  # noqa: E731
    size = len(terms)
    matrix = np.empty((size, size))
    for i, j in product(range(size), repeat=2):
        matrix[i, j] = average(lambda t, i=i, j=j: weight(eta(t)) * terms[i](t) * terms[j](t), law)
    return np.linalg.inv(matrix)[1, 1]


ONE = lambda t: 1.0 + 0 * t  # noqa: E731
LINE = lambda t: t  # noqa: E731


@pytest.mark.parametrize("family", LINKS, ids=" ".join)
@pytest.mark.parametrize(
    ("formula", "law", "terms"),
    [
        ("y ~ x + I(x**2)", "Uniform(1, 2)", [ONE, LINE, np.square]),
        ("y ~ x + I(x**2)", "Normal(0, 1)", [ONE, LINE, np.square]),
        ("y ~ x + I(x**2)", "Gamma(2, 1)", [ONE, LINE, np.square]),
        ("y ~ x + I(x**2)", "Poisson(2)", [ONE, LINE, np.square]),
        ("y ~ I(x**3)", "Uniform(0, 1)", [ONE, lambda t: t**3]),
        ("y ~ I(log(x))", "Uniform(1, 2)", [ONE, np.log]),
        ("y ~ I(sqrt(x))", "Gamma(2, 1)", [ONE, np.sqrt]),
        ("y ~ I(sqrt(x)) + x", "Gamma(2, 1)", [ONE, np.sqrt, LINE]),
        ("y ~ I(1/x) + x", "Uniform(1, 2)", [ONE, lambda t: 1 / t, LINE]),
        ("y ~ I(log(x)) + x", "Uniform(1, 2)", [ONE, np.log, LINE]),
    ],
)
def test_values_against_quadrature(formula, law, terms, family):
    """At random points where eta is positive; scipy's values of 1e-11 lose some digits in the inverse."""
    result = leading_terms(Model(formula, family=family[0], link=family[1], laws={"x": law}))
    random = Random(formula + law)
    numbers = [random.randint(20, 40), random.randint(1, 9), random.randint(1, 9)][: len(terms)]
    at = {f"beta{k}": f"{number}/10" for k, number in enumerate(numbers)} | {"phi": 1}
    value = result["beta1"].evaluate(at, digits=8, method="balls")
    expected = slope_variance(terms, [number / 10 for number in numbers], LINKS[family], law)
    assert float(value.value) == pytest.approx(expected, rel=2e-6)


def test_the_condition_decides_at_the_point():
    """1 - 2 x + b x^2 is positive on [0, 4] just where b > 1, and on counts where 4 b > 3 and 9 b > 5."""
    for law, least in (("Uniform(0, 4)", 1), ("Poisson(2)", 1)):
        result = leading_terms(Model("y ~ x + I(x**2)", family="gamma", laws={"x": law}))
        assert len(result.conditions) == 1
        above = {"beta0": 1, "beta1": -2, "beta2": f"{least}.01", "phi": 1}
        assert result["x"].evaluate(above, digits=2, method="mpmath").value > 0
        with pytest.raises(ExistenceError, match=r"the condition .* beta2\*x\*\*2 > 0 for all .* fails"):
            result["x"].evaluate(above | {"beta2": f"{least}"}, digits=2)
        with pytest.raises(ExistenceError, match=r"fails at beta0 = 1, beta1 = -2, beta2 = 1/2"):
            result["x"].evaluate(above | {"beta2": "1/2"}, digits=2)


def test_between_counts_eta_may_be_negative():
    """x^2 - 7 x + 61/5 is negative about 7/2 alone: 1/5 at 3 and 4."""
    point = {"beta0": "61/5", "beta1": -7, "beta2": 1, "phi": 1}
    counts = leading_terms(Model("y ~ x + I(x**2)", family="gamma", laws={"x": "Poisson(2)"}))
    value = counts["x"].evaluate(point, digits=5)
    terms = [ONE, LINE, np.square]
    expected = slope_variance(terms, [12.2, -7, 1], LINKS["gamma", "inverse"], "Poisson(2)")
    assert float(value.value) == pytest.approx(expected, rel=2e-5)
    line = leading_terms(Model("y ~ x + I(x**2)", family="gamma", laws={"x": "Gamma(2, 1)"}))
    with pytest.raises(ExistenceError, match="for all x >= 0 fails"):
        line["x"].evaluate(point, digits=5)


def test_what_is_not_proven_is_said_to_be_undecided():
    """exp(x) - x - 1 touches zero, and it is no polynomial."""
    result = leading_terms(Model("y ~ x + I(exp(x))", family="gamma", laws={"x": "Uniform(-1, 2)"}))
    point = {"beta0": -1, "beta1": -1, "beta2": 1, "phi": 1}
    with pytest.raises(UndecidedError, match=r"whether .* > 0 for all x in \[-1, 2\] holds at the point could not be"):
        result["x"].evaluate(point, digits=5)


@pytest.mark.slow
def test_conditions_are_carried_in_records():
    result = leading_terms(Model("y ~ x*z + I(x**2)", family="gamma", laws={"x": "Uniform(0, 1)", "z": "Gamma(2, 1)"}))
    stated = (
        "beta0 + beta1*x + beta3*x**2 > 0 for all x in [0, 1]",
        "beta2 >= 0",
        "beta2 + beta4 >= 0",
    )
    assert result.conditions == stated
    record = json.loads(json.dumps(derive_record(result, result.entries)))
    assert tuple(record["conditions"]) == stated
    assert r"\text{ for all } x \in \left[0, 1\right]" in to_latex(result.space.conditions[0])


def test_functions_of_arrays_keep_to_the_condition():
    result = leading_terms(Model("y ~ x + I(x**2)", family="gamma", laws={"x": "Uniform(0, 4)"}))
    b0, b1, b2 = result.model.fixed_effects
    function = array_function(b0, [b0, b1, b2], conditions=result.space.conditions)
    found = function(1, -2, np.array([[0.5, 1], [1.5, np.nan], [2, np.inf]]))
    assert np.isnan(found).tolist() == [[True, True], [False, True], [False, True]]
    assert np.isnan(function(1, -2, 0.5))
