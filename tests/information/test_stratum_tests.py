"""Exact tests in strata: against explicit matrices, SciPy and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sympy import Integer, Matrix, Rational, Symbol

from leadterms.errors import ModelError
from leadterms.information.balanced import balanced_model
from leadterms.information.mean_squares import estimators, mean_squares
from leadterms.information.stratum_tests import (
    contrast_weights,
    fixed_test,
    negative_probability,
    satterthwaite_degrees,
    variance_tests,
)
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, SIGMA2, M, N
from tests.information.balanced_cases import AGE, EXACT, MEAN, parts, projectors
from tests.information.explicit_layouts import component_information, number, residual_maker


def names(test):
    return test.numerator, test.denominator


def test_which_components_have_an_exact_test():
    three = balanced_model(Model(f"{MEAN} + (1|a) + (1|b) + (1|c) + (1|a:b) + (1|a:c) + (1|b:c)"))
    assert {str(k): names(test) for k, test in variance_tests(three).items()} == {
        "sigma2_a_b": ("a:b", "residual"),
        "sigma2_a_c": ("a:c", "residual"),
        "sigma2_b_c": ("b:c", "residual"),
    }
    nested = variance_tests(balanced_model(Model(f"{MEAN} + (1 | a/b)")))
    assert {str(k): names(test) for k, test in nested.items()} == {
        "sigma2_a": ("a", "a:b"),
        "sigma2_a_b": ("a:b", "residual"),
    }


@pytest.mark.parametrize("name", EXACT)
def test_the_ratio_of_mean_squares_is_free_of_the_parameters_under_the_hypothesis(name):
    balanced, _, v, x = parts(name)
    own = dict(zip((row.stratum.name for row in mean_squares(balanced)), projectors(balanced, v, x), strict=True))
    tests = variance_tests(balanced)
    assert tests
    for component, test in tests.items():
        null = v.whole - number(component, v.values) * v.slopes[balanced.strata.parameters.index(component)]
        upper, lower = own[test.numerator], own[test.denominator]
        degrees = [number(d, v.values) for d in test.degrees]
        means = [np.trace(p @ null) / d for p, d in zip((upper, lower), degrees, strict=True)]
        assert means[0] == pytest.approx(means[1], rel=1e-11)


@pytest.mark.parametrize(
    ("groups", "size", "method", "anchor"),
    # k = 5, m = 50 and k = 50, m = 5 of Waagepetersen's exercise 2 at tau^2 = 0; three digits of SciPy's F distribution
    [(5, 50, "REML", 0.592), (5, 50, "ML", 0.710), (50, 5, "REML", 0.518), (50, 5, "ML", 0.554)],
)
def test_probability_of_a_zero_estimate(groups, size, method, anchor):
    balanced = balanced_model(Model(f"{MEAN} + (1 | g)"))
    probability = negative_probability(balanced, SIGMA2, method)
    at_zero = probability.subs({SIGMA2: 0, M: groups, N: size})
    bound = groups / (groups - 1) if method == "ML" else 1
    expected = stats.f.cdf(bound, groups - 1, groups * (size - 1))
    assert float(at_zero) == pytest.approx(expected, rel=1e-12)
    assert round(float(at_zero), 3) == anchor
    away = float(probability.subs({SIGMA2: Rational(1, 2), PHI: 1, M: groups, N: size}))
    assert away == pytest.approx(stats.f.cdf(bound / (1 + size / 2), groups - 1, groups * (size - 1)), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "component"), [("a/b", "sigma2_a"), ("interaction", "sigma2_b"), ("visits", "sigma2")]
)
@pytest.mark.parametrize("method", ["ANOVA", "ML"])
def test_probability_of_a_negative_estimate_by_simulation(name, component, method):
    """Data from the model itself, estimates from the table; five Monte-Carlo standard errors."""
    balanced, _, v, x = parts(name)
    if name == "interaction" and method == "ML":
        with pytest.raises(ModelError, match="no closed form of ML is known here"):
            negative_probability(balanced, Symbol(component, positive=True), method)
        return
    draws = 20000
    generator = np.random.default_rng(31)
    y = np.linalg.cholesky(v.whole) @ generator.normal(size=(len(x), draws))
    values = dict(v.values)
    rows = mean_squares(balanced)
    squares = [
        np.einsum("ij,ik,kj->j", y, p, y, optimize=True) / number(row.degrees, values)
        for row, p in zip(rows, projectors(balanced, v, x), strict=True)
    ]
    (parameter,) = (symbol for symbol in balanced.strata.parameters if symbol.name == component)
    estimator = estimators(balanced, method)[parameter]
    weights = [number(estimator.diff(row.symbol), values) for row in rows]
    share = np.mean(sum(w * square for w, square in zip(weights, squares, strict=True)) <= 0)
    ours = float(negative_probability(balanced, parameter, method).xreplace(values))
    assert share == pytest.approx(ours, abs=5 * np.sqrt(ours * (1 - ours) / draws))
    assert 0.005 < ours < 0.995


@pytest.mark.parametrize("name", EXACT)
def test_weights_of_contrasts_add_up_to_their_covariance(name):
    balanced, _, v, x = parts(name)
    size = x.shape[1]
    total = sum(
        number(stratum.eigenvalue, v.values) * np.array([[number(e, v.values) for e in c.row(i)] for i in range(size)])
        for stratum, c in zip(balanced.strata, contrast_weights(balanced, Matrix.eye(size)), strict=True)
    )
    expected = np.linalg.inv(x.T @ v.inverse @ x)
    np.testing.assert_allclose(total, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


def explicit_degrees(v, x, contrast):
    """Return 2 v^2/(g' I^{-1} g), g the slopes of l'(X'V^{-1}X)^{-1}l and I the restricted information."""
    inverse = v.inverse
    row = np.array(contrast) @ np.linalg.inv(x.T @ inverse @ x) @ x.T @ inverse
    slopes = np.array([row @ slope @ row for slope in v.slopes])
    information = component_information(residual_maker(inverse, x), v.slopes)
    return 2 * (row @ v.whole @ row) ** 2 / (slopes @ np.linalg.solve(information, slopes))


@pytest.mark.parametrize("name", EXACT)
def test_satterthwaite_degrees_from_the_restricted_information(name):
    balanced, _, v, x = parts(name)
    size = x.shape[1]
    contrasts = [[int(i == j) for i in range(size)] for j in range(size)] + [[1 + 2 * i for i in range(size)]]
    for contrast in contrasts:
        ours = number(satterthwaite_degrees(balanced, [Integer(c) for c in contrast]), v.values)
        assert ours == pytest.approx(explicit_degrees(v, x, contrast), rel=1e-8)


def test_drawn_for_levels_the_tests_are_exact_whatever_the_values():
    """The overall mean is one dimension: slopes of predictors that are drawn for the levels keep a stratum each."""
    balanced, _, v, x = parts("drawn for levels")
    for position, (stratum, degrees) in enumerate([("a", M - 2), ("b", Symbol("m_prime") - 2)], start=1):
        contrast = [int(i == position) for i in range(3)]
        test = fixed_test(balanced, Matrix([contrast]))
        assert (test.denominator, str(test.degrees)) == (stratum, str((Integer(1), degrees)))
        assert number(test.degrees[1], v.values) == pytest.approx(explicit_degrees(v, x, contrast), rel=1e-8)


def orthodont(centre=False):
    law = "Finite({-3: 1/4, -1: 1/4, 1: 1/4, 3: 1/4})" if centre else AGE
    return balanced_model(
        Model(
            "distance ~ age*sex + (1 | subject)",
            laws={"age": law, "sex": "Bernoulli(11/27)"},
            levels={"sex": "subject"},
            designed=["age", "sex"],
        )
    )


AT = {M: Integer(27), N: Integer(4)}
SEX, AGE_SEX = [0, 0, 1, 0], [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("centre", "contrast", "stratum", "degrees"),
    # Waagepetersen, slides 'orthodont - continued' (79) and 'Back to orthodont data' (25 with age centred)
    [(False, AGE_SEX, "residual", 79), (True, SEX, "subject", 25), (True, AGE_SEX, "residual", 79)],
)
def test_orthodont_degrees(centre, contrast, stratum, degrees):
    test = fixed_test(orthodont(centre), Matrix([contrast]))
    assert test.denominator == stratum
    assert [d.xreplace(AT) for d in test.degrees] == [1, degrees]


def test_orthodont_sex_at_age_zero_is_refused_and_has_satterthwaite_degrees():
    balanced = orthodont()
    with pytest.raises(
        ModelError, match=r"beta2 = 0 lies in several strata \(subject, residual\): there is no exact F"
    ):
        fixed_test(balanced, Matrix([SEX]))
    degrees = satterthwaite_degrees(balanced, [Integer(c) for c in SEX])
    # the estimates to four digits; 103.9864 in slide 'test of Sex effect', 79 and 25 are no answer to four digits
    at = {**AT, SIGMA2: Rational("3.2986"), PHI: Rational("1.9220")}
    assert number(degrees, at) == pytest.approx(103.9864, abs=2e-3)
    mean_square = {"subject": Rational("15.117"), "residual": Rational("1.922")}  # slide 'Back to orthodont data'
    phi = mean_square["residual"]
    from_table = {**AT, PHI: phi, SIGMA2: (mean_square["subject"] - phi) / 4}
    assert number(degrees, from_table) == pytest.approx(103.9864, abs=2e-3)


def test_orthodont_test_of_both_at_once_is_refused():
    with pytest.raises(ModelError, match="beta2 = beta3 = 0 lies in several strata"):
        fixed_test(orthodont(True), Matrix([SEX, AGE_SEX]))


def test_several_contrasts_in_one_stratum():
    """Age and age:sex with age centred: two degrees of freedom over 79."""
    test = fixed_test(orthodont(True), Matrix([[0, 1, 0, 0], AGE_SEX]))
    assert [d.xreplace(AT) for d in test.degrees] == [2, 79]


def test_gene_layout_of_the_slides_with_four_exons():
    """Slide 'Genes data revisited', F(7, 126) for two treatments and eight exons: here with half as many.

    A factor of 4 levels is the powers of a designed predictor. With 2 P cells of treatment and patient the residual
    has 8 P - 2 P - 6 degrees of freedom, and P = 10 patients. The slide's own numbers are in the derivations.
    """
    powers = " + ".join(["t*e", *(f"t*I(e^{k})" for k in range(2, 4))])
    atoms = ", ".join(f"{k}: 1/4" for k in range(4))
    balanced = balanced_model(
        Model(
            f"y ~ {powers} + (1 | patient) + (1 | patient:treatment)",
            laws={"t": "Bernoulli(1/2)", "e": f"Finite({{{atoms}}})"},
            levels={"t": "treatment"},
            designed=["t", "e"],
        )
    )
    interaction = [i for i, name in enumerate(balanced.model.term_names) if name.startswith("t:")]
    assert len(interaction) == 3
    contrasts = Matrix(3, 8, lambda i, j: int(j == interaction[i]))
    test = fixed_test(balanced, contrasts)
    values = dict(zip(balanced.strata.layout.sizes, map(Integer, (10, 2, 4)), strict=True))
    assert test.denominator == "residual"
    assert [degrees.xreplace(values) for degrees in test.degrees] == [3, 54]


def test_a_component_without_an_exact_test_has_no_probability():
    three = balanced_model(Model(f"{MEAN} + (1|a) + (1|b) + (1|c) + (1|a:b) + (1|a:c) + (1|b:c)"))
    (component,) = (symbol for symbol in three.strata.parameters if symbol.name == "sigma2_a")
    with pytest.raises(ModelError, match=r"no two mean squares differ in expectation by a multiple of sigma2_a"):
        negative_probability(three, component)


def test_the_mean_of_two_crossed_factors_has_no_exact_test():
    balanced = balanced_model(Model(f"{MEAN} + (1 | a) + (1 | b)"))
    with pytest.raises(ModelError, match=r"the stratum 1 has no degrees of freedom left for a test"):
        fixed_test(balanced, Matrix([[1]]))


def test_zero_contrasts_are_refused():
    balanced = balanced_model(Model(f"{MEAN} + (1 | a)"))
    with pytest.raises(ModelError, match="the contrasts are all zero"):
        fixed_test(balanced, Matrix([[0]]))
    with pytest.raises(ModelError, match="the contrast is zero"):
        satterthwaite_degrees(balanced, [Integer(0)])


def test_a_mean_that_no_mean_squares_determine_has_no_degrees():
    """(1|a:b) + (1|a:c) + (1|b): five mean squares for four components, and the mean's eigenvalue is none of them."""
    balanced = balanced_model(Model(f"{MEAN} + (1 | a:b) + (1 | a:c) + (1 | b)"))
    assert len(mean_squares(balanced)) > len(balanced.strata.parameters)
    with pytest.raises(ModelError, match=r"which likelihoods pool: degrees of freedom from single mean squares"):
        satterthwaite_degrees(balanced, [Integer(1)])
