"""The report of a layout: what it shows is what the exact results say, with values where all symbols are given."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from scipy.stats import f as f_law

from leadterms import EvaluationError, Model, balanced_model
from leadterms.publication.layout_report import layout_record, layout_text, read_layout_point

ONE_WAY = Model("y ~ 1 + (1 | g)")
CROSSED = Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(mu, s)"})
DESIGN = {"age": "Finite({8: 1/4, 10: 1/4, 12: 1/4, 14: 1/4})", "sex": "Bernoulli(11/27)"}
GROWTH = Model("y ~ age*sex + (1 | s)", laws=DESIGN, levels={"sex": "s"}, designed=["age", "sex"])


def test_the_record_has_every_stratum_and_is_plain_data():
    record = layout_record(CROSSED)
    json.dumps(record)
    strata = record["exact"]["strata"]
    assert [stratum["name"] for stratum in strata] == ["1", "a", "b", "residual"]
    assert [stratum["terms"] for stratum in strata] == [["1", "x"], ["x"], ["x"], ["x"]]
    assert record["exact"]["fixed_covariance_is_exact"] is False
    assert "has a part in several" in record["exact"]["estimators"]["REML"]["reason"]
    assert record["exact"]["estimators"]["ANOVA"]["closed_form"]["phi"]["expression"] == "MS_residual"


@pytest.mark.parametrize(("m", "n"), [(5, 50), (50, 5), (3, 2)])
def test_the_probability_of_a_negative_estimate_is_that_of_the_f_law(m, n):
    point = read_layout_point(ONE_WAY, f"m={m}, n={n}, sigma2=1/3, phi=2")
    test = layout_record(ONE_WAY, point, 12)["exact"]["variance_tests"]["sigma2"]
    ratio = Fraction(2) / (n * Fraction(1, 3) + 2)
    expected = f_law.cdf(float(ratio), m - 1, m * (n - 1))
    assert float(test["negative_probability"]["value"]) == pytest.approx(expected, rel=1e-10)
    assert [degrees["value"] for degrees in test["degrees"]] == [str(m - 1), str(m * (n - 1))]


def test_a_value_needs_all_symbols_of_its_expression():
    point = read_layout_point(CROSSED, "m=3, m_prime=4, n=2")
    strata = layout_record(CROSSED, point)["exact"]["strata"]
    assert [stratum["rank"]["value"] for stratum in strata] == ["1", "2", "3", "18"]
    assert all(stratum["eigenvalue"]["value"] is None for stratum in strata)


def test_a_hypothesis_in_two_strata_has_satterthwaites_degrees():
    # slide "test of Sex effect": ddf 103.9864 at the REML estimates, here with four digits of them
    point = read_layout_point(GROWTH, "m=27, n=4, sigma2=3.2986, phi=1.9220")
    tests = layout_record(GROWTH, point)["exact"]["fixed_tests"]
    assert float(tests["sex"]["satterthwaite_degrees"]["value"]) == pytest.approx(103.9864, abs=1e-3)
    assert tests["sex"]["exact"] is None
    assert [degrees["value"] for degrees in tests["age:sex"]["exact"]["degrees"]] == ["1", "79"]


def test_the_text_shows_the_record():
    text = layout_text(ONE_WAY, read_layout_point(ONE_WAY, "m=5, n=50, sigma2=0, phi=1"))
    for expected in (
        "sigma2 = (MS_g - MS_residual)/n",
        "sigma2 = MS_g*(m - 1)/(m*n) - MS_residual/n",
        "MS(g)/MS(residual) ~ F(m - 1 = 4, m*(n - 1) = 245)",
        "0.591802437807100",  # theory of the boundary: 0.592 for five groups of fifty
        "[1] sigma2/m + phi/(m*n) = 0.00400000000000000",
    ):
        assert expected in text
    assert "has a part in several" in layout_text(CROSSED)


def test_what_is_not_exact_says_why():
    model = Model("y ~ x + (1 + x | a) + (1 | b)", laws={"x": "Normal(0, 1)"})
    assert "the random slope of x within a leaves the algebra of strata" in layout_text(model)
    assert layout_record(model)["exact"] is None
    assert [node["name"] for node in layout_record(model)["factors"]] == ["1", "a", "b", "a:b", "units"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m=2.5", "the size m is a whole number, 1 or more: 5/2 given"),
        ("m=0", "the size m is a whole number"),
        ("phi=-1", "phi is not negative: -1 given"),
        ("q=1", "'q' is neither a parameter nor a size of the model: it has beta0, sigma2, phi, m, n"),
    ],
)
def test_a_bad_point_is_refused(text, message):
    with pytest.raises(EvaluationError, match=message.replace("(", r"\(")):
        read_layout_point(ONE_WAY, text)


def test_only_designs_have_an_exact_covariance():
    """With z drawn, m = 5 and n = 2 the inverse of the expected information is 0.3, and lambda/{n(m - 3)} = 0.75."""
    drawn = Model("y ~ z + (1 | g)", laws={"z": "Normal(0, 1)"}, levels={"z": "g"})
    assert layout_record(drawn)["exact"]["fixed_covariance_is_exact"] is False
    assert layout_record(drawn)["exact"]["fixed_tests_are_exact"] is True
    assert layout_record(GROWTH)["exact"]["fixed_covariance_is_exact"] is True
    assert "inverse of the expected information" in layout_text(drawn)


def test_more_mean_squares_than_components_are_reported():
    record = layout_record(Model("y ~ 1 + (1 | a:b) + (1 | a:c)"))["exact"]
    assert "4 mean squares for 3 variance components" in record["estimators"]["ANOVA"]["reason"]
    assert set(record["variance_tests"]) == {"sigma2_a_b", "sigma2_a_c"}


def test_sizes_that_leave_nothing_have_no_values():
    text = layout_text(ONE_WAY, read_layout_point(ONE_WAY, "m=1, n=50, sigma2=1, phi=1"))
    assert "at these sizes no degrees of freedom are left in: g" in text
    record = layout_record(ONE_WAY, read_layout_point(ONE_WAY, "m=5, n=1, sigma2=1, phi=1"))["exact"]
    assert record["variance_tests"]["sigma2"]["negative_probability"]["value"] is None


def test_estimators_are_combinations_of_mean_squares():
    nested = balanced_model(Model("y ~ 1 + (1 | a/b)"))
    assert {str(k): str(v) for k, v in nested.estimators("ANOVA").items()} == {
        "sigma2_a": "(MS_a - MS_a_b)/(m_b*n)",
        "sigma2_a_b": "(MS_a_b - MS_residual)/n",
        "phi": "MS_residual",
    }
