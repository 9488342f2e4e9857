"""Limits in balanced layouts: against the exact information inverted in numbers at growing sizes, and explicit V."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from sympy import Symbol

from leadterms import EvaluationError, ExistenceError, Model, ModelError, UndecidedError, balanced_model, leading_terms

POINT = {"sigma2": 0.8, "sigma2_a": 0.9, "sigma2_b": 1.7, "sigma2_c": 0.6, "sigma2_a_b": 0.4, "sigma2_a_c": 1.3,
         "sigma2_b_c": 0.7, "sigma2_a_b_c": 0.5, "phi": 1.1, "mu": 0.3, "s": 1.4, "p": 0.35}  # fmt: skip
X, Z = {"x": "Normal(mu, s)"}, {"z": "Bernoulli(p)"}
CASES = [
    ("y ~ x + (1 | a) + (1 | b)", X, {}, None),
    ("y ~ x + (1 | a) + (1 | b)", X, {}, "m, m_prime -> oo, n = 1"),
    ("y ~ x + (1 | a) + (1 | b)", X, {}, "m, m_prime, n -> oo with m << m_prime"),
    ("y ~ x + (1 | a) + (1 | b) + (1 | a:b)", X, {}, None),
    ("y ~ x + (1 | a) + (1 | b) + (1 | a:b)", X, {}, "m, m_prime -> oo, n fixed"),
    ("y ~ x + z + (1 | a/b)", X | Z, {"levels": {"z": "a"}}, None),
    ("y ~ x + z + (1 | a/b)", X | Z, {"levels": {"z": "a:b"}}, "m_a, m_b -> oo, n = 3"),
    ("y ~ x*z + (1 | a) + (1 | b)", X | Z, {"levels": {"z": "a"}}, None),
    ("y ~ x*z + (1 | a) + (1 | b)", X | Z, {"levels": {"x": "a", "z": "b"}}, None),
    ("y ~ x + (1 | g)", X, {}, "m -> oo, n fixed"),
    ("y ~ x + (1 | g)", X, {"levels": {"x": "g"}}, None),
    ("y ~ x + (1 | g)", X, {"centred": {"x": "g"}}, "m -> oo, n = 4"),
    ("y ~ x*z + (1 | g)", X | Z, {"designed": ["x", "z"], "levels": {"z": "g"}}, "m, n -> oo"),
    ("y ~ x*z + x*w + (1 | a) + (1 | b)", X | Z | {"w": "Uniform(0, 1)"}, {"levels": {"z": "a"}}, None),
    ("y ~ x + (1 | a/b/c)", X, {}, None),
    ("y ~ 1 + (1 | a:b) + (1 | a:c)", {}, {}, None),
    ("y ~ x + (1 | a) + (1 | b) + (1 | c) + (1 | a:b) + (1 | a:c) + (1 | b:c) + (1 | a:b:c)", X, {}, None),
]  # fmt: skip
LARGE = (
    {"m": 10**30, "m_prime": 10**50, "m_a": 10**30, "m_b": 10**40, "m_c": 10**50, "n": 10**20},
    {"m": 10**30, "m_prime": 2 * 10**30, "m_a": 10**50, "m_b": 10**40, "m_c": 10**30, "n": 10**60},
)
"""Two sequences of sizes, far out: in the second the factors are comparable, or grow in the opposite order."""
FIXED = {"n = 1": 1, "n = 3": 3, "n = 4": 4, "n fixed": 5}


def sizes_of(model, regime, far):
    sizes = {size.name: far[size.name] for size in model.layout.sizes}
    if regime is None and "m_prime" in sizes:
        sizes["m_prime"] = 2 * sizes["m"]
    for clause, value in FIXED.items():
        if regime is not None and clause in regime:
            sizes["n"] = value
    return sizes


def substituted(expression, sizes):
    values = {symbol: POINT.get(symbol.name, sizes.get(symbol.name)) for symbol in expression.free_symbols}
    return mpmath.mpf(expression.subs({s: mpmath.mpf(v) for s, v in values.items()}))


@pytest.mark.slow
@pytest.mark.parametrize("far", LARGE, ids=["one", "other"])
@pytest.mark.parametrize(("formula", "laws", "places", "regime"), CASES)
def test_the_limit_is_that_of_the_exact_information(formula, laws, places, regime, far):
    if regime is not None and "<<" in regime:
        far = LARGE[0]
    model = Model(formula, laws=laws, **places)
    result, balanced, sizes = leading_terms(model, regime), balanced_model(model), sizes_of(model, regime, far)
    assert {str(entry.parameters[0]) for entry in result} == {str(parameter) for parameter in model.parameters}
    with mpmath.workdps(800):
        exact = {}
        for matrix, parameters in (
            (balanced.fixed_information, model.fixed_effects),
            (balanced.ml_information, balanced.strata.parameters),
        ):
            size = len(parameters)
            numbers = mpmath.matrix(size, size)
            for i in range(size):
                for j in range(size):
                    numbers[i, j] = substituted(matrix[i, j], sizes)
            inverse = numbers**-1
            exact |= {(parameters[i], parameters[j]): inverse[i, j] for i in range(size) for j in range(size)}
        for first, second in exact:
            limit = substituted(result[first, second].variance, sizes)
            scale = mpmath.sqrt(exact[first, first] * exact[second, second])
            assert abs(limit - exact[first, second]) / scale < 1e-6, (first, second)


@pytest.mark.parametrize(
    ("formula", "groupings", "regime"),
    [
        ("y ~ 1 + (1 | a) + (1 | b)", ["a", "b"], "m, m_prime -> oo, n = 2"),
        ("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", ["a", "b", "ab"], "m, m_prime -> oo, n = 2"),
    ],
)
def test_the_variances_tend_to_those_of_an_explicit_covariance_matrix(formula, groupings, regime):
    """Build V and the information of all components observation by observation.

    The relative error falls like 1/size, by a half from 6 to 12 levels; at 12 it is a few times 1/12.
    """
    result = leading_terms(Model(formula), regime)
    names = ["sigma2_" + "_".join(grouping) for grouping in groupings] + ["phi"]
    errors = []
    for size in (6, 12):
        labels = np.array([(i, k) for i in range(size) for k in range(size) for _ in range(2)])
        columns = {"a": labels[:, 0], "b": labels[:, 1], "ab": labels[:, 0] * size + labels[:, 1]}
        parts = [(columns[g][:, None] == columns[g][None, :]).astype(float) for g in groupings]
        parts.append(np.eye(len(labels)))
        covariance = sum(POINT[name] * part for name, part in zip(names, parts, strict=True))
        solved = [np.linalg.solve(covariance, part) for part in parts]
        information = np.array([[np.trace(p @ q) / 2 for q in solved] for p in solved])
        exact = np.diag(np.linalg.inv(information))
        at = {name: POINT[name] for name in names}
        limits = [
            float(str(result[name].evaluate_variance(at, {"m": size, "m_prime": size}, digits=12))) for name in names
        ]
        errors.append(np.abs(exact / limits - 1))
    assert errors[1].max() < 0.3
    assert (errors[1] < 0.75 * errors[0] + 1e-9).all()


def test_one_replicate_does_not_identify_interaction_and_error():
    model = Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)")
    with pytest.raises(ModelError, match="singular in the limit m, m_prime -> oo, n = 1"):
        leading_terms(model, "m, m_prime -> oo, n = 1")
    result = leading_terms(model, "m, m_prime -> oo")
    assert result.conditions == ("n > 1",)
    with pytest.raises(ExistenceError, match="the condition n > 1 fails at n = 1"):
        result["phi"].evaluate("phi=1, n=1")


def test_a_fixed_number_of_groups_identifies_no_variance_between_them():
    with pytest.raises(ModelError, match="the variance of 1 does not vanish in the regime m -> oo"):
        leading_terms(Model("y ~ 1 + (1 | a) + (1 | b)"), "m -> oo, n fixed")


@pytest.mark.parametrize("size", [10.5, 0, -1, "many"])
def test_sizes_are_whole_numbers(size):
    result = leading_terms(Model("y ~ 1 + (1 | a) + (1 | b)"))
    with pytest.raises(EvaluationError, match="size"):
        result["1"].evaluate_variance("sigma2_a=1, sigma2_b=1", {"m": size, "m_prime": 10, "n": 2})


def test_a_size_of_the_layout_is_asked_for_by_name():
    result = leading_terms(Model("y ~ 1 + (1 | a) + (1 | b)"))
    assert str(result["1"].evaluate_variance("sigma2_a=1, sigma2_b=3", {"m": 10, "m_prime": 20}, digits=5)) == "0.25000"
    with pytest.raises(EvaluationError, match="no value is given for the size m_prime"):
        result["1"].evaluate_variance("sigma2_a=1, sigma2_b=3", {"m": 10})
    with pytest.raises(EvaluationError, match="'m_b' is not a size: there are m, m_prime, n"):
        result["1"].evaluate_variance("sigma2_a=1, sigma2_b=3", {"m": 10, "m_b": 3})


def test_the_fixed_size_is_taken_from_the_sizes_or_the_values():
    result = leading_terms(Model("y ~ x + (1 | g)", laws=X), "m -> oo")
    entry = result["phi"]
    assert str(entry.evaluate_variance("phi=1", {"m": 10, "n": 5}, digits=6)) == "0.0500000"
    assert str(entry.evaluate_variance("phi=1, n=5", {"m": 10}, digits=6)) == "0.0500000"
    with pytest.raises(EvaluationError, match="n is given as 4 and as the size 5"):
        entry.evaluate_variance("phi=1, n=4", {"m": 10, "n": 5})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formula": "y ~ x + (1 | a) + (1 | b)", "family": "poisson"}, "covered for Gaussian responses"),
        ({"formula": "y ~ x + (1 | g)", "family": "bernoulli", "centred": {"x": "g"}}, "centred or fixed by design"),
        ({"formula": "y ~ x + (1 | g)", "centred": {"x": "g"}, "levels": {"x": "g"}}, "nothing is left of it"),
    ],
)
def test_what_is_not_covered_is_refused(arguments, message):
    with pytest.raises((ModelError, UndecidedError), match=message):
        leading_terms(Model(laws={"x": "Normal(0, 1)"}, **arguments))


def test_two_terms_are_for_one_grouping():
    from leadterms import expansion

    with pytest.raises(ModelError, match="two terms and unequal group sizes are covered for one grouping factor"):
        expansion(Model("y ~ 1 + (1 | a) + (1 | b)"))


@pytest.mark.slow
def test_several_fixed_sizes_must_not_all_be_one():
    result = leading_terms(Model("y ~ 1 + (1 | a:b) + (1 | a:c)"), "m_a -> oo")
    assert "(m_b > 1) or (n > 1)" in result.conditions


def test_a_part_without_a_leading_monomial_is_passed_over():
    model = Model("y ~ 1 + (1 | a:c) + (1 | b:c) + (1 | d)")
    assert str(leading_terms(model, "m_a, m_b, m_d, n -> oo, m_c = 1")["sigma2_d"].variance) == "2*sigma2_d**2/m_d"


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        (None, "theorem"),
        ("m, m_prime, n -> oo", "derived"),
        ("m, m_prime -> oo with m ~ m_prime, n fixed", "derived"),
        ("m, m_prime, n -> oo with m << m_prime", "derived"),
    ],
)
def test_the_published_result_has_comparable_factors_and_growing_cells(regime, expected):
    assert leading_terms(Model("y ~ x + (1 | a) + (1 | b)", laws=X), regime).status == expected


def test_the_steps_show_strata_and_regime():
    result = leading_terms(Model("y ~ x + (1 | a) + (1 | b)", laws=X), "m, m_prime -> oo, n fixed")
    text = "\n".join(step.latex for step in result.steps)
    assert r"m^{\prime} n \sigma^2_{a} + \phi" in text
    assert r"m, m^{\prime} \to \infty" in text
    assert result["1", "x"].terms == ()
    assert Symbol("m", integer=True, positive=True) in result["1", "x"].negligible.free_symbols
