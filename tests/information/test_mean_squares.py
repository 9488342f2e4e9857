"""Mean squares, closed estimators, exact tests: against traces, numerical maxima, SciPy and simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize, stats
from sympy import Integer, Matrix, Rational, Symbol

from leadterms.errors import ModelError
from leadterms.information.balanced import balanced_model
from leadterms.information.mean_squares import (
    contrast_weights,
    estimators,
    fixed_test,
    mean_squares,
    negative_probability,
    satterthwaite_degrees,
    variance_tests,
)
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, SIGMA2, M, N
from tests.information.explicit_layouts import Grid, component_information, covariance, number, residual_maker

ARMS, AGES = np.array([0.0, 1.0, 1.0, 0.0]), np.array([8.0, 10.0, 12.0, 14.0])
AGE = "Finite({8: 1/4, 10: 1/4, 12: 1/4, 14: 1/4})"


def ones(grid):
    return np.ones((grid.total, 1))


def visits(grid):
    x, z = AGES[grid.levels("units")], ARMS[grid.levels("a")]
    return np.column_stack([np.ones(grid.total), x, z, x * z])


def treatment(grid):
    return np.column_stack([np.ones(grid.total), ARMS[grid.levels("b")]])


def drawn_for_levels(grid):
    generator = np.random.default_rng(12)
    x, z = generator.normal(1, 2, size=4), generator.normal(0, 1, size=3)
    return np.column_stack([np.ones(grid.total), x[grid.levels("a")], z[grid.levels("b")]])


MEAN = "y ~ 1"
CASES = {
    "one-way": (Model(f"{MEAN} + (1 | a)"), "a", (("a", 4), ("units", 3)), ones),
    "a/b": (Model(f"{MEAN} + (1 | a/b)"), "a, a:b", (("a", 3), ("b", 3), ("units", 2)), ones),
    "a/b/c": (
        Model(f"{MEAN} + (1 | a/b/c)"),
        "a, a:b, a:b:c",
        (("a", 3), ("b", 2), ("c", 2), ("units", 2)),
        ones,
    ),
    "crossed": (Model(f"{MEAN} + (1 | a) + (1 | b)"), "a, b", (("a", 4), ("b", 3), ("units", 2)), ones),
    "interaction": (
        Model(f"{MEAN} + (1 | a) + (1 | b) + (1 | a:b)"),
        "a, b, a:b",
        (("a", 3), ("b", 4), ("units", 2)),
        ones,
    ),
    "visits": (
        Model("y ~ x*z + (1 | a)", laws={"x": AGE, "z": "Bernoulli(1/2)"}, levels={"z": "a"}, designed=["x", "z"]),
        "a",
        (("a", 4), ("units", 4)),
        visits,
    ),
    "treatment": (
        Model("y ~ t + (1 | a) + (1 | a:b)", laws={"t": "Bernoulli(1/2)"}, levels={"t": "b"}, designed=["t"]),
        "a, a:b",
        (("a", 3), ("b", 4), ("units", 2)),
        treatment,
    ),
    "drawn for levels": (
        Model(
            "y ~ x + z + (1 | a) + (1 | b)",
            laws={"x": "Normal(1, 2)", "z": "Normal(0, 1)"},
            levels={"x": "a", "z": "b"},
        ),
        "a, b",
        (("a", 4), ("b", 3), ("units", 2)),
        drawn_for_levels,
    ),
}
EXACT = [name for name in CASES if name != "drawn for levels"]


def parts(name):
    model, random, shape, design = CASES[name]
    grid = Grid(shape)
    balanced = balanced_model(model)
    v = covariance(grid, [tuple(g.split(":")) for g in random.split(", ")], balanced.strata, seed=len(name))
    return balanced, grid, v, design(grid)


def projectors(balanced, v, x):
    """Return for every row of the table the projector on its residuals within an eigenspace of V."""
    values, vectors = np.linalg.eigh(v.whole)
    maker = np.eye(len(x)) - x @ np.linalg.pinv(x)
    found = []
    for row in mean_squares(balanced):
        own = vectors[:, np.isclose(values, number(row.stratum.eigenvalue, v.values), rtol=1e-9)]
        found.append(maker @ own @ own.T @ maker)
    return found


@pytest.fixture(params=CASES)
def case(request):
    return parts(request.param)


def test_expected_mean_squares_and_degrees(case):
    balanced, _, v, x = case
    for row, p in zip(mean_squares(balanced), projectors(balanced, v, x), strict=True):
        degrees = number(row.degrees, v.values)
        np.testing.assert_allclose(p @ p, p, atol=1e-12)
        assert np.trace(p) == pytest.approx(degrees, rel=1e-12)
        assert np.trace(p @ v.whole) / degrees == pytest.approx(number(row.expectation, v.values), rel=1e-12)
        np.testing.assert_allclose(p @ x, 0, atol=1e-11)


def test_mean_squares_are_independent(case):
    balanced, _, v, x = case
    own = projectors(balanced, v, x)
    for first, second in pairwise(own):
        np.testing.assert_allclose(first @ v.whole @ second, 0, atol=1e-11)


@pytest.mark.parametrize("name", ["one-way", "a/b", "a/b/c", "crossed", "visits", "treatment"])
def test_anova_estimators_are_unbiased(name):
    balanced, _, v, _ = parts(name)
    expectations = {row.symbol: row.expectation for row in mean_squares(balanced)}
    for parameter, estimator in estimators(balanced).items():
        assert (estimator.xreplace(expectations) - parameter).expand() == 0
    assert number(PHI, v.values) > 0


def simulated(balanced, v, x, seed):
    """Return data whose solution of the likelihood equations is inside the parameter space."""
    generator = np.random.default_rng(seed)
    root = np.linalg.cholesky(v.whole)
    own = projectors(balanced, v, x)
    rows = mean_squares(balanced)
    while True:
        y = x @ generator.normal(size=x.shape[1]) + root @ generator.normal(size=len(x))
        values = {row.symbol: y @ p @ y / number(row.degrees, v.values) for row, p in zip(rows, own, strict=True)}
        if all(solved(estimators(balanced, "REML"), values, v) > 0.2):
            return y, values


def solved(found, squares, v):
    values = {**v.values, **{symbol: Rational(float(value)) for symbol, value in squares.items()}}
    return np.array([number(estimator, values) for estimator in found.values()])


def criterion(v, x, y, restricted):
    """Return minus twice the log-likelihood without its constant, as a function of log components."""

    def function(logs):
        whole = sum(np.exp(log) * slope for log, slope in zip(logs, v.slopes, strict=True))
        inverse = np.linalg.inv(whole)
        maker = residual_maker(inverse, x)
        value = np.linalg.slogdet(whole)[1] + y @ maker @ y
        return value + np.linalg.slogdet(x.T @ inverse @ x)[1] if restricted else value

    return function


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, "REML") for name in EXACT] + [(name, "ML") for name in ("one-way", "a/b", "a/b/c", "visits", "treatment")],
)
def test_closed_estimators_are_the_maxima_of_the_explicit_likelihood(name, method):
    balanced, _, v, x = parts(name)
    y, squares = simulated(balanced, v, x, seed=100 + len(name))
    ours = solved(estimators(balanced, method), squares, v)
    if not np.all(ours > 0):
        pytest.fail("choose another seed: the ML solution is outside")
    function = criterion(v, x, y, method == "REML")
    found = optimize.minimize(function, np.log(ours) + 0.3, method="BFGS", options={"gtol": 1e-9})
    found = optimize.minimize(function, found.x, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
    np.testing.assert_allclose(np.exp(found.x), ours, rtol=2e-5)
    assert function(np.log(ours)) <= found.fun + 1e-9


def test_one_way_estimators_by_hand():
    """(MSA - MSE)/n, and with (m-1)/m of MSA by ML (Searle, Casella and McCulloch, ch. 3)."""
    balanced = balanced_model(Model(f"{MEAN} + (1 | g)"))
    above, below = Symbol("MS_g", positive=True), Symbol("MS_residual", positive=True)
    assert estimators(balanced, "REML") == estimators(balanced) == {SIGMA2: (above - below) / N, PHI: below}
    by_ml = estimators(balanced, "ML")
    assert (by_ml[SIGMA2] - (above * (M - 1) / M - below) / N).expand() == 0
    assert by_ml[PHI] == below


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
        with pytest.raises(ModelError, match="ML has no closed form here"):
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


def test_gene_layout_of_the_slides():
    """Slide 'Genes data revisited', F(7, 126) for the interaction of two treatments and eight exons.

    A factor of 8 levels is the powers of a designed predictor. With 2 P cells of treatment and patient the residual
    has 16 P - 2 P - 14 degrees of freedom, so that the slide's 126 mean P = 10 patients.
    """
    powers = " + ".join(["t*e", *(f"t*I(e^{k})" for k in range(2, 8))])
    atoms = ", ".join(f"{k}: 1/8" for k in range(8))
    balanced = balanced_model(
        Model(
            f"y ~ {powers} + (1 | patient) + (1 | patient:treatment)",
            laws={"t": "Bernoulli(1/2)", "e": f"Finite({{{atoms}}})"},
            levels={"t": "treatment"},
            designed=["t", "e"],
        )
    )
    interaction = [i for i, name in enumerate(balanced.model.term_names) if name.startswith("t:")]
    assert len(interaction) == 7
    contrasts = Matrix(7, 16, lambda i, j: int(j == interaction[i]))
    test = fixed_test(balanced, contrasts)
    values = dict(zip(balanced.strata.layout.sizes, map(Integer, (10, 2, 8)), strict=True))
    assert test.denominator == "residual"
    assert [degrees.xreplace(values) for degrees in test.degrees] == [7, 126]


@pytest.mark.parametrize(
    ("formula", "method", "message"),
    [
        (f"{MEAN} + (1 | a) + (1 | b)", "ML", r"ML has no closed form here: the stratum of the mean has an eigenvalue"),
        (f"{MEAN} + (1 | a:b) + (1 | a:c)", "ML", r"there are 4 mean squares for 3 variance components"),
        (f"{MEAN} + (1 | a:b) + (1 | a:c)", "REML", r"there are 4 mean squares for 3 variance components"),
        (f"{MEAN} + (1 | a)", "MINQUE", r"the method is 'ANOVA', 'REML' or 'ML', not 'MINQUE'"),
    ],
)
def test_estimators_that_have_no_closed_form(formula, method, message):
    with pytest.raises(ModelError, match=message):
        estimators(balanced_model(Model(formula)), method)


def test_likelihood_estimators_need_terms_that_separate():
    balanced = balanced_model(Model("y ~ x + (1 | a)", laws={"x": "Normal(0, 1)"}))
    with pytest.raises(
        ModelError, match=r"the REML estimator in closed form is exact only where every term lies in one"
    ):
        estimators(balanced, "REML")
    with pytest.raises(ModelError, match=r"the covariance of the estimators at finite sizes is exact only where"):
        contrast_weights(balanced, Matrix([[0, 1]]))


def test_a_component_without_an_exact_test_has_no_probability():
    three = balanced_model(Model(f"{MEAN} + (1|a) + (1|b) + (1|c) + (1|a:b) + (1|a:c) + (1|b:c)"))
    (component,) = (symbol for symbol in three.strata.parameters if symbol.name == "sigma2_a")
    with pytest.raises(ModelError, match=r"the estimator of sigma2_a is not a difference of two mean squares"):
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
    with pytest.raises(ModelError, match=r"do not determine its eigenvalue: the contrast has no Satterthwaite"):
        satterthwaite_degrees(balanced, [Integer(1)])
