"""The Wald record: intervals, tails and chi-squared tests against scipy, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, norm
from sympy import Float, ImmutableMatrix, Rational

from leadterms import EvaluationError, LeadtermsError
from leadterms.inference.estimated import Estimated
from leadterms.inference.wald_record import normal_quantile, wald_inference
from leadterms.notation.symbols import effect_covariance, fixed_effect

SYMBOLS = (*map(fixed_effect, range(3)), effect_covariance(1, 1), effect_covariance(1, 2), effect_covariance(2, 2))
VALUES = (0.4, -1.1, 0.02, 0.5, 0.1, 0.25)


def estimated(terms=(2, 2, 1, 2, 2, 2)) -> Estimated:
    rng = np.random.default_rng(5)
    root = 0.05 * rng.standard_normal((6, 6))
    one = 0.01 * np.eye(6)
    block = ImmutableMatrix(2, 2, lambda i, j: effect_covariance(1 + int(i), 1 + int(j)))
    return Estimated(
        "a model", dict(zip(SYMBOLS, map(Float, VALUES), strict=True)),
        ("1", "x", "z", "Sigma11", "Sigma12", "Sigma22"),
        (block,), one, one + root @ root.T, terms, False, ("a note",),
    )  # fmt: skip


@pytest.mark.parametrize("level", ["0.5", "0.95", "0.999", "1/3"])
def test_normal_quantiles(level):
    assert normal_quantile(Rational(level)) == pytest.approx(norm.ppf((1 + float(Rational(level))) / 2), rel=1e-14)


def test_intervals_z_and_tails():
    source = estimated()
    found = wald_inference(source, "variance", "0.9")
    errors = np.sqrt(np.diag(source.best))
    assert found.standard_errors == pytest.approx(errors)
    assert found.standard_errors_one_term == pytest.approx(0.1)
    for index, (value, error) in enumerate(zip(VALUES, errors, strict=True)):
        assert found.intervals[index] == pytest.approx(norm.interval(0.9, value, error))
        assert found.intervals_one_term[index] == pytest.approx(norm.interval(0.9, value, 0.1))
    tested = [0, 1, 2, 4]
    assert found.p_values[tested] == pytest.approx(2 * norm.sf(np.abs(np.array(VALUES) / errors))[tested], rel=1e-10)
    assert np.isnan(found.z[[3, 5]]).all()
    assert np.isnan(found.p_values[[3, 5]]).all()
    assert found.interval("x") == found.interval("beta1") == pytest.approx(tuple(found.intervals[1]))


@pytest.mark.parametrize(
    ("contrasts", "values", "matrix"),
    [
        ("x", 0, [[0, 1, 0, 0, 0, 0]]),
        ({"x": 1, "beta2": -1}, "1/2", [[0, 1, -1, 0, 0, 0]]),
        (["x", {"1": 2, "z": "0.5"}], [0, 1], [[0, 1, 0, 0, 0, 0], [2, 0, 0.5, 0, 0, 0]]),
        (np.eye(6)[[0, 3]], [0, 0.4], np.eye(6)[[0, 3]]),
        (["Sigma12", "Sigma11"], [0, 1], np.eye(6)[[4, 3]]),
    ],
)
def test_linear_hypotheses(contrasts, values, matrix):
    source = estimated()
    found = wald_inference(source, "variance", "0.95").test(contrasts, values)
    K = np.array(matrix, dtype=float)
    b = np.array([float(Rational(str(v))) for v in (values if isinstance(values, list) else [values])])
    for covariance, statistic, tail in (
        (source.best, found.statistic, found.p_value),
        (source.one, found.one_term, found.p_value_one_term),
    ):
        difference = K @ np.array(VALUES) - b
        expected = difference @ np.linalg.inv(K @ covariance @ K.T) @ difference
        assert statistic == pytest.approx(expected)
        assert tail == pytest.approx(chi2.sf(expected, len(K)))
    assert found.df == len(K)


def test_a_test_does_not_depend_on_the_units():
    """Rows that are multiplied by factors, however small, state the same hypothesis."""
    found = wald_inference(estimated(), "variance", "0.95")
    rows = np.eye(6)[[1, 2]]
    scaled = found.test(rows * np.array([[1e-9], [1e7]]))
    assert scaled.statistic == pytest.approx(found.test(rows).statistic, rel=1e-9)


def test_the_hypothesis_is_written_out():
    found = wald_inference(estimated(), "variance", "0.95").test([{"x": -1, "z": "0.5"}, "1"], [0, 2])
    assert found.hypothesis == "-beta1 + 0.5*beta2 = 0, beta0 = 2"
    assert repr(found).startswith("Wald (asymptotic): -beta1 + 0.5*beta2 = 0, beta0 = 2\n  statistic ")
    assert "leading terms alone" in repr(found)


@pytest.mark.parametrize(
    ("contrasts", "values", "message"),
    [
        ("Sigma11", 0, "Sigma11 = 0 is no hypothesis for a Wald test: a variance of zero lies on the boundary"),
        (["x", {"x": 2}], 0, "the combinations are dependent"),
        ({"x": 0}, 0, "no coefficient other than zero"),
        (["x", "z"], [0, 0, 0], "2 combinations need as many values"),
        (np.eye(4), 0, "a matrix of combinations has 6 columns"),
    ],
)
def test_what_is_no_hypothesis_is_refused(contrasts, values, message):
    with pytest.raises(EvaluationError, match=message):
        wald_inference(estimated(), "variance", "0.95").test(contrasts, values)


def test_a_logarithm_of_zero_is_a_hypothesis():
    """log L11 = 0 says that the variance is one, which is no boundary."""
    found = wald_inference(estimated(), "log-Cholesky", "0.95")
    assert found.test("log(L11)").statistic == pytest.approx((found.estimates[3] / found.standard_errors[3]) ** 2)


def test_an_unknown_name_lists_the_known():
    with pytest.raises(LeadtermsError, match=r"no parameter or term 'w': there are 1, beta0, x, beta1"):
        wald_inference(estimated(), "variance", "0.95").test("w")


@pytest.mark.parametrize("level", [0, 1, "-0.1", "95"])
def test_a_level_lies_between_0_and_1(level):
    with pytest.raises(EvaluationError, match="a level lies between 0 and 1"):
        wald_inference(estimated(), "variance", level)


def test_scales_are_views_of_one_source():
    source = estimated()
    found = wald_inference(source, "variance", "0.95")
    other = found.on("sd", "0.8").on("correlation").on("variance", "0.95")
    assert other.intervals == pytest.approx(found.intervals)
    on = found.on("correlation")
    assert (on.interval("sd(Sigma11)")[0] > 0) & (abs(on.interval("cor(Sigma12)")[1]) < 1)
    assert "intervals of cor(Sigma12) are formed on Fisher's z scale and transformed back" in on.notes
    # delta method by linear propagation of many small normal draws
    rng = np.random.default_rng(8)
    draws = np.array(VALUES) + 1e-4 * rng.standard_normal((200_000, 6)) @ np.linalg.cholesky(source.best).T
    correlations = draws[:, 4] / np.sqrt(draws[:, 3] * draws[:, 5])
    assert np.std(correlations) / 1e-4 == pytest.approx(on.standard_errors[4], rel=0.01)


def test_a_value_that_mixes_parameters_has_the_fewest_terms_of_them():
    found = wald_inference(estimated((2, 2, 1, 2, 2, 1)), "correlation", "0.95")
    assert found.terms == (2, 2, 1, 2, 1, 1)


def test_text_and_html():
    found = wald_inference(estimated(), "sd", "0.95")
    text = str(found)
    assert repr(found) == text
    assert text.splitlines()[0] == "a model"
    assert "s.e., one term  s.e., two terms" in text
    assert "95% interval" in text
    assert text.splitlines()[-1] == "  a note"
    html = found._repr_html_()
    assert html.count("<tr>") == 7
    assert "<td>sd(Sigma11)</td>" in html
    assert "<li>a note</li>" in html
