"""Wald inference from estimates: against single entries of expansions, statsmodels, and exact layouts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from leadterms import EvaluationError, ExistenceError, Model, ModelError, UndecidedError, expansion, leading_terms
from leadterms.inference.wald import wald

SLOPES = Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(p)"})
AT = {"beta0": -1.5, "beta1": 0.3, "Sigma11": 0.5, "Sigma12": 0.1, "Sigma22": 0.25, "p": 0.5}
INTERCEPT = Model("y ~ x + (1 | g)", family="gamma", link="log", laws={"x": "Normal(0, 1)"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "at", "sizes"),
    [
        (SLOPES, AT, {"m": 130, "n": 20}),
        (INTERCEPT, {"beta0": 0.1, "beta1": 1.5, "sigma2": 0.8, "phi": 0.6}, {"m": 40, "n": 7}),
    ],
)
def test_the_covariance_is_that_of_the_expansion(model, at, sizes):
    """Every entry by the certified road of `Entry.evaluate_variance`, where this has arrays in double precision."""
    found = wald(model, at, sizes)
    two, one = expansion(model, terms=2), leading_terms(model)
    for i, first in enumerate(model.parameters):
        for j, second in enumerate(model.parameters):
            for result, matrix in ((two, found.covariance), (one, found.covariance_one_term)):
                entry = result[first, second]
                expected = float(entry.evaluate_variance(at, sizes)) if entry.terms else 0
                scale = np.sqrt(matrix[i, i] * matrix[j, j])
                assert matrix[i, j] == pytest.approx(expected, abs=1e-8 * scale)
    assert np.linalg.eigvalsh(found.covariance)[0] > 0


@pytest.mark.slow
def test_unequal_sizes_have_their_own_orders():
    sizes = [20, 20, 60] * 30
    found = wald(SLOPES, AT, sizes)
    entry = expansion(SLOPES, group_sizes="unequal")["x"]
    assert found.covariance[1, 1] == pytest.approx(float(entry.evaluate_variance(AT, sizes)), rel=1e-8)
    named = wald(SLOPES, AT, {"m": 90, "N": 3000, "n_h": "180/7"})
    assert named.covariance == pytest.approx(found.covariance)
    assert "m = 90 groups of 20 to 60, N = 3000" in str(found)
    assert "m = 2 groups of 20, N = 40" in str(wald(SLOPES, AT, [20, 20]))
    # with equal sizes both are the same
    equal = wald(SLOPES, AT, [20] * 50)
    assert equal.covariance == pytest.approx(wald(SLOPES, AT, {"m": 50, "n": 20}).covariance)


def test_estimates_by_name_of_parameter_or_term():
    first = wald(SLOPES, AT, {"m": 50, "n": 20})
    by_term = {"(Intercept)": "-3/2", "x": "0.3", "Sigma11": 0.5, "Sigma12": 0.1, "Sigma22": np.float64(0.25), "p": 0.5}
    text = "beta0=-1.5, beta1=0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.25, p=1/2"
    for other in (by_term, text):
        assert wald(SLOPES, other, {"m": 50, "n": 20}).covariance == pytest.approx(first.covariance)
    assert wald(expansion(SLOPES), AT, {"m": 50, "n": 20}).covariance == pytest.approx(first.covariance)


def test_one_level_of_a_grouping_is_one_group_too():
    crossed = Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(0, 1)"})
    at = {"beta0": 0.5, "beta1": 1, "sigma2_a": 1.8, "sigma2_b": 0.3, "phi": 0.5}
    with pytest.raises(EvaluationError, match="m_prime = 1: standard errors are asymptotic in the number of groups"):
        wald(crossed, at, {"m": 20, "m_prime": 1, "n": 3})
    assert wald(crossed, at, {"m": 20, "m_prime": 30, "n": 1}).terms == (1,) * 5


def test_sizes_and_estimates_as_arrays_and_series_have_them():
    """Group sizes as counts of a data frame, estimates as statsmodels' params and 1 x 1 frames."""
    groups = pd.Series([1, 1, 2, 2, 2, 3])
    expected = wald(SLOPES, AT, [2, 3, 1])
    for sizes in (np.array([2, 3, 1.0]), groups.value_counts(sort=False), groups.groupby(groups).size()):
        assert wald(SLOPES, AT, sizes).covariance == pytest.approx(expected.covariance, rel=1e-14)
    # a float is taken at its shortest decimal, in its own precision
    for kind in (pd.Series, lambda at: {name: np.float32(value) for name, value in at.items()}):
        assert wald(SLOPES, kind(AT), [2, 3, 1]).source.values == expected.source.values
    as_array = {**AT, "beta1": np.array([0.3]), "Sigma22": pd.DataFrame([[0.25]])}
    assert wald(SLOPES, as_array, [2, 3, 1]).source.values == expected.source.values


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (np.ones((1000, 2)), "in one dimension, not a ndarray"),
        (pd.Series({"m": 100, "n": 20}), r"its index holds names of sizes \(m, n\): give dict\(sizes\)"),
        ({"g1": 20, "g2": 30}, r"'g1' is not a size: .* give list\(sizes.values\(\)\)"),
        (pd.DataFrame({"n": range(100)}), "not a DataFrame"),
        ([20, 0], "the size of group 2 is a whole number, 1 or more: 0 given: leave groups"),
        ([20, float("nan")], "the size of group 2 is a whole number, 1 or more: nan given"),
    ],
)
def test_sizes_that_are_refused_in_one_line(sizes, message):
    with pytest.raises(EvaluationError, match=message) as refusal:
        wald(SLOPES, AT, sizes)
    assert "\n" not in str(refusal.value)


def test_one_term_on_request():
    found = wald(SLOPES, AT, {"m": 130, "n": 20}, terms=1)
    assert found.covariance == pytest.approx(found.covariance_one_term)
    assert found.standard_errors[1] == pytest.approx((0.25 / 130) ** 0.5)
    assert "two terms" not in str(found)


@pytest.mark.parametrize(
    ("model", "at"),
    [
        (SLOPES, AT),
        # beta1 and beta2 are of order 1/(mn), and so is their covariance: it belongs to one term
        (
            Model("y ~ x + I(x**2) + (1 | g)", family="poisson", laws={"x": "Finite({-1: 1/2, 0: 1/3, 2: 1/6})"}),
            {"beta0": 0.2, "beta1": 0.5, "beta2": -0.1, "sigma2": 0.4},
        ),
    ],
)
def test_one_term_of_an_expansion_with_two_is_that_of_the_leading_terms(model, at):
    sizes = {"m": 100, "n": 10}
    leading, two = leading_terms(model), expansion(model, terms=2)
    expected = wald(leading, at, sizes).covariance
    found = wald(two, at, sizes, terms=1)
    assert found.covariance == pytest.approx(expected, rel=1e-12)
    assert found.covariance_one_term == pytest.approx(expected, rel=1e-12)
    assert wald(two, at, sizes).covariance_one_term == pytest.approx(expected, rel=1e-12)
    if model is not SLOPES:
        # by the certified road
        entry = leading[model.parameters[1], model.parameters[2]]
        assert expected[1, 2] == pytest.approx(float(entry.evaluate_variance(at, sizes)), rel=1e-8)


def test_a_second_term_above_the_first_is_pointed_out():
    """At the first cell of the published table the second term of the slope is 4.4 times the first at n = 20."""
    notes = wald(SLOPES, AT, {"m": 130, "n": 20}).notes
    assert any("the second term is above the first for" in note and "beta1 (4.4 times)" in note for note in notes)
    assert not wald(SLOPES, AT, {"m": 4000, "n": 2000}).notes


@pytest.mark.slow
def test_a_second_term_that_does_not_exist_leaves_one_with_the_reason():
    """Probit with bounded predictors: it does where sigma2 < 1 (see `leadterms.expectation.inverse_existence`)."""
    probit = Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Bernoulli(1/2)"})
    at = {"beta0": -0.4, "beta1": 0.9}
    beyond = wald(probit, {**at, "sigma2": 1.8}, {"m": 60, "n": 30})
    assert beyond.covariance == pytest.approx(beyond.covariance_one_term)
    assert beyond.notes[0] == "beta0 has one term: its second does not exist: infinite: sigma2 < 1 fails"
    assert set(wald(probit, {**at, "sigma2": 0.5}, {"m": 60, "n": 30}).terms) == {1, 2}
    with pytest.raises(
        ExistenceError,
        match=r"the term of order .* does not exist.*ask for one term, terms=1 [(]--terms 1[)], or for two where",
    ):
        wald(probit, {**at, "sigma2": 1.8}, {"m": 60, "n": 30}, terms=2)
    with pytest.raises(UndecidedError, match="fails with equality"):
        wald(probit, {**at, "sigma2": 1}, {"m": 60, "n": 30}, terms=2)


def test_without_random_effects_it_is_the_information_of_a_glm():
    """Statsmodels' standard errors, for the law that the predictor has in the data."""
    x = np.array([-1.0, 0, 1, 3] * 25)
    y = np.random.default_rng(3).poisson(np.exp(0.2 + 0.4 * x))
    fit = sm.GLM(y, sm.add_constant(x), family=sm.families.Poisson()).fit()
    model = Model("y ~ x", family="poisson", laws={"x": "Finite({-1: 1/4, 0: 1/4, 1: 1/4, 3: 1/4})"})
    found = wald(model, dict(zip(("1", "x"), map(float, fit.params), strict=True)), {"n": 100})
    assert found.standard_errors == pytest.approx(fit.bse, rel=1e-6)
    assert found.z == pytest.approx(fit.tvalues, rel=1e-6)
    assert found.p_values == pytest.approx(fit.pvalues, rel=1e-5)
    assert found.intervals == pytest.approx(fit.conf_int(0.05), rel=1e-6)
    # one group is no loss without random effects
    one = wald(model, found.source.values, [100])
    assert one.covariance == pytest.approx(found.covariance)
    assert "m = 1 group of 100, N = 100" in str(one)


def test_several_groupings_have_one_term_and_say_so():
    crossed = Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(0, 1)"})
    at = {"beta0": 0.5, "beta1": 1, "sigma2_a": 1.8, "sigma2_b": 0.3, "phi": 0.5}
    found = wald(crossed, at, {"m": 20, "m_prime": 30, "n": 3}, scale="sd")
    assert found.notes[0].startswith("one term: two terms and unequal group sizes are covered for one grouping factor")
    assert found.standard_errors[0] == pytest.approx((1.8 / 20 + 0.3 / 30) ** 0.5)
    assert found.names[2:] == ("sd(sigma2_a)", "sd(sigma2_b)", "sd(phi)")
    assert found.estimates[2] == pytest.approx(1.8**0.5)
    # sqrt has derivative 1/(2 sd), and Var(sigma2_a) = 2 sigma^4/m
    assert found.standard_errors[2] == pytest.approx((2 * 1.8**2 / 20) ** 0.5 / (2 * 1.8**0.5))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"Sigma22": 0},
            ExistenceError,
            r"not positive definite \(Sigma11 = 0.5, Sigma12 = 0.1, Sigma22 = 0\): on the",
        ),
        ({"Sigma22": "0.02"}, ExistenceError, "on the boundary estimators are not asymptotically normal"),
        ({"Sigma12": 1}, ExistenceError, "test it by a likelihood ratio"),
        ({"Sigma22": None}, EvaluationError, "no estimate is given for Sigma22"),
        ({"beta1": None}, EvaluationError, "no estimate is given for beta1"),
        ({"x": 2}, EvaluationError, "beta1 is given twice"),
        ({"beta7": 2}, EvaluationError, "'beta7' is not a parameter of the model"),
        ({"beta1": "one"}, EvaluationError, "the value 'one' of beta1 is not an exact number"),
        ({"p": 2}, ExistenceError, "the condition p < 1 fails at p = 2"),
    ],
)
def test_estimates_that_are_refused(change, error, message):
    at = {name: value for name, value in {**AT, **change}.items() if value is not None}
    with pytest.raises(error, match=message):
        wald(SLOPES, at, {"m": 50, "n": 20})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"terms": 3}, EvaluationError, "terms is 1, 2 or None"),
        ({"terms": True}, EvaluationError, "terms is 1, 2 or None"),
        ({"scale": "precision"}, EvaluationError, "the scale 'precision' is not known"),
        ({"level": "95"}, EvaluationError, "between 0 and 1, not 95: write 0.95 for 95 per cent"),
        ({"sizes": {"m": 50}}, EvaluationError, "the size n: give it beside the other sizes, or the size of each"),
        ({"sizes": 20}, EvaluationError, "sizes are a mapping"),
        ({"estimates": [1, 2]}, EvaluationError, "estimates are named, and a list has no names of parameters: give a"),
        ({"sizes": {"m": 1, "n": 20}}, EvaluationError, "one group does not show how groups differ: give the sizes of"),
        ({"sizes": [20]}, EvaluationError, "m = 1: standard errors are asymptotic in the number of groups"),
        ({"sizes": {"m": 1, "N": 20, "n_h": 20}}, EvaluationError, "or leave the random effects out of the model"),
        ({"model": "y ~ x"}, ModelError, "a Model or an Expansion is needed, not str"),
        ({"model": leading_terms(SLOPES), "terms": 2}, EvaluationError, "derive it with terms=2"),
        ({"model": expansion(SLOPES), "sizes": [5, 6]}, EvaluationError, "an expansion with group_sizes='unequal'"),
    ],
)
def test_what_is_asked_wrongly_is_refused(options, error, message):
    asked = {"model": SLOPES, "estimates": AT, "sizes": {"m": 50, "n": 20}, **options}
    with pytest.raises(error, match=message):
        wald(asked.pop("model"), asked.pop("estimates"), asked.pop("sizes"), **asked)


def test_a_nearly_singular_fit_is_pointed_out():
    at = {**AT, "Sigma12": 0.35355}
    assert any("the fit may be on the boundary" in note for note in wald(SLOPES, at, {"m": 50, "n": 20}).notes)
