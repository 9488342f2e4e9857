"""Linear hypotheses: chi-squared tests against scipy, and what is no hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from sympy import Rational

from leadterms import EvaluationError, ModelError, ReadingError
from leadterms.inference.wald_record import wald_inference

VALUES = (0.4, -1.1, 0.02, 0.5, 0.1, 0.25)
"""As in conftest.py: three fixed effects, Sigma11, Sigma12, Sigma22."""


@pytest.mark.parametrize(
    ("contrasts", "values", "matrix"),
    [
        ("x", 0, [[0, 1, 0, 0, 0, 0]]),
        ({"x": 1, "beta2": -1}, "1/2", [[0, 1, -1, 0, 0, 0]]),
        (["x", {"1": 2, "z": "0.5"}], [0, 1], [[0, 1, 0, 0, 0, 0], [2, 0, 0.5, 0, 0, 0]]),
        (np.eye(6)[[0, 3]], [0, 0.4], np.eye(6)[[0, 3]]),
        (["Sigma12", "Sigma11"], [0, 1], np.eye(6)[[4, 3]]),
        ("x - z", "1/2", [[0, 1, -1, 0, 0, 0]]),
        (np.eye(3)[1:], 0, np.eye(6)[1:3]),
    ],
)
def test_linear_hypotheses(contrasts, values, matrix, estimated):
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


def test_a_test_does_not_depend_on_the_units(estimated):
    """Rows that are multiplied by factors, however small, state the same hypothesis."""
    found = wald_inference(estimated(), "variance", "0.95")
    rows = np.eye(6)[[1, 2]]
    scaled = found.test(rows * np.array([[1e-9], [1e7]]))
    assert scaled.statistic == pytest.approx(found.test(rows).statistic, rel=1e-9)


def test_the_hypothesis_is_written_out(estimated):
    found = wald_inference(estimated(), "variance", "0.95").test([{"x": -1, "z": "0.5"}, "1"], [0, 2])
    assert found.hypothesis == "beta2/2 - beta1 = 0; beta0 = 2"
    assert repr(found).startswith("Wald (asymptotic): beta2/2 - beta1 = 0; beta0 = 2\n  statistic ")
    assert "leading terms alone" in repr(found)


@pytest.mark.parametrize(
    ("contrasts", "values", "message"),
    [
        ("Sigma11", 0, "Sigma11 = 0 is on the boundary of the parameter space"),
        ("Sigma11 + Sigma22", None, "Sigma11 . Sigma22 = 0 is on the boundary of the parameter space"),
        ("Sigma11 = -1", None, "Sigma11 = -1 is on the boundary of the parameter space"),
        (["x", {"x": 2}], 0, "depend on each other"),
        ({"x": 0}, 0, "has no parameter with a coefficient that is not zero"),
        (["x", "z"], [0, 0, 0], "has 2 rows, and 3 values are given"),
        (np.eye(4), 0, "a row of K has 4 entries: there are 3 fixed effects and 6 parameters in all"),
    ],
)
def test_what_is_no_hypothesis_is_refused(contrasts, values, message, estimated):
    with pytest.raises(ModelError, match=message):
        wald_inference(estimated(), "variance", "0.95").test(contrasts, values)


def test_rows_that_are_dependent_in_double_precision_are_refused(estimated):
    rows = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1e-9]])
    with pytest.raises(EvaluationError, match="the combinations are dependent"):
        wald_inference(estimated(), "variance", "0.95").test(rows)


def test_texts_and_numbers_state_the_same(estimated):
    """Also with names that are no identifiers, as on the scale of correlations."""
    found = wald_inference(estimated(), "correlation", "0.95")
    texts = found.test(["x - z = 1/2", "cor(Sigma12) = 0.1"])
    numbers = found.test([{"x": 1, "beta2": -1}, {"cor(Sigma12)": 1}], ["0.5", 0.1])
    assert (texts.hypothesis, texts.statistic) == (numbers.hypothesis, numbers.statistic)


def test_a_logarithm_of_zero_is_a_hypothesis(estimated):
    """log L11 = 0 says that the variance is one, which is no boundary."""
    found = wald_inference(estimated(), "log-Cholesky", "0.95")
    assert found.test("log(L11)").statistic == pytest.approx((found.estimates[3] / found.standard_errors[3]) ** 2)


def test_an_unknown_name_lists_the_known(estimated):
    with pytest.raises(ReadingError, match="unknown name 'w': the known names are beta0, beta1, beta2, Sigma11"):
        wald_inference(estimated(), "variance", "0.95").test("w")
