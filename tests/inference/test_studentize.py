"""Studentization against the engine with the empirical law of the data, and against fits by other hands."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from derivations.orthodont import data
from leadterms import EvaluationError, ExistenceError, Model, ModelError, ReadingError, UndecidedError, fit_linear
from leadterms.inference.studentize import studentize
from leadterms.inference.wald import wald

spec = importlib.util.spec_from_file_location("agq_fit", Path(__file__).with_name("agq_fit.py"))
agq_fit = importlib.util.module_from_spec(spec)
sys.modules["agq_fit"] = agq_fit
spec.loader.exec_module(agq_fit)

RNG = np.random.default_rng(21)
M, SIZE = 30, 10
GROUP = np.repeat(np.arange(M), SIZE)
TWO = RNG.integers(0, 2, M * SIZE)
THREE = RNG.integers(-1, 2, M * SIZE)
DATA = {"two": TWO, "x": THREE, "arm": GROUP % 2, "g": GROUP}
INTERCEPT = {"beta0": -0.4, "beta1": 0.9, "sigma2": 0.8}
SLOPES = {"beta0": -0.5, "beta1": 0.3, "Sigma11": 0.5, "Sigma12": 0.1, "Sigma22": 0.25}


def law(values) -> str:
    """Return the empirical law as the engine reads it, with exact probabilities."""
    shares = (f"{value}: {Fraction(count, len(values))}" for value, count in sorted(Counter(values.tolist()).items()))
    return f"Finite({{{', '.join(shares)}}})"


def assert_agree(found, expected, accuracy=1e-8):
    """Compare covariances in units of the standard errors."""
    assert found.names == expected.names
    for own, other in (
        (found.covariance, expected.covariance),
        (found.covariance_one_term, expected.covariance_one_term),
    ):
        errors = np.sqrt(np.diag(other))
        assert own / np.outer(errors, errors) == pytest.approx(other / np.outer(errors, errors), abs=accuracy)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "family", "link", "at"),
    [
        ("y ~ two + (1 | g)", "bernoulli", None, INTERCEPT),
        ("y ~ x + (1 | g)", "poisson", None, INTERCEPT),
        ("y ~ two + (1 | g)", "bernoulli", "probit", {**INTERCEPT, "sigma2": 0.5}),
        ("y ~ two + (1 + two | g)", "bernoulli", None, SLOPES),
        ("y ~ x + I(x**2) + (1 + x | g)", "poisson", None, {**SLOPES, "beta2": 0.2}),
        ("y ~ two + (1 + two || g)", "poisson", None, {k: v for k, v in SLOPES.items() if k != "Sigma12"}),
        ("y ~ x + I(x**2) + (1 + x | g)", "gamma", "log", {**SLOPES, "beta2": 0.2, "phi": 0.7}),
        ("y ~ x + (0 + x | g)", "gaussian", None, {**INTERCEPT, "phi": 1.3}),
        ("y ~ two + (1 | g)", "negative-binomial(3)", None, INTERCEPT),
    ],
)
def test_it_is_the_expansion_with_the_empirical_law(formula, family, link, at):
    """The engine averages symbolically and evaluates by its own roads; no quadrature is shared."""
    name = "two" if "two" in formula else "x"
    model = Model(formula, family=family, link=link, laws={name: law(DATA[name])})
    expected = wald(model, at, {"m": M, "n": SIZE})
    assert_agree(studentize(model, DATA, at), expected)
    assert_agree(studentize(formula, DATA, at, family=family, link=link), expected)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_random_points_and_sizes(seed):
    """Unequal groups: the empirical law is that of all rows, and 1/n_i is averaged over groups."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(4, 30, 25)
    x = rng.integers(0, 2, sizes.sum())
    root = rng.uniform(-1, 1, (2, 2)) + np.diag([0.6, 0.6])
    sigma = root @ root.T
    at = dict(zip(SLOPES, [*rng.uniform(-1, 1, 2), sigma[0, 0], sigma[1, 0], sigma[1, 1]], strict=True))
    columns = {"x": x, "g": np.repeat(np.arange(25), sizes)}
    model = Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": law(x)})
    assert_agree(studentize(model, columns, at), wald(model, at, sizes.tolist()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "at"),
    [
        ("y ~ arm + x + (1 | g)", {**INTERCEPT, "beta2": 0.3}),
        ("y ~ two + arm + arm:two + (1 + two | g)", {**SLOPES, "beta2": 0.4, "beta3": -0.6}),
    ],
)
def test_group_level_predictors_make_kinds_of_groups(formula, at):
    """The same observations within groups in both arms, so that predictors are independent of the arm as in a model."""
    name = "two" if "two" in formula else "x"
    within = DATA[name][:SIZE]
    columns = {name: np.tile(within, M), "arm": GROUP % 2, "g": GROUP}
    model = Model(formula, family="poisson", laws={name: law(within), "arm": "Bernoulli(1/2)"}, levels={"arm": "g"})
    assert_agree(studentize(formula, columns, at, family="poisson"), wald(model, at, {"m": M, "n": SIZE}))


def test_two_treatments_of_arms_agree():
    """Arms of their own sizes and predictors: the arms' intercepts, stated as two columns, have nothing in common."""
    rng = np.random.default_rng(6)
    sizes = np.where(np.arange(40) % 2, 12, 5)
    group = np.repeat(np.arange(40), sizes)
    columns = {"arm": group % 2, "g": group, "x": rng.integers(0, 2, len(group)) + group % 2}
    at = {"beta0": 0.3, "beta1": -0.2, "sigma2": 0.5}
    both = studentize("y ~ arm + (1 | g)", columns, at, family="poisson")
    alone = []
    for arm, mean in ((0, 0.3), (1, 0.1)):
        rows = group % 2 == arm
        part = {"g": group[rows], "one": np.ones(rows.sum())}
        alone.append(studentize("y ~ 1 + (1 | g)", part, {"beta0": mean, "sigma2": 0.5}, family="poisson"))
    assert both.covariance[0, 0] == pytest.approx(alone[0].covariance[0, 0])
    assert both.covariance[1, 1] == pytest.approx(sum(one.covariance[0, 0] for one in alone))
    assert both.covariance[0, 1] == pytest.approx(-alone[0].covariance[0, 0])


def test_it_does_not_matter_how_the_predictors_are_coded():
    """A factor as text, as an indicator, or with another origin: the same contrasts have the same errors."""
    text = studentize(
        "y ~ two + (1 + two | g)", {"two": np.array(["a", "b"])[TWO], "g": GROUP}, SLOPES, family="bernoulli"
    )
    number = studentize("y ~ two + (1 + two | g)", pd.DataFrame(DATA), SLOPES, family="bernoulli")
    assert text.labels[1] == "twob"
    assert text.covariance == pytest.approx(number.covariance)
    # x = two - 5: intercept and slope (b0 + 5 b1, b1), effects (u0 + 5 u1, u1)
    change = np.array([[1.0, 5.0], [0.0, 1.0]])
    sigma = change @ np.array([[0.5, 0.1], [0.1, 0.25]]) @ change.T
    moved = {"beta0": -0.5 + 5 * 0.3, "beta1": 0.3, "Sigma11": sigma[0, 0], "Sigma12": sigma[0, 1], "Sigma22": 0.25}
    shifted = studentize("y ~ x + (1 + x | g)", {"x": TWO - 5, "g": GROUP}, moved, family="bernoulli")
    assert shifted.covariance[1, 1] == pytest.approx(number.covariance[1, 1], rel=1e-8)
    assert shifted.covariance[4, 4] == pytest.approx(number.covariance[4, 4], rel=1e-8)
    rotated = change @ number.covariance[:2, :2] @ change.T
    assert shifted.covariance[:2, :2] == pytest.approx(rotated, rel=1e-7)


def test_the_reference_is_the_first_category():
    """The effects of b and a against c, by the names of the levels and by the indicators; d has no rows."""
    level = np.array(list("abc"))[THREE + 1]
    at = {"1": 0.2, "zb": 0.4, "za": -0.3, "sigma2": 0.5}
    z = pd.Categorical(level, categories=list("dcba"))
    found = studentize("y ~ z + (1 | g)", pd.DataFrame({"z": z, "g": GROUP}), at, family="poisson")
    assert found.labels == ("1", "zb", "za", "sigma2")
    indicators = {"zb": 1 * (level == "b"), "za": 1 * (level == "a"), "g": GROUP}
    expected = studentize("y ~ zb + za + (1 | g)", indicators, at, family="poisson")
    assert found.covariance == pytest.approx(expected.covariance, rel=1e-12)


def test_errors_of_levels_are_those_of_the_observed_information_of_a_fit():
    """A fit by quadrature, 150 groups of 48.

    Over the seeds 1 to 20 the ratios of errors had means 1.000, 0.989, 0.993, 1.004 and standard deviations of 0.001,
    0.009, 0.009, 0.007. With groups of 12 the means were 0.994, 0.955, 0.974, 1.024, for 150 groups as for 600: what
    they lack is of higher order in 1/n, and no chance.
    """
    rng = np.random.default_rng(1)
    level = rng.integers(0, 3, (150, 48))
    X = np.stack([np.ones((150, 48)), level == 1, level == 0], axis=-1).astype(float)
    truth = (np.array([0.2, 0.5, -0.4]), np.array([[0.5]]), 1.0)
    y = agq_fit.simulate("poisson", rng, X, X[:, :, :1], *truth[:2])
    fit = agq_fit.fit("poisson", y, X, X[:, :, :1], truth)
    likelihood = agq_fit.Likelihood("poisson", y, X, X[:, :, :1])
    at = np.array([*fit.beta, np.log(fit.sigma[0, 0]) / 2])
    hessian = np.array([(likelihood(at + h)[1] - likelihood(at - h)[1]) / 2e-4 for h in np.eye(4) * 1e-4])
    observed = np.sqrt(np.diag(np.linalg.inv((hessian + hessian.T) / 2))) * [1, 1, 1, 2]

    z = pd.Categorical(np.array(list("abc"))[level.ravel()], categories=list("dcba"))
    frame = pd.DataFrame({"z": z, "g": np.repeat(np.arange(150), 48)})
    estimates = dict(zip(("(Intercept)", "zb", "za", "sigma2"), fit.estimates().values(), strict=True))
    found = studentize("y ~ z + (1 | g)", frame, estimates, family="poisson", scale="log")
    assert found.labels == ("1", "zb", "za", "log(sigma2)")
    # the mean of the ratios, and three of their standard deviations
    centre, chance = np.array([1.000, 0.989, 0.993, 1.004]), np.array([0.001, 0.009, 0.009, 0.007])
    assert np.all(np.abs(found.standard_errors / observed - 1) < np.abs(centre - 1) + 3 * chance + 0.0005)
    # exchanged levels, or one term, would be further away
    assert found.standard_errors[1] < 0.9 * found.standard_errors[2]
    assert np.all(found.standard_errors_one_term[[0, 3]] < 0.97 * observed[[0, 3]])


def test_categories_and_truth_values_have_the_errors_that_statsmodels_has():
    """A GLM with treatment coding by patsy; Poisson with its canonical link, where both informations are the same."""
    frame = pd.DataFrame({"z": pd.Categorical(THREE, categories=[1, -1, 0]), "b": TWO == 1})
    frame["y"] = np.random.default_rng(8).poisson(np.exp(0.2 + 0.3 * TWO))
    fit = sm.GLM.from_formula("y ~ z*b", frame, family=sm.families.Poisson()).fit()
    names = fit.params.index.str.replace("[T.", "").str.replace("]", "").str.replace("Intercept", "1")
    found = studentize("y ~ z*b", frame, dict(zip(names, fit.params.tolist(), strict=True)), family="poisson")
    errors = dict(zip(found.labels, found.standard_errors, strict=True))
    assert [errors[name] for name in names] == pytest.approx(fit.bse.tolist(), rel=1e-6)


def test_continuous_predictors_need_no_law():
    """The moments of a normal predictor, from many rows, are near to those of its law."""
    rng = np.random.default_rng(9)
    x = rng.standard_normal(20_000)
    frame = pd.DataFrame({"x": x, "g": np.arange(20_000) // 20})
    found = studentize("y ~ x + (1 | g)", frame, INTERCEPT, family="bernoulli")
    stated = Model("y ~ x + (1 | g)", family="bernoulli", laws={"x": "Normal(0, 1)"})
    expected = wald(stated, INTERCEPT, {"m": 1000, "n": 20})
    assert found.standard_errors == pytest.approx(expected.standard_errors, rel=0.03)
    assert found.standard_errors != pytest.approx(expected.standard_errors, rel=1e-6)


def test_without_random_effects_it_is_the_expected_information_of_a_glm():
    y = np.random.default_rng(3).poisson(np.exp(0.2 + 0.4 * THREE))
    fit = sm.GLM(y, sm.add_constant(THREE), family=sm.families.Poisson()).fit()
    estimates = dict(zip(("1", "x"), map(float, fit.params), strict=True))
    found = studentize("y ~ x", DATA, estimates, family="poisson")
    assert found.covariance == pytest.approx(fit.cov_params(), rel=1e-6)
    assert found.notes == ()


def test_the_gaussian_model_with_equal_designs_is_exact():
    """Cov(beta^) is Sigma/m + phi (X'X)^{-1}/m at every size if X is the same in all groups, each with all effects."""
    within = np.array([0, 1, 0, 1, 1, 0])
    columns = {"x": np.tile(within, 20), "g": np.repeat(np.arange(20), 6)}
    found = studentize("y ~ x + (1 + x | g)", columns, {**SLOPES, "phi": 0.9}, family="gaussian")
    X = np.column_stack([np.ones(6), within])
    exact = (np.array([[0.5, 0.1], [0.1, 0.25]]) + 0.9 * np.linalg.inv(X.T @ X)) / 20
    assert found.covariance[:2, :2] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("family", ["poisson", "bernoulli"])
def test_the_origin_of_a_predictor_does_not_matter(family):
    """Calendar years: slopes and their variances have the errors that they have for years since 2000."""
    rng = np.random.default_rng(30)
    years, z = rng.integers(0, 20, 400), rng.standard_normal(400)
    group, slope = np.arange(400) // 20, {"beta1": 0.05, "beta2": 0.4, "Sigma22": 0.003}
    near = {**slope, "beta0": -0.2, "Sigma11": 0.5, "Sigma12": 0.01}
    far = {**slope, "beta0": -0.2 - 100, "Sigma12": 0.01 - 6, "Sigma11": 0.5 - 4000 * 0.01 + 12_000}
    formula = "y ~ x + z + (1 + x | g)"
    found, expected = (
        studentize(formula, {"x": years + origin, "z": z, "g": group}, at, family=family)
        for origin, at in ((2000, far), (0, near))
    )
    assert found.terms == expected.terms == (2, 2, 1, 2, 2, 2)
    places = np.ix_([1, 2, 5], [1, 2, 5])
    errors = expected.standard_errors[[1, 2, 5]]
    assert found.covariance[places] / np.outer(errors, errors) == pytest.approx(
        expected.covariance[places] / np.outer(errors, errors), abs=1e-6
    )


@pytest.mark.parametrize("formula", ["distance ~ age*Sex + (1 | Subject)", "distance ~ age*Sex + (1 + age | Subject)"])
def test_the_growth_data_have_the_errors_of_generalized_least_squares(formula):
    """Four visits of 27 children (Potthoff and Roy 1964), sex constant within a child; `fit_linear` has V itself."""
    fit = fit_linear(formula, data(), method="ML")
    found = studentize(formula, data(), {**fit.coefficients, **fit.variances}, family="gaussian")
    assert found.labels[: len(fit.names)] == fit.names
    assert found.standard_errors[: len(fit.names)] == pytest.approx(fit.standard_errors, rel=1e-8)
    assert found.covariance[:4, :4] == pytest.approx(fit.covariance, rel=1e-7)


def test_probit_has_second_terms_where_they_exist():
    """With bounded predictors where sigma2 < 1; with two points and two effects where both variances are below 1."""
    beyond = studentize("y ~ x + (1 | g)", DATA, {**INTERCEPT, "sigma2": 1.8}, family="bernoulli", link="probit")
    assert beyond.terms == (1, 1, 1)
    assert beyond.notes[0] == "one term: second terms do not exist: infinite: Var(U'x) = 1.8 where it must be below 1"
    with pytest.raises(UndecidedError, match=r"Var\(U'x\) = 1, and existence is known below 1 only"):
        studentize("y ~ x + (1 | g)", DATA, {**INTERCEPT, "sigma2": 1}, family="bernoulli", link="probit", terms=2)
    # three points for two effects: Var U_0 = 0.5, and 1.3 or 1.7 at the two others
    wider = {**SLOPES, "Sigma22": 1}
    with pytest.raises(UndecidedError, match=r"Var\(U'x\) = 1.3, and existence is known below 1 only"):
        studentize("y ~ x + (1 + x | g)", DATA, wider, family="bernoulli", link="probit", terms=2)
    formula = "y ~ two + (1 + two | g)"
    small = {"beta0": -0.4, "beta1": 0.3, "Sigma11": 0.2, "Sigma12": 0.02, "Sigma22": 0.1}
    assert studentize(formula, DATA, small, family="bernoulli", link="probit").terms == (2,) * 5
    # near the limit of existence averages lie far out, where in doubles the information looks singular
    near = studentize(formula, DATA, SLOPES, family="bernoulli", link="probit")
    assert near.terms == (1,) * 5
    assert near.notes[0].startswith(
        "one term: the information given the random effects is singular in double precision"
    )
    with pytest.raises(EvaluationError, match=r"give laws and use wald\(model"):
        studentize(formula, DATA, SLOPES, family="bernoulli", link="probit", terms=2)
    wide = {**SLOPES, "Sigma22": 0.7}  # Var(U_0 + U_1) = 0.5 + 0.2 + 0.7
    with pytest.raises(ExistenceError, match=r"infinite: Var\(U'x\) = 1.4 where .*; ask for one term"):
        studentize(formula, DATA, wide, family="bernoulli", link="probit", terms=2)


def test_complementary_log_log_has_one_term():
    found = studentize("y ~ x + (1 | g)", DATA, INTERCEPT, family="bernoulli", link="cloglog")
    assert found.terms == (1, 1, 1)
    assert "never exists for complementary log-log" in found.notes[0]
    stated = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": law(THREE)})
    expected = wald(stated, INTERCEPT, {"m": M, "n": SIZE}, terms=1)
    assert found.standard_errors == pytest.approx(expected.standard_errors, rel=1e-7)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"family": None}, ModelError, "a formula needs a family"),
        ({"family": "gamma", "link": "inverse"}, ModelError, "which normal random effects do not give"),
        ({"model": "y ~ x + (1 | g"}, ReadingError, r"y ~ x \+ \(1 \| g"),
        ({"model": 3}, ModelError, "a formula or a Model is needed, not int"),
        ({"data": {"x": [1, 2]}}, ModelError, "the data have no column 'g'"),
        ({"estimates": {"beta0": 1}}, EvaluationError, r"no estimate is given for beta1 \[x\], sigma2: add it"),
        ({"data": {**DATA, "g": 0 * GROUP}}, EvaluationError, "m = 1: standard errors are asymptotic in the number"),
        ({"estimates": {**INTERCEPT, "sigma2": 0}}, ExistenceError, "on the boundary"),
        ({"estimates": {**INTERCEPT, "w": 0}}, EvaluationError, "'w' is not a parameter of the model"),
        ({"terms": 4}, EvaluationError, "terms is 1, 2 or None"),
        ({"estimates": {**INTERCEPT, "sigma2": 900}, "terms": 2}, EvaluationError, "ask for one term"),
    ],
)
def test_what_is_refused(options, error, message):
    asked = {"model": "y ~ x + (1 | g)", "data": DATA, "estimates": INTERCEPT, "family": "bernoulli", **options}
    with pytest.raises(error, match=message):
        studentize(asked.pop("model"), asked.pop("data"), asked.pop("estimates"), **asked)


def test_a_statement_has_its_family():
    model = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Normal(0, 1)"})
    with pytest.raises(ModelError, match="a model statement has its family and link"):
        studentize(model, DATA, INTERCEPT, family="poisson")


@pytest.mark.slow
def test_columns_need_no_further_package():
    """Neither scipy nor a data frame library is imported for a mapping of columns."""
    program = (
        "import sys; from leadterms.inference.studentize import studentize\n"
        "studentize('y ~ x + (1 | g)', {'x': [0, 1] * 20, 'g': [i // 4 for i in range(40)]},"
        " {'1': 0.1, 'x': 0.2, 'sigma2': 0.3}, family='bernoulli', link='probit')\n"
        "print(sorted({'scipy', 'pandas', 'polars', 'narwhals', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
