"""Orthodont: the data by their known totals, F ratios by least squares in numpy, and unbalanced values of pbkrtest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from derivations import orthodont
from leadterms.errors import ModelError
from leadterms.inference.linear_fit import fit_linear
from leadterms.inference.linear_tests import exact_f, exact_f_variance, kenward_roger, likelihood_ratio

LARGE = "distance ~ age*Sex + (1 | Subject)"


def test_the_numbers_are_those_of_the_paper():
    """Means by sex and age as Potthoff & Roy (1964) print them in their table 1 (girls, boys), to two places."""
    girls = [21.18, 22.23, 23.09, 24.09]
    boys = [22.88, 23.81, 25.72, 27.47]
    np.testing.assert_allclose(np.mean(orthodont.GIRLS, axis=0), girls, atol=0.006)
    np.testing.assert_allclose(np.mean(orthodont.BOYS, axis=0), boys, atol=0.006)
    data = orthodont.data()
    assert len(data["distance"]) == 108
    assert data["Subject"].count("F11") == 4


def residual_squares(*columns):
    X, y = np.column_stack(columns), np.array(orthodont.data()["distance"])
    return float(np.sum((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2))


def test_the_sums_of_squares_are_differences_of_least_squares():
    data = orthodont.data()
    one, age = np.ones(108), np.array(data["age"], dtype=float)
    sex = np.array([value == "Male" for value in data["Sex"]], dtype=float)
    children = np.array([[s == t for t in sorted(set(data["Subject"]))] for s in data["Subject"]], dtype=float)
    models = [[one], [one, age], [one, age, sex], [one, age, sex, children], [one, age, sex, children, age * sex]]
    rests = [residual_squares(*columns) for columns in models]
    expected = [*(-np.diff(rests)), rests[-1]]
    np.testing.assert_allclose([line.squares for line in orthodont.anova()], expected, rtol=1e-9)


def test_the_statements_agree_and_have_steps():
    assert {s.name: s.outcome().verdict for s in orthodont.STATEMENTS} == {
        s.name: "agree" for s in orthodont.STATEMENTS
    }
    assert "9.2921" in orthodont.steps()[2].latex
    assert "6.3027" in orthodont.steps()[3].latex


def test_a_wrong_print_would_disagree():
    test = orthodont.both_tests("age + Sex", "age")[0]
    assert orthodont._f_test(test, "9.2919", "25", "0.005375", "").verdict == "disagree"
    assert orthodont._f_test(test, "9.2921", "26", "0.005375", "").verdict == "disagree"


def test_the_ratio_of_the_slide_is_a_rounding():
    outcome = next(s for s in orthodont.STATEMENTS if s.name == "orthodont-ratio").outcome()
    assert "from the data it is 9.2921" in outcome.note


# Halekoh & Højsgaard's pbkrtest::KRmodcomp (R), large model LARGE: small model, rows left out, F, ddf.
PBKRTEST = [
    ("age + Sex", (), 6.3027, 79),
    ("age:Sex", (), 0.4507, 103.986361),
    ("age + Sex", (1, 50, 51), 6.643965, 76.10428),
    ("age:Sex", (1, 50, 51), 0.632266, 100.987033),
]


@pytest.mark.parametrize(("small", "without", "statistic", "ddf"), PBKRTEST)
def test_kenward_roger_as_pbkrtest(small, without, statistic, ddf):
    test = kenward_roger(LARGE, f"distance ~ {small} + (1 | Subject)", orthodont.data(without))
    assert test.statistic == pytest.approx(statistic, abs=5.1e-5 if len(str(statistic)) < 7 else 5.1e-7)
    assert test.ddf == pytest.approx(ddf, abs=5.1e-6)
    assert test.p_value == pytest.approx(stats.f.sf(test.statistic, 1, test.ddf), rel=1e-9)
    assert not test.exact


def test_unbalanced_the_interaction_is_tested_within_children_and_sex_is_not():
    data = orthodont.data((1, 50, 51))
    within = exact_f(LARGE, "distance ~ age + Sex + (1 | Subject)", data)
    assert (within.ndf, within.ddf) == (1, 76)
    with pytest.raises(ModelError, match="no single stratum"):
        exact_f("distance ~ age + Sex + (1 | Subject)", "distance ~ age + (1 | Subject)", data)


def test_the_variance_of_children():
    """The slide's F value of Subject, 7.8648, tests it."""
    test = exact_f_variance(LARGE, "sigma2", orthodont.data())
    assert (test.ndf, test.ddf) == (25, 79)
    assert test.statistic == pytest.approx(7.8648, abs=5.1e-5)


def test_restricted_likelihoods_of_different_means_are_refused():
    small = "distance ~ age + Sex + (1 | Subject)"
    with pytest.raises(ModelError, match="not comparable"):
        likelihood_ratio(LARGE, small, orthodont.data(), "REML")
    fits = [fit_linear(formula, orthodont.data()) for formula in (LARGE, small)]
    with pytest.raises(ModelError, match="fitted by REML"):
        likelihood_ratio(*fits)
